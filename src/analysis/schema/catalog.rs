//! Reads the catalogue of the migrated database into values.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use rusqlite::{Connection, Params, Result, Row};

use super::bodies::Bodies;
use super::definition::references;
use super::folder::MigrationFolder;
use super::model::{
    Column, ForeignKey, Index, Place, RowId, Schema, Table, TableKind, Trigger, View,
};
use super::run::{Origin, Origins};
use crate::analysis::sql::lex;
use crate::analysis::sql::statements;

/// Reads everything that the migrations left behind. The database is not usable for other things
/// afterwards: foreign keys are off and every statement is listened to.
///
/// # Errors
/// Whatever SQLite says; a catalogue that SQLite wrote does not fail.
pub(super) fn read(
    database: Connection,
    folders: &[MigrationFolder],
    origins: &Origins,
    order: Vec<Utf8PathBuf>,
) -> Result<Schema> {
    let listed = all(
        &database,
        "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let reader = Reader { database: &database, folders, origins };
    let mut tables = Vec::new();
    let mut views = Vec::new();
    for (name, kind, without_rowid) in listed {
        let (name, kind, without_rowid): (String, String, bool) = (name, kind, without_rowid);
        let Some(origin) = reader.origin(false, &name) else { continue };
        match kind.as_str() {
            "view" => views.push(reader.view(name, origin)?),
            "virtual" => {
                tables.push(reader.table(name, TableKind::Virtual, without_rowid, origin)?)
            }
            "shadow" => {
                tables.push(reader.table(name, TableKind::Shadow, without_rowid, origin)?)
            }
            _ => tables.push(reader.table(name, TableKind::Ordinary, without_rowid, origin)?),
        }
    }
    let mut schema = Schema { tables, views, folders: folders.to_vec(), order };
    Bodies::listen(database, &schema)?.fill(&mut schema);
    Ok(schema)
}

struct Reader<'r> {
    database: &'r Connection,
    folders: &'r [MigrationFolder],
    origins: &'r Origins,
}

impl Reader<'_> {
    /// `None` for what SQLite made for itself, such as `sqlite_sequence`.
    fn origin(&self, trigger: bool, name: &str) -> Option<&Origin> {
        let name = name.to_ascii_lowercase();
        self.origins.get(&(trigger, name.clone())).filter(|_| !name.starts_with("sqlite_"))
    }

    fn folder(&self, origin: &Origin) -> Utf8PathBuf {
        self.folders[origin.folder].path.clone()
    }

    fn table(
        &self,
        name: String,
        kind: TableKind,
        without_rowid: bool,
        origin: &Origin,
    ) -> Result<Table> {
        let sql = self.sql("table", &name)?;
        let columns = self.columns(&name)?;
        let row_id = self.row_id(&name, without_rowid, &columns)?;
        let check = "SELECT count(*) FROM pragma_foreign_key_check(?1)";
        Ok(Table {
            folder: self.folder(origin),
            kind,
            row_id,
            autoincrement: lex(&sql).iter().any(|token| token.is(&sql, "AUTOINCREMENT")),
            checkable: self.database.query_row(check, [&name], |_| Ok(())).is_ok(),
            columns: columns.into_iter().map(|(column, _)| column).collect(),
            foreign_keys: self.foreign_keys(&name, origin)?,
            indexes: self.indexes(&name)?,
            triggers: self.triggers(&name)?,
            places: origin.places.clone(),
            name,
            sql,
        })
    }

    fn view(&self, name: String, origin: &Origin) -> Result<View> {
        Ok(View {
            sql: self.sql("view", &name)?,
            folder: self.folder(origin),
            touches: BTreeSet::new(),
            triggers: self.triggers(&name)?,
            place: last(origin),
            name,
        })
    }

    fn sql(&self, kind: &str, name: &str) -> Result<String> {
        let query = "SELECT sql FROM main.sqlite_master WHERE type = ?1 AND name = ?2";
        self.database.query_row(query, [kind, name], |row| row.get(0))
    }

    /// The columns, each with whether it belongs to the primary key.
    fn columns(&self, table: &str) -> Result<Vec<(Column, bool)>> {
        let query = "SELECT name, hidden, pk > 0 FROM pragma_table_xinfo(?1) ORDER BY cid";
        let columns = all(self.database, query, [table], |row| {
            let hidden: i64 = row.get(1)?;
            let column = Column { name: row.get(0)?, generated: hidden == 2 || hidden == 3 };
            Ok((hidden, (column, row.get(2)?)))
        })?;
        // Hidden column 1 belongs to a virtual table's machinery.
        Ok(columns
            .into_iter()
            .filter(|(hidden, _)| *hidden != 1)
            .map(|(_, column)| column)
            .collect())
    }

    /// A single primary key column for which SQLite keeps no index is the row id itself.
    fn row_id(
        &self,
        table: &str,
        without_rowid: bool,
        columns: &[(Column, bool)],
    ) -> Result<RowId> {
        let query = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')";
        let indexed: bool = self.database.query_row(query, [table], |row| row.get(0))?;
        let keys = columns.iter().filter(|(_, key)| *key).count();
        if without_rowid || (keys == 1 && !indexed) {
            return Ok(RowId::InColumns);
        }
        let taken =
            |name: &&str| columns.iter().any(|(column, _)| column.name.eq_ignore_ascii_case(name));
        let free = ["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken(name));
        Ok(free.map_or(RowId::Unreachable, RowId::Hidden))
    }

    fn foreign_keys(&self, table: &str, origin: &Origin) -> Result<Vec<ForeignKey>> {
        let query = "SELECT id, \"table\", \"from\", \"to\", on_delete, on_update \
             FROM pragma_foreign_key_list(?1) ORDER BY id DESC, seq";
        let rows = all(self.database, query, [table], |row| {
            let to: Option<String> = row.get(3)?;
            let key = ForeignKey {
                id: row.get(0)?,
                table: row.get(1)?,
                from: vec![row.get(2)?],
                to: to.into_iter().collect(),
                on_delete: row.get(4)?,
                on_update: row.get(5)?,
                place: last(origin),
            };
            Ok(key)
        })?;
        let mut keys: Vec<ForeignKey> = Vec::new();
        for row in rows {
            match keys.last_mut() {
                Some(key) if key.id == row.id => {
                    key.from.extend(row.from);
                    key.to.extend(row.to);
                }
                _ => keys.push(row),
            }
        }
        for key in &mut keys {
            if let Some(place) = self.place_of(table, key, origin) {
                key.place = place;
            }
        }
        Ok(keys)
    }

    /// The clause in the newest statement that writes it: of this table, else of one that was renamed
    /// to it, in the files that made it.
    fn place_of(&self, table: &str, key: &ForeignKey, origin: &Origin) -> Option<Place> {
        let same = |a: &[String], b: &[String]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        let mut fallback = None;
        let files = self.folders.iter().flat_map(|folder| folder.forward());
        let made = files.filter(|file| origin.places.iter().any(|place| place.file == file.path));
        for file in made.collect::<Vec<_>>().into_iter().rev() {
            for statement in statements(&file.text).into_iter().rev() {
                let Some((name, found)) = references(&file.text[statement.clone()]) else {
                    continue;
                };
                let Some(reference) = found.iter().find(|reference| {
                    reference.table.eq_ignore_ascii_case(&key.table)
                        && same(&reference.from, &key.from)
                }) else {
                    continue;
                };
                let clause = &reference.clause;
                let span = statement.start + clause.start..statement.start + clause.end;
                let place = Place { file: file.path.clone(), span };
                if name.eq_ignore_ascii_case(table) {
                    return Some(place);
                }
                fallback.get_or_insert(place);
            }
        }
        fallback
    }

    fn indexes(&self, table: &str) -> Result<Vec<Index>> {
        let made = self.made("index", table)?;
        let index = |(name, sql): (String, String)| {
            let origin = self.origin(false, &name)?;
            Some(Index { folder: self.folder(origin), place: last(origin), name, sql })
        };
        Ok(made.into_iter().filter_map(index).collect())
    }

    fn triggers(&self, on: &str) -> Result<Vec<Trigger>> {
        let made = self.made("trigger", on)?;
        let trigger = |(name, sql): (String, String)| {
            let origin = self.origin(true, &name)?;
            let folder = self.folder(origin);
            let place = last(origin);
            let on = on.to_owned();
            Some(Trigger { name, on, sql, folder, touches: BTreeSet::new(), place })
        };
        Ok(made.into_iter().filter_map(trigger).collect())
    }

    fn made(&self, kind: &str, on: &str) -> Result<Vec<(String, String)>> {
        let query = "SELECT name, sql FROM main.sqlite_master \
             WHERE type = ?1 AND tbl_name = ?2 COLLATE NOCASE AND sql IS NOT NULL ORDER BY rowid";
        all(self.database, query, [kind, on], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

fn last(origin: &Origin) -> Place {
    origin.places[origin.places.len() - 1].clone()
}

fn all<T>(
    database: &Connection,
    sql: &str,
    params: impl Params,
    map: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    database.prepare(sql)?.query_map(params, map)?.collect()
}
