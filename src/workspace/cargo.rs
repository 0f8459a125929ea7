//! Starts cargo in a workspace, and says what it has against one.

use std::io;
use std::process::Command;

use camino::Utf8Path;

use crate::diagnostic::Diagnostic;

/// The cargo that started calve, or the one on the path, to be run in `dir`.
pub fn cargo(dir: &Utf8Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(dir).env("CARGO_TERM_COLOR", "never");
    command
}

/// Has cargo bring the lock file of the workspace at `root` up to date, from what is on this machine if it
/// can; with the option `--locked` it only says whether it is. Within is what cargo has against that.
///
/// # Errors
/// When cargo cannot be started.
pub fn update(root: &Utf8Path, options: &[&str]) -> io::Result<Result<(), String>> {
    let mut said = String::new();
    for network in [&["--offline"][..], &[]] {
        // `--workspace` touches members alone and downloads no sources; a plain `cargo update` would raise
        // every version, `cargo metadata` wants the sources of all platforms.
        let run = cargo(root)
            .args(["update", "--workspace", "--quiet"])
            .args(options)
            .args(network)
            .output()?;
        if run.status.success() {
            return Ok(Ok(()));
        }
        said = String::from_utf8_lossy(&run.stderr).trim().to_owned();
    }
    Ok(Err(said))
}

/// What cargo has against the workspace at `root` as it is, if it has: it resolves all of it.
pub fn refused(root: &Utf8Path) -> Option<Box<Diagnostic>> {
    match update(root, &["--locked"]) {
        Ok(Ok(())) => None,
        Ok(Err(said)) => Some(cargo_refused(&said)),
        Err(error) => Some(cargo_refused(&error)),
    }
}

/// With what cargo said.
pub fn cargo_refused(error: &impl ToString) -> Box<Diagnostic> {
    let text = error.to_string();
    let diagnostic =
        Diagnostic::error("cargo-refused", "cargo cannot read this workspace").note(text.trim());
    let help = if text.contains("--locked") {
        "bring Cargo.lock up to date with `cargo check`, commit it"
    } else if text.contains("<<<<<<<") {
        "resolve the merge conflict first"
    } else if text.contains("toolchain") && text.contains("is not installed") {
        "the workspace names its toolchain: install it with `rustup toolchain install`"
    } else {
        "make `cargo metadata` succeed first; a file that is gone comes back from version control"
    };
    diagnostic.help(help).into()
}
