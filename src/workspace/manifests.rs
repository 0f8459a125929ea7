//! The workspace as its manifests describe it, read without cargo: work can begin while cargo still reads,
//! or without it. Where it is not sure that cargo says the same, that is said too.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::cargo_platform::Platform;
use cargo_toml::{DepsSet, Manifest, OptionalFile, Product};
use rayon::prelude::*;
use semver::Version;

use super::layout::Layout;
use super::plain::{is_plain, is_plain_root};
use super::{Dependency, DependencyKind, Member, Target, TargetKind, normalized};

impl Layout {
    /// Of the workspace at `root`, whose manifest says `manifest`.
    pub(super) fn of_manifests(root: &Utf8Path, manifest: &str) -> Option<Self> {
        let top = Manifest::from_str(manifest).ok()?;
        let workspace = top.workspace.as_ref()?;
        let mut open: Vec<Utf8PathBuf> = Vec::new();
        if top.package.is_some() {
            open.push(Utf8PathBuf::new());
        }
        for pattern in &workspace.members {
            open.extend(folders(root, pattern)?);
        }
        // What `members` names is one, also where `exclude` says otherwise.
        let under = |dir: &Utf8Path, list: &[String]| {
            list.iter().any(|folder| dir.starts_with(normalized(Utf8Path::new(folder))))
        };
        let is_excluded =
            |dir: &Utf8Path| under(dir, &workspace.exclude) && !under(dir, &workspace.members);
        let mut members: BTreeMap<Utf8PathBuf, Member> = BTreeMap::new();
        let mut is_sure = is_plain_root(root, manifest);
        while !open.is_empty() {
            open.sort();
            open.dedup();
            open.retain(|dir| !members.contains_key(dir) && !is_excluded(dir));
            let read = open.par_iter().map(|dir| Some((dir.clone(), member(root, dir, &top)?)));
            let read: Vec<(Utf8PathBuf, (Member, bool))> = read.collect::<Option<_>>()?;
            // A package on a path below the root is a member without being listed.
            let needed = read.iter().flat_map(|(_, (member, _))| &member.dependencies);
            let paths = needed.filter_map(|dependency| dependency.path.as_ref());
            open = paths
                .map(|path| Some(path.strip_prefix(root).ok()?.to_owned()))
                .collect::<Option<_>>()?;
            for (dir, (member, is_plain)) in read {
                is_sure &= is_plain;
                members.insert(dir, member);
            }
        }
        let members = members.into_values().collect();
        Some(Self::new(members, target_directory(root)?, Vec::new(), is_sure))
    }
}

/// The folders that an entry of `members` means, relative to the root.
fn folders(root: &Utf8Path, pattern: &str) -> Option<Vec<Utf8PathBuf>> {
    if !pattern.contains(['*', '?', '[']) {
        return Some(vec![normalized(Utf8Path::new(pattern))]);
    }
    let mut found = Vec::new();
    let escaped = Utf8PathBuf::from(glob::Pattern::escape(root.as_str()));
    for path in glob::glob(escaped.join(pattern).as_str()).ok()? {
        let path = Utf8PathBuf::from_path_buf(path.ok()?).ok()?;
        if path.join("Cargo.toml").is_file() {
            found.push(normalized(path.strip_prefix(root).ok()?));
        } else if path.is_dir() {
            // Cargo wants one in each.
            return None;
        }
    }
    // `**` is not for cargo, and something must be there.
    (!found.is_empty() && !pattern.contains("**")).then_some(found)
}

/// With whether its manifest is plain.
fn member(root: &Utf8Path, dir: &Utf8Path, top: &Manifest) -> Option<(Member, bool)> {
    let folder = root.join(dir);
    let manifest = dir.join("Cargo.toml");
    let text = std::fs::read_to_string(root.join(&manifest)).ok()?;
    let mut read = Manifest::from_str(&text).ok()?;
    read.complete_from_path_and_workspace(
        root.join(&manifest).as_std_path(),
        Some((top, root.as_std_path())),
    )
    .ok()?;
    let package = read.package.as_ref()?;
    let rust_version = match &package.rust_version {
        Some(version) => Some(full_version(version.get().ok()?)?),
        None => None,
    };
    let dependencies = dependencies(&folder, &read)?;
    let metadata = package.metadata.as_ref().and_then(|metadata| metadata.get("calve"));
    let member = Member {
        name: package.name.clone(),
        version: package.version.get().ok()?.clone(),
        dir: dir.to_owned(),
        manifest,
        edition: package.edition.get().ok()?.to_string(),
        rust_version,
        targets: targets(dir, &read)?,
        features: features(&read, &dependencies),
        dependencies,
        metadata: metadata
            .map_or(Some(serde_json::Value::Null), |m| serde_json::to_value(m).ok())?,
    };
    let is_plain = is_plain(root, &text, &member);
    Some((member, is_plain))
}

/// `1.85.0` of `1.85`.
fn full_version(text: &str) -> Option<String> {
    let missing = 2_usize.checked_sub(text.matches('.').count())?;
    let version = Version::parse(&format!("{text}{}", ".0".repeat(missing))).ok()?;
    Some(version.to_string())
}

/// In cargo's order.
fn targets(dir: &Utf8Path, read: &Manifest) -> Option<Vec<Target>> {
    let target = |kind, product: &Product| {
        Some(Target {
            kind,
            name: product.name.clone()?,
            root: normalized(&dir.join(product.path.as_ref()?)),
        })
    };
    let mut targets = Vec::new();
    if let Some(library) = &read.lib {
        let is_rust = |kind: &String| matches!(kind.as_str(), "lib" | "rlib" | "proc-macro");
        if library.proc_macro || library.crate_type.iter().any(is_rust) {
            targets.push(target(TargetKind::Lib, library)?);
        }
    }
    for (kind, products) in [
        (TargetKind::Bin, &read.bin),
        (TargetKind::Example, &read.example),
        (TargetKind::Test, &read.test),
        (TargetKind::Bench, &read.bench),
    ] {
        for product in products {
            targets.push(target(kind, product)?);
        }
    }
    match &read.package.as_ref()?.build {
        Some(OptionalFile::Path(path)) => {
            let path = Utf8Path::from_path(path)?;
            targets.push(Target {
                kind: TargetKind::Build,
                name: format!("build-script-{}", path.file_stem()?),
                root: normalized(&dir.join(path)),
            });
        }
        Some(OptionalFile::Flag(true)) => return None,
        _ => {}
    }
    Some(targets)
}

/// In cargo's order.
fn dependencies(folder: &Utf8Path, read: &Manifest) -> Option<Vec<Dependency>> {
    let mut found = Vec::new();
    let mut take = |set: &DepsSet, kind, target: Option<&str>| {
        for (key, dependency) in set {
            found.push(self::dependency(folder, key, dependency, kind, target)?);
        }
        Some(())
    };
    take(&read.dependencies, DependencyKind::Normal, None)?;
    take(&read.dev_dependencies, DependencyKind::Dev, None)?;
    take(&read.build_dependencies, DependencyKind::Build, None)?;
    for (platform, tables) in &read.target {
        let platform = Platform::from_str(platform).ok()?.to_string();
        take(&tables.dependencies, DependencyKind::Normal, Some(&platform))?;
        take(&tables.build_dependencies, DependencyKind::Build, Some(&platform))?;
        take(&tables.dev_dependencies, DependencyKind::Dev, Some(&platform))?;
    }
    Some(found)
}

fn dependency(
    folder: &Utf8Path,
    key: &str,
    dependency: &cargo_toml::Dependency,
    kind: DependencyKind,
    target: Option<&str>,
) -> Option<Dependency> {
    let req = dependency.try_req().ok()?;
    let detail = dependency.detail();
    let path = detail.and_then(|detail| detail.path.as_deref());
    Some(Dependency {
        key: key.to_owned(),
        package: dependency.package().unwrap_or(key).to_owned(),
        req: req.to_string(),
        kind,
        optional: dependency.optional(),
        default_features: detail.is_none_or(|detail| detail.default_features),
        features: dependency.req_features().to_vec(),
        target: target.map(str::to_owned),
        path: path.map(|path| normalized(&folder.join(path))),
        is_git: detail.is_some_and(|detail| detail.git.is_some()),
    })
}

/// Those of the table, and those that optional dependencies make.
fn features(read: &Manifest, dependencies: &[Dependency]) -> BTreeMap<String, Vec<String>> {
    let mut features: BTreeMap<String, Vec<String>> =
        read.features.iter().map(|(name, list)| (name.clone(), list.clone())).collect();
    let named: BTreeSet<String> = features
        .values()
        .flatten()
        .filter_map(|feature| feature.strip_prefix("dep:"))
        .map(str::to_owned)
        .collect();
    for dependency in dependencies.iter().filter(|d| d.optional && !named.contains(&d.key)) {
        let feature = vec![format!("dep:{}", dependency.key)];
        features.entry(dependency.key.clone()).or_insert(feature);
    }
    features
}

/// Where cargo builds: what the environment says, or the nearest configuration that does.
fn target_directory(root: &Utf8Path) -> Option<Utf8PathBuf> {
    for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"] {
        if let Ok(dir) = std::env::var(name) {
            return camino::absolute_utf8(dir).ok();
        }
    }
    let here = camino::absolute_utf8(".").ok()?;
    let home = std::env::var("CARGO_HOME").map(Utf8PathBuf::from);
    let home =
        home.or_else(|_| std::env::var("HOME").map(|home| Utf8Path::new(&home).join(".cargo")));
    let folders = here.ancestors().map(|dir| dir.join(".cargo")).chain(home.ok());
    let configured = folders.into_iter().find_map(|folder| {
        let text = ["config", "config.toml"]
            .iter()
            .find_map(|name| std::fs::read_to_string(folder.join(name)).ok())?;
        let config = text.parse::<toml_edit::Document<String>>().ok()?;
        let dir = config.get("build")?.get("target-dir")?.as_str()?;
        Some(normalized(&folder.parent()?.join(dir)))
    });
    Some(configured.unwrap_or_else(|| root.join("target")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_cargo(root: &Utf8Path) -> Layout {
        let mut command = cargo_metadata::MetadataCommand::new();
        let said = command.manifest_path(root.join("Cargo.toml")).no_deps().exec().unwrap();
        Layout::of_metadata(root, &said).unwrap()
    }

    fn assert_same(root: &Utf8Path) {
        let text = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
        let (ours, cargos) = (Layout::of_manifests(root, &text).unwrap(), by_cargo(root));
        assert_eq!(ours.members, cargos.members, "{root}");
        assert_eq!(ours.target_directory, cargos.target_directory, "{root}");
    }

    #[test]
    fn whole_monoliths_are_read_as_cargo_reads_them() {
        let fixtures = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        for name in ["shop", "market", "archive", "depot", "forms", "measures", "ports", "roots"] {
            assert_same(&fixtures.join(name));
            let text = std::fs::read_to_string(fixtures.join(name).join("Cargo.toml")).unwrap();
            assert!(Layout::of_manifests(&fixtures.join(name), &text).unwrap().is_sure, "{name}");
        }
    }

    #[test]
    fn so_is_what_few_manifests_say() {
        let temp = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(temp.path().canonicalize().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test sets its own stage")]
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "Cargo.toml",
            r#"[package]
name = "the-app"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
default-run = "the-app"
[dependencies]
found = { path = "libs/found" }
[workspace]
members = ["crates/*", "./more/one", "deep/nested/inner"]
exclude = ["crates/out", "deep"]
[workspace.package]
version = "0.3.0"
edition = "2021"
rust-version = "1.85"
[workspace.dependencies]
one = { path = "more/one", default-features = false, features = ["base"] }
serde = "1.0.100"
"#,
        );
        write("src/main.rs", "fn main() {}");
        write("src/bin/second.rs", "fn main() {}");
        write("src/bin/third/main.rs", "fn main() {}");
        write("src/bin/third/part.rs", "");
        write("tests/outer.rs", "");
        write("tests/common/mod.rs", "");
        write("tests/folder/main.rs", "");
        write("examples/shown.rs", "fn main() {}");
        write("benches/timed.rs", "fn main() {}");
        write(
            "crates/alpha/Cargo.toml",
            r#"[package]
name = "alpha"
version = "0.1.0"
autotests = false
build = "make.rs"
[package.metadata.calve]
trait = "Alpha"
samples = { Id = [1, 2] }
[lib]
name = "first"
crate-type = ["cdylib", "rlib"]
path = "code/lib.rs"
[[bin]]
name = "named"
[[test]]
name = "only"
path = "checks/only.rs"
[features]
default = ["std"]
std = ["dep:serde", "one/more"]
[dependencies]
one = { workspace = true, features = ["more"], optional = true }
serde = { workspace = true, optional = true }
zeta = { package = "json", version = "=1.2.3", path = "../json" }
range = { package = "found", version = ">=0.1, <3", path = "../../libs/found" }
[dev-dependencies]
found = { path = "../../libs/found/" }
[build-dependencies]
found = { path = "./../../libs/./found" }
[target.'cfg( all(unix,  not(windows)) )'.dependencies]
found-again = { package = "found", path = "../../libs/found" }
[target.x86_64-unknown-linux-gnu.dev-dependencies]
one.workspace = true
"#,
        );
        write("crates/alpha/code/lib.rs", "");
        write("crates/alpha/make.rs", "fn main() {}");
        write("crates/alpha/src/bin/named.rs", "fn main() {}");
        write("crates/alpha/checks/only.rs", "");
        write("crates/alpha/tests/unseen.rs", "");
        write("crates/README.md", "no package");
        write("crates/out/Cargo.toml", "[package]\nname = \"out\"\n");
        write(
            "deep/nested/inner/Cargo.toml",
            "[package]\nname = \"inner\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[lib]\nproc-macro = true\n",
        );
        write("deep/nested/inner/src/lib.rs", "");
        write(
            "crates/json/Cargo.toml",
            "[package]\nname = \"json\"\nversion = \"1.2.3\"\nrust-version = \"1.70.1\"\n[lib]\ncrate-type = [\"staticlib\"]\n",
        );
        write("crates/json/src/lib.rs", "");
        write("crates/json/build.rs", "fn main() {}");
        write(
            "more/one/Cargo.toml",
            "[package]\nname = \"one\"\nversion.workspace = true\n[features]\nbase = []\nmore = []\n",
        );
        write("more/one/src/lib.rs", "");
        write("more/one/src/main.rs", "fn main() {}");
        write(
            "libs/found/Cargo.toml",
            "[package]\nname = \"found\"\nversion = \"0.2.0\"\nbuild = false\n",
        );
        write("libs/found/src/lib.rs", "");
        write("libs/found/build.rs", "fn main() {}");
        assert_same(&root);
        assert_eq!(by_cargo(&root).members.len(), 6);

        write(".cargo/config.toml", "[build]\ntarget-dir = \"elsewhere\"\n");
        assert_eq!(
            Layout::of_manifests(&root, "[workspace]\nmembers = []\n").unwrap().members.len(),
            0
        );
    }

    #[test]
    fn what_cannot_be_told_is_for_cargo() {
        let root = Utf8Path::new("/nowhere");
        for manifest in [
            "not a manifest",
            "[package]\nname = \"alone\"\n",
            "[workspace]\nmembers = [\"gone\"]\n",
        ] {
            assert!(Layout::of_manifests(root, manifest).is_none(), "{manifest}");
        }
    }
}
