//! A text that is changed step by step while it is known which bytes are still the old ones.
//!
//! One change of a manifest can build upon another (a feature goes into a table that was created a
//! moment ago), so each step parses what the step before it left. The pieces turn the whole back
//! into edits of the text on disk.

use std::ops::Range;

use camino::Utf8Path;
use toml_edit::Document;

use crate::changes::TextEdit;
use crate::diagnostic::{Diagnostic, Result};

/// A manifest on its way from what it says to what it shall say.
pub(super) struct Draft<'a> {
    file: &'a Utf8Path,
    text: String,
    original_len: usize,
    pieces: Vec<Piece>,
}

/// A part of the text; empty ones are harmless.
enum Piece {
    Kept(Range<usize>),
    New(String),
}

impl<'a> Draft<'a> {
    pub(super) fn new(file: &'a Utf8Path, text: &str) -> Self {
        let pieces = vec![Piece::Kept(0..text.len())];
        Self { file, text: text.to_owned(), original_len: text.len(), pieces }
    }

    /// The text as it stands now.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The document as it stands now; its spans are byte ranges of [`text`](Self::text).
    ///
    /// # Errors
    /// `invalid-manifest` when it is not TOML.
    pub(super) fn parse(&self) -> Result<Document<String>> {
        Document::parse(self.text.clone()).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let what = error.message().lines().next().unwrap_or_default();
            Diagnostic::error("invalid-manifest", format!("`{}` is not valid TOML", self.file))
                .at(self.file, self.origin(span), what)
                .into()
        })
    }

    /// Puts `new` in the place of a byte range of the present text.
    pub(super) fn splice(&mut self, range: Range<usize>, new: &str) {
        let first = self.split(range.start);
        let last = self.split(range.end);
        self.pieces.splice(first..last, [Piece::New(new.to_owned())]);
        self.text.replace_range(range, new);
    }

    /// Puts `new` before a byte of the present text.
    pub(super) fn insert(&mut self, at: usize, new: &str) {
        self.splice(at..at, new);
    }

    /// An error about a byte range of the present text.
    pub(super) fn error(
        &self,
        code: &'static str,
        message: impl Into<String>,
        span: Option<Range<usize>>,
        label: &str,
    ) -> Box<Diagnostic> {
        Diagnostic::error(code, message)
            .at(self.file, self.origin(span.unwrap_or(0..0)), label)
            .into()
    }

    /// A warning about a byte range of the present text.
    pub(super) fn warning(
        &self,
        code: &'static str,
        message: impl Into<String>,
        span: Option<Range<usize>>,
        label: &str,
    ) -> Diagnostic {
        Diagnostic::warning(code, message).at(self.file, self.origin(span.unwrap_or(0..0)), label)
    }

    /// The line end that the file uses.
    pub(super) fn eol(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    /// The edits that make the present text out of the one on disk; disjoint and sorted.
    pub(super) fn into_edits(self) -> Vec<TextEdit> {
        let mut edits = Vec::new();
        let mut position = 0;
        let mut pending = String::new();
        let end = Piece::Kept(self.original_len..self.original_len);
        for piece in self.pieces.into_iter().chain([end]) {
            match piece {
                Piece::New(text) => pending.push_str(&text),
                Piece::Kept(range) => {
                    if range.start > position || !pending.is_empty() {
                        let new = std::mem::take(&mut pending);
                        edits.push(TextEdit::replace(position..range.start, new));
                    }
                    position = range.end;
                }
            }
        }
        edits
    }

    /// The byte range on disk that a range of the present text came from.
    fn origin(&self, range: Range<usize>) -> Range<usize> {
        self.original_offset(range.start)..self.original_offset(range.end)
    }

    /// What is new has no place on disk: it is where the text before it ends.
    fn original_offset(&self, offset: usize) -> usize {
        let (mut position, mut last) = (0, 0);
        for piece in &self.pieces {
            let len = piece.len();
            if let Piece::Kept(range) = piece {
                if offset <= position + len {
                    return range.start + offset.saturating_sub(position);
                }
                last = range.end;
            } else if offset < position + len {
                return last;
            }
            position += len;
        }
        last
    }

    /// Cuts the pieces at a byte of the present text; the index of the piece that starts there.
    fn split(&mut self, offset: usize) -> usize {
        let mut position = 0;
        for index in 0..self.pieces.len() {
            if position == offset {
                return index;
            }
            let len = self.pieces[index].len();
            if offset < position + len {
                let tail = self.pieces[index].split_off(offset - position);
                self.pieces.insert(index + 1, tail);
                return index + 1;
            }
            position += len;
        }
        self.pieces.len()
    }
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Kept(range) => range.len(),
            Self::New(text) => text.len(),
        }
    }

    fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Kept(range) => {
                let tail = range.start + at..range.end;
                range.end = tail.start;
                Self::Kept(tail)
            }
            Self::New(text) => Self::New(text.split_off(at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_become_edits_of_the_text_on_disk() {
        let mut draft = Draft::new("Cargo.toml".into(), "a = 1\nb = 2\n");
        draft.insert(6, "x = 9\n");
        draft.splice(10..11, "7");
        draft.splice(0..1, "");
        assert_eq!(draft.text(), " = 1\nx = 7\nb = 2\n");
        assert_eq!(draft.origin(11..16), 6..11);
        let edits = draft.into_edits();
        assert_eq!(edits, [TextEdit::delete(0..1), TextEdit::insert(6, "x = 7\n")]);
    }
}
