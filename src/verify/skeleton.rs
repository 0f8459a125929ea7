//! As much of the changed workspace as cargo needs to resolve it: its manifests, and files where targets
//! are. What does not change is a link to the user's own tree, which is only read.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::interrupt::Folder;
use crate::changes::{ChangeSet, FileChange};
use crate::diagnostic::{Diagnostic, Result};

/// A folder that cargo takes for the changed workspace, removed when this is dropped. Nothing is built in
/// it.
#[derive(Debug)]
pub struct Skeleton {
    root: Utf8PathBuf,
    _folder: Folder,
}

impl Skeleton {
    /// Lays out the workspace at `root` as `changes` makes it. Its cost follows the change, not the
    /// workspace: a folder without a change in it is one link.
    ///
    /// # Errors
    /// `scratch-failed` when the temporary folder cannot be written.
    pub fn of(root: &Utf8Path, changes: &ChangeSet) -> Result<Self> {
        let failed = |error: io::Error| {
            Diagnostic::error("scratch-failed", format!("cannot lay out the result: {error}"))
                .help("free space there; TMPDIR names another folder")
        };
        let folder = Folder::unique().map_err(failed)?;
        // A cargo that is started there says where it is without links.
        let top = Utf8PathBuf::from_path_buf(folder.path().to_owned())
            .map_err(|path| io::Error::other(format!("{} is not UTF-8", path.display())))
            .and_then(|path| path.canonicalize_utf8())
            .map_err(failed)?;
        // Sources are never read here, but a new package has none without its targets.
        let wanted = |(path, change): &(&Utf8Path, &FileChange)| {
            path.file_name() == Some("Cargo.toml")
                || !matches!(change, FileChange::Edit { .. }) && may_be_target(path)
        };
        let changed: Vec<(&Utf8Path, &FileChange)> = changes.iter().filter(wanted).collect();
        let mut real: BTreeSet<&Utf8Path> = BTreeSet::new();
        for (path, _) in &changed {
            real.extend(path.ancestors().skip(1));
        }
        // Written by cargo, and by whoever holds versions.
        let own = ["Cargo.toml", "Cargo.lock"].map(Utf8Path::new);
        let left_out: BTreeSet<&Utf8Path> =
            changed.iter().map(|(path, _)| *path).chain(own).collect();
        lay(root, &top, &real, &left_out).map_err(failed)?;
        for path in own {
            fs::copy(root.join(path), top.join(path)).map_err(failed)?;
        }
        for (path, change) in changed {
            if let Some(text) = change.after() {
                #[expect(clippy::disallowed_methods, reason = "a temporary file for cargo")]
                fs::write(top.join(path), text).map_err(failed)?;
            }
        }
        Ok(Self { root: top, _folder: folder })
    }

    /// Absolute, without links above it.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }
}

/// Whether cargo may find a target in a file without being told.
fn may_be_target(path: &Utf8Path) -> bool {
    let folder = path.parent().and_then(Utf8Path::file_name);
    path.extension() == Some("rs")
        && (matches!(path.file_name(), Some("lib.rs" | "main.rs" | "build.rs"))
            || matches!(folder, Some("bin" | "examples" | "tests" | "benches")))
}

/// Makes the folders in `real`, and links to everything else in them but `left_out`.
fn lay(
    from: &Utf8Path,
    to: &Utf8Path,
    real: &BTreeSet<&Utf8Path>,
    left_out: &BTreeSet<&Utf8Path>,
) -> io::Result<()> {
    for folder in real.iter().copied().chain([Utf8Path::new("")]) {
        fs::create_dir_all(to.join(folder))?;
        let entries = match from.join(folder).read_dir_utf8() {
            // A new one.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = folder.join(entry?.file_name());
            let kept = path.file_name() == Some(".git");
            if !kept
                && !real.contains(&*path)
                && !left_out.contains(&*path)
                && !to.join(&path).exists()
            {
                link(&from.join(&path), &to.join(&path))?;
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

/// Links take a privilege on Windows; what cargo reads is copied there.
#[cfg(not(unix))]
fn link(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    if from.file_name() == Some("target") {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in from.read_dir_utf8()? {
        let entry = entry?;
        link(entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;
    use crate::verify::resolve_lock;

    #[test]
    fn cargo_resolves_a_skeleton_as_it_does_the_tree() {
        let project = Project::new().member("a", &[], &[("src/lib.rs", "")]).member(
            "b",
            &["a"],
            &[("src/lib.rs", "")],
        );
        let workspace = project.load();
        let mut changes = ChangeSet::default();
        let manifest = "[package]\nname = \"c\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                        [dependencies]\nb = { path = \"../../b\" }\n";
        changes.create("services/c/Cargo.toml", manifest).unwrap();
        changes.create("services/c/src/main.rs", "fn main() {}\n").unwrap();
        let at = workspace.manifest.find("\"a\"").unwrap();
        let member = crate::changes::TextEdit::insert(at, "\"services/c\", ");
        changes.edit("Cargo.toml".into(), &workspace.manifest, vec![member]).unwrap();

        let skeleton = Skeleton::of(&workspace.root, &changes).unwrap();
        let lock = resolve_lock(skeleton.root(), &workspace.lock).unwrap();
        assert!(lock.contains("name = \"c\"\nversion = \"0.1.0\"\ndependencies = [\n \"b\",\n]\n"));
        assert_eq!(fs::read_to_string(workspace.root.join("Cargo.lock")).unwrap(), *workspace.lock);
        assert!(!workspace.root.join("services").exists(), "the tree is only read");
        let links = |path: &str| skeleton.root().join(path).is_symlink();
        assert_eq!(["a", "b", "services"].map(links), [cfg!(unix), cfg!(unix), false]);
    }
}
