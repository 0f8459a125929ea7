//! Everything that is understood of one module, before anything is decided.

use camino::Utf8Path;

use super::code::{Code, Item};
use super::contract::{self, Contract};
use super::interface::{self, Interface};
use super::references::{self, Reference};
use super::select;
use super::wire::{self, Wire};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::{Member, SyntaxError};

/// A library crate of the monolith that offers an API trait, and what crosses its boundary.
pub struct Module<'w> {
    /// The package.
    pub member: &'w Member,
    /// The API trait: of the module's library, or a port that another crate declares.
    pub api: Item<'w>,
    /// The type that implements it.
    pub implementation: Item<'w>,
    /// The trait as operations.
    pub interface: Interface,
    /// Who names what of it.
    pub references: Vec<Reference<'w>>,
    /// What stays without the implementation.
    pub contract: Contract,
    /// How each type crosses.
    pub wire: Wire,
}

impl Module<'_> {
    /// Whether the API trait is a port: declared in a crate that is the contract, without this one.
    pub fn is_adapter(&self) -> bool {
        self.api.id.root != self.implementation.id.root
    }
}

/// What a module is made of, before anybody asks how its values cross.
pub struct Boundary<'w> {
    /// The package.
    pub member: &'w Member,
    /// The API trait.
    pub api: Item<'w>,
    /// The type that implements it.
    pub implementation: Item<'w>,
    /// Who names what of it.
    pub references: Vec<Reference<'w>>,
    /// What stays without the implementation.
    pub contract: Contract,
}

impl Boundary<'_> {
    /// As [`Module::is_adapter`].
    pub fn is_adapter(&self) -> bool {
        self.api.id.root != self.implementation.id.root
    }
}

/// Understands the module of that package name: [`boundary`], then [`crossing`].
pub fn analyze<'w>(
    code: &Code<'w>,
    name: &str,
    api_trait: Option<&str>,
    service: Option<&Utf8Path>,
    diagnostics: &mut Diagnostics,
) -> Option<Module<'w>> {
    let boundary = boundary(code, name, api_trait, service, diagnostics)?;
    crossing(code, boundary, diagnostics)
}

/// Finds the module of that package name, its trait, its implementation and its contract. All that
/// stands in the way is reported; what comes later than an error is not looked at.
///
/// `api_trait` is the trait where the user names one; `service` the folder of the service where the
/// module was extracted before: what stands there is no consumer.
pub fn boundary<'w>(
    code: &Code<'w>,
    name: &str,
    api_trait: Option<&str>,
    service: Option<&Utf8Path>,
    diagnostics: &mut Diagnostics,
) -> Option<Boundary<'w>> {
    let member = select::module(code.workspace, name, diagnostics)?;
    let library = code.library(&member.name)?;
    let mut not_rust = |what: &str, file: &Utf8Path, error: &SyntaxError| {
        diagnostics.push(
            Diagnostic::error("syntax-error", format!("a file {what} is not valid Rust"))
                .at(file, error.span.clone(), error.message.clone())
                .help("make `cargo check` pass first"),
        );
    };
    for (file, error) in &code.root(library).broken {
        not_rust("of the module", file, error);
    }
    for (file, (user, error)) in references::broken(code, library) {
        if !service.is_some_and(|dir| user.dir.starts_with(dir)) {
            not_rust("that may use the module", file, error);
        }
    }
    if diagnostics.has_errors() {
        return None;
    }
    let mut references = references::find(code, library);
    references.retain(|r| !service.is_some_and(|dir| r.member.dir.starts_with(dir)));
    let api = select::api_trait(code, library, &references, api_trait, diagnostics)?;
    let implementation = select::implementation(code, library, &api, &references, diagnostics)?;
    let contract = contract::draw(code, &api, &implementation, &references, diagnostics);
    if contract.is_none()
        && let Some(interface) = interface::read(code, &api, implementation.id.root, diagnostics)
    {
        // Nobody can go on from here, but what else stands in the way is said in the same run.
        let _ = wire::decide(code, &interface, &api, member, diagnostics);
    }
    let contract = contract?;
    Some(Boundary { member, api, implementation, references, contract })
}

/// How the module's operations and types cross. All that stands in the way is reported.
pub fn crossing<'w>(
    code: &Code<'w>,
    boundary: Boundary<'w>,
    diagnostics: &mut Diagnostics,
) -> Option<Module<'w>> {
    let Boundary { member, api, implementation, references, contract } = boundary;
    let interface = interface::read(code, &api, implementation.id.root, diagnostics)?;
    if !interface.has_objects() {
        require_a_name(code, &api, &implementation, diagnostics);
    }
    let wire = wire::decide(code, &interface, &api, member, diagnostics)?;
    if diagnostics.has_errors() {
        return None;
    }
    Some(Module { member, api, implementation, interface, references, contract, wire })
}

/// Refuses an implementation that the service cannot name, where no trait object stands for it.
fn require_a_name(
    code: &Code<'_>,
    api: &Item<'_>,
    implementation: &Item<'_>,
    diagnostics: &mut Diagnostics,
) {
    let generics = match implementation.syntax {
        syn::Item::Struct(item) => &item.generics,
        syn::Item::Enum(item) => &item.generics,
        _ => return,
    };
    let label = if !generics.params.is_empty() {
        "generic: nothing says with which types"
    } else if code.public_path(implementation.id).is_none() {
        "no other crate can name it"
    } else {
        return;
    };
    let (api_name, name) = (api.name.as_deref(), implementation.name.as_deref());
    let (api_name, name) = (api_name.unwrap_or_default(), name.unwrap_or_default());
    diagnostics.push(
        Diagnostic::error(
            "implementation-without-a-name",
            format!("the service cannot name `{name}`"),
        )
        .at(implementation.file, implementation.name_range(), label)
        .at(api.file, api.name_range(), "has methods that no trait object can have")
        .note(format!("there is no `dyn {api_name}` that could stand for it"))
        .help(format!(
            "make it a public type without parameters, or `{api_name}` a trait that has objects, \
                 by `#[async_trait]` or boxed futures"
        )),
    );
}
