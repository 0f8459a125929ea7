//! Migration files as sqlx reads their names.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics};

/// How sqlx uses a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MigrationKind {
    /// `1_x.sql`: runs forward, cannot be reverted.
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
    /// The number before the first underscore.
    pub version: i64,
    /// What follows it, underscores as spaces.
    pub description: String,
    /// The file as it is on disk.
    pub text: Arc<str>,
    /// How sqlx uses it.
    pub kind: MigrationKind,
}

/// The migrations of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationFolder {
    /// Relative to the workspace root.
    pub path: Utf8PathBuf,
    /// Sorted by version, then kind, as sqlx runs them.
    pub files: Vec<MigrationFile>,
}

impl MigrationFolder {
    /// Reads the names of the files that lie directly in a folder, by the rules of sqlx 0.9: a name
    /// without `_` or not ending in `.sql` is passed over; every other needs a version.
    ///
    /// # Errors
    /// What sqlx would refuse: a name whose version is no number, a version that two forward
    /// migrations share.
    pub fn parse(
        path: impl Into<Utf8PathBuf>,
        files: impl IntoIterator<Item = (String, Arc<str>)>,
    ) -> Result<Self, Diagnostics> {
        let path = path.into();
        let mut problems = Diagnostics::default();
        let mut parsed = Vec::new();
        for (name, text) in files {
            match parse_name(&path, &name, text) {
                Ok(file) => parsed.extend(file),
                Err(problem) => problems.push(problem),
            }
        }
        parsed.sort_by(|a, b| (a.version, a.kind, &a.path).cmp(&(b.version, b.kind, &b.path)));
        let forward: Vec<_> = parsed.iter().filter(|file| file.runs_forward()).collect();
        for pair in forward.windows(2).filter(|pair| pair[0].version == pair[1].version) {
            problems.push(shared_version(pair[0], pair[1]));
        }
        if problems.has_errors() { Err(problems) } else { Ok(Self { path, files: parsed }) }
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
        let width = last
            .and_then(|file| file.path.file_name()?.split('_').next().map(str::len))
            .unwrap_or(4);
        let reversible = self.files.iter().any(|file| file.kind != MigrationKind::Simple);
        let suffix = if reversible { ".up.sql" } else { ".sql" };
        self.path.join(format!("{version:0width$}_{description}{suffix}"))
    }
}

impl MigrationFile {
    /// Whether sqlx runs it on a fresh database.
    pub fn runs_forward(&self) -> bool {
        self.kind != MigrationKind::Down
    }

    /// Whether sqlx runs it without a transaction: the marker must be the very first bytes.
    pub fn without_transaction(&self) -> bool {
        self.text.starts_with("-- no-transaction")
    }
}

fn parse_name(
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
        .note("the history table of sqlx has one row for a version: the second one fails")
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
    fn what_sqlx_refuses_is_reported_all_at_once() {
        let problems = parse(&["README_x.sql", "1_a.sql", "1_b.sql"]).unwrap_err();
        let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, ["migration-version", "migration-name"]);
    }
}
