//! Runs migrations in a database in memory and keeps book of which statement made what.

use std::collections::BTreeMap;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{Connection, Error};

use super::catalog;
use super::ear::Ear;
use super::folder::{MigrationFile, MigrationFolder};
use super::model::{Place, Schema};
use super::shared::statement::Statement;
use crate::analysis::sql::statements;
use crate::analysis::sql::{Kind, lex};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Where an object of the catalogue comes from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Position of the folder that created it.
    pub(super) folder: usize,
    /// The statements that created and changed it, in order.
    pub(super) places: Vec<Place>,
    sql: String,
}

/// Objects by their name without case; SQLite has one name space for tables, views, indexes and
/// triggers (a trigger alone may share the name of a table, hence the flag).
pub(super) type Origins = BTreeMap<(bool, String), Origin>;

impl Schema {
    /// Runs the forward migrations of all `folders` in one SQLite database in memory and reads its
    /// catalogue.
    ///
    /// Versions ascend over all folders; where a migration needs an object that another folder makes
    /// later, that one goes first. Foreign keys are on, and every file runs in a transaction unless
    /// it says `-- no-transaction`, as under sqlx.
    ///
    /// # Errors
    /// One diagnostic a folder that cannot go on, at the statement that SQLite rejects.
    pub fn of(folders: &[MigrationFolder]) -> Result<Self, Diagnostics> {
        let (bench, order) = run(folders)?;
        bench.schema(folders, order).map_err(one)
    }

    /// Runs, in the order that worked, only the files of folders that `keep` names, on a database of
    /// their own. A statement that SQLite rejects is passed over, so that all of them are found.
    ///
    /// # Errors
    /// Only when SQLite itself does not open.
    pub(super) fn part(
        &self,
        keep: impl Fn(&Utf8Path) -> bool,
    ) -> Result<(Self, Vec<Diagnostic>), Diagnostic> {
        let mut bench = Bench::open()?;
        let mut rejected = Vec::new();
        for path in &self.order {
            for (at, folder) in self.folders.iter().enumerate().filter(|(_, f)| keep(&f.path)) {
                for file in folder.forward().filter(|file| file.path == *path) {
                    bench.apply(at, file, Some(&mut rejected))?;
                }
            }
        }
        Ok((bench.schema(&self.folders, self.order.clone())?, rejected))
    }
}

/// Runs the next file of the folder with the lowest version that goes; starts again without a file
/// that failed, since one without a transaction may have left half of itself behind.
pub(super) fn run(folders: &[MigrationFolder]) -> Result<(Bench, Vec<Utf8PathBuf>), Diagnostics> {
    let files: Vec<Vec<&MigrationFile>> = folders.iter().map(|f| f.forward().collect()).collect();
    let mut next = vec![0; files.len()];
    let mut done: Vec<(usize, &MigrationFile)> = Vec::new();
    let mut bench = Bench::open().map_err(one)?;
    loop {
        let mut waiting: Vec<usize> =
            (0..files.len()).filter(|f| next[*f] < files[*f].len()).collect();
        waiting.sort_by_key(|folder| files[*folder][next[*folder]].version);
        let mut problems = Diagnostics::default();
        let mut progress = waiting.is_empty();
        for folder in waiting {
            let file = files[folder][next[folder]];
            match bench.apply(folder, file, None) {
                Ok(()) => {
                    next[folder] += 1;
                    done.push((folder, file));
                    progress = true;
                    break;
                }
                Err(problem) => {
                    problems.push(problem);
                    bench = Bench::open().map_err(one)?;
                    for (folder, file) in &done {
                        bench.apply(*folder, file, None).map_err(one)?;
                    }
                }
            }
        }
        if done.len() == files.iter().map(Vec::len).sum::<usize>() {
            return Ok((bench, done.iter().map(|(_, file)| file.path.clone()).collect()));
        }
        if !progress {
            return Err(problems);
        }
    }
}

fn unreadable(error: Error) -> Diagnostic {
    Diagnostic::error("schema-unreadable", format!("SQLite does not open: {error}"))
}

pub(super) fn one(problem: Diagnostic) -> Diagnostics {
    let mut problems = Diagnostics::default();
    problems.push(problem);
    problems
}

/// A database in memory, and what is known of how it came about.
pub(super) struct Bench {
    pub(super) database: Connection,
    origins: Origins,
    version: i64,
    ear: Ear,
    /// Whether it keeps what it hears.
    listens: bool,
    /// What was heard, in the order of running.
    pub(super) heard: Vec<Statement>,
}

impl Bench {
    /// An empty one.
    pub(super) fn open() -> Result<Self, Diagnostic> {
        let open = || {
            let mut database = Connection::open_in_memory()?;
            let ear = Ear::put_to(&mut database)?;
            Ok::<_, Error>((database, ear))
        };
        let (database, ear) = open().map_err(unreadable)?;
        let (origins, heard) = (Origins::new(), Vec::new());
        Ok(Self { database, origins, version: 0, ear, listens: false, heard })
    }

    /// An empty one that listens to what each statement does.
    pub(super) fn listening() -> Result<Self, Diagnostic> {
        Ok(Self { listens: true, ..Self::open()? })
    }

    /// Another one with the same content, which listens as well.
    pub(super) fn copy(&self) -> Result<Self, Diagnostic> {
        let mut copy = Self::listening()?;
        rusqlite::backup::Backup::new(&self.database, &mut copy.database)
            .and_then(|backup| backup.step(-1))
            .map_err(unreadable)?;
        Ok(copy)
    }

    fn schema(
        self,
        folders: &[MigrationFolder],
        order: Vec<Utf8PathBuf>,
    ) -> Result<Schema, Diagnostic> {
        catalog::read(self.database, folders, &self.origins, order).map_err(|error| {
            Diagnostic::error(
                "schema-unreadable",
                format!("the catalogue of the migrated database cannot be read: {error}"),
            )
        })
    }

    /// Runs one file; with `tolerate`, rejected statements are collected there and passed over.
    pub(super) fn apply(
        &mut self,
        folder: usize,
        file: &MigrationFile,
        mut tolerate: Option<&mut Vec<Diagnostic>>,
    ) -> Result<(), Diagnostic> {
        let before = self.origins.clone();
        let whole = 0..file.text.len();
        let reject = |database: &Connection, span, error| rejected(database, file, span, error);
        let begin = if file.without_transaction() { "" } else { "BEGIN" };
        let start = format!("PRAGMA foreign_keys = ON; {begin}");
        self.database
            .execute_batch(&start)
            .map_err(|e| reject(&self.database, whole.clone(), e))?;
        for span in statements(&file.text) {
            let sql = &file.text[span.clone()];
            let place = Place { file: file.path.clone(), span: span.clone() };
            let heard = self.listens.then(|| self.ear.before(&self.database, sql));
            let ran = execute(&self.database, sql);
            if let (Ok(()), Some(mut statement)) = (&ran, heard) {
                self.ear.after(&self.database, sql, &mut statement);
                self.heard.push(Statement { place: place.clone(), ..statement });
            }
            self.ear.forget();
            if let Err(error) = ran {
                let problem = reject(&self.database, span.clone(), error);
                tolerate.as_mut().ok_or_else(|| problem.clone())?.push(problem);
            }
            self.note(folder, place, &before).map_err(|e| reject(&self.database, span, e))?;
        }
        if !file.without_transaction() && !self.database.is_autocommit() {
            self.database.execute_batch("COMMIT").map_err(|e| reject(&self.database, whole, e))?;
        }
        Ok(())
    }

    /// Compares the catalogue with what is known. A table that a file drops and makes again (the
    /// usual way to alter one) stays with its owner.
    fn note(&mut self, folder: usize, place: Place, before: &Origins) -> rusqlite::Result<()> {
        let version = self.database.query_row("PRAGMA schema_version", [], |row| row.get(0))?;
        if version == self.version {
            return Ok(());
        }
        self.version = version;
        let mut query = self.database.prepare(
            "SELECT type = 'trigger', lower(name), coalesce(sql, '') FROM main.sqlite_master",
        )?;
        let now = query
            .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?
            .collect::<rusqlite::Result<BTreeMap<(bool, String), String>>>()?;
        self.origins.retain(|key, _| now.contains_key(key));
        for (key, sql) in now {
            let known = self.origins.entry(key.clone()).or_insert_with(|| match before.get(&key) {
                Some(origin) => Origin { sql: String::new(), ..origin.clone() },
                None => Origin { folder, places: Vec::new(), sql: String::new() },
            });
            if known.sql != sql || known.places.is_empty() {
                known.sql = sql;
                known.places.push(place.clone());
            }
        }
        Ok(())
    }
}

fn execute(database: &Connection, sql: &str) -> rusqlite::Result<()> {
    let mut statement = database.prepare(sql)?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

fn rejected(
    database: &Connection,
    file: &MigrationFile,
    span: Range<usize>,
    error: Error,
) -> Diagnostic {
    let statement = &file.text[span.clone()];
    let at = offset(&error).filter(|at| *at < statement.len());
    let token = at.and_then(|at| lex(statement).into_iter().find(|token| token.span.start >= at));
    let label = token
        .map_or(span.clone(), |token| span.start + token.span.start..span.start + token.span.end);
    let message = match &error {
        Error::SqlInputError { msg, .. } => msg.clone(),
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    };
    let path = &file.path;
    let diagnostic =
        Diagnostic::error("migration-rejected", format!("SQLite rejects `{path}`: {message}"))
            .at(path, label, "here");
    if lex(statement).first().is_some_and(|token| token.is(statement, "ATTACH")) {
        return diagnostic
            .note("tables in another file are not in this history, and one of them may have the name of one")
            .help("keep what the module stores in one database, and attach no other in a migration");
    }
    match foreign(database, statement, at) {
        Some(name) => diagnostic
            .note(format!(
                "calve runs migrations in plain SQLite, which has no `{name}`: an extension that the \
                 monolith loads may have it, and calve cannot load it"
            ))
            .help(format!("write the migration without `{name}`, and do in code what it was for")),
        None => diagnostic.help(
            "mend it, or let a migration before it make what it needs: all of them have to run in a new, \
             empty database",
        ),
    }
}

fn offset(error: &Error) -> Option<usize> {
    match error {
        Error::SqlInputError { offset, .. } => usize::try_from(*offset).ok(),
        _ => None,
    }
}

/// The function at the place of the error, or the module of a virtual table, that plain SQLite lacks.
fn foreign(database: &Connection, statement: &str, at: Option<usize>) -> Option<String> {
    let lacks = |list: &str, name: &str| {
        let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {list} WHERE name = lower(?1))");
        database.query_row(&sql, [name], |row| row.get(0)).unwrap_or(false)
    };
    let tokens = lex(statement);
    let virtual_table = tokens.iter().take(2).skip(1).any(|token| token.is(statement, "VIRTUAL"));
    let (name, list) = if virtual_table {
        let using = tokens.iter().position(|token| token.is(statement, "USING"))?;
        (tokens.get(using + 1)?, "pragma_module_list")
    } else {
        let token = tokens.iter().position(|token| Some(token.span.start) == at)?;
        let call = tokens.get(token + 1)?.is_symbol(statement, "(");
        (
            tokens.get(token).filter(|token| call && token.kind == Kind::Word)?,
            "pragma_function_list",
        )
    };
    let name = name.name(statement)?;
    lacks(list, &name).then_some(name)
}
