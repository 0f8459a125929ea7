//! The expressions that take a value to its wire form and back.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::scribe::Scribe;
use crate::analysis::code::{Code, ItemId};
use crate::analysis::wire::passing::{Passing, Shape};

/// The name of a type's mirror in the wire crate: what is passed, and the remote derive behind it.
pub(super) fn mirror_names(
    code: &Code<'_>,
    id: ItemId,
) -> (proc_macro2::Ident, proc_macro2::Ident) {
    let name = code.item(id).name.unwrap_or_default();
    (format_ident!("{name}Wire"), format_ident!("{name}Mirror"))
}

/// Writes conversions for one generated file.
pub(super) struct Converter<'a, 'w> {
    pub(super) code: &'a Code<'w>,
    pub(super) scribe: &'a Scribe<'a, 'w>,
    /// The crate that mirrors are imported from: `crate` in the wire crate.
    pub(super) wire: &'a str,
}

impl Converter<'_, '_> {
    fn mirror(&self, id: ItemId) -> TokenStream {
        let (name, _) = mirror_names(self.code, id);
        self.scribe.path(&format!("{}::{name}", self.wire))
    }

    fn cow(&self) -> TokenStream {
        self.scribe.path("std::borrow::Cow")
    }

    /// The type of the field that holds an argument.
    pub(super) fn field(&self, passing: &Passing) -> TokenStream {
        match passing {
            Passing::Value(shape) => self.shape(shape, &quote!('a)),
            Passing::Borrowed(ty) => {
                let (cow, ty) = (self.cow(), self.scribe.ty(ty));
                quote!(#cow<'a, #ty>)
            }
            Passing::BorrowedOption(ty) => {
                let (cow, ty) = (self.cow(), self.scribe.ty(ty));
                quote!(Option<#cow<'a, #ty>>)
            }
            Passing::BorrowedMirror(id) => {
                let mirror = self.mirror(*id);
                quote!(#mirror<'a>)
            }
            Passing::BorrowedMirrors(id) => {
                let mirror = self.mirror(*id);
                quote!(Vec<#mirror<'a>>)
            }
        }
    }

    /// The wire type of a value.
    pub(super) fn shape(&self, shape: &Shape, lifetime: &TokenStream) -> TokenStream {
        match shape {
            Shape::Plain(ty) => self.scribe.ty(ty),
            Shape::Mirror(id) => {
                let mirror = self.mirror(*id);
                quote!(#mirror<#lifetime>)
            }
            Shape::Option(inner) => {
                let inner = self.shape(inner, lifetime);
                quote!(Option<#inner>)
            }
            Shape::Vec(inner) => {
                let inner = self.shape(inner, lifetime);
                quote!(Vec<#inner>)
            }
            Shape::Box(inner) => {
                let inner = self.shape(inner, lifetime);
                quote!(Box<#inner>)
            }
        }
    }

    /// An argument as the stub puts it into the struct; none where the value goes in as it is.
    pub(super) fn send(&self, passing: &Passing, name: &proc_macro2::Ident) -> Option<TokenStream> {
        Some(match passing {
            Passing::Value(shape) if shape.has_mirror() => self.encode(shape, quote!(#name)),
            Passing::Value(_) => return None,
            Passing::Borrowed(_) => {
                let cow = self.cow();
                quote!(#cow::Borrowed(#name))
            }
            Passing::BorrowedOption(_) => {
                let cow = self.cow();
                quote!(#name.map(#cow::Borrowed))
            }
            Passing::BorrowedMirror(id) => {
                let (cow, mirror) = (self.cow(), self.mirror(*id));
                quote!(#mirror(#cow::Borrowed(#name)))
            }
            Passing::BorrowedMirrors(id) => {
                let (cow, mirror) = (self.cow(), self.mirror(*id));
                quote!(#name.iter().map(|one| #mirror(#cow::Borrowed(one))).collect())
            }
        })
    }

    /// An argument as the service hands it to the implementation, and a statement that it needs.
    pub(super) fn hand(
        &self,
        passing: &Passing,
        name: &proc_macro2::Ident,
    ) -> (Option<TokenStream>, TokenStream) {
        match passing {
            Passing::Value(shape) if shape.has_mirror() => {
                (None, self.decode(shape, quote!(#name)))
            }
            Passing::Value(_) => (None, quote!(#name)),
            Passing::Borrowed(_) => (None, quote!(&#name)),
            Passing::BorrowedOption(_) => (None, quote!(#name.as_deref())),
            Passing::BorrowedMirror(_) => (None, quote!(&#name.0)),
            Passing::BorrowedMirrors(id) => {
                let ty = self.scribe.item(*id);
                let statement = quote! {
                    let #name: Vec<#ty> = #name.into_iter().map(|one| one.0.into_owned()).collect();
                };
                (Some(statement), quote!(&#name))
            }
        }
    }

    /// A value as its wire form.
    pub(super) fn encode(&self, shape: &Shape, value: TokenStream) -> TokenStream {
        match shape {
            Shape::Plain(_) => value,
            Shape::Mirror(id) => {
                let (cow, mirror) = (self.cow(), self.mirror(*id));
                quote!(#mirror(#cow::Owned(#value)))
            }
            Shape::Option(inner) => {
                let inner = self.encode(inner, quote!(one));
                quote!(#value.map(|one| #inner))
            }
            Shape::Vec(inner) => {
                let inner = self.encode(inner, quote!(one));
                quote!(#value.into_iter().map(|one| #inner).collect())
            }
            Shape::Box(inner) => {
                let inner = self.encode(inner, quote!((*#value)));
                quote!(Box::new(#inner))
            }
        }
    }

    /// A wire form as the value.
    pub(super) fn decode(&self, shape: &Shape, value: TokenStream) -> TokenStream {
        match shape {
            Shape::Plain(_) => value,
            Shape::Mirror(_) => quote!(#value.0.into_owned()),
            Shape::Option(inner) => {
                let inner = self.decode(inner, quote!(one));
                quote!(#value.map(|one| #inner))
            }
            Shape::Vec(inner) => {
                let inner = self.decode(inner, quote!(one));
                quote!(#value.into_iter().map(|one| #inner).collect())
            }
            Shape::Box(inner) => {
                let inner = self.decode(inner, quote!((*#value)));
                quote!(Box::new(#inner))
            }
        }
    }
}
