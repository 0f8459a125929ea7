//! Samples of types that the workspace does not define.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::analysis::types::Type;
use crate::analysis::wire::Payload;
use crate::codegen::scribe::Scribe;

/// The `n`-th value of a primitive.
pub(super) fn primitive(name: &str) -> TokenStream {
    let ty = format_ident!("{name}");
    match name {
        // No two fields a fixed distance apart are always equal.
        "bool" => quote!(n.count_ones() % 2 == 1),
        "char" => quote!(['x', 'ü', '"', '\u{10FFFF}'][n % 4]),
        "f32" | "f64" => quote! {
            [
                0.1,
                #ty::MAX,
                -0.0,
                #ty::NAN,
                #ty::INFINITY,
                #ty::MIN_POSITIVE,
                #ty::NEG_INFINITY,
                // A NaN with a payload, and the smallest number there is.
                #ty::from_bits(#ty::NAN.to_bits() + 1),
                #ty::from_bits(1),
            ][n % 9]
        },
        _ => {
            let extreme = if name.starts_with('i') { quote!(#ty::MIN) } else { quote!(0) };
            let plain = if name == "usize" { quote!(n) } else { quote!(n.try_into().unwrap()) };
            quote!(match n % 4 { 2 => #ty::MAX, 3 => #extreme, _ => #plain })
        }
    }
}

/// The `n`-th text: quotes, a line end, letters of two and of four bytes; sometimes empty.
pub(super) fn text() -> TokenStream {
    quote! {
        match n % 4 {
            3 => String::new(),
            _ => format!("text {n}: \"ü\" \\ \n 🦀"),
        }
    }
}

/// Whether samples of a type are made of samples of its one argument.
pub(super) fn is_container(package: &str, path: &[String]) -> bool {
    let name = path.last().map(String::as_str).unwrap_or_default();
    let known = ["Arc", "Bound", "LinkedList", "Range", "RangeFrom", "RangeTo", "VecDeque"];
    matches!(package, "std" | "core" | "alloc") && known.contains(&name)
}

/// The `n`-th value of a foreign type; none where calve does not know the type.
pub(super) fn sample(
    scribe: &Scribe<'_, '_>,
    package: &str,
    path: &[String],
    arguments: &[Type],
) -> Option<TokenStream> {
    let name = path.last()?.as_str();
    let ty = scribe.path(&format!("{}::{}", package.replace('-', "_"), path.join("::")));
    let moment = || {
        let date_time = scribe.path("chrono::DateTime");
        quote! {
            #date_time::from_timestamp_nanos(1_234_567_890_123_456_789 + i64::try_from(n).unwrap())
        }
    };
    Some(match (package, name) {
        ("std" | "core", "Duration") => quote!(#ty::new(n.try_into().unwrap(), 123_456_789)),
        // Before 1970 as well.
        ("std" | "core", "SystemTime") => {
            let duration = scribe.path("std::time::Duration");
            quote! {
                match n % 3 {
                    0 => #ty::UNIX_EPOCH - #duration::new(n.try_into().unwrap(), 1),
                    1 => #ty::UNIX_EPOCH + #duration::new(1_234_567_890, n.try_into().unwrap()),
                    _ => #ty::UNIX_EPOCH + #duration::new(n.try_into().unwrap(), 999_999_999),
                }
            }
        }
        ("std" | "core", "SocketAddrV4") => {
            let ip = scribe.path("std::net::Ipv4Addr");
            quote!(#ty::new(#ip::new(192, 0, 2, n.try_into().unwrap()), 8080))
        }
        ("std" | "core", "SocketAddrV6") => {
            let ip = scribe.path("std::net::Ipv6Addr");
            quote!(#ty::new(#ip::LOCALHOST, 8080, n.try_into().unwrap(), 7))
        }
        ("std" | "core", "SocketAddr") => {
            let [v4, v6, address] = ["Ipv4Addr", "Ipv6Addr", "SocketAddrV6"]
                .map(|name| scribe.path(&format!("std::net::{name}")));
            quote! {
                match n % 2 {
                    0 => #ty::from((#v4::new(192, 0, 2, n.try_into().unwrap()), 8080)),
                    _ => #ty::V6(#address::new(#v6::LOCALHOST, 8080, n.try_into().unwrap(), 7)),
                }
            }
        }
        ("std" | "core", "PhantomData") => quote!(#ty),
        ("bytes", "Bytes") => quote!(#ty::from(vec![0, 255, n.try_into().unwrap()])),
        ("std" | "core", "Ipv4Addr") => quote!(#ty::from([192, 0, 2, n.try_into().unwrap()])),
        ("std" | "core", "Ipv6Addr") => {
            quote!(#ty::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n.try_into().unwrap()))
        }
        ("std" | "core", "IpAddr") => quote! {
            match n % 2 {
                0 => #ty::from([192, 0, 2, n.try_into().unwrap()]),
                _ => #ty::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n.try_into().unwrap()]),
            }
        },
        ("std" | "core", name) if name.starts_with("NonZero") => quote! {
            match n % 4 {
                2 => #ty::MAX,
                3 => #ty::MIN,
                _ => #ty::new((n + 1).try_into().unwrap()).unwrap(),
            }
        },
        ("chrono", "DateTime") => {
            let moment = moment();
            match arguments {
                [Type::External { path, .. }] => match path.last().map(String::as_str) {
                    Some("Utc") => moment,
                    Some("FixedOffset") => {
                        let offset = scribe.path("chrono::FixedOffset");
                        quote! {
                            #moment.with_timezone(&#offset::east_opt(3600 * (n % 3) as i32).unwrap())
                        }
                    }
                    _ => quote!(#moment.into()),
                },
                _ => return None,
            }
        }
        ("chrono", "NaiveDateTime") => {
            let moment = moment();
            quote!(#moment.naive_utc())
        }
        ("chrono", "NaiveTime") => {
            let moment = moment();
            quote!(#moment.time())
        }
        ("chrono", "NaiveDate") => {
            quote!(#ty::from_num_days_from_ce_opt(738_945 + i32::try_from(n).unwrap()).unwrap())
        }
        ("chrono", "Weekday") => quote!([#ty::Mon, #ty::Wed, #ty::Sun][n % 3]),
        ("chrono", "Month") => quote!([#ty::January, #ty::May, #ty::December][n % 3]),
        ("uuid", "Uuid") => quote! {
            #ty::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cd00 + n as u128)
        },
        ("ulid", "Ulid") => quote!(#ty(0x0123_4567_89ab_cdef_0123_4567_89ab_cd00 + n as u128)),
        ("rust_decimal", "Decimal") => {
            quote!(#ty::from_i128_with_scale(-12_300 - n as i128, 2))
        }
        ("url", "Url") => {
            quote!(#ty::parse(&format!("https://example.com/{n}?q=a%20b#c")).unwrap())
        }
        _ => return None,
    })
}

/// The `n`-th error of another crate that a variant holds.
pub(super) fn payload(scribe: &Scribe<'_, '_>, payload: Payload) -> Option<TokenStream> {
    Some(match payload {
        Payload::Plain => return None,
        Payload::Sqlx => {
            let error = scribe.path("sqlx::Error");
            quote! {
                match n % 4 {
                    0 => #error::RowNotFound,
                    1 => #error::PoolTimedOut,
                    2 => #error::Protocol(text(n)),
                    _ => #error::Io(std::io::ErrorKind::BrokenPipe.into()),
                }
            }
        }
        Payload::Rusqlite => {
            let error = scribe.path("rusqlite::Error");
            let code = scribe.path("rusqlite::ffi::Error");
            quote! {
                match n % 4 {
                    0 => #error::QueryReturnedNoRows,
                    // Two codes of a constraint, SQLITE_CONSTRAINT_FOREIGNKEY and _UNIQUE.
                    1 => #error::SqliteFailure(#code::new(787), Some(text(n))),
                    2 => #error::SqliteFailure(#code::new(2067), None),
                    _ => #error::InvalidColumnIndex(n),
                }
            }
        }
        Payload::Io => {
            let (error, kind) = (scribe.path("std::io::Error"), scribe.path("std::io::ErrorKind"));
            quote!(#error::new([#kind::NotFound, #kind::TimedOut][n % 2], text(n)))
        }
        Payload::Json => {
            // No text of a sample is a number.
            let from_str = scribe.path("serde_json::from_str");
            quote!(#from_str::<u8>(&text(n)).unwrap_err())
        }
        Payload::Anyhow => {
            let error = scribe.path("anyhow::Error");
            quote!(#error::msg(text(n)).context(text(n + 1)))
        }
        Payload::Boxed => quote!(text(n).into()),
    })
}
