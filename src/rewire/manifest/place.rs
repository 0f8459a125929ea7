//! Where a table that is not there yet is written.
//!
//! New tables go in as text. Handed to `toml_edit`, a new `[features]` would land between
//! `[dependencies]` and the comments that stand above it.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::draft::Draft;
use super::lines;

const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
const TARGETS: [&str; 5] = ["lib", "bin", "example", "test", "bench"];

/// Writes `section`, a header and its lines without a last line end, where a person would look for
/// a table of that path: after the tables that are like it, else at the end of the file.
pub(super) fn as_new_section(
    draft: &mut Draft<'_>,
    document: &Document<String>,
    path: &[&str],
    section: &str,
) {
    let headers = headers(document);
    let like_it = predecessors(path)
        .into_iter()
        .find_map(|is_like| headers.iter().rposition(|header| is_like(&header.path)));
    let next = like_it.and_then(|index| headers.get(index + 1));
    let (text, eol) = (draft.text(), draft.eol());
    // Comments directly above the next header are about that one.
    let bound = match next {
        Some(next) => lines::with_comments_above(text, next.span.start),
        None => text.len(),
    };
    match last_filled(text, bound) {
        Some(at) => {
            let below = &text[lines::after_eol(text, at)..];
            let is_dense = below.lines().next().is_some_and(|line| !line.trim().is_empty());
            let gap = if is_dense { eol } else { "" };
            draft.insert(at, &format!("{eol}{eol}{section}{gap}"));
        }
        None => draft.insert(lines::start(text, 0), &format!("{section}{eol}")),
    }
}

/// Writes `section` above the first table whose path begins with `path`, which only such tables
/// imply so far.
pub(super) fn before_first_below(
    draft: &mut Draft<'_>,
    document: &Document<String>,
    path: &[&str],
    section: &str,
) {
    let first = headers(document).into_iter().find(|header| begins(&header.path, path));
    let (text, eol) = (draft.text(), draft.eol());
    let at = first.map_or(text.len(), |header| lines::with_comments_above(text, header.span.start));
    draft.insert(at, &format!("{section}{eol}{eol}"));
}

/// Byte range of a table under a header: the header and its lines, and one side's blank lines.
pub(super) fn whole_section(
    draft: &Draft<'_>,
    document: &Document<String>,
    header: &Range<usize>,
) -> Range<usize> {
    let text = draft.text();
    let start = lines::start(text, header.start);
    let next = headers(document).into_iter().find(|other| other.span.start > header.start);
    match next {
        // With the blank lines below, so that those above it part its neighbours.
        Some(next) => start..lines::with_comments_above(text, next.span.start),
        None => {
            last_filled(text, start).unwrap_or(start)
                ..last_filled(text, text.len()).unwrap_or(start)
        }
    }
}

struct Header {
    path: Vec<String>,
    span: Range<usize>,
}

/// Every `[header]` and `[[header]]` in order of position.
fn headers(document: &Document<String>) -> Vec<Header> {
    let mut headers = Vec::new();
    collect(document.as_table(), &mut Vec::new(), &mut headers);
    headers.sort_by_key(|header| header.span.start);
    headers
}

fn collect(table: &dyn TableLike, path: &mut Vec<String>, headers: &mut Vec<Header>) {
    for (key, item) in table.iter() {
        path.push(key.to_owned());
        let tables: Vec<_> = match item {
            Item::Table(table) => vec![table],
            Item::ArrayOfTables(tables) => tables.iter().collect(),
            _ => Vec::new(),
        };
        for table in tables {
            if !table.is_dotted() && !table.is_implicit() {
                let span = table.span().expect("parsed headers have spans");
                headers.push(Header { path: path.clone(), span });
            }
            collect(table, path, headers);
        }
        path.pop();
    }
}

type IsLike = Box<dyn Fn(&[String]) -> bool>;

/// What a table of this path stands after, the best first.
fn predecessors(path: &[&str]) -> Vec<IsLike> {
    let one_of = |keys: &'static [&'static str]| -> IsLike {
        Box::new(move |path| keys.contains(&path[0].as_str()))
    };
    let any_dependencies = || -> IsLike {
        Box::new(|path| path[0] == "target" || DEPENDENCIES.contains(&path[0].as_str()))
    };
    let head = || -> Vec<IsLike> {
        vec![one_of(&["package", "lib", "bin", "example", "test", "bench", "features"])]
    };
    let mut all: Vec<IsLike> = match path[0] {
        "workspace" if path.len() > 1 => vec![one_of(&["workspace"])],
        "features" | "target" => vec![any_dependencies()],
        "dependencies" => Vec::new(),
        "dev-dependencies" => vec![one_of(&["dependencies"])],
        "build-dependencies" => vec![one_of(&["dependencies", "dev-dependencies"])],
        target if TARGETS.contains(&target) => {
            let target = target.to_owned();
            let tables: IsLike = Box::new(|path| {
                ["target", "features"].contains(&path[0].as_str())
                    || DEPENDENCIES.contains(&path[0].as_str())
            });
            vec![Box::new(move |path| path[0] == target), one_of(&TARGETS), tables]
        }
        _ => return Vec::new(),
    };
    if path[0] != "workspace" {
        all.extend(head());
    }
    all
}

fn begins(path: &[String], with: &[&str]) -> bool {
    path.len() >= with.len() && path.iter().zip(with).all(|(a, b)| a == b)
}

/// End of the last line that is not blank before `bound`, a line start or the end of the text.
fn last_filled(text: &str, bound: usize) -> Option<usize> {
    if bound == text.len() && !text.ends_with('\n') {
        let last = lines::start(text, bound);
        if !text[last..].trim().is_empty() {
            return Some(bound);
        }
        return lines::last_filled_above(text, last);
    }
    lines::last_filled_above(text, bound)
}
