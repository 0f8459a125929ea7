//! What the manifests of the monolith must say after the cut.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::manifest::{
    self, DependencyChange, DependencyEdit, DependencyTable, FeatureToAdd, ManifestChanges,
    MemberToAdd, RequiredFeatures, TargetKind as ManifestTarget,
};
use crate::analysis::contract::IMPLEMENTATION;
use crate::analysis::module::Module;
use crate::analysis::wire::WIRE;
use crate::changes::ChangeSet;
use crate::diagnostic::{Diagnostics, Result};
use crate::plan::features::WireFeature;
use crate::plan::{Dependency, Names, relative};
use crate::workspace::{DependencyKind, Member, TargetKind, Workspace};

/// What the manifests depend on.
pub struct Facts<'a, 'w> {
    /// The snapshot.
    pub workspace: &'w Workspace,
    /// The module.
    pub module: &'a Module<'w>,
    /// The names of what is new.
    pub names: &'a Names,
    /// The feature `wire`, by package.
    pub wire: &'a BTreeMap<String, WireFeature>,
    /// Packages with a composition root: they gain the stub.
    pub roots: &'a BTreeSet<String>,
    /// Packages whose tests go on constructing the implementation themselves.
    pub in_process: &'a BTreeSet<String>,
    /// Packages that need an adapter's crate no more.
    pub without_adapter: &'a BTreeSet<String>,
    /// Packages that only tests use, and that go on constructing it as well.
    pub test_support: &'a BTreeSet<String>,
}

/// Edits every manifest that changes.
///
/// # Errors
/// Those of [`manifest::edit_manifest`].
pub fn edit(
    facts: &Facts<'_, '_>,
    changes: &mut ChangeSet,
    diagnostics: &mut Diagnostics,
) -> Result<()> {
    let mut all: BTreeMap<Utf8PathBuf, ManifestChanges> = BTreeMap::new();
    let root = Utf8PathBuf::from("Cargo.toml");
    members(facts, all.entry(root.clone()).or_default());
    let is_adapter = facts.module.is_adapter();
    if !is_adapter {
        module(facts, all.entry(facts.module.member.manifest.clone()).or_default());
    }
    for (package, feature) in facts.wire {
        let Some(member) = facts.workspace.member(package) else { continue };
        wire_feature(facts, member, feature, all.entry(member.manifest.clone()).or_default());
    }
    for member in &facts.workspace.members {
        // The service is no consumer: it has the implementation.
        if member.name != facts.module.member.name && !member.dir.starts_with(&facts.names.dir) {
            if is_adapter {
                root_of_adapter(facts, member, &mut all);
            } else {
                consumer(facts, member, &mut all);
            }
        }
    }
    for (file, wanted) in all {
        let Some(text) = text_of(facts, &file) else { continue };
        let edits = manifest::edit_manifest(&file, &text, &wanted, diagnostics)?;
        changes.edit(&file, &text, edits)?;
    }
    Ok(())
}

fn text_of(facts: &Facts<'_, '_>, file: &Utf8Path) -> Option<std::sync::Arc<str>> {
    if file == "Cargo.toml" {
        return Some(std::sync::Arc::clone(&facts.workspace.manifest));
    }
    facts.workspace.source(file).map(|source| std::sync::Arc::clone(&source.text))
}

fn members(facts: &Facts<'_, '_>, changes: &mut ManifestChanges) {
    let dir = &facts.names.dir;
    let mut after = facts.module.member.dir.clone();
    for path in [dir.clone(), dir.join("client"), dir.join("wire")] {
        changes.members.push(MemberToAdd { path: path.clone(), after: Some(after) });
        after = path;
    }
}

/// The module: the feature `implementation`, what it switches on, and the tests that need it.
fn module(facts: &Facts<'_, '_>, changes: &mut ManifestChanges) {
    let module = facts.module;
    let mut enables = Vec::new();
    for key in &module.contract.optional_dependencies {
        enables.push(format!("dep:{key}"));
        changes.dependencies.push(DependencyEdit {
            table: DependencyTable::NORMAL,
            key: key.clone(),
            change: DependencyChange::MakeOptional,
        });
    }
    let feature = |name: &str, enables| FeatureToAdd { name: name.to_owned(), enables };
    changes.features.push(feature("default", vec![IMPLEMENTATION.to_owned()]));
    changes.features.push(feature(IMPLEMENTATION, enables));
    let needy: BTreeSet<(TargetKind, &str)> = module
        .references
        .iter()
        .filter(|r| r.member.name == module.member.name && r.target.kind != TargetKind::Build)
        .filter(|r| !module.contract.kept.contains(&r.item))
        .map(|r| (r.target.kind, r.target.name.as_str()))
        .collect();
    for (kind, name) in needy {
        let kind = match kind {
            TargetKind::Test => ManifestTarget::Test,
            TargetKind::Example => ManifestTarget::Example,
            TargetKind::Bench => ManifestTarget::Bench,
            TargetKind::Bin => ManifestTarget::Bin,
            TargetKind::Lib | TargetKind::Build => continue,
        };
        let path = module
            .member
            .targets
            .iter()
            .find(|t| t.name == name && t.kind.is_dev())
            .and_then(|t| unusual_path(module.member, t));
        changes.required_features.push(RequiredFeatures {
            kind,
            name: name.to_owned(),
            path,
            features: vec![IMPLEMENTATION.to_owned()],
        });
    }
}

/// The path of a target that cargo would not find by its name.
fn unusual_path(member: &Member, target: &crate::workspace::Target) -> Option<Utf8PathBuf> {
    let path = target.root.strip_prefix(&member.dir).ok()?;
    let folder = match target.kind {
        TargetKind::Test => "tests",
        TargetKind::Example => "examples",
        TargetKind::Bench => "benches",
        _ => return None,
    };
    let usual =
        [format!("{folder}/{}.rs", target.name), format!("{folder}/{}/main.rs", target.name)];
    (!usual.iter().any(|u| path == u)).then(|| path.to_owned())
}

fn wire_feature(
    facts: &Facts<'_, '_>,
    member: &Member,
    feature: &WireFeature,
    changes: &mut ManifestChanges,
) {
    if feature.adds_serde {
        let shared =
            manifest::dependency(&facts.workspace.manifest, &DependencyTable::Workspace, "serde")
                .filter(|shared| !shared.optional && !member.dependencies.is_empty());
        let serde = match shared {
            // An inherited one may lack what the impls for `String` and `Vec` stand behind.
            Some(shared) => {
                let is_bare = shared.default_features == Some(false);
                let has_std = shared.features.iter().any(|feature| feature == "std");
                let std = (is_bare && !has_std).then_some("std");
                Dependency::workspace().features(["derive"]).features(std).optional()
            }
            None => Dependency::version("1").features(["derive"]).optional(),
        };
        changes.dependencies.push(DependencyEdit {
            table: DependencyTable::NORMAL,
            key: "serde".to_owned(),
            change: DependencyChange::Add(serde),
        });
    }
    changes.features.push(FeatureToAdd { name: WIRE.to_owned(), enables: feature.enables.clone() });
}

/// A crate that uses the API trait: without the implementation, but for its own tests; with the stub
/// where it constructs one.
fn consumer(
    facts: &Facts<'_, '_>,
    member: &Member,
    all: &mut BTreeMap<Utf8PathBuf, ManifestChanges>,
) {
    let package = &facts.module.member.name;
    let mut inherits = false;
    for dependency in member.dependencies.iter().filter(|d| d.package == *package) {
        let table = table_of(dependency);
        let text = text_of(facts, &member.manifest).unwrap_or_default();
        let inherited = manifest::inherits(&text, &table, &dependency.key);
        inherits |= inherited;
        // One that asks for the implementation has been looked at by an earlier run.
        if dependency.default_features && !dependency.features.iter().any(|f| f == IMPLEMENTATION) {
            let keep: Vec<String> = facts
                .module
                .member
                .features
                .get("default")
                .into_iter()
                .flatten()
                .filter(|f| *f != IMPLEMENTATION)
                .cloned()
                .collect();
            let (file, table) = if inherited {
                (Utf8PathBuf::from("Cargo.toml"), DependencyTable::Workspace)
            } else {
                (member.manifest.clone(), table.clone())
            };
            let edit = DependencyEdit {
                table,
                key: dependency.key.clone(),
                change: DependencyChange::DropDefaultFeatures { keep },
            };
            let changes = all.entry(file).or_default();
            if !changes.dependencies.contains(&edit) {
                changes.dependencies.push(edit);
            }
        }
        let goes_on = match dependency.kind {
            DependencyKind::Normal => facts.test_support.contains(&member.name),
            DependencyKind::Dev => facts.in_process.contains(&member.name),
            DependencyKind::Build => false,
        };
        if goes_on {
            all.entry(member.manifest.clone()).or_default().dependencies.push(DependencyEdit {
                table,
                key: dependency.key.clone(),
                change: DependencyChange::AddFeatures(vec![IMPLEMENTATION.to_owned()]),
            });
        }
    }
    let dev = |d: &crate::workspace::Dependency| d.kind == DependencyKind::Dev;
    if facts.in_process.contains(&member.name)
        && !member.dependencies.iter().any(|d| d.package == *package && dev(d))
    {
        // By the name that the package's code knows it by.
        let known = member.dependencies.iter().find(|d| d.package == *package);
        let key = known.map_or(package, |dependency| &dependency.key);
        let module = if inherits {
            Dependency::workspace()
        } else {
            let path = Dependency::path(relative(&member.dir, &facts.module.member.dir));
            if key == package { path } else { path.package(package) }
        };
        all.entry(member.manifest.clone()).or_default().dependencies.push(DependencyEdit {
            table: DependencyTable::DEV,
            key: key.clone(),
            change: DependencyChange::Add(module.features([IMPLEMENTATION])),
        });
    }
    if facts.roots.contains(&member.name) {
        stub(facts, member, inherits, all);
    }
}

/// A crate that constructed an adapter: it gains the stub, and loses the adapter's crate unless something
/// else of it is named. What only its tests need goes to its development dependencies.
fn root_of_adapter(
    facts: &Facts<'_, '_>,
    member: &Member,
    all: &mut BTreeMap<Utf8PathBuf, ManifestChanges>,
) {
    if !facts.roots.contains(&member.name) {
        return;
    }
    let package = &facts.module.member.name;
    let text = text_of(facts, &member.manifest).unwrap_or_default();
    let of_adapter = || member.dependencies.iter().filter(|d| d.package == *package);
    // After the cut it is the stub that tells.
    let stubs = member.dependencies.iter().filter(|d| d.package == facts.names.client);
    let inherits =
        of_adapter().chain(stubs).any(|d| manifest::inherits(&text, &table_of(d), &d.key));
    stub(facts, member, inherits, all);
    if !facts.without_adapter.contains(&member.name) {
        return;
    }
    let in_tests = facts.in_process.contains(&member.name)
        && !of_adapter().any(|d| d.kind == DependencyKind::Dev);
    let changes = all.entry(member.manifest.clone()).or_default();
    for dependency in of_adapter().filter(|d| d.kind == DependencyKind::Normal) {
        // A feature of the crate that passes something on keeps it.
        let named = |enables: &String| {
            let key = &dependency.key;
            let rest = enables.strip_prefix("dep:").unwrap_or(enables).strip_prefix(key.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        };
        if dependency.optional || member.features.values().flatten().any(named) {
            continue;
        }
        changes.dependencies.push(DependencyEdit {
            table: table_of(dependency),
            key: dependency.key.clone(),
            change: DependencyChange::Remove,
        });
        if in_tests {
            let moved = if inherits {
                Dependency::workspace()
            } else {
                let path = Dependency::path(relative(&member.dir, &facts.module.member.dir));
                if dependency.key == *package { path } else { path.package(package) }
            };
            let moved = moved.features(dependency.features.iter().map(String::as_str));
            changes.dependencies.push(DependencyEdit {
                table: DependencyTable::DEV,
                key: dependency.key.clone(),
                change: DependencyChange::Add(moved),
            });
        }
    }
}

/// The stub as a dependency, in the way in which the member depends on the module: where that is optional,
/// what switches it on switches the stub on as well.
fn stub(
    facts: &Facts<'_, '_>,
    member: &Member,
    inherits: bool,
    all: &mut BTreeMap<Utf8PathBuf, ManifestChanges>,
) {
    let dir = facts.names.dir.join("client");
    let mut add = |file: Utf8PathBuf, table: DependencyTable, dependency: Dependency| {
        let edit = DependencyEdit {
            table,
            key: facts.names.client.clone(),
            change: DependencyChange::Add(dependency),
        };
        let changes = all.entry(file).or_default();
        if !changes.dependencies.contains(&edit) {
            changes.dependencies.push(edit);
        }
    };
    let package = &facts.module.member.name;
    let mut of_module = member
        .dependencies
        .iter()
        .filter(|d| d.package == *package && d.kind == DependencyKind::Normal)
        .peekable();
    let key = of_module.peek().map(|dependency| dependency.key.clone());
    let switched = key.filter(|_| of_module.all(|dependency| dependency.optional));
    let own = |dependency: Dependency| match &switched {
        Some(_) => dependency.optional(),
        None => dependency,
    };
    if inherits {
        add("Cargo.toml".into(), DependencyTable::Workspace, Dependency::path(dir));
        add(member.manifest.clone(), DependencyTable::NORMAL, own(Dependency::workspace()));
    } else {
        let path = relative(&member.dir, &dir);
        add(member.manifest.clone(), DependencyTable::NORMAL, own(Dependency::path(path)));
    }
    if let Some(key) = switched {
        let features = &mut all.entry(member.manifest.clone()).or_default().features;
        features.extend(switches(member, &key, &facts.names.client));
    }
}

/// The features of a member that switch its optional dependency `key` on, each with what switches `stub` on
/// too. The feature that the dependency is of itself has to be written then.
fn switches(member: &Member, key: &str, stub: &str) -> Vec<FeatureToAdd> {
    let enabled = format!("dep:{key}");
    let enables_it = |enables: &[String]| enables.contains(&enabled);
    // `key/feature` switches a feature of that name on, where there is one.
    let by_name = member.features.get(key).is_some_and(|enables| enables_it(enables));
    let through = format!("{key}/");
    let passes_on = |enables: &[String]| enables.iter().any(|e| e.starts_with(&through));
    let switching = member
        .features
        .iter()
        .filter(|(_, enables)| enables_it(enables) || (!by_name && passes_on(enables)));
    switching
        .map(|(name, _)| {
            let own = (name == key).then(|| enabled.clone());
            let enables = own.into_iter().chain([format!("dep:{stub}")]).collect();
            FeatureToAdd { name: name.clone(), enables }
        })
        .collect()
}

fn table_of(dependency: &crate::workspace::Dependency) -> DependencyTable {
    let kind = match dependency.kind {
        DependencyKind::Normal => manifest::DependencyKind::Normal,
        DependencyKind::Dev => manifest::DependencyKind::Dev,
        DependencyKind::Build => manifest::DependencyKind::Build,
    };
    match &dependency.target {
        Some(cfg) => DependencyTable::Target(cfg.clone(), kind),
        None => DependencyTable::Package(kind),
    }
}
