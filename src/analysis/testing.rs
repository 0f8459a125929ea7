//! Small workspaces for unit tests: path packages in a temporary folder.

use camino::{Utf8Path, Utf8PathBuf};

use crate::workspace::{self, Workspace};

/// A package: its name, the packages that it depends on (`dev:name` for dev-dependencies) and its
/// files by path in its folder.
pub(crate) struct Package<'a> {
    pub(crate) name: &'a str,
    /// Whether it is a member of the workspace; if not, it stands for a registry package.
    pub(crate) member: bool,
    pub(crate) dependencies: &'a [&'a str],
    pub(crate) files: &'a [(&'a str, &'a str)],
}

/// Writes the packages, locks them and reads them back. The folder lives as long as the first value.
#[allow(clippy::disallowed_methods, reason = "a temporary folder of a test")]
pub(crate) fn mini_workspace(packages: &[Package<'_>]) -> (tempfile::TempDir, Workspace) {
    let dir = tempfile::tempdir().unwrap();
    let root: Utf8PathBuf = Utf8Path::from_path(dir.path()).unwrap().canonicalize_utf8().unwrap();
    let listed = |member: bool| {
        let names = packages.iter().filter(|p| p.member == member);
        names.map(|p| format!("{:?}", p.name)).collect::<Vec<_>>().join(", ")
    };
    let manifest = format!(
        "[workspace]
resolver = \"3\"
members = [{}]
exclude = [{}]
",
        listed(true),
        listed(false)
    );
    std::fs::write(root.join("Cargo.toml"), manifest).unwrap();
    for package in packages {
        let mut tables = [String::new(), String::new()];
        for dependency in package.dependencies {
            let (table, name) = match dependency.strip_prefix("dev:") {
                Some(name) => (1, name),
                None => (0, *dependency),
            };
            tables[table].push_str(&format!("{name} = {{ path = \"../{name}\" }}\n"));
        }
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [dependencies]\n{}\n[dev-dependencies]\n{}",
            package.name, tables[0], tables[1]
        );
        for (path, text) in [("Cargo.toml", manifest.as_str())].iter().chain(package.files) {
            let path = root.join(package.name).join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    let locked = std::process::Command::new("cargo")
        .args(["generate-lockfile", "--offline", "--quiet"])
        .current_dir(&root)
        .status()
        .unwrap();
    assert!(locked.success());
    let workspace = workspace::load(&root.join("Cargo.toml")).unwrap();
    (dir, workspace)
}
