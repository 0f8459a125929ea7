//! Constructors whose parameters are the fields: the fallible one that guards a type with private
//! fields, and the infallible one by which other crates make a value.

use quote::ToTokens;

use super::{Field, keeps};
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

/// How a type is guarded. `vouched` names a constructor of which the team says that it gives back what a
/// value was made of; of others that must be seen in their bodies.
pub(super) fn guarding(
    code: &Code<'_>,
    item: &Item<'_>,
    fields: &[Field],
    vouched: Option<&str>,
) -> Guard {
    let name = item.name.as_deref().unwrap_or_default();
    let mut unfit = None;
    for (block, function) in candidates(code, item, returns_fallible_self) {
        let is_vouched = vouched.is_some_and(|vouched| function.sig.ident == vouched);
        match through(code, &block, function, fields) {
            Some(constructor) if is_vouched || keeps::parameters(function, name) => {
                return Guard::Through(constructor);
            }
            _ => {
                unfit.get_or_insert(function.sig.ident.span());
            }
        }
    }
    // Where every combination of fields can be made anyway, parsing is no guard.
    if infallible(code, item, fields).is_some() {
        return Guard::None;
    }
    unfit.or_else(|| conversion(code, item)).map_or(Guard::None, Guard::Unfit)
}

/// A hand-written `FromStr` or `TryFrom` of the type, which may check.
fn conversion(code: &Code<'_>, item: &Item<'_>) -> Option<proc_macro2::Span> {
    code.root(item.id.root).items.iter().find_map(|other| {
        let syn::Item::Impl(block) = other.syntax else { return None };
        let (path, _) = block.trait_.as_ref()?;
        let last = path.segments.last()?;
        ((last.ident == "FromStr" || last.ident == "TryFrom")
            && !other.test_only
            && select::self_type(code, other) == Some(item.id))
        .then(|| last.ident.span())
    })
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
    // What comes back as an option has no reason to tell.
    if let syn::ReturnType::Type(_, ty) = &function.sig.output
        && ty.to_token_stream().to_string().starts_with("Option")
    {
        return None;
    }
    Some(Constructor {
        name: function.sig.ident.to_string(),
        parameters: fits(code, block, &function.sig, fields)?,
        newtype: matches!(fields, [only] if !only.named),
        public: matches!(function.vis, syn::Visibility::Public(_)),
    })
}

/// `Result<Self, _>`, under whatever name an alias gives it, or `Option<Self>`.
fn returns_fallible_self(output: &syn::ReturnType, item: &Item<'_>) -> bool {
    let syn::ReturnType::Type(_, ty) = output else { return false };
    let syn::Type::Path(path) = &**ty else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    let name = last.ident.to_string();
    if !name.ends_with("Result") && name != "Option" {
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
                (Type::Other(_, text), Type::String) => {
                    let text = text.replace(' ', "");
                    matches!(text.as_str(), "implInto<String>" | "implAsRef<str>")
                        .then_some(false)?
                }
                (Type::Reference { to, mutable: false }, own) => match (&**to, own) {
                    (Type::Str, Type::String) => true,
                    (Type::Slice(a), Type::Vec(b)) => (a == b).then_some(true)?,
                    (to, own) => (to == own).then_some(true)?,
                },
                (ty, own) => (ty == own).then_some(false)?,
            };
            Some(Parameter { field: field.name.clone(), ty: field.written.clone(), by_reference })
        })
        .collect()
}

/// How a constructor could look through which calve can go.
pub(super) fn that_fits(fields: &[Field]) -> String {
    let parameters: Vec<String> = fields
        .iter()
        .map(|field| {
            let name = if field.named { field.name.as_str() } else { "value" };
            format!("{name}: {}", field.written)
        })
        .collect();
    format!("`fn try_new({}) -> Result<Self, _>`", parameters.join(", "))
}
