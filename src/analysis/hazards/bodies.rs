//! The function bodies of the members that may call the module.

use std::collections::HashSet;

use camino::Utf8Path;

use crate::analysis::code::{Item, ItemId, ScopeId};
use crate::analysis::select::self_type;
use crate::workspace::{DependencyKind, Member, Source, TargetKind};

use super::Subject;
use super::ty::{Generics, Ty, Types};

/// A function with a body, outside of tests.
pub(super) struct Body<'w> {
    pub(super) member: &'w Member,
    pub(super) file: &'w Utf8Path,
    pub(super) source: &'w Source,
    pub(super) scope: ScopeId,
    /// The item it stands in.
    pub(super) holder: ItemId,
    /// Its identity.
    pub(super) key: Key,
    /// Its name for people, such as `Orders::place`.
    pub(super) name: String,
    /// Type parameters in force and `Self`.
    pub(super) generics: Generics,
    pub(super) signature: &'w syn::Signature,
    pub(super) block: &'w syn::Block,
}

/// Which function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A free function.
    Function(ItemId),
    /// A method or associated function of a type or trait.
    Method(ItemId, String),
    /// One that nobody can name.
    None,
}

/// Every body of a member, other than the module, that depends on the API trait's crate.
pub(super) fn of_consumers<'w>(types: &Types<'_, 'w>, subject: &Subject<'_>) -> Vec<Body<'w>> {
    let mut bodies = Vec::new();
    for (member, item) in items_of_consumers(types, subject) {
        of_item(types, member, &item, &mut bodies);
    }
    bodies
}

/// Every item of such a member, outside of tests.
pub(super) fn items_of_consumers<'w>(
    types: &Types<'_, 'w>,
    subject: &Subject<'_>,
) -> Vec<(&'w Member, Item<'w>)> {
    let code = types.code;
    let home = code.root(subject.api.root).member.name.clone();
    let mut items = Vec::new();
    let mut seen: HashSet<*const syn::Item> = HashSet::new();
    for member in code.workspace.users_of(&home, |kind| kind == DependencyKind::Normal) {
        if member.name == subject.module.name {
            continue;
        }
        for target in &member.targets {
            if target.kind.is_dev() || target.kind == TargetKind::Build {
                continue;
            }
            let Some(root) = code.target(&member.name, target.kind, &target.name) else {
                continue;
            };
            for item in code.root(root).items.iter().filter(|i| !i.test_only) {
                // A file may belong to a library and a binary at once.
                if seen.insert(item.syntax) {
                    items.push((member, item.clone()));
                }
            }
        }
    }
    items
}

fn of_item<'w>(
    types: &Types<'_, 'w>,
    member: &'w Member,
    item: &Item<'w>,
    bodies: &mut Vec<Body<'w>>,
) {
    let mut push = |key, name, mut generics: Generics, signature: &'w syn::Signature, block| {
        generics.extend(types.parameters(item.scope, &signature.generics, &[]));
        bodies.push(Body {
            member,
            file: item.file,
            source: item.source,
            scope: item.scope,
            holder: item.id,
            key,
            name,
            generics,
            signature,
            block,
        });
    };
    match item.syntax {
        syn::Item::Fn(function) => {
            let name = function.sig.ident.to_string();
            push(Key::Function(item.id), name, Generics::new(), &function.sig, &*function.block);
        }
        syn::Item::Impl(block) => {
            let mut generics = types.parameters(item.scope, &block.generics, &[]);
            let this = types.read(item.scope, &block.self_ty, &generics);
            generics.insert("Self".to_owned(), this);
            let id = self_type(types.code, item);
            let owner = id
                .and_then(|id| types.code.item(id).name)
                .unwrap_or_else(|| super::ty::last_name(&block.self_ty));
            for member in &block.items {
                let syn::ImplItem::Fn(method) = member else { continue };
                let name = method.sig.ident.to_string();
                let key = id.map_or(Key::None, |id| Key::Method(id, name.clone()));
                let full = format!("{owner}::{name}");
                push(key, full, generics.clone(), &method.sig, &method.block);
            }
        }
        syn::Item::Trait(syntax) => {
            let mut generics = types.parameters(item.scope, &syntax.generics, &[]);
            generics.insert("Self".to_owned(), Ty::Item(item.id, Vec::new()));
            for member in &syntax.items {
                let syn::TraitItem::Fn(method) = member else { continue };
                let Some(block) = &method.default else { continue };
                let name = method.sig.ident.to_string();
                let full = format!("{}::{name}", syntax.ident);
                push(Key::Method(item.id, name), full, generics.clone(), &method.sig, block);
            }
        }
        _ => {}
    }
}
