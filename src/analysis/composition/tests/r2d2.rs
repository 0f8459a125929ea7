//! Pools of r2d2 over rusqlite: what of them the service does as well.

use crate::analysis::code::Code;
use crate::analysis::composition::{self, Pool};
use crate::analysis::module::Served;
use crate::analysis::{contract, references, select};
use crate::diagnostic::Diagnostics;
use crate::testing::Project;

const MODULE: &str = "
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
pub trait StockApi { fn count(&self) -> u32; }
pub struct Stock { pool: Pool<SqliteConnectionManager> }
impl Stock { pub fn new(pool: Pool<SqliteConnectionManager>) -> Self { Self { pool } } }
impl StockApi for Stock { fn count(&self) -> u32 { 1 } }
mod embedded { refinery::embed_migrations!(\"migrations\"); }
pub fn migrate(connection: &mut rusqlite::Connection) -> Result<(), refinery::Error> {
    embedded::migrations::runner().set_migration_table_name(\"stock_history\").run(connection)
}
";

/// The pool of a composition that opens it by these lines, or what is said of it.
fn pool(lines: &str) -> Result<(Pool, composition::Migrator), Vec<String>> {
    pool_of(MODULE, lines)
}

/// The same for another module.
fn pool_of(module: &str, lines: &str) -> Result<(Pool, composition::Migrator), Vec<String>> {
    let app = format!(
        "use r2d2::Pool;\nuse r2d2_sqlite::SqliteConnectionManager;\nuse rusqlite::Connection;\n\
         const SIZE: u32 = 4;\nconst TUNING: &str = \"PRAGMA foreign_keys = ON\";\nfn prepare(c: &mut Connection) -> rusqlite::Result<()> {{\n    \
         c.execute(\"PRAGMA foreign_keys = OFF\", [])?;\n    Ok(())\n}}\n\
         pub fn compose(path: &str) -> anyhow::Result<()> {{\n    let size = path.len();\n    {lines}\n    \
         stock::migrate(&mut *pool.get()?)?;\n    let _ = size;\n    stock::Stock::new(pool);\n    Ok(())\n}}\n"
    );
    let storage = ["r2d2", "r2d2_sqlite", "refinery", "rusqlite"];
    let mut project = Project::new().foreign("anyhow");
    for name in storage {
        project = project.foreign(name);
    }
    let workspace = project
        .member("stock", &storage, &[("src/lib.rs", module)])
        .member("app", &[&storage[..], &["anyhow", "stock"]].concat(), &[("src/lib.rs", &app)])
        .load();
    let code = Code::new(&workspace);
    let mut diagnostics = Diagnostics::default();
    let library = code.library("stock").unwrap();
    let all = references::find(&code, library);
    let wanted = ["StockApi".to_owned()];
    let apis = select::api_traits(&code, library, &all, &wanted, &mut diagnostics).unwrap();
    let [api] = <[_; 1]>::try_from(apis).ok().unwrap();
    let implementation =
        select::implementation(&code, library, &api, &all, &mut diagnostics).unwrap();
    let served = [Served { api, implementation }];
    let contract = contract::draw(&code, library, &served, &all, &mut diagnostics).unwrap();
    let read = composition::read(&code, library, &served, &contract, &all, &mut diagnostics);
    let said = || -> Vec<String> {
        diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect()
    };
    let read = read.ok_or_else(said)?;
    let pool = read.pool().unwrap().clone();
    Ok((pool, read.migrator.unwrap()))
}

#[test]
fn a_pool_is_read_with_what_prepares_its_connections() {
    let (found, migrator) = pool(
        "let manager = SqliteConnectionManager::file(path).with_init(|c| {\n        \
         c.pragma_update(None, \"journal_mode\", \"WAL\")?;\n        \
         c.busy_timeout(std::time::Duration::from_secs(5))\n    });\n    \
         let pool = Pool::builder().max_size(SIZE).min_idle(Some(1)).build(manager)?;",
    )
    .unwrap();
    let calls = |calls: &[composition::OptionCall]| -> Vec<String> {
        calls.iter().map(|call| format!("{}({})", call.method, call.arguments.join(", "))).collect()
    };
    assert_eq!(calls(&found.pool), ["max_size(4)", "min_idle(Some(1))"]);
    let prepared = [
        "pragma_update(None, \"journal_mode\", \"WAL\")",
        "busy_timeout(std::time::Duration::from_secs(5))",
    ];
    assert_eq!(calls(&found.prepare), prepared);
    assert_eq!(migrator.table.as_deref(), Some("stock_history"));
    assert_eq!(migrator.runner.as_deref(), Some("stock::migrate"));
}

#[test]
fn whether_foreign_keys_are_enforced_is_what_is_said_last() {
    let enforced = |init: &str| {
        let manager = format!("SqliteConnectionManager::file(path){init}");
        pool(&format!("let pool = Pool::new({manager})?;")).unwrap().0.enforces_foreign_keys()
    };
    // SQLite of itself does not; the one that rusqlite brings along is not asked for here.
    assert!(!enforced(""));
    assert!(!enforced(".with_init(prepare)"));
    assert!(enforced(".with_init(|c| c.pragma_update(None, \"foreign_keys\", true))"));
    assert!(enforced(".with_init(|c| c.execute_batch(TUNING))"));
    let twice = "PRAGMA foreign_keys = OFF; PRAGMA Foreign_Keys=1;";
    assert!(enforced(&format!(".with_init(|c| c.execute_batch(\"{twice}\"))")));
}

#[test]
fn what_the_service_cannot_repeat_is_refused() {
    for (lines, message) in [
        (
            "let pool = Pool::builder().max_size(size as u32).build(SqliteConnectionManager::file(path))?;",
            "pool-option-not-carried: the pool's `max_size` depends on something else",
        ),
        (
            "let pool = Pool::new(SqliteConnectionManager::file(path).with_init(|c| { let a = 1; Ok(()) }))?;",
            "pool-option-not-carried: a connection is prepared in a way that calve cannot carry",
        ),
        (
            "let pool = Pool::new(SqliteConnectionManager::file(path))?;\n    \
             pool.get()?.execute_batch(\"PRAGMA foreign_keys = ON\")?;",
            "pool-option-not-carried: a `PRAGMA` on one connection of the pool",
        ),
        (
            "let pool = Pool::new(SqliteConnectionManager::file(path))?;\n    \
             pool.get()?.execute_batch(TUNING)?;",
            "pool-option-not-carried: a `PRAGMA` on one connection of the pool",
        ),
        (
            "let pool = Pool::new(SqliteConnectionManager::file(path))?;\n    prepare(&mut pool.get()?)?;",
            "pool-option-not-carried: a `PRAGMA` on one connection of the pool",
        ),
        (
            "let pool = Pool::new(SqliteConnectionManager::memory())?;",
            "pool-not-understood: calve cannot see how this pool is opened",
        ),
    ] {
        let said = pool(lines).unwrap_err();
        assert!(said.iter().any(|said| said == message), "{lines}: {said:?}");
    }
}

#[test]
fn a_database_that_is_attached_is_refused_whoever_does() {
    let refused = ["attached-database: another database is attached to the module's connections"];
    let plain = "let pool = Pool::new(SqliteConnectionManager::file(path))?;";
    let prepared = "SqliteConnectionManager::file(path)\n        .with_init(|c| c.execute_batch(\"ATTACH 'old.db' AS old\"))";
    for lines in [
        format!("let pool = Pool::new({prepared})?;"),
        format!("{plain}\n    pool.get()?.execute(\"attach ?1 as old\", [path])?;"),
    ] {
        assert_eq!(pool(&lines).unwrap_err(), refused, "{lines}");
    }
    let module = format!(
        "{MODULE}fn old(c: &rusqlite::Connection) {{ c.execute_batch(\"ATTACH 'old.db' AS old\"); }}\n"
    );
    assert_eq!(pool_of(&module, plain).unwrap_err(), refused);
}

#[test]
fn migrations_that_are_read_at_run_time_are_refused_where_they_are() {
    let embeds = "embedded::migrations::runner()";
    let reads = "let all = refinery::load_sql_migrations(\"migrations\")?;\n    refinery::Runner::new(&all)";
    let module = MODULE
        .replace("mod embedded { refinery::embed_migrations!(\"migrations\"); }\n", "")
        .replace(embeds, reads);
    let said = pool_of(&module, "let pool = Pool::new(SqliteConnectionManager::file(path))?;");
    assert_eq!(said.unwrap_err(), ["migrations-unseen: `stock` reads its migrations when it runs"]);
}
