//! What git says of the workspace: where its work tree begins and whether it is clean.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

/// A git work tree.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Absolute path of its top level.
    pub top: Utf8PathBuf,
    /// Absolute path of the folder where git keeps what belongs to this work tree.
    pub folder: Utf8PathBuf,
}

impl Repository {
    /// The work tree that holds `dir`; none without git or outside of a repository.
    pub(super) fn around(dir: &Utf8Path) -> Option<Self> {
        let said = git(dir, &["rev-parse", "--show-toplevel", "--absolute-git-dir"])?;
        let mut lines = said.lines().map(Utf8PathBuf::from);
        Some(Self { top: lines.next()?, folder: lines.next()? })
    }

    /// Lines of `git status --porcelain`: what is not committed below `dir`, untracked files included.
    pub fn uncommitted(&self, dir: &Utf8Path) -> Vec<String> {
        git(dir, &["status", "--porcelain", "--", "."])
            .map(|out| out.lines().map(str::to_owned).collect())
            .unwrap_or_default()
    }

    /// Those of `paths` (relative to `dir`) that an ignore rule would keep out of the repository.
    pub fn ignored(&self, dir: &Utf8Path, paths: &[&Utf8Path]) -> Vec<Utf8PathBuf> {
        if paths.is_empty() {
            return Vec::new();
        }
        let mut args = vec!["check-ignore", "--no-index", "--"];
        args.extend(paths.iter().map(|p| p.as_str()));
        git(dir, &args).map(|out| out.lines().map(Utf8PathBuf::from).collect()).unwrap_or_default()
    }
}

/// Standard output of a git command; none when it fails or git is missing.
fn git(dir: &Utf8Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(dir).args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
