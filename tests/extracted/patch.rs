//! One pipeline: what a dry run prints is what a real run writes, byte for byte.

use std::fs;
use std::path::Path;

use crate::support::{shop, tree};

#[test]
fn the_patch_gives_what_the_real_run_writes() {
    same("", "");
}

#[test]
fn the_patch_fits_a_workspace_in_a_folder_of_its_repository() {
    same("backend/rust", "backend/rust");
}

/// Called from somewhere inside, the patch is still relative to the top level.
#[test]
fn the_patch_is_the_same_from_anywhere_inside() {
    same("backend", "backend/app/src");
}

/// What is built in a scratch copy before it is written is what is written without.
#[test]
fn a_run_that_builds_first_finds_nothing_and_writes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("shop");
    tree::write(&shop, &tree::read(&shop::fixture()));
    shop::repository(&shop);
    shop::calve_and_build(&shop, &["extract", "inventory"]).ok();
    tree::assert_same(&shop, shop::extracted());
    let dirty = shop::git(&shop, &["status", "--porcelain", "--ignored"]).ok().stdout;
    assert!(!dirty.contains("!!"), "nothing is left behind: {dirty}");
}

/// Extracts twice in a repository that holds the shop in `below`: by the patch, and for real.
fn same(below: &str, from: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (patched, written) = (folder.path().join("patched"), folder.path().join("written"));
    for top in [&patched, &written] {
        tree::write(&top.join(below), &tree::read(&shop::fixture()));
        shop::repository(top);
    }
    let dry = ["extract", "inventory", "--dry-run"];
    let patch = shop::calve(&patched.join(from), &dry).ok().stdout;
    assert!(!patch.contains('\u{1b}'), "no colours in a pipe");
    let clean = shop::git(&patched, &["status", "--porcelain"]).ok();
    assert_eq!(clean.stdout, "", "a dry run touches nothing");
    let file = folder.path().join("patch");
    fs::write(&file, &patch).unwrap();
    shop::git(&patched, &["apply", "--whitespace=error-all", file.to_str().unwrap()]).ok();

    shop::calve(&written.join(from), &["extract", "inventory", "--no-verify"]).ok();
    tree::assert_same(&patched, &written);
    tree::assert_same(&patched.join(below), shop::extracted());
    lock_keeps_versions(&patched.join(below));
}

/// The lock file gained packages and lost or changed none.
fn lock_keeps_versions(workspace: &Path) {
    let packages = |folder: &Path| -> Vec<String> {
        let lock = fs::read_to_string(folder.join("Cargo.lock")).unwrap();
        let packages = lock.split("[[package]]\n").skip(1);
        packages.map(|package| package.lines().take(2).collect::<Vec<_>>().join(" ")).collect()
    };
    let after = packages(workspace);
    for package in packages(&shop::fixture()) {
        assert!(after.contains(&package), "{package} is gone");
    }
}
