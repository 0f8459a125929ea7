//! Samples of the error that the operations fail with.

use heck::ToSnakeCase;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::{Function, Samples, Shape, choose, construct, mentions_n};
use crate::analysis::types::Type;
use crate::analysis::wire::{Field, Payload};
use crate::codegen::rust_file::docs;
use crate::codegen::suite::foreign;
use crate::codegen::suite::index::side_by_side;

/// How many samples of a variant's data there are for an error.
const OF_A_VARIANT: usize = 4;

impl Samples<'_, '_> {
    /// The function that returns errors, and how many there are.
    pub(in crate::codegen::suite) fn errors(&mut self) -> (Ident, usize) {
        let error = &self.makers.api.error;
        let Some(id) = error.item else { return self.opaque_errors() };
        let item = self.makers.code.item(id);
        let name = self.unique(&item.name.clone().unwrap_or_default().to_snake_case());
        let path = self.scribe.item(id);
        let variants: Vec<_> = error
            .variants
            .iter()
            .filter(|variant| {
                let plain = variant.fields.iter().filter(|(_, p)| *p == Payload::Plain);
                let types: Vec<Type> = plain.map(|(field, _)| field.ty.clone()).collect();
                self.makers.lacking(&types).is_empty()
            })
            .collect();
        let arms: Vec<TokenStream> = variants
            .iter()
            .map(|variant| {
                let types: Vec<&Type> = variant.fields.iter().map(|(f, _)| &f.ty).collect();
                let indices = side_by_side(&types);
                let values = variant.fields.iter().zip(indices).map(|((field, payload), index)| {
                    match foreign::payload(self.scribe, *payload) {
                        Some(value) => {
                            self.function(&Type::String);
                            value
                        }
                        None => {
                            let function = self.function(&field.ty);
                            quote!(#function(#index))
                        }
                    }
                });
                let values: Vec<_> = values.collect();
                let fields: Vec<&Field> = variant.fields.iter().map(|(f, _)| f).collect();
                let shape = match (variant.named, fields.is_empty()) {
                    (true, _) => Shape::Named,
                    (false, false) => Shape::Tuple,
                    (false, true) => Shape::Unit,
                };
                let variant = format_ident!("{}", variant.name);
                construct(&quote!(#path::#variant), &fields, &values, shape)
            })
            .collect();
        let count = arms.len();
        let (per, body) = if arms.iter().all(|arm| !mentions_n(arm)) {
            (1, choose(&quote!(n), &arms))
        } else {
            let total = Literal::usize_unsuffixed(count);
            let choice = choose(&quote!(variant), &arms);
            if count > 1 {
                (OF_A_VARIANT, quote!(let (variant, n) = (n % #total, n / #total); #choice))
            } else {
                (OF_A_VARIANT, choice)
            }
        };
        self.functions.push(Function {
            name: name.clone(),
            output: path,
            body,
            docs: docs("Every variant, each with several values of its data."),
        });
        self.called.insert(name.clone());
        (name, count * per)
    }

    /// The function that returns errors where they are of no enum.
    fn opaque_errors(&mut self) -> (Ident, usize) {
        let api = self.makers.api;
        let payload = api.error.opaque().unwrap_or(Payload::Anyhow);
        let body = foreign::payload(self.scribe, payload).unwrap_or_default();
        self.function(&Type::String);
        let name = self.unique("error");
        self.functions.push(Function {
            name: name.clone(),
            output: self.scribe.ty(&api.interface.error),
            body,
            docs: TokenStream::new(),
        });
        self.called.insert(name.clone());
        (name, OF_A_VARIANT)
    }
}
