//! Takes the last change of a workspace back, while its files are as it left them.

use std::fs;
use std::io;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::apply::{self, Place};
use super::disk::Real;
use super::journal::{Journal, Kind, State};
use super::lock::Lock;
use super::{ChangeSet, TextEdit, check};
use crate::diagnostic::{Diagnostic, Result};

/// The last change, and the set that takes it back.
#[derive(Debug)]
pub struct Undo {
    /// The change in words, such as `the extraction of x`.
    pub title: String,
    /// What takes it back: a change set like any other.
    pub changes: ChangeSet,
    journal: Journal,
}

#[cfg(test)]
impl Undo {
    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }
}

/// What would take the last change of the workspace back; none where none is known.
///
/// # Errors
/// `changed-since` with every file that is not as the change left it, and every file that stands in a
/// folder of its making.
pub fn last(lock: &Lock) -> Result<Option<Undo>> {
    let (root, home) = (lock.root(), lock.home());
    let undone = home.numbers(Kind::Undo);
    let mut numbers = home.numbers(Kind::Done);
    numbers.retain(|number| !undone.contains(number));
    let mut last = None;
    for number in numbers.into_iter().rev() {
        let folder = home.folder(Kind::Done, number);
        let Some(done) = Journal::read(&folder)? else { return Ok(None) };
        // One that somebody took back with git leaves nothing to do.
        if !done.states(root)?.iter().all(|state| *state == State::Old) {
            last = Some((number, folder, done));
            break;
        }
    }
    let Some((number, folder, done)) = last else { return Ok(None) };
    refuse_changed(root, &done)?;

    let mut changes = ChangeSet::default();
    for (at, entry) in done.files.iter().enumerate() {
        let read = |file: &Utf8Path| -> Result<Arc<str>> {
            let text = fs::read_to_string(file).map_err(|e| check::failure("read", file, &e))?;
            Ok(text.into())
        };
        let (old, path) = (folder.join("old").join(at.to_string()), &entry.path);
        match (&entry.old, &entry.new) {
            (None, _) => changes.delete(path, &read(&root.join(path))?)?,
            (Some(_), Some(_)) => {
                let now = read(&root.join(path))?;
                let edits = vec![TextEdit::replace(0..now.len(), read(&old)?.to_string())];
                changes.edit(path, &now, edits)?;
            }
            (Some(_), None) if is_executable(&old) => {
                changes.create_executable(path, &*read(&old)?)?;
            }
            (Some(_), None) => changes.create(path, &*read(&old)?)?,
        }
    }
    let mut journal = Journal::new(&format!("taking back {}", done.title));
    journal.undoes = Some(number);
    journal.unmade = done.made;
    Ok(Some(Undo { title: done.title, changes, journal }))
}

/// Writes it, as [`super::apply`] writes an extraction.
///
/// # Errors
/// As for [`super::apply`].
pub fn undo(undo: &Undo, lock: &Lock) -> Result<()> {
    let place = Place { root: lock.root(), home: lock.home() };
    apply::write(&mut Real, place, &undo.changes, undo.journal.clone())
}

fn refuse_changed(root: &Utf8Path, done: &Journal) -> Result<()> {
    let states = done.states(root)?;
    let mut lines = Vec::new();
    for (entry, state) in done.files.iter().zip(states) {
        let gone = entry.new.is_some() && !root.join(&entry.path).exists();
        match state {
            State::New => {}
            _ if gone => lines.push(format!("`{}` is gone", entry.path)),
            _ => lines.push(format!("`{}` was changed", entry.path)),
        }
    }
    for path in others(root, done)? {
        lines.push(format!("`{path}` is new, in a folder that would go"));
    }
    if lines.is_empty() {
        return Ok(());
    }
    let mut error = Diagnostic::error(
        "changed-since",
        format!("{} cannot be taken back as it was", done.title),
    );
    let more = lines.len().saturating_sub(LISTED);
    for line in lines.into_iter().take(LISTED) {
        error = error.note(line);
    }
    if more > 0 {
        error = error.note(format!("and {more} more"));
    }
    Err(error
        .note("undo would lose these changes; nothing was written")
        .help("take them back first, move them away, or revert the commit with git")
        .into())
}

/// How many files a refusal names.
const LISTED: usize = 20;

/// The files in the folders of a change's making that are not its own.
fn others(root: &Utf8Path, done: &Journal) -> Result<Vec<Utf8PathBuf>> {
    let mut others = Vec::new();
    for folder in &done.made {
        let entries = match root.join(folder).read_dir_utf8() {
            Ok(entries) => entries,
            // That its files are gone is said already.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(check::failure("read", folder, &e)),
        };
        for entry in entries {
            let entry = entry.map_err(|e| check::failure("read", folder, &e))?;
            let path = folder.join(entry.file_name());
            let own = done.files.iter().any(|file| file.path == path && file.new.is_some());
            if !own && !done.made.contains(&path) {
                others.push(path);
            }
        }
    }
    others.sort();
    Ok(others)
}

fn is_executable(file: &Utf8Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}
