//! Tables of one side as Rust code of the other knows them: what goes through an entity or a `table!` is SQL
//! across the boundary, though nobody reads it.

mod borrowed;

use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};

use super::foreign_sql::is_compiled;
use crate::analysis::code::Code;
use crate::analysis::declared::{self, Declared};
use crate::analysis::module::Module;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::{DependencyKind, Member, Workspace};

/// Refuses declarations of the module's `tables` by other members, and what the module names of declarations
/// of other tables. `api` is the API trait's name, or several as "A` or `B".
pub fn refuse(
    code: &Code<'_>,
    module: &Module<'_>,
    api: &str,
    tables: &[&str],
    diagnostics: &mut Diagnostics,
) {
    let plain = |name: &&'_ str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let tables: Vec<String> = tables.iter().map(plain).collect();
    of_others(code.workspace, module.member, api, &tables, diagnostics);
    borrowed::refuse(code, module, &tables, diagnostics);
}

fn of_others(
    workspace: &Workspace,
    module: &Member,
    api: &str,
    tables: &[String],
    diagnostics: &mut Diagnostics,
) {
    for member in &workspace.members {
        let is_other = member.name != module.name && knows_tables(member);
        if !is_other || serves_only(workspace, member, module) {
            continue;
        }
        for (file, source) in workspace.rust_files(member) {
            for declared in declared::tables(source) {
                let is_ours =
                    tables.iter().any(|table| table.eq_ignore_ascii_case(&declared.table));
                if !is_ours || !is_compiled(member, file) || member.is_dev_file(file) {
                    continue;
                }
                let used = use_of(workspace, member, module, file, &declared);
                let mut diagnostic = Diagnostic::error(
                    "foreign-sql",
                    format!("`{}` declares the module's table `{}`", member.name, declared.table),
                )
                .at(file, declared.range, declared.by);
                if let Some((file, range)) = used {
                    diagnostic = diagnostic.at(&file, range, "named here");
                }
                diagnostics.push(
                    diagnostic
                        .note(
                            "what reads or writes through it works on the monolith's copy of that table, \
                             which after the cut no longer changes",
                        )
                        .help(format!(
                            "ask through `{api}`, and declare the table in `{0}`, or in a crate that only \
                             `{0}` depends on",
                            module.name
                        )),
                );
            }
        }
    }
}

/// Whether a member depends on a library in which Rust code declares tables.
fn knows_tables(member: &Member) -> bool {
    let mut packages = member.dependencies.iter().map(|dependency| dependency.package.as_str());
    packages.any(|package| matches!(package, "diesel" | "diesel-async" | "sea-orm"))
}

/// Whether nobody but the module depends on a member, tests left out.
fn serves_only(workspace: &Workspace, member: &Member, module: &Member) -> bool {
    let mut users = workspace
        .dependents(&member.name)
        .filter(|(_, entries)| entries.iter().any(|d| d.kind != DependencyKind::Dev))
        .map(|(user, _)| user.name.as_str())
        .peekable();
    users.peek().is_some() && users.all(|user| user == module.name)
}

/// Where somebody besides the module names the declaration: its Rust module, before `::`.
fn use_of(
    workspace: &Workspace,
    declaring: &Member,
    module: &Member,
    declared_in: &Utf8Path,
    declared: &Declared,
) -> Option<(Utf8PathBuf, Range<usize>)> {
    let name = declared.module.as_deref().or_else(|| declared_in.file_stem())?;
    let spelled = format!("{name}::");
    let users = workspace.dependents(&declaring.name).map(|(user, _)| user);
    let users = users.filter(|user| user.name != module.name).chain([declaring]);
    users.flat_map(|user| workspace.rust_files(user).map(move |file| (user, file))).find_map(
        |(user, (file, source))| {
            if file == declared_in || user.is_dev_file(file) {
                return None;
            }
            let whole_word = |at: &usize| {
                let before = source.text[..*at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            };
            let (at, _) = source.text.match_indices(&spelled).find(|(at, _)| whole_word(at))?;
            Some((file.to_owned(), at..at + name.len()))
        },
    )
}
