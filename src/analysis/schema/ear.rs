//! What each statement does, as SQLite itself says: its authorizer is called for every table that a
//! statement reads, changes or makes when the statement is prepared.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, Result};

use super::bodies::firing;
use super::model::Place;
use super::shared::statement::{Does, Statement};
use crate::analysis::sql::{Kind, lex, quote};

/// Listens to one database.
pub(super) struct Ear(Arc<Mutex<Vec<Heard>>>);

/// One call of the authorizer.
struct Heard {
    /// The trigger or view on whose behalf.
    accessor: Option<String>,
    name: String,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Read,
    Change,
    Define,
    MakeView,
    MakeTrigger,
}

impl Ear {
    /// Replaces whatever listened to this database before. Nothing may leave memory: ATTACH and
    /// VACUUM INTO name files of the user, and are denied.
    pub(super) fn put_to(database: &mut Connection) -> Result<Self> {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        database.authorizer(Some(move |context: AuthContext<'_>| {
            match context.action {
                // VACUUM attaches a nameless one; a name that is an expression is `Unknown`.
                AuthAction::Attach { filename: "" } => return Authorization::Allow,
                AuthAction::Attach { .. } | AuthAction::Unknown { .. } => {
                    return Authorization::Deny;
                }
                _ => {}
            }
            ear.lock().unwrap_or_else(PoisonError::into_inner).extend(hear(&context));
            Authorization::Allow
        }))?;
        Ok(Self(heard))
    }

    /// Listens to a statement that is about to run.
    pub(super) fn before(&self, database: &Connection, sql: &str) -> Statement {
        let place = Place { file: "".into(), span: 0..0 };
        let mut statement = Statement::at(place);
        let tokens = lex(sql);
        let first = |word: &str| tokens.first().is_some_and(|token| token.is(sql, word));
        const SETTINGS: [&str; 9] = [
            "PRAGMA",
            "BEGIN",
            "COMMIT",
            "END",
            "ROLLBACK",
            "SAVEPOINT",
            "RELEASE",
            "VACUUM",
            "EXPLAIN",
        ];
        // Preparing a PRAGMA runs it.
        if SETTINGS.iter().any(|word| first(word)) {
            return statement;
        }
        self.take();
        prepare(database, sql);
        let heard = self.take();
        let views: Vec<&str> = Vec::from_iter(heard.iter().filter_map(|h| h.accessor.as_deref()))
            .into_iter()
            .filter(|name| is_view(database, name))
            .collect();
        for one in &heard {
            match (&one.accessor, one.what) {
                (None, What::Read) => drop(statement.reads.insert(one.name.clone())),
                (None, _) => drop(statement.changes.insert(one.name.clone())),
                // What is read through a view is read; what a trigger does is its own business.
                (Some(by), What::Read) if views.contains(&by.as_str()) => {
                    statement.reads.insert(one.name.clone());
                }
                (Some(_), _) => {}
            }
        }
        let made = |what| heard.iter().find(|h| h.what == what && h.accessor.is_none());
        let defines = ["CREATE", "ALTER", "DROP", "REINDEX", "ANALYZE"].iter().any(|w| first(w));
        statement.does = if made(What::MakeView).is_some() {
            Does::View(made_name(sql, "VIEW"))
        } else if made(What::MakeTrigger).is_some() {
            Does::Trigger(made_name(sql, "TRIGGER"))
        } else if let Some((from, to)) = rename(sql) {
            Does::Renames(from, to)
        } else if defines {
            Does::Definition
        } else if heard.is_empty() {
            Does::Nothing
        } else {
            Does::Rows
        };
        if joins_by_name(sql) {
            let changes = statement.changes.clone();
            statement.reads.extend(named(database, sql).difference(&changes).cloned());
        }
        if defines && statement.changes.is_empty() {
            // `IF NOT EXISTS` of something that does: SQLite looks no further.
            statement.changes = named(database, sql);
        }
        statement
    }

    /// Listens to the body of a view or trigger that a statement has just made.
    pub(super) fn after(&self, database: &Connection, sql: &str, statement: &mut Statement) {
        let (accessor, on) = match &statement.does {
            Does::View(name) => (name.clone(), None),
            Does::Trigger(name) => (name.clone(), statement.changes.first().cloned()),
            _ => return,
        };
        let accessor = accessor.to_ascii_lowercase();
        self.take();
        let prepared = match &on {
            None => prepare(database, &format!("SELECT * FROM {}", quote(&accessor))),
            Some(on) => {
                let on = on.rsplit('.').next().unwrap_or(on);
                let columns = settable(database, on);
                let all = firing(on, &columns).map(|sql| prepare(database, &sql));
                all.into_iter().any(|ok| ok)
            }
        };
        let heard = self.take();
        let mut found = heard.into_iter().peekable();
        if !prepared || found.peek().is_none() || joins_by_name(sql) {
            statement.reads.extend(named(database, sql));
        }
        for one in found {
            let by_it = on.is_none() || one.accessor.as_deref() == Some(&accessor);
            if by_it && !is_view(database, &one.name) {
                statement.reads.insert(one.name);
            }
        }
        for name in &statement.changes {
            statement.reads.remove(name);
        }
    }

    /// Lets go of what was heard.
    pub(super) fn forget(&self) {
        self.take();
    }

    fn take(&self) -> Vec<Heard> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Prepares a statement with foreign keys off: their checks and actions would be heard as well.
fn prepare(database: &Connection, sql: &str) -> bool {
    const KEYS: DbConfig = DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY;
    let on = database.db_config(KEYS).unwrap_or(false);
    // The flag itself, since the PRAGMA does nothing inside a transaction.
    let _ = database.set_db_config(KEYS, false);
    let prepared = database.prepare(sql).is_ok();
    let _ = database.set_db_config(KEYS, on);
    prepared
}

fn hear(context: &AuthContext<'_>) -> Option<Heard> {
    use AuthAction as A;
    let (name, what) = match context.action {
        A::Read { table_name, .. } => (table_name, What::Read),
        A::Insert { table_name } | A::Update { table_name, .. } | A::Delete { table_name } => {
            (table_name, What::Change)
        }
        A::CreateTable { table_name }
        | A::CreateVtable { table_name, .. }
        | A::CreateIndex { table_name, .. }
        | A::AlterTable { table_name, .. }
        | A::DropTable { table_name }
        | A::DropVtable { table_name, .. }
        | A::DropIndex { table_name, .. }
        | A::DropTrigger { table_name, .. }
        | A::CreateTempTable { table_name }
        | A::CreateTempIndex { table_name, .. }
        | A::DropTempTable { table_name }
        | A::DropTempIndex { table_name, .. }
        | A::DropTempTrigger { table_name, .. }
        | A::Analyze { table_name } => (table_name, What::Define),
        A::DropView { view_name } | A::DropTempView { view_name } => (view_name, What::Define),
        A::CreateView { view_name } | A::CreateTempView { view_name } => {
            (view_name, What::MakeView)
        }
        A::CreateTrigger { table_name, .. } | A::CreateTempTrigger { table_name, .. } => {
            (table_name, What::MakeTrigger)
        }
        _ => return None,
    };
    // SQLite's own tables are everybody's.
    if name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_")) {
        return None;
    }
    let temporary = match context.action {
        // Of these SQLite names the schema first.
        A::AlterTable { database_name, .. } => database_name == "temp",
        _ => context.database_name == Some("temp"),
    };
    let name = name.to_ascii_lowercase();
    let name = if temporary { format!("temp.{name}") } else { name };
    Some(Heard { accessor: context.accessor.map(str::to_ascii_lowercase), name, what })
}

/// The old and the new name in `ALTER TABLE a RENAME TO b`.
fn rename(sql: &str) -> Option<(String, String)> {
    let tokens = lex(sql);
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(sql, word));
    let last = tokens.len().checked_sub(1)?;
    let renames = is(0, "ALTER") && last >= 4 && is(last - 1, "TO") && is(last - 2, "RENAME");
    let name = |at: usize| tokens[at].name(sql).map(|name| name.to_ascii_lowercase());
    renames.then(|| Some((name(last - 3)?, name(last)?))).flatten()
}

/// The name in `CREATE VIEW name`, as written.
fn made_name(sql: &str, keyword: &str) -> String {
    let tokens = lex(sql);
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(sql, word));
    let mut at = tokens.iter().position(|token| token.is(sql, keyword)).map_or(0, |at| at + 1);
    if is(at, "IF") && is(at + 1, "NOT") && is(at + 2, "EXISTS") {
        at += 3;
    }
    if tokens.get(at + 1).is_some_and(|token| token.is_symbol(sql, ".")) {
        at += 2;
    }
    tokens.get(at).and_then(|token| token.name(sql)).unwrap_or_default()
}

/// Whether a statement joins by the names of columns: of a table that it reads for nothing else, the
/// authorizer is not told.
pub(super) fn joins_by_name(sql: &str) -> bool {
    lex(sql).iter().any(|token| token.is(sql, "NATURAL") || token.is(sql, "USING"))
}

/// Every table and view whose name stands in a statement: too much rather than too little.
fn named(database: &Connection, sql: &str) -> BTreeSet<String> {
    let query = "SELECT lower(name) FROM pragma_table_list \
         WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let tokens = lex(sql);
    let names = |name: &String| {
        tokens.iter().any(|token| token.kind != Kind::Text && token.names(sql, name))
    };
    strings(database, query, &[]).into_iter().filter(names).collect()
}

fn settable(database: &Connection, table: &str) -> Vec<String> {
    let query = "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid";
    strings(database, query, &[table]).iter().map(|name| quote(name)).collect()
}

fn is_view(database: &Connection, name: &str) -> bool {
    let query = "SELECT 1 FROM sqlite_master WHERE type = 'view' AND lower(name) = ?1";
    database.query_row(query, [name], |_| Ok(())).is_ok()
}

fn strings(database: &Connection, query: &str, params: &[&str]) -> Vec<String> {
    let all = || -> Result<Vec<String>> {
        let params = rusqlite::params_from_iter(params);
        database.prepare(query)?.query_map(params, |row| row.get(0))?.collect()
    };
    // A catalogue that SQLite wrote can be read.
    all().unwrap_or_default()
}
