//! `--verify db`: the histories of the result against that of the monolith, each run in a database.

mod on_postgres;

use std::io;
use std::sync::Arc;

use super::{Format, Output, json};
use crate::analysis::schema::{Counted, Lost, MigrationFolder, Split, compare, migration_folders};
use crate::changes::FileChange;
use crate::diagnostic::{Diagnostic, Diagnostics, Result};
use crate::pipeline::Extraction;
use crate::plan::schema::SchemaPlan;
use crate::workspace::Workspace;

/// Compares, and prints what was counted; returns it where nothing differs.
///
/// # Errors
/// A difference that nobody reported.
pub(super) fn prove(
    workspace: &Workspace,
    extraction: &Extraction<'_>,
    output: &mut Output<'_>,
) -> Result<Vec<Counted>> {
    let Some(plan) = &extraction.plan.schema else {
        return Err(
            Diagnostic::error("no-database", "the module has no database to compare").into()
        );
    };
    let before = migration_folders(workspace).map_err(first)?;
    let (monolith, service) = after(extraction, plan, &before).map_err(first)?;
    let (lines, differences) = match &plan.postgres {
        Some(postgres) => {
            let histories =
                Histories { before: &before, monolith: &monolith, service: service.as_ref() };
            on_postgres::compare(extraction, plan, postgres, histories, output)?
        }
        None => on_sqlite(plan, &before, &monolith, service.as_ref())?,
    };
    // A pipe that is gone is found out by what is written next.
    let _ = match output.format {
        Format::Text => show(&lines, output),
        // Else the summary has it.
        Format::Json if differences.is_empty() => Ok(()),
        Format::Json => json::line("databases", &json::Databases { compared: &lines }, output.err),
    };
    if differences.is_empty() {
        return Ok(lines);
    }
    let mut refusal = Diagnostic::error(
        "databases-differ",
        "the two databases together are not what the monolith's was",
    )
    .note("nothing was written");
    for difference in differences {
        refusal = refusal.note(difference);
    }
    Err(refusal
        .help(
            "if a migration means something that calve did not see, make the module's tables stand alone in \
             a new one first; else this is a defect of calve: please report it with these lines",
        )
        .into())
}

/// The histories before and afterwards.
#[derive(Clone, Copy)]
struct Histories<'a> {
    before: &'a [MigrationFolder],
    monolith: &'a [MigrationFolder],
    service: Option<&'a MigrationFolder>,
}

fn on_sqlite(
    plan: &SchemaPlan,
    before: &[MigrationFolder],
    monolith: &[MigrationFolder],
    service: Option<&MigrationFolder>,
) -> Result<(Vec<Counted>, Vec<String>)> {
    let shared = plan.shared.as_ref();
    let cuts = || shared.iter().flat_map(|shared| &shared.cuts);
    let rebuilt = plan.copy.rebuilt.iter();
    let split = Split {
        before,
        monolith,
        service,
        tables: plan.tables.iter().chain(rebuilt).map(String::as_str).collect(),
        views: plan.views.iter().map(String::as_str).collect(),
        is_shared: shared.is_some(),
        dropped: plan.added.iter().filter(|a| a.restores.is_some()).map(|a| &*a.object).collect(),
        left_out: cuts()
            .filter_map(|cut| match &cut.lost {
                Lost::TriggerOut(name) => Some(name.as_str()),
                _ => None,
            })
            .collect(),
        fewer_rows: cuts()
            .filter(|cut| matches!(cut.lost, Lost::Rows(_) | Lost::User { .. }))
            .flat_map(|cut| cut.reach.rows.iter().map(|table| table.to_ascii_lowercase()))
            .collect(),
    };
    compare(&split).map_err(first)
}

/// The histories as they will stand: the monolith's, and the service's.
fn after(
    extraction: &Extraction<'_>,
    plan: &SchemaPlan,
    before: &[MigrationFolder],
) -> std::result::Result<(Vec<MigrationFolder>, Option<MigrationFolder>), Diagnostics> {
    let created = |folder: &camino::Utf8Path| -> Vec<(String, Arc<str>)> {
        let files = extraction.changes.iter().filter(|(path, _)| path.parent() == Some(folder));
        let text = |(path, change): (&camino::Utf8Path, &FileChange)| match change {
            FileChange::Create { text, .. } => {
                Some((path.file_name().unwrap_or_default().to_owned(), text.as_str().into()))
            }
            _ => None,
        };
        files.filter_map(text).collect()
    };
    let all = |folder: &MigrationFolder| {
        let old = folder.files.iter().map(|file| {
            (file.path.file_name().unwrap_or_default().to_owned(), Arc::clone(&file.text))
        });
        MigrationFolder::parse(folder.path.clone(), old.chain(created(&folder.path)))
    };
    let own = extraction.composition.migrator.as_ref().map(|migrator| &migrator.folder);
    let stays = before.iter().filter(|folder| Some(&folder.path) != own);
    let monolith = stays.map(all).collect::<std::result::Result<Vec<_>, _>>()?;
    let service = match (&plan.shared, own) {
        (Some(shared), _) => {
            Some(MigrationFolder::parse(shared.set_folder.clone(), created(&shared.set_folder))?)
        }
        (None, Some(own)) => before.iter().find(|folder| folder.path == *own).cloned(),
        (None, None) => None,
    };
    Ok((monolith, service))
}

fn show(lines: &[Counted], output: &mut Output<'_>) -> io::Result<()> {
    let err = &mut *output.err;
    writeln!(err, "\nDatabases        before  monolith  service")?;
    for Counted { what, counts: [before, monolith, service], notes } in lines {
        let notes = notes.join(", ");
        let line = format!("  {what:<14} {before:>6}  {monolith:>8}  {service:>7}   {notes}");
        writeln!(err, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The one that a proof can say.
fn first(problems: Diagnostics) -> Box<Diagnostic> {
    let first = problems.iter().next().cloned();
    let unknown = || Diagnostic::error("schema-unreadable", "the migrations cannot be run");
    first.unwrap_or_else(unknown).into()
}
