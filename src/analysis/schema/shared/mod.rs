//! One migration history that several modules share: whose is which statement, and what of it is the
//! module's alone.
//!
//! A [`History`] is what statements change and read, whoever found that out: SQLite by running them
//! ([`OnSqlite`]), or a reader of PostgreSQL's syntax. [`History::divide`] gives every table, and with it
//! every statement, to the module or to the rest. What stands on both sides is refused by name, or left
//! out where the user says so ([`Cut`]). The module's statements then make a set of their own; the
//! history itself stays as it is.

mod cuts;
mod missing;
mod objects;
mod owners;
mod parts;
mod reach;
mod refusals;
mod split;
mod sqlite;
pub(super) mod statement;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::folder::{MigrationFile, MigrationFolder, MigrationKind};
use crate::analysis::sql::shown;
use crate::workspace::line_of;
use missing::Missing;
use owners::Owners;
use statement::{Does, Statement};

pub use cuts::{Cut, Lost};
pub use owners::{Because, Evidence, OwnedTable};
pub use reach::Reach;
pub use sqlite::OnSqlite;

/// The migrations of a monolith, statement by statement.
pub struct History {
    dialect: Dialect,
    folders: Vec<MigrationFolder>,
    left: Left,
    statements: Vec<Statement>,
    /// Names of tables, each with the one that stands for all names of that table.
    tables: BTreeMap<String, String>,
    /// Views, each with the tables that it reads in the end.
    views: BTreeMap<String, BTreeSet<String>>,
}

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// What is there after all migrations, by names as created.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) tables: Vec<String>,
    /// What is kept for a table, with that table.
    pub(super) parts: Vec<(String, String)>,
    pub(super) views: Vec<String>,
    /// As [`Does::Trigger`] names them.
    pub(super) triggers: Vec<String>,
    pub(super) functions: Vec<String>,
    /// Those that belong to no column; they stand among the tables, too.
    pub(super) sequences: Vec<String>,
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
    /// What has no rows and is named by the module's code, as [`History::objects`] calls it.
    pub named: &'a BTreeSet<String>,
    /// What the user wants left out, by the names that refusals give.
    pub cuts: &'a [String],
    /// Where the module's set will stand.
    pub to: &'a Utf8Path,
}

/// A history, divided.
pub struct Divided {
    /// The folder of the shared history.
    pub folder: Utf8PathBuf,
    /// The module's tables that are there in the end, and why they are the module's.
    pub tables: Vec<OwnedTable>,
    /// The files of the module's set, each with its path in the service.
    pub set: Vec<(Utf8PathBuf, String)>,
    /// What was left out at the user's word, in the order of the history.
    pub cuts: Vec<Cut>,
    /// Statements of the rest that read the module's tables in the monolith's own copy: file and line.
    pub reads: Vec<(Utf8PathBuf, usize, Vec<String>)>,
    /// What has no rows and the set makes: `type:mood`, `function:touch`.
    pub objects: BTreeSet<String>,
    /// What of it the rest needs as well.
    pub of_both: BTreeSet<String>,
    /// The set with blanks for what is not in it, so that places stay what they are.
    alone: MigrationFolder,
    owners: Owners,
    missing: Missing,
}

impl Divided {
    /// The set with blanks for what is not in it.
    pub(super) fn alone(&self) -> &MigrationFolder {
        &self.alone
    }
}

impl Dialect {
    fn key(self, name: &str) -> String {
        match self {
            Self::Sqlite => name.to_ascii_lowercase(),
            Self::Postgres => shown(name).to_owned(),
        }
    }
}

impl History {
    /// Collects what there is, and which names mean the same table.
    pub(super) fn of(
        dialect: Dialect,
        folders: &[MigrationFolder],
        statements: Vec<Statement>,
        left: Left,
    ) -> Self {
        let folders = folders.to_vec();
        let (tables, views) = (BTreeMap::new(), BTreeMap::new());
        let mut history = Self { dialect, folders, left, statements, tables, views };
        history.name();
        history
    }

    /// The names of all tables and views that it makes, as code may write them.
    pub fn names(&self) -> Vec<String> {
        let names = self.tables.keys().chain(self.views.keys());
        let names = names.filter(|name| !name.starts_with("temp."));
        let written = |name: &String| match self.dialect {
            Dialect::Postgres if !name.contains('.') => format!("public.{name}"),
            _ => name.clone(),
        };
        names.map(written).collect()
    }

    /// Whether it makes a table or a view of that name.
    pub fn makes(&self, name: &str) -> bool {
        let name = self.key(name);
        self.tables.contains_key(&name) || self.views.contains_key(&name)
    }

    /// A name as names are compared here.
    fn key(&self, name: &str) -> String {
        self.dialect.key(name)
    }

    fn name(&mut self) {
        for statement in &self.statements {
            if let Does::View(name) = &statement.does {
                let reads = statement.reads.clone();
                self.views.entry(self.dialect.key(name)).or_default().extend(reads);
            }
        }
        for statement in &self.statements {
            if let Does::Renames(from, to) = &statement.does
                && self.views.contains_key(from)
            {
                self.views.entry(to.clone()).or_default().insert(from.clone());
            }
        }
        let mut same: Vec<(String, String)> = Vec::new();
        for statement in &self.statements {
            if let Does::Renames(from, to) = &statement.does
                && !self.views.contains_key(from)
            {
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
        for table in &self.left.tables {
            let name = self.dialect.key(table);
            let stood = self.tables.entry(name.clone()).or_insert_with(|| name.clone()).clone();
            for stands in self.tables.values_mut().filter(|stands| **stands == stood) {
                stands.clone_from(&name);
            }
        }
        for (part, of) in &self.left.parts {
            let of = self.stands_for(&self.dialect.key(of));
            self.tables.insert(self.dialect.key(part), of);
        }
    }

    /// The name that speaks for all names of a table.
    fn stands_for(&self, name: &str) -> String {
        self.tables.get(name).map_or_else(|| name.to_owned(), Clone::clone)
    }

    /// As created, where it is there in the end.
    fn display(&self, name: &str) -> String {
        let stands = self.stands_for(name);
        let left = self.left.tables.iter().find(|table| self.key(table) == stands);
        let written = || match (self.dialect, stands.strip_prefix("temp.")) {
            // The number of its file comes first.
            (Dialect::Postgres, Some(rest)) => {
                rest.split_once('.').map_or(rest, |(_, name)| name).to_owned()
            }
            _ => stands.clone(),
        };
        left.map_or_else(written, Clone::clone)
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

    /// Whether a statement does not take a migration back.
    fn is_forward(&self, statement: &Statement) -> bool {
        self.file(statement).is_some_and(|file| file.kind != MigrationKind::Down)
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
