//! An extraction: the dry run prints what the real run writes, a second run finds nothing to do.

use camino::Utf8Path;

use crate::case::{Case, compare};
use crate::stage::Stage;
use crate::tree;

/// Holds a case to it.
pub(crate) fn hold(case: &Case, stage: &Stage, expected: &Utf8Path) {
    let before = tree::read(&stage.repository);
    let with = |more: &str| -> Vec<String> {
        case.arguments.iter().cloned().chain([more.to_owned()]).collect()
    };

    let mut proving = with("--dry-run");
    proving.extend(case.verify.iter().map(|what| format!("--verify={what}")));
    let dry = stage.calve(&proving);
    compare(&expected.join("stderr.txt"), &uncounted(&dry.stderr));
    assert_eq!(dry.exit, 0, "{}", dry.stderr);
    compare(&expected.join("diff.patch"), &about(&dry.stdout, case));
    tree::assert_same(&before, &tree::read(&stage.repository), "a dry run leaves the tree alone");

    let patched = stage.clone_repository();
    stage.git(&patched, &["apply", "--whitespace=nowarn"], &dry.stdout);

    let real = stage.calve(&with("--no-verify"));
    assert_eq!(real.exit, 0, "{}", real.stderr);
    assert_eq!(real.stdout, "");
    let after = tree::read(&stage.repository);
    tree::assert_same(&tree::read(&patched), &after, "the patch against the real run");

    let second = stage.calve(&with("--no-verify"));
    assert_eq!((second.exit, second.stdout.as_str()), (0, ""), "{}", second.stderr);
    assert!(second.stderr.contains("nothing is left to do"), "{}", second.stderr);
    let check = stage.calve(&["check"]);
    assert_eq!((check.exit, check.stdout.as_str()), (0, ""), "{}", check.stderr);
    tree::assert_same(&after, &tree::read(&stage.repository), "a second run changes nothing");

    let dry = stage.calve(&["undo", "--dry-run"]);
    assert_eq!(dry.exit, 0, "{}", dry.stderr);
    stage.git(&patched, &["apply", "--whitespace=nowarn"], &dry.stdout);
    tree::assert_same(&before, &tree::read(&patched), "the patch that takes it back");
    let undone = stage.calve(&["undo"]);
    assert_eq!((undone.exit, undone.stdout.as_str()), (0, ""), "{}", undone.stderr);
    tree::assert_same(&before, &tree::read(&stage.repository), "an extraction that was taken back");
}

/// Without the number of files created, which changes with every template and is no case's rule.
fn uncounted(stderr: &str) -> String {
    let line = |line: &str| match (
        line.trim_start().strip_prefix("files "),
        line.split_once(" created below "),
    ) {
        (Some(_), Some((_, rest))) => format!("  files        [N] created below {rest}"),
        _ => line.to_owned(),
    };
    stderr.split_inclusive('\n').map(line).collect()
}

/// The files of a patch that the case is about.
fn about(patch: &str, case: &Case) -> String {
    let mut text = String::new();
    let mut inside = false;
    for line in patch.split_inclusive('\n') {
        if let Some(paths) = line.strip_prefix("diff --git a/") {
            let path = Utf8Path::new(paths.split(" b/").next().unwrap_or_default());
            inside = case.paths.iter().any(|p| path.starts_with(case.within.join(p)));
        }
        if inside {
            text.push_str(line);
        }
    }
    text
}
