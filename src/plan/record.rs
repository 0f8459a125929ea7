//! `calve.toml`: what was decided and by which version, so that `check` decides the same again.

use serde::{Deserialize, Serialize};

use super::samples::Samples;
use super::{Environment, Names, ServicePlan};
use crate::diagnostic::{Diagnostic, Result};

/// The record of one extraction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Record {
    /// The version of calve that wrote it.
    pub calve: String,
    /// Generated files that the team has taken over, relative to this file: not checked any more.
    #[serde(default)]
    pub owned: Vec<camino::Utf8PathBuf>,
    /// The types that the service serves.
    #[serde(rename = "implementation", with = "super::one_or_several")]
    pub implementations: Vec<String>,
    /// What everything is called.
    pub names: Names,
    /// What generated files say of the workspace.
    pub environment: Environment,
    /// Arguments that guarded types accept, for the contract suite.
    #[serde(default, skip_serializing_if = "Samples::is_empty")]
    pub samples: Samples,
    /// How the service constructs the implementation.
    pub service: ServicePlan,
}

/// The record's name, in the service's folder.
pub const RECORD: &str = "calve.toml";

const HEAD: &str = "\
# What was decided when this service was taken out of the monolith. `calve check` generates from it and
# from the present trait, and says what differs. A file listed in `owned` is yours alone.

";

impl Record {
    /// Its text.
    ///
    /// # Errors
    /// Never for what calve decides; a defect otherwise.
    pub fn render(&self) -> Result<String> {
        let text = toml_edit::ser::to_string_pretty(self).map_err(|error| {
            Diagnostic::error("codegen", format!("the record cannot be written: {error}"))
                .help("this is a defect of calve; please report it")
        })?;
        Ok(format!("{HEAD}{text}"))
    }

    /// Reads it; `file` is for the diagnostic.
    ///
    /// # Errors
    /// `bad-record` where it is not what calve wrote.
    pub fn parse(file: &camino::Utf8Path, text: &str) -> Result<Self> {
        toml_edit::de::from_str(text).map_err(|error| {
            Diagnostic::error("bad-record", format!("`{file}` cannot be read"))
                .at(file, error.span().unwrap_or(0..0), error.message().to_owned())
                .help("restore it from version control; `calve check` needs what was decided")
                .into()
        })
    }
}
