//! The lock file by a resolution whose cost follows the change. The members that stay as they are ask
//! for what is locked, all of them in one package: cargo then reads the changed manifests and that one.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};

use crate::changes::{ChangeSet, FileChange, TextEdit};
use crate::diagnostic::Result;
use crate::workspace::{Dependency, Locked, LockedPackage, Member, Workspace};

/// Where the packages stand that ask for others, and how they are called.
const GATHERED: &str = "calve-gathered";

/// A workspace for cargo, and how its lock file becomes that of the whole.
pub(super) struct Gathered<'w> {
    /// The changes, and those that leave the other members out.
    pub(super) changes: ChangeSet,
    locked: &'w Locked,
    /// Names of the members whose entries stay.
    unchanged: BTreeSet<&'w str>,
}

impl<'w> Gathered<'w> {
    /// None where the lock file holds something that a manifest cannot ask for like that: a patch, a git
    /// repository, a path package that is no member.
    ///
    /// # Errors
    /// Defects of calve.
    pub(super) fn of(workspace: &'w Workspace, changes: &ChangeSet) -> Result<Option<Self>> {
        let Some(locked) = workspace.locked.as_ref().filter(|l| is_plain(l, workspace)) else {
            return Ok(None);
        };
        let is_manifest = |path: &Utf8Path| path.file_name() == Some("Cargo.toml");
        let manifests = || changes.iter().filter(|(path, _)| is_manifest(path));
        let is_changed = |member: &&Member| {
            member.dir.as_str().is_empty() || manifests().any(|(path, _)| path == member.manifest)
        };
        let (changed, unchanged): (Vec<&Member>, Vec<&Member>) =
            workspace.members.iter().partition(is_changed);
        let mut new = Vec::new();
        for (path, change) in manifests() {
            match change {
                FileChange::Create { text, .. } => new.push((path, text.as_str())),
                FileChange::Edit { .. } => {}
                FileChange::Delete { .. } => return Ok(None),
            }
        }
        let mut gathered = changes.clone();
        let mut members: Vec<&Utf8Path> = changed
            .iter()
            .map(|m| m.dir.as_path())
            .filter(|dir| !dir.as_str().is_empty())
            .collect();
        members.extend(new.iter().filter_map(|(path, _)| path.parent()));
        let Some(requests) = requests(locked, &unchanged) else { return Ok(None) };
        let minimums: BTreeSet<_> = unchanged.iter().map(|m| m.rust_version.as_deref()).collect();
        let packages = packages(&requests, &minimums);
        for (dir, manifest) in &packages {
            members.push(dir);
            gathered.create(dir.join("Cargo.toml"), manifest)?;
            gathered.create(dir.join("src/lib.rs"), "")?;
        }
        let needed = |member: &&&Member| {
            let asks = |d: &Dependency| d.path.is_some() && d.package == member.name;
            changed.iter().any(|user| user.dependencies.iter().any(asks))
                || new.iter().any(|(_, text)| text.contains(&member.name))
        };
        for member in unchanged.iter().filter(needed) {
            let entry = locked.member(&member.name);
            let (Some(before), Some(entry)) = (workspace.read(&member.manifest), entry) else {
                return Ok(None);
            };
            let text = without_dependencies(member, &entry.version);
            let whole = vec![TextEdit::replace(0..before.len(), text)];
            gathered.edit(&member.manifest, &before, whole)?;
        }
        let root = changes.get(Utf8Path::new("Cargo.toml")).and_then(FileChange::after);
        let root = root.unwrap_or_else(|| workspace.manifest.to_string());
        let Some(root) = with_members(&root, &members) else { return Ok(None) };
        gathered.forget(Utf8Path::new("Cargo.toml"));
        let whole = vec![TextEdit::replace(0..workspace.manifest.len(), root)];
        gathered.edit(Utf8Path::new("Cargo.toml"), &workspace.manifest, whole)?;
        let unchanged = unchanged.into_iter().map(|member| member.name.as_str()).collect();
        Ok(Some(Self { changes: gathered, locked, unchanged }))
    }

    /// The lock file before the changes.
    pub(super) fn locked(&self) -> &Locked {
        self.locked
    }

    /// The package that asks for everything.
    pub(super) fn asking(&self) -> String {
        asking(0)
    }

    /// The lock file of the whole workspace from the one that cargo made of [`Gathered::changes`]; none
    /// if that is not what cargo makes of such a workspace.
    pub(super) fn whole(&self, resolved: &str) -> Option<String> {
        let resolved = Locked::parse(resolved)?;
        let stays = |package: &LockedPackage| {
            package.source.is_none() && self.unchanged.contains(package.name.as_str())
        };
        let stay = self.locked.package.iter().filter(|package| stays(package));
        let mut packages: Vec<(&LockedPackage, Vec<&LockedPackage>)> = Vec::new();
        for (lock, package) in resolved
            .package
            .iter()
            .filter(|package| !stays(package) && !package.name.starts_with(GATHERED))
            .map(|package| (&resolved, package))
            .chain(stay.map(|package| (self.locked, package)))
        {
            packages.push((package, lock.chosen_by(package)?));
        }
        packages.sort();
        let mut whole = Locked {
            version: resolved.version,
            package: packages.iter().map(|(package, _)| (*package).clone()).collect(),
        };
        let names = packages
            .iter()
            .map(|(_, named)| named.iter().map(|package| whole.name_of(package)).collect())
            .collect::<Vec<_>>();
        for (package, names) in whole.package.iter_mut().zip(names) {
            package.dependencies = names;
        }
        Some(whole.to_string())
    }
}

/// The name of one of them.
fn asking(index: usize) -> String {
    format!("{GATHERED}-{index}")
}

/// Whether every package is a member or comes from one registry, and nothing else stands in the file.
fn is_plain(locked: &Locked, workspace: &Workspace) -> bool {
    let mut sources = locked.package.iter().filter_map(|package| package.source.as_deref());
    let first = sources.next();
    let on_paths = locked.package.iter().filter(|package| package.source.is_none());
    first.is_none_or(|first| first.starts_with("registry+"))
        && sources.all(|source| Some(source) == first)
        && on_paths.clone().count() == workspace.members.len()
        && on_paths.into_iter().all(|package| workspace.member(&package.name).is_some())
        && locked.to_string() == workspace.lock.replace("\r\n", "\n")
}

/// What members ask of a registry, they themselves and by features of theirs: features and default
/// features by name and locked version.
type Requests<'w> = BTreeMap<(&'w str, &'w semver::Version), (BTreeSet<&'w str>, bool)>;

/// None where one asks for something that is not locked.
fn requests<'w>(locked: &'w Locked, members: &[&'w Member]) -> Option<Requests<'w>> {
    let mut requests = Requests::new();
    for member in members {
        let chosen = locked.chosen_by(locked.member(&member.name)?)?;
        for dependency in member.dependencies.iter().filter(|d| d.path.is_none()) {
            let wanted = semver::VersionReq::parse(&dependency.req).ok()?;
            let fits = |p: &&&LockedPackage| {
                p.source.is_some() && p.name == dependency.package && wanted.matches(&p.version)
            };
            let mut found = chosen.iter().filter(fits).peekable();
            found.peek()?;
            for package in found {
                let (features, defaults) =
                    requests.entry((&package.name, &package.version)).or_default();
                features.extend(dependency.features.iter().map(String::as_str));
                features.extend(member.features_for(&dependency.key));
                *defaults |= dependency.default_features;
            }
        }
    }
    Some(requests)
}

/// Folders and manifests of the packages that ask. There is one for each minimum Rust version, since
/// cargo prefers versions that suit as many of them as can be; the first asks for all of it.
fn packages(
    requests: &Requests<'_>,
    minimums: &BTreeSet<Option<&str>>,
) -> Vec<(Utf8PathBuf, String)> {
    let mut packages = Vec::new();
    for (index, minimum) in minimums.iter().enumerate() {
        let name = asking(index);
        let mut package = Table::new();
        package["name"] = value(&name);
        package["version"] = value("0.0.0");
        package["edition"] = value("2021");
        if let Some(minimum) = *minimum {
            package["rust-version"] = value(minimum);
        }
        let mut manifest = DocumentMut::new();
        manifest["package"] = Item::Table(package);
        let mut dependencies = Table::new();
        for (number, ((name, version), (features, defaults))) in
            requests.iter().enumerate().filter(|_| index == 0)
        {
            let mut request = InlineTable::new();
            request.insert("package", (*name).into());
            request.insert("version", format!("={version}").into());
            request.insert("default-features", (*defaults).into());
            request.insert("features", features.iter().copied().collect::<Array>().into());
            dependencies[&format!("request-{number}")] = value(request);
        }
        manifest["dependencies"] = Item::Table(dependencies);
        packages.push((Utf8PathBuf::from(name), manifest.to_string()));
    }
    packages
}

/// The manifest of a member that others depend on, with the features that they may ask for.
fn without_dependencies(member: &Member, version: &semver::Version) -> String {
    let mut package = Table::new();
    package["name"] = value(&member.name);
    package["version"] = value(version.to_string());
    package["edition"] = value(&member.edition);
    let mut library = Table::new();
    library["path"] = value(member.lib().map_or("src/lib.rs", |target| {
        target.root.strip_prefix(&member.dir).map_or("src/lib.rs", Utf8Path::as_str)
    }));
    let mut features = Table::new();
    for feature in member.features.keys() {
        features[feature] = value(Array::new());
    }
    let mut manifest = DocumentMut::new();
    manifest["package"] = Item::Table(package);
    manifest["lib"] = Item::Table(library);
    manifest["features"] = Item::Table(features);
    manifest.to_string()
}

/// The root manifest with these members, as folders, and no others.
fn with_members(root: &str, members: &[&Utf8Path]) -> Option<String> {
    let mut manifest: DocumentMut = root.parse().ok()?;
    let workspace = manifest.get_mut("workspace")?.as_table_like_mut()?;
    let list: Array = members.iter().map(|dir| dir.as_str()).collect();
    workspace.insert("members", value(list));
    workspace.remove("default-members");
    Some(manifest.to_string())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write the workspaces that they lock")]
mod tests {
    use std::fs;

    use super::*;
    use crate::verify::lock::completed;
    use crate::verify::{Resolution, Skeleton, resolve_lock};
    use crate::workspace;

    /// A workspace whose registry is a folder, in which `thing` comes in two versions.
    struct Ground {
        _temp: tempfile::TempDir,
        root: Utf8PathBuf,
    }

    impl Ground {
        fn new() -> Self {
            let temp = tempfile::tempdir().unwrap();
            let root = Utf8PathBuf::from_path_buf(temp.path().canonicalize().unwrap()).unwrap();
            let ground = Self { _temp: temp, root };
            ground.write(
                ".cargo/config.toml",
                "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\ndirectory = \"vendor\"\n",
            );
            for (version, rust, needs) in [
                ("1.0.0", "1.60", ""),
                ("1.9.0", "1.90", ""),
                (
                    "2.0.0",
                    "1.60",
                    "[features]\nmore = [\"dep:extra\"]\n[dependencies]\nextra = { version = \"1\", optional = true }\n",
                ),
            ] {
                let folder = format!("vendor/thing-{version}");
                ground.package(
                    &folder,
                    "thing",
                    version,
                    &format!("rust-version = \"{rust}\"\n{needs}"),
                );
            }
            ground.package("vendor/extra", "extra", "1.0.0", "");
            ground.package("vendor/tool", "tool", "1.0.0", "[dependencies]\nthing = \"2\"\n");
            for name in ["base", "far", "near"] {
                ground.package(name, name, "0.1.0", match name {
                    "base" => "rust-version = \"1.70\"\n[features]\nfull = []\n[dependencies]\nthing = \"1\"\n",
                    "far" => {
                        "[features]\nmost = [\"wide?/more\"]\n[dependencies]\nbase = { path = \"../base\" }\n\
                         thing = \">=1, <3\"\nwide = { package = \"thing\", version = \"2\", optional = true }\n"
                    }
                    _ => "[dependencies]\nbase = { path = \"../base\", features = [\"full\"] }\n",
                });
            }
            ground.write(
                "Cargo.toml",
                "[workspace]\nresolver = \"3\"\nmembers = [\"base\", \"far\", \"near\"]\n",
            );
            ground.write("Cargo.lock", &resolve_lock(&ground.root, "version = 4\n").unwrap());
            ground
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn package(&self, folder: &str, name: &str, version: &str, rest: &str) {
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n{rest}"
            );
            self.write(&format!("{folder}/Cargo.toml"), &manifest);
            self.write(&format!("{folder}/src/lib.rs"), "");
            self.write(&format!("{folder}/.cargo-checksum.json"), r#"{"files":{},"package":"00"}"#);
        }

        fn workspace(&self) -> Workspace {
            workspace::load(&self.root.join("Cargo.toml")).unwrap()
        }
    }

    /// `near` needs a new package, and that `needs`.
    fn changes(workspace: &Workspace, needs: &str) -> ChangeSet {
        let mut changes = ChangeSet::default();
        let manifest = format!(
            "[package]\nname = \"fresh\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{needs}\n"
        );
        changes.create("fresh/Cargo.toml", manifest).unwrap();
        changes.create("fresh/src/lib.rs", "").unwrap();
        let mut append = |path: &str, text: &str, at: usize| {
            let before = workspace.read(Utf8Path::new(path)).unwrap();
            let edit = TextEdit::insert(at.min(before.len()), text);
            changes.edit(Utf8Path::new(path), &before, vec![edit]).unwrap();
        };
        append("near/Cargo.toml", "fresh = { path = \"../fresh\" }\n", usize::MAX);
        append("Cargo.toml", "\"fresh\", ", workspace.manifest.find("\"base\"").unwrap());
        changes
    }

    #[test]
    fn the_lock_is_that_of_the_whole_workspace() {
        let ground = Ground::new();
        let workspace = ground.workspace();
        for needs in [
            "base = { path = \"../base\" }",
            "tool = \"1\"\nbase = { path = \"../base\", features = [\"full\"] }",
            "thing = { version = \"2\", features = [\"more\"] }",
            "thing = \"1\"\nfar = { path = \"../far\" }",
        ] {
            let changes = changes(&workspace, needs);
            let whole = Skeleton::of(&workspace.root, &changes).unwrap();
            let whole = resolve_lock(whole.root(), &workspace.lock).unwrap();
            assert_ne!(whole, *workspace.lock);
            let resolution = Resolution::of(&workspace, &changes).unwrap();
            let gathered = resolution.gathered.as_ref().expect("a plain lock file");
            let skeleton = Skeleton::of(&workspace.root, &gathered.changes).unwrap();
            let lock = completed(skeleton.root(), &gathered.asking());
            assert!(lock.is_some_and(|lock| lock.contains("name = \"fresh\"")), "{needs}");
            assert_eq!(resolution.resolve_gathered(gathered).as_ref(), Some(&whole), "{needs}");
            assert_eq!(resolution.run().unwrap(), whole);
        }
    }

    #[test]
    fn cargo_reads_no_member_that_stays() {
        let ground = Ground::new();
        let workspace = ground.workspace();
        let changes = changes(&workspace, "base = { path = \"../base\" }");
        let gathered = Gathered::of(&workspace, &changes).unwrap().unwrap();
        let text = |path: &str| gathered.changes.get(Utf8Path::new(path)).unwrap().after().unwrap();
        let members = "members = [\"near\", \"fresh\", \"calve-gathered-0\", \"calve-gathered-1\"]";
        assert!(text("Cargo.toml").contains(members), "{}", text("Cargo.toml"));
        assert!(!text("base/Cargo.toml").contains("thing"), "{}", text("base/Cargo.toml"));
        assert!(text("calve-gathered-0/Cargo.toml").contains("version = \"=1."));
        assert!(text("calve-gathered-1/Cargo.toml").contains("rust-version = \"1.70.0\""));
        assert!(gathered.changes.get(Utf8Path::new("far/Cargo.toml")).is_none());
    }

    #[test]
    fn a_lock_that_is_not_plain_is_for_cargo_alone() {
        let ground = Ground::new();
        let lock = fs::read_to_string(ground.root.join("Cargo.lock")).unwrap();
        for (what, lock) in [
            ("a patch", format!("{lock}\n[[patch.unused]]\nname = \"p\"\nversion = \"1.0.0\"\n")),
            ("another's words", lock.replacen("It is not", "It is", 1)),
        ] {
            let mut workspace = ground.workspace();
            workspace.locked = Locked::parse(&lock);
            workspace.lock = lock.into();
            let changes = changes(&workspace, "");
            assert!(Gathered::of(&workspace, &changes).unwrap().is_none(), "{what}");
        }
        let mut workspace = ground.workspace();
        let locked = workspace.locked.as_mut().unwrap();
        let source = "git+https://example.com/thing?rev=1#1".to_owned();
        locked.package.iter_mut().find(|p| p.name == "thing").unwrap().source = Some(source);
        workspace.lock = locked.to_string().into();
        assert!(Gathered::of(&workspace, &changes(&workspace, "")).unwrap().is_none(), "git");
    }
}
