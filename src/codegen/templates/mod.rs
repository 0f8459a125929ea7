//! What the templates are given: one struct a template, all of strings, lists and flags.
//!
//! Every struct says `escape = "none"`: askama takes `.j2` for HTML and would write `&quot;`.

#[expect(unreachable_pub, reason = "askama makes structs of them")]
mod filters;
#[cfg(test)]
mod tests;

use askama::Template;

use crate::diagnostic::{Diagnostic, Result};
use crate::plan::{Names, Setting};

/// The text of a template, with one line end at its end.
pub(super) fn render(template: &impl Template) -> Result<String> {
    let text = template.render().map_err(|error| {
        Diagnostic::error("codegen", format!("a template cannot be rendered: {error}"))
            .help("this is a defect of calve; please report it")
    })?;
    Ok(text.trim_end().to_owned() + "\n")
}

/// How the service is told where its database is.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// How the variable's name ends: `DATABASE_URL`.
    pub(super) variable: &'static str,
    /// For a service on this machine: `sqlite://inventory.db?mode=rwc`.
    pub(super) here: String,
    /// For one in a container: `sqlite:///data/inventory.db?mode=rwc`.
    pub(super) in_container: String,
}

/// A trigger on one of the tables that move.
#[derive(Debug, Clone)]
pub(super) struct Trigger {
    /// The name as SQL: `"items_history"`.
    pub(super) quoted: String,
    /// `CREATE TRIGGER … END;`, with the semicolon.
    pub(super) sql: String,
}

/// A table whose rows are copied.
#[derive(Debug, Clone)]
pub(super) struct CopiedTable {
    pub(super) name: String,
    /// The name as SQL: `"items"`.
    pub(super) quoted: String,
    /// The name as a text in SQL: `'items'`.
    pub(super) text: String,
    /// The columns that can be written, as SQL: `"sku", "title"`.
    pub(super) columns: String,
    /// Whether its counter in `sqlite_sequence` is copied too.
    pub(super) autoincrement: bool,
}

/// Templates that are the same for any module.
macro_rules! the_same {
    ($($(#[$doc:meta])* $name:ident = $path:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Template)]
        #[template(path = $path, escape = "none")]
        pub(super) struct $name;
    )*};
}

the_same! {
    RunnerReport = "service/examples/monolith_tests/report.rs.j2";
    Gitignore = "service/.gitignore.j2";
    ServiceServer = "service/src/server.rs.j2";
    ServiceHealthcheck = "service/src/healthcheck.rs.j2";
    WireLimits = "service/wire/src/limits.rs.j2";
    WireOperation = "service/wire/src/operation.rs.j2";
    /// Only where an error of the contract holds a `sqlx::Error`.
    WireSqlxError = "service/wire/src/sqlx_error.rs.j2";
    /// Only where an error of the contract holds a `rusqlite::Error`.
    WireRusqliteError = "service/wire/src/rusqlite_error.rs.j2";
    /// Only where an error of the contract holds an `io::Error`.
    WireIoError = "service/wire/src/io_error.rs.j2";
    /// Only where an error of the contract holds a `serde_json::Error`.
    WireJsonError = "service/wire/src/json_error.rs.j2";
    /// Only where an error of the contract holds an `anyhow::Error`.
    WireAnyhowError = "service/wire/src/anyhow_error.rs.j2";
    /// Only where an error of the contract holds a boxed error.
    WireBoxedError = "service/wire/src/boxed_error.rs.j2";
    /// Only where a float crosses.
    WireFloat = "service/wire/src/float.rs.j2";
    /// Only where a borrowed value needs an encoding.
    WireLent = "service/wire/src/lent.rs.j2";
    /// Only where an option holds what may be `null`.
    WireNested = "service/wire/src/nested.rs.j2";
    /// Only where a socket address of IPv6 crosses.
    WireSocketAddress = "service/wire/src/socket_address.rs.j2";
    /// Only where a `SystemTime` crosses.
    WireSystemTime = "service/wire/src/system_time.rs.j2";
}

/// Templates that need the names only.
macro_rules! by_names {
    ($($(#[$doc:meta])* $name:ident = $path:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Template)]
        #[template(path = $path, escape = "none")]
        pub(super) struct $name<'a> {
            pub(super) names: &'a Names,
        }
    )*};
}

by_names! {
    ServiceProblem = "service/src/problem.rs.j2";
    ServiceAuth = "service/src/auth.rs.j2";
    ServiceTelemetry = "service/src/telemetry.rs.j2";
    /// Only with a SQLite database through sqlx.
    TestDatabase = "service/tests/database.rs.j2";
    /// Only with a SQLite database through rusqlite.
    TestDatabaseRusqlite = "service/tests/database.rusqlite.rs.j2";
    RunnerCargo = "service/examples/monolith_tests/cargo.rs.j2";
    RunnerTest = "service/examples/monolith_tests/test.rs.j2";
    WireProblem = "service/wire/src/problem.rs.j2";
    /// Only where calls block.
    ClientBlocking = "service/client/src/blocking.rs.j2";
    ClientBlockingTests = "service/client/src/blocking/tests.rs.j2";
}

/// Templates that need the names, and to know whether calls block.
macro_rules! by_names_and_form {
    ($($name:ident = $path:literal;)*) => {$(
        #[derive(Template)]
        #[template(path = $path, escape = "none")]
        pub(super) struct $name<'a> {
            pub(super) names: &'a Names,
            /// Whether the trait's methods block.
            pub(super) blocking: bool,
        }
    )*};
}

by_names_and_form! {
    ServiceCall = "service/src/call.rs.j2";
    TestSupport = "service/tests/support/mod.rs.j2";
    TestServer = "service/tests/server.rs.j2";
    ClientLib = "service/client/src/lib.rs.j2";
    ClientConfig = "service/client/src/config.rs.j2";
    ClientTransportTests = "service/client/src/transport/tests.rs.j2";
}

#[derive(Template)]
#[template(path = "service/client/src/transport.rs.j2", escape = "none")]
pub(super) struct ClientTransport<'a> {
    pub(super) names: &'a Names,
    /// Whether the trait's methods block.
    pub(super) blocking: bool,
    /// Whether a call is a boxed future.
    pub(super) boxed: bool,
}

#[derive(Template)]
#[template(path = "service/src/lib.rs.j2", escape = "none")]
pub(super) struct ServiceLib<'a> {
    pub(super) names: &'a Names,
    /// Whether the constructor takes a pool.
    pub(super) has_database: bool,
}

#[derive(Template)]
#[template(path = "service/src/main.rs.j2", escape = "none")]
pub(super) struct ServiceMain<'a> {
    pub(super) names: &'a Names,
    pub(super) has_database: bool,
}

#[derive(Template)]
#[template(path = "service/src/run.rs.j2", escape = "none")]
pub(super) struct ServiceRun {
    pub(super) has_database: bool,
    /// Whether the pool is closed at the end; one of r2d2 closes when nobody has it.
    pub(super) closes_pool: bool,
    /// Whether `compose` takes the settings: for the database or an argument.
    pub(super) compose_reads_settings: bool,
    /// Whether methods of the module end it.
    pub(super) has_endings: bool,
    /// Whether several API traits are served.
    pub(super) several: bool,
    /// Whether the trait's methods block.
    pub(super) blocking: bool,
}

#[derive(Template)]
#[template(path = "service/src/admin.rs.j2", escape = "none")]
pub(super) struct ServiceAdmin {
    pub(super) has_database: bool,
}

/// Starts the service, on SQLite files or on databases of a PostgreSQL server where it has one.
#[derive(Template)]
#[template(path = "service/examples/monolith_tests/service.rs.j2", escape = "none")]
pub(super) struct RunnerService<'a> {
    pub(super) names: &'a Names,
    pub(super) has_database: bool,
    pub(super) postgres: bool,
    /// See [`ServiceSettings::by_path`].
    pub(super) by_path: bool,
}

/// Only with a PostgreSQL database.
#[derive(Template)]
#[template(path = "service/examples/monolith_tests/database.rs.j2", escape = "none")]
pub(super) struct RunnerDatabase<'a> {
    pub(super) names: &'a Names,
    /// See [`ServiceDatabase::sqlx_table_name`].
    pub(super) sqlx_table_name: bool,
}

/// Only with a PostgreSQL database.
#[derive(Template)]
#[template(path = "service/tests/database.postgres.rs.j2", escape = "none")]
pub(super) struct TestDatabasePostgres<'a> {
    pub(super) names: &'a Names,
    /// See [`ServiceDatabase::sqlx_table_name`].
    pub(super) sqlx_table_name: bool,
}

#[derive(Template)]
#[template(path = "service/examples/monolith_tests/main.rs.j2", escape = "none")]
pub(super) struct RunnerMain<'a> {
    pub(super) names: &'a Names,
    pub(super) has_database: bool,
    pub(super) postgres: bool,
    /// See [`Readme::test_arguments`].
    pub(super) test_arguments: &'a str,
}

/// Only with migrations.
#[derive(Template)]
#[template(path = "service/build.rs.j2", escape = "none")]
pub(super) struct ServiceBuild<'a> {
    /// The migrations folder, relative to the service's: `../../modules/inventory/migrations`.
    pub(super) migrations: &'a str,
}

#[derive(Template)]
#[template(path = "service/src/settings.rs.j2", escape = "none")]
pub(super) struct ServiceSettings<'a> {
    pub(super) names: &'a Names,
    pub(super) has_database: bool,
    /// Whether the database is told as a path, not as a URL.
    pub(super) by_path: bool,
    /// The monolith's pool size, or sqlx's 10.
    pub(super) max_connections: &'a str,
    pub(super) settings: &'a [Setting],
    /// Whether the trait's methods block.
    pub(super) blocking: bool,
}

/// Only with a SQLite database through sqlx.
#[derive(Template)]
#[template(path = "service/src/database.rs.j2", escape = "none")]
pub(super) struct ServiceDatabase<'a> {
    pub(super) names: &'a Names,
    /// Calls on `SqliteConnectOptions`, names in full: `.foreign_keys(true)`.
    pub(super) connect_options: &'a [String],
    /// Calls on `SqlitePoolOptions` besides `max_connections`.
    pub(super) pool_options: &'a [String],
    /// See [`ServiceBuild::migrations`].
    pub(super) migrations: &'a str,
    /// Whether sqlx has `dangerous_set_table_name` (0.9 has, 0.8 has not).
    pub(super) sqlx_table_name: bool,
    /// With it `_inventory_service_migrations`, else `_sqlx_migrations`.
    pub(super) history_table: &'a str,
    /// The mark of ownership where the history has no name of its own: `_inventory_service`.
    pub(super) own_table: &'a str,
}

/// Only with a PostgreSQL database.
#[derive(Template)]
#[template(path = "service/src/database.postgres.rs.j2", escape = "none")]
pub(super) struct ServiceDatabasePostgres<'a> {
    pub(super) names: &'a Names,
    /// Calls on `PgConnectOptions`, names in full: `.application_name("shop")`.
    pub(super) connect_options: &'a [String],
    /// Calls on `PgPoolOptions` besides `max_connections`.
    pub(super) pool_options: &'a [String],
    /// See [`ServiceBuild::migrations`].
    pub(super) migrations: &'a str,
    /// See [`ServiceDatabase::sqlx_table_name`].
    pub(super) sqlx_table_name: bool,
    /// See [`ServiceDatabase::history_table`].
    pub(super) history_table: &'a str,
    /// See [`ServiceDatabase::own_table`].
    pub(super) own_table: &'a str,
}

/// Only with a SQLite database through rusqlite.
#[derive(Template)]
#[template(path = "service/src/database.rusqlite.rs.j2", escape = "none")]
pub(super) struct ServiceDatabaseRusqlite<'a> {
    pub(super) names: &'a Names,
    /// Calls on `SqliteConnectionManager`, names in full.
    pub(super) connect_options: &'a [String],
    /// Calls on each new connection, names in full: `.execute_batch("PRAGMA foreign_keys = ON;")`.
    pub(super) prepare: &'a [String],
    /// Calls on `r2d2::Builder` besides `max_size`.
    pub(super) pool_options: &'a [String],
    /// See [`ServiceBuild::migrations`].
    pub(super) migrations: &'a str,
    /// `_inventory_service_migrations`.
    pub(super) history_table: &'a str,
}

#[derive(Template)]
#[template(path = "service/wire/src/lib.rs.j2", escape = "none")]
pub(super) struct WireLib<'a> {
    /// The modules besides those that every wire crate has in public, in order.
    pub(super) modules: &'a [&'a str],
    /// What is exported at the top: `float::Float`, in order.
    pub(super) exports: &'a [&'a str],
}

/// Only with [`WireSqlxError`].
#[derive(Template)]
#[template(path = "service/wire/src/database_error.rs.j2", escape = "none")]
pub(super) struct WireDatabaseError {
    /// Whether sqlx has `ErrorKind::ExclusionViolation` (0.9 has, 0.8 has not).
    pub(super) sqlx_exclusion_violation: bool,
}

#[derive(Template)]
#[template(path = "service/Dockerfile.j2", escape = "none")]
pub(super) struct Dockerfile<'a> {
    pub(super) names: &'a Names,
    /// The service's folder, relative to the workspace root: `services/inventory`.
    pub(super) service_dir: &'a str,
    /// The tag's first part, from rust-toolchain.toml or the rustc that ran: `1.95`.
    pub(super) rust_image: &'a str,
    /// `trixie`.
    pub(super) debian_name: &'a str,
    /// The same release: `13`.
    pub(super) debian_number: &'a str,
    /// Whether the database is a file.
    pub(super) sqlite: bool,
}

/// Paths are relative to the workspace root.
#[derive(Template)]
#[template(path = "service/Dockerfile.dockerignore.j2", escape = "none")]
pub(super) struct Dockerignore<'a> {
    /// `Cargo.toml`, `Cargo.lock`, and `rust-toolchain.toml`, `.cargo/config.toml`, `.sqlx` if they exist.
    pub(super) root_files: &'a [String],
    /// The service's folder, and those of all workspace crates that it depends on.
    pub(super) built_folders: &'a [String],
    /// Manifest and one target of every other member.
    pub(super) member_files: &'a [String],
}

#[derive(Template)]
#[template(path = "service/compose.yaml.j2", escape = "none")]
pub(super) struct Compose<'a> {
    pub(super) names: &'a Names,
    pub(super) service_dir: &'a str,
    /// The workspace root, relative to the service's folder: `../..`.
    pub(super) workspace_root: &'a str,
    pub(super) sqlite: bool,
    pub(super) postgres: bool,
    /// Of the file, where it is one.
    pub(super) address: &'a Address,
}

#[derive(Template)]
#[template(path = "service/.env.example.j2", escape = "none")]
pub(super) struct EnvExample<'a> {
    pub(super) names: &'a Names,
    pub(super) has_database: bool,
    pub(super) postgres: bool,
    pub(super) address: &'a Address,
    pub(super) settings: &'a [Setting],
}

#[derive(Template)]
#[template(path = "service/README.md.j2", escape = "none")]
pub(super) struct Readme<'a> {
    pub(super) names: &'a Names,
    pub(super) has_database: bool,
    pub(super) address: &'a Address,
    /// Whether there is a runbook.
    pub(super) has_cutover: bool,
    /// The route of one operation: `/v1/find_item`.
    pub(super) example_route: &'a str,
    /// What the runner is given for the monolith's tests: `-p app`.
    pub(super) test_arguments: &'a str,
    pub(super) settings: &'a [Setting],
}

/// A migration that the extraction adds to the monolith.
pub(super) struct AddedMigration {
    /// The history table of its migrator, as SQL.
    pub(super) history: String,
    /// Its version.
    pub(super) version: String,
}

/// Only with a SQLite database.
#[derive(Template)]
#[template(path = "service/CUTOVER.md.j2", escape = "none")]
pub(super) struct Cutover<'a> {
    pub(super) names: &'a Names,
    pub(super) address: &'a Address,
    /// The tables that move, those that others refer to first.
    pub(super) tables: &'a [CopiedTable],
    /// Virtual tables, which are filled by hand.
    pub(super) rebuilt: &'a [String],
    /// Their triggers in the service: they must not run for rows that are copied.
    pub(super) triggers: &'a [Trigger],
    /// Their triggers in the monolith.
    pub(super) old_triggers: &'a [Trigger],
    /// What the new migrations of the monolith drop: "the foreign keys of `orders`".
    pub(super) dropped: &'a [&'a str],
    /// SQL that makes again what an older build would miss.
    pub(super) restored: &'a [&'a str],
    /// The migrations that give foreign keys back, relative to the workspace root.
    pub(super) back: &'a [&'a str],
    /// Whether the monolith's history makes them still.
    pub(super) is_shared: bool,
    /// The migrations that do: a build from before refuses a history that has them.
    pub(super) added: &'a [AddedMigration],
    /// The SQL that drops them, relative to the workspace root.
    pub(super) drop_tables: &'a str,
}

/// A table or sequence of PostgreSQL that moves.
pub(super) struct Moved {
    /// As people write it: `bins`.
    pub(super) name: String,
    /// As SQL, with its schema: `public.bins`.
    pub(super) sql: String,
    /// That as a text in SQL: `'public.bins'`.
    pub(super) text: String,
    /// That between single quotes of a shell.
    pub(super) shell: String,
}

/// Only with a PostgreSQL database.
#[derive(Template)]
#[template(path = "service/CUTOVER.postgres.md.j2", escape = "none")]
pub(super) struct CutoverPostgres<'a> {
    pub(super) names: &'a Names,
    /// The tables that move.
    pub(super) tables: &'a [Moved],
    /// Sequences that belong to no column.
    pub(super) sequences: &'a [Moved],
    /// The function and triggers that refuse writes: `bins_has_moved`.
    pub(super) lock: &'a str,
    /// See [`Cutover::drops_foreign_keys`].
    pub(super) drops_foreign_keys: bool,
    /// See [`Cutover::restored`].
    pub(super) restored: &'a [&'a str],
    /// See [`Cutover::added`].
    pub(super) added: &'a [AddedMigration],
    /// See [`Cutover::drop_tables`].
    pub(super) drop_tables: &'a str,
}
