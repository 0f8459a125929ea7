//! Ports and adapters: the contract is another crate's, so nothing here is gated. What is left to decide
//! is which names of the adapter's crate go with the implementation.

use std::collections::BTreeSet;

use quote::ToTokens;

use super::Contract;
use crate::analysis::code::{Code, ItemId, ItemKind};
use crate::analysis::hazards::two_sides;
use crate::analysis::leads::Leads;
use crate::analysis::references::Reference;

/// The contract of an adapter: of what others name in its crate, all that does not lead to an
/// implementation stays theirs.
pub(super) fn of(
    code: &Code<'_>,
    library: usize,
    implementations: BTreeSet<ItemId>,
    references: &[Reference<'_>],
) -> Contract {
    let leads = Leads::of(code, library);
    let named = || references.iter().filter(|r| r.item.root == library);
    let mut going = leads.leading_to(implementations.iter().copied());
    let mut contract = Contract::new(implementations);
    // Whoever runs the migrations goes, too, where nothing that stays needs their tables.
    let staying = named().filter(|r| !r.dev && !going.contains(&r.item)).map(|r| r.item);
    if two_sides::tables_of(code, &leads, staying).is_empty() {
        going.append(&mut leads.leading_to(migrators(code, library)));
    }
    for id in named().map(|r| r.item) {
        let side = if going.contains(&id) { &mut contract.behind } else { &mut contract.kept };
        side.insert(id);
    }
    contract
}

/// The items of a library with a `migrate!`.
fn migrators(code: &Code<'_>, library: usize) -> BTreeSet<ItemId> {
    let root = code.root(library);
    let items = root.items.iter().filter(|i| i.kind != ItemKind::Module && !i.test_only);
    items
        .filter(|item| item.syntax.to_token_stream().to_string().contains("migrate !"))
        .map(|item| item.id)
        .collect()
}
