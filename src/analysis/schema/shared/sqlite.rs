//! A shared history on SQLite, which says itself what each statement does.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::super::definition::references;
use super::super::folder::{MigrationFolder, MigrationKind};
use super::super::model::{Schema, TableKind};
use super::super::run::{Bench, one};
use super::statement::{Does, Item, Key, Piece, Statement, Thing};
use super::{Dialect, Divided, Division, History, Left};
use crate::analysis::sql::lex;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// A history, and what is there after it.
pub struct OnSqlite {
    history: History,
    /// Every object still belongs to the folder that made it.
    schema: Schema,
}

impl OnSqlite {
    /// Runs all migrations, forward and back, and listens to every statement.
    ///
    /// # Errors
    /// A statement that SQLite rejects, at its place; so also in what takes a migration back.
    pub fn read(folders: &[MigrationFolder]) -> Result<Self, Diagnostics> {
        let schema = Schema::of(folders)?;
        let mut bench = Bench::listening().map_err(one)?;
        let mut statements = Vec::new();
        for (at, path) in schema.running_order() {
            let folder = &folders[at];
            let Some(file) = folder.forward().find(|file| file.path == *path) else { continue };
            bench.apply(at, file, None).map_err(one)?;
            statements.append(&mut bench.heard);
            let back = folder
                .files
                .iter()
                .find(|f| f.kind == MigrationKind::Down && f.version == file.version);
            if let Some(back) = back {
                let mut aside = bench.copy().map_err(one)?;
                aside.apply(at, back, None).map_err(one)?;
                statements.append(&mut aside.heard);
            }
        }
        let files = || folders.iter().flat_map(|folder| &folder.files);
        for statement in &mut statements {
            let file = files().find(|file| file.path == statement.place.file);
            let text = file.and_then(|file| file.text.get(statement.place.span.clone()));
            complete(statement, text.unwrap_or_default());
        }
        let tables = schema.tables.iter().filter(|table| table.kind != TableKind::Shadow);
        let parts = schema
            .tables
            .iter()
            .filter_map(|table| Some((table.name.clone(), schema.virtual_of(table)?.name.clone())));
        let left = Left {
            tables: tables.map(|table| table.name.clone()).collect(),
            parts: parts.collect(),
            views: schema.views.iter().map(|view| view.name.clone()).collect(),
            triggers: schema.triggers().map(|trigger| trigger.name.clone()).collect(),
            functions: Vec::new(),
            sequences: Vec::new(),
        };
        let history = History::of(Dialect::Sqlite, folders, statements, left);
        Ok(Self { history, schema })
    }

    /// The statements, and whose they are.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Divides it, and gives the monolith's schema, where the module's objects belong to the folder of its
    /// set.
    ///
    /// None as for [`History::divide`], and where SQLite rejects one of the module's statements without
    /// the others.
    pub fn divide(
        &self,
        division: &Division<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<(Divided, Schema)> {
        let divided = self.history.divide(division, diagnostics)?;
        stands_alone(&divided.alone, division, diagnostics)?;
        let schema = self.given(&divided, division.to);
        Some((divided, schema))
    }

    /// Lets the module's objects belong to its set.
    fn given(&self, divided: &Divided, to: &Utf8Path) -> Schema {
        let mut schema = self.schema.clone();
        let ours = |name: &str| self.history.owns(divided, name);
        for table in &mut schema.tables {
            if ours(&table.name) {
                table.folder = to.to_owned();
                table.indexes.iter_mut().for_each(|index| index.folder = to.to_owned());
                table.triggers.iter_mut().for_each(|trigger| trigger.folder = to.to_owned());
            }
        }
        for view in schema.views.iter_mut().filter(|view| ours(&view.name)) {
            view.folder = to.to_owned();
            view.triggers.iter_mut().for_each(|trigger| trigger.folder = to.to_owned());
        }
        schema
    }
}

/// What SQLite does not say of a statement and its text does.
fn complete(statement: &mut Statement, sql: &str) {
    if let Some((table, found)) = references(sql) {
        let key = |found: super::super::definition::Reference| {
            let start = statement.place.span.start;
            Key {
                table: table.to_ascii_lowercase(),
                from: found.from,
                into: found.table.to_ascii_lowercase(),
                clause: start + found.clause.start..start + found.clause.end,
            }
        };
        statement.keys = found.into_iter().map(key).collect();
    }
    if statement.does == Does::Definition {
        statement.about.extend(dropped(sql));
    }
    // Definitions fill tables that they make.
    statement.fills = matches!(statement.does, Does::Rows | Does::Definition);
    let relations = |names: &BTreeSet<String>| names.iter().map(Thing::relation).collect();
    let tokens = lex(sql);
    let first = |word: &str| tokens.first().is_some_and(|token| token.is(sql, word));
    let is_of_table = tokens.iter().take(3).any(|token| token.is(sql, "TABLE"));
    match &statement.does {
        Does::Definition if first("CREATE") && is_of_table => {
            statement.creates = relations(&statement.changes);
        }
        Does::Renames(from, to) => {
            statement.creates = BTreeSet::from([Thing::relation(to)]);
            statement.drops = BTreeSet::from([Thing::relation(from)]);
        }
        Does::Definition if first("DROP") && is_of_table => {
            let item = |name| {
                let (span, thing) = (statement.place.span.clone(), Some(Thing::relation(name)));
                Item { span, comma: None, about: None, thing }
            };
            statement.drops = relations(&statement.changes);
            let items = statement.changes.iter().map(item).collect();
            statement.pieces = vec![Piece::List(items)];
            return;
        }
        _ => {}
    }
    let used: BTreeSet<Thing> =
        relations(&statement.changes.union(&statement.reads).cloned().collect());
    statement.uses = used.difference(&statement.creates).cloned().collect();
}

/// `DROP VIEW v`, `DROP TRIGGER IF EXISTS main.t`: the name of its cut.
fn dropped(sql: &str) -> Option<String> {
    let tokens = lex(sql);
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(sql, word));
    let kind = ["view", "trigger"].into_iter().find(|kind| is(1, kind))?;
    let name = tokens.last().filter(|_| is(0, "DROP"))?.name(sql)?;
    Some(format!("{kind}:{}", name.to_ascii_lowercase()))
}

/// Runs the module's statements without the others, where they stand in the history.
fn stands_alone(
    alone: &MigrationFolder,
    division: &Division<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<()> {
    let Err(problems) = OnSqlite::read(std::slice::from_ref(alone)).map(drop) else {
        return Some(());
    };
    for problem in problems.iter() {
        diagnostics.push(Diagnostic {
            code: "migration-crosses",
            message: format!(
                "this statement of `{}` needs the other side of the cut: {}",
                division.module, problem.message
            ),
            notes: [
                vec!["the service runs the module's statements on a database of its own".into()],
                problem.notes.clone(),
            ]
            .concat(),
            help: Some("make the module's tables stand alone in a new migration first".into()),
            ..problem.clone()
        });
    }
    None
}
