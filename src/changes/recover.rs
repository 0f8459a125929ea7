//! What the next run does with a change that an earlier one left half-way: finish it when everything is
//! in place, take it back otherwise.

use camino::Utf8Path;

use super::apply::{self, Place};
use super::disk::{Disk, Real};
use super::journal::{Home, Journal, State};
use crate::diagnostic::{Diagnostic, Result};

/// What was found, and done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// No change was under way.
    Nothing,
    /// The tree had not been touched.
    Untouched,
    /// Some files were in place, and were put back.
    PutBack {
        /// The change in words.
        title: String,
        /// How many files had their new text.
        found: usize,
        /// How many the change has.
        of: usize,
        /// Folders that stay on account of somebody else's files.
        stay: Vec<String>,
    },
    /// Every file was in place.
    Finished {
        /// The change in words.
        title: String,
        /// How many files it has.
        of: usize,
    },
}

impl Recovered {
    /// For a person; none when there is nothing to say.
    pub fn message(&self) -> Option<String> {
        let interrupted = "was interrupted by the end of its run";
        Some(match self {
            Self::Nothing => return None,
            Self::Untouched => {
                "An earlier run of calve ended before it changed anything; the tree is as it was."
                    .to_owned()
            }
            Self::PutBack { title, found, of, stay } => {
                let mut text = format!(
                    "{title} {interrupted} when {found} of {of} files were in place; they were put \
                     back, and the tree is as it was before."
                );
                for line in stay {
                    text.push_str(&format!("\n{line}"));
                }
                text
            }
            Self::Finished { title, of } => {
                format!(
                    "{title} {interrupted} when all {of} files were in place; it is finished now."
                )
            }
        })
    }
}

/// Brings the tree at `root` to its old state, or its new one where that is there already.
///
/// # Errors
/// `interrupted-run` when a file has neither its old nor its new text, `rollback-failed` when one cannot
/// be put back, `journal-unreadable`: the tree and the journal stay as they are then.
pub(super) fn recover(root: &Utf8Path, home: &Home) -> Result<Recovered> {
    recover_on(&mut Real, Place { root, home })
}

/// [`recover`] on any disk.
pub(super) fn recover_on(disk: &mut dyn Disk, place: Place<'_>) -> Result<Recovered> {
    apply::tidy(disk, place.home);
    let pending = place.home.pending();
    if !pending.is_dir() {
        return Ok(Recovered::Nothing);
    }
    let Some(journal) = Journal::read(&pending)? else {
        return match apply::forget(disk, place.home) {
            Ok(()) => Ok(Recovered::Untouched),
            Err(error) => Err(unfinished("A change", &pending, vec![error.to_string()])),
        };
    };
    let states = journal.states(place.root)?;
    let count = |state: State| states.iter().filter(|found| **found == state).count();
    let (title, of) = (capitalized(&journal.title), states.len());
    if count(State::Other) > 0 {
        return Err(changed_since(&journal, &states, &pending).into());
    }
    if count(State::New) == of {
        return match apply::finish(disk, place, &journal) {
            Ok(()) => Ok(Recovered::Finished { title, of }),
            Err(error) => Err(unfinished(&title, &pending, vec![error.to_string()])),
        };
    }
    let back = apply::put_back(disk, place, &journal, of);
    if !back.left.is_empty() {
        return Err(unfinished(&title, &pending, back.left));
    }
    Ok(match count(State::New) {
        0 => Recovered::Untouched,
        found => Recovered::PutBack { title, found, of, stay: back.stay },
    })
}

fn changed_since(journal: &Journal, states: &[State], pending: &Utf8Path) -> Diagnostic {
    let mut error = Diagnostic::error(
        "interrupted-run",
        format!("{} was interrupted, and files were changed since", journal.title),
    );
    for (at, entry) in journal.files.iter().enumerate() {
        if states[at] == State::Other {
            error = error.note(match entry.old {
                Some(_) => format!(
                    "`{}` has neither its old nor its new text; the old one is in `{pending}/old/{at}`",
                    entry.path
                ),
                None => format!("`{}` is not the file that calve was creating", entry.path),
            });
        }
    }
    error.help(format!(
        "put these files back (those that calve was creating: move them away) and run the command again, \
         so that the others follow; or delete `{pending}` to leave everything as it is now"
    ))
}

fn unfinished(title: &str, pending: &Utf8Path, left: Vec<String>) -> Box<Diagnostic> {
    let mut error = Diagnostic::error(
        "rollback-failed",
        format!("{title} was interrupted, and the tree cannot be put in order"),
    );
    for line in left {
        error = error.note(line);
    }
    error
        .note(format!("the journal in `{pending}` has the old texts"))
        .help("run the command again when the reason is gone")
        .into()
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
