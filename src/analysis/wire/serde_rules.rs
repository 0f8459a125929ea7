//! What a type's present serde does: which traits it has, and whether it provably loses nothing.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Meta, Token};

use super::WIRE;
use crate::analysis::code::{Code, Found, Item, ItemKind};
use crate::analysis::select;

/// The serde of a type as it is.
#[derive(Debug, Default)]
pub(super) struct Existing {
    pub(super) serialize: bool,
    pub(super) deserialize: bool,
    /// Without what an earlier run of calve added behind the feature `wire`.
    pub(super) serialize_own: bool,
    pub(super) deserialize_own: bool,
    /// Whether some of it was added by calve.
    pub(super) by_calve: bool,
    /// A derive that stands behind somebody else's feature.
    pub(super) gated: Option<proc_macro2::Span>,
    /// What it loses or does not prove, if anything.
    pub(super) lossy: Option<String>,
}

pub(super) fn existing(code: &Code<'_>, item: &Item<'_>) -> Existing {
    let mut found = Existing::default();
    for attribute in item.attributes() {
        if attribute.path().is_ident("derive") {
            let (serialize, deserialize) = derives(code, item, &attribute.meta);
            found.serialize_own |= serialize;
            found.deserialize_own |= deserialize;
        } else if let Some(metas) = gated_by_wire(attribute) {
            for meta in metas.iter().filter(|m| m.path().is_ident("derive")) {
                let (serialize, deserialize) = derives(code, item, meta);
                found.serialize |= serialize;
                found.deserialize |= deserialize;
                found.by_calve |= serialize || deserialize;
            }
        } else if attribute.path().is_ident("cfg_attr") && derives_gated(code, item, attribute) {
            found.gated = Some(syn::spanned::Spanned::span(attribute));
        }
    }
    for other in code.root(item.id.root).items.iter().filter(|i| i.kind == ItemKind::Impl) {
        let syn::Item::Impl(block) = other.syntax else { continue };
        let Some((path, _)) = &block.trait_ else { continue };
        let Some(name) = path.segments.last().map(|s| s.ident.to_string()) else { continue };
        if !matches!(name.as_str(), "Serialize" | "Deserialize")
            || select::self_type(code, other) != Some(item.id)
        {
            continue;
        }
        if block.attrs.iter().any(is_wire_gate) {
            found.by_calve = true;
            found.serialize |= name == "Serialize";
            found.deserialize |= name == "Deserialize";
        } else {
            found.serialize_own |= name == "Serialize";
            found.deserialize_own |= name == "Deserialize";
            found.lossy = Some(format!("its `{name}` is written by hand, which proves nothing"));
        }
    }
    found.serialize |= found.serialize_own;
    found.deserialize |= found.deserialize_own;
    if (found.serialize_own || found.deserialize_own) && found.lossy.is_none() {
        found.lossy = lossy_attributes(item);
    }
    found
}

/// Which of serde's derives a `derive(…)` holds.
fn derives(code: &Code<'_>, item: &Item<'_>, meta: &Meta) -> (bool, bool) {
    let Meta::List(list) = meta else { return (false, false) };
    let Ok(paths) = list.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated)
    else {
        return (false, false);
    };
    let has = |name: &str| {
        paths.iter().any(|path| {
            let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            names.last().map(String::as_str) == Some(name)
                && match code.resolve_path(item.scope, path.leading_colon.is_some(), &names) {
                    Found::External(krate, _) => krate.starts_with("serde"),
                    // `serde` is not a dependency yet where calve's own derive is read again.
                    _ => names.first().is_some_and(|first| first == "serde"),
                }
        })
    };
    (has("Serialize"), has("Deserialize"))
}

/// Whether `cfg_attr(…, derive(…))` holds one of serde's derives.
fn derives_gated(code: &Code<'_>, item: &Item<'_>, attribute: &syn::Attribute) -> bool {
    let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    metas
        .into_iter()
        .flatten()
        .skip(1)
        .any(|meta| meta.path().is_ident("derive") && derives(code, item, &meta) != (false, false))
}

/// Whether a struct is written as its one field.
pub(super) fn is_transparent(attributes: &[syn::Attribute]) -> bool {
    serde_metas(attributes).iter().any(|(name, _)| name == "transparent")
}

/// Whether an enum's variants are written as objects with a tag.
pub(super) fn is_tagged(attributes: &[syn::Attribute]) -> bool {
    serde_metas(attributes).iter().any(|(name, _)| name == "tag" || name == "untagged")
}

/// An attribute that changes what serde writes without being serde's own: `serde_as`,
/// `skip_serializing_none`, `cfg_attr(…, serde(…))`.
fn meddles(attributes: &[syn::Attribute]) -> Option<String> {
    attributes
        .iter()
        .filter(|a| !a.path().is_ident("serde") && !a.path().is_ident("derive"))
        .filter(|a| !a.path().is_ident("doc") && gated_by_wire(a).is_none())
        .map(|a| a.meta.to_token_stream().to_string().replace(' ', ""))
        .find(|text| text.contains("serde") || text.contains("skip_serializing"))
        .map(|text| format!("`#[{text}]` changes it in a way that calve does not know"))
}

/// The attributes inside `cfg_attr(feature = "wire", …)`.
pub(super) fn gated_by_wire(attribute: &syn::Attribute) -> Option<Vec<Meta>> {
    if !attribute.path().is_ident("cfg_attr") {
        return None;
    }
    let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    let mut metas = metas.into_iter();
    is_wire_feature(&metas.next()?).then(|| metas.collect())
}

fn is_wire_gate(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<Meta>().is_ok_and(|meta| is_wire_feature(&meta))
}

fn is_wire_feature(meta: &Meta) -> bool {
    matches!(meta, Meta::NameValue(pair) if pair.path.is_ident("feature")
        && pair.value.to_token_stream().to_string() == format!("\"{WIRE}\""))
}

/// The first serde attribute of a type, its fields or variants that loses something, or that does
/// not prove that it loses nothing; in words.
fn lossy_attributes(item: &Item<'_>) -> Option<String> {
    let container = item.attributes();
    if let Some(reason) = meddles(container) {
        return Some(reason);
    }
    for (name, text) in serde_metas(container) {
        let fine = match name.as_str() {
            "rename_all" | "rename_all_fields" | "rename" => !text.contains("serialize"),
            "deny_unknown_fields" | "transparent" | "bound" | "crate" | "expecting" | "default" => {
                true
            }
            // Externally and adjacently tagged forms keep everything; `tag` alone buffers.
            "content" => true,
            "tag" => serde_metas(container).iter().any(|(other, _)| other == "content"),
            _ => false,
        };
        if !fine {
            return Some(format!("`#[serde({text})]` on the type"));
        }
    }
    let of_field = |attributes: &[syn::Attribute], what: &str, optional: bool| {
        if let Some(reason) = meddles(attributes) {
            return Some(reason);
        }
        serde_metas(attributes).into_iter().find_map(|(name, text)| {
            let fine = match name.as_str() {
                "rename" | "rename_all" => !text.contains("serialize"),
                "alias" | "default" | "bound" | "borrow" => true,
                "skip_serializing_if" => optional && text.contains("Option::is_none"),
                _ => false,
            };
            (!fine).then(|| format!("`#[serde({text})]` on `{what}`"))
        })
    };
    let fields_of = |fields: &syn::Fields| {
        fields.iter().enumerate().find_map(|(position, field)| {
            let name =
                field.ident.as_ref().map_or_else(|| position.to_string(), ToString::to_string);
            // Without a name it is told by its position, which moves where one is left out.
            let optional = field.ident.is_some()
                && matches!(&field.ty, syn::Type::Path(path)
                    if path.path.segments.last().is_some_and(|s| s.ident == "Option"));
            of_field(&field.attrs, &name, optional)
        })
    };
    match item.syntax {
        syn::Item::Struct(s) => fields_of(&s.fields),
        syn::Item::Enum(e) => e.variants.iter().find_map(|variant| {
            of_field(&variant.attrs, &variant.ident.to_string(), false)
                .or_else(|| fields_of(&variant.fields))
        }),
        _ => None,
    }
}

/// The parts of all `#[serde(…)]` attributes: the name, and the text of the whole part.
fn serde_metas(attributes: &[syn::Attribute]) -> Vec<(String, String)> {
    attributes
        .iter()
        .filter(|a| a.path().is_ident("serde"))
        .flat_map(|a| {
            let metas = a.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            let Ok(metas) = metas else {
                // No name that serde has, so nobody takes it for one that keeps everything.
                let text = a.meta.to_token_stream().to_string();
                return vec![(text.clone(), text)];
            };
            let named = metas.into_iter().map(|meta| {
                let name = meta.path().to_token_stream().to_string();
                (name, meta.to_token_stream().to_string())
            });
            named.collect()
        })
        .collect()
}
