//! Ports and adapters: the contract is another crate's, so nothing here is gated. What is left to decide
//! is which names of the adapter's crate go with the implementation.

use std::collections::BTreeSet;

use super::Contract;
use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind};
use crate::analysis::references::Reference;

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
        let side = if leads_to(code, id, implementation.id) {
            &mut contract.behind
        } else {
            &mut contract.kept
        };
        side.insert(id);
    }
    contract
}

/// Whether an item names another of its library, through whatever lies between.
fn leads_to(code: &Code<'_>, from: ItemId, to: ItemId) -> bool {
    let mut queue = vec![from];
    let mut seen = BTreeSet::from([from]);
    while let Some(next) = queue.pop() {
        if next == to {
            return true;
        }
        let item = code.item(next);
        if item.kind == ItemKind::Module {
            continue;
        }
        for (_, found) in code.mentioned_by(&item) {
            if let Found::Item(id, _) = found
                && id.root == to.root
                && seen.insert(id)
            {
                queue.push(id);
            }
        }
    }
    false
}
