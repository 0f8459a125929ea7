//! `samples.rs` of the suite: a function a type, which returns the type's n-th sample.

mod errors;

use std::collections::{BTreeMap, BTreeSet};

use heck::ToSnakeCase;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::compare::Comparer;
use super::index::side_by_side;
use super::makers::{Maker, Makers};
use super::recorder::owned;
use super::{foreign, json};
use crate::analysis::code::{Code, ItemId};
use crate::analysis::types::Type;
use crate::analysis::wire::{self, Constructor, Field, Instance, all_fields};
use crate::codegen::rust_file::{RustFile, docs};
use crate::codegen::scribe::Scribe;
use crate::codegen::wire::field_ident;
use crate::diagnostic::Result;

/// A type of which there is no sample.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lack {
    /// A type of the workspace.
    Item(ItemId),
    /// Another one, by its path.
    Foreign(String),
}

impl Lack {
    pub(super) fn name(&self, code: &Code<'_>) -> String {
        match self {
            Self::Item(id) => code.item(*id).name.unwrap_or_default(),
            Self::Foreign(path) => path.clone(),
        }
    }
}

/// The functions that were asked for, and those that they call.
pub(super) struct Samples<'a, 'w> {
    scribe: &'a Scribe<'a, 'w>,
    makers: &'a Makers<'a, 'w>,
    names: BTreeMap<Type, Ident>,
    used: BTreeSet<String>,
    /// Those that the tests call.
    called: BTreeSet<Ident>,
    functions: Vec<Function>,
    /// Whether a collection is among them.
    has_few: bool,
    /// Whether one without an order is compared as text, so that it has one element at most.
    compares_text: bool,
    /// Whether such a one is among them.
    has_one: bool,
    /// How many samples show every variant twice.
    count: usize,
}

struct Function {
    name: Ident,
    output: TokenStream,
    body: TokenStream,
    docs: TokenStream,
}

/// The fewest samples of anything: all kinds of texts and integers, each twice.
const FEWEST: usize = 8;

impl<'a, 'w> Samples<'a, 'w> {
    pub(super) fn new(
        scribe: &'a Scribe<'a, 'w>,
        makers: &'a Makers<'a, 'w>,
        compares_text: bool,
    ) -> Self {
        let mut samples = Self {
            scribe,
            makers,
            names: BTreeMap::new(),
            used: ["few", "one_at_most", "text"].map(str::to_owned).into(),
            called: BTreeSet::new(),
            functions: Vec::new(),
            has_few: false,
            compares_text,
            has_one: false,
            count: FEWEST,
        };
        // Errors of other crates are made from texts, so this name is fixed.
        samples.names.insert(Type::String, format_ident!("text"));
        samples
    }

    /// The function that returns samples of an owned type, for the tests.
    pub(super) fn of(&mut self, ty: &Type) -> Ident {
        let name = self.function(ty);
        self.called.insert(name.clone());
        name
    }

    /// How many samples the tests should use.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The text of the file.
    pub(super) fn finish(self, api: &str) -> Result<String> {
        let mut file = RustFile::new(&format!(
            "Values of every type that `{api}` speaks of. Two samples of a type differ wherever the \
             type has so many values, so that a test sees two fields swapped.",
        ));
        for function in &self.functions {
            let Function { name, output, body, docs } = function;
            let n = if mentions_n(body) { quote!(n) } else { quote!(_) };
            let visibility = self.called.contains(name).then(|| quote!(pub(crate)));
            file.item(quote!(#docs #visibility fn #name(#n: usize) -> #output { #body }))?;
        }
        if self.has_few {
            let range = self.scribe.path("std::ops::Range");
            let docs = docs("Numbers of one, two or no samples.");
            file.item(quote!(#docs fn few(n: usize) -> #range<usize> { n..n + (n + 1) % 3 }))?;
        }
        if self.has_one {
            let range = self.scribe.path("std::ops::Range");
            let docs =
                docs("The number of one sample, or of none: the order of several is by chance.");
            file.item(
                quote!(#docs fn one_at_most(n: usize) -> #range<usize> { n..n + (n + 1) % 2 }),
            )?;
        }
        Ok(file.finish(self.scribe))
    }

    fn function(&mut self, ty: &Type) -> Ident {
        let known = self.names.get(ty).cloned();
        if let Some(name) = known {
            if *ty != Type::String || self.functions.iter().any(|f| f.name == name) {
                return name;
            }
            self.push(ty, name.clone(), foreign::text());
            return name;
        }
        let name = self.unique(&self.base_name(ty));
        self.names.insert(ty.clone(), name.clone());
        let body = self.body(ty);
        self.push(ty, name.clone(), body);
        name
    }

    fn push(&mut self, ty: &Type, name: Ident, body: TokenStream) {
        let output = self.scribe.ty(ty);
        self.functions.push(Function { name, output, body, docs: TokenStream::new() });
    }

    fn unique(&mut self, base: &str) -> Ident {
        let mut name = base.to_owned();
        let mut number = 2;
        while !self.used.insert(name.clone()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        field_ident(&name)
    }

    fn base_name(&self, ty: &Type) -> String {
        let name =
            |ty: &Type| self.names.get(ty).map_or_else(|| self.base_name(ty), Ident::to_string);
        match ty {
            Type::Unit => "nothing".to_owned(),
            Type::Primitive(name) => (*name).to_owned(),
            Type::Option(inner) => format!("optional_{}", name(inner)),
            Type::Vec(inner) | Type::Slice(inner) => format!("{}_list", name(inner)),
            Type::Box(inner) => format!("boxed_{}", name(inner)),
            Type::Array(inner, length) => {
                format!("{}_array_{}", name(inner), length.to_snake_case())
            }
            Type::Set { element, .. } => format!("{}_set", name(element)),
            Type::Map { key, value, .. } => format!("{}_by_{}", name(value), name(key)),
            Type::Result(ok, _) => format!("{}_result", name(ok)),
            Type::Tuple(parts) => parts.iter().map(name).collect::<Vec<_>>().join("_and_"),
            Type::Item(id, arguments) => {
                let own = self.makers.code.item(*id).name.unwrap_or_default().to_snake_case();
                let of: Vec<String> = arguments.iter().map(name).collect();
                if of.is_empty() { own } else { format!("{own}_of_{}", of.join("_and_")) }
            }
            Type::External { package, path, arguments, .. } => {
                let own = path.last().map(|name| name.to_snake_case()).unwrap_or_default();
                let of: Vec<String> = arguments.iter().map(name).collect();
                if foreign::is_container(package, path) {
                    format!("{own}_of_{}", of.join("_and_"))
                } else {
                    own
                }
            }
            Type::Cow(_, to) => format!("cow_{}", name(to)),
            Type::Reference { to, .. } => name(to),
            Type::Str | Type::String => "text".to_owned(),
            Type::Other(..) => "other".to_owned(),
        }
    }

    fn body(&mut self, ty: &Type) -> TokenStream {
        match ty {
            Type::Primitive(name) => foreign::primitive(name),
            Type::Option(inner) if matches!(**inner, Type::Option(_)) => {
                // The inner one is `None` for some of which the outer one is not.
                self.count = self.count.max(2 * 3_usize.pow(nesting(inner).min(4)) + 1);
                let inner = self.function(inner);
                quote!((n % 3 != 2).then(|| #inner(n / 3)))
            }
            Type::Option(inner) => {
                // None for the first of a type that holds itself, so that it ends.
                let some = if self.is_recursive(inner) { quote!(== 1) } else { quote!(!= 2) };
                if **inner == Type::Unit {
                    return quote!((n % 3 #some).then_some(()));
                }
                let inner = self.function(inner);
                quote!((n % 3 #some).then(|| #inner(n)))
            }
            Type::Vec(inner) | Type::Set { element: inner, .. } => {
                let unordered = matches!(ty, Type::Set { ordered: false, .. });
                let numbers = self.numbers(inner, unordered);
                let inner = self.function(inner);
                quote!(#numbers.map(#inner).collect())
            }
            Type::Map { key, value, ordered } => {
                let numbers = self.numbers(value, !ordered);
                let (key, value) = (self.function(key), self.function(value));
                quote!(#numbers.map(|n| (#key(n), #value(n))).collect())
            }
            Type::Box(inner) => match &**inner {
                Type::Str | Type::Slice(_) => {
                    let inner = self.function(&owned(inner));
                    quote!(#inner(n).into())
                }
                inner => {
                    let inner = self.function(inner);
                    quote!(Box::new(#inner(n)))
                }
            },
            Type::Cow(_, inner) => {
                let cow = self.scribe.path("std::borrow::Cow");
                let inner = self.function(&owned(inner));
                quote!(#cow::Owned(#inner(n)))
            }
            Type::Array(inner, _) => {
                let inner = self.function(inner);
                quote!(std::array::from_fn(|i| #inner(n + i)))
            }
            Type::Tuple(parts) => {
                let indices = side_by_side(&parts.iter().collect::<Vec<_>>());
                let parts: Vec<_> = parts.iter().map(|part| self.function(part)).collect();
                quote!((#(#parts(#indices),)*))
            }
            Type::Result(ok, error) => {
                let mut value = |ty: &Type| {
                    if *ty == Type::Unit {
                        return quote!(());
                    }
                    let function = self.function(ty);
                    quote!(#function(n))
                };
                let (ok, error) = (value(ok), value(error));
                quote!(if n % 2 == 1 { Err(#error) } else { Ok(#ok) })
            }
            Type::Item(id, arguments) => {
                self.item(&Instance { id: *id, arguments: arguments.clone() })
            }
            Type::External { package, path, arguments, .. }
                if foreign::is_container(package, path) =>
            {
                self.container(package, path, arguments)
            }
            Type::External { package, path, arguments, .. } => {
                foreign::sample(self.scribe, package, path, arguments).unwrap_or_default()
            }
            Type::Unit => quote!(()),
            // References are owned in samples, the rest was left out.
            _ => TokenStream::new(),
        }
    }

    /// The numbers of a collection's elements.
    fn numbers(&mut self, element: &Type, unordered: bool) -> TokenStream {
        if unordered && self.compares_text {
            self.has_one = true;
            return quote!(one_at_most(n));
        }
        if self.is_recursive(element) {
            // None for the first, so that it ends.
            return quote!((n..n + n % 3));
        }
        self.has_few = true;
        quote!(few(n))
    }

    /// A container of the standard library.
    fn container(&mut self, package: &str, path: &[String], arguments: &[Type]) -> TokenStream {
        let [inner] = arguments else { return TokenStream::new() };
        let ty = self.scribe.path(&format!("{package}::{}", path.join("::")));
        let numbers = self.numbers(inner, false);
        let function = self.function(&owned(inner));
        match path.last().map(String::as_str).unwrap_or_default() {
            "Arc" if matches!(inner, Type::Str | Type::Slice(_)) => quote!(#function(n).into()),
            "Arc" => quote!(#ty::new(#function(n))),
            "Range" => quote!(#function(n)..#function(n + 1)),
            "RangeFrom" => quote!(#function(n)..),
            "RangeTo" => quote!(..#function(n)),
            "Bound" => quote! {
                match n % 3 {
                    0 => #ty::Included(#function(n)),
                    1 => #ty::Excluded(#function(n)),
                    _ => #ty::Unbounded,
                }
            },
            _ => quote!(#numbers.map(#function).collect()),
        }
    }

    fn item(&mut self, instance: &Instance) -> TokenStream {
        let makers = self.makers;
        let id = instance.id;
        let item = makers.code.item(id);
        let path = self.scribe.item(id);
        match makers.of(instance) {
            Maker::Literal => match item.syntax {
                syn::Item::Enum(e) => self.variants(instance, e, &path),
                _ => {
                    let fields = all_fields(makers.code, instance);
                    let values = self.values(id, &fields);
                    let form = match item.syntax {
                        syn::Item::Struct(s) => Shape::of(&s.fields),
                        _ => Shape::Unit,
                    };
                    construct(&path, &fields.iter().collect::<Vec<_>>(), &values, form)
                }
            },
            Maker::Constructor(constructor) => {
                let fields = all_fields(makers.code, instance);
                let values = self.values(id, &fields);
                let arguments = constructor.parameters.iter().map(|parameter| {
                    let at = fields.iter().position(|f| f.name == parameter.field).unwrap_or(0);
                    let value = &values[at];
                    if parameter.by_reference { quote!(&#value) } else { quote!(#value) }
                });
                let name = field_ident(&constructor.name);
                quote!(#path::#name(#(#arguments),*))
            }
            Maker::Accepted(constructor, samples) => {
                self.count = self.count.max(samples.len());
                accepted(&path, constructor, samples)
            }
            Maker::Given(samples) => {
                self.count = self.count.max(samples.len());
                choose(&quote!(n), samples)
            }
            Maker::Json => {
                let fields = all_fields(makers.code, instance);
                let values = self.values(id, &fields);
                let literal = json::of_struct(&item, &fields, &values, &quote!(serde_json::json));
                quote!(serde_json::from_value(#literal).unwrap())
            }
            Maker::Nothing => TokenStream::new(),
        }
    }

    fn variants(
        &mut self,
        instance: &Instance,
        syntax: &syn::ItemEnum,
        path: &TokenStream,
    ) -> TokenStream {
        let id = instance.id;
        let mut variants: Vec<_> = syntax
            .variants
            .iter()
            .map(|v| {
                (
                    &v.ident,
                    wire::fields(self.makers.code, instance, &v.fields),
                    Shape::of(&v.fields),
                )
            })
            .collect();
        // The first sample must not lead back to the type.
        let leads_back = |fields: &[Field]| fields.iter().any(|f| self.reaches(&f.ty, id));
        variants.sort_by_key(|(_, fields, _)| leads_back(fields));
        let recursive = variants.iter().any(|(_, fields, _)| leads_back(fields));
        self.count = self.count.max(2 * variants.len());
        let arms: Vec<TokenStream> = variants
            .into_iter()
            .map(|(name, fields, shape)| {
                let values = self.values(id, &fields);
                construct(&quote!(#path::#name), &fields.iter().collect::<Vec<_>>(), &values, shape)
            })
            .collect();
        let total = Literal::usize_unsuffixed(arms.len());
        if arms.len() > 1 && arms.iter().any(mentions_n) && !recursive {
            // Each round through the variants has other data.
            let choice = choose(&quote!(variant), &arms);
            return quote!(let (variant, n) = (n % #total, n + n / #total); #choice);
        }
        choose(&quote!(n), &arms)
    }

    /// The samples of an item's fields.
    fn values(&mut self, holder: ItemId, fields: &[Field]) -> Vec<TokenStream> {
        let indices = side_by_side(&fields.iter().map(|f| &f.ty).collect::<Vec<_>>());
        let (mut values, mut divisors) = (Vec::new(), 2..);
        for (field, index) in fields.iter().zip(indices) {
            let leads_back = self.reaches(&field.ty, holder);
            // A smaller number, so that it ends.
            let divisor = if leads_back { divisors.next() } else { None };
            let index = divisor.map_or(index, |divisor| {
                let divisor = Literal::usize_unsuffixed(divisor);
                quote!(n / #divisor)
            });
            let function = self.function(&field.ty);
            values.push(quote!(#function(#index)));
        }
        values
    }

    fn reaches(&self, ty: &Type, id: ItemId) -> bool {
        Comparer { code: self.makers.code }.reaches(ty, id)
    }

    /// Whether a workspace type in `ty` leads back to itself.
    fn is_recursive(&self, ty: &Type) -> bool {
        match ty {
            Type::Item(id, arguments) => {
                let instance = Instance { id: *id, arguments: arguments.clone() };
                let fields = all_fields(self.makers.code, &instance);
                fields.iter().any(|field| self.reaches(&field.ty, *id))
            }
            _ => ty.children().into_iter().any(|child| self.is_recursive(child)),
        }
    }
}

/// How many options stand inside each other.
fn nesting(ty: &Type) -> u32 {
    match ty {
        Type::Option(inner) => 1 + nesting(inner),
        _ => 0,
    }
}

/// How a struct or variant is written.
#[derive(Clone, Copy)]
enum Shape {
    Named,
    Tuple,
    Unit,
}

impl Shape {
    fn of(fields: &syn::Fields) -> Self {
        match fields {
            syn::Fields::Named(_) => Self::Named,
            syn::Fields::Unnamed(_) => Self::Tuple,
            syn::Fields::Unit => Self::Unit,
        }
    }
}

fn construct(
    path: &TokenStream,
    fields: &[&Field],
    values: &[TokenStream],
    shape: Shape,
) -> TokenStream {
    match shape {
        Shape::Named => {
            let names = fields.iter().map(|f| field_ident(&f.name));
            quote!(#path { #(#names: #values),* })
        }
        Shape::Tuple => quote!(#path(#(#values),*)),
        Shape::Unit => quote!(#path),
    }
}

/// The n-th of several expressions, round and round. `variant` is taken as it is.
fn choose(index: &TokenStream, values: &[TokenStream]) -> TokenStream {
    let [first @ .., last] = values else { return TokenStream::new() };
    if first.is_empty() {
        return last.clone();
    }
    let index = if index.to_string() == "n" {
        let total = Literal::usize_unsuffixed(values.len());
        quote!(n % #total)
    } else {
        index.clone()
    };
    let numbers = (0..).map(Literal::usize_unsuffixed);
    let arms = numbers.zip(first).map(|(number, value)| quote!(#number => #value,));
    quote!(match #index { #(#arms)* _ => #last })
}

/// A value through the constructor that guards it.
fn accepted(path: &TokenStream, constructor: &Constructor, samples: &[TokenStream]) -> TokenStream {
    let call = |argument: &TokenStream| {
        if constructor.public {
            let name = field_ident(&constructor.name);
            quote!(#path::#name(#argument).unwrap())
        } else {
            quote!(serde_json::from_value(serde_json::json!(#argument)).unwrap())
        }
    };
    let is_text = |sample: &TokenStream| syn::parse2::<syn::LitStr>(sample.clone()).is_ok();
    if samples.len() > 1 && samples.iter().all(is_text) {
        let total = Literal::usize_unsuffixed(samples.len());
        let text = call(&quote!(texts[n % #total]));
        return quote!(let texts = [#(#samples),*]; #text);
    }
    choose(&quote!(n), &samples.iter().map(call).collect::<Vec<_>>())
}

/// Whether tokens mention the number of a sample.
fn mentions_n(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(ident) => ident == "n",
        proc_macro2::TokenTree::Group(group) => mentions_n(&group.stream()),
        // `format!("… {n} …")`.
        proc_macro2::TokenTree::Literal(literal) => literal.to_string().contains("{n}"),
        proc_macro2::TokenTree::Punct(_) => false,
    })
}
