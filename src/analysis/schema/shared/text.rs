//! A file without some of its statements, byte for byte.

use std::ops::Range;

use crate::analysis::sql::{Kind, lex_with_comments};

/// The kept statements of a file with the comments that stand before them and behind them on their
/// line; what heads the file stays.
pub(super) fn part_of(
    text: &str,
    spans: &[(Range<usize>, bool)],
    clauses: &[Range<usize>],
    marked: bool,
) -> String {
    let mut out = String::new();
    let ends: Vec<usize> = spans.iter().map(|(span, _)| chunk_end(text, span.end)).collect();
    let first = spans.first().map_or(text.len(), |(span, _)| span.start);
    let head = head_of(&text[..first], marked);
    out.push_str(&text[..head]);
    let mut start = head;
    // An empty line that stood somewhere between two kept statements stays between them, once.
    let mut gap = false;
    for ((_, keep), end) in spans.iter().zip(&ends) {
        let chunk = &text[start..*end];
        let bare = chunk.trim_start_matches(['\r', '\n']);
        gap |= bare.len() < chunk.len();
        if *keep {
            if gap && !out.is_empty() && !out.ends_with("\n\n") && !out.ends_with("\n\r\n") {
                out.push_str(if text.contains("\r\n") { "\r\n" } else { "\n" });
            }
            gap = false;
            out.push_str(&without(text, *end - bare.len()..*end, clauses));
        }
        start = *end;
    }
    if spans.last().is_some_and(|(_, keep)| *keep) {
        out.push_str(&text[start..]);
    }
    out
}

/// A file where what is not kept is blank, so that places stay what they are.
pub(super) fn blanked(
    text: &str,
    spans: &[(Range<usize>, bool)],
    clauses: &[Range<usize>],
) -> String {
    let gone = |at: usize| {
        spans.iter().any(|(span, keep)| !keep && span.contains(&at))
            || clauses.iter().any(|clause| clause.contains(&at))
    };
    let mut bytes = text.as_bytes().to_vec();
    for (at, byte) in bytes.iter_mut().enumerate() {
        if gone(at) && *byte != b'\n' {
            *byte = b' ';
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

fn without(text: &str, range: Range<usize>, clauses: &[Range<usize>]) -> String {
    let mut out = String::new();
    let mut at = range.start;
    for clause in clauses.iter().filter(|c| range.start <= c.start && c.end <= range.end) {
        out.push_str(&text[at..clause.start]);
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if out.ends_with(word) && text[clause.end..].starts_with(word) {
            out.push(' ');
        }
        at = clause.end;
    }
    out.push_str(&text[at..range.end]);
    out
}

/// Where a statement's chunk ends: behind its semicolon, the comment behind that, and the line end.
fn chunk_end(text: &str, end: usize) -> usize {
    let mut at = end;
    let mut semicolon = false;
    for token in lex_with_comments(&text[end..]) {
        let (start, stop) = (end + token.span.start, end + token.span.end);
        let same_line = !text[at..start].contains('\n');
        match token.kind {
            Kind::Comment if semicolon && (!same_line || text[start..stop].contains('\n')) => break,
            Kind::Comment => at = stop,
            _ if !semicolon && token.is_symbol(&text[end..], ";") => {
                semicolon = true;
                at = stop;
            }
            _ => break,
        }
    }
    let rest = &text[at..];
    let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
    if rest[blank..].starts_with('\n') { at + blank + 1 } else { at }
}

/// Where what heads a file ends: behind its first comment, if an empty line follows; or its marker.
fn head_of(before: &str, marked: bool) -> usize {
    let line = |at: usize| before[at..].find('\n').map_or(before.len(), |end| at + end + 1);
    let mut at = if marked { line(0) } else { 0 };
    let mut probe = at;
    while probe < before.len() {
        let end = line(probe);
        if before[probe..end].trim().is_empty() {
            // Only what a comment stands before is a head.
            if !before[..probe].trim().is_empty() {
                at = end;
            }
            break;
        }
        probe = end;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::sql::statements;

    fn part(text: &str, keep: &[usize]) -> String {
        let spans = statements(text);
        let spans: Vec<_> =
            spans.into_iter().enumerate().map(|(at, span)| (span, keep.contains(&at))).collect();
        part_of(text, &spans, &[], text.starts_with("-- no-transaction"))
    }

    #[test]
    fn comments_go_with_their_statement_and_the_head_stays() {
        let text = "-- What this is; both.\n\n-- a; first\nA 1; -- behind; a\n\n/* b */\nB ';';\n-- c\nC 3";
        assert_eq!(part(text, &[0]), "-- What this is; both.\n\n-- a; first\nA 1; -- behind; a\n");
        assert_eq!(part(text, &[1]), "-- What this is; both.\n\n/* b */\nB ';';\n");
        assert_eq!(part(text, &[0, 1, 2]), text);
        assert_eq!(part("A;\r\n\r\nB;\r\n", &[1]), "B;\r\n");
        assert_eq!(part("A;\n\nB;\nC;\n", &[0, 2]), "A;\n\nC;\n");
        let text = "-- no-transaction\nPRAGMA x; A; B;\n";
        assert_eq!(part(text, &[0, 2]), "-- no-transaction\nPRAGMA x; B;\n");
    }

    #[test]
    fn a_blank_keeps_every_place() {
        let text = "A 'é\n'; B;";
        let spans: Vec<_> = statements(text).into_iter().zip([false, true]).collect();
        assert_eq!(blanked(text, &spans, &[]), "     \n ; B;");
    }
}
