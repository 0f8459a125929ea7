//! `fixtures/archive`: a monolith without a runtime, on rusqlite and refinery. `scans` is taken out; what
//! was generated is built, linted and tested, the monolith's own tests pass through the service, a
//! database that it was deployed with is cut over, and the extraction is taken back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rusqlite::Connection;
use serde_json::Value;

use crate::support::cargo::{binary, cargo};
use crate::support::http::TOKEN;
use crate::support::process::{Ended, LIMIT, Server, run, unique};
use crate::support::{shop, tree};

const OPERATIONS: [&str; 8] =
    ["attach", "find", "of_document", "content", "replace", "annotate", "remove_of", "usage"];

/// What is taken out, built and tested alone: feature unification hides errors.
const PACKAGES: [&str; 6] =
    ["scans-wire", "scans-client", "scans-service", "scans", "retention", "app"];

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/archive")
}

/// The archive without its scans. Read only.
fn extracted() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let temporary = tempfile::tempdir().unwrap();
        let into = temporary.path().join("archive");
        let arguments = ["extract", "scans", "--no-verify", "--into", into.to_str().unwrap()];
        let said = shop::calve(&fixture(), &arguments).ok();
        assert!(said.stderr.contains("8 of `ScansApi`"), "{}", said.stderr);
        // Clippy looks for its settings upwards, where calve's own are.
        fs::create_dir_all(shop::folder("")).unwrap();
        fs::write(shop::folder("clippy.toml"), "").unwrap();
        let archive = shop::folder("archive");
        tree::write(&archive, &tree::read(&into));
        shop::repository(&archive);
        // All that later calls need offline.
        cargo(&archive, &["fetch", "--locked", "--quiet"]).ok();
        archive
    })
}

#[test]
fn what_is_generated_is_clean_and_passes_its_own_tests() {
    let archive = extracted();
    let clippy = ["clippy", "--offline", "--locked", "--workspace", "--all-targets"];
    cargo(archive, &[&clippy[..], &["--", "-D", "warnings"]].concat()).ok();
    cargo(archive, &["fmt", "--all", "--check"]).ok();
    for package in PACKAGES {
        let alone = cargo(archive, &["check", "--offline", "--locked", "-p", package]).ok();
        assert!(!alone.stderr.contains("warning"), "{}", alone.stderr);
    }
    assert_eq!(shop::calve(archive, &["check"]).ok().stdout, "");
    let mut own = vec!["test", "--offline", "--locked"];
    PACKAGES[..4].iter().for_each(|package| own.extend(["-p", package]));
    let ran = cargo(archive, &own).ok();
    for test in [
        "the_database_of_the_monolith_is_refused ... ok",
        "a_pool_without_a_free_connection_is_not_ready ... ok",
        "variants_and_texts_are_kept ... ok",
        "what_is_removed_leaves_a_trace ... ok",
    ] {
        assert!(ran.stdout.contains(test), "{test}?\n{}", ran.stdout);
    }
}

#[test]
fn the_monolith_s_own_tests_pass_through_the_service() {
    let calls_file = shop::folder("calls-of-the-archive.json");
    let runner = ["run", "--offline", "--locked", "--quiet", "-p", "scans-service"];
    let tests = ["--example", "monolith_tests", "--", "--calls-file", calls_file.to_str().unwrap()];
    let members = ["-p", "app", "-p", "retention", "-p", "documents", "--offline", "--locked"];
    let ran = cargo(extracted(), &[&runner[..], &tests, &members].concat()).ok();
    let expected = format!("{} passed, 0 failed, 0 ignored", tests_of_the_monolith());
    assert!(ran.stdout.contains(&expected), "{expected}?\n{}", ran.stdout);
    let calls = fs::read_to_string(&calls_file).unwrap();
    let calls: BTreeMap<String, u64> = serde_json::from_str(&calls).unwrap();
    for operation in OPERATIONS {
        assert!(calls.get(operation).is_some_and(|count| *count > 0), "{operation}: {calls:?}");
    }
}

/// How many tests the monolith has outside of the module.
fn tests_of_the_monolith() -> usize {
    let files = tree::read(&fixture());
    let sources = files.iter().filter(|(path, _)| {
        path.extension().is_some_and(|e| e == "rs") && !path.starts_with("modules/scans")
    });
    let is_test = |line: &&str| line.trim() == "#[test]";
    sources
        .map(|(_, bytes)| std::str::from_utf8(bytes).unwrap().lines().filter(is_test).count())
        .sum()
}

/// The runbook, on a database with a cascading child of the table whose foreign key goes.
#[test]
fn a_deployed_database_is_cut_over_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let database = folder.join("monolith.db");
    let original = shop::folder("archive-before");
    tree::write(&original, &tree::read(&fixture()));
    let before = binary(&original, "app", "archive", "archive-before");
    let after = binary(extracted(), "app", "archive", "archive-after");
    let service = binary(extracted(), "scans-service", "scans-service", "scans-service");

    let shell = |program: &Path, arguments: &[&str], url: &str| -> String {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).env_clear();
        command.env("ARCHIVE_DATABASE", &database).env("SCANS_URL", url).env("SCANS_TOKEN", TOKEN);
        run(&mut command, LIMIT).ok().stdout.trim().to_owned()
    };
    let old = |arguments: &[&str]| shell(&before, arguments, "");
    let document = old(&["file", "Deed", "--kind", "deed", "--received-on", "1950-01-01"]);
    let picture: Vec<u8> = (0..3_000_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    fs::write(folder.join("deed.tif"), &picture).unwrap();
    let scan = old(&["scan", &document, "deed.tif", "--note", "verso"]);
    let connection = Connection::open(&database).unwrap();
    connection
        .execute_batch(&format!(
            "INSERT INTO holds (scan, reason, placed_on) VALUES ('{scan}', 'case', '2024-02-29');
             INSERT INTO hold_remarks VALUES (1, 'appealed');
             INSERT INTO removals (scan) VALUES ('an old one');"
        ))
        .unwrap();
    assert_eq!(count(&connection, "pragma_foreign_key_list('holds')"), 1);
    drop(connection);

    // The service does not take the monolith's database for its own.
    let refused = run_service(&service, folder, "monolith.db", &["migrate"]);
    assert_eq!(refused.code(), 1);
    assert!(
        refused.stderr.contains("this looks like the monolith's database"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("scans_schema_history"), "{}", refused.stderr);

    run_service(&service, folder, "scans.db", &["migrate"]).ok();
    let runbook = fs::read_to_string(extracted().join("services/scans/CUTOVER.md")).unwrap();
    let (_, copy) = runbook.split_once("\n## 3.").unwrap();
    let (copy, _) = copy.split_once("\n## 4.").unwrap();
    let commands: Vec<&str> = copy.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let script = format!("{}\n", commands.join("\n")).replace("/data/scans.db", "scans.db");
    let copied = run(Command::new("sh").args(["-c", &script]).current_dir(folder), LIMIT).ok();
    assert_eq!(copied.stdout, "removals|1|1|0\nscans|1|1|0\n", "{}", copied.stderr);

    let (server, url) = serve(&service, folder);
    let new = |arguments: &[&str]| shell(&after, arguments, &url);
    assert!(new(&["list", &document]).ends_with("3000000 verso"));
    new(&["export", &scan, "copy.tif"]);
    assert!(fs::read(folder.join("copy.tif")).unwrap() == picture);
    let connection = Connection::open(&database).unwrap();
    assert_eq!(count(&connection, "pragma_foreign_key_list('holds')"), 0);
    assert_eq!(count(&connection, "holds"), 1);
    assert_eq!(count(&connection, "hold_remarks"), 1, "nothing cascaded");
    assert_eq!(count(&connection, "sqlite_master WHERE name = 'holds_by_scan'"), 1);
    assert_eq!(count(&connection, "retention_schema_history"), 3);
    drop(connection);
    // A second start applies nothing again; a new database goes through all migrations.
    assert_eq!(new(&["usage"]), "1 scans, 3000000 bytes");
    let fresh = folder.join("fresh.db");
    let mut command = Command::new(&after);
    command.args(["usage"]).env_clear().env("ARCHIVE_DATABASE", &fresh);
    command.env("SCANS_URL", &url).env("SCANS_TOKEN", TOKEN);
    run(&mut command, LIMIT).ok();

    // Step 6.
    let script = extracted().join("services/scans/drop_from_monolith.sql");
    let line = format!("sqlite3 -bail monolith.db < '{}'", script.display());
    let dropped = run(Command::new("sh").args(["-c", &line]).current_dir(folder), LIMIT).ok();
    assert_eq!((dropped.stdout.as_str(), dropped.stderr.as_str()), ("", ""));
    let connection = Connection::open(&database).unwrap();
    let gone = "sqlite_master WHERE name IN ('scans', 'removals', 'scans_schema_history')";
    assert_eq!(count(&connection, gone), 0);
    drop(connection);
    assert!(new(&["list", &document]).ends_with("3000000 verso"));
    assert_eq!(server.stop("TERM"), 0);
}

#[test]
fn the_extraction_is_taken_back_whole() {
    let temporary = tempfile::tempdir().unwrap();
    tree::write(temporary.path(), &tree::read(&fixture()));
    shop::repository(temporary.path());
    shop::calve(temporary.path(), &["extract", "scans", "--no-verify"]).ok();
    assert!(temporary.path().join("services/scans/src/database.rs").exists());
    shop::calve(temporary.path(), &["undo"]).ok();
    tree::assert_same(temporary.path(), &fixture());
}

fn count(connection: &Connection, of: &str) -> i64 {
    connection.query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap()
}

/// Runs the service's program to its end.
fn run_service(program: &Path, folder: &Path, database: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("SCANS_DATABASE_PATH", folder.join(database));
    run(&mut command, LIMIT)
}

/// A service on the database that was copied, and where it answers.
fn serve(program: &Path, folder: &Path) -> (Server, String) {
    let ready = folder.join(format!("ready-{}", unique()));
    let environment = [
        ("SCANS_LISTEN", "127.0.0.1:0"),
        ("SCANS_ADMIN_LISTEN", "127.0.0.1:0"),
        ("SCANS_DATABASE_PATH", "scans.db"),
        ("SCANS_MIGRATE_ON_START", "false"),
        ("SCANS_READY_FILE", ready.to_str().unwrap()),
        ("SCANS_TOKEN", TOKEN),
    ];
    let mut server = Server::start(program, &["serve"], folder, &environment);
    let addresses: Value = server.wait_for("the service is ready", |_| {
        fs::read_to_string(&ready).ok().map(|text| serde_json::from_str(&text).unwrap())
    });
    (server, format!("http://{}", addresses["listen"].as_str().unwrap()))
}
