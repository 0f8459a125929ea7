//! One file a command: what it asks of the pipeline, and how it shows the answer.

pub mod check;
mod completion;
mod database;
mod databases;
mod entry;
pub mod explain;
pub mod extract;
mod json;
mod own_tests;
mod proof;
mod summary;
pub mod undo;

use std::io::{self, Write};

use camino::Utf8Path;

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::workspace::Workspace;

/// Where a command writes.
pub struct Output<'a> {
    /// What the user asked for: a patch.
    pub out: &'a mut dyn Write,
    /// Everything that is said about it.
    pub err: &'a mut dyn Write,
    /// Whether `out` takes colours.
    pub color_out: bool,
    /// Whether `err` takes colours.
    pub color_err: bool,
    /// Whether `err` is a terminal on which a line can be written over.
    pub live: bool,
    /// For whom `err` is.
    pub format: Format,
}

/// For whom something is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person.
    #[default]
    Text,
    /// For a program: an object a line.
    Json,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It did what it was asked for.
    Done,
    /// `check`: something differs.
    Differs,
    /// It refused or failed, and the tree is as it was.
    Refused,
}

impl Status {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differs | Self::Refused => 1,
        }
    }
}

impl Output<'_> {
    /// Shows diagnostics with the source around their places.
    fn diagnostics(&mut self, workspace: Option<&Workspace>, list: &Diagnostics) -> io::Result<()> {
        self.show(workspace, list.iter())
    }

    /// Shows one diagnostic; most often the one that ended the run.
    fn refusal(&mut self, workspace: Option<&Workspace>, one: &Diagnostic) -> io::Result<Status> {
        self.show(workspace, [one])?;
        Ok(Status::Refused)
    }

    fn show<'d>(
        &mut self,
        workspace: Option<&Workspace>,
        diagnostics: impl IntoIterator<Item = &'d Diagnostic>,
    ) -> io::Result<()> {
        let source = |path: &Utf8Path| workspace.and_then(|w| w.read(path));
        if self.format == Format::Text {
            return diagnostic::render(diagnostics, &source, self.color_err, self.err);
        }
        for one in diagnostics {
            json::line("diagnostic", &diagnostic::Message::of(one, &source), self.err)?;
        }
        Ok(())
    }

    /// Says what came of it: in words, or as an object of this kind.
    fn say(&mut self, kind: &str, body: &impl serde::Serialize, words: &str) -> io::Result<()> {
        match self.format {
            Format::Text => writeln!(self.err, "{words}"),
            Format::Json => json::line(kind, body, self.err),
        }
    }

    /// A line of progress; on a terminal it takes the place of the one before.
    fn progress(&mut self, line: &str) {
        // Progress that cannot be shown is no reason to stop.
        let _ = if self.format == Format::Json {
            Ok(())
        } else if self.live {
            write!(self.err, "\r\x1b[2K{line}").and_then(|()| self.err.flush())
        } else if line.contains(": ") {
            // A step's details would fill a log.
            Ok(())
        } else {
            writeln!(self.err, "{line}")
        };
    }

    /// Shows what takes a moment, where the line can be taken away again.
    fn moment(&mut self, line: &str) {
        if self.live {
            self.progress(line);
        }
    }

    /// Ends the line of progress.
    fn progress_done(&mut self) {
        if self.live && self.format == Format::Text {
            let _ = write!(self.err, "\r\x1b[2K");
        }
    }
}
