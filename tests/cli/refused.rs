//! A refusal: exit 1, one clear text, and a tree that is as it was.

use camino::Utf8Path;

use crate::case::{Case, compare};
use crate::stage::Stage;
use crate::tree;

/// Holds a case to it.
pub(crate) fn hold(case: &Case, stage: &Stage, expected: &Utf8Path) {
    let before = tree::read(&stage.repository);
    let run = stage.calve(&case.arguments);
    compare(&expected.join("stderr.txt"), &run.stderr);
    assert_eq!(run.exit, case.exit, "the exit code\n{}", run.stderr);
    assert_eq!(run.stdout, "", "a refusal prints nothing on standard output");
    tree::assert_same(&before, &tree::read(&stage.repository), "a refusal leaves the tree alone");
}
