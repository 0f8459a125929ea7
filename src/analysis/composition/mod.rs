//! The composition roots: where the monolith constructs the implementation, out of what, and what
//! else there serves only the module.

mod agreement;
mod arguments;
mod attached;
mod beside;
mod bindings;
mod calls;
mod classify;
mod constructor;
mod derived;
mod function;
mod holds;
mod migrations;
mod newtype;
mod opens;
mod pool;
mod positions;
mod qualify;
mod renames;
mod settings;
mod stateless;
mod storage;
#[cfg(test)]
mod tests;
mod trace;
mod unseen;
mod unused;

use std::collections::BTreeSet;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
pub use classify::{own_method, support_crates};
pub use renames::OwnWords;
use serde::{Deserialize, Serialize};

use super::code::{Code, Import, Item, ItemId, ScopeId};
use super::contract::Contract;
use super::module::Served;
use super::references::Reference;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::{Member, Target};

/// All that is known of how the monolith puts the module together.
#[derive(Debug)]
pub struct Composition<'w> {
    /// The places where an implementation is constructed, at least one for each.
    pub roots: Vec<Root<'w>>,
    /// How each implementation is constructed, in the order of the traits.
    pub constructed: Vec<Constructed>,
    /// Places in the crates of the roots that name the implementation as a type.
    pub types: Vec<TypeName<'w>>,
    /// Tests, examples and benches that go on with an implementation in their own process.
    pub in_process: Vec<InProcess<'w>>,
    /// The migrations that the module brings along.
    pub migrator: Option<Migrator>,
    /// Statements and items that only served the module, in order of file and place.
    pub dropped: Vec<Dropped>,
    /// Parameters that only served the module, and what callers gave for them.
    pub shortened: Vec<Shortened>,
    /// Names of bindings that speak of the implementation, and what they are called afterwards.
    pub renamed: Vec<Renamed>,
    /// Imports that nothing needs any more.
    pub imports: Vec<UnusedImport>,
    /// Those of them that tests still need: where they stand afterwards.
    pub moved: Vec<MovedImport>,
    /// `mut` keywords that nothing needs any more: the file, and the keyword with its space.
    pub mutability: Vec<(Utf8PathBuf, Range<usize>)>,
}

impl Composition<'_> {
    /// The pool that the implementations are constructed from, if they are from one.
    pub fn pool(&self) -> Option<&Pool> {
        let mut arguments = self.constructed.iter().flat_map(|one| &one.arguments);
        arguments.find_map(|argument| match &argument.kind {
            ArgumentKind::Pool(pool) => Some(pool),
            _ => None,
        })
    }

    /// Whether the cut takes away the bytes `range` of a file: as part of a construction, of a statement
    /// that only served the module, or of an import that nothing needs any more.
    pub fn takes_away(&self, file: &Utf8Path, range: &Range<usize>) -> bool {
        let inside = |outer: &Range<usize>| outer.start <= range.start && range.end <= outer.end;
        self.roots.iter().any(|r| r.file == file && inside(&r.construction))
            || self.types.iter().any(|t| t.file == file && inside(&t.range))
            || self.shortened.iter().any(|s| s.file == file && s.gone().any(|g| inside(&g)))
            || self.dropped.iter().any(|d| d.file == file && inside(&d.range))
            || self.imports.iter().any(|i| {
                i.file == file
                    && (inside(&i.leaf) || (range.start <= i.leaf.start && i.leaf.end <= range.end))
            })
    }
}

/// How an implementation is constructed.
#[derive(Debug, Clone)]
pub struct Constructed {
    /// The type.
    pub implementation: ItemId,
    /// The constructor.
    pub constructor: Constructor,
    /// The constructor's arguments, in its order.
    pub arguments: Vec<Argument>,
}

/// One place where an implementation is constructed.
#[derive(Debug, Clone)]
pub struct Root<'w> {
    /// The package it stands in.
    pub member: &'w Member,
    /// In which of its targets.
    pub target: &'w Target,
    /// The file, relative to the workspace root.
    pub file: &'w Utf8Path,
    /// The module it stands in.
    pub scope: ScopeId,
    /// Name of the function.
    pub function: String,
    /// The construction with its `.await` and what handles its error: what the stub replaces.
    pub construction: Range<usize>,
    /// How the stub's own error is handled there.
    pub error_handling: ErrorHandling,
    /// Whether the old construction connected before it returned: async and fallible.
    pub eager: bool,
    /// What wraps the stub where the constructor gave more than the bare value: `Arc::new`.
    pub wrapper: Option<String>,
    /// How the implementation is spelled there.
    pub spelling: Spelling,
}

/// A place where the implementation is named as a type, and the stub's type stands afterwards.
#[derive(Debug, Clone)]
pub struct TypeName<'w> {
    /// The file, relative to the workspace root.
    pub file: &'w Utf8Path,
    /// The module it stands in.
    pub scope: ScopeId,
    /// The type with its generic arguments.
    pub range: Range<usize>,
    /// How the implementation is spelled there.
    pub spelling: Spelling,
}

/// How code names the implementation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spelling {
    /// By a name that a `use` of the file's module brings in.
    Imported,
    /// By its path from a crate on.
    Path,
    /// By an alias of this name, which stands for the stub afterwards.
    Alias(String),
}

/// What happens at a root when the stub's configuration is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorHandling {
    /// `?`: the function returns an error that it converts to.
    Try,
    /// A panic that says what to configure.
    Expect,
    /// What handled the old error handles the new one: `.context("…")?`, bytes of the file.
    Kept(Range<usize>),
}

/// The constructor as the service calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constructor {
    /// Its path: `inventory::SqliteInventory::new`, or the type's where it is a literal.
    pub path: String,
    /// What is written after the path.
    pub form: Form,
    /// The calls behind the first one, where it is a builder that ends in the implementation.
    pub chain: Vec<Link>,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Whether it returns a `Result`.
    pub fallible: bool,
    /// What it returns the value in.
    pub wrapped: Wrapped,
}

/// One more call in a builder's chain: `.pool(pool)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whether what it is called on is awaited first.
    pub awaited: bool,
    /// Whether what it is called on is a `Result`.
    pub fallible: bool,
    /// The method.
    pub method: String,
    /// How many of the constructor's arguments it takes.
    pub arguments: usize,
}

/// How arguments are written behind the constructor's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `(a, b)`.
    Call,
    /// `{ name: a, other: b }`: the arguments' names are the fields'.
    Literal,
}

/// What a constructor returns the value in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapped {
    /// The value itself.
    Bare,
    /// `Arc<…>`.
    Arc,
    /// `Box<…>`.
    Box,
}

/// One argument of the constructor and where the service takes it from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The parameter's name.
    pub name: String,
    /// Whether the constructor takes it by reference.
    pub by_reference: bool,
    /// What it is wrapped in for the constructor.
    pub wrapped: Wrapped,
    /// What makes the module's own type of a pool, where the constructor takes that.
    pub newtype: Option<String>,
    /// What it is.
    pub kind: ArgumentKind,
}

/// Where the service takes an argument from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentKind {
    /// A connection pool of its own.
    Pool(Pool),
    /// A flag and environment variable of its own.
    Setting(Setting),
    /// An expression that means the same in every process.
    Stateless(Stateless),
}

/// The databases that a service can be made for, each with the library that speaks to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// A file of SQLite, through sqlx.
    #[default]
    Sqlite,
    /// A server of PostgreSQL, through sqlx.
    Postgres,
    /// A file of SQLite, through rusqlite and a pool of r2d2.
    Rusqlite,
}

impl Engine {
    /// Whether the database is a file of SQLite.
    pub fn is_sqlite(self) -> bool {
        match self {
            Self::Sqlite | Self::Rusqlite => true,
            Self::Postgres => false,
        }
    }
}

/// How the monolith opens the database, without its address: copied into the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    /// Of which database.
    pub engine: Engine,
    /// Methods called on the connect options, or on what makes connections, in order.
    pub connect: Vec<OptionCall>,
    /// Methods called on each new connection, in order.
    pub prepare: Vec<OptionCall>,
    /// Methods called on the pool options, in order.
    pub pool: Vec<OptionCall>,
    /// `PRAGMA` statements executed on the pool after connecting.
    pub pragmas: Vec<String>,
    /// Whether a connection of which nothing is said leaves foreign keys alone: SQLite of itself does,
    /// as sqlx and the SQLite that rusqlite brings along do not.
    pub lenient: bool,
}

impl Pool {
    /// Whether its connections enforce foreign keys: what is said last.
    pub fn enforces_foreign_keys(&self) -> bool {
        let named = |name: &str| name.trim_matches('"').eq_ignore_ascii_case("foreign_keys");
        let mut on = !self.lenient;
        for call in self.connect.iter().chain(&self.prepare) {
            match (call.method.as_str(), call.arguments.as_slice()) {
                ("foreign_keys", [value]) => on = is_on(value),
                ("pragma", [name, value]) if named(name) => on = is_on(value),
                ("pragma_update", [_, name, value]) if named(name) => on = is_on(value),
                ("execute" | "execute_batch", [batch, ..]) => {
                    for statement in batch.trim_matches('"').split(';') {
                        on = foreign_keys_by(statement).unwrap_or(on);
                    }
                }
                _ => {}
            }
        }
        self.pragmas.iter().filter_map(|pragma| foreign_keys_by(pragma)).next_back().unwrap_or(on)
    }
}

/// What a statement says of foreign keys: `PRAGMA foreign_keys = ON`.
fn foreign_keys_by(statement: &str) -> Option<bool> {
    let statement = statement.trim();
    let setting = statement.get(.."pragma ".len()).filter(|p| p.eq_ignore_ascii_case("pragma "))?;
    let (name, value) = statement[setting.len()..].split_once('=')?;
    name.trim().eq_ignore_ascii_case("foreign_keys").then(|| is_on(value))
}

/// Whether a value switches a `PRAGMA` on.
fn is_on(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    !matches!(value.as_str(), "0" | "off" | "no" | "false")
}

/// One call in a builder chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionCall {
    /// The method.
    pub method: String,
    /// Its arguments, fully qualified: `sqlx::sqlite::SqliteJournalMode::Wal`.
    pub arguments: Vec<String>,
}

/// A scalar that an operator sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name, such as `low_stock_threshold`.
    pub name: String,
    /// What the constructor takes.
    pub ty: SettingType,
    /// The value without configuration, as a Rust literal; none where it must be set.
    pub default: Option<String>,
    /// Doc comment of the configuration's field, a line each.
    pub help: Vec<String>,
    /// Where the monolith has it from.
    pub source: SettingSource,
}

/// Where the monolith has a scalar from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingSource {
    /// A field of its configuration, an environment variable, or whoever calls the function that composes.
    Outside,
    /// A literal or constant of its code.
    Code,
}

/// The types that a setting can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingType {
    /// `String` or `&str`.
    String,
    /// `bool`.
    Bool,
    /// An integer or a float: the primitive's name.
    Number(&'static str),
    /// `PathBuf` or `&Path`.
    Path,
    /// `std::time::Duration`, given in seconds.
    Seconds,
    /// `std::time::Duration`, given in milliseconds.
    Milliseconds,
}

/// An expression without state, fully qualified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stateless {
    /// `std::sync::Arc::new(kernel::SystemClock)`.
    pub expression: String,
    /// The packages that it names, the standard library left out.
    pub packages: Vec<String>,
}

/// A test, example or bench that constructs the implementation itself, or a crate that only such use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InProcess<'w> {
    /// The package; its dependency needs the implementation.
    pub member: &'w str,
    /// The file.
    pub file: &'w Utf8Path,
    /// Whether the dev-dependency is enough.
    pub dev: bool,
}

/// The module's own migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrator {
    /// The folder, relative to the workspace root.
    pub folder: Utf8PathBuf,
    /// The history table, where it is not sqlx's own `_sqlx_migrations`.
    pub table: Option<String>,
    /// Path of the public function or static that runs them, if there is one.
    pub runner: Option<String>,
}

/// Code of a composition root that is taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// The statement or item, without the comment above it.
    pub range: Range<usize>,
    /// Its line, counted from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// Why it goes.
    pub why: String,
}

/// A list of parameters or arguments that loses some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortened {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// Between the parentheses.
    pub list: Range<usize>,
    /// The elements, `self` included.
    pub elements: Vec<Range<usize>>,
    /// Which of them go.
    pub without: BTreeSet<usize>,
    /// Where it is the function itself, not a call of it.
    pub function: Option<ShortenedFunction>,
}

/// A function that loses parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortenedFunction {
    /// Its name.
    pub name: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// The parameters that go.
    pub parameters: Vec<String>,
}

impl Shortened {
    /// The elements that go.
    pub fn gone(&self) -> impl Iterator<Item = Range<usize>> {
        self.without.iter().filter_map(|index| self.elements.get(*index).cloned())
    }
}

/// A name that is spelled differently afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// The name, or the field of a struct literal that it fills.
    pub range: Range<usize>,
    /// What stands there instead.
    pub text: String,
    /// Where it is bound: the old name and the new one.
    pub bound: Option<(String, String)>,
}

/// A leaf of a `use` item that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedImport {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// The whole `use` item.
    pub item: Range<usize>,
    /// The leaf in it.
    pub leaf: Range<usize>,
}

/// A leaf of a `use` item that goes on in a test module below the one that it stood in.
#[derive(Debug, Clone)]
pub struct MovedImport {
    /// The file of the test module, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// The test module.
    pub scope: ScopeId,
    /// Where its items begin: behind its brace, or at the start of its file.
    pub begin: usize,
    /// What is imported.
    pub import: Import,
}

/// Reads the composition of a module. What cannot be rewired or carried is refused, all of it in one
/// run; the answer is none if anything was.
///
/// `references` are all names of the module that others use.
pub fn read<'w>(
    code: &Code<'w>,
    library: usize,
    served: &[Served<'w>],
    contract: &Contract,
    references: &[Reference<'w>],
    diagnostics: &mut Diagnostics,
) -> Option<Composition<'w>> {
    let module = constructor::ModuleFacts::new(code, library, served);
    let mut found = classify::all(&module, contract, references);
    let mut refused = false;
    let mut refuse = |list: Vec<Diagnostic>, diagnostics: &mut Diagnostics| {
        refused |= !list.is_empty();
        list.into_iter().for_each(|d| diagnostics.push(d));
    };
    refuse(unseen::refuse(&module), diagnostics);
    refuse(attached::refuse(&module), diagnostics);
    refuse(std::mem::take(&mut found.refused), diagnostics);
    let mut implementations: Vec<&Item<'w>> = Vec::new();
    for Served { implementation, .. } in served {
        if !implementations.iter().any(|other| other.id == implementation.id) {
            implementations.push(implementation);
        }
    }
    let (mut constructed, mut firsts) = (Vec::new(), Vec::new());
    for implementation in &implementations {
        let of =
            |c: &&classify::Construction<'w>| c.constructor.implementation == implementation.id;
        let constructions: Vec<_> = found.constructions.iter().filter(of).collect();
        if constructions.is_empty() {
            if !found.unfollowed.contains(&implementation.id) {
                refuse(vec![nobody_constructs(implementation)], diagnostics);
            }
            continue;
        }
        let mut ways: Vec<agreement::Way<'_, '_>> = Vec::new();
        for construction in constructions {
            let mut errors = Vec::new();
            let arguments =
                arguments::resolve(&module, &found.constructions, construction, &mut errors);
            // State that several constructions take is pointed at once, with all of its places.
            errors.retain(|error| !diagnostics.iter().any(|said| says_the_same(said, error)));
            refuse(errors, diagnostics);
            let Some(arguments) = arguments else { continue };
            let constructor = construction.constructor.described.clone();
            ways.push(agreement::Way { root: &construction.root, constructor, arguments });
        }
        refuse(agreement::check(&ways).into_iter().collect(), diagnostics);
        firsts.extend(ways.into_iter().next().map(|way| (implementation.id, way)));
    }
    refuse(
        agreement::one_pool(firsts.iter().map(|(_, way)| way)).into_iter().collect(),
        diagnostics,
    );
    let pooled = firsts.iter().any(|(_, way)| opens::takes_pool(&way.arguments));
    for (id, way) in &firsts {
        let Some(implementation) = module.implementation(*id) else { continue };
        if opens::takes_pool(&way.arguments) {
            continue;
        }
        let of = |c: &&classify::Construction<'w>| c.constructor.implementation == *id;
        let roots: Vec<_> = found.constructions.iter().filter(of).map(|c| &c.root).collect();
        let opened = opens::refuse(&module, implementation, &roots, references, pooled);
        refuse(opened.into_iter().collect(), diagnostics);
    }
    for (implementation, agreement::Way { constructor, arguments, .. }) in firsts {
        constructed.push(Constructed { implementation, constructor, arguments });
    }
    if found.constructions.is_empty() {
        return None;
    }
    let mut left = unused::follow(&module, &found, contract, references);
    if diagnostics.iter().any(|d| matches!(d.code, "storage-not-carried" | "pool-not-understood")) {
        // What the pool is opened with finds its use again when that is mended.
        left.refused.retain(|refusal| refusal.code != "left-unused");
    }
    refuse(left.refused, diagnostics);
    let renamed = renames::of(&module, &found.constructions);
    (!refused).then(|| Composition {
        roots: found.constructions.into_iter().map(|c| c.root).collect(),
        types: found.types,
        constructed,
        in_process: found.in_process,
        migrator: migrations::of(&module),
        dropped: left.dropped,
        shortened: left.shortened,
        renamed,
        imports: left.imports,
        moved: left.moved,
        mutability: left.mutability,
    })
}

/// Whether a refusal of the same kind points at the place of another one already.
fn says_the_same(said: &Diagnostic, other: &Diagnostic) -> bool {
    let Some(place) = other.labels.first() else { return false };
    let covers =
        |inner: &Range<usize>| place.span.start <= inner.start && inner.end <= place.span.end;
    said.code == other.code
        && said.labels.iter().any(|label| label.file == place.file && covers(&label.span))
}

fn nobody_constructs(implementation: &Item<'_>) -> Diagnostic {
    let name = implementation.name.as_deref().unwrap_or("the implementation");
    Diagnostic::error("no-composition-root", format!("nobody constructs `{name}`"))
        .at(implementation.file, implementation.name_range(), "never constructed outside")
        .note("the service is composed as the monolith composes the module, so calve must see it")
        .help("construct it in a function outside of tests, then extract the module")
}
