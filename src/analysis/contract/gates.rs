//! Where the line runs through the source: whole modules where possible, else items and methods;
//! then the dependencies that only the gated side names, and the derives that come from them.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::spanned::Spanned;

use super::{Contract, DRIVERS, Gate, IMPLEMENTATION, closure, imports};
use crate::analysis::code::{Code, CrateRoot, Found, Item, ItemKind, ScopeId};
use crate::workspace::{DependencyKind, Source};

pub(super) fn draw(code: &Code<'_>, library: usize, contract: &mut Contract) {
    let root = code.root(library);
    let mut drawing = Drawing { code, root: &root, gated: BTreeSet::new(), gates: Vec::new() };
    for scope in 0..root.scopes.len() {
        if !root.scopes[scope].test_only {
            drawing.items(scope, contract);
        }
    }
    drawing.modules();
    imports::draw(&mut drawing, contract);
    drawing.emit();
    let gates = std::mem::take(&mut drawing.gates);
    let kept_crates = kept_crates(code, &root, &drawing, contract);
    contract.gates = gates;
    let optional: Vec<String> = root
        .member
        .dependencies
        .iter()
        .filter(|d| d.kind == DependencyKind::Normal && !kept_crates.contains(&d.ident()))
        .map(|d| d.key.clone())
        .collect();
    contract.drivers_kept =
        kept_crates.iter().filter(|k| DRIVERS.contains(&k.as_str())).cloned().collect();
    for id in &contract.kept {
        derives(code, &code.item(*id), &optional, &mut contract.gates);
    }
    contract.optional_dependencies = optional;
}

/// The gates of one library while they are drawn.
pub(super) struct Drawing<'a, 'w> {
    pub(super) code: &'a Code<'w>,
    pub(super) root: &'a CrateRoot<'w>,
    /// Items that are gated, by index.
    pub(super) gated: BTreeSet<usize>,
    pub(super) gates: Vec<Gate>,
}

impl<'w> Drawing<'_, 'w> {
    /// Gates the items of a module that are not contract; uses and modules come later.
    fn items(&mut self, scope: usize, contract: &Contract) {
        let id = ScopeId { root: self.root.items.first().map_or(0, |i| i.id.root), index: scope };
        for item in self.root.items.iter().filter(|i| i.scope == id && !i.test_only) {
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

    /// A macro definition stays if something that stays spells its name, a call if it names no driver.
    fn macro_stays(&self, item: &Item<'w>, contract: &Contract) -> bool {
        match &item.name {
            Some(name) => contract.kept.iter().any(|id| {
                closure::occurrences(self.code.item(*id).syntax.to_token_stream(), name) > 0
            }),
            None => !self.code.mentioned_by(item).iter().any(|(_, found)| match found {
                Found::External(krate, _) => DRIVERS.contains(&krate.as_str()),
                Found::Item(id, _) => id.root == item.id.root && self.gated.contains(&id.index),
                _ => false,
            }),
        }
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

    fn emit(&mut self) {
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

/// Byte offset behind the doc comments of an item and before everything else of it.
pub(in crate::analysis) fn attribute_place(
    source: &Source,
    attributes: &[syn::Attribute],
    start: usize,
    node: &impl ToTokens,
) -> usize {
    let is_outer = |a: &&syn::Attribute| matches!(a.style, syn::AttrStyle::Outer);
    if let Some(first) = attributes.iter().filter(is_outer).find(|a| !a.path().is_ident("doc")) {
        return source.range(first.span()).start;
    }
    let docs = attributes.iter().filter(is_outer).count();
    if docs == 0 {
        return start;
    }
    // Behind the last doc comment: the first token that no attribute covers.
    let end = attributes
        .iter()
        .filter(is_outer)
        .map(|a| source.range(a.span()).end)
        .max()
        .unwrap_or(start);
    node.to_token_stream()
        .into_iter()
        .map(|token| source.range(token.span()).start)
        .find(|at| *at >= end)
        .unwrap_or(start)
}

/// Whether attributes hold `cfg(feature = "implementation")`.
pub(super) fn already_gated(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::MetaNameValue>().is_ok_and(|pair| {
                pair.path.is_ident("feature")
                    && matches!(&pair.value, syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })
                        if text.value() == IMPLEMENTATION)
            })
    })
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

/// The crates that are named by what stays, as they are called in the module's code. Derives do not
/// count: they can be gated with their dependency.
fn kept_crates<'w>(
    code: &Code<'w>,
    root: &CrateRoot<'w>,
    drawing: &Drawing<'_, 'w>,
    contract: &Contract,
) -> BTreeSet<String> {
    let mut crates = BTreeSet::new();
    for item in &root.items {
        let counts = !item.test_only
            && !drawing.gated.contains(&item.id.index)
            && !drawing.inside_gated(item)
            && !matches!(item.kind, ItemKind::Module | ItemKind::Use);
        if !counts {
            continue;
        }
        let mut scope_tokens = vec![without_derives(item)];
        if item.kind == ItemKind::Impl
            && let syn::Item::Impl(block) = item.syntax
        {
            let stays = closure::members_that_stay(code, item, contract);
            scope_tokens = vec![block.self_ty.to_token_stream()];
            scope_tokens.extend(block.trait_.iter().map(|t| t.0.to_token_stream()));
            scope_tokens.extend(block.attrs.iter().map(ToTokens::to_token_stream));
            scope_tokens.extend(
                block.items.iter().zip(stays).filter(|(_, s)| *s).map(|(m, _)| m.to_token_stream()),
            );
        }
        for tokens in scope_tokens {
            for (_, found) in code.mentioned_in(item.scope, tokens) {
                match found {
                    Found::External(krate, _) => {
                        crates.insert(krate);
                    }
                    Found::Item(id, _) if id.root != item.id.root => {
                        let package = code.root(id.root).member.name.clone();
                        let named = root.member.dependencies.iter().find(|d| d.package == package);
                        crates.extend(named.map(crate::workspace::Dependency::ident));
                    }
                    _ => {}
                }
            }
        }
        // `thiserror::Error`, `serde::Serialize` from a crate with no other use cannot be told from
        // a row derive by its looks; only drivers and their like are gated.
        for (krate, _) in derive_crates(code, item) {
            if !DRIVERS.contains(&krate.as_str()) {
                crates.insert(krate);
            }
        }
    }
    crates
}

/// The tokens of an item without its derive and derive-helper attributes.
fn without_derives(item: &Item<'_>) -> proc_macro2::TokenStream {
    let mut syntax = item.syntax.clone();
    let strip = |attrs: &mut Vec<syn::Attribute>| attrs.retain(|a| !a.path().is_ident("derive"));
    match &mut syntax {
        syn::Item::Struct(s) => strip(&mut s.attrs),
        syn::Item::Enum(e) => strip(&mut e.attrs),
        syn::Item::Union(u) => strip(&mut u.attrs),
        _ => {}
    }
    syntax.to_token_stream()
}

/// The crates that the derives of an item come from, each with the derive's path as written.
fn derive_crates(code: &Code<'_>, item: &Item<'_>) -> Vec<(String, syn::Path)> {
    let mut crates = Vec::new();
    for attribute in item.attributes().iter().filter(|a| a.path().is_ident("derive")) {
        let Ok(paths) = derive_paths(attribute) else { continue };
        for path in paths {
            let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            if let Found::External(krate, _) =
                code.resolve_path(item.scope, path.leading_colon.is_some(), &names)
                && !matches!(krate.as_str(), "std" | "core" | "alloc")
            {
                crates.push((krate, path));
            }
        }
    }
    crates
}

fn derive_paths(
    attribute: &syn::Attribute,
) -> syn::Result<syn::punctuated::Punctuated<syn::Path, syn::Token![,]>> {
    attribute.parse_args_with(syn::punctuated::Punctuated::parse_terminated)
}

/// Gates the derives of a kept type that come from an optional dependency, and the helper attributes
/// named after that dependency.
fn derives(code: &Code<'_>, item: &Item<'_>, optional: &[String], gates: &mut Vec<Gate>) {
    let from: BTreeMap<String, Vec<syn::Path>> =
        derive_crates(code, item).into_iter().fold(BTreeMap::new(), |mut map, (krate, path)| {
            map.entry(krate).or_insert_with(Vec::new).push(path);
            map
        });
    let gone: Vec<(&String, &Vec<syn::Path>)> = from
        .iter()
        .filter(|(krate, _)| optional.iter().any(|key| key.replace('-', "_") == **krate))
        .collect();
    if gone.is_empty() {
        return;
    }
    let cfg = format!("feature = \"{IMPLEMENTATION}\"");
    let spell = |path: &syn::Path| path.to_token_stream().to_string().replace(' ', "");
    for attribute in item.attributes().iter().filter(|a| a.path().is_ident("derive")) {
        let Ok(paths) = derive_paths(attribute) else { continue };
        let (moved, stays): (Vec<_>, Vec<_>) =
            paths.iter().partition(|p| gone.iter().any(|(_, all)| all.contains(p)));
        if moved.is_empty() {
            continue;
        }
        let list =
            |paths: &[&syn::Path]| paths.iter().map(|p| spell(p)).collect::<Vec<_>>().join(", ");
        let gated = format!("#[cfg_attr({cfg}, derive({}))]", list(&moved));
        let replacement =
            if stays.is_empty() { gated } else { format!("#[derive({})]\n{gated}", list(&stays)) };
        gates.push(Gate::Derive {
            file: item.file.to_owned(),
            range: item.source.range(attribute.span()),
            replacement,
        });
    }
    for attribute in helper_attributes(item.syntax) {
        let helper = attribute.path().get_ident().map(ToString::to_string).unwrap_or_default();
        if gone.iter().any(|(krate, _)| **krate == helper) {
            let range = item.source.range(attribute.meta.span());
            let meta = &item.source.text[range.clone()];
            gates.push(Gate::Derive {
                file: item.file.to_owned(),
                replacement: format!("cfg_attr({cfg}, {meta})"),
                range,
            });
        }
    }
}

/// Attributes of a type, its fields and its variants.
fn helper_attributes(item: &syn::Item) -> Vec<&syn::Attribute> {
    match item {
        syn::Item::Struct(s) => {
            s.attrs.iter().chain(s.fields.iter().flat_map(|f| &f.attrs)).collect()
        }
        syn::Item::Enum(e) => e
            .attrs
            .iter()
            .chain(
                e.variants
                    .iter()
                    .flat_map(|v| v.attrs.iter().chain(v.fields.iter().flat_map(|f| &f.attrs))),
            )
            .collect(),
        _ => Vec::new(),
    }
}
