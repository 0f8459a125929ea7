//! The files that were read, by path and by package.

use std::collections::{BTreeMap, HashMap};

use camino::{Utf8Path, Utf8PathBuf};
use indexmap::IndexMap;

use super::{Member, Source};

/// Whole workspaces are searched many times, package by package.
#[derive(Debug)]
pub(super) struct Index {
    /// By path relative to the root, in order of path.
    files: IndexMap<Utf8PathBuf, Source>,
    /// Places in it of a member's files, by the member's folder.
    of_members: HashMap<Utf8PathBuf, Vec<usize>>,
}

impl Index {
    pub(super) fn new(files: BTreeMap<Utf8PathBuf, Source>, members: &[Member]) -> Self {
        let dirs = members.iter().map(|member| (member.dir.as_str(), Vec::new()));
        let mut places: HashMap<&str, Vec<usize>> = dirs.collect();
        for (place, path) in files.keys().enumerate() {
            // A package in the folder of another has what is below its own.
            let dir = path.ancestors().skip(1).find(|dir| places.contains_key(dir.as_str()));
            if let Some(places) = dir.and_then(|dir| places.get_mut(dir.as_str())) {
                places.push(place);
            }
        }
        let of_members = places.into_iter().map(|(dir, places)| (dir.into(), places)).collect();
        Self { files: files.into_iter().collect(), of_members }
    }

    /// A file with its path.
    pub(super) fn get(&self, path: &Utf8Path) -> Option<(&Utf8Path, &Source)> {
        self.files.get_key_value(path).map(|(path, source)| (path.as_path(), source))
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Utf8Path, &Source)> {
        self.files.iter().map(|(path, source)| (path.as_path(), source))
    }

    /// Those of a package.
    pub(super) fn of(&self, member: &Member) -> impl Iterator<Item = (&Utf8Path, &Source)> {
        let places = self.of_members.get(&member.dir).into_iter().flatten();
        let file = |place: &usize| self.files.get_index(*place);
        places.filter_map(file).map(|(path, source)| (path.as_path(), source))
    }
}
