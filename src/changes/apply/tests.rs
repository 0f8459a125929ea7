//! The writer on a disk that fails, or goes away, at every step.

#![allow(clippy::disallowed_methods, reason = "a test sets its own stage")]

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;
use crate::changes::faulty::{Fault, Faulty};
use crate::changes::recover::{Recovered, recover_on};
use crate::changes::{TextEdit, last, undo};

mod refused;

/// Path to text (folders: none) and permissions of all below a folder.
type Tree = BTreeMap<String, (Option<Vec<u8>>, u32)>;

fn tree(root: &Utf8Path) -> Tree {
    let entries = walkdir::WalkDir::new(root).min_depth(1).into_iter().map(Result::unwrap);
    entries
        .map(|entry| {
            let metadata = entry.metadata().unwrap();
            let text = metadata.is_file().then(|| fs::read(entry.path()).unwrap());
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            (path, (text, mode(&metadata)))
        })
        .collect()
}

fn mode(metadata: &fs::Metadata) -> u32 {
    #[cfg(unix)]
    {
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
    }
    #[cfg(not(unix))]
    u32::from(metadata.permissions().readonly())
}

/// A tree with a home beside it, and a set that edits two files, deletes one and creates three.
struct Case {
    _temp: TempDir,
    root: Utf8PathBuf,
    home: Home,
    changes: ChangeSet,
    old: Tree,
}

fn case() -> Case {
    let temp = tempfile::tempdir().unwrap();
    let top = Utf8PathBuf::from_path_buf(temp.path().canonicalize().unwrap()).unwrap();
    let (root, git) = (top.join("ws"), top.join("git"));
    fs::create_dir_all(root.join("app")).unwrap();
    for (path, text) in [("Cargo.toml", "a\r\nb"), ("app/m.rs", "fn m() {}\n"), ("app/z.rs", "z\n")]
    {
        fs::write(root.join(path), text).unwrap();
        let file = fs::File::options().write(true).open(root.join(path)).unwrap();
        file.set_modified(long_ago()).unwrap();
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(root.join("app/z.rs"), Permissions::from_mode(0o751)).unwrap();
    }
    Real.write(&root.join("app/old"), b"x", &Like::New { executable: true }).unwrap();
    let mut changes = ChangeSet::default();
    let edit = |changes: &mut ChangeSet, path: &str, text: &str| {
        let text: Arc<str> = text.into();
        changes.edit(path.into(), &text, vec![TextEdit::insert(1, "NEW")]).unwrap();
    };
    edit(&mut changes, "Cargo.toml", "a\r\nb");
    edit(&mut changes, "app/z.rs", "z\n");
    changes.delete("app/old", &"x".into()).unwrap();
    changes.create("app/b.rs", "new\n").unwrap();
    changes.create("services/inventory/src/main.rs", "fn main() {}\n").unwrap();
    changes.create_executable("services/inventory/run", "#!/bin/sh\n").unwrap();
    let home = Home::of(&root, Some((&git, "".into())));
    fs::create_dir_all(&home.dir).unwrap();
    let old = tree(&root);
    Case { _temp: temp, root, home, changes, old }
}

impl Case {
    fn place(&self) -> Place<'_> {
        Place { root: &self.root, home: &self.home }
    }

    fn write(&self, disk: &mut dyn Disk) -> Result<()> {
        write(disk, self.place(), &self.changes, Journal::new("the extraction of `inventory`"))
    }

    fn lock(&self) -> Lock {
        self.home.enter(&self.root, &mut |_| panic!("nobody else is here")).unwrap().0
    }

    /// The tree after the change.
    fn new_tree(&self) -> Tree {
        static NEW: std::sync::OnceLock<Tree> = std::sync::OnceLock::new();
        let whole = || {
            let whole = case();
            whole.write(&mut Faulty::sound()).unwrap();
            tree(&whole.root)
        };
        NEW.get_or_init(whole).clone()
    }

    /// Nothing of use to nobody is in the home.
    fn assert_tidy(&self, when: &str) {
        // An empty one goes with its lock.
        let entries = self.home.dir.read_dir_utf8().into_iter().flatten().map(|e| e.unwrap());
        let left: Vec<String> = entries
            .map(|entry| entry.file_name().to_owned())
            .filter(|name| !name.starts_with("done-") && name != "lock")
            .collect();
        assert!(left.is_empty(), "{when}: {left:?} in the home");
    }

    /// Files that were in the tree before and are not as they were keep no old time: a build may have
    /// seen the other text.
    fn assert_times(&self, touched: impl Fn(&str) -> bool, when: &str) {
        for path in ["Cargo.toml", "app/m.rs", "app/z.rs"] {
            let time = fs::metadata(self.root.join(path)).unwrap().modified().unwrap();
            if !touched(path) {
                assert_eq!(time, long_ago(), "{when}: {path}");
            } else {
                assert!(time > long_ago() + Duration::from_secs(1), "{when}: {path}");
            }
        }
    }
}

fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

fn code(result: Result<()>) -> &'static str {
    result.unwrap_err().code
}

#[test]
fn every_change_is_on_disk_and_nothing_else() {
    let case = case();
    case.write(&mut Real).unwrap();
    let found: Vec<String> = tree(&case.root).into_keys().collect();
    let expected = [
        "Cargo.toml",
        "app",
        "app/b.rs",
        "app/m.rs",
        "app/z.rs",
        "services",
        "services/inventory",
        "services/inventory/run",
        "services/inventory/src",
        "services/inventory/src/main.rs",
    ];
    assert_eq!(found, expected);
    for (path, change) in case.changes.iter() {
        let text = fs::read(case.root.join(path)).ok();
        assert_eq!(text, change.after().map(String::into_bytes), "{path}");
    }
    case.assert_times(|path| path != "app/m.rs", "written");
    case.assert_tidy("written");
}

/// A step that fails once, or from then on: the run itself takes everything back.
#[test]
fn a_failure_at_any_step_leaves_the_tree_as_it_was() {
    for error in [io::ErrorKind::StorageFull, io::ErrorKind::PermissionDenied] {
        let mut step = 0;
        loop {
            let case = case();
            let mut disk = Faulty::new(step, Fault::Once(error));
            let result = case.write(&mut disk);
            if !disk.struck() {
                result.unwrap();
                break;
            }
            let when = format!("{error} at step {step}");
            match result {
                // Only tidying up failed.
                Ok(()) => assert_eq!(tree(&case.root), case.new_tree(), "{when}"),
                Err(refused) => {
                    assert_eq!(tree(&case.root), case.old, "{when}: {refused:?}");
                    assert!(
                        ["write-failed", "no-journal", "read-only"].contains(&refused.code),
                        "{when}: {refused:?}"
                    );
                }
            }
            // What is left over, if anything, is the next run's to remove.
            recover_on(&mut Faulty::sound(), case.place()).unwrap();
            case.assert_tidy(&when);
            step += 1;
        }
        assert!(step > 50, "{step} steps: the disk was asked");
    }
}

/// A disk that stays full takes no new bytes, but names can be given and taken away.
#[test]
fn a_full_disk_leaves_the_tree_as_it_was() {
    let mut step = 0;
    loop {
        let case = case();
        let mut disk = Faulty::new(step, Fault::Full);
        let result = case.write(&mut disk);
        if !disk.struck() {
            break;
        }
        if result.is_ok() {
            assert_eq!(tree(&case.root), case.new_tree(), "full at step {step}");
        } else {
            assert_eq!(tree(&case.root), case.old, "full at step {step}");
        }
        recover_on(&mut disk, case.place()).unwrap();
        case.assert_tidy(&format!("full at step {step}"));
        step += 1;
    }
}

/// A run that ends at step k, for every k; then a recovery that ends at step j (a third of them for each
/// k: they are many); then one that is let run.
#[test]
fn a_run_that_ends_at_any_step_is_finished_or_taken_back() {
    let mut seen = std::collections::BTreeSet::new();
    let mut k = 0;
    loop {
        let mut j = k % 3;
        let (mut write_ended, mut recovery_ended) = (false, false);
        loop {
            let case = case();
            let mut disk = Faulty::new(k, Fault::Gone);
            let _ = case.write(&mut disk);
            write_ended |= disk.struck();
            let mut disk = Faulty::new(j, Fault::Gone);
            let first = recover_on(&mut disk, case.place());
            let ended = disk.struck();
            recovery_ended |= ended;
            let second = recover_on(&mut Faulty::sound(), case.place()).unwrap();
            let when = format!("ended at step {k}, and again at {j}: {first:?}, {second:?}");
            let found = tree(&case.root);
            assert!(found == case.old || found == case.new_tree(), "{when}\n{found:#?}");
            case.assert_tidy(&when);
            if found == case.old {
                // Replaced and put back, or never touched: no build takes one text for the other.
                let put_back = !matches!(
                    (&first, &second),
                    (Ok(Recovered::Nothing | Recovered::Untouched), _)
                );
                if !put_back {
                    case.assert_times(|_| false, &when);
                }
            }
            seen.insert(match second {
                Recovered::Nothing => "nothing",
                Recovered::Untouched => "untouched",
                Recovered::PutBack { .. } => "put back",
                Recovered::Finished { .. } => "finished",
            });
            if !ended {
                break;
            }
            j += 3;
        }
        assert!(j < 3 || recovery_ended);
        if !write_ended {
            break;
        }
        k += 1;
    }
    assert!(k > 50, "{k} steps");
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        ["finished", "nothing", "put back", "untouched"]
    );
}

/// The same for taking a change back: either it stands, or it is gone.
#[test]
fn an_undoing_that_ends_at_any_step_is_finished_or_taken_back() {
    let mut k = 0;
    loop {
        let case = case();
        case.write(&mut Faulty::sound()).unwrap();
        let new = tree(&case.root);
        let lock = case.lock();
        let taken = last(&lock).unwrap().unwrap();
        let mut disk = Faulty::new(k, Fault::Gone);
        let result = write(&mut disk, case.place(), &taken.changes, taken.journal().clone());
        let ended = disk.struck();
        drop(lock);
        recover_on(&mut Faulty::sound(), case.place()).unwrap();
        let found = tree(&case.root);
        let when = format!("ended at step {k}: {result:?}");
        assert!(found == case.old || found == new, "{when}\n{found:#?}");
        case.assert_tidy(&when);
        let lock = case.lock();
        let again = last(&lock).unwrap();
        assert_eq!(again.is_some(), found == new, "{when}: a change is known while it stands");
        if !ended {
            assert_eq!(found, case.old);
            break;
        }
        k += 1;
    }
    assert!(k > 50, "{k} steps");
}

/// A real process, really killed at every step.
#[cfg(unix)]
#[test]
fn a_process_that_is_killed_at_any_step_leaves_the_old_tree_or_the_new_one() {
    const ROOT: &str = "CALVE_TEST_KILL_ROOT";
    const STEP: &str = "CALVE_TEST_KILL_STEP";
    let name = "changes::apply::tests::a_process_that_is_killed_at_any_step_leaves_the_old_tree_or_the_new_one";
    if let (Ok(top), Ok(step)) = (std::env::var(ROOT), std::env::var(STEP)) {
        // The process that is to die.
        let root = Utf8PathBuf::from(top);
        let home = Home::within(&root);
        let case = case();
        let place = Place { root: &root, home: &home };
        let mut disk = Faulty::new(step.parse().unwrap(), Fault::Kill);
        write(&mut disk, place, &case.changes, Journal::new("the extraction of `inventory`"))
            .unwrap();
        return;
    }
    use std::os::unix::process::ExitStatusExt;
    let mut step = 0;
    loop {
        let case = case();
        let home = Home::within(&case.root);
        fs::create_dir(&home.dir).unwrap();
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(ROOT, &case.root)
            .env(STEP, step.to_string())
            .output()
            .unwrap();
        let killed = run.status.signal() == Some(9);
        assert!(killed || run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
        let place = Place { root: &case.root, home: &home };
        recover_on(&mut Faulty::sound(), place).unwrap();
        fs::remove_dir_all(&home.dir).unwrap();
        let found = tree(&case.root);
        assert!(found == case.old || found == case.new_tree(), "killed at step {step}\n{found:#?}");
        if !killed {
            assert_eq!(found, case.new_tree());
            break;
        }
        // Each costs a process: every step up to the first ones in the tree, then some.
        step += 1;
    }
    assert!(step > 50, "{step} steps");
}

/// Everything is on disk before the first step in the tree, and that before the change counts as whole.
#[test]
fn the_disk_keeps_the_journal_before_the_tree_and_the_tree_before_the_end() {
    let case = case();
    let mut disk = Faulty::sound();
    case.write(&mut disk).unwrap();
    let steps: Vec<String> = disk
        .steps
        .iter()
        .map(|step| {
            step.replace(case.home.dir.as_str(), "HOME").replace(case.root.as_str(), "TREE")
        })
        .collect();
    let at = |what: &str| {
        steps.iter().position(|step| step == what).unwrap_or_else(|| panic!("{what}\n{steps:#?}"))
    };
    let first = steps.iter().position(|step| step.contains("TREE")).unwrap();
    for kept in ["HOME/pending/old", "HOME/pending/new", "HOME/pending", "HOME"] {
        assert!(at(&format!("sync {kept}")) < first, "{kept}\n{steps:#?}");
    }
    let journal = at("rename HOME/pending/journal.draft HOME/pending/journal.json");
    for written in steps[..journal].iter().filter_map(|step| step.strip_prefix("write ")) {
        assert!(at(&format!("sync {written}")) < journal, "{written}");
    }
    assert!(steps[journal..].iter().all(|step| !step.starts_with("write ")));
    let end = at("rename HOME/pending HOME/done-1");
    for folder in ["TREE/", "TREE/app", "TREE/services", "TREE/services/inventory"] {
        assert!(at(&format!("sync {folder}")) < end, "{folder}\n{steps:#?}");
    }
    assert!(steps[end..].iter().all(|step| !step.contains("TREE")));
    assert!(steps[end..].contains(&"sync HOME".to_owned()));
}

#[test]
fn a_home_on_another_file_system_is_no_hindrance() {
    let case = case();
    let mut disk = Faulty::sound();
    disk.devices = Some(case.home.dir.clone());
    case.write(&mut disk).unwrap();
    assert_eq!(tree(&case.root), case.new_tree());
    let mut k = 0;
    loop {
        let case = self::case();
        let mut disk = Faulty::new(k, Fault::Gone);
        disk.devices = Some(case.home.dir.clone());
        let _ = case.write(&mut disk);
        let ended = disk.struck();
        let mut disk = Faulty::sound();
        disk.devices = Some(case.home.dir.clone());
        recover_on(&mut disk, case.place()).unwrap();
        let found = tree(&case.root);
        assert!(found == case.old || found == case.new_tree(), "ended at step {k}\n{found:#?}");
        case.assert_tidy("on another file system");
        if !ended {
            break;
        }
        k += 1;
    }
}

#[test]
fn files_that_changed_after_a_crash_are_left_to_their_owner() {
    let case = case();
    let mut disk = Faulty::sound();
    disk.stop_after = Some("app/z.rs".to_owned());
    let _ = case.write(&mut disk);
    fs::write(case.root.join("app/z.rs"), "mine").unwrap();
    fs::write(case.root.join("app/b.rs"), "mine, too").unwrap();
    let between = tree(&case.root);
    let error = recover_on(&mut Faulty::sound(), case.place()).unwrap_err();
    assert_eq!(error.code, "interrupted-run");
    assert!(error.notes.iter().any(|note| note.contains("`app/z.rs` has neither")), "{error:?}");
    assert!(
        error.notes.iter().any(|note| note.contains("`app/b.rs` is not the file")),
        "{error:?}"
    );
    assert_eq!(tree(&case.root), between, "nothing is touched");
    assert_eq!(code(case.home.refuse_pending()), "interrupted-run");
    assert_eq!(code(case.write(&mut Faulty::sound())), "stale-plan");

    // As the message says.
    fs::remove_file(case.root.join("app/b.rs")).unwrap();
    fs::write(case.root.join("app/z.rs"), "z\n").unwrap();
    assert!(matches!(
        recover_on(&mut Faulty::sound(), case.place()),
        Ok(Recovered::PutBack { .. })
    ));
    assert_eq!(tree(&case.root), case.old);
}

#[test]
fn a_target_that_appears_meanwhile_is_not_overwritten() {
    let case = case();
    let late = case.root.join("services/inventory/run");
    let mut disk = Faulty::sound();
    let theirs = late.clone();
    disk.before = Some(Box::new(move |step| {
        if step.starts_with("link") && step.ends_with("services/inventory/run") {
            fs::write(&theirs, "somebody else's").unwrap();
        }
    }));
    let error = case.write(&mut disk).unwrap_err();
    assert_eq!(error.code, "write-failed");
    assert!(error.notes.iter().any(|n| n.contains("`services/inventory` stays")), "{error:?}");
    assert_eq!(fs::read_to_string(&late).unwrap(), "somebody else's");
    fs::remove_dir_all(case.root.join("services")).unwrap();
    assert_eq!(tree(&case.root), case.old);
    case.assert_tidy("refused");
}

#[test]
fn a_file_saved_during_the_write_is_kept() {
    let case = case();
    let z = case.root.join("app/z.rs");
    let mut disk = Faulty::sound();
    let theirs = z.clone();
    disk.before = Some(Box::new(move |step| {
        if step.starts_with("rename") && step.ends_with("/Cargo.toml") {
            fs::write(&theirs, "mine\n").unwrap();
        }
    }));
    assert_eq!(code(case.write(&mut disk)), "stale-plan");
    assert_eq!(fs::read_to_string(&z).unwrap(), "mine\n");
    assert_eq!(fs::read_to_string(case.root.join("Cargo.toml")).unwrap(), "a\r\nb");
    assert!(!case.root.join("services").exists());
    case.assert_tidy("refused");
}
