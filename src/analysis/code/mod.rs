//! The code of the workspace's crates as items and names, without a compiler: enough of Rust's name
//! resolution to say what a path in a signature, a body or a macro call refers to.

mod attributes;
mod conditional;
mod expansion;
mod hidden;
mod imports;
mod items;
mod macros;
mod mentions;
mod resolve;
#[cfg(test)]
mod tests;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use camino::Utf8Path;

pub use attributes::is_test_only;
pub use expansion::Made;
pub use hidden::{By, Hidden};
pub use imports::{Import, leaves};
pub use items::{CrateRoot, Item, ItemId, ItemKind, Scope, ScopeId, Unread, Visibility};
pub use mentions::{Mention, Segment, mentions};
pub use resolve::{ENVIRONMENT, Found};

use crate::workspace::{Source, TargetKind, Workspace};

/// What a path in a module refers to; whether it starts with `::` is part of it.
type Resolved = HashMap<(ScopeId, bool, Vec<String>), Found>;

/// What an item hides of a library.
type HiddenIn = HashMap<(ItemId, usize), Rc<Vec<Hidden>>>;

/// Every crate (compilation root) that was looked at, indexed when first asked for.
pub struct Code<'w> {
    /// The snapshot it reads.
    pub workspace: &'w Workspace,
    roots: RefCell<Vec<Rc<CrateRoot<'w>>>>,
    by_target: RefCell<BTreeMap<(String, TargetKind, String), usize>>,
    resolving: RefCell<Vec<(ScopeId, String)>>,
    reading: RefCell<Vec<ItemId>>,
    resolved: RefCell<Resolved>,
    macros: OnceCell<hidden::Macros<'w>>,
    rules: RefCell<HashMap<(String, String), Rc<hidden::OwnRules<'w>>>>,
    hidden: RefCell<HiddenIn>,
}

impl<'w> Code<'w> {
    /// Nothing is parsed yet.
    pub fn new(workspace: &'w Workspace) -> Self {
        Self {
            workspace,
            roots: RefCell::default(),
            by_target: RefCell::default(),
            resolving: RefCell::default(),
            reading: RefCell::default(),
            resolved: RefCell::default(),
            macros: OnceCell::new(),
            rules: RefCell::default(),
            hidden: RefCell::default(),
        }
    }

    /// The library crate of a member; none if it has no library.
    pub fn library(&self, member: &str) -> Option<usize> {
        let target = self.workspace.member(member)?.lib()?;
        self.target(member, target.kind, &target.name)
    }

    /// One compilation root of a member.
    pub fn target(&self, member: &str, kind: TargetKind, name: &str) -> Option<usize> {
        let key = (member.to_owned(), kind, name.to_owned());
        if let Some(&found) = self.by_target.borrow().get(&key) {
            return Some(found);
        }
        let member = self.workspace.member(member)?;
        let target = member.targets.iter().find(|t| t.kind == kind && t.name == name)?;
        let index = self.roots.borrow().len();
        let root = items::index(self.workspace, member, target, index);
        self.roots.borrow_mut().push(Rc::new(root));
        self.by_target.borrow_mut().insert(key, index);
        Some(index)
    }

    /// A compilation root that was indexed.
    pub fn root(&self, index: usize) -> Rc<CrateRoot<'w>> {
        Rc::clone(&self.roots.borrow()[index])
    }

    /// Marks an item as being read for as long as the answer lives; none if it is already.
    pub fn enter(&self, id: ItemId) -> Option<Reading<'_>> {
        if self.reading.borrow().contains(&id) {
            return None;
        }
        self.reading.borrow_mut().push(id);
        Some(Reading(&self.reading))
    }

    /// An item of a root.
    pub fn item(&self, id: ItemId) -> Item<'w> {
        self.root(id.root).items[id.index].clone()
    }

    /// The text and syntax of a file.
    pub fn source(&self, path: &Utf8Path) -> Option<&'w Source> {
        self.workspace.source(path)
    }
}

/// An item that is being read; see [`Code::enter`].
pub struct Reading<'a>(&'a RefCell<Vec<ItemId>>);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().pop();
    }
}
