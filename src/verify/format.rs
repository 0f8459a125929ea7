//! Generated Rust in the style of the user's own rustfmt, so that their `cargo fmt --check` passes.

use std::io::Write;
use std::process::{Command, Stdio};

use camino::Utf8Path;

use crate::changes::ChangeSet;

/// Formats every Rust file that the set creates, as the rustfmt configuration at `root` (the
/// workspace root) says. Where there is no rustfmt, the files stay as they are; the answer is whether all
/// were formatted.
pub fn format_created(changes: &mut ChangeSet, root: &Utf8Path, edition: &str) -> bool {
    let mut all = true;
    changes.rewrite_created(|path, text| {
        if path.extension() != Some("rs") {
            return None;
        }
        let formatted = rustfmt(root, edition, text);
        all &= formatted.is_some();
        formatted
    });
    all
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
