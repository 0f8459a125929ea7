//! The same on PostgreSQL, where the schema is read without a server.

use camino::Utf8Path;

use super::history::{history_of, is_own, is_strict};
use super::{NewMigration, SchemaPlan, StandIn};
use crate::analysis::composition::Migrator;
use crate::analysis::module::Module;
use crate::analysis::schema::postgres::{
    self, Kind, Name, Schema, Table, crossings, drop_foreign_keys, stand_in, stand_in_path,
};
use crate::analysis::schema::{
    self, CopyPlan, MigrationFile, MigrationFolder, MigrationKind, Place,
};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::Names;
use crate::workspace::Workspace;

/// What the runbook names.
#[derive(Debug, Clone)]
pub struct PostgresPlan {
    /// The tables that move, in order of creation.
    pub tables: Vec<Name>,
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
    let schema = Schema::of(&folders).map_err(&mut take).ok()?;
    let found = crossings(&schema, owner);
    if !found.refused.is_empty() {
        found.refused.into_iter().for_each(|d| diagnostics.push(d));
        return None;
    }
    let mut stand_ins = Vec::new();
    let mut drops = Vec::new();
    for home in folders.iter_mut().filter(|folder| folder.path != owner) {
        let path = home.path.clone();
        for table in schema.tables.iter().filter(|table| table.folder == path) {
            drops.extend(dropped(workspace, names, &schema, home, owner, table));
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
    let sequences = schema
        .objects
        .iter()
        .filter(|object| object.kind == Kind::Sequence && object.folder == owner)
        .map(|object| object.name.clone());
    Some(SchemaPlan {
        added: drops,
        clean_up: postgres::drop_owned(&schema, owner, history, &lock),
        tables: tables.iter().map(|name| name.name.clone()).collect(),
        views: Vec::new(),
        triggers: Vec::new(),
        old_triggers: Vec::new(),
        shared: None,
        copy: CopyPlan { tables: Vec::new(), circular: false, rebuilt: Vec::new() },
        foreign_tables: schema
            .tables
            .iter()
            .filter(|table| table.folder != owner)
            .map(|table| table.name.name.clone())
            .collect(),
        stand_ins,
        postgres: Some(PostgresPlan {
            tables,
            sequences: sequences.collect(),
            lock,
            only_searched: found.only_searched,
        }),
    })
}

/// A module on PostgreSQL that embeds no migrations, where others have some.
pub(in crate::plan) fn shared_history(module: &Module<'_>) -> Diagnostic {
    let implementation = &module.implementation;
    Diagnostic::error(
        "shared-migrations",
        format!("`{}` embeds no migrations of its own", module.member.name),
    )
    .at(
        implementation.file,
        implementation.name_range(),
        "works on tables that somebody else makes",
    )
    .note("on PostgreSQL calve does not give the statements of a history to their owners")
    .help("give the module a folder of migrations and embed it with `sqlx::migrate!`")
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
    let (history, strict) = (history_of(workspace, &path), is_strict(workspace, &path));
    Some(NewMigration {
        drops: format!("the foreign keys of `{}`", table.name),
        object: table.name.to_string(),
        path,
        text,
        history,
        strict,
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
    let history = history_of(workspace, &path);
    Ok(Some(StandIn { path, text, history }))
}
