//! What a function that runs the module's migrations does besides: a call of it is taken away only if
//! that is nothing, since the service runs the migrations and not the function.

use std::collections::BTreeSet;
use std::ops::Range;

use quote::ToTokens;

use super::constructor::ModuleFacts;
use super::{migrations, unseen};
use crate::analysis::code::{Found, Item, ItemId, ItemKind};
use crate::workspace::normalized;

/// A place in the module that would not run any more.
pub(super) struct Lost<'w> {
    pub(super) item: Item<'w>,
    pub(super) range: Range<usize>,
}

/// The first thing that goes with a call of an item, or of one of the implementation's methods, but is
/// not the run of the service's migrations.
pub(super) fn first<'w>(
    module: &ModuleFacts<'_, 'w>,
    item: ItemId,
    rest: &[String],
) -> Option<Lost<'w>> {
    let folder = migrations::of(module)?.folder;
    let mut runs = Runs { module, folder, seen: BTreeSet::from([item]) };
    match rest {
        [method] if module.implementation(item).is_some() => {
            let (block, method) = module.method_of(item, method)?;
            runs.body(&block, &method.block)
        }
        _ => runs.item(item),
    }
}

struct Runs<'a, 'm, 'w> {
    module: &'a ModuleFacts<'m, 'w>,
    /// The folder whose migrations the service runs.
    folder: camino::Utf8PathBuf,
    seen: BTreeSet<ItemId>,
}

impl<'w> Runs<'_, '_, 'w> {
    fn item(&mut self, id: ItemId) -> Option<Lost<'w>> {
        let item = self.module.code.item(id);
        match item.syntax {
            syn::Item::Fn(function) => self.body(&item, &function.block),
            other => self.of_another_folder(other).then(|| {
                let range = item.name_range();
                Lost { item, range }
            }),
        }
    }

    fn body(&mut self, item: &Item<'w>, block: &syn::Block) -> Option<Lost<'w>> {
        // Names of the migrator.
        let mut names = BTreeSet::new();
        for statement in &block.stmts {
            let belongs = !self.of_another_folder(statement)
                && match statement {
                    syn::Stmt::Item(_) => true,
                    syn::Stmt::Macro(call) => is_log(&call.mac),
                    syn::Stmt::Expr(expr, _) => {
                        is_done(expr) || self.is_migrator(item, &names, expr)
                    }
                    syn::Stmt::Local(local) => local.init.as_ref().is_some_and(|init| {
                        let migrates = self.is_migrator(item, &names, &init.expr);
                        if let (true, syn::Pat::Ident(name)) = (migrates, &local.pat) {
                            names.insert(name.ident.to_string());
                        }
                        init.diverge.is_none() && (migrates || is_connection(&init.expr))
                    }),
                };
            if !belongs {
                return Some(Lost { item: item.clone(), range: item.source.range_of(statement) });
            }
        }
        let named = self.module.code.mentioned_in(item.scope, block.to_token_stream());
        named.into_iter().find_map(|(_, found)| match found {
            Found::Item(id, rest) if self.migrates(id, &rest) && self.seen.insert(id) => {
                self.item(id)
            }
            _ => None,
        })
    }

    /// Whether an expression is a migrator, or a chain of calls on one.
    fn is_migrator(&self, item: &Item<'_>, names: &BTreeSet<String>, expr: &syn::Expr) -> bool {
        match expr {
            syn::Expr::Await(waits) => self.is_migrator(item, names, &waits.base),
            syn::Expr::Try(tries) => self.is_migrator(item, names, &tries.expr),
            syn::Expr::Paren(paren) => self.is_migrator(item, names, &paren.expr),
            syn::Expr::Reference(refers) => self.is_migrator(item, names, &refers.expr),
            syn::Expr::Return(returns) => {
                returns.expr.as_ref().is_some_and(|expr| self.is_migrator(item, names, expr))
            }
            syn::Expr::MethodCall(call) => self.is_migrator(item, names, &call.receiver),
            syn::Expr::Macro(call) => {
                call.mac.path.segments.last().is_some_and(|s| s.ident == "migrate")
            }
            syn::Expr::Path(path) => {
                path.path.get_ident().is_some_and(|name| names.contains(&name.to_string()))
                    || self.names_migrator(item, path)
            }
            syn::Expr::Call(call) => match (&*call.func, call.args.first()) {
                (syn::Expr::Path(path), Some(only))
                    if call.args.len() == 1 && path.path.is_ident("Ok") =>
                {
                    self.is_migrator(item, names, only)
                }
                (syn::Expr::Path(path), _) => self.names_migrator(item, path),
                _ => false,
            },
            _ => false,
        }
    }

    fn names_migrator(&self, item: &Item<'_>, path: &syn::ExprPath) -> bool {
        if migrations::calls_runner(path.to_token_stream()) {
            // Of several, whose it is cannot be told: the macro makes what is named.
            return migrations::folders(self.module).len() == 1;
        }
        let named = self.module.code.mentioned_in(item.scope, path.to_token_stream());
        named.iter().any(|(_, found)| match found {
            Found::Item(id, rest) => self.migrates(*id, rest),
            // Refused where it stands.
            found => unseen::is_reader(found),
        })
    }

    fn migrates(&self, id: ItemId, rest: &[String]) -> bool {
        let kind = self.module.code.item(id).kind;
        id.root == self.module.library
            && matches!(kind, ItemKind::Function | ItemKind::Static | ItemKind::Const)
            && migrations::runs_them(self.module, id, rest)
    }

    fn of_another_folder(&self, code: &impl ToTokens) -> bool {
        let dir = &self.module.code.root(self.module.library).member.dir;
        let folders = migrations::embedded(code.to_token_stream());
        folders.iter().any(|folder| normalized(&dir.join(folder)) != self.folder)
    }
}

/// `Ok(())`
fn is_done(expr: &syn::Expr) -> bool {
    matches!(expr, syn::Expr::Call(call)
        if matches!(&*call.func, syn::Expr::Path(path) if path.path.is_ident("Ok"))
            && matches!(call.args.first(), Some(syn::Expr::Tuple(unit)) if unit.elems.is_empty()))
}

/// `pool.acquire().await?`, `pool.get()?`
fn is_connection(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Await(waits) => is_connection(&waits.base),
        syn::Expr::Try(tries) => is_connection(&tries.expr),
        syn::Expr::MethodCall(call) => {
            (call.method == "acquire" || call.method == "get") && call.args.is_empty()
        }
        _ => false,
    }
}

fn is_log(call: &syn::Macro) -> bool {
    const LOGS: [&str; 7] = ["trace", "debug", "info", "warn", "error", "println", "eprintln"];
    call.path.segments.last().is_some_and(|s| LOGS.iter().any(|name| s.ident == name))
}
