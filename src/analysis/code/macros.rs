//! Expansion of a `macro_rules!` macro where it is called in the place of items: enough of Rust's rules
//! to see the types that it makes.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};

/// How often a `$( … )*` is tried; what never ends is not expanded.
const LONGEST: usize = 10_000;

/// The arms of a macro.
pub(super) struct Rules {
    arms: Vec<(Vec<Part>, TokenStream)>,
}

/// A part of an arm's pattern.
enum Part {
    Token(String),
    Group(Delimiter, Vec<Part>),
    Fragment(String, String),
    Repeat { inner: Vec<Part>, separator: Option<String>, at_least: usize, at_most: usize },
}

/// What a `$name` stands for: tokens, or one of the same for each turn of a repetition.
#[derive(Clone)]
enum Binding {
    Tokens(TokenStream),
    Turns(Vec<Binding>),
}

type Bindings = BTreeMap<String, Binding>;

impl Rules {
    /// Reads the body of `macro_rules! name { … }`; none where it is not understood.
    pub(super) fn read(body: TokenStream) -> Option<Self> {
        let tokens: Vec<TokenTree> = body.into_iter().collect();
        let mut arms = Vec::new();
        for arm in tokens.split(|token| is(token, ';')).filter(|arm| !arm.is_empty()) {
            let [TokenTree::Group(pattern), equals, angle, TokenTree::Group(body)] = arm else {
                return None;
            };
            if !is(equals, '=') || !is(angle, '>') {
                return None;
            }
            arms.push((parts(pattern.stream())?, body.stream()));
        }
        Some(Self { arms })
    }

    /// What a call becomes, by the first arm that matches. `own_crate` is what `$crate` stands for;
    /// `span` is given to the tokens of the macro, those of the call keep theirs.
    pub(super) fn expand(
        &self,
        call: &TokenStream,
        own_crate: &str,
        span: Option<Span>,
    ) -> Option<TokenStream> {
        self.arms.iter().find_map(|(pattern, body)| {
            let mut bindings = Bindings::new();
            let parser = |input: ParseStream<'_>| matches(pattern, input, &mut bindings);
            parser.parse2(call.clone()).ok()?;
            transcribe(body.clone(), &bindings, own_crate, span)
        })
    }
}

fn is(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// Reads a pattern.
fn parts(pattern: TokenStream) -> Option<Vec<Part>> {
    let tokens: Vec<TokenTree> = pattern.into_iter().collect();
    let (mut parts_of, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        match &tokens[at..] {
            [dollar, TokenTree::Group(group), ..] if is(dollar, '$') => {
                at += 2;
                let (separator, repeat, length) = repetition(&tokens[at..])?;
                at += length;
                let (at_least, at_most) = match repeat {
                    '?' => (0, 1),
                    '+' => (1, LONGEST),
                    _ => (0, LONGEST),
                };
                let separator = separator.map(|token| token.to_string());
                let inner = parts(group.stream())?;
                parts_of.push(Part::Repeat { inner, separator, at_least, at_most });
            }
            [dollar, TokenTree::Ident(name), colon, TokenTree::Ident(kind), ..]
                if is(dollar, '$') && is(colon, ':') =>
            {
                parts_of.push(Part::Fragment(name.to_string(), kind.to_string()));
                at += 4;
            }
            [TokenTree::Group(group), ..] => {
                parts_of.push(Part::Group(group.delimiter(), parts(group.stream())?));
                at += 1;
            }
            [token, ..] => {
                parts_of.push(Part::Token(token.to_string()));
                at += 1;
            }
            [] => break,
        }
    }
    Some(parts_of)
}

/// What follows `$( … )`: a separator, the kind of repetition, and how many tokens these are.
fn repetition(tokens: &[TokenTree]) -> Option<(Option<&TokenTree>, char, usize)> {
    let kind = |token: &TokenTree| ['*', '+', '?'].into_iter().find(|kind| is(token, *kind));
    match tokens {
        [first, ..] if kind(first).is_some() => Some((None, kind(first)?, 1)),
        [separator, second, ..] => Some((Some(separator), kind(second)?, 2)),
        _ => None,
    }
}

fn matches(pattern: &[Part], input: ParseStream<'_>, found: &mut Bindings) -> syn::Result<()> {
    for part in pattern {
        match part {
            Part::Token(wanted) => {
                let token: TokenTree = input.parse()?;
                if token.to_string() != *wanted {
                    return Err(syn::Error::new(token.span(), "another token"));
                }
            }
            Part::Group(delimiter, inner) => {
                let token: TokenTree = input.parse()?;
                let TokenTree::Group(group) = &token else {
                    return Err(syn::Error::new(token.span(), "no group"));
                };
                if group.delimiter() != *delimiter {
                    return Err(syn::Error::new(token.span(), "another group"));
                }
                let parser = |input: ParseStream<'_>| matches(inner, input, found);
                parser.parse2(group.stream())?;
            }
            Part::Fragment(name, kind) => {
                found.insert(name.clone(), Binding::Tokens(fragment(kind, input)?));
            }
            Part::Repeat { inner, separator, at_least, at_most } => {
                let mut turns: Vec<Bindings> = Vec::new();
                while turns.len() < *at_most && !input.is_empty() {
                    let fork = input.fork();
                    if let Some(separator) = separator.as_ref().filter(|_| !turns.is_empty())
                        && !fork.parse::<TokenTree>().is_ok_and(|t| t.to_string() == *separator)
                    {
                        break;
                    }
                    let mut turn = Bindings::new();
                    if matches(inner, &fork, &mut turn).is_err() {
                        break;
                    }
                    input.advance_to(&fork);
                    turns.push(turn);
                }
                if turns.len() < *at_least {
                    return Err(input.error("too few"));
                }
                for name in names(inner) {
                    let of_turns: Vec<Binding> =
                        turns.iter().filter_map(|turn| turn.get(&name).cloned()).collect();
                    found.insert(name, Binding::Turns(of_turns));
                }
            }
        }
    }
    Ok(())
}

/// The names that a pattern binds.
fn names(pattern: &[Part]) -> Vec<String> {
    let of = |part: &Part| match part {
        Part::Token(_) => Vec::new(),
        Part::Fragment(name, _) => vec![name.clone()],
        Part::Group(_, inner) | Part::Repeat { inner, .. } => names(inner),
    };
    pattern.iter().flat_map(of).collect()
}

/// The tokens of a fragment.
fn fragment(kind: &str, input: ParseStream<'_>) -> syn::Result<TokenStream> {
    Ok(match kind {
        "ident" => Ident::parse_any(input)?.into_token_stream(),
        "ty" => input.parse::<syn::Type>()?.into_token_stream(),
        "path" => input.parse::<syn::Path>()?.into_token_stream(),
        "vis" => input.parse::<syn::Visibility>()?.into_token_stream(),
        "expr" | "expr_2021" => input.parse::<syn::Expr>()?.into_token_stream(),
        "literal" => match input.parse::<Option<syn::Token![-]>>()? {
            Some(minus) => {
                let literal = input.parse::<syn::Lit>()?;
                quote::quote!(#minus #literal)
            }
            None => input.parse::<syn::Lit>()?.into_token_stream(),
        },
        "lifetime" => input.parse::<syn::Lifetime>()?.into_token_stream(),
        "meta" => input.parse::<syn::Meta>()?.into_token_stream(),
        "block" => input.parse::<syn::Block>()?.into_token_stream(),
        "item" => input.parse::<syn::Item>()?.into_token_stream(),
        "pat" => syn::Pat::parse_multi_with_leading_vert(input)?.into_token_stream(),
        "pat_param" => syn::Pat::parse_single(input)?.into_token_stream(),
        "stmt" => input.parse::<syn::Stmt>()?.into_token_stream(),
        "tt" => input.parse::<TokenTree>()?.into_token_stream(),
        _ => return Err(input.error("a fragment that is not read")),
    })
}

/// The body of an arm with its names filled in; none where a name is used in another way than it was
/// bound.
fn transcribe(
    body: TokenStream,
    bindings: &Bindings,
    own_crate: &str,
    span: Option<Span>,
) -> Option<TokenStream> {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let (mut out, mut at) = (TokenStream::new(), 0);
    while at < tokens.len() {
        match &tokens[at..] {
            [dollar, TokenTree::Ident(name), ..] if is(dollar, '$') && name == "crate" => {
                out.extend([TokenTree::from(Ident::new(own_crate, span.unwrap_or(name.span())))]);
                at += 2;
            }
            [dollar, TokenTree::Ident(name), ..] if is(dollar, '$') => {
                match bindings.get(&name.to_string())? {
                    Binding::Tokens(tokens) => out.extend(tokens.clone()),
                    Binding::Turns(_) => return None,
                }
                at += 2;
            }
            [dollar, TokenTree::Group(group), ..] if is(dollar, '$') => {
                at += 2;
                let (separator, _, length) = repetition(&tokens[at..])?;
                at += length;
                for (turn, bindings) in turns(group.stream(), bindings)?.iter().enumerate() {
                    if let Some(separator) = separator.filter(|_| turn > 0) {
                        out.extend([with_span(separator.clone(), span)]);
                    }
                    out.extend(transcribe(group.stream(), bindings, own_crate, span)?);
                }
            }
            [TokenTree::Group(group), ..] => {
                let inner = transcribe(group.stream(), bindings, own_crate, span)?;
                let mut filled = Group::new(group.delimiter(), inner);
                filled.set_span(span.unwrap_or(group.span()));
                out.extend([TokenTree::Group(filled)]);
                at += 1;
            }
            [token, ..] => {
                out.extend([with_span(token.clone(), span)]);
                at += 1;
            }
            [] => break,
        }
    }
    Some(out)
}

fn with_span(mut token: TokenTree, span: Option<Span>) -> TokenTree {
    if let Some(span) = span {
        token.set_span(span);
    }
    token
}

/// The bindings of each turn of a repetition.
fn turns(body: TokenStream, bindings: &Bindings) -> Option<Vec<Bindings>> {
    let used = used(body);
    let repeated = bindings.iter().filter(|(name, _)| used.contains(name));
    let mut count = None;
    for (_, binding) in repeated {
        if let Binding::Turns(turns) = binding {
            if count.is_some_and(|count| count != turns.len()) {
                return None;
            }
            count = Some(turns.len());
        }
    }
    let of_turn = |turn: usize| -> Bindings {
        let one = |(name, binding): (&String, &Binding)| match binding {
            Binding::Turns(turns) if used.contains(name) => {
                turns.get(turn).map(|binding| (name.clone(), binding.clone()))
            }
            other => Some((name.clone(), other.clone())),
        };
        bindings.iter().filter_map(one).collect()
    };
    Some((0..count?).map(of_turn).collect())
}

/// The names behind a `$` in a body.
fn used(body: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => found.extend(used(group.stream())),
            TokenTree::Ident(name) if at > 0 && is(&tokens[at - 1], '$') => {
                found.push(name.to_string());
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `call` becomes, without white space.
    fn expand(rules: &str, call: &str) -> Option<String> {
        let rules = Rules::read(rules.parse().unwrap())?;
        let expanded = rules.expand(&call.parse().unwrap(), "crate", None)?;
        Some(expanded.to_string().replace(' ', ""))
    }

    #[test]
    fn an_id_newtype_is_seen() {
        let rules = "($(#[$meta:meta])* $name:ident) => { $(#[$meta])* pub struct $name(u64); }; \
                     ($name:ident($inner:ty)) => { pub struct $name($inner); }";
        assert_eq!(expand(rules, "UserId").unwrap(), "pubstructUserId(u64);");
        assert_eq!(expand(rules, "#[doc = \"x\"] A").unwrap(), "#[doc=\"x\"]pubstructA(u64);");
        assert_eq!(expand(rules, "A(Vec<u8>)").unwrap(), "pubstructA(Vec<u8>);");
        assert_eq!(expand(rules, "A, B"), None);
    }

    #[test]
    fn repetitions_are_written_turn_by_turn() {
        let rules = "($($name:ident { $($field:ident: $ty:ty),* $(,)? })+) => \
                     { $(pub struct $name { $(pub $field: $ty),* })+ }";
        assert_eq!(
            expand(rules, "A { a: u8, b: Option<u8>, } B {}").unwrap(),
            "pubstructA{puba:u8,pubb:Option<u8>}pubstructB{}"
        );
        let rules = "($($name:ident),*) => { impl $crate::T for ($($name,)*) {} }";
        assert_eq!(expand(rules, "A, B").unwrap(), "implcrate::Tfor(A,B,){}");
    }
}
