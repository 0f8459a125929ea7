//! The trait-shaped file of the stub: the API trait, implemented by calls.

use quote::quote;

use super::convert::Converter;
use super::rust_file::RustFile;
use super::scribe::Scribe;
use super::wire;
use crate::analysis::code::Code;
use crate::analysis::interface::Operation;
use crate::analysis::module::Module;
use crate::diagnostic::Result;
use crate::plan::Names;

/// `client/src/operations.rs`.
pub(super) fn operations(code: &Code<'_>, module: &Module<'_>, names: &Names) -> Result<String> {
    // Types of the contract come first: an operation's struct of the same name is named in full.
    let scribe = Scribe::new(code, []);
    let client = scribe.path(&format!("crate::{}", names.client_type));
    let converter = Converter { code, module, scribe: &scribe, wire: &names.wire_ident };
    let mut file = RustFile::new(&format!("Every operation of `{}`, as a call.", names.api_trait));
    let async_trait = scribe.path("async_trait::async_trait");
    let api = scribe.item(module.api.id);
    let signatures: Vec<_> =
        module.interface.operations.iter().map(|o| signature(o, &scribe)).collect();
    let methods =
        module.interface.operations.iter().zip(signatures).map(|(operation, signature)| {
            let arguments = wire::arguments_name(code, module, &operation.name);
            let arguments = scribe.path(&format!("{}::{arguments}", names.wire_ident));
            let passings = wire::passings(&operation.arguments);
            let bindings = passings.iter().filter_map(|(name, passing)| {
                converter.send(passing, name).map(|value| quote!(let #name = #value;))
            });
            let fields = passings.iter().map(|(name, _)| name);
            let call = quote!(self.transport.call(#arguments { #(#fields),* }).await);
            let body = match wire::reply_name(code, module, operation) {
                Some(_) => quote!(#call.map(|reply| reply.0)),
                None => call,
            };
            quote! {
                #signature {
                    #(#bindings)*
                    #body
                }
            }
        });
    let methods: Vec<_> = methods.collect();
    file.item(quote! {
        #[#async_trait]
        impl #api for #client {
            #(#methods)*
        }
    })?;
    Ok(file.finish(&scribe))
}

/// An operation's signature as an implementation writes it.
pub(super) fn signature(
    operation: &Operation,
    scribe: &Scribe<'_, '_>,
) -> proc_macro2::TokenStream {
    let name = wire::field_ident(&operation.name);
    let written = operation.signature.inputs.iter().filter_map(|input| match input {
        syn::FnArg::Typed(typed) => Some(&*typed.ty),
        syn::FnArg::Receiver(_) => None,
    });
    let arguments = operation.arguments.iter().zip(written).map(|(argument, written)| {
        let (name, ty) = (wire::field_ident(&argument.name), scribe.lent(&argument.ty, ""));
        let ty = with_lifetimes(operation, written, ty);
        quote!(#name: #ty)
    });
    let (output, error) = (scribe.lent(&operation.output, ""), scribe.ty(&operation.error));
    let generics = &operation.signature.generics;
    let receiver = operation.signature.receiver();
    quote!(async fn #name #generics(#receiver, #(#arguments),*) -> Result<#output, #error>)
}

/// The type of an argument with the lifetimes that the trait names in it: an implementation has to name
/// the same ones.
fn with_lifetimes(
    operation: &Operation,
    written: &syn::Type,
    ty: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    struct References<'a>(std::collections::VecDeque<&'a Option<syn::Lifetime>>);
    impl<'a> syn::visit::Visit<'a> for References<'a> {
        fn visit_type_reference(&mut self, reference: &'a syn::TypeReference) {
            self.0.push_back(&reference.lifetime);
            syn::visit::visit_type_reference(self, reference);
        }
    }
    impl syn::visit_mut::VisitMut for References<'_> {
        fn visit_type_reference_mut(&mut self, reference: &mut syn::TypeReference) {
            reference.lifetime = self.0.pop_front().cloned().flatten();
            syn::visit_mut::visit_type_reference_mut(self, reference);
        }
    }
    if operation.signature.generics.params.is_empty() {
        return ty;
    }
    let Ok(mut ty) = syn::parse2::<syn::Type>(ty.clone()) else { return ty };
    let mut references = References(std::collections::VecDeque::new());
    syn::visit::Visit::visit_type(&mut references, written);
    syn::visit_mut::VisitMut::visit_type_mut(&mut references, &mut ty);
    quote!(#ty)
}
