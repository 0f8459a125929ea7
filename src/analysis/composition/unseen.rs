//! Migrations of which code does not say where they lie: the module's, read from a folder when it runs, or
//! embedded from one that is no literal; and others', read from a folder that nobody sees.

use std::collections::BTreeSet;
use std::ops::Range;

use camino::Utf8Path;
use quote::ToTokens;
use syn::visit::{self, Visit};

use super::constructor::ModuleFacts;
use super::{migrations, storage};
use crate::analysis::code::{Found, Item, ItemKind};
use crate::analysis::included::all_texts;
use crate::diagnostic::Diagnostic;
use crate::workspace::{Member, Source, Workspace};

/// The libraries that run migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Library {
    Sqlx,
    Refinery,
}

/// Refuses each such place in the module's library, and in others where the module has a database.
pub(super) fn refuse(module: &ModuleFacts<'_, '_>) -> Vec<Diagnostic> {
    let root = module.code.root(module.library);
    let items = root.items.iter().filter(|i| !i.test_only && i.kind != ItemKind::Module);
    let own = items.flat_map(|item| of_item(module, item));
    let stores = root.member.dependencies.iter().any(|d| storage::of_package(&d.package).is_some());
    own.chain(stores.then(|| of_others(module)).into_iter().flatten()).collect()
}

/// Each place outside of the module that reads migrations from a folder at run time, unless it is one in
/// which calve looks.
fn of_others(module: &ModuleFacts<'_, '_>) -> Vec<Diagnostic> {
    let code = module.code;
    let mut refused = Vec::new();
    let mut seen = BTreeSet::new();
    let may_read = |text: &str| text.contains("Migrator") || text.contains("load_sql_migrations");
    for member in code.workspace.members.iter().filter(|m| m.name != module.package) {
        if !code.workspace.rust_files(member).any(|(_, source)| may_read(&source.text)) {
            continue;
        }
        for target in member.targets.iter().filter(|t| !t.kind.is_dev()) {
            let Some(root) = code.target(&member.name, target.kind, &target.name) else { continue };
            let root = code.root(root);
            let items = root.items.iter().filter(|i| !i.test_only && i.kind != ItemKind::Module);
            for item in items.filter(|item| may_read(&item.source.text)) {
                for (range, library) in readings(module, item) {
                    if !is_seen(code.workspace, member, item, range.end)
                        && seen.insert((item.file, range.start))
                    {
                        refused.push(of_other(member, item, range, library));
                    }
                }
            }
        }
    }
    refused
}

fn of_other(member: &Member, item: &Item<'_>, range: Range<usize>, library: Library) -> Diagnostic {
    Diagnostic::error(CODE, format!("`{}` reads migrations when it runs", member.name))
        .at(item.file, range, "from a folder that calve does not find")
        .note(
            "what is in it may refer to the module's tables, or make them: all of it has to be divided or \
             dropped with them",
        )
        .help(library.help())
}

/// Whether the call of what is named up to a byte of an item's file gives it a literal: the path of a folder
/// in which calve finds migrations, from the package's folder or from the root.
fn is_seen(workspace: &Workspace, member: &Member, item: &Item<'_>, named_to: usize) -> bool {
    let mut given = Given { source: item.source, named_to, texts: Vec::new() };
    given.visit_item(item.syntax);
    given.texts.retain(|text| text != "CARGO_MANIFEST_DIR");
    let [name] = given.texts.as_slice() else { return false };
    let name = Utf8Path::new(name.trim_start_matches('/'));
    [member.dir.join(name), name.to_owned()].iter().any(|path| {
        workspace.inside(path).is_some_and(|folder| {
            workspace.may_hold_migrations(&folder)
                && workspace.files().any(|(path, _)| path.parent() == Some(&folder))
        })
    })
}

/// The texts in the arguments of a call.
struct Given<'a> {
    source: &'a Source,
    /// Where the name of what is called ends.
    named_to: usize,
    texts: Vec<String>,
}

impl<'ast> Visit<'ast> for Given<'_> {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if self.source.range_of(&call.func).end == self.named_to {
            all_texts(call.args.to_token_stream(), &mut self.texts);
        }
        visit::visit_expr_call(self, call);
    }
}

/// What reads migrations from a folder at run time in an item: where it is named.
fn readings<'w>(module: &ModuleFacts<'_, 'w>, item: &Item<'w>) -> Vec<(Range<usize>, Library)> {
    let found = module.code.mentioned_by(item).into_iter().filter_map(|(mention, found)| {
        let place = |index: usize| item.source.range(mention.segments[index].span);
        let range = place(0).start..place(mention.segments.len() - 1).end;
        Some((range, reader(&found)?))
    });
    found.collect()
}

fn of_item<'w>(module: &ModuleFacts<'_, 'w>, item: &Item<'w>) -> Vec<Diagnostic> {
    let mut refused = Vec::new();
    for (range, library) in readings(module, item) {
        let message = format!("`{}` reads its migrations when it runs", module.package);
        refused.push(
            Diagnostic::error(CODE, message)
                .at(item.file, range, "from a folder that must be there then")
                .note("the service brings its migrations along in its program: where it runs, that folder is not")
                .help(library.help()),
        );
    }
    for call in migrations::calls(item.syntax.to_token_stream()) {
        if call.folder().is_some() {
            continue;
        }
        let library = if call.name == "migrate" { Library::Sqlx } else { Library::Refinery };
        let message = "the folder of the module's migrations is no literal";
        refused.push(
            Diagnostic::error(CODE, message)
                .at(item.file, item.source.range(call.given.span()), "not a literal")
                .note("calve reads the migrations to see which tables are the module's")
                .help(library.help()),
        );
    }
    refused
}

/// Whether a path names what reads migrations from a folder at run time.
pub(super) fn is_reader(found: &Found) -> bool {
    reader(found).is_some()
}

fn reader(found: &Found) -> Option<Library> {
    let Found::External(krate, path) = found else { return None };
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        [.., "Migrator", "new"] if krate == "sqlx" => Some(Library::Sqlx),
        [.., "load_sql_migrations"] if krate.starts_with("refinery") => Some(Library::Refinery),
        _ => None,
    }
}

impl Library {
    fn help(self) -> &'static str {
        match self {
            Self::Sqlx => {
                "embed them with a literal: `sqlx::migrate!(\"migrations\").run(pool).await`, the folder \
                 relative to the package's `Cargo.toml`"
            }
            Self::Refinery => {
                "embed them with a literal: `mod embedded { refinery::embed_migrations!(\"migrations\"); }`, \
                 the folder relative to the package's `Cargo.toml`, and \
                 `embedded::migrations::runner().run(connection)`"
            }
        }
    }
}

const CODE: &str = "migrations-unseen";
