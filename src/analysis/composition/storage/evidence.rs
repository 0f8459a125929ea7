//! What sources show of storage that is not carried: the module's tables, its SQL, its migrations.

use std::ops::Range;

use camino::Utf8Path;
use syn::visit::{self, Visit};

use super::Library;
use crate::analysis::code::is_test_only;
use crate::analysis::declared::{self, Declared};
use crate::analysis::sql::is_sql;
use crate::diagnostic::Diagnostic;
use crate::workspace::{Member, Workspace};

/// How many places of a kind are shown.
const SHOWN: usize = 4;

/// Shows what is found, and says how much more of it there is.
pub(super) fn show(
    workspace: &Workspace,
    module: &str,
    library: Library,
    mut diagnostic: Diagnostic,
) -> Diagnostic {
    let Some(module) = workspace.member(module) else { return diagnostic };
    let mut more = Vec::new();
    let tables = tables(workspace, module);
    for (file, declared) in tables.iter().take(SHOWN) {
        let label = format!("`{}`, {}", declared.table, declared.by);
        diagnostic = diagnostic.at(file, declared.range.clone(), label);
    }
    if tables.len() > SHOWN {
        more.push(format!("{} tables", tables.len()));
    }
    let names: Vec<&str> = tables.iter().map(|(_, declared)| declared.table.as_str()).collect();
    let mut is_embedded = false;
    for mark in MARKS.iter().filter(|mark| mark.of.contains(&library.name())) {
        let Some((file, at)) = mark.find(workspace, module) else { continue };
        is_embedded |= mark.text.starts_with("embed_migrations");
        let at = at..at + mark.text.trim_end_matches('(').len();
        diagnostic = diagnostic.at(file, at, mark.label);
    }
    for (file, at) in migrations_in_rust(workspace, &names).into_iter().take(SHOWN) {
        diagnostic = diagnostic.at(file, at, "a migration, in Rust code");
    }
    let sql = sql(workspace, module);
    for (file, at) in sql.iter().take(SHOWN) {
        diagnostic = diagnostic.at(file, at.clone(), "its SQL");
    }
    if sql.len() > SHOWN {
        more.push(format!("{} texts of SQL", sql.len()));
    }
    if !more.is_empty() {
        let more = more.join(" and ");
        diagnostic = diagnostic.note(format!("there are {more} of the module's in all"));
    }
    match folder_of_a_tool(workspace, module).filter(|_| !is_embedded) {
        Some(folder) if library == Library::Diesel => diagnostic.note(format!(
            "no `embed_migrations!` names `{folder}`: its migrations are run by the `diesel` command"
        )),
        _ => diagnostic,
    }
}

/// What tells where migrations are run or embedded.
struct Mark {
    text: &'static str,
    label: &'static str,
    /// The libraries that it tells something of.
    of: &'static [&'static str],
}

const MARKS: [Mark; 5] = [
    Mark { text: "run_pending_migrations(", label: "its migrations are run here", of: &["diesel"] },
    Mark { text: "Migrator::up(", label: "its migrations are run here", of: &["sea-orm"] },
    Mark { text: "Migrator::fresh(", label: "its migrations are run here", of: &["sea-orm"] },
    Mark {
        text: "embed_migrations!",
        label: "its migrations are embedded here",
        of: &["diesel", "rusqlite", "tokio-postgres"],
    },
    Mark {
        text: "embed_migrations(",
        label: "its migrations are embedded here",
        of: &["rusqlite"],
    },
];

impl Mark {
    /// The first place outside of tests: the module's own before those of the rest.
    fn find<'w>(&self, workspace: &'w Workspace, module: &Member) -> Option<(&'w Utf8Path, usize)> {
        let (own, others): (Vec<&Member>, Vec<&Member>) =
            workspace.members.iter().partition(|member| member.name == module.name);
        own.into_iter().chain(others).find_map(|member| {
            let mut files =
                workspace.rust_files(member).filter(|(file, _)| !member.is_dev_file(file));
            files.find_map(|(file, source)| Some((file, source.places_of(self.text).next()?)))
        })
    }
}

/// The tables that the module declares, or that others declare and it names.
fn tables<'w>(workspace: &'w Workspace, module: &Member) -> Vec<(&'w Utf8Path, Declared)> {
    let mut found = Vec::new();
    for member in &workspace.members {
        for (file, source) in workspace.rust_files(member).filter(|(f, _)| !member.is_dev_file(f)) {
            for declared in declared::tables(source) {
                let name = declared.module.as_deref().or(file.file_stem()).unwrap_or_default();
                if member.name == module.name || names(workspace, module, name) {
                    found.push((file, declared));
                }
            }
        }
    }
    found
}

/// Whether the module's code names `word`.
fn names(workspace: &Workspace, module: &Member, word: &str) -> bool {
    let mut files = workspace.rust_files(module).filter(|(file, _)| !module.is_dev_file(file));
    files.any(|(_, source)| source.names(word))
}

/// Migrations of sea-orm that speak of one of the tables.
fn migrations_in_rust<'w>(
    workspace: &'w Workspace,
    tables: &[&str],
) -> Vec<(&'w Utf8Path, Range<usize>)> {
    const HEAD: &str = "MigrationTrait for";
    let mut found = Vec::new();
    for (file, source) in workspace.files().filter(|(file, _)| file.extension() == Some("rs")) {
        let Some(at) = source.places_of(HEAD).next() else { continue };
        let text = source.text.to_lowercase().replace('_', "");
        if tables.iter().any(|table| text.contains(&table.to_lowercase().replace('_', ""))) {
            found.push((file, at..at + HEAD.len()));
        }
    }
    found
}

/// The texts of the module's own code that begin as SQL does.
fn sql<'w>(workspace: &'w Workspace, module: &'w Member) -> Vec<(&'w Utf8Path, Range<usize>)> {
    struct Texts<'w>(Vec<&'w syn::LitStr>);
    impl<'w> Visit<'w> for Texts<'w> {
        fn visit_lit_str(&mut self, text: &'w syn::LitStr) {
            self.0.push(text);
        }
        fn visit_item_mod(&mut self, item: &'w syn::ItemMod) {
            if !item.attrs.iter().any(is_test_only) {
                visit::visit_item_mod(self, item);
            }
        }
        fn visit_attribute(&mut self, _: &'w syn::Attribute) {}
    }
    let mut found = Vec::new();
    for (file, source) in workspace.rust_files(module).filter(|(file, _)| !module.is_dev_file(file))
    {
        let Ok(ast) = source.ast() else { continue };
        let mut texts = Texts(Vec::new());
        texts.visit_file(ast);
        let sql = texts.0.into_iter().filter(|text| is_sql(&text.value()));
        found.extend(sql.map(|text| (file, source.range(text.span()))));
    }
    found
}

/// The folder that the command of diesel takes: beside the module's manifest, or at the root.
fn folder_of_a_tool(workspace: &Workspace, module: &Member) -> Option<camino::Utf8PathBuf> {
    let own = module.dir.join("migrations");
    [own, "migrations".into()].into_iter().find(|folder| workspace.exists(folder))
}
