//! Ports and adapters: the contract is another crate's, so nothing here is gated. What is left to decide
//! is which names of the adapter's crate go with the implementation.

use std::collections::BTreeSet;

use quote::ToTokens;

use super::Contract;
use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind};
use crate::analysis::hazards::two_sides;
use crate::analysis::references::Reference;
use crate::analysis::select;

/// The contract of an adapter: of what others name in its crate, all that does not lead to the
/// implementation stays theirs.
pub(super) fn of<'w>(
    code: &Code<'w>,
    implementation: &Item<'w>,
    references: &[Reference<'w>],
) -> Contract {
    let mut contract = Contract::new(implementation.id);
    let library = implementation.id.root;
    for id in references.iter().map(|r| r.item).filter(|id| id.root == library) {
        if contract.kept.contains(&id) || contract.behind.contains(&id) {
            continue;
        }
        let goes = leads_to(code, id, &|item| item.id == implementation.id);
        let side = if goes { &mut contract.behind } else { &mut contract.kept };
        side.insert(id);
    }
    // Whoever runs the migrations goes, too, where nothing that stays needs their tables.
    let staying: BTreeSet<ItemId> = references
        .iter()
        .filter(|r| !r.dev && contract.kept.contains(&r.item))
        .map(|r| r.item)
        .collect();
    if two_sides::tables_of(code, &staying).is_empty() {
        let migrates =
            |item: &Item<'_>| item.syntax.to_token_stream().to_string().contains("migrate !");
        let (going, kept) = contract.kept.iter().partition(|id| leads_to(code, **id, &migrates));
        contract.kept = kept;
        contract.behind.extend::<BTreeSet<ItemId>>(going);
    }
    contract
}

/// Whether an item leads to one of its library for which `wanted` holds, through whatever lies between:
/// the `impl`s of a type belong to it.
fn leads_to(code: &Code<'_>, from: ItemId, wanted: &dyn Fn(&Item<'_>) -> bool) -> bool {
    let root = code.root(from.root);
    let mut queue = vec![from];
    let mut seen = BTreeSet::from([from]);
    while let Some(next) = queue.pop() {
        let item = code.item(next);
        if item.kind == ItemKind::Module {
            continue;
        }
        if wanted(&item) {
            return true;
        }
        let impls = root.items.iter().filter(|block| {
            block.kind == ItemKind::Impl
                && !block.test_only
                && select::self_type(code, block) == Some(next)
        });
        for part in impls.chain([&item]) {
            for (_, found) in code.mentioned_by(part) {
                if let Found::Item(id, _) = found
                    && id.root == from.root
                    && seen.insert(id)
                {
                    queue.push(id);
                }
            }
        }
    }
    false
}
