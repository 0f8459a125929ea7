//! What a run lays out and starts for a while: temporary folders and processes. They go when they are
//! dropped, and when the run is interrupted.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is there now.
#[derive(Default)]
struct There {
    folders: BTreeSet<PathBuf>,
    /// Process groups by their leader.
    groups: BTreeSet<u32>,
    /// Commands that take away what is elsewhere.
    farewells: BTreeSet<Call>,
    listens: bool,
}

static THERE: Mutex<There> = Mutex::new(There {
    folders: BTreeSet::new(),
    groups: BTreeSet::new(),
    farewells: BTreeSet::new(),
    listens: false,
});

/// What is there, and no signal between a look at it and what is made of that.
fn there() -> MutexGuard<'static, There> {
    let mut there = THERE.lock().unwrap_or_else(PoisonError::into_inner);
    if !there.listens {
        there.listens = true;
        signals::listen();
    }
    there
}

/// A folder below the system's temporary one.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// One with a name that no other has.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(super) fn unique() -> io::Result<Self> {
        let mut there = there();
        let path = tempfile::Builder::new().prefix("calve-").tempdir()?.keep();
        there.folders.insert(path.clone());
        Ok(Self { path })
    }

    /// One with this name, empty; what an earlier run left there goes. The caller sees to it that no
    /// other run uses it now.
    ///
    /// # Errors
    /// When it cannot be emptied or created.
    pub(super) fn named(name: &str) -> io::Result<Self> {
        let mut there = there();
        let path = std::env::temp_dir().join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        there.folders.insert(path.clone());
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the temporary folder.
        let _ = fs::remove_dir_all(&self.path);
        there().folders.remove(&self.path);
    }
}

/// Something elsewhere, on a server for instance, that a command takes away.
#[derive(Debug)]
pub(super) struct Farewell(Call);

/// A program with its arguments, and the variables of its environment that are its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    program: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
}

impl Farewell {
    /// Has it taken away at the end by a command.
    pub(super) fn by(command: &Command) -> Self {
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let call = Call {
            program: command.get_program().to_owned(),
            arguments: command.get_args().map(OsStr::to_owned).collect(),
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        there().farewells.insert(call.clone());
        Self(call)
    }
}

impl Call {
    fn run(&self) {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // What cannot be taken away stays; nobody is there to hear of it.
        let _ = command.status();
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.run();
        there().farewells.remove(&self.0);
    }
}

/// A process and all that it starts.
#[derive(Debug)]
pub(super) struct Group {
    leader: Child,
}

impl Group {
    /// Starts a command in a process group of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let mut there = there();
        let leader = command.spawn()?;
        there.groups.insert(leader.id());
        Ok(Self { leader })
    }

    /// Runs a command to its end, and collects what it says.
    ///
    /// # Errors
    /// When it cannot be started or read.
    pub(super) fn output(command: &mut Command) -> io::Result<Output> {
        let mut group = Self::spawn(command)?;
        let mut stderr = group.leader.stderr.take();
        let listener = std::thread::spawn(move || {
            let mut said = Vec::new();
            stderr.as_mut().map_or(Ok(0), |stderr| stderr.read_to_end(&mut said)).map(|_| said)
        });
        let mut stdout = Vec::new();
        if let Some(mut pipe) = group.stdout() {
            pipe.read_to_end(&mut stdout)?;
        }
        let said = listener.join().map_err(|_| io::Error::other("its messages cannot be read"))?;
        Ok(Output { status: group.wait()?, stdout, stderr: said? })
    }

    /// What it says, once; none where that goes elsewhere.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.leader.stdout.take()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.leader.wait();
        // If it was ended by an interruption, nobody is to read that it failed.
        drop(there());
        status
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut there = there();
        // What it started and did not wait for goes with it.
        signals::kill(self.leader.id());
        // It may have ended by itself.
        let _ = self.leader.kill();
        let _ = self.leader.wait();
        there.groups.remove(&self.leader.id());
    }
}

#[cfg(unix)]
mod signals {
    use std::fs;
    use std::thread;
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process_group};
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    /// Waits for a signal to end, on a thread of its own. Without one a signal ends calve as it would
    /// have, and leaves things behind.
    pub(super) fn listen() {
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
        // One that cannot be started is no reason to stop.
        let _ = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                take_away();
                // Ends calve as the signal alone would have done.
                let _ = emulate_default_handler(signal);
            }
        });
    }

    /// Ends and removes what is there; nothing can be added meanwhile.
    fn take_away() {
        let there = super::there();
        for group in &there.groups {
            kill(*group);
        }
        there.farewells.iter().for_each(super::Call::run);
        for folder in &there.folders {
            // Who is being ended may still write there.
            for _ in 0..40 {
                if fs::remove_dir_all(folder).is_ok() || !folder.exists() {
                    break;
                }
                thread::sleep(Duration::from_millis(25));
            }
        }
        // Until the end of the process: `there` stays locked.
        std::mem::forget(there);
    }

    pub(super) fn kill(leader: u32) {
        let pid = i32::try_from(leader).ok().and_then(Pid::from_raw);
        // There may be nobody left in it.
        let _ = pid.map(|pid| kill_process_group(pid, Signal::KILL));
    }
}

#[cfg(not(unix))]
mod signals {
    pub(super) fn listen() {}
    pub(super) fn kill(_: u32) {}
}
