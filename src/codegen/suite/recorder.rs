//! `recorder.rs` of the suite: an implementation of the API trait that notes what it was asked.

use heck::ToUpperCamelCase;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::compare::Comparison;
use super::{Tools, reserved};
use crate::analysis::code::Code;
use crate::analysis::interface::{Argument, Operation};
use crate::analysis::module::{Api, Module};
use crate::analysis::types::Type;
use crate::analysis::wire::{External, external, implements};
use crate::codegen::client::{at_once, attribute, endings, signature};
use crate::codegen::rust_file::{RustFile, docs};
use crate::codegen::scribe::Scribe;
use crate::codegen::wire::field_ident;
use crate::diagnostic::Result;
use crate::plan::Names;

/// The text of the file.
pub(super) fn file(
    code: &Code<'_>,
    module: &Module<'_>,
    of: &Api<'_>,
    names: &Names,
) -> Result<String> {
    let scribe = Scribe::new(code, reserved(["Answer", "Call", "Recorder", "Unprinted"]));
    let tools = Tools::new(code, module, of, names, &scribe);
    let api_name = of.name();
    let mut file = RustFile::new(&format!(
        "An implementation of `{api_name}` that notes what it was asked, and answers what it was told \
         to.",
    ));
    let (any, mutex) = (scribe.path("std::any::Any"), scribe.path("std::sync::Mutex"));
    let api = scribe.item(of.item.id);
    let error = scribe.ty(&of.interface.error);
    let operations = &of.interface.operations;

    let calls = operations.iter().map(|operation| {
        let name = call_name(operation);
        let fields = operation.arguments.iter().map(|argument| {
            let (name, ty) = (field_ident(&argument.name), compared_type(&tools, &argument.ty));
            quote!(#name: #ty)
        });
        if operation.arguments.is_empty() { quote!(#name) } else { quote!(#name { #(#fields),* }) }
    });
    let doc = docs("A call as it arrived.");
    file.item(quote! {
        #doc
        #[derive(Debug, PartialEq)]
        #[allow(
            clippy::enum_variant_names,
            clippy::large_enum_variant,
            reason = "operations have the names and arguments that they have"
        )]
        pub(crate) enum Call { #(#calls),* }
    })?;
    file.item(quote!(type Answer = Result<Box<dyn #any + Send>, #error>;))?;
    let supertraits = of.interface.supertraits;
    let (mut asked, mut answer) = (quote!(#mutex<Option<Call>>), quote!(#mutex<Option<Answer>>));
    let mut derive = quote!(#[derive(Default)]);
    if supertraits.clone {
        let arc = scribe.path("std::sync::Arc");
        (asked, answer) = (quote!(#arc<#asked>), quote!(#arc<#answer>));
        derive = quote!(#[derive(Clone, Default)]);
    }
    let doc = docs("Keeps one call and one answer.");
    file.item(quote! {
        #doc
        #derive
        pub(crate) struct Recorder { asked: #asked, answer: #answer }
    })?;
    if supertraits.debug {
        file.item(quote! {
            impl std::fmt::Debug for Recorder {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct("Recorder").finish_non_exhaustive()
                }
            }
        })?;
    }
    let [doc_return, doc_fail, doc_asked] = [
        "The next call succeeds with this.",
        "The next call fails with this.",
        "The last call; it was looked at then.",
    ]
    .map(docs);
    file.item(quote! {
        impl Recorder {
            #doc_return
            pub(crate) fn will_return<T: Send + 'static>(&self, value: T) {
                *self.answer.lock().unwrap() = Some(Ok(Box::new(value)));
            }
            #doc_fail
            pub(crate) fn will_fail(&self, error: #error) {
                *self.answer.lock().unwrap() = Some(Err(error));
            }
            #doc_asked
            pub(crate) fn asked(&self) -> Call {
                self.asked.lock().unwrap().take().expect("no operation was called")
            }
            fn note<T: 'static>(&self, call: Call) -> Result<T, #error> {
                *self.asked.lock().unwrap() = Some(call);
                let answer = self.answer.lock().unwrap().take();
                let value = answer.expect("an answer was used already")?;
                Ok(*value.downcast().expect("another operation was called"))
            }
        }
    })?;
    let methods: Vec<_> = operations
        .iter()
        .map(|operation| {
            let signature = signature(operation, &scribe);
            let call = call(operation, |argument| {
                let name = field_ident(&argument.name);
                tools.compared(&owned(&argument.ty), to_owned(code, &argument.ty, &name))
            });
            let noted = quote!(Recorder::note(self, #call));
            let answer = at_once(&operation.waits, noted, &scribe);
            quote!(#signature { #answer })
        })
        .collect();
    let endings = endings(&of.interface, &scribe, None);
    let attribute = attribute(of.interface.form, &scribe);
    file.item(quote!(#attribute impl #api for Recorder { #(#methods)* #(#endings)* }))?;
    helpers(&tools, &mut file)?;
    Ok(file.finish(&scribe))
}

/// `Call::Name { argument: value, … }`.
pub(super) fn call(
    operation: &Operation,
    mut value: impl FnMut(&Argument) -> TokenStream,
) -> TokenStream {
    let name = call_name(operation);
    if operation.arguments.is_empty() {
        return quote!(Call::#name);
    }
    let fields = operation.arguments.iter().map(|argument| {
        let (name, value) = (field_ident(&argument.name), value(argument));
        let shorthand = name == value.to_string();
        if shorthand { quote!(#name) } else { quote!(#name: #value) }
    });
    quote!(Call::#name { #(#fields),* })
}

/// The type that owns what an argument refers to.
pub(super) fn owned(ty: &Type) -> Type {
    match ty {
        Type::Reference { to, .. } => owned(to),
        Type::Str => Type::String,
        Type::Slice(inner) => Type::Vec(Box::new(owned(inner))),
        Type::Option(inner) => Type::Option(Box::new(owned(inner))),
        other => other.clone(),
    }
}

/// How the types of arguments and results are compared.
fn comparisons(tools: &Tools<'_, '_>) -> Vec<(Comparison, Type)> {
    let operations = tools.api.interface.operations.iter();
    operations
        .flat_map(|operation| {
            let arguments = operation.arguments.iter().map(|a| owned(&a.ty));
            arguments.chain([operation.output.clone()])
        })
        .map(|ty| (tools.comparer.of(&ty), ty))
        .collect()
}

/// What the comparison of types without `PartialEq` or `Debug` needs.
fn helpers(tools: &Tools<'_, '_>, file: &mut RustFile) -> Result<()> {
    let comparisons = comparisons(tools);
    let has = |wanted, encoded| {
        comparisons.iter().any(|(comparison, ty)| {
            *comparison == wanted && tools.converter.encoding(ty).is_same() != encoded
        })
    };
    if has(Comparison::Unprinted, false) || has(Comparison::Unprinted, true) {
        let doc = docs("A value that can be compared, but not printed.");
        file.item(quote! {
            #doc
            #[derive(PartialEq)]
            pub(crate) struct Unprinted<T>(pub(crate) T);
        })?;
        file.item(quote! {
            impl<T> std::fmt::Debug for Unprinted<T> {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(std::any::type_name::<T>())
                }
            }
        })?;
    }
    let doc_seen = "What can be seen of a value that has no `==`, or not one that sees it all.";
    if has(Comparison::Seen, false) {
        let doc = docs(doc_seen);
        file.item(quote! {
            #doc
            pub(crate) fn seen<T: serde::Serialize + std::fmt::Debug>(value: &T) -> [String; 2] {
                [serde_json::to_string(value).unwrap(), format!("{value:?}")]
            }
        })?;
    }
    if has(Comparison::Wire, false) {
        let doc = docs("A value as it crosses.");
        let text = as_text(&quote!(value));
        file.item(quote! {
            #doc
            pub(crate) fn wire<T: serde::Serialize>(value: &T) -> String { #text }
        })?;
    }
    let wrapped = quote!(&serde_with::ser::SerializeAsWrap::<T, U>::new(value));
    let text = as_text(&wrapped);
    if has(Comparison::Seen, true) {
        let doc = docs(&format!("{doc_seen} `U` writes it."));
        file.item(quote! {
            #doc
            pub(crate) fn seen_as<U: serde_with::SerializeAs<T>, T: std::fmt::Debug>(
                value: &T,
            ) -> [String; 2] {
                [#text, format!("{value:?}")]
            }
        })?;
    }
    if has(Comparison::Wire, true) {
        let doc = docs("A value as it crosses, written by `U`.");
        file.item(quote! {
            #doc
            pub(crate) fn wire_as<U: serde_with::SerializeAs<T>, T>(value: &T) -> String { #text }
        })?;
    }
    Ok(())
}

/// The names of the helpers that the tests need for results.
pub(super) fn helpers_of_tests(tools: &Tools<'_, '_>, tested: &[&Operation]) -> Vec<&'static str> {
    let types = tested.iter().flat_map(|operation| {
        let arguments = operation.arguments.iter().map(|a| owned(&a.ty));
        arguments.chain([operation.output.clone()])
    });
    let mut names: Vec<&str> = types
        .filter_map(|ty| {
            let encoded = !tools.converter.encoding(&ty).is_same();
            match (tools.comparer.of(&ty), encoded) {
                (Comparison::Exact, _) => None,
                (Comparison::Unprinted, _) => Some("Unprinted"),
                (Comparison::Seen, false) => Some("seen"),
                (Comparison::Seen, true) => Some("seen_as"),
                (Comparison::Wire, false) => Some("wire"),
                (Comparison::Wire, true) => Some("wire_as"),
            }
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Something as JSON text.
pub(super) fn as_text(value: &TokenStream) -> TokenStream {
    quote!(serde_json::to_string(#value).unwrap())
}

fn call_name(operation: &Operation) -> Ident {
    let name = operation.name.strip_prefix("r#").unwrap_or(&operation.name);
    format_ident!("{}", name.to_upper_camel_case())
}

/// The type of a call's field.
fn compared_type(tools: &Tools<'_, '_>, ty: &Type) -> TokenStream {
    let ty = owned(ty);
    let own = tools.converter.scribe.ty(&ty);
    match tools.comparer.of(&ty) {
        Comparison::Exact => own,
        Comparison::Unprinted => quote!(Unprinted<#own>),
        Comparison::Seen => quote!([String; 2]),
        Comparison::Wire => quote!(String),
    }
}

/// An argument as an owned value.
fn to_owned(code: &Code<'_>, ty: &Type, name: &Ident) -> TokenStream {
    match ty {
        Type::Reference { to, .. } => match &**to {
            Type::Str => quote!(#name.to_owned()),
            Type::Slice(_) => quote!(#name.to_vec()),
            Type::Reference { .. } => quote!((**#name).to_owned()),
            to if is_copy(code, to) => quote!(*#name),
            _ => quote!(#name.clone()),
        },
        Type::Option(inner) => match &**inner {
            Type::Reference { to, .. } => match &**to {
                Type::Str => quote!(#name.map(str::to_owned)),
                Type::Slice(_) => quote!(#name.map(<[_]>::to_vec)),
                to if is_copy(code, to) => quote!(#name.copied()),
                _ => quote!(#name.cloned()),
            },
            _ => quote!(#name),
        },
        Type::Cow(..) => quote!(std::borrow::Cow::Owned(#name.into_owned())),
        _ => quote!(#name),
    }
}

/// Whether a type is known to be `Copy`; clippy asks for `*x` then.
fn is_copy(code: &Code<'_>, ty: &Type) -> bool {
    match ty {
        Type::Unit | Type::Primitive(_) => true,
        Type::Item(id, _) => implements(code, *id, "Copy"),
        Type::External { package, path, arguments, .. } => {
            match external(code.workspace, package, path, arguments) {
                External::Always | External::UnixTime | External::SocketAddress => true,
                External::Serde => package != "url",
                _ => false,
            }
        }
        Type::Option(inner) | Type::Array(inner, _) => is_copy(code, inner),
        Type::Tuple(parts) => parts.iter().all(|part| is_copy(code, part)),
        _ => false,
    }
}
