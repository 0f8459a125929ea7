//! A package beside the workspace, which no copy of it reaches.

use std::process::Command;

use crate::stage::Stage;
use crate::tree;

#[test]
fn a_package_outside_is_refused_wherever_a_copy_is_needed() {
    let stage = Stage::of("gates-a-whole-module");
    let outside = stage.temp().join("outside");
    let package = "[package]\nname = \"outside\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    tree::write(&outside.join("Cargo.toml"), package.as_bytes());
    tree::write(&outside.join("src/lib.rs"), b"");
    let manifest = stage.workspace.join("app/Cargo.toml");
    let depends = "\n[target.'cfg(all())'.dependencies]\noutside = { path = \"../../outside\" }\n";
    tree::write(&manifest, (tree::text(&manifest) + depends).as_bytes());
    let locked = Command::new("cargo")
        .args(["update", "--workspace", "--offline", "--quiet"])
        .current_dir(&stage.workspace)
        .status();
    assert!(locked.expect("cargo runs").success());

    let aside = stage.temp().join("aside");
    for (arguments, help) in [
        (vec!["--dry-run"], "write the path to it absolute"),
        (vec!["--allow-dirty", "--no-verify"], "write the path to it absolute"),
        (vec!["--allow-dirty", "--no-verify", "--into", aside.as_str()], "extract in place"),
    ] {
        let run = stage.command(&["extract", "stock"]).args(&arguments).output().expect("a run");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{said}");
        assert!(said.contains("error[outside-path]") && said.contains(help), "{said}");
    }
    assert!(!stage.workspace.join("services").exists() && !aside.exists());
}
