//! Constructors whose parameters are the fields: the fallible one that guards a type with private
//! fields, and the infallible one by which other crates make a value.

use quote::ToTokens;

use super::Field;
use crate::analysis::code::{Code, Item, ItemKind};
use crate::analysis::select;
use crate::analysis::types::{self, Substitution, Type};

/// A constructor through which what arrives from the network goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constructor {
    /// Its name, such as `parse`.
    pub name: String,
    /// Its parameters in order.
    pub parameters: Vec<Parameter>,
    /// Whether the type has one field without a name, so that it is written as that field's value.
    pub newtype: bool,
    /// Whether other crates can call it.
    pub public: bool,
}

/// One parameter of a constructor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The field that it becomes.
    pub field: String,
    /// The field's type as written in its crate.
    pub ty: String,
    /// Whether the constructor wants a reference.
    pub by_reference: bool,
}

/// Whether a type is guarded.
pub(super) enum Guard {
    /// No fallible constructor.
    None,
    /// This one takes exactly the fields.
    Through(Constructor),
    /// There is one, and its parameters are not the fields; where it stands.
    Unfit(proc_macro2::Span),
}

/// The public constructor that cannot fail and takes exactly the fields, if there is one.
pub fn infallible(code: &Code<'_>, item: &Item<'_>, fields: &[Field]) -> Option<Constructor> {
    candidates(code, item, returns_self).into_iter().find_map(|(block, function)| {
        let constructor = through(code, &block, function, fields)?;
        constructor.public.then_some(constructor)
    })
}

pub(super) fn guarding(code: &Code<'_>, item: &Item<'_>, fields: &[Field]) -> Guard {
    let mut unfit = None;
    for (block, function) in candidates(code, item, returns_fallible_self) {
        match through(code, &block, function, fields) {
            Some(constructor) => return Guard::Through(constructor),
            None => {
                unfit.get_or_insert(function.sig.ident.span());
            }
        }
    }
    unfit.map_or(Guard::None, Guard::Unfit)
}

/// The associated functions without `self` that return what `returns` looks for, each with the impl
/// that it stands in.
fn candidates<'w>(
    code: &Code<'w>,
    item: &Item<'_>,
    returns: fn(&syn::ReturnType, &Item<'_>) -> bool,
) -> Vec<(Item<'w>, &'w syn::ImplItemFn)> {
    let root = code.root(item.id.root);
    let mut found = Vec::new();
    for other in root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only) {
        let syn::Item::Impl(block) = other.syntax else { continue };
        if block.trait_.is_some() || select::self_type(code, other) != Some(item.id) {
            continue;
        }
        for member in &block.items {
            let syn::ImplItem::Fn(function) = member else { continue };
            let signature = &function.sig;
            if signature.receiver().is_none()
                && signature.asyncness.is_none()
                && returns(&signature.output, item)
            {
                found.push((other.clone(), function));
            }
        }
    }
    found
}

/// The constructor, if its parameters are the fields.
fn through(
    code: &Code<'_>,
    block: &Item<'_>,
    function: &syn::ImplItemFn,
    fields: &[Field],
) -> Option<Constructor> {
    Some(Constructor {
        name: function.sig.ident.to_string(),
        parameters: fits(code, block, &function.sig, fields)?,
        newtype: matches!(fields, [only] if !only.named),
        public: matches!(function.vis, syn::Visibility::Public(_)),
    })
}

/// `Result<Self, _>` or `Result<Name, _>`; what comes back as an option has no reason to tell.
fn returns_fallible_self(output: &syn::ReturnType, item: &Item<'_>) -> bool {
    let syn::ReturnType::Type(_, ty) = output else { return false };
    let syn::Type::Path(path) = &**ty else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    if last.ident != "Result" {
        return false;
    }
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    let Some(syn::GenericArgument::Type(first)) = arguments.args.first() else {
        return false;
    };
    is_self(first, item)
}

fn returns_self(output: &syn::ReturnType, item: &Item<'_>) -> bool {
    matches!(output, syn::ReturnType::Type(_, ty) if is_self(ty, item))
}

/// `Self` or the type's name.
fn is_self(ty: &syn::Type, item: &Item<'_>) -> bool {
    let syn::Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|s| {
        s.ident == "Self" || item.name.as_deref().is_some_and(|name| s.ident == name)
    })
}

/// The parameters, if they are the fields: by name and type, or the one field of a newtype.
fn fits(
    code: &Code<'_>,
    block: &Item<'_>,
    signature: &syn::Signature,
    fields: &[Field],
) -> Option<Vec<Parameter>> {
    if signature.inputs.len() != fields.len() || !signature.generics.params.is_empty() {
        return None;
    }
    signature
        .inputs
        .iter()
        .enumerate()
        .map(|(position, input)| {
            let syn::FnArg::Typed(typed) = input else { return None };
            let name = typed.pat.to_token_stream().to_string();
            let field = match fields {
                [only] => only,
                _ => fields.iter().find(|f| f.name == name || f.name == position.to_string())?,
            };
            let ty = types::read(code, block.scope, &typed.ty, &Substitution::new());
            let by_reference = match (&ty, &field.ty) {
                (Type::Reference { to, mutable: false }, own) => match (&**to, own) {
                    (Type::Str, Type::String) => true,
                    (Type::Slice(a), Type::Vec(b)) => (a == b).then_some(true)?,
                    (to, own) => (to == own).then_some(true)?,
                },
                (ty, own) => (ty == own).then_some(false)?,
            };
            Some(Parameter { field: field.name.clone(), ty: spelled(field)?, by_reference })
        })
        .collect()
}

/// How a constructor could look through which calve can go.
pub(super) fn that_fits(fields: &[Field]) -> String {
    let parameters: Vec<String> = fields
        .iter()
        .map(|field| {
            let name = if field.named { field.name.as_str() } else { "value" };
            format!("{name}: {}", spelled(field).unwrap_or_else(|| "_".to_owned()))
        })
        .collect();
    format!("`fn try_new({}) -> Result<Self, _>`", parameters.join(", "))
}

fn spelled(field: &Field) -> Option<String> {
    // The span covers the type as it is written; its text is what the impl beside it writes too.
    field.span.source_text()
}
