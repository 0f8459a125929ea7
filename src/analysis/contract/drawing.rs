//! Where the line runs through the source: whole modules where possible, else items and methods.

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::spanned::Spanned;

use super::attributes::{already_gated, attribute_place};
use super::{Contract, DRIVERS, Gate, closure};
use crate::analysis::code::{Code, CrateRoot, Found, Item, ItemKind, ScopeId};

/// The gates of one library while they are drawn.
pub(super) struct Drawing<'a, 'w> {
    pub(super) code: &'a Code<'w>,
    pub(super) root: &'a CrateRoot<'w>,
    /// Items that are gated, by index.
    pub(super) gated: BTreeSet<usize>,
    pub(super) gates: Vec<Gate>,
}

impl<'a, 'w> Drawing<'a, 'w> {
    /// Gates the items, methods and modules that are not contract; `use` items come later.
    pub(super) fn new(code: &'a Code<'w>, root: &'a CrateRoot<'w>, contract: &Contract) -> Self {
        let mut drawing = Self { code, root, gated: BTreeSet::new(), gates: Vec::new() };
        for scope in 0..root.scopes.len() {
            if !root.scopes[scope].test_only {
                drawing.items(scope, contract);
            }
        }
        drawing.modules();
        drawing
    }

    /// Gates the items of a module that are not contract; uses and modules come later.
    fn items(&mut self, scope: usize, contract: &Contract) {
        let id = ScopeId { root: self.root.items.first().map_or(0, |i| i.id.root), index: scope };
        let written = |item: &&Item<'w>| item.scope == id && !item.test_only && item.made.is_none();
        for item in self.root.items.iter().filter(written) {
            let stays = match item.kind {
                ItemKind::Module | ItemKind::Use | ItemKind::Other => true,
                ItemKind::Macro => self.macro_stays(item, contract),
                _ => contract.kept.contains(&item.id),
            };
            if !stays {
                self.gated.insert(item.id.index);
            } else if item.kind == ItemKind::Impl {
                self.methods(item, contract);
            }
        }
    }

    /// A macro definition stays if something that stays spells its name. A call stays if something that
    /// it makes does; if calve does not see what it makes, if it names no driver.
    fn macro_stays(&self, item: &Item<'w>, contract: &Contract) -> bool {
        match &item.name {
            Some(name) => {
                let spells =
                    |syntax: &syn::Item| closure::occurrences(syntax.to_token_stream(), name) > 0;
                let calls = self.root.items.iter().filter(|other| {
                    other.kind == ItemKind::Macro && other.name.is_none() && !other.test_only
                });
                contract.kept.iter().any(|id| spells(self.code.item(*id).syntax))
                    || calls
                        .into_iter()
                        .any(|call| spells(call.syntax) && self.macro_stays(call, contract))
            }
            None if self.made_by(item).next().is_some() => {
                self.made_by(item).any(|made| contract.kept.contains(&made.id))
            }
            None => !self.code.mentioned_by(item).iter().any(|(_, found)| match found {
                Found::External(krate, _) => DRIVERS.contains(&krate.as_str()),
                Found::Item(id, _) => id.root == item.id.root && self.gated.contains(&id.index),
                _ => false,
            }),
        }
    }

    /// What a macro call makes.
    fn made_by(&self, call: &Item<'w>) -> impl Iterator<Item = &'a Item<'w>> {
        let call = call.id.index;
        self.root.items.iter().filter(move |i| i.made.is_some_and(|made| made.call == call))
    }

    /// Gates the methods of an inherent impl that do not stay; the whole impl if none does.
    fn methods(&mut self, item: &Item<'w>, contract: &Contract) {
        let syn::Item::Impl(block) = item.syntax else { return };
        let stays = closure::members_that_stay(self.code, item, contract);
        if !stays.is_empty() && stays.iter().all(|s| !s) {
            self.gated.insert(item.id.index);
            return;
        }
        for (member, stays) in block.items.iter().zip(stays) {
            if !stays && !already_gated(impl_item_attributes(member)) {
                let at = attribute_place(
                    item.source,
                    impl_item_attributes(member),
                    item.source.range(member.span()).start,
                    member,
                );
                self.gates.push(Gate::Item { file: item.file.to_owned(), at });
            }
        }
    }

    /// A module of which nothing is left is gated as a whole. Innermost first.
    fn modules(&mut self) {
        for scope in (1..self.root.scopes.len()).rev() {
            let module = &self.root.scopes[scope];
            let Some(declaration) = module.declared_by else { continue };
            if module.test_only {
                continue;
            }
            let mut content = self
                .root
                .items
                .iter()
                .filter(|i| i.scope.index == scope && !i.test_only && i.kind != ItemKind::Use)
                .filter(|i| i.made.is_none())
                .peekable();
            if content.peek().is_some() && content.all(|i| self.gated.contains(&i.id.index)) {
                self.gated.insert(declaration);
            }
        }
    }

    /// Whether an item stands in a module that is gated as a whole.
    pub(super) fn inside_gated(&self, item: &Item<'_>) -> bool {
        let mut at = Some(item.scope.index);
        while let Some(scope) = at {
            let module = &self.root.scopes[scope];
            if module.declared_by.is_some_and(|d| self.gated.contains(&d)) {
                return true;
            }
            at = module.parent;
        }
        false
    }

    /// Writes the gates of items and modules.
    pub(super) fn emit(&mut self) {
        for index in self.gated.clone() {
            let item = &self.root.items[index];
            // A gate that is there from an earlier run is not written again.
            if item.kind == ItemKind::Use
                || self.inside_gated(item)
                || already_gated(item.attributes())
            {
                continue;
            }
            let at =
                attribute_place(item.source, item.attributes(), item.range().start, item.syntax);
            self.gates.push(Gate::Item { file: item.file.to_owned(), at });
        }
    }
}

fn impl_item_attributes(member: &syn::ImplItem) -> &[syn::Attribute] {
    match member {
        syn::ImplItem::Fn(f) => &f.attrs,
        syn::ImplItem::Const(c) => &c.attrs,
        syn::ImplItem::Type(t) => &t.attrs,
        syn::ImplItem::Macro(m) => &m.attrs,
        _ => &[],
    }
}
