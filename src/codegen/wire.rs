//! The trait-shaped files of the wire crate: arguments, mirrors, the error.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::convert::{Converter, mirror_name};
use super::rust_file::{RustFile, debug_by_name, docs};
use super::scribe::Scribe;
use crate::analysis::code::Code;
use crate::analysis::interface::Operation;
use crate::analysis::module::{Api, Module};
use crate::analysis::wire::passing::Passing;
use crate::analysis::wire::{self, Encoding, Form, Instance, Mirror, Payload, TransportPayload};
use crate::diagnostic::Result;
use crate::plan::Names;

/// Names that no struct of arguments may take: they would shadow the prelude, what generated code
/// imports, or what the wire crate itself exports.
const TAKEN: [&str; 68] = [
    // The prelude.
    "AsMut",
    "AsRef",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Self",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
    "Display",
    "Error",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    // Imports of generated files.
    "Arc",
    "BTreeMap",
    "BTreeSet",
    "Calls",
    "Cow",
    "Deserialize",
    "DeserializeOwned",
    "Deserializer",
    "Duration",
    "HashMap",
    "HashSet",
    "Mutex",
    "Router",
    "Serialize",
    "Serializer",
    // The wire crate.
    "Carried",
    "Failure",
    "Operation",
    "RemoteDatabaseError",
    "TransportError",
];

/// The name of the struct that holds an operation's arguments. One that a type of the contract has
/// already would mislead readers.
pub(super) fn arguments_name(
    code: &Code<'_>,
    module: &Module<'_>,
    api: &Api<'_>,
    operation: &Operation,
) -> proc_macro2::Ident {
    let at = operations_of(module)
        .position(|(a, o)| a.item.id == api.item.id && o.name == operation.name);
    let name = at.and_then(|at| argument_names(code, module).into_iter().nth(at));
    format_ident!("{}", name.unwrap_or_else(|| plain_name(api, &operation.name)))
}

/// The operations of all API traits, each with its trait.
pub(super) fn operations_of<'m, 'w>(
    module: &'m Module<'w>,
) -> impl Iterator<Item = (&'m Api<'w>, &'m Operation)> {
    module.apis.iter().flat_map(|api| api.interface.operations.iter().map(move |o| (api, o)))
}

/// For each error type that operations fail with, the first API trait that has it.
pub(super) fn distinct_errors<'m, 'w>(module: &'m Module<'w>) -> Vec<&'m Api<'w>> {
    let mut all: Vec<&Api<'_>> = Vec::new();
    for api in &module.apis {
        if !all.iter().any(|other| other.interface.error == api.interface.error) {
            all.push(api);
        }
    }
    all
}

/// The names of all argument structs, in the order of the operations.
pub(super) fn argument_names(code: &Code<'_>, module: &Module<'_>) -> Vec<String> {
    let types = module.wire.forms.keys().map(|instance| instance.id);
    let errors = module.apis.iter().filter_map(|api| api.error.item);
    let types = types.chain(errors).chain(module.apis.iter().map(|api| api.item.id));
    let mut taken: BTreeSet<String> = types.filter_map(|id| code.item(id).name).collect();
    taken.extend(mirrored(module).map(|(instance, _)| mirror_name(code, instance).to_string()));
    taken.extend(TAKEN.map(str::to_owned));
    distinct_names(operations_of(module).map(|(api, o)| plain_name(api, &o.name)).collect(), taken)
}

/// A name for each operation that is not taken: `foo1` and `foo_1` are two operations.
fn distinct_names(plain: Vec<String>, mut taken: BTreeSet<String>) -> Vec<String> {
    let mut names = Vec::new();
    for (at, name) in plain.iter().enumerate() {
        let mut name = name.clone();
        // A longer name must not take one that another operation has by right.
        while taken.contains(&name) || (name != plain[at] && plain.contains(&name)) {
            name.push_str("Arguments");
        }
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

fn plain_name(api: &Api<'_>, operation: &str) -> String {
    api.called(operation).to_upper_camel_case()
}

/// The types that have a mirror.
pub(super) fn mirrored<'m>(
    module: &'m Module<'_>,
) -> impl Iterator<Item = (&'m Instance, &'m Mirror)> {
    module.wire.forms.iter().filter_map(|(instance, form)| match form {
        Form::Mirror(mirror) => Some((instance, mirror)),
        _ => None,
    })
}

/// Every encoding that the wire crate needs, once.
pub(super) fn encodings(code: &Code<'_>, module: &Module<'_>) -> BTreeSet<Encoding> {
    fn add(encoding: Encoding, all: &mut BTreeSet<Encoding>) {
        for part in encoding.parts() {
            add(part.clone(), all);
        }
        all.insert(encoding);
    }
    let of_operations = operations_of(module).flat_map(|(_, operation)| {
        operation.arguments.iter().map(|argument| &argument.ty).chain([&operation.output])
    });
    let of_errors = module.apis.iter().flat_map(|api| &api.error.variants);
    let of_errors = of_errors.flat_map(|variant| &variant.fields);
    let of_errors = of_errors.filter(|(_, payload)| *payload == Payload::Plain);
    let types = of_operations.chain(of_errors.map(|(field, _)| &field.ty)).cloned();
    let of_mirrors = mirrored(module).flat_map(|(instance, _)| wire::all_fields(code, instance));
    let mut all = BTreeSet::new();
    for ty in types.chain(of_mirrors.map(|field| field.ty)) {
        add(module.wire.encoding(code, &ty), &mut all);
    }
    all
}

/// `wire/src/operations.rs`.
pub(super) fn operations(code: &Code<'_>, module: &Module<'_>, names: &Names) -> Result<String> {
    let own = operations_of(module).filter_map(|(api, o)| reply_name(code, module, api, o));
    let own = own.map(|name| name.to_string()).chain(argument_names(code, module));
    let scribe = Scribe::new(code, own);
    let converter = Converter { code, module, scribe: &scribe, wire: "crate" };
    let mut file =
        RustFile::new(&format!("The arguments of every operation of {}.", names.traits()));
    let operation_trait = scribe.path("crate::Operation");
    let (serialize, deserialize) =
        (scribe.path("serde::Serialize"), scribe.path("serde::Deserialize"));
    for (of, operation) in operations_of(module) {
        let (api, error) = (of.name(), scribe.ty(&of.interface.error));
        let name = arguments_name(code, module, of, operation);
        let passings = passings(&operation.arguments);
        let borrows = passings.iter().any(|(_, passing)| passing.borrows());
        let lifetime = borrows.then(|| quote!(<'a>));
        let any = borrows.then(|| quote!(<'_>));
        let fields =
            passings.iter().zip(&operation.arguments).map(|((name, passing), argument)| {
                let about = docs(&format!("The argument `{name}`."));
                let (with, ty) = (converter.with(&argument.ty), converter.field(passing));
                quote!(#about #with pub #name: #ty)
            });
        let docs = docs(&format!("The arguments of `{api}::{}`.", operation.name));
        file.item(quote! {
            #docs
            #[derive(#serialize, #deserialize)]
            pub struct #name #lifetime { #(#fields),* }
        })?;
        file.commented(
            "Not the arguments: one may be a secret.",
            debug_by_name(&name, any.as_ref()),
        )?;
        let reply = match reply_name(code, module, of, operation) {
            Some(reply) => {
                let (with, ty) = (converter.with(&operation.output), scribe.ty(&operation.output));
                let docs = super::rust_file::docs(&format!(
                    "What `{api}::{}` returns, as it crosses.",
                    operation.name
                ));
                file.item(quote! {
                    #docs
                    #[derive(#serialize, #deserialize)]
                    pub struct #reply(#with pub #ty);
                })?;
                file.item(debug_by_name(&reply, None))?;
                quote!(#reply)
            }
            None => scribe.ty(&operation.output),
        };
        let spelled = of.called(&operation.name);
        let route = format!("/v1/{spelled}");
        file.item(quote! {
            impl #operation_trait for #name #any {
                const NAME: &'static str = #spelled;
                const ROUTE: &'static str = #route;
                type Reply = #reply;
                type Error = #error;
            }
        })?;
    }
    Ok(file.finish(&scribe))
}

/// Each argument with how it passes.
pub(super) fn passings(
    arguments: &[crate::analysis::interface::Argument],
) -> Vec<(proc_macro2::Ident, Passing)> {
    let passing = |argument: &crate::analysis::interface::Argument| {
        (field_ident(&argument.name), Passing::of(&argument.ty))
    };
    arguments.iter().map(passing).collect()
}

/// The struct that holds a result which serde would not write as it is.
pub(super) fn reply_name(
    code: &Code<'_>,
    module: &Module<'_>,
    api: &Api<'_>,
    operation: &Operation,
) -> Option<proc_macro2::Ident> {
    let plain = module.wire.encoding(code, &operation.output).is_same();
    (!plain).then(|| {
        let arguments = arguments_name(code, module, api, operation).to_string();
        // `GapArguments` is called so since `Gap` is a type of the contract.
        let stem = plain_name(api, &operation.name);
        let taken = mirrored_or_argument(code, module, &format!("{stem}Reply"));
        if taken { format_ident!("{arguments}Reply") } else { format_ident!("{stem}Reply") }
    })
}

/// Whether a name is that of a type of the contract, of a mirror or of arguments.
fn mirrored_or_argument(code: &Code<'_>, module: &Module<'_>, name: &str) -> bool {
    let of_contract = module.wire.forms.keys().filter_map(|instance| code.item(instance.id).name);
    let of_mirrors = mirrored(module).map(|(instance, _)| mirror_name(code, instance).to_string());
    of_contract.chain(of_mirrors).chain(argument_names(code, module)).any(|taken| taken == name)
}

/// A field's name as an identifier, raw where it is a keyword.
pub(super) fn field_ident(name: &str) -> proc_macro2::Ident {
    syn::parse_str(name).unwrap_or_else(|_| {
        let plain = name.strip_prefix("r#").unwrap_or(name);
        proc_macro2::Ident::new_raw(plain, proc_macro2::Span::call_site())
    })
}

/// A name for a binding of generated code that none of the arguments has.
pub(super) fn free_ident(wanted: &str, arguments: &[proc_macro2::Ident]) -> proc_macro2::Ident {
    let mut name = wanted.to_owned();
    while arguments.iter().any(|argument| *argument == name) {
        name.insert_str(0, "the_");
    }
    format_ident!("{name}")
}

/// `wire/src/error.rs`, and of several error types a file each besides, by path in `wire/src`.
pub(super) fn error_files(
    code: &Code<'_>,
    module: &Module<'_>,
) -> Result<Vec<(Utf8PathBuf, String)>> {
    let head = Utf8PathBuf::from("error.rs");
    let apis = distinct_errors(module);
    if let [only] = apis.as_slice() {
        return Ok(vec![(head, error(code, module, only)?)]);
    }
    let (mut files, mut modules) = (Vec::new(), Vec::<String>::new());
    for api in apis {
        let name = api.error.item.and_then(|id| code.item(id).name);
        let mut name = name.unwrap_or_else(|| "AnyError".to_owned()).to_snake_case();
        // Two enums of one name, each in its crate.
        while modules.contains(&name) {
            name.push_str("_too");
        }
        let path = Utf8PathBuf::from("error").join(format!("{name}.rs"));
        files.push((path, error(code, module, api)?));
        modules.push(name);
    }
    modules.sort_unstable();
    let modules: Vec<String> = modules.iter().map(|name| format!("mod {name};\n")).collect();
    let head_text = format!("//! The errors on the wire.\n\n{}", modules.concat());
    files.push((head, head_text));
    Ok(files)
}

fn error(code: &Code<'_>, module: &Module<'_>, api: &Api<'_>) -> Result<String> {
    let form = &api.error;
    let Some(id) = form.item else { return opaque_error(code, api) };
    let item = code.item(id);
    let name = item.name.clone().unwrap_or_default();
    let scribe = Scribe::new(code, ["Mirror".to_owned()]);
    let converter = Converter { code, module, scribe: &scribe, wire: "crate" };
    let mut file = RustFile::new(&format!("`{name}` on the wire: a mirror, one variant each."));
    let [serialize, deserialize, serializer, deserializer] =
        ["Serialize", "Deserialize", "Serializer", "Deserializer"]
            .map(|name| scribe.path(&format!("serde::{name}")));
    let (failure, transport) =
        (scribe.path("crate::Failure"), scribe.path("crate::TransportError"));
    let ty = scribe.item(id);
    let remote = ty.to_string();

    let variants = form.variants.iter().map(|variant| {
        let name = format_ident!("{}", variant.name);
        let fields: Vec<_> = variant
            .fields
            .iter()
            .map(|(field, payload)| {
                let with = match payload_module(*payload) {
                    Some(with) => {
                        scribe.path(&format!("crate::{with}"));
                        Some(quote!(#[serde(with = #with)]))
                    }
                    None => converter.with(&field.ty),
                };
                let ty = scribe.ty(&field.ty);
                if field.named {
                    let name = field_ident(&field.name);
                    quote!(#with #name: #ty)
                } else {
                    quote!(#with #ty)
                }
            })
            .collect();
        match (variant.named, fields.is_empty()) {
            (true, _) => quote!(#name { #(#fields),* }),
            (false, true) => quote!(#name),
            (false, false) => quote!(#name(#(#fields),*)),
        }
    });
    file.commented(
        "`remote` keeps the mirror honest: a variant that is added to the error does not compile until \
         it is added here.",
        quote! {
            #[derive(#serialize, #deserialize)]
            #[serde(remote = #remote, rename_all = "snake_case")]
            enum Mirror { #(#variants),* }
        },
    )?;

    let pattern = |name: &str, named: bool, empty: bool| {
        let name = format_ident!("{name}");
        match (named, empty) {
            (true, _) => quote!(Self::#name { .. }),
            (false, true) => quote!(Self::#name),
            (false, false) => quote!(Self::#name(..)),
        }
    };
    let codes = form.variants.iter().map(|variant| {
        let pattern = pattern(&variant.name, variant.named, variant.fields.is_empty());
        let code = variant.name.to_snake_case();
        quote!(#pattern => #code)
    });
    let foreign: Vec<_> = form
        .variants
        .iter()
        .filter(|v| v.fields.iter().any(|(_, payload)| *payload != Payload::Plain))
        .map(|v| pattern(&v.name, v.named, v.fields.is_empty()))
        .collect();
    let is_foreign =
        if foreign.is_empty() { quote!(false) } else { quote!(matches!(self, #(#foreign)|*)) };
    let detail = if wire::implements(code, id, "Display") || wire::implements(code, id, "Error") {
        quote!(self.to_string())
    } else {
        quote!(format!("{self:?}"))
    };
    let cause = wire::implements(code, id, "Error").then(|| {
        let error = scribe.path("std::error::Error");
        quote! {
            fn cause(&self) -> Option<&(dyn #error + 'static)> {
                #error::source(self)
            }
        }
    });
    let from_transport = from_transport(form, &scribe);
    file.item(quote! {
        impl #failure for #ty {
            fn code(&self) -> &'static str {
                match self { #(#codes),* }
            }

            fn detail(&self) -> String {
                #detail
            }

            fn is_foreign(&self) -> bool {
                #is_foreign
            }

            #cause

            fn serialize<S: #serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Mirror::serialize(self, serializer)
            }

            fn deserialize<'de, D: #deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Mirror::deserialize(deserializer)
            }

            fn from_transport(error: #transport) -> Self {
                #from_transport
            }
        }
    })?;
    Ok(file.finish(&scribe))
}

/// `wire/src/error.rs` where the operations fail with `anyhow::Error` or a boxed error.
fn opaque_error(code: &Code<'_>, api: &Api<'_>) -> Result<String> {
    let scribe = Scribe::new(code, []);
    let mut file = RustFile::new(
        "The error of every operation on the wire: what it says, and what each of its causes says.",
    );
    let ty = scribe.ty(&api.interface.error);
    let [serializer, deserializer] =
        ["Serializer", "Deserializer"].map(|name| scribe.path(&format!("serde::{name}")));
    let (failure, transport) =
        (scribe.path("crate::Failure"), scribe.path("crate::TransportError"));
    let error = scribe.path("std::error::Error");
    let (payload, own) = match api.error.opaque() {
        Some(Payload::Boxed) => (Payload::Boxed, quote!(Box::new(error))),
        _ => (Payload::Anyhow, quote!(Self::new(error))),
    };
    let with = payload_module(payload).map(|with| {
        scribe.path(&format!("crate::{with}"));
        format_ident!("{with}")
    });
    let cause = match payload {
        Payload::Boxed => quote!(#error::source(&**self)),
        _ => quote!(self.source()),
    };
    file.item(quote! {
        impl #failure for #ty {
            fn code(&self) -> &'static str {
                "failed"
            }

            fn detail(&self) -> String {
                self.to_string()
            }

            fn is_foreign(&self) -> bool {
                true
            }

            fn cause(&self) -> Option<&(dyn #error + 'static)> {
                #cause
            }

            fn serialize<S: #serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                #with::serialize(self, serializer)
            }

            fn deserialize<'de, D: #deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #with::deserialize(deserializer)
            }

            fn from_transport(error: #transport) -> Self {
                #own
            }
        }
    })?;
    Ok(file.finish(&scribe))
}

/// The module of the wire crate that carries a payload which is not the workspace's own.
pub(super) fn payload_module(payload: Payload) -> Option<&'static str> {
    match payload {
        Payload::Plain => None,
        Payload::Sqlx => Some("sqlx_error"),
        Payload::Rusqlite => Some("rusqlite_error"),
        Payload::Io => Some("io_error"),
        Payload::Json => Some("json_error"),
        Payload::Anyhow => Some("anyhow_error"),
        Payload::Boxed => Some("boxed_error"),
    }
}

fn from_transport(form: &wire::ErrorForm, scribe: &Scribe<'_, '_>) -> TokenStream {
    let variant = format_ident!("{}", form.transport.variant);
    let value = match form.transport.holds {
        TransportPayload::Unit => {
            return quote! {
                // The variant has no room for the reason.
                drop(error);
                Self::#variant
            };
        }
        TransportPayload::String => quote!(error.to_string()),
        TransportPayload::Io => quote!(error.into()),
        TransportPayload::Sqlx => {
            let sqlx = scribe.path("sqlx::Error");
            quote!(#sqlx::Io(error.into()))
        }
        TransportPayload::Anyhow => quote!(error.into()),
        TransportPayload::Boxed => quote!(Box::new(error)),
    };
    match &form.transport.field {
        Some(field) => {
            let field = field_ident(field);
            quote!(Self::#variant { #field: #value })
        }
        None => quote!(Self::#variant(#value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_of_arguments_shadows_nothing() {
        let names = |operations: &[&str]| {
            let plain = |name: &&str| name.trim_start_matches("r#").to_upper_camel_case();
            let taken = TAKEN.into_iter().map(str::to_owned).collect();
            distinct_names(operations.iter().map(plain).collect(), taken)
        };
        assert_eq!(
            names(&["string", "option", "reserve", "operation", "transport_error", "r#box"]),
            [
                "StringArguments",
                "OptionArguments",
                "Reserve",
                "OperationArguments",
                "TransportErrorArguments",
                "BoxArguments",
            ]
        );
        assert_eq!(
            names(&["string", "string_arguments", "foo1", "foo_1"]),
            ["StringArgumentsArguments", "StringArguments", "Foo1", "Foo1Arguments"]
        );
    }

    #[test]
    fn a_binding_gives_way_to_the_arguments() {
        let arguments = ["api", "the_api", "count"].map(|name| format_ident!("{name}"));
        assert_eq!(free_ident("api", &arguments), "the_the_api");
        assert_eq!(free_ident("reply", &arguments), "reply");
    }
}
