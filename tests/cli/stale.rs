//! Sources that somebody edits between plan and apply.

use calve::analysis::code::Code;
use calve::changes;
use calve::diagnostic::Diagnostics;
use calve::pipeline::{self, Options};
use calve::workspace;
use camino::Utf8Path;

use crate::stage::Stage;
use crate::tree;

#[test]
fn sources_that_changed_since_the_plan_are_not_written_over() {
    let stage = Stage::of("gates-a-whole-module");
    let snapshot = workspace::load(&stage.workspace.join("Cargo.toml")).unwrap();
    let code = Code::new(&snapshot);
    let mut diagnostics = Diagnostics::default();
    let planned = pipeline::extract(&code, "stock", &Options::default(), &mut diagnostics);
    let extraction = planned.unwrap().expect("a plan");

    let edited = stage.workspace.join("stock/src/lib.rs");
    let text = tree::text(&edited);
    tree::write(&edited, (text + "\n// A colleague was here.\n").as_bytes());
    let before = tree::read(&stage.repository);
    let place = workspace::locate(&stage.workspace.join("Cargo.toml")).unwrap();
    let (lock, _) = place.home().enter(&place.root, &mut |_| {}).unwrap();
    let refusal = changes::apply(&extraction.changes, &lock, "the extraction").unwrap_err();

    assert_eq!(refusal.code, "stale-plan");
    assert_eq!(refusal.message, "`stock/src/lib.rs` changed since it was read");
    tree::assert_same(&before, &tree::read(&stage.repository), "nothing is written");
    assert!(!stage.workspace.join(Utf8Path::new("services")).exists());
}
