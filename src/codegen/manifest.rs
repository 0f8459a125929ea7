//! The `Cargo.toml` of a new crate, laid out as a person would write it.

use camino::Utf8PathBuf;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value, value};

use crate::plan::Dependency;

/// What the manifest of a new crate says. Dependencies and features are sorted when it is
/// rendered (`default` first); all else keeps its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewManifest {
    /// Name of the package.
    pub name: String,
    /// Version; cargo takes a missing one as `0.0.0`.
    pub version: Option<Inheritable>,
    /// Edition.
    pub edition: Inheritable,
    /// Oldest compiler that builds it.
    pub rust_version: Option<Inheritable>,
    /// What it is, in one line.
    pub description: Option<String>,
    /// Whether it may go to a registry; `publish = false` is written when not.
    pub publish: bool,
    /// The library, where something is to be said of it.
    pub lib: Option<NewTarget>,
    /// `[[bin]]` sections.
    pub bins: Vec<NewTarget>,
    /// `[[test]]` sections.
    pub tests: Vec<NewTarget>,
    /// `[[example]]` sections.
    pub examples: Vec<NewTarget>,
    /// Features: a name and what it enables.
    pub features: Vec<(String, Vec<String>)>,
    /// Dependencies by key.
    pub dependencies: Vec<(String, Dependency)>,
    /// Development dependencies by key.
    pub dev_dependencies: Vec<(String, Dependency)>,
    /// Whether the lints of the workspace apply.
    pub lints_workspace: bool,
}

/// A field of `[package]` that a workspace can say once for all members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inheritable {
    /// `field.workspace = true`.
    Workspace,
    /// A value of its own.
    Value(String),
}

/// A target that has a section of its own. What is `None` or empty is left to cargo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTarget {
    /// Name of the target.
    pub name: Option<String>,
    /// Source file, relative to the manifest.
    pub path: Option<Utf8PathBuf>,
    /// `false` leaves doctests out.
    pub doctest: Option<bool>,
    /// `false` leaves out the harness, or the unit tests of a binary.
    pub test: Option<bool>,
    /// `false` means that the test has a `main` of its own.
    pub harness: Option<bool>,
    /// Features without which it is not built.
    pub required_features: Vec<String>,
}

impl NewManifest {
    /// A crate that is not published and has nothing but a name, with edition, version and lints
    /// still to be decided: edition 2024, version 0.1.0, no lints.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: Some(Inheritable::Value("0.1.0".to_owned())),
            edition: Inheritable::Value("2024".to_owned()),
            rust_version: None,
            description: None,
            publish: false,
            lib: None,
            bins: Vec::new(),
            tests: Vec::new(),
            examples: Vec::new(),
            features: Vec::new(),
            dependencies: Vec::new(),
            dev_dependencies: Vec::new(),
            lints_workspace: false,
        }
    }

    /// The text, with `\n` line ends and a final one.
    pub fn render(&self) -> String {
        let mut document = DocumentMut::new();
        let root = document.as_table_mut();
        root.insert("package", Item::Table(self.package()));
        if let Some(lib) = &self.lib {
            root.insert("lib", Item::Table(lib.table()));
        }
        insert_targets(root, "bin", &self.bins);
        if !self.features.is_empty() {
            root.insert("features", Item::Table(features(&self.features)));
        }
        insert_dependencies(root, "dependencies", &self.dependencies);
        insert_dependencies(root, "dev-dependencies", &self.dev_dependencies);
        insert_targets(root, "example", &self.examples);
        insert_targets(root, "test", &self.tests);
        if self.lints_workspace {
            let mut lints = Table::new();
            lints.insert("workspace", value(true));
            root.insert("lints", Item::Table(lints));
        }
        document.to_string()
    }

    fn package(&self) -> Table {
        let mut table = Table::new();
        table.insert("name", value(&self.name));
        if let Some(version) = &self.version {
            table.insert("version", version.item());
        }
        table.insert("edition", self.edition.item());
        if let Some(rust_version) = &self.rust_version {
            table.insert("rust-version", rust_version.item());
        }
        if let Some(description) = &self.description {
            table.insert("description", value(description));
        }
        if !self.publish {
            table.insert("publish", value(false));
        }
        table
    }
}

impl Inheritable {
    fn item(&self) -> Item {
        match self {
            Self::Workspace => Dependency::workspace().item(true),
            Self::Value(text) => value(text),
        }
    }
}

impl NewTarget {
    fn table(&self) -> Table {
        let mut table = Table::new();
        if let Some(name) = &self.name {
            table.insert("name", value(name));
        }
        if let Some(path) = &self.path {
            table.insert("path", value(path.as_str()));
        }
        for (key, flag) in
            [("test", self.test), ("doctest", self.doctest), ("harness", self.harness)]
        {
            if let Some(flag) = flag {
                table.insert(key, value(flag));
            }
        }
        if !self.required_features.is_empty() {
            table.insert("required-features", value(Value::from_iter(&self.required_features)));
        }
        table
    }
}

fn insert_targets(root: &mut Table, key: &str, targets: &[NewTarget]) {
    if !targets.is_empty() {
        let tables: ArrayOfTables = targets.iter().map(NewTarget::table).collect();
        root.insert(key, Item::ArrayOfTables(tables));
    }
}

fn insert_dependencies(root: &mut Table, key: &str, dependencies: &[(String, Dependency)]) {
    if dependencies.is_empty() {
        return;
    }
    let mut sorted: Vec<_> = dependencies.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let mut table = Table::new();
    for (key, dependency) in sorted {
        table.insert(key, dependency.item(true));
    }
    root.insert(key, Item::Table(table));
}

fn features(features: &[(String, Vec<String>)]) -> Table {
    let mut sorted: Vec<_> = features.iter().collect();
    sorted.sort_by_key(|(name, _)| (name != "default", name));
    let mut table = Table::new();
    for (name, enables) in sorted {
        table.insert(name, value(Array::from_iter(enables)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_reads_as_if_written_by_hand() {
        let mut manifest = NewManifest::new("inventory-service");
        manifest.version = Some(Inheritable::Workspace);
        manifest.edition = Inheritable::Workspace;
        manifest.rust_version = Some(Inheritable::Value("1.85".to_owned()));
        manifest.description = Some("Serves the module \"inventory\"".to_owned());
        manifest.lib = Some(NewTarget { doctest: Some(false), ..NewTarget::default() });
        manifest.bins =
            vec![NewTarget { name: Some("inventory-service".into()), ..NewTarget::default() }];
        manifest.tests = vec![NewTarget {
            name: Some("contract".into()),
            required_features: vec!["recorder".into()],
            ..NewTarget::default()
        }];
        manifest.features = vec![
            ("recorder".to_owned(), vec!["dep:rand".to_owned()]),
            ("default".to_owned(), Vec::new()),
        ];
        manifest.dependencies = vec![
            ("tokio".to_owned(), Dependency::version("1").features(["macros", "rt-multi-thread"])),
            ("inventory-wire".to_owned(), Dependency::path("wire")),
            ("serde".to_owned(), Dependency::workspace()),
            ("rand".to_owned(), Dependency::version("0.9").optional()),
            (
                "axum".to_owned(),
                Dependency::version("0.8").without_default_features().features(["http1"]),
            ),
        ];
        manifest.dev_dependencies =
            vec![("inventory-client".to_owned(), Dependency::path("client"))];
        manifest.lints_workspace = true;
        insta::assert_snapshot!(manifest.render(), @r#"
        [package]
        name = "inventory-service"
        version.workspace = true
        edition.workspace = true
        rust-version = "1.85"
        description = 'Serves the module "inventory"'
        publish = false

        [lib]
        doctest = false

        [[bin]]
        name = "inventory-service"

        [features]
        default = []
        recorder = ["dep:rand"]

        [dependencies]
        axum = { version = "0.8", default-features = false, features = ["http1"] }
        inventory-wire = { path = "wire" }
        rand = { version = "0.9", optional = true }
        serde.workspace = true
        tokio = { version = "1", features = ["macros", "rt-multi-thread"] }

        [dev-dependencies]
        inventory-client = { path = "client" }

        [[test]]
        name = "contract"
        required-features = ["recorder"]

        [lints]
        workspace = true
        "#);
    }

    #[test]
    fn a_bare_crate_is_short() {
        insta::assert_snapshot!(NewManifest::new("inventory-wire").render(), @r#"
        [package]
        name = "inventory-wire"
        version = "0.1.0"
        edition = "2024"
        publish = false
        "#);
    }
}
