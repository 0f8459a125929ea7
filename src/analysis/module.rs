//! Everything that is understood of one module, before anything is decided.

use camino::Utf8Path;

use super::code::{By, Code, Item};
use super::contract::{self, Contract};
use super::further;
use super::interface::{self, Ending, Interface};
use super::parts;
use super::references::{self, Reference, Unseen};
use super::select;
use super::unread;
use super::wire::{self, ErrorForm, Wire};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::{Member, SyntaxError};

/// A library crate of the monolith that offers API traits, and what crosses its boundary.
pub struct Module<'w> {
    /// The package.
    pub member: &'w Member,
    /// The compilation root of its library.
    pub library: usize,
    /// Its API traits, at least one, in the order in which they are served.
    pub apis: Vec<Api<'w>>,
    /// Who names what of it.
    pub references: Vec<Reference<'w>>,
    /// What stays without the implementation.
    pub contract: Contract,
    /// How each type crosses.
    pub wire: Wire,
}

/// An API trait, and how its calls cross.
pub struct Api<'w> {
    /// The trait: of the module's library, or a port that another crate declares.
    pub item: Item<'w>,
    /// The type that implements it.
    pub implementation: Item<'w>,
    /// The trait as operations.
    pub interface: Interface,
    /// How its error crosses.
    pub error: ErrorForm,
    /// What tells it from the module's other API traits, in snake case: `refresh_token`. None where it is
    /// the only one.
    pub part: Option<String>,
}

impl Api<'_> {
    /// The trait's name.
    pub fn name(&self) -> &str {
        self.item.name.as_deref().unwrap_or_default()
    }

    /// What an operation is called among all of the module: in routes, logs and metrics.
    pub fn called(&self, operation: &str) -> String {
        // `r#` is Rust's; in a URL it would start the fragment.
        let plain = operation.strip_prefix("r#").unwrap_or(operation);
        match &self.part {
            Some(part) => format!("{part}/{plain}"),
            None => plain.to_owned(),
        }
    }
}

impl<'w> Module<'w> {
    /// Whether every API trait is a port: declared in a crate that is the contract, without this one.
    pub fn is_adapter(&self) -> bool {
        self.apis.iter().all(|api| api.item.id.root != self.library)
    }

    /// The types behind the traits, each once.
    pub fn implementations(&self) -> Vec<&Item<'w>> {
        distinct(self.apis.iter().map(|api| &api.implementation))
    }

    /// Whether calls block; those of all API traits do, or of none.
    pub fn blocks(&self) -> bool {
        self.apis.iter().any(|api| api.interface.form.blocks())
    }

    /// The methods that end the module.
    pub fn endings(&self) -> impl Iterator<Item = &Ending> {
        self.apis.iter().flat_map(|api| &api.interface.endings)
    }

    /// Where to point at the module as a whole.
    pub fn place(&self) -> (&'w Utf8Path, std::ops::Range<usize>) {
        let first = self.apis.first().map(|api| &api.implementation);
        first.map_or((&self.member.manifest, 0..0), |item| (item.file, item.name_range()))
    }

    /// The traits with the types behind them.
    pub fn served(&self) -> Vec<Served<'w>> {
        let served = |api: &Api<'w>| Served {
            api: api.item.clone(),
            implementation: api.implementation.clone(),
        };
        self.apis.iter().map(served).collect()
    }
}

/// Items, each once, in the order of their first place.
fn distinct<'a, 'w>(items: impl Iterator<Item = &'a Item<'w>>) -> Vec<&'a Item<'w>> {
    let mut all: Vec<&Item<'w>> = Vec::new();
    for item in items {
        if !all.iter().any(|other| other.id == item.id) {
            all.push(item);
        }
    }
    all
}

/// An API trait and the type that stands behind it.
#[derive(Debug, Clone)]
pub struct Served<'w> {
    /// The trait.
    pub api: Item<'w>,
    /// The type that implements it.
    pub implementation: Item<'w>,
}

/// What a module is made of, before anybody asks how its values cross.
pub struct Boundary<'w> {
    /// The package.
    pub member: &'w Member,
    /// The compilation root of its library.
    pub library: usize,
    /// Its API traits with what implements them, at least one.
    pub served: Vec<Served<'w>>,
    /// Who names what of it.
    pub references: Vec<Reference<'w>>,
    /// What stays without the implementation.
    pub contract: Contract,
}

impl<'w> Boundary<'w> {
    /// As [`Module::is_adapter`].
    pub fn is_adapter(&self) -> bool {
        self.served.iter().all(|served| served.api.id.root != self.library)
    }

    /// As [`Module::implementations`].
    pub fn implementations(&self) -> Vec<&Item<'w>> {
        distinct(self.served.iter().map(|served| &served.implementation))
    }
}

/// Understands the module of that package name: [`boundary`], then [`crossing`].
pub fn analyze<'w>(
    code: &Code<'w>,
    name: &str,
    traits: &[String],
    service: Option<&Utf8Path>,
    diagnostics: &mut Diagnostics,
) -> Option<Module<'w>> {
    let boundary = boundary(code, name, traits, service, diagnostics)?;
    crossing(code, boundary, diagnostics)
}

/// Finds the module of that package name, its traits, their implementations and its contract. All that
/// stands in the way is reported; what comes later than an error is not looked at.
///
/// `traits` are those that the user names, if any; `service` is the folder of the service where the
/// module was extracted before: what stands there is no consumer.
pub fn boundary<'w>(
    code: &Code<'w>,
    name: &str,
    traits: &[String],
    service: Option<&Utf8Path>,
    diagnostics: &mut Diagnostics,
) -> Option<Boundary<'w>> {
    let member = select::module(code.workspace, name, diagnostics)?;
    let library = code.library(&member.name)?;
    let mut not_rust = |what: &str, file: &Utf8Path, error: &SyntaxError| {
        let text = code.source(file).map_or("", |source| &*source.text);
        let (span, label, help) = match conflict(text) {
            Some(span) => (span, "a merge left this", "resolve the merge conflict first"),
            None => (error.span.clone(), &*error.message, "make `cargo check` pass first"),
        };
        diagnostics.push(
            Diagnostic::error("syntax-error", format!("a file {what} is not valid Rust"))
                .at(file, span, label)
                .help(help),
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
    unread::refuse(code, library, service, diagnostics);
    if diagnostics.has_errors() {
        return None;
    }
    let mut references = references::find(code, library);
    references.retain(|r| !service.is_some_and(|dir| r.member.dir.starts_with(dir)));
    let apis = select::api_traits(code, library, &references, traits, diagnostics)?;
    let mut served = Vec::new();
    for api in &apis {
        let found = select::implementation(code, library, api, &references, diagnostics);
        let Some(implementation) = found else { continue };
        served.push(Served { api: api.clone(), implementation });
    }
    if served.len() < apis.len() || further::refuse(code, library, &served, diagnostics) {
        return None;
    }
    for Unseen { member: user, file, range, by } in references::unseen(code, library) {
        if !service.is_some_and(|dir| user.dir.starts_with(dir)) {
            diagnostics.push(nobody_sees(member, &by).at(
                file,
                range,
                "what of it, calve cannot tell",
            ));
        }
    }
    let contract = contract::draw(code, library, &served, &references, diagnostics);
    if contract.is_none()
        && let Some(interfaces) = interfaces(code, library, &served, diagnostics)
    {
        // Nobody can go on from here, but what else stands in the way is said in the same run.
        let _ = wire::decide(code, &asked(&served, &interfaces), member, diagnostics);
    }
    let contract = contract?;
    Some(Boundary { member, library, served, references, contract })
}

/// The mark with which git opens what it could not merge.
fn conflict(text: &str) -> Option<std::ops::Range<usize>> {
    const MARK: &str = "<<<<<<< ";
    let mut places = text.match_indices(MARK).map(|(at, _)| at);
    let at = places.find(|at| text[..*at].is_empty() || text[..*at].ends_with('\n'))?;
    Some(at..at + MARK.trim_end().len())
}

/// The refusal of code that names something of the module, and nobody can say what.
fn nobody_sees(member: &Member, by: &By) -> Diagnostic {
    let (name, krate) = (&member.name, member.ident());
    let by = match by {
        By::Macro(name) => format!("`{name}!`"),
        By::File(file) => format!("`{file}`, which is included,"),
    };
    Diagnostic::error("name-behind-the-trait", format!("{by} names something of `{name}`"))
        .note(
            "it may construct the implementation, which would go on in process beside the service",
        )
        .help(format!("write the names out, `{krate}::…`, outside of the macro"))
}

/// Every trait as operations; none if one of them cannot be.
fn interfaces(
    code: &Code<'_>,
    library: usize,
    served: &[Served<'_>],
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Interface>> {
    let apis: Vec<&Item<'_>> = served.iter().map(|served| &served.api).collect();
    let interfaces = interface::read_all(code, &apis, library, diagnostics);
    (interfaces.len() == served.len()).then_some(interfaces)
}

fn asked<'a, 'w>(
    served: &'a [Served<'w>],
    interfaces: &'a [Interface],
) -> Vec<(&'a Item<'w>, &'a Interface)> {
    served.iter().map(|served| &served.api).zip(interfaces).collect()
}

/// How the module's operations and types cross. All that stands in the way is reported.
pub fn crossing<'w>(
    code: &Code<'w>,
    boundary: Boundary<'w>,
    diagnostics: &mut Diagnostics,
) -> Option<Module<'w>> {
    let Boundary { member, library, served, references, contract } = boundary;
    let interfaces = interfaces(code, library, &served, diagnostics)?;
    for (served, interface) in served.iter().zip(&interfaces) {
        if !interface.has_objects() {
            require_a_name(code, &served.api, &served.implementation, diagnostics);
        }
    }
    let (wire, errors) = wire::decide(code, &asked(&served, &interfaces), member, diagnostics)?;
    if diagnostics.has_errors() {
        return None;
    }
    let names: Vec<&str> =
        served.iter().map(|served| served.api.name.as_deref().unwrap_or_default()).collect();
    let parts = parts::of(&names);
    let apis = served.into_iter().zip(interfaces).zip(errors).zip(parts);
    let apis = apis.map(|(((served, interface), error), part)| Api {
        item: served.api,
        implementation: served.implementation,
        interface,
        error,
        part,
    });
    Some(Module { member, library, apis: apis.collect(), references, contract, wire })
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
