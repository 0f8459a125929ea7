//! One writer at a time: whoever writes to a workspace holds the lock of its home, and finds the tree in
//! order.
#![expect(clippy::disallowed_methods, reason = "calve's own lock file")]

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::journal::{Home, IN_TREE};
use super::recover::{self, Recovered};
use crate::diagnostic::{Diagnostic, Result};

/// The right to write to a workspace, until it is dropped. The system takes it back from a process that
/// ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    root: Utf8PathBuf,
    home: Home,
    _file: LockFile,
}

impl Lock {
    /// The workspace root.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }
}

impl Home {
    /// Waits until nobody else writes to the workspace at `root`, then puts in order what an earlier run
    /// left half-way. `waiting` is told once, with the number of the process that writes if it is known.
    ///
    /// # Errors
    /// `no-journal` when the home cannot be written, and those of recovery: see [`Recovered`].
    pub fn enter(
        &self,
        root: &Utf8Path,
        waiting: &mut dyn FnMut(Option<u32>),
    ) -> Result<(Lock, Recovered)> {
        let file = LockFile::hold(&self.dir.join("lock"), waiting).map_err(|error| {
            Diagnostic::error("no-journal", format!("cannot write to `{}`: {error}", self.dir))
                .note("a journal there is what makes a change whole or undone after a crash")
                .help("make that folder writable")
        })?;
        if self.dir.ends_with(IN_TREE) {
            let ignore = self.dir.join(".gitignore");
            if !ignore.exists() {
                // Without it git would want to commit the folder; nothing else depends on it.
                let _ = fs::write(ignore, "*\n");
            }
        }
        let recovered = recover::recover(root, self)?;
        let lock = Lock { root: root.to_owned(), home: self.clone(), _file: file };
        Ok((lock, recovered))
    }

    /// Refuses where a change is under way or was left half-way: what is read then is no whole tree.
    ///
    /// # Errors
    /// `interrupted-run`.
    pub fn refuse_pending(&self) -> Result<()> {
        if !self.has_pending() {
            return Ok(());
        }
        let busy = File::open(self.dir.join("lock"))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)));
        Err(if busy {
            Diagnostic::error("interrupted-run", "another calve is writing to this workspace now")
                .help("run the command again when it is done")
        } else {
            Diagnostic::error("interrupted-run", "an earlier run was interrupted while it wrote")
                .note("its journal is there: some files may be old and some new")
                .help("`calve check` puts the tree in order; then run the command again")
        }
        .into())
    }
}

/// A file that one process at a time holds. It goes with the last use of its folder.
#[derive(Debug)]
pub(super) struct LockFile {
    path: Utf8PathBuf,
    file: File,
}

impl LockFile {
    /// Makes the file at `path`, with its folders, and waits until it is free.
    pub(super) fn hold(path: &Utf8Path, waiting: &mut dyn FnMut(Option<u32>)) -> io::Result<Self> {
        let mut told = false;
        loop {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let opened =
                File::options().read(true).write(true).create(true).truncate(false).open(path);
            let mut file = match opened {
                // Its last holder took the folder away in between.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        waiting(holder(&mut file));
                        told = true;
                    }
                    file.lock()?;
                }
                // A network file system without locks; cargo goes on there, too.
                Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(e)) => return Err(e),
            }
            // Who waited may hold a file that is not there any more.
            if is_at(&file, path) {
                // Only for the message to others.
                let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                return Ok(Self { path: path.to_owned(), file });
            }
        }
    }
}

impl Drop for LockFile {
    /// Leaves no folder behind that has nothing to tell.
    fn drop(&mut self) {
        let Some(folder) = self.path.parent() else { return };
        let spare = |name: &str| name == ".gitignore" || Some(name) == self.path.file_name();
        let Ok(mut entries) = folder.read_dir_utf8() else { return };
        if entries.all(|entry| entry.is_ok_and(|entry| spare(entry.file_name()))) {
            let _ = fs::remove_file(folder.join(".gitignore"));
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_dir(folder);
            if let Some(above) = folder.parent().filter(|above| above.file_name() == Some("calve"))
            {
                // Stays while another workspace has something there.
                let _ = fs::remove_dir(above);
            }
        }
        let _ = self.file.unlock();
    }
}

/// The process that wrote its number there.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).ok()?;
    text.trim().parse().ok()
}

/// Whether an open file is the one at a path.
fn is_at(file: &File, path: &Utf8Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        file.metadata().is_ok_and(|a| fs::metadata(path).is_ok_and(|b| same(a, b)))
    }
    #[cfg(not(unix))]
    {
        // An open file cannot be removed there.
        let _ = file;
        path.exists()
    }
}
