//! What stands on both sides: refused by a name that a person can type, or left out where it was typed.

use std::ops::Range;

use camino::Utf8PathBuf;

use super::super::definition::references;
use super::super::ear::{Does, Statement};
use super::super::model::Place;
use super::owners::Owners;
use super::{Division, History};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::line_of;

/// Something that the module's set goes without, at the user's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// By what name it is typed: `view:v`, `trigger:t`, `foreign-key:table.column`, `file:line`.
    pub name: String,
    /// What is lost.
    pub lost: Lost,
    /// The file where it is written last, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// Its line there, from 1.
    pub line: usize,
}

/// What a cut loses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// A foreign key out of a table of the module; names as created, what SQLite does on DELETE.
    ForeignKey {
        /// The module's table.
        table: String,
        /// The table that it refers to.
        into: String,
    },
    /// A view over both sides.
    View(String),
    /// A trigger that fires on a table of the module and reaches the rest.
    TriggerOut(String),
    /// A trigger of the rest that reaches a table of the module.
    TriggerIn(String),
    /// Rows of a table of the module that are made out of the rest's.
    Rows(String),
}

/// Something that crosses, wherever it is written.
pub(super) struct Crossing {
    pub(super) cut: Cut,
    /// The statements or clauses, in the order of the history.
    places: Vec<Place>,
    /// The tables of the other side.
    others: Vec<String>,
}

impl History {
    /// Everything that stands on both sides, in the order of the history.
    pub(super) fn crossings(&self, owners: &Owners) -> Vec<Crossing> {
        let mut found: Vec<Crossing> = Vec::new();
        let mut add = |name: String, lost, place: Place, others: Vec<String>| {
            let line = self.line_of(&place);
            let cut = Cut { name, lost, file: place.file.clone(), line };
            match found.iter_mut().find(|crossing| crossing.cut.name == cut.name) {
                Some(known) => {
                    known.places.push(place);
                    known.cut = cut;
                }
                None => found.push(Crossing { cut, places: vec![place], others }),
            }
        };
        for statement in &self.statements {
            let place = statement.place.clone();
            let changed = self.tables_behind(&statement.changes);
            let (module, rest) = owners.sides(&changed);
            let reads = self.tables_behind(&statement.reads);
            let (reads_module, reads_rest) = owners.sides(&reads);
            let on = |wanted| {
                let side = |table: &&String| owners.side(table) == Some(wanted);
                reads.iter().filter(side).map(|table| self.display(table)).collect::<Vec<_>>()
            };
            match &statement.does {
                Does::View(name) if reads_module && reads_rest && self.stays_view(name) => {
                    let others = reads.iter().map(|table| self.display(table)).collect();
                    add(format!("view:{name}"), Lost::View(name.clone()), place, others);
                }
                Does::Trigger(name) => {
                    if module && !rest && reads_rest {
                        let others = on(super::owners::Side::Rest);
                        let lost = Lost::TriggerOut(name.clone());
                        add(format!("trigger:{name}"), lost, place, others);
                    } else if rest && !module && reads_module && self.stays_trigger(name) {
                        let others = on(super::owners::Side::Module);
                        let lost = Lost::TriggerIn(name.clone());
                        add(format!("trigger:{name}"), lost, place, others);
                    }
                }
                Does::Rows | Does::Definition if module => {
                    for (name, into, clause) in self.keys_out(statement, owners) {
                        let table = self.display(changed.first().map_or("", String::as_str));
                        let lost = Lost::ForeignKey { table, into: into.clone() };
                        let place = Place { file: place.file.clone(), span: clause };
                        add(name, lost, place, vec![into]);
                    }
                    if reads_rest {
                        let table = self.display(changed.first().map_or("", String::as_str));
                        let others = on(super::owners::Side::Rest);
                        add(self.place_name(statement), Lost::Rows(table), place, others);
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The foreign keys that a statement gives a table of the module into tables of the rest: by what
    /// name each is cut, the table it refers to, and its clause in the file.
    pub(super) fn keys_out(
        &self,
        statement: &Statement,
        owners: &Owners,
    ) -> Vec<(String, String, Range<usize>)> {
        let Some((table, found)) = references(self.text(statement)) else { return Vec::new() };
        let start = statement.place.span.start;
        let table = self.display(&table.to_ascii_lowercase());
        let mut out = Vec::new();
        for key in found {
            let into = self.tables_behind([&key.table.to_ascii_lowercase()]);
            if owners.sides(&into).1 {
                let name = format!("foreign-key:{table}.{}", key.from.join("+"));
                let into =
                    into.first().map_or_else(|| key.table.clone(), |into| self.display(into));
                out.push((name, into, start + key.clause.start..start + key.clause.end));
            }
        }
        out
    }

    /// Refuses what crosses and was not cut, and cuts that cut nothing; returns those that do.
    pub(super) fn decide(
        &self,
        division: &Division<'_>,
        crossings: Vec<Crossing>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<Cut>> {
        let mut refused = false;
        for wanted in division.cuts {
            if !crossings.iter().any(|crossing| crossing.cut.name == *wanted) {
                refused = true;
                let mut problem = Diagnostic::error(
                    "unknown-cut",
                    format!("`--cut {wanted}` names nothing that crosses the boundary"),
                )
                .note("only what stands on both sides can be left out; the rest is carried");
                problem = if crossings.is_empty() {
                    problem.help("leave the option out: nothing in this history crosses")
                } else {
                    let names = crossings.iter().map(|crossing| format!("`{}`", crossing.cut.name));
                    problem.help(format!("these do: {}", names.collect::<Vec<_>>().join(", ")))
                };
                diagnostics.push(problem);
            }
        }
        let mut cuts = Vec::new();
        for crossing in crossings {
            if division.cuts.contains(&crossing.cut.name) {
                cuts.push(crossing.cut);
            } else {
                refused = true;
                diagnostics.push(crossing.refusal());
            }
        }
        (!refused).then_some(cuts)
    }

    /// Whether a view is there in the end.
    pub(super) fn stays_view(&self, name: &str) -> bool {
        self.schema.views.iter().any(|view| view.name.eq_ignore_ascii_case(name))
    }

    /// Whether a trigger is there in the end.
    fn stays_trigger(&self, name: &str) -> bool {
        self.schema.triggers().any(|trigger| trigger.name.eq_ignore_ascii_case(name))
    }

    /// `0007_seeds.up.sql:12`, with the column where another statement begins on that line.
    pub(super) fn place_name(&self, statement: &Statement) -> String {
        let file = statement.place.file.file_name().unwrap_or_default();
        let line = self.line(statement);
        let twins = self
            .statements
            .iter()
            .filter(|other| other.place.file == statement.place.file && self.line(other) == line);
        if twins.count() < 2 {
            return format!("{file}:{line}");
        }
        let text = self.file(statement).map_or("", |file| &*file.text);
        let before = &text[..statement.place.span.start];
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{file}:{line}:{column}")
    }

    fn line_of(&self, place: &Place) -> usize {
        let mut files = self.folders.iter().flat_map(|folder| &folder.files);
        let file = files.find(|file| file.path == place.file);
        file.map_or(1, |file| line_of(&file.text, place.span.start))
    }
}

impl Crossing {
    fn refusal(&self) -> Diagnostic {
        let others =
            self.others.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let (code, message, label, why, instead) = match &self.cut.lost {
            Lost::ForeignKey { table, into } => (
                "foreign-key-out",
                format!("`{table}` has a foreign key into `{into}`, which stays with the monolith"),
                "this one",
                format!(
                    "the service's database will not have `{into}`: nothing there can check the \
                     reference, nor act when a row of `{into}` goes"
                ),
                format!("drop it in a migration and check `{into}` in code"),
            ),
            Lost::View(name) => (
                "view-crosses",
                format!("the view `{name}` reads both sides: {others}"),
                "this view",
                "the two sides have a database each afterwards, and no statement reaches both"
                    .into(),
                "drop it in a migration and join in code, through the API trait".into(),
            ),
            Lost::TriggerOut(name) | Lost::TriggerIn(name) => (
                "trigger-crosses",
                format!("the trigger `{name}` reaches over the boundary, to {others}"),
                "this trigger",
                "the two sides have a database each afterwards, and no statement reaches both"
                    .into(),
                "drop it in a migration and do its work in code, through the API trait".into(),
            ),
            Lost::Rows(table) => (
                "migration-crosses",
                format!("rows of `{table}` are made out of {others}"),
                "this statement",
                format!("the service runs the module's migrations on a database without {others}"),
                "let a person copy such rows: the runbook copies what a deployed database has"
                    .into(),
            ),
        };
        let mut problem = Diagnostic::error(code, message);
        for place in self.places.iter().rev() {
            problem = problem.at(&place.file, place.span.clone(), label);
        }
        let loses = match &self.cut.lost {
            Lost::ForeignKey { .. } => "to go without it",
            Lost::View(_) | Lost::TriggerIn(_) => {
                "to go without it (the monolith drops it as well)"
            }
            Lost::TriggerOut(_) => "to go without it",
            Lost::Rows(_) => "to leave it out of the service's set",
        };
        problem.note(why).help(format!("{instead}; or, {loses}: --cut {}", shell(&self.cut.name)))
    }
}

/// A name as a shell takes it.
fn shell(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_.:+-".contains(c);
    if name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}
