//! Runs a history, and the two that it became, in databases of their own, and compares what is there:
//! nothing is missing, and nothing is there that was not said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, Result};

use super::definition::clause_cuts;
use super::folder::{MigrationFolder, MigrationKind};
use super::run::{one, run};
use crate::analysis::sql::{lex, quote};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// What is compared, and what was said of it.
#[derive(Debug, Default)]
pub struct Split<'a> {
    /// The histories of the monolith before.
    pub before: &'a [MigrationFolder],
    /// Those that it has afterwards.
    pub monolith: &'a [MigrationFolder],
    /// The service's.
    pub service: Option<&'a MigrationFolder>,
    /// The module's tables, in the service afterwards.
    pub tables: Vec<&'a str>,
    /// The module's views.
    pub views: Vec<&'a str>,
    /// Whether the monolith makes the module's tables still.
    pub is_shared: bool,
    /// Views and triggers that the monolith drops.
    pub dropped: Vec<&'a str>,
    /// Triggers of the module's tables that the service does without.
    pub left_out: Vec<&'a str>,
    /// Tables of which rows were left out, in lower case.
    pub fewer_rows: BTreeSet<String>,
}

/// One line of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Counted {
    /// `tables`, `rows`, …
    pub what: &'static str,
    /// How many there are before, in the monolith afterwards, in the service.
    pub counts: [usize; 3],
    /// What is not carried, or is on both sides, in a few words each.
    pub notes: Vec<String>,
}

/// Compares; the differences that nobody reported are empty where the split holds.
///
/// # Errors
/// A migration that SQLite rejects.
pub fn compare(split: &Split<'_>) -> std::result::Result<(Vec<Counted>, Vec<String>), Diagnostics> {
    let before = content(split.before, None)?;
    let monolith = content(split.monolith, None)?;
    let service = match split.service {
        Some(folder) => content(std::slice::from_ref(folder), None)?,
        None => Content::default(),
    };
    let mut found = Comparison { split, notes: BTreeMap::new(), differences: Vec::new() };
    found.objects(&before, &monolith, &service);
    found.keys(&before, &monolith, &service);
    found.rows(&before, &monolith, &service)?;
    // What a new migration took, its pair gives back.
    let known = |folder: &MigrationFolder| {
        let before = split.before.iter().find(|before| before.path == folder.path);
        before.and_then(|before| before.files.last()).map_or(0, |file| file.version)
    };
    let reversible = split.monolith.iter().all(|folder| {
        let new = folder.forward().filter(|file| file.version > known(folder));
        new.into_iter().all(|file| file.kind == MigrationKind::Up)
    });
    if reversible && split.is_shared {
        let back = content(split.monolith, Some(&known))?;
        if back.objects != before.objects || back.keys != before.keys {
            found.differences.push("the new migrations do not give back all that they take".into());
        }
    }
    let Comparison { mut notes, differences, .. } = found;
    let mut lines = Vec::new();
    for (kind, what) in KINDS {
        let count = |content: &Content| content.objects.keys().filter(|(k, _)| *k == kind).count();
        let counts = [count(&before), count(&monolith), count(&service)];
        lines.push(Counted { what, counts, notes: notes.remove(what).unwrap_or_default() });
    }
    let keys = |content: &Content| content.keys.len();
    let counts = [keys(&before), keys(&monolith), keys(&service)];
    let of_keys = notes.remove("foreign keys").unwrap_or_default();
    lines.insert(1, Counted { what: "foreign keys", counts, notes: of_keys });
    let rows = |content: &Content| content.rows.values().map(Vec::len).sum();
    let counts = [rows(&before), rows(&monolith), rows(&service)];
    lines.push(Counted { what: "rows", counts, notes: notes.remove("rows").unwrap_or_default() });
    Ok((lines, differences))
}

const KINDS: [(&str, &str); 4] =
    [("table", "tables"), ("index", "indexes"), ("trigger", "triggers"), ("view", "views")];

/// What a database holds. Names are in lower case.
#[derive(Debug, Default)]
struct Content {
    /// By kind and name: the table that it belongs to, and its definition as tokens.
    objects: BTreeMap<(&'static str, String), (String, Vec<String>)>,
    /// Every foreign key: its table, the one that it refers to, and all of it.
    keys: BTreeSet<(String, String, String)>,
    /// Rows by table, sorted, each with its columns in order.
    rows: BTreeMap<String, Vec<Vec<String>>>,
}

struct Comparison<'a> {
    split: &'a Split<'a>,
    notes: BTreeMap<&'static str, Vec<String>>,
    differences: Vec<String>,
}

impl Comparison<'_> {
    fn objects(&mut self, before: &Content, monolith: &Content, service: &Content) {
        let split = self.split;
        let is = |list: &[&str], name: &str| list.iter().any(|one| one.eq_ignore_ascii_case(name));
        for ((kind, name), (on, sql)) in &before.objects {
            let key = (*kind, name.clone());
            let what = KINDS.iter().find(|(k, _)| k == kind).map_or("", |(_, what)| what);
            let moves = match *kind {
                "view" => is(&split.views, name),
                _ => is(&split.tables, on) || is(&split.views, on),
            };
            let in_service = moves && !is(&split.left_out, name);
            let dropped = is(&split.dropped, name) || is(&split.dropped, on);
            let in_monolith = !dropped && (split.is_shared || !moves);
            if dropped || moves && !in_service {
                self.note(what, format!("`{name}` left out"));
            }
            for (side, content, wanted) in
                [("the monolith", monolith, in_monolith), ("the service", service, in_service)]
            {
                match content.objects.get(&key) {
                    None if wanted => self.differs(format!("{side} lacks the {kind} `{name}`")),
                    Some(_) if !wanted => {
                        self.differs(format!("{side} has the {kind} `{name}`, which nobody said"));
                    }
                    Some((other_on, other)) if other_on != on || other != sql => {
                        self.differs(format!("the {kind} `{name}` is another one in {side}"));
                    }
                    _ => {}
                }
            }
        }
        for (side, content) in [("the monolith", monolith), ("the service", service)] {
            let more = content.objects.keys().filter(|key| !before.objects.contains_key(*key));
            for (kind, name) in more.collect::<Vec<_>>() {
                self.differs(format!("{side} has a {kind} `{name}` that was not there before"));
            }
        }
        if split.is_shared {
            let unused = split.tables.len();
            self.note("tables", format!("{unused} go unused in the monolith"));
        }
    }

    fn keys(&mut self, before: &Content, monolith: &Content, service: &Content) {
        let split = self.split;
        let moves = |table: &str| split.tables.iter().any(|one| one.eq_ignore_ascii_case(table));
        let mut dropped = BTreeSet::new();
        for key in &before.keys {
            let (table, into, _) = key;
            let crosses = moves(table) != moves(into);
            if crosses {
                dropped.insert(format!("`{table}` to `{into}` dropped"));
            }
            let in_monolith = !crosses && (split.is_shared || !moves(table));
            let in_service = !crosses && moves(table);
            for (side, content, wanted) in
                [("the monolith", monolith, in_monolith), ("the service", service, in_service)]
            {
                if content.keys.contains(key) != wanted {
                    let verb = if wanted { "lacks" } else { "has still" };
                    self.differs(format!("{side} {verb} a foreign key of `{table}` into `{into}`"));
                }
            }
        }
        for (side, content) in [("the monolith", monolith), ("the service", service)] {
            for (table, into, _) in content.keys.difference(&before.keys) {
                self.differs(format!("{side} has a new foreign key of `{table}` into `{into}`"));
            }
        }
        dropped.into_iter().for_each(|note| self.note("foreign keys", note));
    }

    fn rows(
        &mut self,
        before: &Content,
        monolith: &Content,
        service: &Content,
    ) -> std::result::Result<(), Diagnostics> {
        let mut again: Option<Content> = None;
        for (side, content) in [("the monolith", monolith), ("the service", service)] {
            for (table, rows) in &content.rows {
                let Some(wanted) = before.rows.get(table).filter(|wanted| *wanted != rows) else {
                    continue;
                };
                if again.is_none() {
                    // What a clock or dice put into rows differs from run to run.
                    std::thread::sleep(Duration::from_millis(1100));
                    again = Some(self::content(self.split.before, None)?);
                }
                let other = again.as_ref().and_then(|again| again.rows.get(table));
                let loose = other.map(|other| unstable(wanted, other)).unwrap_or_default();
                let (wanted, rows) = (masked(wanted, &loose), masked(rows, &loose));
                let fewer = side == "the service" && self.split.fewer_rows.contains(table);
                let (missing, more) = (less(&wanted, &rows), less(&rows, &wanted));
                if fewer && more == 0 && missing > 0 {
                    self.note("rows", format!("{missing} of `{table}` left out of the service"));
                } else if missing + more > 0 {
                    self.differs(format!(
                        "{side} lacks {missing} rows of `{table}` and has {more} others"
                    ));
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, what: &'static str, note: String) {
        self.notes.entry(what).or_default().push(note);
    }

    fn differs(&mut self, difference: String) {
        self.differences.push(difference);
    }
}

/// What is there after the migrations; with `back`, after those above its versions were taken back.
fn content(
    folders: &[MigrationFolder],
    back: Option<&dyn Fn(&MigrationFolder) -> i64>,
) -> std::result::Result<Content, Diagnostics> {
    let (mut bench, _) = run(folders)?;
    if let Some(known) = back {
        for (at, folder) in folders.iter().enumerate() {
            let down = folder.files.iter().rev().filter(|file| file.kind == MigrationKind::Down);
            for file in down.filter(|file| file.version > known(folder)) {
                bench.apply(at, file, None).map_err(one)?;
            }
        }
    }
    read(&bench.database).map_err(|error| {
        let message = format!("what the migrations made cannot be read: {error}");
        one(Diagnostic::error("schema-unreadable", message))
    })
}

fn read(database: &Connection) -> Result<Content> {
    let mut content = Content::default();
    // A virtual table comes with those that SQLite keeps for it.
    let query = "SELECT type, lower(name), lower(tbl_name), sql FROM sqlite_master
         WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND tbl_name NOT IN
         (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow')";
    let mut statement = database.prepare(query)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, name, on, sql): (String, String, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let Some((kind, _)) = KINDS.iter().find(|(known, _)| *known == kind) else { continue };
        content.objects.insert((kind, name), (on, tokens(&sql)));
    }
    let tables: Vec<String> = strings(
        database,
        "SELECT lower(name) FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )?;
    for table in tables {
        let keys = "SELECT lower(\"table\"), id, group_concat(lower(\"from\") || ' ' || coalesce(lower(\"to\"), '')
             || ' ' || on_update || ' ' || on_delete || ' ' || \"match\", ', ' ORDER BY seq)
             FROM pragma_foreign_key_list(?1) GROUP BY id";
        let mut statement = database.prepare(keys)?;
        let mut rows = statement.query([&table])?;
        while let Some(row) = rows.next()? {
            content.keys.insert((table.clone(), row.get(0)?, row.get(2)?));
        }
        let mut statement = database.prepare(&format!("SELECT * FROM {}", quote(&table)))?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..width).map(|at| row.get::<_, Value>(at).map(|v| format!("{v:?}")));
            all.push(values.collect::<Result<Vec<_>>>()?);
        }
        all.sort();
        content.rows.insert(table, all);
    }
    Ok(content)
}

/// A definition without its foreign keys, which are compared apart, and without its own name, which
/// comes in quotes or not.
fn tokens(sql: &str) -> Vec<String> {
    let mut text = String::new();
    let mut at = 0;
    for cut in clause_cuts(sql, |_| true) {
        text.push_str(&sql[at..cut.start]);
        text.push(' ');
        at = cut.end;
    }
    text.push_str(&sql[at..]);
    let token = |token: &crate::analysis::sql::Token| match token.name(&text) {
        Some(name) if token.kind != crate::analysis::sql::Kind::Text => name.to_ascii_lowercase(),
        _ => token.text(&text).to_owned(),
    };
    lex(&text).iter().map(token).collect()
}

fn strings(database: &Connection, query: &str) -> Result<Vec<String>> {
    database.prepare(query)?.query_map([], |row| row.get(0))?.collect()
}

/// The columns whose values differ between two runs of the same migrations.
fn unstable(one: &[Vec<String>], other: &[Vec<String>]) -> BTreeSet<usize> {
    let width = one.first().map_or(0, Vec::len);
    let column = |rows: &[Vec<String>], at: usize| {
        let mut values: Vec<_> = rows.iter().filter_map(|row| row.get(at)).cloned().collect();
        values.sort();
        values
    };
    (0..width).filter(|at| column(one, *at) != column(other, *at)).collect()
}

fn masked(rows: &[Vec<String>], loose: &BTreeSet<usize>) -> Vec<Vec<String>> {
    let keep = |row: &Vec<String>| {
        let kept = row.iter().enumerate().filter(|(at, _)| !loose.contains(at));
        kept.map(|(_, value)| value.clone()).collect()
    };
    rows.iter().map(keep).collect()
}

/// How many rows of `one` are not in `other`.
fn less(one: &[Vec<String>], other: &[Vec<String>]) -> usize {
    let mut left: BTreeMap<&[String], usize> = BTreeMap::new();
    for row in other {
        *left.entry(row).or_default() += 1;
    }
    let mut gone = |row: &&Vec<String>| match left.get_mut(row.as_slice()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    one.iter().filter(|row| gone(row)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_were_left_out_excuse_no_other_table() {
        let tables = "CREATE TABLE goods (a); CREATE TABLE lots (a);";
        let folder = |rows: &str| {
            let file = ("1_a.sql".to_owned(), format!("{tables}{rows}").into());
            [MigrationFolder::parse("m", [file]).unwrap()]
        };
        let before = folder("INSERT INTO goods VALUES (1); INSERT INTO lots VALUES (1), (2);");
        let [service] = folder("");
        let differences = |fewer: &[&str]| {
            let split = Split {
                before: &before,
                monolith: &before,
                service: Some(&service),
                tables: vec!["goods", "lots"],
                views: Vec::new(),
                is_shared: true,
                dropped: Vec::new(),
                left_out: Vec::new(),
                fewer_rows: fewer.iter().map(|table| (*table).to_owned()).collect(),
            };
            compare(&split).map_err(|_| "rejected").unwrap().1
        };
        assert_eq!(differences(&["goods", "lots"]), [] as [&str; 0]);
        assert_eq!(
            differences(&["goods"]),
            ["the service lacks 2 rows of `lots` and has 0 others"]
        );
    }
}
