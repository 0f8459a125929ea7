//! What the README lists is what there is.

use std::collections::BTreeSet;
use std::process::Command;

use camino::Utf8Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_readme_lists_every_command_and_option() {
    let readme = read("README.md");
    for command in ["extract", "check", "explain"] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_calve")).args([command, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let section = readme.split(&format!("### `calve {command}")).nth(1).unwrap();
        let section = section.split("\n##").next().unwrap();
        for option in help.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = option.trim_end_matches(|c: char| !c.is_alphanumeric());
            if !matches!(option, "--help" | "--version" | "--color" | "--format") {
                assert!(section.contains(&format!("`{option}")), "{command} {option}");
            }
        }
        for option in section.split('`').filter(|span| span.starts_with("--")) {
            let option = option.split(' ').next().unwrap();
            assert!(help.contains(option), "{command} has no {option}");
        }
    }
}

/// The first cells of the table of refusals are codes, and every code about the monolith's own code and
/// schema is there.
#[test]
fn the_table_of_refusals_is_that_of_the_explanations() {
    let readme = read("README.md");
    let section = readme.split("\n## What is refused").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<&str> =
        rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    let all: BTreeSet<&str> = calve::diagnostic::explanations().map(|e| e.code).collect();
    let unknown: Vec<&&str> = listed.difference(&all).collect();
    assert!(unknown.is_empty(), "nothing is refused as {unknown:?}: see `calve explain`");

    let elsewhere = ["Module, trait and names", "Manifests and lock file", "The run itself"];
    let lacking: Vec<&str> = calve::diagnostic::explanations()
        .filter(|e| !elsewhere.contains(&e.group) && !e.summary.ends_with("(a warning)"))
        .map(|e| e.code)
        .filter(|code| !listed.contains(code))
        .collect();
    assert!(lacking.is_empty(), "a row of the README's table of refusals should name {lacking:?}");
}

/// The excerpt is what a dry run on the shop says today, but for what it leaves out as `[…]`.
#[test]
fn the_excerpt_is_of_a_real_dry_run() {
    let output = Command::new(env!("CARGO_BIN_EXE_calve"))
        .args(["extract", "inventory", "--dry-run", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/shop/Cargo.toml"))
        .output()
        .unwrap();
    let patch = String::from_utf8(output.stdout).unwrap();
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{summary}");
    let readme = read("README.md");
    let block = |language: &str| {
        let from = readme.split_once(&format!("```{language}\n")).unwrap().1;
        from.split_once("```").unwrap().0.to_owned()
    };
    for part in block("diff").split("[…]\n").filter(|part| !part.is_empty()) {
        assert!(patch.contains(part), "not in the patch:\n{part}");
    }
    assert!(summary.contains(&block("text")), "the summary is another:\n{summary}");
}
