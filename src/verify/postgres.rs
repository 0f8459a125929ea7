//! Databases of PostgreSQL for a moment, on a server that the user names: migrations run there, and the
//! catalogue is asked for what they made. `psql` speaks to the server.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};

use super::interrupt::{Farewell, Folder, Group};
use crate::diagnostic::{Diagnostic, Result};

/// A server on which databases may be made.
#[derive(Debug)]
pub struct Server {
    url: String,
    /// The variable that says where it is.
    variable: String,
}

/// A database that is dropped with this value.
#[derive(Debug)]
pub struct Database<'s> {
    server: &'s Server,
    name: String,
    _farewell: Farewell,
}

/// A file of migrations.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// Relative to the workspace root.
    pub path: &'a Utf8Path,
    /// Its SQL.
    pub text: &'a str,
    /// Whether it opens no transaction of its own.
    pub without_transaction: bool,
}

impl Server {
    /// The server whose URL is in an environment variable.
    ///
    /// # Errors
    /// `no-server` where it is not set.
    pub fn of_environment(variable: &str) -> Result<Self> {
        let url = std::env::var(variable).ok().filter(|url| !url.is_empty());
        let Some(url) = url else {
            return Err(Diagnostic::error(
                "no-server",
                format!("`--verify db` needs a PostgreSQL server, and {variable} is not set"),
            )
            .note("the migrations are run in databases that are made for it and dropped again")
            .help(format!(
                "name a server and a role that may create databases: \
                 {variable}=postgres://postgres@localhost/postgres"
            ))
            .into());
        };
        Ok(Self { url, variable: variable.to_owned() })
    }

    /// Makes a database; `purpose` becomes part of its name.
    ///
    /// # Errors
    /// `no-server` where the server is not reached or does not allow it.
    pub fn create(&self, purpose: &str) -> Result<Database<'_>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("calve_{purpose}_{}_{}", std::process::id(), now.as_nanos());
        let drop = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
        let psql = self.psql();
        let arguments = psql.get_args().map(|a| a.to_string_lossy().into_owned());
        let command = ["psql".to_owned()].into_iter().chain(arguments);
        // Before it is made: a signal may come while the server makes it.
        let farewell = Farewell::by(command.chain(["-c".to_owned(), drop]).collect());
        let create = format!("CREATE DATABASE \"{name}\" TEMPLATE template0");
        let made =
            said(self.psql().args(["-c", &create])).map_err(|error| self.unreached(&error))?;
        if !made.status.success() {
            return Err(self.unreached(&String::from_utf8_lossy(&made.stderr)));
        }
        Ok(Database { server: self, name, _farewell: farewell })
    }

    fn psql(&self) -> Command {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url]);
        // Messages are read.
        psql.env("PGCONNECT_TIMEOUT", "10")
            .env("LC_ALL", "C")
            .env("PGOPTIONS", "-c client_min_messages=error");
        psql
    }

    fn unreached(&self, why: &str) -> Box<Diagnostic> {
        let variable = &self.variable;
        Diagnostic::error(
            "no-server",
            format!("no database can be made on the server of {variable}"),
        )
        .note(why.trim().to_owned())
        .help(format!(
            "let {variable} name a server that runs and a role that may create databases, and have \
                 `psql` on the path"
        ))
        .into()
    }
}

impl Database<'_> {
    /// Runs scripts in their order as sqlx does: on one connection, each in a transaction unless it says
    /// otherwise.
    ///
    /// # Errors
    /// `migration-rejected` at the line that the server does not take.
    #[expect(clippy::disallowed_methods, reason = "the scratch folder's own")]
    pub fn run(&self, scripts: &[Script<'_>]) -> Result<()> {
        let folder = Folder::unique().map_err(|error| failed(&error.to_string()))?;
        let mut psql = self.psql();
        let mut files: Vec<(Utf8PathBuf, Script<'_>)> = Vec::new();
        for (at, script) in scripts.iter().enumerate() {
            let path = folder.path().join(format!("{at}.sql"));
            let path =
                Utf8PathBuf::from_path_buf(path).map_err(|_| failed("its path is not UTF-8"))?;
            fs::write(&path, script.text).map_err(|error| failed(&error.to_string()))?;
            let (begin, commit) = match script.without_transaction {
                true => ([].as_slice(), [].as_slice()),
                false => (["-c", "BEGIN"].as_slice(), ["-c", "COMMIT"].as_slice()),
            };
            psql.args(begin).args(["-f", path.as_str()]).args(commit);
            files.push((path, *script));
        }
        let ran = said(&mut psql).map_err(|error| failed(&error))?;
        if ran.status.success() {
            return Ok(());
        }
        Err(rejected(&files, &String::from_utf8_lossy(&ran.stderr)).into())
    }

    /// What a query gives: one value of one row.
    ///
    /// # Errors
    /// `schema-unreadable` when it fails.
    pub fn ask(&self, query: &str) -> Result<String> {
        let unreadable = |why: &str| {
            let message = format!("what the migrations made cannot be read: {}", why.trim());
            Box::new(Diagnostic::error("schema-unreadable", message))
        };
        let mut psql = self.psql();
        let answer = said(psql.args(["-c", query])).map_err(|error| unreadable(&error))?;
        if !answer.status.success() {
            return Err(unreadable(&String::from_utf8_lossy(&answer.stderr)));
        }
        Ok(String::from_utf8_lossy(&answer.stdout).trim_end().to_owned())
    }

    /// One that goes on as whoever the URL names, in this database.
    fn psql(&self) -> Command {
        let mut psql = self.server.psql();
        psql.args(["-c", &format!("\\connect \"{}\"", self.name)]);
        psql
    }
}

/// Runs a command to its end.
fn said(command: &mut Command) -> std::result::Result<Output, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = command.get_program().to_string_lossy().into_owned();
    Group::output(command).map_err(|error| format!("{program} cannot be started: {error}"))
}

fn failed(why: &str) -> Box<Diagnostic> {
    Diagnostic::error("scratch-failed", format!("the migrations cannot be run: {why}")).into()
}

/// The place in `psql:/tmp/…/3.sql:12: ERROR:  relation "x" does not exist`.
fn rejected(files: &[(Utf8PathBuf, Script<'_>)], said: &str) -> Diagnostic {
    let errors: Vec<&str> = said.lines().filter(|line| line.contains("ERROR:")).collect();
    let first = errors.first().copied().unwrap_or(said.trim());
    let message = first.split_once("ERROR:").map_or(first, |(_, message)| message.trim());
    let found = files.iter().find_map(|(path, script)| {
        let (_, rest) = first.split_once(&format!("{path}:"))?;
        Some((script, rest.split(':').next()?.parse::<usize>().ok()?))
    });
    let Some((script, line)) = found else {
        return Diagnostic::error("migration-rejected", format!("PostgreSQL rejects: {message}"));
    };
    let start: usize =
        script.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = script.text[start..].find('\n').map_or(script.text.len(), |end| start + end);
    Diagnostic::error(
        "migration-rejected",
        format!("PostgreSQL rejects `{}`: {message}", script.path),
    )
    .at(script.path, start..end, "here, or in the statement that ends here")
}
