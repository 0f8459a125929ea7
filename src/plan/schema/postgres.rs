//! The same on PostgreSQL, where the schema is read without a server.

use camino::Utf8Path;

use super::added::{NewMigration, occupy};
use super::history::{history_of, is_own, is_strict};
use super::{SchemaPlan, StandIn, terminated};
use crate::analysis::composition::Migrator;
use crate::analysis::schema::postgres::{
    self, ForeignKey, Kind, Name, Schema, Sort, Space, Table, crossings, drop_foreign_keys,
    restore_foreign_keys, stand_in, stand_in_path,
};
use crate::analysis::schema::{self, CopyPlan, Divided, Lost, MigrationFolder, Place};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::Names;
use crate::workspace::Workspace;

/// What the runbook names.
#[derive(Debug, Clone)]
pub struct PostgresPlan {
    /// The tables that move, in order of creation.
    pub tables: Vec<Name>,
    /// The views that go with them.
    pub views: Vec<Name>,
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
    let mut added = Vec::new();
    for home in folders.iter_mut().filter(|folder| folder.path != owner) {
        let path = home.path.clone();
        let into = |key: &ForeignKey| {
            schema.table(&key.table).is_some_and(|target| target.folder == owner)
        };
        let mut adder = Adder { workspace, names, home, added: Vec::new() };
        for table in schema.tables.iter().filter(|table| table.folder == path) {
            adder.drop_foreign_keys(table, &into);
        }
        added.append(&mut adder.added);
        // Last: a new migration comes after the last of the folder.
        match stands_in(workspace, names, &schema, home, owner) {
            Ok(stand_in) => stand_ins.extend(stand_in),
            Err(problem) => {
                diagnostics.push(*problem);
                return None;
            }
        }
    }
    let history = migrator.table.as_deref().filter(|table| is_own(workspace, owner, table));
    let plan = described(&schema, owner, names, history, added);
    let postgres =
        plan.postgres.map(|plan| PostgresPlan { only_searched: found.only_searched, ..plan });
    Some(SchemaPlan { stand_ins, postgres, ..plan })
}

/// Decides of a history that modules share, where the module's objects belong to `to`.
pub(super) fn plan_shared(
    workspace: &Workspace,
    names: &Names,
    divided: &Divided,
    schema: &Schema,
    to: &Utf8Path,
) -> SchemaPlan {
    let mut folders = schema.folders.clone();
    let mut added = Vec::new();
    let is_module = |name: &Name| schema.table(name).is_some_and(|table| table.folder == to);
    let shared = divided.folder.as_path();
    for home in &mut folders {
        let path = home.path.clone();
        let is_shared = path == shared;
        let mut adder = Adder { workspace, names, home, added: Vec::new() };
        if is_shared {
            adder.drop_cuts(schema, divided);
        }
        // Rows of the old tables would go on holding rows of the others, or go with them.
        let of_module = schema.owned(to).filter(|_| is_shared);
        for table in schema.tables.iter().filter(|table| table.folder == path).chain(of_module) {
            let own = table.folder == to;
            adder.drop_foreign_keys(table, &|key| is_module(&key.table) != own);
        }
        added.append(&mut adder.added);
    }
    described(schema, to, names, None, added)
}

/// What documents say of the tables that `owner` made; `history` is its own table of migrations.
fn described(
    schema: &Schema,
    owner: &Utf8Path,
    names: &Names,
    history: Option<&str>,
    added: Vec<NewMigration>,
) -> SchemaPlan {
    let lock = format!("{}_has_moved", names.module_ident);
    let tables: Vec<Name> = schema.owned(owner).map(|table| table.name.clone()).collect();
    let foreign_tables = schema.tables.iter().filter(|table| table.folder != owner);
    let of = |own: bool, kinds: &'static [Kind]| {
        let objects = schema.objects.iter().filter(move |object| kinds.contains(&object.kind));
        let objects = objects.filter(move |object| (object.folder == owner) == own);
        objects.map(|object| object.name.clone())
    };
    const VIEWS: &[Kind] = &[Kind::View, Kind::MaterializedView];
    let views: Vec<Name> = of(true, VIEWS).collect();
    SchemaPlan {
        added,
        clean_up: postgres::drop_owned(schema, owner, history, &lock),
        tables: tables.iter().map(Name::to_string).collect(),
        views: views.iter().map(Name::to_string).collect(),
        triggers: Vec::new(),
        old_triggers: Vec::new(),
        copy: CopyPlan { tables: Vec::new(), circular: false, rebuilt: Vec::new() },
        foreign_tables: foreign_tables.map(|table| table.name.to_string()).collect(),
        foreign_views: of(false, VIEWS).map(|name| name.to_string()).collect(),
        shared: None,
        stand_ins: Vec::new(),
        postgres: Some(PostgresPlan {
            tables,
            views,
            sequences: of(true, &[Kind::Sequence]).collect(),
            lock,
            only_searched: Vec::new(),
        }),
    }
}

/// Adds migrations behind those of a folder.
struct Adder<'a> {
    workspace: &'a Workspace,
    names: &'a Names,
    home: &'a mut MigrationFolder,
    added: Vec<NewMigration>,
}

impl Adder<'_> {
    /// Drops those foreign keys of a table that `go`.
    fn drop_foreign_keys(&mut self, table: &Table, go: &dyn Fn(&ForeignKey) -> bool) {
        if !table.foreign_keys.iter().any(go) {
            return;
        }
        let description =
            format!("drop_{}_foreign_keys_of_{}", self.names.module_ident, table.name.name);
        self.add(
            &description,
            restore_foreign_keys(table, go),
            NewMigration {
                drops: format!("the foreign keys of `{}`", table.name),
                object: table.name.to_string(),
                text: drop_foreign_keys(table, go),
                ..NewMigration::default()
            },
        );
    }

    /// Drops what neither side has afterwards.
    fn drop_cuts(&mut self, schema: &Schema, divided: &Divided) {
        // A view may read one that was made before it.
        for cut in divided.cuts.iter().rev() {
            let (what, sort, name) = match &cut.lost {
                Lost::View(name) => ("view", Sort::View, name),
                Lost::Function(name) => ("function", Sort::Function, name),
                Lost::TriggerIn(name) => ("trigger", Sort::Trigger, name),
                _ => continue,
            };
            let (Some(made), Some(sql)) = (made(schema, sort, name), dropping(schema, sort, name))
            else {
                continue;
            };
            let why = "-- What it worked on moves to a service, with a database of its own.";
            let back = [made.clone()].into_iter().chain(said_of(schema, sort, name));
            self.add(
                &format!("drop_{name}"),
                back.map(|sql| format!("{sql}\n")).collect(),
                NewMigration {
                    drops: format!("the {what} `{name}`"),
                    object: name.clone(),
                    text: format!("{why}\n{sql}\n"),
                    restores: Some(made),
                    ..NewMigration::default()
                },
            );
        }
    }

    /// Finds its place in the history, and how that is kept.
    fn add(&mut self, description: &str, back: String, migration: NewMigration) {
        let description = description.to_lowercase();
        let description = description.replace(|c: char| !c.is_alphanumeric() && c != '_', "_");
        let path = self.home.next_path(&description);
        occupy(self.home, &path, &migration.text);
        let down = path.as_str().strip_suffix(".up.sql").map(|stem| format!("{stem}.down.sql"));
        self.added.push(NewMigration {
            history: history_of(self.workspace, self.home.runner, &path),
            strict: is_strict(self.workspace, self.home.runner, &path),
            back: down.map(|down| (down.into(), back)),
            path,
            ..migration
        });
    }
}

/// The statement that made something last, as it is written. A trigger is named with its table.
fn made(schema: &Schema, sort: Sort, name: &str) -> Option<String> {
    text_of(schema, maker(schema, sort, name)?.1)
}

/// What was said later of a view or a function alone: comments, privileges, other names of its columns, its
/// indexes.
fn said_of(schema: &Schema, sort: Sort, name: &str) -> Vec<String> {
    let space = match sort {
        Sort::View => Space::Relation,
        Sort::Function => Space::Function,
        _ => return Vec::new(),
    };
    let Some((at, _)) = maker(schema, sort, name) else { return Vec::new() };
    let names = schema.names_of(space, name);
    let is_of_it = |statement: &&postgres::Statement| {
        if statement.sort != Sort::Remark {
            return false;
        }
        let named = statement.mentions.iter().filter(|mention| mention.space == space);
        let named: Vec<String> = named.map(|mention| mention.name.to_string()).collect();
        !named.is_empty() && named.iter().all(|name| names.contains(name))
    };
    let later = schema.statements[at + 1..].iter().filter(is_of_it);
    later.filter_map(|statement| text_of(schema, statement)).collect()
}

/// The statement that made something last, with its number.
fn maker<'s>(
    schema: &'s Schema,
    sort: Sort,
    name: &str,
) -> Option<(usize, &'s postgres::Statement)> {
    let names = schema.names_of(Space::Relation, name);
    let is_it = |(_, statement): &(usize, &postgres::Statement)| {
        let Some(subject) = &statement.subject else { return false };
        statement.sort == sort
            && match (sort, name.rsplit_once('.')) {
                (Sort::Trigger, Some((table, trigger))) => {
                    let on = |mention: &postgres::Mention| mention.name.to_string() == table;
                    subject.name == trigger && statement.mentions.iter().any(on)
                }
                (Sort::View, _) => names.contains(&subject.to_string()),
                _ => subject.to_string() == name,
            }
    };
    schema.statements.iter().enumerate().rev().find(is_it)
}

/// A statement as it is written.
fn text_of(schema: &Schema, statement: &postgres::Statement) -> Option<String> {
    let place = &statement.place;
    let mut files = schema.folders.iter().flat_map(|folder| &folder.files);
    let text = &files.find(|file| file.path == place.file)?.text;
    Some(terminated(text.get(place.span.clone())?))
}

/// The statement that drops it.
fn dropping(schema: &Schema, sort: Sort, name: &str) -> Option<String> {
    if sort == Sort::Trigger {
        let (table, trigger) = name.rsplit_once('.')?;
        let table = schema.tables.iter().find(|known| known.name.to_string() == table)?;
        return Some(format!(
            "DROP TRIGGER IF EXISTS {} ON {};",
            postgres::identifier(trigger),
            table.name.sql()
        ));
    }
    let object = schema.objects.iter().rev().find(|object| object.name.to_string() == name)?;
    let what = match object.kind {
        Kind::MaterializedView => "MATERIALIZED VIEW",
        Kind::Procedure => "PROCEDURE",
        Kind::Function => "FUNCTION",
        _ => "VIEW",
    };
    Some(format!("DROP {what} IF EXISTS {}{};", object.name.sql(), object.parameters))
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
