//! The schema of a monolith as values.

use std::collections::BTreeSet;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};

use super::folder::{MigrationFolder, Runner};

/// A place in a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Relative to the workspace root.
    pub file: Utf8PathBuf,
    /// Byte range in the file.
    pub span: Range<usize>,
}

/// What the migrations of all modules leave behind, each object with the folder that created it.
#[derive(Debug, Clone)]
pub struct Schema {
    /// By name; virtual tables and their shadows included, SQLite's own left out.
    pub tables: Vec<Table>,
    /// By name.
    pub views: Vec<View>,
    /// The folders that it was made of, in the order given.
    pub folders: Vec<MigrationFolder>,
    /// Their files in the order that worked.
    pub order: Vec<Utf8PathBuf>,
}

/// What sort of table it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Rows of its own.
    Ordinary,
    /// `CREATE VIRTUAL TABLE`, such as a full-text index.
    Virtual,
    /// Storage that a virtual table keeps for itself.
    Shadow,
}

/// How a row keeps its identity when it is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowId {
    /// An `INTEGER PRIMARY KEY` column or a `WITHOUT ROWID` key: copied with the columns.
    InColumns,
    /// A hidden row id, and a name by which no column hides it.
    Hidden(&'static str),
    /// A hidden row id that columns called `rowid`, `_rowid_` and `oid` make unreachable.
    Unreachable,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// As created.
    pub name: String,
    /// The definition as SQLite keeps it, later `ALTER TABLE`s included.
    pub sql: String,
    /// The migration folder that created it: its owner.
    pub folder: Utf8PathBuf,
    /// What sort of table it is.
    pub kind: TableKind,
    /// How rows keep their identity.
    pub row_id: RowId,
    /// Whether a counter in `sqlite_sequence` belongs to it.
    pub autoincrement: bool,
    /// Whether SQLite can check its foreign keys; it cannot where one names columns that are no key.
    pub checkable: bool,
    /// In order.
    pub columns: Vec<Column>,
    /// In order of definition.
    pub foreign_keys: Vec<ForeignKey>,
    /// The created ones, without those that a constraint brings along.
    pub indexes: Vec<Index>,
    /// Triggers on this table.
    pub triggers: Vec<Trigger>,
    /// The statements that created and altered it, in order.
    pub places: Vec<Place>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As created.
    pub name: String,
    /// Computed, so never inserted.
    pub generated: bool,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The number that SQLite gives it within its table.
    pub id: i64,
    /// Columns of the table that has it.
    pub from: Vec<String>,
    /// The table that it references, as written there.
    pub table: String,
    /// Columns referenced; empty where the definition leaves them to the primary key.
    pub to: Vec<String>,
    /// Such as `CASCADE` or `NO ACTION`.
    pub on_delete: String,
    /// Such as `CASCADE` or `NO ACTION`.
    pub on_update: String,
    /// The clause in a migration; the whole statement where the clause cannot be told.
    pub place: Place,
}

/// An index that a migration created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// As created.
    pub name: String,
    /// The definition as SQLite keeps it.
    pub sql: String,
    /// The folder that created it.
    pub folder: Utf8PathBuf,
    /// The statement that created it.
    pub place: Place,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// As created.
    pub name: String,
    /// The table or view that fires it.
    pub on: String,
    /// The definition as SQLite keeps it.
    pub sql: String,
    /// The folder that created it.
    pub folder: Utf8PathBuf,
    /// Tables and views that its body reads or writes, by their names as created.
    pub touches: BTreeSet<String>,
    /// The statement that created it.
    pub place: Place,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// As created.
    pub name: String,
    /// The definition as SQLite keeps it.
    pub sql: String,
    /// The folder that created it.
    pub folder: Utf8PathBuf,
    /// Tables and views that it reads, by their names as created.
    pub touches: BTreeSet<String>,
    /// Its `INSTEAD OF` triggers.
    pub triggers: Vec<Trigger>,
    /// The statement that created it.
    pub place: Place,
}

impl Schema {
    /// The table of that name; SQLite compares names without case.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))
    }

    /// The virtual table for which SQLite keeps a shadow: `goods_text` of `goods_text_data`.
    pub fn virtual_of(&self, shadow: &Table) -> Option<&Table> {
        let of = |table: &&Table| {
            let start = shadow.name.get(..table.name.len());
            table.kind == TableKind::Virtual
                && start.is_some_and(|start| start.eq_ignore_ascii_case(&table.name))
                && shadow.name[table.name.len()..].starts_with('_')
        };
        let virtual_ones = self.tables.iter().filter(|_| shadow.kind == TableKind::Shadow);
        virtual_ones.filter(of).max_by_key(|table| table.name.len())
    }

    /// What runs the migrations of a folder.
    pub(super) fn runner_of(&self, folder: &Utf8Path) -> Runner {
        let found = self.folders.iter().find(|known| known.path == folder);
        found.map_or(Runner::Sqlx, |folder| folder.runner)
    }

    /// The files in the order that worked, each with the position of its folder.
    pub(super) fn running_order(&self) -> impl Iterator<Item = (usize, &Utf8PathBuf)> {
        self.order.iter().filter_map(|path| {
            let holds = |folder: &MigrationFolder| folder.files.iter().any(|f| f.path == *path);
            Some((self.folders.iter().position(holds)?, path))
        })
    }

    /// The tables that a folder created.
    pub fn owned<'s>(&'s self, owner: &'s Utf8Path) -> impl Iterator<Item = &'s Table> {
        self.tables.iter().filter(move |table| table.folder == owner)
    }

    /// The folder that created the table or view of that name.
    pub fn owner(&self, name: &str) -> Option<&Utf8Path> {
        let view = || self.views.iter().find(|view| view.name.eq_ignore_ascii_case(name));
        self.table(name)
            .map(|table| table.folder.as_path())
            .or_else(|| view().map(|view| view.folder.as_path()))
    }

    /// Every trigger, of tables and views.
    pub fn triggers(&self) -> impl Iterator<Item = &Trigger> {
        let of_views = self.views.iter().flat_map(|view| &view.triggers);
        self.tables.iter().flat_map(|table| &table.triggers).chain(of_views)
    }
}
