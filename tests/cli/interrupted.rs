//! Runs that are killed, and runs that meet.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;

use crate::stage::Stage;
use crate::tree;

const CASE: &str = "migrations-leave-the-monolith";
const EXTRACT: [&str; 3] = ["extract", "stock", "--no-verify"];

fn spawn(stage: &Stage, arguments: &[&str]) -> Child {
    stage
        .command(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("calve starts")
}

/// Waits until `there` holds; none when the run ends first, or takes a minute.
fn until(child: &mut Child, there: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        if there() {
            return true;
        }
        if child.try_wait().expect("a child").is_some() {
            return there();
        }
        std::hint::spin_loop();
    }
    false
}

fn pending(stage: &Stage) -> Utf8PathBuf {
    stage.repository.join(".git/calve/at-/pending")
}

/// The real program, killed while it writes the journal, when that is whole, when the first file is in
/// place and when the last is. (That every step is safe is tested where the steps can be counted.)
#[test]
fn a_run_that_is_killed_is_put_in_order_by_the_next() {
    let whole = Stage::of(CASE);
    let old = tree::read(&whole.repository);
    assert_eq!(whole.calve(&EXTRACT).exit, 0);
    let new = tree::read(&whole.repository);
    let written = |name: &str| {
        let name = Utf8PathBuf::from(name);
        assert_ne!(old.get(&name), new.get(&name), "{name} is written");
        (whole.repository.join(&name), new[&name].clone(), name)
    };
    let last = new.keys().rfind(|path| !old.contains_key(*path)).expect("a new file");
    let (first, last) = (written("Cargo.lock"), written(last.as_str()));
    for when in ["journal", "whole journal", "first file", "last file"] {
        let stage = Stage::of(CASE);
        let in_place = |(_, text, name): &(Utf8PathBuf, Vec<u8>, Utf8PathBuf)| {
            std::fs::read(stage.repository.join(name)).is_ok_and(|found| found == *text)
        };
        let mut child = spawn(&stage, &EXTRACT);
        let there = until(&mut child, || match when {
            "journal" => pending(&stage).exists(),
            "whole journal" => pending(&stage).join("journal.json").exists() || in_place(&first),
            "first file" => in_place(&first),
            _ => in_place(&last),
        });
        assert!(there, "{when}: the run came so far");
        child.kill().expect("a kill");
        child.wait().expect("it is dead");

        // What reads a part of a tree says so; `check` puts it in order.
        let interrupted = pending(&stage).exists();
        if interrupted {
            let dry = stage.calve(&["extract", "stock", "--dry-run"]);
            assert_eq!(dry.exit, 1);
            assert!(dry.stderr.contains("error[interrupted-run]"), "{}", dry.stderr);
        }
        let next = stage.calve(&["check"]);
        assert!(!pending(&stage).exists());
        let found = tree::read(&stage.repository);
        if found == old {
            assert!(next.stderr.contains("the tree is as it was"), "{}", next.stderr);
        } else {
            tree::assert_same(&found, &new, "neither the old tree nor the new one");
            assert_eq!(interrupted, next.stderr.contains("it is finished now"), "{}", next.stderr);
        }
    }
}

#[test]
fn a_copy_is_there_as_a_whole_or_not_at_all() {
    let stage = Stage::of(CASE);
    let before = tree::read(&stage.repository);
    let into = stage.temp().join("copy");
    let arguments = ["extract", "stock", "--no-verify", "--into", into.as_str()];
    let mut child = spawn(&stage, &arguments);
    let aside = stage.temp().join(".copy.calve/tree/Cargo.toml");
    assert!(until(&mut child, || aside.exists()), "it is written beside its place");
    child.kill().expect("a kill");
    child.wait().expect("it is dead");
    // Killed before it had its place, unless the machine was very fast.
    let run = if into.exists() { None } else { Some(stage.calve(&arguments)) };
    assert!(run.is_none_or(|run| run.exit == 0));
    assert!(!aside.exists(), "what was left over is gone");
    let again = stage.calve(&arguments);
    assert_eq!(again.exit, 1);
    assert!(again.stderr.contains("is not an empty folder"), "{}", again.stderr);
    tree::assert_same(&before, &tree::read(&stage.repository), "the monolith is left alone");

    let manifest = into.join("Cargo.toml");
    let undone = stage.calve(&["undo", "--manifest-path", manifest.as_str()]);
    assert_eq!(undone.exit, 0, "{}", undone.stderr);
    let mut copy = tree::read(&into);
    copy.retain(|path, _| !path.starts_with(".calve"));
    tree::assert_same(&copy, &before, "the copy without the extraction");
}

#[test]
fn the_second_of_two_runs_waits_and_finds_it_done() {
    let stage = Stage::of(CASE);
    let first = spawn(&stage, &EXTRACT);
    let second = spawn(&stage, &EXTRACT);
    let said: Vec<String> = [first, second]
        .into_iter()
        .map(|child| {
            let run = child.wait_with_output().expect("it ends");
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            String::from_utf8(run.stderr).expect("UTF-8")
        })
        .collect();
    let count = |text: &str| said.iter().filter(|said| said.contains(text)).count();
    assert_eq!((count("Extracted `stock`"), count("nothing is left to do")), (1, 1), "{said:#?}");
}

#[test]
fn undo_says_what_stands_in_its_way() {
    let stage = Stage::of(CASE);
    let nothing = stage.calve(&["undo"]);
    assert_eq!(nothing.exit, 1);
    assert!(nothing.stderr.contains("error[nothing-to-undo]"), "{}", nothing.stderr);

    assert_eq!(stage.calve(&EXTRACT).exit, 0);
    let readme = stage.workspace.join("services/stock/README.md");
    let text = tree::text(&readme);
    tree::write(&readme, b"mine");
    tree::write(&stage.workspace.join("services/stock/.env"), b"TOKEN=x");
    let before = tree::read(&stage.repository);
    let refused = stage.calve(&["undo"]);
    assert_eq!((refused.exit, refused.stdout.as_str()), (1, ""));
    for place in ["`services/stock/README.md` was changed", "`services/stock/.env` is new"] {
        assert!(refused.stderr.contains(place), "{}", refused.stderr);
    }
    tree::assert_same(&before, &tree::read(&stage.repository), "a refusal changes nothing");

    tree::write(&readme, text.as_bytes());
    tree::remove(&stage.workspace.join("services/stock/.env"));
    let undone = stage.calve(&["undo"]);
    assert_eq!(undone.exit, 0, "{}", undone.stderr);
    assert!(undone.stderr.contains("services/stock/CUTOVER.md"), "{}", undone.stderr);
    assert!(!stage.repository.join(".git/calve").exists(), "nothing to remember");
}

/// Where there is no git, the journal is in the workspace, and in nobody's way.
#[test]
fn without_git_it_is_taken_back_as_well() {
    let stage = Stage::of(CASE);
    std::fs::remove_dir_all(stage.repository.join(".git")).expect("a repository");
    let before = tree::read(&stage.repository);
    assert_eq!(stage.calve(&EXTRACT).exit, 0);
    let home = stage.workspace.join(".calve");
    assert_eq!(tree::text(&home.join(".gitignore")), "*\n");
    assert_eq!(stage.calve(&["check"]).exit, 0);
    let undone = stage.calve(&["undo"]);
    assert_eq!(undone.exit, 0, "{}", undone.stderr);
    tree::assert_same(&before, &tree::read(&stage.repository), "home and all are gone");
}
