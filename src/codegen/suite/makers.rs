//! Where samples of each workspace type come from.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Expr, Token};

use super::samples::Lack;
use super::{foreign, json};
use crate::analysis::code::{Code, Item};
use crate::analysis::module::{Api, Module};
use crate::analysis::types::Type;
use crate::analysis::wire::{self, Constructor, Form, Instance, all_fields};
use crate::codegen::scribe::Scribe;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::samples::Samples;

/// How a value of a workspace type is written.
pub(super) enum Maker {
    /// Field by field, or variant by variant.
    Literal,
    /// By its public constructor, which takes the fields and cannot fail.
    Constructor(Constructor),
    /// By the constructor that guards it, from arguments that are known to be accepted.
    Accepted(Constructor, Vec<TokenStream>),
    /// As a person wrote it.
    Given(Vec<TokenStream>),
    /// From its wire form.
    Json,
    /// Not at all.
    Nothing,
}

/// The makers of every workspace type that crosses.
pub(super) struct Makers<'a, 'w> {
    pub(super) code: &'a Code<'w>,
    pub(super) module: &'a Module<'a>,
    /// The trait that the suite is about.
    pub(super) api: &'a Api<'a>,
    of: BTreeMap<Instance, Maker>,
}

impl<'a, 'w> Makers<'a, 'w> {
    pub(super) fn new(
        code: &'a Code<'w>,
        module: &'a Module<'a>,
        api: &'a Api<'a>,
        samples: &Samples,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let forms = module.wire.forms.iter();
        let of = forms
            .map(|(instance, form)| {
                let maker = maker(code, module, instance, form, samples, diagnostics);
                (instance.clone(), maker)
            })
            .collect();
        Self { code, module, api, of }
    }

    /// How values of a type are written.
    pub(super) fn of(&self, instance: &Instance) -> &Maker {
        self.of.get(instance).unwrap_or(&Maker::Nothing)
    }

    /// The types without samples that values of these types need.
    pub(super) fn lacking(&self, types: &[Type]) -> Vec<Lack> {
        let (mut lacking, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for ty in types {
            self.collect(ty, &mut seen, &mut lacking);
        }
        lacking.into_iter().collect()
    }

    /// What a person writes so that a type has samples.
    pub(super) fn what_to_write(&self, lack: &Lack, manifest: &Utf8Path) -> String {
        let Lack::Item(id) = lack else {
            return "give the API a type of its own in its place".to_owned();
        };
        let name = lack.name(self.code);
        let mut forms = self.module.wire.forms.iter();
        let form = forms.find(|(instance, _)| instance.id == *id).map(|(_, form)| form);
        let (value, what) = match form.and_then(Form::guard) {
            Some(constructor) => {
                let takes = format!("each one is what `{name}::{}` takes", constructor.name);
                let text = constructor.parameters.first().is_some_and(|p| p.ty == "String");
                (if text { "'\"…\"'" } else { "'…'" }, takes)
            }
            _ => ("'…'", format!("each one is a `{name}`, its names in full")),
        };
        format!(
            "write Rust expressions that are valid values into `{manifest}`; {what}:\n\n    \
             [package.metadata.calve.samples]\n    {name} = [{value}, {value}]"
        )
    }

    fn collect(&self, ty: &Type, seen: &mut BTreeSet<Instance>, lacking: &mut BTreeSet<Lack>) {
        match ty {
            Type::Item(id, _) => {
                let Some(instance) = Instance::of(ty) else { return };
                if !seen.insert(instance.clone()) {
                    return;
                }
                match self.of(&instance) {
                    Maker::Nothing => {
                        lacking.insert(Lack::Item(*id));
                    }
                    Maker::Accepted(..) | Maker::Given(_) => {}
                    Maker::Literal | Maker::Constructor(_) | Maker::Json => {
                        for field in all_fields(self.code, &instance) {
                            self.collect(&field.ty, seen, lacking);
                        }
                    }
                }
            }
            Type::External { package, path, arguments, .. } => {
                let scribe = Scribe::new(self.code, []);
                if foreign::is_container(package, path) {
                    for inner in arguments {
                        self.collect(inner, seen, lacking);
                    }
                } else if foreign::sample(&scribe, package, path, arguments).is_none() {
                    lacking.insert(Lack::Foreign(format!("{package}::{}", path.join("::"))));
                }
            }
            Type::Other(_, text) => {
                lacking.insert(Lack::Foreign(text.clone()));
            }
            _ => {
                for child in ty.children() {
                    self.collect(child, seen, lacking);
                }
            }
        }
    }
}

fn maker(
    code: &Code<'_>,
    module: &Module<'_>,
    instance: &Instance,
    form: &Form,
    samples: &Samples,
    diagnostics: &mut Diagnostics,
) -> Maker {
    let item = code.item(instance.id);
    let given = given(module, &item, diagnostics);
    if let Some(constructor) = form.guard() {
        let known = item.name.as_ref().and_then(|name| samples.get(name));
        let known = || known.into_iter().flatten().filter_map(|s| s.parse().ok()).collect();
        let samples = if given.is_empty() { known() } else { given };
        // A constructor that others cannot call is reached through the wire form of a newtype.
        let reachable = constructor.public || constructor.newtype;
        if samples.is_empty() || !reachable {
            return Maker::Nothing;
        }
        return Maker::Accepted(constructor.clone(), samples);
    }
    if !given.is_empty() {
        return Maker::Given(given);
    }
    let sealed = |attributes: &[syn::Attribute]| {
        attributes.iter().any(|a| a.path().is_ident("non_exhaustive"))
    };
    match item.syntax {
        syn::Item::Enum(e) if e.variants.iter().any(|v| sealed(&v.attrs)) => Maker::Nothing,
        syn::Item::Enum(e) if e.variants.is_empty() => Maker::Nothing,
        syn::Item::Enum(_) => Maker::Literal,
        syn::Item::Struct(s) => {
            let fields = wire::fields(code, instance, &s.fields);
            if fields.iter().all(|f| f.public) && !sealed(&s.attrs) {
                return Maker::Literal;
            }
            if let Some(constructor) = wire::infallible(code, &item, &fields) {
                return Maker::Constructor(constructor);
            }
            if matches!(form, Form::Mirror(_)) {
                return Maker::Nothing;
            }
            let values: Vec<_> = fields.iter().map(|_| quote!(())).collect();
            match json::of_struct(&item, &fields, &values, &quote!(json)) {
                Some(_) => Maker::Json,
                None => Maker::Nothing,
            }
        }
        _ => Maker::Nothing,
    }
}

/// What `[package.metadata.calve.samples]` of the module says about a type.
fn given(module: &Module<'_>, item: &Item<'_>, sink: &mut Diagnostics) -> Vec<TokenStream> {
    use syn::parse::Parser;
    let name = item.name.as_deref().unwrap_or_default();
    let Some(value) = module.member.metadata.get("samples").and_then(|s| s.get(name)) else {
        return Vec::new();
    };
    let texts = value.as_array().map(Vec::as_slice).unwrap_or(std::slice::from_ref(value));
    let mut samples = Vec::new();
    for text in texts {
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        match text.as_str().map(|text| parser.parse_str(text)) {
            Some(Ok(expressions)) if !expressions.is_empty() => {
                samples.push(expressions.to_token_stream());
            }
            _ => sink.push(
                Diagnostic::warning(
                    "bad-sample",
                    format!("a sample of `{name}` is not a Rust expression: {text}"),
                )
                .note(format!(
                    "it stands in `[package.metadata.calve.samples]` of `{}`",
                    module.member.manifest
                ))
                .help(r#"write an array of strings, each a Rust expression: ['"MUG-01"', '7']"#),
            ),
        }
    }
    samples
}
