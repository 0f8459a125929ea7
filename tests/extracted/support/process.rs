//! Processes that end by themselves: a limit for those that are waited for, a kill on drop for servers.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often a process that is waited for is looked at.
const TICK: Duration = Duration::from_millis(10);

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The exit code; 128 and the signal if there was one.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    /// The same, of a process that succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code(), 0, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// Runs a command to its end, and all that it started with it when it takes longer than `limit`.
#[track_caller]
pub(crate) fn run(command: &mut Command, limit: Duration) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    // Into files: a pipe that nobody empties would block the process.
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let child = command
        .stdin(Stdio::null())
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let mut running = Running { child, signals_group: true };
    let Some(status) = running.wait(limit) else {
        drop(running);
        let said = fs::read(&err).unwrap_or_default();
        panic!("{command:?} takes longer than {limit:?}\n{}", String::from_utf8_lossy(&said));
    };
    let read = |path: &Path| String::from_utf8(fs::read(path).unwrap()).unwrap();
    Ended { status, stdout: read(&out), stderr: read(&err) }
}

/// A process that is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    signals_group: bool,
}

impl Running {
    /// Waits for the end, for so long.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            if begin.elapsed() > limit {
                return None;
            }
            sleep(TICK);
        }
    }

    /// Sends a signal, `TERM` for example.
    pub(crate) fn signal(&self, name: &str) {
        let group = if self.signals_group { "-" } else { "" };
        // Without `unsafe`, `kill` is a program.
        let target = format!("{group}{}", self.child.id());
        let sent = Command::new("kill").args([&format!("-{name}"), "--", &target]).output();
        sent.expect("kill is a program of every Unix");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if self.signals_group {
            self.signal("KILL");
        }
        // It may just have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server process, with what it says in a file.
pub(crate) struct Server {
    pub(crate) process: Running,
    log: PathBuf,
}

impl Server {
    /// Starts it, with nothing of the environment of the tests.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&str],
        folder: &Path,
        environment: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(environment.iter().copied());
        Self::spawn(&mut command, folder)
    }

    /// Starts a command in a folder, which also takes what it says.
    pub(crate) fn spawn(command: &mut Command, folder: &Path) -> Self {
        let log = folder.join(format!("{}.log", unique()));
        let output = File::create(&log).unwrap();
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        Self { process: Running { child, signals_group: false }, log }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until `found` finds something; panics when the server ends before.
    #[track_caller]
    pub(crate) fn wait_for<T>(&mut self, what: &str, found: impl Fn(&str) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(found) = found(&self.log()) {
                return found;
            }
            let ended = self.process.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended with {ended:?} before {what}:\n{}", self.log());
            assert!(begin.elapsed() < LIMIT, "{what}: not within {LIMIT:?}\n{}", self.log());
            sleep(TICK);
        }
    }

    /// Waits until it says where it listens, `address=127.0.0.1:8080`.
    #[track_caller]
    pub(crate) fn wait_for_address(&mut self, what: &str) -> SocketAddr {
        self.wait_for(what, |log| {
            let (_, rest) = log.split_once("address=")?;
            rest.split_whitespace().next()?.parse().ok()
        })
    }

    /// Asks it to end and returns the exit code.
    #[track_caller]
    pub(crate) fn stop(mut self, signal: &str) -> i32 {
        self.process.signal(signal);
        self.code_at_end()
    }

    /// Waits for its end and returns the exit code.
    #[track_caller]
    pub(crate) fn code_at_end(&mut self) -> i32 {
        let status = self.process.wait(LIMIT);
        let status = status.unwrap_or_else(|| panic!("does not end:\n{}", self.log()));
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
    }
}

/// Whether a program of this machine's is missing that a test needs; in CI that is a failure.
#[track_caller]
pub(crate) fn is_missing(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing = !std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    assert!(!missing || std::env::var_os("CI").is_none(), "{program} is not installed");
    missing
}

/// No server takes longer to start, to answer or to end.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A name that no other file of this run has.
pub(crate) fn unique() -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
