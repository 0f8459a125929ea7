//! Folders as values: read, copied and compared byte for byte.

#![allow(clippy::disallowed_methods, reason = "a test sets its own stage")]

use std::collections::BTreeMap;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

/// Every file below a folder by relative path, what git and cargo keep for themselves left out.
pub(crate) type Tree = BTreeMap<Utf8PathBuf, Vec<u8>>;

/// Reads a folder.
pub(crate) fn read(root: &Utf8Path) -> Tree {
    let walk = walkdir::WalkDir::new(root).into_iter().filter_entry(|entry| {
        let name = entry.file_name();
        name != ".git" && name != "target"
    });
    let files = walk.map(|entry| entry.expect("an entry")).filter(|e| e.file_type().is_file());
    files
        .map(|entry| {
            let path = Utf8Path::from_path(entry.path()).expect("a UTF-8 path");
            let inside = path.strip_prefix(root).expect("below the root").to_owned();
            (inside, fs::read(path).expect("a file that can be read"))
        })
        .collect()
}

/// Says in which files two trees differ.
pub(crate) fn assert_same(one: &Tree, other: &Tree, what: &str) {
    let names = one.keys().chain(other.keys());
    let mut different: Vec<&Utf8PathBuf> =
        names.filter(|path| one.get(*path) != other.get(*path)).collect();
    different.sort();
    different.dedup();
    assert!(different.is_empty(), "{what}: {different:?} differ");
}

/// Copies a folder over another.
pub(crate) fn copy(from: &Utf8Path, to: &Utf8Path) {
    for (path, bytes) in read(from) {
        write(&to.join(path), &bytes);
    }
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Utf8Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
    fs::write(path, bytes).unwrap_or_else(|e| panic!("{path}: {e}"));
}

/// Takes a file or a folder away.
pub(crate) fn remove(path: &Utf8Path) {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.unwrap_or_else(|e| panic!("{path}: {e}"));
}

/// Makes a symbolic link, and the folders above it.
#[cfg(unix)]
pub(crate) fn link(path: &Utf8Path, target: &Utf8Path) {
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
    std::os::unix::fs::symlink(target, path).unwrap_or_else(|e| panic!("{path}: {e}"));
}

/// Windows asks for a privilege first.
#[cfg(not(unix))]
pub(crate) fn link(_: &Utf8Path, _: &Utf8Path) {}

/// The text of a file.
pub(crate) fn text(path: &Utf8Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Sets or takes away the write protection of a file or folder.
pub(crate) fn protect(path: &Utf8Path, read_only: bool) {
    let mut permissions = fs::metadata(path).expect("a file or folder").permissions();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let bits = permissions.mode();
        permissions.set_mode(if read_only { bits & !0o222 } else { bits | 0o200 });
    }
    #[cfg(not(unix))]
    permissions.set_readonly(read_only);
    fs::set_permissions(path, permissions).expect("permissions");
}
