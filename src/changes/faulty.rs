//! A disk for tests: it counts the steps, writes them down, and fails or goes away at one of them.
#![allow(clippy::disallowed_methods, reason = "half a file is written as a crash would leave it")]

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::disk::{Disk, Like, Real};

/// What happens at the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails; the steps after it do not.
    Once(io::ErrorKind),
    /// From then on nothing new fits on the disk.
    Full,
    /// From then on nothing happens, as after the end of the process.
    Gone,
    /// The process is killed.
    Kill,
}

/// What is told of a step before it is taken.
pub(super) type Before = Box<dyn FnMut(&str)>;

/// A disk that fails at a step.
pub(super) struct Faulty {
    at: usize,
    fault: Fault,
    count: usize,
    /// What was done, in words.
    pub(super) steps: Vec<String>,
    /// Called before a step with its words.
    pub(super) before: Option<Before>,
    /// Goes away right after a rename to a path with this end.
    pub(super) stop_after: Option<String>,
    /// A folder on a file system of its own.
    pub(super) devices: Option<Utf8PathBuf>,
    stopped: bool,
}

impl Faulty {
    /// Fails at the step number `at`, counted from 0.
    pub(super) fn new(at: usize, fault: Fault) -> Self {
        Self {
            at,
            fault,
            count: 0,
            steps: Vec::new(),
            before: None,
            stop_after: None,
            devices: None,
            stopped: false,
        }
    }

    /// Never fails.
    pub(super) fn sound() -> Self {
        Self::new(usize::MAX, Fault::Gone)
    }

    /// Whether the run came as far as the step.
    pub(super) fn struck(&self) -> bool {
        self.count > self.at
    }

    /// Takes one step, or does not.
    fn step(&mut self, words: &str, needs_room: bool) -> io::Result<()> {
        if let Some(before) = &mut self.before {
            before(words);
        }
        let number = self.count;
        self.count += 1;
        let gone = io::Error::other("the process has ended");
        if self.stopped {
            return Err(gone);
        }
        match self.fault {
            Fault::Once(kind) if number == self.at => return Err(kind.into()),
            Fault::Full if number >= self.at && needs_room => {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Fault::Gone if number >= self.at => return Err(gone),
            Fault::Kill if number == self.at => {
                let me = std::process::id().to_string();
                std::process::Command::new("kill").args(["-KILL", &me]).status()?;
                std::thread::sleep(std::time::Duration::from_secs(60));
            }
            _ => {}
        }
        self.steps.push(words.to_owned());
        Ok(())
    }

    fn crosses(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        match &self.devices {
            Some(device) if from.starts_with(device) != to.starts_with(device) => {
                Err(io::ErrorKind::CrossesDevices.into())
            }
            _ => Ok(()),
        }
    }
}

impl Disk for Faulty {
    fn make_dir(&mut self, dir: &Utf8Path) -> io::Result<()> {
        self.step(&format!("mkdir {dir}"), true)?;
        Real.make_dir(dir)
    }

    fn write(&mut self, file: &Utf8Path, bytes: &[u8], like: &Like) -> io::Result<()> {
        self.step(&format!("open {file}"), true)?;
        std::fs::write(file, "")?;
        self.step(&format!("half {file}"), true)?;
        std::fs::write(file, &bytes[..bytes.len() / 2])?;
        self.step(&format!("write {file}"), true)?;
        std::fs::remove_file(file)?;
        Real.write(file, bytes, like)
    }

    fn sync(&mut self, file: &Utf8Path) -> io::Result<()> {
        self.step(&format!("sync {file}"), false)?;
        // Thousands of runs have no time to wait for a disk.
        std::fs::symlink_metadata(file).map(drop)
    }

    fn renew(&mut self, file: &Utf8Path) -> io::Result<()> {
        self.step(&format!("renew {file}"), false)?;
        Real.renew(file)
    }

    fn rename(&mut self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        self.step(&format!("rename {from} {to}"), false)?;
        self.crosses(from, to)?;
        let renamed = Real.rename(from, to);
        self.stopped |= self.stop_after.as_ref().is_some_and(|end| to.ends_with(end));
        renamed
    }

    fn link(&mut self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        self.step(&format!("link {from} {to}"), false)?;
        self.crosses(from, to)?;
        Real.link(from, to)
    }

    fn remove(&mut self, file: &Utf8Path) -> io::Result<()> {
        // Most often asked for what is not there: no step then.
        if std::fs::symlink_metadata(file).is_ok() {
            self.step(&format!("remove {file}"), false)?;
        }
        Real.remove(file)
    }

    fn remove_dir(&mut self, dir: &Utf8Path) -> io::Result<()> {
        self.step(&format!("rmdir {dir}"), false)?;
        Real.remove_dir(dir)
    }

    fn sync_dir(&mut self, dir: &Utf8Path) -> io::Result<()> {
        self.step(&format!("sync {dir}"), false)?;
        std::fs::read_dir(dir).map(drop)
    }
}
