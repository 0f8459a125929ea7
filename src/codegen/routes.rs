//! The service's routes: one an operation.

use quote::quote;

use super::convert::Converter;
use super::rust_file::{RustFile, docs};
use super::scribe::Scribe;
use super::wire;
use crate::analysis::code::Code;
use crate::analysis::module::Module;
use crate::diagnostic::Result;
use crate::plan::Names;

/// `src/routes.rs` of the service.
pub(super) fn routes(code: &Code<'_>, module: &Module<'_>, names: &Names) -> Result<String> {
    let scribe = Scribe::new(code, []);
    let mut file = RustFile::new(&format!("One route an operation of `{}`.", names.api_trait));
    let api = scribe.item(module.api.id);
    let form = module.interface.form;
    let (arc, router) = (scribe.path("std::sync::Arc"), scribe.path("axum::Router"));
    let calls = scribe.path("crate::call::Calls");
    scribe.path(&format!("{}::Operation", names.wire_ident));
    let routes: Vec<_> = module
        .interface
        .operations
        .iter()
        .map(|operation| {
            let arguments = wire::arguments_name(code, module, &operation.name);
            let arguments = scribe.path(&format!("{}::{arguments}", names.wire_ident));
            let method = wire::field_ident(&operation.name);
            let passings = wire::passings(&operation.arguments);
            let fields: Vec<_> = passings.iter().map(|(name, _)| name.clone()).collect();
            let [implementation, whole] =
                ["api", "arguments"].map(|name| wire::free_ident(name, &fields));
            let handed = passings.iter().map(|(name, passing)| Converter::hand(passing, name));
            let wait = (!form.blocks()).then(|| quote!(.await));
            let run = (!form.blocks()).then(|| quote!(async move));
            let call = quote!(#implementation.#method(#(#handed),*) #wait);
            let call = match wire::reply_name(code, module, operation) {
                Some(reply) => {
                    let reply = scribe.path(&format!("{}::{reply}", names.wire_ident));
                    quote!(#call.map(#reply))
                }
                None => call,
            };
            // Many fields read better on a line of their own than in the closure's head.
            let handler = if fields.len() > 2 {
                quote! {
                    |#implementation, #whole: #arguments| #run {
                        let #arguments { #(#fields),* } = #whole;
                        #call
                    }
                }
            } else {
                quote! {
                    |#implementation, #arguments { #(#fields),* }| #run {
                        #call
                    }
                }
            };
            quote!(.route(#arguments::ROUTE, calls.operation(api, #handler)))
        })
        .collect();
    let docs = docs("The operations of `api`.");
    let (generics, served) = if module.interface.has_objects() {
        (None, quote!(dyn #api))
    } else if form.is_send() {
        (Some(quote!(<A: #api + Send + Sync + 'static>)), quote!(A))
    } else {
        (None, scribe.path("crate::compose::Implementation"))
    };
    file.item(quote! {
        #docs
        pub fn router #generics(api: &#arc<#served>, calls: &#calls) -> #router {
            #router::new() #(#routes)*
        }
    })?;
    Ok(file.finish(&scribe))
}
