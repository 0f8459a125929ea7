//! The folders of migrations that code embeds: often beside the members, where nothing else is read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::files::source;
use super::{Member, Source};
use crate::diagnostic::{Diagnostic, Result};

/// What stands before the name of a folder.
const NAMED_BY: [&str; 3] = ["migrate!(", "embed_migrations!(", "migrations = "];

/// The folders that `migrate!("…")`, `embed_migrations!("…")` and `#[sqlx::test(migrations = "…")]` name,
/// relative to the root, each with the files that do, and `migrations` at the root itself, which a command-line tool may run.
/// Those outside are left out.
pub(super) fn embedded(
    root: &Utf8Path,
    members: &[Member],
    files: &BTreeMap<Utf8PathBuf, Source>,
) -> BTreeMap<Utf8PathBuf, BTreeSet<Utf8PathBuf>> {
    let mut found = BTreeMap::from([(Utf8PathBuf::from("migrations"), BTreeSet::new())]);
    let dirs: BTreeSet<&Utf8Path> = members.iter().map(|member| member.dir.as_path()).collect();
    let rust = files.iter().filter(|(path, _)| path.extension() == Some("rs"));
    // One look tells most files apart.
    for (path, source) in rust.filter(|(_, source)| source.text.contains("migrat")) {
        let Some(dir) = path.ancestors().find(|folder| dirs.contains(folder)) else { continue };
        for (folder, _) in named(&source.text, dir) {
            found.entry(folder).or_default().insert(path.clone());
        }
    }
    found.retain(|folder, _| root.join(folder).is_dir());
    found
}

/// The folders that a text names, relative to the root, each with the bytes of its name in the text:
/// none where the macro takes the folder beside the manifest in `dir`.
pub fn named(text: &str, dir: &Utf8Path) -> Vec<(Utf8PathBuf, Range<usize>)> {
    let mut found = Vec::new();
    for start in NAMED_BY {
        for (at, _) in text.match_indices(start) {
            let behind = &text[at + start.len()..];
            let quoted = behind.trim_start();
            let first = at + start.len() + (behind.len() - quoted.len());
            let (name, range) = match quoted.strip_prefix('"') {
                Some(rest) => {
                    let name = rest.split('"').next().unwrap_or_default();
                    (name, first + 1..first + 1 + name.len())
                }
                None => ("migrations", first..first),
            };
            found.extend(inside(&dir.join(name)).map(|folder| (folder, range)));
        }
    }
    found.sort_by_key(|(_, range)| range.start);
    found
}

/// Adds the SQL that lies directly in the folders.
pub(super) fn read_into(
    files: &mut BTreeMap<Utf8PathBuf, Source>,
    root: &Utf8Path,
    folders: &BTreeMap<Utf8PathBuf, BTreeSet<Utf8PathBuf>>,
) -> Result<()> {
    for folder in folders.keys() {
        let cannot = |path: &Utf8Path, error: &std::io::Error| {
            Diagnostic::error("unreadable-file", format!("cannot read `{path}`: {error}"))
        };
        let entries = root.join(folder).read_dir_utf8().map_err(|e| cannot(folder, &e))?;
        for entry in entries {
            let entry = entry.map_err(|error| cannot(folder, &error))?;
            let path = folder.join(entry.file_name());
            if path.extension() != Some("sql") || files.contains_key(&path) {
                continue;
            }
            let source = source(root, &path)?;
            files.insert(path, source);
        }
    }
    Ok(())
}

/// The path without `..`; none where it leads out of the root.
pub(super) fn inside(path: &Utf8Path) -> Option<Utf8PathBuf> {
    let mut result = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            Utf8Component::ParentDir => {
                if !result.pop() {
                    return None;
                }
            }
            Utf8Component::Normal(name) => result.push(name),
            Utf8Component::CurDir => {}
            _ => return None,
        }
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_followed_up_and_never_out() {
        assert_eq!(inside("modules/a/../../migrations".into()), Some("migrations".into()));
        assert_eq!(inside("a/./sql".into()), Some("a/sql".into()));
        assert_eq!(inside("a/../../x".into()), None);
    }
}
