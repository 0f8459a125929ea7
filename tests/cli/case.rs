//! A case: what is done to which workspace, and what calve is expected to say and write.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::stage::Stage;
use crate::{refused, succeeded, tree};

/// `case.toml`. Paths are relative to the workspace root.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Case {
    /// The rule that the case holds, in a sentence.
    #[allow(dead_code, reason = "for people")]
    rule: String,
    /// What calve is called with.
    pub(crate) arguments: Vec<String>,
    /// What the dry run proves besides, such as `db`.
    #[serde(default)]
    pub(crate) verify: Option<String>,
    /// The exit code: 0, or 1 for a refusal.
    #[serde(default)]
    pub(crate) exit: i32,
    /// The folder of the repository that holds the workspace.
    #[serde(default)]
    pub(crate) within: Utf8PathBuf,
    /// The files whose part of the patch is compared with `expected/diff.patch`: beginnings of paths.
    #[serde(default)]
    pub(crate) paths: Vec<Utf8PathBuf>,
    /// Whether `in/` stands alone; else it is laid over `base`.
    #[serde(default)]
    pub(crate) alone: bool,
    /// Files and folders that are taken away.
    #[serde(default)]
    pub(crate) remove: Vec<Utf8PathBuf>,
    /// Files that get CRLF line ends.
    #[serde(default)]
    pub(crate) crlf: Vec<Utf8PathBuf>,
    /// Files that get a byte order mark.
    #[serde(default)]
    pub(crate) bom: Vec<Utf8PathBuf>,
    /// Files to which a byte is added that is not UTF-8.
    #[serde(default)]
    pub(crate) not_utf8: Vec<Utf8PathBuf>,
    /// Symbolic links, with what they lead to.
    #[serde(default)]
    pub(crate) links: BTreeMap<Utf8PathBuf, Utf8PathBuf>,
    /// Files that are written after the commit, with their text.
    #[serde(default)]
    pub(crate) dirty: BTreeMap<Utf8PathBuf, String>,
    /// Files and folders that are write-protected.
    #[serde(default)]
    pub(crate) read_only: Vec<Utf8PathBuf>,
}

/// Where the cases are.
pub(crate) fn all() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases")
}

/// Names of the folders that are cases, sorted.
pub(crate) fn folders() -> Vec<String> {
    let entries = all().read_dir_utf8().expect("fixtures/cases");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").path().to_owned())
        .filter(|path| path.join("case.toml").is_file())
        .map(|path| path.file_name().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

/// Reads the `case.toml` of a folder.
pub(crate) fn read(dir: &Utf8Path) -> Case {
    let text = tree::text(&dir.join("case.toml"));
    toml_edit::de::from_str(&text).unwrap_or_else(|e| panic!("{dir}: {e}"))
}

/// Runs the case in the folder `name`.
pub(crate) fn run(name: &str) {
    let dir = all().join(name);
    let case = read(&dir);
    let stage = Stage::set(&case, &dir);
    let expected = dir.join("expected");
    if case.exit == 0 {
        succeeded::hold(&case, &stage, &expected);
    } else {
        refused::hold(&case, &stage, &expected);
    }
}

/// Holds `found` against an expected file; writes it there when blessing.
pub(crate) fn compare(expected: &Utf8Path, found: &str) {
    if std::env::var_os("CALVE_BLESS").is_some() {
        tree::write(expected, found.as_bytes());
        return;
    }
    let wanted = if expected.is_file() { tree::text(expected) } else { String::new() };
    if wanted != found {
        let diff = similar::TextDiff::from_lines(wanted.as_str(), found);
        panic!(
            "{expected} is not what calve says\n{}\nCALVE_BLESS=1 cargo test --test cli writes it anew",
            diff.unified_diff().context_radius(3).header("expected", "found")
        );
    }
}
