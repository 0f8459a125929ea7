//! What the summary says of a migration history that was divided.

use std::io;

use crate::analysis::schema::{Because, Cut, Lost};
use crate::plan::schema::SharedPlan;

/// Whose is what, and what was left out.
pub(super) fn divided(shared: &SharedPlan, err: &mut dyn io::Write) -> io::Result<()> {
    let (files, folder) = (shared.set.len(), &shared.set_folder);
    writeln!(
        err,
        "  migrations   {folder}: {files} files, the module's part of {}",
        shared.history
    )?;
    for table in &shared.owned {
        let name = &table.name;
        match &table.because {
            Because::Code(file, line) => {
                writeln!(err, "  its table    `{name}`: its code names it ({file}:{line})")?;
            }
            Because::Sql(file, line) => {
                writeln!(err, "  its table    `{name}`: tied to its others ({file}:{line})")?;
            }
            Because::Declared => writeln!(err, "  its table    `{name}`: its manifest says so")?,
        }
    }
    let of_both = shared.of_both.iter().map(|object| match object.split_once(':') {
        Some((what, name)) => format!("the {what} `{name}`"),
        None => format!("`{object}`"),
    });
    let of_both: Vec<String> = of_both.collect();
    if !of_both.is_empty() {
        writeln!(err, "  on both      {}", of_both.join(", "))?;
    }
    for cut in &shared.cuts {
        let Cut { name, file, line, .. } = cut;
        writeln!(err, "  left out     {name} ({file}:{line})")?;
    }
    Ok(())
}

/// What a person must look at; whether there is anything.
pub(super) fn look_at(shared: &SharedPlan, err: &mut dyn io::Write) -> io::Result<bool> {
    for cut in &shared.cuts {
        match &cut.lost {
            Lost::ForeignKey { table, into } => writeln!(
                err,
                "  nothing but code keeps the references of `{table}` into `{into}` true, or acts when a row of \
                 `{into}` goes"
            )?,
            Lost::View(name) => writeln!(err, "  the view `{name}` is gone on both sides")?,
            Lost::Function(name) => {
                writeln!(err, "  the function `{name}` is gone on both sides")?;
            }
            Lost::Definition(_)
            | Lost::Statement
            | Lost::Object(_)
            | Lost::Untold(_)
            | Lost::User { .. }
            | Lost::Again { .. } => writeln!(
                err,
                "  a new database of the service lacks what {}:{} does",
                cut.file, cut.line
            )?,
            Lost::TriggerOut(name) | Lost::TriggerIn(name) => {
                writeln!(err, "  what the trigger `{name}` did, code must do now")?;
            }
            Lost::Rows(table) => writeln!(
                err,
                "  a new database of the service lacks the rows of `{table}` that {}:{} makes",
                cut.file, cut.line
            )?,
        }
    }
    for (file, line, tables) in &shared.reads {
        let tables = tables.iter().map(|table| format!("`{table}`")).collect::<Vec<_>>().join(", ");
        writeln!(
            err,
            "  {file}:{line}: reads the monolith's own copy of {tables} in a new database"
        )?;
    }
    for (file, line, table) in &shared.tests {
        writeln!(
            err,
            "  {file}:{line}: a test of the module names `{table}`, which its set does not make"
        )?;
    }
    Ok(!shared.cuts.is_empty() || !shared.reads.is_empty() || !shared.tests.is_empty())
}
