//! The container files: clean by their linters, and what they admit is enough to build.

use std::path::{Path, PathBuf};
use std::process::Command;

use ignore::gitignore::GitignoreBuilder;

use crate::support::cargo::cargo;
use crate::support::process::{LIMIT, is_missing, run};
use crate::support::{shop, tree};

#[test]
fn hadolint_finds_nothing_in_the_dockerfile() {
    lint("hadolint", &["services/inventory/Dockerfile"]);
}

#[test]
fn the_compose_file_is_valid() {
    let schema = ["--builtin-schema", "vendor.compose-spec", "services/inventory/compose.yaml"];
    lint("check-jsonschema", &schema);
}

/// Runs a linter in the extracted shop.
#[track_caller]
fn lint(program: &str, arguments: &[&str]) {
    if is_missing(program) {
        return;
    }
    let mut command = Command::new(program);
    run(command.args(arguments).current_dir(shop::extracted()), LIMIT).ok();
}

#[test]
fn what_the_dockerignore_admits_is_enough_and_no_more() {
    let shop = shop::extracted();
    let context = shop::folder("context");
    let all = tree::read(shop);
    // What must never reach an image.
    let secrets = ["services/inventory/.env", "services/inventory/data.db", "shop.db", ".env"];
    let paths = all.keys().cloned().chain(secrets.map(PathBuf::from));
    let admitted: Vec<PathBuf> = admitted(shop, paths);
    for secret in secrets {
        assert!(!admitted.contains(&PathBuf::from(secret)), "{secret}");
    }
    let of_others = |path: &&PathBuf| {
        path.starts_with("modules/orders/migrations") || path.starts_with("app/tests")
    };
    assert_eq!(admitted.iter().find(of_others), None);
    let files = admitted.into_iter().map(|path| (path.clone(), all[&path].clone())).collect();
    tree::write(&context, &files);
    shop::repository(&context);

    cargo(&context, &["metadata", "--locked", "--offline", "--format-version=1"]).ok();
    let build = ["check", "--locked", "--offline", "-p", "inventory-service", "--bin"];
    cargo(&context, &[&build[..], &["inventory-service"]].concat()).ok();
}

/// The paths that a build context holds. Docker's rules are those of a `.gitignore` whose patterns are
/// all anchored, and where an exception also reaches into an excluded folder: so each pattern is
/// anchored here, and each path asked for with all folders above it.
fn admitted(shop: &Path, paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let ignore = std::fs::read_to_string(shop.join("services/inventory/Dockerfile.dockerignore"));
    let mut rules = Vec::new();
    for line in ignore.unwrap().lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (admits, pattern) = match line.strip_prefix('!') {
            Some(pattern) => (true, pattern),
            None => (false, line),
        };
        let anchored = format!("/{pattern}");
        let mut rule = GitignoreBuilder::new("");
        rule.add_line(None, &anchored).unwrap();
        rules.push((admits, rule.build().unwrap()));
    }
    let is_admitted = |path: &PathBuf| {
        // The last rule that matches the path or a folder above it wins.
        let matching = rules.iter().rev().find(|(_, rule)| {
            path.ancestors()
                .filter(|part| !part.as_os_str().is_empty())
                .any(|part| rule.matched(part, part != path).is_ignore())
        });
        matching.is_none_or(|(admits, _)| *admits)
    };
    paths.filter(is_admitted).collect()
}
