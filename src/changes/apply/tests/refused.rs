//! What the writer refuses, what it keeps, and what it takes back.

use super::*;

#[test]
fn a_stale_plan_names_the_file_and_writes_nothing() {
    let case = case();
    fs::write(case.root.join("app/z.rs"), "z\n ").unwrap();
    let before = tree(&case.root);
    let error = case.write(&mut Faulty::sound()).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        ("stale-plan", "`app/z.rs` changed since it was read")
    );
    assert_eq!(tree(&case.root), before);
    fs::remove_file(case.root.join("app/z.rs")).unwrap();
    let error = case.write(&mut Faulty::sound()).unwrap_err();
    assert_eq!(error.message, "`app/z.rs` is gone since it was read");
}

#[test]
fn targets_that_exist_or_are_in_the_way_are_refused() {
    let case = case();
    fs::write(case.root.join("services"), "a file").unwrap();
    let error = case.write(&mut Faulty::sound()).unwrap_err();
    assert_eq!(error.code, "target-blocked");
    assert!(error.message.contains("`services` is a file"), "{error}");
    fs::write(case.root.join("app/b.rs"), "there").unwrap();
    let before = tree(&case.root);
    assert_eq!(code(case.write(&mut Faulty::sound())), "target-exists");
    assert_eq!(tree(&case.root), before);
}

#[test]
fn a_second_run_is_refused() {
    let case = case();
    case.write(&mut Faulty::sound()).unwrap();
    let before = tree(&case.root);
    assert_eq!(code(case.write(&mut Faulty::sound())), "stale-plan");
    assert_eq!(tree(&case.root), before);
}

#[test]
fn undoing_gives_the_old_tree_in_reverse_order() {
    let case = case();
    case.write(&mut Faulty::sound()).unwrap();
    let first = tree(&case.root);
    let mut second = ChangeSet::default();
    let text: Arc<str> = "new\n".into();
    second.edit("app/b.rs".into(), &text, vec![TextEdit::insert(0, "// ")]).unwrap();
    second.create("services/orders/src/main.rs", "").unwrap();
    write(&mut Faulty::sound(), case.place(), &second, Journal::new("the extraction of `orders`"))
        .unwrap();
    for (title, tree_then) in
        [("the extraction of `orders`", &first), ("the extraction of `inventory`", &case.old)]
    {
        let lock = case.lock();
        let taken = last(&lock).unwrap().unwrap();
        assert_eq!(taken.title, title);
        undo(&taken, &lock).unwrap();
        assert_eq!(tree(&case.root), *tree_then, "{title}");
        case.assert_tidy(title);
    }
    let lock = case.lock();
    assert!(last(&lock).unwrap().is_none());
    case.assert_times(|path| path != "app/m.rs", "undone");
    drop(lock);
    assert!(!case.home.dir.exists(), "a home that has nothing to tell goes");
}

#[test]
fn undoing_names_everything_that_changed() {
    let case = case();
    case.write(&mut Faulty::sound()).unwrap();
    fs::write(case.root.join("app/z.rs"), "mine").unwrap();
    fs::write(case.root.join("app/old"), "back again").unwrap();
    fs::write(case.root.join("services/inventory/notes.md"), "mine").unwrap();
    fs::remove_file(case.root.join("services/inventory/run")).unwrap();
    let before = tree(&case.root);
    let lock = case.lock();
    let error = last(&lock).unwrap_err();
    assert_eq!(error.code, "changed-since");
    let expected = [
        "`app/old` was changed",
        "`app/z.rs` was changed",
        "`services/inventory/run` is gone",
        "`services/inventory/notes.md` is new, in a folder that would go",
    ];
    assert_eq!(error.notes[..4], expected);
    assert_eq!(tree(&case.root), before);
}

#[cfg(unix)]
#[test]
fn permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let case = case();
    let mode =
        |path: &str| fs::metadata(case.root.join(path)).unwrap().permissions().mode() & 0o777;
    case.write(&mut Faulty::sound()).unwrap();
    assert_eq!(mode("app/z.rs"), 0o751);
    assert_eq!(mode("services/inventory/run") & 0o700, 0o700);
    assert_eq!(mode("app/b.rs") & 0o700, 0o600);
}

#[cfg(unix)]
#[test]
fn a_read_only_tree_is_refused_for_root_as_well() {
    use std::os::unix::fs::PermissionsExt;
    let case = case();
    fs::set_permissions(case.root.join("app"), Permissions::from_mode(0o555)).unwrap();
    let error = case.write(&mut Faulty::sound()).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        ("read-only", "`app` cannot be written: it is read-only")
    );
    fs::set_permissions(case.root.join("app"), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(tree(&case.root), case.old);
    fs::set_permissions(case.root.join("app/z.rs"), Permissions::from_mode(0o444)).unwrap();
    assert_eq!(code(case.write(&mut Faulty::sound())), "read-only");
}

#[cfg(unix)]
#[test]
fn links_are_refused_before_anything_is_written() {
    use std::os::unix::fs::symlink;
    let case = case();
    fs::rename(case.root.join("app/z.rs"), case.root.join("app/real.rs")).unwrap();
    symlink("real.rs", case.root.join("app/z.rs")).unwrap();
    let error = case.write(&mut Faulty::sound()).unwrap_err();
    assert_eq!(
        error.message,
        "`app/z.rs` cannot be written: `app/z.rs` is a symbolic link to `real.rs`"
    );

    let case = self::case();
    fs::create_dir(case.root.join("elsewhere")).unwrap();
    symlink("elsewhere", case.root.join("services")).unwrap();
    assert_eq!(code(case.write(&mut Faulty::sound())), "symbolic-link");
    assert_eq!(fs::read_dir(case.root.join("elsewhere")).unwrap().count(), 0);
}

/// A link that appears after a crash leads recovery nowhere else.
#[cfg(unix)]
#[test]
fn recovery_and_undoing_follow_no_links() {
    use std::os::unix::fs::symlink;
    let case = case();
    case.write(&mut Faulty::sound()).unwrap();
    let outside = case.root.with_file_name("outside");
    fs::rename(case.root.join("services/inventory"), &outside).unwrap();
    symlink(&outside, case.root.join("services/inventory")).unwrap();
    let before = tree(&outside);
    let lock = case.lock();
    assert_eq!(last(&lock).unwrap_err().code, "changed-since");
    assert_eq!(tree(&outside), before);
}
