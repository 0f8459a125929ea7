//! `--verify tests`: the monolith's own tests decide whether something is written.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{shop, tree};

/// Two tests more: one that was red before, and one that looks into the module's tables, which are in
/// another database after the cut.
const MORE: &str = r#"//! Tests that a careful reader would take away.

use app::{Config, compose};

#[test]
fn was_red_before() {
    assert_eq!(1 + 1, 3, "as ever");
}

#[tokio::test]
async fn looks_into_the_tables_of_another_module() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("shop.db").display());
    let config = Config {
        database_url: url.clone(),
        ..Config::default()
    };
    compose(&config).await.unwrap();
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    let items: i64 = sqlx::query_scalar("SELECT count(*) FROM items")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(items, 0);
}
"#;

#[test]
fn a_test_that_differs_refuses_and_one_that_was_red_does_not() {
    let shop = with_more_tests();
    let before = tree::read(&shop);
    let arguments = ["extract", "inventory", "--verify", "tests", "--allow-dirty"];
    let refused = shop::calve_and_build(&shop, &arguments);
    assert_eq!(refused.code(), 1, "{}", refused.stderr);
    let said = &refused.stderr;
    assert!(
        said.contains("error[tests-differ]: a test of the monolith passes in process"),
        "{said}"
    );
    assert!(said.contains("app (test more) looks_into_the_tables_of_another_module:"), "{said}");
    assert!(said.contains("no such table: items"), "{said}");
    assert!(said.contains("failed before the extraction already"), "{said}");
    assert!(said.contains("app (test more) was_red_before"), "{said}");
    assert_eq!(tree::read(&shop), before, "nothing was written");

    // Without the one that differs it is written, and the red one is still only named.
    let more = shop.join("app/tests/more.rs");
    let without = MORE.split("#[tokio::test]").next().unwrap();
    fs::write(&more, without.replace("use app::{Config, compose};\n\n", "")).unwrap();
    let passed = shop::calve_and_build(&shop, &arguments).ok();
    let said = &passed.stderr;
    let total = said.lines().find(|line| line.starts_with("  in all ")).unwrap();
    let counts: Vec<usize> = total.split_whitespace().filter_map(|w| w.parse().ok()).collect();
    let [in_process, over_http, differ] = counts[..] else { panic!("{total}") };
    assert!(in_process >= 60 && in_process == over_http && differ == 0, "{said}");
    assert!(said.contains("14 operations of the service were called"), "{said}");
    assert!(said.contains("was_red_before"), "{said}");
    assert!(shop.join("services/inventory/Cargo.toml").is_file());
}

fn with_more_tests() -> PathBuf {
    let copy = shop::folder("more-tests");
    let mut files = tree::read(&shop::fixture());
    files.insert(Path::new("app/tests/more.rs").to_owned(), MORE.as_bytes().to_vec());
    tree::write(&copy, &files);
    shop::repository(&copy);
    copy
}

/// A constructor that counts on a file beside the program, where the monolith's tests have it.
const NEEDY: &str = r#"
        let known = std::fs::read_to_string("instruments.txt").expect("no instruments here");
        assert!(!known.is_empty());
        Self::default()"#;

#[test]
fn a_service_that_does_not_start_refuses_with_what_it_said() {
    let copy = shop::folder("needy-measures");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/measures");
    let mut files = tree::read(&fixture);
    let memory = files.get_mut(Path::new("modules/measures/src/memory.rs")).unwrap();
    let needy = String::from_utf8_lossy(memory).replacen("Self::default()", NEEDY.trim(), 1);
    *memory = needy.into_bytes();
    files.insert(Path::new("app/instruments.txt").to_owned(), b"one\n".to_vec());
    tree::write(&copy, &files);
    shop::repository(&copy);

    let before = tree::read(&copy);
    let refused = shop::calve_and_build(&copy, &["extract", "measures", "--verify", "tests"]);
    let said = &refused.stderr;
    assert_eq!(refused.code(), 1, "{said}");
    assert!(
        said.contains(
            "error[service-does-not-start]: the service does not start in the scratch copy"
        ),
        "{said}"
    );
    assert!(said.contains("no instruments here"), "its own words: {said}");
    assert!(said.contains("modules/measures/src/memory.rs"), "and their place: {said}");
    assert!(said.contains("nothing was written"), "{said}");
    assert_eq!(tree::read(&copy), before);
}
