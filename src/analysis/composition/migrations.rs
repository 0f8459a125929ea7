//! The module's own migrations, and which code of a composition root runs them.

use std::collections::BTreeSet;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

use super::Migrator;
use super::constructor::ModuleFacts;
use crate::analysis::code::{Found, ItemId, ItemKind, ScopeId};

/// The migrations that the module's library embeds; none if it has no `migrate!`.
pub(super) fn of(module: &ModuleFacts<'_, '_>) -> Option<Migrator> {
    let root = module.code.root(module.library);
    let items = root.items.iter().filter(|i| !i.test_only && i.kind != ItemKind::Module);
    let mut migrator: Option<Migrator> = None;
    for item in items {
        let tokens = item.syntax.to_token_stream();
        let Some(folder) = embedded(tokens.clone()).into_iter().next() else { continue };
        let runner = module.public_path(item.id).or_else(|| public_caller(module, item.id));
        migrator = Some(Migrator {
            folder: normalized(&root.member.dir.join(folder)),
            table: argument_of(tokens, "dangerous_set_table_name")
                .and_then(|text| syn::parse_str::<syn::LitStr>(&text).ok())
                .map(|text| text.value()),
            runner,
        });
        break;
    }
    migrator
}

/// The public function of the library that names a private migrator.
fn public_caller(module: &ModuleFacts<'_, '_>, id: ItemId) -> Option<String> {
    let root = module.code.root(module.library);
    root.items
        .iter()
        .filter(|i| i.kind == ItemKind::Function && !i.test_only)
        .filter(|i| {
            module.code.mentioned_by(i).iter().any(|(_, f)| {
                *f == Found::Item(id, vec![]) || matches!(f, Found::Item(found, _) if *found == id)
            })
        })
        .find_map(|i| module.public_path(i.id))
}

/// Whether code that is named leads to the module's `migrate!`.
pub(super) fn runs_them(module: &ModuleFacts<'_, '_>, item: ItemId, rest: &[String]) -> bool {
    let start = module.code.item(item);
    let tokens = match rest {
        // `MIGRATOR.run(…)` is the static itself.
        [method] if module.implementation(item).is_some() => match module.method_of(item, method) {
            Some((block, method)) => (block.scope, method.to_token_stream()),
            None => return false,
        },
        _ if module.implementation(item).is_some() => return false,
        _ => (start.scope, start.syntax.to_token_stream()),
    };
    reaches(module, tokens.0, tokens.1, &mut BTreeSet::from([item]))
}

fn reaches(
    module: &ModuleFacts<'_, '_>,
    scope: ScopeId,
    tokens: TokenStream,
    seen: &mut BTreeSet<ItemId>,
) -> bool {
    if !embedded(tokens.clone()).is_empty() {
        return true;
    }
    module.code.mentioned_in(scope, tokens).into_iter().any(|(_, found)| match found {
        Found::Item(id, _)
            if id.root == module.library
                && matches!(
                    module.code.item(id).kind,
                    ItemKind::Function | ItemKind::Static | ItemKind::Const
                )
                && seen.insert(id) =>
        {
            let item = module.code.item(id);
            reaches(module, item.scope, item.syntax.to_token_stream(), seen)
        }
        _ => false,
    })
}

/// The folders of the `migrate!` calls in tokens, as written.
pub(super) fn embedded(tokens: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let is_call = at >= 2
            && matches!(&tokens[at - 1], TokenTree::Punct(p) if p.as_char() == '!')
            && matches!(&tokens[at - 2], TokenTree::Ident(name) if name == "migrate");
        if is_call {
            let given = group.stream();
            found.push(match syn::parse2::<syn::LitStr>(given.clone()) {
                Ok(text) => text.value(),
                Err(_) if given.is_empty() => "./migrations".to_owned(),
                // A folder that is not there, which is said where migrations are read.
                Err(_) => given.to_string(),
            });
        } else {
            found.extend(embedded(group.stream()));
        }
    }
    found
}

/// The argument of a method that is called somewhere in tokens, as text.
fn argument_of(tokens: TokenStream, method: &str) -> Option<String> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.iter().enumerate().find_map(|(at, token)| {
        let TokenTree::Group(group) = token else { return None };
        if at > 0 && matches!(&tokens[at - 1], TokenTree::Ident(name) if name == method) {
            return Some(group.stream().to_string());
        }
        argument_of(group.stream(), method)
    })
}

/// Whether a folder that a `migrate!` of `member` names lies in the module's package.
pub(super) fn is_of_module(module: &ModuleFacts<'_, '_>, dir: &Utf8Path, folder: &str) -> bool {
    let root = module.code.root(module.library);
    let own = &root.member.dir;
    own.as_str() != "" && normalized(&dir.join(folder)).starts_with(own)
}

pub(super) fn normalized(path: &Utf8Path) -> Utf8PathBuf {
    let mut result = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            Utf8Component::ParentDir => {
                result.pop();
            }
            Utf8Component::CurDir => {}
            other => result.push(other),
        }
    }
    result
}
