//! A module that opens its database itself, and one that only looks as if.

use super::run_on;

/// What is said of a module with this storage whose constructor takes `url`.
fn said(storage: &str) -> Vec<String> {
    let module = format!(
        "use sqlx::{{Connection, SqlitePool}};\n\
         pub trait StockApi {{ fn count(&self) -> u32; }}\n\
         {storage}"
    );
    let app = "use std::sync::Arc;\nuse stock::{SqlStock, StockApi};\n\
               pub fn compose(url: &str) -> Arc<dyn StockApi> { url.len(); Arc::new(SqlStock::open(url)) }\n";
    run_on(&module, &[("src/lib.rs", app)]).refused
}

#[test]
fn whoever_opens_a_database_without_a_pool_is_refused_where_it_does() {
    for (storage, place) in [
        (
            "pub struct SqlStock { pool: SqlitePool }\n\
             impl SqlStock { pub fn open(url: &str) -> Self { let pool = SqlitePool::connect_lazy(url); Self { pool } } }\n\
             impl StockApi for SqlStock { fn count(&self) -> u32 { 1 } }",
            "SqlitePool::connect_lazy",
        ),
        (
            "pub struct SqlStock { url: String }\n\
             impl SqlStock { pub fn open(url: &str) -> Self { Self { url: url.into() } }\n\
             fn connection(&self) -> sqlx::SqliteConnection { sqlx::SqliteConnection::connect(&self.url) } }\n\
             impl StockApi for SqlStock { fn count(&self) -> u32 { self.connection(); 1 } }",
            "sqlx::SqliteConnection::connect",
        ),
        (
            "mod hidden { use sqlx::sqlite::SqlitePoolOptions;\n\
             pub(crate) static POOL: LazyLock<sqlx::SqlitePool> = \
             LazyLock::new(|| SqlitePoolOptions::new().connect_lazy(\"x\")); }\n\
             pub struct SqlStock(String);\n\
             impl SqlStock { pub fn open(url: &str) -> Self { Self(url.into()) } }\n\
             impl StockApi for SqlStock { fn count(&self) -> u32 { hidden::POOL.size() } }",
            "SqlitePoolOptions::new",
        ),
        (
            "pub struct SqlStock(String);\n\
             impl SqlStock { pub fn open(url: &str) -> Self { Self(url.into()) } }\n\
             impl StockApi for SqlStock { fn count(&self) -> u32 { \
             sqlx::query_scalar!(\"SELECT 1\").fetch_one(elsewhere()) } }",
            "sqlx::query_scalar",
        ),
        (
            "pub struct SqlStock(String);\n\
             impl SqlStock { pub fn open(url: &str) -> Self { Self(url.into()) } }\n\
             impl StockApi for SqlStock { fn count(&self) -> u32 { 1 } }\n\
             pub fn migrations() { sqlx::migrate!() }",
            "SqlStock::open(url)",
        ),
    ] {
        assert_eq!(said(storage), [format!("pool-not-understood: {place}")], "{storage}");
    }
}

#[test]
fn types_of_a_driver_are_no_storage() {
    let storage = "
        #[derive(sqlx::Type)] pub enum Size { Small }
        #[derive(sqlx::FromRow)] pub struct Row { size: Size }
        impl sqlx::Type<sqlx::Sqlite> for Row { fn type_info() -> sqlx::sqlite::SqliteTypeInfo { todo!() } }
        pub enum StockError { Broken(sqlx::Error) }
        impl From<sqlx::Error> for StockError {
            fn from(error: sqlx::Error) -> Self { match error { sqlx::Error::RowNotFound => todo!(), e => Self::Broken(e) } }
        }
        pub struct SqlStock { row: Row, failed: Option<StockError> }
        impl SqlStock { pub fn open(url: &str) -> Self { todo!() }
            #[cfg(test)] fn on_disk() -> Self { SqlitePool::connect_lazy(\"x\"); todo!() } }
        impl StockApi for SqlStock { fn count(&self) -> u32 { 1 } }";
    assert_eq!(said(storage), [""; 0]);
}
