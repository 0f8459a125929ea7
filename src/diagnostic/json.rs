//! A diagnostic as data: what a program is given in the place of a picture.

use std::sync::Arc;

use camino::Utf8Path;
use serde::Serialize;

use super::{Diagnostic, Label, Severity, render};

/// A diagnostic with its places worked out.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    /// As in [`Diagnostic`].
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// As in [`Diagnostic`].
    pub message: &'a str,
    /// The places, the one to look at first.
    pub spans: Vec<Span<'a>>,
    /// Why it is so.
    pub notes: &'a [String],
    /// What to do next.
    pub help: Option<&'a str>,
    /// What a person would have been shown, without colours.
    pub rendered: String,
}

/// A place.
#[derive(Debug, Serialize)]
pub struct Span<'a> {
    /// Path of the file, relative to the workspace root.
    pub file: &'a Utf8Path,
    /// Byte at which it begins, in the file as it is on disk.
    pub byte_start: usize,
    /// Byte before which it ends.
    pub byte_end: usize,
    /// Where it begins; none where the file cannot be had.
    pub start: Option<Position>,
    /// Where it ends.
    pub end: Option<Position>,
    /// What is said about it; may be empty.
    pub label: &'a str,
}

/// A place between two characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1; a byte order mark is none.
    pub column: usize,
}

impl<'a> Message<'a> {
    /// Works out the places of a diagnostic; `source_of` as for [`render`].
    pub fn of(
        diagnostic: &'a Diagnostic,
        source_of: &dyn Fn(&Utf8Path) -> Option<Arc<str>>,
    ) -> Self {
        let mut rendered = Vec::new();
        // A vector takes everything.
        let _ = render([diagnostic], source_of, false, &mut rendered);
        Self {
            code: diagnostic.code,
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            },
            message: &diagnostic.message,
            spans: diagnostic.labels.iter().map(|label| span(label, source_of)).collect(),
            notes: &diagnostic.notes,
            help: diagnostic.help.as_deref(),
            rendered: String::from_utf8_lossy(&rendered).trim_end().to_owned(),
        }
    }
}

fn span<'a>(label: &'a Label, source_of: &dyn Fn(&Utf8Path) -> Option<Arc<str>>) -> Span<'a> {
    let text = source_of(&label.file);
    let position = |byte: usize| text.as_deref().map(|text| position(text, byte));
    Span {
        file: &label.file,
        byte_start: label.span.start,
        byte_end: label.span.end.max(label.span.start),
        start: position(label.span.start),
        end: position(label.span.end.max(label.span.start)),
        label: &label.text,
    }
}

/// Where a byte of a text is; one that is too late is at its end.
fn position(text: &str, byte: usize) -> Position {
    let before = &text[..text.floor_char_boundary(byte.min(text.len()))];
    let line = before.rsplit('\n').next().unwrap_or_default();
    Position {
        line: before.matches('\n').count() + 1,
        column: line.trim_start_matches('\u{feff}').chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters_without_the_mark() {
        let text = "\u{feff}fn a() {}\r\n\tlet größe = 1;\r\n";
        let at = |part: &str| position(text, text.find(part).unwrap());
        assert_eq!(at("fn"), Position { line: 1, column: 1 });
        assert_eq!(at("= 1"), Position { line: 2, column: 12 });
        assert_eq!(position(text, 0), Position { line: 1, column: 1 });
        assert_eq!(position(text, 999), Position { line: 3, column: 1 });
    }

    #[test]
    fn a_message_has_everything_that_the_picture_has() {
        let diagnostic = Diagnostic::error("union", "no")
            .at("a.rs", 3..4, "here")
            .at("gone.rs", 0..2, "")
            .note("why")
            .help("what");
        let source = |path: &Utf8Path| (path == "a.rs").then(|| Arc::from("fn a() {}\n"));
        let message = Message::of(&diagnostic, &source);
        let json = serde_json::to_value(&message).unwrap();
        let expected = serde_json::json!({
            "code": "union",
            "severity": "error",
            "message": "no",
            "spans": [
                {
                    "file": "a.rs", "byte_start": 3, "byte_end": 4, "label": "here",
                    "start": { "line": 1, "column": 4 }, "end": { "line": 1, "column": 5 },
                },
                {
                    "file": "gone.rs", "byte_start": 0, "byte_end": 2, "label": "",
                    "start": null, "end": null,
                },
            ],
            "notes": ["why"],
            "help": "what",
            "rendered": message.rendered,
        });
        assert_eq!(json, expected);
        assert!(message.rendered.starts_with("error[union]: no\n"), "{}", message.rendered);
    }
}
