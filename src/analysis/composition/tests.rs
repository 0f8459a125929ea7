//! The rules, each on a small workspace: what is refused, what goes, what an argument becomes.

use crate::analysis::code::Code;
use crate::analysis::composition::{self, ArgumentKind, SettingType};
use crate::analysis::module::Served;
use crate::analysis::{contract, references, select};
use crate::changes::ChangeSet;
use crate::diagnostic::Diagnostics;
use crate::rewire::roots::{self, StubNames};
use crate::testing::Project;

mod opens;
mod r2d2;
mod shapes;

const MODULE: &str = "
use std::sync::Arc;
use kernel::{Bus, Clock};
use sqlx::SqlitePool;
pub trait StockApi { fn count(&self) -> u32; }
pub struct SqlStock { pool: SqlitePool }
impl SqlStock {
    pub fn new(pool: SqlitePool) -> Self { Self { pool } }
    pub fn timed(pool: SqlitePool, clock: Arc<dyn Clock>, limit: u32) -> Self { Self { pool } }
    pub fn patient(pool: SqlitePool, wait: std::time::Duration) -> Self { Self { pool } }
    pub async fn connect(pool: SqlitePool) -> Result<Self, sqlx::Error> { todo!() }
    pub fn on_bus(pool: SqlitePool, bus: Arc<Bus>) -> Self { Self { pool } }
    pub fn on_mysql(pool: sqlx::MySqlPool) -> Self { todo!() }
    pub fn builder(pool: SqlitePool) -> StockBuilder { todo!() }
    pub async fn migrate(&self) { sqlx::migrate!().run(&self.pool) }
    pub async fn prepare(&self) { sqlx::migrate!().run(&self.pool).await; self.pool.close() }
    pub fn vacuum(&self) { self.pool.close() }
}
pub struct StockBuilder { pool: SqlitePool, limit: u32 }
impl StockBuilder {
    pub fn with_limit(self, value: u32) -> Self { todo!() }
    pub fn tables(self) -> Result<StockBuilder, sqlx::Error> { todo!() }
    pub async fn build(self) -> Result<SqlStock, sqlx::Error> { todo!() }
}
impl StockApi for SqlStock { fn count(&self) -> u32 { 1 } }
pub async fn migrate(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::migrate!().run(pool).await
}
pub async fn fill(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    sqlx::migrate!().run(&mut *connection).await?;
    sqlx::query(GOODS).execute(pool).await?;
    Ok(())
}
pub async fn audit(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::migrate!(\"./audit\").run(pool).await
}
pub async fn tables(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    info!(\"migrating\");
    let mut migrator = migrator();
    migrator.set_locking(false);
    migrator.run(pool).await?;
    Ok(())
}
fn migrator() -> sqlx::migrate::Migrator { sqlx::migrate!() }
pub fn seed(pool: &SqlitePool) { pool.close() }
pub fn open(pool: SqlitePool) -> Arc<dyn StockApi> { Arc::new(SqlStock::new(pool)) }
";

const KERNEL: &str = "
pub trait Clock {}
pub struct SystemClock;
impl Clock for SystemClock {}
pub struct PaidClock(std::sync::Mutex<u32>);
impl PaidClock { pub fn new(start: u32) -> Self { todo!() } }
impl Clock for PaidClock {}
pub struct Bus(std::sync::Mutex<Vec<u32>>);
impl Bus { pub fn new() -> Self { todo!() } }
";

/// What the analysis says of an app, and what its `src/lib.rs` is afterwards.
struct Outcome {
    /// `code: label` of every diagnostic.
    refused: Vec<String>,
    arguments: Vec<composition::Argument>,
    in_process: Vec<String>,
    dropped: Vec<String>,
    eager: bool,
    after: String,
    /// Every file that changes, afterwards.
    files: Vec<(String, String)>,
    /// What is said at each place of each diagnostic.
    labels: Vec<Vec<String>>,
    constructor: Option<composition::Constructor>,
}

fn run(files: &[(&str, &str)]) -> Outcome {
    run_on(MODULE, files)
}

/// The same on another module.
fn run_on(module: &str, files: &[(&str, &str)]) -> Outcome {
    let project = Project::new()
        .foreign("derive-new")
        .foreign("sqlx")
        .foreign("anyhow")
        .member("kernel", &[], &[("src/lib.rs", KERNEL)])
        .member("stock", &["derive-new", "kernel", "sqlx"], &[("src/lib.rs", module)])
        .member("app", &["anyhow", "kernel", "sqlx", "stock"], files);
    let workspace = project.load();
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
    let found = composition::read(&code, library, &served, &contract, &all, &mut diagnostics);
    let mut outcome = Outcome {
        refused: diagnostics
            .iter()
            .map(|d| {
                let label = &d.labels[0];
                let text = &workspace.source(&label.file).unwrap().text[label.span.clone()];
                format!("{}: {text}", d.code)
            })
            .collect(),
        arguments: Vec::new(),
        in_process: Vec::new(),
        dropped: Vec::new(),
        eager: false,
        after: String::new(),
        files: Vec::new(),
        labels: diagnostics
            .iter()
            .map(|d| d.labels.iter().map(|label| label.text.clone()).collect())
            .collect(),
        constructor: None,
    };
    let Some(found) = found else { return outcome };
    let names = StubNames {
        krate: "stock_client",
        client: "StockClient",
        env_prefix: "STOCK",
        module: "stock",
    };
    let mut changes = ChangeSet::default();
    for (file, edits) in roots::edits(&code, &found, names) {
        changes.edit(&file, &workspace.source(&file).unwrap().text, edits).unwrap();
    }
    for (file, change) in changes.iter() {
        if file == "app/src/lib.rs" {
            outcome.after = change.after().unwrap_or_default();
        }
        outcome.files.push((file.to_string(), change.after().unwrap_or_default()));
    }
    outcome.eager = found.roots[0].eager;
    let [constructed] = <[_; 1]>::try_from(found.constructed).ok().unwrap();
    outcome.arguments = constructed.arguments;
    outcome.constructor = Some(constructed.constructor);
    outcome.in_process = found.in_process.iter().map(|p| p.file.to_string()).collect();
    outcome.dropped = found.dropped.into_iter().map(|d| d.text).collect();
    outcome
}

/// An app with `body` in a function that composes.
fn app(head: &str, body: &str) -> String {
    format!(
        "use std::sync::Arc;\n\nuse stock::{{SqlStock, StockApi}};\n{head}\npub async fn compose() \
         -> anyhow::Result<Arc<dyn StockApi>> {{\n    let pool = open().await?;\n    \
         pool.ping();\n{body}}}\n\nasync fn open() -> anyhow::Result<sqlx::SqlitePool> {{\n    \
         Ok(sqlx::SqlitePool::connect(\"sqlite:x\").await?)\n}}\n"
    )
}

fn run_app(head: &str, body: &str) -> Outcome {
    run(&[("src/lib.rs", &app(head, body))])
}

#[test]
fn the_stub_stands_where_the_implementation_stood() {
    let outcome = run_app("", "    Ok(Arc::new(SqlStock::new(pool.clone())))\n");
    assert_eq!(outcome.refused, [""; 0]);
    let expected = app("", "    Ok(Arc::new(StockClient::from_env()?))\n").replace(
        "use stock::{SqlStock, StockApi};\n",
        "use stock::StockApi;\nuse stock_client::StockClient;\n",
    );
    assert_eq!(outcome.after, expected);
}

#[test]
fn migrations_go_with_what_only_they_needed() {
    let outcome = run_app(
        "use anyhow::Context;\n",
        "    // Its tables.\n    stock::migrate(&pool).await.context(\"no tables\")?;\n    \
         sqlx::migrate!(\"../stock/migrations\").run(&pool).await?;\n\n    \
         Ok(Arc::new(SqlStock::new(pool.clone())))\n",
    );
    assert_eq!(outcome.refused, [""; 0]);
    assert_eq!(outcome.dropped.len(), 2);
    assert!(!outcome.after.contains("migrate"), "{}", outcome.after);
    assert!(!outcome.after.contains("Context"), "{}", outcome.after);
    assert!(!outcome.after.contains("Its tables"), "{}", outcome.after);
}

#[test]
fn what_is_done_besides_migrating_is_not_lost() {
    let composed = |call: &str| {
        run_app("", &format!("    {call}\n    Ok(Arc::new(SqlStock::new(pool.clone())))\n"))
    };
    assert_eq!(composed("stock::tables(&pool).await?;").refused, [""; 0]);
    let filled = composed("stock::fill(&pool).await?;");
    assert_eq!(filled.refused, ["name-behind-the-trait: stock::fill"]);
    assert_eq!(filled.labels[0][1], "and this, which nobody would run");
    let audited = composed("stock::audit(&pool).await?;");
    assert_eq!(audited.refused, ["name-behind-the-trait: stock::audit"]);
    let called = |call: &str| {
        let body = format!(
            "    let stock = SqlStock::new(pool.clone());\n    {call}\n    Ok(Arc::new(stock))\n"
        );
        run_app("", &body)
    };
    let prepared = called("stock.prepare().await;");
    assert_eq!(prepared.refused, ["name-behind-the-trait: stock"]);
    assert_eq!(
        prepared.labels[0],
        ["runs the module's migrations", "and this, which nobody would run"]
    );
    let entangled = called("let done = stock.migrate().await;");
    assert_eq!(entangled.labels, [["runs the module's migrations"]]);
}

#[test]
fn bindings_and_imports_of_the_old_construction_go() {
    let outcome = run_app(
        "use kernel::{Clock, SystemClock};\n",
        "    let clock: Arc<dyn Clock> = Arc::new(SystemClock);\n    let stock = SqlStock::timed(\n        \
         pool.clone(),\n        clock,\n        7,\n    );\n    Ok(Arc::new(stock))\n",
    );
    assert_eq!(outcome.refused, [""; 0]);
    let expected = app("", "    let stock = StockClient::from_env()?;\n    Ok(Arc::new(stock))\n");
    let expected = expected.replace(
        "use stock::{SqlStock, StockApi};\n",
        "use stock::StockApi;\nuse stock_client::StockClient;\n",
    );
    assert_eq!(outcome.after, expected);
    let kinds: Vec<&ArgumentKind> = outcome.arguments.iter().map(|a| &a.kind).collect();
    let [ArgumentKind::Pool(_), ArgumentKind::Stateless(clock), ArgumentKind::Setting(limit)] =
        kinds.as_slice()
    else {
        panic!("{kinds:?}");
    };
    assert_eq!(clock.expression, "std::sync::Arc::new(kernel::SystemClock)");
    assert_eq!(clock.packages, ["kernel"]);
    assert_eq!((limit.name.as_str(), limit.default.as_deref()), ("limit", Some("7")));
    assert_eq!(limit.ty, SettingType::Number("u32"));
}

#[test]
fn without_a_result_the_stub_is_expected() {
    let text = "use stock::SqlStock;\n\npub fn compose(pool: &sqlx::SqlitePool) {\n    \
                pool.ping();\n    let stock = SqlStock::new(pool.clone());\n    stock.count();\n}\n\n\
                pub fn start() {\n    let pool = \
                sqlx::sqlite::SqlitePoolOptions::new().connect_lazy(\"x\").unwrap();\n    \
                compose(&pool);\n}\n";
    let outcome = run(&[("src/lib.rs", text)]);
    assert_eq!(outcome.refused, [""; 0]);
    let expected = "    let stock = StockClient::from_env()\n        .expect(\"STOCK_URL and \
                    STOCK_TOKEN configure the stock service\");\n";
    assert!(outcome.after.contains(expected), "{}", outcome.after);
}

#[test]
fn an_eager_constructor_keeps_its_context() {
    let outcome = run_app(
        "use anyhow::Context;\n",
        "    let stock: Arc<SqlStock> = Arc::new(\n        SqlStock::connect(pool.clone())\n            \
         .await\n            .context(\"no stock\")?,\n    );\n    Ok(stock)\n",
    );
    assert_eq!(outcome.refused, [""; 0]);
    assert!(outcome.eager);
    let expected = "    let stock: Arc<StockClient> = \
                    Arc::new(StockClient::from_env().context(\"no stock\")?);\n";
    assert!(outcome.after.contains(expected), "{}", outcome.after);
}

#[test]
fn a_free_constructor_and_a_path_without_import() {
    let outcome = run_app("", "    Ok(stock::open(pool.clone()))\n");
    assert_eq!(outcome.refused, [""; 0]);
    assert!(
        outcome.after.contains("Ok(Arc::new(stock_client::StockClient::from_env()?))"),
        "{}",
        outcome.after
    );
}

#[test]
fn tests_keep_the_implementation() {
    let lib = app("", "    Ok(Arc::new(SqlStock::new(pool.clone())))\n");
    let outcome = run(&[
        ("src/lib.rs", &lib),
        ("tests/it.rs", "use stock::SqlStock;\n#[test]\nfn it() { SqlStock::new(todo!()); }\n"),
    ]);
    assert_eq!(outcome.refused, [""; 0]);
    assert_eq!(outcome.in_process, ["app/tests/it.rs"]);
}

#[test]
fn names_behind_the_trait_are_refused_all_at_once() {
    let head =
        "pub fn take(row: stock::SqlStock) -> usize { size_of_val(&row) }\npub use stock::seed;\n";
    let body = "    stock::seed(&pool);\n    let n = stock::migrate(&pool).await.is_ok();\n    \
                let stock = SqlStock::new(pool.clone());\n    stock.vacuum();\n    \
                Ok(Arc::new(stock))\n";
    let outcome = run_app(head, body);
    let mut refused = outcome.refused;
    refused.sort();
    let all = |text: &str| format!("name-behind-the-trait: {text}");
    assert_eq!(
        refused,
        [all("stock"), all("stock::migrate"), all("stock::seed"), all("stock::seed")]
    );
}

#[test]
fn what_cannot_be_carried_is_refused_by_its_kind() {
    let mysql = run_app("", "    Ok(Arc::new(SqlStock::on_mysql(pool.clone())))\n");
    assert_eq!(mysql.refused, ["storage-not-carried: pool.clone()"]);

    let bus = "    let bus = Arc::new(kernel::Bus::new());\n    bus.listen();\n    \
               Ok(Arc::new(SqlStock::on_bus(pool.clone(), bus.clone())))\n";
    assert_eq!(run_app("", bus).refused, ["shared-state: bus.clone()"]);

    let trait_of_another = "    let clock = Arc::new(kernel::PaidClock::new(pool.size()));\n    \
                            Ok(Arc::new(SqlStock::timed(pool.clone(), clock, 7)))\n";
    assert_eq!(run_app("", trait_of_another).refused, ["outbound-trait: clock"]);

    let computed = "    Ok(Arc::new(SqlStock::timed(pool.clone(), \
                    Arc::new(kernel::SystemClock), pool.size())))\n";
    assert_eq!(run_app("", computed).refused, ["setting-not-carried: pool.size()"]);
}

#[test]
fn a_parameter_left_unused_is_refused_where_callers_cannot_change() {
    let text = "use stock::SqlStock;\n\npub fn compose(pool: sqlx::SqlitePool) {\n    \
                SqlStock::new(pool);\n}\n\npub fn start() {\n    \
                compose(sqlx::SqlitePool::connect_lazy(\"x\").unwrap());\n    let later = compose;\n}\n";
    assert_eq!(run(&[("src/lib.rs", text)]).refused, ["left-unused: pool"]);
}

#[test]
fn configuration_gives_settings_with_their_defaults() {
    let head = "pub struct Config {\n    /// Low at this many.\n    pub limit: u32,\n}\nimpl Default for \
                Config {\n    fn default() -> Self {\n        Self { limit: LIMIT }\n    }\n}\nconst \
                LIMIT: u32 = 9;\n";
    let body = "    let config = Config::default();\n    config.check();\n    \
                Ok(Arc::new(SqlStock::timed(pool.clone(), Arc::new(kernel::SystemClock), \
                config.limit)))\n";
    let outcome = run_app(head, body);
    assert_eq!(outcome.refused, [""; 0]);
    let ArgumentKind::Setting(limit) = &outcome.arguments[2].kind else { panic!() };
    assert_eq!(limit.default.as_deref(), Some("9"));
    assert_eq!(limit.help, ["Low at this many."]);
}

#[test]
fn a_duration_is_given_in_seconds_whatever_the_monolith_counts_in() {
    let default = |field: &str, value: &str, passed: &str| {
        let head = format!(
            "use std::time::Duration;\npub struct Config {{ pub wait: {field} }}\nimpl Default for \
             Config {{ fn default() -> Self {{ Self {{ wait: {value} }} }} }}\nconst WAIT: Duration = \
             Duration::from_millis(500);\n"
        );
        let body = format!(
            "    let config = Config::default();\n    config.check();\n    \
             Ok(Arc::new(SqlStock::patient(pool.clone(), {passed})))\n"
        );
        let outcome = run_app(&head, &body);
        assert_eq!(outcome.refused, [""; 0]);
        let ArgumentKind::Setting(wait) = &outcome.arguments[1].kind else { panic!() };
        (wait.ty, wait.default.clone())
    };
    let seconds = |text: &str| (SettingType::Seconds, Some(text.to_owned()));
    assert_eq!(default("Duration", "Duration::from_millis(500)", "config.wait"), seconds("0.5"));
    assert_eq!(default("Duration", "Duration::from_millis(2_000)", "config.wait"), seconds("2"));
    assert_eq!(default("Duration", "Duration::from_secs(3)", "config.wait"), seconds("3"));
    assert_eq!(default("Duration", "WAIT", "config.wait"), seconds("0.5"));
    let unknown = (SettingType::Seconds, None);
    assert_eq!(default("Duration", "Duration::from_micros(5)", "config.wait"), unknown);
    // A number of milliseconds, which the plan converts.
    assert_eq!(
        default("u64", "500", "Duration::from_millis(config.wait)"),
        (SettingType::Milliseconds, Some("500".to_owned()))
    );
}

#[test]
fn the_pool_is_opened_as_it_was() {
    let text = "use std::str::FromStr;\nuse std::time::Duration;\nuse sqlx::sqlite::{\
                SqliteConnectOptions, SqlitePoolOptions, SqliteJournalMode as Mode};\nuse \
                stock::SqlStock;\nconst SIZE: u32 = 4;\npub async fn main_pool(url: &str) -> \
                anyhow::Result<sqlx::SqlitePool> {\n    let mut options = \
                SqliteConnectOptions::from_str(url)?.journal_mode(Mode::Wal);\n    options = \
                options.busy_timeout(Duration::from_secs(5));\n    let pool = \
                SqlitePoolOptions::new().max_connections(SIZE).connect_with(options).await?;\n    \
                sqlx::query(\"PRAGMA synchronous = NORMAL;\").execute(&pool).await?;\n    Ok(pool)\n}\n\
                pub async fn compose() -> anyhow::Result<()> {\n    let pool = \
                main_pool(\"x\").await?;\n    pool.ping();\n    SqlStock::new(pool);\n    Ok(())\n}\n";
    let outcome = run(&[("src/lib.rs", text)]);
    assert_eq!(outcome.refused, [""; 0]);
    let ArgumentKind::Pool(pool) = &outcome.arguments[0].kind else { panic!() };
    let spelled: Vec<String> = pool
        .connect
        .iter()
        .chain(&pool.pool)
        .map(|call| format!("{}({})", call.method, call.arguments.join(", ")))
        .collect();
    assert_eq!(
        spelled,
        [
            "journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)",
            "busy_timeout(std::time::Duration::from_secs(5))",
            "max_connections(4)",
        ]
    );
    assert_eq!(pool.pragmas, ["PRAGMA synchronous = NORMAL"]);
    assert!(pool.enforces_foreign_keys());
    for (said, instead) in [
        ("synchronous = NORMAL", "foreign_keys = OFF"),
        (".busy_timeout(Duration::from_secs(5))", ".foreign_keys(false)"),
        (".busy_timeout(Duration::from_secs(5))", ".pragma(\"foreign_keys\", \"0\")"),
    ] {
        let outcome = run(&[("src/lib.rs", &text.replace(said, instead))]);
        let ArgumentKind::Pool(pool) = &outcome.arguments[0].kind else { panic!() };
        assert!(!pool.enforces_foreign_keys(), "{instead}");
    }

    // In a constant it is read too; another function's is not this pool's for sure.
    let constant = text.replace("\"PRAGMA synchronous = NORMAL;\"", "SYNCHRONOUS")
        + "const SYNCHRONOUS: &str = \"PRAGMA synchronous = OFF\";\n";
    let outcome = run(&[("src/lib.rs", &constant)]);
    let ArgumentKind::Pool(pool) = &outcome.arguments[0].kind else { panic!() };
    assert_eq!(pool.pragmas, ["PRAGMA synchronous = OFF"]);
    let elsewhere = text.replace("pool.ping();", "tune(&pool).await?;")
        + "async fn tune(pool: &sqlx::SqlitePool) -> anyhow::Result<()> {\n    \
           sqlx::query(\"PRAGMA recursive_triggers = ON\").execute(pool).await?;\n    Ok(())\n}\n";
    assert_eq!(
        run(&[("src/lib.rs", &elsewhere)]).refused,
        ["pool-option-not-carried: \"PRAGMA recursive_triggers = ON\""]
    );

    let configured = text.replace("max_connections(SIZE)", "max_connections(url.len())");
    assert_eq!(run(&[("src/lib.rs", &configured)]).refused, ["pool-option-not-carried: url.len()"]);
}

#[test]
fn roots_that_disagree_are_refused() {
    let second = "pub fn other() -> anyhow::Result<()> {\n    let pool = \
                  sqlx::SqlitePool::connect_lazy(\"x\")?;\n    SqlStock::timed(pool, \
                  Arc::new(kernel::SystemClock), 3);\n    Ok(())\n}\n";
    let body =
        "    Ok(Arc::new(SqlStock::timed(pool.clone(), Arc::new(kernel::SystemClock), 7)))\n";
    let refused = run_app(second, body).refused;
    assert_eq!(refused.len(), 1);
    assert!(refused[0].starts_with("roots-disagree"), "{refused:?}");
}

fn formatted(text: &str) -> String {
    use std::io::Write;
    let mut child = std::process::Command::new("rustfmt")
        .args(["--edition", "2024", "--config", "use_small_heuristics=Default"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_rustfmt_was_content_with_it_stays_content_with() {
    let heads = [
        "use kernel::{Clock, SystemClock};\n",
        "use kernel::{Bus, Clock, PaidClock, SystemClock};\npub type Names = (Bus, PaidClock);\n",
        "use {kernel::{SystemClock, Bus}, std::collections::HashMap};\npub type N = HashMap<u8, Bus>;\n",
    ];
    let construction = "SqlStock::timed(pool.clone(), Arc::new(SystemClock), 12345678)";
    let bodies = [
        format!("let stock: Arc<dyn StockApi> = Arc::new({construction}); Ok(stock)"),
        format!(
            "Ok(wrap(pool.clone(), Arc::new({construction}), \"a rather long text argument\"))"
        ),
        format!(
            "let s = std::thread::spawn(move || Arc::new({construction})).join(); Ok(s.unwrap())"
        ),
        format!("if true {{ return Ok(Arc::new({construction})); }} Err(todo())"),
        format!(
            "let state = State {{ stock: Arc::new({construction}), other: 1 }}; Ok(state.stock)"
        ),
        format!("// Told apart.\nlet stock = {construction}; // here\n\nOk(Arc::new(stock))"),
    ];
    for head in heads {
        for body in &bodies {
            let text = formatted(&app(head, body));
            let outcome = run(&[("src/lib.rs", &text)]);
            assert_eq!(outcome.refused, [""; 0], "{text}");
            assert_eq!(outcome.after, formatted(&outcome.after));
            assert!(!outcome.after.contains("SystemClock"), "{}", outcome.after);
            let crlf = run(&[("src/lib.rs", &text.replace('\n', "\r\n"))]);
            assert_eq!(crlf.after, outcome.after.replace('\n', "\r\n"));
        }
    }
}

#[test]
fn a_method_that_migrates_goes_and_so_does_a_pool_of_its_own() {
    let text = "use sqlx::SqlitePool;\nuse stock::SqlStock;\n\npub async fn compose() -> \
                anyhow::Result<u32> {\n    let pool = own_pool().await?;\n    let stock = \
                SqlStock::new(pool);\n    stock.migrate().await;\n    Ok(stock.count())\n}\n\n/// \
                Its own.\nasync fn own_pool() -> anyhow::Result<SqlitePool> {\n    \
                Ok(SqlitePool::connect(\"x\").await?)\n}\n";
    let outcome = run(&[("src/lib.rs", text)]);
    assert_eq!(outcome.refused, [""; 0]);
    assert_eq!(
        outcome.after,
        "use stock_client::StockClient;\n\npub async fn compose() -> anyhow::Result<u32> {\n    let \
         stock = StockClient::from_env()?;\n    Ok(stock.count())\n}\n"
    );
}
