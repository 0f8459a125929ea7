//! Paths between folders of a workspace, by their names alone.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

/// The way from one folder to another, with `/` between its parts on every system; `.` when they
/// are the same. Both are relative to the same folder, or both absolute; the disk is not asked.
pub fn relative(from_dir: impl AsRef<Utf8Path>, to_dir: impl AsRef<Utf8Path>) -> Utf8PathBuf {
    let (from, to) = (parts(from_dir.as_ref()), parts(to_dir.as_ref()));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - shared);
    let way: Vec<&str> = up.chain(to[shared..].iter().copied()).collect();
    if way.is_empty() { ".".into() } else { way.join("/").into() }
}

fn parts(path: &Utf8Path) -> Vec<&str> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other.as_str()),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_goes_up_to_the_shared_folder_and_down_again() {
        for (from, to, way) in [
            ("services/inventory/client", "modules/inventory", "../../../modules/inventory"),
            ("services/inventory", "services/inventory/wire", "wire"),
            ("services/inventory/wire", "services/inventory", ".."),
            ("", "app", "app"),
            ("app", "", ".."),
            ("./app/", "app", "."),
            ("a/../b", "b/c", "c"),
            ("../x", "../y", "../y"),
            ("/ws/app", "/ws/kernel", "../kernel"),
        ] {
            assert_eq!(relative(from, to), way, "{from} -> {to}");
        }
    }
}
