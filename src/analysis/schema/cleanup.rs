//! The clean-up that a person runs long after cutover.

use std::fmt::Write as _;

use camino::Utf8Path;

use super::copy::parents_first;
use super::model::{Schema, Table, TableKind};
use crate::analysis::sql::quote;

/// SQL that drops what `owner` (the path of a migration folder) created, children before parents, and
/// the history table of its migrations where nobody else has his there, from the monolith's database.
///
/// It is no migration: it belongs where no migrator looks. It drops nothing while a foreign key of
/// another table still points at one of these.
pub fn drop_owned_tables(schema: &Schema, owner: &Utf8Path, history_table: Option<&str>) -> String {
    let real = |table: &&Table| table.kind != TableKind::Shadow;
    let (mut tables, _) = parents_first(schema.owned(owner).filter(real).collect());
    tables.reverse();
    let names: Vec<_> = tables
        .iter()
        .map(|table| format!("'{}'", table.name.to_ascii_lowercase().replace('\'', "''")))
        .collect();
    let names = names.join(", ");
    let mut out = format!(
        "-- Drops the tables that moved to the service from the monolith's database. No way back.
--
-- Safe when all of this holds:
--   * every process of the monolith calls the service, and no older version can come back;
--   * the copied rows were compared, and the service has a backup that was restored once;
--   * the migrations that drop the foreign keys into these tables have run here.
--
-- Run it by hand, stopping at the first error:  sqlite3 -bail <database> < <this file>
PRAGMA foreign_keys = OFF;
PRAGMA legacy_alter_table = ON;
BEGIN IMMEDIATE;

-- Stops here while a foreign key of another table still points at one of them.
CREATE TEMP TABLE still_referenced (
    keys INTEGER NOT NULL CONSTRAINT \"foreign keys still point at these tables\" CHECK (keys = 0)
);
INSERT OR ROLLBACK INTO temp.still_referenced
SELECT count(*)
FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS f
WHERE m.type = 'table' AND lower(f.\"table\") IN ({names}) AND lower(m.name) NOT IN ({names});
DROP TABLE temp.still_referenced;

"
    );
    for trigger in schema.triggers().filter(|trigger| trigger.folder == owner) {
        let _ = writeln!(out, "DROP TRIGGER IF EXISTS {};", quote(&trigger.name));
    }
    for view in schema.views.iter().filter(|view| view.folder == owner) {
        let _ = writeln!(out, "DROP VIEW IF EXISTS {};", quote(&view.name));
    }
    for table in tables {
        let _ = writeln!(out, "DROP TABLE IF EXISTS {};", quote(&table.name));
    }
    if let Some(history) = history_table {
        let _ = writeln!(out, "DROP TABLE IF EXISTS {};", quote(history));
    }
    out.push_str("\nCOMMIT;\nPRAGMA legacy_alter_table = OFF;\nPRAGMA foreign_keys = ON;\n");
    out
}
