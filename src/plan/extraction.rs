//! The plan of one extraction.

use std::collections::{BTreeMap, BTreeSet};

use super::features::{WireFeature, wire_features};
use super::samples::{self, Samples};
use super::schema::{self, SchemaPlan};
use super::{Environment, HouseStyle, Names, Record, ServicePlan};
use crate::analysis::code::Code;
use crate::analysis::composition::Composition;
use crate::analysis::module::Module;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Everything that was decided.
#[derive(Debug)]
pub struct ExtractionPlan {
    /// What is called how.
    pub names: Names,
    /// How the service is composed and configured.
    pub service: ServicePlan,
    /// What generated files say of the workspace.
    pub environment: Environment,
    /// How manifests are written here.
    pub style: HouseStyle,
    /// The feature `wire`, by package.
    pub wire: BTreeMap<String, WireFeature>,
    /// Packages with a composition root.
    pub roots: BTreeSet<String>,
    /// Packages whose tests go on with an implementation of their own.
    pub in_process: BTreeSet<String>,
    /// Packages that need an adapter's crate no more, now that they construct the stub.
    pub without_adapter: BTreeSet<String>,
    /// Packages that only tests use and that construct the implementation for them.
    pub test_support: BTreeSet<String>,
    /// The types that the service serves.
    pub implementations: Vec<String>,
    /// Generated files that the team owns; empty in a first run.
    pub owned: Vec<camino::Utf8PathBuf>,
    /// Arguments that guarded types accept, by type name.
    pub samples: Samples,
    /// What becomes of the database; decided once, at the extraction.
    pub schema: Option<SchemaPlan>,
}

impl ExtractionPlan {
    /// Decides a first extraction.
    pub fn first(
        code: &Code<'_>,
        module: &Module<'_>,
        composition: &Composition<'_>,
        names: Names,
        cuts: &[String],
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let workspace = code.workspace;
        if workspace.exists(&names.dir) {
            diagnostics.push(
                Diagnostic::error("target-exists", format!("`{}` exists already", names.dir))
                    .note("calve writes the service there and overwrites nothing")
                    .help("move it away, or choose another name with --name"),
            );
        }
        let gated = [crate::analysis::contract::IMPLEMENTATION, crate::analysis::wire::WIRE];
        for feature in gated.into_iter().filter(|_| !module.is_adapter()) {
            if module.member.features.contains_key(feature) {
                diagnostics.push(
                    Diagnostic::error(
                        "feature-taken",
                        format!("`{}` has a feature `{feature}` already", module.member.name),
                    )
                    .at(
                        &module.member.manifest,
                        module.member.feature_range(workspace, feature),
                        "means something else",
                    )
                    .note("calve gives that name to a feature of its own")
                    .help("rename this one, here and where it is asked for"),
                );
            }
        }
        let pool = composition.pool();
        let own = composition.migrator.as_ref();
        let foreign = own.filter(|m| !m.folder.starts_with(&module.member.dir));
        if let Some(migrator) = foreign {
            diagnostics.push(schema::runs_shared_history(module, &migrator.folder));
        }
        if diagnostics.has_errors() {
            return None;
        }
        let schema = match (own, pool) {
            (Some(migrator), _) if cuts.is_empty() => {
                Some(schema::plan(workspace, &names, migrator, pool, diagnostics)?)
            }
            (None, Some(_)) => {
                let request = schema::Request { workspace, module, names: &names, pool, cuts };
                Some(schema::plan_shared(&request, diagnostics)?)
            }
            (None, None) if cuts.is_empty() => None,
            _ => {
                diagnostics.push(schema::nothing_to_cut(&cuts[0]));
                return None;
            }
        };
        let migrations = match &schema {
            Some(SchemaPlan { shared: Some(shared), .. }) => Some(shared.set_folder.as_path()),
            _ => own.map(|migrator| migrator.folder.as_path()),
        };
        if diagnostics.has_errors() {
            return None;
        }
        let roots: BTreeSet<String> =
            composition.roots.iter().map(|r| r.member.name.clone()).collect();
        let going_on = |dev: bool| {
            let places = composition.in_process.iter().filter(|place| place.dev == dev);
            places.map(|place| place.member.to_owned()).collect::<BTreeSet<_>>()
        };
        Some(Self {
            service: ServicePlan::of(composition, &names, module, migrations, cuts),
            environment: Environment::of(workspace, module.member, &names, &roots),
            style: HouseStyle::of(workspace, module.member),
            wire: wire_features(code, module),
            without_adapter: without_adapter(module, composition),
            in_process: going_on(true),
            test_support: going_on(false),
            implementations: module
                .implementations()
                .into_iter()
                .map(|item| item.name.clone().unwrap_or_default())
                .collect(),
            owned: Vec::new(),
            samples: samples::collect(code, module, &Samples::new()),
            roots,
            schema,
            names,
        })
    }

    /// Decides again what a record says was decided, from the present trait and workspace.
    pub fn again(code: &Code<'_>, module: &Module<'_>, record: &Record) -> Self {
        let workspace = code.workspace;
        let mut environment = record.environment.clone();
        environment.look_around(workspace, module.member, &record.names);
        let users = |package: &str| {
            workspace
                .dependents(package)
                .filter(|(member, _)| !member.dir.starts_with(&record.names.dir))
                .map(|(member, _)| member.name.clone())
                .collect::<BTreeSet<_>>()
        };
        Self {
            names: record.names.clone(),
            service: record.service.clone(),
            environment,
            style: HouseStyle::of(workspace, module.member),
            wire: wire_features(code, module),
            roots: users(&record.names.client),
            in_process: BTreeSet::new(),
            without_adapter: BTreeSet::new(),
            test_support: BTreeSet::new(),
            implementations: record.implementations.clone(),
            owned: record.owned.clone(),
            samples: samples::collect(code, module, &record.samples),
            schema: None,
        }
    }

    /// What the next run needs to know.
    pub fn record(&self) -> Record {
        Record {
            calve: env!("CARGO_PKG_VERSION").to_owned(),
            owned: self.owned.clone(),
            implementations: self.implementations.clone(),
            names: self.names.clone(),
            environment: self.environment.clone(),
            service: self.service.clone(),
            samples: self.samples.clone(),
        }
    }
}

/// The packages with a composition root whose code names nothing else of an adapter's crate.
fn without_adapter(module: &Module<'_>, composition: &Composition<'_>) -> BTreeSet<String> {
    if !module.is_adapter() {
        return BTreeSet::new();
    }
    let mut roots: BTreeSet<String> =
        composition.roots.iter().map(|r| r.member.name.clone()).collect();
    for reference in module.references.iter().filter(|r| !r.dev) {
        if !composition.takes_away(reference.file, &reference.range) {
            roots.remove(&reference.member.name);
        }
    }
    roots
}
