//! What every change set goes through before it is shown or written: the user's own rustfmt, and cargo's
//! lock file; and the patch that it is shown as.

use std::io;
use std::sync::Arc;

use camino::Utf8Path;

use super::Output;
use crate::changes::{self, ChangeSet};
use crate::diagnostic::{Diagnostic, Result};
use crate::plan;
use crate::verify::{self, Scratch};
use crate::workspace::Workspace;

/// Formats what is generated and resolves the lock file, in a copy of the monolith that holds the
/// changes afterwards; `module` is the package beside which files are created.
pub(super) fn complete(
    workspace: &Workspace,
    module: &str,
    changes: &mut ChangeSet,
    output: &mut Output<'_>,
) -> Result<Scratch> {
    output.progress("formatting what is generated");
    if !verify::format_created(changes, &workspace.root, edition_of(workspace, module)) {
        output.progress_done();
        let unformatted = Diagnostic::warning("no-rustfmt", "rustfmt did not format what is generated")
            .note("`cargo fmt --check` and `calve check` will find the files out of step where it is there")
            .help("rustup component add rustfmt");
        // A warning that cannot be shown is no reason to stop.
        let _ = output.refusal(Some(workspace), &unformatted);
    }
    output.progress("resolving Cargo.lock");
    let scratch = Scratch::copy(&workspace.root, &[])?;
    scratch.write(changes, Utf8Path::new(""))?;
    let lock = verify::resolve_lock(scratch.root(), &workspace.lock)?;
    if *lock != *workspace.lock {
        let whole = 0..workspace.lock.len();
        let before = Arc::clone(&workspace.lock);
        let edits = vec![changes::TextEdit::replace(whole, lock)];
        changes.edit(Utf8Path::new("Cargo.lock"), &before, edits)?;
    }
    output.progress_done();
    Ok(scratch)
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
