//! Where lines begin and end.

use std::ops::Range;

/// Offset of the first byte of the line that holds `offset`, after a byte order mark.
pub(super) fn start(text: &str, offset: usize) -> usize {
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    text[..offset].rfind('\n').map_or(bom, |newline| newline + 1)
}

/// Offset at which the line that holds `offset` ends, before its line end.
pub(super) fn end(text: &str, offset: usize) -> usize {
    match text[offset..].find('\n').map(|length| offset + length) {
        Some(newline) if newline > offset && text[..newline].ends_with('\r') => newline - 1,
        Some(newline) => newline,
        None => text.len(),
    }
}

/// Offset after the line end that starts at `offset`, or `offset` at the end of the text.
pub(super) fn after_eol(text: &str, offset: usize) -> usize {
    let rest = &text[offset..];
    offset + if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) }
}

/// The white space at the head of the line that holds `offset`.
pub(super) fn indent(text: &str, offset: usize) -> &str {
    let start = start(text, offset);
    let line = &text[start..end(text, start)];
    &line[..line.len() - line.trim_start().len()]
}

/// Whether nothing but white space stands before `offset` on its line.
pub(super) fn is_first(text: &str, offset: usize) -> bool {
    text[start(text, offset)..offset].trim().is_empty()
}

/// Start of the block of comment lines directly above the line of `offset`, or of that line.
pub(super) fn with_comments_above(text: &str, offset: usize) -> usize {
    let mut first = start(text, offset);
    while let Some(line) = line_above(text, first) {
        if !text[line.clone()].trim_start().starts_with('#') {
            break;
        }
        first = line.start;
    }
    first
}

/// End of the last line above the line start `offset` that is not blank; `None` if all are.
pub(super) fn last_filled_above(text: &str, offset: usize) -> Option<usize> {
    let mut first = offset;
    while let Some(line) = line_above(text, first) {
        if !text[line.clone()].trim().is_empty() {
            return Some(line.end);
        }
        first = line.start;
    }
    None
}

/// The line above the line that starts at `start`, without its line end.
fn line_above(text: &str, line_start: usize) -> Option<Range<usize>> {
    let above = text[..line_start].strip_suffix('\n')?;
    let first = start(text, above.len());
    Some(first..end(text, first))
}
