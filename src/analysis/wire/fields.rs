//! The fields of types, and the traits that types have.

use crate::analysis::code::{Code, Item, ItemId};
use crate::analysis::types::{self, Substitution, Type};

/// A field of a struct or variant.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name, or its position.
    pub name: String,
    /// Whether it has a name.
    pub named: bool,
    /// Its type.
    pub ty: Type,
    /// Whether other crates see it.
    pub public: bool,
    /// Its attributes.
    pub attributes: Vec<syn::Attribute>,
    /// Where its type stands.
    pub span: proc_macro2::Span,
}

/// The fields of a struct or variant, with their types read.
pub fn fields(code: &Code<'_>, item: &Item<'_>, fields: &syn::Fields) -> Vec<Field> {
    let in_enum = matches!(item.syntax, syn::Item::Enum(_));
    fields
        .iter()
        .enumerate()
        .map(|(position, field)| Field {
            name: field.ident.as_ref().map_or_else(|| position.to_string(), ToString::to_string),
            named: field.ident.is_some(),
            ty: types::read(code, item.scope, &field.ty, &Substitution::new()),
            public: in_enum || matches!(field.vis, syn::Visibility::Public(_)),
            attributes: field.attrs.clone(),
            span: syn::spanned::Spanned::span(&field.ty),
        })
        .collect()
}

/// Whether a workspace type derives or implements a trait, by the trait's last name.
pub fn implements(code: &Code<'_>, id: ItemId, name: &str) -> bool {
    let item = code.item(id);
    let derived = item.attributes().iter().filter(|a| a.path().is_ident("derive")).any(|a| {
        a.parse_args_with(
            syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated,
        )
        .is_ok_and(|paths| paths.iter().any(|p| p.segments.last().is_some_and(|s| s.ident == name)))
    });
    derived
        || code.root(id.root).items.iter().any(|other| match other.syntax {
            syn::Item::Impl(block) => {
                block
                    .trait_
                    .as_ref()
                    .is_some_and(|(path, _)| path.segments.last().is_some_and(|s| s.ident == name))
                    && crate::analysis::select::self_type(code, other) == Some(id)
            }
            _ => false,
        })
}
