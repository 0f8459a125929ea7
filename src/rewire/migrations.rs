//! The module's own tests run the service's set of migrations, where they ran a history that is shared.
//!
//! Before: `sqlx::migrate!("../../migrations")`; after: `sqlx::migrate!("../../services/stock/migrations")`.

use crate::changes::{ChangeSet, TextEdit};
use crate::diagnostic::Result;
use crate::plan::relative;
use crate::plan::schema::SharedPlan;
use crate::workspace::{Member, Workspace, migrations_named};

/// Edits every place in the module's package that names the shared history.
///
/// # Errors
/// When two edits meet.
pub fn repoint(
    workspace: &Workspace,
    module: &Member,
    shared: &SharedPlan,
    changes: &mut ChangeSet,
) -> Result<()> {
    let new = relative(&module.dir, &shared.set_folder);
    for (path, source) in workspace.rust_files(module) {
        let named = migrations_named(&source.text, &module.dir);
        let edits: Vec<TextEdit> = named
            .into_iter()
            .filter(|(folder, _)| *folder == shared.history)
            .map(|(_, range)| TextEdit::replace(range, new.to_string()))
            .collect();
        if !edits.is_empty() {
            changes.edit(path, &source.text, edits)?;
        }
    }
    Ok(())
}
