//! Types that the workspace does not define, as far as their serde form is known to lose nothing.

use crate::analysis::types::Type;
use crate::workspace::Workspace;

/// What is known of the wire form of a type that the workspace does not define.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum External {
    /// serde implements it.
    Always,
    /// Its crate implements it behind a feature `serde`.
    Serde,
    /// Nothing.
    Unknown,
}

/// Looks a foreign type up among those whose serde form is known to lose nothing.
pub fn external(
    workspace: &Workspace,
    package: &str,
    path: &[String],
    arguments: &[Type],
) -> External {
    let name = path.last().map(String::as_str).unwrap_or_default();
    match (package, name) {
        ("std" | "core", "Duration" | "IpAddr" | "Ipv4Addr" | "Ipv6Addr") => External::Always,
        (
            "std" | "core",
            "NonZeroU8" | "NonZeroU16" | "NonZeroU32" | "NonZeroU64" | "NonZeroUsize"
            | "NonZeroI32" | "NonZeroI64",
        ) => External::Always,
        // A local time would be read in the other machine's zone.
        ("chrono", "DateTime") if names_zone(arguments) => External::Serde,
        ("chrono", "NaiveDate" | "NaiveDateTime" | "NaiveTime" | "Weekday" | "Month")
        | ("uuid", "Uuid")
        | ("ulid", "Ulid")
        | ("url", "Url") => External::Serde,
        ("rust_decimal", "Decimal") if !decimals_are_floats(workspace) => External::Serde,
        _ => External::Unknown,
    }
}

/// Whether a known type is written as a string or an integer, so that it can be a JSON key.
pub(super) fn is_key(path: &[String]) -> bool {
    let name = path.last().map(String::as_str).unwrap_or_default();
    !matches!(name, "Duration")
}

fn names_zone(arguments: &[Type]) -> bool {
    matches!(arguments, [Type::External { package, path, .. }]
        if package == "chrono"
            && path.last().is_some_and(|name| name == "Utc" || name == "FixedOffset"))
}

/// Whether a member asks `rust_decimal` for its lossy form; features are shared by all.
fn decimals_are_floats(workspace: &Workspace) -> bool {
    let mut dependencies = workspace.members.iter().flat_map(|m| &m.dependencies);
    dependencies.any(|d| {
        d.package == "rust_decimal"
            && d.features.iter().any(|f| f.contains("float") || f.contains("arbitrary"))
    })
}
