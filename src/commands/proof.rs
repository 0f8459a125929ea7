//! What is proven of a result in a scratch copy, before anything is written.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Format, Output, databases, json, own_tests};
use crate::analysis::schema::Counted;
use crate::diagnostic::{Diagnostic, Result};
use crate::pipeline::Extraction;
use crate::plan::ExtractionPlan;
use crate::verify::{self, Outcome, Scratch, Step, Subject, TestReport, Tests};
use crate::workspace::{self, Workspace};

/// Something that can be proven; in the order in which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum Proof {
    /// The migrations make the same tables and rows as before, in two databases.
    Db,
    /// The result builds as the monolith did.
    Build,
    /// The monolith's own tests pass through the stub as they did in process.
    Tests,
}

/// What was proven.
#[derive(Debug, Default)]
pub(super) struct Proven {
    /// That it builds.
    pub(super) build: bool,
    /// What of it did not build before either, so that nothing is proven of it.
    pub(super) failed_before: Vec<String>,
    /// How the monolith's tests ended.
    pub(super) tests: Option<TestReport>,
    /// How the databases of the two sides compare with the monolith's.
    pub(super) databases: Option<Vec<Counted>>,
}

impl Proof {
    /// Whether it says nothing of a result that does not build.
    pub(super) fn needs_a_build(self) -> bool {
        self != Self::Db
    }
}

/// Proves what is asked for, of the result in `scratch`.
///
/// # Errors
/// The first proof that fails, and what keeps one from being made.
pub(super) fn prove(
    proofs: &BTreeSet<Proof>,
    workspace: &Workspace,
    extraction: &Extraction<'_>,
    scratch: &Scratch,
    output: &mut Output<'_>,
) -> Result<Proven> {
    let mut proven = Proven::default();
    for proof in proofs {
        match proof {
            Proof::Build => {
                proven.failed_before = build(workspace, extraction, scratch, output)?;
                proven.build = true;
            }
            Proof::Tests => proven.tests = Some(tests(workspace, extraction, scratch, output)?),
            Proof::Db => {
                proven.databases = Some(databases::prove(workspace, extraction, output)?);
            }
        }
    }
    Ok(proven)
}

/// Runs the tests of the packages that change or depend on the module, before and after.
fn tests(
    workspace: &Workspace,
    extraction: &Extraction<'_>,
    scratch: &Scratch,
    output: &mut Output<'_>,
) -> Result<TestReport> {
    let names = &extraction.plan.names;
    let packages = packages(workspace, extraction);
    let members = workspace.members.iter().filter(|m| packages.contains(&m.name));
    let roots: Vec<Utf8PathBuf> =
        members.flat_map(|m| &m.targets).map(|target| target.root.clone()).collect();
    let tests = Tests {
        workspace: &workspace.root,
        changed: scratch.root(),
        changes: &extraction.changes,
        target: &workspace.target_directory.join("calve"),
        packages: &packages,
        roots: &roots,
        service: &names.service,
        service_dir: &names.dir,
    };
    let report = verify::compare_tests(tests, &mut |line| output.progress(line))?;
    output.progress_done();
    let Some(differ) = own_tests::differ(&report) else { return Ok(report) };
    // A table that cannot be shown is no reason to stop.
    let _ = match output.format {
        Format::Text => own_tests::table(&report, output.err),
        Format::Json => json::line("tests", &json::Tests::of(&report), output.err),
    };
    Err(differ.into())
}

/// Builds the result in the scratch copy: the workspace, then each package that changed or depends on
/// the module, and each of their binaries, alone. Returns what did not build before either.
fn build(
    workspace: &Workspace,
    extraction: &Extraction<'_>,
    scratch: &Scratch,
    output: &mut Output<'_>,
) -> Result<Vec<String>> {
    let steps = steps(workspace, extraction);
    let target = workspace.target_directory.join("calve");
    let mut before: Option<Scratch> = None;
    let mut unchanged = || -> Result<Utf8PathBuf> {
        let copy = Scratch::copy(&workspace.root, &[])?;
        let root = copy.root().to_owned();
        before = Some(copy);
        Ok(root)
    };
    let subject = Subject {
        changed: scratch.root(),
        changes: &extraction.changes,
        target: &target,
        steps: &steps,
    };
    let report = verify::judge(subject, &mut unchanged, &mut |line| output.progress(line))?;
    output.progress_done();
    if report.passed() {
        return Ok(report.failed_before().map(Step::what).collect());
    }
    Err(does_not_build(&report, &extraction.plan.names.dir).into())
}

/// What the compiler says, and whose code it is about: the user's, or the generated code in `dir`.
fn does_not_build(report: &verify::Report, dir: &Utf8Path) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::error("does-not-build", "the result does not build as the monolith did")
            .note("nothing was written");
    let mut generated = true;
    for step in &report.steps {
        if let Outcome::Failed(messages) = &step.outcome
            // What an earlier step said already is not said again.
            && !messages.is_empty()
        {
            generated &= messages.iter().all(|message| points_below(message, dir));
            diagnostic = diagnostic.note(format!("{}:\n{}", step.step, messages.join("\n")));
        }
    }
    diagnostic.help(if generated {
        "all of this is about code that calve wrote, so it is a defect of calve: please report it with \
         these messages; --no-verify writes the result as it is"
    } else {
        "change the code that the compiler names so that it does not need the implementation; \
         --no-verify writes the result as it is"
    })
}

/// Whether the place of a rendered message lies in a folder. One without a place does not.
fn points_below(message: &str, dir: &Utf8Path) -> bool {
    let place = message.lines().find_map(|line| line.trim_start().strip_prefix("--> "));
    // Windows writes the separators of its own.
    place.is_some_and(|place| Utf8Path::new(&place.replace('\\', "/")).starts_with(dir))
}

fn steps(workspace: &Workspace, extraction: &Extraction<'_>) -> Vec<Step> {
    let plan: &ExtractionPlan = &extraction.plan;
    let mut packages = packages(workspace, extraction);
    packages.extend([&plan.names.wire, &plan.names.client, &plan.names.service].map(Clone::clone));
    let mut steps = vec![Step::Workspace];
    steps.extend(
        packages.iter().map(|name| Step::Package { name: name.clone(), features: Vec::new() }),
    );
    for member in workspace.members.iter().filter(|m| packages.contains(&m.name)) {
        for target in member.targets.iter().filter(|t| t.kind == workspace::TargetKind::Bin) {
            steps.push(Step::Binary {
                package: member.name.clone(),
                name: target.name.clone(),
                features: Vec::new(),
            });
        }
    }
    steps.push(Step::Binary {
        package: plan.names.service.clone(),
        name: plan.names.service.clone(),
        features: Vec::new(),
    });
    steps
}

/// The packages that change or depend on the module.
fn packages(workspace: &Workspace, extraction: &Extraction<'_>) -> Vec<String> {
    let touched = |member: &&workspace::Member| {
        let depends =
            member.dependencies.iter().any(|d| d.package == extraction.module.member.name);
        let owns = |path| belongs(workspace, member, path, &extraction.plan.names.dir);
        depends || extraction.changes.iter().any(|(path, _)| owns(path))
    };
    workspace.members.iter().filter(touched).map(|member| member.name.clone()).collect()
}

/// Whether a path belongs to a member and to none nested in it, nor to the new service in `service`.
fn belongs(
    workspace: &Workspace,
    member: &workspace::Member,
    path: &Utf8Path,
    service: &Utf8Path,
) -> bool {
    let owner = workspace
        .members
        .iter()
        .filter(|m| path.starts_with(&m.dir))
        .max_by_key(|m| m.dir.as_str().len());
    owner.is_some_and(|owner| owner.name == member.name && !path.starts_with(service))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;
    use crate::verify::{Report, StepReport};

    #[test]
    fn a_member_in_services_is_checked_and_the_new_service_is_nobody_s() {
        let workspace = Project::new()
            .member("services", &[], &[("src/lib.rs", "")])
            .member("app", &[], &[("src/lib.rs", "")])
            .load();
        let member = workspace.member("services").unwrap();
        let belongs =
            |path: &str| belongs(&workspace, member, path.into(), Utf8Path::new("services/stock"));
        assert!(belongs("services/src/lib.rs"));
        assert!(!belongs("services/stock/src/lib.rs"));
        assert!(!belongs("app/src/lib.rs"));
    }

    #[test]
    fn who_is_to_change_something_is_told_by_where_the_messages_point() {
        let help = |messages: &[&str]| {
            let messages = messages.iter().map(|m| format!("error: no\n  --> {m}:1:1\n")).collect();
            let report = Report {
                steps: vec![StepReport {
                    step: Step::Workspace,
                    outcome: Outcome::Failed(messages),
                }],
            };
            let diagnostic = does_not_build(&report, "services/stock".into());
            diagnostic.help.unwrap()
        };
        let own = ["services/stock/wire/src/operations.rs", "services/stock/src/routes.rs"];
        assert!(help(&own).contains("a defect of calve"));
        assert!(!help(&[own[0], "app/src/main.rs"]).contains("a defect of calve"));
        assert!(!help(&["services/stockpile/src/lib.rs"]).contains("a defect of calve"));
        assert!(!points_below("error: no place", "services/stock".into()));
    }
}
