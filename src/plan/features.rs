//! Which crates get the feature `wire`, and what it switches on in each.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::code::Code;
use crate::analysis::module::Module;
use crate::analysis::wire::{Form, WIRE};
use crate::workspace::{DependencyKind, Member};

/// The feature `wire` of one workspace crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireFeature {
    /// The package.
    pub package: String,
    /// What the feature enables: `chrono/serde`, `kernel/wire`, `dep:serde`.
    pub enables: Vec<String>,
    /// Whether the crate has no dependency on serde yet.
    pub adds_serde: bool,
}

/// The crates that own types which cross, and the module itself, by package name.
pub fn wire_features(code: &Code<'_>, module: &Module<'_>) -> BTreeMap<String, WireFeature> {
    let package_of = |id: crate::analysis::code::ItemId| code.root(id.root).member.name.clone();
    let mut derived: BTreeSet<String> = BTreeSet::new();
    for (instance, form) in &module.wire.forms {
        if matches!(form, Form::Derive { .. } | Form::Guarded(_)) {
            derived.insert(package_of(instance.id));
        }
    }
    // Whoever owns a type that crosses, or needs a registry type's serde for it.
    let mut owners: BTreeSet<String> = derived.clone();
    owners.extend(module.wire.serde_of.keys().cloned());
    // An adapter owns no type of the contract.
    if !module.is_adapter() {
        owners.insert(module.member.name.clone());
    }

    let mut features = BTreeMap::new();
    for package in &owners {
        let Some(member) = code.workspace.member(package) else { continue };
        let mut enables = Vec::new();
        let mut adds_serde = false;
        if derived.contains(package) {
            match normal(member, "serde") {
                None => {
                    adds_serde = true;
                    enables.push("dep:serde".to_owned());
                }
                Some(serde) => {
                    if serde.optional {
                        enables.push(format!("dep:{}", serde.key));
                    }
                    if !serde.features.iter().any(|f| f == "derive") {
                        enables.push(format!("{}/derive", serde.key));
                    }
                }
            }
        }
        if derived.contains(package) && module.wire.shares.contains(package) {
            let key = normal(member, "serde").map_or("serde", |serde| &serde.key);
            enables.push(format!("{key}/rc"));
        }
        for external in module.wire.serde_of.get(package).into_iter().flatten() {
            if let Some(dependency) = normal(member, external)
                && !dependency.features.iter().any(|f| f == "serde")
            {
                enables.push(format!("{}/serde", dependency.key));
            }
        }
        for other in owners.iter().filter(|o| *o != package) {
            if let Some(dependency) = normal(member, other) {
                enables.push(format!("{}/{WIRE}", dependency.key));
            }
        }
        enables.sort();
        if !derived.contains(package) && enables.is_empty() && *package != module.member.name {
            continue;
        }
        features
            .insert(package.clone(), WireFeature { package: package.clone(), enables, adds_serde });
    }
    // A crate that was left out has no feature for others to name.
    let known: BTreeSet<String> = features.keys().cloned().collect();
    for (package, feature) in &mut features {
        let Some(member) = code.workspace.member(package) else { continue };
        feature.enables.retain(|enabled| match enabled.strip_suffix(&format!("/{WIRE}")) {
            Some(key) => member
                .dependencies
                .iter()
                .find(|d| d.key == key)
                .is_none_or(|d| known.contains(&d.package)),
            None => true,
        });
    }
    features
}

fn normal<'m>(member: &'m Member, package: &str) -> Option<&'m crate::workspace::Dependency> {
    member
        .dependencies
        .iter()
        .find(|d| d.package == package && d.kind == DependencyKind::Normal && d.target.is_none())
}
