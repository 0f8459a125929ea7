//! Trials of the comparison with a runner that says what it is told to.

#![expect(clippy::disallowed_methods, reason = "tests write the workspaces that they compare")]

use std::fs;

use camino::Utf8PathBuf;
use tempfile::TempDir;

use super::*;
use crate::verify::resolve_lock;

/// A workspace with the member `app`, and the change that adds the service's package to it.
struct Trial {
    temp: TempDir,
    root: Utf8PathBuf,
    changes: ChangeSet,
}

/// Answers with a file: of the workspace root in process, of its own package otherwise.
const SAYS: &str = r#"fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    assert!(arguments.contains(&"app".to_owned()), "{arguments:?}");
    let here = std::env::current_dir().unwrap();
    let of_cargo = std::path::PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap());
    assert_eq!(here == of_cargo, arguments.contains(&"--in-process".to_owned()));
    let said = std::fs::read_to_string(of_cargo.join("said.jsonl")).unwrap();
    print!("{}", said.replace("ROOT", here.to_str().unwrap()));
}
"#;

const HEAD: &str = "[workspace]\nresolver = \"3\"\nmembers = [\"app\"]\n";

fn package(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
}

/// An event about a test of `app`.
fn ended(name: &str, outcome: &str, output: &str) -> String {
    format!(
        "{{\"event\":\"test\",\"package\":\"ROOT/app\",\"kind\":\"lib\",\"target\":\"app\",\
         \"name\":\"{name}\",\"outcome\":\"{outcome}\",\"seconds\":0.1,\"output\":{output}}}\n"
    )
}

const END: &str = "{\"event\":\"end\",\"calls\":{\"reserve\":2}}\n";

impl Trial {
    fn new(before: &str, after: &str) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let top = Utf8PathBuf::from_path_buf(temp.path().canonicalize().unwrap()).unwrap();
        let root = top.join("monolith");
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("Cargo.toml", HEAD);
        write("app/Cargo.toml", &package("app"));
        write("app/src/lib.rs", "");
        write("said.jsonl", before);
        let lock = resolve_lock(&root, "version = 4\n").unwrap();
        let mut changes = ChangeSet::default();
        let members = HEAD.replace("\"app\"", "\"app\", \"services/svc\"");
        changes.edit("Cargo.toml".into(), &HEAD.into(), vec![whole(HEAD, members)]).unwrap();
        let svc = format!("{lock}\n[[package]]\nname = \"svc\"\nversion = \"0.1.0\"\n");
        changes.edit("Cargo.lock".into(), &lock.as_str().into(), vec![whole(&lock, svc)]).unwrap();
        for (path, text) in [
            ("Cargo.toml", package("svc").as_str()),
            ("src/main.rs", "fn main() {}\n"),
            ("examples/monolith_tests.rs", SAYS),
            ("said.jsonl", after),
        ] {
            changes.create(Utf8Path::new("services/svc").join(path), text.to_owned()).unwrap();
        }
        Self { temp, root, changes }
    }

    fn run(&self) -> Result<TestReport> {
        let changed = Scratch::copy(&self.root, &[]).unwrap();
        changed.write(&self.changes, Utf8Path::new("")).unwrap();
        let target = Utf8Path::from_path(self.temp.path()).unwrap().join("build");
        let tests = Tests {
            workspace: &self.root,
            changed: changed.root(),
            changes: &self.changes,
            target: &target,
            packages: &["app".to_owned()],
            roots: &["app/src/lib.rs".into()],
            service: "svc",
            service_dir: "services/svc".into(),
        };
        compare_tests(tests, &mut |_| {})
    }
}

fn whole(before: &str, after: String) -> crate::changes::TextEdit {
    crate::changes::TextEdit::replace(0..before.len(), after)
}

#[test]
fn what_passed_and_fails_differs_and_what_failed_before_does_not() {
    let before = [
        ended("same", "passed", "null"),
        ended("slow", "ignored", "null"),
        ended("red", "failed", "\"as ever\""),
        ended("differs", "passed", "null"),
        ended("gone", "passed", "null"),
    ];
    let after = [
        ended("same", "passed", "null"),
        ended("slow", "ignored", "null"),
        ended("red", "failed", "\"still\""),
        ended("differs", "failed", "\"no such table\""),
    ];
    let trial = Trial::new(&(before.concat() + END), &(after.concat() + END));
    // Twice: what the first run built and left must not be taken for something else.
    for _ in 0..2 {
        let report = trial.run().unwrap();
        let names = |verdict| -> Vec<&str> {
            report.that(verdict).map(|compared| compared.test.name.as_str()).collect()
        };
        assert_eq!(names(Verdict::Same), ["same"]);
        assert_eq!(names(Verdict::Ignored), ["slow"]);
        assert_eq!(names(Verdict::FailedBefore), ["red"]);
        assert_eq!(names(Verdict::Differs), ["differs", "gone"]);
        let differs = report.that(Verdict::Differs).next().unwrap();
        assert_eq!(differs.output, "no such table");
        assert_eq!(differs.test.to_string(), "app (lib app) differs");
        assert_eq!(report.calls["reserve"], 2);
    }
    assert!(!std::env::temp_dir().join(folder_name(&trial.root)).exists());
}

#[test]
fn a_service_that_does_not_start_and_a_runner_that_breaks_off_are_told() {
    let no_service = "{\"event\":\"no-service\",\"output\":\"a value is required\"}\n";
    let error = Trial::new(END, no_service).run().unwrap_err();
    assert_eq!(
        (error.code, error.notes[0].as_str()),
        ("service-does-not-start", "a value is required")
    );
    let error = Trial::new(END, "").run().unwrap_err();
    assert_eq!(error.code, "tests-not-run");
    let error = Trial::new(END, "what\n").run().unwrap_err();
    assert_eq!(error.code, "tests-not-run");
}

#[test]
fn tests_that_cannot_be_built_are_told_with_what_the_compiler_says() {
    let trial = Trial::new(END, END);
    fs::write(trial.root.join("app/src/lib.rs"), "#[cfg(test)]\nfn broken() -> u8 {}\n").unwrap();
    let error = trial.run().unwrap_err();
    assert_eq!(error.code, "tests-not-built");
    assert!(error.notes[0].contains("mismatched types"), "{error:?}");
}
