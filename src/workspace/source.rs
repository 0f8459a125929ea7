//! One file as it was read: its text, and on demand its syntax tree with byte offsets.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;

/// A text file of the workspace.
#[derive(Debug)]
pub struct Source {
    /// The text as it is on disk; of a file that is not UTF-8, with a mark for each byte that is not.
    pub text: Arc<str>,
    /// Bytes before the first token that syn does not see: a byte order mark, a shebang line.
    prefix: usize,
    ast: OnceCell<Result<syn::File, SyntaxError>>,
    is_utf8: bool,
}

/// Why a file is not Rust.
#[derive(Debug, Clone)]
pub struct SyntaxError {
    /// What the parser says.
    pub message: String,
    /// Where, in bytes of the file on disk.
    pub span: Range<usize>,
}

/// What a file says, as one thread may pass it to another.
pub(super) struct Text {
    /// What can be shown of it.
    pub(super) text: Arc<str>,
    /// From which byte on it is not UTF-8, if there is one.
    pub(super) broken: Option<usize>,
}

impl From<Text> for Source {
    fn from(Text { text, broken }: Text) -> Self {
        let Some(from) = broken else {
            let prefix = hidden_prefix(&text);
            return Self { text, prefix, ast: OnceCell::new(), is_utf8: true };
        };
        let span = from..from + char::REPLACEMENT_CHARACTER.len_utf8();
        let error = SyntaxError { message: "this is not UTF-8".to_owned(), span };
        Self { text, prefix: 0, ast: OnceCell::from(Err(error)), is_utf8: false }
    }
}

impl Source {
    /// Whether its text is what is on disk.
    pub fn is_utf8(&self) -> bool {
        self.is_utf8
    }

    /// The syntax tree.
    ///
    /// # Errors
    /// The parser's message and place.
    pub fn ast(&self) -> Result<&syn::File, &SyntaxError> {
        self.ast
            .get_or_init(|| {
                syn::parse_str(&self.text[self.prefix..]).map_err(|error| {
                    let span = self.range(error.span());
                    // What the tokenizer says: it names its own types, and knows no more than the place.
                    let message = match error.to_string() {
                        lexical if lexical.contains("token stream") => self.no_token(span.start),
                        parsed => parsed,
                    };
                    SyntaxError { message, span }
                })
            })
            .as_ref()
    }

    /// Whether its syntax tree was asked for.
    pub(super) fn is_parsed(&self) -> bool {
        self.ast.get().is_some()
    }

    /// Why the tokenizer stopped at a byte.
    fn no_token(&self, at: usize) -> String {
        match self.text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(open @ ('{' | '(' | '[')) => format!("this `{open}` is never closed"),
            Some(close @ ('}' | ')' | ']')) => {
                format!("this `{close}` does not match what is open")
            }
            Some('"' | '\'') => "this text is never closed".to_owned(),
            _ => "not a token of Rust".to_owned(),
        }
    }

    /// Where its comments are, in order, those that are documentation included; none if it is not Rust.
    pub fn comments(&self) -> Vec<Range<usize>> {
        let Ok(ast) = self.ast() else { return Vec::new() };
        let mut found = Vec::new();
        let mut end = 0;
        let mut between = |token: Range<usize>| {
            let gap = end..token.start.max(end);
            end = token.end.max(end);
            if self.is_comment(&token) {
                found.push(gap.start..token.end);
            } else if self
                .text
                .get(gap.clone())
                .is_some_and(|gap| gap.trim_start().starts_with('/'))
            {
                found.push(gap);
            }
        };
        self.each_token(ast.to_token_stream(), &mut between);
        between(self.text.len()..self.text.len());
        found
    }

    /// The places of a text in the code, comments left out, in order.
    pub fn places_of<'s>(&'s self, text: &'s str) -> impl Iterator<Item = usize> + 's {
        let mut comments = None;
        self.text.match_indices(text).map(|(at, _)| at).filter(move |at| {
            let comments = comments.get_or_insert_with(|| self.comments());
            !comments.iter().any(|comment| comment.contains(at))
        })
    }

    /// Whether its code has a word that is no part of a longer name.
    pub fn names(&self, word: &str) -> bool {
        self.places_of(word).any(|at| is_whole(&self.text, at, word))
    }

    /// Whether a token was made of a comment: of documentation.
    fn is_comment(&self, token: &Range<usize>) -> bool {
        self.text
            .get(token.clone())
            .is_some_and(|text| text.starts_with("//") || text.starts_with("/*"))
    }

    /// The places of all tokens in order; those of a comment that is documentation all have its own.
    fn each_token(&self, tokens: TokenStream, each: &mut impl FnMut(Range<usize>)) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    each(self.range(group.span_open()));
                    self.each_token(group.stream(), each);
                    each(self.range(group.span_close()));
                }
                token => each(self.range(token.span())),
            }
        }
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

/// The line of a byte of a text, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Whether a text has a word that is no part of a longer name.
pub fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| is_whole(text, at, word))
}

/// Whether a word at a place is no part of a longer name.
fn is_whole(text: &str, at: usize, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part)
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

    fn source_of(text: &str) -> Source {
        Text { text: text.into(), broken: None }.into()
    }

    #[test]
    fn spans_count_bytes_of_the_file_on_disk() {
        for text in
            ["struct Ä;\nstruct B;", "\u{feff}// é\r\nstruct B;", "#!/usr/bin/env x\nstruct B;"]
        {
            let source = source_of(text);
            let file = source.ast().unwrap();
            let last = file.items.last().unwrap();
            assert_eq!(&text[source.range_of(last)], "struct B;");
        }
    }

    #[test]
    fn comments_are_told_from_code() {
        let text = "//! a\n// b\nconst C: &str = \"// no\"; // d\n/** e\n f */\nfn g() { /* h */ }\n// i\n";
        let source = source_of(text);
        let found = source.comments().into_iter().map(|range| text[range].trim());
        let found: Vec<&str> = found.filter(|text| !text.is_empty()).collect();
        assert_eq!(found, ["//! a", "// b", "// d\n/** e\n f */", "/* h */", "// i"]);
        assert!(source_of("fn (").comments().is_empty());
    }

    #[test]
    fn a_syntax_error_says_what_is_wrong_there() {
        for (text, at, message) in [
            ("struct A {\n", "{", "this `{` is never closed"),
            ("fn f() { g(1 }\n", "}", "this `}` does not match what is open"),
            ("fn f() {}\n}\n", "}\n", "this `}` does not match what is open"),
            ("const A: &str = \"x;\n", "\"", "this text is never closed"),
            ("fn f( -> u8 {}\n", "(", "this `(` is never closed"),
        ] {
            let source = source_of(text);
            let error = source.ast().unwrap_err();
            assert_eq!(error.message, message, "{text}");
            assert!(text[error.span.start..].starts_with(at), "{text}: {:?}", error.span);
        }
    }
}
