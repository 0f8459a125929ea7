//! One file as it was read: its text, and on demand its syntax tree with byte offsets.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use proc_macro2::Span;
use syn::spanned::Spanned;

/// A text file of the workspace.
#[derive(Debug)]
pub struct Source {
    /// The text as it is on disk.
    pub text: Arc<str>,
    /// Bytes before the first token that syn does not see: a byte order mark, a shebang line.
    prefix: usize,
    ast: OnceCell<Result<syn::File, SyntaxError>>,
}

/// Why a file is not Rust.
#[derive(Debug, Clone)]
pub struct SyntaxError {
    /// What the parser says.
    pub message: String,
    /// Where, in bytes of the file on disk.
    pub span: Range<usize>,
}

impl Source {
    pub(super) fn new(text: String) -> Self {
        let prefix = hidden_prefix(&text);
        Self { text: text.into(), prefix, ast: OnceCell::new() }
    }

    /// The syntax tree.
    ///
    /// # Errors
    /// The parser's message and place.
    pub fn ast(&self) -> Result<&syn::File, &SyntaxError> {
        self.ast
            .get_or_init(|| {
                syn::parse_str(&self.text[self.prefix..]).map_err(|error| SyntaxError {
                    message: error.to_string(),
                    span: self.range(error.span()),
                })
            })
            .as_ref()
    }

    /// Bytes of the file on disk that a span of its syntax tree covers.
    pub fn range(&self, span: Span) -> Range<usize> {
        let range = span.byte_range();
        range.start + self.prefix..range.end + self.prefix
    }

    /// Bytes that a node of its syntax tree covers, attributes and doc comments included.
    pub fn range_of(&self, node: &impl Spanned) -> Range<usize> {
        self.range(node.span())
    }
}

fn hidden_prefix(text: &str) -> usize {
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let rest = &text[bom..];
    // `#![` opens an inner attribute, not a shebang.
    if rest.starts_with("#!") && !rest[2..].trim_start().starts_with('[') {
        bom + rest.find('\n').unwrap_or(rest.len())
    } else {
        bom
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_count_bytes_of_the_file_on_disk() {
        for text in
            ["struct Ä;\nstruct B;", "\u{feff}// é\r\nstruct B;", "#!/usr/bin/env x\nstruct B;"]
        {
            let source = Source::new(text.to_owned());
            let file = source.ast().unwrap();
            let last = file.items.last().unwrap();
            assert_eq!(&text[source.range_of(last)], "struct B;");
        }
    }
}
