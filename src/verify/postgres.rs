//! Databases of PostgreSQL for a moment, on a server that the user names: migrations run there, and the
//! catalogue is asked for what they made. `psql` speaks to the server.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};

use super::interrupt::{Farewell, Folder, Group};
use crate::analysis::schema::postgres::identifier;
use crate::diagnostic::{Diagnostic, Result};

/// A server on which databases may be made.
#[derive(Debug)]
pub struct Server {
    /// Without a password: who lists processes sees arguments.
    url: String,
    password: Option<String>,
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
        let (url, password) = without_password(&url);
        Ok(Self { url, password, variable: variable.to_owned() })
    }

    /// Makes a database; `purpose` becomes part of its name. Those of `roles` that are not there yet are
    /// dropped after it: what runs in it makes them.
    ///
    /// # Errors
    /// `no-server` where the server is not reached or does not allow it.
    pub fn create(&self, purpose: &str, roles: &[String]) -> Result<Database<'_>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("calve_{purpose}_{}_{}", std::process::id(), now.as_nanos());
        let drop = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
        let mut goodbye = self.psql();
        // One that cannot be dropped keeps no other one.
        goodbye.args(["-c", "\\set ON_ERROR_STOP 0", "-c", &drop]);
        for role in self.absent(roles)? {
            goodbye.args(["-c", &format!("DROP ROLE IF EXISTS {}", identifier(role))]);
        }
        // Before it is made: a signal may come while the server makes it.
        let farewell = Farewell::by(&goodbye);
        self.ask(&format!("CREATE DATABASE \"{name}\" TEMPLATE template0"))?;
        Ok(Database { server: self, name, _farewell: farewell })
    }

    /// Those of `roles` that the server does not have.
    fn absent<'r>(&self, roles: &'r [String]) -> Result<Vec<&'r String>> {
        if roles.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.ask("SELECT json_agg(rolname) FROM pg_roles")?;
        let there: Vec<String> =
            serde_json::from_str(&there).map_err(|error| self.unreached(&error.to_string()))?;
        Ok(roles.iter().filter(|role| !there.contains(role)).collect())
    }

    /// What a command in the server's own database says.
    fn ask(&self, command: &str) -> Result<String> {
        let answer =
            said(self.psql().args(["-c", command])).map_err(|error| self.unreached(&error))?;
        if !answer.status.success() {
            return Err(self.unreached(&String::from_utf8_lossy(&answer.stderr)));
        }
        Ok(String::from_utf8_lossy(&answer.stdout).trim_end().to_owned())
    }

    fn psql(&self) -> Command {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url]);
        // Messages are read.
        psql.env("PGCONNECT_TIMEOUT", "10")
            .env("LC_ALL", "C")
            .env("PGOPTIONS", "-c client_min_messages=error");
        if let Some(password) = &self.password {
            psql.env("PGPASSWORD", password);
        }
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

/// A URL as `psql` reads it without the password that it has, and that; so also with `password` among its
/// parameters.
fn without_password(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let mut password = None;
    let mut rest = rest.to_owned();
    // A question mark before the `@` is the password's.
    let authority = rest.find('/').unwrap_or(rest.len());
    if let Some(at) = rest[..authority].find('@')
        && let Some(colon) = rest[..at].find(':')
    {
        password = Some(rest[colon + 1..at].to_owned());
        rest.replace_range(colon..at, "");
    }
    let (place, parameters) = rest.split_once('?').unwrap_or((&rest, ""));
    let mut kept = Vec::new();
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.strip_prefix("password=") {
            Some(value) => password = Some(value.to_owned()),
            None => kept.push(parameter),
        }
    }
    let parameters = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    let password = password.filter(|password| !password.is_empty());
    (format!("{scheme}://{place}{parameters}"), password.map(|password| decoded(&password)))
}

/// `%40` as `@`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let byte = behind
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_no_argument() {
        for (url, bare, password) in [
            ("postgres://me@host/db", "postgres://me@host/db", None),
            ("postgres://me:a%40b%2F@host:5432/db", "postgres://me@host:5432/db", Some("a@b/")),
            ("postgresql://me:@host", "postgresql://me@host", None),
            ("postgres:///db?host=/tmp/a:b@c", "postgres:///db?host=/tmp/a:b@c", None),
            ("postgres://host/db?password=x&user=me", "postgres://host/db?user=me", Some("x")),
            ("postgres://me:50%@host?password=", "postgres://me@host", None),
            ("postgres://me:a?b@host/db", "postgres://me@host/db", Some("a?b")),
            ("postgres://me:50%@[::1]:1", "postgres://me@[::1]:1", Some("50%")),
        ] {
            let expected = (bare.to_owned(), password.map(str::to_owned));
            assert_eq!(without_password(url), expected, "{url}");
        }
        let server = Server {
            url: "postgres://me@host".into(),
            password: Some("secret".into()),
            variable: "X".into(),
        };
        let psql = server.psql();
        assert!(psql.get_args().all(|argument| !argument.to_string_lossy().contains("secret")));
        let password = psql.get_envs().find(|(name, _)| *name == "PGPASSWORD");
        assert_eq!(password.and_then(|(_, value)| value), Some("secret".as_ref()));
    }
}
