//! The depot as most monoliths are: one history of migrations for all modules, on PostgreSQL. It is divided,
//! a server says that the parts make what the whole did, and the service works on its part.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::cargo::{clean, exclusively};
use crate::support::postgres::Cluster;
use crate::support::process::{Ended, LIMIT, is_missing, run};
use crate::support::{shop, tree};

const BINS: &str = "modules/bins/src/storage.rs";
const MOVES: &str = "modules/moves/src/lib.rs";
/// Without it nobody's code names the notes, and a foreign key ties them to the bins.
const NOTES: &str = "
/// What was noted of a bin.
pub const NOTES: &str = \"SELECT body FROM notes WHERE about = $1\";
";

#[test]
fn the_parts_make_what_the_whole_did_and_the_service_works_on_its_own() {
    if is_missing("psql") {
        return;
    }
    let depot = depot("depot-shared", &BTreeMap::new());
    let cluster = Cluster::start();
    let server = cluster.url("postgres");
    let said = extract(&depot, &server, &["--verify", "db", "--dry-run"]).ok().stderr;
    let line = |start: &str| {
        let found = said.lines().find(|line| line.trim_start().starts_with(start));
        found.unwrap_or_else(|| panic!("{start}?\n{said}")).split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(line("tables")[1..4], ["4", "4", "2"]);
    assert_eq!(line("foreign keys")[2..5], ["3", "1", "1"]);
    assert_eq!(line("functions")[1..4], ["2", "2", "2"], "both sides touch their rows");
    assert_eq!(line("views")[1..4], ["1", "1", "1"]);
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'calve_%'";
    assert_eq!(cluster.ask("postgres", left), "0", "every database is dropped");

    let temporary = tempfile::tempdir().unwrap();
    let into = temporary.path().join("depot");
    extract(&depot, &server, &["--no-verify", "--into", into.to_str().unwrap()]).ok();
    for file in fs::read_dir(depot.join("migrations")).unwrap() {
        let file = file.unwrap();
        let after = into.join("migrations").join(file.file_name());
        assert_eq!(fs::read(file.path()).unwrap(), fs::read(after).unwrap());
    }
    let extracted = shop::folder("depot-shared-extracted");
    tree::write(&extracted, &tree::read(&into));
    shop::repository(&extracted);
    let mut test = Command::new("cargo");
    test.args(["test", "--offline", "--locked", "-p", "bins-service", "--", "--include-ignored"]);
    in_depot(&extracted, test, &server).ok();
    let mut runner = Command::new("cargo");
    runner.args(["run", "--offline", "--locked", "--quiet", "-p", "bins-service"]);
    runner.args(["--example", "monolith_tests", "--", "-p", "app", "--offline", "--locked"]);
    let ran = in_depot(&extracted, runner, &server).ok();
    assert!(ran.stdout.contains("3 passed, 0 failed, 0 ignored"), "{}", ran.stdout);
}

/// What no reading of statements sees: rows that a foreign key took with others, before it was cut.
#[test]
fn a_part_that_makes_something_else_is_refused() {
    if is_missing("psql") {
        return;
    }
    let halls = "CREATE TABLE halls (id int PRIMARY KEY);
ALTER TABLE bins ADD COLUMN hall int REFERENCES halls ON DELETE CASCADE;
INSERT INTO halls VALUES (1);
INSERT INTO bins (code, kind, room, hall) VALUES ('A-01', 'dry', 3, 1);
DELETE FROM halls;
CREATE ROLE hall_keeper;
";
    let back = "CREATE ROLE hall_closer;
ALTER TABLE bins DROP COLUMN hall;
DROP TABLE halls;
";
    let more = BTreeMap::from([
        ("migrations/20250501080000_halls.up.sql", halls),
        ("migrations/20250501080000_halls.down.sql", back),
    ]);
    let depot = depot("depot-halls", &more);
    let moves = fs::read_to_string(depot.join(MOVES)).unwrap();
    let count = moves.replace("SELECT count(*) FROM moves", "SELECT count(*) FROM moves, halls");
    fs::write(depot.join(MOVES), count).unwrap();
    shop::repository(&depot);
    let cluster = Cluster::start();
    let server = cluster.url("postgres");
    let key = "foreign-key:bins.hall";
    let roles = ["20250501080000_halls.up.sql:6", "20250501080000_halls.down.sql:1"];
    let cut = ["--cut", key, "--cut", roles[0], "--cut", roles[1], "--verify", "db"];
    let before = tree::read(&depot);
    let refused = extract(&depot, &server, &cut);
    assert_eq!(refused.code(), 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("error[databases-differ]"), "{}", refused.stderr);
    let rows = "the service has 1 rows of `bins`, and there were 0";
    assert!(refused.stderr.contains(rows), "{}", refused.stderr);
    assert_eq!(tree::read(&depot), before, "nothing was written");
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'calve_%'";
    assert_eq!(cluster.ask("postgres", left), "0", "every database is dropped");
    let roles = "SELECT count(*) FROM pg_roles WHERE rolname IN ('hall_keeper', 'hall_closer')";
    assert_eq!(cluster.ask("postgres", roles), "0", "their roles are dropped, too");

    // A migration that does not run is shown at its line, and leaves nothing behind either.
    let broken = depot.join("migrations/20250501080000_halls.up.sql");
    fs::write(&broken, halls.replace("VALUES (1)", "VALUES ('one')")).unwrap();
    shop::repository(&depot);
    let refused = extract(&depot, &server, &cut);
    assert!(refused.stderr.contains("error[migration-rejected]"), "{}", refused.stderr);
    assert!(refused.stderr.contains("20250501080000_halls.up.sql:3:1"), "{}", refused.stderr);
    assert_eq!(cluster.ask("postgres", left), "0", "every database is dropped");
    assert_eq!(cluster.ask("postgres", roles), "0", "their roles are dropped, too");
}

/// The depot with one history for all, each file forward and back, and more files.
fn depot(name: &str, more: &BTreeMap<&str, &str>) -> PathBuf {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/depot");
    let mut files = tree::read(&fixture);
    let mut take = |path: &str| String::from_utf8(files.remove(Path::new(path)).unwrap()).unwrap();
    let bins = take("modules/bins/migrations/20250203080000_bins.sql");
    let levels = take("modules/bins/migrations/20250310100000_levels.sql");
    let moves = take("modules/moves/migrations/20250204090000_moves.sql");
    let notes = take("modules/moves/migrations/20250401120000_notes.sql");
    let both = "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.touched_at = now();
    RETURN NEW;
END
$$;
ALTER TABLE moves ADD COLUMN touched_at timestamptz;
ALTER TABLE bins ADD COLUMN touched_at timestamptz;
CREATE TRIGGER touch BEFORE UPDATE ON moves FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch BEFORE UPDATE ON bins FOR EACH ROW EXECUTE FUNCTION touch();
";
    let history = [
        ("20250203080000_first.up.sql", format!("{bins}\n{moves}")),
        (
            "20250203080000_first.down.sql",
            "DROP TABLE moves, bins;\nDROP SEQUENCE bin_labels;\nDROP TYPE bin_kind;\n".into(),
        ),
        ("20250310100000_more.up.sql", format!("{levels}\n{notes}\n{both}")),
        (
            "20250310100000_more.down.sql",
            "DROP VIEW bin_levels;\nDROP TABLE notes, bin_changes;\n".into(),
        ),
    ];
    let compose = take("app/src/compose.rs");
    let code = take(BINS);
    let other = take(MOVES);
    let library = take("modules/bins/src/lib.rs");
    let (start, rest) = compose.split_once("    bins::migrate").unwrap();
    let (_, rest) = rest.split_once("    let bins: Arc").unwrap();
    let run =
        "    sqlx::migrate!(\"../migrations\").run(&pool).await.context(\"cannot migrate\")?;\n";
    let edited = [
        ("app/src/compose.rs", format!("{start}{run}    let bins: Arc{rest}")),
        (BINS, without_migrator(&code)),
        (MOVES, without_migrator(&other) + NOTES),
        ("modules/bins/src/lib.rs", library.replace("{PgBins, migrate}", "PgBins")),
    ];
    for (path, text) in edited {
        files.insert(path.into(), text.into_bytes());
    }
    for (name, text) in history {
        files.insert(Path::new("migrations").join(name), text.into_bytes());
    }
    for (path, text) in more {
        files.insert(path.into(), text.as_bytes().to_vec());
    }
    let depot = shop::folder(name);
    tree::write(&depot, &files);
    shop::repository(&depot);
    depot
}

/// A module's code without what brought its own tables up to date.
fn without_migrator(code: &str) -> String {
    let (start, rest) = code.split_once("/// Brings the module's tables up to date.").unwrap();
    let (_, rest) = rest.split_once("    migrator\n}\n\n").unwrap();
    start.replace("use sqlx::migrate::{MigrateError, Migrator};\n", "") + rest
}

/// Takes the bins out.
#[track_caller]
fn extract(depot: &Path, server: &str, arguments: &[&str]) -> Ended {
    let mut calve = Command::new(env!("CARGO_BIN_EXE_calve"));
    calve.current_dir(depot).args(["extract", "bins"]).args(arguments);
    run(clean(&mut calve).env("BINS_TEST_SERVER_URL", server), LIMIT)
}

/// Runs a command that builds, where the tests find a server.
#[track_caller]
fn in_depot(depot: &Path, command: Command, server: &str) -> Ended {
    let mut shell = Command::new("env");
    shell.current_dir(depot);
    shell.arg(format!("BINS_TEST_SERVER_URL={server}")).arg(format!("DATABASE_URL={server}"));
    shell.arg(command.get_program()).args(command.get_args());
    exclusively(&mut shell)
}
