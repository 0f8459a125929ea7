//! The change set: every file to create, edit or delete, as one value. The only disk writes.

mod apply;
mod aside;
mod check;
mod copy;
mod diff;
mod disk;
mod edit;
#[cfg(test)]
mod faulty;
mod journal;
mod lock;
mod recover;
mod undo;

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

pub use apply::apply;
pub use aside::Aside;
pub use check::check;
pub use copy::write_to_copy;
pub use diff::write_diff;
pub use edit::TextEdit;
pub use journal::Home;
pub use lock::Lock;
pub use recover::Recovered;
pub use undo::{Undo, last, undo};

use crate::diagnostic::{Diagnostic, Result};

/// What happens to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// A file that does not exist yet.
    Create {
        /// Its whole text.
        text: String,
        /// Whether it gets the executable bit, where the system has one.
        executable: bool,
    },
    /// A file that exists, changed by spans; what no span covers stays byte for byte.
    Edit {
        /// The text on disk when the plan was made.
        before: Arc<str>,
        /// Disjoint and sorted by position.
        edits: Vec<TextEdit>,
    },
    /// A file that exists and goes.
    Delete {
        /// The text on disk when the plan was made.
        before: Arc<str>,
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
        self.insert(path.into(), FileChange::Create { text: text.into(), executable: false })
    }

    /// Adds a new file that can be run, such as a script.
    ///
    /// # Errors
    /// When the set already changes that path.
    pub fn create_executable(
        &mut self,
        path: impl Into<Utf8PathBuf>,
        text: impl Into<String>,
    ) -> Result<()> {
        self.insert(path.into(), FileChange::Create { text: text.into(), executable: true })
    }

    /// Takes a file that exists away.
    ///
    /// # Errors
    /// When the set already changes that path.
    pub fn delete(&mut self, path: impl Into<Utf8PathBuf>, before: &Arc<str>) -> Result<()> {
        self.insert(path.into(), FileChange::Delete { before: Arc::clone(before) })
    }

    fn insert(&mut self, path: Utf8PathBuf, change: FileChange) -> Result<()> {
        if self.files.contains_key(&path) {
            return Err(Diagnostic::error(
                "change-conflict",
                format!("`{path}` would be written twice"),
            )
            .into());
        }
        self.files.insert(path, change);
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
            FileChange::Delete { .. } => {
                Err(conflict(format!("`{path}` would be deleted and edited")).into())
            }
        }
    }

    /// Holds the files that it creates against those that are there, which `read` gives: one with
    /// the same text is no change, one with another is an edit. Files for which `skip` holds are left
    /// alone.
    #[must_use]
    pub fn against(
        self,
        read: impl Fn(&Utf8Path) -> Option<Arc<str>>,
        skip: impl Fn(&Utf8Path) -> bool,
    ) -> Self {
        let files = self.files.into_iter().filter_map(|(path, change)| {
            let FileChange::Create { text, executable } = change else {
                return Some((path, change));
            };
            if skip(&path) {
                return None;
            }
            match read(&path) {
                None => Some((path, FileChange::Create { text, executable })),
                Some(before) if *before == *text => None,
                Some(before) => {
                    let edits = vec![TextEdit::replace(0..before.len(), text)];
                    Some((path, FileChange::Edit { before, edits }))
                }
            }
        });
        Self { files: files.collect() }
    }

    /// Gives the text of each file that is created to `rewrite`, which may return another.
    pub fn rewrite_created(&mut self, mut rewrite: impl FnMut(&Utf8Path, &str) -> Option<String>) {
        for (path, change) in &mut self.files {
            if let FileChange::Create { text, .. } = change
                && let Some(new) = rewrite(path, text)
            {
                *text = new;
            }
        }
    }

    /// Leaves a file as it is.
    pub fn forget(&mut self, path: &Utf8Path) {
        self.files.remove(path);
    }

    /// What happens to a file, if anything does.
    pub fn get(&self, path: &Utf8Path) -> Option<&FileChange> {
        self.files.get(path)
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
            Self::Edit { before, .. } | Self::Delete { before } => Some(before),
        }
    }

    /// The text after, if the file is still there.
    pub fn after(&self) -> Option<String> {
        match self {
            Self::Create { text, .. } => Some(text.clone()),
            Self::Edit { before, edits } => Some(edit::apply(before, edits)),
            Self::Delete { .. } => None,
        }
    }
}
