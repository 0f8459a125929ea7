//! What has to be copied before cutover.

use camino::Utf8Path;

use super::model::{RowId, Schema, Table, TableKind};

/// The module's tables in an order in which rows can be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyPlan {
    /// Parents before children.
    pub tables: Vec<CopyTable>,
    /// Whether foreign keys between different tables form a circle, so that no order will do and the
    /// copy needs foreign keys off.
    pub circular: bool,
    /// Virtual tables: how they are filled in the service depends on what they are.
    pub rebuilt: Vec<String>,
}

/// A table whose rows are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyTable {
    /// Its name.
    pub name: String,
    /// The columns to name in INSERT and SELECT: generated ones are left out, a hidden row id that
    /// can be kept comes first.
    pub columns: Vec<String>,
    /// Whether its counter in `sqlite_sequence` has to be copied as well.
    pub autoincrement: bool,
}

/// The plan for the tables that `owner` (the path of a migration folder) created.
pub fn copy_plan(schema: &Schema, owner: &Utf8Path) -> CopyPlan {
    let rows = |table: &&Table| table.kind == TableKind::Ordinary;
    let (tables, circular) = parents_first(schema.owned(owner).filter(rows).collect());
    let virtual_ones = schema.owned(owner).filter(|table| table.kind == TableKind::Virtual);
    CopyPlan {
        tables: tables.into_iter().map(copied).collect(),
        circular,
        rebuilt: virtual_ones.map(|table| table.name.clone()).collect(),
    }
}

/// The tables, each behind those that it references, by name where that leaves a choice; and whether
/// a circle made that impossible.
pub(super) fn parents_first(mut left: Vec<&Table>) -> (Vec<&Table>, bool) {
    let mut ordered = Vec::new();
    let mut circular = false;
    while !left.is_empty() {
        let free = left.iter().position(|table| {
            !left.iter().any(|other| other.name != table.name && references(table, other))
        });
        circular |= free.is_none();
        ordered.push(left.remove(free.unwrap_or(0)));
    }
    (ordered, circular)
}

fn references(table: &Table, other: &Table) -> bool {
    table.foreign_keys.iter().any(|key| key.table.eq_ignore_ascii_case(&other.name))
}

fn copied(table: &Table) -> CopyTable {
    let hidden = match table.row_id {
        RowId::Hidden(name) => Some(name.to_owned()),
        RowId::InColumns | RowId::Unreachable => None,
    };
    let stored = table.columns.iter().filter(|column| !column.generated);
    let columns = hidden.into_iter().chain(stored.map(|column| column.name.clone())).collect();
    CopyTable { name: table.name.clone(), columns, autoincrement: table.autoincrement }
}
