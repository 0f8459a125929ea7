//! Writes a change set to a copy of the tree that is thrown away, or put in its place as a whole: no
//! journal, and nothing is synced.
#![expect(clippy::disallowed_methods, reason = "writes to copies of the user's files")]

use std::fs;

use camino::Utf8Path;

use super::{ChangeSet, check};
use crate::diagnostic::Result;

/// Writes `changes` below `root`, which nobody else reads or writes.
///
/// # Errors
/// As for [`check`](check::check), and `write-failed`: the copy is of no use then.
pub fn write_to_copy(changes: &ChangeSet, root: &Utf8Path) -> Result<()> {
    check::check(changes, root)?;
    for (path, change) in changes.iter() {
        let file = root.join(path);
        let folder = file.parent().unwrap_or(root);
        let written = match change.after() {
            Some(text) => fs::create_dir_all(folder).and_then(|()| fs::write(&file, text)),
            None => fs::remove_file(&file),
        };
        written.map_err(|error| check::failure("write", path, &error))?;
    }
    Ok(())
}
