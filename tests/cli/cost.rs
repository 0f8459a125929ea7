//! What a run asks of others and looks at: its cost in things that can be counted.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use calve::analysis::code::Code;
use calve::diagnostic::Diagnostics;
use calve::pipeline::{self, Options};
use calve::workspace;
use camino::Utf8Path;

use crate::stage::Stage;
use crate::tree;

const CASE: &str = "migrations-leave-the-monolith";

/// What cargo is asked while `command` runs, the first word of each.
fn asked(stage: &Stage, command: &mut Command) -> Vec<String> {
    let (cargo, log) = (stage.temp().join("cargo"), stage.temp().join("log"));
    let script = format!("#!/bin/sh\necho \"$@\" >> {log}\nexec cargo \"$@\"\n");
    tree::write(&cargo, script.as_bytes());
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).expect("a script");
    let run = command.env("CARGO", &cargo).output().expect("calve runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let words = |line: &str| line.split(' ').next().map(str::to_owned);
    tree::text(&log).lines().filter_map(words).collect()
}

/// The lock file says that the members are understood; cargo completes it.
#[test]
fn cargo_is_asked_once() {
    let shop = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop/Cargo.toml");
    let stage = Stage::of(CASE);
    let arguments = ["extract", "inventory", "--dry-run", "--manifest-path", shop.as_str()];
    assert_eq!(asked(&stage, &mut stage.command(&arguments)), ["package"]);
}

#[test]
fn cargo_is_asked_few_times_where_packages_are_no_members() {
    let stage = Stage::of(CASE);
    let mut commands = asked(&stage, &mut stage.command(&["extract", "stock", "--dry-run"]));
    // The new lock file is resolved while cargo still reads the packages.
    commands.sort();
    // The members; all packages; the new lock file.
    assert_eq!(commands, ["metadata", "metadata", "update"]);
}

/// Crates that have nothing to do with the module cost nothing but their reading.
#[test]
fn only_files_that_could_name_the_module_are_parsed() {
    let parsed = |others: usize| {
        let stage = Stage::of(CASE);
        for number in 0..others {
            let dir = stage.workspace.join(format!("others/other-{number}"));
            let manifest = format!(
                "[package]\nname = \"other-{number}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"
            );
            tree::write(&dir.join("Cargo.toml"), manifest.as_bytes());
            tree::write(&dir.join("src/lib.rs"), b"mod more;\npub struct Thing;\n");
            tree::write(&dir.join("src/more.rs"), b"pub fn more() {}\n");
        }
        let root = stage.workspace.join("Cargo.toml");
        let manifest = tree::text(&root);
        if others > 0 {
            let with = manifest.replacen("members = [", "members = [\"others/*\", ", 1);
            assert_ne!(with, manifest);
            tree::write(&root, with.as_bytes());
            let lock = Command::new("cargo")
                .args(["update", "--workspace", "--offline", "--quiet"])
                .current_dir(&stage.workspace)
                .status();
            assert!(lock.expect("cargo runs").success());
        }
        let snapshot = workspace::load(&root).expect("a workspace");
        let code = Code::new(&snapshot);
        let mut diagnostics = Diagnostics::default();
        let planned = pipeline::extract(&code, "stock", &Options::default(), &mut diagnostics);
        assert!(planned.expect("no defect").is_some());
        (snapshot.parsed(), snapshot.files().filter(|(p, _)| p.extension() == Some("rs")).count())
    };
    let (alone, among_many) = (parsed(0), parsed(12));
    assert_eq!(among_many.1, alone.1 + 24, "they are read");
    assert_eq!(among_many.0, alone.0, "and not parsed");
}
