//! How the monolith opens its database: the options of the connection and of the pool, so that the
//! service can open its own in the same way.

mod r2d2;

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::visit::Visit;

use super::function::{self, Function};
use super::trace::{self, Site, Value};
use super::{Engine, OptionCall, Pool};
use super::{attached, qualify};
use crate::analysis::code::{Code, Found, ItemId, ItemKind};
use crate::analysis::types::Type;
use crate::diagnostic::Diagnostic;

/// The databases behind a pool, by the types that a constructor can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Database {
    Known(Engine),
    Other(&'static str),
}

/// The database behind a parameter's type; none if that is not a pool of sqlx or of r2d2.
pub(super) fn database(ty: &Type) -> Option<Database> {
    let Type::External { package, path, arguments, .. } = ty else { return None };
    if r2d2::is_pool(ty) {
        return Some(Database::Known(Engine::Rusqlite));
    }
    if package != "sqlx" {
        return None;
    }
    let name = |path: &[String]| path.last().cloned().unwrap_or_default();
    let of = match (name(path).as_str(), arguments.as_slice()) {
        ("SqlitePool", _) => "Sqlite".to_owned(),
        ("PgPool", _) => "Postgres".to_owned(),
        ("MySqlPool", _) => "MySql".to_owned(),
        ("AnyPool", _) => "Any".to_owned(),
        ("Pool", [Type::External { path, .. }]) => name(path),
        _ => return None,
    };
    Some(match of.as_str() {
        "Sqlite" => Database::Known(Engine::Sqlite),
        "Postgres" => Database::Known(Engine::Postgres),
        "MySql" => Database::Other("MySQL"),
        _ => Database::Other("a database chosen at run time"),
    })
}

/// Reads how the pool at `expr` was made.
///
/// # Errors
/// What calve cannot carry, with its place.
pub(super) fn read<'w>(
    code: &Code<'w>,
    site: &Site<'w>,
    expr: &'w syn::Expr,
    engine: Engine,
) -> Result<Pool, Box<Diagnostic>> {
    let lenient = engine == Engine::Rusqlite && !r2d2::is_bundled(code);
    let found = Pool { engine, lenient, ..Pool::default() };
    let mut reader = Reader { code, found, read: BTreeSet::new(), tuned: Vec::new() };
    match engine {
        Engine::Sqlite | Engine::Postgres => reader.pool(site, expr, 0)?,
        Engine::Rusqlite => reader.r2d2_pool(site, expr, 0)?,
    }
    let tuned = reader.tuned.into_iter().find(|(id, _)| !reader.read.contains(id));
    match tuned {
        Some((_, refusal)) => Err(refusal),
        None => Ok(reader.found),
    }
}

struct Reader<'a, 'w> {
    code: &'a Code<'w>,
    found: Pool,
    /// The functions on the way to the pool.
    read: BTreeSet<ItemId>,
    /// Functions that these name and that set something by `PRAGMA`.
    tuned: Vec<(ItemId, Box<Diagnostic>)>,
}

impl<'w> Reader<'_, 'w> {
    fn pool(
        &mut self,
        site: &Site<'w>,
        expr: &'w syn::Expr,
        depth: usize,
    ) -> Result<(), Box<Diagnostic>> {
        let value = self.made(site, expr);
        if self.found.engine == Engine::Sqlite {
            self.pragmas(&value.site)?;
        }
        match value.expr {
            syn::Expr::MethodCall(call) => match call.method.to_string().as_str() {
                "connect_with" | "connect_lazy_with" => {
                    self.found.pool = self.chain(&value.site, &call.receiver, &["PoolOptions"])?;
                    self.options(&value.site, call.args.first())
                }
                "connect" | "connect_lazy" => {
                    self.found.pool = self.chain(&value.site, &call.receiver, &["PoolOptions"])?;
                    Ok(())
                }
                _ => Err(self.unknown(&value)),
            },
            syn::Expr::Call(call) => match trace::called(self.code, &value.site, &call.func) {
                Found::External(_, path) => match path.last().map(String::as_str) {
                    Some("connect_with" | "connect_lazy_with") => {
                        self.options(&value.site, call.args.first())
                    }
                    Some("connect" | "connect_lazy") => Ok(()),
                    _ => Err(self.unknown(&value)),
                },
                Found::Item(item, rest) if depth < 4 => {
                    let made_by = trace::function_of(self.code, item, &rest);
                    let last = made_by.as_ref().and_then(trace::result_of);
                    let (Some(function), Some(last)) = (made_by, last) else {
                        return Err(self.unknown(&value));
                    };
                    self.pool(&Site::new(function), last, depth + 1)
                }
                _ => Err(self.unknown(&value)),
            },
            _ => Err(self.unknown(&value)),
        }
    }

    /// Follows a value through names and through what handles errors, in turns.
    fn made(&self, site: &Site<'w>, expr: &'w syn::Expr) -> Value<'w> {
        let mut value = trace::value(self.code, site, expr);
        loop {
            let inner = trace::settled(value.expr);
            if std::ptr::eq(inner, value.expr) {
                return value;
            }
            value = trace::value(self.code, &value.site, inner);
        }
    }

    fn options(
        &mut self,
        site: &Site<'w>,
        expr: Option<&'w syn::Expr>,
    ) -> Result<(), Box<Diagnostic>> {
        if let Some(expr) = expr {
            self.found.connect = self.chain(site, expr, &["ConnectOptions"])?;
        }
        Ok(())
    }

    /// The calls of a builder, over several statements if need be, from its construction on.
    fn chain(
        &self,
        site: &Site<'w>,
        expr: &'w syn::Expr,
        builders: &[&str],
    ) -> Result<Vec<OptionCall>, Box<Diagnostic>> {
        let mut calls = Vec::new();
        let mut value = self.made(site, expr);
        loop {
            match value.expr {
                syn::Expr::MethodCall(call) if call.method == "parse" => break,
                syn::Expr::MethodCall(call) => {
                    // Where the database is, and who may in, stays the operator's to say.
                    let address = ADDRESS.iter().any(|name| call.method == name);
                    if !address {
                        calls.push(self.option(&value.site, call)?);
                    }
                    value = self.made(&value.site, &call.receiver);
                }
                syn::Expr::Call(call) => match trace::called(self.code, &value.site, &call.func) {
                    Found::External(_, path)
                        if path.iter().any(|name| builders.iter().any(|b| name.ends_with(b))) =>
                    {
                        break;
                    }
                    Found::Item(item, rest) => {
                        let Some((function, last)) = trace::function_of(self.code, item, &rest)
                            .and_then(|function| {
                                let last = trace::result_of(&function)?;
                                Some((function, last))
                            })
                        else {
                            return Err(self.unknown(&value));
                        };
                        value = self.made(&Site::new(function), last);
                    }
                    _ => return Err(self.unknown(&value)),
                },
                _ => return Err(self.unknown(&value)),
            }
        }
        calls.reverse();
        Ok(calls)
    }

    fn option(
        &self,
        site: &Site<'w>,
        call: &'w syn::ExprMethodCall,
    ) -> Result<OptionCall, Box<Diagnostic>> {
        let mut arguments = Vec::new();
        if call.method == "options"
            && call.args.to_token_stream().to_string().contains("search_path")
        {
            return Err(Diagnostic::error(
                "pool-option-not-carried",
                "the pool changes the search path",
            )
            .at(site.function.item.file, site.range_of(call), "which schema is meant is said here")
            .note("the service's migrations and its history would land in another schema")
            .help("write the schema in front of the names, and leave the search path as it is")
            .into());
        }
        for argument in &call.args {
            let value = trace::value(self.code, site, argument);
            let known = qualify::expression(self.code, &value.site, value.expr)
                // What a workspace crate computes may read the monolith's configuration.
                .filter(|q| q.items.is_empty() && q.packages.iter().all(|p| self.is_of_driver(p)));
            match known {
                Some(qualified) => arguments.push(qualified.text),
                None => {
                    return Err(Diagnostic::error(
                        "pool-option-not-carried",
                        format!("the pool's `{}` depends on something else", call.method),
                    )
                    .at(
                        site.function.item.file,
                        site.range_of(argument),
                        "not a literal or a constant",
                    )
                    .note("the service opens a database of its own with the same options")
                    .help("give it a literal or a constant")
                    .into());
                }
            }
        }
        Ok(OptionCall { method: call.method.to_string(), arguments })
    }

    /// Whether a package is one that the service has as well.
    fn is_of_driver(&self, package: &str) -> bool {
        match self.found.engine {
            Engine::Sqlite | Engine::Postgres => package == "sqlx",
            Engine::Rusqlite => matches!(package, "rusqlite" | "r2d2" | "r2d2_sqlite"),
        }
    }

    fn unknown(&self, value: &Value<'_>) -> Box<Diagnostic> {
        let with = match self.found.engine {
            Engine::Sqlite => "`SqlitePoolOptions` and `SqliteConnectOptions`",
            Engine::Postgres => "`PgPoolOptions` and `PgConnectOptions`",
            Engine::Rusqlite => "`r2d2::Pool` and `SqliteConnectionManager::file`",
        };
        let mut diagnostic =
            Diagnostic::error("pool-not-understood", "calve cannot see how this pool is opened")
                .at(
                    value.site.function.item.file,
                    value.site.range_of(value.expr),
                    format!("`{}`", shortened(&value.expr.to_token_stream().to_string())),
                )
                .note("the service opens a database of its own with the same options")
                .help(format!("open it with {with} in a function of the workspace"));
        if let Some(why) = value.stuck {
            diagnostic = diagnostic.note(why);
        }
        diagnostic.into()
    }

    /// `PRAGMA` statements of the function that makes the pool or holds it: its own, and those that stand
    /// in constants that it names. Those of functions that it calls are noted.
    fn pragmas(&mut self, site: &Site<'w>) -> Result<(), Box<Diagnostic>> {
        let (file, block) = (site.function.item.file, site.function.block);
        self.read.insert(site.function.item.id);
        self.attaches_nothing(site)?;
        for text in pragma_texts(|texts| texts.visit_block(block)) {
            let pragma = pragma_of(text);
            if pragma.contains('{') || is_inside_closure(&site.function, text, site) {
                return Err(pragma_not_carried(file, site.range_of(text), "not a plain statement"));
            }
            self.pragma(pragma);
        }
        let mentioned = self.code.mentioned_in(site.function.item.scope, block.to_token_stream());
        for (_, found) in mentioned {
            let Found::Item(id, _) = found else { continue };
            let item = self.code.item(id);
            let texts = pragma_texts(|texts| texts.visit_item(item.syntax));
            match item.kind {
                ItemKind::Const | ItemKind::Static => {
                    texts.into_iter().for_each(|text| self.pragma(pragma_of(text)));
                }
                ItemKind::Function => {
                    let sets = texts.into_iter().find(|text| pragma_of(text).contains('='));
                    self.tuned.extend(sets.map(|text| {
                        let place = item.source.range(text.span());
                        let label = "set by a function that does not make the pool";
                        (id, pragma_not_carried(item.file, place, label))
                    }));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn attaches_nothing(&self, site: &Site<'_>) -> Result<(), Box<Diagnostic>> {
        attached::around(self.code, site).map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    fn pragma(&mut self, pragma: String) {
        if !self.found.pragmas.contains(&pragma) {
            self.found.pragmas.push(pragma);
        }
    }
}

/// The texts that begin with `PRAGMA`, of what `walk` visits.
fn pragma_texts<'w>(walk: impl FnOnce(&mut Texts<'w>)) -> Vec<&'w syn::LitStr> {
    let mut texts = Texts(Vec::new());
    walk(&mut texts);
    texts.0.retain(|text| {
        pragma_of(text).get(..7).is_some_and(|start| start.eq_ignore_ascii_case("pragma "))
    });
    texts.0
}

struct Texts<'w>(Vec<&'w syn::LitStr>);

impl<'w> Visit<'w> for Texts<'w> {
    fn visit_lit_str(&mut self, text: &'w syn::LitStr) {
        self.0.push(text);
    }

    fn visit_attribute(&mut self, _: &'w syn::Attribute) {}
}

fn pragma_of(text: &syn::LitStr) -> String {
    text.value().trim().trim_end_matches(';').to_owned()
}

fn pragma_not_carried(
    file: &camino::Utf8Path,
    range: std::ops::Range<usize>,
    label: &str,
) -> Box<Diagnostic> {
    Diagnostic::error("pool-option-not-carried", "a `PRAGMA` that calve cannot carry")
        .at(file, range, label)
        .note("the service opens a database of its own with the same options")
        .help("say it by a method of `SqliteConnectOptions`: `.pragma(\"…\", \"…\")`")
        .into()
}

/// Methods of connect options that say where the database is.
const ADDRESS: [&str; 7] =
    ["filename", "host", "port", "socket", "username", "password", "database"];

/// `after_connect(|connection, _| …)` runs for each connection, a statement on the pool only once.
fn is_inside_closure(function: &Function<'_>, text: &syn::LitStr, site: &Site<'_>) -> bool {
    let nodes = function::nodes(function.item.source, function.block, &site.range_of(text));
    nodes.iter().any(|n| matches!(n, function::Node::Expr(syn::Expr::Closure(_))))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    text.chars().take(39).chain(['…']).collect()
}
