//! The manifests of the three new crates.

use std::collections::{BTreeMap, BTreeSet};

use super::fixed::{self, Fixed};
use super::manifest::{Inheritable, NewManifest};
use super::suite::SERDE_WITH;
use crate::analysis::code::Code;
use crate::analysis::composition::Engine;
use crate::analysis::module::{Api, Module};
use crate::analysis::trait_form::Form;
use crate::analysis::types::Type;
use crate::analysis::wire::{self, Encoding, Payload, WIRE};
use crate::plan::features::WireFeature;
use crate::plan::{Dependency, HouseStyle, Names, Origin, ServicePlan, relative};
use crate::workspace::DependencyKind;
use crate::workspace::Member;

/// What the manifests follow.
pub(super) struct Facts<'a, 'w> {
    pub(super) code: &'a Code<'w>,
    pub(super) module: &'a Module<'w>,
    pub(super) names: &'a Names,
    pub(super) service: &'a ServicePlan,
    pub(super) style: &'a HouseStyle,
    pub(super) wire: &'a BTreeMap<String, WireFeature>,
    /// Every encoding that the wire crate needs.
    pub(super) encodings: &'a BTreeSet<Encoding>,
    /// Packages that the contract suite names.
    pub(super) suite: &'a BTreeSet<String>,
}

/// The packages that types name: those of the workspace, and others.
#[derive(Debug, Default)]
struct Packages {
    own: BTreeSet<String>,
    foreign: BTreeSet<String>,
}

impl Packages {
    fn add(&mut self, code: &Code<'_>, ty: &Type) {
        match ty {
            Type::Item(id, _) => {
                self.own.insert(code.root(id.root).member.name.clone());
            }
            Type::External { package, .. }
                if !matches!(package.as_str(), "std" | "core" | "alloc") =>
            {
                self.foreign.insert(package.clone());
            }
            _ => {}
        }
        for child in ty.children() {
            self.add(code, child);
        }
    }

    /// What the signatures of the operations name.
    fn of_signatures(code: &Code<'_>, module: &Module<'_>) -> Self {
        let mut packages = Self::default();
        for (_, operation) in super::wire::operations_of(module) {
            for argument in &operation.arguments {
                packages.add(code, &argument.ty);
            }
            packages.add(code, &operation.output);
            packages.add(code, &operation.error);
        }
        packages
    }
}

impl Facts<'_, '_> {
    /// `wire/Cargo.toml`.
    pub(super) fn wire_manifest(&self) -> String {
        let mut manifest = self.manifest(
            &self.names.wire,
            &format!(
                "What the {} service and its client share: arguments, routes, errors, limits",
                self.names.display
            ),
        );
        let mut packages = Packages::of_signatures(self.code, self.module);
        let (mut sqlx, mut rusqlite) = (false, false);
        for variant in self.module.apis.iter().flat_map(|api| &api.error.variants) {
            for (field, payload) in &variant.fields {
                packages.add(self.code, &field.ty);
                sqlx |= *payload == Payload::Sqlx;
                rusqlite |= *payload == Payload::Rusqlite;
            }
        }
        for (instance, _) in super::wire::mirrored(self.module) {
            packages.add(self.code, &instance.ty());
            for field in wire::all_fields(self.code, instance) {
                packages.add(self.code, &field.ty);
            }
        }
        let dir = self.names.dir.join("wire");
        self.add_packages(&mut manifest.dependencies, &packages, &dir);
        if sqlx {
            let sqlx = self.style.crate_of_module(self.module.member, "sqlx", &["migrate"]);
            set(&mut manifest.dependencies, "sqlx", sqlx);
        }
        self.add_fixed(&mut manifest.dependencies, fixed::WIRE);
        if !self.module.wire.shares.is_empty() {
            self.add_fixed(&mut manifest.dependencies, fixed::WIRE_SHARED);
        }
        let encoded = self.encodings.iter().any(|encoding| !encoding.is_same());
        if encoded {
            self.add_encodings(&mut manifest.dependencies);
        }
        let has_json = manifest.dependencies.iter().any(|(key, _)| key == "serde_json");
        if (sqlx || rusqlite || encoded) && !has_json {
            self.add_fixed(&mut manifest.dev_dependencies, fixed::WIRE_DEV);
        }
        manifest.render()
    }

    /// `client/Cargo.toml`.
    pub(super) fn client_manifest(&self) -> String {
        let mut manifest = self.manifest(
            &self.names.client,
            &format!(
                "{} over HTTP: the client of the {} service",
                self.names.api_traits.join(", "),
                self.names.display
            ),
        );
        let mut packages = Packages::of_signatures(self.code, self.module);
        packages.own.extend(self.contracts());
        let dir = self.names.dir.join("client");
        self.add_packages(&mut manifest.dependencies, &packages, &dir);
        let wire = Dependency::path(relative(&dir, self.names.dir.join("wire")));
        set(&mut manifest.dependencies, &self.names.wire, wire);
        if self.module.apis.iter().any(|api| api.interface.form == Form::AsyncTrait) {
            let async_trait =
                self.style.crate_of_module(self.user_of("async-trait"), "async-trait", &[]);
            set(&mut manifest.dependencies, "async-trait", async_trait);
        }
        self.add_fixed(&mut manifest.dependencies, fixed::CLIENT);
        if self.module.blocks() {
            self.add_fixed(&mut manifest.dependencies, fixed::CLIENT_BLOCKING);
        }
        self.add_fixed(&mut manifest.dev_dependencies, fixed::CLIENT_DEV);
        manifest.render()
    }

    /// `Cargo.toml` of the service.
    pub(super) fn service_manifest(&self) -> String {
        let mut manifest = self.manifest(
            &self.names.service,
            &format!("The {} module of the monolith as a service of its own", self.names.display),
        );
        let dir = &self.names.dir;
        let gates: &[&str] = if self.module.is_adapter() { &[] } else { &["implementation", WIRE] };
        let module = self.own(&self.module.member.name, dir, gates);
        set(&mut manifest.dependencies, &self.module.member.name, module);
        for contract in self.contracts() {
            set(&mut manifest.dependencies, &contract, self.own(&contract, dir, &[]));
        }
        set(&mut manifest.dependencies, &self.names.wire, Dependency::path("wire"));
        for argument in self.service.arguments() {
            if let Origin::Expression { packages, .. } = &argument.from {
                for package in packages {
                    set(&mut manifest.dependencies, package, self.own(package, dir, &[]));
                }
            }
        }
        if let Some(database) = &self.service.database {
            for (package, features) in self.drivers(database.engine) {
                let driver = self.style.crate_of_module(self.user_of(package), package, &features);
                set(&mut manifest.dependencies, package, driver);
            }
        }
        self.add_fixed(&mut manifest.dependencies, fixed::SERVICE);
        set(&mut manifest.dev_dependencies, &self.names.client, Dependency::path("client"));
        if self.suite.contains(SERDE_WITH) {
            self.add_encodings(&mut manifest.dev_dependencies);
        }
        for package in self.suite.iter().filter(|package| *package != SERDE_WITH) {
            if manifest.dependencies.iter().any(|(key, _)| key == package)
                || *package == self.names.client
            {
                continue;
            }
            let dependency = if self.code.workspace.member(package).is_some() {
                self.own(package, dir, &[])
            } else {
                self.style.crate_of_module(self.user_of(package), package, &[])
            };
            set(&mut manifest.dev_dependencies, package, dependency);
        }
        self.add_fixed(&mut manifest.dev_dependencies, fixed::SERVICE_DEV);
        manifest.render()
    }

    /// The packages that declare the API traits.
    fn contracts(&self) -> BTreeSet<String> {
        let package = |api: &Api<'_>| self.code.root(api.item.id.root).member.name.clone();
        self.module.apis.iter().map(package).collect()
    }

    /// What speaks to a database and migrates it, each with the features that the service needs.
    fn drivers(&self, engine: Engine) -> Vec<(&'static str, Vec<&str>)> {
        let sqlx = |driver| {
            let mut features = vec!["macros", "migrate", "runtime-tokio", driver];
            features.extend(self.tls_of_sqlx());
            vec![("sqlx", features)]
        };
        match engine {
            Engine::Sqlite => sqlx("sqlite"),
            Engine::Postgres => sqlx("postgres"),
            Engine::Rusqlite => vec![
                ("r2d2", vec![]),
                ("r2d2_sqlite", vec![]),
                ("refinery", vec!["rusqlite"]),
                ("rusqlite", vec![]),
            ],
        }
    }

    /// How the monolith encrypts its connections: without it, a server that does not insist is talked to
    /// in the clear.
    fn tls_of_sqlx(&self) -> impl Iterator<Item = &str> {
        let members = self.code.workspace.members.iter();
        let features: BTreeSet<&str> = members
            .flat_map(|member| &member.dependencies)
            .filter(|d| d.package == "sqlx" && d.kind != DependencyKind::Dev)
            .flat_map(|d| &d.features)
            .map(String::as_str)
            .filter(|feature| feature.contains("tls"))
            .collect();
        features.into_iter()
    }

    fn manifest(&self, name: &str, description: &str) -> NewManifest {
        let mut manifest = NewManifest::new(name);
        let style = self.style;
        manifest.description = Some(description.to_owned());
        let inherits_edition =
            style.inherits("edition") && style.edition == self.module.member.edition;
        manifest.edition = if inherits_edition {
            Inheritable::Workspace
        } else {
            Inheritable::Value(style.edition.clone())
        };
        if style.inherits("version") {
            manifest.version = Some(Inheritable::Workspace);
        }
        manifest.rust_version = style.rust_version.as_ref().map(|oldest| {
            if !is_old_enough(oldest) {
                Inheritable::Value(OLDEST_RUST.to_owned())
            } else if style.inherits("rust-version") {
                Inheritable::Workspace
            } else {
                Inheritable::Value(oldest.clone())
            }
        });
        manifest.lints_workspace = self.style.lints;
        manifest
    }

    fn add_packages(
        &self,
        dependencies: &mut Vec<(String, Dependency)>,
        packages: &Packages,
        dir: &camino::Utf8Path,
    ) {
        for package in &packages.own {
            set(dependencies, package, self.own(package, dir, &[WIRE]));
        }
        for package in &packages.foreign {
            let features: &[&str] = &[];
            let dependency = self.style.crate_of_module(self.user_of(package), package, features);
            set(dependencies, package, dependency);
        }
    }

    fn add_encodings(&self, dependencies: &mut Vec<(String, Dependency)>) {
        let bytes = self.encodings.contains(&Encoding::Bytes);
        let encodings = if bytes { fixed::WIRE_BYTES } else { fixed::WIRE_ENCODED };
        self.add_fixed(dependencies, encodings);
    }

    fn add_fixed(&self, dependencies: &mut Vec<(String, Dependency)>, crates: &[Fixed]) {
        for (name, oldest, default_features, features) in crates {
            let dependency =
                self.style.crate_from_registry(name, oldest, *default_features, features);
            set(dependencies, name, dependency);
        }
    }

    /// The member whose entry for a crate of a registry is followed: the module, the contract's crate, or
    /// whoever has one.
    fn user_of(&self, package: &str) -> &Member {
        let workspace = self.code.workspace;
        let has = |member: &&Member| member.dependencies.iter().any(|d| d.package == package);
        let contracts = self.contracts();
        let contracts = contracts.iter().filter_map(|contract| workspace.member(contract));
        let near = [self.module.member].into_iter().chain(contracts);
        near.chain(&workspace.members).find(has).unwrap_or(self.module.member)
    }

    /// A crate of the workspace, with those of `features` that it has.
    fn own(&self, package: &str, from: &camino::Utf8Path, features: &[&str]) -> Dependency {
        let is_module = package == self.module.member.name;
        let features: Vec<&str> = features
            .iter()
            .filter(|f| **f != WIRE || is_module || self.wire.contains_key(package))
            .copied()
            .collect();
        if self.style.shares_path(package) {
            return Dependency::workspace().features(features);
        }
        let dir = self.code.workspace.member(package).map(|m| m.dir.clone()).unwrap_or_default();
        let dependency = Dependency::path(relative(from, &dir)).features(features);
        let is_gated = is_module && !self.module.is_adapter();
        if is_gated { dependency.without_default_features() } else { dependency }
    }
}

/// The oldest compiler that builds what is generated.
const OLDEST_RUST: &str = "1.85";

/// Whether a compiler of this version, `1.85` or `1.85.1`, builds what is generated.
fn is_old_enough(rust_version: &str) -> bool {
    let numbers = |version: &str| -> Vec<u64> {
        version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
    };
    numbers(rust_version) >= numbers(OLDEST_RUST)
}

/// Adds a dependency, or features to the one that is there.
fn set(dependencies: &mut Vec<(String, Dependency)>, key: &str, dependency: Dependency) {
    match dependencies.iter_mut().find(|(k, _)| k == key) {
        None => dependencies.push((key.to_owned(), dependency)),
        Some((_, there)) => {
            for feature in dependency.features {
                if !there.features.contains(&feature) {
                    there.features.push(feature);
                }
            }
        }
    }
}
