//! What generated files say of the workspace around them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Names;
use crate::workspace::{DependencyKind, Member, TargetKind, Workspace};

/// Facts of the workspace that container files and documents repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Environment {
    /// The toolchain's version for the image's tag: `1.95`.
    pub rust: String,
    /// Whether sqlx is 0.9 or later.
    pub sqlx_is_recent: bool,
    /// What the runner is given for the monolith's tests: `-p app`.
    pub test_arguments: String,
    /// Files at the root that a build needs.
    #[serde(skip)]
    pub root_files: Vec<String>,
    /// Folders of the crates that the service is built from.
    #[serde(skip)]
    pub built_folders: Vec<String>,
    /// Manifest and targets of every other member.
    #[serde(skip)]
    pub member_files: Vec<String>,
}

impl Environment {
    /// Reads the workspace; `roots` are the packages with a composition root.
    pub fn of(
        workspace: &Workspace,
        module: &Member,
        names: &Names,
        roots: &BTreeSet<String>,
    ) -> Self {
        let sqlx = workspace.registry.get("sqlx").into_iter().flatten().map(|p| &p.version).max();
        let arguments: Vec<String> = roots.iter().map(|root| format!("-p {root}")).collect();
        let mut environment = Self {
            rust: workspace.rust.clone(),
            sqlx_is_recent: sqlx.is_none_or(|v| (v.major, v.minor) >= (0, 9)),
            test_arguments: arguments.join(" "),
            root_files: Vec::new(),
            built_folders: Vec::new(),
            member_files: Vec::new(),
        };
        environment.look_around(workspace, module, names);
        environment
    }

    /// Fills in what is read anew each time: the files that a container build needs.
    pub fn look_around(&mut self, workspace: &Workspace, module: &Member, names: &Names) {
        self.root_files = workspace.root_files.iter().map(ToString::to_string).collect();
        let built = dependencies_of(workspace, module);
        let mut folders: Vec<String> = workspace
            .members
            .iter()
            .filter(|m| built.contains(m.name.as_str()))
            .map(|m| m.dir.to_string())
            .collect();
        folders.push(names.dir.to_string());
        folders.sort();
        self.built_folders = folders;
        self.member_files = workspace
            .members
            .iter()
            .filter(|m| !built.contains(m.name.as_str()) && !m.dir.starts_with(&names.dir))
            .flat_map(|member| {
                let manifest = workspace.source(&member.manifest).map(|s| s.text.to_string());
                let declares = move |section: &str| {
                    manifest.as_deref().is_some_and(|text| text.contains(section))
                };
                let targets = member.targets.iter().filter(move |target| match target.kind {
                    TargetKind::Lib | TargetKind::Bin | TargetKind::Build => true,
                    TargetKind::Test => declares("[[test]]"),
                    TargetKind::Example => declares("[[example]]"),
                    TargetKind::Bench => declares("[[bench]]"),
                });
                let manifest = member.manifest.to_string();
                std::iter::once(manifest).chain(targets.map(|t| t.root.to_string()))
            })
            .collect();
    }
}

/// The module and every workspace crate that it is built from.
fn dependencies_of<'w>(workspace: &'w Workspace, module: &'w Member) -> BTreeSet<&'w str> {
    let mut found = BTreeSet::from([module.name.as_str()]);
    let mut queue = vec![module];
    while let Some(member) = queue.pop() {
        let needed = member.dependencies.iter().filter(|d| d.kind != DependencyKind::Dev);
        for dependency in needed {
            if let Some(next) = workspace.member(&dependency.package)
                && found.insert(&next.name)
            {
                queue.push(next);
            }
        }
    }
    found
}
