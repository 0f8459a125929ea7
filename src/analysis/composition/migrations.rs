//! The module's own migrations, and which code of a composition root runs them.

use std::collections::BTreeSet;

use camino::Utf8Path;
use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;

use super::Migrator;
use super::constructor::ModuleFacts;
use super::unseen;
use crate::analysis::code::{Found, Item, ItemId, ItemKind, ScopeId};
use crate::workspace::normalized;

/// The methods that name the history table: of sqlx, and of refinery.
const TABLE_NAMED_BY: [&str; 2] = ["dangerous_set_table_name", "set_migration_table_name"];

/// What the module's library embeds: each item that does, and the folder as it is written there.
pub(super) fn folders(module: &ModuleFacts<'_, '_>) -> Vec<(ItemId, String)> {
    let root = module.code.root(module.library);
    let items = root.items.iter().filter(|i| !i.test_only && i.kind != ItemKind::Module);
    let of = |item: &Item<'_>| embedded(item.syntax.to_token_stream());
    items.flat_map(|item| of(item).into_iter().map(|folder| (item.id, folder))).collect()
}

/// The migrations that the module's library embeds; none if it has no `migrate!` or `embed_migrations!`.
pub(super) fn of(module: &ModuleFacts<'_, '_>) -> Option<Migrator> {
    let root = module.code.root(module.library);
    let items = || root.items.iter().filter(|i| !i.test_only && i.kind != ItemKind::Module);
    let (item, folder) = folders(module).into_iter().next()?;
    let item = &module.code.item(item);
    // What refinery embeds is run by a function elsewhere: the macro makes a module.
    let runner = items().find(|item| calls_runner(item.syntax.to_token_stream())).unwrap_or(item);
    let tokens = runner.syntax.to_token_stream();
    let table = TABLE_NAMED_BY.into_iter().find_map(|by| argument_of(tokens.clone(), by));
    Some(Migrator {
        folder: normalized(&root.member.dir.join(folder)),
        table: table
            .and_then(|text| syn::parse_str::<syn::LitStr>(&text).ok())
            .map(|text| text.value()),
        runner: module.public_path(runner.id).or_else(|| public_caller(module, runner.id)),
    })
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

/// Whether code that is named leads to the module's migrations, embedded or not.
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
    if !embedded(tokens.clone()).is_empty() || calls_runner(tokens.clone()) {
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
        found => unseen::is_reader(&found),
    })
}

/// Whether a text may embed migrations.
pub(super) fn may_embed(text: &str) -> bool {
    text.contains("migrate!") || text.contains("embed_migrations!")
}

/// Whether tokens name `migrations::runner`, the function that `embed_migrations!` makes.
pub(super) fn calls_runner(tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: usize, name: &str| matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == name);
    (0..tokens.len()).any(|at| match &tokens[at] {
        // Between the two stands `::`.
        TokenTree::Ident(_) => is(at, "migrations") && is(at + 3, "runner"),
        TokenTree::Group(group) => calls_runner(group.stream()),
        _ => false,
    })
}

/// The folders that sqlx's `migrate!` and refinery's `embed_migrations!` name in tokens, as written.
pub(super) fn embedded(tokens: TokenStream) -> Vec<String> {
    let calls = calls(tokens).into_iter();
    calls.map(|call| call.folder().unwrap_or_else(|| call.given.stream().to_string())).collect()
}

/// A call of a macro that embeds migrations.
pub(super) struct EmbeddingCall {
    /// `migrate` or `embed_migrations`.
    pub(super) name: Ident,
    /// What is given to it, with the parentheses.
    pub(super) given: Group,
}

impl EmbeddingCall {
    /// The folder, as it is written; none where that is no literal.
    pub(super) fn folder(&self) -> Option<String> {
        let given = self.given.stream();
        if given.is_empty() {
            return Some("./migrations".to_owned());
        }
        syn::parse2::<syn::LitStr>(given).ok().map(|text| text.value())
    }
}

/// The calls of `migrate!` and `embed_migrations!` in tokens.
pub(super) fn calls(tokens: TokenStream) -> Vec<EmbeddingCall> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(given) = token else { continue };
        let before = at.checked_sub(2).map(|start| &tokens[start..at]);
        match before {
            Some([TokenTree::Ident(name), TokenTree::Punct(bang)])
                if bang.as_char() == '!' && (name == "migrate" || name == "embed_migrations") =>
            {
                found.push(EmbeddingCall { name: name.clone(), given: given.clone() });
            }
            _ => found.extend(calls(given.stream())),
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
