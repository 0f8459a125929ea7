//! How two values of a type are compared: by `==` where that sees every field, else by what can be
//! seen of them.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::analysis::code::{Code, ItemId};
use crate::analysis::types::Type;
use crate::analysis::wire::passing::Shape;
use crate::analysis::wire::{self, Field};
use crate::codegen::convert::Converter;

/// How values of a type are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Comparison {
    /// Every type in it derives `PartialEq`, and it can be printed.
    Exact,
    /// Every type in it derives `PartialEq`, but it has no `Debug`.
    Unprinted,
    /// Its wire form and its `Debug` text, which is derived throughout.
    Seen,
    /// Its wire form, all there is.
    Wire,
}

/// Decides how types are compared.
pub(super) struct Comparer<'a, 'w> {
    pub(super) code: &'a Code<'w>,
}

impl Comparer<'_, '_> {
    /// How values of `ty` are compared. A `PartialEq` written by hand may look at an id only, so it
    /// does not count.
    pub(super) fn of(&self, ty: &Type) -> Comparison {
        let equal = self.throughout(ty, &mut |id| derives(self.code, id, "PartialEq"));
        let mut printed = true;
        outer_items(ty, &mut |id| printed &= wire::implements(self.code, id, "Debug"));
        match (equal, printed) {
            (true, true) => Comparison::Exact,
            (true, false) => Comparison::Unprinted,
            // The text of an unordered map differs from one value to the next.
            (false, _)
                if self.throughout(ty, &mut |id| derives(self.code, id, "Debug"))
                    && !self.is_unordered(ty) =>
            {
                Comparison::Seen
            }
            (false, _) => Comparison::Wire,
        }
    }

    /// Whether a map or set without an order stands anywhere in a type.
    pub(super) fn is_unordered(&self, ty: &Type) -> bool {
        let mut found = false;
        self.walk(ty, &mut BTreeSet::new(), &mut |ty| {
            found |=
                matches!(ty, Type::Map { ordered: false, .. } | Type::Set { ordered: false, .. });
        });
        found
    }

    /// Whether a workspace type stands anywhere in a type.
    pub(super) fn reaches(&self, ty: &Type, id: ItemId) -> bool {
        let mut found = false;
        self.walk(ty, &mut BTreeSet::new(), &mut |ty| {
            found |= matches!(ty, Type::Item(other, _) if *other == id);
        });
        found
    }

    /// An owned value in the form in which it is compared.
    pub(super) fn compared(
        &self,
        ty: &Type,
        shape: &Shape,
        value: TokenStream,
        converter: &Converter<'_, '_>,
    ) -> TokenStream {
        let comparison = self.of(ty);
        let function = match comparison {
            Comparison::Exact => return value,
            Comparison::Unprinted => return quote!(Unprinted(#value)),
            Comparison::Seen => quote!(seen),
            Comparison::Wire => quote!(wire),
        };
        if shape.has_mirror() {
            let ty = converter.shape(shape, &quote!('static));
            let encoded = converter.encode(shape, value);
            quote!(#function::<#ty>(&#encoded))
        } else {
            quote!(#function(&#value))
        }
    }

    /// Whether all workspace types in a type satisfy something.
    fn throughout(&self, ty: &Type, holds: &mut dyn FnMut(ItemId) -> bool) -> bool {
        let mut all = true;
        self.walk(ty, &mut BTreeSet::new(), &mut |ty| {
            if let Type::Item(id, _) = ty {
                all &= holds(*id);
            }
        });
        all
    }

    /// Visits a type, what is in it, and the fields of workspace types, each of these once.
    fn walk(&self, ty: &Type, seen: &mut BTreeSet<ItemId>, visit: &mut dyn FnMut(&Type)) {
        visit(ty);
        for child in ty.children() {
            self.walk(child, seen, visit);
        }
        if let Type::Item(id, _) = ty
            && seen.insert(*id)
        {
            for field in all_fields(self.code, *id) {
                self.walk(&field.ty, seen, visit);
            }
        }
    }
}

/// The fields of a struct, or of all variants of an enum.
pub(super) fn all_fields(code: &Code<'_>, id: ItemId) -> Vec<Field> {
    let item = code.item(id);
    match item.syntax {
        syn::Item::Struct(s) => wire::fields(code, &item, &s.fields),
        syn::Item::Enum(e) => {
            e.variants.iter().flat_map(|v| wire::fields(code, &item, &v.fields)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a type derives a trait, by the trait's last name.
fn derives(code: &Code<'_>, id: ItemId, name: &str) -> bool {
    let parse = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
    code.item(id).attributes().iter().filter(|a| a.path().is_ident("derive")).any(|a| {
        a.parse_args_with(parse).is_ok_and(|paths| {
            paths.iter().any(|p| {
                p.segments.last().is_some_and(|s| s.ident.to_token_stream().to_string() == name)
            })
        })
    })
}

/// The workspace types that stand in a type, their fields left aside.
fn outer_items(ty: &Type, visit: &mut dyn FnMut(ItemId)) {
    if let Type::Item(id, _) = ty {
        visit(*id);
    }
    for child in ty.children() {
        outer_items(child, visit);
    }
}
