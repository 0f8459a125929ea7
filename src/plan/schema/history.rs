//! Who runs a history of migrations, in which table it is kept, and how strictly.

use camino::Utf8Path;

use crate::analysis::schema::Runner;
use crate::workspace::{Member, Source, Workspace};

/// What code says of a runner's history.
struct Words {
    /// The history table of every migrator that names no other.
    table: &'static str,
    /// What stands before the name of another.
    named_by: &'static str,
    /// What lets the migrator run where the database knows more migrations than it does.
    lenient: &'static str,
}

const fn words(runner: Runner) -> Words {
    match runner {
        Runner::Sqlx => Words {
            table: "_sqlx_migrations",
            named_by: "dangerous_set_table_name(\"",
            lenient: "set_ignore_missing(true)",
        },
        Runner::Refinery => Words {
            table: "refinery_schema_history",
            named_by: "set_migration_table_name(\"",
            lenient: "set_abort_missing(false)",
        },
    }
}

/// The history table of the migrator that embeds the folder of a migration: what the code around it
/// names, or the runner's own.
pub(super) fn history_of(workspace: &Workspace, runner: Runner, migration: &Utf8Path) -> String {
    let words = words(runner);
    let named = around(workspace, migration).into_iter().find_map(|source| {
        let (_, rest) = source.text.split_once(words.named_by)?;
        rest.split('"').next()
    });
    named.unwrap_or(words.table).to_owned()
}

/// Whether the migrator that embeds the folder of a migration refuses to run where the database knows
/// more migrations than it does, as both runners do without a word.
pub(super) fn is_strict(workspace: &Workspace, runner: Runner, migration: &Utf8Path) -> bool {
    let lenient = words(runner).lenient;
    let sources = around(workspace, migration);
    !sources.into_iter().any(|source| source.text.contains(lenient))
}

/// Whether a history table is of the migrator of `folder` alone: no other member names it.
pub(super) fn is_own(workspace: &Workspace, folder: &Utf8Path, table: &str) -> bool {
    let owner = owner_of(workspace, folder).map(|member| &member.name);
    let literal = format!("\"{table}\"");
    let names_it = |member: &Member| {
        let mut files = workspace.files_of(member);
        files.any(|(_, source)| source.text.contains(&literal))
    };
    let is_default = [Runner::Sqlx, Runner::Refinery].iter().any(|r| words(*r).table == table);
    !is_default && !workspace.members.iter().any(|m| Some(&m.name) != owner && names_it(m))
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

        let sqlx = Runner::Sqlx;
        assert!(is_strict(&workspace, sqlx, "stock/migrations/0002_drop.sql".into()));
        assert!(!is_strict(&workspace, sqlx, "orders/migrations/0002_drop.sql".into()));
    }

    #[test]
    fn the_history_of_refinery_is_read_like_that_of_sqlx() {
        let own = "pub fn run() { runner().set_migration_table_name(\"own\"); }";
        let lenient = "pub fn run() { runner().set_abort_missing(false); }";
        let workspace = Project::new()
            .member("stock", &[], &[("src/lib.rs", own)])
            .member("orders", &[], &[("src/lib.rs", lenient)])
            .load();
        let (stock, orders) = ("stock/migrations/V2__x.sql", "orders/migrations/V2__x.sql");
        let of = |path: &str| history_of(&workspace, Runner::Refinery, path.into());
        assert_eq!((of(stock), of(orders)), ("own".into(), "refinery_schema_history".into()));
        assert!(is_strict(&workspace, Runner::Refinery, stock.into()));
        assert!(!is_strict(&workspace, Runner::Refinery, orders.into()));
        assert!(!is_own(&workspace, "orders/migrations".into(), "refinery_schema_history"));
    }
}
