//! What a path refers to: through `use`, globs, re-exports and the workspace's own crates.

use super::imports::Import;
use super::items::{self, Item, ItemId, ItemKind, ScopeId, Visibility};
use super::{Code, Mention, mentions};

/// What a path leads to, and how many of its names that takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An item of the workspace; the names that are left (an associated function, a variant).
    Item(ItemId, Vec<String>),
    /// A module of the workspace.
    Module(ScopeId),
    /// Something of another crate: the dependency's name in code, then the path in it.
    External(String, Vec<String>),
    /// `Self`, a generic parameter, a local variable, the prelude, a keyword.
    Nothing,
}

/// The functions of `std::env` that read from the process: what stands behind a glob of another crate is
/// not known otherwise.
pub const ENVIRONMENT: [&str; 10] = [
    "args",
    "args_os",
    "current_dir",
    "current_exe",
    "home_dir",
    "temp_dir",
    "var",
    "var_os",
    "vars",
    "vars_os",
];

impl<'w> Code<'w> {
    /// What a mention in `scope` refers to.
    pub fn resolve(&self, scope: ScopeId, mention: &Mention) -> Found {
        self.resolve_path(scope, mention.global, &mention.names())
    }

    /// What the path `names` in `scope` refers to.
    pub fn resolve_path(&self, scope: ScopeId, global: bool, names: &[String]) -> Found {
        // Names are kept without `r#`, which only says how they are spelled.
        if names.iter().any(|name| name.starts_with("r#")) {
            let plain = |name: &String| name.strip_prefix("r#").unwrap_or(name).to_owned();
            return self.resolve_path(scope, global, &names.iter().map(plain).collect::<Vec<_>>());
        }
        // Inside a lookup the answer depends on the names that are being looked up already.
        if !self.resolving.borrow().is_empty() {
            return self.resolve_afresh(scope, global, names);
        }
        let key = (scope, global, names.to_vec());
        if let Some(found) = self.resolved.borrow().get(&key) {
            return found.clone();
        }
        let found = self.resolve_afresh(scope, global, names);
        self.resolved.borrow_mut().insert(key, found.clone());
        found
    }

    fn resolve_afresh(&self, scope: ScopeId, global: bool, names: &[String]) -> Found {
        let Some((first, rest)) = names.split_first() else { return Found::Nothing };
        if global {
            return self.in_dependency(scope, first, rest);
        }
        let root = self.root(scope.root);
        match first.as_str() {
            "crate" | "$crate" => self.descend(ScopeId { root: scope.root, index: 0 }, rest, true),
            "self" if !rest.is_empty() => self.descend(scope, rest, true),
            "super" => {
                let parent = root.scopes[scope.index].parent.unwrap_or(0);
                let scope = ScopeId { root: scope.root, index: parent };
                match rest {
                    [] => Found::Module(scope),
                    [next, ..] if next == "super" => self.resolve_path(scope, false, rest),
                    _ => self.descend(scope, rest, true),
                }
            }
            "Self" | "self" => Found::Nothing,
            _ => match self.descend(scope, names, true) {
                Found::Nothing => self.in_dependency(scope, first, rest),
                found => found,
            },
        }
    }

    /// Every mention in an item with what it refers to. Modules are skipped: their items speak for
    /// themselves.
    pub fn mentioned_by(&self, item: &Item<'w>) -> Vec<(Mention, Found)> {
        self.mentioned_in(item.scope, items::tokens(item.syntax))
    }

    /// Every mention in tokens that stand in `scope`.
    pub fn mentioned_in(
        &self,
        scope: ScopeId,
        tokens: proc_macro2::TokenStream,
    ) -> Vec<(Mention, Found)> {
        mentions(tokens)
            .into_iter()
            .map(|mention| {
                let found = self.resolve(scope, &mention);
                (mention, found)
            })
            .filter(|(_, found)| *found != Found::Nothing)
            .collect()
    }

    /// The shortest path by which other crates can name an item, from its crate on and without the
    /// crate's name; none if it is not reachable.
    pub fn public_path(&self, id: ItemId) -> Option<Vec<String>> {
        let root = self.root(id.root);
        let target = &root.items[id.index];
        let mut queue = std::collections::VecDeque::from([(0_usize, Vec::<String>::new())]);
        let mut seen = std::collections::BTreeSet::from([0_usize]);
        while let Some((index, path)) = queue.pop_front() {
            let scope = ScopeId { root: id.root, index };
            if target.scope == scope
                && target.visibility == Visibility::Public
                && let Some(name) = &target.name
            {
                return Some([path, vec![name.clone()]].concat());
            }
            for import in &root.scopes[index].imports {
                if import.visibility != Visibility::Public {
                    continue;
                }
                let found = self.resolve_path(scope, import.global, &import.path);
                match (import.name.as_str(), found) {
                    (name, Found::Item(item, rest)) if item == id && rest.is_empty() => {
                        return Some([path, vec![name.to_owned()]].concat());
                    }
                    ("*", Found::Module(module))
                        if module.root == id.root && seen.insert(module.index) =>
                    {
                        queue.push_back((module.index, path.clone()));
                    }
                    (name, Found::Module(module))
                        if name != "*" && module.root == id.root && seen.insert(module.index) =>
                    {
                        queue.push_back((module.index, [path.clone(), vec![name.into()]].concat()));
                    }
                    _ => {}
                }
            }
            for (child, module) in root.scopes.iter().enumerate() {
                let public = module.declared_by.is_some_and(|declaration| {
                    root.items[declaration].visibility == Visibility::Public
                });
                if module.parent == Some(index) && public && seen.insert(child) {
                    let name = module.path.last().cloned().unwrap_or_default();
                    queue.push_back((child, [path.clone(), vec![name]].concat()));
                }
            }
        }
        None
    }

    /// The last name of the path that `name` stands for in a module, where a `use` brings it in.
    pub fn imported_as(&self, scope: ScopeId, name: &str) -> Option<String> {
        let root = self.root(scope.root);
        let import = root.scopes[scope.index].imports.iter().find(|i| i.name == name)?;
        import.path.last().cloned()
    }

    /// Whether a macro is called as an item of a root with `name` among its tokens: it may define it.
    pub fn is_in_macro_call(&self, root: usize, name: &str) -> bool {
        self.root(root).items.iter().any(|item| match item.syntax {
            syn::Item::Macro(call) if call.ident.is_none() => mentions(call.mac.tokens.clone())
                .iter()
                .any(|m| m.names().iter().any(|n| n == name)),
            _ => false,
        })
    }

    /// Looks `names` up from a module of the workspace on.
    fn descend(&self, scope: ScopeId, names: &[String], own: bool) -> Found {
        let Some((first, rest)) = names.split_first() else { return Found::Module(scope) };
        // A name that leads to itself (`use a::b; use b::a`, or a glob cycle) leads nowhere.
        let key = (scope, first.clone());
        if self.resolving.borrow().contains(&key) {
            return Found::Nothing;
        }
        self.resolving.borrow_mut().push(key);
        let found = self.lookup(scope, first, own, !rest.is_empty());
        self.resolving.borrow_mut().pop();
        match found {
            Found::Module(module) => self.descend(module, rest, own && module.root == scope.root),
            Found::Item(item, left) => Found::Item(item, [left, rest.to_vec()].concat()),
            Found::External(krate, path) => Found::External(krate, [path, rest.to_vec()].concat()),
            Found::Nothing => Found::Nothing,
        }
    }

    fn lookup(&self, scope: ScopeId, name: &str, own: bool, is_prefix: bool) -> Found {
        let root = self.root(scope.root);
        let visible = |visibility: Visibility| own || visibility == Visibility::Public;
        let mut module = None;
        let named = root.by_name.get(&(scope.index, name.to_owned()));
        for item in named.into_iter().flatten().map(|index| &root.items[*index]) {
            // Nothing stands behind a function: before `::` its name means a module or a crate.
            let is_value = matches!(
                item.kind,
                ItemKind::Function | ItemKind::Const | ItemKind::Static | ItemKind::Macro
            );
            if !visible(item.visibility) || (is_prefix && is_value) {
                continue;
            }
            if item.kind == ItemKind::Module {
                module = root.declared.get(&item.id.index).copied().or(module);
                continue;
            }
            return Found::Item(item.id, Vec::new());
        }
        if let Some(index) = module {
            return Found::Module(ScopeId { root: scope.root, index });
        }
        let imports = &root.scopes[scope.index].imports;
        for import in imports.iter().filter(|i| i.name == name && visible(i.visibility)) {
            let found = self.import_target(scope, import);
            if found != Found::Nothing {
                return found;
            }
        }
        for glob in imports.iter().filter(|i| i.name == "*" && visible(i.visibility)) {
            match self.import_target(scope, glob) {
                Found::Module(module) => {
                    let name = [name.to_owned()];
                    let found = self.descend(module, &name, own && module.root == scope.root);
                    if found != Found::Nothing {
                        return found;
                    }
                }
                // `use std::env::*`.
                Found::External(krate, path)
                    if krate == "std" && path == ["env"] && ENVIRONMENT.contains(&name) =>
                {
                    return Found::External(krate, vec!["env".to_owned(), name.to_owned()]);
                }
                // `use Enum::*`: its variants.
                Found::Item(item, _) => {
                    if let syn::Item::Enum(e) = self.item(item).syntax
                        && e.variants.iter().any(|v| v.ident == name)
                    {
                        return Found::Item(item, vec![name.to_owned()]);
                    }
                }
                _ => {}
            }
        }
        Found::Nothing
    }

    fn import_target(&self, scope: ScopeId, import: &Import) -> Found {
        // In a `use`, an extern crate comes before a local name of the same spelling only if the
        // local one is this very import.
        match self.resolve_path(scope, import.global, &import.path) {
            Found::Nothing => match import.path.split_first() {
                Some((first, rest)) => self.in_dependency(scope, first, rest),
                None => Found::Nothing,
            },
            found => found,
        }
    }

    /// Looks a path up in a dependency of the package that `scope` belongs to.
    fn in_dependency(&self, scope: ScopeId, krate: &str, rest: &[String]) -> Found {
        let root = self.root(scope.root);
        if matches!(krate, "std" | "core" | "alloc") {
            return Found::External(krate.to_owned(), rest.to_vec());
        }
        let Some(package) = root.crates.get(krate) else { return Found::Nothing };
        match self.library(package) {
            Some(library) => match self.descend(ScopeId { root: library, index: 0 }, rest, false) {
                Found::Nothing => Found::External(krate.to_owned(), rest.to_vec()),
                found => found,
            },
            None => Found::External(krate.to_owned(), rest.to_vec()),
        }
    }
}
