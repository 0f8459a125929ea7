//! What stands on both sides: refused by a name that a person can type, or left out where it was typed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use camino::Utf8PathBuf;

use super::super::folder::MigrationFile;
use super::super::model::Place;
use super::owners::{Owners, Side};
use super::reach::Reach;
use super::statement::{Does, Statement, Thing};
use super::{Division, History};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::line_of;

/// Something that the module's set goes without, at the user's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// By what name it is typed: `view:v`, `trigger:t`, `function:f`, `foreign-key:table.column`,
    /// `file:line`.
    pub name: String,
    /// What is lost.
    pub lost: Lost,
    /// The file where it is written last, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// Its line there, from 1.
    pub line: usize,
    /// What the service may lack for it.
    pub reach: Reach,
}

impl Cut {
    /// Whether it is of a whole statement, by its place: `file:line`.
    pub(super) fn is_of_statement(&self) -> bool {
        matches!(
            self.lost,
            Lost::Rows(_)
                | Lost::Definition(_)
                | Lost::Statement
                | Lost::Object(_)
                | Lost::Untold(_)
                | Lost::User { .. }
                | Lost::Again { .. }
        )
    }
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
    /// A function that touches both sides.
    Function(String),
    /// Rows of a table of the module that are made out of the rest's.
    Rows(String),
    /// What is said of a table of the module and needs the rest: a policy, a default.
    Definition(String),
    /// A statement that changes both sides.
    Statement,
    /// A statement that changes the rest, and makes or changes something without rows that the module needs.
    Object(String),
    /// A statement that uses what one that was cut creates.
    User {
        /// What that is.
        of: String,
        /// The other cut.
        by: String,
    },
    /// A statement that creates anew what one that was cut drops.
    Again {
        /// What that is.
        of: String,
        /// The other cut.
        by: String,
    },
    /// A statement of which nobody can tell what it touches, and why.
    Untold(String),
}

/// Something that crosses, wherever it is written.
pub(super) struct Crossing {
    pub(super) cut: Cut,
    /// The statements or clauses, in the order of the history.
    pub(super) places: Vec<Place>,
    /// The tables of the other side.
    pub(super) others: Vec<String>,
}

impl History {
    /// Everything that stands on both sides, in the order of the history.
    pub(super) fn crossings(&self, division: &Division<'_>, owners: &Owners) -> Vec<Crossing> {
        let mut found: Vec<Crossing> = Vec::new();
        let unneeded = self.unneeded();
        // A function that only others need is reached through them.
        let reached = |s: &Statement| {
            s.makes
                .iter()
                .any(|object| unneeded.contains(object) || division.named.contains(object))
        };
        let touched = self.touched_by_name();
        let needed = self.objects_needed(division, owners);
        for statement in &self.statements {
            let of_name = with_overloads(statement, &touched);
            let beside = self.object_beside(statement, owners, &needed);
            for crossing in beside.map_or_else(
                || self.crossings_of(&of_name, owners, &reached),
                |crossing| vec![crossing],
            ) {
                match found.iter_mut().find(|known| known.cut.name == crossing.cut.name) {
                    Some(known) => {
                        known.places.extend(crossing.places);
                        known.cut = crossing.cut;
                    }
                    None => found.push(crossing),
                }
            }
        }
        found
    }

    /// What functions touch, by their names: those that differ in their parameters alone are taken for one,
    /// as a call does not say which it means.
    fn touched_by_name(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let mut touched: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for statement in &self.statements {
            if let Does::Function(name) = &statement.does {
                touched.entry(name).or_default().extend(statement.reads.iter().cloned());
            }
        }
        touched
    }

    /// A statement that changes tables of the rest alone, and makes or changes something without rows that
    /// the module needs: only a block does both.
    fn object_beside(
        &self,
        statement: &Statement,
        owners: &Owners,
        needed: &BTreeSet<String>,
    ) -> Option<Crossing> {
        let changed = self.tables_behind(&statement.changes);
        let is_of_rest = owners.sides(&changed) == (false, true);
        if !is_of_rest || self.is_untold(statement, owners).is_some() {
            return None;
        }
        let object = statement.makes.iter().find(|object| needed.contains(*object))?;
        let lost = Lost::Object(Thing::object(object).to_string());
        let others = changed.iter().map(|table| self.display(table)).collect();
        Some(self.crossing(self.place_name(statement), lost, statement, others))
    }

    fn crossings_of(
        &self,
        statement: &Statement,
        owners: &Owners,
        reached: &dyn Fn(&Statement) -> bool,
    ) -> Vec<Crossing> {
        let changed = self.tables_behind(&statement.changes);
        let (module, rest) = owners.sides(&changed);
        let reads = self.tables_behind(&statement.reads);
        let (reads_module, reads_rest) = owners.sides(&reads);
        let on = |wanted| {
            let side = |table: &&String| owners.side(table) == Some(wanted);
            let tables = reads.iter().chain(&changed).filter(side);
            tables.map(|table| self.display(table)).collect::<Vec<_>>()
        };
        let first = || self.display(changed.first().map_or("", String::as_str));
        let one = |name: String, lost, others| vec![self.crossing(name, lost, statement, others)];
        let calls = statement.needs.iter().any(|object| object.starts_with("function:"));
        if let Some(why) = self.is_untold(statement, owners) {
            let lost = Lost::Untold(why.to_owned());
            return one(self.place_name(statement), lost, Vec::new());
        }
        match &statement.does {
            Does::View(name) if reads_module && reads_rest && self.stays_view(name) => {
                let others = reads.iter().map(|table| self.display(table)).collect();
                let name = self.last_name(name);
                one(format!("view:{name}"), Lost::View(name), others)
            }
            Does::Trigger(name) if module && !rest && reads_rest => {
                let lost = Lost::TriggerOut(name.clone());
                one(format!("trigger:{name}"), lost, on(Side::Rest))
            }
            Does::Trigger(name) if rest && !module && reads_module && self.stays_trigger(name) => {
                let lost = Lost::TriggerIn(name.clone());
                one(format!("trigger:{name}"), lost, on(Side::Module))
            }
            Does::Function(name)
                if reads_module
                    && reads_rest
                    && reached(statement)
                    && self.stays_function(name) =>
            {
                let others = reads.iter().map(|table| self.display(table)).collect();
                one(format!("function:{name}"), Lost::Function(name.clone()), others)
            }
            Does::Rows | Does::Definition
                if self.changes_both(statement, owners) && !self.divides(statement, owners) =>
            {
                one(self.place_name(statement), Lost::Statement, on(Side::Rest))
            }
            // A function that is called changes rows of both.
            Does::Rows if changed.is_empty() && calls && reads_module && reads_rest => {
                one(self.place_name(statement), Lost::Statement, on(Side::Rest))
            }
            // So does a function that changes the module's beside what the statement changes of the rest.
            Does::Rows | Does::Definition
                if rest && !module && owners.sides(&self.tables_behind(&statement.writes)).0 =>
            {
                one(self.place_name(statement), Lost::Statement, on(Side::Rest))
            }
            Does::Rows | Does::Definition if module => {
                let mut found: Vec<Crossing> = self
                    .keys_out(statement, owners)
                    .into_iter()
                    .map(|(name, table, into, span)| {
                        let place = Place { file: statement.place.file.clone(), span };
                        let lost = Lost::ForeignKey { table, into: into.clone() };
                        self.crossing_at(name, lost, place, vec![into])
                    })
                    .collect();
                if reads_rest {
                    let lost = match statement.fills {
                        true => Lost::Rows(first()),
                        false => Lost::Definition(first()),
                    };
                    found.extend(one(self.place_name(statement), lost, on(Side::Rest)));
                }
                found
            }
            _ => Vec::new(),
        }
    }

    /// Whether a statement changes tables, or views over them alone, of both sides.
    fn changes_both(&self, statement: &Statement, owners: &Owners) -> bool {
        let sides = statement.changes.iter().map(|name| owners.sides(&self.tables_behind([name])));
        let sides: Vec<(bool, bool)> = sides.collect();
        sides.contains(&(true, false)) && sides.contains(&(false, true))
    }

    pub(super) fn crossing(
        &self,
        name: String,
        lost: Lost,
        statement: &Statement,
        others: Vec<String>,
    ) -> Crossing {
        let mut crossing = self.crossing_at(name, lost, statement.place.clone(), others);
        if crossing.cut.is_of_statement() {
            crossing.cut.reach = self.reach(statement);
        }
        crossing
    }

    fn crossing_at(&self, name: String, lost: Lost, place: Place, others: Vec<String>) -> Crossing {
        let line = self.line_of(&place);
        let cut = Cut { name, lost, file: place.file.clone(), line, reach: Reach::default() };
        Crossing { cut, places: vec![place], others }
    }

    /// Why nobody can tell whose a statement is, where nobody can.
    pub(super) fn is_untold<'s>(
        &self,
        statement: &'s Statement,
        owners: &Owners,
    ) -> Option<&'s str> {
        let of_rest = owners.sides(&self.tables_behind(&statement.changes)) == (false, true);
        let stranger = statement.stranger.as_deref().filter(|_| !of_rest);
        statement.untold.as_deref().or(stranger)
    }

    /// The foreign keys that a statement gives tables of the module into tables of the rest: by what name
    /// each is cut, its table, the one it refers to, and its clause in the file.
    fn keys_out(
        &self,
        statement: &Statement,
        owners: &Owners,
    ) -> Vec<(String, String, String, Range<usize>)> {
        let mut out = Vec::new();
        for key in &statement.keys {
            let into = self.tables_behind([&key.into]);
            if owners.is_module(&self.stands_for(&key.table)) && owners.sides(&into).1 {
                let table = self.display(&key.table);
                let name = format!("foreign-key:{table}.{}", key.from.join("+"));
                let into = into.first().map_or_else(|| key.into.clone(), |into| self.display(into));
                out.push((name, table, into, key.clause.clone()));
            }
        }
        out
    }

    /// Refuses what crosses and was not cut, and cuts that cut nothing; returns those that do.
    pub(super) fn decide(
        &self,
        division: &Division<'_>,
        crossings: Vec<Crossing>,
        owners: &Owners,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<Cut>> {
        let mut refused = false;
        let mut cut: BTreeSet<String> = BTreeSet::new();
        for wanted in division.cuts {
            if let Some(name) = meant(wanted, &crossings) {
                cut.insert(name.to_owned());
            } else {
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
            let anew = self.made_anew(&crossing.cut.lost, owners);
            let anew = anew.or_else(|| self.made_beside(&crossing.cut, owners));
            if anew.is_none() && cut.contains(&crossing.cut.name) {
                cuts.push(crossing.cut);
                continue;
            }
            refused = true;
            let mut problem = crossing.refusal();
            if let Some(place) = anew {
                problem = problem
                    .at(&place.file, place.span.clone(), "made anew here, on one side alone")
                    .help(
                        "no cut takes the one and leaves the other: drop it in a new migration, and make \
                         what there is now under another name",
                    );
            }
            diagnostics.push(problem);
        }
        (!refused).then_some(cuts)
    }

    /// The statement that makes a view or a function for the last time, where that one does not cross.
    fn made_anew(&self, lost: &Lost, owners: &Owners) -> Option<&Place> {
        let (Lost::View(lost) | Lost::Function(lost)) = lost else { return None };
        let makes = |statement: &&Statement| {
            let of_name = matches!(&statement.does,
                Does::View(name) | Does::Function(name)
                    if self.key(&self.last_name(name)) == self.key(lost));
            of_name && self.is_forward(statement)
        };
        let last = self.statements.iter().rfind(makes)?;
        let crosses = owners.sides(&self.tables_behind(&last.reads)) == (true, true);
        (!crosses).then_some(&last.place)
    }

    /// Whether a view is there in the end.
    pub(super) fn stays_view(&self, name: &str) -> bool {
        let name = self.last_name(name);
        self.left.views.iter().any(|view| self.key(view) == self.key(&name))
    }

    /// What a view is called in the end.
    fn last_name(&self, view: &str) -> String {
        let mut name = view.to_owned();
        for statement in self.statements.iter().filter(|s| self.is_forward(s)) {
            if let Does::Renames(from, to) = &statement.does
                && *from == self.key(&name)
            {
                name.clone_from(to);
            }
        }
        name
    }

    /// Whether a trigger is there in the end.
    fn stays_trigger(&self, name: &str) -> bool {
        // One of PostgreSQL has its table's name in front, which may be another by now.
        let now = |name: &str| match name.rsplit_once('.') {
            Some((table, trigger)) => format!("{}.{trigger}", self.stands_for(&self.key(table))),
            None => self.key(name),
        };
        self.left.triggers.iter().any(|trigger| now(trigger) == now(name))
    }

    /// Whether a function is there in the end.
    pub(super) fn stays_function(&self, name: &str) -> bool {
        self.left.functions.iter().any(|function| function == name)
    }

    /// `0007_seeds.up.sql:12`, with the column where another statement begins on that line; with the folder
    /// where another one has a file of that name.
    pub(super) fn place_name(&self, statement: &Statement) -> String {
        let path = &statement.place.file;
        let mut files = self.folders.iter().flat_map(|folder| &folder.files);
        let has_name = |file: &MigrationFile| file.path.file_name() == path.file_name();
        let file = match files.any(|file| file.path != *path && has_name(file)) {
            true => path.as_str(),
            false => path.file_name().unwrap_or_default(),
        };
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

    /// Where in the history something crosses first: the number of the statement.
    pub(super) fn position(&self, crossing: &Crossing) -> Option<usize> {
        let first = crossing.places.first()?;
        let is_there = |statement: &Statement| {
            let Place { file, span } = &statement.place;
            *file == first.file && (span.start..=span.end).contains(&first.span.start)
        };
        self.statements.iter().position(is_there)
    }

    fn line_of(&self, place: &Place) -> usize {
        let mut files = self.folders.iter().flat_map(|folder| &folder.files);
        let file = files.find(|file| file.path == place.file);
        file.map_or(1, |file| line_of(&file.text, place.span.start))
    }
}

/// The name of what crosses that a typed one means. A place may stand without its folder where it fits one
/// alone: so it was typed before another folder had a file of that name.
pub(super) fn meant<'c>(typed: &str, crossings: &'c [Crossing]) -> Option<&'c str> {
    let exact = crossings.iter().find(|crossing| crossing.cut.name == typed);
    let fits = |crossing: &&Crossing| {
        let folder = crossing.cut.name.strip_suffix(typed);
        crossing.cut.is_of_statement() && folder.is_some_and(|folder| folder.ends_with('/'))
    };
    let mut fitting = crossings.iter().filter(fits);
    let only = match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    };
    exact.or(only).map(|crossing| &*crossing.cut.name)
}

/// A statement that makes a function, with what all of that name touch.
fn with_overloads<'s>(
    statement: &'s Statement,
    touched: &BTreeMap<&str, BTreeSet<String>>,
) -> Cow<'s, Statement> {
    match &statement.does {
        Does::Function(name) if !statement.reads.is_empty() => {
            let reads = touched.get(&**name).cloned().unwrap_or_default();
            Cow::Owned(Statement { reads, ..statement.clone() })
        }
        _ => Cow::Borrowed(statement),
    }
}
