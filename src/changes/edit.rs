//! Edits of a text by byte span, as values.

use std::ops::Range;

/// Replaces a byte range of a text; an empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// Byte range in the text before any edit.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub replacement: String,
}

impl TextEdit {
    /// Puts `text` before the byte at `offset`.
    pub fn insert(offset: usize, text: impl Into<String>) -> Self {
        Self { range: offset..offset, replacement: text.into() }
    }

    /// Puts `text` in the place of `range`.
    pub fn replace(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, replacement: text.into() }
    }

    /// Takes `range` away.
    pub fn delete(range: Range<usize>) -> Self {
        Self::replace(range, "")
    }
}

/// Adds `new` to `all`, which stays disjoint and sorted. Insertions at one offset keep the order in
/// which they came; an edit that is already there is not added again.
///
/// # Errors
/// The byte offset at which two edits overlap.
pub(super) fn merge(all: &mut Vec<TextEdit>, new: Vec<TextEdit>) -> Result<(), usize> {
    for edit in new {
        if all.contains(&edit) {
            continue;
        }
        let overlaps = |other: &&TextEdit| {
            edit.range.start < other.range.end && other.range.start < edit.range.end
        };
        if let Some(other) = all.iter().find(overlaps) {
            return Err(other.range.start.max(edit.range.start));
        }
        let at = all.partition_point(|other| {
            (other.range.start, other.range.end) <= (edit.range.start, edit.range.end)
        });
        all.insert(at, edit);
    }
    Ok(())
}

/// The text with every edit made. `edits` are disjoint and sorted.
pub(super) fn apply(before: &str, edits: &[TextEdit]) -> String {
    let mut after = String::with_capacity(before.len());
    let mut position = 0;
    for edit in edits {
        after.push_str(&before[position..edit.range.start]);
        after.push_str(&edit.replacement);
        position = edit.range.end;
    }
    after.push_str(&before[position..]);
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_made_in_order_of_position() {
        let mut all = Vec::new();
        merge(&mut all, vec![TextEdit::replace(4..7, "two"), TextEdit::insert(0, "> ")]).unwrap();
        merge(&mut all, vec![TextEdit::delete(3..4)]).unwrap();
        assert_eq!(apply("one 222 three", &all), "> onetwo three");
    }

    #[test]
    fn overlapping_edits_are_a_conflict() {
        let mut all = vec![TextEdit::replace(2..6, "x")];
        assert_eq!(merge(&mut all, vec![TextEdit::insert(4, "y")]), Err(4));
        assert_eq!(merge(&mut all, vec![TextEdit::insert(6, "y")]), Ok(()));
    }
}
