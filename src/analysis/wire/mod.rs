//! How each type of the contract crosses: by its own serde where that is proven lossless, by derives
//! where they are enough, through its constructor where it guards something, else by a mirror.

mod constructor;
mod errors;
mod external;
mod fields;
mod keeps;
mod mirrors;
pub mod passing;
mod required;
mod serde_rules;
mod transport;

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;

use super::code::{Code, Item, ItemId};
use super::interface::Interface;
use super::types::Type;
use super::uncarriable::why_not_read;
use crate::diagnostic::{Diagnostic, Diagnostics};

pub use constructor::{Constructor, Parameter, infallible};
pub use errors::{ErrorForm, Payload, TransportPayload, TransportVariant, Variant};
pub use external::{External, external};
pub use fields::{Field, fields, implements};

/// The feature that switches the wire form of a crate's types on.
pub const WIRE: &str = "wire";

/// How one workspace type crosses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Its own serde is proven lossless.
    Own,
    /// Derives behind the feature `wire`: those that it lacks.
    Derive {
        /// Whether `Serialize` is to be added.
        serialize: bool,
        /// Whether `Deserialize` is to be added.
        deserialize: bool,
    },
    /// `Serialize` is derived; what arrives goes through the constructor that guards the type.
    Guarded(Constructor),
    /// A mirror in the wire crate, since its own serde loses something.
    Mirror {
        /// What is lost, in words.
        reason: String,
    },
}

/// The wire forms of everything that the operations speak of.
#[derive(Debug)]
pub struct Wire {
    /// Every workspace type that crosses, with its form.
    pub forms: BTreeMap<ItemId, Form>,
    /// The error enum.
    pub error: ErrorForm,
    /// For each workspace package, the external crates whose own serde feature its types need.
    pub serde_of: BTreeMap<String, BTreeSet<String>>,
}

/// Decides for every type that the operations reach.
pub fn decide<'w>(
    code: &Code<'w>,
    interface: &Interface,
    api: &Item<'w>,
    metadata: &serde_json::Value,
    diagnostics: &mut Diagnostics,
) -> Option<Wire> {
    let mut decision = Decision {
        code,
        forms: BTreeMap::new(),
        pending: BTreeSet::new(),
        serde_of: BTreeMap::new(),
        metadata,
        diagnostics,
        failed: false,
    };
    for operation in &interface.operations {
        let span = proc_macro2::Span::call_site();
        for argument in &operation.arguments {
            let at = type_span(&operation.signature, &argument.name).unwrap_or(span);
            decision.place(&argument.ty, api, at, Position::Argument);
        }
        let at = match &operation.signature.output {
            syn::ReturnType::Type(_, ty) => syn::spanned::Spanned::span(&**ty),
            syn::ReturnType::Default => span,
        };
        decision.place(&operation.output, api, at, Position::Value);
    }
    decision.refuse_unpassable(interface, api);
    let error = errors::decide(&mut decision, &interface.error, api, metadata);
    decision.refuse_hidden_mirrors();
    let Decision { forms, serde_of, failed, .. } = decision;
    Some(Wire { forms, error: error?, serde_of }).filter(|_| !failed)
}

fn type_span(signature: &syn::Signature, name: &str) -> Option<proc_macro2::Span> {
    signature.inputs.iter().find_map(|input| match input {
        syn::FnArg::Typed(typed) => match &*typed.pat {
            syn::Pat::Ident(ident) if ident.ident.to_string().trim_start_matches('_') == name => {
                Some(syn::spanned::Spanned::span(&*typed.ty))
            }
            _ => None,
        },
        syn::FnArg::Receiver(_) => None,
    })
}

/// Where a type stands: a borrowed argument may be a reference, a value may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Argument,
    Value,
}

struct Decision<'a, 'w> {
    code: &'a Code<'w>,
    forms: BTreeMap<ItemId, Form>,
    pending: BTreeSet<ItemId>,
    serde_of: BTreeMap<String, BTreeSet<String>>,
    /// `[package.metadata.calve]` of the module.
    metadata: &'a serde_json::Value,
    diagnostics: &'a mut Diagnostics,
    failed: bool,
}

impl<'w> Decision<'_, 'w> {
    /// Checks a type that stands in `holder` at `span`, and decides the types in it. Whether all of
    /// it crosses by its own serde, without a mirror.
    fn place(
        &mut self,
        ty: &Type,
        holder: &Item<'w>,
        span: proc_macro2::Span,
        position: Position,
    ) -> bool {
        let package = self.code.root(holder.id.root).member.name.clone();
        match ty {
            Type::Unit | Type::String | Type::Str => true,
            Type::Primitive(name) => {
                if name.starts_with('f') {
                    self.refuse(
                        holder,
                        span,
                        "float",
                        "a float crosses here",
                        "JSON has no NaN and no infinity; calve does not encode them yet",
                    );
                }
                true
            }
            Type::Reference { to, .. } => {
                if position == Position::Value {
                    self.refuse(
                        holder,
                        span,
                        "borrowed-value",
                        "a reference is part of a value that crosses",
                        "what it refers to stays in another process",
                    );
                    return true;
                }
                if let Type::Item(id, _) = &**to {
                    self.require_clone(*id, holder, span);
                }
                if let Type::Slice(element) = &**to {
                    if let Type::Item(id, _) = &**element {
                        self.require_clone(*id, holder, span);
                    }
                    return self.place(element, holder, span, Position::Value);
                }
                self.place(to, holder, span, Position::Value)
            }
            Type::Option(inner) => {
                if self.may_be_null(inner) {
                    self.refuse(
                        holder,
                        span,
                        "nested-option",
                        "JSON writes `Some(None)` and `None` alike",
                        "the inner value would be lost",
                    );
                }
                self.place(inner, holder, span, position)
            }
            Type::Vec(inner) | Type::Box(inner) | Type::Slice(inner) => {
                self.place(inner, holder, span, Position::Value)
            }
            Type::Array(inner, length) => {
                if length.parse::<usize>().is_ok_and(|n| n > 32) {
                    self.refuse(
                        holder,
                        span,
                        "long-array",
                        "serde implements arrays of up to 32 elements",
                        "a longer one has no wire form",
                    );
                }
                self.place(inner, holder, span, Position::Value)
            }
            Type::Set { element, .. } => self.place(element, holder, span, Position::Value),
            Type::Tuple(parts) => {
                let mut plain = true;
                for part in parts {
                    plain &= self.place(part, holder, span, Position::Value);
                }
                plain
            }
            Type::Map { key, value, .. } => {
                let plain = self.place(key, holder, span, Position::Value);
                if !self.is_key(key) {
                    self.refuse(
                        holder,
                        span,
                        "map-key",
                        "the keys of this map have no form as a JSON key",
                        "a JSON key is a string: text, integers, ids and unit variants fit",
                    );
                }
                self.place(value, holder, span, Position::Value) && plain
            }
            Type::Item(id, arguments) => {
                if !arguments.is_empty() {
                    self.refuse(
                        holder,
                        span,
                        "generic-type",
                        "a generic type of the workspace crosses here",
                        "calve does not carry generic types yet",
                    );
                    return true;
                }
                self.item(*id, holder, span);
                !matches!(self.forms.get(id), Some(Form::Mirror { .. }))
            }
            // The argument of `DateTime<Utc>` is a marker, not a value.
            Type::External { package: of, path, arguments, .. } => {
                match external(self.code.workspace, of, path, arguments) {
                    External::Serde => {
                        self.serde_of.entry(package).or_default().insert(of.clone());
                    }
                    External::Always => {}
                    External::Unknown => self.refuse(
                        holder,
                        span,
                        "foreign-type",
                        &format!("`{of}::{}` crosses here", path.join("::")),
                        "calve does not know a lossless wire form of it",
                    ),
                }
                true
            }
            Type::Result(ok, error) => {
                self.place(ok, holder, span, Position::Value)
                    & self.place(error, holder, span, Position::Value)
            }
            Type::Other(what, text) => {
                self.refuse(
                    holder,
                    span,
                    "type-cannot-cross",
                    &format!("`{text}` is {what}"),
                    why_not_read(what),
                );
                true
            }
        }
    }

    fn refuse(
        &mut self,
        holder: &Item<'_>,
        span: proc_macro2::Span,
        code: &'static str,
        label: &str,
        why: &str,
    ) {
        self.failed = true;
        let name = holder.name.as_deref().unwrap_or("this item");
        self.diagnostics.push(
            Diagnostic::error(
                code,
                format!("a type in `{name}` cannot cross the network as it is"),
            )
            .at(holder.file, holder.source.range(span), label)
            .note(why),
        );
    }

    /// Whether a type is written as a JSON key.
    fn is_key(&self, ty: &Type) -> bool {
        match ty {
            Type::String => true,
            Type::Primitive(name) => !name.starts_with('f'),
            Type::External { path, .. } => external::is_key(path),
            Type::Item(id, _) => {
                let item = self.code.item(*id);
                match item.syntax {
                    // A tagged enum is written as an object.
                    syn::Item::Enum(e) => {
                        e.variants.iter().all(|v| v.fields.is_empty())
                            && !serde_rules::is_tagged(&e.attrs)
                    }
                    syn::Item::Struct(s) => {
                        let fields = fields(self.code, &item, &s.fields);
                        matches!(fields.as_slice(), [only] if (!only.named || is_transparent(&s.attrs))
                            && self.is_key(&only.ty))
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Whether a value of a type is written as `null`, which an option around it writes as well.
    fn may_be_null(&self, ty: &Type) -> bool {
        match ty {
            Type::Option(_) | Type::Unit => true,
            Type::Box(inner) => self.may_be_null(inner),
            Type::Item(id, _) => {
                let item = self.code.item(*id);
                let syn::Item::Struct(s) = item.syntax else { return false };
                let fields = fields(self.code, &item, &s.fields);
                match fields.as_slice() {
                    [] => matches!(s.fields, syn::Fields::Unit),
                    [only] if !only.named || is_transparent(&s.attrs) => self.may_be_null(&only.ty),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Decides the form of a workspace type, once.
    fn item(&mut self, id: ItemId, holder: &Item<'w>, span: proc_macro2::Span) {
        if self.forms.contains_key(&id) || !self.pending.insert(id) {
            return;
        }
        let item = self.code.item(id);
        if !self.require_name(&item, holder, span) {
            return;
        }
        let (fields, generics) = match item.syntax {
            syn::Item::Struct(s) => (fields(self.code, &item, &s.fields), &s.generics),
            syn::Item::Enum(e) => (
                e.variants.iter().flat_map(|v| fields(self.code, &item, &v.fields)).collect(),
                &e.generics,
            ),
            _ => {
                self.refuse(
                    holder,
                    span,
                    "union",
                    "a union has no wire form",
                    "calve cannot tell its field",
                );
                return;
            }
        };
        if let Some(parameter) = generics.params.first() {
            let range = syn::spanned::Spanned::span(parameter);
            self.refuse(
                &item,
                range,
                "generic-type",
                "the type has parameters",
                "calve does not carry generic or borrowing types yet",
            );
            return;
        }
        let mut plain = true;
        for field in &fields {
            plain &= self.place(&field.ty, &item, field.span, Position::Value);
        }
        let form = self.form(&item, &fields, plain);
        if let Form::Mirror { reason } = &form {
            self.check_mirror(&item, &fields, reason);
        }
        self.forms.insert(id, form);
    }

    fn form(&mut self, item: &Item<'w>, fields: &[Field], plain: bool) -> Form {
        let found = serde_rules::existing(self.code, item);
        if let Some(reason) = found.lossy {
            return Form::Mirror { reason };
        }
        if !plain {
            return Form::Mirror { reason: "a type in it needs a mirror".to_owned() };
        }
        // What an earlier run added is found again, not added again: the edit step sees to that.
        if found.serialize && found.deserialize && !found.by_calve {
            return Form::Own;
        }
        if let Some(span) = found.gated {
            self.refuse_gated(item, span);
        }
        let private = fields.iter().any(|f| !f.public);
        let name = item.name.as_deref().unwrap_or_default();
        let vouched = self.metadata.get("constructors").and_then(|c| c.get(name));
        let vouched = vouched.and_then(serde_json::Value::as_str);
        if private && !found.deserialize_own && vouched != Some("derive") {
            match constructor::guarding(self.code, item, fields, vouched) {
                constructor::Guard::None => {}
                constructor::Guard::Through(constructor) => return Form::Guarded(constructor),
                constructor::Guard::Unfit(span) => {
                    let name = item.name.clone().unwrap_or_default();
                    self.failed = true;
                    self.diagnostics.push(
                        Diagnostic::error(
                            "guarded-type",
                            format!("`{name}` is guarded, and calve cannot tell that a value would come \
                                     through unchanged"),
                        )
                        .at(item.file, item.source.range(span), "checks or changes what a value may be")
                        .at(item.file, item.name_range(), "has private fields")
                        .note(
                            "what arrives from the network must pass the same check and be the same \
                             value: the constructor must take the fields and store them as they are",
                        )
                        .help(format!(
                            "add one that takes the fields as they are ({}), or say in the module's \
                             Cargo.toml, under [package.metadata.calve.constructors], either {name} = \
                             \"parse\" (a constructor that gives back what a value was made of) or \
                             {name} = \"derive\" (no check: the sender's value was checked)",
                            constructor::that_fits(fields)
                        )),
                    );
                }
            }
        }
        Form::Derive { serialize: !found.serialize_own, deserialize: !found.deserialize_own }
    }

    /// A derive behind somebody else's feature: with that feature on, another one would be a conflict.
    fn refuse_gated(&mut self, item: &Item<'w>, span: proc_macro2::Span) {
        let name = item.name.clone().unwrap_or_default();
        self.failed = true;
        self.diagnostics.push(
            Diagnostic::error("gated-serde", format!("`{name}` derives serde behind a feature"))
                .at(item.file, item.source.range(span), "not always there")
                .note("a second derive would conflict with this one where the feature is on")
                .help("derive it always, or drop the feature"),
        );
    }
}

/// Whether a type that needs a mirror stands anywhere in `ty`.
pub fn contains_mirror(ty: &Type, forms: &BTreeMap<ItemId, Form>) -> bool {
    matches!(ty, Type::Item(id, _) if matches!(forms.get(id), Some(Form::Mirror { .. })))
        || ty.children().into_iter().any(|t| contains_mirror(t, forms))
}

fn is_transparent(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("serde") && a.to_token_stream().to_string().contains("transparent")
    })
}

/// What an earlier run added to a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// `Serialize` behind the feature `wire`, or without it.
    pub serialize: bool,
    /// `Deserialize` likewise.
    pub deserialize: bool,
}

/// Which of serde's traits a type has, with the feature `wire` on.
pub fn present(code: &Code<'_>, item: &Item<'_>) -> Present {
    let found = serde_rules::existing(code, item);
    Present { serialize: found.serialize, deserialize: found.deserialize }
}

/// Byte offset behind an item's doc comments and before its other attributes.
pub fn before_attributes(item: &Item<'_>) -> usize {
    super::contract::attribute_place(
        item.source,
        item.attributes(),
        item.range().start,
        item.syntax,
    )
}
