//! Entities and `table!`s of tables that are not the module's, in its own code or named by it.

use std::collections::BTreeSet;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use quote::ToTokens;

use super::{is_compiled, knows_tables};
use crate::analysis::code::{Code, Found, ItemId, ItemKind, ScopeId, mentions};
use crate::analysis::declared::{self, Declared};
use crate::analysis::leads::Leads;
use crate::analysis::module::Module;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::DependencyKind;

/// How far re-exports are followed.
const DEPTH: usize = 6;

/// Refuses each declaration of a table that is none of `tables`, where the module has it or names it.
pub(super) fn refuse(
    code: &Code<'_>,
    module: &Module<'_>,
    tables: &[String],
    diagnostics: &mut Diagnostics,
) {
    let workspace = code.workspace;
    for member in workspace.members.iter().filter(|member| knows_tables(member)) {
        let users = workspace.users_of(&member.name, |kind| kind == DependencyKind::Normal);
        let Some(library) = code.library(&member.name) else { continue };
        if !users.iter().any(|user| user.name == module.member.name) {
            continue;
        }
        for (file, source) in workspace.rust_files(member) {
            if !is_compiled(member, file) || member.is_dev_file(file) {
                continue;
            }
            let all = declared::tables(source).into_iter();
            let foreign =
                all.filter(|d| !tables.iter().any(|table| table.eq_ignore_ascii_case(&d.table)));
            for declared in foreign {
                let look = Look { code, library, file, declared: &declared };
                let own = member.name == module.member.name && !module.is_adapter();
                let used = if own { None } else { look.named_by(module) };
                if own || used.is_some() {
                    diagnostics.push(refusal(module, file, &declared, used));
                }
            }
        }
    }
}

fn refusal(
    module: &Module<'_>,
    file: &Utf8Path,
    declared: &Declared,
    used: Option<(Utf8PathBuf, Range<usize>)>,
) -> Diagnostic {
    let (package, table) = (&module.member.name, &declared.table);
    let says = format!("`{package}` works on somebody else's table `{table}`");
    let mut diagnostic = Diagnostic::error("foreign-sql", says);
    if let Some((file, range)) = used {
        diagnostic = diagnostic.at(&file, range, "named here");
    }
    diagnostic
        .at(file, declared.range.clone(), declared.by)
        .note("the service's database will not have that table")
        .help("let the caller pass what is needed as an argument")
}

/// Looks for names of one declaration.
struct Look<'a, 'w> {
    code: &'a Code<'w>,
    /// The compilation root that it belongs to.
    library: usize,
    file: &'a Utf8Path,
    declared: &'a Declared,
}

impl Look<'_, '_> {
    /// The first place outside of tests where the module names it; of an adapter's crate, only what goes.
    fn named_by(&self, module: &Module<'_>) -> Option<(Utf8PathBuf, Range<usize>)> {
        let root = self.code.root(module.library);
        let goes: Option<BTreeSet<ItemId>> = module.is_adapter().then(|| {
            let implementations = module.implementations().into_iter().map(|item| item.id);
            Leads::of(self.code, module.library).reached_from(implementations).into_iter().collect()
        });
        let counts = |id: &ItemId| goes.as_ref().is_none_or(|goes| goes.contains(id));
        let mut items = root
            .items
            .iter()
            .filter(|item| !item.test_only && item.kind != ItemKind::Module && counts(&item.id));
        items.find_map(|item| {
            let found = mentions(item.syntax.to_token_stream());
            let mention = found.into_iter().find(|mention| {
                let names = mention.names();
                self.leads(item.scope, mention.global, &names, DEPTH)
                    || self.is_in(item.scope, &names, DEPTH)
            })?;
            let place = |at: usize| item.source.range(mention.segments[at].span);
            Some((item.file.to_owned(), place(0).start..place(mention.segments.len() - 1).end))
        })
    }

    /// Whether a path leads to it, through modules and re-exports.
    fn leads(&self, scope: ScopeId, global: bool, names: &[String], depth: usize) -> bool {
        let module = (1..=names.len()).rev().find_map(|end| {
            match self.code.resolve_path(scope, global, &names[..end]) {
                Found::Module(module) => Some((module, &names[end..])),
                _ => None,
            }
        });
        module.is_some_and(|(module, rest)| self.is_in(module, rest, depth))
    }

    /// Whether names in a module mean it.
    fn is_in(&self, module: ScopeId, names: &[String], depth: usize) -> bool {
        let [first, behind @ ..] = names else { return false };
        if self.is_there(module, first) {
            return true;
        }
        let root = self.code.root(module.root);
        depth > 0
            && root.scopes[module.index].imports.iter().any(|import| {
                if import.name == *first {
                    let path = [&import.path, behind].concat();
                    self.leads(module, import.global, &path, depth - 1)
                } else if import.name == "*" {
                    match self.code.resolve_path(module, import.global, &import.path) {
                        Found::Module(inner) => self.is_in(inner, names, depth - 1),
                        _ => false,
                    }
                } else {
                    false
                }
            })
    }

    /// Whether it is what a module calls by that name.
    fn is_there(&self, module: ScopeId, name: &str) -> bool {
        let root = self.code.root(module.root);
        let scope = &root.scopes[module.index];
        let Declared { module: within, item, .. } = self.declared;
        // What `table!` makes is a module itself.
        let is_table = within.as_ref() == Some(item);
        let is_its_module =
            is_table || within.as_ref().is_none_or(|within| scope.path.last() == Some(within));
        let is_its_name = name == item || !is_table && name == "ActiveModel";
        module.root == self.library && scope.file == self.file && is_its_module && is_its_name
    }
}
