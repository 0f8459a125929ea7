//! The shapes that composition roots have: helpers, aliases, builders, concrete types, several roots.

use crate::analysis::composition::{ArgumentKind, Wrapped};

use super::{MODULE, Outcome, app, run, run_app, run_on};

const IMPORTS: &str = "use stock::{SqlStock, StockApi};\n";
const IMPORTS_AFTER: &str = "use stock::StockApi;\nuse stock_client::StockClient;\n";

/// Holds that an app is rewired without a refusal, into what `expected` is.
fn assert_rewired(before: &str, expected: &str) -> Outcome {
    let outcome = run(&[("src/lib.rs", before)]);
    assert_eq!(outcome.refused, [""; 0]);
    assert_eq!(outcome.after, expected);
    outcome
}

#[test]
fn a_helper_loses_the_parameters_that_nobody_reads_any_more() {
    let body = "    let config = Config::load();\n    Ok(build(&config, pool.clone()))\n";
    let helper = "struct Config { limit: u32, name: String }\nimpl Config {\n    fn load() -> Self {\n        \
                  Self { limit: 3, name: String::new() }\n    }\n}\n\nfn build(\n    config: &Config,\n    \
                  pool: sqlx::SqlitePool,\n) -> Arc<dyn StockApi> {\n    let name = \
                  &config.name;\n    let stock = SqlStock::timed(pool, Arc::new(kernel::SystemClock), \
                  7);\n    stock.announce(name);\n    Arc::new(stock)\n}\n";
    let before = app(helper, body);
    let expected = before
        .replace(IMPORTS, IMPORTS_AFTER)
        .replace("(\n    config: &Config,\n    pool: sqlx::SqlitePool,\n)", "(config: &Config)")
        .replace("build(&config, pool.clone())", "build(&config)")
        .replace(
            "SqlStock::timed(pool, Arc::new(kernel::SystemClock), 7);",
            "StockClient::from_env()\n        .expect(\"STOCK_URL and STOCK_TOKEN configure the \
             stock service\");",
        );
    let outcome = assert_rewired(&before, &expected);
    assert_eq!(outcome.arguments.len(), 3);
}

#[test]
fn what_a_helper_was_given_goes_through_all_callers() {
    let text = "use sqlx::SqlitePool;\nuse stock::SqlStock;\n\nstruct Roots;\n\nimpl Roots {\n    fn \
                inventory(pool: SqlitePool) -> SqlStock {\n        SqlStock::new(pool)\n    }\n\n    fn \
                all(pool: SqlitePool) -> SqlStock {\n        Self::inventory(pool)\n    }\n}\n\npub async \
                fn compose() -> anyhow::Result<SqlStock> {\n    let pool = \
                SqlitePool::connect(\"x\").await?;\n    Ok(Roots::all(pool))\n}\n";
    let expected = "use stock_client::StockClient;\n\nstruct Roots;\n\nimpl Roots {\n    fn inventory() \
                    -> StockClient {\n        StockClient::from_env().expect(\"STOCK_URL \
                    and STOCK_TOKEN configure the stock service\")\n    }\n\n    fn all() -> StockClient \
                    {\n        Self::inventory()\n    }\n}\n\npub async fn compose() -> \
                    anyhow::Result<StockClient> {\n    Ok(Roots::all())\n}\n";
    assert_rewired(text, expected);
}

#[test]
fn the_stub_s_type_stands_where_the_implementation_s_stood() {
    let head = "pub struct App<I> { pub stock: Arc<I>, pub own: Arc<SqlStock> }\npub type State = \
                App<stock::SqlStock>;\nimpl App<SqlStock> {\n    pub fn one(&self) -> &SqlStock {\n        \
                &self.own\n    }\n}\n#[handler(state = App<SqlStock>)]\npub fn show(app: State) -> u32 \
                {\n    count::<SqlStock>(&app) + SqlStock::count(&app.own) + <SqlStock as \
                StockApi>::count(&app.own)\n}\n";
    let body = "    let stock: Arc<SqlStock> = Arc::new(SqlStock::new(pool.clone()));\n    let own = \
                Arc::clone(&stock);\n    show(App { stock: stock.clone(), own });\n    Ok(stock)\n";
    let before = app(head, body);
    let expected = before
        .replace(IMPORTS, IMPORTS_AFTER)
        .replace("SqlStock::new(pool.clone())", "StockClient::from_env()?")
        .replace("stock::SqlStock", "stock_client::StockClient")
        .replace("SqlStock", "StockClient");
    assert_rewired(&before, &expected);
}

#[test]
fn an_alias_goes_on_standing_for_what_is_behind_the_trait() {
    let head =
        "type Store = SqlStock;\npub type State = App<Store>;\npub struct App<I>(pub Arc<I>);\n";
    let body = "    let stock = Arc::new(Store::new(pool.clone()));\n    let state: State = \
                App(stock.clone());\n    state.check(Store::count(&stock));\n    Ok(stock)\n";
    let before = app(head, body);
    let expected = before
        .replace(IMPORTS, IMPORTS_AFTER)
        .replace("Store = SqlStock", "Store = StockClient")
        .replace("Store::new(pool.clone())", "Store::from_env()?");
    assert_rewired(&before, &expected);
}

#[test]
fn a_constructor_that_a_derive_writes_takes_the_fields() {
    let fields =
        "pool: SqlitePool, #[new(default)] calls: std::sync::atomic::AtomicU64, limit: u32";
    let by_hand = "pub fn new(pool: SqlitePool) -> Self { Self { pool } }";
    let module = MODULE
        .replace(
            "pub struct SqlStock { pool: SqlitePool }",
            &format!("pub struct SqlStock {{ {fields} }}"),
        )
        .replace(by_hand, "");
    let before = app("", "    Ok(Arc::new(SqlStock::new(pool.clone(), 3)))\n");
    let derived = |derive: &str| {
        let module = module
            .replace("pub struct SqlStock", &format!("#[derive({derive})]\npub struct SqlStock"));
        run_on(&module, &[("src/lib.rs", &before)])
    };
    let outcome = derived("Debug, derive_new::new");
    assert_eq!(outcome.refused, [""; 0]);
    assert_eq!(outcome.constructor.unwrap().path, "stock::SqlStock::new");
    let names: Vec<&str> = outcome.arguments.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["pool", "limit"]);
    assert_eq!(derived("Debug").refused.len(), 2, "nothing says what `new` is");
}

#[test]
fn a_pool_in_a_type_of_the_module_is_opened_as_the_pool_is() {
    let new = "pub fn new(pool: SqlitePool) -> Self { Self { pool } }";
    let db = "pub struct Db(SqlitePool);\nimpl Db { pub fn of(pool: SqlitePool) -> Self { Self(pool) } }\n";
    let module = MODULE.replacen(new, "pub fn new(db: Arc<Db>) -> Self { todo!() }", 1) + db;
    let given = "Arc::new(stock::Db::of(pool.clone()))";
    let before = app("", &format!("    Ok(Arc::new(SqlStock::new({given})))\n"));
    let outcome = run_on(&module, &[("src/lib.rs", &before)]);
    assert_eq!(outcome.refused, [""; 0]);
    let [argument] = &outcome.arguments[..] else { panic!("{:?}", outcome.arguments) };
    assert_eq!(argument.newtype.as_deref(), Some("stock::Db::of"));
    assert_eq!(argument.wrapped, Wrapped::Arc);
    assert!(matches!(argument.kind, ArgumentKind::Pool(_)));
    assert!(outcome.after.contains("Ok(Arc::new(StockClient::from_env()?))"), "{}", outcome.after);
}

#[test]
fn a_builder_is_read_as_one_constructor() {
    let body = "    let stock = SqlStock::builder(pool.clone())\n        .with_limit(3)\n        .tables()?\n        \
                .build()\n        .await?;\n    Ok(Arc::new(stock))\n";
    let before = app("", body);
    let expected = app("", "    let stock = StockClient::from_env()?;\n    Ok(Arc::new(stock))\n")
        .replace(IMPORTS, IMPORTS_AFTER);
    let outcome = assert_rewired(&before, &expected);
    let names: Vec<&str> = outcome.arguments.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["pool", "limit"]);
    let chain = outcome.constructor.unwrap().chain;
    let links: Vec<_> =
        chain.iter().map(|l| (l.method.as_str(), l.arguments, l.awaited, l.fallible)).collect();
    assert_eq!(
        links,
        [("with_limit", 1, false, false), ("tables", 0, false, false), ("build", 0, false, true)]
    );
}

#[test]
fn a_builder_in_several_statements_is_refused() {
    let body = "    let builder = SqlStock::builder(pool.clone());\n    let stock = \
                builder.tables()?.build().await?;\n    Ok(Arc::new(stock))\n";
    let refused = run_app("", body).refused;
    assert_eq!(refused[0], "name-behind-the-trait: SqlStock::builder", "{refused:?}");
}

#[test]
fn a_binding_that_would_lie_is_renamed() {
    let head =
        "pub struct App { pub sql_stock: Arc<dyn StockApi>, pub stock: Arc<dyn StockApi> }\n";
    let body = "    let sql_stock: Arc<dyn StockApi> = Arc::new(SqlStock::new(pool.clone()));\n    let \
                app = App { stock: sql_stock.clone(), sql_stock };\n    Ok(app.stock)\n";
    let before = app(head, body);
    let expected = before
        .replace(IMPORTS, IMPORTS_AFTER)
        .replace("let sql_stock", "let stock")
        .replace("SqlStock::new(pool.clone())", "StockClient::from_env()?")
        .replace(
            "stock: sql_stock.clone(), sql_stock }",
            "stock: stock.clone(), sql_stock: stock }",
        );
    assert_rewired(&before, &expected);

    // Here another value goes by that name.
    let taken = before.replace("    let app", "    let stock = 1;\n    let app");
    let outcome = run(&[("src/lib.rs", &taken)]);
    assert!(outcome.after.contains("let sql_stock"), "{}", outcome.after);
}

#[test]
fn roots_that_agree_make_one_service() {
    let one = "use stock::SqlStock;\n\npub struct Config { pub limit: u32 }\n\npub async fn run(config: \
               Config) -> anyhow::Result<()> {\n    let pool = sqlx::SqlitePool::connect(\"x\").await?;\n    \
               SqlStock::timed(pool, std::sync::Arc::new(kernel::SystemClock), config.limit);\n    \
               config.check(config.limit);\n    Ok(())\n}\n";
    let other = one.replace("Config", "Settings").replace("limit", "low_at");
    let outcome = run(&[("src/lib.rs", one), ("src/bin/worker.rs", &other)]);
    assert_eq!(outcome.refused, [""; 0]);
    let worker = outcome.files.iter().find(|(file, _)| file == "app/src/bin/worker.rs").unwrap();
    assert!(worker.1.contains("StockClient::from_env()?;"), "{}", worker.1);

    let other = other.replace("config.low_at);", "9);");
    let third = one.replace(
        "timed(pool, std::sync::Arc::new(kernel::SystemClock), config.limit)",
        "new(pool)",
    );
    let outcome =
        run(&[("src/lib.rs", one), ("src/bin/tool.rs", &third), ("src/bin/worker.rs", &other)]);
    assert_eq!(outcome.refused.len(), 1, "{:?}", outcome.refused);
    assert!(outcome.refused[0].starts_with("roots-disagree"));
    assert_eq!(outcome.labels[0].len(), 3);
}

#[test]
fn a_test_that_constructs_by_an_alias_of_the_app_is_refused() {
    let lib = app("pub type Store = SqlStock;\n", "    Ok(Arc::new(Store::new(pool.clone())))\n");
    let test = "#[test]\nfn it() { app::Store::new(todo!()); }\n";
    let outcome = run(&[("src/lib.rs", &lib), ("tests/it.rs", test)]);
    assert_eq!(outcome.refused, ["name-behind-the-trait: app::Store::new"]);
}

#[test]
fn a_construction_that_is_not_followed_is_refused_where_it_is_named() {
    let refused = ["name-behind-the-trait: SqlStock"];
    let local = "    type Store = SqlStock;\n    Ok(Arc::new(Store::new(pool.clone())))\n";
    assert_eq!(run_app("", local).refused, refused);
    let angles = "    Ok(Arc::new(<SqlStock>::new(pool.clone())))\n";
    assert_eq!(run_app("", angles).refused, refused);
    let value = "    let new = SqlStock::new;\n    Ok(Arc::new(new(pool.clone())))\n";
    assert_eq!(run_app("", value).refused, ["name-behind-the-trait: SqlStock::new"]);
}

#[test]
fn concrete_types_elsewhere_are_all_refused() {
    let head = "pub struct Held { pub stock: Arc<SqlStock> }\npub fn take(stock: &SqlStock) {}\npub type \
                Stock = SqlStock;\n";
    let outcome =
        run(&[("src/lib.rs", &format!("use std::sync::Arc;\nuse stock::SqlStock;\n{head}"))]);
    assert_eq!(
        outcome.refused,
        [
            "name-behind-the-trait: SqlStock",
            "name-behind-the-trait: SqlStock",
            "name-behind-the-trait: SqlStock",
            "no-composition-root: SqlStock",
        ]
    );
    // The same in the crate that constructs it.
    let outcome = run_app(head, "    Ok(Arc::new(SqlStock::new(pool.clone())))\n");
    assert_eq!(outcome.refused, [""; 0]);
}
