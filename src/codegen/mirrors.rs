//! `wire/src/mirrors.rs`: the types of the contract that cross by a mirror.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::convert::{Converter, mirror_name};
use super::rust_file::{RustFile, debug_by_name, docs};
use super::scribe::Scribe;
use super::wire::{field_ident, mirrored};
use crate::analysis::code::Code;
use crate::analysis::module::Module;
use crate::analysis::types;
use crate::analysis::wire::{self, Access, Accessor, Constructor, Field, Instance, Mirror};
use crate::diagnostic::Result;

/// The text of the file; none where no type needs a mirror.
pub(super) fn file(code: &Code<'_>, module: &Module<'_>) -> Result<Option<String>> {
    let names: Vec<String> =
        mirrored(module).map(|(instance, _)| mirror_name(code, instance).to_string()).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let scribe = Scribe::new(code, names);
    let converter = Converter { code, module, scribe: &scribe, wire: "crate" };
    let mut file = RustFile::new(
        "Types that cross by a mirror, since serde's form of them, or that which they have, would lose \
         something: here every field arrives as it was. Where it says `remote`, what is added to the \
         type does not compile until it is added here.",
    );
    for (instance, mirror) in mirrored(module) {
        let writer = Writer { converter: &converter, instance, mirror };
        writer.write(&mut file)?;
    }
    Ok(Some(file.finish(&scribe)))
}

struct Writer<'a, 'w> {
    converter: &'a Converter<'a, 'w>,
    instance: &'a Instance,
    mirror: &'a Mirror,
}

impl Writer<'_, '_> {
    fn write(&self, file: &mut RustFile) -> Result<()> {
        let Converter { code, scribe, .. } = self.converter;
        let item = code.item(self.instance.id);
        let ty = scribe.ty(&self.instance.ty());
        let mirror = mirror_name(code, self.instance);
        let serde = |name: &str| scribe.path(&format!("serde::{name}"));
        let [serialize, deserialize, serializer, deserializer] =
            ["Serialize", "Deserialize", "Serializer", "Deserializer"].map(serde);
        let [serialize_as, deserialize_as] = ["SerializeAs", "DeserializeAs"]
            .map(|name| scribe.path(&format!("serde_with::{name}")));
        let doc = docs(&format!(
            "A `{}` as it crosses: {}.",
            types::spelled(&ty.to_string()),
            self.mirror.reason
        ));
        let by_fields = self.mirror.access == Access::Fields;
        let remote = by_fields.then(|| {
            let remote = types::spelled(&ty.to_string());
            quote!(#[serde(remote = #remote)])
        });
        let definition = self.definition();
        file.item(quote! {
            #doc
            #[derive(#serialize, #deserialize)]
            #remote
            #definition
        })?;
        file.commented("Not the values: one may be a secret.", debug_by_name(&mirror, None))?;
        let (write, read) = match &self.mirror.access {
            Access::Fields => (
                quote!(Self::serialize(value, serializer)),
                quote!(Self::deserialize(deserializer)),
            ),
            Access::Methods { getters, constructor, fallible } => {
                let syn::Item::Struct(s) = item.syntax else { return Ok(()) };
                let fields = wire::fields(code, self.instance, &s.fields);
                (
                    self.taken_apart(&fields, getters),
                    self.made(&fields, &ty, constructor, *fallible),
                )
            }
        };
        file.item(quote! {
            impl #serialize_as<#ty> for #mirror {
                fn serialize_as<S: #serializer>(
                    value: &#ty,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    #write
                }
            }
        })?;
        file.item(quote! {
            impl<'de> #deserialize_as<'de, #ty> for #mirror {
                fn deserialize_as<D: #deserializer<'de>>(deserializer: D) -> Result<#ty, D::Error> {
                    #read
                }
            }
        })
    }

    /// `struct SupplierMirror { … }`.
    fn definition(&self) -> TokenStream {
        let Converter { code, .. } = self.converter;
        let name = mirror_name(code, self.instance);
        match code.item(self.instance.id).syntax {
            syn::Item::Struct(s) => {
                let fields = wire::fields(code, self.instance, &s.fields);
                let fields = fields.iter().map(|field| self.field(field));
                match s.fields {
                    syn::Fields::Named(_) => quote!(pub struct #name { #(#fields),* }),
                    syn::Fields::Unnamed(_) => quote!(pub struct #name(#(#fields),*);),
                    syn::Fields::Unit => quote!(pub struct #name;),
                }
            }
            syn::Item::Enum(e) => {
                let variants = e.variants.iter().map(|variant| {
                    let name = &variant.ident;
                    let fields = wire::fields(code, self.instance, &variant.fields);
                    let fields = fields.iter().map(|field| self.field(field));
                    match &variant.fields {
                        syn::Fields::Named(_) => quote!(#name { #(#fields),* }),
                        syn::Fields::Unnamed(_) => quote!(#name(#(#fields),*)),
                        syn::Fields::Unit => quote!(#name),
                    }
                });
                quote!(pub enum #name { #(#variants),* })
            }
            _ => TokenStream::new(),
        }
    }

    fn field(&self, field: &Field) -> TokenStream {
        let (with, ty) = (self.converter.with(&field.ty), self.converter.scribe.ty(&field.ty));
        if field.named {
            let name = field_ident(&field.name);
            quote!(#with #name: #ty)
        } else {
            quote!(#with #ty)
        }
    }

    /// Writes a value by its getters.
    fn taken_apart(&self, fields: &[Field], getters: &[Accessor]) -> TokenStream {
        let values = fields.iter().zip(getters).map(|(field, getter)| {
            let member = member(field);
            match getter {
                Accessor::Field => quote!(value.#member.clone()),
                Accessor::Value(method) => {
                    let method = field_ident(method);
                    quote!(value.#method())
                }
                Accessor::Reference(method) => {
                    let method = field_ident(method);
                    quote!(value.#method().to_owned())
                }
                Accessor::OptionalReference(method) => {
                    let method = field_ident(method);
                    quote!(value.#method().map(ToOwned::to_owned))
                }
            }
        });
        let literal = literal(&quote!(Self), fields, values);
        quote!(#literal.serialize(serializer))
    }

    /// Makes a value by its constructor.
    fn made(
        &self,
        fields: &[Field],
        ty: &TokenStream,
        constructor: &Constructor,
        fallible: bool,
    ) -> TokenStream {
        let bindings = fields.iter().map(|field| {
            let name = binding(field);
            quote!(#name)
        });
        let taken = literal(&quote!(Self), fields, bindings);
        let arguments = constructor.parameters.iter().map(|parameter| {
            let field = fields.iter().find(|field| field.name == parameter.field);
            let name = field.map_or_else(|| format_ident!("value"), binding);
            if parameter.by_reference { quote!(&#name) } else { quote!(#name) }
        });
        let name = field_ident(&constructor.name);
        let call = quote!(<#ty>::#name(#(#arguments),*));
        let result = if fallible {
            let error = self.converter.scribe.path("serde::de::Error");
            quote!(#call.map_err(#error::custom))
        } else {
            quote!(Ok(#call))
        };
        quote! {
            let #taken = Self::deserialize(deserializer)?;
            #result
        }
    }
}

/// `Self { a: …, b: … }` or `Self(…)`.
fn literal(
    path: &TokenStream,
    fields: &[Field],
    values: impl Iterator<Item = TokenStream>,
) -> TokenStream {
    if fields.iter().any(|field| field.named) {
        let parts = fields.iter().zip(values).map(|(field, value)| {
            let name = field_ident(&field.name);
            if name == value.to_string() { quote!(#name) } else { quote!(#name: #value) }
        });
        quote!(#path { #(#parts),* })
    } else {
        quote!(#path(#(#values),*))
    }
}

/// A field as it stands behind a dot.
fn member(field: &Field) -> TokenStream {
    if field.named {
        let name = field_ident(&field.name);
        quote!(#name)
    } else {
        field.name.parse().unwrap_or_default()
    }
}

/// The variable that holds a field's value.
fn binding(field: &Field) -> proc_macro2::Ident {
    if field.named { field_ident(&field.name) } else { format_ident!("value_{}", field.name) }
}
