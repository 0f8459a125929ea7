//! `Cargo.toml` files that exist: what they must say afterwards, and the text edits that make them.
//!
//! Nothing is serialised anew. `toml_edit` parses, its spans say where things stand, and it formats
//! the values that are new; every other byte stays. What a manifest says already is not said again,
//! so the same changes a second time are no edits.

mod array;
mod dependency;
mod draft;
mod features;
mod lines;
mod members;
mod place;
mod query;
mod table;
mod targets;

#[cfg(test)]
mod tests;

use camino::{Utf8Path, Utf8PathBuf};

pub use query::{
    Declared, DependencyKind, DependencyTable, dependency, inherits, optional_dependency,
};

use crate::changes::TextEdit;
use crate::diagnostic::{Diagnostics, Result};
use crate::plan::Dependency;

/// What a manifest must say afterwards. Made in this order: members, dependencies, features,
/// required features.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestChanges {
    /// Members of the workspace. `default-members` stays as it is.
    pub members: Vec<MemberToAdd>,
    /// Dependencies, those of `[workspace.dependencies]` included.
    pub dependencies: Vec<DependencyEdit>,
    /// Features of the package.
    pub features: Vec<FeatureToAdd>,
    /// Targets that are built with some features only.
    pub required_features: Vec<RequiredFeatures>,
}

/// A member that the workspace must have, by name or by a pattern that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberToAdd {
    /// Its folder, relative to the workspace root, with `/`.
    pub path: Utf8PathBuf,
    /// The member after which it goes in a list that is not sorted.
    pub after: Option<Utf8PathBuf>,
}

/// A change of one dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyEdit {
    /// The table it stands in.
    pub table: DependencyTable,
    /// Its key there.
    pub key: String,
    /// What changes.
    pub change: DependencyChange,
}

/// What is to be true of a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DependencyChange {
    /// It is there, with these features at least. One that is there already keeps its version and
    /// its `default-features`; one from elsewhere, or optional where it must not be, is an error.
    Add(Dependency),
    /// Its default features are off, and these are listed. An error where it is inherited.
    DropDefaultFeatures {
        /// Features that it lists instead.
        keep: Vec<String>,
    },
    /// It lists these features.
    AddFeatures(Vec<String>),
    /// It is optional. `x/feature` in the package's features becomes `x?/feature`, which means what
    /// the former meant while the dependency was always there.
    MakeOptional,
    /// It is gone. An error where a feature names it.
    Remove,
}

/// A feature that the package must have, enabling these at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureToAdd {
    /// Name of the feature; `default` is one like any other, and goes first.
    pub name: String,
    /// What it enables. `dep:x` is written as `x` where `x` is an optional dependency that somebody
    /// may know by its implicit feature, and left out where `x` is always there.
    pub enables: Vec<String>,
}

/// A target that is built only with some features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredFeatures {
    /// Its kind.
    pub kind: TargetKind,
    /// Its name.
    pub name: String,
    /// Its source file, where cargo would not find it by the name. For a new entry only.
    pub path: Option<Utf8PathBuf>,
    /// The features.
    pub features: Vec<String>,
}

/// A kind of target that can require features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// An integration test.
    Test,
    /// A benchmark.
    Bench,
    /// An example.
    Example,
    /// A binary.
    Bin,
}

/// The smallest edits after which the manifest says what `changes` asks for; sorted and disjoint.
/// `file` is for diagnostics. Warnings go to `diagnostics`: `member-excluded`, `implicit-feature`.
///
/// # Errors
/// `invalid-manifest` for what is not TOML or not a manifest; `unusual-manifest` for a spelling
/// that is not edited; `no-such-dependency`, `dependency-exists`, `dependency-in-use`,
/// `inherited-dependency`, `never-optional`, `feature-hides-dependency`
/// where the manifest does not go with the change.
pub fn edit_manifest(
    file: &Utf8Path,
    text: &str,
    changes: &ManifestChanges,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<TextEdit>> {
    let mut draft = draft::Draft::new(file, text);
    // Before anything changes: only these can be in use under their implicit names.
    let implicit = features::implicit(&draft.parse()?);
    for member in &changes.members {
        members::add(&mut draft, member, diagnostics)?;
    }
    for edit in &changes.dependencies {
        dependency::change(&mut draft, edit)?;
    }
    for feature in &changes.features {
        features::add(&mut draft, feature, &implicit)?;
    }
    for required in &changes.required_features {
        targets::require(&mut draft, required)?;
    }
    for edit in &changes.dependencies {
        if edit.change == DependencyChange::MakeOptional && !implicit.contains(&edit.key) {
            features::check_optional(&draft, &edit.key, diagnostics)?;
        }
    }
    Ok(draft.into_edits())
}

impl TargetKind {
    fn key(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Bench => "bench",
            Self::Example => "example",
            Self::Bin => "bin",
        }
    }

    /// The key of `[package]` that switches the discovery of such targets.
    fn discovery_key(self) -> &'static str {
        match self {
            Self::Test => "autotests",
            Self::Bench => "autobenches",
            Self::Example => "autoexamples",
            Self::Bin => "autobins",
        }
    }
}
