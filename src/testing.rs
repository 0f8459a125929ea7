//! Small workspaces for unit tests: path dependencies only, on disk for as long as the test runs.

use camino::{Utf8Path, Utf8PathBuf};

use crate::workspace::{self, Workspace};

/// A workspace in a temporary folder.
pub(crate) struct Project {
    dir: tempfile::TempDir,
    members: Vec<String>,
    excluded: Vec<String>,
}

impl Project {
    /// A workspace without members.
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary folder"),
            members: Vec::new(),
            excluded: Vec::new(),
        }
    }

    /// A member with its path dependencies on other members and its files, given relative to its
    /// folder.
    pub(crate) fn member(
        mut self,
        name: &str,
        dependencies: &[&str],
        files: &[(&str, &str)],
    ) -> Self {
        let mut manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n");
        manifest.push_str("[dependencies]\n");
        for dependency in dependencies {
            manifest.push_str(&format!("{dependency} = {{ path = \"../{dependency}\" }}\n"));
        }
        self.write(&format!("{name}/Cargo.toml"), &manifest);
        for (path, text) in files {
            self.write(&format!("{name}/{path}"), text);
        }
        self.members.push(name.to_owned());
        self
    }

    /// A crate beside the workspace's members that only has a name: a stand-in for one of a registry,
    /// for manifests and names are all that analysis looks at. It is excluded from the workspace.
    pub(crate) fn foreign(mut self, name: &str) -> Self {
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        self.write(&format!("{name}/Cargo.toml"), &manifest);
        self.write(&format!("{name}/src/lib.rs"), "");
        self.excluded.push(name.to_owned());
        self
    }

    /// Reads it as calve does.
    pub(crate) fn load(&self) -> Workspace {
        // A path dependency inside the folder would be a member unless it is excluded.
        let manifest = format!(
            "[workspace]\nresolver = \"3\"\nmembers = {:?}\nexclude = {:?}\n",
            self.members, self.excluded
        );
        self.write("Cargo.toml", &manifest);
        let status = std::process::Command::new("cargo")
            .args(["generate-lockfile", "--offline", "--quiet"])
            .current_dir(self.dir.path())
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the test's workspace has no valid manifests");
        workspace::load(&self.path().join("Cargo.toml")).expect("a workspace that loads")
    }

    fn path(&self) -> Utf8PathBuf {
        let path = self.dir.path().canonicalize().expect("the folder exists");
        Utf8PathBuf::from_path_buf(path).expect("a temporary folder with a UTF-8 path")
    }

    #[allow(clippy::disallowed_methods, reason = "a test sets its own stage")]
    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Utf8Path::new("/")))
            .expect("a folder in the temporary folder");
        std::fs::write(path, text).expect("a file in the temporary folder");
    }
}
