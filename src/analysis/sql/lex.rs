//! SQLite's own token rules, with byte spans.
//!
//! `sqlparser`'s tokenizer gives lines and columns and refuses some of what SQLite takes; these
//! rules (`tokenize.c`) are short, and never fail.

use std::ops::Range;

/// What a token is. White space is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis) enum Kind {
    /// A bare keyword, identifier or number.
    Word,
    /// An identifier in `"…"`, `` `…` `` or `[…]`.
    Quoted,
    /// A string in `'…'`, which SQLite also takes for an identifier where it expects one.
    Text,
    /// One character of punctuation.
    Symbol,
    /// `-- …` without its line end, or `/* … */`.
    Comment,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis) struct Token {
    pub(in crate::analysis) kind: Kind,
    pub(in crate::analysis) span: Range<usize>,
}

/// The tokens of `text` without comments.
pub(in crate::analysis) fn lex(text: &str) -> Vec<Token> {
    let mut tokens = lex_with_comments(text);
    tokens.retain(|token| token.kind != Kind::Comment);
    tokens
}

/// The tokens of `text`, comments included. An unfinished string or comment ends with the text.
pub(in crate::analysis) fn lex_with_comments(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let (kind, length) = token_at(&text[at..], first);
        if let Some(kind) = kind {
            tokens.push(Token { kind, span: at..at + length });
        }
        at += length;
    }
    tokens
}

/// `name` as an identifier that no keyword can be mistaken for.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Token {
    /// Its text as written.
    pub(in crate::analysis) fn text<'t>(&self, text: &'t str) -> &'t str {
        &text[self.span.clone()]
    }

    /// Whether it is this bare keyword, in any case.
    pub(in crate::analysis) fn is(&self, text: &str, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text(text).eq_ignore_ascii_case(keyword)
    }

    /// Whether it is this character of punctuation.
    pub(in crate::analysis) fn is_symbol(&self, text: &str, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text(text) == symbol
    }

    /// The name that it means where SQLite expects one: without quotes, doubled quotes halved.
    pub(in crate::analysis) fn name(&self, text: &str) -> Option<String> {
        let raw = self.text(text);
        match self.kind {
            Kind::Word => Some(raw.to_owned()),
            Kind::Quoted | Kind::Text => {
                let quote = &raw[..1];
                let inner = raw.get(1..raw.len().max(2) - 1).unwrap_or_default();
                Some(if quote == "[" {
                    inner.to_owned()
                } else {
                    inner.replace(&quote.repeat(2), quote)
                })
            }
            Kind::Symbol | Kind::Comment => None,
        }
    }

    /// Whether it names `name`; SQLite compares ASCII letters without case.
    pub(in crate::analysis) fn names(&self, text: &str, name: &str) -> bool {
        self.name(text).is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

fn token_at(rest: &str, first: char) -> (Option<Kind>, usize) {
    let until = |end: &str| rest.find(end);
    match first {
        // SQLite reads a byte order mark as white space.
        '\u{feff}' => (None, first.len_utf8()),
        ' ' | '\t' | '\n' | '\r' | '\u{c}' => (None, 1),
        '-' if rest.starts_with("--") => (Some(Kind::Comment), until("\n").unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => {
            let end = rest[2..].find("*/").map_or(rest.len(), |end| end + 4);
            (Some(Kind::Comment), end)
        }
        '\'' => (Some(Kind::Text), quoted(rest, '\'')),
        '"' | '`' => (Some(Kind::Quoted), quoted(rest, first)),
        '[' => (Some(Kind::Quoted), until("]").map_or(rest.len(), |end| end + 1)),
        _ if is_word(first) => {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            (Some(Kind::Word), end)
        }
        _ => (Some(Kind::Symbol), first.len_utf8()),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || (!c.is_ascii() && c != '\u{feff}')
}

/// The length of a quoted token; a doubled quote does not end it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        lex(text).iter().filter_map(|token| token.name(text)).collect()
    }

    #[test]
    fn quotes_comments_and_marks() {
        let text = "\u{feff}a \"b\"\"c\" [d ]] `e``` 'f''g' -- x ; y\n/* ( */ é";
        assert_eq!(names(text), ["a", "b\"c", "d ", "e`", "f'g", "é"]);
    }

    #[test]
    fn unfinished_tokens_end_with_the_text() {
        for text in ["'abc", "\"", "[x", "/* x", "--", "'"] {
            assert_eq!(lex_with_comments(text)[0].span, 0..text.len());
            lex_with_comments(text)[0].name(text);
        }
    }
}
