//! Crates for tests: libraries that others name as a dev-dependency only.

use std::collections::BTreeSet;

use crate::workspace::{DependencyKind, Member, TargetKind, Workspace};

/// Names of the members without a binary that are reached through dev-dependencies only, directly or by
/// way of each other. A library that nobody depends on is none: it may be the product.
pub(super) fn crates(workspace: &Workspace) -> BTreeSet<&str> {
    let may_be = |member: &&Member| {
        member.lib().is_some() && !member.targets.iter().any(|t| t.kind == TargetKind::Bin)
    };
    let mut found: BTreeSet<&str> = workspace
        .members
        .iter()
        .filter(may_be)
        .map(|m| m.name.as_str())
        .filter(|name| workspace.dependents(name).next().is_some())
        .collect();
    loop {
        let is_for_tests = |name: &str| {
            workspace.dependents(name).all(|(user, entries)| {
                found.contains(user.name.as_str())
                    || entries.iter().all(|entry| entry.kind == DependencyKind::Dev)
            })
        };
        let left: BTreeSet<&str> = found.iter().copied().filter(|n| is_for_tests(n)).collect();
        if left.len() == found.len() {
            return found;
        }
        found = left;
    }
}
