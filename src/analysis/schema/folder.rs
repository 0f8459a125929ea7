//! Migration files as sqlx and refinery read their names.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics};

/// The library that runs a folder of migrations: it says how files are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// `1_x.sql`, each in a transaction but where its first line says otherwise.
    Sqlx,
    /// `V1__x.sql`, each in a transaction.
    Refinery,
}

/// How its runner uses a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MigrationKind {
    /// `1_x.sql`, `V1__x.sql`: runs forward, cannot be reverted.
    Simple,
    /// `1_x.up.sql`: runs forward.
    Up,
    /// `1_x.down.sql`: runs only when reverted by hand.
    Down,
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationFile {
    /// Relative to the workspace root.
    pub path: Utf8PathBuf,
    /// The number in front.
    pub version: i64,
    /// What follows it, underscores as spaces.
    pub description: String,
    /// The file as it is on disk.
    pub text: Arc<str>,
    /// How its runner uses it.
    pub kind: MigrationKind,
}

/// The migrations of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationFolder {
    /// Relative to the workspace root.
    pub path: Utf8PathBuf,
    /// What runs it.
    pub runner: Runner,
    /// Sorted by version, then kind, as they run.
    pub files: Vec<MigrationFile>,
}

impl MigrationFolder {
    /// Reads the names of the files that lie directly in a folder. By the rules of sqlx 0.9 a name
    /// without `_` or not ending in `.sql` is passed over; every other needs a version. Where one is named
    /// by the rules of refinery 0.10, those go for all, and pass over every other name.
    ///
    /// # Errors
    /// What the runner would refuse: a name whose version is no number, a version that two forward
    /// migrations share.
    pub fn parse(
        path: impl Into<Utf8PathBuf>,
        files: impl IntoIterator<Item = (String, Arc<str>)>,
    ) -> Result<Self, Diagnostics> {
        let path = path.into();
        let mut problems = Diagnostics::default();
        let mut parsed = Vec::new();
        let files: Vec<(String, Arc<str>)> = files.into_iter().collect();
        let runner = match files.iter().any(|(name, _)| by_refinery(name).is_some()) {
            true => Runner::Refinery,
            false => Runner::Sqlx,
        };
        for (name, text) in files {
            let file = match runner {
                Runner::Sqlx => named_for_sqlx(&path, &name, text),
                Runner::Refinery => named_for_refinery(&path, &name, text),
            };
            match file {
                Ok(file) => parsed.extend(file),
                Err(problem) => problems.push(problem),
            }
        }
        parsed.sort_by(|a, b| (a.version, a.kind, &a.path).cmp(&(b.version, b.kind, &b.path)));
        let forward: Vec<_> = parsed.iter().filter(|file| file.runs_forward()).collect();
        for pair in forward.windows(2).filter(|pair| pair[0].version == pair[1].version) {
            problems.push(shared_version(pair[0], pair[1]));
        }
        if problems.has_errors() { Err(problems) } else { Ok(Self { path, runner, files: parsed }) }
    }

    /// The files that run on a fresh database, in order.
    pub fn forward(&self) -> impl Iterator<Item = &MigrationFile> {
        self.files.iter().filter(|file| file.runs_forward())
    }

    /// The path of a forward migration that runs after all of these: the next version in the width
    /// that the folder uses, `.up.sql` where the folder has reversible migrations.
    ///
    /// `description` is written with underscores.
    pub fn next_path(&self, description: &str) -> Utf8PathBuf {
        let last = self.files.last();
        let version = last.map_or(1, |file| file.version + 1);
        let written = last.and_then(|file| file.path.file_name()?.split('_').next());
        let name = match self.runner {
            Runner::Sqlx => {
                let width = written.map_or(4, str::len);
                let reversible = self.files.iter().any(|file| file.kind != MigrationKind::Simple);
                let suffix = if reversible { ".up.sql" } else { ".sql" };
                format!("{version:0width$}_{description}{suffix}")
            }
            Runner::Refinery => {
                let width = written.map_or(1, |written| written.len() - 1);
                format!("V{version:0width$}__{description}.sql")
            }
        };
        self.path.join(name)
    }
}

impl MigrationFile {
    /// Whether it runs on a fresh database.
    pub fn runs_forward(&self) -> bool {
        self.kind != MigrationKind::Down
    }

    /// Whether it runs without a transaction: the marker of sqlx must be the very first bytes.
    pub fn without_transaction(&self) -> bool {
        let is_refinery = self.path.file_name().is_some_and(|name| by_refinery(name).is_some());
        self.text.starts_with("-- no-transaction") && !is_refinery
    }
}

/// The version in the name of a forward migration, whoever runs it.
pub fn version_of(path: &Utf8Path) -> Option<i64> {
    path.file_name()?.trim_start_matches('V').split('_').next()?.parse().ok()
}

/// The version and the name in `V1__name.sql`, as written; none of another name.
fn by_refinery(name: &str) -> Option<(&str, &str)> {
    let (version, rest) = name.strip_prefix(['V', 'U'])?.split_once("__")?;
    let is_version = version.starts_with(|c: char| c.is_ascii_digit())
        && version.chars().all(|c| c.is_ascii_digit() || c == '.');
    let name = rest.strip_suffix(".sql")?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_version && is_name).then_some((version, name))
}

fn named_for_refinery(
    folder: &Utf8Path,
    name: &str,
    text: Arc<str>,
) -> Result<Option<MigrationFile>, Diagnostic> {
    let Some((version, description)) = by_refinery(name) else { return Ok(None) };
    let path = folder.join(name);
    let version = version.parse().map_err(|_| {
        Diagnostic::error(
            "migration-name",
            format!("`{path}` has no version that refinery can read"),
        )
        .at(&path, 0..0, "a version is a whole number")
        .note("refinery fails at it when the migrations run")
        .help("rename it to `V<number>__<description>.sql`")
    })?;
    let description = description.replace('_', " ");
    Ok(Some(MigrationFile { path, version, description, text, kind: MigrationKind::Simple }))
}

fn named_for_sqlx(
    folder: &Utf8Path,
    name: &str,
    text: Arc<str>,
) -> Result<Option<MigrationFile>, Diagnostic> {
    let Some((version, rest)) = name.split_once('_') else { return Ok(None) };
    if !rest.ends_with(".sql") {
        return Ok(None);
    }
    let path = folder.join(name);
    let version = version.parse().map_err(|_| {
        Diagnostic::error("migration-name", format!("`{path}` has no version that sqlx can read"))
            .at(&path, 0..0, "a file of this folder that ends in `.sql`")
            .note("sqlx takes every `<x>_<y>.sql` in the folder for a migration and fails here")
            .help("rename it to `<number>_<description>.sql`, or move it out of the folder")
    })?;
    let (kind, suffix) = if rest.ends_with(".up.sql") {
        (MigrationKind::Up, ".up.sql")
    } else if rest.ends_with(".down.sql") {
        (MigrationKind::Down, ".down.sql")
    } else {
        (MigrationKind::Simple, ".sql")
    };
    let description = rest.trim_end_matches(suffix).replace('_', " ");
    Ok(Some(MigrationFile { path, version, description, text, kind }))
}

fn shared_version(first: &MigrationFile, second: &MigrationFile) -> Diagnostic {
    let version = first.version;
    Diagnostic::error("migration-version", format!("two migrations have version {version}"))
        .at(&second.path, 0..0, "this one")
        .at(&first.path, 0..0, "and this one")
        .note("the history of migrations has one row for a version: the second one fails")
        .help("give the one that is not deployed yet the next free version")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(names: &[&str]) -> Result<MigrationFolder, Diagnostics> {
        MigrationFolder::parse("m", names.iter().map(|name| ((*name).to_owned(), Arc::from(""))))
    }

    #[test]
    fn names_are_read_as_sqlx_reads_them() {
        let names = ["10_b.sql", "9_a_b.up.sql", "9_a_b.down.sql", "README.md", "seed.sql"];
        let folder = parse(&names).unwrap();
        let seen: Vec<_> =
            folder.files.iter().map(|f| (f.version, &*f.description, f.kind)).collect();
        assert_eq!(
            seen,
            [
                (9, "a b", MigrationKind::Up),
                (9, "a b", MigrationKind::Down),
                (10, "b", MigrationKind::Simple)
            ]
        );
        assert_eq!(folder.forward().count(), 2);
        assert_eq!(folder.next_path("x"), "m/11_x.up.sql");
        assert_eq!(parse(&["0009_a.sql"]).unwrap().next_path("x_y"), "m/0010_x_y.sql");
        assert_eq!(parse(&[]).unwrap().next_path("x"), "m/0001_x.sql");
    }

    #[test]
    fn names_are_read_as_refinery_reads_them() {
        let names = ["V10__b.sql", "V9__a_b.sql", "U3__late.sql", "README.md", "1_x.sql"];
        let folder = parse(&names).unwrap();
        let seen: Vec<_> = folder.files.iter().map(|f| (f.version, &*f.description)).collect();
        assert_eq!(folder.runner, Runner::Refinery);
        assert_eq!(seen, [(3, "late"), (9, "a b"), (10, "b")]);
        assert_eq!(folder.next_path("x"), "m/V11__x.sql");
        assert_eq!(version_of("m/V11__x.sql".into()), Some(11));
        assert_eq!(version_of("m/0012_x.up.sql".into()), Some(12));
        assert_eq!(parse(&["V007__a.sql"]).unwrap().next_path("x_y"), "m/V008__x_y.sql");
        let problems = parse(&["V1.5__a.sql", "V2__a.sql", "V2__b.sql"]).unwrap_err();
        let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, ["migration-name", "migration-version"]);
    }

    #[test]
    fn what_sqlx_refuses_is_reported_all_at_once() {
        let problems = parse(&["README_x.sql", "1_a.sql", "1_b.sql"]).unwrap_err();
        let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, ["migration-version", "migration-name"]);
    }
}
