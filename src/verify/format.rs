//! Generated Rust in the style of the user's own rustfmt, so that their `cargo fmt --check` passes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

use crate::changes::{ChangeSet, FileChange};

/// Formats every Rust file that the set creates, as the rustfmt configuration at `root` (the
/// workspace root) says. Where there is no rustfmt, the files stay as they are; the answer is whether all
/// were formatted.
pub fn format_created(changes: &mut ChangeSet, root: &Utf8Path, edition: &str) -> bool {
    let mut formatted = all_at_once(changes, root, edition).ok().flatten().unwrap_or_default();
    let mut all = true;
    changes.rewrite_created(|path, text| {
        if path.extension() != Some("rs") {
            return None;
        }
        // One at a time where that did not work: a module that a file declares may stand elsewhere.
        let formatted = formatted.remove(path).or_else(|| rustfmt(root, edition, text));
        all &= formatted.is_some();
        formatted
    });
    all
}

/// Every Rust file that the set creates, formatted by one rustfmt in a folder of its own: starting one
/// takes longer than formatting a dozen files. None if it refuses any of them.
fn all_at_once(
    changes: &ChangeSet,
    root: &Utf8Path,
    edition: &str,
) -> io::Result<Option<BTreeMap<Utf8PathBuf, String>>> {
    let temp = tempfile::Builder::new().prefix("calve-").tempdir()?;
    let dir = Utf8Path::from_path(temp.path()).ok_or(io::ErrorKind::InvalidFilename)?;
    let mut files = Vec::new();
    for (path, change) in changes.iter() {
        let FileChange::Create { text, .. } = change else { continue };
        if path.extension() == Some("rs") {
            let file = dir.join(path);
            fs::create_dir_all(file.parent().unwrap_or(dir))?;
            #[expect(clippy::disallowed_methods, reason = "a temporary file for rustfmt")]
            fs::write(file, text)?;
            files.push(path);
        }
    }
    if files.is_empty() {
        return Ok(Some(BTreeMap::new()));
    }
    let mut command = Command::new("rustfmt");
    command.args(["--edition", edition]);
    // It looks upwards from the files, which are not below the configuration here.
    let names = ["rustfmt.toml", ".rustfmt.toml"];
    let nearest = root.ancestors().flat_map(|dir| names.map(|name| dir.join(name)));
    if let Some(configuration) = nearest.into_iter().find(|file| file.is_file()) {
        command.arg("--config-path").arg(configuration);
    }
    let run = command
        .args(&files)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !run.success() {
        return Ok(None);
    }
    let read = |path: &Utf8Path| Ok((path.to_owned(), fs::read_to_string(dir.join(path))?));
    files.into_iter().map(read).collect::<io::Result<_>>().map(Some)
}

/// The text as rustfmt writes it; none if it cannot be run or refuses.
fn rustfmt(root: &Utf8Path, edition: &str, text: &str) -> Option<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", edition, "--emit", "stdout"])
        // Where it looks for a configuration, upwards; naming a folder without one is an error to it.
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let text = text.to_owned();
    // On a thread of its own: rustfmt may begin to answer before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    if !output.status.success() {
        return None;
    }
    String::from_utf8(output.stdout).ok().filter(|formatted| !formatted.is_empty())
}
