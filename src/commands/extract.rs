//! `calve extract`: plan, prove, write; or print what would be written.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::completion::{complete, write_patch};
use super::{Output, Status, check, summary};
use crate::analysis::code::Code;
use crate::changes;
use crate::diagnostic::{Diagnostic, Diagnostics, Result};
use crate::pipeline::{self, Extraction, Options};
use crate::plan::ExtractionPlan;
use crate::verify::{self, Outcome, Scratch, Step, Subject};
use crate::workspace::{self, Workspace};

/// What `extract` is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The module: the name of a library package of the workspace.
    module: String,
    /// A manifest of the workspace; found from the current folder if not given.
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<Utf8PathBuf>,
    /// The API trait; found by how other crates use it if not given.
    #[arg(long = "trait", value_name = "NAME")]
    api_trait: Option<String>,
    /// Another stem for the new packages: NAME-service, NAME-client, NAME-wire.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Print the patch that an extraction would apply, and touch nothing.
    #[arg(long)]
    dry_run: bool,
    /// Leave the monolith alone and write a changed copy of it into this new folder.
    #[arg(long, value_name = "DIR", conflicts_with = "dry_run")]
    into: Option<Utf8PathBuf>,
    /// Go on although the git tree has changes that are not committed.
    #[arg(long)]
    allow_dirty: bool,
    /// Write without building the result in a scratch copy first.
    #[arg(long)]
    no_verify: bool,
}

/// Runs the command.
///
/// # Errors
/// When the terminal or pipe that is written to fails; everything else is shown there.
pub fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Status> {
    let workspace = match super::manifest(arguments.manifest_path.as_deref())
        .and_then(|manifest| workspace::load(&manifest))
    {
        Ok(workspace) => workspace,
        Err(refusal) => return output.refusal(None, &refusal),
    };
    match in_workspace(&workspace, arguments, output) {
        Ok(status) => status,
        Err(refusal) => {
            output.progress_done();
            output.refusal(Some(&workspace), &refusal)
        }
    }
}

fn in_workspace(
    workspace: &Workspace,
    arguments: &Arguments,
    output: &mut Output<'_>,
) -> Result<io::Result<Status>> {
    if let Some(record) = check::record_of(workspace, &arguments.module)? {
        return check::already_extracted(workspace, &record, output);
    }
    let writes_here = !arguments.dry_run && arguments.into.is_none();
    if writes_here && !arguments.allow_dirty {
        refuse_dirty(workspace)?;
    }
    if let Some(into) = &arguments.into {
        refuse_occupied(into)?;
    }
    let code = Code::new(workspace);
    let mut diagnostics = Diagnostics::default();
    let options = Options { api_trait: arguments.api_trait.clone(), name: arguments.name.clone() };
    let planned = pipeline::extract(&code, &arguments.module, &options, &mut diagnostics)?;
    if let Err(error) = output.diagnostics(Some(workspace), &diagnostics) {
        return Ok(Err(error));
    }
    let Some(mut extraction) = planned else { return Ok(Ok(Status::Refused)) };
    if writes_here {
        // What cannot be written is better known before a build than after it.
        changes::check(&extraction.changes, &workspace.root)?;
    }
    let scratch = complete(workspace, &mut extraction.changes, output)?;
    check::keep_in_step(workspace, &mut extraction.changes, &scratch)?;
    if arguments.dry_run {
        return Ok(show(workspace, &extraction, output));
    }
    if !arguments.no_verify {
        prove(workspace, &extraction, &scratch, output)?;
    }
    let root = match &arguments.into {
        None => workspace.root.clone(),
        Some(into) => copy_into(workspace, into)?,
    };
    changes::apply(&extraction.changes, &root)?;
    let written = summary::Written { root: &root, verified: !arguments.no_verify };
    Ok(summary::extracted(workspace, &extraction, Some(&written), output).map(|()| Status::Done))
}

fn show(
    workspace: &Workspace,
    extraction: &Extraction<'_>,
    output: &mut Output<'_>,
) -> io::Result<Status> {
    write_patch(workspace, &extraction.changes, output)?;
    output.out.flush()?;
    summary::extracted(workspace, extraction, None, output)?;
    Ok(Status::Done)
}

/// Builds the result in the scratch copy: the workspace, then each package that changed or depends on
/// the module, and each of their binaries, alone.
fn prove(
    workspace: &Workspace,
    extraction: &Extraction<'_>,
    scratch: &Scratch,
    output: &mut Output<'_>,
) -> Result<()> {
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
        return Ok(());
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
    let mut packages: Vec<String> = workspace
        .members
        .iter()
        .filter(|member| {
            let depends =
                member.dependencies.iter().any(|d| d.package == extraction.module.member.name);
            let owns = |path| belongs(workspace, member, path, &plan.names.dir);
            depends || extraction.changes.iter().any(|(path, _)| owns(path))
        })
        .map(|m| m.name.clone())
        .collect();
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

fn refuse_dirty(workspace: &Workspace) -> Result<()> {
    let Some(repository) = &workspace.repository else { return Ok(()) };
    let changed = repository.uncommitted(&workspace.root);
    if changed.is_empty() {
        return Ok(());
    }
    let mut diagnostic =
        Diagnostic::error("dirty-tree", "the git tree has changes that are not committed")
            .note("after an extraction nobody could tell them from what calve wrote");
    for line in changed.iter().take(8) {
        diagnostic = diagnostic.note(line.clone());
    }
    Err(diagnostic.help("commit or stash them, or say --allow-dirty").into())
}

fn refuse_occupied(into: &Utf8Path) -> Result<()> {
    let occupied = match into.read_dir_utf8() {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    if occupied {
        return Err(Diagnostic::error("target-exists", format!("`{into}` is not an empty folder"))
            .note("calve writes a whole workspace there and overwrites nothing")
            .help("name a folder that does not exist yet")
            .into());
    }
    Ok(())
}

fn copy_into(workspace: &Workspace, into: &Utf8Path) -> Result<Utf8PathBuf> {
    if let Some(outside) = workspace.outside.first() {
        return Err(Diagnostic::error(
            "outside-path",
            format!("the workspace needs `{outside}`, which lies outside of it"),
        )
        .note("in a copy elsewhere its relative path would lead to nothing")
        .help("extract in place, on a branch")
        .into());
    }
    verify::copy_tree(&workspace.root, into)?;
    into.canonicalize_utf8().map_err(|error| {
        Diagnostic::error("write-failed", format!("cannot find `{into}`: {error}")).into()
    })
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
