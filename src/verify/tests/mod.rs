//! The monolith's own tests, before the cut in process, after it through the stub: each against the
//! other.
//!
//! The runner is the one that the extraction generates. Both times the workspace stands in the same
//! folder, of the same name in each run: what tests and macros know of it is compiled in.

mod compare;
mod events;
#[cfg(test)]
mod trial;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::process::Stdio;

use camino::{Utf8Path, Utf8PathBuf};

pub use compare::{Compared, Outcome as TestOutcome, TestReport, Verdict};

use super::Scratch;
use super::cargo::{cargo, listen};
use super::freshness::Differing;
use super::interrupt::Group;
use super::messages::Run;
use crate::changes::ChangeSet;
use crate::diagnostic::{Diagnostic, Result};
use compare::Ran;

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Tests<'a> {
    /// Root of the user's workspace.
    pub workspace: &'a Utf8Path,
    /// Workspace root in a copy with the change (see [`Scratch::root`]).
    pub changed: &'a Utf8Path,
    /// The change.
    pub changes: &'a ChangeSet,
    /// Where cargo builds, as for [`super::judge`].
    pub target: &'a Utf8Path,
    /// Packages whose tests are run; all are there before the change.
    pub packages: &'a [String],
    /// Roots of their targets, relative to the workspace root. A macro may have read more than the files
    /// that cargo knows of (a folder of migrations): these are compiled anew.
    pub roots: &'a [Utf8PathBuf],
    /// Name of the service's package and binary.
    pub service: &'a str,
    /// The service's folder, relative to the workspace root.
    pub service_dir: &'a Utf8Path,
}

/// The runner's name, as an example of the service's package.
const RUNNER: &str = "monolith_tests";

/// Runs every test twice, and a test that fails once more. `progress` gets a line for a person at each
/// step, built crate and test.
///
/// # Errors
/// `service-does-not-start` with its output, `tests-not-built` with cargo's, `tests-not-run`. That a
/// test fails is no error but in the report.
pub fn compare_tests(tests: Tests<'_>, progress: &mut dyn FnMut(&str)) -> Result<TestReport> {
    let paths = tests.changes.iter().map(|(path, _)| path);
    let paths = paths.chain(tests.roots.iter().map(Utf8PathBuf::as_path));
    let differing = Differing::record(tests.target, paths).map_err(|e| not_run(&e))?;
    let _alone = alone(tests.target, progress).map_err(|e| not_run(&e))?;
    let build =
        |root: &Utf8Path, arguments: &[&str], title: &str, progress: &mut dyn FnMut(&str)| {
            differing.renew(root).map_err(|e| not_run(&e))?;
            build(tests.target, root, arguments, title, progress)
        };

    let runner = ["build", "-p", tests.service, "--example", RUNNER];
    let built = build(tests.changed, &runner, "building the runner of the tests", progress)?;
    let runner = built.executables.into_iter().find(|(name, _)| name == RUNNER);
    let Some((_, runner)) = runner else {
        return Err(not_run(&io::Error::other("cargo built no runner")));
    };
    let run = Runner { program: &runner, target: tests.target, packages: tests.packages };
    let test = test_arguments(tests.packages);
    let mut test: Vec<&str> = test.iter().map(String::as_str).collect();
    test.insert(0, "test");
    test.insert(1, "--no-run");

    let copy = Scratch::copy_to(tests.workspace, &folder_name(tests.workspace))?;
    build(copy.root(), &test, "building the tests as they were", progress)?;
    let before = run.run(copy.root(), copy.root(), true, progress)?;

    copy.write(tests.changes, Utf8Path::new(""))?;
    let service = ["build", "-p", tests.service, "--bin", tests.service];
    build(copy.root(), &service, "building the service", progress)?;
    build(copy.root(), &test, "building the tests with the stub", progress)?;
    let after = run.run(copy.root(), &copy.root().join(tests.service_dir), false, progress)?;
    Ok(TestReport::of(&before, &after))
}

fn test_arguments(packages: &[String]) -> Vec<String> {
    let packages = packages.iter().flat_map(|name| ["-p".to_owned(), name.clone()]);
    packages.chain(["--tests".to_owned()]).collect()
}

/// The same in each run, and another for each workspace.
fn folder_name(workspace: &Utf8Path) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    workspace.hash(&mut hasher);
    format!("calve-tests-{:016x}", hasher.finish())
}

/// Waits until no other run tests in this target folder; until the file is dropped, none does.
fn alone(target: &Utf8Path, progress: &mut dyn FnMut(&str)) -> io::Result<File> {
    let file = File::create(target.join(".calve-tests"))?;
    if file.try_lock().is_err() {
        progress("waiting for another run");
        file.lock()?;
    }
    Ok(file)
}

/// Builds; what cargo says is an error where it fails.
fn build(
    target: &Utf8Path,
    root: &Utf8Path,
    arguments: &[&str],
    title: &str,
    progress: &mut dyn FnMut(&str),
) -> Result<Run> {
    progress(title);
    let mut run = Run::default();
    // The network only if something is not there yet.
    for network in [Some("--offline"), None] {
        let mut command = cargo(root);
        command.args(arguments).args(network).arg("--message-format=json").arg("--target-dir");
        command.arg(target);
        let mut built = |name: &str| progress(&format!("{title}: {name}"));
        run = listen(root, &mut command, &mut built)?;
        if run.success || run.has_errors {
            break;
        }
    }
    if run.success {
        return Ok(run);
    }
    let error = Diagnostic::error("tests-not-built", format!("{title} failed"));
    Err(error
        .note(run.errors().join("\n"))
        .note("nothing was written")
        .help("mend what cargo names, or extract without --verify tests")
        .into())
}

struct Runner<'a> {
    program: &'a Utf8Path,
    target: &'a Utf8Path,
    packages: &'a [String],
}

impl Runner<'_> {
    /// Runs all tests of the workspace at `root`; `from` is the folder that the runner takes for its own.
    fn run(
        &self,
        root: &Utf8Path,
        from: &Utf8Path,
        in_process: bool,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Ran> {
        let title = if in_process { "testing in process" } else { "testing over HTTP" };
        progress(title);
        let mut stderr = tempfile::tempfile().map_err(|e| not_run(&e))?;
        let mut command = std::process::Command::new(self.program);
        command.args(["--format", "json"]).args(in_process.then_some("--in-process"));
        command
            .args(test_arguments(self.packages))
            .arg("--offline")
            .current_dir(root)
            .env("CARGO_MANIFEST_DIR", from)
            .env("CARGO_TARGET_DIR", self.target)
            .env("CARGO_TERM_COLOR", "never")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().map_err(|e| not_run(&e))?);
        let mut group = Group::spawn(&mut command).map_err(|e| not_run(&e))?;
        let ran = match group.stdout() {
            Some(stdout) => events::read(root, BufReader::new(stdout), title, progress),
            None => Ok(events::Said::default()),
        };
        group.wait().map_err(|e| not_run(&e))?;
        let said = ran.map_err(|e| not_run(&e))?;
        if let Some(output) = said.no_service {
            return Err(Diagnostic::error(
                "service-does-not-start",
                "the service does not start in the scratch copy",
            )
            .note(output)
            .note("nothing was written")
            .help("a setting without a default is taken from the environment: set what the service asks for")
            .into());
        }
        match said.ran {
            Some(ran) => Ok(ran),
            None => {
                stderr.rewind().map_err(|e| not_run(&e))?;
                let mut text = Vec::new();
                stderr.read_to_end(&mut text).map_err(|e| not_run(&e))?;
                let text = String::from_utf8_lossy(&text).trim().to_owned();
                Err(not_run(&io::Error::other(format!("the runner broke off: {text}"))))
            }
        }
    }
}

fn not_run(error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error("tests-not-run", format!("the tests cannot be run: {error}"))
        .note("nothing was written")
        .into()
}
