//! Every template, for every option and for awkward names, gives what its format's own parser takes.

mod container;

use std::collections::{BTreeMap, BTreeSet};

use saphyr::LoadableYamlNode as _;

use super::*;
use crate::analysis::testing::{Package, mini_workspace};
use crate::diagnostic::Diagnostics;

/// Package names: a usual one, one with a hyphen, and the shortest.
const MODULES: [&str; 3] = ["inventory", "stock-keeping", "a"];

/// What decides how the templates come out.
#[derive(Debug, Clone, Copy)]
struct Variant {
    database: bool,
    /// Whether the database is PostgreSQL's.
    postgres: bool,
    /// Whether the database is a file through rusqlite.
    rusqlite: bool,
    /// Whether sqlx is 0.9 or later.
    recent_sqlx: bool,
    settings: Settings,
    calls: Calls,
    /// Whether there are several API traits.
    several: bool,
    /// Whether there is more than the least: triggers, foreign keys, counters, options, members.
    rich: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settings {
    None,
    WithDefaults,
    WithoutDefaults,
}

/// How the trait's methods wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calls {
    Awaited,
    Boxed,
    Blocking,
}

fn variants() -> Vec<Variant> {
    let mut all = Vec::new();
    let databases =
        [(false, false, false), (true, false, false), (true, false, true), (true, true, false)];
    for (database, postgres, rusqlite) in databases {
        for recent_sqlx in [false, true] {
            for settings in [Settings::None, Settings::WithDefaults, Settings::WithoutDefaults] {
                for rich in [false, true] {
                    let (calls, several) = (Calls::Awaited, false);
                    all.push(Variant {
                        database,
                        postgres,
                        rusqlite,
                        recent_sqlx,
                        settings,
                        calls,
                        several,
                        rich,
                    });
                }
            }
        }
    }
    // Of what else decides, only the database goes together with how methods wait.
    let [least, .., most] = all[..] else { panic!("there are several") };
    // Nor with how many traits there are, but for what has to be closed.
    let plain = |variant: &&Variant| !variant.recent_sqlx && variant.settings == Settings::None;
    let several: Vec<Variant> = all.iter().filter(plain).copied().collect();
    all.extend(several.into_iter().map(|variant| Variant { several: true, ..variant }));
    let by_path = Variant { postgres: false, rusqlite: true, ..most };
    for calls in [Calls::Boxed, Calls::Blocking] {
        all.extend([least, most, by_path].map(|variant| Variant { calls, ..variant }));
    }
    all
}

/// The names that an extraction would choose.
fn names(module: &str) -> Names {
    let files = [("src/lib.rs", "pub trait ThingApi {}\n")];
    let package = Package { name: module, member: true, dependencies: &[], files: &files };
    let (_folder, workspace) = mini_workspace(&[package]);
    let member = workspace.member(module).unwrap();
    let mut diagnostics = Diagnostics::default();
    let traits = vec!["ThingApi".to_owned()];
    Names::choose(&workspace, member, traits, false, None, &mut diagnostics).unwrap()
}

/// One setting of each kind, with texts that a format could take for its own.
fn settings(which: Settings) -> Vec<Setting> {
    let kinds = [
        ("low_stock", "u32", "NUMBER", "5"),
        ("rate", "f64", "NUMBER", "0.5"),
        ("strict", "bool", "BOOL", "true"),
        ("greeting", "String", "TEXT", "a \"b\" | c\\d # $e 'f'"),
        ("folder", "PathBuf", "PATH", "/var/lib/a b"),
        ("patience", "Seconds", "SECONDS", "1.5"),
    ];
    if which == Settings::None {
        return Vec::new();
    }
    let setting = |(name, kind, value_name, default): (&str, &str, &str, &str)| Setting {
        name: name.to_owned(),
        env: format!("THING_{}", name.to_uppercase()),
        flag: name.replace('_', "-"),
        kind: kind.to_owned(),
        value_name: value_name.to_owned(),
        default: (which == Settings::WithDefaults).then(|| default.to_owned()),
        help: "Here | there, `so` to speak: \"5\".".to_owned(),
    };
    kinds.map(setting).to_vec()
}

fn table(name: &str, columns: &str, autoincrement: bool) -> CopiedTable {
    CopiedTable {
        name: name.to_owned(),
        quoted: format!("\"{name}\""),
        text: format!("'{name}'"),
        columns: columns.to_owned(),
        autoincrement,
    }
}

fn tables(rich: bool) -> Vec<CopiedTable> {
    let items = table("items", r#""sku", "title""#, false);
    let order = table("order", r#""number", "group""#, true);
    if rich { vec![items, order] } else { vec![items] }
}

fn moved(names: &[&str]) -> Vec<Moved> {
    let moved = |name: &&str| Moved {
        name: (*name).to_owned(),
        sql: format!("public.\"{name}\""),
        text: format!("'public.\"{name}\"'"),
        shell: format!("public.\"{name}\""),
    };
    names.iter().map(moved).collect()
}

const SCHEMA: &str = r#"
    CREATE TABLE items (sku TEXT PRIMARY KEY, title TEXT NOT NULL, shout AS (upper(title)));
    CREATE TABLE "order" (number INTEGER PRIMARY KEY AUTOINCREMENT, "group" TEXT);
    CREATE TABLE history (what TEXT);
    CREATE TRIGGER "after insert" AFTER INSERT ON items BEGIN
        INSERT INTO history VALUES (new.sku);
    END;
"#;

/// What every template gives in one variant, by its path.
fn render_all(names: &Names, variant: Variant) -> BTreeMap<&'static str, String> {
    let Variant { database, postgres, rusqlite, recent_sqlx, rich, calls, several, .. } = variant;
    let sqlite = database && !postgres;
    let (blocking, boxed) = (calls == Calls::Blocking, calls == Calls::Boxed);
    let settings = settings(variant.settings);
    let mut all = BTreeMap::new();
    let mut add = |path: &'static str, text: Result<String>| {
        assert!(all.insert(path, text.unwrap()).is_none(), "{path} twice");
    };
    macro_rules! each {
        ($($path:literal => $template:expr),* $(,)?) => {
            $(add($path, render(&$template));)*
        };
    }
    let texts = |list: &[&str]| -> Vec<String> {
        if rich { list.iter().map(|&text| text.to_owned()).collect() } else { Vec::new() }
    };
    let connect_options = texts(&[".foreign_keys(true)", ".pragma(\"synchronous\", \"NORMAL\")"]);
    let pool_options = texts(&[".min_connections(1)"]);
    let prepare = texts(&[
        ".execute_batch(\"PRAGMA foreign_keys = ON;\")",
        ".busy_timeout(std::time::Duration::from_secs(5))",
    ]);
    let address = &Address {
        variable: if rusqlite { "DATABASE_PATH" } else { "DATABASE_URL" },
        here: "sqlite://thing.db?mode=rwc".to_owned(),
        in_container: "/data/thing.db".to_owned(),
    };
    let added = [AddedMigration { history: "\"history\"".into(), version: "7".into() }];
    let added = if rich { &added[..] } else { &[] };
    let triggers = if rich {
        let sql = "CREATE TRIGGER \"after insert\" AFTER INSERT ON items BEGIN\n    INSERT INTO history \
                   VALUES (new.sku);\nEND;";
        vec![Trigger { quoted: "\"after insert\"".to_owned(), sql: sql.to_owned() }]
    } else {
        Vec::new()
    };
    let history = if recent_sqlx { "_thing_service_migrations" } else { "_sqlx_migrations" };
    each! {
        "service/.gitignore" => Gitignore,
        "service/src/server.rs" => ServiceServer,
        "service/wire/src/limits.rs" => WireLimits,
        "service/wire/src/operation.rs" => WireOperation,
        "service/wire/src/sqlx_error.rs" => WireSqlxError,
        "service/wire/src/rusqlite_error.rs" => WireRusqliteError,
        "service/wire/src/io_error.rs" => WireIoError,
        "service/wire/src/json_error.rs" => WireJsonError,
        "service/wire/src/anyhow_error.rs" => WireAnyhowError,
        "service/wire/src/boxed_error.rs" => WireBoxedError,
        "service/src/call.rs" => ServiceCall { names, blocking },
        "service/src/problem.rs" => ServiceProblem { names },
        "service/src/auth.rs" => ServiceAuth { names },
        "service/src/telemetry.rs" => ServiceTelemetry { names },
        "service/src/healthcheck.rs" => ServiceHealthcheck,
        "service/tests/support/mod.rs" => TestSupport { names, blocking },
        "service/tests/server.rs" => TestServer { names, blocking },
        "service/tests/database.rs" => TestDatabase { names },
        "service/tests/database.rusqlite.rs" => TestDatabaseRusqlite { names },
        "service/examples/monolith_tests/cargo.rs" => RunnerCargo { names },
        "service/examples/monolith_tests/report.rs" => RunnerReport,
        "service/examples/monolith_tests/test.rs" => RunnerTest { names },
        "service/examples/monolith_tests/service.rs" =>
            RunnerService { names, has_database: database, postgres, by_path: rusqlite },
        "service/examples/monolith_tests/database.rs" =>
            RunnerDatabase { names, sqlx_table_name: recent_sqlx },
        "service/tests/database.postgres.rs" =>
            TestDatabasePostgres { names, sqlx_table_name: recent_sqlx },
        "service/examples/monolith_tests/main.rs" =>
            RunnerMain {
                names, has_database: database, postgres, test_arguments: "-p app -p admin",
            },
        "service/wire/src/problem.rs" => WireProblem { names },
        "service/client/src/lib.rs" => ClientLib { names, blocking },
        "service/client/src/config.rs" => ClientConfig { names, blocking },
        "service/client/src/transport.rs" => ClientTransport { names, blocking, boxed },
        "service/client/src/blocking.rs" => ClientBlocking { names },
        "service/client/src/blocking/tests.rs" => ClientBlockingTests { names },
        "service/client/src/transport/tests.rs" => ClientTransportTests { names, blocking },
        "service/src/lib.rs" => ServiceLib { names, has_database: database },
        "service/src/main.rs" => ServiceMain { names, has_database: database },
        "service/src/run.rs" => ServiceRun {
            has_database: database,
            closes_pool: database && !rusqlite,
            compose_reads_settings: database || !settings.is_empty(),
            has_endings: rich,
            several,
            blocking,
        },
        "service/src/admin.rs" => ServiceAdmin { has_database: database },
        "service/build.rs" => ServiceBuild { migrations: "../../modules/a b/migrations" },
        "service/src/settings.rs" => ServiceSettings {
            names,
            has_database: database,
            by_path: rusqlite,
            max_connections: "10",
            settings: &settings,
            blocking,
        },
        "service/src/database.rs" => ServiceDatabase {
            names,
            connect_options: &connect_options,
            pool_options: &pool_options,
            migrations: "../../modules/a b/migrations",
            sqlx_table_name: recent_sqlx,
            history_table: history,
            own_table: "_thing_service",
        },
        "service/src/database.postgres.rs" => ServiceDatabasePostgres {
            names,
            connect_options: &texts(&[".application_name(\"thing\")"]),
            pool_options: &pool_options,
            migrations: "../../modules/a b/migrations",
            sqlx_table_name: recent_sqlx,
            history_table: history,
            own_table: "_thing_service",
        },
        "service/src/database.rusqlite.rs" => ServiceDatabaseRusqlite {
            names,
            connect_options: &texts(&[".with_flags(rusqlite::OpenFlags::default())"]),
            prepare: &prepare,
            pool_options: &texts(&[".connection_timeout(std::time::Duration::from_secs(9))"]),
            migrations: "../../modules/a b/migrations",
            history_table: "_thing_service_migrations",
        },
        "service/CUTOVER.postgres.md" => CutoverPostgres {
            names,
            tables: &moved(&["items", "order"]),
            sequences: &moved(if rich { &["labels"] } else { &[] }),
            lock: "thing_has_moved",
            drops_foreign_keys: rich,
            restored: if rich { &["CREATE VIEW v AS SELECT 1;"] } else { &[] },
            added,
            drop_tables: "services/thing/drop_from_monolith.sql",
        },
        "service/wire/src/lib.rs" => WireLib {
            modules: if rich { &["error", "float", "operations"] } else { &["error", "operations"] },
            exports: if rich { &["float::Float", "operations::*"] } else { &["operations::*"] },
        },
        "service/wire/src/float.rs" => WireFloat,
        "service/wire/src/lent.rs" => WireLent,
        "service/wire/src/nested.rs" => WireNested,
        "service/wire/src/socket_address.rs" => WireSocketAddress,
        "service/wire/src/system_time.rs" => WireSystemTime,
        "service/wire/src/database_error.rs" =>
            WireDatabaseError { sqlx_exclusion_violation: recent_sqlx },
        "service/Dockerfile" => Dockerfile {
            names,
            service_dir: names.dir.as_str(),
            rust_image: "1.95",
            debian_name: "trixie",
            debian_number: "13",
            sqlite,
        },
        "service/Dockerfile.dockerignore" => Dockerignore {
            root_files: &["Cargo.toml".to_owned(), "Cargo.lock".to_owned()],
            built_folders: &[names.dir.to_string()],
            member_files: &texts(&["app/Cargo.toml", "app/src/main.rs"]),
        },
        "service/compose.yaml" => Compose {
            names,
            service_dir: names.dir.as_str(),
            workspace_root: "../..",
            sqlite,
            postgres,
            address,
        },
        "service/.env.example" => EnvExample {
            names,
            has_database: database,
            postgres,
            address,
            settings: &settings,
        },
        "service/README.md" => Readme {
            names,
            has_database: database,
            address,
            has_cutover: database,
            example_route: "/v1/find",
            test_arguments: "-p app",
            settings: &settings,
        },
        "service/CUTOVER.md" => Cutover {
            names,
            address,
            tables: &tables(rich),
            rebuilt: &texts(&["search"]),
            triggers: &triggers,
            old_triggers: &triggers,
            dropped: if rich { &["the foreign keys of `orders`"] } else { &[] },
            restored: if rich { &["CREATE VIEW v AS SELECT 1;"] } else { &[] },
            back: if rich { &["migrations/2_keys.down.sql"] } else { &[] },
            is_shared: rich,
            added,
            drop_tables: "services/thing/drop_from_monolith.sql",
        },
    }
    all
}

fn for_each(check: impl Fn(&str, &str)) {
    for module in MODULES {
        let names = names(module);
        for variant in variants() {
            for (path, text) in render_all(&names, variant) {
                check(path, &text);
            }
        }
    }
}

#[test]
fn every_template_is_rendered() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let there: BTreeSet<String> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "j2"))
        .map(|path| {
            let path = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
            path.trim_end_matches(".j2").to_owned()
        })
        .collect();
    let rendered = render_all(&names("inventory"), variants()[0]);
    let rendered: BTreeSet<String> = rendered.into_keys().map(str::to_owned).collect();
    assert_eq!(there, rendered);
}

#[test]
fn nothing_of_the_template_or_of_calve_is_left() {
    for_each(|path, text| {
        for mark in ["{{", "{%", "{#", "calve", "Calve"] {
            assert!(!text.contains(mark), "{path} holds `{mark}`:\n{text}");
        }
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path} ends with {text:?}");
        assert!(!text.contains("\n\n\n"), "{path} has two blank lines in a row:\n{text}");
        let trailing = text.lines().find(|line| line.ends_with(' '));
        assert_eq!(trailing, None, "{path} has a line with a space at its end");
    });
}

/// Chains of `let` are of edition 2024; a workspace may be of 2021, and its crates with it.
#[test]
fn no_file_needs_edition_2024() {
    for_each(|path, text| {
        let chain = text.lines().find(|line| line.trim_start().starts_with("&& let "));
        assert_eq!(chain, None, "{path} has a chain of `let`");
    });
}

#[test]
fn rust_parses() {
    for_each(|path, text| {
        if path.ends_with(".rs")
            && let Err(error) = syn::parse_file(text)
        {
            panic!("{path}:{}: {error}\n{text}", error.span().start().line);
        }
    });
}

#[test]
fn compose_is_yaml_with_one_service() {
    for module in MODULES {
        let names = names(module);
        for variant in variants() {
            let all = render_all(&names, variant);
            let text = &all["service/compose.yaml"];
            let documents = saphyr::Yaml::load_from_str(text).unwrap_or_else(|error| {
                panic!("{error}\n{text}");
            });
            let [document] = documents.as_slice() else { panic!("one document:\n{text}") };
            let service = &document["services"][module];
            assert_eq!(service["image"].as_str(), Some(names.service.as_str()));
            let volume = document.as_mapping_get("volumes").and_then(|v| v.as_mapping());
            assert_eq!(volume.map(|v| v.len()), variant.database.then_some(1), "{text}");
        }
    }
}

#[test]
fn the_example_environment_is_one_of_names_and_values() {
    for_each(|path, text| {
        if path != "service/.env.example" {
            return;
        }
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
            let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            assert!(!name.is_empty() && name.chars().all(fits), "{line}");
            let quoted = value.len() > 1 && value.starts_with('\'') && value.ends_with('\'');
            assert!(quoted || !value.contains([' ', '#', '$', '"', '\'', '\\']), "{line}");
        }
    });
}

#[test]
fn tables_of_the_readme_have_as_many_cells_as_columns() {
    for_each(|path, text| {
        if path != "service/README.md" {
            return;
        }
        let mut columns = None;
        for line in text.lines() {
            let cells = line.replace(r"\|", "").matches('|').count();
            match columns {
                _ if !line.starts_with('|') => columns = None,
                None => columns = Some(cells),
                Some(columns) => assert_eq!(cells, columns, "{line}"),
            }
        }
    });
}

/// The copy of the runbook's step 3, run as `sqlite3` would, with awkward names.
#[test]
fn the_copy_of_the_runbook_runs() {
    let names = names("stock-keeping");
    for rich in [false, true] {
        let variant = Variant {
            several: false,
            database: true,
            postgres: false,
            rusqlite: false,
            recent_sqlx: true,
            settings: Settings::None,
            calls: Calls::Awaited,
            rich,
        };
        let text = render_all(&names, variant).remove("service/CUTOVER.md").unwrap();
        let script = text.split_once("<<'SQL'\n").unwrap().1;
        let script = script.split_once("    SQL\n").unwrap().0;
        let script: String = script
            .lines()
            .map(|line| line.strip_prefix("    ").unwrap_or_else(|| panic!("{line}")))
            .filter(|line| !line.starts_with('.'))
            .map(|line| format!("{line}\n"))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let monolith = folder.path().join("monolith.db");
        let there = rusqlite::Connection::open(&monolith).unwrap();
        there.execute_batch(SCHEMA).unwrap();
        there
            .execute_batch(
                r#"INSERT INTO items (sku, title) VALUES ('a', 'A'), ('b', 'B');
                   INSERT INTO "order" ("group") VALUES ('x'), ('y'), ('z');
                   DELETE FROM "order" WHERE number = 3;"#,
            )
            .unwrap();
        drop(there);
        let here = rusqlite::Connection::open_in_memory().unwrap();
        here.execute_batch(SCHEMA).unwrap();
        let script = script.replace("'monolith.db'", &format!("'{}'", monolith.to_str().unwrap()));
        // `SELECT` gives rows; `execute_batch` steps over them.
        here.execute_batch(&script).unwrap_or_else(|error| panic!("{error}\n{script}"));
        let count = |sql: &str| here.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM main.items"), 2);
        if rich {
            assert_eq!(count("SELECT count(*) FROM main.history"), 0, "the trigger did not run");
            assert_eq!(count("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"), 1);
            assert_eq!(count(r#"SELECT count(*) FROM main."order""#), 2);
            here.execute_batch(r#"INSERT INTO main."order" ("group") VALUES ('new')"#).unwrap();
            assert_eq!(count(r#"SELECT max(number) FROM main."order""#), 4, "no number twice");
        }
    }
}
