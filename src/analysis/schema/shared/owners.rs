//! Whose a table is: the module's whose code names it; where no code does, that of the tables that SQL
//! ties it to.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use camino::Utf8PathBuf;

use super::super::model::Place;
use super::statement::{About, Does, Statement};
use super::{Division, History};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// A place in code that names a table or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The table's name, in any case.
    pub table: String,
    /// Whether it is the module's code.
    pub by_module: bool,
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// The literal.
    pub range: Range<usize>,
    /// Its line, from 1.
    pub line: usize,
    /// The file with the SQL, relative to the workspace root, where a macro names it.
    pub included: Option<Utf8PathBuf>,
}

/// A table of the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedTable {
    /// As created.
    pub name: String,
    /// What says so.
    pub because: Because,
}

/// What says that a table is the module's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// The module's code: file and line.
    Code(Utf8PathBuf, usize),
    /// A statement that ties it to another table of the module: file and line.
    Sql(Utf8PathBuf, usize),
    /// The module's manifest.
    Declared,
}

/// The two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Module,
    Rest,
}

/// Whose each table is, by the name that stands for it.
#[derive(Debug, Clone)]
pub(super) struct Owners {
    sides: BTreeMap<String, (Side, Because)>,
}

impl Owners {
    /// Whose a table is.
    pub(super) fn side(&self, table: &str) -> Option<Side> {
        self.sides.get(table).map(|(side, _)| *side)
    }

    /// Whether a table is the module's.
    pub(super) fn is_module(&self, table: &str) -> bool {
        self.side(table) == Some(Side::Module)
    }

    /// Why.
    pub(super) fn because(&self, table: &str) -> Option<&Because> {
        self.sides.get(table).map(|(_, because)| because)
    }

    /// Whether any, and whether another one of tables is on a side.
    pub(super) fn sides<'t>(&self, tables: impl IntoIterator<Item = &'t String>) -> (bool, bool) {
        let sides: BTreeSet<_> = tables.into_iter().filter_map(|table| self.side(table)).collect();
        (sides.contains(&Side::Module), sides.contains(&Side::Rest))
    }
}

impl History {
    /// Finds the owner of every table; none where one cannot be told.
    pub(super) fn owners(
        &self,
        division: &Division<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Owners> {
        let all: BTreeSet<&String> = self.tables.values().collect();
        let mut owners = Owners { sides: BTreeMap::new() };
        if let Some(declared) = division.declared {
            let named = declared.iter().filter_map(|name| self.tables.get(&self.key(name)));
            let ours: BTreeSet<&String> = named.collect();
            // Nobody has to declare what is temporary, or a sequence: it goes with what it is for.
            let sequences: BTreeSet<String> =
                self.left.sequences.iter().map(|name| self.stands_for(&self.key(name))).collect();
            let is_loose = |table: &&String| {
                table.starts_with("temp.") || sequences.contains(*table) && !ours.contains(table)
            };
            let (loose, lasting): (BTreeSet<_>, BTreeSet<_>) = all.into_iter().partition(is_loose);
            for table in lasting {
                let side = if ours.contains(table) { Side::Module } else { Side::Rest };
                owners.sides.insert(table.clone(), (side, Because::Declared));
            }
            for table in self.tied(&loose, &mut owners) {
                owners.sides.insert(table, (Side::Rest, Because::Declared));
            }
            let by_both = self.is_counted_by_both(&owners, diagnostics);
            return (!by_both).then_some(owners);
        }
        let mut refused = false;
        for table in &all {
            match self.named(division, table) {
                Ok(None) => {}
                Ok(Some(side)) => drop(owners.sides.insert((*table).clone(), side)),
                Err(problem) => {
                    refused = true;
                    diagnostics.push(problem);
                }
            }
        }
        if refused {
            return None;
        }
        let nobodys = self.tied(&all, &mut owners);
        if self.is_counted_by_both(&owners, diagnostics) {
            return None;
        }
        if nobodys.is_empty() {
            return Some(owners);
        }
        diagnostics.push(self.nobody(division, &nobodys, &owners));
        None
    }

    /// Refuses sequences that count for tables of both sides; whether there are any.
    fn is_counted_by_both(&self, owners: &Owners, diagnostics: &mut Diagnostics) -> bool {
        let mut found = false;
        for sequence in &self.left.sequences {
            let own = self.stands_for(&self.key(sequence));
            let own_side = owners.side(&own);
            let mut places: Vec<(Side, &Place)> =
                own_side.into_iter().filter_map(|side| Some((side, self.made(&own)?))).collect();
            for statement in &self.statements {
                let mut tables = self.ties(statement);
                // `DROP SEQUENCE a, b` ties nothing.
                let is_listed =
                    statement.items().any(|item| item.about == Some(About::Table(own.clone())));
                if !tables.remove(&own) || is_listed {
                    continue;
                }
                let (module, rest) = owners.sides(&tables);
                for (side, there) in [(Side::Module, module), (Side::Rest, rest)] {
                    if there && !places.iter().any(|(known, _)| *known == side) {
                        places.push((side, &statement.place));
                    }
                }
            }
            let [(_, one), (_, other)] = places.as_slice() else { continue };
            found = true;
            diagnostics.push(
                Diagnostic::error(
                    "table-of-both",
                    format!("the sequence `{sequence}` counts on both sides"),
                )
                .at(&one.file, one.span.clone(), "here")
                .at(&other.file, other.span.clone(), "and here")
                .note("afterwards each database counts by itself, and a number is given twice")
                .help("give one side a sequence of its own in a new migration, or keys that need none"),
            );
        }
        found
    }

    /// Whose code names a table.
    fn named(
        &self,
        division: &Division<'_>,
        table: &str,
    ) -> Result<Option<(Side, Because)>, Diagnostic> {
        let about = |e: &&Evidence| {
            self.tables.get(&self.key(&e.table)).is_some_and(|stands| stands == table)
        };
        let found: Vec<&Evidence> = division.evidence.iter().filter(about).collect();
        let first = |by_module: bool| found.iter().find(|e| e.by_module == by_module);
        match (first(true), first(false)) {
            (None, None) => Ok(None),
            (Some(e), None) => Ok(Some((Side::Module, Because::Code(e.file.clone(), e.line)))),
            (None, Some(e)) => Ok(Some((Side::Rest, Because::Code(e.file.clone(), e.line)))),
            (Some(_), Some(_)) => {
                let name = self.display(table);
                let mut problem = Diagnostic::error(
                    "table-of-both",
                    format!("`{name}` is named by `{}` and by others", division.module),
                );
                for e in found {
                    let by = if e.by_module { "by the module" } else { "by another" };
                    let label = match &e.included {
                        Some(file) => format!("{by}, in `{file}`"),
                        None => by.to_owned(),
                    };
                    problem = problem.at(&e.file, e.range.clone(), label);
                }
                Err(problem
                    .note("afterwards the table is in one database, and the other side cannot ask it")
                    .help(format!(
                        "if it is the module's, let the others ask through its trait; the manifest \
                         of `{}` can say which tables it has, all of them: [package.metadata.calve] \
                         tables = [\"{name}\", …]",
                        division.module
                    )))
            }
        }
    }

    /// Gives tables that no code names to the side of those that SQL ties them to; returns those that
    /// are tied to nothing, or to both sides.
    fn tied(&self, all: &BTreeSet<&String>, owners: &mut Owners) -> Vec<String> {
        let ties: Vec<(BTreeSet<String>, &Statement)> =
            self.statements.iter().map(|statement| (self.ties(statement), statement)).collect();
        loop {
            let mut found = Vec::new();
            for table in all.iter().filter(|table| owners.side(table).is_none()) {
                let tied = ties.iter().filter(|(tables, _)| tables.contains(table.as_str()));
                let known = |(tables, statement): &(BTreeSet<String>, &'_ Statement)| {
                    let (module, rest) = owners.sides(tables);
                    let place = (statement.place.file.clone(), self.line(statement));
                    [(module, Side::Module), (rest, Side::Rest)]
                        .into_iter()
                        .filter(|(there, _)| *there)
                        .map(|(_, side)| (side, place.clone()))
                        .collect::<Vec<_>>()
                };
                let known: Vec<_> = tied.flat_map(known).collect();
                if let Some((side, (file, line))) = known.first()
                    && known.iter().all(|(other, _)| other == side)
                {
                    found.push(((*table).clone(), (*side, Because::Sql(file.clone(), *line))));
                }
            }
            if found.is_empty() {
                found = self.temporary(all, owners);
            }
            if found.is_empty() {
                break;
            }
            owners.sides.extend(found);
        }
        all.iter().filter(|t| owners.side(t).is_none()).map(|t| (*t).clone()).collect()
    }

    /// Temporary tables that nothing ties to others belong to whom the rest of their file belongs to.
    fn temporary(
        &self,
        all: &BTreeSet<&String>,
        owners: &Owners,
    ) -> Vec<(String, (Side, Because))> {
        let mut found = Vec::new();
        let loose = |table: &&&String| table.starts_with("temp.") && owners.side(table).is_none();
        for table in all.iter().filter(loose) {
            let touches = |s: &&Statement| s.changes.contains(table.as_str());
            let Some(first) = self.statements.iter().find(touches) else { continue };
            let of_file = self.statements.iter().filter(|s| s.place.file == first.place.file);
            let changed: Vec<String> = of_file.flat_map(|s| s.changes.iter().cloned()).collect();
            let side = match owners.sides(&self.tables_behind(&changed)) {
                (true, false) => Side::Module,
                (false, true) => Side::Rest,
                _ => continue,
            };
            let because = Because::Sql(first.place.file.clone(), self.line(first));
            found.push(((*table).clone(), (side, because)));
        }
        found
    }

    /// The tables that a statement ties together.
    fn ties(&self, statement: &Statement) -> BTreeSet<String> {
        if matches!(statement.does, Does::View(_) | Does::Function(_)) {
            return BTreeSet::new();
        }
        let keys = statement.keys.iter().map(|key| &key.into);
        self.tables_behind(statement.changes.iter().chain(&statement.reads).chain(keys))
    }

    fn nobody(&self, division: &Division<'_>, tables: &[String], owners: &Owners) -> Diagnostic {
        let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
        let names = list(&mut tables.iter().map(|table| format!("`{}`", self.display(table))));
        let mut problem =
            Diagnostic::error("table-of-nobody", format!("nobody's code names {names}"));
        for table in tables {
            if let Some(Place { file, span }) = self.made(table) {
                problem = problem.at(file, span.clone(), "whose is it?");
            }
        }
        let mut own = owners
            .sides
            .iter()
            .filter(|(_, (side, _))| *side == Side::Module)
            .map(|(table, _)| format!("\"{}\"", self.display(table)));
        problem
            .note("calve gives a table to whose code names it, or to the side that SQL ties it to")
            .help(format!(
                "say in {} which tables are the module's, all of them: \
                 [package.metadata.calve] tables = [{}]",
                division.manifest,
                list(&mut own)
            ))
    }

    /// The statement that made a table first.
    fn made(&self, table: &str) -> Option<&Place> {
        let touches = |s: &&Statement| {
            s.changes.iter().any(|name| self.tables.get(name).is_some_and(|t| t == table))
        };
        self.statements.iter().find(touches).map(|statement| &statement.place)
    }
}
