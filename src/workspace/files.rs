//! Every file that analysis may look at: Rust sources, SQL and manifests in the members' folders.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use ignore::WalkBuilder;

use super::ahead::Ahead;
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
    ahead: Ahead,
) -> Result<(Files, BTreeMap<Utf8PathBuf, BTreeSet<Utf8PathBuf>>)> {
    let mut files = of_members(root, members, target, ahead)?;
    let embedded = migrations::embedded(root, members, &files);
    migrations::read_into(&mut files, root, &embedded)?;
    Ok((files, embedded))
}

/// What is below the members' folders, and directly in the folders above them.
fn of_members(
    root: &Utf8Path,
    members: &[Member],
    target: &Utf8Path,
    ahead: Ahead,
) -> Result<Files> {
    let dirs: HashSet<&str> = members.iter().map(|member| member.dir.as_str()).collect();
    let is_inside = |path: &Utf8Path| path.ancestors().any(|dir| dirs.contains(dir.as_str()));
    let target = target.strip_prefix(root).ok();
    let mut read: Vec<(Utf8PathBuf, Source)> = Vec::new();
    let mut above: BTreeSet<&Utf8Path> = BTreeSet::new();
    for dir in members.iter().map(|member| member.dir.as_path()) {
        let over = || dir.ancestors().skip(1);
        if over().any(|folder| dirs.contains(folder.as_str())) {
            continue;
        }
        above.extend(over());
        if !ahead.covers(dir) && !is_behind_a_link(root, dir) {
            read.extend(below(root, dir, target)?);
        }
    }
    for dir in above {
        read.extend(walked(root, dir, target, Some(1))?);
    }
    read.extend(ahead.into_files().into_iter().filter(|(path, _)| {
        is_inside(path) && !target.is_some_and(|target| path.starts_with(target))
    }));
    Ok(read.into_iter().collect())
}

/// A folder that is reached over a link is not followed.
fn is_behind_a_link(root: &Utf8Path, dir: &Utf8Path) -> bool {
    let folders = dir.ancestors().filter(|folder| !folder.as_str().is_empty());
    folders.into_iter().any(|folder| root.join(folder).is_symlink())
}

/// What is below a folder.
pub(super) fn below(
    root: &Utf8Path,
    dir: &Utf8Path,
    target: Option<&Utf8Path>,
) -> Result<Vec<(Utf8PathBuf, Source)>> {
    walked(root, dir, target, None)
}

/// What is below a folder, as deep as that; paths are relative to the root.
fn walked(
    root: &Utf8Path,
    dir: &Utf8Path,
    target: Option<&Utf8Path>,
    depth: Option<usize>,
) -> Result<Vec<(Utf8PathBuf, Source)>> {
    let mut files = Vec::new();
    let mut walk = WalkBuilder::new(root.join(dir));
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
            let relative = path.strip_prefix(root).unwrap_or(path).to_owned();
            let source = source(root, &relative)?;
            files.push((relative, source));
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
    let bytes = std::fs::read(root.join(path)).map_err(|error| unreadable(path, &error))?;
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(Source::new(text)),
        Err(error) => error,
    };
    let from = error.utf8_error().valid_up_to();
    if path.extension() == Some("rs") {
        // It may belong to nothing: a fixture, a template. Whoever needs it sees the place.
        return Ok(Source::not_utf8(error.as_bytes(), from));
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
