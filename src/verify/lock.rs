//! `Cargo.lock` for the changed workspace: new packages added, existing versions kept.

use std::collections::BTreeSet;
use std::fs;

use camino::Utf8Path;
use toml_edit::DocumentMut;

use super::cargo::{cargo, not_started};
use crate::diagnostic::{Diagnostic, Result};

/// Has cargo bring `Cargo.lock` in the scratch copy of the workspace at `root` up to date, from what is
/// on this machine first, with the network if that is not enough. `before` is the user's lock. Returns
/// the new text with the line ends that `before` has. An entry may disappear when nothing needs it any
/// more; none may change its version or checksum.
///
/// # Errors
/// `lock-failed` with what cargo said; `lock-changed` with the versions that would move.
pub fn resolve_lock(root: &Utf8Path, before: &str) -> Result<String> {
    // `--workspace` touches members alone and downloads no sources; a plain `cargo update` would raise
    // every version, `cargo metadata` wants the sources of all platforms.
    let mut said = String::new();
    let mut resolved = false;
    for network in [&["--offline"][..], &[]] {
        let run = cargo(root)
            .args(["update", "--workspace", "--quiet"])
            .args(network)
            .output()
            .map_err(|e| not_started(&e))?;
        resolved = run.status.success();
        if resolved {
            break;
        }
        said = String::from_utf8_lossy(&run.stderr).trim().to_owned();
    }
    if !resolved {
        return Err(Diagnostic::error("lock-failed", "cargo cannot resolve the changed workspace")
            .note(said)
            .help("check that the registry can be reached, then run the command again")
            .into());
    }
    let after = fs::read_to_string(root.join("Cargo.lock")).map_err(|e| {
        Diagnostic::error("lock-failed", format!("cannot read the new `Cargo.lock`: {e}"))
    })?;
    kept(before, &after)?;
    let after = after.replace("\r\n", "\n");
    Ok(if before.contains("\r\n") { after.replace('\n', "\r\n") } else { after })
}

/// Name, source and version with checksum of every package in a lock.
fn packages(lock: &str) -> Result<BTreeSet<(String, String, String)>> {
    let lock: DocumentMut = lock.parse().map_err(|e: toml_edit::TomlError| {
        Diagnostic::error("bad-lock", "`Cargo.lock` is not valid TOML").note(e.message())
    })?;
    let tables = lock.get("package").and_then(|item| item.as_array_of_tables());
    Ok(tables
        .into_iter()
        .flatten()
        .map(|table| {
            let text =
                |key: &str| table.get(key).and_then(|item| item.as_str()).unwrap_or_default();
            let version = format!("{} {}", text("version"), text("checksum"));
            (text("name").to_owned(), text("source").to_owned(), version.trim_end().to_owned())
        })
        .collect())
}

/// # Errors
/// `lock-changed` when a package of `before` stands in `after` with another version instead.
fn kept(before: &str, after: &str) -> Result<()> {
    let (before, after) = (packages(before)?, packages(after)?);
    let mut moved = Vec::new();
    let mut update = "cargo update".to_owned();
    for old in before.difference(&after) {
        let same = |new: &&(String, String, String)| new.0 == old.0;
        if let Some(new) = after.difference(&before).find(same) {
            let version = |entry: &str| entry.split(' ').next().unwrap_or_default().to_owned();
            let (from, to) = (version(&old.2), version(&new.2));
            update.push_str(&format!(" -p {}@{from}", old.0));
            moved.push(format!("`{}` {from} would become {to}", old.0));
        }
    }
    if moved.is_empty() {
        return Ok(());
    }
    let mut error = Diagnostic::error(
        "lock-changed",
        "the new packages do not fit the versions in `Cargo.lock`",
    );
    for line in moved {
        error = error.note(line);
    }
    Err(error.help(format!("run `{update}` in a commit of its own, then extract")).into())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write the workspaces that they lock")]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    const HEAD: &str = "version = 4\n";

    fn entry(name: &str, version: &str, checksum: &str) -> String {
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"r\"\nchecksum = \"{checksum}\"\n"
        )
    }

    #[test]
    fn packages_may_come_and_go_but_not_move() {
        let before = format!("{HEAD}{}{}", entry("a", "1.0.0", "x"), entry("b", "1.0.0", "y"));
        let second = format!("{before}{}", entry("a", "2.0.0", "z"));
        assert_eq!(kept(&before, &second), Ok(()));
        assert_eq!(kept(&before, &format!("{HEAD}{}", entry("a", "1.0.0", "x"))), Ok(()));

        let raised = format!("{HEAD}{}{}", entry("a", "1.0.1", "w"), entry("b", "1.0.0", "y"));
        let error = kept(&before, &raised).unwrap_err();
        assert_eq!(
            (error.code, error.notes.as_slice()),
            ("lock-changed", &["`a` 1.0.0 would become 1.0.1".to_owned()][..])
        );
        assert!(error.help.unwrap().contains("`cargo update -p a@1.0.0`"));
        let swapped = before.replace("\"x\"", "\"other\"");
        assert_eq!(kept(&before, &swapped).unwrap_err().code, "lock-changed");
    }

    #[test]
    fn cargo_adds_new_members_and_line_ends_stay() {
        let temp = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(temp.path().to_owned()).unwrap();
        let package = |name: &str, rest: &str| {
            fs::create_dir_all(root.join(name).join("src")).unwrap();
            fs::write(root.join(name).join("src/lib.rs"), "").unwrap();
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}"
            );
            fs::write(root.join(name).join("Cargo.toml"), manifest).unwrap();
        };
        let members = |members: &str| {
            fs::write(
                root.join("Cargo.toml"),
                format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n"),
            )
            .unwrap();
        };
        package("a", "");
        members("\"a\"");
        let before = resolve_lock(&root, HEAD).unwrap();
        assert!(before.contains("name = \"a\""), "{before}");

        package("b", "[dependencies]\na = { path = \"../a\" }\n");
        members("\"a\", \"b\"");
        let windows = before.replace('\n', "\r\n");
        fs::write(root.join("Cargo.lock"), &windows).unwrap();
        let after = resolve_lock(&root, &windows).unwrap();
        assert!(
            after.contains(
                "name = \"b\"\r\nversion = \"0.1.0\"\r\ndependencies = [\r\n \"a\",\r\n]\r\n"
            ),
            "{after:?}"
        );
        assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());

        package("b", "[dependencies]\na = { path = \"../nowhere\" }\n");
        let error = resolve_lock(&root, &after).unwrap_err();
        assert_eq!(error.code, "lock-failed");
        assert!(error.notes[0].contains("nowhere"), "{error:?}");
    }
}
