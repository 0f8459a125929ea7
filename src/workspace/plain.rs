//! Manifests of which it is sure that they are read here as cargo reads them: nothing stands in them but
//! what is known, and all of it fits together.

use std::collections::BTreeSet;

use camino::Utf8Path;
use toml::{Table, Value};

use super::{Member, Target};

/// Where a key may stand, and what it may be called.
const PACKAGE: &[&str] = &[
    "name",
    "version",
    "edition",
    "rust-version",
    "description",
    "license",
    "license-file",
    "authors",
    "repository",
    "homepage",
    "documentation",
    "readme",
    "keywords",
    "categories",
    "publish",
    "metadata",
    "build",
    "include",
    "exclude",
    "default-run",
    "autobins",
    "autoexamples",
    "autotests",
    "autobenches",
    "autolib",
    "resolver",
];
const TABLES: &[&str] = &[
    "package",
    "lib",
    "bin",
    "example",
    "test",
    "bench",
    "features",
    "lints",
    "target",
    "dependencies",
    "dev-dependencies",
    "build-dependencies",
];
/// Of the root manifest beside those of every other; what replaces packages is not among them.
const ROOT_TABLES: &[&str] = &["workspace", "profile"];
const WORKSPACE: &[&str] = &[
    "members",
    "default-members",
    "exclude",
    "resolver",
    "package",
    "dependencies",
    "lints",
    "metadata",
];
const TARGET: &[&str] = &[
    "name",
    "path",
    "test",
    "doctest",
    "bench",
    "doc",
    "harness",
    "required-features",
    "proc-macro",
    "crate-type",
];
const DEPENDENCY: &[&str] =
    &["version", "path", "package", "features", "optional", "default-features"];
/// Where the workspace says the rest. Its default features depend on the edition.
const INHERITED: &[&str] = &["workspace", "features", "optional"];
const DEPENDENCIES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Whether the manifest of the workspace at `root` is plain as far as it is about the workspace.
pub(super) fn is_plain_root(root: &Utf8Path, manifest: &str) -> bool {
    let Ok(manifest) = manifest.parse::<Table>() else { return false };
    let workspace = manifest.get("workspace").and_then(Value::as_table);
    has_only(&manifest, &[TABLES, ROOT_TABLES])
        && workspace.is_some_and(|workspace| {
            has_only(workspace, &[WORKSPACE])
                && table(workspace, "dependencies").is_none_or(has_plain_dependencies)
                && workspace.get("default-members").is_none_or(|members| are_folders(root, members))
        })
}

/// Whether `manifest`, which was read as `member` of the workspace at `root`, is plain.
pub(super) fn is_plain(root: &Utf8Path, manifest: &str, member: &Member) -> bool {
    let Ok(manifest) = manifest.parse::<Table>() else { return false };
    let is_root = member.dir.as_str().is_empty();
    let tables = if is_root { &[TABLES, ROOT_TABLES][..] } else { &[TABLES] };
    has_only(&manifest, tables)
        && table(&manifest, "package").is_some_and(|package| has_only(package, &[PACKAGE]))
        && table(&manifest, "lints")
            .is_none_or(|lints| !lints.contains_key("workspace") || lints.len() == 1)
        && all_dependencies(&manifest).all(has_plain_dependencies)
        && has_plain_targets(&manifest)
        && is_of_its_edition(member)
        && !member.targets.is_empty()
        && member.targets.iter().all(|target| root.join(&target.root).is_file())
        && are_distinct(&member.targets)
        && member.features.values().flatten().all(|feature| means_something(feature, member))
}

/// Whether a list names packages, each by its folder.
fn are_folders(root: &Utf8Path, list: &Value) -> bool {
    list.as_array().is_some_and(|list| {
        let is_folder = |dir: &str| root.join(dir).join("Cargo.toml").is_file();
        list.iter().all(|dir| dir.as_str().is_some_and(is_folder))
    })
}

fn table<'a>(table: &'a Table, key: &str) -> Option<&'a Table> {
    table.get(key).and_then(Value::as_table)
}

fn has_only(table: &Table, known: &[&[&str]]) -> bool {
    table.keys().all(|key| known.iter().any(|known| known.contains(&key.as_str())))
}

fn all_dependencies(manifest: &Table) -> impl Iterator<Item = &Table> {
    let platforms = table(manifest, "target").into_iter().flatten();
    let platforms = platforms.filter_map(|(_, tables)| tables.as_table());
    [manifest]
        .into_iter()
        .chain(platforms)
        .flat_map(|tables| DEPENDENCIES.iter().filter_map(|key| table(tables, key)))
}

fn has_plain_dependencies(dependencies: &Table) -> bool {
    dependencies.values().all(|dependency| match dependency {
        Value::String(_) => true,
        Value::Table(detail) if detail.contains_key("workspace") => has_only(detail, &[INHERITED]),
        Value::Table(detail) => has_only(detail, &[DEPENDENCY]),
        _ => false,
    })
}

fn has_plain_targets(manifest: &Table) -> bool {
    let of_kind = |key: &&str| match manifest.get(*key) {
        None => true,
        Some(Value::Table(target)) => has_only(target, &[TARGET]),
        Some(Value::Array(targets)) => targets
            .iter()
            .all(|target| target.as_table().is_some_and(|target| has_only(target, &[TARGET]))),
        Some(_) => false,
    };
    ["lib", "bin", "example", "test", "bench"].iter().all(of_kind)
}

/// Whether the edition has all of today's rules for finding targets, and the oldest Rust of the package
/// knows it.
fn is_of_its_edition(member: &Member) -> bool {
    let since = match member.edition.as_str() {
        "2018" => (1, 31),
        "2021" => (1, 56),
        "2024" => (1, 85),
        _ => return false,
    };
    let version = member.rust_version.as_deref().map(semver::Version::parse);
    version.is_none_or(|v| v.is_ok_and(|v| (v.major, v.minor) >= since))
}

/// Whether no target takes the name or the file of another of its kind.
fn are_distinct(targets: &[Target]) -> bool {
    let (mut names, mut roots) = (BTreeSet::new(), BTreeSet::new());
    targets.iter().all(|t| names.insert((t.kind, &t.name)) && roots.insert((t.kind, &t.root)))
}

/// Whether what a feature switches on is there, as far as the package itself says.
fn means_something(feature: &str, member: &Member) -> bool {
    let is_dependency = |key: &str| member.dependencies.iter().any(|d| d.key == key);
    if let Some(key) = feature.strip_prefix("dep:") {
        return member.dependencies.iter().any(|d| d.key == key && d.optional);
    }
    match feature.split_once('/') {
        Some((key, _)) => is_dependency(key.trim_end_matches('?')),
        None => member.features.contains_key(feature),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set their own stage")]
mod tests {
    use camino::Utf8PathBuf;

    use super::super::layout::Layout;

    const ROOT: &str = "[workspace]\nmembers = [\"a\"]\n[workspace.dependencies]\n\
                        c = { version = \"1\", default-features = false }\n[profile.dev]\ndebug = 1\n";
    const MEMBER: &str = "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                          rust-version = \"1.80\"\n[lints]\nworkspace = true\n\
                          [[bin]]\nname = \"other\"\npath = \"src/other.rs\"\n\
                          [dependencies]\nc = { workspace = true, features = [\"x\"] }\n\
                          d = { version = \"1\", default-features = false, optional = true }\n\
                          [features]\nmore = [\"dep:d\", \"d?/x\", \"c/y\", \"less\"]\nless = []\n";

    fn is_sure(root_manifest: &str, manifest: &str) -> Option<bool> {
        let temp = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(temp.path().canonicalize().unwrap()).unwrap();
        std::fs::create_dir_all(root.join("a/src")).unwrap();
        for file in ["src/lib.rs", "src/main.rs", "src/other.rs"] {
            std::fs::write(root.join("a").join(file), "").unwrap();
        }
        std::fs::write(root.join("a/Cargo.toml"), manifest).unwrap();
        Layout::of_manifests(&root, root_manifest).map(|layout| layout.is_sure)
    }

    #[test]
    fn what_cargo_may_read_otherwise_or_refuse_is_not_sure() {
        assert_eq!(is_sure(ROOT, MEMBER), Some(true));
        for (what, before, after) in [
            (
                "an inherited default",
                "workspace = true, features",
                "workspace = true, default-features = true, features",
            ),
            ("a key of old", "default-features", "default_features"),
            ("a program that takes another's name", "\"other\"", "\"a\""),
            ("a file with two names", "src/other.rs", "./src/main.rs"),
            ("a file that is gone", "src/other.rs", "src/gone.rs"),
            ("the first edition", "edition = \"2021\"\n", ""),
            ("an edition that its Rust does not know", "\"2021\"", "\"2024\""),
            ("a feature of nothing", "\"less\"]", "\"nothing\"]"),
            ("a dependency that is not optional", "dep:d", "dep:c"),
            ("a feature of no dependency", "c/y", "z/y"),
            ("another registry", "optional = true", "registry = \"mine\""),
            (
                "a repository",
                "version = \"1\", default",
                "git = \"https://example.com/d\", default",
            ),
            (
                "lints twice",
                "workspace = true\n[[bin]]",
                "workspace = true\n[lints.rust]\nunsafe_code = \"deny\"\n[[bin]]",
            ),
            ("a workspace in it", "[lints]", "[workspace]\n[lints]"),
            ("another root", "[lints]", "workspace = \"../..\"\n[lints]"),
            ("what is not stable", "[package]", "cargo-features = [\"x\"]\n[package]"),
        ] {
            let changed = MEMBER.replacen(before, after, 1);
            assert_ne!(changed, MEMBER, "{what}");
            assert_ne!(is_sure(ROOT, &changed), Some(true), "{what}");
        }
        for (what, more) in [
            ("a patch", "[patch.crates-io]\nd = { path = \"d\" }\n"),
            ("a replaced package", "[replace]\n\"d:1.0.0\" = { path = \"d\" }\n"),
        ] {
            assert_eq!(is_sure(&format!("{ROOT}{more}"), MEMBER), Some(false), "{what}");
        }
        let of_old = ROOT.replace("default-features", "default_features");
        assert_eq!(is_sure(&of_old, MEMBER), Some(false));
    }
}
