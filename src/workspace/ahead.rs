//! Files that are read while cargo still reads the manifests: what the root manifest says of the members'
//! folders is enough to begin. Whether it was right changes how long a run takes, and nothing else.

use std::collections::BTreeMap;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use toml_edit::{Document, TableLike};

use super::Source;
use super::files::below;

/// What was read, and where.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Folders that were read with all that is below them, relative to the root.
    folders: Vec<Utf8PathBuf>,
    files: BTreeMap<Utf8PathBuf, Source>,
}

impl Ahead {
    /// Reads the folders that the manifest's `members` begin with: `crates` of `crates/*`.
    pub(super) fn read(root: &Utf8Path, manifest: &str) -> Self {
        let mut ahead = Self::default();
        let Ok(manifest) = Document::parse(manifest) else { return ahead };
        for folder in folders(manifest.as_table()) {
            // What cannot be read may belong to nobody; whoever needs it tries again, and says why.
            if !ahead.covers(&folder)
                && let Ok(files) = below(root, &folder, None)
            {
                ahead.files.extend(files);
                ahead.folders.push(folder);
            }
        }
        ahead
    }

    /// Parses the packages whose manifests name another, until there is no time left.
    pub(super) fn parse_users_of(&self, package: &str, is_time_left: impl Fn() -> bool) {
        let manifests = self.files.iter().filter(|(path, source)| {
            path.file_name() == Some("Cargo.toml") && source.text.contains(package)
        });
        for dir in manifests.filter_map(|(path, _)| path.parent()) {
            let from = self.files.range(dir.to_owned()..);
            for (path, source) in from.take_while(|(path, _)| path.starts_with(dir)) {
                if !is_time_left() {
                    return;
                }
                if path.extension() == Some("rs") {
                    // A file that is not Rust is judged where it is needed.
                    let _ = source.ast();
                }
            }
        }
    }

    /// Whether everything below a folder was read.
    pub(super) fn covers(&self, folder: &Utf8Path) -> bool {
        self.folders.iter().any(|read| folder.starts_with(read))
    }

    /// What was read.
    pub(super) fn into_files(self) -> BTreeMap<Utf8PathBuf, Source> {
        self.files
    }
}

/// The folders in which the members stand, relative to the root; the shortest first.
fn folders(manifest: &dyn TableLike) -> Vec<Utf8PathBuf> {
    let workspace = manifest.get("workspace").and_then(|item| item.as_table_like());
    let members = workspace.and_then(|table| table.get("members")?.as_array());
    let mut folders: Vec<Utf8PathBuf> = members
        .into_iter()
        .flatten()
        .filter_map(|member| before_wildcards(Utf8Path::new(member.as_str()?)))
        // Where all folders are candidates, most hold no member.
        .filter(|folder| !folder.as_str().is_empty())
        .collect();
    if manifest.contains_key("package") {
        folders.push(Utf8PathBuf::new());
    }
    folders.sort_by_key(|folder| folder.components().count());
    folders
}

/// `crates` of `crates/*/core`; none for what leads out of the root.
fn before_wildcards(pattern: &Utf8Path) -> Option<Utf8PathBuf> {
    let mut folder = Utf8PathBuf::new();
    for part in pattern.components() {
        match part {
            Utf8Component::CurDir => {}
            Utf8Component::Normal(name) if name.contains(['*', '?', '[']) => break,
            Utf8Component::Normal(name) => folder.push(name),
            _ => return None,
        }
    }
    Some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(manifest: &str) -> Vec<Utf8PathBuf> {
        folders(Document::parse(manifest).unwrap().as_table())
    }

    #[test]
    fn members_say_where_to_begin() {
        let members = "[workspace]\nmembers = ['app/core', 'crates/*', './libs/**', '../x', '*']\n";
        assert_eq!(of(members), ["crates", "libs", "app/core"]);
        assert_eq!(of("[package]\nname = 'a'\n[workspace]\nmembers = ['b']\n"), ["", "b"]);
        assert!(of("[workspace]\nmembers = 3\n").is_empty());
        assert!(of("[package]\nname = 'a'\n").len() == 1);
    }
}
