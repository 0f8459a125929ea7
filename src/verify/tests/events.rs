//! What the runner says while it runs: an object a line.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::compare::{Ended, Outcome, Ran, Test};

/// See the runner's `report.rs` in `templates/`.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event {
    NoService {
        output: String,
    },
    Begin {
        tests: usize,
    },
    Test {
        package: Utf8PathBuf,
        kind: String,
        target: String,
        name: String,
        outcome: Outcome,
        output: Option<String>,
    },
    End {
        calls: BTreeMap<String, u64>,
    },
}

/// What it said to its end.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Why the service does not start.
    pub(super) no_service: Option<String>,
    /// How the tests ended, if it came that far.
    pub(super) ran: Option<Ran>,
}

/// Reads along; packages become relative to `root`.
///
/// # Errors
/// When the runner cannot be read or understood.
pub(super) fn read(
    root: &Utf8Path,
    lines: impl BufRead,
    title: &str,
    progress: &mut dyn FnMut(&str),
) -> io::Result<Said> {
    let mut said = Said::default();
    let mut tests = BTreeMap::new();
    let mut count = 0;
    for line in lines.lines() {
        match serde_json::from_str(&line?)? {
            Event::NoService { output } => said.no_service = Some(output),
            Event::Begin { tests } => count = tests,
            Event::Test { package, kind, target, name, outcome, output } => {
                let package = package.strip_prefix(root).unwrap_or(&package).to_owned();
                progress(&format!("{title}: {} of {count}, {target} {name}", tests.len() + 1));
                let test = Test { package, kind, target, name };
                tests.insert(test, Ended { outcome, output: output.unwrap_or_default() });
            }
            Event::End { calls } => {
                said.ran = Some(Ran { tests: std::mem::take(&mut tests), calls });
            }
        }
    }
    Ok(said)
}
