//! Methods of the implementation's own that are called where the stub will stand: on a clone, on a field,
//! on a parameter.

use std::collections::BTreeSet;

use super::Subject;
use super::bodies::{self, Body};
use super::ty::Types;
use super::walk::{What, walk};
use crate::analysis::code::{Code, Item, ItemId, ItemKind};
use crate::analysis::composition::{Composition, own_method, support_crates};
use crate::analysis::module::{Boundary, Served};
use crate::analysis::select::self_type;
use crate::analysis::wire::Loses;
use crate::diagnostic::Diagnostics;

/// Refuses each call outside of tests of a method that the implementation has and no API trait, unless
/// the cut takes it away. Without a composition, nobody knows of the functions that name the implementation
/// what is taken away of them: those are left out.
pub fn refuse(
    code: &Code<'_>,
    module: &Boundary<'_>,
    composition: Option<&Composition<'_>>,
    diagnostics: &mut Diagnostics,
) {
    let apis: Vec<ItemId> = module.served.iter().map(|served| served.api.id).collect();
    let support = support_crates(code.workspace);
    let mut seen = BTreeSet::new();
    for Served { api, implementation } in &module.served {
        let own = own_methods(code, implementation);
        if own.is_empty() {
            continue;
        }
        let subject = Subject {
            module: module.member,
            api: api.id,
            apis: &apis,
            implementation: implementation.id,
            error: None,
            loses: Loses::Nothing,
            tables: &[],
            foreign_tables: &[],
        };
        let types = Types::new(code, &subject);
        let mut bodies = bodies::of_consumers(&types, &subject);
        bodies.retain(|body| {
            // What only serves tests keeps the implementation.
            let goes_on = match composition {
                Some(composition) => composition
                    .in_process
                    .iter()
                    .any(|one| !one.dev && one.member == body.member.name),
                None => support.contains(body.member.name.as_str()) || constructs(module, body),
            };
            !goes_on && own.iter().any(|name| body.source.text.contains(name))
        });
        for body in &bodies {
            for event in walk(&types, body) {
                let What::Other(method) = event.what else { continue };
                if own.contains(&method)
                    // A trait may add it to whatever offers the API.
                    && !is_of_a_trait(code, &method)
                    && !composition.is_some_and(|c| c.takes_away(body.file, &event.range))
                    && seen.insert((body.file, event.range.start))
                {
                    let names =
                        module.served.iter().map(|s| s.api.name.clone().unwrap_or_default());
                    let traits = names.collect::<Vec<_>>().join("` or `");
                    diagnostics.push(own_method(&traits, body.file, event.range, &method));
                }
            }
        }
    }
}

/// Whether a body names an implementation, which it may construct.
fn constructs(module: &Boundary<'_>, body: &Body<'_>) -> bool {
    let block = body.source.range_of(body.block);
    module.references.iter().any(|reference| {
        reference.file == body.file
            && block.contains(&reference.range.start)
            && module.implementations().iter().any(|item| item.id == reference.item)
    })
}

/// The names of the methods in the `impl` blocks of a type that are of no trait.
fn own_methods(code: &Code<'_>, implementation: &Item<'_>) -> BTreeSet<String> {
    let root = code.root(implementation.id.root);
    let blocks = root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only);
    let mut names = BTreeSet::new();
    for item in blocks {
        let syn::Item::Impl(block) = item.syntax else { continue };
        if block.trait_.is_some() || self_type(code, item) != Some(implementation.id) {
            continue;
        }
        names.extend(block.items.iter().filter_map(|member| match member {
            syn::ImplItem::Fn(method) if method.sig.receiver().is_some() => {
                Some(method.sig.ident.to_string())
            }
            _ => None,
        }));
    }
    names
}

/// Whether a trait of the workspace declares a method of that name.
fn is_of_a_trait(code: &Code<'_>, method: &str) -> bool {
    let needle = format!("fn {method}");
    let mut files = code.workspace.files();
    files.any(|(_, source)| {
        source.text.contains(&needle)
            && source.text.contains("trait ")
            && source.ast().is_ok_and(|file| declares(&file.items, method))
    })
}

fn declares(items: &[syn::Item], method: &str) -> bool {
    items.iter().any(|item| match item {
        syn::Item::Trait(item) => item
            .items
            .iter()
            .any(|member| matches!(member, syn::TraitItem::Fn(f) if f.sig.ident == method)),
        syn::Item::Mod(module) => {
            module.content.as_ref().is_some_and(|(_, inner)| declares(inner, method))
        }
        _ => false,
    })
}
