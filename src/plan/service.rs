//! What the service is made of: everything that was read off the monolith's composition root, in a
//! form that the record keeps, since after the cut nobody can read it there again.

mod written;

use camino::{Utf8Path, Utf8PathBuf};
use heck::{ToKebabCase, ToShoutySnakeCase, ToSnakeCase};
use serde::{Deserialize, Serialize};

use super::{Names, relative};
use crate::analysis::composition::{
    ArgumentKind, Composition, Constructed, Engine, Form, OptionCall, Setting as Found,
    SettingType, Wrapped,
};
use crate::analysis::module::{Api, Module};
use crate::workspace::Member;

/// How the service constructs and configures what it serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "written::Service", into = "written::Service")]
pub struct ServicePlan {
    /// The pool, if an implementation has one.
    pub database: Option<DatabasePlan>,
    /// How each implementation is constructed, at least one.
    pub constructions: Vec<ConstructionPlan>,
}

/// How the service constructs an implementation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ConstructionPlan {
    /// The traits that it stands behind, where it is not the only implementation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<String>,
    /// Path of the constructor, such as `inventory::SqliteInventory::new`.
    pub constructor: String,
    /// Whether the implementation is written as a struct literal.
    #[serde(default, skip_serializing_if = "is_false")]
    pub literal: bool,
    /// The calls behind the first one, where the constructor is a builder's chain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<LinkPlan>,
    /// Whether the constructor is awaited.
    #[serde(default, skip_serializing_if = "is_false")]
    pub awaited: bool,
    /// Whether the constructor can fail.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fallible: bool,
    /// Whether the constructor returns an `Arc` or a `Box` already.
    #[serde(default, skip_serializing_if = "Holder::is_bare")]
    pub returns: Holder,
    /// The constructor's arguments in order.
    #[serde(default, rename = "argument", skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<ArgumentPlan>,
}

/// One more call in a builder's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LinkPlan {
    /// The method.
    pub method: String,
    /// How many of the arguments it takes.
    pub arguments: usize,
    /// Whether what it is called on is awaited first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub awaited: bool,
    /// Whether what it is called on can fail.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fallible: bool,
}

/// What a value is held in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// Nothing.
    #[default]
    Bare,
    /// `Arc<…>`.
    Arc,
    /// `Box<…>`.
    Box,
}

impl Holder {
    fn is_bare(&self) -> bool {
        *self == Self::Bare
    }
}

/// The service's own database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DatabasePlan {
    /// Which database it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub engine: Engine,
    /// Calls on the connect options, or on what makes connections, fully qualified:
    /// `.foreign_keys(true)`.
    #[serde(default)]
    pub connect_options: Vec<String>,
    /// Calls on each new connection of rusqlite: `.busy_timeout(std::time::Duration::from_secs(5))`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepare: Vec<String>,
    /// Calls on the pool options besides the one that limits its size.
    #[serde(default)]
    pub pool_options: Vec<String>,
    /// The monolith's pool size, or the default of sqlx and r2d2.
    pub max_connections: String,
    /// Folder of the migrations, relative to the service's folder; none where the module has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Utf8PathBuf>,
    /// What stood on both sides of the cut in a shared history, and was left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
}

/// An argument of the constructor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ArgumentPlan {
    /// The parameter's name.
    pub name: String,
    /// Whether it is passed by reference.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_reference: bool,
    /// What it is wrapped in for the constructor.
    #[serde(default, skip_serializing_if = "Holder::is_bare")]
    pub wrapped: Holder,
    /// What makes the module's own type of the pool: `storage::Database::new`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newtype: Option<String>,
    /// Where it comes from.
    pub from: Origin,
}

/// Where the service takes an argument from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The pool.
    Pool,
    /// A setting.
    Setting(SettingPlan),
    /// An expression that means the same in every process, and the packages that it names.
    Expression {
        /// Fully qualified Rust.
        rust: String,
        /// Workspace packages that it names.
        packages: Vec<String>,
    },
}

/// A setting of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SettingPlan {
    /// Its name in the monolith.
    pub name: String,
    /// The Rust type that clap reads.
    pub kind: String,
    /// How the value is taken out of the settings: `.0` of a newtype, `.as_str()`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub access: String,
    /// As it would be typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// One sentence.
    pub help: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ServicePlan {
    /// Reads the composition as a plan. `migrations` is the folder that the service embeds, `cuts` what was
    /// left out of it.
    pub fn of(
        composition: &Composition<'_>,
        names: &Names,
        module: &Module<'_>,
        migrations: Option<&Utf8Path>,
        cuts: &[String],
    ) -> Self {
        let mut taken: Vec<SettingPlan> = Vec::new();
        let alone = composition.constructed.len() == 1;
        let constructions = composition.constructed.iter().map(|one| {
            let behind = |api: &&Api<'_>| api.implementation.id == one.implementation;
            let apis: Vec<_> = module.apis.iter().filter(behind).collect();
            let part = apis.iter().find_map(|api| api.part.as_deref()).unwrap_or("module");
            let traits = apis.iter().filter(|_| !alone).map(|api| api.name().to_owned());
            let mut construction = ConstructionPlan::of(one, module.member, traits.collect());
            for argument in &mut construction.arguments {
                let Origin::Setting(setting) = &mut argument.from else { continue };
                // Two of one name that differ are two settings.
                while taken.iter().any(|other| other.name == setting.name && other != setting) {
                    setting.name = format!("{part}_{}", setting.name);
                }
                taken.push(setting.clone());
            }
            construction
        });
        let constructions = constructions.collect();
        let database = composition.pool().map(|pool| {
            let pragmas = pool.pragmas.iter().filter_map(|p| pragma_call(p));
            let limit = size_option(pool.engine);
            let size = pool.pool.iter().find(|c| c.method == limit);
            DatabasePlan {
                engine: pool.engine,
                connect_options: pool.connect.iter().map(call).chain(pragmas).collect(),
                prepare: pool.prepare.iter().map(call).collect(),
                pool_options: pool.pool.iter().filter(|c| c.method != limit).map(call).collect(),
                max_connections: size
                    .and_then(|c| c.arguments.first())
                    .map_or_else(|| "10".to_owned(), |n| n.replace('_', "")),
                migrations: migrations.map(|folder| embedded(pool.engine, &names.dir, folder)),
                cut: cuts.to_vec(),
            }
        });
        Self { database, constructions }
    }

    /// The arguments of all constructors.
    pub fn arguments(&self) -> impl Iterator<Item = &ArgumentPlan> {
        self.constructions.iter().flat_map(|construction| &construction.arguments)
    }

    /// The settings as the service shows them, each once.
    pub fn settings(&self, names: &Names) -> Vec<super::Setting> {
        let mut shown: Vec<super::Setting> = Vec::new();
        for argument in self.arguments() {
            let Origin::Setting(setting) = &argument.from else { continue };
            if shown.iter().any(|other| other.name == setting.name) {
                continue;
            }
            shown.push(super::Setting {
                name: setting.name.clone(),
                env: format!("{}_{}", names.env, setting.name.to_shouty_snake_case()),
                flag: setting.name.to_kebab_case(),
                kind: setting.kind.clone(),
                value_name: value_name(&setting.kind).to_owned(),
                default: setting.default.clone(),
                help: setting.help.clone(),
            });
        }
        shown
    }
}

impl ConstructionPlan {
    fn of(constructed: &Constructed, module: &Member, traits: Vec<String>) -> Self {
        let holder = |wrapped: Wrapped| match wrapped {
            Wrapped::Bare => Holder::Bare,
            Wrapped::Arc => Holder::Arc,
            Wrapped::Box => Holder::Box,
        };
        let arguments = constructed.arguments.iter().map(|argument| ArgumentPlan {
            name: argument.name.clone(),
            by_reference: argument.by_reference,
            wrapped: holder(argument.wrapped),
            newtype: argument.newtype.clone(),
            from: match &argument.kind {
                ArgumentKind::Pool(_) => Origin::Pool,
                ArgumentKind::Setting(setting) => Origin::Setting(setting_plan(setting)),
                ArgumentKind::Stateless(stateless) => Origin::Expression {
                    rust: stateless.expression.clone(),
                    packages: stateless
                        .packages
                        .iter()
                        .filter(|p| **p != module.name)
                        .cloned()
                        .collect(),
                },
            },
        });
        let constructor = &constructed.constructor;
        Self {
            traits,
            constructor: constructor.path.clone(),
            literal: constructor.form == Form::Literal,
            chain: constructor
                .chain
                .iter()
                .map(|link| LinkPlan {
                    method: link.method.clone(),
                    arguments: link.arguments,
                    awaited: link.awaited,
                    fallible: link.fallible,
                })
                .collect(),
            awaited: constructor.is_async,
            fallible: constructor.fallible,
            returns: holder(constructor.wrapped),
            arguments: arguments.collect(),
        }
    }
}

/// The option that limits the size of a pool.
fn size_option(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite | Engine::Postgres => "max_connections",
        Engine::Rusqlite => "max_size",
    }
}

fn call(call: &OptionCall) -> String {
    format!(".{}({})", call.method, call.arguments.join(", "))
}

/// `PRAGMA synchronous = NORMAL` as a call on the connect options, so that every connection has it.
fn pragma_call(statement: &str) -> Option<String> {
    let body = statement.trim().trim_end_matches(';').trim();
    let (key, value) = body
        .get(..6)
        .filter(|p| p.eq_ignore_ascii_case("pragma"))
        .and_then(|_| body[6..].split_once('=').map(|(key, value)| (key.trim(), value.trim())))?;
    Some(format!(".pragma({key:?}, {:?})", value.trim_matches(['\'', '"'])))
}

fn setting_plan(setting: &Found) -> SettingPlan {
    let (kind, access) = match setting.ty {
        SettingType::String => ("String", ".clone()"),
        SettingType::Bool => ("bool", ""),
        SettingType::Number(name) => (name, ""),
        SettingType::Path => ("PathBuf", ".clone()"),
        SettingType::Seconds | SettingType::Milliseconds => ("Seconds", ".0"),
    };
    let help = setting.help.join(" ");
    SettingPlan {
        name: own_name(&setting.name),
        kind: kind.to_owned(),
        access: access.to_owned(),
        default: setting
            .default
            .as_deref()
            .filter(|_| setting.ty != SettingType::String || !sounds_secret(&setting.name))
            .map(|literal| typed(literal, setting.ty)),
        help: sentence(&help, &setting.name),
    }
}

/// What the service has flags for anyway, and what the stub reads out of a variable: one of the same name
/// would be a clash when it starts, or be set twice.
const TAKEN: [&str; 16] = [
    "admin_listen",
    "body_timeout",
    "database_connections",
    "database_path",
    "database_url",
    "header_timeout",
    "listen",
    "log",
    "max_running",
    "migrate_on_start",
    "ready_file",
    "shutdown_deadline",
    "shutdown_delay",
    "token",
    "token_file",
    "url",
];

/// Whether a text of this name is a secret, most likely: the one that stands in the monolith's code is
/// not for `--help` and documents, and not for production either.
fn sounds_secret(name: &str) -> bool {
    const WORDS: [&str; 8] =
        ["key", "token", "secret", "password", "passwd", "passphrase", "credential", "credentials"];
    let name = name.to_snake_case();
    name.split('_').any(|word| WORDS.contains(&word) || word.ends_with("key"))
}

/// The setting's name in the service: the monolith's, unless that is taken or a keyword.
fn own_name(name: &str) -> String {
    let plain = name.strip_prefix("r#").unwrap_or(name);
    if TAKEN.contains(&plain) || syn::parse_str::<syn::Ident>(plain).is_err() {
        format!("module_{plain}")
    } else {
        plain.to_owned()
    }
}

/// A Rust literal as an operator would type it.
fn typed(literal: &str, ty: SettingType) -> String {
    let plain = match syn::parse_str::<syn::Lit>(literal) {
        Ok(syn::Lit::Str(text)) => text.value(),
        Ok(syn::Lit::Int(number)) => number.base10_digits().to_owned(),
        Ok(syn::Lit::Float(number)) => number.base10_digits().to_owned(),
        _ => literal.to_owned(),
    };
    match ty {
        SettingType::Milliseconds => {
            plain.parse::<f64>().map_or(plain, |milliseconds| (milliseconds / 1000.0).to_string())
        }
        _ => plain,
    }
}

fn value_name(kind: &str) -> &'static str {
    match kind {
        "Seconds" => "SECONDS",
        "PathBuf" => "PATH",
        "String" => "TEXT",
        "bool" => "BOOL",
        _ => "NUMBER",
    }
}

/// The help of a flag: what the configuration says of it without the name of its old variable.
fn sentence(help: &str, name: &str) -> String {
    let text = match help.trim().strip_prefix('`').and_then(|rest| rest.split_once("`:")) {
        Some((_, rest)) => rest.trim(),
        None => help.trim(),
    };
    let text = if text.is_empty() {
        format!("The module's {}", name.replace('_', " "))
    } else {
        let mut chars = text.chars();
        chars
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect::<String>())
    };
    if text.ends_with('.') { text } else { format!("{text}.") }
}

/// A folder of migrations as the macro takes it: a name alone `sqlx::migrate!` refuses.
fn embedded(engine: Engine, service: &Utf8Path, folder: &Utf8Path) -> Utf8PathBuf {
    let path = relative(service, folder);
    let alone = path.components().count() == 1 && engine != Engine::Rusqlite;
    if alone { Utf8Path::new(".").join(path) } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_gives_way_to_the_service_s_own_flags_and_to_keywords() {
        for (found, named) in [
            ("low_stock", "low_stock"),
            ("log", "module_log"),
            ("database_url", "module_database_url"),
            ("url", "module_url"),
            ("r#type", "module_type"),
        ] {
            assert_eq!(own_name(found), named);
        }
    }

    #[test]
    fn a_secret_is_known_by_its_name() {
        for name in ["api_key", "apikey", "webhook_secret", "TOKEN", "db_password", "key"] {
            assert!(sounds_secret(name), "{name}");
        }
        for name in ["greeting", "keyboard", "monkeys", "base_url"] {
            assert!(!sounds_secret(name), "{name}");
        }
    }
}
