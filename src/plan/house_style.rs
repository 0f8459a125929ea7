//! How the workspace writes its manifests, so that new crates are written alike: what is inherited,
//! which dependencies are shared.

use std::collections::BTreeMap;

use toml_edit::{Document, Item};

use super::Dependency;
use crate::workspace::{Member, Workspace};

/// What new manifests take over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HouseStyle {
    /// Fields of `[package]` that the module inherits: `version`, `edition`, `license`.
    pub inherited: Vec<String>,
    /// Whether the module obeys `[workspace.lints]`.
    pub lints: bool,
    /// `[workspace.dependencies]`, by key.
    shared: BTreeMap<String, Shared>,
    /// The edition of new crates: the module's, where what is generated is valid in it.
    pub edition: String,
    /// The oldest compiler that the module declares, and whether the workspace says so for it.
    pub rust_version: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shared {
    version: Option<semver::VersionReq>,
    path: bool,
    features: Vec<String>,
    default_features: bool,
    /// The versions of it that `Cargo.lock` has.
    locked: Vec<semver::Version>,
}

impl HouseStyle {
    /// Reads the root manifest and the module's.
    pub fn of(workspace: &Workspace, module: &Member) -> Self {
        let mut style = Self { edition: edition(module).to_owned(), ..Self::default() };
        let mut oldest = None;
        if let Ok(document) = Document::parse(workspace.manifest.to_string()) {
            let table = document.get("workspace").and_then(|w| w.get("dependencies"));
            for (key, item) in
                table.and_then(Item::as_table_like).into_iter().flat_map(|t| t.iter())
            {
                // Under this name the workspace means another crate.
                if item.get("package").and_then(Item::as_str).is_some_and(|name| name != key) {
                    continue;
                }
                let locked = workspace.registry.get(key).into_iter().flatten();
                let locked = locked.map(|p| p.version.clone()).collect();
                style.shared.insert(key.to_owned(), Shared { locked, ..shared(item) });
            }
            let package = document.get("workspace").and_then(|w| w.get("package"));
            oldest = rust_version(package);
        }
        let manifest = workspace.source(&module.manifest).map(|s| s.text.to_string());
        if let Some(Ok(document)) = manifest.map(Document::parse) {
            let inherits =
                |item: &Item| item.get("workspace").and_then(Item::as_bool) == Some(true);
            let package = document.get("package").and_then(Item::as_table_like);
            style.inherited = package
                .into_iter()
                .flat_map(|p| p.iter())
                .filter(|(_, item)| inherits(item))
                .map(|(key, _)| key.to_owned())
                .collect();
            style.lints = document.get("lints").is_some_and(inherits);
            style.rust_version = if style.inherits("rust-version") {
                oldest
            } else {
                rust_version(document.get("package"))
            };
        }
        style
    }

    /// Whether the module takes a field of `[package]` from the workspace.
    pub fn inherits(&self, field: &str) -> bool {
        self.inherited.iter().any(|inherited| inherited == field)
    }

    /// A crate from a registry: the workspace's own entry where it is new enough, else `oldest`.
    pub fn crate_from_registry(
        &self,
        name: &str,
        oldest: &str,
        default_features: bool,
        features: &[&str],
    ) -> Dependency {
        if let Some(shared) = self.shared.get(name)
            && shared.serves(oldest)
        {
            let missing: Vec<&str> = features
                .iter()
                .filter(|f| !shared.features.iter().any(|s| s == *f))
                .copied()
                .collect();
            // An inherited dependency cannot have default features where the workspace drops them.
            if shared.default_features || !default_features {
                return Dependency::workspace().features(missing);
            }
        }
        let dependency = Dependency::version(oldest).features(features.to_vec());
        if default_features { dependency } else { dependency.without_default_features() }
    }

    /// A crate that the module depends on: as the module does, with these features at least.
    pub fn crate_of_module(&self, module: &Member, package: &str, features: &[&str]) -> Dependency {
        let found = module.dependencies.iter().find(|d| d.package == package);
        match self.shared.get(package) {
            Some(shared) if !shared.path => {
                let missing =
                    features.iter().filter(|f| !shared.features.iter().any(|s| s == *f)).copied();
                Dependency::workspace().features(missing)
            }
            _ => {
                let requirement = found.map_or("*", |d| d.req.as_str());
                let requirement = requirement.strip_prefix('^').unwrap_or(requirement);
                Dependency::version(requirement)
                    .without_default_features()
                    .features(features.to_vec())
            }
        }
    }

    /// Whether `[workspace.dependencies]` has a crate of the workspace under this key.
    pub fn shares_path(&self, key: &str) -> bool {
        self.shared.get(key).is_some_and(|s| s.path)
    }
}

/// The edition of what is generated beside a module: its own, but for those before 2021.
pub fn edition(module: &Member) -> &str {
    match module.edition.as_str() {
        "2015" | "2018" => "2021",
        edition => edition,
    }
}

fn rust_version(package: Option<&Item>) -> Option<String> {
    package?.get("rust-version")?.as_str().map(str::to_owned)
}

impl Shared {
    /// Whether what it resolves to has all that `oldest` has.
    fn serves(&self, oldest: &str) -> bool {
        let (Some(requirement), Some(oldest)) = (&self.version, lowest(oldest)) else {
            return false;
        };
        // The newest version of the same line must be allowed, an incompatible one must not.
        let newest = if oldest.major > 0 {
            semver::Version::new(oldest.major, u64::MAX, 0)
        } else {
            semver::Version::new(0, oldest.minor, u64::MAX)
        };
        // What is locked stays: a locked version that is too old is what it would resolve to.
        let mut locked = self.locked.iter().filter(|version| requirement.matches(version));
        requirement.matches(&newest) && locked.all(|version| *version >= oldest)
    }
}

fn lowest(version: &str) -> Option<semver::Version> {
    let mut parts = version.split('.').map(|p| p.parse::<u64>().ok());
    let mut next = || parts.next().flatten();
    Some(semver::Version::new(next()?, next().unwrap_or(0), next().unwrap_or(0)))
}

fn shared(item: &Item) -> Shared {
    if let Some(version) = item.as_str() {
        return Shared {
            version: version.parse().ok(),
            default_features: true,
            ..Shared::default()
        };
    }
    let list = item.get("features").and_then(Item::as_array);
    Shared {
        version: item.get("version").and_then(Item::as_str).and_then(|v| v.parse().ok()),
        path: item.get("path").is_some(),
        features: list
            .into_iter()
            .flat_map(|a| a.iter())
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect(),
        default_features: item.get("default-features").and_then(Item::as_bool).unwrap_or(true),
        locked: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_serves_what_is_of_the_same_line() {
        let serves = |requirement: &str, oldest: &str| {
            Shared { version: requirement.parse().ok(), ..Shared::default() }.serves(oldest)
        };
        assert!(serves("1", "1.40"));
        assert!(serves("0.8", "0.8.4"));
        assert!(!serves("0.7", "0.8.4"));
        assert!(!serves("=1.2.3", "1.40"));
        assert!(!serves("2", "1.0"));
    }

    #[test]
    fn a_lock_that_keeps_an_older_version_does_not_serve() {
        let serves = |requirement: &str, locked: &[&str]| {
            let locked = locked.iter().map(|version| version.parse().unwrap()).collect();
            let version = requirement.parse().ok();
            Shared { version, locked, ..Shared::default() }.serves("0.7.11")
        };
        assert!(!serves("0.7", &["0.7.2"]));
        assert!(serves("0.7", &["0.7.11"]));
        // Another line, which somebody else needs.
        assert!(serves("0.7", &["0.6.10", "0.7.15"]));
        assert!(!serves(">=0.6", &["0.6.10", "0.7.15"]));
        assert!(serves("0.7", &[]));

        let old = Shared {
            version: "0.7".parse().ok(),
            locked: vec![semver::Version::new(0, 7, 2)],
            default_features: true,
            ..Shared::default()
        };
        let style =
            HouseStyle { shared: [("tokio-util".to_owned(), old)].into(), ..HouseStyle::default() };
        assert_eq!(
            style.crate_from_registry("tokio-util", "0.7.11", true, &["rt"]),
            Dependency::version("0.7.11").features(["rt"])
        );
    }
}
