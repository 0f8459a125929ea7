//! The contract suite: every operation and every error variant, the same assertions in process and
//! over HTTP, against a recorder that stands in for the implementation.

mod checks;
mod compare;
mod foreign;
mod index;
mod json;
mod makers;
mod recorder;
mod samples;

use std::collections::BTreeSet;

use camino::Utf8PathBuf;

use self::compare::Comparer;
use self::makers::Makers;
use self::samples::Samples;
use super::convert::Converter;
use super::scribe::Scribe;
use crate::analysis::code::Code;
use crate::analysis::interface::Operation;
use crate::analysis::module::{Api, Module};
use crate::analysis::trait_form::Form;
use crate::analysis::types::Type;
use crate::analysis::wire::Payload;
use crate::diagnostic::{Diagnostic, Diagnostics, Result};
use crate::plan::{ExtractionPlan, Names};

/// What combines the encodings of the wire crate.
pub(super) const SERDE_WITH: &str = "serde_with";

/// A generated contract suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suite {
    /// The files of `tests/contract`, by path in the service's folder.
    pub(super) files: Vec<(Utf8PathBuf, String)>,
    /// Packages that the suite names in code, which the service needs at least for development.
    pub(super) packages: BTreeSet<String>,
}

/// Writes `tests/contract`, or of several API traits a folder each. Operations and variants whose values
/// calve cannot make up are left out, and a warning says which and what to do.
pub(super) fn contract(
    code: &Code<'_>,
    module: &Module<'_>,
    plan: &ExtractionPlan,
    diagnostics: &mut Diagnostics,
) -> Result<Suite> {
    let mut suite = Suite { files: Vec::new(), packages: BTreeSet::new() };
    for api in &module.apis {
        let Suite { mut files, mut packages } = of_trait(code, module, api, plan, diagnostics)?;
        suite.files.append(&mut files);
        suite.packages.append(&mut packages);
    }
    Ok(suite)
}

fn of_trait(
    code: &Code<'_>,
    module: &Module<'_>,
    api: &Api<'_>,
    plan: &ExtractionPlan,
    diagnostics: &mut Diagnostics,
) -> Result<Suite> {
    let names = &plan.names;
    let makers = Makers::new(code, module, api, &plan.samples, diagnostics);
    let tested: Vec<&Operation> = api
        .interface
        .operations
        .iter()
        .filter(|operation| makers.lacking(&types_of(operation)).is_empty())
        .collect();
    report(code, module, api, &makers, diagnostics);
    if tested.is_empty() {
        return Ok(Suite { files: Vec::new(), packages: BTreeSet::new() });
    }

    let scribe = Scribe::new(code, reserved([]));
    let mut samples = Samples::new(&scribe, &makers, compares_text(code, api));
    let checks = checks::file(code, module, api, names, &tested, &mut samples)?;
    let recorder = recorder::file(code, module, api, names)?;
    let folder = match &api.part {
        Some(part) => format!("tests/contract_{part}"),
        None => "tests/contract".to_owned(),
    };
    let file = |name: &str, text| (Utf8PathBuf::from(&folder).join(name), text);
    let files = vec![
        file("main.rs", checks),
        file("recorder.rs", recorder),
        file("samples.rs", samples.finish(api.name())?),
    ];
    let packages = packages(code, api, names, &files);
    Ok(Suite { files, packages })
}

/// Whether something whose order is by chance is compared as text.
fn compares_text(code: &Code<'_>, api: &Api<'_>) -> bool {
    let comparer = Comparer { code };
    let by_text = |ty: &Type| {
        use compare::Comparison;
        comparer.is_unordered(ty) && matches!(comparer.of(ty), Comparison::Seen | Comparison::Wire)
    };
    let of_errors = api.error.variants.iter().flat_map(|variant| &variant.fields);
    api.interface.operations.iter().flat_map(types_of).any(|ty| by_text(&ty))
        || of_errors.into_iter().any(|(field, _)| comparer.is_unordered(&field.ty))
}

/// What an operation takes and returns, as owned values.
fn types_of(operation: &Operation) -> Vec<Type> {
    let arguments = operation.arguments.iter().map(|a| recorder::owned(&a.ty));
    arguments.chain([operation.output.clone()]).collect()
}

/// Names of the prelude and of the file's own, which no import may take.
fn reserved(own: impl IntoIterator<Item = &'static str>) -> Vec<String> {
    let prelude = ["Box", "Clone", "Default", "Err", "None", "Ok", "Option", "Send", "Some"];
    let prelude = prelude.into_iter().chain(["String", "Sync", "ToOwned", "Vec"]);
    prelude.chain(own).map(str::to_owned).collect()
}

/// Says what is left out, and what to write where.
fn report(
    code: &Code<'_>,
    module: &Module<'_>,
    api: &Api<'_>,
    makers: &Makers<'_, '_>,
    sink: &mut Diagnostics,
) {
    let mut left_out: Vec<(Vec<samples::Lack>, String)> = Vec::new();
    for operation in &api.interface.operations {
        let lacking = makers.lacking(&types_of(operation));
        left_out.push((lacking, format!("the operation `{}`", operation.name)));
    }
    for variant in &api.error.variants {
        let plain = variant.fields.iter().filter(|(_, payload)| *payload == Payload::Plain);
        let types: Vec<Type> = plain.map(|(field, _)| field.ty.clone()).collect();
        left_out.push((makers.lacking(&types), format!("the variant `{}`", variant.name)));
    }
    let all: BTreeSet<&samples::Lack> = left_out.iter().flat_map(|(lack, _)| lack).collect();
    for lack in all {
        let affected = left_out.iter().filter(|(lacking, _)| lacking.contains(lack));
        let affected: Vec<&str> = affected.map(|(_, what)| what.as_str()).collect();
        let name = lack.name(code);
        let mut diagnostic =
            Diagnostic::warning("no-sample", format!("calve cannot make up a value of `{name}`"));
        if let samples::Lack::Item(id) = lack {
            let item = code.item(*id);
            diagnostic = diagnostic.at(item.file, item.name_range(), "has no sample");
        }
        sink.push(
            diagnostic
                .note(format!("the contract suite leaves out {}", affected.join(", ")))
                .help(makers.what_to_write(lack, &module.member.manifest)),
        );
    }
}

/// The packages whose crates the files name.
fn packages(
    code: &Code<'_>,
    api: &Api<'_>,
    names: &Names,
    files: &[(Utf8PathBuf, String)],
) -> BTreeSet<String> {
    let mut packages: BTreeSet<String> = ["serde_json", "tokio"].map(str::to_owned).into();
    if api.interface.form == Form::AsyncTrait {
        packages.insert("async-trait".to_owned());
    }
    packages.extend([names.module.clone(), names.client.clone(), names.wire.clone()]);
    let root = code.root(api.item.id.root);
    let known = root.member.dependencies.iter().map(|d| (d.package.clone(), d.ident()));
    // A type can also belong to a dependency of another member, such as the kernel's `uuid`.
    let others = code.workspace.members.iter().flat_map(|m| {
        m.dependencies.iter().map(|d| (d.package.clone(), d.package.replace('-', "_")))
    });
    let members = code.workspace.members.iter().map(|m| (m.name.clone(), m.ident()));
    let named: BTreeSet<&str> = files.iter().flat_map(|(_, text)| first_names(text)).collect();
    let all = known.chain(others).chain(members);
    packages.extend(all.filter(|(_, krate)| named.contains(&**krate)).map(|(package, _)| package));
    if files.iter().any(|(_, text)| text.contains("serde_with::")) {
        packages.insert(SERDE_WITH.to_owned());
    }
    packages.remove(&names.service);
    packages
}

/// The names with which the paths in a text begin: `serde_json` of `serde_json::Value`.
fn first_names(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("::").filter_map(|(at, _)| {
        let before = text[..at].trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
        let name = &text[before.len()..at];
        (!name.is_empty() && !before.ends_with(':')).then_some(name)
    })
}

/// What the parts of the generator share.
struct Tools<'a, 'w> {
    code: &'a Code<'w>,
    api: &'a Api<'a>,
    converter: Converter<'a, 'w>,
    comparer: Comparer<'a, 'w>,
}

impl<'a, 'w> Tools<'a, 'w> {
    fn new(
        code: &'a Code<'w>,
        module: &'a Module<'a>,
        api: &'a Api<'a>,
        names: &'a Names,
        scribe: &'a Scribe<'a, 'w>,
    ) -> Self {
        let converter = Converter { code, module, scribe, wire: &names.wire_ident };
        Self { code, api, converter, comparer: Comparer { code } }
    }

    /// An owned value in the form in which it is compared.
    fn compared(&self, ty: &Type, value: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
        self.comparer.compared(ty, value, &self.converter)
    }
}
