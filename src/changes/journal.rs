//! The journal of a change that is under way, and where it is kept: on disk, with the old texts and the
//! new ones, before the first step in the user's tree.
//!
//! A change is a folder of the home, which its name tells the state of:
//!
//! | name | what it is |
//! |---|---|
//! | `pending` | a change under way; without `journal.json` nothing of it is in the tree yet |
//! | `done-1`, `done-2`, … | changes that are whole, with the old texts: what `undo` takes back |
//! | `undo-2` | a change that is whole and took back the one of that number |
//! | `trash-1`, … | of no use any more |
//!
//! So one rename of a folder is the moment at which a change is whole, or is forgotten.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::check;
use super::disk::{Disk, Like};
use crate::diagnostic::{Diagnostic, Result};

/// Where journals of a workspace are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    pub(super) dir: Utf8PathBuf,
}

impl Home {
    /// In the git folder of the work tree (`git`: that folder, and the workspace's place in the work
    /// tree), which neither `git clean` nor `cargo clean` touches and nobody commits; without git, or
    /// where it is there already, the folder `.calve` of the workspace at `root`.
    pub fn of(root: &Utf8Path, git: Option<(&Utf8Path, &Utf8Path)>) -> Self {
        let within = Self::within(root);
        match git {
            Some((folder, place)) if !within.dir.is_dir() => {
                // One folder a workspace: a repository can hold several.
                let place = place.as_str().replace('%', "%25").replace(['/', '\\'], "%2F");
                Self { dir: folder.join("calve").join(format!("at-{place}")) }
            }
            _ => within,
        }
    }

    /// The folder `.calve` of the workspace at `root`.
    pub fn within(root: &Utf8Path) -> Self {
        Self { dir: root.join(IN_TREE) }
    }

    /// Whether a change is under way, or was when its run ended.
    pub fn has_pending(&self) -> bool {
        self.pending().is_dir()
    }

    pub(super) fn pending(&self) -> Utf8PathBuf {
        self.dir.join("pending")
    }

    pub(super) fn folder(&self, kind: Kind, number: u32) -> Utf8PathBuf {
        self.dir.join(format!("{}-{number}", kind.word()))
    }

    /// The numbers of the folders of a kind, rising.
    pub(super) fn numbers(&self, kind: Kind) -> Vec<u32> {
        let entries = self.dir.read_dir_utf8().into_iter().flatten().flatten();
        let mut numbers: Vec<u32> = entries
            .filter_map(|entry| {
                entry.file_name().split_once('-').map(|(w, n)| (w == kind.word(), n.parse()))
            })
            .filter_map(|(same, number)| number.ok().filter(|_| same))
            .collect();
        numbers.sort_unstable();
        numbers
    }

    /// The number after the last one of a kind.
    pub(super) fn next(&self, kind: Kind) -> u32 {
        self.numbers(kind).last().map_or(1, |last| last + 1)
    }
}

/// The name of the home in a tree without git.
pub(super) const IN_TREE: &str = ".calve";

/// What a folder of the home is; see the table above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Done,
    Undo,
    Trash,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Undo => "undo",
            Self::Trash => "trash",
        }
    }
}

/// What a change does. Paths are relative to the workspace root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Of this file.
    format: u32,
    /// In words: `the extraction of x`.
    pub(super) title: String,
    /// The number of the change that this one takes back.
    pub(super) undoes: Option<u32>,
    /// Folders that are made, parents first.
    pub(super) made: Vec<Utf8PathBuf>,
    /// Folders that go when they are empty, parents first.
    pub(super) unmade: Vec<Utf8PathBuf>,
    /// In the order in which they are put in place.
    pub(super) files: Vec<Entry>,
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) path: Utf8PathBuf,
    /// SHA-256 of the old text; none where there is no file before.
    pub(super) old: Option<String>,
    /// SHA-256 of the new text; none where there is no file afterwards.
    pub(super) new: Option<String>,
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    New,
    Old,
    /// Neither: somebody else wrote it.
    Other,
}

const FORMAT: u32 = 1;
const FILE: &str = "journal.json";

impl Journal {
    pub(super) fn new(title: &str) -> Self {
        Self {
            format: FORMAT,
            title: title.to_owned(),
            undoes: None,
            made: Vec::new(),
            unmade: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Writes it to the folder of its change: there whole or not at all.
    pub(super) fn write(&self, disk: &mut dyn Disk, folder: &Utf8Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        let draft = folder.join("journal.draft");
        disk.write(&draft, &text, &Like::New { executable: false })?;
        disk.sync(&draft)?;
        disk.rename(&draft, &folder.join(FILE))?;
        disk.sync_dir(folder)
    }

    /// The journal in the folder of a change; none where it was not written yet.
    ///
    /// # Errors
    /// `journal-unreadable` when it is there and cannot be understood.
    pub(super) fn read(folder: &Utf8Path) -> Result<Option<Self>> {
        let file = folder.join(FILE);
        let unreadable = |why: String| {
            Diagnostic::error("journal-unreadable", format!("cannot read `{file}`: {why}"))
                .note("it says what an earlier run of calve was writing")
                .help(format!(
                    "use the version of calve that wrote it; or restore the tree yourself and delete \
                     `{folder}`"
                ))
        };
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.to_string()).into()),
        };
        let journal: Self =
            serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if journal.format != FORMAT {
            return Err(unreadable(format!("its format is {}", journal.format)).into());
        }
        Ok(Some(journal))
    }

    /// How far each file is in the tree at `root`.
    pub(super) fn states(&self, root: &Utf8Path) -> Result<Vec<State>> {
        self.files.iter().map(|entry| entry.state(root)).collect()
    }
}

impl Entry {
    pub(super) fn state(&self, root: &Utf8Path) -> Result<State> {
        // Behind a link stands a file of somebody else.
        if check::no_links(root, &self.path).is_err() {
            return Ok(State::Other);
        }
        let found = match fs::read(root.join(&self.path)) {
            Ok(bytes) => Some(sha256(&bytes)),
            Err(e)
                if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                None
            }
            Err(e) if e.kind() == io::ErrorKind::IsADirectory => return Ok(State::Other),
            Err(e) => return Err(check::failure("read", &self.path, &e)),
        };
        Ok(match found {
            found if found == self.new => State::New,
            found if found == self.old => State::Old,
            _ => State::Other,
        })
    }
}

/// In hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_workspace_of_a_repository_has_a_home_of_its_own() {
        let home = |place: &str| {
            Home::of("/nowhere".into(), Some(("/r/.git".into(), place.into()))).dir.into_string()
        };
        assert_eq!(home(""), "/r/.git/calve/at-");
        assert_eq!(home("a/b"), "/r/.git/calve/at-a%2Fb");
        assert_ne!(home("a%2Fb"), home("a/b"));
        assert_eq!(Home::of("/nowhere".into(), None).dir, "/nowhere/.calve");
    }

    #[test]
    fn sums_are_those_of_everybody_else() {
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), of_abc);
    }
}
