//! `fixtures/measures`: every kind of value that is easily lost, taken out and called over HTTP.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::support::cargo::{self, cargo};
use crate::support::http::TOKEN;
use crate::support::process::{Server, run, unique};
use crate::support::{shop, tree};

/// A cold build on a busy machine.
const LIMIT: Duration = Duration::from_secs(1800);

/// The extracted monolith. Read only.
fn extracted() -> &'static Path {
    static MEASURES: OnceLock<PathBuf> = OnceLock::new();
    MEASURES.get_or_init(|| {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/measures");
        let temporary = tempfile::tempdir().unwrap();
        let into = temporary.path().join("measures");
        let arguments = ["extract", "measures", "--no-verify", "--into", into.to_str().unwrap()];
        shop::calve(&fixture, &arguments).ok();
        let measures = shop::folder("measures");
        tree::write(&measures, &tree::read(&into));
        shop::repository(&measures);
        // Clippy looks for its settings upwards, where calve's own are.
        fs::write(shop::folder("clippy.toml"), "").unwrap();
        cargo(&measures, &["fetch", "--locked", "--quiet"]).ok();
        measures
    })
}

#[test]
fn what_carries_the_values_builds_without_a_warning_and_is_in_step() {
    let measures = extracted();
    let clippy = ["clippy", "--offline", "--locked", "--workspace", "--all-targets"];
    cargo(measures, &[&clippy[..], &["--", "-D", "warnings"]].concat()).ok();
    cargo(measures, &["fmt", "--all", "--check"]).ok();
    for package in ["measures-wire", "measures-client", "measures-service", "measures", "app"] {
        let alone = cargo(measures, &["check", "--offline", "--locked", "-p", package]).ok();
        assert!(!alone.stderr.contains("warning"), "{}", alone.stderr);
    }
    assert_eq!(shop::calve(measures, &["check"]).ok().stdout, "");
}

#[test]
fn the_contract_holds_in_process_and_over_http() {
    let tests = ["test", "--offline", "--locked", "-p", "measures-wire", "-p", "measures-service"];
    let ran = cargo(extracted(), &tests).ok();
    for test in [
        "gap ... ok",
        "instrument ... ok",
        "readings ... ok",
        "every_bit_comes_back ... ok",
        "moments_on_both_sides_of_1970_come_back ... ok",
    ] {
        assert!(ran.stdout.contains(test), "{test}: {}", ran.stdout);
    }
}

/// The monolith's own tests: floats by their bits, options in options, ten megabytes.
#[test]
fn the_monoliths_tests_pass_over_http() {
    let measures = extracted();
    let program =
        cargo::binary(measures, "measures-service", "measures-service", "measures-service");
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join(format!("ready-{}", unique()));
    let environment = [
        ("MEASURES_LISTEN", "127.0.0.1:0"),
        ("MEASURES_ADMIN_LISTEN", "127.0.0.1:0"),
        ("MEASURES_READY_FILE", ready.to_str().unwrap()),
        ("MEASURES_TOKEN", TOKEN),
    ];
    let mut server = Server::start(&program, &["serve"], folder.path(), &environment);
    let addresses: Value = server.wait_for("the service is ready", |_| {
        fs::read_to_string(&ready).ok().map(|text| serde_json::from_str(&text).unwrap())
    });
    let url = format!("http://{}", addresses["listen"].as_str().unwrap());
    let mut tests = Command::new("cargo");
    tests
        .args(["test", "--offline", "--locked", "-p", "app", "--test", "values"])
        .current_dir(measures)
        .env("MEASURES_URL", url)
        .env("MEASURES_TOKEN", TOKEN);
    let ran = run(cargo::clean(&mut tests), LIMIT).ok();
    assert!(ran.stdout.contains("6 passed"), "{}", ran.stdout);
}
