//! How the two runs of the monolith's own tests are shown.

use std::collections::BTreeMap;
use std::io;

use camino::Utf8Path;

use crate::diagnostic::Diagnostic;
use crate::verify::{Compared, TestOutcome, TestReport, Verdict};

/// How many of the tests that differ are shown with what they said.
const SHOWN: usize = 5;

/// How many lines of it, of the first and of the last ones.
const LINES: usize = 30;

/// Prints the table: a line for each target with tests, and what is to be said of single ones.
pub(super) fn table(report: &TestReport, err: &mut dyn io::Write) -> io::Result<()> {
    let mut targets: BTreeMap<(&Utf8Path, &str, &str), Vec<&Compared>> = BTreeMap::new();
    for compared in &report.tests {
        let test = &compared.test;
        let target = (test.package.as_path(), test.kind.as_str(), test.target.as_str());
        targets.entry(target).or_default().push(compared);
    }
    let mut rows: Vec<(String, Counts)> = targets
        .into_iter()
        .map(|((package, kind, name), tests)| {
            (format!("{package}, {kind} {name}"), Counts::of(tests.iter().copied()))
        })
        .collect();
    rows.push(("in all".to_owned(), Counts::of(report.tests.iter())));
    let title = "The monolith's own tests, passed";
    let width = rows.iter().map(|(name, _)| name.chars().count() + 2).max().unwrap_or(0);
    let width = width.max(title.len());
    writeln!(err, "\n{title:<width$}  in process  over HTTP  differs")?;
    for (name, Counts { before, after, differ }) in rows {
        let name = format!("  {name}");
        writeln!(err, "{name:<width$}  {before:>10}  {after:>9}  {differ:>7}")?;
    }
    let calls: u64 = report.calls.values().sum();
    writeln!(err, "  {} operations of the service were called, {calls} times", report.calls.len())?;
    for compared in report.that(Verdict::FailedBefore) {
        let now = match compared.after {
            Some(TestOutcome::Passed) => "passes over HTTP",
            _ => "fails over HTTP too",
        };
        writeln!(
            err,
            "  failed before the extraction already, which is not its doing ({now}): {}",
            compared.test
        )?;
    }
    let ignored = report.that(Verdict::Ignored).count();
    if ignored > 0 {
        writeln!(err, "  {ignored} marked `#[ignore]` were not run")?;
    }
    Ok(())
}

struct Counts {
    before: usize,
    after: usize,
    differ: usize,
}

impl Counts {
    fn of<'a>(tests: impl Iterator<Item = &'a Compared>) -> Self {
        let mut counts = Self { before: 0, after: 0, differ: 0 };
        for test in tests {
            counts.before += usize::from(test.before == Some(TestOutcome::Passed));
            counts.after += usize::from(test.after == Some(TestOutcome::Passed));
            counts.differ += usize::from(test.verdict() == Verdict::Differs);
        }
        counts
    }
}

/// The refusal, where a test differs.
pub(super) fn differ(report: &TestReport) -> Option<Diagnostic> {
    let differ: Vec<&Compared> = report.that(Verdict::Differs).collect();
    let message = match differ.len() {
        0 => return None,
        1 => "a test of the monolith passes in process and not over HTTP".to_owned(),
        many => format!("{many} tests of the monolith pass in process and not over HTTP"),
    };
    let mut diagnostic = Diagnostic::error("tests-differ", message);
    for compared in differ.iter().take(SHOWN) {
        let said = match compared.after {
            None => "it is not there any more".to_owned(),
            Some(_) => shortened(&compared.output),
        };
        diagnostic = diagnostic.note(format!("{}:\n{said}", compared.test));
    }
    for compared in differ.iter().skip(SHOWN) {
        diagnostic = diagnostic.note(compared.test.to_string());
    }
    Some(diagnostic.note("nothing was written").help(
        "change what the test is about so that it holds across a network (what was one transaction is \
         two), or the test where it asked for more than the program needs; `--verify build` does not \
         run tests",
    ))
}

/// The beginning and the end of what a test said: a panic stands before its backtrace and the log.
fn shortened(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let Some(between) = lines.len().checked_sub(2 * LINES).filter(|between| *between > 0) else {
        return lines.join("\n");
    };
    let (first, last) = (&lines[..LINES], &lines[lines.len() - LINES..]);
    format!("{}\n[{between} lines]\n{}", first.join("\n"), last.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn the_middle_of_a_long_text_is_left_out() {
        let lines = |count: usize| (0..count).map(|n| format!("{n}\n")).collect::<String>();
        assert_eq!(shortened(&lines(60)), lines(60).trim_end());
        let long = shortened(&lines(100));
        assert!(long.starts_with("0\n1\n") && long.ends_with("\n98\n99"), "{long}");
        assert!(long.contains("\n29\n[40 lines]\n70\n"), "{long}");
    }
}
