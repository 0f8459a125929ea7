//! Imports that only dropped code needed.

use std::collections::BTreeSet;
use std::ops::Range;

use syn::visit::{self, Visit};

use super::names::Names;
use super::{Left, Removed};
use crate::analysis::code::{Found, Import, Item, ItemKind, ScopeId, Visibility, leaves};
use crate::analysis::composition::constructor::ModuleFacts;
use crate::analysis::composition::function::covers;
use crate::analysis::composition::{MovedImport, UnusedImport};
use crate::analysis::contract::Contract;
use crate::diagnostic::Diagnostic;

/// Finds the leaves that go in the files that lose code.
pub(super) fn find<'w>(
    module: &ModuleFacts<'_, 'w>,
    names: &Names<'w>,
    removed: &Removed<'w>,
    contract: &Contract,
    left: &mut Left,
) {
    let root = module.code.root(names.root);
    let finder = Finder { module, names, removed, contract };
    // An included file has the imports of the module that it stands in.
    let touched = root.items.iter().filter(|i| removed.touches(i.file)).map(|i| i.scope);
    let touched: BTreeSet<ScopeId> = touched.collect();
    for item in root.items.iter().filter(|i| touched.contains(&i.scope) && !i.test_only) {
        for (syntax, within) in uses_of(item) {
            let is_private = matches!(syntax.vis, syn::Visibility::Inherited);
            let whole = item.source.range_of(syntax);
            if !is_private || removed.has(item.file, &whole) {
                continue;
            }
            for leaf in leaves(syntax) {
                if leaf.name == "*" {
                    continue;
                }
                let place = item.source.range(leaf.span);
                let looked_at = Leaf { item, leaf: &leaf, within: within.as_ref() };
                let goes = |left: &mut Left| {
                    let import = UnusedImport {
                        file: item.file.to_owned(),
                        item: whole.clone(),
                        leaf: place.clone(),
                    };
                    if !left.imports.contains(&import) {
                        left.imports.push(import);
                    }
                };
                match finder.verdict(&looked_at) {
                    Verdict::Stays => {}
                    Verdict::Goes => goes(left),
                    Verdict::OnlyTests(scopes) => match finder.moved(&looked_at, syntax, &scopes) {
                        Some(moved) => {
                            goes(left);
                            left.moved.extend(moved);
                        }
                        None => left.refused.push(only_tests(item, &leaf, place)),
                    },
                }
            }
        }
    }
}

fn only_tests(item: &Item<'_>, leaf: &Import, place: Range<usize>) -> Diagnostic {
    let path = leaf.path.join("::");
    Diagnostic::error(
        "name-behind-the-trait",
        format!("only tests would need this import of `{}`", leaf.name),
    )
    .at(item.file, place, "stands outside of the tests")
    .note("the tests keep the implementation, the code around them does not")
    .help(format!(
        "name it by its path, `{path}`, in the tests, or import that in their own module"
    ))
}

/// The `use` items of an item: itself, or those in its bodies with the block that they serve.
fn uses_of<'w>(item: &Item<'w>) -> Vec<(&'w syn::ItemUse, Option<Range<usize>>)> {
    struct Uses<'a, 'w> {
        item: &'a Item<'w>,
        blocks: Vec<Range<usize>>,
        found: Vec<(&'w syn::ItemUse, Option<Range<usize>>)>,
    }
    impl<'w> Visit<'w> for Uses<'_, 'w> {
        fn visit_block(&mut self, block: &'w syn::Block) {
            self.blocks.push(self.item.source.range_of(block));
            visit::visit_block(self, block);
            self.blocks.pop();
        }
        fn visit_item_use(&mut self, item: &'w syn::ItemUse) {
            self.found.push((item, self.blocks.last().cloned()));
        }
        fn visit_item_mod(&mut self, _: &'w syn::ItemMod) {}
    }
    let mut uses = Uses { item, blocks: Vec::new(), found: Vec::new() };
    uses.visit_item(item.syntax);
    uses.found
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Stays,
    Goes,
    /// What serves the tests of these modules, each once.
    OnlyTests(BTreeSet<ScopeId>),
}

struct Leaf<'a, 'w> {
    item: &'a Item<'w>,
    leaf: &'a Import,
    /// The block that a `use` inside of a body serves.
    within: Option<&'a Range<usize>>,
}

struct Finder<'a, 'm, 'w> {
    module: &'a ModuleFacts<'m, 'w>,
    names: &'a Names<'w>,
    removed: &'a Removed<'w>,
    contract: &'a Contract,
}

impl Finder<'_, '_, '_> {
    fn verdict(&self, looked_at: &Leaf<'_, '_>) -> Verdict {
        let Leaf { item, leaf, .. } = looked_at;
        let found = self.module.code.resolve_path(item.scope, leaf.global, &leaf.path);
        let is_behind = matches!(&found, Found::Item(id, _)
            if id.root == self.module.library && !self.contract.kept.contains(id));
        let (mut gone, mut needed) = (false, false);
        let mut in_tests = BTreeSet::new();
        for spelled in self.names.mentions.iter().filter(|m| self.serves(looked_at, m)) {
            if self.removed.has(spelled.file, &spelled.range) {
                gone = true;
            } else if spelled.test_only {
                // `super::SqlStock` is a name of the module around the tests, wherever it stands.
                let by_glob = spelled.names[0] == leaf.name;
                in_tests.insert(if by_glob { spelled.scope } else { item.scope });
            } else {
                needed = true;
            }
        }
        for method in methods_of(self.module, &found) {
            for accessed in &self.names.members {
                let is_here = accessed.scope == item.scope
                    && looked_at.within.is_none_or(|block| covers(block, &accessed.range));
                if accessed.name != method || !is_here {
                    continue;
                }
                if self.removed.has(accessed.file, &accessed.range) {
                    gone = true;
                } else {
                    needed = true;
                }
            }
        }
        match (needed, in_tests.is_empty()) {
            (true, _) => Verdict::Stays,
            (false, false) if is_behind => Verdict::OnlyTests(in_tests),
            (false, false) => Verdict::Stays,
            (false, true) if gone || is_behind => Verdict::Goes,
            (false, true) => Verdict::Stays,
        }
    }

    /// The import in the test modules that have it by `use super::*`; none if one of the tests has it in
    /// another way.
    fn moved(
        &self,
        looked_at: &Leaf<'_, '_>,
        syntax: &syn::ItemUse,
        scopes: &BTreeSet<ScopeId>,
    ) -> Option<Vec<MovedImport>> {
        let Leaf { item, leaf, within } = looked_at;
        let code = self.module.code;
        let is_conditional = syntax.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
        if within.is_some() || is_conditional {
            return None;
        }
        let found = code.resolve_path(item.scope, leaf.global, &leaf.path);
        let modules: Option<BTreeSet<ScopeId>> =
            scopes.iter().map(|scope| self.outermost_tests(*scope, item.scope)).collect();
        modules?
            .into_iter()
            .map(|scope| {
                let root = code.root(scope.root);
                let module = &root.scopes[scope.index];
                let is_same = code.resolve_path(scope, leaf.global, &leaf.path) == found;
                let begin = match root.items[module.declared_by?].syntax {
                    syn::Item::Mod(syn::ItemMod { content: Some((brace, _)), .. }) => {
                        module.source.range(brace.span.open()).end
                    }
                    _ => 0,
                };
                is_same.then(|| MovedImport {
                    file: module.file.to_owned(),
                    scope,
                    begin,
                    import: Import { visibility: Visibility::Private, ..(*leaf).clone() },
                })
            })
            .collect()
    }

    /// The first module on the way from `outer` to `inner` that exists for tests only.
    fn outermost_tests(&self, inner: ScopeId, outer: ScopeId) -> Option<ScopeId> {
        let root = self.module.code.root(self.names.root);
        let (mut at, mut outermost) = (inner.index, None);
        while at != outer.index {
            if root.scopes[at].test_only {
                outermost = Some(ScopeId { root: inner.root, index: at });
            }
            at = root.scopes[at].parent?;
        }
        outermost
    }

    /// Whether a path takes its first name from this leaf.
    fn serves(&self, looked_at: &Leaf<'_, '_>, spelled: &super::names::Spelled<'_>) -> bool {
        let Leaf { item, leaf, within } = looked_at;
        let own = item.source.range(leaf.span);
        if spelled.file == item.file
            && (covers(&own, &spelled.range) || spelled.item == item.id)
            && item.kind == ItemKind::Use
        {
            return false;
        }
        if let Some(block) = within {
            return spelled.item == item.id
                && spelled.names[0] == leaf.name
                && covers(block, &spelled.range)
                && !self.in_local_use(item, &spelled.range);
        }
        if spelled.is_import && spelled.scope != item.scope {
            // `use super::SqlStock;` in a test module.
            return spelled.test_only
                && spelled.names[0] == "super"
                && spelled.names.last() == Some(&leaf.name)
                && self.is_below(spelled.scope, item.scope);
        }
        if spelled.is_import {
            // `use a::b; use b::c;`
            return spelled.scope == item.scope
                && spelled.names[0] == leaf.name
                && spelled.names.len() > 1;
        }
        if spelled.scope == item.scope {
            return spelled.names[0] == leaf.name
                && !(spelled.file == item.file && self.in_local_use_of(spelled));
        }
        self.is_below(spelled.scope, item.scope)
            && if matches!(spelled.names[0].as_str(), "super" | "crate" | "self") {
                spelled.names.contains(&leaf.name)
            } else {
                spelled.names[0] == leaf.name
                    && self.imports_all(spelled.scope)
                    && !self.has_its_own(spelled, &leaf.name)
            }
    }

    fn in_local_use(&self, item: &Item<'_>, range: &Range<usize>) -> bool {
        uses_of(item).iter().any(|(syntax, _)| covers(&item.source.range_of(*syntax), range))
    }

    fn in_local_use_of(&self, spelled: &super::names::Spelled<'_>) -> bool {
        let item = self.module.code.item(spelled.item);
        // Cheap to say for nearly all: a body without `use` has none.
        item.kind != ItemKind::Use && self.in_local_use(&item, &spelled.range)
    }

    fn is_below(&self, inner: ScopeId, outer: ScopeId) -> bool {
        let root = self.module.code.root(self.names.root);
        let mut at = root.scopes[inner.index].parent;
        while let Some(index) = at {
            if index == outer.index {
                return true;
            }
            at = root.scopes[index].parent;
        }
        false
    }

    /// Whether a name comes from an import of its own module or body, which wins over `super::*`.
    fn has_its_own(&self, spelled: &super::names::Spelled<'_>, name: &str) -> bool {
        let root = self.module.code.root(self.names.root);
        let item = &root.items[spelled.item.index];
        let of_body = || {
            uses_of(item).iter().any(|(syntax, within)| {
                within.as_ref().is_some_and(|block| covers(block, &spelled.range))
                    && leaves(syntax).iter().any(|leaf| leaf.name == name)
            })
        };
        root.scopes[spelled.scope.index].imports.iter().any(|import| import.name == name)
            || (item.kind != ItemKind::Use && of_body())
    }

    fn imports_all(&self, scope: ScopeId) -> bool {
        let root = self.module.code.root(self.names.root);
        root.scopes[scope.index].imports.iter().any(|import| import.name == "*")
    }
}

/// The methods for which a trait is imported: those of a workspace trait, and those of the traits of
/// well-known crates. A wrong guess about another is found by the compiler before anything is written.
fn methods_of(module: &ModuleFacts<'_, '_>, found: &Found) -> Vec<String> {
    let known: &[&str] = match found {
        Found::Item(id, rest) if rest.is_empty() => {
            return match module.code.item(*id).syntax {
                syn::Item::Trait(item) => item
                    .items
                    .iter()
                    .filter_map(|member| match member {
                        syn::TraitItem::Fn(f) => Some(f.sig.ident.to_string()),
                        _ => None,
                    })
                    .collect(),
                _ => Vec::new(),
            };
        }
        Found::External(krate, path) => {
            match (krate.as_str(), path.last().map(String::as_str).unwrap_or_default()) {
                ("anyhow", "Context") => &["context", "with_context"],
                ("eyre" | "color_eyre", "WrapErr" | "Context" | "ContextCompat") => {
                    &["wrap_err", "wrap_err_with", "context", "with_context"]
                }
                ("sqlx", "ConnectOptions") => &[
                    "log_statements",
                    "log_slow_statements",
                    "disable_statement_logging",
                    "connect",
                ],
                ("sqlx", "Connection") => &["begin", "close", "ping", "transaction"],
                ("sqlx", "Executor") => &["execute", "fetch_one", "fetch_all", "fetch_optional"],
                ("futures" | "futures_util", "TryFutureExt") => &["map_ok", "map_err", "and_then"],
                ("futures" | "futures_util", "FutureExt") => &["map", "boxed", "then", "shared"],
                _ => &[],
            }
        }
        _ => &[],
    };
    known.iter().map(|&name| name.to_owned()).collect()
}
