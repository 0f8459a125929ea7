//! `main.rs` of the suite: a test an operation.

use heck::ToSnakeCase;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::compare::Comparison;
use super::index::side_by_side;
use super::recorder::{as_text, call, helpers_of_tests, owned};
use super::samples::Samples;
use super::{Tools, reserved};
use crate::analysis::code::Code;
use crate::analysis::interface::Operation;
use crate::analysis::module::{Api, Module};
use crate::analysis::types::Type;
use crate::analysis::wire::implements;
use crate::codegen::routes::implementation_name;
use crate::codegen::rust_file::{RustFile, docs};
use crate::codegen::scribe::Scribe;
use crate::codegen::wire::field_ident;
use crate::diagnostic::Result;
use crate::plan::Names;

/// What stands between the head of the file and its `use` items.
const PREAMBLE: &str = "\
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = \"a test may panic\")]

mod recorder;
mod samples;
#[path = \"../support/mod.rs\"]
mod support;";

/// Whether the routes name the implementation's type, so that the service's do not fit the recorder.
fn are_compiled_again(api: &Api<'_>) -> bool {
    !api.interface.has_objects() && !api.interface.form.is_send()
}

/// What the preamble has besides, where the service's routes are compiled again.
fn routes_again(api: &Api<'_>) -> String {
    let file = match &api.part {
        Some(part) => format!("routes/{part}.rs"),
        None => "routes.rs".to_owned(),
    };
    let implementation = implementation_name(api);
    format!(
        "\
/// The service's own routes, for the recorder: they name the type that they serve, since only there the
/// compiler sees that the future of an `async fn` may change threads.
#[path = \"../../src/{file}\"]
#[allow(unreachable_pub, reason = \"they are public in the service\")]
mod routes;

/// What the routes take for the implementation.
mod compose {{
    pub(crate) type {implementation} = crate::recorder::Recorder;
}}"
    )
}

/// Of a service for calls that block.
const OF_ITS_OWN: &str = ": on threads of its own, since a call holds the thread of the test.";

/// The text of the file; `samples` learns what it has to hold.
pub(super) fn file(
    code: &Code<'_>,
    module: &Module<'_>,
    api: &Api<'_>,
    names: &Names,
    tested: &[&Operation],
    samples: &mut Samples<'_, '_>,
) -> Result<String> {
    let scribe = Scribe::new(code, reserved([]));
    let tools = Tools::new(code, module, api, names, &scribe);
    let mut file = RustFile::new(&format!(
        "Every operation and every error variant of `{}`: the same assertions in process and over \
         HTTP.",
        api.name()
    ));
    if are_compiled_again(api) {
        file.preamble(&format!("{PREAMBLE}\n{}", routes_again(api)));
    } else {
        file.preamble(PREAMBLE);
    }
    let taken: Vec<&str> = tested.iter().map(|o| o.name.as_str()).collect();
    let free = |name: &str| {
        let mut name = name.to_owned();
        while taken.contains(&name.as_str()) {
            name.push('_');
        }
        format_ident!("{name}")
    };
    let both = free(if api.interface.has_objects() { "both" } else { "served" });
    let shared = Shared { both, told: free("told") };

    let (error, errors) = samples.errors();
    let tests = Tests { tools: &tools, shared: &shared, error: &error };
    let mut checks = Vec::new();
    for operation in tested {
        checks.push(tests.operation(operation, samples));
    }
    if let Some(simplest) = tested.iter().min_by_key(|o| o.arguments.len()) {
        checks.push(tests.gone(simplest, names, samples));
    }

    let count = Literal::usize_unsuffixed(samples.count());
    let errors = Literal::usize_unsuffixed(errors);
    let doc =
        docs("How many samples of each type are tried; every variant of every enum is among them.");
    file.item(quote!(#doc const SAMPLES: usize = #count;))?;
    let doc = docs("How many errors are tried; every variant is among them.");
    file.item(quote!(#doc const ERRORS: usize = #errors;))?;
    tests.shared(names, &mut file)?;
    for name in helpers_of_tests(&tools, tested) {
        scribe.path(&format!("crate::recorder::{name}"));
    }
    for check in checks {
        file.item(check)?;
    }
    Ok(file.finish(&scribe))
}

/// Functions of the file that must not take an operation's name.
struct Shared {
    both: Ident,
    told: Ident,
}

struct Tests<'a, 'w> {
    tools: &'a Tools<'a, 'w>,
    shared: &'a Shared,
    /// The function that returns samples of the error.
    error: &'a Ident,
}

impl Tests<'_, '_> {
    /// The functions that every test calls.
    fn shared(&self, names: &Names, file: &mut RustFile) -> Result<()> {
        let Tools { api: of, converter, .. } = self.tools;
        let scribe = converter.scribe;
        let Shared { both, told } = self.shared;
        let (api, error) = (scribe.item(of.item.id), scribe.ty(&of.interface.error));
        let (arc, service) =
            (scribe.path("std::sync::Arc"), scribe.path("crate::support::Service"));
        let recorder = scribe.path("crate::recorder::Recorder");
        scribe.path("crate::recorder::Call");
        let routes = match &of.part {
            _ if are_compiled_again(of) => {
                scribe.path(&format!("{}::call", names.service_ident));
                quote!(routes)
            }
            part => {
                let routes = scribe.path(&format!("{}::routes", names.service_ident));
                // Not imported: a crate may have the part's name.
                let part = part.as_ref().map(|part| format_ident!("{part}"));
                let part = part.map(|part| quote!(::#part));
                quote!(#routes #part)
            }
        };
        let carried = scribe.path(&format!("{}::problem::Carried", names.wire_ident));
        scribe.path(&format!("{}::Failure", names.wire_ident));
        file.item(match (of.interface.has_objects(), of.interface.form.blocks()) {
            (true, false) => {
                let doc = docs("Runs a check in process, then over HTTP.");
                quote! {
                    #doc
                    async fn #both(check: impl AsyncFn(&dyn #api, &#recorder)) {
                        let recorder = #arc::new(#recorder::default());
                        check(recorder.as_ref(), &recorder).await;
                        let api: #arc<dyn #api> = #arc::clone(&recorder) as _;
                        let service = #service::start(|calls| #routes::router(&api, calls)).await;
                        check(&service.client(), &recorder).await;
                    }
                }
            }
            (true, true) => {
                let runtime = scribe.path("tokio::runtime::Runtime");
                let doc = docs(&format!("Runs a check in process, then over HTTP{OF_ITS_OWN}"));
                quote! {
                    #doc
                    fn #both(check: impl Fn(&dyn #api, &#recorder)) {
                        let recorder = #arc::new(#recorder::default());
                        check(recorder.as_ref(), &recorder);
                        let api: #arc<dyn #api> = #arc::clone(&recorder) as _;
                        let start = #service::start(|calls| #routes::router(&api, calls));
                        let runtime = #runtime::new().unwrap();
                        let service = runtime.block_on(start);
                        check(&service.client(), &recorder);
                    }
                }
            }
            (false, false) => {
                let doc = docs("A recorder, and a service that asks it.");
                quote! {
                    #doc
                    async fn #both() -> (#arc<#recorder>, #service) {
                        let recorder = #arc::new(#recorder::default());
                        let start = #service::start(|calls| #routes::router(&recorder, calls));
                        let service = start.await;
                        (recorder, service)
                    }
                }
            }
            (false, true) => {
                let runtime = scribe.path("tokio::runtime::Runtime");
                let doc = docs(&format!("A recorder, and a service that asks it{OF_ITS_OWN}"));
                quote! {
                    #doc
                    fn #both() -> (#arc<#recorder>, #service, #runtime) {
                        let recorder = #arc::new(#recorder::default());
                        let start = #service::start(|calls| #routes::router(&recorder, calls));
                        let runtime = #runtime::new().unwrap();
                        let service = runtime.block_on(start);
                        (recorder, service, runtime)
                    }
                }
            }
        })?;
        let text = as_text(&quote!(&#carried(error)));
        let doc = docs(
            "An error as a caller can tell it from others: variant, text, and all data that crosses.",
        );
        file.item(quote! {
            #doc
            fn #told(error: #error) -> (&'static str, String, String) {
                let (code, text) = (error.code(), error.detail());
                (code, text, #text)
            }
        })
    }

    /// The test of an operation.
    fn operation(&self, operation: &Operation, samples: &mut Samples<'_, '_>) -> TokenStream {
        let name = test_name(operation);
        let Shared { both, told } = self.shared;
        let error = self.error;
        let passed = self.arguments(operation, None, samples);
        let method = field_ident(&operation.name);
        let wait = self.wait();
        let called = quote!(api.#method(#(#passed),*) #wait);
        let asked = self.asked(operation, samples);

        let unwrapped = if self.error_prints() { quote!(unwrap()) } else { quote!(ok().unwrap()) };
        let (told_to, checked) = if operation.output == Type::Unit {
            (quote!(()), quote!(#called.#unwrapped;))
        } else {
            let sample = samples.of(&operation.output);
            let sample = quote!(samples::#sample(n));
            let expected = self.tools.compared(&operation.output, sample.clone());
            let answer = self.tools.compared(&operation.output, quote!(answer));
            let checked = quote! {
                let answer = #called.#unwrapped;
                assert_eq!(#answer, #expected);
            };
            (sample, checked)
        };
        let succeeds = quote! {
            recorder.will_return(#told_to);
            #checked
            assert_eq!(recorder.asked(), #asked);
        };
        let varies = operation.output != Type::Unit || !operation.arguments.is_empty();
        let succeeds = if varies { quote!(for n in 0..SAMPLES { #succeeds }) } else { succeeds };
        let failed = self.unwrap_err(&operation.output);
        let check = quote! {
            #succeeds
            for n in 0..ERRORS {
                recorder.will_fail(samples::#error(n));
                let error = #called.#failed;
                assert_eq!(#told(error), #told(samples::#error(n)));
            }
        };
        let of = self.tools.api;
        let scribe = self.tools.converter.scribe;
        let api = scribe.item(of.item.id);
        let recorder = scribe.path("crate::recorder::Recorder");
        match (of.interface.has_objects(), of.interface.form.blocks()) {
            (true, false) => quote! {
                #[tokio::test]
                async fn #name() {
                    #both(async |api, recorder| { #check }).await;
                }
            },
            (true, true) => quote! {
                #[test]
                fn #name() {
                    #both(|api, recorder| { #check });
                }
            },
            (false, false) => quote! {
                #[tokio::test]
                async fn #name() {
                    async fn check(api: &impl #api, recorder: &#recorder) { #check }
                    let (recorder, service) = #both().await;
                    check(recorder.as_ref(), &recorder).await;
                    check(&service.client(), &recorder).await;
                }
            },
            (false, true) => quote! {
                #[test]
                fn #name() {
                    fn check(api: &impl #api, recorder: &#recorder) { #check }
                    let (recorder, service, _runtime) = #both();
                    check(recorder.as_ref(), &recorder);
                    check(&service.client(), &recorder);
                }
            },
        }
    }

    /// The test of a service that is gone.
    fn gone(
        &self,
        operation: &Operation,
        names: &Names,
        samples: &mut Samples<'_, '_>,
    ) -> TokenStream {
        let scribe = self.tools.converter.scribe;
        let client = scribe.path(&format!("{}::{}", names.client_ident, names.client_type));
        let token = scribe.path("crate::support::TOKEN");
        let passed = self.arguments(operation, Some(quote!(0)), samples);
        let method = field_ident(&operation.name);
        let failed = self.unwrap_err(&operation.output);
        let form = &self.tools.api.error;
        let told = if form.opaque().is_some() {
            let transport = scribe.path(&format!("{}::TransportError", names.wire_ident));
            quote!(assert!(error.is::<#transport>(), "{error:?}"))
        } else {
            let code = form.transport.variant.to_snake_case();
            quote!(assert_eq!(error.code(), #code, "{}", error.detail()))
        };
        let wait = self.wait();
        let head = if wait.is_some() { quote!(#[tokio::test] async) } else { quote!(#[test]) };
        quote! {
            #head fn a_service_that_is_gone_is_told_by_the_error() {
                let nobody_listens = "http://127.0.0.1:1";
                let client = #client::new(nobody_listens, #token).unwrap();
                let error = client.#method(#(#passed),*) #wait.#failed;
                #told;
            }
        }
    }

    /// `.await`, where a call has to be awaited.
    fn wait(&self) -> Option<TokenStream> {
        (!self.tools.api.interface.form.blocks()).then(|| quote!(.await))
    }

    /// The arguments of a call: the n-th samples, or all of one number.
    fn arguments(
        &self,
        operation: &Operation,
        number: Option<TokenStream>,
        samples: &mut Samples<'_, '_>,
    ) -> Vec<TokenStream> {
        numbered(operation)
            .into_iter()
            .map(|(ty, index)| {
                let function = samples.of(&owned(ty));
                let index = number.as_ref().unwrap_or(&index);
                lent(ty, quote!(samples::#function(#index)))
            })
            .collect()
    }

    /// The call that the recorder has to have noted.
    fn asked(&self, operation: &Operation, samples: &mut Samples<'_, '_>) -> TokenStream {
        let mut numbered = numbered(operation).into_iter();
        call(operation, |argument| {
            let index = numbered.next().map(|(_, index)| index);
            let ty = owned(&argument.ty);
            let function = samples.of(&ty);
            self.tools.compared(&ty, quote!(samples::#function(#index)))
        })
    }

    fn unwrap_err(&self, output: &Type) -> TokenStream {
        let prints = matches!(self.tools.comparer.of(output), Comparison::Exact | Comparison::Seen);
        if prints { quote!(unwrap_err()) } else { quote!(err().unwrap()) }
    }

    fn error_prints(&self) -> bool {
        let item = self.tools.api.error.item;
        item.is_none_or(|item| implements(self.tools.code, item, "Debug"))
    }
}

/// The types of the arguments, each with the number of its sample.
fn numbered(operation: &Operation) -> Vec<(&Type, TokenStream)> {
    let types: Vec<&Type> = operation.arguments.iter().map(|a| &a.ty).collect();
    let indices = side_by_side(&types);
    types.into_iter().zip(indices).collect()
}

/// An owned value as an argument of this type.
fn lent(ty: &Type, value: TokenStream) -> TokenStream {
    match ty {
        Type::Reference { to, .. } => {
            let inner = lent(to, value);
            quote!(&#inner)
        }
        Type::Option(inner) => match &**inner {
            Type::Reference { to, .. } if matches!(**to, Type::Str | Type::Slice(_)) => {
                quote!(#value.as_deref())
            }
            Type::Reference { .. } => quote!(#value.as_ref()),
            _ => value,
        },
        _ => value,
    }
}

/// A test cannot be called `main`.
fn test_name(operation: &Operation) -> Ident {
    match operation.name.as_str() {
        "main" => format_ident!("main_"),
        name => field_ident(name),
    }
}
