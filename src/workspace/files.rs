//! Every file that analysis may look at: Rust sources, SQL and manifests in the members' folders.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use ignore::WalkBuilder;
use rayon::prelude::*;

use super::source::Text;
use super::{Member, Source, migrations};
use crate::diagnostic::{Diagnostic, Result};

/// Texts by path relative to the root.
pub(super) type Files = BTreeMap<Utf8PathBuf, Source>;

/// The files in the members' folders, and the folders of migrations that they embed; `target` is
/// cargo's target directory, which is left out.
pub(super) fn read(
    root: &Utf8Path,
    members: &[Member],
    target: &Utf8Path,
) -> Result<(Files, BTreeMap<Utf8PathBuf, BTreeSet<Utf8PathBuf>>)> {
    let mut files = of_members(root, members, target)?;
    let embedded = migrations::embedded(root, members, &files);
    migrations::read_into(&mut files, root, &embedded)?;
    Ok((files, embedded))
}

/// What is below the members' folders, and directly in the folders above them.
fn of_members(root: &Utf8Path, members: &[Member], target: &Utf8Path) -> Result<Files> {
    let dirs: HashSet<&str> = members.iter().map(|member| member.dir.as_str()).collect();
    let target = target.strip_prefix(root).ok();
    let mut below: Vec<&Utf8Path> = Vec::new();
    let mut above: BTreeSet<&Utf8Path> = BTreeSet::new();
    for dir in members.iter().map(|member| member.dir.as_path()) {
        let over = || dir.ancestors().skip(1);
        if over().any(|folder| dirs.contains(folder.as_str())) {
            continue;
        }
        above.extend(over());
        if !is_behind_a_link(root, dir) {
            below.push(dir);
        }
    }
    let mut paths = walked(root, below, target, None)?;
    paths.extend(walked(root, above, target, Some(1))?);
    let read: Vec<Result<Text>> = paths.par_iter().map(|path| text(root, path)).collect();
    paths.into_iter().zip(read).map(|(path, text)| Ok((path, text?.into()))).collect()
}

/// A folder that is reached over a link is not followed.
fn is_behind_a_link(root: &Utf8Path, dir: &Utf8Path) -> bool {
    let folders = dir.ancestors().filter(|folder| !folder.as_str().is_empty());
    folders.into_iter().any(|folder| root.join(folder).is_symlink())
}

/// The files below folders, as deep as that, relative to the root.
fn walked<'d>(
    root: &Utf8Path,
    dirs: impl IntoIterator<Item = &'d Utf8Path>,
    target: Option<&Utf8Path>,
    depth: Option<usize>,
) -> Result<Vec<Utf8PathBuf>> {
    let mut files = Vec::new();
    let mut dirs = dirs.into_iter().map(|dir| root.join(dir));
    let Some(first) = dirs.next() else { return Ok(files) };
    let mut walk = WalkBuilder::new(first);
    for dir in dirs {
        walk.add(dir);
    }
    walk.standard_filters(false).hidden(false).follow_links(false).max_depth(depth);
    let target = target.map(|target| root.join(target));
    walk.filter_entry(move |entry| {
        let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
        !is_dir || Utf8Path::from_path(entry.path()).is_some_and(|dir| !is_left_out(dir, &target))
    });
    for entry in walk.build() {
        let entry = entry.map_err(|error| {
            Diagnostic::error("unreadable-file", format!("cannot walk the workspace: {error}"))
        })?;
        let Some(path) = Utf8Path::from_path(entry.path()) else { continue };
        let wanted = matches!(path.extension(), Some("rs" | "sql"))
            || matches!(
                path.file_name(),
                Some("Cargo.toml" | "calve.toml" | "rustfmt.toml" | ".rustfmt.toml")
            );
        // A link to a file is compiled like the file; links to folders are not followed, so that a
        // loop of them leads nowhere.
        let is_file = |entry: &ignore::DirEntry| {
            entry.file_type().is_some_and(|t| t.is_file())
                || (entry.path_is_symlink() && path.is_file())
        };
        if wanted && is_file(&entry) {
            files.push(path.strip_prefix(root).unwrap_or(path).to_owned());
        }
    }
    Ok(files)
}

/// What holds no sources of the workspace's own.
fn is_left_out(dir: &Utf8Path, target: &Option<Utf8PathBuf>) -> bool {
    match dir.file_name() {
        Some(".git" | "node_modules") => true,
        Some("target") if dir.join("CACHEDIR.TAG").exists() => true,
        _ => target.as_deref() == Some(dir),
    }
}

/// Reads a file, by its path relative to the root.
pub(super) fn source(root: &Utf8Path, path: &Utf8Path) -> Result<Source> {
    text(root, path).map(Source::from)
}

fn text(root: &Utf8Path, path: &Utf8Path) -> Result<Text> {
    let bytes = std::fs::read(root.join(path)).map_err(|error| unreadable(path, &error))?;
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(Text { text: text.into(), broken: None }),
        Err(error) => error,
    };
    let from = error.utf8_error().valid_up_to();
    if path.extension() == Some("rs") {
        // It may belong to nothing: a fixture, a template. Whoever needs it sees the place.
        let text = String::from_utf8_lossy(error.as_bytes()).into();
        return Ok(Text { text, broken: Some(from) });
    }
    let line = error.as_bytes()[..from].iter().filter(|byte| **byte == b'\n').count() + 1;
    Err(Diagnostic::error("not-utf8", format!("`{path}` is not UTF-8: see its line {line}"))
        .at(path, 0..0, format!("{path}:{line}"))
        .note("calve reads every manifest and migration of the workspace, and passes over nothing")
        .help("write the file in UTF-8, as what runs migrations reads them: `iconv` does it")
        .into())
}

/// The error for a file that is there and cannot be read.
pub(super) fn unreadable(path: &Utf8Path, error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error("unreadable-file", format!("cannot read `{path}`: {error}")).into()
}
