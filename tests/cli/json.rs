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
    "shortened",
    "renamed",
    "in_process",
    "still_there",
    "migrations",
    "shared_history",
    "hazards",
    "cycles",
    "surroundings",
    "named_tables",
    "downcasts",
    "tables",
    "settings",
    "still_read",
    "comments",
    "lying",
    "only_searched",
    "endings",
    "blocks",
    "aborts_on_panic",
    "ignored",
    "should_you",
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
    assert_eq!(
        dry["verification"],
        serde_json::json!({ "build": false, "failed_before": [], "tests": null, "databases": null })
    );
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

/// What a dry run of `extract stock` with more arguments says of itself, as data.
fn summary(case: &str, more: &[&str]) -> Value {
    let arguments = [&["extract", "stock", "--dry-run", "--format", "json"], more].concat();
    let run = Stage::of(case).calve(&arguments);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    lines(&run).pop().expect("a summary")
}

#[test]
fn what_becomes_of_the_monolith_is_data() {
    let lying = summary("lists-names-that-lie", &[]);
    assert_eq!(
        lying["renamed"],
        serde_json::json!([{"file": "app/src/lib.rs", "line": 26, "from": "sql", "to": "stock"}])
    );
    assert_eq!(
        lying["shortened"],
        serde_json::json!([{
            "file": "app/src/lib.rs",
            "line": 25,
            "function": "make_sql_stock",
            "parameters": ["pool"],
        }])
    );
    assert_eq!(lying["lying"][0]["text"], "sql_stock");
    let documented = summary("reads-documentation-in-every-form", &[]);
    let files = serde_json::json!(["report/src/lib.rs", "report/src/words.rs"]);
    assert_eq!(documented["in_process"], files);
    assert_eq!(documented["comments"][0]["link"], true);
}

#[test]
fn a_shared_history_and_its_proof_are_data() {
    let shared = summary("divides-a-shared-history", &["--verify", "db"]);
    let compared = shared["verification"]["databases"].as_array().expect("a comparison");
    assert_eq!(
        compared[0],
        serde_json::json!({
            "what": "tables",
            "counts": [4, 4, 2],
            "notes": ["2 go unused in the monolith"],
        })
    );
    let history = &shared["shared_history"];
    assert_eq!((&history["history"], &history["files"]), (&"migrations".into(), &4.into()));
    let because = |at: usize| &history["tables"][at]["because"];
    assert_eq!((because(0), because(1)), (&"code".into(), &"sql".into()));
    assert_eq!(shared["migrations"][0]["drops"], "the foreign keys of `carts`");
    let both = &summary("divides-a-shared-history-on-postgresql", &[])["shared_history"]["on_both"];
    assert_eq!(*both, serde_json::json!(["extension:pgcrypto", "function:set_updated_at"]));
    let cut = "view:asked";
    let cuts = ["foreign-key:goods.shelf", cut, "trigger:goods_gone", "trigger:visits_count"];
    let cuts: Vec<&str> =
        cuts.iter().chain(&["0002_more.sql:6"]).flat_map(|cut| ["--cut", *cut]).collect();
    let left_out = &summary("cuts-what-stands-on-both-sides", &cuts)["shared_history"]["left_out"];
    assert_eq!(left_out.as_array().map(Vec::len), Some(5), "{left_out}");
    assert!(left_out.as_array().expect("a list").iter().any(|one| one["name"] == cut));
}
