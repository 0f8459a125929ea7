//! What a run asks of others and looks at: its cost in things that can be counted.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;

use calve::analysis::code::Code;
use calve::diagnostic::Diagnostics;
use calve::pipeline::{self, Options};
use calve::workspace;

use crate::stage::Stage;
use crate::tree;

const CASE: &str = "migrations-leave-the-monolith";

#[test]
fn cargo_is_asked_few_times() {
    let stage = Stage::of(CASE);
    let (cargo, log) = (stage.temp().join("cargo"), stage.temp().join("log"));
    let script = format!("#!/bin/sh\necho \"$@\" >> {log}\nexec cargo \"$@\"\n");
    tree::write(&cargo, script.as_bytes());
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).expect("a script");
    let run = stage.command(&["extract", "stock", "--dry-run"]).env("CARGO", &cargo).output();
    assert!(run.expect("calve runs").status.success());
    let asked = tree::text(&log);
    let mut commands: Vec<&str> = asked.lines().filter_map(|line| line.split(' ').next()).collect();
    // The new lock file is resolved while cargo still reads the packages.
    commands.sort();
    // The members; all packages, since this workspace has some that are no members; the new lock file.
    assert_eq!(commands, ["metadata", "metadata", "update"], "{asked}");
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
            let lock = std::process::Command::new("cargo")
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
