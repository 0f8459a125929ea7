//! `calve undo`: takes the last extraction back, while its files are as it left them.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Output, Status, entry};
use crate::changes::{self, FileChange, Undo};
use crate::diagnostic::{Diagnostic, Result};
use crate::workspace::Place;

/// What `undo` is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A manifest of the workspace; found from the current folder if not given.
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<Utf8PathBuf>,
    /// Print the patch that takes it back, and touch nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// When the terminal or pipe that is written to fails; everything else is shown there.
pub fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Status> {
    let undone = entry::place(arguments.manifest_path.as_deref())
        .and_then(|place| take_back(&place, arguments.dry_run, output));
    match undone {
        Ok(status) => status,
        Err(refusal) => output.refusal(None, &refusal),
    }
}

fn take_back(place: &Place, dry_run: bool, output: &mut Output<'_>) -> Result<io::Result<Status>> {
    if dry_run {
        place.home().refuse_pending()?;
    }
    let lock = entry::lock(place, output)?;
    let Some(undo) = changes::last(&lock)? else {
        return Err(Diagnostic::error("nothing-to-undo", "no extraction of calve is known here")
            .note("it knows those that it wrote to this work tree, and keeps them to itself: a clone has none")
            .help("take the commit back with `git revert`, or the files with `git restore`")
            .into());
    };
    if !dry_run {
        changes::undo(&undo, &lock)?;
    }
    Ok(show(place, &undo, dry_run, output).map(|()| Status::Done))
}

fn show(place: &Place, undo: &Undo, dry_run: bool, output: &mut Output<'_>) -> io::Result<()> {
    if dry_run {
        changes::write_diff(&undo.changes, place.prefix(), output.color_out, output.out)?;
        output.out.flush()?;
    }
    let removed =
        undo.changes.iter().filter(|(_, c)| matches!(c, FileChange::Delete { .. })).count();
    let back = undo.changes.iter().count() - removed;
    let runbook = undo.changes.iter().find(|(path, change)| {
        matches!(change, FileChange::Delete { .. }) && path.file_name() == Some("CUTOVER.md")
    });
    let mut words = if dry_run {
        format!("\nWould take back {} (a dry run: nothing was written)", undo.title)
    } else {
        format!("\nTook back {}", undo.title)
    };
    words.push_str(&format!("\n  files        {removed} removed, {back} as they were before"));
    if let Some((path, _)) = runbook {
        words.push_str(&format!("\n{}", not_undone(path, dry_run)));
    }
    let undone = Undone { what: &undo.title, written: !dry_run, removed, restored: back };
    output.say("undone", &undone, &words)
}

/// `undone`: what was taken back.
#[derive(serde::Serialize)]
struct Undone<'a> {
    /// In words.
    what: &'a str,
    /// Whether it was, or would be.
    written: bool,
    /// How many files go.
    removed: usize,
    /// How many have their old text.
    restored: usize,
}

/// What files cannot take back.
fn not_undone(runbook: &Utf8Path, dry_run: bool) -> String {
    let goes = if dry_run { "goes" } else { "went" };
    format!(
        "\nOnly files are taken back. A service that runs somewhere goes on running, and rows that it \
         wrote\nsince a cutover are in its database alone: the way back from there is in {runbook},\n\
         which {goes} with the rest (`git show` has it where it was committed)."
    )
}
