//! The monolith's own tests, each against a service process with a database file of its own, by the
//! runner that calve generates.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::cargo::{binary, cargo};
use crate::support::service::{Monolith, Service};
use crate::support::{OPERATIONS, shop, tree};

#[test]
fn all_are_green_and_every_operation_was_called() {
    all_green(shop::extracted());
}

/// Once more where each database of the monolith had the module's old tables, with rows, and lost them
/// by the script that calve wrote for that.
#[test]
fn all_are_green_without_the_old_tables() {
    let shop = shop::copy("without-old-tables");
    let orders = shop.join("modules/orders/migrations");
    let old = shop.join("modules/inventory/migrations");
    // Before all of the migrations of `orders`: the tables that a deployed database has.
    let mut before: Vec<_> =
        fs::read_dir(&old).unwrap().map(|entry| entry.unwrap().path()).collect();
    before.sort();
    let mut tables = String::new();
    for file in &before {
        tables.push_str(&fs::read_to_string(file).unwrap());
    }
    tables.push_str("CREATE TABLE _inventory_migrations (version BIGINT PRIMARY KEY);\n");
    tables.push_str(
        "INSERT INTO suppliers VALUES ('s', 'Kiln', 'https://kiln.example', 3, 'secret');
         INSERT INTO items VALUES ('OLD-01', 'Old', NULL, 1, 'EUR', 's', 0, '2025-01-01');
         INSERT INTO stock_movements (sku, kind, quantity, occurred_at)
         VALUES ('OLD-01', 'received', 5, '2025-01-01');
         INSERT INTO reservations VALUES ('r', 'o', 'held', '2025-01-01', '2025-01-02');
         INSERT INTO reservation_lines VALUES ('r', 'OLD-01', 2);\n",
    );
    fs::write(orders.join("20250101000000_old_tables.sql"), tables).unwrap();
    let drop = fs::read_to_string(shop.join("services/inventory/drop_from_monolith.sql")).unwrap();
    let drop = format!("-- no-transaction\n{drop}");
    fs::write(orders.join("20990101000000_drop_old_tables.sql"), drop).unwrap();

    // The tests delete their databases: one that stays shows that the script did its work in them.
    let program = binary(&shop, "app", "shop", "shop-without-old-tables");
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("shop.db");
    let service = Service::start(folder.path(), &[]);
    let monolith = Monolith::start(&program, &database, Some(&service));
    assert_eq!(monolith.server.stop("INT"), 0);
    let connection = rusqlite::Connection::open(&database).unwrap();
    let names = "SELECT group_concat(name, ' ') FROM (
                     SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '*[_]*'
                     ORDER BY name)";
    let left: String = connection.query_row(names, [], |row| row.get(0)).unwrap();
    assert_eq!(left, "orders outbox payments");

    all_green(&shop);
    tree::write(&shop, &tree::read(shop::extracted()));
}

/// Runs all tests of all members and looks at what was counted.
fn all_green(shop: &Path) {
    let calls_file = shop::folder("")
        .join(format!("calls-of-{}.json", shop.file_name().unwrap().to_str().unwrap()));
    let mut arguments = vec!["run", "--offline", "--locked", "--quiet", "-p", "inventory-service"];
    arguments.extend(["--example", "monolith_tests", "--", "--calls-file"]);
    arguments.push(calls_file.to_str().unwrap());
    for member in ["app", "inventory", "kernel", "notifications", "orders", "payments"] {
        arguments.extend(["-p", member]);
    }
    arguments.extend(["--offline", "--locked"]);
    let ran = cargo(shop, &arguments).ok();
    let expected = format!("{} passed, 0 failed, 0 ignored", tests_of_the_shop());
    assert!(ran.stdout.contains(&expected), "{expected}?\n{}", ran.stdout);

    let calls = fs::read_to_string(&calls_file).unwrap();
    let calls: BTreeMap<String, u64> = serde_json::from_str(&calls).unwrap();
    for operation in OPERATIONS {
        assert!(calls.get(operation).is_some_and(|count| *count > 0), "{operation}: {calls:?}");
    }
    assert_eq!(calls.len(), OPERATIONS.len(), "{calls:?}");
}

/// How many tests the shop has, before anything was done to it.
fn tests_of_the_shop() -> usize {
    let files = tree::read(&shop::fixture());
    let sources = files.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "rs"));
    let is_test = |line: &&str| matches!(line.trim(), "#[test]" | "#[tokio::test]");
    sources
        .map(|(_, bytes)| std::str::from_utf8(bytes).unwrap().lines().filter(is_test).count())
        .sum()
}
