//! What must hold on disk before a change set is written, so that a refusal leaves nothing behind.

use std::fs::{self, Metadata};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::ChangeSet;
use crate::diagnostic::{Diagnostic, Result};

/// Checks every change against the tree below `root`, in order of path.
///
/// # Errors
/// `stale-plan` when a file is not byte for byte what the plan saw, `target-exists` when a file to
/// create is there, `target-blocked` when a file stands where a folder is needed, `symbolic-link` when
/// a link is on the way, `read-only` when permissions forbid the change.
pub fn check(changes: &ChangeSet, root: &Utf8Path) -> Result<()> {
    for (path, change) in changes.iter() {
        no_links(root, path)
            .and_then(|()| match change.before() {
                None => creatable(root, path),
                Some(before) => {
                    unchanged(root, path, before).and_then(|()| replaceable(root, path))
                }
            })
            .map_err(|refused| refused.note("nothing was written"))?;
    }
    Ok(())
}

/// # Errors
/// `stale-plan` when the file at `path` is not byte for byte `before`.
pub(super) fn unchanged(root: &Utf8Path, path: &Utf8Path, before: &str) -> Result<()> {
    let file = root.join(path);
    let stale = |what: String| {
        Diagnostic::error("stale-plan", what)
            .note("the plan was made from another text of this file")
            .help("run the command again")
    };
    match fs::read(&file) {
        Ok(found) if found == before.as_bytes() => {}
        Ok(_) => return Err(stale(format!("`{path}` changed since it was read")).into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(stale(format!("`{path}` is gone since it was read")).into());
        }
        Err(error) => return Err(failure("read", path, &error)),
    }
    // A rename replaces a write-protected file without a word: what the owner protected stays.
    let metadata = fs::metadata(&file).map_err(|e| failure("read", path, &e))?;
    if metadata.permissions().readonly() {
        return Err(read_only(path));
    }
    Ok(())
}

/// # Errors
/// `read-only` when the folder of a file to replace or delete takes no new entries.
fn replaceable(root: &Utf8Path, path: &Utf8Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Utf8Path::new(""));
    let metadata = fs::metadata(root.join(folder)).map_err(|e| failure("look at", folder, &e))?;
    if metadata.permissions().readonly() {
        return Err(read_only(shown(folder)));
    }
    Ok(())
}

/// The root itself has an empty path.
fn shown(folder: &Utf8Path) -> &Utf8Path {
    if folder == "" { Utf8Path::new(".") } else { folder }
}

fn creatable(root: &Utf8Path, path: &Utf8Path) -> Result<()> {
    let found = |path: &Utf8Path| -> Result<Option<Metadata>> {
        match fs::symlink_metadata(root.join(path)) {
            Ok(metadata) => Ok(Some(metadata)),
            // A file on the way is found when the loop below comes to it.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => Ok(None),
            Err(e) => Err(failure("look at", path, &e)),
        }
    };
    if found(path)?.is_some() {
        return Err(Diagnostic::error("target-exists", format!("`{path}` exists already"))
            .help("move it away, or choose another name or folder")
            .into());
    }
    for parent in path.ancestors().skip(1) {
        let Some(metadata) = found(parent)? else { continue };
        if !metadata.is_dir() {
            return Err(Diagnostic::error(
                "target-blocked",
                format!("`{path}` cannot be created: `{parent}` is a file, not a folder"),
            )
            .help(format!("move `{parent}` away"))
            .into());
        }
        if metadata.permissions().readonly() {
            return Err(read_only(shown(parent)));
        }
        break;
    }
    Ok(())
}

/// Refuses a link anywhere on the way below the root: `git apply` would refuse it, so a dry run and a
/// real run would differ, and in a copy of the tree a link can lead back into the user's own.
pub(super) fn no_links(root: &Utf8Path, path: &Utf8Path) -> Result<()> {
    let mut ancestors: Vec<&Utf8Path> = path.ancestors().filter(|p| *p != "").collect();
    ancestors.reverse();
    for part in ancestors {
        let place: Utf8PathBuf = root.join(part);
        if !fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_symlink()) {
            continue;
        }
        let to = place.read_link_utf8().map_or_else(|_| String::new(), |to| format!(" to `{to}`"));
        return Err(Diagnostic::error(
            "symbolic-link",
            format!("`{path}` cannot be written: `{part}` is a symbolic link{to}"),
        )
        .note("git refuses to patch through a link, and so does calve")
        .help("name the crate by its real path in the workspace, or put the file in place of the link")
        .into());
    }
    Ok(())
}

/// The error for a place that permissions keep from being written.
pub(super) fn read_only(path: &Utf8Path) -> Box<Diagnostic> {
    Diagnostic::error("read-only", format!("`{path}` cannot be written: it is read-only"))
        .help("make the tree writable, or write a changed copy elsewhere with `--into`")
        .into()
}

/// The error for an operation of the system that failed.
pub(super) fn failure(what: &str, path: &Utf8Path, error: &io::Error) -> Box<Diagnostic> {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => read_only(path),
        _ => Diagnostic::error("write-failed", format!("cannot {what} `{path}`: {error}"))
            .help("make room for it, or mend what the system says, and run the command again")
            .into(),
    }
}
