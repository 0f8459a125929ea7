//! The clean-up that a person runs long after cutover.

use std::fmt::Write as _;

use camino::Utf8Path;

use super::model::{Kind, Object, Schema};
use super::names::identifier;

/// SQL that drops what `owner` (the path of a migration folder) created, and the history table of its
/// migrations where nobody else has his there, from the monolith's database. `lock` is the function that
/// kept the tables from being written during the cutover.
///
/// It is no migration: it belongs where no migrator looks. Nothing is dropped while something of
/// others depends on it, since nothing here says `CASCADE`.
pub fn drop_owned(
    schema: &Schema,
    owner: &Utf8Path,
    history_table: Option<&str>,
    lock: &str,
) -> String {
    let mut out =
        "-- Drops the tables that moved to the service from the monolith's database. No way back.
--
-- Safe when all of this holds:
--   * every process of the monolith calls the service, and no older version can come back;
--   * the copied rows were compared, and the service has a backup that was restored once;
--   * the migrations that drop the foreign keys into these tables have run here: it fails before.
--
-- Run it by hand:  psql -v ON_ERROR_STOP=1 -f <this file> <database>
BEGIN;

"
        .to_owned();
    let mut drop = |what: &str, names: Vec<String>| {
        if !names.is_empty() {
            let _ = writeln!(out, "DROP {what} IF EXISTS {};", names.join(", "));
        }
    };
    let sole = |object: &&Object| {
        let creators = schema.creators.get(&(object.kind.space(), object.name.clone()));
        object.folder == owner && creators.is_none_or(|creators| creators.len() == 1)
    };
    let of = |kind: Kind| {
        let mut found: Vec<String> = schema
            .objects
            .iter()
            .filter(|object| object.kind == kind)
            .filter(sole)
            .map(|object| format!("{}{}", object.name.sql(), object.parameters))
            .collect();
        // A view may read one that was made before it.
        found.reverse();
        found.dedup();
        found
    };
    drop("VIEW", of(Kind::View));
    drop("MATERIALIZED VIEW", of(Kind::MaterializedView));
    drop("TABLE", schema.owned(owner).map(|table| table.name.sql()).collect());
    drop("FUNCTION", of(Kind::Function));
    drop("PROCEDURE", of(Kind::Procedure));
    drop("AGGREGATE", of(Kind::Aggregate));
    drop("SEQUENCE", of(Kind::Sequence));
    drop("DOMAIN", of(Kind::Domain));
    drop("TYPE", of(Kind::Type));
    drop("FUNCTION", vec![format!("{}()", identifier(lock))]);
    drop("TABLE", history_table.map(identifier).into_iter().collect());
    out.push_str("\nCOMMIT;\n");
    out
}
