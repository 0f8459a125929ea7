//! The same on PostgreSQL, where the schema is read without a server.

use camino::Utf8Path;

use super::added::{NewMigration, occupy};
use super::history::{history_of, is_own, is_strict, owner_of};
use super::{SchemaPlan, StandIn};
use crate::analysis::composition::Migrator;
use crate::analysis::module::Module;
use crate::analysis::schema::postgres::{
    self, Kind, Name, Schema, Table, crossings, drop_foreign_keys, stand_in, stand_in_path,
};
use crate::analysis::schema::{self, CopyPlan, MigrationFolder, Place};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::Names;
use crate::workspace::Workspace;

/// What the runbook names.
#[derive(Debug, Clone)]
pub struct PostgresPlan {
    /// The tables that move, in order of creation.
    pub tables: Vec<Name>,
    /// The tables of everybody else.
    pub foreign_tables: Vec<Name>,
    /// Their sequences that belong to no column.
    pub sequences: Vec<Name>,
    /// The function and triggers that refuse writes during the cutover.
    pub lock: String,
    /// Code in texts, searched for names because nobody can parse it.
    pub only_searched: Vec<Place>,
}

pub(super) fn plan(
    workspace: &Workspace,
    names: &Names,
    migrator: &Migrator,
    diagnostics: &mut Diagnostics,
) -> Option<SchemaPlan> {
    let owner = migrator.folder.as_path();
    let mut take = |list: Diagnostics| list.iter().for_each(|d| diagnostics.push(d.clone()));
    let mut folders = schema::migration_folders(workspace).map_err(&mut take).ok()?;
    if let Some(problem) = shared(workspace, names, &folders, owner) {
        diagnostics.push(problem);
        return None;
    }
    let schema = Schema::of(&folders).map_err(&mut take).ok()?;
    let found = crossings(&schema, owner);
    if !found.refused.is_empty() {
        found.refused.into_iter().for_each(|d| diagnostics.push(d));
        return None;
    }
    let mut stand_ins = Vec::new();
    let mut added = Vec::new();
    for home in folders.iter_mut().filter(|folder| folder.path != owner) {
        let path = home.path.clone();
        for table in schema.tables.iter().filter(|table| table.folder == path) {
            added.extend(dropped(workspace, names, &schema, home, owner, table));
        }
        // Last: a new migration comes after the last of the folder.
        match stands_in(workspace, names, &schema, home, owner) {
            Ok(stand_in) => stand_ins.extend(stand_in),
            Err(problem) => {
                diagnostics.push(*problem);
                return None;
            }
        }
    }
    let lock = format!("{}_has_moved", names.module_ident);
    let history = migrator.table.as_deref().filter(|table| is_own(workspace, owner, table));
    let tables: Vec<Name> = schema.owned(owner).map(|table| table.name.clone()).collect();
    let foreign_tables =
        schema.tables.iter().filter(|table| table.folder != owner).map(|table| table.name.clone());
    let foreign_tables: Vec<Name> = foreign_tables.collect();
    let sequences = schema
        .objects
        .iter()
        .filter(|object| object.kind == Kind::Sequence && object.folder == owner)
        .map(|object| object.name.clone());
    Some(SchemaPlan {
        added,
        clean_up: postgres::drop_owned(&schema, owner, history, &lock),
        tables: tables.iter().map(Name::to_string).collect(),
        views: Vec::new(),
        triggers: Vec::new(),
        old_triggers: Vec::new(),
        copy: CopyPlan { tables: Vec::new(), circular: false, rebuilt: Vec::new() },
        foreign_tables: foreign_tables.iter().map(Name::to_string).collect(),
        shared: None,
        stand_ins,
        postgres: Some(PostgresPlan {
            tables,
            foreign_tables,
            sequences: sequences.collect(),
            lock,
            only_searched: found.only_searched,
        }),
    })
}

/// A module whose tables are made by migrations of others.
pub(super) fn without_migrations(module: &Module<'_>) -> Diagnostic {
    let (file, place) = module.place();
    shared_migrations(&module.member.name).at(
        file,
        place,
        "works on tables that somebody else makes",
    )
}

/// A folder that is not the module's own: its statements would have to be given to their owners.
fn shared(
    workspace: &Workspace,
    names: &Names,
    folders: &[MigrationFolder],
    owner: &Utf8Path,
) -> Option<Diagnostic> {
    if owner_of(workspace, owner).is_some_and(|member| member.name == names.module) {
        return None;
    }
    let refusal = shared_migrations(&names.module);
    let folder = folders.iter().find(|folder| folder.path == owner);
    Some(match folder.and_then(|folder| folder.files.first()) {
        Some(first) => refusal.at(&first.path, 0..0, "in a folder outside of the module"),
        None => refusal,
    })
}

fn shared_migrations(module: &str) -> Diagnostic {
    Diagnostic::error("shared-migrations", format!("the migrations of `{module}` are not its own"))
        .note("on PostgreSQL calve carries a folder of migrations that is the module's alone")
        .help("give the module a folder of migrations and a history of its own")
}

/// The migration that drops the foreign keys of one table into the module's.
fn dropped(
    workspace: &Workspace,
    names: &Names,
    schema: &Schema,
    home: &mut MigrationFolder,
    owner: &Utf8Path,
    table: &Table,
) -> Option<NewMigration> {
    let into = |name: &Name| schema.table(name).is_some_and(|target| target.folder == owner);
    if !table.foreign_keys.iter().any(|key| into(&key.table)) {
        return None;
    }
    let name = table.name.name.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "_");
    let path = home.next_path(&format!("drop_{}_foreign_keys_of_{name}", names.module_ident));
    let text = drop_foreign_keys(schema, table, owner);
    occupy(home, &path, &text);
    Some(NewMigration {
        drops: format!("the foreign keys of `{}`", table.name),
        object: table.name.to_string(),
        text,
        history: history_of(workspace, home.runner, &path),
        strict: is_strict(workspace, home.runner, &path),
        path,
        ..NewMigration::default()
    })
}

/// The migration that runs before the first one of a folder which references the module's tables.
fn stands_in(
    workspace: &Workspace,
    names: &Names,
    schema: &Schema,
    home: &mut MigrationFolder,
    owner: &Utf8Path,
) -> Result<Option<StandIn>, Box<Diagnostic>> {
    let into = |name: &Name| schema.table(name).is_some_and(|target| target.folder == owner);
    let declared: Vec<_> = schema
        .declared
        .iter()
        .filter(|declared| declared.folder == home.path && into(&declared.key.table))
        .collect();
    let Some(first) = declared.first() else { return Ok(None) };
    let Some(path) = stand_in_path(home, &declared, &names.module_ident) else {
        return Err(Diagnostic::error(
            "foreign-key-in",
            "no migration fits before the one that references the module's tables",
        )
        .at(&first.key.place.file, first.key.place.span.clone(), "references one")
        .note(
            "a new database of the monolith runs this migration without the module's, so \
             something must be there that it can reference",
        )
        .help("calve adds a migration of a lower version that stands in for it: leave one free")
        .into());
    };
    let text = stand_in(schema, &declared, &names.display)?;
    occupy(home, &path, &text);
    let history = history_of(workspace, home.runner, &path);
    Ok(Some(StandIn { path, text, history }))
}
