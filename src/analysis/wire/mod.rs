//! How each type of the contract crosses: by its own serde where that is proven lossless, by derives
//! where they are enough, through its constructor where it guards something, else by a mirror.

mod accessors;
mod constructor;
mod encoding;
mod errors;
mod external;
mod fields;
mod keeps;
mod made;
mod mirrors;
pub mod passing;
mod required;
mod serde_rules;
mod transport;

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Code, Item};
use super::interface::Interface;
use super::types::Type;
use super::uncarriable::why_not_read;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::Member;

pub use accessors::{Access, Accessor, Mirror};
pub use constructor::{Constructor, Parameter, infallible};
pub use encoding::{Encoding, is_bytes};
pub use errors::{
    ErrorForm, Loses, Payload, TransportPayload, TransportVariant, Variant, is_boxed_error,
};
pub use external::{External, external};
pub use fields::{Field, Instance, all_fields, fields, implements};

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
    Mirror(Mirror),
}

impl Form {
    /// The constructor that a value has to pass, which may refuse it.
    pub fn guard(&self) -> Option<&Constructor> {
        match self {
            Self::Guarded(constructor) => Some(constructor),
            Self::Mirror(Mirror {
                access: Access::Methods { constructor, fallible: true, .. },
                ..
            }) => Some(constructor),
            _ => None,
        }
    }
}

/// The wire forms of everything that the operations speak of.
#[derive(Debug)]
pub struct Wire {
    /// Every workspace type that crosses, with its form.
    pub forms: BTreeMap<Instance, Form>,
    /// For each workspace package, the external crates whose own serde feature its types need.
    pub serde_of: BTreeMap<String, BTreeSet<String>>,
    /// The workspace packages whose types hold an `Arc`, for which serde has a feature.
    pub shares: BTreeSet<String>,
}

impl Wire {
    /// How values of a type are written.
    pub fn encoding(&self, code: &Code<'_>, ty: &Type) -> Encoding {
        Encoding::of(code, &self.forms, ty)
    }

    /// The form of a type, if it is one of the workspace.
    pub fn form(&self, ty: &Type) -> Option<&Form> {
        self.forms.get(&Instance::of(ty)?)
    }
}

/// Decides for every type that the operations of the API traits reach, and for the error of each.
pub fn decide<'w>(
    code: &Code<'w>,
    apis: &[(&Item<'w>, &Interface)],
    member: &Member,
    diagnostics: &mut Diagnostics,
) -> Option<(Wire, Vec<ErrorForm>)> {
    let mut decision = Decision {
        code,
        forms: BTreeMap::new(),
        pending: BTreeSet::new(),
        serde_of: BTreeMap::new(),
        shares: BTreeSet::new(),
        metadata: &member.metadata,
        manifest: &member.manifest,
        diagnostics,
        failed: false,
    };
    let operations = apis.iter().flat_map(|(api, interface)| {
        interface.operations.iter().map(move |operation| (*api, operation))
    });
    for (api, operation) in operations {
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
    let mut errors: Vec<Option<ErrorForm>> = Vec::new();
    for (at, (api, interface)) in apis.iter().enumerate() {
        let before = apis[..at].iter().position(|(_, other)| other.error == interface.error);
        errors.push(match before {
            // Said once, and the same for all.
            Some(before) => errors[before].clone(),
            None => errors::decide(&mut decision, &interface.error, api, &member.metadata),
        });
    }
    decision.mirror_what_leads_back();
    let Decision { forms, serde_of, shares, failed, .. } = decision;
    let errors: Option<Vec<ErrorForm>> = errors.into_iter().collect();
    Some((Wire { forms, serde_of, shares }, errors?)).filter(|_| !failed)
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

/// The longest tuple that serde implements.
const LONGEST_TUPLE: usize = 16;

/// How deep the type arguments of a type may be nested.
const DEEPEST: usize = 24;

struct Decision<'a, 'w> {
    code: &'a Code<'w>,
    forms: BTreeMap<Instance, Form>,
    pending: BTreeSet<Instance>,
    serde_of: BTreeMap<String, BTreeSet<String>>,
    shares: BTreeSet<String>,
    /// `[package.metadata.calve]` of the module.
    metadata: &'a serde_json::Value,
    /// The module's manifest, where that stands.
    manifest: &'a camino::Utf8Path,
    diagnostics: &'a mut Diagnostics,
    failed: bool,
}

impl<'w> Decision<'_, 'w> {
    /// Checks a type that stands in `holder` at `span`, and decides the types in it. Whether all of
    /// it crosses by its own serde.
    fn place(
        &mut self,
        ty: &Type,
        holder: &Item<'w>,
        span: proc_macro2::Span,
        position: Position,
    ) -> bool {
        self.check(ty, holder, span, position);
        Encoding::of(self.code, &self.forms, ty).is_same()
    }

    fn check(&mut self, ty: &Type, holder: &Item<'w>, span: proc_macro2::Span, position: Position) {
        match ty {
            Type::Reference { to, .. } => {
                if position == Position::Value {
                    self.refuse(
                        holder,
                        span,
                        "borrowed-value",
                        "a reference is part of a value that crosses",
                        "what it refers to stays in another process",
                        "make it own what it holds: `String` for `&str`, `Vec<T>` for `&[T]`",
                    );
                    return;
                }
                let lent = match &**to {
                    Type::Slice(element) => element,
                    to => to,
                };
                if let Type::Item(id, _) = lent {
                    self.require_clone(*id, holder, span);
                }
                self.check(to, holder, span, Position::Value);
            }
            Type::Option(inner) => self.check(inner, holder, span, position),
            Type::Array(inner, length) => {
                if length.parse::<usize>().is_err() {
                    self.refuse(
                        holder,
                        span,
                        "array-length",
                        "calve does not know how long this is",
                        "the wire crate has to write the length",
                        "write a number, or a constant of the workspace that is one",
                    );
                }
                self.check(inner, holder, span, Position::Value);
            }
            Type::Tuple(parts) if parts.len() > LONGEST_TUPLE => self.refuse(
                holder,
                span,
                "long-tuple",
                "more parts than serde implements tuples for",
                "beyond these it has no form on the wire",
                "give the parts names: a struct crosses however many it has",
            ),
            Type::Item(..) => self.item(ty, holder, span),
            Type::External { .. } => self.external(ty, holder, span),
            Type::Other(what, text) => self.refuse(
                holder,
                span,
                "type-cannot-cross",
                &format!("`{text}` is {what}"),
                why_not_read(what),
                "put a type of the workspace in its place, which says what it is",
            ),
            _ => {
                if let Type::Map { ordered, key, .. } | Type::Set { ordered, element: key } = ty {
                    self.require_key(key, *ordered, holder, span);
                }
                for inner in ty.children() {
                    self.check(inner, holder, span, Position::Value);
                }
            }
        }
    }

    /// A type that the workspace does not define.
    fn external(&mut self, ty: &Type, holder: &Item<'w>, span: proc_macro2::Span) {
        let Type::External { package: of, path, arguments, .. } = ty else { return };
        let package = self.code.root(holder.id.root).member.name.clone();
        let unknown = "calve does not know a lossless wire form of it";
        let why = match external(self.code.workspace, of, path, arguments) {
            External::Serde => {
                self.serde_of.entry(package).or_default().insert(of.clone());
                return;
            }
            External::Shared
                if matches!(arguments.as_slice(), [Type::Slice(inner)]
                if !Encoding::of(self.code, &self.forms, inner).is_same()) =>
            {
                unknown
            }
            External::Shared => {
                self.shares.insert(package);
                for inner in arguments {
                    self.check(inner, holder, span, Position::Value);
                }
                return;
            }
            External::Container => {
                for inner in arguments {
                    self.check(inner, holder, span, Position::Value);
                }
                return;
            }
            External::Always | External::UnixTime | External::SocketAddress | External::Bytes => {
                return;
            }
            External::Lossy(why) => why,
            External::Unknown => unknown,
        };
        let label = format!("`{of}::{}` crosses here", path.join("::"));
        self.refuse(
            holder,
            span,
            "foreign-type",
            &label,
            why,
            "put a type of the workspace in its place",
        );
    }

    fn refuse(
        &mut self,
        holder: &Item<'_>,
        span: proc_macro2::Span,
        code: &'static str,
        label: &str,
        why: &str,
        help: &str,
    ) {
        self.failed = true;
        let name = holder.name.as_deref().unwrap_or("this item");
        self.diagnostics.push(
            Diagnostic::error(
                code,
                format!("a type in `{name}` cannot cross the network as it is"),
            )
            .at(holder.file, holder.source.range(span), label)
            .note(why)
            .help(help),
        );
    }

    /// Decides the form of a workspace type, once.
    fn item(&mut self, ty: &Type, holder: &Item<'w>, span: proc_macro2::Span) {
        let Some(instance) = Instance::of(ty) else { return };
        if self.forms.contains_key(&instance) || !self.pending.insert(instance.clone()) {
            return;
        }
        let item = self.code.item(instance.id);
        if !self.require_name(&item, holder, span) {
            return;
        }
        let generics = match item.syntax {
            syn::Item::Struct(s) => &s.generics,
            syn::Item::Enum(e) => &e.generics,
            _ => {
                self.refuse(
                    holder,
                    span,
                    "union",
                    "a union has no wire form",
                    "calve cannot tell its field",
                    "make it an enum",
                );
                return;
            }
        };
        let other = generics.params.iter().find(|p| !matches!(p, syn::GenericParam::Type(_)));
        if let Some(parameter) = other {
            let range = syn::spanned::Spanned::span(parameter);
            self.refuse(
                &item,
                range,
                "generic-type",
                "the type has this parameter",
                "calve carries types with type parameters, not such that borrow or count",
                "give it a type that owns what it holds, or one for each number",
            );
            return;
        }
        if depth(ty) > DEEPEST {
            self.refuse(
                &item,
                item.name_span(),
                "generic-type",
                "holds itself with ever longer arguments",
                "each of them would be a wire type of its own",
                "let it hold itself with the arguments that it has",
            );
            return;
        }
        let fields = all_fields(self.code, &instance);
        let mut plain = true;
        for field in &fields {
            self.refuse_conditional(&item, &field.attributes);
            plain &= self.place(&field.ty, &item, field.span, Position::Value);
        }
        if let syn::Item::Enum(e) = item.syntax {
            for variant in &e.variants {
                self.refuse_conditional(&item, &variant.attrs);
            }
        }
        if let Some(form) = self.form(&item, &fields, plain) {
            self.forms.insert(instance, form);
        }
    }

    fn form(&mut self, item: &Item<'w>, fields: &[Field], plain: bool) -> Option<Form> {
        let found = serde_rules::existing(self.code, item);
        if let Some(reason) = found.lossy {
            let reason = format!("its own serde form loses something ({reason})");
            return self.mirror(item, fields, reason).map(Form::Mirror);
        }
        if !plain {
            let reason = self.needs_more(fields);
            return self.mirror(item, fields, reason).map(Form::Mirror);
        }
        // What an earlier run added is found again, not added again: the edit step sees to that.
        if found.serialize && found.deserialize && !found.by_calve {
            return Some(Form::Own);
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
                constructor::Guard::Through(constructor) if item.made.is_some() => {
                    // Its impl would have to stand in the macro, which may make unguarded types too.
                    let reason = format!(
                        "what arrives passes `{}`, and a macro made the type",
                        constructor.name
                    );
                    return self.mirror(item, fields, reason).map(Form::Mirror);
                }
                constructor::Guard::Through(constructor) => {
                    return Some(Form::Guarded(constructor));
                }
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
                            "add a constructor that takes the fields and stores them as they are,\n\n    \
                             impl {name} {{ pub {} {{ … }} }}\n\nor write one of these lines into \
                             `{}`:\n\n    [package.metadata.calve.constructors]\n    {name} = \"parse\"   \
                             # the constructor of that name gives back what a value was made of\n    \
                             {name} = \"derive\"  # no check on arrival: the sender's value was checked",
                            constructor::that_fits(fields).trim_matches('`'),
                            self.manifest
                        )),
                    );
                }
            }
        }
        if item.made.is_some() && !found.by_calve && !self.derives_in_macro(item) {
            return self.mirrored_macro(item, fields).map(Form::Mirror);
        }
        Some(Form::Derive { serialize: !found.serialize_own, deserialize: !found.deserialize_own })
    }

    /// Why serde's derive does not do for a type, in words.
    fn needs_more(&self, fields: &[Field]) -> String {
        let encoding = |field: &Field| Encoding::of(self.code, &self.forms, &field.ty);
        let named = fields.iter().find(|field| !encoding(field).is_same());
        let name = named.map(|field| field.name.as_str()).unwrap_or_default();
        format!("serde has no form of `{name}` that keeps every value")
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

/// How many type arguments stand inside each other.
fn depth(ty: &Type) -> usize {
    1 + ty.children().into_iter().map(depth).max().unwrap_or_default()
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
