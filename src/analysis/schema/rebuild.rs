//! The forward migration that takes foreign keys out of a table.

use std::fmt::Write as _;

use super::definition::without_references;
use super::folder::Runner;
use super::model::{RowId, Schema, Table};
use crate::analysis::sql::{Kind, lex_with_comments, quote};

/// The text of a migration that rebuilds `table` without its foreign keys into the tables `owned`,
/// with every row, row id, index, trigger and the AUTOINCREMENT counter.
///
/// sqlx runs a file that starts with `-- no-transaction` as it is; under refinery it leaves the
/// transaction that it is run in. It either does all or nothing; running it twice (the history notes it
/// only after it is committed) does the same as running it once. The path to put it at is
/// [`super::MigrationFolder::next_path`].
///
/// `enforced` is whether the monolith's connections enforce foreign keys: the one that ran it does
/// afterwards what it did before.
pub fn drop_foreign_keys(schema: &Schema, table: &Table, owned: &[&str], enforced: bool) -> String {
    let targets = targets(schema, table, owned);
    let about = format!(
        "-- Drops what ties {} to {} by foreign key: that data moves to a service, with a
-- database of its own.
",
        comment(&table.name),
        comment(&targets.join(", "))
    );
    rebuild(schema, table, &about, &targets, owned, enforced)
}

/// The text that takes [`drop_foreign_keys`] back. It fails, and leaves the database as it was, where
/// rows have come that a foreign key does not allow.
pub fn restore_foreign_keys(
    schema: &Schema,
    table: &Table,
    owned: &[&str],
    enforced: bool,
) -> String {
    let targets = targets(schema, table, owned);
    let about = format!(
        "-- Ties {} to {} by foreign key again. It fails where rows have come since that
-- this does not allow.
",
        comment(&table.name),
        comment(&targets.join(", "))
    );
    rebuild(schema, table, &about, &[], &[], enforced)
}

/// The tables of `owned` that a table refers to.
fn targets<'s>(schema: &'s Schema, table: &'s Table, owned: &[&str]) -> Vec<&'s str> {
    let into = |name: &str| owned.iter().any(|owned| owned.eq_ignore_ascii_case(name));
    let mut targets: Vec<&str> = Vec::new();
    for key in table.foreign_keys.iter().filter(|key| into(&key.table)) {
        let target = schema.table(&key.table).map_or(key.table.as_str(), |table| &table.name);
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    targets
}

/// Makes a table anew without its foreign keys into `dropped`. Rows that break one into `unchecked` do
/// not count.
fn rebuild(
    schema: &Schema,
    table: &Table,
    about: &str,
    dropped: &[&str],
    unchecked: &[&str],
    enforced: bool,
) -> String {
    let new = free_name(schema, &table.name);
    let runner = schema.runner_of(&table.folder);
    let mut out = match runner {
        Runner::Sqlx => format!("-- no-transaction\n{about}{HOW}{BY_SQLX}{FAILING}{BEGIN}"),
        Runner::Refinery => format!("{about}{HOW}{BY_REFINERY}{FAILING}COMMIT;\n{BEGIN}"),
    };
    let checks = checks(schema, table, unchecked);
    if let Some(count) = &checks {
        let _ = write!(
            out,
            "
-- Rows that break another foreign key already: the rebuild must not add one.
CREATE TEMP TABLE rebuild_check (
    before INTEGER NOT NULL,
    after INTEGER,
    CONSTRAINT \"rows would break a foreign key\" CHECK (after <= before)
);
INSERT INTO temp.rebuild_check (before)
{count};
"
        );
    }
    let definition = terminated(&without_references(&table.sql, &new, dropped));
    let _ = write!(out, "\n{definition}\n\n{}", copy_rows(table, &new));
    let (old, new) = (quote(&table.name), quote(&new));
    let _ = write!(out, "\nDROP TABLE {old};\nALTER TABLE {new} RENAME TO {old};\n");
    let made = table.indexes.iter().map(|index| &index.sql);
    for sql in made.chain(table.triggers.iter().map(|trigger| &trigger.sql)) {
        let _ = write!(out, "\n{}\n", terminated(sql));
    }
    if let Some(count) = &checks {
        let count = count.replace('\n', "\n    ");
        let _ = write!(
            out,
            "
UPDATE OR ROLLBACK temp.rebuild_check SET after = (
    {count}
);
DROP TABLE temp.rebuild_check;
"
        );
    }
    let state = if enforced { "ON" } else { "OFF" };
    let _ = write!(
        out,
        "\nCOMMIT;\nPRAGMA legacy_alter_table = OFF;\nPRAGMA foreign_keys = {state};\n"
    );
    if runner == Runner::Refinery {
        out.push_str("-- In here refinery notes that this file has run.\nBEGIN;\n");
    }
    out
}

/// A name is data: a line end in it must not end the comment.
fn comment(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}

const HOW: &str = "--
-- SQLite cannot drop a constraint, so the table is rebuilt. Foreign keys are off meanwhile: with
-- them on, DROP TABLE deletes all rows first, and ON DELETE CASCADE empties the tables that
-- reference this one. The PRAGMA does nothing inside a transaction, so ";

const BY_SQLX: &str = "sqlx must not open one (the
-- first line says so) and this file opens its own.
";

const BY_REFINERY: &str = "this file ends the one
-- that refinery opened, works in its own, and leaves refinery another.
";

const FAILING: &str = "--
-- A failure leaves the database as it was. The connection that ran into it keeps foreign keys
-- off, and may keep the transaction open: let the process end, which rolls it back.
";

const BEGIN: &str = "PRAGMA foreign_keys = OFF;
-- Views, and triggers of other tables, that mention this one stay as they are.
PRAGMA legacy_alter_table = ON;
BEGIN IMMEDIATE;
";

/// Copies the rows with their identity, and the counter of an AUTOINCREMENT key, which can be ahead
/// of the rows.
fn copy_rows(table: &Table, new: &str) -> String {
    let mut columns: Vec<String> = Vec::new();
    if let RowId::Hidden(name) = table.row_id {
        columns.push(name.to_owned());
    }
    let stored = table.columns.iter().filter(|column| !column.generated);
    columns.extend(stored.map(|column| quote(&column.name)));
    let columns = columns.join(", ");
    let (old_name, new_name) = (text(&table.name), text(new));
    let (old, new) = (quote(&table.name), quote(new));
    let mut sql =
        format!("INSERT OR ROLLBACK INTO {new} ({columns})\nSELECT {columns} FROM {old};\n");
    if table.autoincrement {
        let _ = write!(
            sql,
            "DELETE FROM sqlite_sequence WHERE name = {new_name};
INSERT INTO sqlite_sequence (name, seq)
SELECT {new_name}, seq FROM sqlite_sequence WHERE name = {old_name};
"
        );
    }
    sql
}

/// Counts rows that break a foreign key of the table or into it, those into `owned` left out; `None`
/// where no such key is left.
fn checks(schema: &Schema, table: &Table, owned: &[&str]) -> Option<String> {
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    let dropped = |name: &str| owned.iter().any(|owned| is(owned, name));
    let mut checked: Vec<&Table> = Vec::new();
    for other in schema.tables.iter().filter(|other| other.checkable) {
        let own = is(&other.name, &table.name);
        let mut keys = other.foreign_keys.iter().filter(|key| !dropped(&key.table));
        if keys.any(|key| own || is(&key.table, &table.name)) {
            checked.push(other);
        }
    }
    if checked.is_empty() {
        return None;
    }
    let one = |table: &Table| {
        format!("SELECT parent FROM pragma_foreign_key_check({})", text(&table.name))
    };
    let all = checked.into_iter().map(one).collect::<Vec<_>>().join("\n    UNION ALL ");
    let count = format!("SELECT count(*) FROM (\n    {all}\n)");
    if owned.is_empty() {
        return Some(count);
    }
    let owned: Vec<_> = owned.iter().map(|owned| text(&owned.to_ascii_lowercase())).collect();
    Some(format!("{count} WHERE lower(parent) NOT IN ({})", owned.join(", ")))
}

fn free_name(schema: &Schema, table: &str) -> String {
    let taken = |name: &str| {
        let indexes = schema.tables.iter().flat_map(|table| &table.indexes);
        schema.owner(name).is_some()
            || indexes.into_iter().any(|index| index.name.eq_ignore_ascii_case(name))
    };
    let mut name = format!("new_{table}");
    while taken(&name) {
        name.insert_str(0, "new_");
    }
    name
}

/// The statement with a semicolon that a comment at its end does not swallow.
fn terminated(sql: &str) -> String {
    let comment = lex_with_comments(sql).last().is_some_and(|last| last.kind == Kind::Comment);
    let sql = sql.trim_end();
    if comment { format!("{sql}\n;") } else { format!("{sql};") }
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
#[path = "rebuild_tests.rs"]
mod tests;
