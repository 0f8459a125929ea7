//! Paths, worked out by their letters: what they name need not exist.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

/// A path without `.` and `..`; what leads above its beginning is dropped.
pub fn normalized(path: &Utf8Path) -> Utf8PathBuf {
    let mut normalized = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            Utf8Component::ParentDir => {
                normalized.pop();
            }
            Utf8Component::CurDir => {}
            other => normalized.push(other),
        }
    }
    normalized
}
