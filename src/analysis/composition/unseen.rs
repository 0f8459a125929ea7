//! Migrations of the module of which its code does not say where they lie: read from a folder when it
//! runs, or embedded from one that is no literal.

use quote::ToTokens;

use super::constructor::ModuleFacts;
use super::migrations;
use crate::analysis::code::{Found, Item, ItemKind};
use crate::diagnostic::Diagnostic;

/// The libraries that run migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Library {
    Sqlx,
    Refinery,
}

/// Refuses each such place in the module's library.
pub(super) fn refuse(module: &ModuleFacts<'_, '_>) -> Vec<Diagnostic> {
    let root = module.code.root(module.library);
    let items = root.items.iter().filter(|i| !i.test_only && i.kind != ItemKind::Module);
    items.flat_map(|item| of_item(module, item)).collect()
}

fn of_item<'w>(module: &ModuleFacts<'_, 'w>, item: &Item<'w>) -> Vec<Diagnostic> {
    let mut refused = Vec::new();
    for (mention, found) in module.code.mentioned_by(item) {
        let Some(library) = reader(&found) else { continue };
        let place = |index: usize| item.source.range(mention.segments[index].span);
        let range = place(0).start..place(mention.segments.len() - 1).end;
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
