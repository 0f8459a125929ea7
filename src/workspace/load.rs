//! Asks cargo once and reads the members' files.

use std::collections::BTreeSet;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::{MetadataCommand, Package};

use super::ahead::Ahead;
use super::files::{self, unreadable};
use super::locked::Locked;
use super::{Dependency, DependencyKind, Member, Place, Repository, Target, TargetKind, Workspace};
use crate::diagnostic::{Diagnostic, Result};

/// Finds the workspace that `manifest` (a `Cargo.toml`) belongs to.
///
/// # Errors
/// When there is no workspace.
pub fn locate(manifest: &Utf8Path) -> Result<Place> {
    if !manifest.is_file() {
        return Err(Diagnostic::error("no-workspace", format!("there is no `{manifest}`"))
            .help("run calve inside a Cargo workspace, or name its manifest with --manifest-path")
            .into());
    }
    let manifest = locate_workspace(manifest)?;
    let root = manifest.parent().unwrap_or(Utf8Path::new("/")).to_owned();
    Ok(Place { repository: Repository::around(&root), manifest, root })
}

/// The files that are not as they were when the workspace was read, the new ones and those that are gone
/// among them; in order of path.
///
/// # Errors
/// When they cannot be read.
pub(super) fn differing(workspace: &Workspace) -> Result<Vec<Utf8PathBuf>> {
    let (root, target) = (&workspace.root, &workspace.target_directory);
    let (now, _) = files::read(root, &workspace.members, target, Ahead::default())?;
    let mut differing: BTreeSet<&Utf8PathBuf> = BTreeSet::new();
    for (path, source) in &workspace.files {
        if now.get(path).is_none_or(|found| found.text != source.text) {
            differing.insert(path);
        }
    }
    differing.extend(now.keys().filter(|path| !workspace.files.contains_key(*path)));
    let mut differing: Vec<Utf8PathBuf> = differing.into_iter().cloned().collect();
    for (name, text) in [("Cargo.toml", &workspace.manifest), ("Cargo.lock", &workspace.lock)] {
        let name = Utf8PathBuf::from(name);
        let same = read(&workspace.root.join(&name)).is_ok_and(|found| *found == **text);
        if !same && !differing.contains(&name) {
            differing.push(name);
        }
    }
    Ok(differing)
}

/// Reads the workspace that `manifest` (a `Cargo.toml`) belongs to.
///
/// # Errors
/// As for [`locate`] and [`Place::load`].
pub fn load(manifest: &Utf8Path) -> Result<Workspace> {
    locate(manifest)?.load()
}

impl Place {
    /// Reads the workspace.
    ///
    /// # Errors
    /// When there is no `Cargo.lock`, cargo refuses the manifests, or a file of a member cannot be read.
    pub fn load(self) -> Result<Workspace> {
        read_workspace(self, None)
    }

    /// The same for one who wants to know who uses a package, which saves time and changes nothing else.
    ///
    /// # Errors
    /// As for [`Place::load`].
    pub fn load_for(self, package: &str) -> Result<Workspace> {
        read_workspace(self, Some(package))
    }
}

fn read_workspace(place: Place, package: Option<&str>) -> Result<Workspace> {
    let Place { manifest: located, root, repository } = place;
    let lock_path = root.join("Cargo.lock");
    let lock = read(&lock_path).map_err(|error| {
        Diagnostic::error("no-lock-file", format!("cannot read `{lock_path}`: {error}"))
            .note("calve keeps every locked version as it is, so it must know them")
            .help("run `cargo generate-lockfile`, commit Cargo.lock, and try again")
    })?;
    let ask = |deps: bool| {
        let mut command = MetadataCommand::new();
        command.manifest_path(&located).other_options(vec!["--locked".to_owned()]);
        if !deps {
            command.no_deps();
        }
        command.exec().map_err(|error| cargo_refused(&error))
    };
    let manifest_text = read(&located).map_err(|error| unreadable(&located, &error))?;
    // What does not need cargo's answer is done while it works.
    let (metadata, rust, locked, ahead) = std::thread::scope(|scope| {
        let metadata = scope.spawn(|| ask(false));
        let rust = scope.spawn(|| toolchain(&root));
        let locked = Locked::parse(&lock);
        let ahead = Ahead::read(&root, &manifest_text);
        if let Some(package) = package {
            ahead.parse_users_of(package, || !metadata.is_finished());
        }
        (joined(metadata), joined(rust), locked, ahead)
    });
    let mut metadata = metadata?;
    let locked = match locked {
        Some(locked) if locked.fits(&metadata) => Some(locked),
        // It says what is wrong, or that nothing is.
        locked => {
            metadata = ask(true)?;
            locked
        }
    };
    if !declares_workspace(&manifest_text) {
        return Err(Diagnostic::error(
            "not-a-workspace",
            format!("`{located}` is a single package"),
        )
        .note("calve takes a module crate out of a workspace of several crates")
        .help("add a `[workspace]` table with the module crates as members")
        .into());
    }

    let mut members: Vec<Member> = metadata
        .workspace_packages()
        .into_iter()
        .map(|p| member(p, &root))
        .collect::<Result<_>>()?;
    members.sort_by(|a, b| a.name.cmp(&b.name));
    let paths = metadata.packages.iter().filter(|package| package.source.is_none());
    let dirs = paths.filter_map(|package| package.manifest_path.parent());
    let outside = dirs.filter(|dir| !dir.starts_with(&root)).map(Utf8Path::to_owned).collect();
    let (files, embedded) = files::read(&root, &members, &metadata.target_directory, ahead)?;
    Ok(Workspace {
        repository,
        rust,
        root_files: ROOT_FILES
            .iter()
            .map(Utf8PathBuf::from)
            .filter(|file| root.join(file).exists())
            .collect(),
        target_directory: metadata.target_directory,
        manifest: manifest_text.into(),
        lock: lock.into(),
        dirs: members.iter().map(|member| member.dir.clone()).collect(),
        members,
        registry: locked.as_ref().map(Locked::registry).unwrap_or_default(),
        locked,
        outside,
        embedded,
        files,
        expansions: super::Expansions::default(),
        root,
    })
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|defect| std::panic::resume_unwind(defect))
}

/// What cargo and rustup read beside the root manifest, and what sqlx's macros know of the database.
const ROOT_FILES: [&str; 7] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "rust-toolchain",
    ".cargo/config.toml",
    ".cargo/config",
    ".sqlx",
];

/// `1.95` of `rustc 1.95.0 (…)`; `1` where rustc does not answer, which is a tag of the image too.
fn toolchain(root: &Utf8Path) -> String {
    let output = std::process::Command::new("rustc").arg("--version").current_dir(root).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let version = text.split_whitespace().nth(1).unwrap_or("1");
    version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
}

/// The root manifest; `cargo metadata` would say it too, but only after it wants a lock file.
fn locate_workspace(manifest: &Utf8Path) -> Result<Utf8PathBuf> {
    let output = std::process::Command::new(cargo())
        .args(["locate-project", "--workspace", "--message-format", "plain", "--manifest-path"])
        .arg(manifest)
        .output()
        .map_err(|error| {
            Diagnostic::error("no-cargo", format!("cannot run cargo: {error}"))
                .help("install the Rust toolchain, or set CARGO to its cargo")
        })?;
    if !output.status.success() {
        return Err(cargo_refused(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(Utf8PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end()))
}

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn declares_workspace(manifest: &str) -> bool {
    manifest
        .parse::<toml_edit::Document<String>>()
        .is_ok_and(|document| document.contains_key("workspace"))
}

fn cargo_refused(error: &impl ToString) -> Box<Diagnostic> {
    let text = error.to_string();
    let mut diagnostic =
        Diagnostic::error("cargo-refused", "cargo cannot read this workspace").note(text.trim());
    if text.contains("--locked") {
        diagnostic = diagnostic.help("bring Cargo.lock up to date with `cargo check`, commit it");
    } else {
        diagnostic = diagnostic.help(
            "make `cargo metadata` succeed first; a file that is gone comes back from version control",
        );
    }
    diagnostic.into()
}

fn read(path: &Utf8Path) -> io::Result<String> {
    std::fs::read_to_string(path)
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
    })
}
