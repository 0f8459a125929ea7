//! What the README lists is what there is.

use std::process::Command;

use camino::Utf8Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_readme_lists_every_command_and_option() {
    let readme = read("README.md");
    for command in ["extract", "check"] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_calve")).args([command, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let section = readme.split(&format!("### `calve {command}")).nth(1).unwrap();
        let section = section.split("\n##").next().unwrap();
        for option in help.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = option.trim_end_matches(|c: char| !c.is_alphanumeric());
            if !matches!(option, "--help" | "--version" | "--color") {
                assert!(section.contains(&format!("`{option}")), "{command} {option}");
            }
        }
        for option in section.split('`').filter(|span| span.starts_with("--")) {
            let option = option.split(' ').next().unwrap();
            assert!(help.contains(option), "{command} has no {option}");
        }
    }
}

/// The first cells of the table of refusals are codes of diagnostics.
#[test]
fn what_the_readme_says_is_refused_is_refused_somewhere() {
    let readme = read("README.md");
    let section = readme.split("\n## What is refused").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let sources: String = walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let mut count = 0;
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let codes = row.split('|').nth(1).unwrap();
        for code in codes.split('`').skip(1).step_by(2) {
            assert!(sources.contains(&format!("\"{code}\"")), "nothing says `{code}`");
            count += 1;
        }
    }
    assert!(count > 20, "the table was not found");
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
