//! Diagnostics as rustc shows them: the code underlined, the reason and the way out below it.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use camino::Utf8Path;

use super::{Diagnostic, Label, Severity};

/// Writes `diagnostics` one after the other, each followed by an empty line, in the order in which they
/// come. `source_of` gives the text of a file as it is on disk, by the path in a label; a place in a
/// file that it does not have is shown by its path alone. `color` adds escape sequences.
///
/// A span that does not fit its text is moved to the nearest place that does: a message that comes
/// too late for the file it is about must still be read.
///
/// # Errors
/// Those of `out`.
pub fn render<'a>(
    diagnostics: impl IntoIterator<Item = &'a Diagnostic>,
    source_of: &dyn Fn(&Utf8Path) -> Option<Arc<str>>,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    for diagnostic in diagnostics {
        let files = files(diagnostic, source_of);
        let report = [group(diagnostic, &files)];
        writeln!(out, "{}\n", renderer.render(&report))?;
    }
    Ok(())
}

/// A file that a diagnostic points into.
struct File<'a> {
    path: &'a Utf8Path,
    /// Without the byte order mark, which is no column; none where it cannot be had.
    text: Option<Arc<str>>,
    /// Length in bytes of the mark that was taken off.
    mark: usize,
    /// Each with whether it is the diagnostic's first one.
    labels: Vec<(bool, &'a Label)>,
}

/// The labels by file, files in the order in which they are first named.
fn files<'a>(
    diagnostic: &'a Diagnostic,
    source_of: &dyn Fn(&Utf8Path) -> Option<Arc<str>>,
) -> Vec<File<'a>> {
    let mut files: Vec<File<'_>> = Vec::new();
    for (index, label) in diagnostic.labels.iter().enumerate() {
        let entry = (index == 0, label);
        if let Some(file) = files.iter_mut().find(|file| file.path == label.file) {
            file.labels.push(entry);
            continue;
        }
        let mut text = source_of(&label.file);
        let mut mark = 0;
        if let Some(bare) = text.as_deref().and_then(|text| text.strip_prefix('\u{feff}')) {
            text = Some(bare.into());
            mark = '\u{feff}'.len_utf8();
        }
        files.push(File { path: &label.file, text, mark, labels: vec![entry] });
    }
    files
}

fn group<'a>(diagnostic: &'a Diagnostic, files: &'a [File<'a>]) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut group = Group::with_title(title).elements(files.iter().flat_map(elements));
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(printable(note)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(printable(help)));
    }
    group
}

/// The snippet of a file with its labels, or what can be said without its text.
fn elements<'a>(file: &'a File<'a>) -> Vec<Element<'a>> {
    let Some(text) = file.text.as_deref() else {
        let mut elements: Vec<Element<'_>> = vec![Origin::path(file.path.as_str()).into()];
        let labels = file.labels.iter().map(|(_, label)| label).filter(|l| !l.text.is_empty());
        elements.extend(labels.map(|label| Level::NOTE.message(printable(&label.text)).into()));
        return elements;
    };
    let mut snippet = Snippet::source(text).path(file.path.as_str());
    for (primary, label) in &file.labels {
        let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let mut annotation = kind.span(fitted(text, &label.span, file.mark));
        if !label.text.is_empty() {
            annotation = annotation.label(printable(&label.text));
        }
        snippet = snippet.annotation(annotation);
    }
    vec![snippet.into()]
}

/// `span`, counted from behind the byte order mark, within `text` and on the borders of characters; the
/// end of the text is the end of its last line.
fn fitted(text: &str, span: &Range<usize>, mark: usize) -> Range<usize> {
    let last = text.trim_end_matches(['\r', '\n']).len();
    let start = span.start.saturating_sub(mark);
    let start = if start >= text.len() { last } else { text.floor_char_boundary(start) };
    let end = text.ceil_char_boundary(span.end.saturating_sub(mark));
    start..end.max(start)
}

/// Text that others wrote (a name, what cargo said) without the controls that would steer a terminal.
fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(steers) { text.replace(steers, "").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(diagnostic: &Diagnostic, files: &[(&str, &str)]) -> String {
        let mut out = Vec::new();
        let source_of = |path: &Utf8Path| {
            files.iter().find(|(name, _)| *name == path).map(|(_, text)| Arc::from(*text))
        };
        render([diagnostic], &source_of, false, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Where `part` stands in `text`.
    fn span(text: &str, part: &str) -> Range<usize> {
        let start = text.find(part).unwrap();
        start..start + part.len()
    }

    #[test]
    fn a_place_a_second_place_reasons_and_help() {
        let api = "//! Orders.\n\npub struct Orders;\n\nimpl Orders {\n    pub fn db(&self) -> &SqlitePool {\n        &self.pool\n    }\n}\n";
        let main = "fn main() {\n    run(orders.db());\n}\n";
        let diagnostic =
            Diagnostic::error("name-behind-the-trait", "`db` reaches the storage of `orders`")
                .at("app/src/main.rs", span(main, "orders.db()"), "called here")
                .at("modules/orders/src/lib.rs", span(api, "db"), "hands out the pool")
                .at("modules/orders/src/lib.rs", span(api, "SqlitePool"), "")
                .note("A connection pool cannot cross a network.")
                .note("The service has a database of its own.")
                .help("offer what the caller needs as an operation of `OrdersApi`");
        let files = [("app/src/main.rs", main), ("modules/orders/src/lib.rs", api)];
        insta::assert_snapshot!(rendered(&diagnostic, &files), @r"
        error[name-behind-the-trait]: `db` reaches the storage of `orders`
         --> app/src/main.rs:2:9
          |
        2 |     run(orders.db());
          |         ^^^^^^^^^^^ called here
          |
         ::: modules/orders/src/lib.rs:6:12
          |
        6 |     pub fn db(&self) -> &SqlitePool {
          |            --            ----------
          |            |
          |            hands out the pool
          |
          = note: A connection pool cannot cross a network.
          = note: The service has a database of its own.
          = help: offer what the caller needs as an operation of `OrdersApi`
        ");
    }

    #[test]
    fn no_place_at_all() {
        let diagnostic =
            Diagnostic::warning("stale-plan", "nothing to point at").help("look\naround");
        insta::assert_snapshot!(rendered(&diagnostic, &[]), @r"
        warning[stale-plan]: nothing to point at
         |
         = help: look
                 around
        ");
    }

    #[test]
    fn a_file_without_a_text_is_named() {
        let diagnostic =
            Diagnostic::error("no-workspace", "it is gone").at("a/b.rs", 3..9, "here").note("n");
        insta::assert_snapshot!(rendered(&diagnostic, &[]), @r"
        error[no-workspace]: it is gone
        --> a/b.rs
         = note: here
         = note: n
        ");
    }

    #[test]
    fn carriage_returns_tabs_and_a_mark_do_not_shift_the_underline() {
        let text = "\u{feff}fn a() {}\r\n\tlet größe = 名前(x);\r\nfn c() {}\r\n";
        let diagnostic = Diagnostic::error("union", "m")
            .at("a.rs", span(text, "fn a"), "first")
            .at("a.rs", span(text, "名前"), "wide")
            .at("a.rs", span(text, "(x);"), "after wide");
        insta::assert_snapshot!(rendered(&diagnostic, &[("a.rs", text)]), @r"
        error[union]: m
         --> a.rs:1:1
          |
        1 | fn a() {}
          | ^^^^ first
        2 |     let größe = 名前(x);
          |                 -------- after wide
          |                 |
          |                 wide
        ");
    }

    #[test]
    fn spans_that_do_not_fit_are_moved_and_nothing_panics() {
        let texts =
            ["", "\n", "a", "é\r\n", "\u{feff}", "\u{feff}é\tx\r\n\r\nlast", "名\n\n\n名\n"];
        for text in texts {
            for start in 0..text.len() + 4 {
                for end in (0..text.len() + 4).chain([usize::MAX]) {
                    let diagnostic = Diagnostic::error("union", "m")
                        .at("a.rs", start..end, "label")
                        .at("a.rs", end..start, "")
                        .at("a.rs", start..start, "empty\nof two lines");
                    let out = rendered(&diagnostic, &[("a.rs", text)]);
                    assert!(out.starts_with("error[union]: m\n"), "{text:?} {start}..{end}: {out}");
                    assert!(out.contains("--> a.rs"), "{text:?} {start}..{end}: {out}");
                }
            }
        }
        let diagnostic = Diagnostic::error("union", "m").at("a.rs", 90..99, "label");
        insta::assert_snapshot!(rendered(&diagnostic, &[("a.rs", "fn a() {}\n")]), @r"
        error[union]: m
         --> a.rs:1:10
          |
        1 | fn a() {}
          |          ^ label
        ");
    }

    #[test]
    fn a_span_of_many_lines() {
        let text = "fn a(\n    b: u8,\n    c: u8,\n    d: u8,\n    e: u8,\n    f: u8,\n) {}\n";
        let diagnostic = Diagnostic::error("union", "m").at("a.rs", 0..text.len() - 1, "all of it");
        insta::assert_snapshot!(rendered(&diagnostic, &[("a.rs", text)]), @r"
        error[union]: m
         --> a.rs:1:1
          |
        1 | / fn a(
        2 | |     b: u8,
        3 | |     c: u8,
        4 | |     d: u8,
        5 | |     e: u8,
        6 | |     f: u8,
        7 | | ) {}
          | |____^ all of it
        ");
    }

    #[test]
    fn names_of_others_do_not_steer_the_terminal() {
        let diagnostic = Diagnostic::error("union", "bad \u{1b}[31mname")
            .at("a.rs", 0..1, "\u{1b}[2J")
            .note("cargo said \u{1b}[1mthis\u{1b}[0m\r");
        let out = rendered(&diagnostic, &[("a.rs", "\u{1b}[31m\n")]);
        assert!(!out.contains('\u{1b}'), "{out:?}");
    }

    #[test]
    fn colour_is_only_added_when_asked_for() {
        let diagnostic = Diagnostic::error("union", "m").at("a.rs", 0..1, "x");
        let mut out = Vec::new();
        render([&diagnostic], &|_| Some("a\n".into()), true, &mut out).unwrap();
        assert!(out.starts_with(b"\x1b["));
    }
}
