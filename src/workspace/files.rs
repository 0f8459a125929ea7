//! Every file that analysis may look at: Rust sources, SQL and manifests in the members' folders.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Read};

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;
use walkdir::{DirEntry, WalkDir};

use super::source::Text;
use super::{Member, Source, Target, TargetKind, migrations};
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
    let below = below.into_iter().map(|dir| (dir, None));
    let walks: Vec<_> = below.chain(above.into_iter().map(|dir| (dir, Some(1)))).collect();
    let read = walks.par_iter().map(|(dir, depth)| {
        let paths = walked(root, dir, target, *depth)?;
        let read = paths.par_iter().map_init(Vec::new, |bytes, path| text(root, path, bytes));
        let read: Vec<Result<Text>> = read.collect();
        paths.into_iter().zip(read).map(|(path, text)| Ok((path, text?))).collect()
    });
    // The first of several errors is the same at each run.
    let read: Vec<Result<Vec<(Utf8PathBuf, Text)>>> = read.collect();
    let mut files = Vec::new();
    for read in read {
        files.extend(read?.into_iter().map(|(path, text)| (path, text.into())));
    }
    Ok(files.into_iter().collect())
}

/// Refuses where the root file of a library or program was not read: whoever looks for the module there
/// would find nothing.
///
/// # Errors
/// `file-not-read`.
pub(super) fn refuse_unread(root: &Utf8Path, members: &[Member], files: &Files) -> Result<()> {
    for member in members {
        let is_built = |target: &&Target| matches!(target.kind, TargetKind::Lib | TargetKind::Bin);
        let unread = |target: &&Target| !files.contains_key(&target.root);
        for target in member.targets.iter().filter(is_built).filter(unread) {
            let (name, file) = (&member.name, &target.root);
            if root.join(file).is_file() {
                return Err(not_read(file, format!("its target `{}` begins in it", target.name))
                    .at(&member.manifest, 0..0, format!("the manifest of `{name}`"))
                    .into());
            }
            // A program may be left out of a build; a library is in each.
            if target.kind == TargetKind::Lib {
                let message = format!("`{file}`, the library of `{name}`, is not there");
                return Err(Diagnostic::error("file-not-read", message)
                    .at(&member.manifest, 0..0, format!("the manifest of `{name}`"))
                    .help("make `cargo check` pass first")
                    .into());
            }
        }
    }
    Ok(())
}

/// The refusal of a file that is there and was not read.
pub(crate) fn not_read(file: &Utf8Path, why: String) -> Diagnostic {
    Diagnostic::error(
        "file-not-read",
        format!("`{file}` is code of the workspace and was not read"),
    )
    .note(why)
    .note("calve reads what lies in the folders of members, and follows no link to a folder")
    .help("put it into the folder of its package, without a link")
}

/// A folder that is reached over a link is not followed.
fn is_behind_a_link(root: &Utf8Path, dir: &Utf8Path) -> bool {
    let folders = dir.ancestors().filter(|folder| !folder.as_str().is_empty());
    folders.into_iter().any(|folder| root.join(folder).is_symlink())
}

/// The files below a folder, as deep as that, relative to the root.
fn walked(
    root: &Utf8Path,
    dir: &Utf8Path,
    target: Option<&Utf8Path>,
    depth: Option<usize>,
) -> Result<Vec<Utf8PathBuf>> {
    let mut files = Vec::new();
    let target = target.map(|target| root.join(target));
    let is_looked_into = |entry: &DirEntry| {
        let dir = || Utf8Path::from_path(entry.path());
        let is_left_out = || dir().is_none_or(|dir| is_left_out(dir, target.as_deref()));
        entry.depth() == 0 || !(entry.file_type().is_dir() && is_left_out())
    };
    let walk = WalkDir::new(root.join(dir)).max_depth(depth.unwrap_or(usize::MAX));
    for entry in walk.into_iter().filter_entry(is_looked_into) {
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
        let is_file = || entry.file_type().is_file() || (entry.path_is_symlink() && path.is_file());
        if wanted && is_file() {
            files.push(path.strip_prefix(root).unwrap_or(path).to_owned());
        }
    }
    Ok(files)
}

/// What holds no sources of the workspace's own.
fn is_left_out(dir: &Utf8Path, target: Option<&Utf8Path>) -> bool {
    match dir.file_name() {
        Some(".git" | "node_modules") => true,
        Some("target") if dir.join("CACHEDIR.TAG").exists() => true,
        _ => target == Some(dir),
    }
}

/// Reads a file, by its path relative to the root.
pub(super) fn source(root: &Utf8Path, path: &Utf8Path) -> Result<Source> {
    text(root, path, &mut Vec::new()).map(Source::from)
}

/// `bytes` is room to read into.
fn text(root: &Utf8Path, path: &Utf8Path, bytes: &mut Vec<u8>) -> Result<Text> {
    bytes.clear();
    File::open(root.join(path))
        .and_then(|mut file| file.read_to_end(bytes))
        .map_err(|error| unreadable(path, &error))?;
    let error = match str::from_utf8(bytes) {
        Ok(text) => return Ok(Text { text: text.into(), broken: None }),
        Err(error) => error,
    };
    let from = error.valid_up_to();
    if path.extension() == Some("rs") {
        // It may belong to nothing: a fixture, a template. Whoever needs it sees the place.
        let text = String::from_utf8_lossy(bytes).into();
        return Ok(Text { text, broken: Some(from) });
    }
    let line = bytes[..from].iter().filter(|byte| **byte == b'\n').count() + 1;
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
