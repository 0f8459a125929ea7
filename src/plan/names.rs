//! What the new crates, types and variables are called.

use camino::Utf8PathBuf;
use heck::{ToKebabCase, ToShoutySnakeCase, ToUpperCamelCase};

use crate::analysis::parts::stem;
use crate::analysis::select::unusable_name;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::{Member, Workspace};

/// The names of one extraction.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Names {
    /// Package of the module, such as `inventory`.
    pub module: String,
    /// Its library crate in code, such as `inventory`.
    pub module_ident: String,
    /// What the service is called for people, such as `inventory`.
    pub display: String,
    /// Package of the service, such as `inventory-service`.
    pub service: String,
    /// Its crate in code.
    pub service_ident: String,
    /// Package of the stub.
    pub client: String,
    /// Its crate in code.
    pub client_ident: String,
    /// Package of what both share.
    pub wire: String,
    /// Its crate in code.
    pub wire_ident: String,
    /// Prefix of environment variables, such as `INVENTORY`.
    pub env: String,
    /// The names of the API traits, at least one.
    #[serde(rename = "api_trait", with = "super::one_or_several")]
    pub api_traits: Vec<String>,
    /// The stub's type, such as `InventoryClient`.
    pub client_type: String,
    /// How the `type` of a problem begins; a URN's namespace has letters, digits and hyphens only.
    pub problem_prefix: String,
    /// The counter of calls, letters, digits and underscores only: `inventory_calls_total`.
    pub metric: String,
    /// Folder of the service, relative to the workspace root.
    pub dir: Utf8PathBuf,
}

impl Names {
    /// Names everything after the module, or after `name` where the user chose one. An adapter of one
    /// port is named after that: `storage_pg-client` would read as a database driver.
    pub fn choose(
        workspace: &Workspace,
        module: &Member,
        api_traits: Vec<String>,
        is_adapter: bool,
        name: Option<&str>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let alone = match api_traits.as_slice() {
            [only] => Some(stem(only)),
            _ => None,
        };
        let chosen = match (name, alone) {
            (Some(name), _) => name.to_owned(),
            (None, Some(stem)) if is_adapter => stem.to_kebab_case(),
            (None, _) => module.name.clone(),
        };
        if let Some(reason) = unusable_name(&chosen) {
            diagnostics.push(
                Diagnostic::error("bad-name", format!("`{chosen}` cannot name packages"))
                    .note(reason)
                    .help("give the service another name with --name"),
            );
            return None;
        }
        let display = chosen.to_kebab_case();
        let separator = separator(workspace);
        let package = |role: &str| {
            let kebab = format!("{display}-{role}");
            if separator == '_' { kebab.replace('-', "_") } else { kebab }
        };
        let ident = |package: &str| package.replace('-', "_");
        let (service, client, wire) = (package("service"), package("client"), package("wire"));
        let mut fine = true;
        for taken in [&service, &client, &wire] {
            if let Some(other) = workspace.member(taken) {
                fine = false;
                diagnostics.push(
                    Diagnostic::error(
                        "name-taken",
                        format!("the workspace has a package `{taken}` already"),
                    )
                    .at(
                        &other.manifest,
                        other.name_range(workspace),
                        "has the name of a new package",
                    )
                    .help("choose another stem for the new packages with --name"),
                );
            }
        }
        let client_type = format!("{}Client", alone.unwrap_or(&chosen).to_upper_camel_case());
        fine.then(|| Self {
            module: module.name.clone(),
            module_ident: module.ident(),
            service_ident: ident(&service),
            client_ident: ident(&client),
            wire_ident: ident(&wire),
            service,
            client,
            wire,
            env: display.to_shouty_snake_case(),
            client_type,
            api_traits,
            problem_prefix: format!("urn:{display}:problem:"),
            metric: format!("{}_calls_total", display.replace('-', "_")),
            dir: Utf8PathBuf::from("services").join(&display),
            display,
        })
    }
}

impl Names {
    /// The API traits in prose, as Markdown: "`A`" or "`A` and `B`".
    pub fn traits(&self) -> String {
        let quoted: Vec<String> = self.api_traits.iter().map(|name| format!("`{name}`")).collect();
        match quoted.split_last() {
            Some((last, others)) if !others.is_empty() => {
                format!("{} and {last}", others.join(", "))
            }
            _ => quoted.concat(),
        }
    }
}

/// The separator that most of the workspace's longer package names use.
fn separator(workspace: &Workspace) -> char {
    let count = |c: char| workspace.members.iter().filter(|m| m.name.contains(c)).count();
    if count('_') > count('-') { '_' } else { '-' }
}
