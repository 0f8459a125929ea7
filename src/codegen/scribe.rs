//! Writes types as a generated crate names them, and collects the `use` items for it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::analysis::code::{Code, ItemId};
use crate::analysis::types::Type;
use crate::analysis::wire;

/// The names of one generated file.
pub(super) struct Scribe<'a, 'w> {
    code: &'a Code<'w>,
    /// Last name → path of the module that it is imported from.
    imports: RefCell<BTreeMap<String, String>>,
    /// Names that the file gives to things of its own.
    reserved: BTreeSet<String>,
}

impl<'a, 'w> Scribe<'a, 'w> {
    /// `reserved` are names of the file's own, which no import may take.
    pub(super) fn new(code: &'a Code<'w>, reserved: impl IntoIterator<Item = String>) -> Self {
        Self { code, imports: RefCell::default(), reserved: reserved.into_iter().collect() }
    }

    /// A path, imported where its last name is free, else in full.
    pub(super) fn path(&self, path: &str) -> TokenStream {
        let (module, name) = path.rsplit_once("::").unwrap_or(("", path));
        let full = || path.parse().unwrap_or_default();
        // `Error` and `Result` say nothing without their crate.
        let vague = matches!(name, "Error" | "Result");
        if module.is_empty() || vague || self.reserved.contains(name) {
            return full();
        }
        let mut imports = self.imports.borrow_mut();
        let from = imports.entry(name.to_owned()).or_insert_with(|| module.to_owned());
        if from == module {
            let name = format_ident!("{name}");
            quote!(#name)
        } else {
            full()
        }
    }

    /// Whether a name is one of the file's own.
    pub(super) fn is_own(&self, name: &str) -> bool {
        self.reserved.contains(name)
    }

    /// An item of a workspace library, as other crates name it.
    pub(super) fn item(&self, id: ItemId) -> TokenStream {
        let krate = self.code.root(id.root).member.ident();
        let path = self
            .code
            .public_path(id)
            .unwrap_or_else(|| vec![self.code.item(id).name.unwrap_or_default()]);
        self.path(&format!("{krate}::{}", path.join("::")))
    }

    /// A type, by value.
    pub(super) fn ty(&self, ty: &Type) -> TokenStream {
        self.lent(ty, "'static")
    }

    /// A type with the lifetime of what a `Cow` in it borrows; that of the code where it is empty.
    pub(super) fn lent(&self, ty: &Type, lifetime: &str) -> TokenStream {
        let list =
            |types: &[Type]| types.iter().map(|t| self.lent(t, lifetime)).collect::<Vec<_>>();
        match ty {
            Type::Unit => quote!(()),
            Type::Primitive(name) => {
                let name = format_ident!("{name}");
                quote!(#name)
            }
            Type::Str => quote!(str),
            Type::String => quote!(String),
            Type::Reference { mutable, to } => {
                let to = self.lent(to, lifetime);
                if *mutable { quote!(&mut #to) } else { quote!(&#to) }
            }
            Type::Slice(inner) => {
                let inner = self.lent(inner, lifetime);
                quote!([#inner])
            }
            Type::Array(inner, length) => {
                let inner = self.lent(inner, lifetime);
                let length: TokenStream = length.parse().unwrap_or_default();
                quote!([#inner; #length])
            }
            Type::Tuple(parts) => {
                let parts = list(parts);
                quote!((#(#parts),*))
            }
            Type::Option(inner) => {
                let inner = self.lent(inner, lifetime);
                quote!(Option<#inner>)
            }
            Type::Vec(inner) => {
                let inner = self.lent(inner, lifetime);
                quote!(Vec<#inner>)
            }
            // As it is written it may count on an import of the module's.
            boxed if wire::is_boxed_error(boxed) => {
                let error = self.path("std::error::Error");
                quote!(Box<dyn #error + Send + Sync>)
            }
            Type::Box(inner) => {
                let inner = self.lent(inner, lifetime);
                quote!(Box<#inner>)
            }
            Type::Cow(written, inner) => {
                let cow = self.path("std::borrow::Cow");
                let inner = self.lent(inner, lifetime);
                let lifetime = if lifetime.is_empty() { written } else { lifetime };
                let lifetime: TokenStream = lifetime.parse().unwrap_or_default();
                quote!(#cow<#lifetime, #inner>)
            }
            Type::Result(ok, error) => {
                let (ok, error) = (self.lent(ok, lifetime), self.lent(error, lifetime));
                quote!(Result<#ok, #error>)
            }
            Type::Map { ordered, key, value } => {
                let name = if *ordered { "BTreeMap" } else { "HashMap" };
                let map = self.path(&format!("std::collections::{name}"));
                let (key, value) = (self.lent(key, lifetime), self.lent(value, lifetime));
                quote!(#map<#key, #value>)
            }
            Type::Set { ordered, element } => {
                let name = if *ordered { "BTreeSet" } else { "HashSet" };
                let set = self.path(&format!("std::collections::{name}"));
                let element = self.lent(element, lifetime);
                quote!(#set<#element>)
            }
            Type::Item(id, arguments) => {
                let name = self.item(*id);
                let arguments = list(arguments);
                if arguments.is_empty() { name } else { quote!(#name<#(#arguments),*>) }
            }
            Type::External { package, path, arguments, .. } => {
                let krate = package.replace('-', "_");
                let name = self.path(&format!("{krate}::{}", path.join("::")));
                let arguments = list(arguments);
                if arguments.is_empty() { name } else { quote!(#name<#(#arguments),*>) }
            }
            Type::Other(_, text) => text.parse().unwrap_or_default(),
        }
    }

    /// The `use` items, in three groups: the standard library, other crates, this crate.
    pub(super) fn uses(&self) -> String {
        let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, module) in self.imports.borrow().iter() {
            modules.entry(module.clone()).or_default().insert(name.clone());
        }
        let group = |wanted: u8| {
            modules
                .iter()
                .filter(|(module, _)| {
                    let first = module.split("::").next().unwrap_or_default();
                    let of = match first {
                        "std" | "core" | "alloc" => 0,
                        "crate" | "super" | "self" => 2,
                        _ => 1,
                    };
                    of == wanted
                })
                .map(|(module, names)| {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    match names.as_slice() {
                        [only] => format!("use {module}::{only};\n"),
                        several => format!("use {module}::{{{}}};\n", several.join(", ")),
                    }
                })
                .collect::<String>()
        };
        [group(0), group(1), group(2)]
            .into_iter()
            .filter(|g| !g.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }
}
