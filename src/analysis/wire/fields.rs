//! The fields of types, and the traits that types have.

use quote::ToTokens;

use crate::analysis::code::{Code, ItemId};
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
    /// Its type as it is written.
    pub written: String,
    /// Whether other crates see it.
    pub public: bool,
    /// Its attributes.
    pub attributes: Vec<syn::Attribute>,
    /// Where its type stands.
    pub span: proc_macro2::Span,
}

/// A workspace type with its type arguments.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// The struct or enum.
    pub id: ItemId,
    /// What its parameters stand for; empty for most types.
    pub arguments: Vec<Type>,
}

impl Instance {
    /// Of a type, if it is one of the workspace.
    pub fn of(ty: &Type) -> Option<Self> {
        match ty {
            Type::Item(id, arguments) => Some(Self { id: *id, arguments: arguments.clone() }),
            _ => None,
        }
    }

    /// The type.
    pub fn ty(&self) -> Type {
        Type::Item(self.id, self.arguments.clone())
    }

    /// What the parameters of the type stand for.
    pub fn substitution(&self, code: &Code<'_>) -> Substitution {
        let item = code.item(self.id);
        let (syn::Item::Struct(syn::ItemStruct { generics, .. })
        | syn::Item::Enum(syn::ItemEnum { generics, .. })) = item.syntax
        else {
            return Substitution::new();
        };
        let names = generics.type_params().map(|parameter| parameter.ident.to_string());
        names.zip(self.arguments.iter().cloned()).collect()
    }
}

/// The fields of a struct, or of all variants of an enum.
pub fn all_fields(code: &Code<'_>, instance: &Instance) -> Vec<Field> {
    let item = code.item(instance.id);
    match item.syntax {
        syn::Item::Struct(s) => fields(code, instance, &s.fields),
        syn::Item::Enum(e) => {
            e.variants.iter().flat_map(|v| fields(code, instance, &v.fields)).collect()
        }
        _ => Vec::new(),
    }
}

/// The fields of a struct or variant, with their types read.
pub fn fields(code: &Code<'_>, instance: &Instance, fields: &syn::Fields) -> Vec<Field> {
    let item = code.item(instance.id);
    let known = instance.substitution(code);
    let in_enum = matches!(item.syntax, syn::Item::Enum(_));
    fields
        .iter()
        .enumerate()
        .map(|(position, field)| Field {
            name: field.ident.as_ref().map_or_else(|| position.to_string(), ToString::to_string),
            named: field.ident.is_some(),
            ty: types::read(code, item.scope, &field.ty, &known),
            written: written(&field.ty, item.made.is_some()),
            public: in_enum || matches!(field.vis, syn::Visibility::Public(_)),
            attributes: field.attrs.clone(),
            span: syn::spanned::Spanned::span(&field.ty),
        })
        .collect()
}

/// A type as it is written. What a macro makes may have the place of the call, where something else stands.
fn written(ty: &syn::Type, made: bool) -> String {
    let tokens = || ty.to_token_stream().to_string();
    let is_it =
        |text: &String| !made || syn::parse_str::<syn::Type>(text).is_ok_and(|there| there == *ty);
    let of_place = syn::spanned::Spanned::span(ty).source_text().filter(is_it);
    of_place.unwrap_or_else(|| types::spelled(&tokens()))
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
