//! `src/compose.rs` of the service: what the monolith's composition root did.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::routes::implementation_name;
use super::rust_file::{RustFile, debug_by_name, docs};
use super::scribe::Scribe;
use super::wire::field_ident;
use crate::analysis::code::Code;
use crate::analysis::composition::Engine;
use crate::analysis::module::{Api, Module};
use crate::diagnostic::{Diagnostic, Result};
use crate::plan::{ArgumentPlan, ConstructionPlan, Holder, Origin, ServicePlan};

/// Whether what is constructed takes something out of the settings.
pub(super) fn reads_settings(service: &ServicePlan) -> bool {
    service.database.is_some() || service.arguments().any(|a| matches!(a.from, Origin::Setting(_)))
}

/// Whether a pool is closed at the end: one of r2d2 closes its connections when nobody has it any more.
pub(super) fn closes(engine: Engine) -> bool {
    match engine {
        Engine::Sqlite | Engine::Postgres => true,
        Engine::Rusqlite => false,
    }
}

/// Writes the file.
pub(super) fn compose(
    code: &Code<'_>,
    module: &Module<'_>,
    service: &ServicePlan,
    wire: &str,
) -> Result<String> {
    let own = module.apis.iter().map(implementation_name).chain(["Composed".to_owned()]);
    let scribe = Scribe::new(code, own);
    let what = if module.apis.len() > 1 { "what is served" } else { "the implementation" };
    let mut file =
        RustFile::new(&format!("Constructs {what}: what the monolith's composition root did."));
    let mut served = Vec::new();
    for api in &module.apis {
        if api.interface.has_objects() {
            let item = scribe.item(api.item.id);
            served.push(quote!(dyn #item));
            continue;
        }
        let implementation = scribe.item(api.implementation.id);
        let about =
            docs("What the service serves: a type, since no trait object has these methods.");
        let name = format_ident!("{}", implementation_name(api));
        file.item(quote!(#about pub type #name = #implementation;))?;
        served.push(quote!(#name));
    }
    let arc = scribe.path("std::sync::Arc");
    let settings = reads_settings(service).then(|| {
        let settings = scribe.path("crate::settings::Settings");
        quote!(settings: &#settings)
    });
    let has_database = service.database.is_some();
    let closes_pool = service.database.as_ref().is_some_and(|database| closes(database.engine));
    let pool_field = has_database.then(|| {
        let pool = scribe.path("crate::database::Pool");
        let about = docs(if closes_pool { "Closed at the end." } else { "What it works on." });
        quote!(#about pub pool: #pool,)
    });
    let about = docs(if closes_pool {
        "What was constructed, and what has to be closed at the end."
    } else {
        "What was constructed."
    });
    let api_fields = module.apis.iter().zip(served).map(|(api, served)| {
        let (field, about_api) = (
            field_of(api),
            match &api.part {
                Some(_) => docs(&format!("What answers the calls of `{}`.", api.name())),
                None => docs("What answers the calls."),
            },
        );
        quote!(#about_api pub #field: #arc<#served>)
    });
    file.item(quote! {
        #about
        pub struct Composed {
            #(#api_fields,)*
            #pool_field
        }
    })?;
    file.item(debug_by_name(&format_ident!("Composed"), None))?;

    if module.endings().next().is_some() {
        file.item(close(module, wire, &scribe, (has_database, closes_pool)))?;
    }

    let mut statements = Vec::new();
    if has_database {
        let database = scribe.path("crate::database");
        statements.push(quote!(let pool = #database::connect(&settings.database).await?;));
    }
    let mut fields = Vec::new();
    for plan in &service.constructions {
        let behind = |api: &&Api<'_>| {
            plan.traits.is_empty() || plan.traits.iter().any(|name| name == api.name())
        };
        let names: Vec<_> = module.apis.iter().filter(behind).map(field_of).collect();
        let Some((holder, others)) = names.split_first() else { continue };
        let (mut of_arguments, mut passed) = (Vec::new(), Vec::new());
        for argument in &plan.arguments {
            let (statement, value) = argument_of(argument, &scribe)?;
            of_arguments.extend(statement);
            passed.push(value);
        }
        let construction = construction(plan, &passed, &scribe)?;
        let value = match plan.returns {
            Holder::Bare => quote!(#arc::new(#construction)),
            Holder::Arc => construction,
            Holder::Box => quote!(#arc::from(#construction)),
        };
        if service.constructions.len() > 1 && !of_arguments.is_empty() {
            statements.push(quote!(let #holder = { #(#of_arguments)* #value };));
        } else {
            statements.append(&mut of_arguments);
            statements.push(quote!(let #holder = #value;));
        }
        fields.extend(others.iter().map(|other| quote!(#other: #arc::clone(&#holder) as _)));
        fields.push(quote!(#holder));
    }
    if has_database {
        fields.push(quote!(pool));
    }
    let mut plans = service.constructions.iter();
    let fallible = plans.any(|plan| plan.fallible || plan.chain.iter().any(|link| link.fallible));
    let mut plans = service.constructions.iter();
    let awaited = plans.any(|plan| plan.awaited || plan.chain.iter().any(|link| link.awaited));
    let (what, fails) = match (has_database, fallible) {
        (true, false) => {
            (", on a database that is up to date", "When the database cannot be reached.")
        }
        (true, true) => (
            ", on a database that is up to date",
            "When the database cannot be reached, or the implementation refuses to start.",
        ),
        (false, true) => ("", "When it refuses to start."),
        (false, false) => ("", "None: nothing that it is made of can fail."),
    };
    let whole = if module.apis.len() > 1 { "What is served" } else { "The implementation" };
    let about = docs(&format!("{whole}{what}.\n\n# Errors\n{fails}"));
    // `run.rs` waits in any case; without a database nothing does here.
    let allow = (!has_database && !awaited)
        .then(|| quote!(#[allow(clippy::unused_async, reason = "whoever calls it need not know")]));
    file.item(quote! {
        #about
        #allow
        pub async fn compose(#settings) -> anyhow::Result<Composed> {
            #(#statements)*
            Ok(Composed { #(#fields),* })
        }
    })?;
    Ok(file.finish(&scribe))
}

/// The call, literal or chain of calls that gives the implementation.
fn construction(
    plan: &ConstructionPlan,
    passed: &[TokenStream],
    scribe: &Scribe<'_, '_>,
) -> Result<TokenStream> {
    let constructor = scribed(scribe, &plan.constructor)?;
    if plan.literal {
        let fields = plan.arguments.iter().map(|a| field_ident(&a.name));
        return Ok(quote!(#constructor { #(#fields: #passed),* }));
    }
    let settled = |value: TokenStream, awaited: bool, fallible: bool| {
        let value = if awaited { quote!(#value.await) } else { value };
        if fallible { quote!(#value?) } else { value }
    };
    let in_links: usize = plan.chain.iter().map(|link| link.arguments).sum();
    let (first, mut rest) = passed.split_at(passed.len().saturating_sub(in_links));
    let mut made = quote!(#constructor(#(#first),*));
    for link in &plan.chain {
        let (given, others) = rest.split_at(link.arguments.min(rest.len()));
        rest = others;
        let method = format_ident!("{}", link.method);
        let on = settled(made, link.awaited, link.fallible);
        made = quote!(#on.#method(#(#given),*));
    }
    Ok(settled(made, plan.awaited, plan.fallible))
}

/// The field that holds what stands behind a trait.
fn field_of(api: &Api<'_>) -> proc_macro2::Ident {
    format_ident!("{}", api.part.as_deref().unwrap_or("api"))
}

/// What ends the module, after its last call.
fn close(
    module: &Module<'_>,
    wire: &str,
    scribe: &Scribe<'_, '_>,
    (has_database, closes_pool): (bool, bool),
) -> TokenStream {
    let blocks = module.blocks();
    let endings = module
        .apis
        .iter()
        .flat_map(|api| api.interface.endings.iter().map(move |ending| (field_of(api), ending)));
    let ends = endings.map(|(api, ending)| {
        let name = field_ident(&ending.name);
        let failed = format!("{} failed", ending.name.trim_start_matches("r#"));
        let told = |error: TokenStream| {
            scribe.path(&format!("{wire}::Failure"));
            quote! {
                let (code, detail) = (#error.code(), #error.detail());
                tracing::error!(code, detail, #failed);
            }
        };
        match (blocks, ending.fallible) {
            (false, false) => quote!(#api.#name().await;),
            (false, true) => {
                let told = told(quote!(error));
                quote!(if let Err(error) = #api.#name().await { #told })
            }
            (true, fallible) => {
                let arc = scribe.path("std::sync::Arc");
                let spawn_blocking = scribe.path("tokio::task::spawn_blocking");
                let of_itself = fallible.then(|| {
                    let told = told(quote!(error));
                    quote!(Ok(Err(error)) => { #told })
                });
                quote! {
                    let ending = #arc::clone(&#api);
                    match #spawn_blocking(move || ending.#name()).await {
                        #of_itself
                        Err(error) => tracing::error!(%error, #failed),
                        Ok(_) => (),
                    }
                }
            }
        }
    });
    let ending = |api: &&Api<'_>| !api.interface.endings.is_empty();
    let mut fields: Vec<_> = module.apis.iter().filter(ending).map(field_of).collect();
    let pool = closes_pool.then(|| quote!(pool.close().await;));
    fields.extend(closes_pool.then(|| format_ident!("pool")));
    let all = module.apis.iter().all(|api| ending(&api)) && has_database == closes_pool;
    let rest = (!all).then(|| quote!(, ..));
    let about = docs("Ends the module. No call runs any more.");
    quote! {
        impl Composed {
            #about
            pub async fn close(self) {
                let Self { #(#fields),* #rest } = self;
                #(#ends)*
                #pool
            }
        }
    }
}

/// The statement that makes an argument, if it takes one, and what is passed.
fn argument_of(
    argument: &ArgumentPlan,
    scribe: &Scribe<'_, '_>,
) -> Result<(Option<TokenStream>, TokenStream)> {
    let name = field_ident(&argument.name);
    let wrap = |value: TokenStream| match argument.wrapped {
        Holder::Bare => value,
        Holder::Arc => {
            let arc = scribe.path("std::sync::Arc");
            quote!(#arc::new(#value))
        }
        Holder::Box => quote!(Box::new(#value)),
    };
    let by_reference = |value: TokenStream| {
        if argument.by_reference { quote!(&#value) } else { value }
    };
    Ok(match &argument.from {
        Origin::Pool => {
            let pool = match &argument.newtype {
                Some(constructor) => {
                    let constructor = scribed(scribe, constructor)?;
                    quote!(#constructor(pool.clone()))
                }
                None if argument.by_reference => return Ok((None, quote!(&pool))),
                None => quote!(pool.clone()),
            };
            (None, by_reference(wrap(pool)))
        }
        Origin::Setting(setting) => {
            let field = format_ident!("{}", setting.name);
            let access: TokenStream = setting.access.parse().unwrap_or_default();
            let value = quote!(settings.module.#field);
            if argument.by_reference {
                (None, quote!(&#value))
            } else {
                (None, wrap(quote!(#value #access)))
            }
        }
        Origin::Expression { rust, .. } => {
            let value = scribed(scribe, rust)?;
            (Some(quote!(let #name = #value;)), by_reference(quote!(#name)))
        }
    })
}

/// Fully qualified Rust with its paths imported: `std::sync::Arc::new(kernel::SystemClock)` becomes
/// `Arc::new(SystemClock)`.
fn scribed(scribe: &Scribe<'_, '_>, rust: &str) -> Result<TokenStream> {
    struct Shorten<'a, 'b, 'w>(&'a Scribe<'b, 'w>);
    impl syn::visit_mut::VisitMut for Shorten<'_, '_, '_> {
        fn visit_path_mut(&mut self, path: &mut syn::Path) {
            syn::visit_mut::visit_path_mut(self, path);
            // The type in `a::b::Type::function`, or the last name of `a::b::CONSTANT`.
            let starts_upper =
                |s: &syn::PathSegment| s.ident.to_string().starts_with(|c: char| c.is_uppercase());
            let Some(at) = path.segments.iter().position(starts_upper).filter(|at| *at > 0) else {
                return;
            };
            let full: Vec<String> =
                path.segments.iter().take(at + 1).map(|s| s.ident.to_string()).collect();
            let short = self.0.path(&full.join("::")).to_string();
            if short.contains("::") {
                return;
            }
            path.leading_colon = None;
            path.segments = path.segments.iter().skip(at).cloned().collect();
        }
    }
    let mut expression: syn::Expr = syn::parse_str(rust).map_err(|error| {
        Diagnostic::error("codegen", format!("`{rust}` is not an expression: {error}"))
            .help("this is a defect of calve; please report it")
    })?;
    syn::visit_mut::VisitMut::visit_expr_mut(&mut Shorten(scribe), &mut expression);
    Ok(quote!(#expression))
}
