//! `cfg_if! { if #[cfg(…)] { items } else { items } }`: items like any other, under a condition.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::workspace::{Expanded, Workspace};

/// The items of all branches of a call; none where it is another macro's, or one of them is not Rust.
pub(super) fn items_of<'w>(workspace: &'w Workspace, call: &syn::Macro) -> Option<&'w [syn::Item]> {
    call.path.segments.last().filter(|last| last.ident == "cfg_if")?;
    let branches = call.tokens.clone().into_iter().filter_map(branch);
    let mut items = Vec::new();
    for branch in branches {
        items.extend(syn::parse2::<syn::File>(branch).ok()?.items);
    }
    // They stand in the file as they are, so that nothing else is their origin.
    Some(&workspace.keep(Expanded { items, origins: Vec::new() }).items)
}

fn branch(token: TokenTree) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    }
}
