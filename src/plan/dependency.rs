//! A dependency as it is decided on: where it comes from and what is switched on in it.

use camino::Utf8PathBuf;
use toml_edit::{InlineTable, Item, Table, Value};

/// What a manifest says of one dependency. Starts from one of the constructors, with default
/// features and no others; the rest is said by chaining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Where it comes from.
    pub source: Source,
    /// Name of the package, where the key is another one.
    pub package: Option<String>,
    /// Features beside the default ones, in the order in which they are written.
    pub features: Vec<String>,
    /// Whether its default features are on.
    pub default_features: bool,
    /// Whether it is there only when a feature asks for it.
    pub optional: bool,
}

/// Where a dependency comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The entry of the same key in `[workspace.dependencies]`.
    Workspace,
    /// A registry, by version requirement.
    Version(String),
    /// A folder.
    Path {
        /// Relative to the folder of the manifest, with `/`.
        path: Utf8PathBuf,
        /// Requirement for those who get the crate from a registry.
        version: Option<String>,
    },
}

impl Dependency {
    /// The entry of the same key in `[workspace.dependencies]`.
    pub fn workspace() -> Self {
        Self::from_source(Source::Workspace)
    }

    /// A crate of the registry.
    pub fn version(requirement: impl Into<String>) -> Self {
        Self::from_source(Source::Version(requirement.into()))
    }

    /// A crate in a folder, relative to the folder of the manifest that will name it.
    pub fn path(path: impl Into<Utf8PathBuf>) -> Self {
        Self::from_source(Source::Path { path: path.into(), version: None })
    }

    /// Switches features on.
    #[must_use]
    pub fn features<S: Into<String>>(mut self, features: impl IntoIterator<Item = S>) -> Self {
        self.features.extend(features.into_iter().map(Into::into));
        self
    }

    /// Switches the default features off.
    #[must_use]
    pub fn without_default_features(mut self) -> Self {
        self.default_features = false;
        self
    }

    /// Leaves it out unless a feature asks for it.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Says the package's name, where the key is another one.
    #[must_use]
    pub fn package(mut self, name: impl Into<String>) -> Self {
        self.package = Some(name.into());
        self
    }

    /// The shortest usual TOML for it: `"1"`, `{ path = "../x", features = ["y"] }`.
    pub fn value(&self) -> Value {
        let table = self.inline_table();
        match &self.source {
            Source::Version(requirement) if table.len() == 1 => requirement.as_str().into(),
            _ => table.into(),
        }
    }

    /// As [`value`](Self::value), but `key.workspace = true` where that is all there is to say and
    /// `dotted` is the style of the manifest.
    pub fn item(&self, dotted: bool) -> Item {
        if dotted && self.source == Source::Workspace && self.inline_table().len() == 1 {
            let mut table = Table::new();
            table.set_dotted(true);
            table.insert("workspace", true.into());
            return Item::Table(table);
        }
        Item::Value(self.value())
    }

    fn from_source(source: Source) -> Self {
        let default_features = true;
        Self { source, package: None, features: Vec::new(), default_features, optional: false }
    }

    fn inline_table(&self) -> InlineTable {
        let mut table = InlineTable::new();
        match &self.source {
            Source::Workspace => {
                table.insert("workspace", true.into());
            }
            Source::Version(requirement) => {
                table.insert("version", requirement.as_str().into());
            }
            Source::Path { path, version } => {
                table.insert("path", path.as_str().into());
                if let Some(version) = version {
                    table.insert("version", version.as_str().into());
                }
            }
        }
        if let Some(package) = &self.package {
            table.insert("package", package.as_str().into());
        }
        if !self.default_features {
            table.insert("default-features", false.into());
        }
        if !self.features.is_empty() {
            table.insert("features", Value::from_iter(&self.features));
        }
        if self.optional {
            table.insert("optional", true.into());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_form_is_written() {
        for (dependency, toml) in [
            (Dependency::version("1"), r#""1""#),
            (Dependency::workspace(), "{ workspace = true }"),
            (Dependency::path("../a\"b"), r#"{ path = '../a"b' }"#),
            (
                Dependency::version("1").without_default_features().features(["std"]).optional(),
                r#"{ version = "1", default-features = false, features = ["std"], optional = true }"#,
            ),
            (Dependency::path("../x").package("other"), r#"{ path = "../x", package = "other" }"#),
        ] {
            assert_eq!(dependency.value().to_string(), toml);
        }
        assert!(Dependency::workspace().item(true).is_table());
        assert!(Dependency::workspace().optional().item(true).is_value());
    }
}
