//! The types of signatures and fields, with their names resolved.

use std::collections::BTreeMap;

use quote::ToTokens;

use super::code::{Code, Found, Item, ItemId, ItemKind, ScopeId};

/// A type, as far as a wire needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// `()`.
    Unit,
    /// `bool`, `char`, integers, floats: the primitive's name.
    Primitive(&'static str),
    /// `str`.
    Str,
    /// `String`.
    String,
    /// `&T` or `&mut T`.
    Reference {
        /// Whether it is `&mut`.
        mutable: bool,
        /// What it refers to.
        to: Box<Type>,
    },
    /// `[T]`.
    Slice(Box<Type>),
    /// `[T; N]` with its length: a number, or as written where calve cannot tell it.
    Array(Box<Type>, String),
    /// `Cow<'_, T>` with its lifetime as written, `'_` where it is left out.
    Cow(String, Box<Type>),
    /// `(A, B, …)`.
    Tuple(Vec<Type>),
    /// `Option<T>`.
    Option(Box<Type>),
    /// `Vec<T>`.
    Vec(Box<Type>),
    /// `Box<T>`.
    Box(Box<Type>),
    /// `Result<T, E>`.
    Result(Box<Type>, Box<Type>),
    /// `HashMap<K, V>` or `BTreeMap<K, V>`.
    Map {
        /// Whether it is a `BTreeMap`.
        ordered: bool,
        /// Its keys.
        key: Box<Type>,
        /// Its values.
        value: Box<Type>,
    },
    /// `HashSet<T>` or `BTreeSet<T>`.
    Set {
        /// Whether it is a `BTreeSet`.
        ordered: bool,
        /// Its elements.
        element: Box<Type>,
    },
    /// A type that a workspace crate defines.
    Item(ItemId, Vec<Type>),
    /// A type of another crate: the crate's name in code, the path in it, its type arguments.
    External {
        /// The package that defines it, `std` for the standard library.
        package: String,
        /// The dependency's name in the code that wrote it.
        krate: String,
        /// The path in that crate.
        path: Vec<String>,
        /// Its type arguments.
        arguments: Vec<Type>,
    },
    /// Anything else: what it is in words, and its source text.
    Other(&'static str, String),
}

const PRIMITIVES: [&str; 16] = [
    "bool", "char", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
    "usize", "f32", "f64",
];

/// Tokens of a type, as a person writes them.
pub fn spelled(tokens: &str) -> String {
    tokens.replace(" :: ", "::").replace(" < ", "<").replace(" >", ">").replace(" ,", ",")
}

/// Type parameters in force, by name.
pub type Substitution = BTreeMap<String, Type>;

/// Reads a type that stands in `scope`.
pub fn read(code: &Code<'_>, scope: ScopeId, ty: &syn::Type, known: &Substitution) -> Type {
    let other = |what| Type::Other(what, ty.to_token_stream().to_string());
    let inner = |ty: &syn::Type| Box::new(read(code, scope, ty, known));
    match ty {
        syn::Type::Tuple(tuple) if tuple.elems.is_empty() => Type::Unit,
        syn::Type::Tuple(tuple) => {
            Type::Tuple(tuple.elems.iter().map(|t| read(code, scope, t, known)).collect())
        }
        syn::Type::Reference(reference) => {
            Type::Reference { mutable: reference.mutability.is_some(), to: inner(&reference.elem) }
        }
        syn::Type::Slice(slice) => Type::Slice(inner(&slice.elem)),
        syn::Type::Array(array) => Type::Array(inner(&array.elem), length(code, scope, &array.len)),
        syn::Type::Paren(paren) => read(code, scope, &paren.elem, known),
        syn::Type::Group(group) => read(code, scope, &group.elem, known),
        syn::Type::Path(path) if path.qself.is_none() => read_path(code, scope, &path.path, known)
            .unwrap_or_else(|| other(unread(code, scope, &path.path))),
        syn::Type::ImplTrait(_) => other("an `impl Trait`"),
        syn::Type::TraitObject(_) => other("a trait object"),
        syn::Type::FnPtr(_) => other("a function pointer"),
        syn::Type::Ptr(_) => other("a raw pointer"),
        syn::Type::Never(_) => other("the never type"),
        _ => other("a type calve does not read"),
    }
}

fn read_path(
    code: &Code<'_>,
    scope: ScopeId,
    syntax: &syn::Path,
    known: &Substitution,
) -> Option<Type> {
    let names: Vec<String> = syntax.segments.iter().map(|s| s.ident.to_string()).collect();
    let arguments = type_arguments(syntax);
    let read_all = || arguments.iter().map(|t| read(code, scope, t, known)).collect::<Vec<Type>>();
    if let [name] = names.as_slice()
        && let Some(ty) = known.get(name)
    {
        return Some(ty.clone());
    }
    match code.resolve_path(scope, syntax.leading_colon.is_some(), &names) {
        Found::Item(id, rest) if rest.is_empty() => {
            let item = code.item(id);
            match item.syntax {
                syn::Item::Type(alias) => {
                    let mut given = read_all().into_iter();
                    // An alias of itself is an error that the compiler tells better.
                    let _reading = code.enter(id)?;
                    let mut inside = Substitution::new();
                    for parameter in alias.generics.type_params() {
                        let argument = given.next().or_else(|| {
                            parameter
                                .default
                                .as_ref()
                                .map(|(_, t)| read(code, item.scope, t, &inside))
                        })?;
                        inside.insert(parameter.ident.to_string(), argument);
                    }
                    Some(read(code, item.scope, &alias.ty, &inside))
                }
                _ if matches!(item.kind, ItemKind::Struct | ItemKind::Enum | ItemKind::Union) => {
                    let mut arguments = read_all();
                    fill_defaults(code, &item, &mut arguments);
                    Some(Type::Item(id, arguments))
                }
                _ => None,
            }
        }
        Found::External(krate, path) => {
            let name = path.last().map(String::as_str).unwrap_or_default();
            if matches!(krate.as_str(), "std" | "core" | "alloc") {
                if let Some(ty) = cow(name, path_lifetime(syntax), read_all()) {
                    return Some(ty);
                }
                if let Some(ty) = standard(name, read_all()) {
                    return Some(ty);
                }
            }
            let package = package_of(code, scope, &krate);
            if code.workspace.member(&package).is_some() {
                return None;
            }
            let mut arguments = read_all();
            // `anyhow::Result<T>`, `std::io::Result<T>`: by convention `Result<T, Error>` of the same
            // module.
            if name == "Result" && !arguments.is_empty() {
                let value = Box::new(arguments.remove(0));
                let error = arguments.pop().unwrap_or_else(|| {
                    let module = &path[..path.len() - 1];
                    let path = [module, &["Error".to_owned()]].concat();
                    Type::External { package, krate, path, arguments: Vec::new() }
                });
                return Some(Type::Result(value, Box::new(error)));
            }
            Some(Type::External { package, krate, path, arguments })
        }
        Found::Nothing => {
            let [name] = names.as_slice() else { return None };
            if let Some(primitive) = PRIMITIVES.iter().find(|p| *p == name) {
                return Some(Type::Primitive(primitive));
            }
            standard(name, read_all())
        }
        _ => None,
    }
}

/// Of a type that only a macro's expansion shows.
pub const MADE_BY_MACRO: &str = "a type that a macro defines";

/// Of a type that calve does not find.
pub const NOT_FOUND: &str = "a type whose definition calve does not find";

/// What a name is that leads to no type.
fn unread(code: &Code<'_>, scope: ScopeId, path: &syn::Path) -> &'static str {
    let Some(last) = path.segments.last() else { return "a type without a name" };
    let first = &path.segments[0].ident;
    if first == "Self" {
        return "a type that each implementation chooses";
    }
    let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    let root = match code.resolve_path(scope, path.leading_colon.is_some(), &names) {
        Found::Item(id, _) => match code.item(id).kind {
            ItemKind::Trait => return "a trait object",
            _ => id.root,
        },
        Found::External(krate, _) => {
            code.library(&package_of(code, scope, &krate)).unwrap_or(scope.root)
        }
        _ => scope.root,
    };
    // The name may be imported under another; macros that define types mention it where they are
    // called.
    let original = code.imported_as(scope, &names[0]).unwrap_or_else(|| last.ident.to_string());
    if code.is_in_macro_call(root, &original) {
        return MADE_BY_MACRO;
    }
    NOT_FOUND
}

/// The types of the standard library that a wire form is known for, by their last name.
fn standard(name: &str, arguments: Vec<Type>) -> Option<Type> {
    let count = arguments.len();
    let mut arguments = arguments.into_iter().map(Box::new);
    let mut next = || arguments.next();
    Some(match (name, count) {
        ("str", 0) => Type::Str,
        ("String", 0) => Type::String,
        ("Option", 1) => Type::Option(next()?),
        ("Vec", 1) => Type::Vec(next()?),
        ("Box", 1) => Type::Box(next()?),
        ("Result", 2) => Type::Result(next()?, next()?),
        ("HashMap" | "BTreeMap", 2) => {
            Type::Map { ordered: name == "BTreeMap", key: next()?, value: next()? }
        }
        ("HashSet" | "BTreeSet", 1) => Type::Set { ordered: name == "BTreeSet", element: next()? },
        _ => return None,
    })
}

/// `Cow<'_, T>`.
fn cow(name: &str, lifetime: Option<String>, mut arguments: Vec<Type>) -> Option<Type> {
    if name != "Cow" || arguments.len() != 1 {
        return None;
    }
    let lifetime = lifetime.unwrap_or_else(|| "'_".to_owned());
    Some(Type::Cow(lifetime, Box::new(arguments.remove(0))))
}

/// The type arguments that are left out since the parameters have defaults.
fn fill_defaults(code: &Code<'_>, item: &Item<'_>, arguments: &mut Vec<Type>) {
    let (syn::Item::Struct(syn::ItemStruct { generics, .. })
    | syn::Item::Enum(syn::ItemEnum { generics, .. })) = item.syntax
    else {
        return;
    };
    let mut known = Substitution::new();
    for (at, parameter) in generics.type_params().enumerate() {
        if at >= arguments.len() {
            let Some((_, default)) = &parameter.default else { return };
            arguments.push(read(code, item.scope, default, &known));
        }
        known.insert(parameter.ident.to_string(), arguments[at].clone());
    }
}

/// The length of an array: a number where it is one, or a constant that is one.
fn length(code: &Code<'_>, scope: ScopeId, length: &syn::Expr) -> String {
    let number = |expression: &syn::Expr| match expression {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(number), .. }) => {
            Some(number.base10_digits().to_owned())
        }
        _ => None,
    };
    let constant = || {
        let syn::Expr::Path(path) = length else { return None };
        let names: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
        match code.resolve_path(scope, path.path.leading_colon.is_some(), &names) {
            Found::Item(id, rest) if rest.is_empty() => match code.item(id).syntax {
                syn::Item::Const(constant) => number(&constant.expr),
                _ => None,
            },
            _ => None,
        }
    };
    number(length).or_else(constant).unwrap_or_else(|| length.to_token_stream().to_string())
}

fn path_lifetime(path: &syn::Path) -> Option<String> {
    let syn::PathArguments::AngleBracketed(list) = &path.segments.last()?.arguments else {
        return None;
    };
    list.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Lifetime(lifetime) => Some(lifetime.to_string()),
        _ => None,
    })
}

fn type_arguments(path: &syn::Path) -> Vec<&syn::Type> {
    let Some(last) = path.segments.last() else { return Vec::new() };
    match &last.arguments {
        syn::PathArguments::AngleBracketed(list) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                syn::GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The package behind a crate name in the code of `scope`.
pub fn package_of(code: &Code<'_>, scope: ScopeId, krate: &str) -> String {
    let root = code.root(scope.root);
    root.member
        .dependencies
        .iter()
        .find(|d| d.ident() == krate)
        .map_or_else(|| krate.to_owned(), |d| d.package.clone())
}

impl Type {
    /// The types directly inside this one.
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Unit | Self::Primitive(_) | Self::Str | Self::String | Self::Other(..) => {
                Vec::new()
            }
            Self::Reference { to: inner, .. }
            | Self::Slice(inner)
            | Self::Array(inner, _)
            | Self::Option(inner)
            | Self::Vec(inner)
            | Self::Box(inner)
            | Self::Cow(_, inner)
            | Self::Set { element: inner, .. } => vec![inner],
            Self::Result(a, b) | Self::Map { key: a, value: b, .. } => vec![a, b],
            Self::Tuple(all) | Self::Item(_, all) | Self::External { arguments: all, .. } => {
                all.iter().collect()
            }
        }
    }
}
