//! Values that are the same in every process: the clock of the machine, a policy without fields.

use super::constructor::ModuleFacts;
use super::qualify::{self, Qualified};
use super::trace::Value;
use super::{Stateless, classify::Construction};
use crate::analysis::code::{ItemId, ItemKind};

/// The value as an expression that the service can repeat; none if it has state, or if the service
/// cannot or must not depend on what it names.
pub(super) fn read(
    module: &ModuleFacts<'_, '_>,
    all: &[Construction<'_>],
    value: &Value<'_>,
    used_elsewhere: bool,
) -> Option<Stateless> {
    let qualified = qualify::expression(module.code, &value.site, value.expr)?;
    if !qualified.packages.iter().all(|package| may_depend_on(module, all, package)) {
        return None;
    }
    let plain = |id: &ItemId| has_no_state(module, *id, 0);
    if qualified.items.is_empty() || !qualified.items.iter().all(plain) {
        // State that only the module sees can live in the service as well, if it starts empty.
        if used_elsewhere || !starts_empty(module, &qualified) {
            return None;
        }
    }
    Some(Stateless {
        expression: qualified.text,
        packages: qualified.packages.into_iter().collect(),
    })
}

/// Types only of the workspace, constructed without arguments.
fn starts_empty(module: &ModuleFacts<'_, '_>, qualified: &Qualified) -> bool {
    !qualified.items.is_empty()
        && qualified.items.iter().all(|id| {
            matches!(module.code.item(*id).kind, ItemKind::Struct)
                && (qualified.text.contains("::new()") || qualified.text.contains("::default()"))
        })
}

/// A crate that the service can depend on: a registry crate, or a library of the workspace that does
/// not lead back to a composition root.
fn may_depend_on(module: &ModuleFacts<'_, '_>, all: &[Construction<'_>], package: &str) -> bool {
    let workspace = module.code.workspace;
    let mut queue = vec![package];
    let mut seen = std::collections::BTreeSet::from([package]);
    while let Some(next) = queue.pop() {
        if all.iter().any(|c| c.root.member.name == next) {
            return false;
        }
        let Some(member) = workspace.member(next) else { continue };
        if member.lib().is_none() {
            return false;
        }
        for dependency in &member.dependencies {
            if dependency.kind == crate::workspace::DependencyKind::Normal
                && seen.insert(&dependency.package)
            {
                queue.push(&dependency.package);
            }
        }
    }
    true
}

/// Whether a struct has nothing in it that two processes would have to share.
fn has_no_state(module: &ModuleFacts<'_, '_>, id: ItemId, depth: usize) -> bool {
    let item = module.code.item(id);
    match item.syntax {
        syn::Item::Struct(item_struct) => item_struct.fields.iter().all(|field| {
            use crate::analysis::types::{self, Substitution, Type};
            let ty = types::read(module.code, item.scope, &field.ty, &Substitution::new());
            match ty {
                Type::Unit | Type::Primitive(_) | Type::String => true,
                Type::Item(inner, _) => depth < 8 && has_no_state(module, inner, depth + 1),
                Type::External { path, .. } => {
                    path.last().is_some_and(|name| name == "PhantomData")
                }
                _ => false,
            }
        }),
        syn::Item::Enum(item_enum) => item_enum.variants.iter().all(|v| v.fields.is_empty()),
        _ => false,
    }
}
