//! READ: the user's Cargo workspace as an immutable snapshot. The only disk reads and cargo calls
//! before the plan.

mod cargo;
mod files;
mod git;
mod index;
mod layout;
mod load;
mod locked;
mod manifests;
mod migrations;
mod paths;
mod plain;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use typed_arena::Arena;

pub use cargo::{cargo, cargo_refused, refused as cargo_refuses, update};
pub(crate) use files::not_read;
pub use git::Repository;
pub use load::{Asked, Early, Word, load, locate};
pub use locked::{Locked, LockedPackage};
pub use migrations::named as migrations_named;
pub use paths::normalized;
pub use source::{Source, SyntaxError, has_word, line_of};

use crate::changes::Home;
use crate::diagnostic::{Diagnostic, Result};
use index::Index;

/// The monolith, as it was on disk when calve read it.
#[derive(Debug)]
pub struct Workspace {
    /// Absolute path of the workspace root.
    pub root: Utf8PathBuf,
    /// cargo's target directory, absolute.
    pub target_directory: Utf8PathBuf,
    /// Text of the root manifest.
    pub manifest: Arc<str>,
    /// Text of `Cargo.lock`.
    pub lock: Arc<str>,
    /// What it says, if that could be read.
    pub locked: Option<Locked>,
    /// Version of the toolchain without its patch number, such as `1.95`.
    pub rust: String,
    /// Files beside the root manifest that a build needs, those that exist: the toolchain's and
    /// cargo's own configuration.
    pub root_files: Vec<Utf8PathBuf>,
    /// The member packages, by name.
    pub members: Vec<Member>,
    /// The packages from registries that the lock file resolves to, by name.
    pub registry: BTreeMap<String, Vec<RegistryPackage>>,
    /// Directories of path packages that are not members and lie outside the root.
    pub outside: Vec<Utf8PathBuf>,
    /// The git work tree that holds the root, if there is one.
    pub repository: Option<Repository>,
    /// Folders that a `migrate!` names, each with the files that do; all relative to the root.
    pub embedded: BTreeMap<Utf8PathBuf, BTreeSet<Utf8PathBuf>>,
    /// Every text file that analysis may look at.
    files: Index,
    /// What the macros in these files make, as far as somebody looked.
    expansions: Expansions,
}

/// Grows while it is borrowed: what is in it stays where it is.
#[derive(Default)]
struct Expansions(Arena<Expanded>);

impl fmt::Debug for Expansions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} expansions", self.0.len())
    }
}

/// The items that a call of a macro makes.
#[derive(Debug)]
pub struct Expanded {
    /// With spans of the call alone, so that a place in them is a place in its file.
    pub items: Vec<syn::Item>,
    /// The same, with the spans that their tokens have where they are written.
    pub origins: Vec<syn::Item>,
}

/// Where a workspace is, before anything of it is read.
#[derive(Debug, Clone)]
pub struct Place {
    /// Absolute path of the root manifest.
    pub manifest: Utf8PathBuf,
    /// Absolute path of the workspace root.
    pub root: Utf8PathBuf,
    /// The git work tree that holds the root, if there is one.
    pub repository: Option<Repository>,
}

/// A package of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Package name, such as `inventory-core`.
    pub name: String,
    /// Package version.
    pub version: semver::Version,
    /// Folder, relative to the workspace root; empty for a root package.
    pub dir: Utf8PathBuf,
    /// `Cargo.toml`, relative to the workspace root.
    pub manifest: Utf8PathBuf,
    /// Edition, such as `2024`.
    pub edition: String,
    /// The oldest Rust that it says it needs, such as `1.85.0`.
    pub rust_version: Option<String>,
    /// Libraries, binaries, tests, examples, benches and build scripts.
    pub targets: Vec<Target>,
    /// Every dependency entry, of all tables.
    pub dependencies: Vec<Dependency>,
    /// The feature table.
    pub features: BTreeMap<String, Vec<String>>,
    /// `[package.metadata.calve]`, or null.
    pub metadata: serde_json::Value,
}

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TargetKind {
    /// `src/lib.rs`.
    Lib,
    /// `src/main.rs`, `src/bin/*`.
    Bin,
    /// `tests/*`.
    Test,
    /// `examples/*`.
    Example,
    /// `benches/*`.
    Bench,
    /// `build.rs`.
    Build,
}

impl TargetKind {
    /// Whether only a dev-dependency table serves it.
    pub fn is_dev(self) -> bool {
        matches!(self, Self::Test | Self::Example | Self::Bench)
    }
}

/// One compilation root of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Its name.
    pub name: String,
    /// Its root file, relative to the workspace root.
    pub root: Utf8PathBuf,
}

/// Which table a dependency stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DependencyKind {
    /// `[dependencies]`.
    Normal,
    /// `[dev-dependencies]`.
    Dev,
    /// `[build-dependencies]`.
    Build,
}

/// One dependency entry of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The key in the table: the package name, or the name it is given here.
    pub key: String,
    /// The package name.
    pub package: String,
    /// Version requirement, `*` when none is given.
    pub req: String,
    /// Which table.
    pub kind: DependencyKind,
    /// Whether it is optional.
    pub optional: bool,
    /// Whether its default features are on.
    pub default_features: bool,
    /// The features asked for.
    pub features: Vec<String>,
    /// `cfg(…)` of the table, if any.
    pub target: Option<String>,
    /// Folder of a path dependency, absolute.
    pub path: Option<Utf8PathBuf>,
    /// Whether it comes from a git repository.
    pub is_git: bool,
}

impl Dependency {
    /// The name of the crate in code.
    pub fn ident(&self) -> String {
        self.key.replace('-', "_")
    }
}

/// A package that does not come from the workspace.
#[derive(Debug, Clone)]
pub struct RegistryPackage {
    /// Its locked version.
    pub version: semver::Version,
}

impl Place {
    /// The workspace root relative to the top level of its git repository: see [`Workspace::prefix`].
    pub fn prefix(&self) -> &Utf8Path {
        prefix(&self.root, self.repository.as_ref())
    }

    /// Where journals of changes to the workspace are kept.
    pub fn home(&self) -> Home {
        let git = self.repository.as_ref().map(|git| (git.folder.as_path(), self.prefix()));
        Home::of(&self.root, git)
    }
}

fn prefix<'a>(root: &'a Utf8Path, repository: Option<&'a Repository>) -> &'a Utf8Path {
    repository
        .and_then(|repository| root.strip_prefix(&repository.top).ok())
        .unwrap_or(Utf8Path::new(""))
}

impl Workspace {
    /// The member of that package name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        let index = self.members.binary_search_by(|m| m.name.as_str().cmp(name)).ok()?;
        Some(&self.members[index])
    }

    /// The workspace root relative to the top level of its git repository: what a patch puts before its
    /// paths. Empty where they are the same, or there is no repository.
    pub fn prefix(&self) -> &Utf8Path {
        prefix(&self.root, self.repository.as_ref())
    }

    /// Whether something stands at a path relative to the root.
    pub fn exists(&self, path: &Utf8Path) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    /// The text of a file that was not read with the members' sources; none if it cannot be read.
    pub fn read(&self, path: &Utf8Path) -> Option<Arc<str>> {
        match self.files.get(path) {
            Some((_, source)) => Some(Arc::clone(&source.text)),
            None => std::fs::read_to_string(self.root.join(path)).ok().map(Into::into),
        }
    }

    /// The text of a file that code in the folder `from` names, and its path relative to the root; none if
    /// it is not below the root, or cannot be read.
    pub fn read_from(&self, from: &Utf8Path, name: &Utf8Path) -> Option<(Utf8PathBuf, Arc<str>)> {
        let path = migrations::inside(&from.join(name))?;
        let text = self.read(&path)?;
        Some((path, text))
    }

    /// A manifest with the places of what it says; none if it cannot be read.
    fn document(&self, manifest: &Utf8Path) -> Option<toml_edit::Document<String>> {
        toml_edit::Document::parse(self.read(manifest)?.to_string()).ok()
    }

    /// Whether a profile of the root manifest turns panics into aborts.
    pub fn aborts_on_panic(&self) -> bool {
        let Ok(document) = toml_edit::Document::parse(&*self.manifest) else { return false };
        let profiles = document.get("profile").and_then(toml_edit::Item::as_table_like);
        profiles.into_iter().flat_map(toml_edit::TableLike::iter).any(|(_, profile)| {
            profile.get("panic").and_then(toml_edit::Item::as_str) == Some("abort")
        })
    }

    /// Refuses where a file that was read is not as it was, or another is there: what was understood may
    /// not hold any more, also where the file itself does not change.
    ///
    /// # Errors
    /// `stale-plan` with the files.
    pub fn refuse_stale(&self) -> Result<()> {
        let differing = load::differing(self)?;
        let Some(first) = differing.first() else { return Ok(()) };
        let more = match differing.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Err(Diagnostic::error("stale-plan", format!("`{first}` changed since it was read{more}"))
            .note("the plan was made from another text; nothing was written")
            .help("run the command again")
            .into())
    }

    /// How many files were parsed so far.
    pub fn parsed(&self) -> usize {
        self.files.iter().filter(|(_, source)| source.is_parsed()).count()
    }

    /// A file's text and syntax, by path relative to the root.
    pub fn source(&self, path: &Utf8Path) -> Option<&Source> {
        self.files.get(path).map(|(_, source)| source)
    }

    /// A file that was read, with its path, by path relative to the root.
    pub fn file(&self, path: &Utf8Path) -> Option<(&Utf8Path, &Source)> {
        self.files.get(path)
    }

    /// Keeps what a macro made for as long as the snapshot.
    pub fn keep(&self, expanded: Expanded) -> &Expanded {
        self.expansions.0.alloc(expanded)
    }

    /// Whether migrations are looked for in a folder, by its path relative to the root.
    pub fn may_hold_migrations(&self, folder: &Utf8Path) -> bool {
        folder.file_name() == Some("migrations") || self.embedded.contains_key(folder)
    }

    /// The path without `..`; none where it leads out of the root.
    pub fn inside(&self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        migrations::inside(path)
    }

    /// The Rust files of a package, by path; packages nested in its folder are left out.
    pub fn rust_files<'w>(
        &'w self,
        member: &'w Member,
    ) -> impl Iterator<Item = (&'w Utf8Path, &'w Source)> {
        self.files_of(member).filter(|(path, _)| path.extension() == Some("rs"))
    }

    /// Every file of a package that was read, by path; packages nested in its folder are left out.
    pub fn files_of<'w>(
        &'w self,
        member: &'w Member,
    ) -> impl Iterator<Item = (&'w Utf8Path, &'w Source)> {
        self.files.of(member)
    }

    /// Every file that was read.
    pub fn files(&self) -> impl Iterator<Item = (&Utf8Path, &Source)> {
        self.files.iter()
    }

    /// The members that name `package` in a dependency table, with the entries.
    pub fn dependents<'w>(
        &'w self,
        package: &'w str,
    ) -> impl Iterator<Item = (&'w Member, Vec<&'w Dependency>)> {
        self.members.iter().filter_map(move |member| {
            let entries: Vec<_> =
                member.dependencies.iter().filter(|d| d.package == package).collect();
            (!entries.is_empty()).then_some((member, entries))
        })
    }

    /// The package and every member that depends on it, directly or through others, by entries of the
    /// tables that count.
    pub fn users_of(&self, package: &str, counts: impl Fn(DependencyKind) -> bool) -> Vec<&Member> {
        let mut reverse: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for member in &self.members {
            for dependency in member.dependencies.iter().filter(|d| counts(d.kind)) {
                reverse.entry(&dependency.package).or_default().push(&member.name);
            }
        }
        let mut users = BTreeSet::from([package]);
        let mut queue = vec![package];
        while let Some(next) = queue.pop() {
            let new = reverse.get(next).into_iter().flatten().filter(|user| users.insert(**user));
            queue.extend(new);
        }
        self.members.iter().filter(|member| users.contains(member.name.as_str())).collect()
    }
}

impl Member {
    /// The value of `name` in its manifest, in bytes.
    pub fn name_range(&self, workspace: &Workspace) -> Range<usize> {
        let document = workspace.document(&self.manifest);
        let name = document.as_ref().and_then(|d| d.get("package")?.get("name")?.span());
        name.unwrap_or(0..0)
    }

    /// The key of a feature in its manifest, in bytes.
    pub fn feature_range(&self, workspace: &Workspace, feature: &str) -> Range<usize> {
        let document = workspace.document(&self.manifest);
        let key = document.as_ref().and_then(|document| {
            let features = document.get("features")?.as_table_like()?;
            features.key(feature)?.span()
        });
        key.unwrap_or(0..0)
    }

    /// What features of it turn on in the dependency of that key: `postgres` of `sqlx/postgres`, and of
    /// `sqlx?/postgres`.
    pub fn features_for(&self, key: &str) -> impl Iterator<Item = &str> {
        self.features.values().flatten().filter_map(move |feature| {
            let (of, feature) = feature.split_once('/')?;
            (of.trim_end_matches('?') == key).then_some(feature)
        })
    }

    /// An item of a list below `[package.metadata.calve]` in its manifest, in bytes.
    pub fn metadata_range(&self, workspace: &Workspace, keys: &[&str], item: &str) -> Range<usize> {
        let document = workspace.document(&self.manifest);
        let found = document.as_ref().and_then(|document| {
            let mut at = document.get("package")?.get("metadata")?.get("calve")?;
            for key in keys {
                at = at.get(key)?;
            }
            at.as_array()?.iter().find(|value| value.as_str() == Some(item))?.span()
        });
        found.unwrap_or(0..0)
    }

    /// The table of a target in its manifest, in bytes, and whether features decide if it is built.
    pub fn target_table(&self, workspace: &Workspace, target: &Target) -> (Range<usize>, bool) {
        let key = match target.kind {
            TargetKind::Lib => "lib",
            TargetKind::Bin => "bin",
            TargetKind::Test => "test",
            TargetKind::Example => "example",
            TargetKind::Bench => "bench",
            TargetKind::Build => "build",
        };
        let document = workspace.document(&self.manifest);
        let found = document.as_ref().and_then(|document| {
            let is_named = |table: &&toml_edit::Table| {
                table.get("name").and_then(toml_edit::Item::as_str) == Some(&target.name)
            };
            let table = document.get(key)?.as_array_of_tables()?.iter().find(is_named)?;
            let place = table.get("path").or(table.get("name")).and_then(toml_edit::Item::span);
            Some((place.unwrap_or(0..0), table.contains_key("required-features")))
        });
        found.unwrap_or((0..0, false))
    }

    /// Whether a file belongs to tests, examples or benches by where it lies.
    pub fn is_dev_file(&self, file: &Utf8Path) -> bool {
        let relative = file.strip_prefix(&self.dir).unwrap_or(file);
        ["tests", "examples", "benches"].iter().any(|dir| relative.starts_with(dir))
            || relative.components().any(|c| c.as_str() == "tests" || c.as_str() == "tests.rs")
            || self.targets.iter().any(|t| t.kind.is_dev() && t.root == file)
    }

    /// The library target.
    pub fn lib(&self) -> Option<&Target> {
        self.targets.iter().find(|t| t.kind == TargetKind::Lib)
    }

    /// The name of its library crate in code.
    pub fn ident(&self) -> String {
        self.lib().map_or(self.name.as_str(), |t| t.name.as_str()).replace('-', "_")
    }
}
