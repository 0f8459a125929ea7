//! Foreign keys into the module's tables: the migration that drops them, and the one that lets the older
//! migrations run on a new database all the same.

use std::fmt::Write as _;

use camino::Utf8PathBuf;

use super::model::{Declared, ForeignKey, Schema, Space, Table};
use super::names::{Name, identifier};
use crate::analysis::schema::MigrationFolder;
use crate::diagnostic::Diagnostic;

/// The text of a migration that drops those foreign keys of `table` that `go`.
pub fn drop_foreign_keys(table: &Table, go: &dyn Fn(&ForeignKey) -> bool) -> String {
    let keys: Vec<_> = table.foreign_keys.iter().filter(|key| go(key)).collect();
    let mut targets: Vec<String> = keys.iter().map(|key| plain(&key.table)).collect();
    targets.dedup();
    let drops: Vec<String> = keys
        .iter()
        .map(|key| format!("    DROP CONSTRAINT IF EXISTS {}", identifier(&key.constraint)))
        .collect();
    format!(
        "-- Drops what ties {} to {} by foreign key: that data moves to a service, with a
-- database of its own.
--
-- The change takes a moment, but waits for who uses the tables, and everybody else then waits
-- behind it: it rather fails, and is run again. `IF EXISTS`, since after a way back to an
-- older build it has run already.
SET LOCAL lock_timeout = '5s';

ALTER TABLE {}
{};
",
        plain(&table.name),
        targets.join(", "),
        table.name.sql(),
        drops.join(",\n"),
    )
}

/// The text of a migration that gives them back.
pub fn restore_foreign_keys(table: &Table, go: &dyn Fn(&ForeignKey) -> bool) -> String {
    let list = |columns: &[String]| {
        let columns: Vec<String> = columns.iter().map(|column| identifier(column)).collect();
        format!("({})", columns.join(", "))
    };
    let adds = table.foreign_keys.iter().filter(|key| go(key)).map(|key| {
        let to = if key.to.is_empty() { String::new() } else { format!(" {}", list(&key.to)) };
        let options = match key.options.trim() {
            "" => String::new(),
            options => format!(" {options}"),
        };
        format!(
            "    ADD CONSTRAINT {} FOREIGN KEY {} REFERENCES {}{to}{options}",
            identifier(&key.constraint),
            list(&key.from),
            key.table.sql(),
        )
    });
    let adds: Vec<String> = adds.collect();
    format!("ALTER TABLE {}\n{};\n", table.name.sql(), adds.join(",\n"))
}

/// The path of a migration that runs before the first one of `folder` with a foreign key into the
/// tables of `owner`; none where that one has version 0 or all before it are taken.
pub fn stand_in_path(
    folder: &MigrationFolder,
    declared: &[&Declared],
    module: &str,
) -> Option<Utf8PathBuf> {
    let first = declared
        .iter()
        .map(|declared| declared.key.place.file.as_path())
        .min_by_key(|path| folder.files.iter().position(|file| file.path == **path))?;
    let file = folder.files.iter().find(|file| file.path == first)?;
    let taken = |version: i64| folder.files.iter().any(|file| file.version == version);
    let version = (0..file.version).rev().find(|version| !taken(*version))?;
    let width = first.file_name()?.split('_').next().map(str::len)?;
    let suffix = if first.as_str().ends_with(".up.sql") { ".up.sql" } else { ".sql" };
    Some(folder.path.join(format!("{version:0width$}_stand_in_for_{module}{suffix}")))
}

/// The text of that migration: the referenced tables with the referenced columns, made where they are
/// not there.
///
/// # Errors
/// `foreign-key-in` where a referenced column is not known well enough to be made.
pub fn stand_in(
    schema: &Schema,
    declared: &[&Declared],
    module: &str,
) -> Result<String, Box<Diagnostic>> {
    let mut tables: Vec<Referenced<'_>> = Vec::new();
    for one in declared {
        let key = &one.key;
        let Some(target) = schema.table(&key.table) else { continue };
        let to = if key.to.is_empty() { &target.primary_key } else { &key.to };
        let refuse = |why: String| {
            Box::new(
                Diagnostic::error(
                    "foreign-key-in",
                    format!("calve cannot stand in for `{}`: {why}", key.table),
                )
                .at(&key.place.file, key.place.span.clone(), "references it")
                .note(
                    "a new database of the monolith runs this migration without the module's, so \
                     something must be there that it can reference",
                )
                .help("let the foreign key reference a column of a plain type"),
            )
        };
        if to.is_empty() {
            return Err(refuse("the referenced key is nowhere written".to_owned()));
        }
        let at = match tables.iter().position(|known| known.table.name == target.name) {
            Some(at) => at,
            None => {
                tables.push(Referenced { table: target, columns: Vec::new(), keys: Vec::new() });
                tables.len() - 1
            }
        };
        let Referenced { columns, keys, .. } = &mut tables[at];
        for name in to {
            let column = target.columns.iter().find(|column| column.name == *name);
            let Some(column) = column.filter(|column| !column.ty.is_empty()) else {
                return Err(refuse(format!("the type of its column `{name}` is nowhere written")));
            };
            let own_type = column
                .type_name
                .as_ref()
                .is_some_and(|ty| schema.creators.contains_key(&(Space::Type, ty.clone())));
            if own_type {
                let ty = &column.ty;
                return Err(refuse(format!(
                    "its column `{name}` is of the type `{ty}`, which a migration makes"
                )));
            }
            let line = format!("{} {}", identifier(name), stored(&column.ty));
            if !columns.contains(&line) {
                columns.push(line);
            }
        }
        if !keys.contains(to) {
            keys.push(to.clone());
        }
    }
    let names: Vec<String> = tables.iter().map(|known| plain(&known.table.name)).collect();
    let mut out = format!(
        "-- Later migrations of this folder reference {}, which left for a service together
-- with the migrations of {module}. On a new database this stands in for what left, so that they
-- run; the last ones drop the foreign keys again. Nothing is done where the tables are there.
",
        names.join(", "),
    );
    for Referenced { table, columns, keys } in tables {
        if table.name.schema != super::names::PUBLIC {
            let _ =
                write!(out, "\nCREATE SCHEMA IF NOT EXISTS {};\n", identifier(&table.name.schema));
        }
        let unique = keys.iter().map(|key| {
            let key: Vec<String> = key.iter().map(|column| identifier(column)).collect();
            format!("    UNIQUE ({})", key.join(", "))
        });
        let primary = &table.primary_key;
        let lines: Vec<String> =
            columns.into_iter().map(|column| format!("    {column}")).chain(unique).collect();
        let mut lines = lines.join(",\n");
        // `REFERENCES bins` without columns means the primary key.
        if keys.contains(primary) {
            let key: Vec<String> = primary.iter().map(|column| identifier(column)).collect();
            let key = key.join(", ");
            lines = lines.replace(&format!("UNIQUE ({key})"), &format!("PRIMARY KEY ({key})"));
        }
        let _ = write!(out, "\nCREATE TABLE IF NOT EXISTS {} (\n{lines}\n);\n", table.name.sql());
    }
    Ok(out)
}

/// What others reference of a table.
struct Referenced<'a> {
    table: &'a Table,
    /// Each with its type, as SQL.
    columns: Vec<String>,
    /// The sets of columns that foreign keys name.
    keys: Vec<Vec<String>>,
}

/// The type of a column that holds what another one counts up.
fn stored(ty: &str) -> &str {
    match ty.to_ascii_lowercase().as_str() {
        "smallserial" | "serial2" => "smallint",
        "serial" | "serial4" => "integer",
        "bigserial" | "serial8" => "bigint",
        _ => ty,
    }
}

/// A name for a comment: a line end in it must not end the comment.
fn plain(name: &Name) -> String {
    name.to_string().replace(['\n', '\r'], " ")
}
