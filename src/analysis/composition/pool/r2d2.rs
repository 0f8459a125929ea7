//! A pool of r2d2 over connections of rusqlite.
//!
//! ```text
//! let manager = SqliteConnectionManager::file(path).with_init(|connection| {
//!     connection.execute_batch("PRAGMA foreign_keys = ON;")?;
//!     connection.busy_timeout(Duration::from_secs(5))
//! });
//! Pool::builder().max_size(8).build(manager)?
//! ```

use std::ops::Range;

use camino::Utf8Path;
use quote::ToTokens;
use syn::visit::Visit;

use super::{Reader, pragma_of, pragma_texts};
use crate::analysis::code::{Code, Found, ItemKind};
use crate::analysis::composition::OptionCall;
use crate::analysis::composition::bindings::plain_path;
use crate::analysis::composition::function::covers;
use crate::analysis::composition::trace::{self, Site};
use crate::analysis::types::Type;
use crate::diagnostic::Diagnostic;

/// Methods of a connection that prepare it and can fail.
const PREPARING: [&str; 4] = ["busy_timeout", "execute", "execute_batch", "pragma_update"];

/// Where connections are prepared.
type Prepared<'w> = Vec<(&'w Utf8Path, Range<usize>)>;

/// Whether a type is `r2d2::Pool<SqliteConnectionManager>`.
pub(super) fn is_pool(ty: &Type) -> bool {
    let named = |ty: &Type, of: &str, name: &str| {
        matches!(ty, Type::External { package, path, .. }
        if package == of && path.last().is_some_and(|last| last == name))
    };
    named(ty, "r2d2", "Pool")
        && ty.children().iter().any(|of| named(of, "r2d2_sqlite", "SqliteConnectionManager"))
}

/// Whether the monolith builds SQLite along with rusqlite: that one enforces foreign keys of itself.
pub(super) fn is_bundled(code: &Code<'_>) -> bool {
    let mut dependencies = code.workspace.members.iter().flat_map(|member| &member.dependencies);
    dependencies.any(|dependency| {
        matches!(dependency.package.as_str(), "rusqlite" | "r2d2_sqlite")
            && dependency.features.iter().any(|feature| feature.starts_with("bundled"))
    })
}

impl<'w> Reader<'_, 'w> {
    /// Reads the pool at `expr`.
    pub(super) fn r2d2_pool(
        &mut self,
        site: &Site<'w>,
        expr: &'w syn::Expr,
        depth: usize,
    ) -> Result<(), Box<Diagnostic>> {
        let value = self.made(site, expr);
        match value.expr {
            syn::Expr::MethodCall(call)
                if (call.method == "build" || call.method == "build_unchecked")
                    && call.args.len() == 1 =>
            {
                self.found.pool =
                    self.chain(&value.site, &call.receiver, &["builder", "Builder"])?;
                let prepared = self.manager(&value.site, &call.args[0])?;
                self.only_prepared(&value.site, &prepared)?;
                self.only_prepared(site, &prepared)
            }
            syn::Expr::Call(call) => match trace::called(self.code, &value.site, &call.func) {
                Found::External(_, path) if path.ends_with(&["Pool".into(), "new".into()]) => {
                    let Some(manager) = call.args.first() else {
                        return Err(self.unknown(&value));
                    };
                    let prepared = self.manager(&value.site, manager)?;
                    self.only_prepared(&value.site, &prepared)?;
                    self.only_prepared(site, &prepared)
                }
                Found::Item(item, rest) if depth < 4 => {
                    let made_by = trace::function_of(self.code, item, &rest);
                    let last = made_by.as_ref().and_then(trace::result_of);
                    let (Some(function), Some(last)) = (made_by, last) else {
                        return Err(self.unknown(&value));
                    };
                    self.r2d2_pool(&Site::new(function), last, depth + 1)
                }
                _ => Err(self.unknown(&value)),
            },
            _ => Err(self.unknown(&value)),
        }
    }

    /// What makes the connections: of which file is the operator's to say.
    fn manager(
        &mut self,
        site: &Site<'w>,
        expr: &'w syn::Expr,
    ) -> Result<Prepared<'w>, Box<Diagnostic>> {
        let mut value = self.made(site, expr);
        let mut prepared = Prepared::new();
        loop {
            match value.expr {
                syn::Expr::MethodCall(call) if call.args.len() == 1 => {
                    match call.method.to_string().as_str() {
                        "with_init" => {
                            let range = value.site.range_of(&call.args[0]);
                            prepared.push((value.site.function.item.file, range));
                            self.found.prepare = self.preparation(&value.site, &call.args[0])?;
                        }
                        "with_flags" => {
                            let option = self.option(&value.site, call)?;
                            self.found.connect.push(option);
                        }
                        _ => return Err(self.unknown(&value)),
                    }
                    value = self.made(&value.site, &call.receiver);
                }
                syn::Expr::Call(call) => match trace::called(self.code, &value.site, &call.func) {
                    Found::External(_, path) if path.last().is_some_and(|last| last == "file") => {
                        break;
                    }
                    Found::Item(item, rest) => {
                        let function = trace::function_of(self.code, item, &rest);
                        let Some((last, function)) = function
                            .and_then(|function| Some((trace::result_of(&function)?, function)))
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
        self.found.connect.reverse();
        self.only_prepared(&value.site, &prepared)?;
        Ok(prepared)
    }

    /// Refuses a `PRAGMA` beside what prepares the connections, also one in a constant that is named
    /// there: of a pool, it reaches one connection. Those of functions that it calls are noted.
    fn only_prepared(
        &mut self,
        site: &Site<'w>,
        prepared: &Prepared<'w>,
    ) -> Result<(), Box<Diagnostic>> {
        let (item, block) = (&site.function.item, site.function.block);
        self.read.insert(item.id);
        self.attaches_nothing(site)?;
        let prepares = |range: &Range<usize>| {
            prepared.iter().any(|(file, outer)| *file == item.file && covers(outer, range))
        };
        let texts = pragma_texts(|texts| texts.visit_block(block));
        if let Some(text) = texts.into_iter().find(|text| !prepares(&site.range_of(text))) {
            return Err(on_one_connection(item.file, site.range_of(text)));
        }
        for (mention, found) in self.code.mentioned_in(item.scope, block.to_token_stream()) {
            let Found::Item(id, _) = found else { continue };
            let place = item.source.range(mention.segments[0].span);
            let named = self.code.item(id);
            let sets = pragma_texts(|texts| texts.visit_item(named.syntax))
                .into_iter()
                .any(|text| pragma_of(text).contains('='));
            match named.kind {
                _ if !sets || prepares(&place) => {}
                ItemKind::Const | ItemKind::Static => {
                    return Err(on_one_connection(item.file, place));
                }
                ItemKind::Function => self.tuned.push((id, on_one_connection(item.file, place))),
                _ => {}
            }
        }
        Ok(())
    }

    /// What is called on each new connection: in a closure, or in a function of the workspace.
    fn preparation(
        &self,
        site: &Site<'w>,
        expr: &'w syn::Expr,
    ) -> Result<Vec<OptionCall>, Box<Diagnostic>> {
        match trace::same_value(expr) {
            syn::Expr::Closure(closure) => match (closure.inputs.first(), &*closure.body) {
                (Some(input), syn::Expr::Block(body)) => {
                    self.prepared_by(site, name_of(input), &body.block.stmts)
                }
                (Some(input), body) => {
                    Ok(self.call(site, name_of(input), body)?.into_iter().collect())
                }
                (None, _) => Err(self.not_prepared(site, expr)),
            },
            path @ syn::Expr::Path(_) => {
                let Found::Item(item, rest) = trace::called(self.code, site, path) else {
                    return Err(self.not_prepared(site, expr));
                };
                let Some(function) = trace::function_of(self.code, item, &rest) else {
                    return Err(self.not_prepared(site, expr));
                };
                let name = match function.signature.inputs.first() {
                    Some(syn::FnArg::Typed(argument)) => name_of(&argument.pat),
                    _ => None,
                };
                let made = &function.block.stmts;
                self.prepared_by(&Site::new(function), name, made)
            }
            _ => Err(self.not_prepared(site, expr)),
        }
    }

    fn prepared_by(
        &self,
        site: &Site<'w>,
        connection: Option<&syn::Ident>,
        statements: &'w [syn::Stmt],
    ) -> Result<Vec<OptionCall>, Box<Diagnostic>> {
        let mut calls = Vec::new();
        for statement in statements {
            let syn::Stmt::Expr(expr, _) = statement else {
                return Err(self.not_prepared(site, statement));
            };
            calls.extend(self.call(site, connection, expr)?);
        }
        Ok(calls)
    }

    /// A call on the connection; none for `Ok(())`.
    fn call(
        &self,
        site: &Site<'w>,
        connection: Option<&syn::Ident>,
        expr: &'w syn::Expr,
    ) -> Result<Option<OptionCall>, Box<Diagnostic>> {
        let is_connection =
            |expr| plain_path(trace::same_value(expr)).is_some_and(|name| Some(name) == connection);
        match trace::settled(expr) {
            syn::Expr::Call(call) if matches!(&*call.func, syn::Expr::Path(p) if p.path.is_ident("Ok")) => {
                Ok(None)
            }
            syn::Expr::MethodCall(call)
                if is_connection(&call.receiver)
                    && PREPARING.iter().any(|name| call.method == name) =>
            {
                self.option(site, call).map(Some)
            }
            _ => Err(self.not_prepared(site, expr)),
        }
    }

    fn not_prepared(&self, site: &Site<'w>, what: &impl syn::spanned::Spanned) -> Box<Diagnostic> {
        Diagnostic::error(
            "pool-option-not-carried",
            "a connection is prepared in a way that calve cannot carry",
        )
        .at(site.function.item.file, site.range_of(what), "not a plain call on the connection")
        .note("the service prepares the connections to its own database in the same way")
        .help(
            "prepare it with `execute_batch`, `execute`, `pragma_update` and `busy_timeout`, of literals \
             and constants",
        )
        .into()
    }
}

fn on_one_connection(file: &Utf8Path, place: Range<usize>) -> Box<Diagnostic> {
    Diagnostic::error("pool-option-not-carried", "a `PRAGMA` on one connection of the pool")
        .at(file, place, "the others may never hear of it")
        .help("say it in `SqliteConnectionManager::with_init`, which every connection passes")
        .into()
}

fn name_of(pattern: &syn::Pat) -> Option<&syn::Ident> {
    match pattern {
        syn::Pat::Ident(name) => Some(&name.ident),
        syn::Pat::Type(typed) => name_of(&typed.pat),
        _ => None,
    }
}
