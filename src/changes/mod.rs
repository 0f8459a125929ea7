//! The change set: every file to create, edit or delete, as one value. The only disk writes.

mod edit;

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

pub use edit::TextEdit;

use crate::diagnostic::{Diagnostic, Result};

/// What happens to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// A file that does not exist yet.
    Create {
        /// Its whole text.
        text: String,
    },
    /// A file that exists, changed by spans; what no span covers stays byte for byte.
    Edit {
        /// The text on disk when the plan was made.
        before: Arc<str>,
        /// Disjoint and sorted by position.
        edits: Vec<TextEdit>,
    },
}

/// Every change of one run, by path relative to the workspace root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    files: BTreeMap<Utf8PathBuf, FileChange>,
}

impl ChangeSet {
    /// Adds a new file.
    ///
    /// # Errors
    /// When the set already changes that path.
    pub fn create(&mut self, path: impl Into<Utf8PathBuf>, text: impl Into<String>) -> Result<()> {
        let path = path.into();
        if self.files.contains_key(&path) {
            return Err(Diagnostic::error(
                "change-conflict",
                format!("`{path}` would be written twice"),
            )
            .into());
        }
        self.files.insert(path, FileChange::Create { text: text.into() });
        Ok(())
    }

    /// Adds edits to a file that exists; several calls for one file are merged.
    ///
    /// # Errors
    /// When two edits overlap, or the file is created by this set.
    pub fn edit(&mut self, path: &Utf8Path, before: &Arc<str>, edits: Vec<TextEdit>) -> Result<()> {
        if edits.is_empty() {
            return Ok(());
        }
        let conflict = |what: String| Diagnostic::error("change-conflict", what);
        let entry = self
            .files
            .entry(path.to_owned())
            .or_insert_with(|| FileChange::Edit { before: Arc::clone(before), edits: Vec::new() });
        match entry {
            FileChange::Edit { edits: all, .. } => edit::merge(all, edits).map_err(|at| {
                conflict(format!("two changes meet in `{path}` at byte {at}")).into()
            }),
            FileChange::Create { .. } => {
                Err(conflict(format!("`{path}` would be created and edited")).into())
            }
        }
    }

    /// The changes in order of path.
    pub fn iter(&self) -> impl Iterator<Item = (&Utf8Path, &FileChange)> {
        self.files.iter().map(|(path, change)| (path.as_path(), change))
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl FileChange {
    /// The text before, if the file exists.
    pub fn before(&self) -> Option<&str> {
        match self {
            Self::Create { .. } => None,
            Self::Edit { before, .. } => Some(before),
        }
    }

    /// The text after.
    pub fn after(&self) -> String {
        match self {
            Self::Create { text } => text.clone(),
            Self::Edit { before, edits } => edit::apply(before, edits),
        }
    }
}
