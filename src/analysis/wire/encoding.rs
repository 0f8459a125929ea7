//! How a value is written where serde's own form of its type would lose something, or cannot be read
//! back: a tree that follows the type.

use std::collections::BTreeMap;

use super::external::{self, External, external};
use super::fields::all_fields;
use super::{Form, Instance, serde_rules};
use crate::analysis::code::Code;
use crate::analysis::types::Type;

/// How a value of a type is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// As serde writes its type.
    Same,
    /// A float as text, bit for bit.
    Float,
    /// Bytes as base64.
    Bytes,
    /// A `SystemTime` by its parts.
    UnixTime,
    /// A socket address by its parts.
    SocketAddress,
    /// By a mirror in the wire crate.
    Mirror(Instance),
    /// An option whose content may be written as `null`.
    Nested(Box<Encoding>),
    /// A `Cow`, or what is borrowed where it is sent.
    Lent(Box<Encoding>),
    /// `[T]`, behind a box or a borrow.
    List(Box<Encoding>),
    /// A map as a list of pairs.
    Pairs(Box<Encoding>, Box<Encoding>),
    /// `[T; N]`.
    Array(Box<Encoding>, String),
    /// `(A, B)`.
    Tuple(Vec<Encoding>),
    /// Another type of the standard library, by its path, of which each part is written its own way.
    Of(String, Vec<Encoding>),
}

/// The longest array that serde implements.
const LONGEST: usize = 32;

impl Encoding {
    /// How values of a type are written; the workspace types in it have their forms already.
    pub fn of(code: &Code<'_>, forms: &BTreeMap<Instance, Form>, ty: &Type) -> Self {
        let of = |ty: &Type| Self::of(code, forms, ty);
        let boxed = |ty: &Type| Box::new(of(ty));
        match ty {
            _ if is_bytes(ty) => Self::Bytes,
            Type::Primitive("f32" | "f64") => Self::Float,
            Type::Unit | Type::Primitive(_) | Type::Str | Type::String | Type::Other(..) => {
                Self::Same
            }
            Type::Option(inner) if may_be_null(code, inner) => Self::Nested(boxed(inner)),
            Type::Option(inner) => Self::container("Option", vec![of(inner)]),
            Type::Vec(inner) => Self::container("Vec", vec![of(inner)]),
            Type::Box(inner) => Self::container("Box", vec![of(inner)]),
            Type::Reference { to, .. } | Type::Cow(_, to) => match of(to) {
                Self::Same => Self::Same,
                to => Self::Lent(Box::new(to)),
            },
            Type::Slice(inner) => match of(inner) {
                Self::Same => Self::Same,
                inner => Self::List(Box::new(inner)),
            },
            Type::Array(inner, length) => match of(inner) {
                Self::Same if length.parse().is_ok_and(|n: usize| n <= LONGEST) => Self::Same,
                inner => Self::Array(Box::new(inner), length.clone()),
            },
            Type::Tuple(parts) => {
                let parts: Vec<Self> = parts.iter().map(of).collect();
                if parts.iter().all(Self::is_same) { Self::Same } else { Self::Tuple(parts) }
            }
            Type::Result(ok, error) => Self::container("Result", vec![of(ok), of(error)]),
            Type::Set { ordered, element } => {
                let name = if *ordered { "BTreeSet" } else { "HashSet" };
                Self::container(&format!("std::collections::{name}"), vec![of(element)])
            }
            Type::Map { ordered, key, value } => {
                let parts = [of(key), of(value)];
                if !parts[0].is_same() || !is_key(code, key) {
                    let [key, value] = parts.map(Box::new);
                    return Self::Pairs(key, value);
                }
                let name = if *ordered { "BTreeMap" } else { "HashMap" };
                Self::container(&format!("std::collections::{name}"), parts.into())
            }
            Type::Item(id, arguments) => {
                let instance = Instance { id: *id, arguments: arguments.clone() };
                match forms.get(&instance) {
                    Some(Form::Mirror(_)) => Self::Mirror(instance),
                    _ => Self::Same,
                }
            }
            Type::External { package, path, arguments, .. } => {
                match external(code.workspace, package, path, arguments) {
                    External::UnixTime => Self::UnixTime,
                    External::SocketAddress => Self::SocketAddress,
                    External::Container | External::Shared => Self::container(
                        &format!("{package}::{}", path.join("::")),
                        arguments.iter().map(of).collect(),
                    ),
                    _ => Self::Same,
                }
            }
        }
    }

    fn container(path: &str, parts: Vec<Self>) -> Self {
        if parts.iter().all(Self::is_same) { Self::Same } else { Self::Of(path.to_owned(), parts) }
    }

    /// Whether serde's own form is the one.
    pub fn is_same(&self) -> bool {
        *self == Self::Same
    }

    /// The encodings directly inside this one.
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Nested(inner) | Self::Lent(inner) | Self::List(inner) | Self::Array(inner, _) => {
                vec![inner]
            }
            Self::Pairs(key, value) => vec![key, value],
            Self::Tuple(parts) | Self::Of(_, parts) => parts.iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// Whether a type is a run of bytes. A short array of them is often an id or a hash, which serde writes
/// well enough.
pub fn is_bytes(ty: &Type) -> bool {
    let byte = Type::Primitive("u8");
    let slice = |ty: &Type| matches!(ty, Type::Slice(inner) if **inner == byte);
    match ty {
        Type::Vec(inner) => **inner == byte,
        Type::Array(inner, length) => {
            **inner == byte && length.parse::<usize>().is_ok_and(|n| n > LONGEST)
        }
        Type::Box(inner) | Type::Cow(_, inner) | Type::Reference { to: inner, .. } => slice(inner),
        Type::External { package, path, arguments, .. } => {
            let name = path.last().map(String::as_str);
            match (package.as_str(), name, arguments.as_slice()) {
                ("bytes", Some("Bytes"), []) => true,
                ("std" | "core" | "alloc", Some("Arc"), [inner]) => slice(inner),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether a type is written as a JSON key.
pub(super) fn is_key(code: &Code<'_>, ty: &Type) -> bool {
    match ty {
        Type::String => true,
        Type::Primitive(name) => !name.starts_with('f'),
        Type::Box(inner) | Type::Cow(_, inner) => **inner == Type::Str,
        Type::External { package, path, .. } => external::is_key(package, path),
        Type::Item(id, _) => {
            let item = code.item(*id);
            match item.syntax {
                // A tagged enum is written as an object.
                syn::Item::Enum(e) => {
                    e.variants.iter().all(|v| v.fields.is_empty())
                        && !serde_rules::is_tagged(&e.attrs)
                }
                syn::Item::Struct(s) => {
                    only_field(code, ty, s).is_some_and(|only| is_key(code, &only))
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether a value of a type is written as `null`, which an option around it writes as well.
fn may_be_null(code: &Code<'_>, ty: &Type) -> bool {
    match ty {
        Type::Option(_) | Type::Unit => true,
        Type::Box(inner) | Type::Cow(_, inner) | Type::Reference { to: inner, .. } => {
            may_be_null(code, inner)
        }
        Type::External { path, arguments, .. } => match path.last().map(String::as_str) {
            Some("PhantomData") => true,
            Some("Arc" | "Wrapping" | "Saturating" | "Reverse") => {
                arguments.iter().any(|inner| may_be_null(code, inner))
            }
            _ => false,
        },
        Type::Item(id, _) => {
            let item = code.item(*id);
            let syn::Item::Struct(s) = item.syntax else { return false };
            let Some(_reading) = code.enter(*id) else { return false };
            if let syn::Fields::Unit = s.fields {
                return true;
            }
            only_field(code, ty, s).is_some_and(|only| may_be_null(code, &only))
        }
        _ => false,
    }
}

/// The type of the one field as which a struct is written.
fn only_field(code: &Code<'_>, ty: &Type, syntax: &syn::ItemStruct) -> Option<Type> {
    let Type::Item(id, arguments) = ty else { return None };
    let instance = Instance { id: *id, arguments: arguments.clone() };
    let fields = all_fields(code, &instance);
    match fields.as_slice() {
        [only] if !only.named || serde_rules::is_transparent(&syntax.attrs) => {
            Some(only.ty.clone())
        }
        _ => None,
    }
}
