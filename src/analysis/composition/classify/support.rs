//! Crates for tests: libraries that others name as a dev-dependency only.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::{DependencyKind, Member, TargetKind, Workspace};

/// Names of the members without a binary that are reached through dev-dependencies only, directly or by
/// way of each other. A library that nobody depends on is none: it may be the product.
pub fn crates(workspace: &Workspace) -> BTreeSet<&str> {
    // Who depends on a member, each with whether that is for tests alone.
    let mut users: BTreeMap<&str, Vec<(&str, bool)>> = BTreeMap::new();
    for user in &workspace.members {
        let mut for_tests: BTreeMap<&str, bool> = BTreeMap::new();
        for entry in &user.dependencies {
            *for_tests.entry(&entry.package).or_insert(true) &= entry.kind == DependencyKind::Dev;
        }
        for (package, for_tests) in for_tests {
            users.entry(package).or_default().push((&user.name, for_tests));
        }
    }
    let may_be = |member: &&Member| {
        member.lib().is_some() && !member.targets.iter().any(|t| t.kind == TargetKind::Bin)
    };
    let mut found: BTreeSet<&str> = workspace
        .members
        .iter()
        .filter(may_be)
        .map(|m| m.name.as_str())
        .filter(|name| users.contains_key(name))
        .collect();
    loop {
        let is_for_tests = |name: &str| {
            let mut users = users.get(name).into_iter().flatten();
            users.all(|(user, for_tests)| *for_tests || found.contains(user))
        };
        let left: BTreeSet<&str> = found.iter().copied().filter(|n| is_for_tests(n)).collect();
        if left.len() == found.len() {
            return found;
        }
        found = left;
    }
}
