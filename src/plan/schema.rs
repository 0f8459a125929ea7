//! What becomes of the database: tables that move, foreign keys that are dropped, what is cleaned up
//! later.

mod postgres;

use camino::{Utf8Path, Utf8PathBuf};

use super::Names;
use crate::analysis::composition::{Engine, Migrator, Pool};
use crate::analysis::schema::{
    self, CopyPlan, MigrationFile, MigrationFolder, MigrationKind, Schema, SchemaCrossing,
};
use crate::diagnostic::Diagnostics;
use crate::workspace::{Member, Workspace};

/// The plan for one module's tables.
#[derive(Debug, Clone)]
pub struct SchemaPlan {
    /// New forward migrations of other modules, each with its text.
    pub drops: Vec<ForeignKeyDrop>,
    /// The SQL that drops the module's tables from the monolith's database, run by a person.
    pub clean_up: String,
    /// The tables that move, those that others refer to first.
    pub tables: Vec<String>,
    /// The triggers on them: name and definition.
    pub triggers: Vec<(String, String)>,
    /// What is copied before the cutover.
    pub copy: CopyPlan,
    /// The tables of everybody else.
    pub foreign_tables: Vec<String>,
    /// New migrations that stand in for the module's tables on a new database of the monolith.
    pub stand_ins: Vec<StandIn>,
    /// What PostgreSQL's runbook needs; none on SQLite.
    pub postgres: Option<PostgresPlan>,
}

/// A migration that runs before others which reference the module's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// The file, relative to the workspace root.
    pub path: Utf8PathBuf,
    /// Its text.
    pub text: String,
    /// The history table of the migrator that applies it.
    pub history: String,
}

/// A migration that drops the foreign keys of one table into the module's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKeyDrop {
    /// The table that is rebuilt.
    pub table: String,
    /// The file, relative to the workspace root.
    pub path: Utf8PathBuf,
    /// Its text.
    pub text: String,
    /// The history table of the migrator that applies it.
    pub history: String,
    /// Whether that migrator refuses a database that has migrations it does not know.
    pub strict: bool,
}

pub use postgres::PostgresPlan;

/// sqlx's own history table: of every migrator that names no other.
const SHARED_HISTORY: &str = "_sqlx_migrations";

/// Reads the schema of the monolith and decides; none where something is refused.
///
/// `migrator` is the module's, `pool` the monolith's connections as the module has them.
pub fn plan(
    workspace: &Workspace,
    names: &Names,
    migrator: &Migrator,
    pool: Option<&Pool>,
    diagnostics: &mut Diagnostics,
) -> Option<SchemaPlan> {
    let folder = migrator.folder.as_path();
    let enforced = pool.is_none_or(Pool::enforces_foreign_keys);
    if pool.is_some_and(|pool| pool.engine == Engine::Postgres) {
        return postgres::plan(workspace, names, migrator, diagnostics);
    }
    let mut take = |list: Diagnostics| list.iter().for_each(|d| diagnostics.push(d.clone()));
    let folders = schema::migration_folders(workspace).map_err(&mut take).ok()?;
    let schema = Schema::of(&folders).map_err(&mut take).ok()?;
    let crossings = schema::crossings(&schema, folder).map_err(&mut take).ok()?;
    let refusals: Vec<_> = crossings.iter().filter_map(SchemaCrossing::refusal).collect();
    if !refusals.is_empty() {
        refusals.into_iter().for_each(|d| diagnostics.push(d));
        return None;
    }
    let owned: Vec<&str> = schema.owned(folder).map(|t| t.name.as_str()).collect();
    let mut folders = folders;
    let mut drops = Vec::new();
    let referring = schema.tables.iter().filter(|t| {
        t.folder != folder
            && t.foreign_keys
                .iter()
                .any(|key| owned.iter().any(|o| o.eq_ignore_ascii_case(&key.table)))
    });
    for table in referring {
        let Some(home) = folders.iter_mut().find(|f| f.path == table.folder) else { continue };
        let description =
            format!("drop_{}_foreign_keys_of_{}", names.module_ident, table.name.to_lowercase());
        let path = home.next_path(&description);
        let text = schema::drop_foreign_keys(&schema, table, &owned, enforced);
        occupy(home, &path, &text);
        let (history, strict) = (history_of(workspace, &path), is_strict(workspace, &path));
        drops.push(ForeignKeyDrop { table: table.name.clone(), path, text, history, strict });
    }
    let copy = schema::copy_plan(&schema, folder);
    let tables: Vec<String> = copy.tables.iter().map(|t| t.name.clone()).collect();
    let triggers = schema
        .owned(folder)
        .flat_map(|t| &t.triggers)
        .map(|t| (t.name.clone(), format!("{};", t.sql.trim_end().trim_end_matches(';'))))
        .collect();
    let history = migrator.table.as_deref().filter(|table| is_own(workspace, folder, table));
    Some(SchemaPlan {
        drops,
        clean_up: schema::drop_owned_tables(&schema, folder, history),
        foreign_tables: schema
            .tables
            .iter()
            .filter(|t| t.folder != folder)
            .map(|t| t.name.clone())
            .collect(),
        tables,
        triggers,
        copy,
        stand_ins: Vec::new(),
        postgres: None,
    })
}

/// The history table of the migrator that embeds the folder of a migration: what the member's code names,
/// or sqlx's own.
fn history_of(workspace: &Workspace, migration: &Utf8Path) -> String {
    let owner = owner_of(workspace, migration);
    let named =
        owner.into_iter().flat_map(|member| workspace.files_of(member)).find_map(|(_, source)| {
            let (_, rest) = source.text.split_once("dangerous_set_table_name(\"")?;
            rest.split('"').next()
        });
    named.unwrap_or(SHARED_HISTORY).to_owned()
}

/// Whether the migrator that embeds the folder of a migration refuses to run where the database knows
/// more migrations than it does, as sqlx does without a word.
fn is_strict(workspace: &Workspace, migration: &Utf8Path) -> bool {
    let owner = owner_of(workspace, migration);
    let mut files = owner.into_iter().flat_map(|member| workspace.files_of(member));
    !files.any(|(_, source)| source.text.contains("set_ignore_missing(true)"))
}

/// Whether a history table is of the migrator of `folder` alone: no other member names it.
fn is_own(workspace: &Workspace, folder: &Utf8Path, table: &str) -> bool {
    let owner = owner_of(workspace, folder).map(|member| &member.name);
    let literal = format!("\"{table}\"");
    let names_it = |member: &Member| {
        let mut files = workspace.files_of(member);
        files.any(|(_, source)| source.text.contains(&literal))
    };
    table != SHARED_HISTORY
        && !workspace.members.iter().any(|m| Some(&m.name) != owner && names_it(m))
}

/// The member in whose folder a path lies.
fn owner_of<'w>(workspace: &'w Workspace, path: &Utf8Path) -> Option<&'w Member> {
    let around = workspace.members.iter().filter(|member| path.starts_with(&member.dir));
    around.max_by_key(|member| member.dir.as_str().len())
}

/// Takes the version of a new file, so that the next one gets another.
fn occupy(folder: &mut MigrationFolder, path: &Utf8Path, text: &str) {
    let name = path.file_name().unwrap_or_default();
    let version = name.split('_').next().and_then(|v| v.parse().ok()).unwrap_or_default();
    folder.files.push(MigrationFile {
        path: path.to_owned(),
        version,
        description: String::new(),
        text: text.into(),
        kind: MigrationKind::Simple,
    });
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
