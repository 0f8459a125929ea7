//! The service's routes: one an operation.

use camino::Utf8PathBuf;
use heck::ToUpperCamelCase as _;
use quote::{format_ident, quote};

use super::convert::Converter;
use super::rust_file::{RustFile, docs};
use super::scribe::Scribe;
use super::wire;
use crate::analysis::code::Code;
use crate::analysis::module::{Api, Module};
use crate::diagnostic::Result;
use crate::plan::Names;

/// `src/routes.rs` of the service, and of several API traits a file each besides, by path in `src`.
pub(super) fn files(
    code: &Code<'_>,
    module: &Module<'_>,
    names: &Names,
) -> Result<Vec<(Utf8PathBuf, String)>> {
    let head = Utf8PathBuf::from("routes.rs");
    let (mut files, mut parts) = (Vec::new(), Vec::new());
    for api in &module.apis {
        let text = routes(code, module, api, names)?;
        let Some(part) = &api.part else { return Ok(vec![(head, text)]) };
        files.push((Utf8PathBuf::from("routes").join(format!("{part}.rs")), text));
        parts.push(format_ident!("{part}"));
    }
    let scribe = Scribe::new(code, []);
    let mut file = RustFile::new(&format!("The routes of {}.", names.traits()));
    let modules: Vec<String> = parts.iter().map(|part| format!("pub mod {part};")).collect();
    file.preamble(&modules.join("\n"));
    let (router, calls) = (scribe.path("axum::Router"), scribe.path("crate::call::Calls"));
    let composed = scribe.path("crate::compose::Composed");
    let docs = docs("The operations of everything that was constructed.");
    file.item(quote! {
        #docs
        pub fn router(composed: &#composed, calls: &#calls) -> #router {
            #router::new() #(.merge(#parts::router(&composed.#parts, calls)))*
        }
    })?;
    files.push((head, file.finish(&scribe)));
    Ok(files)
}

/// The type that stands for what is served in `compose.rs`, where no trait object can.
pub(super) fn implementation_name(api: &Api<'_>) -> String {
    let part = api.part.as_deref().unwrap_or_default().to_upper_camel_case();
    format!("{part}Implementation")
}

fn routes(code: &Code<'_>, module: &Module<'_>, of: &Api<'_>, names: &Names) -> Result<String> {
    let scribe = Scribe::new(code, []);
    let mut file = RustFile::new(&format!("One route an operation of `{}`.", of.name()));
    let api = scribe.item(of.item.id);
    let form = of.interface.form;
    let (arc, router) = (scribe.path("std::sync::Arc"), scribe.path("axum::Router"));
    let calls = scribe.path("crate::call::Calls");
    scribe.path(&format!("{}::Operation", names.wire_ident));
    let routes: Vec<_> = of
        .interface
        .operations
        .iter()
        .map(|operation| {
            let arguments = wire::arguments_name(code, module, of, operation);
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
            let call = match wire::reply_name(code, module, of, operation) {
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
    let (generics, served) = if of.interface.has_objects() {
        (None, quote!(dyn #api))
    } else if form.is_send() {
        (Some(quote!(<A: #api + Send + Sync + 'static>)), quote!(A))
    } else {
        (None, scribe.path(&format!("crate::compose::{}", implementation_name(of))))
    };
    file.item(quote! {
        #docs
        pub fn router #generics(api: &#arc<#served>, calls: &#calls) -> #router {
            #router::new() #(#routes)*
        }
    })?;
    Ok(file.finish(&scribe))
}
