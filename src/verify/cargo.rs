//! Starts cargo in a folder.

use std::process::Command;

use camino::Utf8Path;

use crate::diagnostic::Diagnostic;

/// The cargo that started calve, or the one on the path, to be run in `dir`.
pub(super) fn cargo(dir: &Utf8Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(dir).env("CARGO_TERM_COLOR", "never");
    command
}

/// The error for a cargo that could not be started.
pub(super) fn not_started(error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::error("cargo-not-found", format!("cargo cannot be started: {error}"))
        .help("install Rust with rustup, or set CARGO to the path of cargo")
        .into()
}
