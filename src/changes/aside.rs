//! A folder that is made as a whole: everything is written beside it and moved there in one step, so that
//! it is not there or complete.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::lock::LockFile;
use crate::diagnostic::{Diagnostic, Result};

/// A new folder in the making. It is removed when it is dropped unpublished.
#[derive(Debug)]
pub struct Aside {
    into: Utf8PathBuf,
    tree: Utf8PathBuf,
    // Dropped last: it removes the folder that holds the tree.
    _lock: LockFile,
}

impl Aside {
    /// Begins the folder `into`, in a folder beside it that one process at a time may use; what a run
    /// that was killed left there is removed. `waiting` is told as for [`super::Home::enter`].
    ///
    /// # Errors
    /// `target-exists` when there is something in `into`; `write-failed` when the folder beside it cannot
    /// be made.
    pub fn of(into: &Utf8Path, waiting: &mut dyn FnMut(Option<u32>)) -> Result<Self> {
        let failed = |error: io::Error| failed(into, &error);
        let absolute = into.canonicalize_utf8().or_else(|_| camino::absolute_utf8(into));
        let absolute = absolute.map_err(failed)?;
        let Some((parent, name)) = absolute.parent().zip(absolute.file_name()) else {
            return Err(occupied(into));
        };
        refuse_occupied(into)?;
        let folder = parent.join(format!(".{name}.calve"));
        let lock = LockFile::hold(&folder.join("lock"), waiting).map_err(failed)?;
        let tree = folder.join("tree");
        let aside = Self { into: absolute.clone(), tree, _lock: lock };
        // Who held the lock before may have made it.
        refuse_occupied(into)?;
        aside.clear().map_err(failed)?;
        Ok(aside)
    }

    /// Where to write; not there yet.
    pub fn tree(&self) -> &Utf8Path {
        &self.tree
    }

    /// The folder that holds what is being made, and nothing else.
    pub fn folder(&self) -> &Utf8Path {
        self.tree.parent().unwrap_or(&self.tree)
    }

    /// Moves it to its place; gives the absolute path of that.
    ///
    /// # Errors
    /// `target-exists`, `write-failed`: the place is as it was then.
    pub fn publish(self) -> Result<Utf8PathBuf> {
        sync_all(&self.tree).map_err(|error| failed(&self.into, &error))?;
        // Elsewhere than on Unix nothing is moved over a folder, not even over an empty one.
        if cfg!(not(unix)) {
            let _ = fs::remove_dir(&self.into);
        }
        #[expect(clippy::disallowed_methods, reason = "a copy of the user's tree gets its name")]
        fs::rename(&self.tree, &self.into).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => occupied(&self.into),
            _ => failed(&self.into, &error),
        })?;
        Ok(self.into.clone())
    }

    fn clear(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.tree) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = self.clear();
    }
}

fn refuse_occupied(into: &Utf8Path) -> Result<()> {
    match into.read_dir_utf8() {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(occupied(into)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => Err(occupied(into)),
    }
}

fn occupied(into: &Utf8Path) -> Box<Diagnostic> {
    Diagnostic::error("target-exists", format!("`{into}` is not an empty folder"))
        .note("calve writes a whole workspace there and overwrites nothing")
        .help("name a folder that does not exist yet")
        .into()
}

fn failed(into: &Utf8Path, error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error("write-failed", format!("cannot make `{into}`: {error}"))
        .help("name a folder that can be made, such as `--into ../extracted`")
        .into()
}

/// Has the disk keep everything below a folder, so that after a power cut it is not there half-empty.
fn sync_all(tree: &Utf8Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // One call for thousands of files; it keeps the rest of that file system, too.
        Ok(rustix::fs::syncfs(fs::File::open(tree)?)?)
    }
    #[cfg(not(target_os = "linux"))]
    {
        for entry in walkdir::WalkDir::new(tree) {
            let entry = entry?;
            if entry.file_type().is_file() {
                fs::File::open(entry.path())?.sync_all()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test sets its own stage")]
mod tests {
    use super::*;

    fn here() -> (tempfile::TempDir, Utf8PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let top = Utf8PathBuf::from_path_buf(temp.path().canonicalize().unwrap()).unwrap();
        (temp, top)
    }

    fn names(top: &Utf8Path) -> Vec<String> {
        top.read_dir_utf8().unwrap().map(|e| e.unwrap().file_name().to_owned()).collect()
    }

    fn nobody(_: Option<u32>) {
        panic!("nobody else is here");
    }

    #[test]
    fn a_folder_is_there_as_a_whole_or_not_at_all() {
        let (_temp, top) = here();
        let into = top.join("a/shop");
        let aside = Aside::of(&into, &mut nobody).unwrap();
        fs::create_dir(aside.tree()).unwrap();
        fs::write(aside.tree().join("x"), "x").unwrap();
        assert!(!into.exists());
        drop(aside);
        assert!(names(&top.join("a")).is_empty(), "given up: nothing stays");

        fs::create_dir(&into).unwrap();
        let aside = Aside::of(&into, &mut nobody).unwrap();
        // As a run that was killed leaves it.
        fs::create_dir(aside.tree()).unwrap();
        fs::write(aside.tree().join("stale"), "x").unwrap();
        std::mem::forget(aside);
        let lock = top.join("a/.shop.calve/lock");
        fs::remove_file(lock).unwrap();
        let aside = Aside::of(&into, &mut nobody).unwrap();
        assert!(!aside.tree().exists());
        fs::create_dir(aside.tree()).unwrap();
        fs::write(aside.tree().join("x"), "x").unwrap();
        assert_eq!(aside.publish().unwrap(), into);
        assert_eq!((names(&top.join("a")), names(&into)), (vec!["shop".into()], vec!["x".into()]));
        assert_eq!(Aside::of(&into, &mut nobody).unwrap_err().code, "target-exists");
    }

    #[test]
    fn the_second_waits_and_finds_it_done() {
        let (_temp, top) = here();
        let into = top.join("shop");
        let aside = Aside::of(&into, &mut nobody).unwrap();
        fs::create_dir(aside.tree()).unwrap();
        fs::write(aside.tree().join("x"), "x").unwrap();
        let (told, waits) = std::sync::mpsc::channel();
        let second = std::thread::spawn({
            let into = into.clone();
            move || Aside::of(&into, &mut |holder| told.send(holder).unwrap()).map(|_| ())
        });
        assert_eq!(waits.recv().unwrap(), Some(std::process::id()));
        aside.publish().unwrap();
        assert_eq!(second.join().unwrap().unwrap_err().code, "target-exists");
        assert_eq!(names(&top), ["shop"]);
    }
}
