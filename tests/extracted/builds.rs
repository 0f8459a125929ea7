//! The result builds as a team's CI would build it: together, each package alone, without a warning.

use crate::support::cargo::cargo;
use crate::support::shop;

/// What is new, and what was changed or calls it. Each alone: feature unification hides errors.
const PACKAGES: [&str; 7] = [
    "inventory-wire",
    "inventory-client",
    "inventory-service",
    "inventory",
    "kernel",
    "orders",
    "app",
];

#[test]
fn the_workspace_and_each_package_alone_build_without_a_warning() {
    let shop = shop::extracted();
    let together = ["check", "--offline", "--locked", "--workspace", "--all-targets"];
    without_warning(&cargo(shop, &together).ok().stderr);
    for package in PACKAGES {
        let alone = ["check", "--offline", "--locked", "-p", package];
        without_warning(&cargo(shop, &alone).ok().stderr);
    }
    // The contract, as the stub sees it, and as a consumer sees it.
    for features in [&["--features", "wire"][..], &[]] {
        let contract =
            ["check", "--offline", "--locked", "-p", "inventory", "--no-default-features"];
        without_warning(&cargo(shop, &[&contract[..], features].concat()).ok().stderr);
    }
}

#[test]
fn clippy_and_rustfmt_and_rustdoc_have_nothing_to_say() {
    let shop = shop::extracted();
    let strict = ["--", "-D", "warnings"];
    let clippy = ["clippy", "--offline", "--locked", "--workspace", "--all-targets"];
    cargo(shop, &[&clippy[..], &strict].concat()).ok();
    cargo(shop, &["fmt", "--all", "--check"]).ok();
    let documented = ["inventory-wire", "inventory-client", "inventory-service", "inventory"];
    let packages: Vec<&str> = documented.iter().flat_map(|package| ["-p", package]).collect();
    let doc = ["doc", "--offline", "--locked", "--no-deps", "--lib"];
    without_warning(&cargo(shop, &[&doc[..], &packages].concat()).ok().stderr);
}

#[test]
fn the_monolith_builds_without_the_implementation_and_without_a_server() {
    let shop = shop::extracted();
    let tree =
        ["tree", "--offline", "--locked", "-e", "normal", "--prefix", "none", "-f", "{p} {f}"];
    let app = cargo(shop, &[&tree[..], &["-p", "app"]].concat()).ok().stdout;
    let module = app.lines().find(|line| line.starts_with("inventory v")).unwrap();
    assert!(!module.contains("implementation"), "{module}");
    assert!(!app.contains("inventory-service"), "{app}");
    let service = cargo(shop, &[&tree[..], &["-p", "inventory-service"]].concat()).ok().stdout;
    for of_the_monolith in ["app v", "orders v", "payments v", "notifications v"] {
        let found = service.lines().find(|line| line.starts_with(of_the_monolith));
        assert_eq!(found, None, "the service must not carry the monolith along");
    }
}

#[track_caller]
fn without_warning(said: &str) {
    assert!(!said.contains("warning"), "{said}");
}
