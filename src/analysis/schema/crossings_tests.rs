//! What crosses, where it is found, and what is refused.

use std::sync::Arc;

use super::super::MigrationFolder;
use super::*;

fn folder(path: &str, files: &[(&str, &str)]) -> MigrationFolder {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), Arc::from(*text)));
    MigrationFolder::parse(path, files).unwrap()
}

fn text(folders: &[MigrationFolder], place: &Place) -> String {
    let mut files = folders.iter().flat_map(|folder| &folder.files);
    let file = files.find(|file| file.path == place.file).unwrap();
    file.text[place.span.clone()].to_owned()
}

/// Each crossing as `code: the text it points at`.
fn found(items: &str, orders: &str) -> Vec<String> {
    let folders =
        [folder("items", &[("1_i.sql", items)]), folder("orders", &[("2_o.sql", orders)])];
    let schema = Schema::of(&folders)
        .unwrap_or_else(|problems| panic!("{:#?}", problems.iter().collect::<Vec<_>>()));
    let line = |crossing: SchemaCrossing| match crossing.refusal() {
        Some(problem) => {
            let label = &problem.labels[0];
            let place = Place { file: label.file.clone(), span: label.span.clone() };
            format!("{}: {}", problem.code, text(&folders, &place))
        }
        None => format!("dropped: {}", text(&folders, crossing.place().unwrap())),
    };
    crossings(&schema, "items".into()).unwrap().into_iter().map(line).collect()
}

const ITEMS: &str = "CREATE TABLE items (id INTEGER PRIMARY KEY, n INT);";

#[test]
fn foreign_keys_are_found_at_their_clause() {
    let orders =
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, a INT REFERENCES Items (id) NOT NULL);
        CREATE TABLE new_x (a INT, b INT, CONSTRAINT c FOREIGN KEY (b) REFERENCES \"items\" (id));
        ALTER TABLE new_x RENAME TO x; ALTER TABLE x ADD COLUMN d INT REFERENCES items";
    assert_eq!(
        found(ITEMS, orders),
        [
            "dropped: REFERENCES Items (id)",
            "dropped: REFERENCES items",
            "dropped: CONSTRAINT c FOREIGN KEY (b) REFERENCES \"items\" (id)",
        ]
    );
    let items = format!("{ITEMS} CREATE TABLE holds (o INT REFERENCES orders ON DELETE CASCADE)");
    let orders = "CREATE TABLE orders (id INTEGER PRIMARY KEY)";
    assert_eq!(found(&items, orders), ["foreign-key-out: REFERENCES orders ON DELETE CASCADE"]);
}

#[test]
fn bodies_are_read_by_sqlite_not_as_text() {
    // A column, an alias and a string called `items` are no crossing; a table behind a view is.
    let orders = "CREATE TABLE orders (id INTEGER PRIMARY KEY, items INT);
        CREATE VIEW fine AS WITH items AS (SELECT items FROM orders) SELECT items, 'items' FROM items;
        CREATE TRIGGER also_fine AFTER INSERT ON orders BEGIN UPDATE orders SET items = 1; END;
        CREATE VIEW counted AS SELECT (SELECT count(*) FROM items);
        CREATE TRIGGER books AFTER UPDATE OF items ON orders WHEN new.items > 0
            BEGIN UPDATE \"ITEMS\" SET n = n - 1; END;
        CREATE TRIGGER through INSTEAD OF DELETE ON fine BEGIN DELETE FROM items; END;";
    let found = found(ITEMS, orders);
    let starts: Vec<_> = found.iter().map(|line| &line[..line.len().min(38)]).collect();
    assert_eq!(
        starts,
        [
            "trigger-crosses: CREATE TRIGGER books ",
            "trigger-crosses: CREATE TRIGGER throug",
            "view-crosses: CREATE VIEW counted AS S",
        ]
    );
}

#[test]
fn migrations_that_do_not_stand_alone_are_all_found() {
    let orders = "CREATE TABLE orders (id INTEGER PRIMARY KEY);
        CREATE INDEX i ON items (n);
        ALTER TABLE items ADD COLUMN x INT;
        INSERT INTO items (id) VALUES (1);
        CREATE TABLE IF NOT EXISTS Items (id);
        DROP TABLE IF EXISTS gone;";
    let found = found(ITEMS, orders);
    assert_eq!(
        found,
        [
            // The module's table, which alone lacks the column.
            "migration-crosses: ALTER TABLE items ADD COLUMN x INT",
            "migration-crosses: CREATE INDEX i ON items (n)",
            "migration-crosses: ALTER TABLE items ADD COLUMN x INT",
            "migration-crosses: INSERT INTO items (id) VALUES (1)",
            "migration-crosses: CREATE TABLE IF NOT EXISTS Items (id)",
        ]
    );
}

#[test]
fn rejected_migrations_point_at_the_token() {
    let text = "CREATE TABLE t (a);\nINSERT INTO t VALUES (uuid_of(1));";
    let problems = Schema::of(&[folder("m", &[("1_x.sql", text)])]).unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!(&text[problem.labels[0].span.clone()], "uuid_of");
    assert!(problem.notes[0].contains("`uuid_of`"));

    for (text, at) in [
        ("CREATE TABL t (a)", "TABL"),
        ("ATTACH '/tmp/x.db' AS x", "ATTACH '/tmp/x.db' AS x"),
        ("ATTACH '/tmp/' || 'x.db' AS x", "ATTACH '/tmp/' || 'x.db' AS x"),
        ("CREATE VIRTUAL TABLE v USING vec0 (a)", "CREATE VIRTUAL TABLE v USING vec0 (a)"),
    ] {
        let problems = Schema::of(&[folder("m", &[("1_x.sql", text)])]).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!(&text[problem.labels[0].span.clone()], at);
        assert_eq!(problem.notes.len(), usize::from(!text.contains("TABL t")));
    }
    assert!(Schema::of(&[folder("m", &[("1_x.sql", "-- no-transaction\nVACUUM;")])]).is_ok());
}

#[test]
fn the_order_is_one_that_works() {
    let seeds = "CREATE TABLE o (i INT REFERENCES items); INSERT INTO o VALUES (1);";
    let half = "-- no-transaction\nCREATE TABLE p (a); INSERT INTO p SELECT id FROM items;";
    let folders = [
        folder("orders", &[("1_o.sql", seeds), ("1_o.down.sql", "nonsense")]),
        folder("prices", &[("1_p.up.sql", half), ("1_p.down.sql", "DROP TABLE p")]),
        folder("items", &[("7_i.sql", ITEMS), ("8_i.sql", "INSERT INTO items VALUES (1, 1);")]),
    ];
    let schema = Schema::of(&folders).unwrap();
    let order: Vec<_> = schema.order.iter().map(|path| path.as_str()).collect();
    assert_eq!(order, ["items/7_i.sql", "prices/1_p.up.sql", "items/8_i.sql", "orders/1_o.sql"]);
    assert_eq!(schema.owner("P"), Some("prices".into()));
}
