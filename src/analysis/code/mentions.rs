//! Every path that a piece of code mentions, macro calls and attributes included: taken from the
//! tokens, since syn does not look into macros.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

/// A path as it is written: `a::b::C`, or a single name.
#[derive(Debug, Clone)]
pub struct Mention {
    /// Whether it starts with `::`.
    pub global: bool,
    /// Its names, at least one.
    pub segments: Vec<Segment>,
}

/// One name of a path.
#[derive(Debug, Clone)]
pub struct Segment {
    /// The name, without `r#`.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

impl Mention {
    /// Its names.
    pub fn names(&self) -> Vec<String> {
        self.segments.iter().map(|s| s.name.clone()).collect()
    }
}

/// The paths in `tokens`, in order. Fields, methods, lifetimes and the rest of a path behind
/// generic arguments (`Vec::<T>::new`) are not mentions. Strings inside attributes that read as
/// paths (`#[serde(with = "a::b")]`) are, those of documentation left out.
pub fn mentions(tokens: TokenStream) -> Vec<Mention> {
    let mut found = Vec::new();
    collect(tokens, false, &mut found);
    found
}

fn collect(tokens: TokenStream, in_attribute: bool, found: &mut Vec<Mention>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => {
                let attribute = in_attribute
                    || (group.delimiter() == Delimiter::Bracket
                        && at > 0
                        && (is_punct(&tokens[at - 1], '#')
                            || (at > 1
                                && is_punct(&tokens[at - 1], '!')
                                && is_punct(&tokens[at - 2], '#'))));
                if !(attribute && is_documentation(group.stream())) {
                    collect(group.stream(), attribute, found);
                }
                at += 1;
            }
            TokenTree::Ident(first) => {
                let behind_colons = at >= 2 && is_path_separator(&tokens[at - 2..at]);
                let mut end = at + 1;
                let mut segments = vec![segment(first)];
                while end + 2 < tokens.len()
                    && is_path_separator(&tokens[end..end + 2])
                    && let TokenTree::Ident(next) = &tokens[end + 2]
                {
                    segments.push(segment(next));
                    end += 3;
                }
                let follows_name = behind_colons
                    && at >= 3
                    && (is_punct(&tokens[at - 3], '>')
                        || matches!(&tokens[at - 3], TokenTree::Group(_)));
                let is_part = at > 0
                    && (is_punct(&tokens[at - 1], '\'')
                        || (is_punct(&tokens[at - 1], '.')
                            && !(at > 1 && is_punct(&tokens[at - 2], '.'))));
                if !is_part && !follows_name {
                    found.push(Mention { global: behind_colons, segments });
                }
                at = end;
            }
            TokenTree::Literal(literal) => {
                if in_attribute
                    && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
                    && let Ok(path) = syn::parse_str::<syn::Path>(&text.value())
                {
                    found.push(Mention {
                        global: path.leading_colon.is_some(),
                        segments: path
                            .segments
                            .iter()
                            .map(|s| Segment { name: s.ident.to_string(), span: literal.span() })
                            .collect(),
                    });
                }
                at += 1;
            }
            TokenTree::Punct(_) => at += 1,
        }
    }
}

/// `doc = "a::b"`, which is prose: a line of it may read as a path.
fn is_documentation(attribute: TokenStream) -> bool {
    let mut tokens = attribute.into_iter();
    matches!(tokens.next(), Some(TokenTree::Ident(name)) if name == "doc")
        && tokens.next().is_some_and(|token| is_punct(&token, '='))
        && matches!(tokens.next(), Some(TokenTree::Literal(_)))
}

fn segment(ident: &proc_macro2::Ident) -> Segment {
    let name = ident.to_string();
    Segment { name: name.strip_prefix("r#").unwrap_or(&name).to_owned(), span: ident.span() }
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == character)
}

fn is_path_separator(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(a), TokenTree::Punct(b)]
        if a.as_char() == ':' && b.as_char() == ':' && a.spacing() == Spacing::Joint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Vec<String> {
        mentions(code.parse().unwrap()).iter().map(|m| m.names().join("::")).collect()
    }

    #[test]
    fn paths_are_found_in_bodies_macros_and_attributes() {
        assert_eq!(
            of(r#"let x: Vec<a::B> = vec![c::D::new(e.f, self.g.h())]; assert_eq!(X, 1);"#),
            ["let", "x", "Vec", "a::B", "vec", "c::D::new", "e", "self", "assert_eq", "X"]
        );
        assert_eq!(
            of(r##"#[serde(with = "m::n")] a: &'static T"##),
            ["serde", "with", "m::n", "a", "T"]
        );
        assert_eq!(of("/// a::B\n#[doc = \"c::D\"] struct E;"), ["struct", "E"]);
        assert_eq!(of("Vec::<T>::new(0..n)"), ["Vec", "T", "n"]);
        assert_eq!(of("::a::B"), ["a::B"]);
    }
}
