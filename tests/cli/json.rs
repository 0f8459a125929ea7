//! `--format json`: each line of standard error is an object of the shape that the README documents.

use serde_json::Value;

use crate::stage::{Run, Stage};

/// The lines, each of the version and a kind that is documented.
fn lines(run: &Run) -> Vec<Value> {
    let lines = run.stderr.lines().map(|line| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(value["version"], 1, "{line}");
        let shape = match value["kind"].as_str().expect("a kind") {
            "diagnostic" => DIAGNOSTIC,
            "extraction" => EXTRACTION,
            "check" => CHECK,
            other => panic!("`{other}` is not documented"),
        };
        let fields: Vec<&String> = value.as_object().expect("an object").keys().collect();
        let mut expected: Vec<&str> = shape.iter().copied().chain(["version", "kind"]).collect();
        expected.sort_unstable();
        assert_eq!(fields, expected, "{line}");
        value
    });
    lines.collect()
}

const DIAGNOSTIC: &[&str] = &["code", "severity", "message", "spans", "notes", "help", "rendered"];

const EXTRACTION: &[&str] = &[
    "module",
    "api_trait",
    "apis",
    "service",
    "written",
    "files",
    "operations",
    "failed_calls",
    "dropped",
    "hazards",
    "cycles",
    "surroundings",
    "named_tables",
    "downcasts",
    "tables",
    "settings",
    "comments",
    "ignored",
    "verdict",
    "verification",
];

const CHECK: &[&str] = &["module", "in_step", "files"];

#[test]
fn a_refusal_is_data_with_its_places() {
    let stage = Stage::of("refuses-operations-that-cannot-cross");
    let run = stage.calve(&["extract", "stock", "--format", "json"]);
    assert_eq!((run.exit, run.stdout.as_str()), (1, ""), "{}", run.stderr);
    let lines = lines(&run);
    assert!(lines.len() > 1, "all of them: {}", run.stderr);
    for line in &lines {
        assert_eq!(line["kind"], "diagnostic");
        let code = line["code"].as_str().expect("a code");
        assert!(calve::diagnostic::explanation(code).is_some(), "`{code}`");
        let span = &line["spans"][0];
        let file = crate::tree::text(&stage.workspace.join(span["file"].as_str().expect("a path")));
        let byte = |end: &str| usize::try_from(span[end].as_u64().expect("a byte")).expect("small");
        let underlined = &file[byte("byte_start")..byte("byte_end")];
        let at = |end: &str, field: &str| span[end][field].as_u64().expect("a number");
        assert_eq!(at("start", "line"), at("end", "line"), "{line}");
        let columns = at("end", "column") - at("start", "column");
        assert_eq!(columns as usize, underlined.chars().count(), "{line}");
        assert!(line["rendered"].as_str().expect("a text").contains(underlined), "{line}");
    }
}

#[test]
fn an_extraction_and_a_check_are_data() {
    let stage = Stage::of("a-renamed-dependency-stays");
    let dry = stage.calve(&["extract", "stock", "--dry-run", "--format", "json"]);
    assert_eq!(dry.exit, 0, "{}", dry.stderr);
    assert!(dry.stdout.starts_with("diff --git "), "the patch stays what it is: {}", dry.stdout);
    let dry = lines(&dry).pop().expect("a summary");
    assert_eq!((&dry["kind"], &dry["written"]), (&"extraction".into(), &Value::Null));
    assert_eq!(dry["verification"], serde_json::json!({ "build": false, "tests": null }));
    let created = dry["files"]["created"].as_array().expect("a list");
    assert!(created.contains(&"services/stock/calve.toml".into()), "{dry}");

    let real = stage.calve(&["extract", "stock", "--no-verify", "--format", "json"]);
    let real = lines(&real).pop().expect("a summary");
    assert_eq!(real["files"], dry["files"]);
    assert!(real["written"].is_string(), "{real}");

    let check = stage.calve(&["check", "--format", "json"]);
    assert_eq!((check.exit, check.stdout.as_str()), (0, ""), "{}", check.stderr);
    let check = lines(&check).pop().expect("an answer");
    assert_eq!((&check["in_step"], &check["files"]), (&true.into(), &Value::Array(Vec::new())));
    crate::tree::remove(&stage.workspace.join("services/stock/.gitignore"));
    let check = stage.calve(&["check", "--format", "json"]);
    assert_eq!(check.exit, 1, "{}", check.stderr);
    let check = lines(&check).pop().expect("an answer");
    assert_eq!(check["files"], serde_json::json!(["services/stock/.gitignore"]));
}
