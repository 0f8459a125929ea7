//! The schema of a monolith on PostgreSQL as values.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::names::Name;
use crate::analysis::schema::{MigrationFolder, Place};

/// What the migrations of all modules leave behind, and what each of their statements names.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// The folders that it was made of, in the order given.
    pub folders: Vec<MigrationFolder>,
    /// In order of creation.
    pub tables: Vec<Table>,
    /// What is no table, in order of creation.
    pub objects: Vec<Object>,
    /// Every foreign key that a migration ever declared, also those that are gone.
    pub declared: Vec<Declared>,
    /// Every statement, with what it names.
    pub statements: Vec<Statement>,
    /// Names that something got, in order: the old one, the new one.
    pub renamed: Vec<(Space, Name, Name)>,
    /// The folders that created something of a name at any time.
    pub creators: BTreeMap<(Space, Name), BTreeSet<Utf8PathBuf>>,
}

/// PostgreSQL keeps names of different things apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Tables, views, sequences, indexes.
    Relation,
    /// Types and domains; each relation has a type of its name, too.
    Type,
    /// Functions and procedures, of any arguments.
    Function,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// As it is called now.
    pub name: Name,
    /// The migration folder that created it: its owner.
    pub folder: Utf8PathBuf,
    /// The statement that created it.
    pub place: Place,
    /// In order.
    pub columns: Vec<Column>,
    /// Those that are there now, in order of definition.
    pub foreign_keys: Vec<ForeignKey>,
    /// The columns of the primary key; none where there is no such key.
    pub primary_key: Vec<String>,
    /// The triggers on it.
    pub triggers: Vec<Trigger>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As it is called now.
    pub name: String,
    /// Its type as written.
    pub ty: String,
    /// The name of that type.
    pub type_name: Option<Name>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// Its name: as written, or as PostgreSQL makes one.
    pub constraint: String,
    /// Columns of the table that has it.
    pub from: Vec<String>,
    /// The table that it references.
    pub table: Name,
    /// Columns referenced; empty where the definition leaves them to the primary key.
    pub to: Vec<String>,
    /// What is said of it behind the columns: `ON DELETE CASCADE DEFERRABLE`.
    pub options: String,
    /// The clause.
    pub place: Place,
}

/// A foreign key as a migration declared it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The folder of that migration.
    pub folder: Utf8PathBuf,
    /// The migration's version.
    pub version: i64,
    /// The table that got it, as it was called then.
    pub on: Name,
    /// The foreign key.
    pub key: ForeignKey,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// The folder that created it.
    pub folder: Utf8PathBuf,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A function.
    Function,
    /// A procedure.
    Procedure,
    /// An aggregate function.
    Aggregate,
    /// A sequence that is made by itself.
    Sequence,
    /// A domain.
    Domain,
    /// An enum, composite or range type.
    Type,
}

impl Kind {
    /// Where its name belongs.
    pub(super) fn space(self) -> Space {
        match self {
            Self::View | Self::MaterializedView | Self::Sequence => Space::Relation,
            Self::Function | Self::Procedure | Self::Aggregate => Space::Function,
            Self::Domain | Self::Type => Space::Type,
        }
    }
}

/// Something that is no table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// Of a function: its parameters as `DROP FUNCTION` takes them, with the parentheses.
    pub parameters: String,
    /// The folder that created it.
    pub folder: Utf8PathBuf,
}

/// What a statement does, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Creates or alters a table.
    Table,
    /// Creates a view.
    View,
    /// Creates a function, a procedure.
    Function,
    /// Creates a trigger.
    Trigger,
    /// Says more of what is there: a comment, privileges, another name of a column, an index.
    Remark,
    /// Anything else.
    Other,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The folder of its migration.
    pub folder: Utf8PathBuf,
    /// Where it stands.
    pub place: Place,
    /// What it does.
    pub sort: Sort,
    /// What it creates: `bin_levels`.
    pub subject: Option<Name>,
    /// What it names, foreign keys left out.
    pub mentions: Vec<Mention>,
    /// Texts in it that are code which nobody can parse: dynamic SQL, bodies in other languages.
    pub texts: Vec<(Place, String)>,
}

/// A name in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// What it can be the name of.
    pub space: Space,
    /// The name.
    pub name: Name,
    /// Where it stands.
    pub place: Place,
}

impl Schema {
    /// The table of that name.
    pub fn table(&self, name: &Name) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }

    /// The tables that a folder created.
    pub fn owned<'s>(&'s self, owner: &'s Utf8Path) -> impl Iterator<Item = &'s Table> {
        self.tables.iter().filter(move |table| table.folder == owner)
    }

    /// All names that something had before it got its last one, with that.
    pub fn names_of(&self, space: Space, last: &str) -> Vec<String> {
        let mut names = vec![last.to_owned()];
        for (_, old, new) in self.renamed.iter().rev().filter(|(of, ..)| *of == space) {
            if names.last().is_some_and(|name| *name == new.to_string()) {
                names.push(old.to_string());
            }
        }
        names
    }

    /// Whether something of that name was made by another folder than `folder`, and by it not.
    pub(super) fn is_foreign(
        &self,
        space: Space,
        name: &Name,
        folder: &Utf8Path,
    ) -> Option<&Utf8Path> {
        // A table's name is the name of its rows' type.
        let spaces: &[Space] =
            if space == Space::Type { &[Space::Type, Space::Relation] } else { &[space] };
        let mut foreign = None;
        for space in spaces {
            let Some(creators) = self.creators.get(&(*space, name.clone())) else { continue };
            if creators.contains(folder) {
                return None;
            }
            foreign = foreign.or_else(|| creators.first().map(Utf8PathBuf::as_path));
        }
        foreign
    }
}
