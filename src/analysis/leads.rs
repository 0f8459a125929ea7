//! Where the items of a library lead: what each mentions, and the `impl`s of a type.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Code, Found, ItemId, ItemKind};
use super::select;

/// Every step from an item of a library, tests left out, to another of the same library.
pub struct Leads {
    steps: BTreeMap<ItemId, BTreeSet<ItemId>>,
}

impl Leads {
    /// Reads the library once.
    pub fn of(code: &Code<'_>, library: usize) -> Self {
        let mut steps: BTreeMap<ItemId, BTreeSet<ItemId>> = BTreeMap::new();
        let root = code.root(library);
        for item in root.items.iter().filter(|i| i.kind != ItemKind::Module && !i.test_only) {
            let mentioned =
                code.mentioned_by(item).into_iter().filter_map(|(_, found)| match found {
                    Found::Item(id, _) if id.root == library => Some(id),
                    _ => None,
                });
            steps.entry(item.id).or_default().extend(mentioned);
            if item.kind == ItemKind::Impl
                && let Some(ty) = select::self_type(code, item)
                && ty.root == library
            {
                steps.entry(ty).or_default().insert(item.id);
            }
        }
        Self { steps }
    }

    /// The items and all that they lead to.
    pub fn reached_from(&self, start: impl IntoIterator<Item = ItemId>) -> BTreeSet<ItemId> {
        closure(&self.steps, start)
    }

    /// The items and all that lead to them.
    pub fn leading_to(&self, end: impl IntoIterator<Item = ItemId>) -> BTreeSet<ItemId> {
        let mut back: BTreeMap<ItemId, BTreeSet<ItemId>> = BTreeMap::new();
        for (from, to) in self.steps.iter().flat_map(|(f, all)| all.iter().map(move |t| (*f, *t))) {
            back.entry(to).or_default().insert(from);
        }
        closure(&back, end)
    }
}

fn closure(
    steps: &BTreeMap<ItemId, BTreeSet<ItemId>>,
    start: impl IntoIterator<Item = ItemId>,
) -> BTreeSet<ItemId> {
    let mut queue: Vec<ItemId> = start.into_iter().collect();
    let mut seen: BTreeSet<ItemId> = queue.iter().copied().collect();
    while let Some(next) = queue.pop() {
        let further = steps.get(&next).into_iter().flatten().copied();
        queue.extend(further.filter(|id| seen.insert(*id)).collect::<Vec<_>>());
    }
    seen
}
