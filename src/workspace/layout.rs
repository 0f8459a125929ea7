//! Which packages a workspace has, and where cargo builds them.

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::{Metadata, Package};

use super::{Dependency, DependencyKind, Member, Target, TargetKind, Workspace};
use crate::diagnostic::{Diagnostic, Result};

/// What manifests and configuration say of a workspace.
#[derive(Debug)]
pub(super) struct Layout {
    /// By name.
    pub(super) members: Vec<Member>,
    /// Absolute.
    pub(super) target_directory: Utf8PathBuf,
    /// Folders of path packages that are not members and lie outside the root, absolute.
    pub(super) outside: Vec<Utf8PathBuf>,
    /// Whether cargo is sure to say the same.
    pub(super) is_sure: bool,
}

impl Layout {
    /// Of the workspace at `root`, as cargo says.
    ///
    /// # Errors
    /// `member-outside`.
    pub(super) fn of_metadata(root: &Utf8Path, metadata: &Metadata) -> Result<Self> {
        let members = metadata.workspace_packages().into_iter().map(|p| member(p, root));
        let paths = metadata.packages.iter().filter(|package| package.source.is_none());
        let dirs = paths.filter_map(|package| package.manifest_path.parent());
        let outside = dirs.filter(|dir| !dir.starts_with(root)).map(Utf8Path::to_owned).collect();
        let members = members.collect::<Result<_>>()?;
        Ok(Self::new(members, metadata.target_directory.clone(), outside, true))
    }

    /// Members in any order.
    pub(super) fn new(
        mut members: Vec<Member>,
        target_directory: Utf8PathBuf,
        outside: Vec<Utf8PathBuf>,
        is_sure: bool,
    ) -> Self {
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Self { members, target_directory, outside, is_sure }
    }

    /// Whether a workspace is laid out like this.
    pub(super) fn is_of(&self, workspace: &Workspace) -> bool {
        self.members == workspace.members
            && self.target_directory == workspace.target_directory
            && self.outside == workspace.outside
    }
}

fn member(package: &Package, root: &Utf8Path) -> Result<Member> {
    let relative = |path: &Utf8Path| {
        path.strip_prefix(root).map(Utf8Path::to_owned).map_err(|_| {
            Diagnostic::error("member-outside", format!("`{path}` lies outside the workspace root"))
                .note("calve writes only below the workspace root")
        })
    };
    let manifest = relative(&package.manifest_path)?;
    let mut targets = Vec::new();
    for target in &package.targets {
        let Some(kind) = target.kind.iter().find_map(target_kind) else { continue };
        // A `[lib] path` may point outside; such a target is not looked at.
        if let Ok(root) = relative(&target.src_path) {
            targets.push(Target { kind, name: target.name.clone(), root });
        }
    }
    let dependencies = package.dependencies.iter().filter_map(dependency).collect();
    Ok(Member {
        name: package.name.to_string(),
        version: package.version.clone(),
        dir: manifest.parent().map(Utf8Path::to_owned).unwrap_or_default(),
        manifest,
        edition: package.edition.to_string(),
        rust_version: package.rust_version.as_ref().map(|version| version.to_string()),
        targets,
        dependencies,
        features: package.features.clone().into_iter().collect(),
        metadata: package.metadata.get("calve").cloned().unwrap_or_default(),
    })
}

fn target_kind(kind: &cargo_metadata::TargetKind) -> Option<TargetKind> {
    use cargo_metadata::TargetKind as Kind;
    Some(match kind {
        Kind::Lib | Kind::RLib | Kind::ProcMacro => TargetKind::Lib,
        Kind::Bin => TargetKind::Bin,
        Kind::Test => TargetKind::Test,
        Kind::Example => TargetKind::Example,
        Kind::Bench => TargetKind::Bench,
        Kind::CustomBuild => TargetKind::Build,
        _ => return None,
    })
}

fn dependency(dependency: &cargo_metadata::Dependency) -> Option<Dependency> {
    use cargo_metadata::DependencyKind as Kind;
    Some(Dependency {
        key: dependency.rename.clone().unwrap_or_else(|| dependency.name.to_string()),
        package: dependency.name.to_string(),
        req: dependency.req.to_string(),
        kind: match dependency.kind {
            Kind::Normal => DependencyKind::Normal,
            Kind::Development => DependencyKind::Dev,
            Kind::Build => DependencyKind::Build,
            _ => return None,
        },
        optional: dependency.optional,
        default_features: dependency.uses_default_features,
        features: dependency.features.clone(),
        target: dependency.target.as_ref().map(ToString::to_string),
        path: dependency.path.clone(),
        is_git: dependency.source.as_ref().is_some_and(|source| source.repr.starts_with("git+")),
    })
}
