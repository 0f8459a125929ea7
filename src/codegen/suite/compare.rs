//! How two values of a type are compared: by `==` where that sees every field, else by what can be
//! seen of them.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};

use crate::analysis::code::{Code, ItemId};
use crate::analysis::types::Type;
use crate::analysis::wire::{self, Instance, all_fields};
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
    /// does not count; and a NaN is not equal to itself.
    pub(super) fn of(&self, ty: &Type) -> Comparison {
        let equal = !self.has_float(ty)
            && self.throughout(ty, &mut |id| derives(self.code, id, "PartialEq"));
        let mut printed = true;
        outer_items(ty, &mut |id| printed &= wire::implements(self.code, id, "Debug"));
        match (equal, printed) {
            (true, true) => Comparison::Exact,
            (true, false) => Comparison::Unprinted,
            (false, _) if self.throughout(ty, &mut |id| derives(self.code, id, "Debug")) => {
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

    fn has_float(&self, ty: &Type) -> bool {
        let mut found = false;
        self.walk(ty, &mut BTreeSet::new(), &mut |ty| {
            found |= matches!(ty, Type::Primitive("f32" | "f64"));
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
        value: TokenStream,
        converter: &Converter<'_, '_>,
    ) -> TokenStream {
        let comparison = self.of(ty);
        let function = match comparison {
            Comparison::Exact => return value,
            Comparison::Unprinted => return quote!(Unprinted(#value)),
            Comparison::Seen => "seen",
            Comparison::Wire => "wire",
        };
        let encoding = converter.encoding(ty);
        if encoding.is_same() {
            let function = format_ident!("{function}");
            return quote!(#function(&#value));
        }
        let function = format_ident!("{function}_as");
        let adapter: TokenStream = converter.adapter(&encoding).parse().unwrap_or_default();
        quote!(#function::<#adapter, _>(&#value))
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
    fn walk(&self, ty: &Type, seen: &mut BTreeSet<Instance>, visit: &mut dyn FnMut(&Type)) {
        visit(ty);
        for child in ty.children() {
            self.walk(child, seen, visit);
        }
        if let Some(instance) = Instance::of(ty)
            && seen.insert(instance.clone())
        {
            for field in all_fields(self.code, &instance) {
                self.walk(&field.ty, seen, visit);
            }
        }
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
