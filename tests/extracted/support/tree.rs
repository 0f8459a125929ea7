//! Folders of files, compared and brought in line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files below a folder with their bytes; `.git`, build folders and what calve keeps for itself, and
/// git ignores, left out.
pub(crate) fn read(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_entry(|entry| {
        let left_out = [".git", ".calve", "target"];
        !entry.file_type().is_dir() || !left_out.iter().any(|name| entry.file_name() == *name)
    });
    let files = entries.map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).unwrap().to_owned();
            (path, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Makes `folder` hold exactly `files`, and touches nothing that it holds already: cargo goes by the
/// times of files.
pub(crate) fn write(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    fs::create_dir_all(folder).unwrap();
    let before = read(folder);
    for path in before.keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(folder.join(path)).unwrap();
        // A folder goes with the last of its files.
        let above = path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        above.map(|above| fs::remove_dir(folder.join(above))).take_while(Result::is_ok).count();
    }
    for (path, bytes) in files.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes)) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Checks that two folders hold the same files, byte for byte, and names those that differ.
#[track_caller]
pub(crate) fn assert_same(left: &Path, right: &Path) {
    let (one, other) = (read(left), read(right));
    let all = one.keys().chain(other.keys());
    let mut differ: Vec<&PathBuf> = all.filter(|path| one.get(*path) != other.get(*path)).collect();
    differ.dedup();
    assert!(differ.is_empty(), "{} and {}: {differ:?}", left.display(), right.display());
}

/// Replaces a text that must be there once.
#[track_caller]
pub(crate) fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{old:?} in {}", file.display());
    fs::write(file, text.replacen(old, new, 1)).unwrap();
}
