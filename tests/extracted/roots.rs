//! Two programs that put a module together in their own ways, in a workspace with strict lints: both are
//! rewired, nothing is left to say for clippy, and the tests go on through the stub.

use std::path::{Path, PathBuf};

use crate::support::cargo::cargo;
use crate::support::{shop, tree};

/// What is new, what was changed, and who uses it. Each alone: feature unification hides errors.
const PACKAGES: [&str; 8] = [
    "catalogue-wire",
    "catalogue-client",
    "catalogue-service",
    "catalogue",
    "loans",
    "reports",
    "server",
    "worker",
];

#[test]
fn two_programs_are_rewired_under_strict_lints() {
    let roots = extracted();
    let clippy = ["clippy", "--offline", "--locked", "--workspace", "--all-targets"];
    cargo(&roots, &[&clippy[..], &["--", "-D", "warnings"]].concat()).ok();
    cargo(&roots, &["fmt", "--all", "--check"]).ok();
    for package in PACKAGES {
        let alone = ["check", "--offline", "--locked", "-p", package];
        let said = cargo(&roots, &alone).ok().stderr;
        assert!(!said.contains("warning"), "{said}");
    }
    // The contract as the stub sees it: the workspace's serde has no `std` of its own.
    let contract = ["--no-default-features", "--features", "wire"];
    let check = ["check", "--offline", "--locked", "-p", "catalogue"];
    cargo(&roots, &[&check[..], &contract].concat()).ok();

    // Two tests of the desk over HTTP, one in process.
    let runner = ["run", "--offline", "--locked", "--quiet", "-p", "catalogue-service"];
    let tests = ["--example", "monolith_tests", "--", "-p", "server", "--offline", "--locked"];
    let ran = cargo(&roots, &[&runner[..], &tests].concat()).ok();
    assert!(ran.stdout.contains("3 passed, 0 failed, 0 ignored"), "{}", ran.stdout);
}

#[test]
fn consumers_that_are_generic_or_dyn_stay_byte_for_byte() {
    let (before, after) = (tree::read(&fixture()), tree::read(&extracted()));
    for path in ["crates/loans/src/lib.rs", "crates/reports/src/lib.rs", "apps/server/src/main.rs"]
    {
        assert_eq!(before.get(Path::new(path)), after.get(Path::new(path)), "{path}");
    }
}

#[test]
fn a_check_and_a_second_run_find_nothing_to_do() {
    let roots = extracted();
    let check = shop::calve(&roots, &["check"]).ok();
    assert_eq!(check.stdout, "");
    let again = shop::calve(&roots, &["extract", "catalogue", "--no-verify"]).ok();
    assert!(again.stderr.contains("nothing is left to do"), "{}", again.stderr);
    let changed = shop::git(&roots, &["status", "--porcelain"]).ok().stdout;
    assert_eq!(changed, "");
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/roots")
}

/// The workspace after its extraction. Read only.
fn extracted() -> PathBuf {
    static ROOTS: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let extract = || {
        let temporary = tempfile::tempdir().unwrap();
        let into = temporary.path().join("roots");
        let arguments = ["extract", "catalogue", "--no-verify", "--into", into.to_str().unwrap()];
        shop::calve(&fixture(), &arguments).ok();
        // Clippy looks for its settings upwards, where calve's own are.
        std::fs::create_dir_all(shop::folder("")).unwrap();
        std::fs::write(shop::folder("clippy.toml"), "").unwrap();
        let roots = shop::folder("roots");
        tree::write(&roots, &tree::read(&into));
        shop::repository(&roots);
        cargo(&roots, &["fetch", "--locked", "--quiet"]).ok();
        roots
    };
    ROOTS.get_or_init(extract).clone()
}
