//! Every name that the code of one compilation root spells, with its place.

use std::ops::Range;

use camino::Utf8Path;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

use crate::analysis::code::{Code, Found, ItemId, ItemKind, ScopeId};
use crate::workspace::Source;

/// The names of a compilation root.
pub(in crate::analysis::composition) struct Names<'w> {
    pub(super) root: usize,
    pub(super) mentions: Vec<Spelled<'w>>,
    /// What stands behind a dot: fields and methods.
    pub(super) members: Vec<Accessed<'w>>,
}

/// A path and what it resolves to.
pub(super) struct Spelled<'w> {
    /// The item of the root whose code spells it.
    pub(super) item: ItemId,
    pub(super) scope: ScopeId,
    pub(super) file: &'w Utf8Path,
    /// Its first name.
    pub(super) range: Range<usize>,
    pub(super) names: Vec<String>,
    pub(super) found: Found,
    pub(super) is_import: bool,
    pub(super) test_only: bool,
}

/// A name behind a dot.
pub(super) struct Accessed<'w> {
    pub(super) name: String,
    pub(super) scope: ScopeId,
    pub(super) file: &'w Utf8Path,
    pub(super) range: Range<usize>,
}

impl<'w> Names<'w> {
    pub(in crate::analysis::composition) fn of(code: &Code<'w>, root: usize) -> Self {
        let mut names = Self { root, mentions: Vec::new(), members: Vec::new() };
        for item in &code.root(root).items {
            if item.kind == ItemKind::Module {
                continue;
            }
            for (mention, found) in code.mentioned_by(item) {
                names.mentions.push(Spelled {
                    item: item.id,
                    scope: item.scope,
                    file: item.file,
                    range: item.source.range(mention.segments[0].span),
                    names: mention.names(),
                    found,
                    is_import: item.kind == ItemKind::Use,
                    test_only: item.test_only,
                });
            }
            let tokens = item.syntax.to_token_stream();
            accessed(tokens, item.source, &mut |name, range| {
                names.members.push(Accessed { name, scope: item.scope, file: item.file, range });
            });
        }
        names
    }
}

fn accessed(tokens: TokenStream, source: &Source, add: &mut impl FnMut(String, Range<usize>)) {
    let mut behind_dot = false;
    for token in tokens {
        match &token {
            TokenTree::Group(group) => accessed(group.stream(), source, add),
            TokenTree::Ident(ident) if behind_dot => {
                add(ident.to_string(), source.range(ident.span()));
            }
            _ => {}
        }
        behind_dot = matches!(&token, TokenTree::Punct(p) if p.as_char() == '.');
    }
}
