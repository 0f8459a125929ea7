//! A statement of a history by what its owner depends on, whoever read it.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use super::super::model::Place;

/// What a statement is, as far as an owner depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::analysis::schema) enum Does {
    /// A setting, a transaction: nothing that has an owner.
    #[default]
    Nothing,
    /// Reads or changes rows.
    Rows,
    /// Makes, changes or drops a table or an index, or drops a view or a trigger.
    Definition,
    /// Gives a table or a view another name: from, to.
    Renames(String, String),
    /// Makes the view of that name, as written.
    View(String),
    /// Makes the trigger of that name, as written.
    Trigger(String),
    /// Makes the function of that name, as written.
    Function(String),
    /// Makes, changes or drops something without rows: a type, a schema, an extension.
    Object,
}

/// One statement of a migration. Names of tables are as their dialect compares them; what is temporary
/// is `temp.x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::schema) struct Statement {
    /// Where it is written, the semicolon left out.
    pub(in crate::analysis::schema) place: Place,
    /// What it is.
    pub(in crate::analysis::schema) does: Does,
    /// Tables and views that it makes, changes, fills or drops; of an index or a trigger, its table.
    pub(in crate::analysis::schema) changes: BTreeSet<String>,
    /// Tables and views that it reads; of a trigger, a view and a function, what their bodies touch.
    pub(in crate::analysis::schema) reads: BTreeSet<String>,
    /// Tables that change by it besides those in `changes`: through functions that it calls, or since it sets
    /// their sequences. Of a function: the tables that its body changes.
    pub(in crate::analysis::schema) writes: BTreeSet<String>,
    /// The foreign keys that it gives a table.
    pub(in crate::analysis::schema) keys: Vec<Key>,
    /// Pieces of it that can go alone.
    pub(in crate::analysis::schema) pieces: Vec<Piece>,
    /// What it makes, changes or drops that has no rows: `type:mood`, `function:touch`.
    pub(in crate::analysis::schema) makes: BTreeSet<String>,
    /// What it needs of that kind.
    pub(in crate::analysis::schema) needs: BTreeSet<String>,
    /// Views, triggers and functions that it drops or changes, by the names of their cuts.
    pub(in crate::analysis::schema) about: BTreeSet<String>,
    /// Whether it fills a table with rows.
    pub(in crate::analysis::schema) fills: bool,
    /// What it creates that later ones can use.
    pub(in crate::analysis::schema) creates: BTreeSet<Thing>,
    /// What it drops, or gives another name.
    pub(in crate::analysis::schema) drops: BTreeSet<Thing>,
    /// Things that it gives another name: from, to.
    pub(in crate::analysis::schema) renames: Vec<(Thing, Thing)>,
    /// Those of the things that it creates which belong to others.
    pub(in crate::analysis::schema) parts: Vec<Part>,
    /// Tables that get the columns of others.
    pub(in crate::analysis::schema) heirs: Vec<Heir>,
    /// The columns that it names.
    pub(in crate::analysis::schema) columns: BTreeSet<ColumnUse>,
    /// How it finds rows by a key.
    pub(in crate::analysis::schema) finds: Vec<Find>,
    /// Whether it creates things also where they are there: `OR REPLACE`.
    pub(in crate::analysis::schema) replaces: bool,
    /// What it uses, whoever creates that; things of which nobody creates any do no harm.
    pub(in crate::analysis::schema) uses: BTreeSet<Thing>,
    /// Why nobody can tell what it touches, where nobody can.
    pub(in crate::analysis::schema) untold: Option<String>,
    /// Why the same holds where it does not change others' tables alone: it names a table or view that no
    /// migration makes.
    pub(in crate::analysis::schema) stranger: Option<String>,
    /// Whether it runs SQL, perhaps by a function that it calls, of which nobody can tell what it changes.
    pub(in crate::analysis::schema) runs_untold: bool,
}

/// Something that one statement creates and another one uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::analysis::schema) struct Thing {
    /// `relation` for tables, views, sequences and indexes; `column`, `constraint`, `function`, `type`, …
    pub(in crate::analysis::schema) kind: &'static str,
    /// The table that it belongs to; none of what has a name of its own.
    pub(in crate::analysis::schema) on: Option<String>,
    /// Its name.
    pub(in crate::analysis::schema) name: String,
}

/// Something that belongs to others and goes with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::schema) struct Part {
    /// A column, a constraint, an index.
    pub(in crate::analysis::schema) thing: Thing,
    /// With which it goes, with each of them.
    pub(in crate::analysis::schema) of: BTreeSet<Thing>,
    /// What no two rows have in common, where it sees to that.
    pub(in crate::analysis::schema) key: Option<UniqueKey>,
}

/// A table that gets the columns of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::schema) struct Heir {
    pub(in crate::analysis::schema) table: String,
    pub(in crate::analysis::schema) of: String,
    pub(in crate::analysis::schema) how: Heirs,
}

/// How long a table gets the columns of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::schema) enum Heirs {
    /// Those that are there now: `LIKE`.
    Once,
    /// Also later ones, and it loses those that go: `INHERITS`, `PARTITION OF`.
    FromNow,
    /// No more: `NO INHERIT`, `DETACH PARTITION`.
    NoLonger,
}

/// What no two rows of a table have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::schema) struct UniqueKey {
    pub(in crate::analysis::schema) table: String,
    /// Columns, or expressions.
    pub(in crate::analysis::schema) columns: BTreeSet<Thing>,
    pub(in crate::analysis::schema) is_primary: bool,
    /// Whether it holds of some rows only.
    pub(in crate::analysis::schema) is_partial: bool,
}

/// A wish for a unique key: `ON CONFLICT (a)`, `REFERENCES t (a)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::schema) struct Find {
    pub(in crate::analysis::schema) table: String,
    /// The primary key where none are written.
    pub(in crate::analysis::schema) columns: Option<BTreeSet<Thing>>,
    /// Whether one that holds of some rows will do.
    pub(in crate::analysis::schema) is_partial: bool,
}

/// A column that a statement names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::analysis::schema) struct ColumnUse {
    /// Empty for every column.
    pub(in crate::analysis::schema) name: String,
    /// The tables of which it can be, those that are looked at first in front.
    pub(in crate::analysis::schema) levels: Vec<BTreeSet<String>>,
}

/// A foreign key as a statement writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::schema) struct Key {
    /// The table that gets it.
    pub(in crate::analysis::schema) table: String,
    /// Its columns.
    pub(in crate::analysis::schema) from: Vec<String>,
    /// The table that it references.
    pub(in crate::analysis::schema) into: String,
    /// The clause, in the file.
    pub(in crate::analysis::schema) clause: Range<usize>,
}

/// A piece of a statement that the others do not need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::schema) enum Piece {
    /// One that nothing separates from what stands before it.
    Clause(Item),
    /// A list; without items the statement means nothing.
    List(Vec<Item>),
}

/// What can go of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::schema) struct Item {
    /// In the file.
    pub(in crate::analysis::schema) span: Range<usize>,
    /// The comma behind it, in the file.
    pub(in crate::analysis::schema) comma: Option<Range<usize>>,
    /// What it is about; it goes where that is not there.
    pub(in crate::analysis::schema) about: Option<About>,
    /// What it does nothing but drop or speak of; it goes where nothing creates that.
    pub(in crate::analysis::schema) thing: Option<Thing>,
}

/// What a piece of a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::schema) enum About {
    /// A table or a view.
    Table(String),
    /// Something without rows, by its name among what statements make.
    Object(String),
}

impl Statement {
    /// One that does nothing.
    pub(in crate::analysis::schema) fn at(place: Place) -> Self {
        Self {
            place,
            does: Does::Nothing,
            changes: BTreeSet::new(),
            reads: BTreeSet::new(),
            writes: BTreeSet::new(),
            keys: Vec::new(),
            pieces: Vec::new(),
            makes: BTreeSet::new(),
            needs: BTreeSet::new(),
            about: BTreeSet::new(),
            fills: false,
            creates: BTreeSet::new(),
            drops: BTreeSet::new(),
            renames: Vec::new(),
            parts: Vec::new(),
            heirs: Vec::new(),
            columns: BTreeSet::new(),
            finds: Vec::new(),
            replaces: false,
            uses: BTreeSet::new(),
            untold: None,
            stranger: None,
            runs_untold: false,
        }
    }

    /// The items of lists in it.
    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        let lists = self.pieces.iter().filter_map(|piece| match piece {
            Piece::List(items) => Some(items),
            Piece::Clause(_) => None,
        });
        lists.flatten()
    }

    /// Whether nothing is known that it could do: `DROP TABLE IF EXISTS` of one that does not.
    pub(super) fn does_nothing_known(&self) -> bool {
        [&self.changes, &self.reads, &self.makes, &self.needs].iter().all(|names| names.is_empty())
    }
}

impl Thing {
    /// A table, a view, a sequence or an index.
    pub(in crate::analysis::schema) fn relation(name: impl Into<String>) -> Self {
        Self { kind: "relation", on: None, name: name.into() }
    }

    /// What belongs to a table and has its name there: a column, a constraint.
    pub(in crate::analysis::schema) fn of(
        kind: &'static str,
        table: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self { kind, on: Some(table.into()), name: name.into() }
    }

    /// Some policy of a table: where row security is on, nobody sees rows without one.
    pub(in crate::analysis::schema) fn policies(table: impl Into<String>) -> Self {
        Self::of("policy", table, "")
    }

    /// Whether it is some policy, whichever.
    pub(super) fn is_some_policy(&self) -> bool {
        self.kind == "policy" && self.name.is_empty()
    }

    /// A table as that with which its parts go.
    pub(in crate::analysis::schema) fn whole(table: impl Into<String>) -> Self {
        Self::of("table", table, "")
    }

    /// Whether it is a column of a table.
    pub(super) fn is_column_of(&self, table: &str) -> bool {
        self.kind == "column" && self.on.as_deref() == Some(table)
    }

    /// By the name that it has when something gets another one; what is of a table names that.
    pub(super) fn renamed(self, old: &Self, new: &Self) -> Self {
        let is_of = |on: &String| old.kind == "relation" && *on == old.name;
        match &self.on {
            _ if self == *old => new.clone(),
            Some(on) if is_of(on) => Self { on: Some(new.name.clone()), ..self },
            _ => self,
        }
    }

    /// Whether what is the one is of the other: of all columns, each.
    pub(super) fn has(&self, other: &Self) -> bool {
        let is_any = self.kind == "column" && self.name.is_empty();
        self == other || is_any && other.kind == "column" && self.on == other.on
    }

    /// What has no rows, as statements make it: `type:mood`.
    pub(in crate::analysis::schema) fn object(object: &str) -> Self {
        let (kind, name) = object.split_once(':').unwrap_or(("", object));
        let kinds = ["type", "function", "schema", "extension"];
        let kind = kinds.into_iter().find(|known| *known == kind).unwrap_or("object");
        Self { kind, on: None, name: name.to_owned() }
    }

    /// By the name that statements make it by, where it has no rows.
    pub(super) fn as_object(&self) -> String {
        format!("{}:{}", self.kind, self.name)
    }

    /// Extended statistics.
    pub(in crate::analysis::schema) fn statistics(name: impl Into<String>) -> Self {
        Self { kind: "statistics", ..Self::relation(name) }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.on) {
            ("relation", _) => write!(f, "`{}`", self.name),
            ("policy", Some(on)) if self.name.is_empty() => write!(f, "a policy of `{on}`"),
            (kind, None) => write!(f, "the {kind} `{}`", self.name),
            (kind, Some(on)) => write!(f, "the {kind} `{}` of `{on}`", self.name),
        }
    }
}
