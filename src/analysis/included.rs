//! The files that macros name in code: `include_str!("queries/low.sql")`.

use camino::{Utf8Path, Utf8PathBuf};
use proc_macro2::{Literal, TokenStream, TokenTree};

use crate::workspace::{Member, normalized};

/// The file that an `include!` in a file of `member` puts in, relative to the workspace root.
pub fn file_of(member: &Member, file: &Utf8Path, call: &syn::Macro) -> Option<Utf8PathBuf> {
    let name = call.path.segments.last()?;
    (name.ident == "include").then_some(())?;
    place_of(member, file, call.tokens.clone())
}

/// The file that the arguments of such a macro in a file of `member` name, relative to the workspace root.
pub fn place_of(member: &Member, file: &Utf8Path, arguments: TokenStream) -> Option<Utf8PathBuf> {
    let (path, beside_manifest) = path_of(arguments)?;
    let from = if beside_manifest { member.dir.as_path() } else { file.parent()? };
    Some(normalized(&from.join(path)))
}

/// The path in a macro's arguments, and whether it says itself that it starts at the manifest:
/// `concat!(env!("CARGO_MANIFEST_DIR"), "/queries/low.sql")`.
pub fn path_of(arguments: TokenStream) -> Option<(String, bool)> {
    let tokens: Vec<TokenTree> = arguments.into_iter().collect();
    if let [TokenTree::Ident(concat), TokenTree::Punct(_), TokenTree::Group(parts), ..] =
        tokens.as_slice()
        && concat == "concat"
    {
        let mut texts = Vec::new();
        all_texts(parts.stream(), &mut texts);
        return match texts.split_first() {
            Some((root, path)) if root == "CARGO_MANIFEST_DIR" => {
                Some((path.concat().trim_start_matches('/').to_owned(), true))
            }
            _ => Some((texts.concat(), false)),
        };
    }
    let literal = tokens.iter().find_map(|token| match token {
        TokenTree::Literal(literal) => text_of(literal),
        _ => None,
    });
    Some((literal?, false))
}

/// Adds the texts in tokens, in order.
pub fn all_texts(tokens: TokenStream, texts: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => all_texts(group.stream(), texts),
            TokenTree::Literal(literal) => texts.extend(text_of(&literal)),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// What a literal says, if it is a text.
pub fn text_of(literal: &Literal) -> Option<String> {
    Some(syn::parse_str::<syn::LitStr>(&literal.to_string()).ok()?.value())
}
