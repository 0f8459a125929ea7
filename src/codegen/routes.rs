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
            let call = quote!(#implementation.#method(#(#handed),*).await);
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
                    |#implementation, #whole: #arguments| async move {
                        let #arguments { #(#fields),* } = #whole;
                        #call
                    }
                }
            } else {
                quote! {
                    |#implementation, #arguments { #(#fields),* }| async move {
                        #call
                    }
                }
            };
            quote!(.route(#arguments::ROUTE, calls.operation(api, #handler)))
        })
        .collect();
    let docs = docs("The operations of `api`.");
    file.item(quote! {
        #docs
        pub fn router(api: &#arc<dyn #api>, calls: &#calls) -> #router {
            #router::new() #(#routes)*
        }
    })?;
    Ok(file.finish(&scribe))
}
