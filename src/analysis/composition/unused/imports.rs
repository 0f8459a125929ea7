//! Imports that only dropped code needed.

use std::ops::Range;

use syn::visit::{self, Visit};

use super::names::Names;
use super::{Left, Removed};
use crate::analysis::code::{Found, Import, Item, ItemKind, ScopeId, leaves};
use crate::analysis::composition::UnusedImport;
use crate::analysis::composition::constructor::ModuleFacts;
use crate::analysis::composition::function::covers;
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
    for item in root.items.iter().filter(|i| removed.touches(i.file) && !i.test_only) {
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
                match finder.verdict(&looked_at) {
                    Verdict::Stays => {}
                    Verdict::Goes => {
                        let import = UnusedImport {
                            file: item.file.to_owned(),
                            item: whole.clone(),
                            leaf: place,
                        };
                        if !left.imports.contains(&import) {
                            left.imports.push(import);
                        }
                    }
                    Verdict::OnlyTests => left.refused.push(
                        Diagnostic::error(
                            "name-behind-the-trait",
                            format!("only tests would need this import of `{}`", leaf.name),
                        )
                        .at(item.file, place, "stands outside of the test module")
                        .note("the tests keep the implementation, the code around them does not")
                        .help("import it in the test module"),
                    ),
                }
            }
        }
    }
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Stays,
    Goes,
    OnlyTests,
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
        let (mut gone, mut needed, mut in_tests) = (false, false, false);
        for spelled in self.names.mentions.iter().filter(|m| self.serves(looked_at, m)) {
            if self.removed.has(spelled.file, &spelled.range) {
                gone = true;
            } else if spelled.test_only {
                in_tests = true;
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
        match (needed, in_tests) {
            (true, _) => Verdict::Stays,
            (false, true) if is_behind => Verdict::OnlyTests,
            (false, true) => Verdict::Stays,
            (false, false) if gone || is_behind => Verdict::Goes,
            (false, false) => Verdict::Stays,
        }
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
                spelled.names[0] == leaf.name && self.imports_all(spelled.scope)
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
