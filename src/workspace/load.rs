//! Reads the manifests and the members' files, and asks cargo whether they are understood as it does.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::{Metadata, MetadataCommand};

use super::cargo::{self, cargo, cargo_refused};
use super::files::{self, unreadable};
use super::index::Index;
use super::layout::Layout;
use super::locked::Locked;
use super::paths::normalized;
use super::{Member, Place, Repository, Workspace};
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
    let text = read(manifest).map_err(|error| unreadable(manifest, &error))?;
    let manifest = match camino::absolute_utf8(manifest) {
        Ok(absolute) if declares_workspace(&text) => normalized(&absolute),
        _ => locate_workspace(manifest)?,
    };
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
    let (now, _) = files::read(root, &workspace.members, target)?;
    let mut differing: BTreeSet<&Utf8Path> = BTreeSet::new();
    for (path, source) in workspace.files() {
        if now.get(path).is_none_or(|found| found.text != source.text) {
            differing.insert(path);
        }
    }
    let is_new = |path: &&Utf8Path| workspace.source(path).is_none();
    differing.extend(now.keys().map(Utf8PathBuf::as_path).filter(is_new));
    let mut differing: Vec<Utf8PathBuf> = differing.into_iter().map(Utf8Path::to_owned).collect();
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
    /// When there is no `Cargo.lock`, cargo refuses the manifests, or a file of a member cannot be read or lies
    /// where none is read.
    pub fn load(self) -> Result<Workspace> {
        Found::at(self)?.ask_cargo(false).answer()?.workspace()
    }

    /// Reads the workspace as its manifests describe it; then cargo begins to read it too, unless `word` is
    /// known.
    ///
    /// # Errors
    /// When there is no `Cargo.lock`, or the root manifest cannot be read; as for [`Place::load`] where the
    /// manifests alone do not say enough.
    pub fn load_early(self, word: Word) -> Result<Early> {
        let found = Found::at(self)?;
        // Before cargo: this takes all cores, and what is planned from it takes one.
        let Some((workspace, is_sure)) = found.early() else {
            let said = found.ask_cargo(word == Word::OfCargo).answer()?;
            return Ok(Early { workspace: said.workspace()?, asked: None });
        };
        let is_settled = word == Word::OfLock && is_sure && fits(&found.locked, &workspace.members);
        Ok(Early {
            workspace,
            asked: (!is_settled).then(|| found.ask_cargo(word == Word::OfCargo)),
        })
    }
}

/// By what a workspace is known to be what its manifests seem to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// cargo reads it too, and resolves it.
    OfCargo,
    /// Its manifests hold nothing that cargo might read otherwise, and the lock file that cargo made fits them;
    /// else cargo reads it too.
    OfLock,
}

/// A workspace before cargo has said what it is.
pub struct Early {
    /// As its manifests describe it, or as cargo does already.
    pub workspace: Workspace,
    /// Knows, when cargo is done, whether that is right; none where that is known.
    pub asked: Option<Asked>,
}

/// A workspace that cargo is reading.
pub struct Asked {
    found: Found,
    cargo: JoinHandle<Result<Layout>>,
}

/// What is known of a workspace without cargo.
struct Found {
    place: Place,
    manifest: String,
    lock: String,
    locked: Arc<Option<Locked>>,
    /// See [`toolchain`]; asked for on a thread of its own.
    rust: Arc<OnceLock<String>>,
}

impl Found {
    fn at(place: Place) -> Result<Self> {
        let (manifest, lock) = (&place.manifest, place.root.join("Cargo.lock"));
        let lock = read(&lock).map_err(|error| {
            Diagnostic::error("no-lock-file", format!("cannot read `{lock}`: {error}"))
                .note("calve keeps every locked version as it is, so it must know them")
                .help("run `cargo generate-lockfile`, commit Cargo.lock, and try again")
        })?;
        let manifest = read(manifest).map_err(|error| unreadable(manifest, &error))?;
        let locked = Arc::new(Locked::parse(&lock));
        let rust = Arc::new(OnceLock::new());
        let (root, cell) = (place.root.clone(), Arc::clone(&rust));
        std::thread::spawn(move || {
            cell.get_or_init(|| toolchain(&root));
        });
        Ok(Self { place, manifest, lock, locked, rust })
    }

    /// What can be read without cargo, and whether cargo is sure to read the same; what cannot be read now
    /// gives its error later.
    fn early(&self) -> Option<(Workspace, bool)> {
        (*self.locked).as_ref()?;
        let layout = Layout::of_manifests(&self.place.root, &self.manifest)?;
        let is_sure = layout.is_sure;
        Some((self.workspace(layout).ok()?, is_sure))
    }

    /// `resolved` has cargo resolve all of it, too.
    fn ask_cargo(self, resolved: bool) -> Asked {
        let (place, locked) = (self.place.clone(), Arc::clone(&self.locked));
        let cargo = std::thread::spawn(move || {
            let said =
                |needed| Layout::of_metadata(&place.root, &metadata(&place.manifest, needed)?);
            let layout = said(false)?;
            // All packages, where it says what is wrong with the lock file, or that nothing is.
            if !fits(&locked, &layout.members) {
                return said(true);
            }
            match resolved.then(|| cargo::refused(&place.root)).flatten() {
                Some(refusal) => Err(refusal),
                None => Ok(layout),
            }
        });
        Asked { found: self, cargo }
    }

    /// Reads the files of a workspace that is laid out like this.
    fn workspace(&self, layout: Layout) -> Result<Workspace> {
        let Place { root, repository, .. } = &self.place;
        let Layout { members, target_directory, outside, is_sure: _ } = layout;
        let (files, embedded) = files::read(root, &members, &target_directory)?;
        files::refuse_unread(root, &members, &files)?;
        let is_there = |file: &Utf8PathBuf| root.join(file).exists();
        Ok(Workspace {
            repository: repository.clone(),
            rust: self.rust.get_or_init(|| toolchain(root)).clone(),
            root_files: ROOT_FILES.iter().map(Utf8PathBuf::from).filter(is_there).collect(),
            target_directory,
            manifest: self.manifest.as_str().into(),
            lock: self.lock.as_str().into(),
            files: Index::new(files, &members),
            members,
            registry: (*self.locked).as_ref().map(Locked::registry).unwrap_or_default(),
            locked: Option::clone(&self.locked),
            outside,
            embedded,
            expansions: super::Expansions::default(),
            root: root.clone(),
        })
    }
}

impl Asked {
    /// Waits for cargo: the workspace, unless it is what `early` is.
    ///
    /// # Errors
    /// As for [`Place::load`].
    pub fn instead_of(self, early: &Workspace) -> Result<Option<Workspace>> {
        let answer = self.answer()?;
        if answer.layout.is_of(early) { Ok(None) } else { answer.workspace().map(Some) }
    }

    fn answer(self) -> Result<Answer> {
        let Self { found, cargo } = self;
        let answer = cargo.join();
        let layout = answer.unwrap_or_else(|defect| std::panic::resume_unwind(defect))?;
        if !declares_workspace(&found.manifest) {
            return Err(Diagnostic::error(
                "not-a-workspace",
                format!("`{}` is a single package", found.place.manifest),
            )
            .note("calve takes a module crate out of a workspace of several crates")
            .help("add a `[workspace]` table with the module crates as members")
            .into());
        }
        Ok(Answer { found, layout })
    }
}

/// What cargo said.
struct Answer {
    found: Found,
    layout: Layout,
}

impl Answer {
    fn workspace(self) -> Result<Workspace> {
        self.found.workspace(self.layout)
    }
}

/// See [`Locked::fits`].
fn fits(locked: &Option<Locked>, members: &[Member]) -> bool {
    locked.as_ref().is_some_and(|locked| locked.fits(members))
}

/// What cargo says of the members alone, or of all packages that they need.
fn metadata(manifest: &Utf8Path, needed: bool) -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(manifest).other_options(vec!["--locked".to_owned()]);
    if !needed {
        command.no_deps();
    }
    command.exec().map_err(|error| cargo_refused(&error))
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

/// The root manifest of one that is none itself; `cargo metadata` would say it too, but only after it wants
/// a lock file.
fn locate_workspace(manifest: &Utf8Path) -> Result<Utf8PathBuf> {
    let output = cargo(Utf8Path::new("."))
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

fn declares_workspace(manifest: &str) -> bool {
    manifest
        .parse::<toml_edit::Document<String>>()
        .is_ok_and(|document| document.contains_key("workspace"))
}

fn read(path: &Utf8Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;

    #[test]
    fn cargo_has_the_last_word_on_what_was_read_early() {
        let project = Project::new().member("a", &[], &[("src/lib.rs", "")]).member(
            "b",
            &["a"],
            &[("src/lib.rs", "")],
        );
        let manifest = project.load().root.join("Cargo.toml");
        let early = || locate(&manifest).unwrap().load_early(Word::OfCargo).unwrap();
        let Early { workspace, asked } = early();
        assert!(asked.unwrap().instead_of(&workspace).unwrap().is_none());
        let Early { mut workspace, asked } = early();
        workspace.members[1].dependencies.clear();
        let other = asked.unwrap().instead_of(&workspace).unwrap().expect("what cargo says");
        assert_eq!(other.members[1].dependencies[0].package, "a");
    }

    #[expect(clippy::disallowed_methods, reason = "a test sets its own stage")]
    #[test]
    fn cargo_is_asked_where_its_lock_file_says_something_else() {
        let project = Project::new().member("a", &[], &[("src/lib.rs", "")]);
        let manifest = project.load().root.join("Cargo.toml");
        let asked = || locate(&manifest).unwrap().load_early(Word::OfLock).unwrap().asked;
        assert!(asked().is_none());
        let lock = manifest.with_file_name("Cargo.lock");
        let text = std::fs::read_to_string(&lock).unwrap();
        std::fs::write(&lock, text.replace("\"a\"", "\"b\"")).unwrap();
        let asked = asked().expect("a member that is not locked").answer();
        let refusal = asked.map(|answer| answer.layout).unwrap_err();
        assert_eq!(refusal.code, "cargo-refused");
    }

    /// Not only where the lock file tells: a circle fits it.
    #[expect(clippy::disallowed_methods, reason = "a test sets its own stage")]
    #[test]
    fn what_cargo_cannot_resolve_is_refused() {
        let project = Project::new().member("a", &[], &[("src/lib.rs", "")]).member(
            "b",
            &["a"],
            &[("src/lib.rs", "")],
        );
        let workspace = project.load();
        let root = &workspace.root;
        let refused = || {
            let place = locate(&root.join("Cargo.toml")).unwrap();
            let Early { workspace, asked } = place.load_early(Word::OfCargo).unwrap();
            *asked.unwrap().instead_of(&workspace).unwrap_err()
        };
        let manifest = std::fs::read_to_string(root.join("a/Cargo.toml")).unwrap();
        let circle = format!("{manifest}b = {{ path = \"../b\" }}\n");
        assert!(manifest.ends_with("[dependencies]\n"), "{manifest}");
        std::fs::write(root.join("a/Cargo.toml"), circle).unwrap();
        let entry = "name = \"a\"\nversion = \"0.1.0\"\n";
        let lock = workspace.lock.replace(entry, &format!("{entry}dependencies = [\n \"b\",\n]\n"));
        std::fs::write(root.join("Cargo.lock"), lock).unwrap();
        let refusal = refused();
        assert_eq!(refusal.code, "cargo-refused");
        assert!(refusal.notes[0].contains("cyclic package dependency"), "{refusal:?}");

        std::fs::write(root.join("a/Cargo.toml"), manifest).unwrap();
        std::fs::write(root.join("Cargo.lock"), &*workspace.lock).unwrap();
        let user = std::fs::read_to_string(root.join("b/Cargo.toml")).unwrap();
        let asking = user.replace("path = \"../a\"", "path = \"../a\", features = [\"nope\"]");
        assert_ne!(asking, user);
        std::fs::write(root.join("b/Cargo.toml"), asking).unwrap();
        let refusal = refused();
        assert!(refusal.notes[0].contains("feature `nope`"), "{refusal:?}");
    }

    #[cfg(unix)]
    #[expect(clippy::disallowed_methods, reason = "a test sets its own stage")]
    #[test]
    fn a_library_that_was_not_read_is_refused() {
        let project = Project::new().member("a", &[], &[("src/lib.rs", "")]);
        let root = project.load().root;
        let refused = || {
            let refusal = load(&root.join("Cargo.toml")).unwrap_err();
            (refusal.code, refusal.message)
        };
        std::fs::rename(root.join("a/src"), root.join("real")).unwrap();
        std::os::unix::fs::symlink("../real", root.join("a/src")).unwrap();
        let message = "`a/src/lib.rs` is code of the workspace and was not read".to_owned();
        assert_eq!(refused(), ("file-not-read", message));
        let manifest = std::fs::read_to_string(root.join("a/Cargo.toml")).unwrap();
        let manifest = format!("{manifest}\n[lib]\npath = \"gone.rs\"\n");
        std::fs::write(root.join("a/Cargo.toml"), manifest).unwrap();
        let message = "`a/gone.rs`, the library of `a`, is not there".to_owned();
        assert_eq!(refused(), ("file-not-read", message));
    }
}
