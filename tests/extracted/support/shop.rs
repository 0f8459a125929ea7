//! The shop before and after its extraction, each in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::process::{Ended, run};
use super::{cargo, tree};

/// How long calve may take when it does not build.
const LIMIT: Duration = Duration::from_secs(300);

/// A folder of the proofs.
pub(crate) fn folder(name: &str) -> PathBuf {
    static HOME: OnceLock<&Path> = OnceLock::new();
    let home = HOME.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(home).unwrap();
        // Clippy looks for its settings upwards, where calve's own are.
        fs::write(home.join("clippy.toml"), "").unwrap();
        home
    });
    home.join(name)
}

/// The shop as it is in the repository.
pub(crate) fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop")
}

/// The extracted shop. Read only: who changes it takes a [`copy`].
pub(crate) fn extracted() -> &'static Path {
    static SHOP: OnceLock<PathBuf> = OnceLock::new();
    SHOP.get_or_init(|| {
        let shop = folder("shop");
        tree::write(&shop, &extracted_files());
        repository(&shop);
        // All that later calls need offline; itself silent when it is there.
        cargo::cargo(&shop, &["fetch", "--locked", "--quiet"]).ok();
        shop
    })
}

/// A copy of the extracted shop in a folder of its own, in a git repository of its own.
pub(crate) fn copy(name: &str) -> PathBuf {
    let copy = folder(name);
    tree::write(&copy, &tree::read(extracted()));
    repository(&copy);
    copy
}

/// The shop before its extraction.
pub(crate) fn original() -> PathBuf {
    let copy = folder("original");
    tree::write(&copy, &tree::read(&fixture()));
    repository(&copy);
    copy
}

/// Makes a folder a git repository of its own, with all of it committed: without one, calve and cargo
/// would take it for a part of calve's.
pub(crate) fn repository(top: &Path) {
    if !top.join(".git").exists() {
        git(top, &["init", "--quiet", "--initial-branch=main"]).ok();
    }
    // Not what calve keeps for itself, which ignores itself.
    git(top, &["add", "--all", "--force", "--", ".", ":(exclude).calve"]).ok();
    git(top, &["commit", "--quiet", "--allow-empty", "--message=as it is"]).ok();
}

/// Runs git, without the settings of this machine.
#[track_caller]
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> Ended {
    let mut git = Command::new("git");
    git.current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .args(["-c", "user.name=proof", "-c", "user.email=proof@example.org"])
        .args(arguments);
    run(&mut git, LIMIT)
}

/// Runs calve.
#[track_caller]
pub(crate) fn calve(folder: &Path, arguments: &[&str]) -> Ended {
    let mut calve = Command::new(env!("CARGO_BIN_EXE_calve"));
    calve.current_dir(folder).args(arguments);
    run(cargo::clean(&mut calve), LIMIT)
}

/// Runs calve where it builds, which shares a target folder with cargo's other runs.
#[track_caller]
pub(crate) fn calve_and_build(folder: &Path, arguments: &[&str]) -> Ended {
    let mut calve = Command::new(env!("CARGO_BIN_EXE_calve"));
    calve.current_dir(folder).args(arguments);
    cargo::exclusively(&mut calve)
}

/// What `--into` writes.
fn extracted_files() -> BTreeMap<PathBuf, Vec<u8>> {
    let temporary = tempfile::tempdir().unwrap();
    let into = temporary.path().join("shop");
    let arguments = ["extract", "inventory", "--no-verify", "--into", into.to_str().unwrap()];
    let said = calve(&fixture(), &arguments).ok();
    assert!(said.stderr.contains("14 of `InventoryApi`"), "{}", said.stderr);
    tree::read(&into)
}
