//! The histories run on a PostgreSQL server, in databases that are dropped again.

use std::time::Duration;

use super::super::Output;
use super::Histories;
use crate::analysis::schema::postgres::{
    CATALOG, Catalog, Compared, Databases, Said, compare as compare_catalogs, roles_made,
};
use crate::analysis::schema::{Counted, Lost, MigrationFile, MigrationFolder, MigrationKind};
use crate::diagnostic::{Diagnostic, Result};
use crate::pipeline::Extraction;
use crate::plan::schema::{PostgresPlan, SchemaPlan};
use crate::verify::{Database, Script, Server};

/// Compares what the histories make; the differences that nobody reported are empty where the split holds.
///
/// # Errors
/// `no-server`, and `migration-rejected` at the line that the server does not take.
pub(super) fn compare(
    extraction: &Extraction<'_>,
    plan: &SchemaPlan,
    postgres: &PostgresPlan,
    histories: Histories<'_>,
    output: &mut Output<'_>,
) -> Result<(Vec<Counted>, Vec<String>)> {
    let server = Server::of_environment(&format!("{}_TEST_SERVER_URL", extraction.plan.names.env))?;
    output.progress("running the migrations in databases of their own");
    let shared = plan.shared.as_ref();
    let make = |purpose: &str, folders: &[MigrationFolder]| -> Result<_> {
        let files = forward(folders);
        // Also those of what takes migrations back, which runs here, too.
        let all: Vec<&MigrationFile> = folders.iter().flat_map(|folder| &folder.files).collect();
        let database = server.create(purpose, &roles_made(&all))?;
        database.run(&scripts(files))?;
        let made = read(&database)?;
        let problem = shared.and_then(|_| taken_back(&database, folders));
        Ok((made, problem))
    };
    let (before, broken) = make("before", histories.before)?;
    let (service, problem) = match histories.service {
        Some(folder) => make("service", std::slice::from_ref(folder))?,
        None => (Catalog::default(), None),
    };
    let (monolith, after) = in_monolith(&server, plan, histories.monolith)?;
    let said = Said {
        tables: &postgres.tables,
        views: &postgres.views,
        sequences: &postgres.sequences,
        objects: shared.map(|shared| &shared.objects),
        cuts: shared.map(|shared| shared.cuts.as_slice()).unwrap_or_default(),
        stands_in: !plan.stand_ins.is_empty(),
    };
    let databases =
        Databases { before: &before, again: None, monolith: &monolith, service: &service };
    let mut compared = compare_catalogs(&said, &databases);
    if compared.by_content {
        // What a clock or dice put into rows differs from run to run.
        std::thread::sleep(Duration::from_millis(1100));
        let (again, _) = make("again", histories.before)?;
        compared = compare_catalogs(&said, &Databases { again: Some(&again), ..databases });
    }
    let Compared { lines, mut differences, .. } = compared;
    // What is left out of the set may be missed on the way back.
    let misses = said
        .cuts
        .iter()
        .any(|cut| cut.reach.anything || matches!(cut.lost, Lost::Statement | Lost::Object(_)));
    if let Some(problem) = problem.filter(|_| broken.is_none() && !misses) {
        let message = &problem.message;
        differences.push(format!("the service's migrations cannot be taken back: {message}"));
    }
    if after.is_some_and(|after| !after.is_built_as(&before)) {
        differences.push("the new migrations do not give back all that they take".into());
    }
    output.progress_done();
    Ok((lines, differences))
}

/// What the monolith's migrations make, and of a shared history also what is there when the new ones of them
/// are taken back, where all can be.
fn in_monolith(
    server: &Server,
    plan: &SchemaPlan,
    folders: &[MigrationFolder],
) -> Result<(Catalog, Option<Catalog>)> {
    let files = forward(folders);
    let database = server.create("monolith", &roles_made(&files))?;
    database.run(&scripts(files))?;
    let made = read(&database)?;
    if plan.shared.is_none() || plan.added.iter().any(|added| added.back.is_none()) {
        return Ok((made, None));
    }
    // What a new migration took, its pair gives back.
    let back = plan.added.iter().rev().filter_map(|added| added.back.as_ref());
    let back = back.map(|(path, text)| Script { path, text, without_transaction: false });
    database.run(&back.collect::<Vec<_>>())?;
    let after = read(&database)?;
    Ok((made, Some(after)))
}

/// What keeps migrations from being taken back, where all of them can be.
fn taken_back(database: &Database<'_>, folders: &[MigrationFolder]) -> Option<Box<Diagnostic>> {
    let is_down = |file: &&MigrationFile| file.kind == MigrationKind::Down;
    let files = || folders.iter().flat_map(|folder| &folder.files);
    let mut back: Vec<&MigrationFile> = files().filter(is_down).collect();
    if back.len() < files().filter(|file| file.runs_forward()).count() {
        return None;
    }
    back.sort_by_key(|file| std::cmp::Reverse(file.version));
    database.run(&scripts(back)).err()
}

/// The migrations of all folders that run on a new database, in order of their versions.
fn forward(folders: &[MigrationFolder]) -> Vec<&MigrationFile> {
    let mut files: Vec<&MigrationFile> =
        folders.iter().flat_map(MigrationFolder::forward).collect();
    files.sort_by_key(|file| file.version);
    files
}

fn scripts(files: Vec<&MigrationFile>) -> Vec<Script<'_>> {
    let mut scripts = Vec::new();
    for file in files {
        let without_transaction = file.without_transaction();
        scripts.push(Script { path: &file.path, text: &file.text, without_transaction });
    }
    scripts
}

fn read(database: &Database<'_>) -> Result<Catalog> {
    Catalog::parse(&database.ask(CATALOG)?).map_err(|error| {
        let message = format!("what the migrations made cannot be read: {error}");
        Diagnostic::error("schema-unreadable", message).into()
    })
}
