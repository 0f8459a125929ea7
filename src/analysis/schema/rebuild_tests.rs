//! Runs generated migrations on populated databases and compares everything before and after.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, Result};

use super::super::{
    MigrationFolder, Schema, SchemaCrossing, copy_plan, crossings, drop_owned_tables,
};
use super::*;

const ITEMS: &str = "CREATE TABLE items (id INTEGER PRIMARY KEY, sku TEXT NOT NULL UNIQUE);";
/// The code of the file for the table that most people would have, comments left out.
const EXPECTED: &str = r#"PRAGMA foreign_keys = OFF;
PRAGMA legacy_alter_table = ON;
BEGIN IMMEDIATE;

CREATE TEMP TABLE rebuild_check (
    before INTEGER NOT NULL,
    after INTEGER,
    CONSTRAINT "rows would break a foreign key" CHECK (after <= before)
);
INSERT INTO temp.rebuild_check (before)
SELECT count(*) FROM (
    SELECT parent FROM pragma_foreign_key_check('order_lines')
) WHERE lower(parent) NOT IN ('items');

CREATE TABLE "new_orders" (
    id  INTEGER PRIMARY KEY AUTOINCREMENT,
    sku TEXT NOT NULL
);

INSERT OR ROLLBACK INTO "new_orders" ("id", "sku")
SELECT "id", "sku" FROM "orders";
DELETE FROM sqlite_sequence WHERE name = 'new_orders';
INSERT INTO sqlite_sequence (name, seq)
SELECT 'new_orders', seq FROM sqlite_sequence WHERE name = 'orders';

DROP TABLE "orders";
ALTER TABLE "new_orders" RENAME TO "orders";

CREATE INDEX orders_by_sku ON orders (sku);

UPDATE OR ROLLBACK temp.rebuild_check SET after = (
    SELECT count(*) FROM (
        SELECT parent FROM pragma_foreign_key_check('order_lines')
    ) WHERE lower(parent) NOT IN ('items')
);
DROP TABLE temp.rebuild_check;

COMMIT;
PRAGMA legacy_alter_table = OFF;
PRAGMA foreign_keys = ON;
"#;

const ITEM_ROWS: &str = "INSERT INTO items VALUES (1, 'a'), (2, 'b');";

fn folder(path: &str, sql: &str) -> MigrationFolder {
    MigrationFolder::parse(path, [("0001_init.sql".to_owned(), Arc::from(sql))]).unwrap()
}

fn schema(orders: &str) -> Schema {
    Schema::of(&[folder("items", ITEMS), folder("orders", orders)])
        .unwrap_or_else(|problems| panic!("{:#?}", problems.iter().collect::<Vec<_>>()))
}

/// Every row of every table (hidden row ids too), and every definition that is not a table's.
type State = (BTreeMap<String, Vec<Vec<Value>>>, BTreeMap<String, String>, Vec<String>);

fn state(database: &Connection) -> State {
    let mut rows = BTreeMap::new();
    let mut keys = Vec::new();
    for table in strings(
        database,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'",
    ) {
        let name = quote(&table);
        let hidden = table != "sqlite_sequence"
            && database.prepare(&format!("SELECT _rowid_, * FROM {name}")).is_ok();
        let query = format!("SELECT {} * FROM {name}", if hidden { "_rowid_," } else { "" });
        let mut statement = database.prepare(&query).unwrap();
        let width = statement.column_count();
        let read = |row: &rusqlite::Row<'_>| (0..width).map(|at| row.get(at)).collect();
        let mut all: Vec<Vec<Value>> =
            statement.query_map([], read).unwrap().collect::<Result<_>>().unwrap();
        all.sort_by_key(|row| format!("{row:?}"));
        rows.insert(table.clone(), all);
        let table = text(&table);
        let query = format!(
            "SELECT {table} || '(' || \"from\" || ') ' || \"table\" || ' ' || coalesce(\"to\", '') || on_delete || on_update \
             FROM pragma_foreign_key_list({table}) WHERE lower(\"table\") <> 'items'"
        );
        keys.extend(strings(database, &query));
    }
    keys.sort();
    let others = strings(
        database,
        "SELECT type || ' ' || name || char(10) || coalesce(sql, '') FROM sqlite_master WHERE type <> 'table'",
    );
    let split =
        |line: String| line.split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    (rows, others.into_iter().map(split).collect(), keys)
}

fn strings(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_>>().unwrap()
}

/// As sqlx does it for such a file: statement by statement, no transaction, foreign keys on.
fn run(database: &Connection, sql: &str) -> Result<()> {
    for span in crate::analysis::sql::statements(sql) {
        let mut statement = database.prepare(&sql[span])?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(())
}

fn populated(orders: &str, rows: &str) -> Connection {
    let database = Connection::open_in_memory().unwrap();
    database.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    database.execute_batch(&format!("{ITEMS}{ITEM_ROWS}{orders};{rows}")).unwrap();
    database
}

/// Rebuilds `table`, twice, and expects nothing but the foreign keys into `items` to change.
fn rebuild(orders: &str, rows: &str, table: &str) -> String {
    let schema = schema(orders);
    let sql = drop_foreign_keys(&schema, schema.table(table).unwrap(), &["items"], true);
    let database = populated(orders, rows);
    let before = state(&database);
    assert!(before.0.values().all(|rows| !rows.is_empty()), "populate every table: {orders}");
    for _ in 0..2 {
        run(&database, &sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        assert_eq!(state(&database), before, "{sql}");
        let table = text(table);
        let left = format!(
            "SELECT \"table\" FROM pragma_foreign_key_list({table}) WHERE lower(\"table\") = 'items'"
        );
        assert!(strings(&database, &left).is_empty(), "{sql}");
        let on: bool = database.query_row("PRAGMA foreign_keys", [], |row| row.get(0)).unwrap();
        assert!(on && database.is_autocommit());
        assert_eq!(strings(&database, "PRAGMA integrity_check"), ["ok"]);
    }
    database.execute_batch("DROP TABLE items").unwrap();
    sql
}

/// refinery runs a file, and what notes it in the history, in one transaction of its own.
#[test]
fn under_refinery_it_leaves_the_transaction_that_it_is_run_in() {
    let orders = "CREATE TABLE orders (id INTEGER PRIMARY KEY, sku TEXT REFERENCES items (sku)); \
                  CREATE TABLE order_lines (order_id INT REFERENCES orders ON DELETE CASCADE)";
    let rows = "INSERT INTO orders VALUES (7, 'a'); INSERT INTO order_lines VALUES (7)";
    let named = |path: &str, sql: &str| {
        MigrationFolder::parse(path, [("V1__init.sql".to_owned(), Arc::from(sql))]).unwrap()
    };
    let schema = Schema::of(&[named("items", ITEMS), named("orders", orders)]).ok().unwrap();
    let sql = drop_foreign_keys(&schema, schema.table("orders").unwrap(), &["items"], true);
    let mut database = populated(orders, rows);
    let before = state(&database);
    for _ in 0..2 {
        let transaction = database.transaction().unwrap();
        transaction.execute_batch(&sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        transaction.execute_batch("CREATE TABLE noted (n); DROP TABLE noted").unwrap();
        transaction.commit().unwrap();
        assert_eq!(state(&database), before, "{sql}");
        let left = "SELECT \"table\" FROM pragma_foreign_key_list('orders')";
        assert!(strings(&database, left).is_empty(), "{sql}");
        let on: bool = database.query_row("PRAGMA foreign_keys", [], |row| row.get(0)).unwrap();
        assert!(on && database.is_autocommit());
    }
}

#[test]
fn nothing_but_the_foreign_key_changes_whatever_the_table_looks_like() {
    let lines = "CREATE TABLE order_lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE, n INT)";
    for (orders, rows, table) in [
        // Children that cascade.
        (
            format!("CREATE TABLE orders (id INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES items (sku)); {lines}"),
            "INSERT INTO orders VALUES (7, 'a'), (9, 'b'); INSERT INTO order_lines VALUES (1, 7, 1), (2, 9, 1), (3, 9, 4)",
            "orders",
        ),
        // A counter ahead of the rows.
        (
            format!("CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, item INT CONSTRAINT x REFERENCES items ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED); {lines}"),
            "INSERT INTO orders VALUES (7, 1), (90, 2); DELETE FROM orders WHERE id = 90; INSERT INTO order_lines VALUES (1, 7, 1)",
            "orders",
        ),
        // Hidden row ids with gaps, a column called rowid, composite keys.
        (
            "CREATE TABLE o (rowid TEXT, item INT, PRIMARY KEY (rowid, item), CONSTRAINT \"a, (b\" FOREIGN KEY (item) REFERENCES items (id))".to_owned(),
            "INSERT INTO o (_rowid_, rowid, item) VALUES (5, 'x', 1), (3, 'y', 2), (700, 'z', 1)",
            "o",
        ),
        ("CREATE TABLE o (rowid, oid, _rowid_, item REFERENCES items)".to_owned(), "INSERT INTO o VALUES (1, 2, 3, 1)", "o"),
        ("CREATE TABLE o (k TEXT PRIMARY KEY, item INT REFERENCES items) WITHOUT ROWID, STRICT".to_owned(), "INSERT INTO o VALUES ('k', 1)", "o"),
        ("CREATE TABLE o (k INTEGER PRIMARY KEY DESC, item INT REFERENCES items)".to_owned(), "INSERT INTO o (_rowid_, k, item) VALUES (9, 4, 1)", "o"),
        // Generated columns, checks that name the table, comments and strings with commas and parentheses.
        (
            "CREATE TABLE \"My Orders\" (\n  a INT, -- first, (really)\n  b AS (a + 1) STORED, c AS (a * 2),\n  item INT DEFAULT 1 /* REFERENCES items */ REFERENCES [Items] (id) MATCH SIMPLE ON UPDATE CASCADE, -- gone\n  t TEXT DEFAULT 'REFERENCES items), (',\n  CHECK (\"My Orders\".a > 0)\n)".to_owned(),
            "INSERT INTO \"My Orders\" (a, item) VALUES (1, 1), (2, 2)",
            "My Orders",
        ),
        // A reference to itself, and one to a third table that stays.
        (
            "CREATE TABLE shops (id INTEGER PRIMARY KEY); CREATE TABLE o (id INTEGER PRIMARY KEY, parent INT REFERENCES O (id) ON DELETE CASCADE, item INT, shop INT REFERENCES shops, FOREIGN KEY (item) REFERENCES items (id) ON DELETE CASCADE, UNIQUE (item, shop))".to_owned(),
            "INSERT INTO shops VALUES (1), (2); INSERT INTO o VALUES (1, NULL, 1, 1), (2, 1, 2, 1), (3, 2, NULL, 2)",
            "o",
        ),
        // Indexes, triggers of its own, of other tables, and views that mention it.
        (
            "CREATE TABLE log (n INT); CREATE TABLE o (id INTEGER PRIMARY KEY, item INT REFERENCES items, t TEXT);
             CREATE UNIQUE INDEX o_t ON o (lower(t), item) -- partial;
             WHERE t <> ';'; CREATE TRIGGER o_in AFTER INSERT ON o BEGIN INSERT INTO log VALUES (new.id); END;
             CREATE TRIGGER log_del AFTER DELETE ON log BEGIN DELETE FROM o WHERE id = old.n; END;
             CREATE VIEW v AS SELECT o.t, log.n FROM o JOIN log ON log.n = o.id;
             CREATE TRIGGER v_in INSTEAD OF INSERT ON v BEGIN UPDATE o SET t = new.t; END".to_owned(),
            "INSERT INTO o VALUES (1, 1, 'x'), (2, 2, 'y')",
            "o",
        ),
        // A column added later, and the name that the rebuild would take.
        (
            "CREATE TABLE new_o (x); CREATE TABLE o (id INTEGER PRIMARY KEY); ALTER TABLE o ADD COLUMN item INT REFERENCES items ON DELETE RESTRICT; ALTER TABLE o ADD z DEFAULT 3".to_owned(),
            "INSERT INTO new_o VALUES (1); INSERT INTO o (id, item) VALUES (1, 2)",
            "o",
        ),
        // Renamed on the way; quotes within names.
        (
            "CREATE TABLE tmp (\"a\"\"b\" TEXT COLLATE NOCASE UNIQUE, `i` INT, FOREIGN KEY (i) REFERENCES items CHECK (i > 0)); ALTER TABLE tmp RENAME TO \"it's\"".to_owned(),
            "INSERT INTO \"it's\" VALUES ('q', 1), (NULL, 2)",
            "it's",
        ),
        // Two keys into it, line ends of Windows.
        (
            "CREATE TABLE o (\r\n  a INT REFERENCES items(id),\r\n  b TEXT,\r\n  FOREIGN KEY (b) REFERENCES items(sku), -- the item\r\n  FOREIGN KEY (a) REFERENCES ITEMS(id)\r\n)".to_owned(),
            "INSERT INTO o VALUES (1, 'b'), (2, NULL)",
            "o",
        ),
    ] {
        rebuild(&orders, rows, table);
    }
}

#[test]
fn the_file_reads_as_written_by_hand() {
    let sql = rebuild(
        "CREATE TABLE orders (\n    id  INTEGER PRIMARY KEY AUTOINCREMENT,\n    sku TEXT NOT NULL REFERENCES items (sku)\n);
         CREATE INDEX orders_by_sku ON orders (sku);
         CREATE TABLE order_lines (order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE)",
        "INSERT INTO orders VALUES (7, 'a'); INSERT INTO order_lines VALUES (7)",
        "orders",
    );
    let code: Vec<_> =
        sql.lines().filter(|line| !line.starts_with("-- ") && *line != "--").collect();
    assert!(sql.starts_with("-- no-transaction\n"));
    assert_eq!(code.join("\n") + "\n", EXPECTED);
}

#[test]
fn rows_that_are_broken_already_do_not_stop_it() {
    let orders =
        "CREATE TABLE o (id INTEGER PRIMARY KEY, item INT REFERENCES items, up INT REFERENCES o)";
    let schema = schema(orders);
    let database = populated(orders, "INSERT INTO o VALUES (1, 1, NULL)");
    database
        .execute_batch(
            "PRAGMA foreign_keys = OFF; INSERT INTO o VALUES (2, 99, 77); PRAGMA foreign_keys = ON",
        )
        .unwrap();
    let before = state(&database);
    run(&database, &drop_foreign_keys(&schema, schema.table("o").unwrap(), &["items"], true))
        .unwrap();
    assert_eq!(state(&database), before);
}

#[test]
fn a_failure_leaves_everything_as_it_was_and_no_transaction_open() {
    let orders =
        "CREATE TABLE o (id INTEGER PRIMARY KEY, item INT REFERENCES items, n INT CHECK (n > 0));
        CREATE TABLE lines (o INT REFERENCES o ON DELETE CASCADE)";
    let schema = schema(orders);
    let sql = drop_foreign_keys(&schema, schema.table("o").unwrap(), &["items"], true);
    let rows = "INSERT INTO o VALUES (1, 1, 1); INSERT INTO lines VALUES (1)";

    let database = populated(orders, rows);
    database
        .execute_batch("PRAGMA ignore_check_constraints = ON; INSERT INTO o VALUES (2, 1, -1); PRAGMA ignore_check_constraints = OFF")
        .unwrap();
    let before = state(&database);
    run(&database, &sql).unwrap_err();
    assert!(database.is_autocommit());
    assert_eq!(state(&database), before);

    // Somebody edits the file, and a row gets lost: the check at the end takes all of it back.
    let database = populated(orders, rows);
    let before = state(&database);
    run(&database, &sql.replace("FROM \"o\";", "FROM \"o\" WHERE 0;")).unwrap_err();
    assert!(database.is_autocommit());
    assert_eq!(state(&database), before);

    // A runner that opens a transaction of its own gets nothing done.
    database.execute_batch("BEGIN").unwrap();
    run(&database, &sql).unwrap_err();
    database.execute_batch("ROLLBACK").unwrap();
    assert_eq!(state(&database), before);
}

#[test]
fn the_migration_joins_its_folder_and_cleanup_waits_for_it() {
    let items = format!(
        "{ITEMS}{ITEM_ROWS} CREATE TABLE stock (item INT REFERENCES items ON DELETE CASCADE, n INT);
         CREATE TRIGGER stock_in AFTER INSERT ON stock BEGIN UPDATE items SET sku = sku; END;"
    );
    let orders = "CREATE TABLE orders (id INTEGER PRIMARY KEY, item INT REFERENCES items ON DELETE CASCADE);";
    let mut folders = [folder("orders", orders), folder("items", &items)];
    let schema = Schema::of(&folders).unwrap();
    let found = crossings(&schema, "items".into()).unwrap();
    assert!(matches!(&found[..], [SchemaCrossing::ForeignKeyIn { .. }]), "{found:#?}");
    let names: Vec<_> =
        copy_plan(&schema, "items".into()).tables.into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["items", "stock"]);

    let cleanup = drop_owned_tables(&schema, "items".into(), Some("items_migrations"));
    let database = Connection::open_in_memory().unwrap();
    database.execute_batch("PRAGMA foreign_keys = ON; CREATE TABLE items_migrations (x)").unwrap();
    database
        .execute_batch(&format!("{items}{orders} INSERT INTO orders VALUES (1, 1), (2, 2)"))
        .unwrap();
    run(&database, &cleanup).unwrap_err();
    assert_eq!(strings(&database, "SELECT sku FROM items"), ["a", "b"]);

    let sql =
        drop_foreign_keys(&schema, schema.table("orders").unwrap(), &["items", "stock"], true);
    run(&database, &sql).unwrap();
    let enforced = |sql: &str| {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch(&format!("PRAGMA foreign_keys = OFF; {items}{orders}")).unwrap();
        run(&database, sql).unwrap();
        database.query_row("PRAGMA foreign_keys", [], |row| row.get::<_, bool>(0)).unwrap()
    };
    assert!(enforced(&sql));
    let off =
        drop_foreign_keys(&schema, schema.table("orders").unwrap(), &["items", "stock"], false);
    assert!(!enforced(&off));
    run(&database, &cleanup).unwrap();
    assert_eq!(strings(&database, "SELECT name FROM sqlite_master"), ["orders"]);
    assert_eq!(strings(&database, "SELECT CAST(item AS TEXT) FROM orders"), ["1", "2"]);

    let mut file = folders[0].files[0].clone();
    (file.version, file.path, file.text) = (2, folders[0].next_path("drop"), sql.into());
    assert_eq!(file.path, "orders/0002_drop.sql");
    folders[0].files.push(file);
    let schema = Schema::of(&folders).unwrap();
    assert!(schema.table("orders").unwrap().foreign_keys.is_empty());
    assert_eq!(schema.table("orders").unwrap().folder, "orders");
    assert!(crossings(&schema, "items".into()).unwrap().is_empty());
    // A new database of the monolith, which never has the module's tables.
    assert!(Schema::of(&folders[..1]).is_ok());
}
