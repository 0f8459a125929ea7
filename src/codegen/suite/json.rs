//! The wire form of a struct with private fields and nothing but derives, as a `json!` literal.

use heck::{
    ToKebabCase, ToLowerCamelCase, ToShoutyKebabCase, ToShoutySnakeCase, ToSnakeCase,
    ToUpperCamelCase,
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Meta, Token};

use crate::analysis::code::Item;
use crate::analysis::wire::Field;

/// `json!(…)` of a struct from the samples of its fields; none where an attribute says more than a
/// new name.
pub(super) fn of_struct(
    item: &Item<'_>,
    fields: &[Field],
    values: &[TokenStream],
    json: &TokenStream,
) -> Option<TokenStream> {
    let container = serde(item.attributes());
    let known = ["rename", "rename_all", "transparent", "deny_unknown_fields", "default", "bound"];
    if container.iter().any(|m| !known.iter().any(|k| m.path().is_ident(k))) {
        return None;
    }
    let transparent = container.iter().any(|m| m.path().is_ident("transparent"));
    match (fields, values) {
        ([], _) => Some(quote!(#json!(null))),
        ([field], [value]) if transparent || !field.named => Some(quote!(#json!(#value))),
        ([field, ..], _) if !field.named => Some(quote!(#json!([#(#values),*]))),
        _ => {
            let keys: Option<Vec<String>> = fields.iter().map(|f| key(f, &container)).collect();
            let keys = keys?;
            Some(quote!(#json!({ #(#keys: #values),* })))
        }
    }
}

/// A field's key.
fn key(field: &Field, container: &[Meta]) -> Option<String> {
    let own = serde(&field.attributes);
    let known = ["rename", "alias", "default", "bound", "skip_serializing_if"];
    if own.iter().any(|m| !known.iter().any(|k| m.path().is_ident(k))) {
        return None;
    }
    if let Some(rename) = own.iter().find(|m| m.path().is_ident("rename")) {
        return text(rename);
    }
    let name = field.name.strip_prefix("r#").unwrap_or(&field.name).to_owned();
    let Some(rule) = container.iter().find(|m| m.path().is_ident("rename_all")) else {
        return Some(name);
    };
    Some(match text(rule)?.as_str() {
        "lowercase" => name.to_lowercase(),
        "UPPERCASE" => name.to_uppercase(),
        "PascalCase" => name.to_upper_camel_case(),
        "camelCase" => name.to_lower_camel_case(),
        "snake_case" => name.to_snake_case(),
        "SCREAMING_SNAKE_CASE" => name.to_shouty_snake_case(),
        "kebab-case" => name.to_kebab_case(),
        "SCREAMING-KEBAB-CASE" => name.to_shouty_kebab_case(),
        _ => return None,
    })
}

fn text(meta: &Meta) -> Option<String> {
    match &meta.require_name_value().ok()?.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// The parts of all `#[serde(…)]` attributes.
fn serde(attributes: &[syn::Attribute]) -> Vec<Meta> {
    attributes
        .iter()
        .filter(|a| a.path().is_ident("serde"))
        .filter_map(|a| a.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok())
        .flatten()
        .collect()
}
