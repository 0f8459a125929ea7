//! Sorts every place that names something behind the API trait: import, construction, a statement that
//! only runs migrations, a test's own business, or refused.

mod chain;
mod construction;
mod derives;
mod refusal;
mod support;
mod unfollowed;

use std::collections::BTreeSet;
use std::ops::Range;

use camino::Utf8Path;
use quote::ToTokens;

pub(super) use construction::Construction;
use refusal::Migrating;
pub use refusal::own_method;
pub use support::crates as support_crates;

use super::constructor::ModuleFacts;
use super::function::{self, Node, covers};
use super::trace::{self, Site};
use super::{InProcess, TypeName, beside, migrations, positions};
use crate::analysis::code::{Found, ItemId, ItemKind};
use crate::analysis::contract::Contract;
use crate::analysis::doctests;
use crate::analysis::references::Reference;
use crate::diagnostic::Diagnostic;

/// Everything found, sorted.
pub(super) struct Sorted<'w> {
    pub(super) constructions: Vec<Construction<'w>>,
    pub(super) droppable: Vec<Droppable<'w>>,
    /// Places in crates with a root that name the implementation as a type.
    pub(super) types: Vec<TypeName<'w>>,
    pub(super) in_process: Vec<InProcess<'w>>,
    /// Implementations that may be constructed behind a name that is refused.
    pub(super) unfollowed: BTreeSet<ItemId>,
    pub(super) refused: Vec<Diagnostic>,
}

/// A statement that only serves the module.
pub(super) struct Droppable<'w> {
    pub(super) site: Site<'w>,
    /// The compilation root.
    pub(super) root: usize,
    pub(super) file: &'w Utf8Path,
    pub(super) range: Range<usize>,
    pub(super) why: String,
}

/// Sorts all places.
pub(super) fn all<'w>(
    module: &ModuleFacts<'_, 'w>,
    contract: &Contract,
    references: &[Reference<'w>],
) -> Sorted<'w> {
    let mut sorter = Sorter {
        module,
        in_process: BTreeSet::new(),
        types: Vec::new(),
        sorted: Sorted {
            constructions: Vec::new(),
            droppable: Vec::new(),
            types: Vec::new(),
            in_process: Vec::new(),
            unfollowed: BTreeSet::new(),
            refused: Vec::new(),
        },
    };
    let support = support::crates(module.code.workspace);
    let mut seen = BTreeSet::new();
    for reference in references {
        if reference.member.name == module.package
            || (contract.kept.contains(&reference.item) && !sorter.begins_a_builder(reference))
        {
            continue;
        }
        if reference.dev || support.contains(reference.member.name.as_str()) {
            sorter.goes_on(reference);
        } else if seen.insert((reference.file, reference.range.start)) {
            sorter.place(reference);
        }
    }
    sorter.leave_arguments();
    sorter.own_migrators();
    sorter.settle_types();
    for example in doctests::naming(module.code, module.library, &contract.kept) {
        sorter.example(&example, support.contains(example.member.name.as_str()));
    }
    sorter.later_uses();
    sorter.sorted.in_process = sorter.in_process.into_iter().collect();
    sorter.sorted
}

struct Sorter<'a, 'm, 'w> {
    module: &'a ModuleFacts<'m, 'w>,
    in_process: BTreeSet<InProcess<'w>>,
    /// Where the implementation is named as a type: the reference, and the whole type.
    types: Vec<(&'a Reference<'w>, Range<usize>)>,
    sorted: Sorted<'w>,
}

impl<'a, 'w> Sorter<'a, '_, 'w> {
    fn place(&mut self, reference: &'a Reference<'w>) {
        if let Some(by) = &reference.hidden {
            self.sorted.unfollowed.insert(self.module.unaliased(reference.item));
            self.sorted.refused.push(refusal::hidden(self.module, reference, by));
            return;
        }
        let holder = self.module.code.item(reference.holder);
        if reference.is_import {
            if matches!(holder.syntax, syn::Item::Use(item)
                if !matches!(item.vis, syn::Visibility::Inherited))
            {
                self.sorted.refused.push(refusal::outside(self.module, reference, &holder));
            }
            return;
        }
        let item = self.module.unaliased(reference.item);
        let inside = function::around(&holder, &reference.range);
        let nodes = inside.as_ref().map_or_else(Vec::new, |function| {
            function::nodes(holder.source, function.block, &reference.range)
        });
        if self.module.implementation(item).is_some()
            && let Some(help) = unfollowed::instead(self.module, &holder, &nodes, reference, item)
        {
            self.sorted.unfollowed.insert(item);
            self.sorted.refused.push(refusal::inside(self.module, reference).help(help));
            return;
        }
        if self.module.implementation(item).is_some() && reference.alias.is_none() {
            let by_type = match reference.rest.as_slice() {
                [] => positions::type_at(&holder, &reference.range),
                // `SqliteInventory::find(&inventory, …)`.
                [method] if self.module.is_operation(method) => Some(reference.named.clone()),
                _ => None,
            };
            if let Some(range) = by_type {
                if let Some(constructed) =
                    unfollowed::by_associated(self.module, &holder, &range, item)
                {
                    self.sorted.unfollowed.insert(item);
                    let refused = refusal::by_associated(self.module, reference, constructed);
                    self.sorted.refused.push(refused);
                    return;
                }
                self.types.push((reference, range));
                return;
            }
        }
        let Some(function) = inside else {
            self.sorted.refused.push(refusal::outside(self.module, reference, &holder));
            return;
        };
        if nodes.iter().any(|n| matches!(n, Node::Stmt(syn::Stmt::Item(syn::Item::Use(_))))) {
            return;
        }
        let site = Site::new(function);
        let (item, rest) = self.named(reference, &site, &nodes);
        if let Some(construction) =
            construction::read(self.module, reference, &site, &nodes, item, &rest)
        {
            self.sorted.constructions.push(construction);
        } else if migrations::runs_them(self.module, item, &rest) {
            if let Some(lost) = beside::first(self.module, item, &rest) {
                let migrating = Migrating::named(self.module, reference);
                self.sorted.refused.push(refusal::does_more(migrating, &lost));
                return;
            }
            self.drop_statement(reference.root, &site, &nodes, &reference.range, reference);
        } else if reference.alias.is_some()
            && matches!(rest.as_slice(), [method] if self.module.is_operation(method))
        {
            // The alias stands for the stub, which has the operations.
        } else {
            self.sorted.refused.push(refusal::inside(self.module, reference));
        }
    }

    /// The item and what follows it; a call's path is read as a whole, past generic arguments.
    fn named(
        &self,
        reference: &Reference<'w>,
        site: &Site<'w>,
        nodes: &[Node<'w>],
    ) -> (ItemId, Vec<String>) {
        let called = nodes.iter().rev().find_map(|node| match node {
            Node::Expr(path @ syn::Expr::Path(_)) => {
                match trace::called(self.module.code, site, path) {
                    Found::Item(item, rest) if item == reference.item => Some((item, rest)),
                    _ => None,
                }
            }
            _ => None,
        });
        called.unwrap_or_else(|| (reference.item, reference.rest.clone()))
    }

    /// Takes a statement away that runs the module's migrations, if it does nothing else.
    fn drop_statement(
        &mut self,
        root: usize,
        site: &Site<'w>,
        nodes: &[Node<'w>],
        range: &Range<usize>,
        reference: &Reference<'w>,
    ) {
        match lone_statement(site, nodes, range) {
            Some(statement) => self.sorted.droppable.push(Droppable {
                root,
                file: site.function.item.file,
                range: statement,
                why: "the service runs the module's migrations on its own database".to_owned(),
                site: site.clone(),
            }),
            None => {
                let migrating = Migrating::named(self.module, reference);
                self.sorted.refused.push(refusal::entangled(migrating));
            }
        }
    }

    /// Names that are part of a construction go with it; what is given to a constructor is judged as its
    /// argument.
    fn leave_arguments(&mut self) {
        let Sorted { constructions, refused, .. } = &mut self.sorted;
        refused.retain(|refusal| {
            let Some(place) = refusal.labels.first() else { return true };
            !constructions.iter().any(|construction| {
                construction.root.file == place.file
                    && covers(&construction.root.construction, &place.span)
            })
        });
    }

    /// `sqlx::migrate!("../modules/inventory/migrations")` in a member that uses the module: it names
    /// the module's folder, not its crate.
    fn own_migrators(&mut self) {
        let code = self.module.code;
        let mut seen = BTreeSet::new();
        for (member, _) in code.workspace.dependents(&self.module.package) {
            if member.name == self.module.package
                || !code.workspace.rust_files(member).any(|(_, s)| migrations::may_embed(&s.text))
            {
                continue;
            }
            for target in member.targets.iter().filter(|t| !t.kind.is_dev()) {
                let Some(root) = code.target(&member.name, target.kind, &target.name) else {
                    continue;
                };
                for item in code.root(root).items.iter().filter(|i| !i.test_only) {
                    if item.kind == ItemKind::Module || !migrations::may_embed(&item.source.text) {
                        continue;
                    }
                    let all = migrations::embedded(item.syntax.to_token_stream());
                    if all.iter().any(|f| migrations::is_of_module(self.module, &member.dir, f))
                        && seen.insert((item.file, item.range().start))
                    {
                        self.own_migrator(root, member, item);
                    }
                }
            }
        }
    }

    fn own_migrator(
        &mut self,
        root: usize,
        member: &crate::workspace::Member,
        item: &crate::analysis::code::Item<'w>,
    ) {
        let mut found = false;
        for function in function::all(item) {
            for statement in &function.block.stmts {
                let folders = migrations::embedded(statement.to_token_stream());
                if !folders.iter().any(|f| migrations::is_of_module(self.module, &member.dir, f)) {
                    continue;
                }
                found = true;
                let range = item.source.range_of(statement);
                let alone = matches!(statement, syn::Stmt::Expr(e, Some(_))
                    if matches!(trace::settled(e), syn::Expr::MethodCall(call)
                        if matches!(trace::settled(&call.receiver), syn::Expr::Macro(_))
                            && call.args.iter().all(is_effectless)));
                if alone && folders.len() == 1 {
                    self.sorted.droppable.push(Droppable {
                        site: Site::new(function.clone()),
                        root,
                        file: item.file,
                        range,
                        why: "the service runs the module's migrations on its own database".into(),
                    });
                } else {
                    self.sorted.refused.push(refusal::embedded(item, range));
                }
            }
        }
        if !found {
            self.sorted.refused.push(refusal::embedded(item, item.name_range()));
        }
    }

    /// Lets the stub's type stand where the implementation's is named, in the crates that construct it;
    /// elsewhere that name would make a consumer depend on the stub.
    fn settle_types(&mut self) {
        for (reference, range) in std::mem::take(&mut self.types) {
            let holder = self.module.code.item(reference.holder);
            let constructions = &self.sorted.constructions;
            if constructions.iter().any(|c| c.root.member.name == reference.member.name) {
                if let Some(refused) = derives::refused(self.module, reference, &holder, &range) {
                    self.sorted.refused.push(refused);
                    continue;
                }
                self.sorted.types.push(TypeName {
                    file: reference.file,
                    scope: holder.scope,
                    range,
                    spelling: construction::spelling(self.module, holder.scope, reference),
                });
            } else if function::around(&holder, &reference.range).is_some() {
                self.sorted.refused.push(refusal::inside(self.module, reference));
            } else {
                self.sorted.refused.push(refusal::outside(self.module, reference, &holder));
            }
        }
    }

    /// An example in documentation is compiled with the dev-dependencies, so it goes on like a test; but
    /// nobody compiles it here, so it must not depend on a type that is rewritten.
    fn example(&mut self, example: &doctests::Example<'w>, is_support: bool) {
        let (member, file) = (example.member.name.as_str(), example.file);
        let code = self.module.code;
        let is_rewritten =
            self.sorted.types.iter().any(|ty| code.root(ty.scope.root).member.name == member);
        if is_rewritten {
            self.sorted.refused.push(refusal::in_example(self.module, example));
        }
        self.in_process.insert(InProcess { member, file, dev: !is_support });
    }

    /// Whether a reference to something that is contract still begins the construction of the
    /// implementation: a builder is plain data until its last call.
    fn begins_a_builder(&self, reference: &Reference<'w>) -> bool {
        let holder = self.module.code.item(reference.holder);
        if reference.dev || reference.rest.len() != 1 {
            return false;
        }
        let Some(function) = function::around(&holder, &reference.range) else { return false };
        let nodes = function::nodes(holder.source, function.block, &reference.range);
        let site = Site::new(function);
        let (item, rest) = (reference.item, &reference.rest);
        construction::read(self.module, reference, &site, &nodes, item, rest).is_some()
    }

    /// Takes note of code for tests that goes on with an implementation in its own process.
    fn goes_on(&mut self, reference: &'a Reference<'w>) {
        if let Some(alias) = reference.alias {
            let alias = self.module.code.item(alias);
            let target = &self.module.code.root(alias.id.root).target;
            if !alias.test_only && !target.kind.is_dev() {
                self.sorted.refused.push(refusal::by_alias(self.module, reference, &alias));
            }
        }
        self.in_process.insert(InProcess {
            member: &reference.member.name,
            file: reference.file,
            dev: reference.dev,
        });
    }

    /// Methods outside of the API traits that are called on what was constructed.
    fn later_uses(&mut self) {
        let (mut droppable, mut refused) = (Vec::new(), Vec::new());
        for construction in &self.sorted.constructions {
            let (site, root) = (&construction.site, construction.root_index);
            for (range, method) in construction.inherent_calls(self.module) {
                let nodes = function::nodes(site.function.item.source, site.function.block, &range);
                let (ty, named) =
                    (construction.constructor.implementation, std::slice::from_ref(&method));
                if !migrations::runs_them(self.module, ty, named) {
                    refused.push(refusal::method(self.module, site, range, &method));
                    continue;
                }
                let statement = lone_statement(site, &nodes, &range);
                let migrating = Migrating::called(self.module, site, range, &method);
                match (beside::first(self.module, ty, named), statement) {
                    (Some(lost), _) => refused.push(refusal::does_more(migrating, &lost)),
                    (None, None) => refused.push(refusal::entangled(migrating)),
                    (None, Some(range)) => droppable.push(Droppable {
                        root,
                        file: site.function.item.file,
                        range,
                        why: "the service runs the module's migrations on its own database"
                            .to_owned(),
                        site: site.clone(),
                    }),
                }
            }
        }
        self.sorted.droppable.append(&mut droppable);
        self.sorted.refused.append(&mut refused);
    }
}

/// The statement around `range` if it is only a call there, of arguments that do nothing, with its
/// result thrown away.
fn lone_statement(
    site: &Site<'_>,
    nodes: &[Node<'_>],
    range: &Range<usize>,
) -> Option<Range<usize>> {
    let statement = nodes.iter().rev().find_map(|node| match node {
        Node::Stmt(statement) => Some(*statement),
        Node::Expr(_) => None,
    })?;
    let expr = match statement {
        syn::Stmt::Expr(expr, Some(_)) => expr,
        syn::Stmt::Local(local) if matches!(local.pat, syn::Pat::Wild(_)) => {
            &local.init.as_ref()?.expr
        }
        _ => return None,
    };
    let (named, arguments) = match trace::settled(expr) {
        syn::Expr::Call(call) => (&*call.func, &call.args),
        syn::Expr::MethodCall(call) => (trace::same_value(&call.receiver), &call.args),
        _ => return None,
    };
    let alone = matches!(named, syn::Expr::Path(_))
        && covers(&site.range_of(named), range)
        && arguments.iter().all(is_effectless);
    alone.then(|| site.range_of(statement))
}

/// Whether reading an expression does nothing else: names, fields, references, clones, literals, a
/// connection that a pool lends.
fn is_effectless(expr: &syn::Expr) -> bool {
    match trace::same_value(expr) {
        syn::Expr::Path(_) | syn::Expr::Lit(_) => true,
        syn::Expr::Field(field) => is_effectless(&field.base),
        syn::Expr::Reference(reference) => is_effectless(&reference.expr),
        other => match trace::settled(other) {
            syn::Expr::MethodCall(call) => {
                call.args.is_empty()
                    && (call.method == "get" || call.method == "acquire")
                    && is_effectless(&call.receiver)
            }
            _ => false,
        },
    }
}
