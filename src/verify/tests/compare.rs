//! One run of the tests held against the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use camino::Utf8PathBuf;
use serde::Deserialize;

/// A test's name, down from its package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    /// Folder of its package, relative to the workspace root.
    pub package: Utf8PathBuf,
    /// What cargo calls its target: `lib`, `bin`, `test`.
    pub kind: String,
    /// Name of its target.
    pub target: String,
    /// Its own name: `orders::a_paid_order_leaves`.
    pub name: String,
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {}) {}", self.package, self.kind, self.target, self.name)
    }
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Well.
    Passed,
    /// It is not run unless asked for.
    Ignored,
    /// It failed, or took too long.
    Failed,
}

/// How a test ended, and what it said.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) output: String,
}

/// One run of all tests.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) tests: BTreeMap<Test, Ended>,
    /// How often each operation was called.
    pub(super) calls: BTreeMap<String, u64>,
}

/// What the two runs say of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passes, in process and over HTTP.
    Same,
    /// Nobody runs it, before or after.
    Ignored,
    /// It failed before the extraction already: nothing can be told from it.
    FailedBefore,
    /// It passed, and does not any more.
    Differs,
}

/// A test and what the two runs say of it.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The test.
    pub test: Test,
    /// How it ended in process; none if it was not there.
    pub before: Option<Outcome>,
    /// How it ended over HTTP; none if it is not there any more.
    pub after: Option<Outcome>,
    /// What it said where it failed last.
    pub output: String,
}

impl Compared {
    /// What that means.
    pub fn verdict(&self) -> Verdict {
        match (self.before, self.after) {
            (Some(Outcome::Failed), _) => Verdict::FailedBefore,
            (None | Some(Outcome::Passed), Some(Outcome::Passed)) => Verdict::Same,
            (_, Some(Outcome::Ignored)) => Verdict::Ignored,
            _ => Verdict::Differs,
        }
    }
}

/// What the two runs say.
#[derive(Debug, Clone, Default)]
pub struct TestReport {
    /// By package, target and name.
    pub tests: Vec<Compared>,
    /// How often each operation of the service was called.
    pub calls: BTreeMap<String, u64>,
}

impl TestReport {
    pub(super) fn of(before: &Ran, after: &Ran) -> Self {
        let all: BTreeSet<&Test> = before.tests.keys().chain(after.tests.keys()).collect();
        let compared = all.into_iter().map(|test| {
            let (old, new) = (before.tests.get(test), after.tests.get(test));
            let said = [new, old].into_iter().flatten().find(|e| e.outcome == Outcome::Failed);
            Compared {
                test: test.clone(),
                before: old.map(|e| e.outcome),
                after: new.map(|e| e.outcome),
                output: said.map(|e| e.output.clone()).unwrap_or_default(),
            }
        });
        Self { tests: compared.collect(), calls: after.calls.clone() }
    }

    /// Those of which the two runs say this.
    pub fn that(&self, verdict: Verdict) -> impl Iterator<Item = &Compared> {
        self.tests.iter().filter(move |test| test.verdict() == verdict)
    }
}
