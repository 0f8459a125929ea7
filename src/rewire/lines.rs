//! Takes whole statements and items away, with the comments and blank lines that were theirs.

use std::ops::Range;

/// The ranges to delete so that `gone` leaves no trace: whole lines where nothing else stands on them,
/// comments directly above, and one of two blank lines that would meet.
///
/// Where one of `inserted` offsets touches a range, something new stands there, and the blank lines
/// around it stay.
pub(super) fn without(text: &str, gone: &[Range<usize>], inserted: &[usize]) -> Vec<Range<usize>> {
    let mut gone = gone.to_vec();
    gone.sort_by_key(|range| range.start);
    let mut deleted: Vec<Range<usize>> = Vec::new();
    for range in &gone {
        let next = with_lines(text, range);
        match deleted.last_mut() {
            Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
            _ => deleted.push(next),
        }
    }
    let close_up = |range: Range<usize>| {
        if inserted.iter().any(|at| range.start <= *at && *at <= range.end) {
            range
        } else {
            without_double_blank(text, range)
        }
    };
    deleted.into_iter().map(close_up).collect()
}

fn with_lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let line_start = start_of_line(text, range.start);
    let line_end = end_of_line(text, range.end);
    let after = text[range.end..line_end].trim();
    if !text[line_start..range.start].trim().is_empty()
        || !(after.is_empty() || after.starts_with("//"))
    {
        // Something else stands on the line; one space goes along.
        let space = usize::from(text[range.end..].starts_with(' '));
        return range.start..range.end + space;
    }
    let mut start = line_start;
    let mut above = line_start;
    while above > 0 {
        let previous = start_of_line(text, above - 1);
        if !is_plain_comment(&text[previous..above]) {
            break;
        }
        above = previous;
    }
    if above < start && !heads_a_group(&text[range.clone()], &text[line_end..]) {
        start = above;
    }
    start..line_end
}

/// A comment that is no documentation of something inside.
fn is_plain_comment(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("//") && !line.starts_with("//!")
}

/// Whether the comment above a statement speaks of the next one as well: the same call follows.
fn heads_a_group(statement: &str, below: &str) -> bool {
    let called = |text: &str| {
        let head = text.split('(').next().unwrap_or_default();
        head.rsplit("::").next().map(|name| name.trim().to_owned()).filter(|n| !n.is_empty())
    };
    let next = below.lines().next().unwrap_or_default();
    next.contains("::") && statement.contains("::") && called(next) == called(statement)
}

fn without_double_blank(text: &str, range: Range<usize>) -> Range<usize> {
    if range.start != start_of_line(text, range.start) || !text[..range.end].ends_with('\n') {
        return range;
    }
    let above = (range.start > 0).then(|| &text[start_of_line(text, range.start - 1)..range.start]);
    let below_end = end_of_line(text, range.end);
    let below = &text[range.end..below_end];
    let opens = above.is_none_or(|line| line.trim_end().ends_with(['{', '(', '[']));
    let blank = |line: &str| line.trim().is_empty();
    if blank(below) && below_end > range.end && (opens || above.is_some_and(blank)) {
        return range.start..below_end;
    }
    if (below.trim_start().starts_with('}') || range.end == text.len())
        && let Some(line) = above
        && blank(line)
    {
        return range.start - line.len()..range.end;
    }
    range
}

pub(super) fn start_of_line(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The first byte of the next line.
pub(super) fn end_of_line(text: &str, at: usize) -> usize {
    // A range can end with its newline already.
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str, gone: &[&str]) -> String {
        let ranges: Vec<_> = gone
            .iter()
            .map(|piece| {
                let start = text.find(piece).unwrap();
                start..start + piece.len()
            })
            .collect();
        let mut result = text.to_owned();
        for range in without(text, &ranges, &[]).into_iter().rev() {
            result.replace_range(range, "");
        }
        result
    }

    #[test]
    fn comments_above_go_and_blank_lines_do_not_meet() {
        let text = "{\n    a();\n\n    // About b.\n    b();\n\n    c();\n}\n";
        assert_eq!(left(text, &["b();"]), "{\n    a();\n\n    c();\n}\n");
        assert_eq!(left(text, &["a();", "b();"]), "{\n    c();\n}\n");
        assert_eq!(left(text, &["c();"]), "{\n    a();\n\n    // About b.\n    b();\n}\n");
    }

    #[test]
    fn a_comment_over_several_calls_stays() {
        let text = "{\n    // All tables.\n    a::migrate(&p);\n    b::migrate(&p);\n}\n";
        assert_eq!(
            left(text, &["a::migrate(&p);"]),
            "{\n    // All tables.\n    b::migrate(&p);\n}\n"
        );
    }
}
