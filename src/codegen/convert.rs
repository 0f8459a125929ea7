//! How values are held by the generated structs, and what serde is told to write them by.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::scribe::Scribe;
use crate::analysis::code::Code;
use crate::analysis::module::Module;
use crate::analysis::types::Type;
use crate::analysis::wire::passing::Passing;
use crate::analysis::wire::{Encoding, Instance};

/// The name of a type's mirror in the wire crate: `SupplierMirror`, `PageOfSupplierMirror`.
pub(super) fn mirror_name(code: &Code<'_>, instance: &Instance) -> proc_macro2::Ident {
    format_ident!("{}Mirror", spoken(code, &instance.ty()))
}

/// A type as a word in camel case.
fn spoken(code: &Code<'_>, ty: &Type) -> String {
    use heck::ToUpperCamelCase;
    let name = match ty {
        Type::Item(id, _) => code.item(*id).name.unwrap_or_default(),
        Type::External { path, .. } => path.last().cloned().unwrap_or_default(),
        Type::Primitive(name) => name.to_upper_camel_case(),
        Type::Unit => "Nothing".to_owned(),
        Type::Option(_) => "Option".to_owned(),
        Type::Vec(_) | Type::Slice(_) | Type::Array(..) => "List".to_owned(),
        Type::Map { .. } => "Map".to_owned(),
        Type::Set { .. } => "Set".to_owned(),
        Type::Box(inner) | Type::Cow(_, inner) | Type::Reference { to: inner, .. } => {
            return spoken(code, inner);
        }
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Result(..) => "Result".to_owned(),
        Type::Str | Type::String => "Text".to_owned(),
        Type::Other(..) => "Other".to_owned(),
    };
    let inner: Vec<String> = ty.children().into_iter().map(|inner| spoken(code, inner)).collect();
    if inner.is_empty() { name } else { format!("{name}Of{}", inner.join("And")) }
}

/// Writes conversions for one generated file.
pub(super) struct Converter<'a, 'w> {
    pub(super) code: &'a Code<'w>,
    pub(super) module: &'a Module<'a>,
    pub(super) scribe: &'a Scribe<'a, 'w>,
    /// The crate that encodings are imported from: `crate` in the wire crate.
    pub(super) wire: &'a str,
}

impl Converter<'_, '_> {
    /// How values of a type are written.
    pub(super) fn encoding(&self, ty: &Type) -> Encoding {
        self.module.wire.encoding(self.code, ty)
    }

    /// `#[serde(with = "…")]` of a field; none where serde's own form is the one.
    pub(super) fn with(&self, ty: &Type) -> Option<TokenStream> {
        let encoding = self.encoding(ty);
        if encoding.is_same() {
            return None;
        }
        let with = format!("{}::<{}>", self.name("serde_with::As"), self.adapter(&encoding));
        Some(quote!(#[serde(with = #with)]))
    }

    /// What serde_with calls an encoding.
    pub(super) fn adapter(&self, encoding: &Encoding) -> String {
        let own = |name: &str| self.name(&format!("{}::{name}", self.wire));
        let list = |parts: &[Encoding]| {
            parts.iter().map(|part| self.adapter(part)).collect::<Vec<_>>().join(", ")
        };
        match encoding {
            Encoding::Same => self.name("serde_with::Same"),
            Encoding::Float => own("Float"),
            Encoding::Bytes => self.name("serde_with::base64::Base64"),
            Encoding::UnixTime => own("UnixTime"),
            Encoding::SocketAddress => own("SocketAddress"),
            Encoding::Mirror(instance) => {
                let name = mirror_name(self.code, instance).to_string();
                if self.scribe.is_own(&name) { name } else { own(&name) }
            }
            Encoding::Nested(inner) => format!("{}<{}>", own("Nested"), self.adapter(inner)),
            Encoding::Lent(inner) => format!("{}<{}>", own("Lent"), self.adapter(inner)),
            Encoding::List(inner) => format!("[{}]", self.adapter(inner)),
            Encoding::Pairs(key, value) => {
                format!("Vec<({}, {})>", self.adapter(key), self.adapter(value))
            }
            Encoding::Array(inner, length) => format!("[{}; {length}]", self.adapter(inner)),
            Encoding::Tuple(parts) if parts.len() == 1 => format!("({},)", list(parts)),
            Encoding::Tuple(parts) => format!("({})", list(parts)),
            Encoding::Of(path, parts) => format!("{}<{}>", self.name(path), list(parts)),
        }
    }

    /// A name as it is written in this file, imported where it can be.
    fn name(&self, path: &str) -> String {
        self.scribe.path(path).to_string().replace(' ', "")
    }

    fn cow(&self) -> TokenStream {
        self.scribe.path("std::borrow::Cow")
    }

    /// The field that holds an argument: how serde writes it, and its type.
    pub(super) fn field(&self, passing: &Passing) -> TokenStream {
        match passing {
            Passing::Value(ty) => self.scribe.lent(ty, "'a"),
            Passing::Borrowed(ty) => {
                let (cow, ty) = (self.cow(), self.scribe.ty(ty));
                quote!(#cow<'a, #ty>)
            }
            Passing::BorrowedOption(ty) => {
                let (cow, ty) = (self.cow(), self.scribe.ty(ty));
                quote!(Option<#cow<'a, #ty>>)
            }
        }
    }

    /// An argument as the stub puts it into the struct; none where the value goes in as it is.
    pub(super) fn send(&self, passing: &Passing, name: &proc_macro2::Ident) -> Option<TokenStream> {
        let cow = || self.cow();
        match passing {
            Passing::Value(_) => None,
            Passing::Borrowed(_) => {
                let cow = cow();
                Some(quote!(#cow::Borrowed(#name)))
            }
            Passing::BorrowedOption(_) => {
                let cow = cow();
                Some(quote!(#name.map(#cow::Borrowed)))
            }
        }
    }

    /// An argument as the service hands it to the implementation.
    pub(super) fn hand(passing: &Passing, name: &proc_macro2::Ident) -> TokenStream {
        match passing {
            Passing::Value(_) => quote!(#name),
            Passing::Borrowed(_) => quote!(&#name),
            Passing::BorrowedOption(_) => quote!(#name.as_deref()),
        }
    }
}
