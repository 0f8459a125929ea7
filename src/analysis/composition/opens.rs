//! Connections that the module opens itself. The service's pool, its migrations, readiness and cutover are
//! made of the pool that a constructor takes; where none takes one, the service would come without them,
//! so a module that stores must not pass for one that does not.

use std::collections::BTreeSet;
use std::ops::Range;

use camino::Utf8Path;
use syn::visit::{self, Visit};

use super::constructor::ModuleFacts;
use super::function::covers;
use super::storage::{self, Library};
use super::trace::{self, Site};
use super::{Argument, ArgumentKind, Root, migrations};
use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind, is_test_only};
use crate::analysis::references::Reference;
use crate::analysis::select;
use crate::analysis::types::{self, Substitution, Type};
use crate::diagnostic::Diagnostic;

/// Refuses an implementation that stores and that no root gives a pool; `pooled` is whether another one has
/// one, for which the migrations are.
pub(super) fn refuse<'w>(
    module: &ModuleFacts<'_, 'w>,
    implementation: &Item<'w>,
    roots: &[&Root<'w>],
    references: &[Reference<'w>],
    pooled: bool,
) -> Option<Diagnostic> {
    let first = roots.first()?;
    let constructs = |reference: &&Reference<'w>| {
        roots
            .iter()
            .any(|root| root.file == reference.file && covers(&root.construction, &reference.range))
    };
    let named = references.iter().filter(constructs).map(|reference| reference.item);
    let start = [implementation.id].into_iter().chain(named);
    let reach = Reach::from(module.code, Some(module.library), start.map(Step::Item));
    let embedded = migrations::folders(module);
    let name = implementation.name.as_deref().unwrap_or_default();
    let (message, place, label) = match (reach.openings.first(), reach.named.first()) {
        (Some(place), _) => {
            let library = place.library.name();
            let message = format!("`{name}` opens its database itself, through {library}");
            let own = place.file.starts_with(&module.code.root(module.library).member.dir);
            let label = if own { "opened by the module" } else { "opened for the module" };
            (message, Some(place), label)
        }
        (None, Some(place)) => {
            let library = place.library.name();
            let message = format!("`{name}` stores through {library}, and no root gives it a pool");
            (message, Some(place), "named by what it does")
        }
        (None, None) if embedded.is_empty() || pooled => return None,
        (None, None) => {
            (format!("the module has migrations, and no root gives `{name}` a pool"), None, "")
        }
    };
    let carried = place.is_none_or(|place| place.library.is_carried());
    let code = if carried { "pool-not-understood" } else { "storage-not-carried" };
    let mut diagnostic = Diagnostic::error(code, message);
    if let Some(place) = place {
        diagnostic = diagnostic.at(place.file, place.range.clone(), label);
    }
    diagnostic =
        diagnostic.at(first.file, first.construction.clone(), "constructed without a pool");
    if let Some(place) = place.filter(|place| !place.library.is_carried()) {
        return Some(storage::explain(module.code, &module.package, place.library, diagnostic));
    }
    for (item, _) in &embedded {
        let item = module.code.item(*item);
        let whole = item.range();
        let macros = ["embed_migrations!", "migrate!"];
        let found = macros.iter().find_map(|name| {
            let at = whole.start + item.source.text.get(whole.clone())?.find(name)?;
            Some(at..at + name.len())
        });
        let label = "the module's migrations are embedded here";
        diagnostic = diagnostic.at(item.file, found.unwrap_or(whole), label);
    }
    Some(
        diagnostic
            .note(
                "the service's pool, migrations, readiness and cutover are made of the pool that the \
                 constructor takes; this service would start on an empty database, and nobody would copy \
                 the rows",
            )
            .help(format!(
                "let the constructor take the pool, as `pool: {}`, and open it where the monolith \
                 constructs `{name}`; let a public function of the module run its migrations, and call it \
                 there",
                place.map_or("sqlx::SqlitePool", Place::pool),
            )),
    )
}

/// Where a pool or connection that is given to a constructor was made, if calve sees it.
pub(super) fn made<'w>(
    code: &Code<'w>,
    site: &Site<'w>,
    given: &'w syn::Expr,
) -> Option<(&'w Utf8Path, Range<usize>)> {
    let (mut site, mut expr) = (site.clone(), given);
    // Bounded, since values can lead around in a circle.
    for _ in 0..8 {
        let value = trace::value(code, &site, expr);
        (site, expr) = (value.site, trace::settled(value.expr));
        let found = match expr {
            syn::Expr::Call(call) => trace::called(code, &site, &call.func),
            syn::Expr::MethodCall(_) => Found::Nothing,
            syn::Expr::Path(_) => continue,
            _ => return None,
        };
        match (found, expr) {
            (Found::Item(id, rest), _) => {
                let step = match rest.as_slice() {
                    [method] => Step::Method(id, method.clone()),
                    _ => Step::Item(id),
                };
                let opening = Reach::from(code, None, [step]).openings.into_iter().next()?;
                return Some((opening.file, opening.range));
            }
            // `Arc::new(Mutex::new(connection))`
            (Found::External(krate, _), syn::Expr::Call(call))
                if krate == "std" && call.args.len() == 1 =>
            {
                expr = &call.args[0];
            }
            _ => return Some((site.function.item.file, site.range_of(expr))),
        }
    }
    None
}

/// Whether a constructor takes a pool.
pub(super) fn takes_pool(arguments: &[Argument]) -> bool {
    arguments.iter().any(|argument| matches!(argument.kind, ArgumentKind::Pool(_)))
}

/// A place that names a library for storage.
#[derive(Debug, Clone)]
struct Place<'w> {
    library: Library,
    file: &'w Utf8Path,
    range: Range<usize>,
    /// The path in the library, such as `SqlitePool::connect`.
    path: Vec<String>,
}

impl Place<'_> {
    /// The type of the pool that can be carried instead.
    fn pool(&self) -> &'static str {
        match self.library {
            Library::Rusqlite => "r2d2::Pool<r2d2_sqlite::SqliteConnectionManager>",
            _ if self.path.iter().any(|name| name.starts_with("Pg")) => "sqlx::PgPool",
            _ => "sqlx::SqlitePool",
        }
    }
}

/// What is looked at next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Item(ItemId),
    /// A method of a type.
    Method(ItemId, String),
}

/// What some items lead to, through functions of all the workspace.
struct Reach<'a, 'w> {
    code: &'a Code<'w>,
    /// The library of which the `impl`s of a type are looked at as a whole; of others, what is called.
    library: Option<usize>,
    /// Where connections are opened, the nearest first.
    openings: Vec<Place<'w>>,
    /// Where libraries for storage are named otherwise.
    named: Vec<Place<'w>>,
}

impl<'a, 'w> Reach<'a, 'w> {
    fn from(
        code: &'a Code<'w>,
        library: Option<usize>,
        start: impl IntoIterator<Item = Step>,
    ) -> Self {
        let mut reach = Self { code, library, openings: Vec::new(), named: Vec::new() };
        let mut seen = BTreeSet::new();
        let mut turn: Vec<Step> = start.into_iter().collect();
        while !turn.is_empty() {
            let fresh: Vec<Step> =
                turn.into_iter().filter(|step| seen.insert(step.clone())).collect();
            turn = fresh.into_iter().flat_map(|step| reach.look(step)).collect();
        }
        reach
    }

    /// Looks at one step, and gives the next ones.
    fn look(&mut self, step: Step) -> Vec<Step> {
        let mut next = Vec::new();
        match step {
            Step::Method(ty, method) => {
                for block in self.blocks(ty) {
                    let syn::Item::Impl(syntax) = block.syntax else { continue };
                    let named = syntax.items.iter().filter(
                        |item| matches!(item, syn::ImplItem::Fn(f) if f.sig.ident == method),
                    );
                    let mut look = Look { reach: self, item: &block, next: &mut next };
                    named.for_each(|function| look.visit_impl_item(function));
                }
            }
            Step::Item(id) => {
                let item = self.code.item(id);
                if item.kind == ItemKind::Module || item.test_only {
                    return next;
                }
                Look { reach: self, item: &item, next: &mut next }.visit_item(item.syntax);
                let is_type =
                    matches!(item.kind, ItemKind::Struct | ItemKind::Enum | ItemKind::Union);
                if is_type && self.library == Some(id.root) {
                    next.extend(self.blocks(id).into_iter().map(|block| Step::Item(block.id)));
                }
            }
        }
        next
    }

    /// The `impl`s of a type in its own library, tests left out.
    fn blocks(&self, ty: ItemId) -> Vec<Item<'w>> {
        let root = self.code.root(ty.root);
        let blocks = root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only);
        blocks.filter(|i| select::self_type(self.code, i) == Some(ty)).cloned().collect()
    }
}

/// Looks at the code of one item.
struct Look<'a, 'b, 'w> {
    reach: &'a mut Reach<'b, 'w>,
    item: &'a Item<'w>,
    next: &'a mut Vec<Step>,
}

impl Look<'_, '_, '_> {
    fn names(&mut self, names: &[String], found: Found, range: Range<usize>) {
        let code = self.reach.code;
        let (library, path) = match found {
            Found::Item(id, rest) => {
                if let (Some(opened), true) = (self.behind_alias(id), is_opening(names)) {
                    (opened, names.to_vec())
                } else {
                    self.next.push(match rest.as_slice() {
                        [method] if self.reach.library != Some(id.root) => {
                            Step::Method(id, method.clone())
                        }
                        _ => Step::Item(id),
                    });
                    return;
                }
            }
            Found::External(krate, path) => {
                let package = types::package_of(code, self.item.scope, &krate);
                let Some(library) = storage::of_package(&package) else { return };
                (library, path)
            }
            // Through `use diesel::prelude::*`, or a `use` in a body.
            Found::Nothing if is_opening(names) && names.len() > 1 => {
                let dependencies = &code.root(self.item.id.root).member.dependencies;
                let used = dependencies.iter().find_map(|d| storage::of_package(&d.package));
                let Some(library) = used else { return };
                (library, names.to_vec())
            }
            _ => return,
        };
        let library = self.specific(library);
        let place = Place { library, file: self.item.file, range, path };
        if is_opening(&place.path) {
            self.reach.openings.push(place);
        } else if !is_data(&place.path) {
            self.reach.named.push(place);
        }
    }

    /// The library of a type that an alias of the workspace stands for.
    fn behind_alias(&self, id: ItemId) -> Option<Library> {
        let alias = self.reach.code.item(id);
        let syn::Item::Type(syntax) = alias.syntax else { return None };
        let ty = types::read(self.reach.code, alias.scope, &syntax.ty, &Substitution::new());
        matches!(ty, Type::External { .. }).then(|| storage::library(&ty)).flatten()
    }

    /// Of a pool for anything, the library whose connections the crate puts into it.
    fn specific(&self, library: Library) -> Library {
        if !library.is_pool_for_anything() {
            return library;
        }
        let dependencies = &self.reach.code.root(self.item.id.root).member.dependencies;
        let mut all = dependencies.iter().filter_map(|d| storage::of_package(&d.package));
        all.find(|other| !other.is_pool_for_anything()).unwrap_or(library)
    }
}

impl<'w> Visit<'w> for Look<'_, '_, 'w> {
    fn visit_path(&mut self, path: &'w syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let global = path.leading_colon.is_some();
        let found = self.reach.code.resolve_path(self.item.scope, global, &names);
        self.names(&names, found, self.item.source.range_of(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'w syn::Macro) {
        self.visit_path(&call.path);
        for (mention, found) in self.reach.code.mentioned_in(self.item.scope, call.tokens.clone()) {
            let (Some(first), Some(last)) = (mention.segments.first(), mention.segments.last())
            else {
                continue;
            };
            let place = |span| self.item.source.range(span);
            let range = place(first.span).start..place(last.span).end;
            self.names(&mention.names(), found, range);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'w syn::ImplItemFn) {
        if !function.attrs.iter().any(is_test_only) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_impl(&mut self, block: &'w syn::ItemImpl) {
        // How a value is written in a column is no storage yet.
        let of_driver = block.trait_.as_ref().is_some_and(|(path, _)| {
            let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            let global = path.leading_colon.is_some();
            match self.reach.code.resolve_path(self.item.scope, global, &names) {
                Found::External(krate, _) => {
                    let package = types::package_of(self.reach.code, self.item.scope, &krate);
                    storage::of_package(&package).is_some()
                }
                _ => false,
            }
        });
        if !of_driver {
            visit::visit_item_impl(self, block);
        }
    }

    fn visit_attribute(&mut self, _: &'w syn::Attribute) {}
}

/// Whether a path of a library is what opens a connection or builds a pool.
fn is_opening(path: &[String]) -> bool {
    const OWNERS: [&str; 7] =
        ["Pool", "PoolOptions", "Manager", "Client", "ConnectOptions", "Connection", "Config"];
    let Some((last, owner)) = path.split_last() else { return false };
    match last.as_str() {
        "connect" | "connect_with" | "connect_lazy" | "connect_lazy_with" | "create_pool"
        | "establish" | "open_with_flags" | "open_in_memory" | "with_uri_str" => true,
        "open" | "new" | "builder" | "file" | "memory" | "from_str" => {
            owner.last().is_some_and(|name| OWNERS.iter().any(|end| name.ends_with(end)))
        }
        _ => false,
    }
}

/// Whether a path of a library is about values and errors: such stand in types of a module that stores
/// nothing, too.
fn is_data(path: &[String]) -> bool {
    const DATA: [&str; 9] =
        ["Decode", "Encode", "ErrorKind", "FromRow", "FromSql", "Result", "ToSql", "Type", "types"];
    path.is_empty()
        || path.iter().any(|name| name.ends_with("Error") || name == "error" || name == "types")
        || path.last().is_some_and(|last| DATA.iter().any(|name| last == name))
}
