//! The trait-shaped file of the stub: the API traits, implemented by calls.

use proc_macro2::TokenStream;
use quote::quote;

use super::convert::Converter;
use super::rust_file::{RustFile, docs};
use super::scribe::Scribe;
use super::wire;
use crate::analysis::code::Code;
use crate::analysis::interface::{Ending, Interface, Operation};
use crate::analysis::module::Module;
use crate::analysis::trait_form::{Form, Waits};
use crate::diagnostic::Result;
use crate::plan::Names;

/// `client/src/operations.rs`.
pub(super) fn operations(code: &Code<'_>, module: &Module<'_>, names: &Names) -> Result<String> {
    // Types of the contract come first: an operation's struct of the same name is named in full.
    let scribe = Scribe::new(code, []);
    let client = scribe.path(&format!("crate::{}", names.client_type));
    let converter = Converter { code, module, scribe: &scribe, wire: &names.wire_ident };
    let mut file = RustFile::new(&format!("Every operation of {}, as a call.", names.traits()));
    for api in &module.apis {
        let interface = &api.interface;
        let attribute = attribute(interface.form, &scribe);
        let item = scribe.item(api.item.id);
        let signatures: Vec<_> =
            interface.operations.iter().map(|o| signature(o, &scribe)).collect();
        let methods = interface.operations.iter().zip(signatures).map(|(operation, signature)| {
            let arguments = wire::arguments_name(code, module, api, operation);
            let arguments = scribe.path(&format!("{}::{arguments}", names.wire_ident));
            let passings = wire::passings(&operation.arguments);
            let bindings = passings.iter().filter_map(|(name, passing)| {
                converter.send(passing, name).map(|value| quote!(let #name = #value;))
            });
            let fields = passings.iter().map(|(name, _)| name);
            let call = quote!(self.transport.call(#arguments { #(#fields),* }));
            let decoded = wire::reply_name(code, module, api, operation)
                .map(|_| quote!(.map(|reply| reply.0)));
            let body = match (&operation.waits, decoded) {
                (Waits::Async, decoded) => quote!(#call.await #decoded),
                (Waits::Blocks, decoded) => quote!(#call #decoded),
                // The call is a box already.
                (Waits::Boxed(_) | Waits::Future(_), None) => call,
                (Waits::Boxed(_), decoded) => quote! {
                    let call = #call;
                    Box::pin(async move { call.await #decoded })
                },
                (Waits::Future(_), decoded) => quote! {
                    let call = #call;
                    async move { call.await #decoded }
                },
            };
            quote! {
                #signature {
                    #(#bindings)*
                    #body
                }
            }
        });
        let methods: Vec<_> = methods.collect();
        let endings = endings(
            interface,
            &scribe,
            Some("Does nothing: the service does it, when its last caller is gone."),
        );
        file.item(quote! {
            #attribute
            impl #item for #client {
                #(#methods)*
                #(#endings)*
            }
        })?;
    }
    Ok(file.finish(&scribe))
}

/// Whether calls are boxed by the transport: so that they borrow nothing, which the futures of these
/// methods must not either.
pub(super) fn boxes_calls(module: &Module<'_>) -> bool {
    let mut operations = module.apis.iter().flat_map(|api| &api.interface.operations);
    operations.any(|o| matches!(o.waits, Waits::Boxed(_) | Waits::Future(_)))
}

/// What stands before an `impl` of the trait.
pub(super) fn attribute(form: Form, scribe: &Scribe<'_, '_>) -> Option<TokenStream> {
    (form == Form::AsyncTrait).then(|| {
        let async_trait = scribe.path("async_trait::async_trait");
        quote!(#[#async_trait])
    })
}

/// An operation's signature as an implementation writes it.
pub(super) fn signature(operation: &Operation, scribe: &Scribe<'_, '_>) -> TokenStream {
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
    let head = quote!(fn #name #generics(#receiver, #(#arguments),*));
    returning(&head, &operation.waits, &quote!(Result<#output, #error>), scribe)
}

/// The methods that end the module, as no-ops.
pub(super) fn endings(
    interface: &Interface,
    scribe: &Scribe<'_, '_>,
    why: Option<&str>,
) -> Vec<TokenStream> {
    let comment = why.map(docs);
    let ending = |ending: &Ending| {
        let (name, generics) = (wire::field_ident(&ending.name), &ending.signature.generics);
        let receiver = ending.signature.receiver();
        let head = quote!(fn #name #generics(#receiver));
        let (result, nothing) = if ending.fallible {
            let error = scribe.ty(&interface.error);
            (quote!(Result<(), #error>), quote!(Ok(())))
        } else {
            match ending.waits {
                Waits::Async => return quote!(#comment async #head {}),
                Waits::Blocks => return quote!(#comment #head {}),
                Waits::Future(_) | Waits::Boxed(_) => (quote!(()), quote!(())),
            }
        };
        let signature = returning(&head, &ending.waits, &result, scribe);
        let body = at_once(&ending.waits, nothing, scribe);
        quote!(#comment #signature { #body })
    };
    interface.endings.iter().map(ending).collect()
}

/// The body of a method that has its answer already.
pub(super) fn at_once(waits: &Waits, answer: TokenStream, scribe: &Scribe<'_, '_>) -> TokenStream {
    let ready = || scribe.path("std::future::ready");
    match waits {
        Waits::Async | Waits::Blocks => answer,
        Waits::Future(_) => {
            let ready = ready();
            quote!(#ready(#answer))
        }
        Waits::Boxed(_) => {
            let ready = ready();
            quote!(Box::pin(#ready(#answer)))
        }
    }
}

/// `head` with the type that a method returns which waits in this way.
fn returning(
    head: &TokenStream,
    waits: &Waits,
    result: &TokenStream,
    scribe: &Scribe<'_, '_>,
) -> TokenStream {
    let lives = |lifetime: &String| -> TokenStream { lifetime.parse().unwrap_or_default() };
    match waits {
        Waits::Async => quote!(async #head -> #result),
        Waits::Blocks => quote!(#head -> #result),
        Waits::Future(lifetime) => {
            let lifetime = lives(lifetime);
            let future = scribe.path("std::future::Future");
            quote!(#head -> impl #future<Output = #result> + Send + #lifetime)
        }
        Waits::Boxed(lifetime) => {
            let pin = scribe.path("std::pin::Pin");
            let future = scribe.path("std::future::Future");
            let lifetime = lifetime.as_ref().map(lives).map(|lifetime| quote!(+ #lifetime));
            quote!(#head -> #pin<Box<dyn #future<Output = #result> + Send #lifetime>>)
        }
    }
}

/// The type of an argument with the lifetimes that the trait names in it: an implementation has to name
/// the same ones.
fn with_lifetimes(operation: &Operation, written: &syn::Type, ty: TokenStream) -> TokenStream {
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
