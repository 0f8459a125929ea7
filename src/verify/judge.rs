//! The compiler's verdict on the changed copy, each part against its state before the change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::{Metadata, MetadataCommand};

use super::cargo::{broken, cargo, listen};
use super::freshness::Differing;
use super::messages::Run;
use crate::changes::ChangeSet;
use crate::diagnostic::Result;
use crate::workspace::cargo_refused;

/// One thing to check. A package alone shows errors that feature unification hides in the workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Every target of every member at once.
    Workspace,
    /// Every target of one package alone.
    Package {
        /// Name of the package.
        name: String,
        /// Features to switch on beside the default ones.
        features: Vec<String>,
    },
    /// One binary alone.
    Binary {
        /// Name of its package.
        package: String,
        /// Name of the binary.
        name: String,
        /// Features to switch on beside the default ones.
        features: Vec<String>,
    },
}

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Workspace root in the changed copy, absolute and canonical (see [`super::Scratch::root`]).
    pub changed: &'a Utf8Path,
    /// The set that was written to it.
    pub changes: &'a ChangeSet,
    /// Where cargo builds both copies; kept, it makes the next run fast. Never the user's own: their
    /// next build would take files of the copy for theirs.
    pub target: &'a Utf8Path,
    /// What is checked, in this order.
    pub steps: &'a [Step],
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It builds without an error or warning that was not there before.
    Passed,
    /// It does not build, and did not before the change: not ours.
    FailedBefore,
    /// Compiler messages that are new, as rustc renders them, without those of the steps before.
    Failed(Vec<String>),
}

/// A step and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    /// What was checked.
    pub step: Step,
    /// How it ended.
    pub outcome: Outcome,
}

/// The verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order in which they were asked for.
    pub steps: Vec<StepReport>,
}

impl Report {
    /// Whether nothing that fails or warns is new.
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|step| !matches!(step.outcome, Outcome::Failed(_)))
    }

    /// What did not build before the change either.
    pub fn failed_before(&self) -> impl Iterator<Item = &Step> {
        let failed = |report: &&StepReport| report.outcome == Outcome::FailedBefore;
        self.steps.iter().filter(failed).map(|report| &report.step)
    }
}

/// Runs `cargo check` for each step in the changed copy. Only when something fails or warns,
/// `unchanged` is asked for the workspace root of a copy without the change (canonical too), and the
/// same step is run there to see what is new: by package, level, text and code, so that shifted lines
/// make no difference. A step whose package the unchanged workspace does not have is held against the
/// whole workspace before. `progress` gets a line for a person at each step and built crate.
///
/// # Errors
/// `cargo-not-found`, `check-failed` when cargo cannot be listened to, `cargo-refused` when it refuses the
/// workspace as it was, and those of `unchanged`. What the compiler finds is no error but in the report.
pub fn judge(
    subject: Subject<'_>,
    unchanged: &mut dyn FnMut() -> Result<Utf8PathBuf>,
    progress: &mut dyn FnMut(&str),
) -> Result<Report> {
    let paths = subject.changes.iter().map(|(path, _)| path);
    let differing = Differing::record(subject.target, paths).map_err(|e| broken(&e))?;
    let mut cargo = Checker { target: subject.target, offline: true };

    differing.renew(subject.changed).map_err(|e| broken(&e))?;
    let mut runs = Vec::new();
    for step in subject.steps {
        runs.push(cargo.check(subject.changed, step, true, &step.to_string(), progress)?);
    }
    let before = if runs.iter().all(Run::is_clean) {
        BTreeMap::new()
    } else {
        let root = unchanged()?;
        differing.renew(&root).map_err(|e| broken(&e))?;
        let before = state_before(&mut cargo, &root, subject.steps, &runs, progress)?;
        // What is built of the changed copy next must not be taken from this one.
        differing.renew(subject.changed).map_err(|e| broken(&e))?;
        before
    };

    // What cargo does not even begin to build proves nothing, whoever is to blame.
    if let Some(refused) = runs
        .iter()
        .zip(subject.steps)
        .find_map(|(run, step)| before.get(step).filter(|before| !run.began && !before.began))
    {
        return Err(cargo_refused(&refused.stderr));
    }

    let mut said = BTreeSet::new();
    let mut report = Report::default();
    for (step, run) in subject.steps.iter().zip(&runs) {
        let mut new = before.get(step).map(|before| run.new_since(before)).unwrap_or_default();
        let is_new = !new.is_empty();
        new.retain(|message| said.insert(message.clone()));
        let outcome = match run.success {
            _ if is_new => Outcome::Failed(new),
            true => Outcome::Passed,
            false => Outcome::FailedBefore,
        };
        report.steps.push(StepReport { step: step.clone(), outcome });
    }
    Ok(report)
}

/// What the workspace at `root` says for each step whose run was not clean.
fn state_before(
    cargo: &mut Checker<'_>,
    root: &Utf8Path,
    steps: &[Step],
    runs: &[Run],
    progress: &mut dyn FnMut(&str),
) -> Result<BTreeMap<Step, std::rc::Rc<Run>>> {
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .map_err(|e| broken(&io::Error::other(e)))?;
    let mut done: BTreeMap<Step, std::rc::Rc<Run>> = BTreeMap::new();
    let mut before = BTreeMap::new();
    for (step, _) in steps.iter().zip(runs).filter(|(_, run)| !run.is_clean()) {
        let old = step.before(&metadata);
        let run = match done.get(&old) {
            Some(run) => run.clone(),
            None => {
                let title = format!("{old}, as it was before");
                // The user's lock may have been out of date: that is no matter of this change.
                let run = std::rc::Rc::new(cargo.check(root, &old, false, &title, progress)?);
                done.insert(old, run.clone());
                run
            }
        };
        before.insert(step.clone(), run);
    }
    Ok(before)
}

/// Runs `cargo check`.
struct Checker<'a> {
    target: &'a Utf8Path,
    /// Until it turns out that something must be downloaded.
    offline: bool,
}

impl Checker<'_> {
    fn check(
        &mut self,
        root: &Utf8Path,
        step: &Step,
        locked: bool,
        title: &str,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Run> {
        progress(title);
        let mut built = |name: &str| progress(&format!("{title}: {name}"));
        let run = self.run(root, step, locked, &mut built)?;
        if run.success || run.has_errors || !self.offline {
            return Ok(run);
        }
        // Cargo gave up before the compiler did: for want of a source that is not on this machine,
        // perhaps. With the network it says so itself where that was not the reason.
        self.offline = false;
        let again = self.run(root, step, locked, &mut built)?;
        self.offline = !again.success && !again.has_errors;
        Ok(again)
    }

    fn run(
        &self,
        root: &Utf8Path,
        step: &Step,
        locked: bool,
        built: &mut dyn FnMut(&str),
    ) -> Result<Run> {
        let mut command = cargo(root);
        command
            .args(["check", "--message-format=json", "--keep-going", "--target-dir"])
            .arg(self.target)
            .args(step.arguments())
            .args(locked.then_some("--locked"))
            .args(self.offline.then_some("--offline"));
        listen(root, &mut command, built)
    }
}

impl Step {
    fn arguments(&self) -> Vec<String> {
        let (mut arguments, features) = match self {
            Self::Workspace => (vec!["--workspace".into(), "--all-targets".into()], &[][..]),
            Self::Package { name, features } => {
                (vec!["-p".into(), name.clone(), "--all-targets".into()], features.as_slice())
            }
            Self::Binary { package, name, features } => (
                vec!["-p".into(), package.clone(), "--bin".into(), name.clone()],
                features.as_slice(),
            ),
        };
        if !features.is_empty() {
            arguments.extend(["--features".into(), features.join(",")]);
        }
        arguments
    }

    /// The step that shows the same in the workspace before: without features that it does not have,
    /// the whole of it where it has no such package or binary.
    fn before(&self, metadata: &Metadata) -> Self {
        let (Self::Package { name: package, features } | Self::Binary { package, features, .. }) =
            self
        else {
            return Self::Workspace;
        };
        let members = metadata.workspace_packages();
        let Some(package) = members.iter().find(|member| member.name.as_str() == package) else {
            return Self::Workspace;
        };
        let known = |feature: &&String| package.features.contains_key(*feature);
        let features = features.iter().filter(known).cloned().collect();
        let has_binary = |name: &str| package.targets.iter().any(|t| t.is_bin() && t.name == name);
        match self {
            Self::Binary { package, name, .. } if has_binary(name) => {
                Self::Binary { package: package.clone(), name: name.clone(), features }
            }
            Self::Package { name, .. } => Self::Package { name: name.clone(), features },
            _ => Self::Workspace,
        }
    }
}

impl Step {
    /// What is checked, for a person.
    pub fn what(&self) -> String {
        match self {
            Self::Workspace => "the whole workspace".to_owned(),
            Self::Package { name, .. } => format!("`{name}` alone"),
            Self::Binary { name, .. } => format!("the binary `{name}` alone"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "checking {}", self.what())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write the workspaces that they judge")]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;
    use crate::changes::TextEdit;
    use crate::verify::{Scratch, resolve_lock};

    /// A workspace with the members `base` (feature `extra`), `user` (switches `extra` on) and `app`.
    struct Case {
        _temp: TempDir,
        root: Utf8PathBuf,
        target: Utf8PathBuf,
    }

    const BASE: &str = "#[cfg(feature = \"extra\")]\npub fn extra() {}\npub fn plain() {}\n";
    const APP: &str = "fn main() {\n    base::plain();\n}\n";

    fn case() -> Case {
        let temp = tempfile::tempdir().unwrap();
        let top = Utf8PathBuf::from_path_buf(temp.path().canonicalize().unwrap()).unwrap();
        let case = Case { root: top.join("ws"), target: top.join("build"), _temp: temp };
        case.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"base\", \"user\", \"app\"]\n",
        );
        let package = |name: &str, rest: &str| {
            let manifest = manifest(name, rest);
            case.write(&format!("{name}/Cargo.toml"), &manifest);
        };
        package("base", "[features]\nextra = []\n");
        package("user", "[dependencies]\nbase = { path = \"../base\", features = [\"extra\"] }\n");
        package("app", "[dependencies]\nbase = { path = \"../base\" }\n");
        case.write("base/src/lib.rs", BASE);
        case.write("user/src/lib.rs", "pub fn user() {\n    base::extra();\n}\n");
        case.write("app/src/main.rs", APP);
        case
    }

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{rest}")
    }

    impl Case {
        fn write(&self, path: &str, text: &str) {
            let file = self.root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }

        /// Puts `text` at the head of `path`.
        fn prepend(&self, changes: &mut ChangeSet, path: &str, text: &str) {
            let before: Arc<str> = fs::read_to_string(self.root.join(path)).unwrap().into();
            changes.edit(path.into(), &before, vec![TextEdit::insert(0, text)]).unwrap();
        }

        fn judge(&self, changes: &ChangeSet, steps: &[Step]) -> (Vec<Outcome>, Vec<String>) {
            resolve_lock(&self.root, "").unwrap();
            let changed = Scratch::copy(&self.root, &[]).unwrap();
            changed.write(changes, "".into()).unwrap();
            resolve_lock(changed.root(), "").unwrap();
            let (report, progress) = self.judge_in(&changed, changes, steps).unwrap();
            (report.steps.into_iter().map(|step| step.outcome).collect(), progress)
        }

        fn judge_in(
            &self,
            changed: &Scratch,
            changes: &ChangeSet,
            steps: &[Step],
        ) -> Result<(Report, Vec<String>)> {
            let subject = Subject { changed: changed.root(), changes, target: &self.target, steps };
            let mut unchanged = None;
            let mut progress = Vec::new();
            let report = judge(
                subject,
                &mut || {
                    let copy = Scratch::copy(&self.root, &[])?;
                    Ok(unchanged.insert(copy).root().to_owned())
                },
                &mut |line| progress.push(line.to_owned()),
            )?;
            Ok((report, progress))
        }
    }

    fn alone(name: &str) -> Step {
        Step::Package { name: name.into(), features: Vec::new() }
    }

    #[track_caller]
    fn failed(outcome: &Outcome) -> &[String] {
        match outcome {
            Outcome::Failed(messages) => messages,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_clean_change_never_needs_the_state_before() {
        let case = case();
        let mut changes = ChangeSet::default();
        case.prepend(&mut changes, "app/src/main.rs", "// new\n");
        let steps = [
            Step::Workspace,
            alone("app"),
            Step::Binary { package: "app".into(), name: "app".into(), features: vec![] },
        ];
        let (outcomes, progress) = case.judge(&changes, &steps);
        assert_eq!(outcomes, [Outcome::Passed, Outcome::Passed, Outcome::Passed]);
        assert_eq!(progress[0], "checking the whole workspace");
        assert!(progress.contains(&"checking the whole workspace: base".to_owned()));
        assert!(!progress.iter().any(|line| line.contains("before")), "{progress:?}");
    }

    #[test]
    fn a_new_error_is_ours_and_told_once() {
        let case = case();
        let mut changes = ChangeSet::default();
        case.prepend(&mut changes, "app/src/main.rs", "use base::nothing;\n");
        let (outcomes, _) = case.judge(&changes, &[Step::Workspace, alone("app"), alone("user")]);
        let messages = failed(&outcomes[0]);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].starts_with("error[E0432]: unresolved import"), "{messages:?}");
        assert!(messages[0].contains("--> app/src/main.rs:1:5"), "{messages:?}");
        assert_eq!(outcomes[1..], [Outcome::Failed(vec![]), Outcome::Passed]);
    }

    #[test]
    fn an_old_error_is_not_ours_but_a_new_one_beside_it_is() {
        let case = case();
        case.write("user/src/lib.rs", "fn user() { missing() }\n");
        let mut changes = ChangeSet::default();
        case.prepend(&mut changes, "user/src/lib.rs", "// shifts the line\n\n");
        let (outcomes, _) = case.judge(&changes, &[Step::Workspace, alone("app")]);
        assert_eq!(outcomes, [Outcome::FailedBefore, Outcome::Passed]);
        let steps = [Step::Workspace, alone("app")].into_iter().zip(outcomes);
        let steps = steps.map(|(step, outcome)| StepReport { step, outcome }).collect();
        let report = Report { steps };
        let named: Vec<String> = report.failed_before().map(Step::what).collect();
        assert!(report.passed() && named == ["the whole workspace"], "{named:?}");
        case.prepend(&mut changes, "app/src/main.rs", "use base::nothing;\n");
        let (outcomes, _) = case.judge(&changes, &[Step::Workspace]);
        assert_eq!(failed(&outcomes[0]).len(), 1, "{outcomes:?}");
    }

    #[test]
    fn what_cargo_does_not_begin_to_build_proves_nothing() {
        let case = case();
        resolve_lock(&case.root, "").unwrap();
        case.write(
            "user/Cargo.toml",
            &manifest(
                "user",
                "[dependencies]\nbase = { path = \"../base\", features = [\"nope\"] }\n",
            ),
        );
        let mut changes = ChangeSet::default();
        case.prepend(&mut changes, "app/src/main.rs", "use base::nothing;\n");
        let changed = Scratch::copy(&case.root, &[]).unwrap();
        changed.write(&changes, "".into()).unwrap();
        let refusal = case.judge_in(&changed, &changes, &[Step::Workspace]).unwrap_err();
        assert_eq!(refusal.code, "cargo-refused");
        assert!(refusal.notes[0].contains("nope"), "{refusal:?}");
    }

    #[test]
    fn new_warnings_count_and_old_ones_do_not() {
        let case = case();
        case.write("app/src/main.rs", &format!("use std::fmt;\n{APP}"));
        let mut changes = ChangeSet::default();
        case.prepend(&mut changes, "app/src/main.rs", "// shifts the line\n");
        let steps = [Step::Workspace, alone("app")];
        assert_eq!(case.judge(&changes, &steps).0, [Outcome::Passed, Outcome::Passed]);

        // The target directory holds builds of the run before and of the other copy: neither may pass
        // for this one, or the new warning would count as old.
        case.prepend(&mut changes, "base/src/lib.rs", "use std::fmt;\n");
        let (outcomes, _) = case.judge(&changes, &steps);
        let messages = failed(&outcomes[0]);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].contains("--> base/src/lib.rs:1:5"), "{messages:?}");

        let mut other = ChangeSet::default();
        case.prepend(&mut other, "user/src/lib.rs", "// nothing\n");
        assert_eq!(case.judge(&other, &steps).0, [Outcome::Passed, Outcome::Passed]);
    }

    #[test]
    fn a_second_warning_of_the_same_words_is_new() {
        let case = case();
        case.write("base/src/lib.rs", &format!("mod a {{\n    use std::fmt;\n}}\n{BASE}"));
        let mut changes = ChangeSet::default();
        case.prepend(&mut changes, "base/src/lib.rs", "mod b {\n    use std::fmt;\n}\n");
        let (outcomes, _) = case.judge(&changes, &[Step::Workspace]);
        assert_eq!(failed(&outcomes[0]).len(), 1, "{outcomes:?}");
    }

    #[test]
    fn an_error_that_unification_hides_is_found_alone() {
        let case = case();
        let mut changes = ChangeSet::default();
        case.prepend(&mut changes, "app/src/main.rs", "fn _new() {\n    base::extra();\n}\n");
        let (outcomes, _) = case.judge(&changes, &[Step::Workspace, alone("app")]);
        assert_eq!(outcomes[0], Outcome::Passed);
        assert!(failed(&outcomes[1])[0].contains("E0425"), "{outcomes:?}");
    }

    #[test]
    fn a_new_package_and_a_new_feature_are_judged_too() {
        let case = case();
        case.write("base/src/lib.rs", &format!("use std::fmt;\n{BASE}"));
        let mut changes = ChangeSet::default();
        let before: Arc<str> = fs::read_to_string(case.root.join("Cargo.toml")).unwrap().into();
        let at = before.find("\"base\"").unwrap();
        changes
            .edit("Cargo.toml".into(), &before, vec![TextEdit::insert(at, "\"new\", ")])
            .unwrap();
        changes
            .create("new/Cargo.toml", manifest("new", "[dependencies]\nbase.path = \"../base\"\n"))
            .unwrap();
        changes.create("new/src/main.rs", "use std::fmt;\nfn main() { base::plain() }\n").unwrap();
        let base: Arc<str> = manifest("base", "[features]\nextra = []\n").into();
        let edit = TextEdit::insert(base.len(), "wire = []\n");
        changes.edit("base/Cargo.toml".into(), &base, vec![edit]).unwrap();
        let steps = [
            alone("new"),
            Step::Binary { package: "new".into(), name: "new".into(), features: vec![] },
            Step::Package { name: "base".into(), features: vec!["wire".into()] },
        ];
        let (outcomes, _) = case.judge(&changes, &steps);
        let messages = failed(&outcomes[0]);
        assert_eq!(messages.len(), 1, "the warning in `base` is old: {messages:?}");
        assert!(messages[0].contains("new/src/main.rs:1:5"), "{messages:?}");
        assert_eq!(outcomes[1..], [Outcome::Failed(vec![]), Outcome::Passed]);
    }

    #[test]
    fn what_only_cargo_says_is_reported() {
        let case = case();
        let mut changes = ChangeSet::default();
        changes
            .create(
                "app/build.rs",
                "fn main() { println!(\"no database\"); std::process::exit(3) }\n",
            )
            .unwrap();
        let (outcomes, _) = case.judge(&changes, &[Step::Workspace]);
        assert!(failed(&outcomes[0])[0].contains("no database"), "{outcomes:?}");
    }
}
