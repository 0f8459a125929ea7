//! Before and after. Every pair also holds with CRLF line ends, with a byte order mark and without
//! a last newline; and the same changes once more are no edits.

use std::sync::Arc;

use super::*;
use crate::changes::ChangeSet;

mod dependencies;
mod features;
mod members;
mod targets;

fn apply(before: &str, changes: &ManifestChanges) -> Result<(String, Diagnostics)> {
    let mut diagnostics = Diagnostics::default();
    let path = Utf8Path::new("Cargo.toml");
    let before: Arc<str> = before.into();
    let edits = edit_manifest(path, &before, changes, &mut diagnostics)?;
    let mut set = ChangeSet::default();
    set.edit(path, &before, edits)?;
    let after = set
        .iter()
        .next()
        .map_or(before.to_string(), |(_, change)| change.after().unwrap_or_default());
    Ok((after, diagnostics))
}

#[track_caller]
fn check(before: &str, changes: &ManifestChanges, after: &str) {
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let bom = |text: &str| format!("\u{feff}{text}");
    let no_last_newline = |text: &str| text.strip_suffix('\n').unwrap_or(text).to_owned();
    let same = |text: &str| text.to_owned();
    let disguises: [&dyn Fn(&str) -> String; 4] = [&same, &crlf, &bom, &no_last_newline];
    for disguise in disguises {
        let (before, after) = (disguise(before), disguise(after));
        let (result, _) = apply(&before, changes).unwrap();
        assert_eq!(result, after);
        result.parse::<toml_edit::DocumentMut>().unwrap();
        let again =
            edit_manifest("Cargo.toml".into(), &result, changes, &mut Diagnostics::default());
        assert_eq!(again.unwrap(), [], "a second time");
    }
}

#[track_caller]
fn check_error(before: &str, changes: &ManifestChanges, code: &str, underlined: &str) {
    let error = apply(before, changes).expect_err("refused");
    assert_eq!(error.code, code, "{error}");
    assert_eq!(&before[error.labels[0].span.clone()], underlined);
}

fn dependency(table: DependencyTable, key: &str, change: DependencyChange) -> ManifestChanges {
    let edit = DependencyEdit { table, key: key.to_owned(), change };
    ManifestChanges { dependencies: vec![edit], ..ManifestChanges::default() }
}

fn add(key: &str, dependency: Dependency) -> ManifestChanges {
    self::dependency(DependencyTable::NORMAL, key, DependencyChange::Add(dependency))
}

fn optional(key: &str) -> ManifestChanges {
    dependency(DependencyTable::NORMAL, key, DependencyChange::MakeOptional)
}

fn feature(name: &str, enables: &[&str]) -> FeatureToAdd {
    FeatureToAdd { name: name.to_owned(), enables: strings(enables) }
}

fn features(features: &[(&str, &[&str])]) -> ManifestChanges {
    let features = features.iter().map(|(name, enables)| feature(name, enables)).collect();
    ManifestChanges { features, ..ManifestChanges::default() }
}

fn strings(strings: &[&str]) -> Vec<String> {
    strings.iter().map(|&s| s.to_owned()).collect()
}

#[test]
fn all_at_once_in_one_manifest() {
    let mut changes = optional("sqlx");
    let more = [
        ("rand", DependencyChange::MakeOptional),
        ("serde", DependencyChange::Add(Dependency::workspace().features(["derive"]).optional())),
    ];
    changes.dependencies.extend(more.map(|(key, change)| DependencyEdit {
        table: DependencyTable::NORMAL,
        key: key.to_owned(),
        change,
    }));
    changes.features = vec![
        feature("default", &["implementation"]),
        feature("implementation", &["dep:rand", "dep:sqlx"]),
        feature("wire", &["dep:serde"]),
    ];
    changes.required_features = vec![RequiredFeatures {
        kind: TargetKind::Test,
        name: "storage".to_owned(),
        path: None,
        features: strings(&["implementation"]),
    }];
    check(
        r#"# The stock of the shop.
[package]
name = "inventory"
edition.workspace = true

# Keep these sorted.
[dependencies]
async-trait.workspace = true
kernel = { path = "../kernel" } # ours
rand = "0.9"
sqlx.workspace = true # the pool

# Only for tests.
[dev-dependencies]
tokio.workspace = true

[lints]
workspace = true
"#,
        &changes,
        r#"# The stock of the shop.
[package]
name = "inventory"
edition.workspace = true

# Keep these sorted.
[dependencies]
async-trait.workspace = true
kernel = { path = "../kernel" } # ours
rand = { version = "0.9", optional = true }
serde = { workspace = true, features = ["derive"], optional = true }
sqlx = { workspace = true, optional = true } # the pool

# Only for tests.
[dev-dependencies]
tokio.workspace = true

[features]
default = ["implementation"]
implementation = ["dep:rand", "dep:sqlx"]
wire = ["dep:serde"]

[[test]]
name = "storage"
required-features = ["implementation"]

[lints]
workspace = true
"#,
    );
}

#[test]
fn what_is_not_toml_is_shown_in_place() {
    check_error(
        "[package]\nname = = \"x\"\n",
        &add("serde", Dependency::version("1")),
        "invalid-manifest",
        "=",
    );
}

#[test]
fn edits_are_small() {
    let edits = edit_manifest(
        "Cargo.toml".into(),
        "[dependencies]\nsqlx = \"0.8\"\n",
        &optional("sqlx"),
        &mut Diagnostics::default(),
    );
    let inserted =
        [TextEdit::insert(22, "{ version = "), TextEdit::insert(27, ", optional = true }")];
    assert_eq!(edits.unwrap(), inserted);
}
