//! The migration folders of a workspace.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8PathBuf;

use super::folder::MigrationFolder;
use crate::diagnostic::Diagnostics;
use crate::workspace::Workspace;

/// Every folder that holds SQL and is named `migrations`, or by a `migrate!`, by path. Those below `tests` are fixtures of
/// somebody, and those below `services` belong to modules that were extracted before.
///
/// # Errors
/// File names that sqlx would refuse.
pub fn migration_folders(workspace: &Workspace) -> Result<Vec<MigrationFolder>, Diagnostics> {
    let mut folders: BTreeMap<Utf8PathBuf, Vec<(String, Arc<str>)>> = BTreeMap::new();
    for (path, source) in workspace.files() {
        let Some(folder) = path.parent() else { continue };
        let skipped = |part: &str| folder.components().any(|c| c.as_str() == part);
        if path.extension() == Some("sql")
            && workspace.may_hold_migrations(folder)
            && !skipped("tests")
            && !skipped("services")
        {
            let name = path.file_name().unwrap_or_default().to_owned();
            folders.entry(folder.to_owned()).or_default().push((name, Arc::clone(&source.text)));
        }
    }
    let mut parsed = Vec::new();
    for (path, files) in folders {
        parsed.push(MigrationFolder::parse(path, files)?);
    }
    Ok(parsed)
}
