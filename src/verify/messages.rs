//! What one run of `cargo check` said, and what of it is new since another run.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel};
use cargo_metadata::{CompilerMessage, Message, PackageId};

/// The errors and warnings of one run.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Whether cargo ended well.
    pub(super) success: bool,
    /// Whether rustc reported an error; a run can fail without one (a manifest, a build script).
    pub(super) has_errors: bool,
    /// Whether cargo came so far as to build; it does not where it refuses a manifest or the lock file.
    pub(super) began: bool,
    /// What cargo wrote to standard error.
    pub(super) stderr: String,
    /// Programs that were built or are fresh: name of the target and path.
    pub(super) executables: Vec<(String, Utf8PathBuf)>,
    messages: BTreeMap<Key, BTreeMap<Place, String>>,
    /// Packages with an error.
    failed: BTreeSet<String>,
}

/// What makes two messages of different runs the same: lines shift when a file is edited, so the place
/// does not count, only how many places there are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    package: String,
    is_error: bool,
    code: Option<String>,
    text: String,
}

/// File, line and column; a library and its tests report the same message at the same place.
type Place = (String, usize, usize);

impl Run {
    /// Reads cargo's messages of a run in `root` from `stdout` to its end; `built` gets the name of
    /// each crate that was not fresh.
    ///
    /// # Errors
    /// When `stdout` breaks off.
    pub(super) fn read(
        root: &Utf8Path,
        stdout: impl BufRead,
        built: &mut dyn FnMut(&str),
    ) -> io::Result<Self> {
        let mut run = Self::default();
        for message in Message::parse_stream(stdout) {
            let message = message?;
            run.began |= !matches!(message, Message::TextLine(_));
            match message {
                Message::CompilerMessage(message) => run.take(root, message),
                Message::CompilerArtifact(artifact) => {
                    if !artifact.fresh {
                        built(&artifact.target.name);
                    }
                    let program = artifact.executable.map(|path| (artifact.target.name, path));
                    run.executables.extend(program);
                }
                Message::BuildFinished(finished) => run.success = finished.success,
                _ => {}
            }
        }
        Ok(run)
    }

    /// Whether anything was said that the state before must be asked about.
    pub(super) fn is_clean(&self) -> bool {
        self.success && self.messages.is_empty()
    }

    /// Rendered messages of this run that `before` did not have, with what cargo itself said where it
    /// failed without a compiler error. A package that had an error before says nothing new.
    pub(super) fn new_since(&self, before: &Self) -> Vec<String> {
        let mut new = Vec::new();
        for (key, places) in &self.messages {
            if before.failed.contains(&key.package) {
                continue;
            }
            let none = BTreeMap::new();
            let old = before.messages.get(key).unwrap_or(&none);
            let more = places.len().saturating_sub(old.len());
            let fresh = places.iter().filter(|(place, _)| !old.contains_key(*place));
            new.extend(fresh.rev().take(more).map(|(_, rendered)| rendered.clone()));
        }
        let failed_silently = |run: &Self| !run.success && !run.has_errors;
        let is_refused_now = before.began && !self.began;
        if failed_silently(self) && (is_refused_now || !failed_silently(before)) {
            new.push(self.stderr.clone());
        }
        new
    }

    /// Why it failed: the compiler's errors as rendered, or what cargo said where there are none.
    pub(super) fn errors(&self) -> Vec<String> {
        let errors = self.messages.iter().filter(|(key, _)| key.is_error);
        let mut said: Vec<String> =
            errors.flat_map(|(_, places)| places.values().cloned()).collect();
        if said.is_empty() {
            said.push(self.stderr.trim().to_owned());
        }
        said
    }

    fn take(&mut self, root: &Utf8Path, message: CompilerMessage) {
        let CompilerMessage { package_id, message, .. } = message;
        let is_error = matches!(message.level, DiagnosticLevel::Error | DiagnosticLevel::Ice);
        if !is_error && message.level != DiagnosticLevel::Warning {
            return;
        }
        let package = package_of(root, &package_id);
        if is_error {
            self.has_errors = true;
            self.failed.insert(package.clone());
        }
        if is_summary(&message) {
            return;
        }
        let span = message.spans.iter().find(|span| span.is_primary);
        let place = span.map_or_else(Place::default, |span| {
            (span.file_name.clone(), span.line_start, span.column_start)
        });
        let rendered = message.rendered.unwrap_or_else(|| message.message.clone());
        let code = message.code.map(|code| code.code);
        let text = message.message.replace(root.as_str(), "");
        let key = Key { package, is_error, code, text };
        self.messages.entry(key).or_default().insert(place, rendered);
    }
}

/// Name for a package that is the same in every copy of the workspace.
fn package_of(root: &Utf8Path, id: &PackageId) -> String {
    id.repr.replace(&root.as_str().replace('\\', "/"), "")
}

/// rustc's closing line; cargo knows it by its words as well, it has no other mark.
fn is_summary(message: &Diagnostic) -> bool {
    message.spans.is_empty()
        && message.code.is_none()
        && (message.message.starts_with("aborting due to ")
            || message.message.ends_with(" warning emitted")
            || message.message.ends_with(" warnings emitted"))
}
