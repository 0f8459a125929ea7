//! How a command comes into a workspace: where it is, who else is there, and whether an earlier run left
//! it in order.

use camino::{Utf8Path, Utf8PathBuf};

use super::Output;
use crate::changes::Lock;
use crate::diagnostic::{Diagnostic, Result};
use crate::workspace::{self, Place};

/// The workspace of the manifest that is named, or of the nearest above the current folder.
pub(super) fn place(named: Option<&Utf8Path>) -> Result<Place> {
    workspace::locate(&manifest(named)?)
}

/// Waits until nobody else writes to the workspace, puts in order what an earlier run left half-way, and
/// says so.
pub(super) fn lock(place: &Place, output: &mut Output<'_>) -> Result<Lock> {
    let mut wait = |holder| waiting(holder, "this workspace", output);
    let (lock, recovered) = place.home().enter(&place.root, &mut wait)?;
    if let Some(message) = recovered.message() {
        // What cannot be shown is no reason to stop.
        let _ = output.say("recovered", &Said { message: &message }, &message);
    }
    Ok(lock)
}

/// For a command that only reads: as [`lock`], but only where there is something to put in order.
pub(super) fn put_in_order(place: &Place, output: &mut Output<'_>) -> Result<()> {
    if place.home().has_pending() {
        lock(place, output)?;
    }
    Ok(())
}

/// Says that another run is waited for.
pub(super) fn waiting(holder: Option<u32>, for_what: &str, output: &mut Output<'_>) {
    let who = holder.map(|id| format!(" (process {id})")).unwrap_or_default();
    let words = format!("waiting for another calve{who} that writes to {for_what}");
    let _ = output.say("waiting", &Said { message: &words }, &words);
}

/// A text for a person, in an object.
#[derive(serde::Serialize)]
struct Said<'a> {
    message: &'a str,
}

fn manifest(named: Option<&Utf8Path>) -> Result<Utf8PathBuf> {
    let absolute = |path: &Utf8Path| {
        camino::absolute_utf8(path).map_err(|error| {
            Box::new(Diagnostic::error("no-workspace", format!("cannot find `{path}`: {error}")))
        })
    };
    if let Some(named) = named {
        let named = absolute(named)?;
        if named.is_file() && named.file_name() != Some("Cargo.toml") {
            // Cargo would take it for a script.
            return Err(Diagnostic::error("no-workspace", format!("`{named}` is no `Cargo.toml`"))
                .help("name the workspace's `Cargo.toml`, or its folder, with --manifest-path")
                .into());
        }
        return Ok(if named.is_dir() { named.join("Cargo.toml") } else { named });
    }
    let here = absolute(Utf8Path::new("."))?;
    let nearest = here.ancestors().map(|dir| dir.join("Cargo.toml")).find(|path| path.is_file());
    nearest.ok_or_else(|| {
        Diagnostic::error("no-workspace", format!("there is no Cargo.toml in `{here}` or above"))
            .help("run calve inside a Cargo workspace, or name its manifest with --manifest-path")
            .into()
    })
}
