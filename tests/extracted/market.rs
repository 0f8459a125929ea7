//! The market, whose modules share one history of migrations: its listings are taken out, what stands on
//! both sides is cut by name, and both sides are built and run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rusqlite::Connection;

use crate::support::cargo::{self, cargo};
use crate::support::http;
use crate::support::process::{LIMIT, Server, run};
use crate::support::shop::{calve, folder, repository};
use crate::support::tree;

/// What stands on both sides.
pub(crate) const CUTS: [&str; 3] =
    ["foreign-key:listings.seller_id", "view:seller_overview", "20250310160000_welcome.up.sql:2"];

/// The market as it is in the repository.
fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/market")
}

/// The extracted market, and what was said of it.
fn extracted() -> &'static (PathBuf, String) {
    static MARKET: OnceLock<(PathBuf, String)> = OnceLock::new();
    MARKET.get_or_init(|| {
        let temporary = tempfile::tempdir().unwrap();
        let into = temporary.path().join("market");
        let mut arguments = vec!["extract", "listings", "--verify", "db", "--dry-run"];
        arguments.extend(CUTS.iter().flat_map(|cut| ["--cut", cut]));
        let said = calve(&fixture(), &arguments).ok().stderr;
        let mut arguments = vec!["extract", "listings", "--no-verify"];
        arguments.extend(CUTS.iter().flat_map(|cut| ["--cut", cut]));
        arguments.extend(["--into", into.to_str().unwrap()]);
        calve(&fixture(), &arguments).ok();
        let market = folder("market");
        tree::write(&market, &tree::read(&into));
        repository(&market);
        cargo(&market, &["fetch", "--locked", "--quiet"]).ok();
        (market, said)
    })
}

/// Without the cuts nothing is written, and each refusal says what to type.
#[test]
fn what_stands_on_both_sides_is_refused_by_name() {
    let refused = calve(&fixture(), &["extract", "listings", "--dry-run"]);
    assert_eq!((refused.code(), refused.stdout.as_str()), (1, ""));
    for cut in CUTS {
        assert!(refused.stderr.contains(&format!("--cut {cut}")), "{cut}?\n{}", refused.stderr);
    }
    assert_eq!(refused.stderr.matches("error[").count(), CUTS.len(), "{}", refused.stderr);
}

/// Nothing of the history changes, and the two databases together are what the one was.
#[test]
fn the_history_stays_and_the_databases_are_accounted_for() {
    let (market, said) = extracted();
    for entry in fs::read_dir(fixture().join("migrations")).unwrap() {
        let file = entry.unwrap();
        let after = market.join("migrations").join(file.file_name());
        assert_eq!(fs::read(file.path()).unwrap(), fs::read(after).unwrap());
    }
    let line = |start: &str| {
        let found = said.lines().find(|line| line.trim_start().starts_with(start));
        found.unwrap_or_else(|| panic!("{start}?\n{said}")).split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(line("tables")[1..4], ["7", "7", "3"]);
    assert_eq!(line("views")[1..4], ["2", "1", "1"]);
    assert_eq!(line("foreign keys")[2..5], ["5", "3", "2"]);
    let checked = calve(market, &["check", "listings"]);
    assert_eq!(checked.code(), 0, "{}{}", checked.stdout, checked.stderr);
}

/// The service's tests, the module's on the service's migrations, and the monolith's through the stub.
#[test]
fn all_tests_are_green() {
    let (market, _) = extracted();
    let mut arguments = vec!["test", "--offline", "--locked"];
    for package in ["listings-service", "listings-client", "listings-wire", "listings"] {
        arguments.extend(["-p", package]);
    }
    cargo(market, &arguments).ok();
    let mut arguments = vec!["run", "--offline", "--locked", "--quiet", "-p", "listings-service"];
    arguments.extend(["--example", "monolith_tests", "--", "-p", "app", "--offline", "--locked"]);
    let ran = cargo(market, &arguments).ok();
    assert!(ran.stdout.contains("3 passed, 0 failed, 0 ignored"), "{}", ran.stdout);
}

/// A database that the monolith was deployed with goes on working, by the runbook, there and back.
#[test]
fn a_deployed_database_is_taken_over_and_given_back() {
    let (market, _) = extracted();
    let original = folder("market-original");
    tree::write(&original, &tree::read(&fixture()));
    repository(&original);
    let before = cargo::binary(&original, "app", "market", "market-before");
    let after = cargo::binary(market, "app", "market", "market-after");
    let service = cargo::binary(market, "listings-service", "listings-service", "listings-service");
    let temporary = tempfile::tempdir().unwrap();
    let database = temporary.path().join("monolith.db");

    open(&before, &database, &[]);
    Connection::open(&database)
        .unwrap()
        .execute_batch(
            "INSERT INTO sellers VALUES ('s', 'Ada', 'Ulm');
             INSERT INTO listings VALUES ('l', 's', 'craft', 'Basket; of two', 1900, 2, '2025-06-01');
             UPDATE listings SET price = 2100 WHERE id = 'l';
             INSERT INTO orders (id, buyer, listing_id, quantity, total, placed_at)
             VALUES ('o', 'Bo', 'l', 1, 2100, '2025-06-02');
             INSERT INTO order_events (order_id, what) VALUES ('o', 'placed');",
        )
        .unwrap();
    let tables = ["sellers", "listings", "categories", "listing_prices", "orders", "order_events"];
    let rows = counts(&database, &tables);
    assert_eq!(rows, [2, 3, 3, 4, 1, 1]);

    let url = format!("sqlite://{}?mode=rwc", temporary.path().join("listings.db").display());
    let mut migrate = Command::new(&service);
    migrate.arg("migrate").env_clear().env("LISTINGS_DATABASE_URL", &url);
    migrate.env("LISTINGS_TOKEN", "x");
    run(&mut migrate, LIMIT).ok();
    let compared = follow(market, temporary.path(), "## 3.");
    for (table, count) in [("listings", 3), ("Categories", 3), ("listing_prices", 4)] {
        assert!(compared.contains(&format!("{table}|{count}|{count}|0")), "{compared}");
    }

    let stub = [("LISTINGS_URL", "http://127.0.0.1:9"), ("LISTINGS_TOKEN", "x")];
    open(&after, &database, &stub);
    assert_eq!(counts(&database, &tables), rows, "the rebuilt tables keep their rows");
    let connection = Connection::open(&database).unwrap();
    connection
        .execute_batch("PRAGMA foreign_keys = ON; DELETE FROM sellers WHERE id = 's'")
        .unwrap();
    let held: i64 = connection
        .query_row("SELECT count(*) FROM listings WHERE id = 'l'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(held, 1, "a seller who goes takes no row of the old table along");
    connection.execute_batch("INSERT INTO sellers VALUES ('s', 'Ada', 'Ulm')").unwrap();
    let view = "SELECT count(*) FROM sqlite_master WHERE name = 'seller_overview'";
    let views = |database: &Path| -> i64 {
        Connection::open(database).unwrap().query_row(view, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(views(&database), 0);
    drop(connection);
    open(&after, &database, &stub);

    assert_eq!(follow(market, temporary.path(), "## Going back"), "");
    assert_eq!((counts(&database, &tables), views(&database)), (rows.clone(), 1));
    open(&before, &database, &[]);
    open(&after, &database, &stub);
    let script = market.join("services/listings/drop_from_monolith.sql");
    let line = format!("sqlite3 -bail monolith.db < '{}'", script.display());
    let dropped = run(Command::new("sh").args(["-c", &line]).current_dir(&temporary), LIMIT).ok();
    assert_eq!((dropped.stdout.as_str(), dropped.stderr.as_str()), ("", ""));
    open(&after, &database, &stub);
    assert_eq!(counts(&database, &["sellers", "orders", "order_events"]), [2, 1, 1]);
}

/// Starts the monolith on a database, and ends it in order.
#[track_caller]
fn open(program: &Path, database: &Path, more: &[(&str, &str)]) {
    let url = format!("sqlite://{}", database.display());
    let mut environment =
        vec![("DATABASE_URL", url.as_str()), ("LISTEN", "127.0.0.1:0"), ("NO_COLOR", "1")];
    environment.extend(more);
    let folder = database.parent().unwrap();
    let mut server = Server::start(program, &[], folder, &environment);
    let address = server.wait_for_address("the market is open");
    // Who says that it is open may not listen for signals yet; who answers does.
    assert_ne!(http::exchange(address, &http::request("GET", "/", &[], "")).status(), 0);
    assert_eq!(server.stop("INT"), 0);
}

/// Runs the `sqlite3` of a chapter of the runbook, in `folder`.
#[track_caller]
fn follow(market: &Path, folder: &Path, chapter: &str) -> String {
    let runbook = fs::read_to_string(market.join("services/listings/CUTOVER.md")).unwrap();
    let (_, rest) = runbook.split_once(chapter).unwrap();
    let chapter = rest.split("\n## ").next().unwrap();
    let lines = chapter.lines().filter_map(|line| line.strip_prefix("    "));
    let script: String = lines.map(|line| format!("{line}\n")).collect();
    let files = market.join("migrations/");
    let script = script.replace("/data/listings.db", "listings.db");
    let script = script.replace("< migrations/", &format!("< {}", files.display()));
    let ran = run(Command::new("sh").args(["-ec", &script]).current_dir(folder), LIMIT).ok();
    assert_eq!(ran.stderr, "", "{script}");
    ran.stdout
}

fn counts(database: &Path, tables: &[&str]) -> Vec<i64> {
    let connection = Connection::open(database).unwrap();
    let count = |table: &&str| {
        let query = format!("SELECT count(*) FROM {table}");
        connection.query_row(&query, [], |row| row.get(0)).unwrap()
    };
    tables.iter().map(count).collect()
}

/// What a person would look at first.
#[test]
fn a_plain_reading_of_the_set() {
    let (market, _) = extracted();
    let set = market.join("services/listings/migrations");
    let files: BTreeMap<String, String> = fs::read_dir(set)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    assert_eq!(files.len(), 10);
    let first = &files["20250110090000_sellers_and_listings.up.sql"];
    assert!(first.contains("    seller_id TEXT    NOT NULL, -- accounts'; see there\n"), "{first}");
    assert!(first.contains("DEFAULT ';'") && !first.contains("CREATE TABLE sellers"), "{first}");
}
