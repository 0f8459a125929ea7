//! How a mirror reads and makes a value: by its public fields, or by getters and a constructor.

use syn::Expr;

use super::constructor::{self, Constructor, Guard};
use super::{Decision, Field};
use crate::analysis::code::{Code, Item, ItemKind};
use crate::analysis::select;
use crate::analysis::types::{self, Substitution, Type};
use crate::diagnostic::Diagnostic;

/// A mirror of a type in the wire crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Why the type has one, in words.
    pub reason: String,
    /// How it reads and makes a value.
    pub access: Access,
}

/// How a mirror gets at what is in a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Every field is public.
    Fields,
    /// Getters and a constructor.
    Methods {
        /// For each field in order, how it is read.
        getters: Vec<Accessor>,
        /// What makes a value of the fields.
        constructor: Constructor,
        /// Whether the constructor may refuse.
        fallible: bool,
    },
}

/// How a field is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accessor {
    /// It is public.
    Field,
    /// A method gives its value.
    Value(String),
    /// A method gives a reference to it, or to what it holds: `&T`, `&str`, `&[T]`.
    Reference(String),
    /// A method gives `Option<&T>` of an option.
    OptionalReference(String),
}

impl<'w> Decision<'_, 'w> {
    /// The mirror of a type; none where it cannot have one, which is reported.
    pub(super) fn mirror(
        &mut self,
        item: &Item<'w>,
        fields: &[Field],
        reason: String,
    ) -> Option<Mirror> {
        if let Some(mirror) = self.mirror_of(item, fields, reason.clone()) {
            return Some(mirror);
        }
        let sealed = item.attributes().iter().find(|a| a.path().is_ident("non_exhaustive"));
        let hidden = fields.iter().find(|f| !f.public);
        let name = item.name.clone().unwrap_or_default();
        let span = hidden
            .map(|f| f.span)
            .or(sealed.map(syn::spanned::Spanned::span))
            .unwrap_or_else(|| item.name_span());
        self.failed = true;
        let lacking: Vec<String> = fields
            .iter()
            .filter(|field| accessor(self.code, item, field).is_none())
            .map(|field| format!("`{}`", field.name))
            .collect();
        let how = if lacking.is_empty() {
            format!("add a public constructor of the fields, {}", constructor::that_fits(fields))
        } else {
            format!(
                "make the fields public, or add a public getter of {} and a public constructor of the \
                 fields, {}",
                lacking.join(", "),
                constructor::that_fits(fields)
            )
        };
        self.diagnostics.push(
            Diagnostic::error("lossy-serde", format!("`{name}` cannot cross as it is: {reason}"))
                .at(item.file, item.source.range(span), "cannot be mirrored from another crate")
                .at(item.file, item.name_range(), "")
                .note("a mirror has to read and write every field")
                .help(format!("{how}; or give the API a type of its own")),
        );
        None
    }
}

impl<'w> Decision<'_, 'w> {
    /// The mirror of a type, if it can have one.
    pub(super) fn mirror_of(
        &self,
        item: &Item<'w>,
        fields: &[Field],
        reason: String,
    ) -> Option<Mirror> {
        let sealed = item.attributes().iter().any(|a| a.path().is_ident("non_exhaustive"));
        if !sealed && fields.iter().all(|field| field.public) {
            return Some(Mirror { reason, access: Access::Fields });
        }
        let is_struct = matches!(item.syntax, syn::Item::Struct(_));
        let access = is_struct.then(|| methods(self.code, item, fields)).flatten()?;
        Some(Mirror { reason, access })
    }
}

/// Getters of all fields, and a constructor that takes them.
fn methods(code: &Code<'_>, item: &Item<'_>, fields: &[Field]) -> Option<Access> {
    let getters = fields.iter().map(|field| accessor(code, item, field)).collect::<Option<_>>()?;
    if let Some(constructor) = constructor::infallible(code, item, fields) {
        return Some(Access::Methods { getters, constructor, fallible: false });
    }
    match constructor::guarding(code, item, fields, None) {
        Guard::Through(constructor) if constructor.public => {
            Some(Access::Methods { getters, constructor, fallible: true })
        }
        _ => None,
    }
}

/// How a field is read from another crate.
fn accessor(code: &Code<'_>, item: &Item<'_>, field: &Field) -> Option<Accessor> {
    if field.public {
        return Some(Accessor::Field);
    }
    let root = code.root(item.id.root);
    root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only).find_map(|other| {
        let syn::Item::Impl(block) = other.syntax else { return None };
        if block.trait_.is_some()
            || !block.generics.params.is_empty()
            || select::self_type(code, other) != Some(item.id)
        {
            return None;
        }
        block.items.iter().find_map(|member| {
            let syn::ImplItem::Fn(function) = member else { return None };
            let public = matches!(function.vis, syn::Visibility::Public(_));
            (public && gives(function, field)).then(|| getter(code, other, function, field))?
        })
    })
}

/// Whether a method takes `&self` only and gives back one field as it is.
fn gives(function: &syn::ImplItemFn, field: &Field) -> bool {
    let by_self = function.sig.inputs.len() == 1 && function.sig.receiver().is_some();
    let [syn::Stmt::Expr(value, None)] = function.block.stmts.as_slice() else { return false };
    by_self && function.sig.asyncness.is_none() && is_field(value, &field.name)
}

/// `self.field`, held in another way perhaps.
fn is_field(value: &Expr, name: &str) -> bool {
    match value {
        Expr::Field(field) => {
            let member = match &field.member {
                syn::Member::Named(ident) => ident.to_string(),
                syn::Member::Unnamed(index) => index.index.to_string(),
            };
            let of_self = matches!(&*field.base, Expr::Path(path) if path.path.is_ident("self"));
            of_self && member == name
        }
        Expr::Reference(reference) => {
            reference.mutability.is_none() && is_field(&reference.expr, name)
        }
        Expr::Paren(paren) => is_field(&paren.expr, name),
        Expr::MethodCall(call) => {
            let keeps = [
                "as_deref", "as_ref", "as_slice", "as_str", "clone", "copied", "to_owned", "to_vec",
            ];
            call.args.is_empty()
                && keeps.iter().any(|known| call.method == known)
                && is_field(&call.receiver, name)
        }
        _ => false,
    }
}

/// How what a method returns becomes the field's value.
fn getter(
    code: &Code<'_>,
    block: &Item<'_>,
    function: &syn::ImplItemFn,
    field: &Field,
) -> Option<Accessor> {
    let syn::ReturnType::Type(_, ty) = &function.sig.output else { return None };
    let name = function.sig.ident.to_string();
    let lends = |given: &Type, own: &Type| {
        given == own
            || match (given, own) {
                (Type::Str, Type::String) => true,
                (Type::Slice(a), Type::Vec(b)) => a == b,
                _ => false,
            }
    };
    match (types::read(code, block.scope, ty, &Substitution::new()), &field.ty) {
        (given, own) if given == *own => Some(Accessor::Value(name)),
        (Type::Reference { to, mutable: false }, own) if lends(&to, own) => {
            Some(Accessor::Reference(name))
        }
        (Type::Option(given), Type::Option(own)) => match &*given {
            Type::Reference { to, mutable: false } if lends(to, own) => {
                Some(Accessor::OptionalReference(name))
            }
            _ => None,
        },
        _ => None,
    }
}
