//! What the module's library says of itself: the constructors of its implementation.

use quote::ToTokens;

use super::{Constructor, Form, Wrapped};
use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind, ScopeId};
use crate::analysis::select;

/// The module, as the other files of this folder look at it.
pub(super) struct ModuleFacts<'a, 'w> {
    pub(super) code: &'a Code<'w>,
    pub(super) api: &'a Item<'w>,
    pub(super) implementation: &'a Item<'w>,
    /// The library's root.
    pub(super) library: usize,
    /// Name of the package.
    pub(super) package: String,
}

/// A constructor with its parameters.
#[derive(Debug, Clone)]
pub(super) struct Constructing<'w> {
    pub(super) described: Constructor,
    pub(super) parameters: Vec<Parameter<'w>>,
}

/// A parameter of a constructor, or a field of a literal.
#[derive(Debug, Clone)]
pub(super) struct Parameter<'w> {
    pub(super) name: String,
    pub(super) ty: &'w syn::Type,
    /// Where its type is written.
    pub(super) scope: ScopeId,
    /// The generics that its type may name.
    pub(super) generics: Option<&'w syn::Generics>,
}

impl<'a, 'w> ModuleFacts<'a, 'w> {
    pub(super) fn new(code: &'a Code<'w>, api: &'a Item<'w>, implementation: &'a Item<'w>) -> Self {
        let library = implementation.id.root;
        let package = code.root(library).member.name.clone();
        Self { code, api, implementation, library, package }
    }

    /// The path by which other crates name an item of the library.
    pub(super) fn public_path(&self, id: ItemId) -> Option<String> {
        let path = self.code.public_path(id)?;
        let krate = self.code.root(id.root).member.ident();
        Some(format!("{krate}::{}", path.join("::")))
    }

    /// Whether the API trait has a method of that name.
    pub(super) fn is_operation(&self, method: &str) -> bool {
        let syn::Item::Trait(api) = self.api.syntax else { return false };
        api.items.iter().any(|i| matches!(i, syn::TraitItem::Fn(f) if f.sig.ident == method))
    }

    /// A method of the implementation outside of the API trait, with the `impl` it stands in.
    pub(super) fn method(&self, name: &str) -> Option<(Item<'w>, &'w syn::ImplItemFn)> {
        let root = self.code.root(self.library);
        root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only).find_map(|item| {
            let syn::Item::Impl(block) = item.syntax else { return None };
            let method = block.items.iter().find_map(|member| match member {
                syn::ImplItem::Fn(f) if f.sig.ident == name => Some(f),
                _ => None,
            })?;
            (select::self_type(self.code, item) == Some(self.implementation.id))
                .then(|| (item.clone(), method))
        })
    }

    /// The constructor that `path(…)` names: an associated function of the implementation, or a free
    /// function, that returns it; or the implementation itself as a tuple struct.
    pub(super) fn constructor(&self, item: ItemId, rest: &[String]) -> Option<Constructing<'w>> {
        match rest {
            [] if item == self.implementation.id => self.literal(Form::Call),
            [method] if item == self.implementation.id => {
                let Some((block, function)) = self.method(method) else {
                    return (method == "default").then(|| self.derived_default()).flatten();
                };
                let syn::Item::Impl(syntax) = block.syntax else { return None };
                let path = format!("{}::{method}", self.public_path(item)?);
                self.described(path, &block, &function.sig, &syntax.generics)
            }
            [] => {
                let function = self.code.item(item);
                let syn::Item::Fn(syntax) = function.syntax else { return None };
                self.described(
                    self.public_path(item)?,
                    &function,
                    &syntax.sig,
                    &syntax.sig.generics,
                )
            }
            _ => None,
        }
    }

    /// The implementation as a struct literal, or as a call of a tuple struct.
    pub(super) fn literal(&self, form: Form) -> Option<Constructing<'w>> {
        let syn::Item::Struct(item) = self.implementation.syntax else { return None };
        let is_tuple = matches!(item.fields, syn::Fields::Unnamed(_));
        if is_tuple != (form == Form::Call)
            || item.fields.iter().any(|f| !matches!(f.vis, syn::Visibility::Public(_)))
        {
            return None;
        }
        let parameters = item.fields.iter().enumerate().map(|(index, field)| Parameter {
            name: field.ident.as_ref().map_or_else(|| index.to_string(), ToString::to_string),
            ty: &field.ty,
            scope: self.implementation.scope,
            generics: Some(&item.generics),
        });
        Some(Constructing {
            parameters: parameters.collect(),
            described: Constructor {
                path: self.public_path(self.implementation.id)?,
                form,
                is_async: false,
                fallible: false,
                wrapped: Wrapped::Bare,
            },
        })
    }

    fn derived_default(&self) -> Option<Constructing<'w>> {
        Some(Constructing {
            parameters: Vec::new(),
            described: Constructor {
                path: format!("{}::default", self.public_path(self.implementation.id)?),
                form: Form::Call,
                is_async: false,
                fallible: false,
                wrapped: Wrapped::Bare,
            },
        })
    }

    fn described(
        &self,
        path: String,
        item: &Item<'w>,
        signature: &'w syn::Signature,
        generics: &'w syn::Generics,
    ) -> Option<Constructing<'w>> {
        if signature.receiver().is_some() {
            return None;
        }
        let syn::ReturnType::Type(_, output) = &signature.output else { return None };
        let (fallible, value) = match first_argument(output, &["Result"]) {
            Some(inner) => (true, inner),
            None => (false, &**output),
        };
        let (wrapped, value) =
            match (first_argument(value, &["Arc"]), first_argument(value, &["Box"])) {
                (Some(inner), _) => (Wrapped::Arc, inner),
                (_, Some(inner)) => (Wrapped::Box, inner),
                _ => (Wrapped::Bare, value),
            };
        if !self.is_implementation(item.scope, value) {
            return None;
        }
        let parameters = signature.inputs.iter().filter_map(|input| match input {
            syn::FnArg::Typed(typed) => Some(Parameter {
                name: super::bindings::plain_name(&typed.pat).map_or_else(
                    || typed.pat.to_token_stream().to_string(),
                    |n| n.ident.to_string(),
                ),
                ty: &typed.ty,
                scope: item.scope,
                generics: Some(if signature.generics.params.is_empty() {
                    generics
                } else {
                    &signature.generics
                }),
            }),
            syn::FnArg::Receiver(_) => None,
        });
        Some(Constructing {
            parameters: parameters.collect(),
            described: Constructor {
                path,
                form: Form::Call,
                is_async: signature.asyncness.is_some(),
                fallible,
                wrapped,
            },
        })
    }

    /// Whether a type is the implementation, or something of which only the API trait is known.
    fn is_implementation(&self, scope: ScopeId, ty: &syn::Type) -> bool {
        let api = |bounds: &syn::punctuated::Punctuated<syn::TypeParamBound, syn::Token![+]>| {
            bounds.iter().any(|bound| match bound {
                syn::TypeParamBound::Trait(bound) => {
                    self.resolves(scope, &bound.path) == Some(self.api.id)
                }
                _ => false,
            })
        };
        match ty {
            syn::Type::Path(path) => {
                path.path.is_ident("Self")
                    || self.resolves(scope, &path.path) == Some(self.implementation.id)
            }
            syn::Type::ImplTrait(ty) => api(&ty.bounds),
            syn::Type::TraitObject(ty) => api(&ty.bounds),
            syn::Type::Paren(ty) => self.is_implementation(scope, &ty.elem),
            _ => false,
        }
    }

    pub(super) fn resolves(&self, scope: ScopeId, path: &syn::Path) -> Option<ItemId> {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        match self.code.resolve_path(scope, path.leading_colon.is_some(), &names) {
            Found::Item(id, rest) if rest.is_empty() => Some(id),
            _ => None,
        }
    }
}

/// `T` of `Name<T, …>`, for one of `names`.
pub(super) fn first_argument<'t>(ty: &'t syn::Type, names: &[&str]) -> Option<&'t syn::Type> {
    let syn::Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    if !names.iter().any(|name| last.ident == name) {
        return None;
    }
    let syn::PathArguments::AngleBracketed(list) = &last.arguments else { return None };
    list.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}
