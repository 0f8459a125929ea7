//! One more string in an array, in the array's own style.

use std::ops::Range;

use toml_edit::{Array, Document, Value};

use super::draft::Draft;
use super::lines;
use crate::diagnostic::Result;

/// Adds each of `values` that the array lacks. `find` gets the array out of a document in which it
/// is known to stand.
///
/// # Errors
/// When the manifest cannot be parsed.
pub(super) fn add<S: AsRef<str>>(
    draft: &mut Draft<'_>,
    find: impl Fn(&Document<String>) -> Option<&Array>,
    values: &[S],
) -> Result<()> {
    for value in values.iter().map(AsRef::as_ref) {
        let document = draft.parse()?;
        if let Some(array) = find(&document)
            && !array.iter().any(|item| item.as_str() == Some(value))
        {
            insert(draft, array, value, None);
        }
    }
    Ok(())
}

/// Adds one string: in its place where the array is sorted, else after `neighbour`, else last.
/// White space and quotes are those of the strings around it.
pub(super) fn insert(draft: &mut Draft<'_>, array: &Array, value: &str, neighbour: Option<&str>) {
    let items: Vec<(&str, Range<usize>)> = array
        .iter()
        .map(|item| {
            let span = item.span().expect("parsed values have spans");
            (item.as_str().unwrap_or_default(), span)
        })
        .collect();
    let text = draft.text();
    let quoted = quoted_like(items.first().map(|(_, span)| &text[span.clone()]), value);
    let spans: Vec<Range<usize>> = items.iter().map(|(_, span)| span.clone()).collect();
    match index(&items, value, neighbour) {
        _ if items.is_empty() => {
            insert_only(draft, array.span().expect("parsed arrays have spans"), &quoted);
        }
        0 => insert_first(draft, &spans, &quoted),
        index => insert_after(draft, &spans, index - 1, &quoted),
    }
}

fn index(items: &[(&str, Range<usize>)], value: &str, neighbour: Option<&str>) -> usize {
    // One string alone is sorted by chance.
    if items.len() > 1 && items.is_sorted_by_key(|(item, _)| *item) {
        return items.partition_point(|(item, _)| *item < value);
    }
    let after = items.iter().position(|(item, _)| Some(*item) == neighbour);
    after.map_or(items.len(), |index| index + 1)
}

fn quoted_like(neighbour: Option<&str>, value: &str) -> String {
    let literal = format!("'{value}'");
    match neighbour {
        Some(text) if text.starts_with('\'') && literal.parse::<Value>().is_ok() => literal,
        _ => Value::from(value).to_string(),
    }
}

fn insert_only(draft: &mut Draft<'_>, brackets: Range<usize>, quoted: &str) {
    let (text, eol) = (draft.text(), draft.eol());
    let inside = brackets.start + 1..brackets.end - 1;
    if text[inside.clone()].contains('\n') && lines::is_first(text, inside.end) {
        let indent = lines::indent(text, inside.end);
        let line = format!("{indent}    {quoted},{eol}");
        draft.insert(lines::start(text, inside.end), &line);
    } else if text[inside.clone()].trim().is_empty() {
        draft.splice(inside, quoted);
    } else {
        draft.insert(inside.end, quoted);
    }
}

fn insert_first(draft: &mut Draft<'_>, items: &[Range<usize>], quoted: &str) {
    let (text, eol) = (draft.text(), draft.eol());
    let first = items[0].start;
    if lines::is_first(text, first) {
        let line = format!("{}{quoted},{eol}", lines::indent(text, first));
        draft.insert(lines::with_comments_above(text, first), &line);
    } else {
        let separator = separator(text, items, 0);
        draft.insert(first, &format!("{quoted}{separator}"));
    }
}

fn insert_after(draft: &mut Draft<'_>, items: &[Range<usize>], index: usize, quoted: &str) {
    let (text, eol) = (draft.text(), draft.eol());
    let item = &items[index];
    let line_end = lines::end(text, item.end);
    let rest = text[item.end..line_end].trim_start();
    let (has_comma, rest) = match rest.strip_prefix(',') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, rest),
    };
    let is_last = index + 1 == items.len();
    let owns_line = lines::is_first(text, item.start) && (rest.is_empty() || rest.starts_with('#'));
    if owns_line && (has_comma || is_last) {
        // A comment on the line stays with the string it is about.
        let indent = lines::indent(text, item.start).to_owned();
        let comma = if has_comma { "," } else { "" };
        draft.insert(line_end, &format!("{eol}{indent}{quoted}{comma}"));
        if !has_comma {
            draft.insert(item.end, ",");
        }
    } else {
        let separator = separator(text, items, index);
        draft.insert(item.end, &format!("{separator}{quoted}"));
    }
}

/// What parts two strings here: a comma and white space, copied from beside the string at `index`.
fn separator(text: &str, items: &[Range<usize>], index: usize) -> String {
    let pair = if index > 0 { items.get(index - 1..=index) } else { items.get(..2) };
    match pair.map(|pair| &text[pair[0].end..pair[1].start]) {
        Some(between) if !between.contains('#') && between.matches('\n').count() < 2 => {
            between.to_owned()
        }
        _ => ", ".to_owned(),
    }
}
