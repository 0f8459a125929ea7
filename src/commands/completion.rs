//! What every change set goes through before it is shown or written: the user's own rustfmt, and cargo's
//! lock file; and the patch that it is shown as.

use std::io;
use std::sync::Arc;

use camino::Utf8Path;

use super::Output;
use crate::changes::{self, ChangeSet};
use crate::diagnostic::{Diagnostic, Result};
use crate::plan;
use crate::verify::{self, Resolution};
use crate::workspace::Workspace;

/// Formats what is generated and resolves the lock file; `module` is the package beside which files are
/// created.
pub(super) fn complete(
    workspace: &Workspace,
    module: &str,
    changes: &mut ChangeSet,
    output: &mut Output<'_>,
) -> Result<()> {
    output.progress("formatting what is generated");
    output.progress("resolving Cargo.lock");
    let resolution = Resolution::of(workspace, changes)?;
    // Neither needs the other, and both are programs that are waited for.
    let (lock, formatted) = std::thread::scope(|scope| {
        let lock = scope.spawn(|| resolution.run());
        let edition = edition_of(workspace, module);
        let formatted = verify::format_created(changes, &workspace.root, edition);
        (lock.join(), formatted)
    });
    let lock = lock.unwrap_or_else(|defect| std::panic::resume_unwind(defect))?;
    if !formatted {
        output.progress_done();
        let unformatted = Diagnostic::warning("no-rustfmt", "rustfmt did not format what is generated")
            .note("`cargo fmt --check` and `calve check` will find the files out of step where it is there")
            .help("rustup component add rustfmt");
        // A warning that cannot be shown is no reason to stop.
        let _ = output.refusal(Some(workspace), &unformatted);
    }
    if *lock != *workspace.lock {
        let whole = 0..workspace.lock.len();
        let before = Arc::clone(&workspace.lock);
        let edits = vec![changes::TextEdit::replace(whole, lock)];
        changes.edit(Utf8Path::new("Cargo.lock"), &before, edits)?;
    }
    output.progress_done();
    Ok(())
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
