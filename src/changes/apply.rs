//! Writes a change set to the user's tree so that a crash, a kill or a full disk leaves the old tree or
//! the new one.
//!
//! 1. *Stage*: every new text, every old text and the journal go to the home of journals, synced. The
//!    tree is as it was.
//! 2. *Put*: a file at a time is renamed into place, so that a reader sees the old text or the new one;
//!    then the folders are synced.
//! 3. *Commit*: the change's folder in the home is renamed. Until then what is left over is taken back;
//!    by this run if a step fails, by the next one if this run ends first (see [`super::recover`]).

use std::collections::BTreeSet;
use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::disk::{Disk, Like, Real};
use super::journal::{Entry, Home, Journal, Kind, State, sha256};
use super::lock::Lock;
use super::{ChangeSet, FileChange, check};
use crate::diagnostic::{Diagnostic, Result};

/// Writes `changes`, which `title` names (`the extraction of x`), to the workspace that is locked. First
/// every file is compared with what the plan saw. Permissions stay; symbolic links are refused. A file
/// that is replaced or put back gets the present time: cargo goes by it.
///
/// When a step fails, files and folders are put back as they were, and the error says so. A run that
/// is killed leaves its journal, and the next one finishes or takes back what it finds.
///
/// # Errors
/// `stale-plan`, `target-exists`, `target-blocked`, `symbolic-link`, `read-only`, `no-journal` before
/// anything is written; `write-failed` with the tree as it was; `rollback-failed` with the files that
/// are not, and the journal left for the next run.
pub fn apply(changes: &ChangeSet, lock: &Lock, title: &str) -> Result<()> {
    let place = Place { root: lock.root(), home: lock.home() };
    write(&mut Real, place, changes, Journal::new(title))
}

/// A tree and the home of its journals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) root: &'a Utf8Path,
    pub(super) home: &'a Home,
}

/// [`apply`] on any disk; `journal` says what the change is, its folders and files are added here.
pub(super) fn write(
    disk: &mut dyn Disk,
    place: Place<'_>,
    changes: &ChangeSet,
    mut journal: Journal,
) -> Result<()> {
    check::check(changes, place.root)?;
    place.home.refuse_pending()?;
    if let Err(error) = stage(disk, place, changes, &mut journal) {
        // Of no use to anybody; the next run tries again.
        let _ = forget(disk, place.home);
        let error = Diagnostic::error(
            "no-journal",
            format!("cannot write the journal in `{}`: {error}", place.home.dir),
        );
        return Err(error
            .note("without it a crash would leave a part of the change behind; nothing was written")
            .into());
    }
    let mut done = 0;
    let written = put(disk, place, changes, &journal, &mut done).and_then(|()| {
        finish(disk, place, &journal).map_err(|e| check::failure("write", ".".into(), &e))
    });
    match written {
        Ok(()) => Ok(()),
        Err(error) => Err(take_back(disk, place, &journal, done, *error)),
    }
}

/// Writes everything that the change needs to the home.
fn stage(
    disk: &mut dyn Disk,
    place: Place<'_>,
    changes: &ChangeSet,
    journal: &mut Journal,
) -> io::Result<()> {
    let pending = place.home.pending();
    let (old, new) = (pending.join("old"), pending.join("new"));
    for folder in [&pending, &old, &new] {
        disk.make_dir(folder)?;
    }
    let mut made = BTreeSet::new();
    for (path, change) in changes.iter() {
        let at = journal.files.len().to_string();
        let like = match change {
            FileChange::Create { executable, .. } => {
                made.extend(missing_folders(place.root, path));
                Like::New { executable: *executable }
            }
            _ => Like::Old(fs::metadata(place.root.join(path))?),
        };
        let before = change.before().map(str::as_bytes);
        if let Some(bytes) = before {
            disk.write(&old.join(&at), bytes, &like)?;
        }
        let after = change.after();
        if let Some(text) = &after {
            disk.write(&new.join(&at), text.as_bytes(), &like)?;
        }
        journal.files.push(Entry {
            path: path.to_owned(),
            old: before.map(sha256),
            new: after.map(|text| sha256(text.as_bytes())),
        });
    }
    journal.made = made.into_iter().collect();
    // Only now: a disk that is asked once has much to do at once, and is fast.
    for (at, entry) in journal.files.iter().enumerate() {
        let texts = [(&old, &entry.old), (&new, &entry.new)];
        for (folder, _) in texts.into_iter().filter(|(_, text)| text.is_some()) {
            disk.sync(&folder.join(at.to_string()))?;
        }
    }
    disk.sync_dir(&old)?;
    disk.sync_dir(&new)?;
    journal.write(disk, &pending)?;
    disk.sync_dir(&place.home.dir)
}

/// The folders that are missing on the way to `path`.
fn missing_folders<'a>(
    root: &'a Utf8Path,
    path: &'a Utf8Path,
) -> impl Iterator<Item = Utf8PathBuf> + 'a {
    path.ancestors()
        .skip(1)
        .take_while(|parent| !root.join(parent).is_dir())
        .map(Utf8Path::to_owned)
}

/// Puts the files in place; `done` counts them.
fn put(
    disk: &mut dyn Disk,
    place: Place<'_>,
    changes: &ChangeSet,
    journal: &Journal,
    done: &mut usize,
) -> Result<()> {
    for folder in &journal.made {
        disk.make_dir(&place.root.join(folder)).map_err(|e| check::failure("make", folder, &e))?;
    }
    let new = place.home.pending().join("new");
    for ((path, change), (at, entry)) in changes.iter().zip(journal.files.iter().enumerate()) {
        // Staging takes a while on a large set: an editor may have saved meanwhile.
        if let Some(before) = change.before() {
            check::unchanged(place.root, path, before)?;
        }
        let (text, target) = (new.join(at.to_string()), place.root.join(path));
        match (&entry.old, &entry.new) {
            (_, None) => disk.remove(&target),
            (Some(_), Some(_)) => replace(disk, &text, &target, at),
            (None, Some(_)) => add(disk, &text, &target, at),
        }
        .map_err(|e| check::failure("write", path, &e))?;
        *done += 1;
    }
    Ok(())
}

/// Takes away the folders that are to go, has the disk keep everything, and commits.
pub(super) fn finish(disk: &mut dyn Disk, place: Place<'_>, journal: &Journal) -> io::Result<()> {
    remove_copies(disk, place.root, journal)?;
    for folder in journal.unmade.iter().rev() {
        match disk.remove_dir(&place.root.join(folder)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            // Somebody put a file of theirs there meanwhile.
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            removed => removed?,
        }
    }
    sync_folders(disk, place.root, journal)?;
    let whole = match journal.undoes {
        Some(number) => place.home.folder(Kind::Undo, number),
        None => place.home.folder(Kind::Done, place.home.next(Kind::Done)),
    };
    disk.rename(&place.home.pending(), &whole)?;
    // From here on the change is whole; what fails now is made up for by the next run.
    let _ = disk.sync_dir(&place.home.dir);
    tidy(disk, place.home);
    Ok(())
}

/// Puts a text in the place of a file, over what is there.
fn replace(disk: &mut dyn Disk, text: &Utf8Path, target: &Utf8Path, at: usize) -> io::Result<()> {
    disk.renew(text)?;
    match disk.rename(text, target) {
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
            let beside = copy_beside(disk, text, target, at)?;
            disk.rename(&beside, target)
        }
        moved => moved,
    }
}

/// Puts a text where no file is; an error when there is one.
fn add(disk: &mut dyn Disk, text: &Utf8Path, target: &Utf8Path, at: usize) -> io::Result<()> {
    disk.renew(text)?;
    let no_links = |e: &io::Error| {
        matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied)
    };
    match disk.link(text, target) {
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
            let beside = copy_beside(disk, text, target, at)?;
            match disk.link(&beside, target) {
                Err(e) if no_links(&e) => move_to_free(disk, &beside, target),
                linked => linked.and_then(|()| disk.remove(&beside)),
            }
        }
        // A file system without second names.
        Err(e) if no_links(&e) => move_to_free(disk, text, target),
        linked => linked,
    }
}

fn move_to_free(disk: &mut dyn Disk, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    disk.rename(from, to)
}

/// A copy in the folder of `target`: a rename needs one file system, and a work tree can lie on another
/// than its git folder.
fn copy_beside(
    disk: &mut dyn Disk,
    text: &Utf8Path,
    target: &Utf8Path,
    at: usize,
) -> io::Result<Utf8PathBuf> {
    let beside = beside(target, at);
    disk.write(&beside, &fs::read(text)?, &Like::Old(fs::metadata(text)?))?;
    disk.sync(&beside)?;
    Ok(beside)
}

/// Removes the copies that a crash left beside their targets.
fn remove_copies(disk: &mut dyn Disk, root: &Utf8Path, journal: &Journal) -> io::Result<()> {
    for (at, entry) in journal.files.iter().enumerate() {
        absent(disk.remove(&beside(&root.join(&entry.path), at)))?;
    }
    Ok(())
}

/// The name under which the text number `at` may lie beside its target.
fn beside(target: &Utf8Path, at: usize) -> Utf8PathBuf {
    target.with_file_name(format!(".calve-{at}"))
}

/// What a failed run does: everything back as it was, and to `error` how that went.
fn take_back(
    disk: &mut dyn Disk,
    place: Place<'_>,
    journal: &Journal,
    done: usize,
    mut error: Diagnostic,
) -> Box<Diagnostic> {
    let back = put_back(disk, place, journal, done);
    for line in back.stay {
        error = error.note(line);
    }
    if back.left.is_empty() {
        return error
            .note("Everything written before was taken back: the tree is as it was.")
            .into();
    }
    error.code = "rollback-failed";
    for line in back.left {
        error = error.note(line);
    }
    error
        .note(format!("the journal in `{}` has the old texts", place.home.pending()))
        .help("when the reason is gone, the next run of `calve check` puts the rest back")
        .into()
}

/// What putting back could not do.
#[derive(Debug, Default)]
pub(super) struct Back {
    /// What keeps the tree from being as it was, on account of this change.
    pub(super) left: Vec<String>,
    /// Folders that stay on account of somebody else's files.
    pub(super) stay: Vec<String>,
}

/// Puts the first `done` files and all folders of a change back, newest first; a file that has its old
/// text is left alone. The change is forgotten when nothing is left.
pub(super) fn put_back(
    disk: &mut dyn Disk,
    place: Place<'_>,
    journal: &Journal,
    done: usize,
) -> Back {
    let mut back = Back::default();
    let failed = |path: &Utf8Path, why: String| format!("`{path}` could not be put back: {why}");
    if let Err(why) = remove_copies(disk, place.root, journal) {
        back.left.push(format!("a temporary file could not be removed: {why}"));
    }
    for folder in journal.unmade.iter().filter(|folder| !place.root.join(folder).is_dir()) {
        if let Err(why) = disk.make_dir(&place.root.join(folder)) {
            back.left.push(failed(folder, why.to_string()));
        }
    }
    for (at, entry) in journal.files.iter().enumerate().rev() {
        if at < done
            && let Err(why) = put_one_back(disk, place, at, entry)
        {
            back.left.push(failed(&entry.path, why));
        }
    }
    for folder in journal.made.iter().rev() {
        match absent(disk.remove_dir(&place.root.join(folder))) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {
                back.stay.push(format!("the new folder `{folder}` stays: it holds other files"));
            }
            Err(why) => {
                back.left.push(format!("the new folder `{folder}` could not be removed: {why}"))
            }
        }
    }
    if back.left.is_empty() {
        let kept = sync_folders(disk, place.root, journal).and_then(|()| forget(disk, place.home));
        if let Err(why) = kept {
            back.left
                .push(format!("every file is as it was, but its journal is still there: {why}"));
        }
    }
    back
}

fn put_one_back(
    disk: &mut dyn Disk,
    place: Place<'_>,
    at: usize,
    entry: &Entry,
) -> std::result::Result<(), String> {
    match entry.state(place.root).map_err(|error| error.message)? {
        State::Old => return Ok(()),
        State::Other => return Err("somebody else wrote it".to_owned()),
        State::New => {}
    }
    let target = place.root.join(&entry.path);
    let text = place.home.pending().join("old").join(at.to_string());
    match (&entry.old, &entry.new) {
        (None, _) => disk.remove(&target),
        (Some(_), Some(_)) => replace(disk, &text, &target, at),
        (Some(_), None) => add(disk, &text, &target, at),
    }
    .map_err(|error| error.to_string())
}

/// A thing that is not there needs no removal.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(())
        }
        removed => removed,
    }
}

/// Has the disk keep every name that a change touches.
fn sync_folders(disk: &mut dyn Disk, root: &Utf8Path, journal: &Journal) -> io::Result<()> {
    let paths = journal.files.iter().map(|entry| &entry.path);
    let paths = paths.chain(&journal.made).chain(&journal.unmade);
    let folders: BTreeSet<&Utf8Path> = paths.filter_map(|path| path.parent()).collect();
    for folder in folders {
        absent(disk.sync_dir(&root.join(folder)))?;
    }
    Ok(())
}

/// Throws the pending change away, of which nothing is in the tree.
pub(super) fn forget(disk: &mut dyn Disk, home: &Home) -> io::Result<()> {
    let trash = home.folder(Kind::Trash, home.next(Kind::Trash));
    disk.rename(&home.pending(), &trash)?;
    // Found again after a power cut, it would be forgotten again.
    let _ = disk.sync_dir(&home.dir);
    tidy(disk, home);
    Ok(())
}

/// Removes what is of no use any more. What cannot be removed is tried again by the next run.
pub(super) fn tidy(disk: &mut dyn Disk, home: &Home) {
    for number in home.numbers(Kind::Undo) {
        // In this order: while its undoing is there, the change counts as taken back.
        let _ = remove_all(disk, &home.folder(Kind::Done, number))
            .and_then(|()| disk.sync_dir(&home.dir))
            .and_then(|()| remove_all(disk, &home.folder(Kind::Undo, number)));
    }
    for number in home.numbers(Kind::Done) {
        let _ = remove_all(disk, &home.folder(Kind::Done, number).join("new"));
    }
    for number in home.numbers(Kind::Trash) {
        let _ = remove_all(disk, &home.folder(Kind::Trash, number));
    }
}

fn remove_all(disk: &mut dyn Disk, folder: &Utf8Path) -> io::Result<()> {
    let entries = match folder.read_dir_utf8() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_all(disk, entry.path())?;
        } else {
            disk.remove(entry.path())?;
        }
    }
    disk.remove_dir(folder)
}

#[cfg(test)]
mod tests;
