//! A copy of the user's tree in a temporary folder, for cargo to work in.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::process::Command;

use super::interrupt::Folder;
use crate::changes::{self, ChangeSet};
use crate::diagnostic::{Diagnostic, Result};
#[cfg(unix)]
use crate::workspace::normalized;
use camino::{Utf8Path, Utf8PathBuf};
use ignore::WalkBuilder;

/// What cargo and build scripts read at the top of a workspace, copied though a rule may ignore it.
const NEEDED: [&str; 6] = [
    "Cargo.lock",
    ".cargo/config.toml",
    ".cargo/config",
    "rust-toolchain.toml",
    "rust-toolchain",
    ".env",
];

/// A copy of a tree, removed when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    root: Utf8PathBuf,
    _folder: Folder,
}

impl Scratch {
    /// Copies the tree at `from` below the system's temporary folder: in a git work tree what git
    /// tracks (ignored or not) and what it would track; elsewhere everything. Build folders, `.git`
    /// and the paths in `skip` (relative to `from`, with all below them) stay out. Modification times
    /// stay, so that cargo takes what it built from a file for fresh in the next copy. Links stay links; one that
    /// led out of the tree still leads there, one within it leads within the copy.
    ///
    /// # Errors
    /// `scratch-failed` with the path that could not be read or written.
    pub fn copy(from: &Utf8Path, skip: &[&Utf8Path]) -> Result<Self> {
        Self::copy_into(from, skip, Folder::unique())
    }

    /// The same below a name that is always the same, for what must find the copy where an earlier one
    /// was. Two at once would disturb each other.
    ///
    /// # Errors
    /// As for [`Scratch::copy`].
    pub(super) fn copy_to(from: &Utf8Path, name: &str) -> Result<Self> {
        Self::copy_into(from, &[], Folder::named(name))
    }

    fn copy_into(from: &Utf8Path, skip: &[&Utf8Path], folder: io::Result<Folder>) -> Result<Self> {
        let from = from.canonicalize_utf8().map_err(|e| failed(from, &e))?;
        let folder = folder.map_err(|e| failed("the temporary folder".into(), &e))?;
        // Cargo prints canonical paths: what is compared with them must be canonical as well.
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned())
            .map_err(|path| io::Error::other(format!("{} is not UTF-8", path.display())))
            .and_then(|path| path.canonicalize_utf8())
            .map_err(|e| failed("the temporary folder".into(), &e))?;
        copy_files(&from, &root, skip)?;
        Ok(Self { root, _folder: folder })
    }

    /// The copy of the folder that was copied: absolute, without links.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Writes `changes`, whose paths are relative to the folder `workspace` of the copied tree.
    ///
    /// # Errors
    /// Those of [`changes::write_to_copy`].
    pub fn write(&self, changes: &ChangeSet, workspace: &Utf8Path) -> Result<()> {
        changes::write_to_copy(changes, &self.root.join(workspace))
    }
}

/// Copies the tree at `from` to the folder `to`, which is created: the same files as for a
/// [`Scratch`], without those in the folder `without`.
///
/// # Errors
/// `scratch-failed` with the path that could not be read or written.
pub fn copy_tree(from: &Utf8Path, to: &Utf8Path, without: &Utf8Path) -> Result<()> {
    let from = from.canonicalize_utf8().map_err(|e| failed(from, &e))?;
    fs::create_dir_all(to).map_err(|e| failed(to, &e))?;
    let to = to.canonicalize_utf8().map_err(|e| failed(to, &e))?;
    let without = without.canonicalize_utf8().map_err(|e| failed(without, &e))?;
    // A folder inside the tree must not be copied into itself.
    let inside = without.strip_prefix(&from).ok();
    copy_files(&from, &to, inside.as_slice())
}

fn failed(what: &Utf8Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error("scratch-failed", format!("cannot copy `{what}`: {error}"))
        .help("free space there; for the copy to build in, TMPDIR names another folder")
}

fn copy_files(from: &Utf8Path, to: &Utf8Path, skip: &[&Utf8Path]) -> Result<()> {
    let files = match tracked(from) {
        Some(files) => files,
        None => walk(from).map_err(|e| failed(from, &e))?,
    };
    for file in files {
        if skip.iter().any(|skipped| file.starts_with(skipped)) {
            continue;
        }
        copy_one(from, to, &file).map_err(|e| failed(&file, &e))?;
    }
    Ok(())
}

/// Files that git tracks below `dir` or would track, relative to it, and those of [`NEEDED`]; none
/// outside of a work tree. A repository inside (a submodule, a clone) is listed by itself.
fn tracked(dir: &Utf8Path) -> Option<BTreeSet<Utf8PathBuf>> {
    let output = Command::new("git")
        .args(["-C", dir.as_str(), "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let mut files = BTreeSet::new();
    for path in output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
        // A path that is not UTF-8 is none that cargo could name.
        let Ok(path) = std::str::from_utf8(path) else { continue };
        let path = Utf8Path::new(path.trim_end_matches('/'));
        let full = dir.join(path);
        match fs::symlink_metadata(&full) {
            Ok(metadata) if metadata.is_dir() => {
                // A submodule that is not checked out is an empty folder, where git would list the
                // repository around it.
                let inside =
                    if full.join(".git").exists() { tracked(&full) } else { walk(&full).ok() };
                files.extend(inside.unwrap_or_default().iter().map(|file| path.join(file)));
            }
            Ok(_) => {
                files.insert(path.to_owned());
            }
            // Deleted by the user, still in the index.
            Err(_) => {}
        }
    }
    files.extend(NEEDED.into_iter().filter(|path| dir.join(path).is_file()).map(Utf8PathBuf::from));
    Some(files)
}

/// Every file below `dir`, relative to it, without build folders and what version control keeps.
fn walk(dir: &Utf8Path) -> io::Result<BTreeSet<Utf8PathBuf>> {
    let mut files = BTreeSet::new();
    let walk = WalkBuilder::new(dir)
        .standard_filters(false)
        .filter_entry(|entry| entry.depth() == 0 || !left_out(entry.path()))
        .build();
    for entry in walk {
        let entry = entry.map_err(io::Error::other)?;
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = Utf8Path::from_path(entry.path()).and_then(|path| path.strip_prefix(dir).ok());
        files.extend(path.map(Utf8Path::to_owned));
    }
    Ok(files)
}

/// Whether a path is a folder that no build needs. A source folder may be called `target`: cargo's own
/// stands beside a manifest or has a tag that says what it is.
fn left_out(path: &std::path::Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    if [".git", ".jj", ".hg", ".calve"].iter().any(|keeps| name == *keeps) {
        return true;
    }
    path.is_dir()
        && (path.join("CACHEDIR.TAG").is_file()
            || name == "target" && path.with_file_name("Cargo.toml").is_file())
}

fn copy_one(from: &Utf8Path, to: &Utf8Path, file: &Utf8Path) -> io::Result<()> {
    let (source, target) = (from.join(file), to.join(file));
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let metadata = fs::symlink_metadata(&source)?;
    if metadata.is_symlink() {
        return copy_link(from, to, &source, &target);
    }
    if !metadata.is_file() {
        // A socket or pipe: nothing that can be built from.
        return Ok(());
    }
    fs::copy(&source, &target)?;
    // Windows sets times through handles that may write, Unix also for files that nobody may write.
    let copy = File::options().read(true).write(cfg!(windows)).open(&target)?;
    copy.set_modified(metadata.modified()?)
}

#[cfg(unix)]
fn copy_link(
    from: &Utf8Path,
    to: &Utf8Path,
    source: &Utf8Path,
    target: &Utf8Path,
) -> io::Result<()> {
    let link = source.read_link_utf8()?;
    let parent = source.parent().unwrap_or(from);
    let end = normalized(&parent.join(&link));
    let link = match end.strip_prefix(from) {
        Ok(_) if link.is_relative() => link,
        Ok(inside) => to.join(inside),
        Err(_) => end,
    };
    std::os::unix::fs::symlink(link, target)
}

#[cfg(not(unix))]
fn copy_link(_: &Utf8Path, _: &Utf8Path, source: &Utf8Path, target: &Utf8Path) -> io::Result<()> {
    // Making links takes a privilege on Windows; a build reads the same through a copy.
    if source.is_file() {
        fs::copy(source, target)?;
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write the trees that they copy")]
mod tests {
    use std::time::{Duration, SystemTime};

    use tempfile::TempDir;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> (TempDir, Utf8PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(temp.path().canonicalize().unwrap()).unwrap();
        for (path, text) in files {
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        (temp, root)
    }

    fn git(root: &Utf8Path, args: &[&str]) {
        let run = Command::new("git").arg("-C").arg(root).args(args).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }

    fn copied(scratch: &Scratch) -> Vec<String> {
        let all = WalkBuilder::new(scratch.root()).standard_filters(false).build();
        let mut paths: Vec<String> = all
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| !path.is_dir() || path.is_symlink())
            .map(|path| path.strip_prefix(scratch.root()).unwrap().to_str().unwrap().to_owned())
            .collect();
        paths.sort();
        paths
    }

    #[test]
    fn in_a_repository_git_says_what_belongs_to_the_tree() {
        let (_temp, root) = tree(&[
            (".gitignore", "target\n*.log\n*.gen\nCargo.lock\n.env\n"),
            ("Cargo.toml", ""),
            ("Cargo.lock", "ignored, needed"),
            (".env", "DATABASE_URL=x"),
            ("a/kept.gen", "ignored, tracked"),
            ("a/new ü.rs", "untracked"),
            ("a/gone.rs", "deleted"),
            ("a/x.log", "ignored"),
            ("target/debug/x", ""),
            ("docs/big", ""),
            ("clone/src/lib.rs", "a repository of its own"),
        ]);
        git(&root, &["init", "-q"]);
        git(&root, &["add", "-f", "a/kept.gen", "a/gone.rs"]);
        git(&root.join("clone"), &["init", "-q"]);
        fs::remove_file(root.join("a/gone.rs")).unwrap();
        let scratch = Scratch::copy(&root, &["docs".into()]).unwrap();
        let expected = [
            ".env",
            ".gitignore",
            "Cargo.lock",
            "Cargo.toml",
            "a/kept.gen",
            "a/new ü.rs",
            "clone/src/lib.rs",
        ];
        assert_eq!(copied(&scratch), expected);
        let part = Scratch::copy(&root.join("a"), &[]).unwrap();
        assert_eq!(copied(&part), ["kept.gen", "new ü.rs"]);
    }

    #[test]
    fn elsewhere_everything_but_build_folders_is_copied() {
        let (_temp, root) = tree(&[
            ("Cargo.toml", ""),
            (".cargo/config.toml", ""),
            ("src/target/mod.rs", "a module called target"),
            ("target/debug/x", ""),
            ("build/CACHEDIR.TAG", ""),
            ("build/x", ""),
        ]);
        let scratch = Scratch::copy(&root, &[]).unwrap();
        assert_eq!(copied(&scratch), [".cargo/config.toml", "Cargo.toml", "src/target/mod.rs"]);
        let gone = scratch.root().to_owned();
        drop(scratch);
        assert!(!gone.exists());
    }

    #[test]
    fn times_stay_and_changes_are_written_to_the_copy_alone() {
        let (_temp, root) = tree(&[("ws/a.rs", "a"), ("ws/b.rs", "b")]);
        let then = SystemTime::now() - Duration::from_secs(1_000_000);
        File::options().write(true).open(root.join("ws/a.rs")).unwrap().set_modified(then).unwrap();
        let scratch = Scratch::copy(&root, &[]).unwrap();
        let time = fs::metadata(scratch.root().join("ws/a.rs")).unwrap().modified().unwrap();
        assert_eq!(time, then);

        let mut changes = ChangeSet::default();
        let edit = crate::changes::TextEdit::insert(1, "!");
        changes.edit("b.rs".into(), &"b".into(), vec![edit]).unwrap();
        scratch.write(&changes, "ws".into()).unwrap();
        assert_eq!(fs::read_to_string(scratch.root().join("ws/b.rs")).unwrap(), "b!");
        assert_eq!(fs::read_to_string(root.join("ws/b.rs")).unwrap(), "b");
    }

    #[cfg(unix)]
    #[test]
    fn links_never_lead_back_into_the_users_tree() {
        let (_temp, root) = tree(&[("top/a/real", "x"), ("outside", "y")]);
        let top = root.join("top");
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, top.join(at)).unwrap();
        link("real", "a/relative");
        link(top.join("a").as_str(), "absolute");
        link("../../outside", "a/out");
        link("nowhere", "dangling");
        let scratch = Scratch::copy(&top, &[]).unwrap();
        let end = |at: &str| scratch.root().join(at).read_link_utf8().unwrap();
        assert_eq!(end("a/relative"), "real");
        assert_eq!(end("absolute"), scratch.root().join("a"));
        assert_eq!(end("a/out"), root.join("outside"));
        assert_eq!(end("dangling"), "nowhere");
    }
}
