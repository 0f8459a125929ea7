//! Storage that calve knows but cannot carry: through which library, where its schema is, and what to do.

mod evidence;

use crate::analysis::code::Code;
use crate::analysis::types::Type;
use crate::diagnostic::Diagnostic;

/// A library through which a module can store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Library {
    Diesel,
    SeaOrm,
    Sqlx,
    Rusqlite,
    TokioPostgres,
    /// Another one, by the name of its package.
    Other(&'static str),
}

/// The library that a parameter's type is of, however it is wrapped.
pub(super) fn library(ty: &Type) -> Option<Library> {
    if let Type::External { package, .. } = ty
        && let Some(library) = of_package(package)
        && !library.is_pool_for_anything()
    {
        return Some(library);
    }
    ty.children().into_iter().find_map(library)
}

/// Pools for connections of any kind.
const POOLS: [&str; 4] = ["bb8", "deadpool", "mobc", "r2d2"];

/// The library that a package is of.
pub(super) fn of_package(package: &str) -> Option<Library> {
    const OTHERS: [&str; 16] = [
        "clickhouse",
        "deadpool-redis",
        "fred",
        "heed",
        "libsql",
        "mongodb",
        "mysql",
        "mysql_async",
        "redb",
        "redis",
        "rocksdb",
        "scylla",
        "sled",
        "surrealdb",
        "tiberius",
        "turso",
    ];
    Some(match package {
        "diesel" | "diesel-async" | "diesel_migrations" => Library::Diesel,
        "sea-orm" | "sea-orm-migration" => Library::SeaOrm,
        "sqlx" | "sqlx-core" | "sqlx-postgres" | "sqlx-sqlite" => Library::Sqlx,
        "rusqlite" | "r2d2_sqlite" | "tokio-rusqlite" | "deadpool-sqlite" => Library::Rusqlite,
        "postgres" | "tokio-postgres" | "deadpool-postgres" | "bb8-postgres" | "r2d2_postgres" => {
            Library::TokioPostgres
        }
        other => {
            let mut known = OTHERS.into_iter().chain(POOLS);
            return known.find(|name| *name == other).map(Library::Other);
        }
    })
}

/// Completes a refusal with what the module's and its neighbours' sources show of the library.
pub(super) fn explain(
    code: &Code<'_>,
    module: &str,
    library: Library,
    diagnostic: Diagnostic,
) -> Diagnostic {
    evidence::show(code.workspace, module, library, diagnostic)
        .note(
            "calve makes the service's pool, migrations, readiness and cutover with sqlx, or with r2d2, \
             rusqlite and refinery",
        )
        .note(library.why())
        .help(library.help())
}

impl Library {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Diesel => "diesel",
            Self::SeaOrm => "sea-orm",
            Self::Sqlx => "sqlx",
            Self::Rusqlite => "rusqlite",
            Self::TokioPostgres => "tokio-postgres",
            Self::Other(name) => name,
        }
    }

    /// Whether calve makes services that store through it.
    pub(super) fn is_carried(self) -> bool {
        matches!(self, Self::Sqlx | Self::Rusqlite)
    }

    /// Whether its name does not say what is stored in.
    pub(super) fn is_pool_for_anything(self) -> bool {
        matches!(self, Self::Other(name) if POOLS.contains(&name))
    }

    fn why(self) -> &'static str {
        match self {
            Self::Diesel => {
                "a pool of diesel and its history of migrations need other service code, which calve \
                 does not write, and `schema.rs` would have to be split"
            }
            Self::SeaOrm => {
                "sea-orm's migrations are Rust code: which tables they make, and for whom, is seen only \
                 by running them"
            }
            Self::Sqlx => {
                "of sqlx it carries a pool: each call of the service takes a connection of it"
            }
            Self::Rusqlite => {
                "of rusqlite it carries a pool of r2d2: each call of the service has a thread of its own, \
                 and takes a connection"
            }
            Self::TokioPostgres => {
                "how its pool is built and its tables are migrated differs from program to program"
            }
            Self::Other(_) => "it has no migrations that calve can read",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Diesel => {
                "move the module's queries to sqlx, behind the same trait and on the same tables. Begin \
                 the module's history of sqlx (`migrations/<digits>_<name>.sql`; diesel's folders with \
                 `up.sql` it does not read) with the tables as they are now, made by `CREATE TABLE IF NOT \
                 EXISTS`: it starts empty, and runs on databases that have them"
            }
            Self::SeaOrm => {
                "give the module a pool of sqlx, on which sea-orm works \
                 (`SqlxSqliteConnector::from_sqlx_sqlite_pool`, `SqlxPostgresConnector::\
                 from_sqlx_postgres_pool`), so its entities can stay; and migrations in SQL that begin \
                 with the tables as they are now, made by `CREATE TABLE IF NOT EXISTS`: sqlx's history \
                 starts empty, and runs on databases that have them"
            }
            Self::Sqlx => "give the module a `sqlx::SqlitePool` or a `sqlx::PgPool`",
            Self::Rusqlite => {
                "give the module an `r2d2::Pool<SqliteConnectionManager>`, and take a connection of it for \
                 each call"
            }
            Self::TokioPostgres => {
                "move the module's queries to sqlx, behind the same trait and on the same tables"
            }
            Self::Other(_) => "keep what must be stored in PostgreSQL or SQLite, through sqlx",
        }
    }
}
