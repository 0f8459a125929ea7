//! Writes a change set to disk: everything is checked and staged first, then put in place a file at a
//! time, and taken back when one of the steps fails.
#![expect(clippy::disallowed_methods, reason = "the one place that writes the user's files")]

use std::fs::{self, File, Permissions};
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::{Builder, NamedTempFile, TempPath};

use super::{ChangeSet, FileChange, check};
use crate::diagnostic::{Diagnostic, Result};

/// Writes `changes` below `root`. First every file is compared with what the plan saw; then every new
/// text is written and synced to a temporary file beside its target; then each is renamed into place,
/// so that a reader sees the old text or the new one. Permissions stay. Symbolic links are refused.
///
/// When a step fails, files and folders are put back as they were: the error says what failed, and
/// whether that worked. A kill half-way leaves files named `.calve-*` behind, the old texts among them.
///
/// # Errors
/// `stale-plan`, `target-exists`, `target-blocked`, `symbolic-link`, `read-only` before anything is
/// written; `write-failed` with the tree as it was; `rollback-failed` with the files that are not.
pub fn apply(changes: &ChangeSet, root: &Utf8Path) -> Result<()> {
    apply_with(changes, root, &mut |_| Ok(()))
}

/// `before_step` is asked before each step that is visible in the tree, with the path of that step, and
/// can fail it: tests stop the writing at every point with it.
fn apply_with(
    changes: &ChangeSet,
    root: &Utf8Path,
    before_step: &mut dyn FnMut(&Utf8Path) -> io::Result<()>,
) -> Result<()> {
    check::check(changes, root)?;
    let mut transaction = Transaction { root, folders: Vec::new(), done: Vec::new() };
    match transaction.run(changes, before_step) {
        Ok(()) => {
            transaction.sync_folders();
            Ok(())
        }
        Err(error) => Err(transaction.roll_back(*error)),
    }
}

/// What was done so far.
struct Transaction<'a> {
    root: &'a Utf8Path,
    /// Folders made, parents before children.
    folders: Vec<Utf8PathBuf>,
    done: Vec<Step>,
}

/// One file that is in its new state.
struct Step {
    path: Utf8PathBuf,
    /// The file as it was, under another name; none for a file that was created.
    preimage: Option<TempPath>,
}

impl Transaction<'_> {
    fn run(
        &mut self,
        changes: &ChangeSet,
        before_step: &mut dyn FnMut(&Utf8Path) -> io::Result<()>,
    ) -> Result<()> {
        let mut staged = Vec::new();
        for (path, change) in changes.iter() {
            let fail = |error: io::Error| check::failure("write", path, &error);
            if matches!(change, FileChange::Create { .. }) {
                before_step(path).map_err(fail)?;
                self.make_folders(path).map_err(fail)?;
            }
            staged.push((path, change, self.stage(path, change).map_err(fail)?));
        }
        for (path, change, new) in staged {
            let fail = |error: io::Error| check::failure("write", path, &error);
            before_step(path).map_err(fail)?;
            // Staging takes a while on a large set: an editor may have saved meanwhile.
            if let Some(before) = change.before() {
                check::unchanged(self.root, path, before)?;
            }
            self.put(path, change, new).map_err(fail)?;
        }
        Ok(())
    }

    /// Makes the folders that are missing on the way to `path`.
    fn make_folders(&mut self, path: &Utf8Path) -> io::Result<()> {
        let mut missing: Vec<&Utf8Path> = path
            .ancestors()
            .skip(1)
            .take_while(|parent| !self.root.join(parent).is_dir())
            .collect();
        missing.reverse();
        for folder in missing {
            let folder = self.root.join(folder);
            fs::create_dir(&folder)?;
            self.folders.push(folder);
        }
        Ok(())
    }

    /// The new text in a temporary file beside its target, on disk; none when the file is to go.
    fn stage(&self, path: &Utf8Path, change: &FileChange) -> io::Result<Option<NamedTempFile>> {
        let Some(text) = change.after() else { return Ok(None) };
        let target = self.root.join(path);
        let mut builder = Builder::new();
        builder.prefix(PREFIX);
        let old = match change {
            FileChange::Create { executable, .. } => {
                if let Some(permissions) = fresh_permissions(*executable) {
                    builder.permissions(permissions);
                }
                None
            }
            _ => Some(fs::metadata(&target)?),
        };
        let mut file = builder.tempfile_in(folder_of(&target))?;
        file.write_all(text.as_bytes())?;
        if let Some(old) = old {
            keep_owner(file.path(), &old);
            file.as_file().set_permissions(old.permissions())?;
        }
        file.as_file().sync_all()?;
        Ok(Some(file))
    }

    fn put(
        &mut self,
        path: &Utf8Path,
        change: &FileChange,
        new: Option<NamedTempFile>,
    ) -> io::Result<()> {
        let target = self.root.join(path);
        let preimage = match change {
            FileChange::Create { .. } => None,
            _ => Some(second_name(&target)?),
        };
        match new {
            Some(new) if preimage.is_none() => drop(new.persist_noclobber(&target)?),
            Some(new) => drop(new.persist(&target)?),
            None => fs::remove_file(&target)?,
        }
        self.done.push(Step { path: path.to_owned(), preimage });
        Ok(())
    }

    /// Puts everything back, newest first, and adds to `error` how that went.
    fn roll_back(self, mut error: Diagnostic) -> Box<Diagnostic> {
        let mut left = Vec::new();
        for step in self.done.into_iter().rev() {
            let target = self.root.join(&step.path);
            let restored = match step.preimage {
                None => fs::remove_file(&target).map_err(|error| error.to_string()),
                Some(preimage) => preimage.persist(&target).map_err(|failed| {
                    let why = failed.error.to_string();
                    // The only copy of the user's text must outlive this run.
                    match failed.path.keep() {
                        Ok(kept) => format!("{why}; its old text is in `{}`", kept.display()),
                        Err(_) => why,
                    }
                }),
            };
            if let Err(why) = restored {
                left.push(format!("`{}` could not be put back: {why}", step.path));
            }
        }
        for folder in self.folders.iter().rev() {
            if let Err(why) = fs::remove_dir(folder) {
                left.push(format!("the new folder `{folder}` could not be removed: {why}"));
            }
        }
        if left.is_empty() {
            return error
                .note("Everything written before was taken back: the tree is as it was.")
                .into();
        }
        error.code = "rollback-failed";
        for line in left {
            error = error.note(line);
        }
        error.help("put the files named above back by hand, for instance with `git restore`").into()
    }

    /// Asks the disk to keep the renames. A file system that cannot sync a folder loses nothing that
    /// the rename promised to readers, so failures are not errors.
    fn sync_folders(&self) {
        let mut folders: Vec<Utf8PathBuf> = self.folders.clone();
        folders
            .extend(self.done.iter().map(|step| folder_of(&self.root.join(&step.path)).to_owned()));
        folders.extend(self.folders.iter().map(|made| folder_of(made).to_owned()));
        folders.sort();
        folders.dedup();
        for folder in folders {
            if let Ok(folder) = File::open(folder) {
                let _ = folder.sync_all();
            }
        }
    }
}

/// How the names of temporary files begin.
const PREFIX: &str = ".calve-";

fn folder_of(file: &Utf8Path) -> &Utf8Path {
    match file.parent() {
        Some(parent) if parent != "" => parent,
        _ => Utf8Path::new("."),
    }
}

/// A second name for the file at `target`, by which the rollback puts back the very same file with its
/// times and owner; a copy where the file system has no hard links.
fn second_name(target: &Utf8Path) -> io::Result<TempPath> {
    let folder = folder_of(target);
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    let linked = builder.make_in(folder, |name| fs::hard_link(target, name));
    match linked {
        Ok(linked) => Ok(linked.into_temp_path()),
        Err(_) => {
            let copy = builder.tempfile_in(folder)?.into_temp_path();
            fs::copy(target, &copy)?;
            Ok(copy)
        }
    }
}

/// What a new file may be used for, before the user's umask; none where the system decides alone.
fn fresh_permissions(executable: bool) -> Option<Permissions> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Some(Permissions::from_mode(if executable { 0o777 } else { 0o666 }))
    }
    #[cfg(not(unix))]
    {
        let _ = executable;
        None
    }
}

/// Gives `file` the owner of the old one: root in a container edits a tree of somebody else. Who may
/// not give files away keeps them, as with any editor.
fn keep_owner(file: &std::path::Path, old: &fs::Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let _ = std::os::unix::fs::chown(file, Some(old.uid()), Some(old.gid()));
    }
    #[cfg(not(unix))]
    let _ = (file, old);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;
    use crate::changes::TextEdit;

    /// Path to text (folders: none), permissions and modification time of all below `root`.
    type Tree = BTreeMap<String, (Option<Vec<u8>>, bool, std::time::SystemTime)>;

    fn tree(root: &Utf8Path) -> Tree {
        let mut tree = Tree::new();
        for entry in walkdir::WalkDir::new(root).min_depth(1) {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let text = metadata.is_file().then(|| fs::read(entry.path()).unwrap());
            // A folder's time moves with its temporary files.
            let time = if metadata.is_dir() {
                std::time::UNIX_EPOCH
            } else {
                metadata.modified().unwrap()
            };
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            tree.insert(path, (text, metadata.permissions().readonly(), time));
        }
        tree
    }

    /// A tree of four files and a set that edits two, deletes one and creates three.
    fn case() -> (TempDir, Utf8PathBuf, ChangeSet) {
        let temp = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(temp.path().to_owned()).unwrap();
        fs::create_dir(root.join("app")).unwrap();
        for (path, text) in [
            ("Cargo.toml", "a\r\nb"),
            ("app/m.rs", "fn m() {}\n"),
            ("app/old", "x"),
            ("app/z.rs", "z\n"),
        ] {
            fs::write(root.join(path), text).unwrap();
        }
        let mut changes = ChangeSet::default();
        let edit = |changes: &mut ChangeSet, path: &str, text: &str| {
            let text: Arc<str> = text.into();
            changes.edit(path.into(), &text, vec![TextEdit::insert(1, "NEW")]).unwrap();
        };
        edit(&mut changes, "Cargo.toml", "a\r\nb");
        edit(&mut changes, "app/z.rs", "z\n");
        changes.delete("app/old", &"x".into()).unwrap();
        changes.create("app/b.rs", "new\n").unwrap();
        changes.create("services/inventory/src/main.rs", "fn main() {}\n").unwrap();
        changes.create_executable("services/inventory/run", "#!/bin/sh\n").unwrap();
        (temp, root, changes)
    }

    fn code(result: Result<()>) -> &'static str {
        result.unwrap_err().code
    }

    #[test]
    fn every_change_is_on_disk_and_nothing_else() {
        let (_temp, root, changes) = case();
        apply(&changes, &root).unwrap();
        let found: Vec<String> = tree(&root).into_keys().collect();
        let expected = [
            "Cargo.toml",
            "app",
            "app/b.rs",
            "app/m.rs",
            "app/z.rs",
            "services",
            "services/inventory",
            "services/inventory/run",
            "services/inventory/src",
            "services/inventory/src/main.rs",
        ];
        assert_eq!(found, expected);
        for (path, change) in changes.iter() {
            let text = fs::read(root.join(path)).ok();
            assert_eq!(text, change.after().map(String::into_bytes), "{path}");
        }
    }

    #[test]
    fn a_failure_at_any_step_leaves_the_tree_as_it_was() {
        let mut stop_at = 0;
        loop {
            let (_temp, root, changes) = case();
            let before = tree(&root);
            let mut step = 0;
            let result = apply_with(&changes, &root, &mut |_| {
                step += 1;
                if step == stop_at + 1 { Err(io::Error::other("disk full")) } else { Ok(()) }
            });
            let Err(error) = result else { break };
            assert_eq!(error.code, "write-failed");
            assert!(error.message.contains("disk full"), "{error}");
            assert!(error.notes[0].contains("as it was"), "{error:?}");
            assert_eq!(tree(&root), before, "stopped at step {stop_at}");
            stop_at += 1;
        }
        assert_eq!(stop_at, 9, "three creations are staged, six changes put in place");
    }

    #[test]
    fn a_target_that_appears_meanwhile_is_not_overwritten() {
        let (_temp, root, changes) = case();
        let before = tree(&root);
        let late = root.join("services/inventory/run");
        let error = apply_with(&changes, &root, &mut |path| {
            if path == "services/inventory/run" && late.parent().unwrap().exists() {
                fs::write(&late, "somebody else's")?;
            }
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.code, "rollback-failed", "the folder with the other file stays");
        assert_eq!(fs::read_to_string(&late).unwrap(), "somebody else's");
        fs::remove_dir_all(root.join("services")).unwrap();
        assert_eq!(tree(&root), before);
    }

    #[test]
    fn a_file_saved_during_the_write_is_kept() {
        let (_temp, root, changes) = case();
        let z = root.join("app/z.rs");
        let result = apply_with(&changes, &root, &mut |path| {
            if path == "app/z.rs" { fs::write(&z, "mine\n") } else { Ok(()) }
        });
        assert_eq!(code(result), "stale-plan");
        assert_eq!(fs::read_to_string(&z).unwrap(), "mine\n");
        assert_eq!(fs::read_to_string(root.join("Cargo.toml")).unwrap(), "a\r\nb");
        assert!(!root.join("services").exists());
    }

    #[test]
    fn a_stale_plan_names_the_file_and_writes_nothing() {
        let (_temp, root, changes) = case();
        fs::write(root.join("app/z.rs"), "z\n ").unwrap();
        let before = tree(&root);
        let error = apply(&changes, &root).unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            ("stale-plan", "`app/z.rs` changed since it was read")
        );
        assert_eq!(tree(&root), before);
        fs::remove_file(root.join("app/z.rs")).unwrap();
        assert_eq!(
            apply(&changes, &root).unwrap_err().message,
            "`app/z.rs` is gone since it was read"
        );
    }

    #[test]
    fn targets_that_exist_or_are_in_the_way_are_refused() {
        let (_temp, root, changes) = case();
        fs::write(root.join("services"), "a file").unwrap();
        let error = apply(&changes, &root).unwrap_err();
        assert_eq!(error.code, "target-blocked");
        assert!(error.message.contains("`services` is a file"), "{error}");
        fs::write(root.join("app/b.rs"), "there").unwrap();
        let before = tree(&root);
        assert_eq!(code(apply(&changes, &root)), "target-exists");
        assert_eq!(tree(&root), before);
    }

    #[test]
    fn a_second_run_is_refused() {
        let (_temp, root, changes) = case();
        apply(&changes, &root).unwrap();
        let before = tree(&root);
        assert_eq!(code(apply(&changes, &root)), "stale-plan");
        assert_eq!(tree(&root), before);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let (_temp, root, changes) = case();
        let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o777;
        fs::set_permissions(root.join("app/z.rs"), Permissions::from_mode(0o751)).unwrap();
        apply(&changes, &root).unwrap();
        assert_eq!(mode("app/z.rs"), 0o751);
        assert_eq!(mode("services/inventory/run") & 0o700, 0o700);
        assert_eq!(mode("app/b.rs") & 0o700, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_read_only_tree_is_refused_for_root_as_well() {
        use std::os::unix::fs::PermissionsExt;
        let (_temp, root, changes) = case();
        let before = tree(&root);
        fs::set_permissions(root.join("app"), Permissions::from_mode(0o555)).unwrap();
        let error = apply(&changes, &root).unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            ("read-only", "`app` cannot be written: it is read-only")
        );
        fs::set_permissions(root.join("app"), Permissions::from_mode(0o755)).unwrap();
        assert_eq!(tree(&root), before);
        fs::set_permissions(root.join("app/z.rs"), Permissions::from_mode(0o444)).unwrap();
        assert_eq!(code(apply(&changes, &root)), "read-only");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_refused_before_anything_is_written() {
        use std::os::unix::fs::symlink;
        let (_temp, root, changes) = case();
        fs::rename(root.join("app/z.rs"), root.join("app/real.rs")).unwrap();
        symlink("real.rs", root.join("app/z.rs")).unwrap();
        let error = apply(&changes, &root).unwrap_err();
        assert_eq!(
            error.message,
            "`app/z.rs` cannot be written: `app/z.rs` is a symbolic link to `real.rs`"
        );

        let (_temp, root, changes) = case();
        fs::create_dir(root.join("elsewhere")).unwrap();
        symlink("elsewhere", root.join("services")).unwrap();
        assert_eq!(code(apply(&changes, &root)), "symbolic-link");
        assert_eq!(fs::read_dir(root.join("elsewhere")).unwrap().count(), 0);
    }
}
