//! The fixpoint: from the API trait and the names that consumers use to everything they reach.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::ToTokens;

use super::{Contract, DRIVERS};
use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind, ScopeId, mentions};
use crate::analysis::references::Reference;
use crate::analysis::select;
use crate::diagnostic::{Diagnostic, Diagnostics};

pub(super) fn close(
    code: &Code<'_>,
    library: usize,
    apis: &[ItemId],
    implementations: BTreeSet<ItemId>,
    references: &[Reference<'_>],
    diagnostics: &mut Diagnostics,
) -> Option<Contract> {
    let closure = Closure { code, library, implementations: &implementations };
    let mut contract = Contract::new(implementations.clone());
    for api in apis {
        closure.reach(*api, &mut contract);
    }
    if let Some(&swallowed) = implementations.iter().find(|id| contract.kept.contains(id)) {
        refuse_swallowed(code, &contract, &code.item(swallowed), diagnostics);
        return None;
    }
    if let Some(&bad) = contract.kept.iter().find(|id| closure.touches_storage(**id)) {
        refuse_swallowed(code, &contract, &code.item(bad), diagnostics);
        return None;
    }
    for reference in references.iter().filter(|r| r.item.root == library) {
        closure.named_by_others(reference.item, &mut contract);
    }
    closure.impls(&mut contract);
    Some(contract)
}

fn refuse_swallowed(
    code: &Code<'_>,
    contract: &Contract,
    swallowed: &Item<'_>,
    diagnostics: &mut Diagnostics,
) {
    let chain = contract.chain(code, swallowed.id);
    let names: Vec<String> =
        chain.iter().rev().filter_map(|i| i.name.as_ref().map(|n| format!("`{n}`"))).collect();
    let mut diagnostic = Diagnostic::error(
        "contract-reaches-implementation",
        format!(
            "the API trait reaches `{}`, which is implementation",
            swallowed.name.as_deref().unwrap_or("an impl")
        ),
    )
    .at(swallowed.file, swallowed.name_range(), "belongs to the implementation");
    for item in chain.iter().skip(1) {
        diagnostic = diagnostic.at(item.file, item.name_range(), "leads there");
    }
    diagnostics.push(
        diagnostic
            .note(format!("the chain of names: {}", names.join(" → ")))
            .help("let the signatures speak of plain data only"),
    );
}

struct Closure<'a, 'w> {
    code: &'a Code<'w>,
    library: usize,
    implementations: &'a BTreeSet<ItemId>,
}

impl<'w> Closure<'_, 'w> {
    /// Takes an item and all that it mentions into the contract.
    fn reach(&self, from: ItemId, contract: &mut Contract) {
        let mut queue = vec![from];
        contract.kept.insert(from);
        while let Some(next) = queue.pop() {
            for id in self.mentioned(next) {
                if contract.kept.insert(id) {
                    contract.reached_from.entry(id).or_insert(next);
                    if !self.implementations.contains(&id) {
                        queue.push(id);
                    }
                }
            }
        }
    }

    /// Library items that an item mentions.
    fn mentioned(&self, id: ItemId) -> BTreeSet<ItemId> {
        self.items_in(self.code.item(id).scope, tokens_of(&self.code.item(id)))
    }

    fn items_in(&self, scope: ScopeId, tokens: TokenStream) -> BTreeSet<ItemId> {
        self.code
            .mentioned_in(scope, tokens)
            .into_iter()
            .filter_map(|(_, found)| match found {
                Found::Item(id, _) if id.root == self.library => Some(id),
                _ => None,
            })
            .filter(|id| !matches!(self.code.item(*id).kind, ItemKind::Use | ItemKind::Impl))
            .collect()
    }

    /// Decides for an item that other crates name: contract if it reaches no storage and no state,
    /// else a name behind the trait.
    fn named_by_others(&self, id: ItemId, contract: &mut Contract) {
        if contract.kept.contains(&id) || contract.behind.contains(&id) {
            return;
        }
        let mut trial = Contract::new(self.implementations.clone());
        self.reach(id, &mut trial);
        let stays = trial.kept.iter().all(|reached| {
            contract.kept.contains(reached)
                || (!self.implementations.contains(reached) && !self.touches_storage(*reached))
        });
        if stays {
            contract.kept.append(&mut trial.kept);
            contract.reached_from.extend(trial.reached_from);
        } else {
            contract.behind.insert(id);
        }
    }

    /// Whether an item is state, or code or fields that name a driver. A derive does not count: the
    /// row form of a plain type is data.
    fn touches_storage(&self, id: ItemId) -> bool {
        let item = self.code.item(id);
        match item.syntax {
            syn::Item::Static(_) => true,
            syn::Item::Fn(_) | syn::Item::Const(_) => {
                self.names_driver(item.scope, item.syntax.to_token_stream())
            }
            syn::Item::Struct(item_struct) => item_struct.fields.iter().any(|field| {
                // Only what lets a caller reach storage; `#[from] sqlx::Error` in an enum is data.
                self.names_driver(item.scope, field.ty.to_token_stream())
            }),
            _ => false,
        }
    }

    fn names_driver(&self, scope: ScopeId, tokens: TokenStream) -> bool {
        self.code.mentioned_in(scope, tokens).iter().any(|(_, found)| {
            matches!(found, Found::External(krate, _) if DRIVERS.contains(&krate.as_str()))
        })
    }

    /// Adds the impl blocks that the contract can carry, and the helpers that they need, until
    /// nothing changes.
    fn impls(&self, contract: &mut Contract) {
        let root = self.code.root(self.library);
        let impls: Vec<&Item<'w>> =
            root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only).collect();
        loop {
            let before = contract.kept.len();
            for item in &impls {
                if !contract.kept.contains(&item.id) && self.impl_stays(item, contract) {
                    contract.kept.insert(item.id);
                    for part in self.parts_that_stay(item, contract) {
                        for id in self.items_in(item.scope, part) {
                            if !contract.kept.contains(&id) {
                                self.reach(id, contract);
                                contract.reached_from.insert(id, item.id);
                            }
                        }
                    }
                }
            }
            if contract.kept.len() == before {
                return;
            }
        }
    }

    fn impl_stays(&self, item: &Item<'w>, contract: &Contract) -> bool {
        let syn::Item::Impl(block) = item.syntax else { return false };
        if let Some(ty) = select::self_type(self.code, item) {
            if ty.root == self.library && !contract.kept.contains(&ty) {
                return false;
            }
        } else if block.trait_.is_none() {
            return false;
        }
        if block.trait_.is_some() {
            return self.part_stays(item.scope, block.to_token_stream(), contract);
        }
        // An inherent block stays if its head does and a method of it.
        self.parts_that_stay(item, contract).len() > 1
            || (block.items.is_empty()
                && self.part_stays(item.scope, block.to_token_stream(), contract))
    }

    /// The head of an impl and those of its members that stay; of a trait impl, all.
    fn parts_that_stay(&self, item: &Item<'w>, contract: &Contract) -> Vec<TokenStream> {
        let syn::Item::Impl(block) = item.syntax else { return Vec::new() };
        if block.trait_.is_some() {
            return vec![block.to_token_stream()];
        }
        let mut parts = vec![block.self_ty.to_token_stream()];
        for member in &block.items {
            if self.part_stays(item.scope, member.to_token_stream(), contract) {
                parts.push(member.to_token_stream());
            }
        }
        parts
    }

    /// Whether tokens lead, through library items outside of the contract, to no storage.
    fn part_stays(&self, scope: ScopeId, tokens: TokenStream, contract: &Contract) -> bool {
        if self.names_driver(scope, tokens.clone()) {
            return false;
        }
        let mut queue: Vec<ItemId> = self.items_in(scope, tokens).into_iter().collect();
        let mut seen: BTreeSet<ItemId> = queue.iter().copied().collect();
        while let Some(id) = queue.pop() {
            if contract.kept.contains(&id) {
                continue;
            }
            let item = self.code.item(id);
            if self.implementations.contains(&id)
                || contract.behind.contains(&id)
                || self.touches_storage(id)
                || self.names_driver(item.scope, item.syntax.to_token_stream())
            {
                return false;
            }
            for next in self.mentioned(id) {
                if seen.insert(next) {
                    queue.push(next);
                }
            }
        }
        true
    }
}

/// The tokens of an item that count as its mentions.
fn tokens_of(item: &Item<'_>) -> TokenStream {
    match item.kind {
        ItemKind::Module => TokenStream::new(),
        _ => item.syntax.to_token_stream(),
    }
}

/// For each member of an inherent impl of the contract, whether it stays.
///
/// A method stays if it reaches no storage and, where it is not `pub`, something that stays calls it.
pub(super) fn members_that_stay<'w>(
    code: &Code<'w>,
    item: &Item<'w>,
    contract: &Contract,
) -> Vec<bool> {
    let syn::Item::Impl(block) = item.syntax else { return Vec::new() };
    if block.trait_.is_some() {
        return vec![true; block.items.len()];
    }
    let implementations = &contract.implementations;
    let closure = Closure { code, library: item.id.root, implementations };
    let stays: Vec<bool> = block
        .items
        .iter()
        .map(|member| closure.part_stays(item.scope, member.to_token_stream(), contract))
        .collect();
    block
        .items
        .iter()
        .zip(&stays)
        .map(|(member, stays)| *stays && (is_public(member) || is_called(code, member, contract)))
        .collect()
}

fn is_public(member: &syn::ImplItem) -> bool {
    let visibility = match member {
        syn::ImplItem::Fn(f) => &f.vis,
        syn::ImplItem::Const(c) => &c.vis,
        syn::ImplItem::Type(t) => &t.vis,
        _ => return true,
    };
    matches!(visibility, syn::Visibility::Public(_))
}

/// Whether an item that stays spells the name of a method or constant.
fn is_called(code: &Code<'_>, member: &syn::ImplItem, contract: &Contract) -> bool {
    let name = match member {
        syn::ImplItem::Fn(f) => f.sig.ident.to_string(),
        syn::ImplItem::Const(c) => c.ident.to_string(),
        _ => return true,
    };
    contract.kept.iter().any(|id| {
        let item = code.item(*id);
        let mut count = occurrences(item.syntax.to_token_stream(), &name);
        // Its own definition is not a call.
        if let syn::Item::Impl(block) = item.syntax
            && block.items.iter().any(|m| std::ptr::eq(m, member))
        {
            count -= 1;
        }
        count > 0
    })
}

/// How often a name is spelled in tokens, whatever it means there.
pub(super) fn occurrences(tokens: TokenStream, name: &str) -> usize {
    tokens
        .into_iter()
        .map(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => usize::from(ident == name),
            proc_macro2::TokenTree::Group(group) => occurrences(group.stream(), name),
            _ => 0,
        })
        .sum()
}

/// Names that a `use` of the scope could serve: first segments of all mentions in tokens.
pub(super) fn first_names(tokens: TokenStream) -> BTreeSet<String> {
    mentions(tokens)
        .into_iter()
        .filter_map(|m| m.segments.into_iter().next().map(|s| s.name))
        .collect()
}
