//! What `Cargo.lock` says, and whether it fits the manifests: most often cargo then need not resolve the
//! workspace, which takes it longer than everything else together.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Metadata, Package};
use serde::Deserialize;

use super::RegistryPackage;

/// A lock file.
#[derive(Debug, Deserialize)]
pub(super) struct Locked {
    #[serde(default)]
    package: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    version: semver::Version,
    source: Option<String>,
    /// Each `name`, `name version` or `name version (source)`: as much as tells them apart.
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Locked {
    /// None where it cannot be read; cargo says why.
    pub(super) fn parse(text: &str) -> Option<Self> {
        toml_edit::de::from_str(text).ok()
    }

    /// The packages that do not come from the workspace, by name.
    pub(super) fn registry(&self) -> BTreeMap<String, Vec<RegistryPackage>> {
        let mut registry: BTreeMap<String, Vec<RegistryPackage>> = BTreeMap::new();
        for entry in self.package.iter().filter(|entry| entry.source.is_some()) {
            let package = RegistryPackage { version: entry.version.clone() };
            registry.entry(entry.name.clone()).or_default().push(package);
        }
        registry
    }

    /// Whether cargo would surely leave the file as it is, and all path packages are members. Where it
    /// is not sure, cargo is to be asked.
    pub(super) fn fits(&self, metadata: &Metadata) -> bool {
        let mut by_name: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.package {
            by_name.entry(&entry.name).or_default().push(entry);
        }
        let members = metadata.workspace_packages();
        let own = self.package.iter().filter(|entry| entry.source.is_none()).count();
        own == members.len()
            && members.iter().all(|member| {
                let entries = by_name.get(member.name.as_str()).into_iter().flatten();
                let mut entries = entries.filter(|e| e.source.is_none());
                entries.next().is_some_and(|entry| fits(entry, member, &by_name))
            })
    }
}

fn fits(entry: &Entry, member: &Package, by_name: &BTreeMap<&str, Vec<&Entry>>) -> bool {
    let wanted: BTreeSet<&str> = member.dependencies.iter().map(|d| d.name.as_str()).collect();
    let name = |dependency: &'_ String| dependency.split(' ').next().map(str::to_owned);
    let locked: BTreeSet<String> = entry.dependencies.iter().filter_map(name).collect();
    let chosen = |dependency: &cargo_metadata::Dependency| {
        let candidates = by_name.get(dependency.name.as_str()).into_iter().flatten();
        candidates.filter(|c| is_chosen(entry, c)).any(|candidate| {
            let kind = |source: &str| source.split(['+', ':']).next().map(str::to_owned);
            let source = dependency.source.as_ref().map(|source| source.repr.as_str());
            candidate.source.as_deref().and_then(kind) == source.and_then(kind)
                && dependency.req.matches(&candidate.version)
        })
    };
    entry.version == member.version
        && locked.iter().map(String::as_str).eq(wanted)
        && member.dependencies.iter().all(chosen)
}

/// Whether an entry lists a package among its dependencies.
fn is_chosen(entry: &Entry, candidate: &Entry) -> bool {
    let version = candidate.version.to_string();
    entry.dependencies.iter().any(|dependency| {
        let mut words = dependency.split(' ');
        words.next() == Some(&candidate.name) && words.next().is_none_or(|word| word == version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;

    #[test]
    fn a_lock_that_lacks_something_is_for_cargo_to_judge() {
        let project = Project::new().member("a", &[], &[("src/lib.rs", "")]).member(
            "b",
            &["a"],
            &[("src/lib.rs", "")],
        );
        let workspace = project.load();
        let metadata = cargo_metadata::MetadataCommand::new()
            .manifest_path(workspace.root.join("Cargo.toml"))
            .no_deps()
            .exec()
            .unwrap();
        let fits = |lock: &str| Locked::parse(lock).is_some_and(|locked| locked.fits(&metadata));
        let lock = &*workspace.lock;
        assert!(fits(lock), "{lock}");
        assert!(!fits(&lock.replace("dependencies = [\n \"a\",\n]\n", "")), "a new dependency");
        assert!(!fits(&lock.replace("0.1.0", "0.2.0")), "another version");
        assert!(!fits(&lock.replace(" \"a\",", " \"a\",\n \"c\",")), "one dependency less");
        let more = format!("{lock}\n[[package]]\nname = \"c\"\nversion = \"0.1.0\"\n");
        assert!(!fits(&more), "a member less, or a path package outside");
        let elsewhere = lock.replace(
            "name = \"a\"\nversion = \"0.1.0\"\n",
            "name = \"a\"\nversion = \"0.1.0\"\nsource = \"registry+https://example.com\"\n",
        );
        assert!(!fits(&elsewhere));
        assert!(!fits("no lock"));
    }
}
