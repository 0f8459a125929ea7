//! `Cargo.lock` for the changed workspace: new packages added, existing versions kept.

mod gathered;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use camino::Utf8Path;
use toml_edit::{Array, DocumentMut};

use super::Skeleton;
use super::cargo::{cargo, not_started};
use crate::changes::ChangeSet;
use crate::diagnostic::{Diagnostic, Result};
use crate::workspace::{self, Locked, Workspace};
use gathered::Gathered;

/// What it takes to resolve the lock file of a changed workspace, on any thread.
pub struct Resolution<'w> {
    root: &'w Utf8Path,
    before: &'w str,
    changes: ChangeSet,
    gathered: Option<Gathered<'w>>,
}

impl<'w> Resolution<'w> {
    /// For the workspace as `changes` makes it.
    ///
    /// # Errors
    /// Defects of calve.
    pub fn of(workspace: &'w Workspace, changes: &ChangeSet) -> Result<Self> {
        Ok(Self {
            root: &workspace.root,
            before: &workspace.lock,
            changes: changes.clone(),
            gathered: Gathered::of(workspace, changes)?,
        })
    }

    /// The new lock file, as [`resolve_lock`] makes it.
    ///
    /// # Errors
    /// As for [`resolve_lock`], and `scratch-failed`.
    pub fn run(&self) -> Result<String> {
        // Where that fails, cargo says of the whole workspace why.
        match self.gathered.as_ref().and_then(|gathered| self.resolve_gathered(gathered)) {
            Some(lock) => Ok(lock),
            None => resolve_lock(Skeleton::of(self.root, &self.changes)?.root(), self.before)
                .map_err(|refusal| {
                    // What cargo has against the workspace as it was comes first.
                    workspace::cargo_refuses(self.root).unwrap_or(refusal)
                }),
        }
    }

    fn resolve_gathered(&self, gathered: &Gathered<'_>) -> Option<String> {
        let skeleton = Skeleton::of(self.root, &gathered.changes).ok()?;
        let root = skeleton.root();
        let completed =
            completed(root, &gathered.asking()).map_or_else(|| update(root), Ok).ok()?;
        let resolved = with_versions_kept(completed, root, self.before, gathered.locked()).ok()?;
        Some(with_line_ends_of(self.before, gathered.whole(&resolved)?))
    }
}

/// Has cargo bring `Cargo.lock` in the scratch copy of the workspace at `root` up to date, from what is
/// on this machine first, with the network if that is not enough. `before` is the user's lock. Returns
/// the new text with the line ends that `before` has. An entry may disappear when nothing needs it any
/// more; none may change its version or checksum: a new package is taken in an older version rather.
///
/// # Errors
/// `lock-failed` with what cargo said; `lock-changed` with the versions that would move.
pub fn resolve_lock(root: &Utf8Path, before: &str) -> Result<String> {
    let after = update(root)?;
    with_versions_kept(after, root, before, &parsed(before)?)
}

/// `after` is what cargo made of `before`, which says `locked`; see [`resolve_lock`].
fn with_versions_kept(
    mut after: String,
    root: &Utf8Path,
    before: &str,
    locked: &Locked,
) -> Result<String> {
    let moved = moved(locked, &parsed(&after)?);
    let (mut still, mut held) = (moved.clone(), BTreeSet::new());
    // What is held may move something else.
    while !still.is_empty() {
        let more = still.iter().filter(|m| held.insert((*m).clone())).count();
        let resolved = (more > 0).then(|| holding(&held, root, before)).transpose()?.flatten();
        let Some(resolved) = resolved else { return Err(lock_changed(&moved)) };
        after = resolved;
        still = self::moved(locked, &parsed(&after)?);
    }
    Ok(with_line_ends_of(before, after))
}

fn with_line_ends_of(before: &str, after: String) -> String {
    let after = after.replace("\r\n", "\n");
    if before.contains("\r\n") { after.replace('\n', "\r\n") } else { after }
}

/// The lock file as cargo completes it from what is on this machine, before it lists the files of
/// `package`, a member without dependencies of the workspace's own. None where it does not.
///
/// `cargo update` completes it as well, and then reads what versions there are of every package in it,
/// which takes about as long again.
fn completed(root: &Utf8Path, package: &str) -> Option<String> {
    let run = cargo(root)
        .args(["package", "--list", "--allow-dirty", "--offline", "--quiet"])
        .args(["--package", package])
        .output()
        .ok()?;
    let lock = fs::read_to_string(root.join("Cargo.lock")).ok()?;
    let has_package = lock.contains(&format!("\nname = \"{package}\"\n"));
    (run.status.success() && has_package).then_some(lock)
}

/// The lock file as cargo completes it.
fn update(root: &Utf8Path) -> Result<String> {
    workspace::update(root, &[]).map_err(|error| not_started(&error))?.map_err(|said| {
        Diagnostic::error("lock-failed", "cargo cannot resolve the changed workspace")
            .note(said)
            .help("check that the registry can be reached, then run the command again")
    })?;
    fs::read_to_string(root.join("Cargo.lock")).map_err(|e| not_usable("read the new", &e))
}

/// The lock file if the packages in `held` keep their versions; none if that cannot be.
///
/// Of a new package cargo takes the newest version, and raises what is locked when that one asks for
/// it. So a member that is there for this resolution alone wants exactly what was locked.
fn holding(held: &BTreeSet<Moved>, root: &Utf8Path, before: &str) -> Result<Option<String>> {
    let (manifest, lock) = (root.join("Cargo.toml"), root.join("Cargo.lock"));
    let text = fs::read_to_string(&manifest).map_err(|e| not_usable("hold the versions of", &e))?;
    let Ok(mut workspace) = text.parse::<DocumentMut>() else { return Ok(None) };
    let members = workspace["workspace"]["members"].or_insert(Array::new().into());
    let Some(members) = members.as_array_mut() else { return Ok(None) };
    members.push(HOLDER);
    let mut holder = format!(
        "[package]\nname = \"{HOLDER}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[dependencies]\n"
    );
    for (index, held) in held.iter().enumerate() {
        holder.push_str(&format!(
            "held-{index} = {{ package = \"{}\", version = \"={}\", default-features = false }}\n",
            held.name, held.from
        ));
    }
    let folder = root.join(HOLDER);
    #[expect(clippy::disallowed_methods, reason = "the scratch copy's own")]
    let laid = || {
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("src/lib.rs"), "")?;
        fs::write(folder.join("Cargo.toml"), &holder)?;
        fs::write(&manifest, workspace.to_string())?;
        fs::write(&lock, before)
    };
    laid().map_err(|e| not_usable("hold the versions of", &e))?;
    let resolved = update(root);
    #[expect(clippy::disallowed_methods, reason = "the scratch copy's own")]
    let taken_back = fs::write(&manifest, &text).and_then(|()| fs::remove_dir_all(&folder));
    taken_back.map_err(|e| not_usable("hold the versions of", &e))?;
    if resolved.is_err() {
        return Ok(None);
    }
    // Without the holder, and with what it brought: locked versions stay.
    update(root).map(Some)
}

/// The package that holds versions; no user's package is called that.
const HOLDER: &str = "calve-holds-versions";

fn not_usable(what: &str, error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::error("lock-failed", format!("cannot {what} `Cargo.lock`: {error}")).into()
}

fn parsed(lock: &str) -> Result<Locked> {
    let no_lock = || Diagnostic::error("bad-lock", "`Cargo.lock` is not a lock file of cargo");
    Locked::parse(lock).ok_or_else(|| no_lock().into())
}

/// Name, source, version and checksum of every package in a lock.
fn packages(lock: &Locked) -> BTreeSet<(&str, Option<&str>, &semver::Version, Option<&str>)> {
    let packages = lock.package.iter();
    packages.map(|p| (&*p.name, p.source.as_deref(), &p.version, p.checksum.as_deref())).collect()
}

/// A package of the lock before that stands in the one after with another version instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Moved {
    name: String,
    from: String,
    to: String,
}

fn moved(before: &Locked, after: &Locked) -> Vec<Moved> {
    let (before, after) = (packages(before), packages(after));
    let mut new = BTreeMap::new();
    for (name, _, to, _) in after.difference(&before) {
        new.entry(name).or_insert(to);
    }
    let mut moved = Vec::new();
    for (name, _, from, _) in before.difference(&after) {
        if let Some(to) = new.get(name) {
            let (from, to) = (from.to_string(), to.to_string());
            moved.push(Moved { name: (*name).to_owned(), from, to });
        }
    }
    moved
}

fn lock_changed(moved: &[Moved]) -> Box<Diagnostic> {
    let mut error = Diagnostic::error(
        "lock-changed",
        "the new packages do not fit the versions in `Cargo.lock`",
    );
    let mut update = "cargo update".to_owned();
    for Moved { name, from, to } in moved {
        update.push_str(&format!(" -p {name}@{from}"));
        error = error.note(format!("`{name}` {from} would become {to}"));
    }
    error.help(format!("run `{update}` in a commit of its own, then extract")).into()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write the workspaces that they lock")]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    const HEAD: &str = "version = 4\n";

    fn moved(before: &str, after: &str) -> Vec<Moved> {
        super::moved(&parsed(before).unwrap(), &parsed(after).unwrap())
    }

    fn entry(name: &str, version: &str, checksum: &str) -> String {
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"r\"\nchecksum = \"{checksum}\"\n"
        )
    }

    #[test]
    fn packages_may_come_and_go_but_not_move() {
        let before = format!("{HEAD}{}{}", entry("a", "1.0.0", "x"), entry("b", "1.0.0", "y"));
        let second = format!("{before}{}", entry("a", "2.0.0", "z"));
        assert_eq!(moved(&before, &second), Vec::new());
        let fewer = format!("{HEAD}{}", entry("a", "1.0.0", "x"));
        assert_eq!(moved(&before, &fewer), Vec::new());

        let raised = format!("{HEAD}{}{}", entry("a", "1.0.1", "w"), entry("b", "1.0.0", "y"));
        let error = lock_changed(&moved(&before, &raised));
        assert_eq!(
            (error.code, error.notes.as_slice()),
            ("lock-changed", &["`a` 1.0.0 would become 1.0.1".to_owned()][..])
        );
        assert!(error.help.unwrap().contains("`cargo update -p a@1.0.0`"));
        let swapped = before.replace("\"x\"", "\"other\"");
        assert_eq!(moved(&before, &swapped).len(), 1);
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

    #[test]
    fn a_new_package_comes_in_a_version_that_moves_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(temp.path().to_owned()).unwrap();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let package = |dir: &str, name: &str, version: &str, needs: &str| {
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n[dependencies]\n{needs}\n"
            );
            write(&format!("{dir}/Cargo.toml"), &manifest);
            write(&format!("{dir}/src/lib.rs"), "");
            write(&format!("{dir}/.cargo-checksum.json"), r#"{"files":{},"package":"00"}"#);
        };
        write(
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\ndirectory = \"vendor\"\n",
        );
        write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"app\"]\n");
        package("vendor/old-base", "base", "1.0.0", "");
        package("app", "app", "0.1.0", "base = \"1\"");
        let before = resolve_lock(&root, HEAD).unwrap();

        package("vendor/new-base", "base", "1.0.1", "");
        package("vendor/old-tool", "tool", "1.0.0", "base = \"1\"");
        package("vendor/new-tool", "tool", "1.1.0", "base = \"1.0.1\"");
        package("app", "app", "0.1.0", "base = \"1\"\ntool = \"1\"");
        let after = resolve_lock(&root, &before).unwrap();
        assert!(after.contains("name = \"tool\"\nversion = \"1.0.0\""), "{after}");
        assert_eq!(moved(&before, &after), Vec::new());
        assert!(!after.contains(HOLDER), "{after}");
        assert!(!root.join(HOLDER).exists());
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        assert!(!manifest.contains(HOLDER), "{manifest}");

        package("app", "app", "0.1.0", "base = \"1\"\ntool = \"1.1\"");
        let error = resolve_lock(&root, &before).unwrap_err();
        assert_eq!(error.code, "lock-changed");
        assert_eq!(error.notes, ["`base` 1.0.0 would become 1.0.1"]);
    }
}
