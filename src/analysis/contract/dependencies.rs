//! What the line means for the manifest: dependencies that only the gated side names, and the derives
//! that come from them.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::spanned::Spanned;

use super::drawing::Drawing;
use super::{Contract, DRIVERS, Gate, IMPLEMENTATION, closure};
use crate::analysis::code::{Code, CrateRoot, Found, Item, ItemKind};
use crate::workspace::DependencyKind;

/// Finds the dependencies that become optional.
pub(super) fn find<'w>(
    code: &Code<'w>,
    root: &CrateRoot<'w>,
    drawing: &Drawing<'_, 'w>,
    contract: &mut Contract,
) {
    let kept_crates = kept_crates(code, root, drawing, contract);
    let optional: Vec<String> = root
        .member
        .dependencies
        .iter()
        // One that is optional or for some platforms only has its own rules already.
        .filter(|d| d.kind == DependencyKind::Normal && !d.optional && d.target.is_none())
        .filter(|d| !kept_crates.contains(&d.ident()))
        .map(|d| d.key.clone())
        .collect();
    contract.drivers_kept =
        kept_crates.iter().filter(|k| DRIVERS.contains(&k.as_str())).cloned().collect();
    contract.optional_dependencies = optional;
}

/// Gates the derives of kept types that come from dependencies which become optional.
pub(super) fn gate_derives(code: &Code<'_>, contract: &mut Contract) {
    for id in &contract.kept {
        let item = code.item(*id);
        // What a macro makes has no place of its own.
        if item.made.is_none() {
            derives(code, &item, &contract.optional_dependencies, &mut contract.gates);
        }
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
            && item.made.is_none_or(|made| !drawing.gated.contains(&made.call))
            && !matches!(item.kind, ItemKind::Module | ItemKind::Use);
        if !counts {
            continue;
        }
        // `thiserror::Error`, `serde::Serialize` from a crate with no other use cannot be told from
        // a row derive by its looks; only drivers and their like are gated.
        let is_driver = |krate: &str| DRIVERS.contains(&krate);
        let mut scope_tokens = vec![match item.made {
            Some(_) => item.syntax.to_token_stream(),
            None => without_derives(code, item, &is_driver),
        }];
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
    }
    crates
}

/// The tokens of an item without the derives that come from the crates for which `gone` holds, and
/// without their helper attributes: `#[sqlx(…)]` is no use of the crate, only of its derive.
pub(super) fn without_derives(
    code: &Code<'_>,
    item: &Item<'_>,
    gone: &dyn Fn(&str) -> bool,
) -> TokenStream {
    let going: Vec<(String, syn::Path)> =
        derive_crates(code, item).into_iter().filter(|(krate, _)| gone(krate)).collect();
    if going.is_empty() {
        return item.syntax.to_token_stream();
    }
    let mut syntax = item.syntax.clone();
    let mut derives = Vec::new();
    for attrs in attribute_lists(&mut syntax) {
        attrs.retain(|attribute| {
            if attribute.path().is_ident("derive") {
                derives.extend(derive_paths(attribute).into_iter().flatten());
                return false;
            }
            !going.iter().any(|(krate, _)| attribute.path().is_ident(krate.as_str()))
        });
    }
    derives.retain(|path| !going.iter().any(|(_, other)| other == path));
    quote::quote!(#(#derives,)* #syntax)
}

/// The attributes of a type, of its fields and of its variants.
fn attribute_lists(item: &mut syn::Item) -> Vec<&mut Vec<syn::Attribute>> {
    match item {
        syn::Item::Struct(s) => {
            let fields = s.fields.iter_mut().map(|field| &mut field.attrs);
            std::iter::once(&mut s.attrs).chain(fields).collect()
        }
        syn::Item::Enum(e) => {
            let mut lists = vec![&mut e.attrs];
            for variant in &mut e.variants {
                lists.push(&mut variant.attrs);
                lists.extend(variant.fields.iter_mut().map(|field| &mut field.attrs));
            }
            lists
        }
        _ => Vec::new(),
    }
}

/// The crates that the derives of an item come from, each with the derive's path as written.
fn derive_crates(code: &Code<'_>, item: &Item<'_>) -> Vec<(String, syn::Path)> {
    let mut crates = Vec::new();
    for path in item.derives() {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if let Found::External(krate, _) =
            code.resolve_path(item.scope, path.leading_colon.is_some(), &names)
            && !matches!(krate.as_str(), "std" | "core" | "alloc")
        {
            crates.push((krate, path));
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
