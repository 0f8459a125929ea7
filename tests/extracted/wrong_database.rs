//! Pointed at the monolith's database by mistake, the service does not start and changes nothing.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::support::cargo::binary;
use crate::support::http::TOKEN;
use crate::support::service::{Monolith, run_program, url};
use crate::support::shop;

#[test]
fn the_service_refuses_the_database_of_the_monolith() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("monolith.db");
    let before = binary(&shop::original(), "app", "shop", "shop-before");
    let monolith = Monolith::start(&before, &live, None);
    assert_eq!(monolith.server.stop("INT"), 0);
    // One in the journal mode that the service uses, and one that is not: a backup.
    let backup = folder.path().join("backup.db");
    let connection = Connection::open(&live).unwrap();
    connection.execute("VACUUM INTO ?", [backup.to_str().unwrap()]).unwrap();
    drop(connection);

    for database in [&live, &backup] {
        let bytes = fs::read(database).unwrap();
        let migrations: [&[(&str, &str)]; 2] = [&[], &[("INVENTORY_MIGRATE_ON_START", "false")]];
        for more in migrations {
            refused(&["serve"], database, more);
        }
        refused(&["migrate"], database, &[]);
        assert!(fs::read(database).unwrap() == bytes, "{} was changed", database.display());
    }
}

fn refused(arguments: &[&str], database: &Path, more: &[(&str, &str)]) {
    let url = url(database);
    let mut environment = vec![
        ("INVENTORY_DATABASE_URL", url.as_str()),
        ("INVENTORY_LISTEN", "127.0.0.1:0"),
        ("INVENTORY_ADMIN_LISTEN", "127.0.0.1:0"),
    ];
    if arguments == ["serve"] {
        environment.push(("INVENTORY_TOKEN", TOKEN));
    }
    environment.extend(more);
    let ended = run_program(arguments, &environment);
    assert_eq!(ended.code(), 1, "{}", ended.stderr);
    for part in ["the monolith's database", "order_lines", "a database of its own"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}
