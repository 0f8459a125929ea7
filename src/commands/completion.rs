//! What every change set goes through before it is shown or written: the user's own rustfmt, and cargo's
//! lock file; and the patch that it is shown as.

use std::io;
use std::sync::Arc;

use camino::Utf8Path;

use super::Output;
use crate::changes::{self, ChangeSet};
use crate::diagnostic::{Diagnostic, Result};
use crate::plan;
use crate::verify::Resolution;
use crate::workspace::Workspace;

/// Resolves the lock file of what `changes` make.
pub(super) fn lock(
    workspace: &Workspace,
    changes: &mut ChangeSet,
    output: &mut Output<'_>,
) -> Result<()> {
    output.moment("resolving Cargo.lock");
    let lock = Resolution::of(workspace, changes)?.run()?;
    output.progress_done();
    lock_as(workspace, changes, lock)
}

/// Adds the lock file that was resolved for `changes`.
pub(super) fn lock_as(workspace: &Workspace, changes: &mut ChangeSet, lock: String) -> Result<()> {
    if *lock == *workspace.lock {
        return Ok(());
    }
    let before = Arc::clone(&workspace.lock);
    let edits = vec![changes::TextEdit::replace(0..before.len(), lock)];
    changes.edit(Utf8Path::new("Cargo.lock"), &before, edits)
}

/// What is said where rustfmt did not format what is generated.
pub(super) fn unformatted() -> Diagnostic {
    Diagnostic::warning("no-rustfmt", "rustfmt did not format what is generated")
        .note(
            "`cargo fmt --check` and `calve check` will find the files out of step where it is there",
        )
        .help("rustup component add rustfmt")
}

/// The edition of what is generated beside a module.
pub(super) fn edition_of<'w>(workspace: &'w Workspace, module: &str) -> &'w str {
    workspace.member(module).map_or("2024", plan::edition)
}

/// The patch, with paths relative to the git top level.
pub(super) fn write_patch(
    workspace: &Workspace,
    changes: &ChangeSet,
    output: &mut Output<'_>,
) -> io::Result<()> {
    changes::write_diff(changes, workspace.prefix(), output.color_out, output.out)
}
