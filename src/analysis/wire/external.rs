//! Types that the workspace does not define, as far as their serde form is known to lose nothing.

use crate::analysis::types::Type;
use crate::workspace::Workspace;

/// What is known of the wire form of a type that the workspace does not define.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum External {
    /// serde implements it.
    Always,
    /// serde implements it behind its feature `rc`, and it crosses as what is in it.
    Shared,
    /// Its crate implements it behind a feature `serde`.
    Serde,
    /// serde implements it, and it loses nothing if nothing in it does.
    Container,
    /// `SystemTime`: serde refuses moments before 1970.
    UnixTime,
    /// A socket address that may be of IPv6: serde leaves its flow information out.
    SocketAddress,
    /// A run of bytes.
    Bytes,
    /// It is known to lose something: what.
    Lossy(&'static str),
    /// Nothing.
    Unknown,
}

/// Looks a foreign type up among those whose serde form is known.
pub fn external(
    workspace: &Workspace,
    package: &str,
    path: &[String],
    arguments: &[Type],
) -> External {
    let name = path.last().map(String::as_str).unwrap_or_default();
    match (package, name) {
        ("std" | "core" | "alloc", name) => standard(name, arguments.len()),
        ("bytes", "Bytes") => External::Bytes,
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

fn standard(name: &str, arguments: usize) -> External {
    match (name, arguments) {
        ("Duration" | "IpAddr" | "Ipv4Addr" | "Ipv6Addr" | "SocketAddrV4" | "PhantomData", _)
        | ("NonZero", 1) => External::Always,
        (name, 0) if name.starts_with("NonZero") => External::Always,
        ("SystemTime", 0) => External::UnixTime,
        ("SocketAddr" | "SocketAddrV6", 0) => External::SocketAddress,
        ("Arc", 1) => External::Shared,
        ("VecDeque" | "LinkedList" | "Range" | "RangeFrom" | "RangeTo" | "Bound", 1) => {
            External::Container
        }
        ("RangeInclusive", 1) => External::Lossy(
            "serde keeps both ends, not whether an iteration has used the range up; use a `Range`, or \
             a pair of both ends",
        ),
        ("BinaryHeap", 1) => External::Lossy(
            "the order in which a heap gives equal elements is not kept; use a `Vec`",
        ),
        _ => External::Unknown,
    }
}

/// Whether a known type is written as a string or an integer, so that it can be a JSON key.
pub(super) fn is_key(package: &str, path: &[String]) -> bool {
    let name = path.last().map(String::as_str).unwrap_or_default();
    match package {
        "std" | "core" | "alloc" => {
            matches!(name, "IpAddr" | "Ipv4Addr" | "Ipv6Addr" | "SocketAddrV4")
                || name.starts_with("NonZero")
        }
        "bytes" => false,
        _ => true,
    }
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
