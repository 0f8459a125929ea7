//! Cargo in the workspaces of the proofs: offline, one target folder, one at a time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::process::{Ended, run};
use super::shop;

/// A cold build of the whole shop on a busy machine.
const LIMIT: Duration = Duration::from_secs(1800);

/// Runs cargo in a workspace. No two run at once: they share a target folder, where binaries of the
/// same name take each other's place.
#[track_caller]
pub(crate) fn cargo(workspace: &Path, arguments: &[&str]) -> Ended {
    let _alone = alone();
    run_cargo(workspace, arguments)
}

/// Runs cargo in a workspace whose crates differ from those of the same name elsewhere: with a target
/// folder of its own, since in a shared one cargo would take one's crate for the other's.
#[track_caller]
pub(crate) fn cargo_apart(workspace: &Path, arguments: &[&str]) -> Ended {
    let _alone = alone();
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(workspace);
    clean(&mut command).env("CARGO_TARGET_DIR", shop::folder("build-apart"));
    run(&mut command, LIMIT)
}

/// Runs another program that builds.
#[track_caller]
pub(crate) fn exclusively(command: &mut Command) -> Ended {
    let _alone = alone();
    run(clean(command), LIMIT)
}

/// Builds a binary and copies it to where no other build replaces it.
#[track_caller]
pub(crate) fn binary(workspace: &Path, package: &str, binary: &str, copy: &str) -> PathBuf {
    let _alone = alone();
    let build = ["build", "--offline", "--locked", "-p", package, "--bin", binary];
    run_cargo(workspace, &build).ok();
    let to = shop::folder("bin").join(copy);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    // A rename replaces a program that runs; a copy onto it fails.
    let new = to.with_extension("new");
    std::fs::copy(shop::folder("build").join("debug").join(binary), &new).unwrap();
    std::fs::rename(&new, &to).unwrap();
    to
}

fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    // A test that failed while it had the lock has ended its cargo.
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[track_caller]
fn run_cargo(workspace: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(workspace);
    run(clean(&mut command), LIMIT)
}

/// Takes from a command what cargo and rustup told these tests about calve's own build.
pub(crate) fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let of_package = name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_BIN_");
        let of_shop = name.starts_with("INVENTORY_");
        let exact = ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "DATABASE_URL", "LISTEN"];
        if of_package || of_shop || exact.contains(&name.as_ref()) {
            command.env_remove(&*name);
        }
    }
    command
        .env("CARGO_TARGET_DIR", shop::folder("build"))
        // Debug information takes a third of the time and most of the disk.
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_TERM_COLOR", "never")
}
