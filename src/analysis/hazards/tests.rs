//! Each rule on a small workspace, with what it finds and what it leaves alone.

use super::*;
use crate::analysis::testing::{Package, mini_workspace};
use crate::analysis::{references, select};
use crate::diagnostic::Diagnostics;

const INVENTORY: &str = "
use std::sync::Arc;
#[async_trait::async_trait]
pub trait InventoryApi: Send + Sync {
    async fn reserve(&self, sku: &str) -> Result<u32, Error>;
    async fn release(&self, id: u32) -> Result<(), Error>;
    async fn commit(&self) -> Result<(), Error>;
}
pub enum Error { Storage(sqlx::Error) }
pub struct Sqlite { pool: sqlx::Pool }
impl Sqlite { pub fn new(pool: sqlx::Pool) -> Self { Self { pool } } }
impl InventoryApi for Sqlite {
    async fn reserve(&self, sku: &str) -> Result<u32, Error> { todo!() }
    async fn release(&self, id: u32) -> Result<(), Error> { todo!() }
    async fn commit(&self) -> Result<(), Error> { todo!() }
}
pub type Inventory = Arc<dyn InventoryApi>;
";

const SQLX: &str = "
pub struct Pool; pub struct Transaction; pub enum Error { Database(Box<dyn DatabaseError>) }
pub trait DatabaseError {} pub mod sqlite { pub struct SqliteError; }
";

/// What is found when `orders` has this code, with extra code in the module's library.
fn look_at(orders: &[(&str, &str)], more: &str) -> Hazards {
    let library = format!("{INVENTORY}{more}");
    let (_dir, workspace) = mini_workspace(&[
        Package { name: "sqlx", member: false, dependencies: &[], files: &[("src/lib.rs", SQLX)] },
        Package {
            name: "kernel",
            member: true,
            dependencies: &[],
            files: &[("src/lib.rs", KERNEL)],
        },
        Package {
            name: "inventory",
            member: true,
            dependencies: &["sqlx", "kernel"],
            files: &[("src/lib.rs", &library)],
        },
        Package {
            name: "orders",
            member: true,
            dependencies: &["sqlx", "inventory", "kernel"],
            files: orders,
        },
    ]);
    let code = Code::new(&workspace);
    let mut diagnostics = Diagnostics::default();
    let library = code.library("inventory").unwrap();
    let found = references::find(&code, library);
    let wanted = ["InventoryApi".to_owned()];
    let apis = select::api_traits(&code, library, &found, &wanted, &mut diagnostics).unwrap();
    let api = &apis[0];
    let implementation =
        select::implementation(&code, library, api, &found, &mut diagnostics).unwrap();
    let root = code.root(library);
    let error = root.items.iter().find(|item| item.name.as_deref() == Some("Error"));
    find(
        &code,
        &Subject {
            error: error.map(|item| item.id),
            loses: Loses::Drivers,
            module: workspace.member("inventory").unwrap(),
            api: api.id,
            apis: &[api.id],
            implementation: implementation.id,
            tables: &["items"],
            foreign_tables: &["orders"],
        },
    )
}

const KERNEL: &str = "pub trait Clock { fn now(&self) -> u64; }
pub trait Listener { fn changed(&self); }
static CURRENT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
thread_local! { static WHO: std::cell::Cell<u32> = const { std::cell::Cell::new(0) }; }
pub static NAME: &str = \"kernel\";";

fn look(orders: &str) -> Hazards {
    look_at(&[("src/lib.rs", orders)], "")
}

/// `function: operation` of each place, in order.
fn of(sites: &[CallSite]) -> Vec<String> {
    sites.iter().map(|s| format!("{}: {}", s.function, s.operation)).collect()
}

fn all(hazards: &Hazards) -> Vec<String> {
    let mut sites: Vec<CallSite> = hazards.calls.values().flatten().cloned().collect();
    sites.sort_by_key(|s| s.range.start);
    sites.iter().map(|s| format!("{}{}", s.function, if s.certain { "" } else { "?" })).collect()
}

#[test]
fn calls_are_told_by_the_declared_type() {
    let hazards = look(
        r#"
use std::sync::Arc;
use inventory::{Inventory, InventoryApi as Api, Sqlite};
pub struct State { inventory: Arc<dyn Api>, other: Other, maybe: Option<Box<dyn Api>>, inner: Inner }
pub struct Inner { deep: Inventory }
pub struct Other;
impl Other { async fn reserve(&self, _: &str) {} }
pub struct Generic<I> { i: I }
impl<I: Api> Generic<I> { async fn generic(&self) { self.i.reserve("a").await; } }
pub trait Registry { fn inventory(&self) -> Inventory; }
impl State {
    fn getter(&self) -> &dyn Api { &*self.inventory }
    async fn field(&self) { self.inventory.reserve("a").await; }
    async fn deep(&self) { self.inner.deep.clone().reserve("a").await; }
    async fn got(&self) { self.getter().reserve("a").await; }
    async fn optional(&self) { if let Some(i) = &self.maybe { i.reserve("a").await; } }
    async fn not_ours(&self) { self.other.reserve("a").await; }
}
async fn borrowed(i: &dyn Api) { i.reserve("a").await; }
async fn generic_where<T>(i: T) where T: Api { i.reserve("a").await; }
async fn anonymous(i: impl Api) { i.reserve("a").await; }
async fn concrete(pool: sqlx::Pool) { let i = Sqlite::new(pool); i.reserve("a").await; }
async fn binding(s: &State) { let i = Arc::clone(&s.inventory); i.as_ref().reserve("a").await; }
async fn pattern(State { inventory, .. }: State) { inventory.reserve("a").await; }
async fn by_path(i: &dyn Api) { Api::reserve(i, "a").await; }
async fn in_macro(i: &dyn Api) { assert!(i.reserve("a").await.is_ok(), "{}", 1); }
async fn registry(r: &dyn Registry) { r.inventory().reserve("a").await; }
async fn shadowed(i: &dyn Api) { let i = Other; i.reserve("a").await; }
#[cfg(test)] mod tests { async fn test(i: &dyn super::Api) { i.reserve("a").await; } }
"#,
    );
    assert_eq!(
        all(&hazards),
        [
            "Generic::generic",
            "State::field",
            "State::deep",
            "State::got",
            "State::optional",
            "borrowed",
            "generic_where",
            "anonymous",
            "concrete",
            "binding",
            "pattern",
            "by_path",
            "in_macro",
            "registry",
        ]
    );
    assert!(hazards.calls["release"].is_empty());
}

#[test]
fn an_unknown_receiver_counts_when_the_name_is_unmistakable() {
    let hazards = look(
        r#"
use inventory::InventoryApi;
async fn likely(r: &Registry<impl InventoryApi>) { r.pick(1).release(2).await; }
async fn another_count(r: &Registry<u8>) { r.pick(1).release().await; }
async fn not_waited_for(r: &Registry<u8>) { r.pick(1).release(2); }
async fn well_known(r: &Registry<u8>) { r.pick(1).commit().await; }
"#,
    );
    assert_eq!(all(&hazards), ["likely?"]);
    let other = "pub trait Lease { fn release(&self, id: u32); }";
    let hazards = look_at(
        &[
            (
                "src/lib.rs",
                "mod lease; async fn a(r: &dyn inventory::InventoryApi, m: M) { m.pick().release(2).await; }",
            ),
            ("src/lease.rs", other),
        ],
        "",
    );
    assert_eq!(all(&hazards), Vec::<String>::new());
}

#[test]
fn transactions() {
    let hazards = look(
        r#"
use inventory::InventoryApi;
pub struct S { pool: sqlx::Pool, i: std::sync::Arc<dyn InventoryApi> }
impl S {
    async fn inside(&self) {
        let mut tx = self.pool.begin().await?;
        self.i.reserve("a").await?;
        tx.commit().await?;
    }
    async fn after(&self) {
        let mut tx = self.pool.begin().await?;
        tx.commit().await?;
        self.i.reserve("a").await?;
    }
    async fn before(&self) { self.i.reserve("a").await?; let tx = self.pool.begin().await?; }
    async fn dropped(&self) { let tx = self.pool.begin().await?; drop(tx); self.i.reserve("a").await?; }
    async fn block(&self) {
        { let tx = self.pool.begin().await?; }
        self.i.reserve("a").await?;
    }
    async fn early_exit(&self) {
        let tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if bad() { tx.rollback().await?; return; }
        self.i.reserve("a").await?;
    }
    async fn closure(&self) { self.pool.transaction(|tx| async { self.i.reserve("a").await }).await; }
    async fn text(&self, c: C) {
        c.execute("BEGIN").await;
        self.i.reserve("a").await;
        c.execute("COMMIT").await;
        self.i.release(1).await;
    }
    async fn given(&self, tx: &mut sqlx::Transaction) { self.i.reserve("a").await; }
    async fn spawned(&self) {
        let tx = self.pool.begin().await?;
        tokio::spawn(async move { self.i.reserve("a").await });
    }
    async fn helper(&self) { self.i.release(1).await; }
    async fn through(&self) { let tx = self.pool.begin().await?; self.helper().await; }
    async fn not_through(&self) { self.helper().await; }
}
"#,
    );
    assert_eq!(
        of(&hazards.in_transaction),
        [
            "S::inside: reserve",
            "S::early_exit: reserve",
            "S::closure: reserve",
            "S::text: reserve",
            "S::given: reserve",
            "S::through: release",
        ]
    );
    assert_eq!(hazards.in_transaction[5].through.as_deref(), Some("helper"));
    assert!(hazards.in_transaction.iter().all(|s| s.outer.is_some() && !s.note.is_empty()));
    // `tx.commit()` is not the operation `commit`.
    assert!(hazards.calls["commit"].is_empty());
}

#[test]
fn loops() {
    let hazards = look(
        r#"
use inventory::InventoryApi;
async fn each(i: &dyn InventoryApi) { for s in skus() { i.reserve(s).await; } }
async fn head(i: &dyn InventoryApi) { for s in i.reserve("a").await { } }
async fn turns(i: &dyn InventoryApi) { while more() { i.reserve("a").await; } }
async fn retry(i: &dyn InventoryApi) { loop { if i.reserve("a").await.is_ok() { break } } }
async fn joined(i: &dyn InventoryApi) { join_all(skus().iter().map(|s| i.reserve(s))).await; }
async fn option(i: &dyn InventoryApi, o: Option<&str>) { o.map(|s| i.reserve(s)); }
async fn consumed(i: &dyn InventoryApi) { skus().for_each(|s| async { i.reserve(s).await }); }
async fn worker(i: &dyn InventoryApi, mut rx: Rx) { while let Some(s) = rx.recv().await { i.reserve(s).await; } }
async fn ticker(i: &dyn InventoryApi, mut t: T) { loop { t.tick().await; i.reserve("a").await; } }
async fn one(i: &dyn InventoryApi) { i.release(1).await; }
async fn through(i: &dyn InventoryApi) { for _ in 0..3 { one(i).await; } }
async fn once(i: &dyn InventoryApi) { one(i).await; }
"#,
    );
    assert_eq!(
        of(&hazards.in_loop),
        [
            "each: reserve",
            "turns: reserve",
            "retry: reserve",
            "joined: reserve",
            "consumed: reserve",
            "through: release",
        ]
    );
    assert!(hazards.in_loop[3].note.contains("all at once"), "{}", hazards.in_loop[3].note);
    assert_eq!(hazards.in_loop[5].through.as_deref(), Some("one"));
}

#[test]
fn a_cycle_runs_through_a_trait_that_somebody_implements_with_calls_back() {
    let holds =
        "impl Sqlite { fn tell(&self, l: &dyn kernel::Listener, c: &dyn kernel::Clock) {} }";
    let orders = "
pub struct Orders { i: inventory::Inventory }
impl kernel::Listener for Orders { fn changed(&self) {} }
pub struct Other; impl kernel::Clock for Other { fn now(&self) -> u64 { 0 } }
";
    let hazards = look_at(&[("src/lib.rs", orders)], holds);
    let [cycle] = hazards.cycles.as_slice() else { panic!("{:?}", hazards.cycles) };
    assert_eq!(cycle.through, ["inventory", "orders", "inventory"]);
    assert_eq!(cycle.evidence.len(), 3);
    assert!(look(orders).cycles.is_empty());
}

#[test]
fn sql_over_the_other_sides_tables() {
    let hazards = look_at(
        &[
            (
                "src/lib.rs",
                "
/// SELECT a FROM items
fn a() { sqlx::query!(\"SELECT a FROM items\"); log(\"taken from items\"); }
fn b() { q(r#\"
    UPDATE
    items SET a = 1\"#); q(\"SELECT 1 FROM orders\"); }
#[cfg(test)] mod tests { fn c() { q(\"DELETE FROM items\"); } }
",
            ),
            ("snippets/s.rs", "fn s() { q(\"SELECT a FROM items\"); }"),
            ("tests/t.rs", "fn d() { q(\"SELECT a FROM items\"); }"),
        ],
        "fn e() { q(\"SELECT 1 FROM orders\"); q(\"SELECT 1 FROM items\"); }",
    );
    let found: Vec<_> = hazards
        .foreign_sql
        .iter()
        .map(|m| (m.member.as_str(), m.line, m.table.as_str(), m.writes, m.by_module, m.dev))
        .collect();
    let line = INVENTORY.lines().count() + 1;
    assert_eq!(
        found,
        [
            ("inventory", line, "orders", false, true, false),
            ("orders", 3, "items", false, false, false),
            ("orders", 6, "items", true, false, false),
            ("orders", 7, "items", true, false, true),
            ("orders", 1, "items", false, false, true),
        ]
    );
}

#[test]
fn downcasts_of_driver_errors() {
    let hazards = look("
use inventory::{Error, Inventory, InventoryApi};
use sqlx::sqlite::SqliteError;
fn ours(e: Error) { match e { Error::Storage(sqlx::Error::Database(d)) => { d.downcast_ref::<SqliteError>(); } } }
fn their_own(e: Box<dyn sqlx::DatabaseError>) { e.try_downcast_ref::<SqliteError>(); }
fn another_type(e: anyhow::Error) { e.downcast_ref::<std::io::Error>(); e.downcast_ref::<Error>(); }
async fn calls(i: &Inventory) -> anyhow::Result<u32> { Ok(i.reserve(\"a\").await?) }
async fn of_a_helper() { if let Err(e) = calls(todo!()).await { e.downcast_ref::<SqliteError>(); } }
fn asked(e: &anyhow::Error) -> bool { matches!(e.downcast_ref::<SqliteError>(), Some(_)) }
async fn asks() { if let Err(e) = calls(todo!()).await { asked(&e); } }
fn not_asked(e: &anyhow::Error) -> bool { e.is::<SqliteError>() }
fn unique(e: &sqlx::Error) -> bool { e.as_database_error().is_some_and(|e| e.is::<SqliteError>()) }
async fn own_query(i: &Inventory) { i.reserve(\"a\").await; if let Err(e) = query() { unique(&e); } }
fn taken(e: &sqlx::Error) -> bool { e.as_database_error().is_some_and(|e| e.is::<SqliteError>()) }
async fn takes(i: &Inventory) { if let Err(Error::Storage(e)) = i.reserve(\"a\").await { taken(&e); } }
struct Failure(anyhow::Error);
impl From<Error> for Failure { fn from(e: Error) -> Self { todo!() } }
impl Failure { fn status(&self) -> u16 { if self.0.is::<SqliteError>() { 503 } else { 500 } } }
async fn route(i: &Inventory) -> Result<u32, Failure> { Ok(i.reserve(\"a\").await?) }
struct Own(anyhow::Error);
impl Own { fn status(&self) -> u16 { if self.0.is::<SqliteError>() { 503 } else { 500 } } }
async fn own_route() -> Result<u32, Own> { todo!() }
enum Placing { Stock(Error), Storage(sqlx::Error) }
impl Placing { fn is_busy(&self) -> bool { if let Self::Storage(e) = self { e.is::<SqliteError>() } else { false } } }
async fn place(i: &Inventory) -> Result<u32, Placing> { Ok(i.reserve(\"a\").await?) }
");
    let found: Vec<_> = hazards
        .downcasts
        .iter()
        .map(|d| (d.function.as_str(), d.of_module, d.origin.as_ref().map(|o| &*o.operation)))
        .collect();
    assert_eq!(
        found,
        [
            ("ours", true, None),
            ("their_own", false, None),
            ("of_a_helper", true, Some("reserve")),
            ("asked", true, Some("reserve")),
            ("not_asked", false, None),
            ("unique", false, None),
            ("taken", true, Some("reserve")),
            ("Failure::status", true, Some("reserve")),
            ("Own::status", false, None),
            ("Placing::is_busy", false, None),
        ]
    );
    assert!(hazards.downcasts.iter().all(|d| d.ty == "SqliteError"));
}

#[test]
fn the_verdict_says_what_was_seen() {
    let facts = Facts { module: "inventory", tables: 1, ..Facts::default() };
    let plain = look("async fn a(i: &dyn inventory::InventoryApi) { i.reserve(\"a\").await; }");
    assert_eq!(leaning(&plain, &facts), Leaning::Go);
    insta::assert_snapshot!(verdict(&plain, &facts), @"Nothing in the code speaks against taking `inventory` out. 1 call site in 1 crate (orders) uses 1 of its 3 operations. What is good: no call stands in a loop or a transaction, nothing calls back and no SQL in the code crosses the boundary. Code cannot say whether you need the independence that a service buys; if no team, release or load asks for it, a module is cheaper to run.");

    let some = look(
        "async fn a(i: &dyn inventory::InventoryApi, p: sqlx::Pool) { let tx = p.begin().await?; i.reserve(\"a\").await; }
         async fn b(i: &dyn inventory::InventoryApi) { for s in t() { i.reserve(s).await; } i.release(1).await; }",
    );
    assert_eq!(leaning(&some, &facts), Leaning::GoAfter);
    insta::assert_snapshot!(verdict(&some, &facts), @"`inventory` can be taken out once 2 places have been looked at. 3 call sites in 1 crate (orders) use 2 of its 3 operations. One call stands inside a database transaction of the caller (`reserve` in `a`, orders/src/lib.rs:1): no operation takes a transaction, so what looks atomic there ends in two commits, and after the cut locks and a connection are held for a round trip; move it out, or decide what undoes it. One call stands in a loop (`reserve` in `b`, orders/src/lib.rs:2): a function call today, a round trip for every element after the cut; where lists are long, first give the trait operations that take a list. What is good: the other call costs one round trip, nothing calls back and no SQL in the code crosses the boundary. Worth it if a team, a release rhythm or a load of its own asks for it; a module is cheaper to run.");

    let chatty = look(
        "async fn a(i: &dyn inventory::InventoryApi) {
             for s in t() { i.reserve(s).await; i.release(1).await; i.commit().await; }
         }",
    );
    assert_eq!(leaning(&chatty, &facts), Leaning::Wait);
    assert!(verdict(&chatty, &facts).starts_with("Not yet: the rest uses `inventory` as if"));

    let shared = look("fn a() { q(\"SELECT 1 FROM items\"); } use inventory::InventoryApi;");
    assert_eq!(leaning(&shared, &facts), Leaning::Wait);
    insta::assert_snapshot!(verdict(&shared, &facts), @"Not yet: `inventory` and the rest are still one thing. No call of its 3 operations was seen outside of tests: either nobody uses `inventory`, or they reach it in a way that calve does not read. `orders` reaches into the module's tables with SQL of its own (items; orders/src/lib.rs:1), which breaks once they live in two databases. What is good: nothing calls back. Draw the boundary inside the monolith first, where moving it is a refactoring and the compiler helps; then run this again.");
}

#[test]
fn what_the_module_takes_from_its_process_is_listed() {
    let module = r#"
static SEEN: std::sync::Mutex<u32> = std::sync::Mutex::new(0);
fn mode() -> String { std::env::var("SHOP_MODE").unwrap() }
fn limits() -> String { std::fs::read_to_string("config/stock.toml").unwrap() }
fn plain() -> Option<String> { option_env!("SHOP").map(fs_name) }
fn fs_name(text: &str) -> String { text.to_owned() }
#[cfg(test)] mod tests { fn test() { std::env::var("TEST").unwrap(); } }
use std::env::{self as process, var};
fn imported() { var("SHOP_HOME"); process::vars(); disk::read("a"); }
use own::fs as disk;
mod own { pub mod fs { pub fn read(_: &str) {} } fn inner() { use super::own; own::fs::read("b"); } }
"#;
    let hazards = look_at(&[("src/lib.rs", "")], module);
    let said: Vec<(&str, usize, &str)> =
        hazards.surroundings.iter().map(|s| (s.file.as_str(), s.line, s.what.as_str())).collect();
    let first = INVENTORY.lines().count() + 1;
    assert_eq!(
        said,
        [
            (
                "inventory/src/lib.rs",
                first + 2,
                "works with the environment of its process (`\"SHOP_MODE\"`): the service has its own"
            ),
            (
                "inventory/src/lib.rs",
                first + 3,
                "works with files of its process (`\"config/stock.toml\"`): the service has its own"
            ),
            (
                "inventory/src/lib.rs",
                first + 8,
                "works with the environment of its process (`\"SHOP_HOME\"`): the service has its own"
            ),
            (
                "inventory/src/lib.rs",
                first + 8,
                "works with the environment of its process: the service has its own"
            ),
            (
                "kernel/src/lib.rs",
                3,
                "`CURRENT` is state of the process: from now on there are two of it"
            ),
            (
                "kernel/src/lib.rs",
                4,
                "`WHO` is state of the process: from now on there are two of it"
            ),
        ]
    );
}

#[test]
fn a_table_s_name_beside_sql_is_listed() {
    let hazards = look(
        r#"
fn counted() -> String { let table = "items"; format!("SELECT count(*) FROM {table}") }
fn label() -> &'static str { "items" }
const ALL: &str = concat!("SELECT * FROM ", "items");
fn loud() -> Query { Query::new("DELETE FROM ").push(" Items ") }
"#,
    );
    let lines: Vec<usize> = hazards.named_tables.iter().map(|n| n.line).collect();
    assert_eq!(lines, [2, 4, 5]);
}
