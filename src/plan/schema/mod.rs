//! What becomes of the database: tables that move, what ties them to others and is dropped, what is
//! cleaned up later.

mod added;
mod history;
mod postgres;
mod refinery;
mod shared;

use camino::{Utf8Path, Utf8PathBuf};

use super::Names;
use crate::analysis::composition::{Engine, Migrator, Pool};
use crate::analysis::schema::{self, CopyPlan, Schema, SchemaCrossing};
use crate::diagnostic::Diagnostics;
use crate::workspace::Workspace;

pub use added::NewMigration;
pub use postgres::PostgresPlan;
pub use shared::{Request, SharedPlan, plan_shared};
pub(super) use shared::{nothing_to_cut, runs_shared_history};

/// The plan for one module's tables.
#[derive(Debug, Clone)]
pub struct SchemaPlan {
    /// New migrations of the monolith.
    pub added: Vec<NewMigration>,
    /// The SQL that drops the module's tables from the monolith's database, run by a person.
    pub clean_up: String,
    /// The tables that move, those that others refer to first.
    pub tables: Vec<String>,
    /// The views that go with them.
    pub views: Vec<String>,
    /// The triggers on them in the service's database: name and definition.
    pub triggers: Vec<(String, String)>,
    /// The triggers on them in the monolith's.
    pub old_triggers: Vec<(String, String)>,
    /// What is copied before the cutover.
    pub copy: CopyPlan,
    /// The tables of everybody else.
    pub foreign_tables: Vec<String>,
    /// The views of everybody else.
    pub foreign_views: Vec<String>,
    /// What is decided of a history that the module shares with others.
    pub shared: Option<SharedPlan>,
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

impl SchemaPlan {
    /// The names that SQL is searched for: those of the module's tables and views, and those of everybody
    /// else's. On PostgreSQL each has its schema.
    pub fn searched(&self) -> (Vec<String>, Vec<String>) {
        let lost: Vec<&String> = self.shared.iter().flat_map(|shared| &shared.lost).collect();
        let written = |name: &String| match &self.postgres {
            Some(_) if !name.contains('.') => format!("public.{name}"),
            _ => name.clone(),
        };
        let with_lost = |tables: &[String], views: &[String]| -> Vec<String> {
            let views = views.iter().filter(|view| !lost.contains(view));
            tables.iter().chain(views).chain(lost.iter().copied()).map(written).collect()
        };
        (with_lost(&self.tables, &self.views), with_lost(&self.foreign_tables, &self.foreign_views))
    }

    /// How many tables of others had foreign keys into the module's.
    pub fn foreign_keys_in(&self) -> usize {
        let of_others = |added: &&NewMigration| {
            added.restores.is_none() && !self.tables.contains(&added.object)
        };
        self.added.iter().filter(of_others).count()
    }
}

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
    if pool.is_some_and(|pool| pool.engine == Engine::Postgres) {
        return postgres::plan(workspace, names, migrator, diagnostics);
    }
    let folder = migrator.folder.as_path();
    let mut take = |list: Diagnostics| list.iter().for_each(|d| diagnostics.push(d.clone()));
    let folders = schema::migration_folders(workspace).map_err(&mut take).ok()?;
    let engine = pool.map(|pool| pool.engine);
    refinery::check(workspace, folder, engine, &folders).map_err(&mut take).ok()?;
    let schema = Schema::of(&folders).map_err(&mut take).ok()?;
    let crossings = schema::crossings(&schema, folder).map_err(&mut take).ok()?;
    let refusals: Vec<_> = crossings.iter().filter_map(SchemaCrossing::refusal).collect();
    if !refusals.is_empty() {
        refusals.into_iter().for_each(|d| diagnostics.push(d));
        return None;
    }
    let owned: Vec<&str> = schema.owned(folder).map(|t| t.name.as_str()).collect();
    let mut adder = added::Adder::new(workspace, names, &schema, pool);
    for table in referring(&schema, folder, &owned) {
        adder.drop_foreign_keys(table, &owned);
    }
    let added = adder.finish();
    let history = migrator.table.as_deref();
    let history = history.filter(|table| history::is_own(workspace, folder, table));
    let clean_up = schema::drop_owned_tables(&schema, folder, history);
    Some(described(&schema, folder, added, clean_up))
}

/// The tables of others that have a foreign key into one of `owned`.
fn referring<'s>(
    schema: &'s Schema,
    folder: &'s Utf8Path,
    owned: &'s [&'s str],
) -> impl Iterator<Item = &'s schema::Table> {
    let into = |name: &str| owned.iter().any(|owned| owned.eq_ignore_ascii_case(name));
    schema.tables.iter().filter(move |table| {
        table.folder != folder && table.foreign_keys.iter().any(|key| into(&key.table))
    })
}

/// What documents say of the tables that `folder` owns.
fn described(
    schema: &Schema,
    folder: &Utf8Path,
    added: Vec<NewMigration>,
    clean_up: String,
) -> SchemaPlan {
    let copy = schema::copy_plan(schema, folder);
    let triggers: Vec<(String, String)> = schema
        .owned(folder)
        .flat_map(|t| &t.triggers)
        .map(|t| (t.name.clone(), terminated(&t.sql)))
        .collect();
    let foreign = schema.tables.iter().filter(|t| t.folder != folder);
    SchemaPlan {
        added,
        clean_up,
        views: schema.views.iter().filter(|v| v.folder == folder).map(|v| v.name.clone()).collect(),
        tables: copy.tables.iter().map(|t| t.name.clone()).collect(),
        old_triggers: triggers.clone(),
        triggers,
        foreign_tables: foreign.map(|t| t.name.clone()).collect(),
        foreign_views: schema
            .views
            .iter()
            .filter(|v| v.folder != folder)
            .map(|v| v.name.clone())
            .collect(),
        copy,
        shared: None,
        stand_ins: Vec::new(),
        postgres: None,
    }
}

fn terminated(sql: &str) -> String {
    format!("{};", sql.trim_end().trim_end_matches(';'))
}
