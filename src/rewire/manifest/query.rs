//! What a manifest says of its dependencies.

use std::collections::BTreeSet;

use toml_edit::{Document, Item, Table, TableLike, Value};

/// A table of dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DependencyTable {
    /// `[workspace.dependencies]`, from which members inherit.
    Workspace,
    /// One of the package's own.
    Package(DependencyKind),
    /// One that counts for some platforms only: `[target.'cfg(unix)'.dependencies]`, with the text
    /// between the quotes.
    Target(String, DependencyKind),
}

/// When a dependency is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DependencyKind {
    /// By the library and the binaries.
    Normal,
    /// By tests, examples and benches.
    Dev,
    /// By the build script.
    Build,
}

/// One dependency as a manifest declares it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Whether it says `workspace = true`. Such a dependency has no `default-features` of its own
    /// to switch off; only `[workspace.dependencies]` can.
    pub inherits: bool,
    /// Whether it says `optional = true`.
    pub optional: bool,
    /// What `default-features` says, if anything.
    pub default_features: Option<bool>,
    /// The features that it lists.
    pub features: Vec<String>,
    /// The version requirement.
    pub version: Option<String>,
    /// The folder, as written.
    pub path: Option<String>,
    /// The package, where the key is another name.
    pub package: Option<String>,
    /// Whether it names a git repository.
    pub git: bool,
}

/// What `text`, a manifest, says of the dependency `key` in `table`; `None` where it says nothing
/// or is not TOML.
pub fn dependency(text: &str, table: &DependencyTable, key: &str) -> Option<Declared> {
    declared(Document::parse(text).ok()?.as_table(), table, key)
}

/// Whether the dependency says `workspace = true`.
pub fn inherits(text: &str, table: &DependencyTable, key: &str) -> bool {
    dependency(text, table, key).is_some_and(|dependency| dependency.inherits)
}

/// Whether the dependency says `optional = true`.
pub fn optional_dependency(text: &str, table: &DependencyTable, key: &str) -> bool {
    dependency(text, table, key).is_some_and(|dependency| dependency.optional)
}

impl DependencyTable {
    /// `[dependencies]`.
    pub const NORMAL: Self = Self::Package(DependencyKind::Normal);
    /// `[dev-dependencies]`.
    pub const DEV: Self = Self::Package(DependencyKind::Dev);
    /// `[build-dependencies]`.
    pub const BUILD: Self = Self::Package(DependencyKind::Build);

    /// The tables of the package that are there, those for some platforms included.
    pub(super) fn of_package(root: &Table) -> Vec<Self> {
        let kinds = [DependencyKind::Normal, DependencyKind::Dev, DependencyKind::Build];
        let mut tables: Vec<Self> =
            kinds.into_iter().filter(|kind| kind.find(root).is_some()).map(Self::Package).collect();
        let targets = root.get("target").and_then(Item::as_table_like);
        for (cfg, target) in targets.into_iter().flat_map(|targets| targets.iter()) {
            let target = target.as_table_like();
            let kinds =
                kinds.into_iter().filter(|kind| target.is_some_and(|t| kind.find(t).is_some()));
            tables.extend(kinds.map(|kind| Self::Target(cfg.to_owned(), kind)));
        }
        tables
    }

    /// The keys that lead to it, in the spelling that the manifest uses.
    pub(super) fn path(&self, root: &Table) -> Vec<String> {
        let (mut path, kind, around) = match self {
            Self::Workspace => return vec!["workspace".to_owned(), "dependencies".to_owned()],
            Self::Package(kind) => (Vec::new(), kind, Some(root as &dyn TableLike)),
            Self::Target(cfg, kind) => {
                let around = root.get("target").and_then(|target| target.get(cfg));
                let around = around.and_then(Item::as_table_like);
                (vec!["target".to_owned(), cfg.clone()], kind, around)
            }
        };
        let key = around.and_then(|around| kind.find(around)).unwrap_or(kind.keys()[0]);
        path.push(key.to_owned());
        path
    }

    pub(super) fn kind(&self) -> Option<DependencyKind> {
        match self {
            Self::Workspace => None,
            Self::Package(kind) | Self::Target(_, kind) => Some(*kind),
        }
    }
}

impl DependencyKind {
    /// The key, and the old spelling that editions before 2024 take as well.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Normal => &["dependencies"],
            Self::Dev => &["dev-dependencies", "dev_dependencies"],
            Self::Build => &["build-dependencies", "build_dependencies"],
        }
    }

    fn find(self, table: &dyn TableLike) -> Option<&'static str> {
        self.keys().iter().copied().find(|key| table.contains_key(key))
    }
}

pub(super) fn declared(root: &Table, table: &DependencyTable, key: &str) -> Option<Declared> {
    let path = table.path(root);
    let mut item = root.get(&path[0])?;
    for part in path[1..].iter().map(String::as_str).chain([key]) {
        item = item.as_table_like()?.get(part)?;
    }
    if let Some(version) = item.as_str() {
        return Some(Declared { version: Some(version.to_owned()), ..Declared::default() });
    }
    let table = item.as_table_like()?;
    let text = |key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
    let flag = |key: &str| table.get(key).and_then(Item::as_bool);
    let features = table.get("features").and_then(Item::as_array).into_iter().flatten();
    Some(Declared {
        inherits: flag("workspace") == Some(true),
        optional: flag("optional") == Some(true),
        default_features: flag("default-features").or_else(|| flag("default_features")),
        features: features.filter_map(Value::as_str).map(str::to_owned).collect(),
        version: text("version"),
        path: text("path"),
        package: text("package"),
        git: table.contains_key("git"),
    })
}

/// Keys of the dependencies of a package that are optional somewhere.
pub(super) fn optional_keys(root: &Table) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for table in DependencyTable::of_package(root) {
        let path = table.path(root);
        let parts = path[1..].iter();
        let found = parts.fold(root.get(&path[0]), |item, key| item?.as_table_like()?.get(key));
        let entries = found.and_then(Item::as_table_like).into_iter().flat_map(|t| t.iter());
        let is_optional =
            |key: &str| declared(root, &table, key).is_some_and(|declared| declared.optional);
        keys.extend(entries.map(|(key, _)| key.to_owned()).filter(|key| is_optional(key)));
    }
    keys
}
