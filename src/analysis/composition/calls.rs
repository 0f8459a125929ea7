//! Every call of a function of the workspace, if calls are all that names it.

use syn::visit::{self, Visit};

use super::function::{self, Function, covers};
use super::trace::{self, Site};
use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind};
use crate::analysis::{references, select};
use crate::workspace::Source;

/// A call with the function it stands in.
#[derive(Clone)]
pub(super) struct Call<'w> {
    pub(super) site: Site<'w>,
    pub(super) expr: &'w syn::ExprCall,
}

impl<'w> Call<'w> {
    pub(super) fn arguments(&self) -> impl Iterator<Item = &'w syn::Expr> {
        self.expr.args.iter()
    }
}

/// All calls of a function, in tests too; none where it is named in another way: given as a value, called
/// in a macro or in a doctest.
pub(super) fn every<'w>(code: &Code<'w>, function: &Function<'w>) -> Option<Vec<Call<'w>>> {
    let sought = Sought::new(code, function)?;
    let package = code.root(function.item.id.root).member.name.clone();
    let mut found: Vec<Call<'w>> = Vec::new();
    for member in references::users_of(code, &package) {
        if !code.workspace.rust_files(member).any(|(_, s)| s.text.contains(&sought.name)) {
            continue;
        }
        for target in &member.targets {
            let Some(root) = code.target(&member.name, target.kind, &target.name) else { continue };
            for item in &code.root(root).items {
                if item.kind != ItemKind::Module && item.source.text.contains(&sought.name) {
                    sought.collect(item, &mut found)?;
                }
            }
        }
    }
    // A file can belong to several targets.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|call| {
        seen.insert((call.site.function.item.file, call.site.range_of(call.expr).start))
    });
    Some(found)
}

struct Sought<'a, 'w> {
    code: &'a Code<'w>,
    name: String,
    /// The function itself, or the type that it is a method of: a file can belong to several targets, so
    /// it is known by its place.
    owner: Item<'w>,
    rest: Vec<String>,
}

impl<'a, 'w> Sought<'a, 'w> {
    fn new(code: &'a Code<'w>, function: &Function<'w>) -> Option<Self> {
        let name = function.name();
        let (owner, rest) = match function.item.kind {
            ItemKind::Function => (function.item.clone(), Vec::new()),
            _ => (code.item(select::self_type(code, &function.item)?), vec![name.clone()]),
        };
        Some(Self { code, name, owner, rest })
    }

    fn is_it(&self, id: ItemId, rest: &[String]) -> bool {
        let item = self.code.item(id);
        rest == self.rest
            && item.file == self.owner.file
            && item.name_range() == self.owner.name_range()
    }

    /// Adds the calls in an item; none if something else than a call names the function.
    fn collect(&self, item: &Item<'w>, found: &mut Vec<Call<'w>>) -> Option<()> {
        let calls: Vec<Call<'w>> = function::all(item)
            .into_iter()
            .flat_map(|function| {
                let site = Site::new(function);
                calls_in(site.function.block)
                    .into_iter()
                    .map(|expr| Call { site: site.clone(), expr })
                    .collect::<Vec<_>>()
            })
            .filter(|call| match trace::called(self.code, &call.site, &call.expr.func) {
                Found::Item(id, rest) => self.is_it(id, &rest),
                _ => false,
            })
            .collect();
        for (mention, named) in self.code.mentioned_by(item) {
            let Found::Item(id, rest) = named else { continue };
            if !self.is_it(id, &rest) || item.kind == ItemKind::Use {
                continue;
            }
            let place = item.source.range(mention.segments[0].span);
            if place == item.name_range() {
                continue;
            }
            let is_called = |call: &Call<'w>| covers(&call.site.range_of(&*call.expr.func), &place);
            let in_use = is_in_use(item, &place);
            if !in_use && !calls.iter().any(is_called) {
                return None;
            }
        }
        if in_doctest(item.source, &self.name) {
            return None;
        }
        found.extend(calls);
        Some(())
    }
}

/// Whether a place stands in a `use` inside of a body.
fn is_in_use(item: &Item<'_>, place: &std::ops::Range<usize>) -> bool {
    struct Uses<'a>(&'a Source, &'a std::ops::Range<usize>, bool);
    impl<'w> Visit<'w> for Uses<'_> {
        fn visit_item_use(&mut self, item: &'w syn::ItemUse) {
            self.2 |= covers(&self.0.range_of(item), self.1);
        }
    }
    let mut uses = Uses(item.source, place, false);
    uses.visit_item(item.syntax);
    uses.2
}

/// Whether documentation in a file calls the name: an example that would not compile any more.
fn in_doctest(source: &Source, name: &str) -> bool {
    let called = format!("{name}(");
    source
        .text
        .lines()
        .map(str::trim_start)
        .any(|line| (line.starts_with("///") || line.starts_with("//!")) && line.contains(&called))
}

fn calls_in(block: &syn::Block) -> Vec<&syn::ExprCall> {
    struct Calls<'w>(Vec<&'w syn::ExprCall>);
    impl<'w> Visit<'w> for Calls<'w> {
        fn visit_expr_call(&mut self, call: &'w syn::ExprCall) {
            self.0.push(call);
            visit::visit_expr_call(self, call);
        }
        fn visit_item(&mut self, _: &'w syn::Item) {}
    }
    let mut calls = Calls(Vec::new());
    calls.visit_block(block);
    calls.0
}
