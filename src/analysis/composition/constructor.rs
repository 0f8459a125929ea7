//! What the module's library says of itself: the constructors of its implementations.

use quote::ToTokens;

use super::{Constructor, Form, Wrapped, derived};
use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind, ScopeId};
use crate::analysis::module::Served;
use crate::analysis::{references, select};

/// The module, as the other files of this folder look at it.
pub(super) struct ModuleFacts<'a, 'w> {
    pub(super) code: &'a Code<'w>,
    /// The API traits with the types behind them.
    pub(super) served: &'a [Served<'w>],
    /// The library's root.
    pub(super) library: usize,
    /// Name of the package.
    pub(super) package: String,
}

/// A function or method of the library as callers see it.
pub(super) struct Signature<'w> {
    /// The item that it stands in: itself, or an `impl`.
    pub(super) item: Item<'w>,
    pub(super) syntax: &'w syn::Signature,
    /// The generics that its types may name.
    generics: &'w syn::Generics,
    /// What `Self` is.
    owner: Option<ItemId>,
}

/// What a call gives.
pub(super) struct Output {
    pub(super) fallible: bool,
    pub(super) wrapped: Wrapped,
    pub(super) made: Made,
}

/// The value in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// This implementation, or something of which only an API trait is known that it alone stands behind.
    Implementation(ItemId),
    /// Another type of the library, such as a builder.
    Part(ItemId),
}

/// A constructor with its parameters.
#[derive(Debug, Clone)]
pub(super) struct Constructing<'w> {
    /// What it gives.
    pub(super) implementation: ItemId,
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
    pub(super) fn new(code: &'a Code<'w>, library: usize, served: &'a [Served<'w>]) -> Self {
        let package = code.root(library).member.name.clone();
        Self { code, served, library, package }
    }

    /// The implementation of that id.
    pub(super) fn implementation(&self, id: ItemId) -> Option<&'a Item<'w>> {
        self.traits_of(id).next().map(|served| &served.implementation)
    }

    /// The traits that an implementation stands behind.
    fn traits_of(&self, implementation: ItemId) -> impl Iterator<Item = &'a Served<'w>> {
        self.served.iter().filter(move |served| served.implementation.id == implementation)
    }

    /// The path by which other crates name an item of the library.
    pub(super) fn public_path(&self, id: ItemId) -> Option<String> {
        let path = self.code.public_path(id)?;
        let krate = self.code.root(id.root).member.ident();
        Some(format!("{krate}::{}", path.join("::")))
    }

    /// Whether an API trait has a method of that name.
    pub(super) fn is_operation(&self, method: &str) -> bool {
        self.served.iter().any(|served| {
            let syn::Item::Trait(api) = served.api.syntax else { return false };
            api.items.iter().any(|i| matches!(i, syn::TraitItem::Fn(f) if f.sig.ident == method))
        })
    }

    /// A method of a type of the library, with the `impl` it stands in.
    pub(super) fn method_of(
        &self,
        ty: ItemId,
        name: &str,
    ) -> Option<(Item<'w>, &'w syn::ImplItemFn)> {
        let root = self.code.root(self.library);
        root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only).find_map(|item| {
            let syn::Item::Impl(block) = item.syntax else { return None };
            let method = block.items.iter().find_map(|member| match member {
                syn::ImplItem::Fn(f) if f.sig.ident == name => Some(f),
                _ => None,
            })?;
            (select::self_type(self.code, item) == Some(ty)).then(|| (item.clone(), method))
        })
    }

    /// The item behind an alias of the library.
    pub(super) fn unaliased(&self, item: ItemId) -> ItemId {
        references::aliased(self.code, item).unwrap_or(item)
    }

    /// The function that `path` names: a free one, or a method of a type of the library.
    pub(super) fn signature(&self, item: ItemId, rest: &[String]) -> Option<Signature<'w>> {
        if let [method] = rest {
            let (block, function) = self.method_of(item, method)?;
            let syn::Item::Impl(syntax) = block.syntax else { return None };
            return Some(Signature {
                item: block,
                syntax: &function.sig,
                generics: generics_of(&function.sig, &syntax.generics),
                owner: Some(item),
            });
        }
        let function = self.code.item(item);
        let syn::Item::Fn(syntax) = function.syntax else { return None };
        rest.is_empty().then_some(Signature {
            item: function,
            syntax: &syntax.sig,
            generics: &syntax.sig.generics,
            owner: None,
        })
    }

    /// The constructor that `path(…)` names: an associated function of the implementation, or a free
    /// function, that returns it; or the implementation itself as a tuple struct.
    pub(super) fn constructor(&self, item: ItemId, rest: &[String]) -> Option<Constructing<'w>> {
        let implementation = self.implementation(item);
        if let Some(implementation) = implementation.filter(|_| rest.is_empty()) {
            return self.literal(implementation, Form::Call);
        }
        let Some(signature) = self.signature(item, rest) else {
            return derived::constructor(self, implementation?, rest);
        };
        let output = self.output(&signature)?;
        let Made::Implementation(implementation) = output.made else { return None };
        if signature.syntax.receiver().is_some() {
            return None;
        }
        Some(Constructing {
            implementation,
            parameters: parameters(&signature),
            described: Constructor {
                path: self.path_of(item, rest)?,
                form: Form::Call,
                chain: Vec::new(),
                is_async: signature.syntax.asyncness.is_some(),
                fallible: output.fallible,
                wrapped: output.wrapped,
            },
        })
    }

    /// How others spell a function of the library.
    pub(super) fn path_of(&self, item: ItemId, rest: &[String]) -> Option<String> {
        Some([vec![self.public_path(item)?], rest.to_vec()].concat().join("::"))
    }

    /// An implementation as a struct literal, or as a call of a tuple struct.
    pub(super) fn literal(&self, of: &Item<'w>, form: Form) -> Option<Constructing<'w>> {
        let syn::Item::Struct(item) = of.syntax else { return None };
        let is_tuple = matches!(item.fields, syn::Fields::Unnamed(_));
        if is_tuple != (form == Form::Call)
            || item.fields.iter().any(|f| !matches!(f.vis, syn::Visibility::Public(_)))
        {
            return None;
        }
        let parameters = item.fields.iter().enumerate().map(|(index, field)| Parameter {
            name: field.ident.as_ref().map_or_else(|| index.to_string(), ToString::to_string),
            ty: &field.ty,
            scope: of.scope,
            generics: Some(&item.generics),
        });
        Some(Constructing {
            implementation: of.id,
            parameters: parameters.collect(),
            described: Constructor {
                path: self.public_path(of.id)?,
                form,
                chain: Vec::new(),
                is_async: false,
                fallible: false,
                wrapped: Wrapped::Bare,
            },
        })
    }

    /// What a call of a function gives; none if it is nothing of the library.
    pub(super) fn output(&self, signature: &Signature<'w>) -> Option<Output> {
        let syn::ReturnType::Type(_, output) = &signature.syntax.output else { return None };
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
        let made = self.made(signature.item.scope, signature.owner, value)?;
        Some(Output { fallible, wrapped, made })
    }

    fn made(&self, scope: ScopeId, owner: Option<ItemId>, ty: &syn::Type) -> Option<Made> {
        let ty = match ty {
            syn::Type::Reference(reference) => &*reference.elem,
            other => other,
        };
        if let Some(implementation) = self.stands_for(scope, ty) {
            return Some(Made::Implementation(implementation));
        }
        let syn::Type::Path(path) = ty else { return None };
        let item = match path.path.is_ident("Self") {
            true => owner?,
            false => self.unaliased(self.resolves(scope, &path.path)?),
        };
        if self.implementation(item).is_some() {
            return Some(Made::Implementation(item));
        }
        (item.root == self.library).then_some(Made::Part(item))
    }

    /// The implementation that a type is, or that alone can be something of which only an API trait is
    /// known: a type behind several traits has to be seen as itself.
    fn stands_for(&self, scope: ScopeId, ty: &syn::Type) -> Option<ItemId> {
        let api = |bounds: &syn::punctuated::Punctuated<syn::TypeParamBound, syn::Token![+]>| {
            let implementation = bounds.iter().find_map(|bound| match bound {
                syn::TypeParamBound::Trait(bound) => {
                    let named = self.resolves(scope, &bound.path)?;
                    let served = self.served.iter().find(|served| served.api.id == named)?;
                    Some(served.implementation.id)
                }
                _ => None,
            })?;
            (self.traits_of(implementation).count() == 1).then_some(implementation)
        };
        match ty {
            syn::Type::Path(path) => {
                self.resolves(scope, &path.path).filter(|id| self.implementation(*id).is_some())
            }
            syn::Type::ImplTrait(ty) => api(&ty.bounds),
            syn::Type::TraitObject(ty) => api(&ty.bounds),
            syn::Type::Paren(ty) => self.stands_for(scope, &ty.elem),
            _ => None,
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

/// The parameters of a function, `self` left out.
pub(super) fn parameters<'w>(signature: &Signature<'w>) -> Vec<Parameter<'w>> {
    let typed = signature.syntax.inputs.iter().filter_map(|input| match input {
        syn::FnArg::Typed(typed) => Some(typed),
        syn::FnArg::Receiver(_) => None,
    });
    let name = |pattern: &syn::Pat| match super::bindings::plain_name(pattern) {
        Some(name) => name.ident.to_string(),
        None => pattern.to_token_stream().to_string(),
    };
    typed
        .map(|typed| Parameter {
            name: name(&typed.pat),
            ty: &typed.ty,
            scope: signature.item.scope,
            generics: Some(signature.generics),
        })
        .collect()
}

fn generics_of<'w>(signature: &'w syn::Signature, block: &'w syn::Generics) -> &'w syn::Generics {
    if signature.generics.params.is_empty() { block } else { &signature.generics }
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
