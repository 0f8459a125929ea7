//! What calve says to a person: a code, a message, the places it is about, and what to do next.

mod codes;
mod json;
mod order;
mod render;

use std::fmt;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};

pub use codes::{Explanation, explanation, explanations};
pub use json::{Message, Position, Span};
pub use render::render;

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something a person should know; nothing stops.
    Note,
    /// Something a person must look at; nothing stops.
    Warning,
    /// The run cannot go on.
    Error,
}

/// A place in a file and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Path of the file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// Byte range in the file's text, as it is on disk.
    pub span: Range<usize>,
    /// A few words set beside the underline; may be empty.
    pub text: String,
}

/// One thing to tell the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable kebab-case code, such as `no-such-module`; one of [`explanations`].
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// The places, the first one being the place to look at.
    pub labels: Vec<Label>,
    /// Why it is so; whole sentences.
    pub notes: Vec<String>,
    /// What to change or type next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning without a place yet.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        debug_assert!(
            explanation(code).is_some(),
            "`{code}` has no section: add `## {code}` to a file of src/diagnostic/codes"
        );
        Self {
            code,
            severity,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// Adds a place; the first one added is the primary one.
    #[must_use]
    pub fn at(
        mut self,
        file: impl AsRef<Utf8Path>,
        span: Range<usize>,
        text: impl Into<String>,
    ) -> Self {
        self.labels.push(Label { file: file.as_ref().to_owned(), span, text: text.into() });
        self
    }

    /// Adds a sentence that says why.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Fails with one diagnostic: the error type of everything that cannot go on by itself.
pub type Result<T, E = Box<Diagnostic>> = std::result::Result<T, E>;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for Diagnostic {}

/// A sink for diagnostics: validating phases report all they find and the pipeline stops between
/// phases, not at the first error.
#[derive(Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Takes one in.
    pub fn push(&mut self, diagnostic: impl Into<Box<Diagnostic>>) {
        let diagnostic = *diagnostic.into();
        if !self.list.contains(&diagnostic) {
            self.list.push(diagnostic);
        }
    }

    /// Whether an error is among them.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// All of them: the most fundamental cause first, else by file and place; those without one first.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        let mut list: Vec<&Diagnostic> = self.list.iter().collect();
        let place = |d: &Diagnostic| d.labels.first().map(|l| (l.file.clone(), l.span.start));
        list.sort_by_cached_key(|d| (order::depth(d.code), place(d)));
        list.into_iter()
    }
}
