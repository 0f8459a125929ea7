//! The steps on disk that writing is made of, one system call or few each: tests fail or stop the run at
//! every one of them.
#![expect(clippy::disallowed_methods, reason = "the one place that writes the user's files")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::time::SystemTime;

use camino::Utf8Path;

/// What a file that is written may be used for, and whose it is.
#[derive(Debug, Clone)]
pub(super) enum Like {
    /// A new file: what the user's umask leaves.
    New {
        /// Whether it can be run.
        executable: bool,
    },
    /// As the file that it takes the place of.
    Old(fs::Metadata),
}

/// Everything that changes something on disk. A step that fails has changed nothing, but for
/// [`Disk::write`], which may leave a part of the file.
pub(super) trait Disk {
    /// Makes one folder; an error when something is there.
    fn make_dir(&mut self, dir: &Utf8Path) -> io::Result<()>;
    /// Writes a file that is not there yet.
    fn write(&mut self, file: &Utf8Path, bytes: &[u8], like: &Like) -> io::Result<()>;
    /// Has the disk keep what was written to a file.
    fn sync(&mut self, file: &Utf8Path) -> io::Result<()>;
    /// Gives a file the present time.
    fn renew(&mut self, file: &Utf8Path) -> io::Result<()>;
    /// Moves a file or folder, over what is there.
    fn rename(&mut self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()>;
    /// Gives a file a second name; an error when something is there.
    fn link(&mut self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, file: &Utf8Path) -> io::Result<()>;
    /// Removes an empty folder.
    fn remove_dir(&mut self, dir: &Utf8Path) -> io::Result<()>;
    /// Has the disk keep the names in a folder.
    fn sync_dir(&mut self, dir: &Utf8Path) -> io::Result<()>;
}

/// The disk itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Real;

impl Disk for Real {
    fn make_dir(&mut self, dir: &Utf8Path) -> io::Result<()> {
        fs::create_dir(dir)
    }

    fn write(&mut self, file: &Utf8Path, bytes: &[u8], like: &Like) -> io::Result<()> {
        let mut new = create(file, matches!(like, Like::New { executable: true }))?;
        new.write_all(bytes)?;
        if let Like::Old(old) = like {
            keep_owner(file, old);
            new.set_permissions(old.permissions())?;
        }
        Ok(())
    }

    fn sync(&mut self, file: &Utf8Path) -> io::Result<()> {
        open(file)?.sync_all()
    }

    fn renew(&mut self, file: &Utf8Path) -> io::Result<()> {
        open(file)?.set_modified(SystemTime::now())
    }

    fn rename(&mut self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&mut self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&mut self, file: &Utf8Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn remove_dir(&mut self, dir: &Utf8Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    fn sync_dir(&mut self, dir: &Utf8Path) -> io::Result<()> {
        // Windows cannot open a folder, and some file systems cannot sync one: they lose nothing that
        // a rename promised to readers.
        if cfg!(windows) {
            return Ok(());
        }
        match File::open(dir)?.sync_all() {
            Err(e)
                if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Ok(())
            }
            synced => synced,
        }
    }
}

/// A file to do something to that is none of its text. Windows wants a handle that may write; Unix does
/// it to files that nobody may write.
fn open(file: &Utf8Path) -> io::Result<File> {
    File::options().read(true).write(cfg!(windows)).open(file)
}

/// A new file, with what the user's umask leaves of its permissions.
fn create(file: &Utf8Path, executable: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if executable { 0o777 } else { 0o666 });
    }
    #[cfg(not(unix))]
    let _ = executable;
    options.open(file)
}

/// Gives `file` the owner of the old one: root in a container edits a tree of somebody else. Who may
/// not give files away keeps them, as with any editor.
fn keep_owner(file: &Utf8Path, old: &fs::Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let _ = std::os::unix::fs::chown(file, Some(old.uid()), Some(old.gid()));
    }
    #[cfg(not(unix))]
    let _ = (file, old);
}
