//! A git repository in a temporary folder with a case's workspace in it, and calve run there.

use std::process::{Command, Output, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

use crate::case::{self, Case};
use crate::tree;

/// What stands for the temporary folder in expected texts.
const TEMP: &str = "[TEMP]";

/// The stage of one case.
pub(crate) struct Stage {
    /// The temporary folder.
    temp: Utf8PathBuf,
    /// The top level of the repository.
    pub(crate) repository: Utf8PathBuf,
    /// The workspace root.
    pub(crate) workspace: Utf8PathBuf,
    read_only: Vec<Utf8PathBuf>,
    // Deleted when the case ends.
    _dir: tempfile::TempDir,
}

/// What a run of calve gave.
pub(crate) struct Run {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    /// With the temporary folder's path replaced.
    pub(crate) stderr: String,
}

impl Stage {
    /// Lays a case's files out and commits them.
    pub(crate) fn set(case: &Case, dir: &Utf8Path) -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let temp = temporary.path().canonicalize().expect("the folder exists");
        let temp = Utf8PathBuf::from_path_buf(temp).expect("a UTF-8 path");
        let repository = temp.join("repository");
        let workspace = repository.join(&case.within);
        let mut stage =
            Self { temp, repository, workspace, read_only: Vec::new(), _dir: temporary };
        let root = stage.workspace.clone();
        if !case.alone {
            tree::copy(&case::all().join("base"), &root);
        }
        // A case that only differs in how it is called has no files of its own.
        if dir.join("in").exists() {
            tree::copy(&dir.join("in"), &root);
        }
        for path in &case.remove {
            tree::remove(&root.join(path));
        }
        for path in &case.crlf {
            let text = tree::text(&root.join(path)).replace('\n', "\r\n");
            tree::write(&root.join(path), text.as_bytes());
        }
        for path in &case.bom {
            let text = format!("\u{feff}{}", tree::text(&root.join(path)));
            tree::write(&root.join(path), text.as_bytes());
        }
        for path in &case.not_utf8 {
            let bytes = [tree::text(&root.join(path)).as_bytes(), b"\xff"].concat();
            tree::write(&root.join(path), &bytes);
        }
        for (path, target) in &case.links {
            tree::link(&root.join(path), target);
        }
        stage.git(&stage.repository, &["init", "--quiet"], "");
        stage.git(&stage.repository, &["add", "--all"], "");
        stage.git(&stage.repository, &["commit", "--quiet", "--message", "All of it"], "");
        for (path, text) in &case.dirty {
            tree::write(&root.join(path), text.as_bytes());
        }
        for path in &case.read_only {
            let path = root.join(path);
            tree::protect(&path, true);
            stage.read_only.push(path);
        }
        stage
    }

    /// The stage of the case in the folder `name`.
    pub(crate) fn of(name: &str) -> Self {
        let dir = case::all().join(name);
        Self::set(&case::read(&dir), &dir)
    }

    /// Another copy of the repository, as it was committed.
    pub(crate) fn clone_repository(&self) -> Utf8PathBuf {
        let copy = self.temp.join("patched");
        self.git(&self.temp, &["clone", "--quiet", "repository", "patched"], "");
        copy
    }

    /// Runs git; `input` is its standard input.
    pub(crate) fn git(&self, dir: &Utf8Path, arguments: &[&str], input: &str) {
        let mut command = Command::new("git");
        // Nothing of the machine's own configuration: no line end conversion, no hooks, no signing.
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args(["-c", "user.name=case", "-c", "user.email=case@example.com"])
            .args(["-c", "core.autocrlf=false"])
            .args(arguments)
            .current_dir(dir);
        let run = feed(command, input);
        assert!(
            run.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&run.stderr)
        );
    }

    /// The temporary folder, which holds the repository.
    pub(crate) fn temp(&self) -> &Utf8Path {
        &self.temp
    }

    /// calve, to be run in the workspace root.
    pub(crate) fn command<S: AsRef<str>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calve"));
        command
            .args(arguments.iter().map(AsRef::as_ref))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            // What runs the tests must not reach the case's own cargo.
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTFLAGS")
            .current_dir(&self.workspace);
        command
    }

    /// Runs calve in the workspace root.
    pub(crate) fn calve<S: AsRef<str>>(&self, arguments: &[S]) -> Run {
        let run = feed(self.command(arguments), "");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8 on standard output");
        Run {
            exit: run.status.code().expect("calve ends by itself"),
            stdout: text(run.stdout),
            stderr: text(run.stderr).replace(self.temp.as_str(), TEMP),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Only what can be written can be deleted.
        for path in &self.read_only {
            tree::protect(path, false);
        }
    }
}

fn feed(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.as_bytes().to_vec();
    // A program that writes before it has read everything would wait for ever.
    let writer = std::thread::spawn(move || {
        // One that ends early need not read it.
        let _ = std::io::Write::write_all(&mut stdin, &input);
    });
    let output = child.wait_with_output().expect("it runs");
    writer.join().expect("the writer ends");
    output
}
