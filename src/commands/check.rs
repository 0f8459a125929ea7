//! `calve check`: whether generated files are what the present trait, record and templates give.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::completion::{edition_of, lock, write_patch};
use super::json::Checked;
use super::{Output, Status, entry};
use crate::analysis::code::Code;
use crate::changes::{ChangeSet, FileChange};
use crate::diagnostic::{Diagnostic, Diagnostics, Result};
use crate::pipeline;
use crate::plan::{RECORD, Record};
use crate::verify::{self, Scratch};
use crate::workspace::{self, Member, Workspace};

/// What `check` is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The modules; all that were extracted if none is named.
    modules: Vec<String>,
    /// A manifest of the workspace; found from the current folder if not given.
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<Utf8PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When the terminal or pipe that is written to fails; everything else is shown there.
pub fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Status> {
    let workspace = match entry::place(arguments.manifest_path.as_deref()).and_then(|place| {
        entry::put_in_order(&place, output)?;
        place.load()
    }) {
        Ok(workspace) => workspace,
        Err(refusal) => return output.refusal(None, &refusal),
    };
    let checked = wanted(&workspace, &arguments.modules).and_then(|records| {
        let mut status = Status::Done;
        for record in records {
            match one(&workspace, &record, output)? {
                Ok(Status::Done) => {}
                Ok(other) => status = other,
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(status))
    });
    match checked {
        Ok(status) => status,
        Err(refusal) => {
            output.progress_done();
            output.refusal(Some(&workspace), &refusal)
        }
    }
}

/// The records of the modules that are named, or all.
fn wanted(workspace: &Workspace, modules: &[String]) -> Result<Vec<Record>> {
    let records = records(workspace)?;
    for name in modules {
        if !records.iter().any(|r| r.names.module == *name) {
            let known: Vec<&str> = records.iter().map(|r| r.names.module.as_str()).collect();
            let mut diagnostic =
                Diagnostic::error("not-extracted", format!("no service was made of `{name}`"));
            diagnostic = if known.is_empty() {
                diagnostic.help(format!("extract it first: calve extract {name}"))
            } else {
                diagnostic.help(format!("those that were: {}", known.join(", ")))
            };
            return Err(diagnostic.into());
        }
    }
    if records.is_empty() {
        return Err(Diagnostic::error("not-extracted", "this workspace has no extracted module")
            .note(format!("calve looks for {RECORD} in the members' folders"))
            .help("extract one first: calve extract <module>")
            .into());
    }
    Ok(records
        .into_iter()
        .filter(|r| modules.is_empty() || modules.contains(&r.names.module))
        .collect())
}

fn records(workspace: &Workspace) -> Result<Vec<Record>> {
    workspace
        .files()
        .filter(|(path, _)| path.file_name() == Some(RECORD))
        .map(|(path, source)| Record::parse(path, &source.text))
        .collect()
}

/// The record of a module that was extracted before.
///
/// # Errors
/// `no-record` where a service of it is there without one.
pub(super) fn record_of(workspace: &Workspace, module: &str) -> Result<Option<Record>> {
    if let Some(record) = records(workspace)?.into_iter().find(|r| r.names.module == module) {
        return Ok(Some(record));
    }
    let of_module = |member: &&Member| {
        member.name.ends_with("-service")
            && member.dir.parent().is_some_and(|parent| parent == "services")
            && member.dependencies.iter().any(|dependency| dependency.package == module)
    };
    if let Some(service) = workspace.members.iter().find(of_module) {
        let (dir, record) = (&service.dir, service.dir.join(RECORD));
        return Err(Diagnostic::error("no-record", format!("`{dir}` is there, `{record}` is not"))
            .note("the record says how the service was made; calve can neither check nor go on without it")
            .help(format!("restore it from version control, or move `{dir}` away to extract anew"))
            .into());
    }
    Ok(None)
}

/// Whether services were made before.
pub(super) fn has_services(workspace: &Workspace) -> Result<bool> {
    Ok(!records(workspace)?.is_empty())
}

/// Adds to `changes` what an extraction changes for services that were made before: their container files
/// list the workspace's members. `scratch` is a copy of the monolith that holds `changes` already.
pub(super) fn keep_in_step(
    workspace: &Workspace,
    changes: &mut ChangeSet,
    scratch: &Scratch,
) -> Result<()> {
    let records = records(workspace)?;
    if records.is_empty() {
        return Ok(());
    }
    let after = workspace::load(&scratch.root().join("Cargo.toml"))?;
    for record in records {
        let code = Code::new(&after);
        // What cannot be carried any more is for `check` to say; it is not this extraction's doing.
        let again = pipeline::again(&code, &record, &mut Diagnostics::default())?;
        let Some(mut again) = again else { continue };
        verify::format_created(
            &mut again,
            &workspace.root,
            edition_of(&after, &record.names.module),
        );
        let again =
            again.against(|path| after.read(path), |path| pipeline::is_owned(&record, path));
        for (path, change) in again.iter().filter(|(path, _)| path.starts_with(&record.names.dir)) {
            if let FileChange::Edit { before, edits } = change {
                changes.edit(path, before, edits.clone())?;
            }
        }
    }
    Ok(())
}

/// What a second `extract` says: it is done, or what has gone out of step.
pub(super) fn already_extracted(
    workspace: &Workspace,
    record: &Record,
    output: &mut Output<'_>,
) -> Result<io::Result<Status>> {
    let (changes, diagnostics) = differences(workspace, record, output)?;
    let module = &record.names.module;
    let shown = output.diagnostics(Some(workspace), &diagnostics).and_then(|()| match changes {
        Some(changes) if changes.is_empty() => {
            let words = format!("`{module}` is a service already, and nothing is left to do.");
            output.say("check", &Checked::of(module, &changes), &words)?;
            Ok(Status::Done)
        }
        Some(changes) => {
            let words = format!(
                "`{module}` is a service already; its generated files are out of step: see \
                 `calve check {module}`."
            );
            output.say("check", &Checked::of(module, &changes), &words)?;
            Ok(Status::Refused)
        }
        None => Ok(Status::Refused),
    });
    Ok(shown)
}

fn one(
    workspace: &Workspace,
    record: &Record,
    output: &mut Output<'_>,
) -> Result<io::Result<Status>> {
    let (changes, diagnostics) = differences(workspace, record, output)?;
    if let Err(error) = output.diagnostics(Some(workspace), &diagnostics) {
        return Ok(Err(error));
    }
    let Some(changes) = changes else { return Ok(Ok(Status::Refused)) };
    let module = &record.names.module;
    let checked = Checked::of(module, &changes);
    if changes.is_empty() {
        let said = output.say("check", &checked, &format!("`{module}`: in step"));
        return Ok(said.map(|()| Status::Done));
    }
    let count = changes.iter().count();
    let shown = write_patch(workspace, &changes, output).and_then(|()| {
        output.out.flush()?;
        let words = format!(
            "`{module}`: {count} file(s) are not what the trait, the record and the templates give; \
             the patch on standard output mends them (`git apply`)"
        );
        output.say("check", &checked, &words)
    });
    Ok(shown.map(|()| Status::Differs))
}

/// What would have to change; none where the module can no longer be carried.
fn differences(
    workspace: &Workspace,
    record: &Record,
    output: &mut Output<'_>,
) -> Result<(Option<ChangeSet>, Diagnostics)> {
    let code = Code::new(workspace);
    let mut diagnostics = Diagnostics::default();
    let Some(mut changes) = pipeline::again(&code, record, &mut diagnostics)? else {
        return Ok((None, diagnostics));
    };
    verify::format_created(
        &mut changes,
        &workspace.root,
        edition_of(workspace, &record.names.module),
    );
    let changes = changes
        .against(|path: &Utf8Path| workspace.read(path), |path| pipeline::is_owned(record, path));
    let manifests = changes.iter().any(|(path, _)| path.file_name() == Some("Cargo.toml"));
    let mut changes = changes;
    if manifests {
        lock(workspace, &mut changes, output)?;
    }
    Ok((Some(changes), diagnostics))
}
