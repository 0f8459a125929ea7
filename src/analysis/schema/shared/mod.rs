//! One migration history that several modules share: whose is which statement, and what of it is the
//! module's alone.
//!
//! [`History::read`] runs the history and listens; [`History::divide`] gives every table, and with it
//! every statement, to the module or to the rest. What stands on both sides is refused by name, or left
//! out where the user says so ([`Cut`]). The module's statements then make a set of their own; the
//! history itself stays as it is.

mod cuts;
mod owners;
mod split;

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::ear::{Does, Statement};
use super::folder::{MigrationFile, MigrationFolder, MigrationKind};
use super::model::Schema;
use super::run::{Bench, one};
use crate::diagnostic::Diagnostics;
use crate::workspace::line_of;

pub use cuts::{Cut, Lost};
pub use owners::{Because, Evidence, OwnedTable};

/// The migrations of a monolith, statement by statement.
pub struct History {
    folders: Vec<MigrationFolder>,
    /// What is there after all of them; every object still belongs to the folder that made it.
    schema: Schema,
    statements: Vec<Statement>,
    /// Names of tables in lower case, each with the one that stands for all names of that table.
    tables: BTreeMap<String, String>,
    /// Views in lower case, each with the tables that it reads in the end.
    views: BTreeMap<String, BTreeSet<String>>,
}

/// What [`History::divide`] goes by.
pub struct Division<'a> {
    /// The module's package.
    pub module: &'a str,
    /// Its manifest, where `tables` may be declared.
    pub manifest: &'a Utf8Path,
    /// What code names which table.
    pub evidence: &'a [Evidence],
    /// The module's tables, all of them, where the manifest says so.
    pub declared: Option<&'a [String]>,
    /// What the user wants left out, by the names that refusals give.
    pub cuts: &'a [String],
    /// Where the module's set will stand.
    pub to: &'a Utf8Path,
}

/// A history, divided.
pub struct Divided {
    /// The folder of the shared history.
    pub folder: Utf8PathBuf,
    /// The monolith's schema, where the module's objects belong to the folder of its set.
    pub schema: Schema,
    /// The module's tables that are there in the end, and why they are the module's.
    pub tables: Vec<OwnedTable>,
    /// The files of the module's set, each with its path in the service.
    pub set: Vec<(Utf8PathBuf, String)>,
    /// What was left out at the user's word, in the order of the history.
    pub cuts: Vec<Cut>,
    /// Statements of the rest that read the module's tables in the monolith's own copy: file and line.
    pub reads: Vec<(Utf8PathBuf, usize, Vec<String>)>,
}

impl History {
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
        let mut history = Self {
            folders: folders.to_vec(),
            schema,
            statements,
            tables: BTreeMap::new(),
            views: BTreeMap::new(),
        };
        history.name();
        Ok(history)
    }

    /// The names of all tables and views that it makes, as code may write them.
    pub fn names(&self) -> Vec<&str> {
        let names = self.tables.keys().chain(self.views.keys());
        names.map(String::as_str).filter(|name| !name.starts_with("temp.")).collect()
    }

    /// Collects what there is, and which names mean the same table.
    fn name(&mut self) {
        for statement in &self.statements {
            if let Does::View(name) = &statement.does {
                let reads = statement.reads.clone();
                self.views.entry(name.to_ascii_lowercase()).or_default().extend(reads);
            }
        }
        let mut same: Vec<(String, String)> = Vec::new();
        for statement in &self.statements {
            if let Does::Renames(from, to) = &statement.does {
                same.push((from.clone(), to.clone()));
                self.tables.insert(to.clone(), to.clone());
            }
            for name in &statement.changes {
                if !self.views.contains_key(name) {
                    self.tables.entry(name.clone()).or_insert_with(|| name.clone());
                }
            }
        }
        for (from, to) in same {
            let (old, new) = (self.stands_for(&from), self.stands_for(&to));
            for stands in self.tables.values_mut().filter(|stands| **stands == old) {
                stands.clone_from(&new);
            }
        }
        // Where one of the names is left in the end, that one speaks for them.
        for table in &self.schema.tables {
            let name = table.name.to_ascii_lowercase();
            if let Some(of) = self.schema.virtual_of(table) {
                // What SQLite keeps for a virtual table is that table's.
                self.tables.insert(name, of.name.to_ascii_lowercase());
                continue;
            }
            let stood = self.tables.entry(name.clone()).or_insert_with(|| name.clone()).clone();
            for stands in self.tables.values_mut().filter(|stands| **stands == stood) {
                stands.clone_from(&name);
            }
        }
    }

    /// The name that speaks for all names of a table.
    fn stands_for(&self, name: &str) -> String {
        self.tables.get(name).map_or_else(|| name.to_owned(), Clone::clone)
    }

    /// As created, where it is there in the end.
    fn display(&self, name: &str) -> String {
        let stands = self.stands_for(name);
        self.schema.table(&stands).map_or(stands, |table| table.name.clone())
    }

    /// The tables behind names: of a view those that it reads; what nobody makes is left out.
    fn tables_behind<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open: Vec<String> = names.into_iter().cloned().collect();
        while let Some(name) = open.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            match self.views.get(&name) {
                Some(reads) => open.extend(reads.iter().cloned()),
                None => found.extend(self.tables.get(&name).cloned()),
            }
        }
        found
    }

    fn file(&self, statement: &Statement) -> Option<&MigrationFile> {
        let mut files = self.folders.iter().flat_map(|folder| &folder.files);
        files.find(|file| file.path == statement.place.file)
    }

    fn text(&self, statement: &Statement) -> &str {
        let file = self.file(statement);
        file.and_then(|file| file.text.get(statement.place.span.clone())).unwrap_or_default()
    }

    /// The line, from 1, on which a statement begins.
    fn line(&self, statement: &Statement) -> usize {
        self.file(statement).map_or(1, |file| line_of(&file.text, statement.place.span.start))
    }
}
