//! Who runs a history of migrations, in which table it is kept, and how strictly.

use camino::Utf8Path;

use crate::workspace::{Member, Source, Workspace};

/// sqlx's own history table: of every migrator that names no other.
const SHARED_HISTORY: &str = "_sqlx_migrations";

/// The history table of the migrator that embeds the folder of a migration: what the code around it
/// names, or sqlx's own.
pub(super) fn history_of(workspace: &Workspace, migration: &Utf8Path) -> String {
    let named = around(workspace, migration).into_iter().find_map(|source| {
        let (_, rest) = source.text.split_once("dangerous_set_table_name(\"")?;
        rest.split('"').next()
    });
    named.unwrap_or(SHARED_HISTORY).to_owned()
}

/// Whether the migrator that embeds the folder of a migration refuses to run where the database knows
/// more migrations than it does, as sqlx does without a word.
pub(super) fn is_strict(workspace: &Workspace, migration: &Utf8Path) -> bool {
    let sources = around(workspace, migration);
    !sources.into_iter().any(|source| source.text.contains("set_ignore_missing(true)"))
}

/// Whether a history table is of the migrator of `folder` alone: no other member names it.
pub(super) fn is_own(workspace: &Workspace, folder: &Utf8Path, table: &str) -> bool {
    let owner = owner_of(workspace, folder).map(|member| &member.name);
    let literal = format!("\"{table}\"");
    let names_it = |member: &Member| {
        let mut files = workspace.files_of(member);
        files.any(|(_, source)| source.text.contains(&literal))
    };
    table != SHARED_HISTORY
        && !workspace.members.iter().any(|m| Some(&m.name) != owner && names_it(m))
}

/// The files of the member in whose folder a migration lies; of a folder beside the members, the files
/// outside of tests that embed it.
fn around<'w>(workspace: &'w Workspace, migration: &Utf8Path) -> Vec<&'w Source> {
    if let Some(member) = owner_of(workspace, migration) {
        return workspace.files_of(member).map(|(_, source)| source).collect();
    }
    let folder = migration.parent().unwrap_or(migration);
    let embedded = workspace.embedded.get(folder).into_iter().flatten();
    embedded
        .filter(|file| !file.components().any(|part| part.as_str() == "tests"))
        .filter_map(|file| workspace.source(file))
        .collect()
}

/// The member in whose folder a path lies.
pub(super) fn owner_of<'w>(workspace: &'w Workspace, path: &Utf8Path) -> Option<&'w Member> {
    let around = workspace.members.iter().filter(|member| path.starts_with(&member.dir));
    around.max_by_key(|member| member.dir.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;

    #[test]
    fn a_history_table_is_dropped_only_where_it_is_the_module_s_own() {
        let migrator = |table: &str, more: &str| {
            format!(
                "pub fn run() {{ sqlx::migrate!().dangerous_set_table_name(\"{table}\"){more}; }}"
            )
        };
        let (stock, orders) = (
            migrator("both_migrations", ""),
            migrator("both_migrations", ".set_ignore_missing(true)"),
        );
        let bills = migrator("bills_migrations", "");
        let workspace = Project::new()
            .member("stock", &[], &[("src/lib.rs", &stock)])
            .member("orders", &[], &[("src/lib.rs", &orders)])
            .member("bills", &[], &[("src/lib.rs", &bills)])
            .load();
        assert!(is_own(&workspace, "bills/migrations".into(), "bills_migrations"));
        assert!(!is_own(&workspace, "stock/migrations".into(), "both_migrations"));
        assert!(!is_own(&workspace, "bills/migrations".into(), "_sqlx_migrations"));

        assert!(is_strict(&workspace, "stock/migrations/0002_drop.sql".into()));
        assert!(!is_strict(&workspace, "orders/migrations/0002_drop.sql".into()));
    }
}
