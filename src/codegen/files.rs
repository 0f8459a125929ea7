//! The files that are the same for any module, but for names, settings and places.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::client::boxes_calls;
use super::compose::{closes, reads_settings};
use super::templates::{self, render};
use crate::analysis::composition::Engine;
use crate::analysis::module::Module;
use crate::analysis::schema::postgres::Name;
use crate::analysis::schema::version_of;
use crate::analysis::sql::quote;
use crate::analysis::wire::{Encoding, Payload};
use crate::changes::ChangeSet;
use crate::diagnostic::Result;
use crate::plan::schema::{PostgresPlan, SchemaPlan};
use crate::plan::{Environment, Names, ServicePlan, relative};

/// What the files follow.
pub(super) struct Facts<'a, 'w> {
    pub(super) module: &'a Module<'w>,
    pub(super) names: &'a Names,
    pub(super) service: &'a ServicePlan,
    pub(super) environment: &'a Environment,
}

/// The clean-up SQL's name, in the service's folder.
const CLEAN_UP: &str = "drop_from_monolith.sql";

/// Whether the database is told as a path, not as a URL.
fn is_by_path(engine: Engine) -> bool {
    match engine {
        Engine::Sqlite | Engine::Postgres => false,
        Engine::Rusqlite => true,
    }
}

impl Facts<'_, '_> {
    fn blocks(&self) -> bool {
        self.module.blocks()
    }

    /// The files of the wire crate.
    pub(super) fn wire(
        &self,
        changes: &mut ChangeSet,
        has_mirrors: bool,
        encodings: &BTreeSet<Encoding>,
    ) -> Result<()> {
        let names = self.names;
        let src = names.dir.join("wire/src");
        let mut modules = vec!["error", "operations"];
        let mut exports = vec!["operation::{Failure, Operation, TransportError}", "operations::*"];
        if has_mirrors {
            modules.push("mirrors");
            exports.push("mirrors::*");
        }
        let mut add = |module, export: Option<&'static str>, text| {
            modules.push(module);
            exports.extend(export);
            changes.create(src.join(format!("{module}.rs")), text)
        };
        let payload = |wanted: Payload| {
            self.module.apis.iter().any(|api| {
                let mut all = api.error.variants.iter().flat_map(|v| &v.fields);
                all.any(|(_, payload)| *payload == wanted) || api.error.opaque() == Some(wanted)
            })
        };
        if payload(Payload::Sqlx) {
            let error = templates::WireDatabaseError {
                sqlx_exclusion_violation: self.environment.sqlx_is_recent,
            };
            let export = "database_error::RemoteDatabaseError";
            add("database_error", Some(export), render(&error)?)?;
            add("sqlx_error", None, render(&templates::WireSqlxError)?)?;
        }
        if payload(Payload::Rusqlite) {
            add("rusqlite_error", None, render(&templates::WireRusqliteError)?)?;
        }
        if payload(Payload::Io) {
            add("io_error", None, render(&templates::WireIoError)?)?;
        }
        if payload(Payload::Json) {
            add("json_error", None, render(&templates::WireJsonError)?)?;
        }
        if payload(Payload::Anyhow) {
            add("anyhow_error", None, render(&templates::WireAnyhowError)?)?;
        }
        if payload(Payload::Boxed) {
            add("boxed_error", None, render(&templates::WireBoxedError)?)?;
        }
        let needs = |wanted: fn(&Encoding) -> bool| encodings.iter().any(wanted);
        if needs(|e| matches!(e, Encoding::Float)) {
            add("float", Some("float::Float"), render(&templates::WireFloat)?)?;
        }
        if needs(|e| matches!(e, Encoding::Lent(_))) {
            add("lent", Some("lent::Lent"), render(&templates::WireLent)?)?;
        }
        if needs(|e| matches!(e, Encoding::Nested(_))) {
            add("nested", Some("nested::Nested"), render(&templates::WireNested)?)?;
        }
        if needs(|e| matches!(e, Encoding::SocketAddress)) {
            let export = "socket_address::SocketAddress";
            add("socket_address", Some(export), render(&templates::WireSocketAddress)?)?;
        }
        if needs(|e| matches!(e, Encoding::UnixTime)) {
            let export = "system_time::UnixTime";
            add("system_time", Some(export), render(&templates::WireSystemTime)?)?;
        }
        modules.sort_unstable();
        exports.sort_unstable();
        let lib = templates::WireLib { modules: &modules, exports: &exports };
        changes.create(src.join("lib.rs"), render(&lib)?)?;
        changes.create(src.join("limits.rs"), render(&templates::WireLimits)?)?;
        changes.create(src.join("operation.rs"), render(&templates::WireOperation)?)?;
        changes.create(src.join("problem.rs"), render(&templates::WireProblem { names })?)
    }

    /// The files of the stub.
    pub(super) fn client(&self, changes: &mut ChangeSet) -> Result<()> {
        let names = self.names;
        let src = names.dir.join("client/src");
        let blocking = self.blocks();
        let boxed = boxes_calls(self.module);
        let mut add = |path, text: Result<String>| changes.create(src.join(path), text?);
        add("lib.rs", render(&templates::ClientLib { names, blocking }))?;
        add("config.rs", render(&templates::ClientConfig { names, blocking }))?;
        add("transport.rs", render(&templates::ClientTransport { names, blocking, boxed }))?;
        let tests = templates::ClientTransportTests { names, blocking };
        add("transport/tests.rs", render(&tests))?;
        if blocking {
            add("blocking.rs", render(&templates::ClientBlocking { names }))?;
            add("blocking/tests.rs", render(&templates::ClientBlockingTests { names }))?;
        }
        Ok(())
    }

    /// The files of the service.
    pub(super) fn service(&self, changes: &mut ChangeSet) -> Result<()> {
        let names = self.names;
        let database = self.service.database.as_ref();
        let has_database = database.is_some();
        let settings = self.service.settings(names);
        let dir = &names.dir;
        let src = dir.join("src");
        let mut add = |path: Utf8PathBuf, text: Result<String>| changes.create(path, text?);
        macro_rules! by_names {
            ($($path:expr => $template:ident),* $(,)?) => {
                $(add($path, render(&templates::$template { names }))?;)*
            };
        }
        add(src.join("lib.rs"), render(&templates::ServiceLib { names, has_database }))?;
        add(src.join("main.rs"), render(&templates::ServiceMain { names, has_database }))?;
        add(
            src.join("run.rs"),
            render(&templates::ServiceRun {
                has_database,
                closes_pool: database.is_some_and(|database| closes(database.engine)),
                compose_reads_settings: reads_settings(self.service),
                blocking: self.blocks(),
                has_endings: self.module.endings().next().is_some(),
                several: self.module.apis.len() > 1,
            }),
        )?;
        add(src.join("admin.rs"), render(&templates::ServiceAdmin { has_database }))?;
        add(src.join("server.rs"), render(&templates::ServiceServer))?;
        add(src.join("healthcheck.rs"), render(&templates::ServiceHealthcheck))?;
        by_names! {
            src.join("problem.rs") => ServiceProblem,
            src.join("auth.rs") => ServiceAuth,
            src.join("telemetry.rs") => ServiceTelemetry,
        }
        let blocking = self.blocks();
        add(src.join("call.rs"), render(&templates::ServiceCall { names, blocking }))?;
        let tests = dir.join("tests");
        add(tests.join("support/mod.rs"), render(&templates::TestSupport { names, blocking }))?;
        add(tests.join("server.rs"), render(&templates::TestServer { names, blocking }))?;
        let by_path = database.is_some_and(|database| is_by_path(database.engine));
        let max_connections = database.map_or("10", |d| d.max_connections.as_str());
        let template = templates::ServiceSettings {
            names,
            has_database,
            by_path,
            max_connections,
            settings: &settings,
            blocking,
        };
        add(src.join("settings.rs"), render(&template))?;
        if let Some(database) = database {
            let migrations = database.migrations.as_deref().map_or("migrations", Utf8Path::as_str);
            let own_table = format!("_{}", names.service_ident);
            let history = format!("{own_table}_migrations");
            let recent = self.environment.sqlx_is_recent;
            let (connect_options, pool_options) =
                (&database.connect_options, &database.pool_options);
            let history_table = if recent { &history } else { "_sqlx_migrations" };
            let (sqlx_table_name, own_table) = (recent, own_table.as_str());
            macro_rules! on_engine {
                ($template:ident) => {
                    render(&templates::$template {
                        names,
                        connect_options,
                        pool_options,
                        migrations,
                        sqlx_table_name,
                        history_table,
                        own_table,
                    })
                };
            }
            let (text, tests) = match database.engine {
                Engine::Sqlite => {
                    (on_engine!(ServiceDatabase), render(&templates::TestDatabase { names }))
                }
                Engine::Postgres => (
                    on_engine!(ServiceDatabasePostgres),
                    render(&templates::TestDatabasePostgres { names, sqlx_table_name }),
                ),
                Engine::Rusqlite => (
                    render(&templates::ServiceDatabaseRusqlite {
                        names,
                        connect_options,
                        prepare: &database.prepare,
                        pool_options,
                        migrations,
                        history_table: &history,
                    }),
                    render(&templates::TestDatabaseRusqlite { names }),
                ),
            };
            add(src.join("database.rs"), text)?;
            add(dir.join("tests/database.rs"), tests)?;
            add(dir.join("build.rs"), render(&templates::ServiceBuild { migrations }))?;
        }
        self.runner(changes)
    }

    /// What runs the monolith's own tests against the service.
    fn runner(&self, changes: &mut ChangeSet) -> Result<()> {
        let names = self.names;
        let engine = self.service.database.as_ref().map(|database| database.engine);
        let has_database = engine.is_some();
        let postgres = engine == Some(Engine::Postgres);
        let by_path = engine.is_some_and(is_by_path);
        let test_arguments = &self.environment.test_arguments;
        let dir = names.dir.join("examples/monolith_tests");
        let mut add = |name, text: Result<String>| changes.create(dir.join(name), text?);
        let main = templates::RunnerMain { names, has_database, postgres, test_arguments };
        add("main.rs", render(&main))?;
        let service = templates::RunnerService { names, has_database, postgres, by_path };
        add("service.rs", render(&service))?;
        add("report.rs", render(&templates::RunnerReport))?;
        add("test.rs", render(&templates::RunnerTest { names }))?;
        add("cargo.rs", render(&templates::RunnerCargo { names }))?;
        if postgres {
            let sqlx_table_name = self.environment.sqlx_is_recent;
            let database = templates::RunnerDatabase { names, sqlx_table_name };
            add("database.rs", render(&database))?;
        }
        Ok(())
    }

    /// Container files and documents.
    pub(super) fn deployment(&self, changes: &mut ChangeSet) -> Result<()> {
        let names = self.names;
        let environment = self.environment;
        let dir = &names.dir;
        let engine = self.service.database.as_ref().map(|database| database.engine);
        let has_database = engine.is_some();
        let postgres = engine == Some(Engine::Postgres);
        let sqlite = engine.is_some_and(Engine::is_sqlite);
        let settings = self.service.settings(names);
        let workspace_root = relative(dir, Utf8Path::new(""));
        let address = &self.address();
        let dockerfile = templates::Dockerfile {
            names,
            service_dir: dir.as_str(),
            rust_image: &environment.rust,
            debian_name: "trixie",
            debian_number: "13",
            sqlite,
        };
        changes.create(dir.join("Dockerfile"), render(&dockerfile)?)?;
        let dockerignore = templates::Dockerignore {
            root_files: &environment.root_files,
            built_folders: &environment.built_folders,
            member_files: &environment.member_files,
        };
        changes.create(dir.join("Dockerfile.dockerignore"), render(&dockerignore)?)?;
        let compose = templates::Compose {
            names,
            service_dir: dir.as_str(),
            workspace_root: workspace_root.as_str(),
            sqlite,
            postgres,
            address,
        };
        changes.create(dir.join("compose.yaml"), render(&compose)?)?;
        let example =
            templates::EnvExample { names, has_database, postgres, address, settings: &settings };
        changes.create(dir.join(".env.example"), render(&example)?)?;
        changes.create(dir.join(".gitignore"), render(&templates::Gitignore)?)?;
        let first = super::wire::operations_of(self.module).next();
        let operation = first.map_or_else(String::new, |(api, o)| api.called(&o.name));
        let readme = templates::Readme {
            names,
            has_database,
            address,
            has_cutover: self.service.database.as_ref().is_some_and(|d| d.migrations.is_some()),
            example_route: &format!("/v1/{operation}"),
            test_arguments: &environment.test_arguments,
            settings: &settings,
        };
        changes.create(dir.join("README.md"), render(&readme)?)
    }

    /// Where the service's database is, as its operator says it.
    fn address(&self) -> templates::Address {
        let Names { display, module, module_ident, .. } = self.names;
        let engine = self.service.database.as_ref().map(|database| database.engine);
        let (variable, here, in_container) = match engine.unwrap_or_default() {
            Engine::Sqlite => (
                "DATABASE_URL",
                format!("sqlite://{display}.db?mode=rwc"),
                format!("sqlite:///data/{module}.db?mode=rwc"),
            ),
            Engine::Rusqlite => {
                ("DATABASE_PATH", format!("{display}.db"), format!("/data/{module}.db"))
            }
            Engine::Postgres => (
                "DATABASE_URL",
                format!("postgres://localhost/{module_ident}"),
                format!("postgres://database/{module_ident}"),
            ),
        };
        templates::Address { variable, here, in_container }
    }

    /// The files that are written once, at the extraction: the runbook, and the SQL of its last step.
    pub(super) fn cutover(&self, schema: &SchemaPlan, changes: &mut ChangeSet) -> Result<()> {
        let clean_up = self.names.dir.join(CLEAN_UP);
        changes.create(clean_up.clone(), schema.clean_up.clone())?;
        for added in &schema.added {
            changes.create(added.path.clone(), added.text.clone())?;
            if let Some((path, text)) = &added.back {
                changes.create(path.clone(), text.clone())?;
            }
        }
        for stand_in in &schema.stand_ins {
            changes.create(stand_in.path.clone(), stand_in.text.clone())?;
        }
        for (path, text) in schema.shared.iter().flat_map(|shared| &shared.set) {
            changes.create(path.clone(), text.clone())?;
        }
        let added = schema.added.iter().map(|added| (&added.path, &added.history));
        let stand_ins = schema.stand_ins.iter().map(|one| (&one.path, &one.history));
        let versions: Vec<templates::AddedMigration> = added
            .chain(stand_ins)
            .filter_map(|(path, history)| {
                let version = version_of(path)?;
                let history = quote(history);
                Some(templates::AddedMigration { history, version: version.to_string() })
            })
            .collect();
        if let Some(postgres) = &schema.postgres {
            let text = self.cutover_on_postgres(schema, postgres, &versions, &clean_up)?;
            return changes.create(self.names.dir.join("CUTOVER.md"), text);
        }
        let triggers = |list: &[(String, String)]| -> Vec<templates::Trigger> {
            list.iter()
                .map(|(name, sql)| templates::Trigger { quoted: quote(name), sql: sql.clone() })
                .collect()
        };
        let (new, old) = (triggers(&schema.triggers), triggers(&schema.old_triggers));
        let restored: Vec<&str> =
            schema.added.iter().filter_map(|added| added.restores.as_deref()).collect();
        let keys = schema.added.iter().filter(|added| added.restores.is_none());
        let back: Vec<&str> =
            keys.rev().filter_map(|added| Some(added.back.as_ref()?.0.as_str())).collect();
        let dropped: Vec<&str> = schema.added.iter().map(|added| added.drops.as_str()).collect();
        let tables: Vec<templates::CopiedTable> = schema
            .copy
            .tables
            .iter()
            .map(|table| templates::CopiedTable {
                name: table.name.clone(),
                quoted: quote(&table.name),
                text: format!("'{}'", table.name.replace('\'', "''")),
                columns: table.columns.iter().map(|c| quote(c)).collect::<Vec<_>>().join(", "),
                autoincrement: table.autoincrement,
            })
            .collect();
        let runbook = templates::Cutover {
            names: self.names,
            address: &self.address(),
            tables: &tables,
            rebuilt: &schema.copy.rebuilt,
            triggers: &new,
            old_triggers: &old,
            dropped: &dropped,
            restored: &restored,
            back: &back,
            is_shared: schema.shared.is_some(),
            added: &versions,
            drop_tables: clean_up.as_str(),
        };
        changes.create(self.names.dir.join("CUTOVER.md"), render(&runbook)?)
    }

    fn cutover_on_postgres(
        &self,
        schema: &SchemaPlan,
        postgres: &PostgresPlan,
        added: &[templates::AddedMigration],
        clean_up: &Utf8Path,
    ) -> Result<String> {
        let moved = |name: &Name| templates::Moved {
            name: name.to_string(),
            sql: name.full_sql(),
            text: format!("'{}'", name.full_sql().replace('\'', "''")),
            shell: name.full_sql().replace('\'', r"'\''"),
        };
        let tables: Vec<_> = postgres.tables.iter().map(moved).collect();
        let sequences: Vec<_> = postgres.sequences.iter().map(moved).collect();
        render(&templates::CutoverPostgres {
            names: self.names,
            tables: &tables,
            sequences: &sequences,
            lock: &postgres.lock,
            drops_foreign_keys: !schema.added.is_empty(),
            // What was dropped last may be needed by what was dropped before.
            restored: &schema
                .added
                .iter()
                .rev()
                .filter_map(|a| a.restores.as_deref())
                .collect::<Vec<_>>(),
            added,
            drop_tables: clean_up.as_str(),
        })
    }
}
