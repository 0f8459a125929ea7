//! What nothing needs any more once the constructions and the migrations are gone: bindings, private
//! functions, imports, `mut`. Followed until nothing changes, since warnings count.

mod imports;
mod names;
mod parameters;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};

use super::bindings::{Binding, Origin};
use super::classify::{Construction, Sorted};
use super::constructor::ModuleFacts;
use super::function::{self, Node, covers};
use super::settings::{self, ConfigField};
use super::trace::{self, Site};
use super::{Dropped, ErrorHandling, MovedImport, Shortened, UnusedImport};
use crate::analysis::code::{Found, Item, ItemId, ItemKind};
use crate::analysis::contract::Contract;
use crate::analysis::references::Reference;
use crate::diagnostic::Diagnostic;
use crate::workspace::{Source, TargetKind, line_of};
use names::Names;

/// What goes besides the constructions.
pub(super) struct Left {
    pub(super) dropped: Vec<Dropped>,
    pub(super) shortened: Vec<Shortened>,
    pub(super) imports: Vec<UnusedImport>,
    pub(super) moved: Vec<MovedImport>,
    pub(super) mutability: Vec<(Utf8PathBuf, Range<usize>)>,
    pub(super) refused: Vec<Diagnostic>,
}

/// Bytes that go, by file.
#[derive(Default)]
pub(super) struct Removed<'w>(BTreeMap<&'w Utf8Path, Vec<Range<usize>>>);

impl<'w> Removed<'w> {
    fn add(&mut self, file: &'w Utf8Path, range: Range<usize>) {
        self.0.entry(file).or_default().push(range);
    }

    pub(super) fn has(&self, file: &Utf8Path, range: &Range<usize>) -> bool {
        self.0.get(file).is_some_and(|all| all.iter().any(|outer| covers(outer, range)))
    }

    pub(super) fn touches(&self, file: &Utf8Path) -> bool {
        self.0.contains_key(file)
    }
}

/// Follows what becomes unused from the constructions and droppable statements on.
pub(super) fn follow<'w>(
    module: &ModuleFacts<'_, 'w>,
    found: &Sorted<'w>,
    contract: &Contract,
    references: &[Reference<'w>],
) -> Left {
    let mut follower = Follower {
        module,
        removed: Removed::default(),
        sites: Vec::new(),
        names: Vec::new(),
        left: Left {
            dropped: Vec::new(),
            shortened: Vec::new(),
            imports: Vec::new(),
            moved: Vec::new(),
            mutability: Vec::new(),
            refused: Vec::new(),
        },
    };
    for construction in &found.constructions {
        let root = &construction.root;
        let end = match &root.error_handling {
            ErrorHandling::Kept(tail) => tail.start,
            _ => root.construction.end,
        };
        follower.removed.add(root.file, root.construction.start..end);
        follower.look_at(&construction.site, construction.root_index);
    }
    for ty in &found.types {
        follower.removed.add(ty.file, ty.range.clone());
        follower.read_names(ty.scope.root);
    }
    for statement in &found.droppable {
        let item = &statement.site.function.item;
        follower.drop(statement.file, item.source, statement.range.clone(), &statement.why);
        follower.look_at(&statement.site, statement.root);
    }
    // A binary and a library can share files: each root that holds a touched file is looked at.
    for reference in references {
        if follower.removed.touches(reference.file) && !reference.target.kind.is_dev() {
            follower.read_names(reference.root);
        }
    }
    while follower.goes_on() {}
    for site in follower.sites.clone() {
        follower.left_over(&site);
    }
    for construction in &found.constructions {
        follower.fields(construction);
    }
    let Follower { names, removed, mut left, .. } = follower;
    for names in &names {
        imports::find(module, names, &removed, contract, &mut left);
    }
    left.dropped.sort_by(|a, b| (&a.file, a.range.start).cmp(&(&b.file, b.range.start)));
    left
}

struct Follower<'a, 'm, 'w> {
    module: &'a ModuleFacts<'m, 'w>,
    removed: Removed<'w>,
    /// The functions that lose something.
    sites: Vec<Site<'w>>,
    /// The names of each root that loses something.
    names: Vec<Names<'w>>,
    left: Left,
}

impl<'w> Follower<'_, '_, 'w> {
    /// Looks at one more function of a root.
    fn look_at(&mut self, site: &Site<'w>, root: usize) {
        let place = |s: &Site<'w>| (s.function.item.file, s.range_of(s.function.block).start);
        if !self.sites.iter().any(|known| place(known) == place(site)) {
            self.sites.push(site.clone());
        }
        self.read_names(root);
    }

    fn read_names(&mut self, root: usize) {
        if !self.names.iter().any(|names| names.root == root) {
            self.names.push(Names::of(self.module.code, root));
        }
    }

    /// Takes away what the last turn left without a use; whether there was any.
    fn goes_on(&mut self) -> bool {
        let count = |left: &Left| left.dropped.len() + left.shortened.len();
        let before = count(&self.left);
        for site in self.sites.clone() {
            self.bindings(&site);
            self.parameters(&site);
        }
        for id in self.names.iter().flat_map(|names| self.unneeded(names)).collect::<Vec<_>>() {
            let item = self.module.code.item(id);
            let name = item.name.as_deref().unwrap_or_default();
            let why = format!("nothing but the module's construction used `{name}`");
            if !self.removed.has(item.file, &item.range()) {
                self.drop(item.file, item.source, item.range(), &why);
            }
        }
        count(&self.left) != before
    }

    fn drop(&mut self, file: &'w Utf8Path, source: &Source, range: Range<usize>, why: &str) {
        self.removed.add(file, range.clone());
        self.left.dropped.push(Dropped {
            file: file.to_owned(),
            line: line_of(&source.text, range.start),
            text: source.text[range.clone()].to_owned(),
            range,
            why: why.to_owned(),
        });
    }

    /// Drops each `let` of which nothing is left but the binding.
    fn bindings(&mut self, site: &Site<'w>) {
        let item = &site.function.item;
        for binding in site.bindings.iter() {
            let Origin::Let(local) = binding.origin else { continue };
            if !self.loses_all_reads(item.file, binding) {
                continue;
            }
            let why = format!("nothing but the module's construction used `{}`", binding.name);
            self.drop(item.file, item.source, site.range_of(local), &why);
            for (at, _) in &binding.assigned {
                if let Some(Node::Stmt(statement)) =
                    function::nodes(item.source, site.function.block, at)
                        .into_iter()
                        .rev()
                        .find(|node| matches!(node, Node::Stmt(_)))
                    && !self.removed.has(item.file, at)
                {
                    self.drop(item.file, item.source, site.range_of(statement), &why);
                }
            }
        }
    }

    /// Whether a binding was read and every read is gone.
    fn loses_all_reads(&self, file: &Utf8Path, binding: &Binding<'_>) -> bool {
        let is_gone = |range: &Range<usize>| self.removed.has(file, range);
        let mut reads = binding
            .uses
            .iter()
            .filter(|used| !binding.assigned.iter().any(|(at, _)| covers(at, used)))
            .peekable();
        reads.peek().is_some() && reads.all(is_gone) && !is_gone(&binding.at)
    }

    /// Parameters and parts of patterns that would be left unused, and `mut` without a need.
    fn left_over(&mut self, site: &Site<'w>) {
        let item = &site.function.item;
        for binding in site.bindings.iter() {
            if self.loses_all_reads(item.file, binding) && !binding.name.starts_with('_') {
                let what = match binding.origin {
                    Origin::Parameter(..) => "the parameter",
                    _ => "the name",
                };
                self.left.refused.push(
                    Diagnostic::error(
                        "left-unused",
                        format!("{what} `{}` would be left unused", binding.name),
                    )
                    .at(item.file, binding.at.clone(), "only the module's construction uses it")
                    .note("calve leaves no warnings behind, and does not change signatures")
                    .help(format!(
                        "rename it to `_{}`, or get it inside the function",
                        binding.name
                    )),
                );
            }
            if let Some(keyword) = self.needless_mut(item, binding) {
                self.left.mutability.push((item.file.to_owned(), keyword));
            }
        }
    }

    /// The `mut` of a binding whose mutations are all gone. A method call may mutate, so it needs it.
    fn needless_mut(&self, item: &Item<'_>, binding: &Binding<'_>) -> Option<Range<usize>> {
        let keyword = binding.mutable.clone()?;
        let (gone, kept): (Vec<_>, Vec<_>) =
            binding.uses.iter().partition(|used| self.removed.has(item.file, used));
        let text = &item.source.text;
        let may_mutate = |used: &&Range<usize>| {
            text[used.end..].trim_start().starts_with(['.', '[', '='])
                || text[..used.start].ends_with("&mut ")
        };
        let needless = !gone.is_empty()
            && !kept.is_empty()
            && !self.removed.has(item.file, &binding.at)
            && !kept.iter().any(may_mutate);
        needless.then_some(keyword.start..binding.at.start)
    }

    /// Private functions and constants that only dropped code named.
    fn unneeded(&self, names: &Names<'w>) -> BTreeSet<ItemId> {
        let gone: BTreeSet<ItemId> = names
            .mentions
            .iter()
            .filter(|m| self.removed.has(m.file, &m.range))
            .filter_map(|m| match &m.found {
                Found::Item(id, _) if id.root == names.root => Some(*id),
                _ => None,
            })
            .collect();
        let is_unneeded = |id: &ItemId| {
            let item = self.module.code.item(*id);
            matches!(item.kind, ItemKind::Function | ItemKind::Const | ItemKind::Static)
                && item.name.as_deref() != Some("main")
                && !self.removed.has(item.file, &item.range())
                && !self.is_reachable(&item)
                && !names.mentions.iter().any(|m| {
                    matches!(&m.found, Found::Item(found, _) if found == id)
                        && m.item != *id
                        && !m.is_import
                        && !self.removed.has(m.file, &m.range)
                })
        };
        gone.into_iter().filter(is_unneeded).collect()
    }

    /// Whether other crates can name an item.
    fn is_reachable(&self, item: &Item<'_>) -> bool {
        let code = self.module.code;
        code.root(item.id.root).target.kind == TargetKind::Lib
            && code.public_path(item.id).is_some()
    }

    /// Fields of the configuration that nobody would read any more and rustc would warn of.
    fn fields(&mut self, construction: &Construction<'w>) {
        for (_, expr) in &construction.arguments {
            let value = trace::value(self.module.code, &construction.site, expr);
            let Some(ConfigField { owner, field }) =
                settings::config_field(self.module.code, &value)
            else {
                continue;
            };
            let Some(name) = &field.ident else { continue };
            if self.is_reachable(&owner) || derives_read(&owner) {
                continue;
            }
            let names = Names::of(self.module.code, owner.id.root);
            let is_read = names
                .members
                .iter()
                .any(|m| m.name == *name.to_string() && !self.removed.has(m.file, &m.range));
            if !is_read {
                self.left.refused.push(
                    Diagnostic::error(
                        "left-unused",
                        format!("nothing would read `{name}` any more"),
                    )
                    .at(
                        owner.file,
                        owner.source.range_of(field),
                        "only the module's construction does",
                    )
                    .note("calve leaves no warnings behind, and does not change configuration")
                    .help("put `#[expect(dead_code)]` on it, or take it out with the next release"),
                );
            }
        }
    }
}

/// Whether a derive reads every field; rustc does not count `Clone` and `Debug`.
fn derives_read(item: &Item<'_>) -> bool {
    const READING: [&str; 6] = ["PartialEq", "Eq", "Hash", "PartialOrd", "Ord", "Serialize"];
    item.derives().any(|path| {
        path.segments.last().is_some_and(|s| READING.iter().any(|name| s.ident == name))
    })
}
