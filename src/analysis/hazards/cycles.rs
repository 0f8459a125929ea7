//! Ways from the module's implementation back to its own API. Cargo forbids a cycle of normal
//! dependencies, so it can only run through a trait: the implementation holds one that another crate
//! implements with something that calls the module. Two services that wait for each other are one
//! monolith with a network in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use quote::ToTokens;

use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind};
use crate::analysis::select::self_type;
use crate::workspace::{TargetKind, line_of};

use super::ty::names;
use super::{Cycle, Step, Subject};

/// Every shortest cycle, one for each trait that the implementation holds.
pub(super) fn find(code: &Code<'_>, subject: &Subject<'_>) -> Vec<Cycle> {
    let start = code.item(subject.implementation);
    let module = &subject.module.name;
    let mut cycles = Vec::new();
    for (first, step) in traits_of(code, &start) {
        if subject.apis.contains(&first) {
            continue;
        }
        let mut queue = VecDeque::from([(first, vec![module.clone()], vec![step])]);
        let mut seen = BTreeSet::from([first]);
        'search: while let Some((held, through, evidence)) = queue.pop_front() {
            for (implementor, block) in implementors(code, held) {
                let member = code.root(implementor.id.root).member.name.clone();
                let mut through = through.clone();
                if through.last() != Some(&member) {
                    through.push(member.clone());
                }
                let name = implementor.name.clone().unwrap_or_default();
                let of = code.item(held).name.unwrap_or_default();
                let mut evidence = evidence.clone();
                evidence.push(step_at(
                    &block,
                    block.name_range(),
                    format!("`{name}` of {member} implements `{of}`"),
                ));
                for (next, step) in traits_of(code, &implementor) {
                    if subject.apis.contains(&next) {
                        // Inside the module alone nothing crosses a network.
                        if through.iter().all(|m| m == module) {
                            continue;
                        }
                        let mut through = through.clone();
                        through.push(module.clone());
                        let api = code.item(next).name.unwrap_or_default();
                        let note = format!("and comes back through `{api}`");
                        let evidence = [evidence, vec![Step { note, ..step }]].concat();
                        cycles.push(Cycle { through, evidence });
                        break 'search;
                    }
                    if seen.insert(next) {
                        let evidence = [evidence.clone(), vec![step]].concat();
                        queue.push_back((next, through.clone(), evidence));
                    }
                }
            }
        }
    }
    cycles
}

/// The workspace traits that a type can call: named in its fields, its impl blocks, and those of the
/// workspace types and functions that these name. The traits that it implements are not among them
/// for that alone.
fn traits_of(code: &Code<'_>, ty: &Item<'_>) -> BTreeMap<ItemId, Step> {
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::from([ty.id]);
    let mut queue = VecDeque::from([ty.clone()]);
    while let Some(item) = queue.pop_front() {
        let mut holders = vec![item.clone()];
        if matches!(item.kind, ItemKind::Struct | ItemKind::Enum) {
            let root = code.root(item.id.root);
            holders.extend(
                root.items
                    .iter()
                    .filter(|i| i.kind == ItemKind::Impl && !i.test_only)
                    .filter(|i| self_type(code, i) == Some(item.id))
                    .cloned(),
            );
        }
        for holder in holders {
            let tokens = match holder.syntax {
                syn::Item::Impl(block) => {
                    let mut tokens = block.generics.to_token_stream();
                    block.generics.where_clause.to_tokens(&mut tokens);
                    for item in &block.items {
                        item.to_tokens(&mut tokens);
                    }
                    tokens
                }
                other => other.to_token_stream(),
            };
            for (mention, target) in code.mentioned_in(holder.scope, tokens) {
                let Found::Item(id, _) = target else { continue };
                let named = code.item(id);
                match named.kind {
                    ItemKind::Trait => {
                        let last = &mention.segments[mention.segments.len() - 1];
                        let range = holder.source.range(last.span);
                        let owner = item.name.as_deref().unwrap_or_default();
                        let note = format!("`{owner}` uses `{}`", last.name);
                        found.entry(id).or_insert_with(|| step_at(&holder, range, note));
                    }
                    ItemKind::Struct
                    | ItemKind::Enum
                    | ItemKind::TypeAlias
                    | ItemKind::Function
                        if !named.test_only && seen.insert(id) =>
                    {
                        queue.push_back(named);
                    }
                    _ => {}
                }
            }
        }
    }
    found
}

/// The types that implement a trait outside of tests, anywhere in the workspace, with their blocks.
pub fn implementors<'w>(code: &Code<'w>, api: ItemId) -> Vec<(Item<'w>, Item<'w>)> {
    let Some(name) = code.item(api).name else { return Vec::new() };
    let mut found = Vec::new();
    for member in &code.workspace.members {
        // Most members never name it; they are not parsed.
        if !code.workspace.rust_files(member).any(|(_, source)| source.text.contains(&name)) {
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
                let syn::Item::Impl(block) = item.syntax else { continue };
                let Some((path, _)) = &block.trait_ else { continue };
                let global = path.leading_colon.is_some();
                if code.resolve_path(item.scope, global, &names(path))
                    == Found::Item(api, Vec::new())
                    && let Some(ty) = self_type(code, item)
                {
                    found.push((code.item(ty), item.clone()));
                }
            }
        }
    }
    found
}

fn step_at(item: &Item<'_>, range: std::ops::Range<usize>, note: String) -> Step {
    let line = line_of(&item.source.text, range.start);
    Step { file: item.file.to_owned(), range, line, note }
}
