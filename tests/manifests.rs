//! The real cargo reads the manifests that calve edits and those that it writes.

use std::process::Command;
use std::sync::Arc;

use calve::changes::ChangeSet;
use calve::codegen::manifest::NewManifest;
use calve::diagnostic::Diagnostics;
use calve::plan::{Dependency, relative};
use calve::rewire::manifest::{
    DependencyChange, DependencyEdit, DependencyTable, FeatureToAdd, ManifestChanges, MemberToAdd,
    RequiredFeatures, TargetKind, edit_manifest,
};
use camino::Utf8Path;

const ROOT: &str = r#"[workspace]
members = ["app", "modules/*"]
exclude = ["services"]
resolver = "2"

[workspace.dependencies]
inventory.path = "modules/inventory"
"#;

const APP: &str = r#"[package]
name = "app"
edition = "2021"

[dependencies]
inventory = { workspace = true }
"#;

const INVENTORY: &str = r#"[package]
name = "inventory"
edition = "2021"

[dependencies]
sqlx = "0.8"
uuid = { version = "1", optional = true }

[features]
pg = ["sqlx/postgres"]
"#;

#[test]
fn an_extraction_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let drop_defaults = DependencyChange::DropDefaultFeatures { keep: Vec::new() };
    let workspace = ManifestChanges {
        members: vec![MemberToAdd { path: "services/inventory".into(), after: None }],
        dependencies: vec![edit(DependencyTable::Workspace, "inventory", drop_defaults)],
        ..ManifestChanges::default()
    };
    let dev = DependencyChange::Add(Dependency::workspace().features(["implementation"]));
    let app = ManifestChanges {
        dependencies: vec![edit(DependencyTable::DEV, "inventory", dev)],
        ..ManifestChanges::default()
    };
    let module = ManifestChanges {
        dependencies: vec![edit(DependencyTable::NORMAL, "sqlx", DependencyChange::MakeOptional)],
        features: vec![
            feature("default", &["implementation"]),
            feature("implementation", &["dep:sqlx", "dep:uuid"]),
        ],
        required_features: vec![RequiredFeatures {
            kind: TargetKind::Test,
            name: "storage".to_owned(),
            path: None,
            features: vec!["implementation".to_owned()],
        }],
        ..ManifestChanges::default()
    };
    let mut service = NewManifest::new("inventory-service");
    service.features = vec![("default".to_owned(), Vec::new())];
    service.dependencies = vec![(
        "inventory".to_owned(),
        Dependency::path(relative("services/inventory", "modules/inventory"))
            .without_default_features()
            .features(["implementation"]),
    )];
    write(root, "Cargo.toml", &apply(ROOT, &workspace));
    write(root, "app/Cargo.toml", &apply(APP, &app));
    write(root, "app/src/main.rs", "fn main() {}\n");
    write(root, "modules/inventory/Cargo.toml", &apply(INVENTORY, &module));
    write(root, "modules/inventory/src/lib.rs", "");
    write(root, "modules/inventory/tests/storage.rs", "");
    write(root, "modules/inventory/tests/other.rs", "");
    write(root, "services/inventory/Cargo.toml", &service.render());
    write(root, "services/inventory/src/main.rs", "fn main() {}\n");

    let metadata = metadata(root);
    let packages = metadata["packages"].as_array().unwrap();
    let names: Vec<_> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["app", "inventory", "inventory-service"]);
    let features = &packages[1]["features"];
    assert_eq!(features["implementation"], serde_json::json!(["dep:sqlx", "uuid"]));
    assert_eq!(features["uuid"], serde_json::json!(["dep:uuid"]), "still a feature");
    assert_eq!(features.get("sqlx"), None, "not a new one");
    assert_eq!(packages[1]["targets"].as_array().unwrap().len(), 3);
    assert_eq!(packages[0]["dependencies"][0]["uses_default_features"], false);
}

fn edit(table: DependencyTable, key: &str, change: DependencyChange) -> DependencyEdit {
    DependencyEdit { table, key: key.to_owned(), change }
}

fn feature(name: &str, enables: &[&str]) -> FeatureToAdd {
    let enables = enables.iter().map(|&enabled| enabled.to_owned()).collect();
    FeatureToAdd { name: name.to_owned(), enables }
}

fn apply(before: &str, changes: &ManifestChanges) -> String {
    let path = Utf8Path::new("Cargo.toml");
    let before: Arc<str> = before.into();
    let edits = edit_manifest(path, &before, changes, &mut Diagnostics::default()).unwrap();
    let mut set = ChangeSet::default();
    set.edit(path, &before, edits).unwrap();
    set.iter().next().unwrap().1.after().unwrap()
}

#[allow(clippy::disallowed_methods, reason = "a workspace for cargo to read")]
fn write(root: &Utf8Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn metadata(root: &Utf8Path) -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !errors.contains("warning"), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}
