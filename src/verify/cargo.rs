//! Listens to cargo.

use std::io::{self, BufReader, Read, Seek};
use std::process::{Command, Stdio};

use camino::Utf8Path;

use super::interrupt::Group;
use super::messages::Run;
use crate::diagnostic::{Diagnostic, Result};
pub(super) use crate::workspace::cargo;

/// Runs a cargo that writes its messages as JSON, in the workspace at `root`; `built` gets the name of
/// each crate that was not fresh.
///
/// # Errors
/// `cargo-not-found`, and `check-failed` when it cannot be listened to. That it fails is in the run.
pub(super) fn listen(
    root: &Utf8Path,
    command: &mut Command,
    built: &mut dyn FnMut(&str),
) -> Result<Run> {
    // A file takes what a full pipe would block on.
    let mut stderr = tempfile::tempfile().map_err(|e| broken(&e))?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr.try_clone().map_err(|e| broken(&e))?);
    let mut cargo = Group::spawn(command).map_err(|e| not_started(&e))?;
    let run = match cargo.stdout() {
        Some(stdout) => Run::read(root, BufReader::new(stdout), built),
        None => Ok(Run::default()),
    };
    let status = cargo.wait().map_err(|e| broken(&e))?;
    let mut run = run.map_err(|e| broken(&e))?;
    run.success &= status.success();
    stderr.rewind().map_err(|e| broken(&e))?;
    let mut said = Vec::new();
    stderr.read_to_end(&mut said).map_err(|e| broken(&e))?;
    run.stderr = String::from_utf8_lossy(&said).into_owned();
    Ok(run)
}

/// The error for a copy that cannot be worked in.
pub(super) fn broken(error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error("check-failed", format!("the copy cannot be checked: {error}")).into()
}

/// The error for a cargo that could not be started.
pub(super) fn not_started(error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error("cargo-not-found", format!("cargo cannot be started: {error}"))
        .help("install Rust with rustup, or set CARGO to the path of cargo")
        .into()
}
