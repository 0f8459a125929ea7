//! The tests that calve generates with the service, the stub and the wire crate.

use crate::support::cargo::cargo;
use crate::support::shop;

#[test]
fn the_generated_tests_pass() {
    let mut arguments = vec!["test", "--offline", "--locked"];
    for package in ["inventory-service", "inventory-client", "inventory-wire"] {
        arguments.extend(["-p", package]);
    }
    let ran = cargo(shop::extracted(), &arguments).ok();
    let results = ran.stdout.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    let passed: usize =
        results.map(|line| line.split(' ').next().unwrap().parse::<usize>().unwrap()).sum();
    // As many as there were when this was written: fewer means that a file is no longer run.
    assert!(passed >= 40, "{passed}\n{}", ran.stdout);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
}

/// Without a service, the monolith's tests fail with words that say what is missing.
#[test]
fn a_plain_test_of_the_monolith_says_what_it_needs() {
    let one = ["test", "--offline", "--locked", "-p", "app", "--test", "http", "--"];
    let test = "orders::a_paid_order_leaves_the_warehouse";
    let ran = cargo(shop::extracted(), &[&one[..], &["--exact", test]].concat());
    assert_eq!(ran.code(), 101);
    assert!(ran.stdout.contains("inventory client: set INVENTORY_URL"), "{}", ran.stdout);
}
