//! A database that the monolith was deployed with: it is cut over by following CUTOVER.md to the letter,
//! and nothing in it is lost.

use std::fs;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::json;

use crate::support::cargo::binary;
use crate::support::process::{LIMIT, run};
use crate::support::service::{Monolith, Service, program, url};
use crate::support::{http, shop};

const ANNA: &str = "7f1c0c5e-3f0b-4a57-9d0e-0d8a1f6d2b11";
const BERT: &str = "3c0e4f7a-64d0-4c39-9a52-5d2f1a9b7c22";
const SUPPLIER: &str = "b81c2f64-2a55-4f0e-8a39-1d6f0c7e9a33";

/// The tables of the monolith that stay.
const KEPT: [&str; 5] = ["orders", "order_lines", "order_events", "payments", "outbox"];

/// The tables that move.
const MOVED: [&str; 5] =
    ["suppliers", "items", "stock_movements", "reservations", "reservation_lines"];

#[test]
fn the_runbook_takes_a_deployed_database_over_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let database = folder.join("monolith.db");
    let before = binary(&shop::original(), "app", "shop", "shop-before");
    let after = binary(shop::extracted(), "app", "shop", "shop-after");

    let old = Monolith::start(&before, &database, None);
    let orders = populate(&old);
    assert_eq!(old.server.stop("INT"), 0);
    let kept = counts(&database, &KEPT);
    let moved = counts(&database, &MOVED);
    assert!(kept.iter().chain(&moved).all(|count| *count > 0), "{kept:?} {moved:?}");
    assert_eq!(foreign_keys_out(&database), ["order_lines.items", "orders.reservations"]);

    // Steps 1 to 3, as they are written.
    follow(folder, "## 1.");
    follow(folder, "## 2.");
    let compared = follow(folder, "## 3.");
    let lines: Vec<&str> = compared.lines().collect();
    assert_eq!(lines.len(), MOVED.len(), "foreign_key_check must print nothing:\n{compared}");
    for (table, count) in MOVED.iter().zip(&moved) {
        assert!(lines.contains(&format!("{table}|{count}|{count}|0").as_str()), "{compared}");
    }
    let inventory = folder.join("inventory.db");
    assert_eq!(counts(&inventory, &MOVED), moved);
    assert_eq!(sequence(&inventory), sequence(&database), "an id that was used is not used again");
    let backup = folder.join("monolith-before-cutover.db");
    assert_eq!(counts(&backup, &KEPT), kept);

    // Step 4.
    let switch = "export INVENTORY_TOKEN=$(openssl rand -hex 32)\ninventory-service serve\n";
    assert_eq!(commands("## 4."), switch);
    let service = Service::start(folder, &[]);
    let new = Monolith::start(&after, &database, Some(&service));
    assert_eq!(counts(&database, &KEPT), kept);
    assert_eq!(foreign_keys_out(&database), [""; 0]);
    works_on(&new, &orders);
    assert_eq!(counts(&database, &MOVED), moved, "step 5: nothing is written to the old tables");
    assert!(service.calls("reserve") > 0 && service.calls("commit") > 0);
    assert_eq!(new.server.stop("INT"), 0);
    cascades(&database, &orders.paid);

    goes_back(&before, &after, &database, &inventory);

    // Step 6, and a second start: no applied migration is refused.
    let script = shop::extracted().join("services/inventory/drop_from_monolith.sql");
    let mut sqlite = Command::new("sh");
    let line = format!("sqlite3 -bail monolith.db < '{}'", script.display());
    let dropped = run(sqlite.args(["-c", &line]).current_dir(folder), LIMIT).ok();
    assert_eq!((dropped.stdout.as_str(), dropped.stderr.as_str()), ("", ""));
    let kept = counts(&database, &KEPT);
    let connection = Connection::open(&database).unwrap();
    for table in MOVED.iter().chain(&["_inventory_migrations"]) {
        let found: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_master WHERE tbl_name = ?", [table], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(found, 0, "{table}");
    }
    drop(connection);
    let again = Monolith::start(&after, &database, Some(&service));
    assert_eq!(counts(&database, &KEPT), kept);
    let order = again.order(BERT, &[("TEA-01", 1)]);
    again.send(
        "POST",
        &format!("/orders/{order}/payment"),
        &json!({ "card_token": "tok_visa" }),
        200,
    );
    let forgotten = again.send("DELETE", &format!("/customers/{BERT}/orders"), &json!({}), 200);
    assert!(forgotten["orders"].as_u64().unwrap() >= 2, "{forgotten}");
}

/// The script that drops the tables refuses a database whose foreign keys still point at them.
#[test]
fn the_old_tables_are_not_dropped_while_something_refers_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let database = folder.join("monolith.db");
    let before = binary(&shop::original(), "app", "shop", "shop-before");
    let old = Monolith::start(&before, &database, None);
    populate(&old);
    assert_eq!(old.server.stop("INT"), 0);
    let untouched = dump(&database);
    let script = shop::extracted().join("services/inventory/drop_from_monolith.sql");
    let line = format!("sqlite3 -bail monolith.db < '{}'", script.display());
    let refused = run(Command::new("sh").args(["-c", &line]).current_dir(folder), LIMIT);
    assert_ne!(refused.code(), 0);
    assert!(
        refused.stderr.contains("foreign keys still point at these tables"),
        "{}",
        refused.stderr
    );
    assert_eq!(dump(&database), untouched);
}

/// What a populated shop has that the tests come back to.
struct Orders {
    paid: String,
    open: String,
}

/// Sells something to two customers, in every state that an order can be in.
fn populate(shop: &Monolith) -> Orders {
    let supplier = json!({
        "id": SUPPLIER, "name": "Kiln & Co", "order_url": "https://kiln.example/orders",
        "lead_time_days": 4, "api_token": "s3cret",
    });
    shop.send("POST", "/suppliers", &supplier, 201);
    for (sku, name, price) in [("MUG-01", "Blue mug", 1250), ("TEA-01", "Green tea, 100 %", 400)] {
        let item = json!({
            "sku": sku, "name": name, "category": "kitchen", "price_minor": price,
            "currency": "EUR", "supplier": SUPPLIER,
        });
        shop.send("POST", "/items", &item, 201);
        for _ in 0..2 {
            shop.send("POST", &format!("/items/{sku}/receipts"), &json!({ "quantity": 30 }), 200);
        }
    }
    let pay = |order: &str| {
        let path = format!("/orders/{order}/payment");
        shop.send("POST", &path, &json!({ "card_token": "tok_visa" }), 200);
    };
    let paid = shop.order(ANNA, &[("MUG-01", 2), ("TEA-01", 5)]);
    pay(&paid);
    let cancelled = shop.order(ANNA, &[("TEA-01", 1)]);
    shop.send("POST", &format!("/orders/{cancelled}/cancellation"), &json!({}), 200);
    let open = shop.order(ANNA, &[("MUG-01", 3), ("TEA-01", 1)]);
    pay(&shop.order(BERT, &[("MUG-01", 1)]));
    Orders { paid, open }
}

/// Old orders are read, paid for and forgotten; new ones are placed.
fn works_on(shop: &Monolith, orders: &Orders) {
    let paid = shop.get(&format!("/orders/{}", orders.paid));
    assert_eq!((&paid["status"], &paid["total"]["minor"]), (&json!("paid"), &json!(4500)));
    assert_eq!(shop.get("/stock?skus=MUG-01,TEA-01"), json!({ "MUG-01": 54, "TEA-01": 54 }));
    // A reservation that the old build made, committed by the service.
    let path = format!("/orders/{}/payment", orders.open);
    shop.send("POST", &path, &json!({ "card_token": "tok_visa" }), 200);
    let history = shop.get(&format!("/orders/{}/history", orders.open));
    assert_eq!(
        history.as_array().unwrap().len(),
        2,
        "the rebuilt table has its triggers: {history}"
    );
    let placed = shop.order(BERT, &[("MUG-01", 4)]);
    let history = shop.get(&format!("/orders/{placed}/history"));
    assert_eq!(history[0]["status"], "placed");
    assert_eq!(shop.get("/stock?skus=MUG-01"), json!({ "MUG-01": 50 }));
    let refused = json!({ "customer": ANNA, "lines": [{ "sku": "MUG-01", "quantity": 51 }] });
    let refused = shop.send("POST", "/orders", &refused, 409);
    assert_eq!(refused["error"], "out_of_stock");
    let supplier = shop.get(&format!("/suppliers/{SUPPLIER}"));
    assert_eq!(supplier["name"], "Kiln & Co");
}

/// The way back to the old build, which refuses the database until the runbook was followed; and forward
/// once more. In copies of both databases.
fn goes_back(before: &Path, after: &Path, database: &Path, inventory: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for original in [database, inventory] {
        let copy = folder.join(original.file_name().unwrap());
        let connection = Connection::open(original).unwrap();
        connection.execute("VACUUM INTO ?", [copy.to_str().unwrap()]).unwrap();
    }
    let (database, inventory) = (folder.join("monolith.db"), folder.join("inventory.db"));
    let mut old = Command::new(before);
    old.env_clear().env("DATABASE_URL", format!("sqlite://{}", database.display()));
    let refused = run(old.env("LISTEN", "127.0.0.1:0"), LIMIT);
    assert_eq!(refused.code(), 1);
    assert!(refused.stderr.contains("previously applied but is missing"), "{}", refused.stderr);

    let kept = counts(&database, &KEPT);
    assert_eq!(follow(folder, "## Going back"), "", "foreign_key_check must print nothing");
    assert_eq!(counts(&database, &KEPT), kept);
    assert_eq!(counts(&database, &MOVED), counts(&inventory, &MOVED));
    assert_eq!(sequence(&database), sequence(&inventory));
    let old = Monolith::start(before, &database, None);
    assert_eq!(old.get("/stock?skus=MUG-01"), json!({ "MUG-01": 50 }), "as the service left it");
    let order = old.order(ANNA, &[("MUG-01", 1)]);
    let path = format!("/orders/{order}/payment");
    old.send("POST", &path, &json!({ "card_token": "tok_visa" }), 200);
    assert_eq!(old.server.stop("INT"), 0);

    let service = Service::start(folder, &[]);
    let kept = counts(&database, &KEPT);
    let new = Monolith::start(after, &database, Some(&service));
    assert_eq!(counts(&database, &KEPT), kept);
    assert_eq!(new.get(&format!("/orders/{order}"))["status"], "paid");
}

/// A deleted order takes its lines and events along, and no others, in a copy of the database.
fn cascades(database: &Path, order: &str) {
    let copy = database.with_extension("cascade");
    let connection = Connection::open(database).unwrap();
    connection.execute("VACUUM INTO ?", [copy.to_str().unwrap()]).unwrap();
    let before = counts(&copy, &KEPT);
    let connection = Connection::open(&copy).unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    assert_eq!(connection.execute("DELETE FROM orders WHERE id = ?", [order]).unwrap(), 1);
    let after = counts(&copy, &KEPT);
    let gone: Vec<i64> = before.iter().zip(&after).map(|(before, after)| before - after).collect();
    assert_eq!(gone, [1, 2, 2, 0, 0], "orders, their lines, their events: {KEPT:?}");
}

/// Runs the commands of a step of the runbook, where the tests keep their files.
#[track_caller]
fn follow(folder: &Path, step: &str) -> String {
    let script = commands(step).replace("/data/", &format!("{}/", folder.display()));
    // Variables of one step are used by the next ones, as in a terminal.
    let earlier = commands("## 1.").lines().next().unwrap().to_owned();
    let earlier = earlier.replace("/data/", &format!("{}/", folder.display()));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program().parent().unwrap().display());
    let mut shell = Command::new("bash");
    shell.args(["-euc", &format!("{earlier}\n{script}")]).current_dir(folder).env("PATH", path);
    run(&mut shell, LIMIT).ok().stdout
}

/// The commands of a step: the lines of its section that are indented as code.
#[track_caller]
fn commands(step: &str) -> String {
    let path = shop::extracted().join("services/inventory/CUTOVER.md");
    let runbook = fs::read_to_string(path).unwrap();
    let (_, section) = runbook.split_once(&format!("\n{step}")).expect(step);
    let section = section.split("\n## ").next().unwrap();
    let code = section.lines().filter_map(|line| line.strip_prefix("    "));
    let code: String = code.flat_map(|line| [line, "\n"]).collect();
    assert_ne!(code, "", "{step}");
    code
}

fn counts(database: &Path, tables: &[&str]) -> Vec<i64> {
    let connection = Connection::open(database).unwrap();
    let count = |table: &&str| {
        let count = format!("SELECT count(*) FROM {table}");
        connection.query_row(&count, [], |row| row.get(0)).unwrap()
    };
    tables.iter().map(count).collect()
}

/// Foreign keys from tables that stay to tables that move, as `from.to`.
fn foreign_keys_out(database: &Path) -> Vec<String> {
    let connection = Connection::open(database).unwrap();
    let broken: i64 = connection
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(broken, 0);
    let mut all = connection
        .prepare(
            "SELECT m.name, f.\"table\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f
             WHERE m.type = 'table' ORDER BY 1, 2",
        )
        .unwrap();
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let rows = rows.map(Result::unwrap).filter(|(from, to): &(String, String)| {
        KEPT.contains(&from.as_str()) && MOVED.contains(&to.as_str())
    });
    rows.map(|(from, to)| format!("{from}.{to}")).collect()
}

/// The last id that `stock_movements` gave.
fn sequence(database: &Path) -> i64 {
    let last = "SELECT seq FROM sqlite_sequence WHERE name = 'stock_movements'";
    Connection::open(database).unwrap().query_row(last, [], |row| row.get(0)).unwrap()
}

/// The whole content of a database as SQL.
fn dump(database: &Path) -> String {
    run(Command::new("sqlite3").arg(database).arg(".dump"), LIMIT).ok().stdout
}

/// A service that is given its own database back goes on with it.
#[test]
fn a_service_starts_again_on_its_own_database() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &[]);
    let item = json!({ "item": {
        "sku": "MUG-01", "name": "Mug", "category": null, "price_minor": 1, "currency": "EUR",
        "supplier": null,
    } });
    service.call("register_item", &item);
    assert_eq!(service.server.stop("TERM"), 0);
    let database = url(&folder.path().join("inventory.db"));
    let environment =
        [("INVENTORY_MIGRATE_ON_START", "false"), ("INVENTORY_DATABASE_URL", database.as_str())];
    let service = Service::start(folder.path(), &environment);
    let found = service.call("find_item", &json!({ "sku": "MUG-01" }));
    assert_eq!(found["name"], "Mug");
    let twice = http::exchange(service.address, &http::call("register_item", &item));
    let problem = twice.problem(422, "already_exists");
    assert_eq!(problem["error"], json!({ "already_exists": "MUG-01" }));
}
