//! Names of the implementation from which calve does not get on to its construction.
//!
//! ```text
//! type Store = SqlStock;            // inside of a function
//! <SqlStock>::new(pool)
//! pool.map(SqlStock::new)
//! type Of<T> = T;
//! Of::<SqlStock>::new(pool)
//! impl Wiring for App { type Stock = SqlStock; }
//! <App as Wiring>::Stock::new(pool)
//! ```

use std::ops::Range;

use camino::Utf8Path;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};

use crate::analysis::code::{Found, Item, ItemId, ItemKind};
use crate::analysis::composition::constructor::ModuleFacts;
use crate::analysis::composition::function::Node;
use crate::analysis::references::{self, Reference};

/// What to write instead; none where the name is followed. `nodes` are around it, `item` is the
/// implementation.
pub(super) fn instead(
    module: &ModuleFacts<'_, '_>,
    holder: &Item<'_>,
    nodes: &[Node<'_>],
    reference: &Reference<'_>,
    item: ItemId,
) -> Option<String> {
    let place = |range| range == reference.range;
    let name = &holder.source.text[reference.named.clone()];
    let is_called = |path: &syn::ExprPath| {
        nodes.iter().any(|node| {
            matches!(node, Node::Expr(syn::Expr::Call(call))
                if matches!(&*call.func, syn::Expr::Path(called) if std::ptr::eq(called, path)))
        })
    };
    nodes.iter().find_map(|node| match node {
        Node::Stmt(syn::Stmt::Item(syn::Item::Type(alias)))
            if place(holder.source.range_of(&*alias.ty)) =>
        {
            Some(format!(
                "put the alias `{}` outside of the function, where calve sees what it constructs",
                alias.ident
            ))
        }
        Node::Expr(syn::Expr::Path(path)) => {
            if let Some((alias, method)) = by_parameter(module, holder, &path.path, &reference.range) {
                return Some(format!("write `{name}::{method}`, without the alias `{alias}`"));
            }
            match &path.qself {
                Some(of) if place(holder.source.range_of(&*of.ty)) => {
                    let method = path.path.segments.iter().nth(of.position)?.ident.to_string();
                    (!module.is_operation(&method))
                        .then(|| format!("write `{name}::{method}`, without the angle brackets"))
                }
                None if !reference.rest.is_empty() && !is_called(path) => {
                    module.constructor(item, &reference.rest)?;
                    let method = reference.rest.join("::");
                    Some(format!(
                        "call `{name}::{method}` here: the stub stands where the constructor is called"
                    ))
                }
                _ => None,
            }
        }
        _ => None,
    })
}

/// Where code constructs `item` by an associated type that stands for it at `ty`: its file, what is called,
/// and the method.
pub(super) fn by_associated<'w>(
    module: &ModuleFacts<'_, 'w>,
    holder: &Item<'w>,
    ty: &Range<usize>,
    item: ItemId,
) -> Option<(&'w Utf8Path, Range<usize>, String)> {
    let syn::Item::Impl(block) = holder.syntax else { return None };
    let name = block.items.iter().find_map(|member| match member {
        syn::ImplItem::Type(member) if holder.source.range_of(&member.ty) == *ty => {
            Some(member.ident.to_string())
        }
        _ => None,
    })?;
    let around = references::roots_around(module.code, module.library);
    around.into_iter().filter(|(_, target, _)| !target.kind.is_dev()).find_map(|(_, _, index)| {
        let root = module.code.root(index);
        let items = root.items.iter().filter(|item| {
            !item.test_only && item.kind != ItemKind::Module && item.source.text.contains(&name)
        });
        let mut found = items.flat_map(|item| {
            let mut called = Vec::new();
            methods_of(item.syntax.to_token_stream(), &name, &mut called);
            called.into_iter().map(|(method, span)| (item.file, item.source.range(span), method))
        });
        found
            .find(|(_, _, method)| module.constructor(item, std::slice::from_ref(method)).is_some())
    })
}

/// What is named behind `::name::` in tokens.
fn methods_of(tokens: TokenStream, name: &str, found: &mut Vec<(String, Span)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ':');
    for (at, token) in tokens.iter().enumerate() {
        match (token, tokens.get(at + 1..at + 6)) {
            (TokenTree::Group(group), _) => methods_of(group.stream(), name, found),
            (colon, Some([b, TokenTree::Ident(ty), c, d, TokenTree::Ident(method)]))
                if ty == name && [colon, b, c, d].into_iter().all(is_colon) =>
            {
                found.push((method.to_string(), method.span()));
            }
            _ => {}
        }
    }
}

/// The alias that stands for the parameter at a place of a path, and what the path then names of it, where
/// that is no operation: `Of` and `new` of `Of::<SqlStock>::new`, for `type Of<T> = T`.
fn by_parameter(
    module: &ModuleFacts<'_, '_>,
    holder: &Item<'_>,
    path: &syn::Path,
    named: &Range<usize>,
) -> Option<(String, String)> {
    let holds = |segment: &syn::PathSegment| match &segment.arguments {
        syn::PathArguments::AngleBracketed(list) => {
            list.args.iter().any(|argument| holder.source.range_of(argument) == *named)
        }
        _ => false,
    };
    let at = path.segments.iter().position(holds)?;
    let method = path.segments.iter().nth(at + 1)?.ident.to_string();
    let names: Vec<String> =
        path.segments.iter().take(at + 1).map(|segment| segment.ident.to_string()).collect();
    let is_parameter = stands_for_parameter(module, holder, &names);
    (is_parameter && !module.is_operation(&method)).then(|| (names.join("::"), method))
}

/// Whether a name in an item is an alias for one of its own parameters, also through other aliases.
fn stands_for_parameter(module: &ModuleFacts<'_, '_>, holder: &Item<'_>, names: &[String]) -> bool {
    let (mut scope, mut names) = (holder.scope, names.to_vec());
    // Bounded, since broken code can go round in a circle.
    for step in 0..8 {
        let local = (step == 0).then(|| local_alias(holder, &names)).flatten();
        let alias = match (local, module.code.resolve_path(scope, false, &names)) {
            (Some(alias), _) => alias,
            (None, Found::Item(id, rest)) if rest.is_empty() => {
                let item = module.code.item(id);
                let syn::Item::Type(alias) = item.syntax else { return false };
                scope = item.scope;
                alias
            }
            _ => return false,
        };
        let syn::Type::Path(ty) = &*alias.ty else { return false };
        if alias.generics.type_params().any(|parameter| ty.path.is_ident(&parameter.ident)) {
            return true;
        }
        names = ty.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    }
    false
}

/// An alias inside of a body.
fn local_alias<'w>(holder: &Item<'w>, names: &[String]) -> Option<&'w syn::ItemType> {
    struct Aliases<'a, 'w>(&'a [String], Option<&'w syn::ItemType>);
    impl<'w> Visit<'w> for Aliases<'_, 'w> {
        fn visit_item_type(&mut self, alias: &'w syn::ItemType) {
            if matches!(self.0, [name] if alias.ident == name) {
                self.1 = Some(alias);
            }
            visit::visit_item_type(self, alias);
        }
    }
    let mut aliases = Aliases(names, None);
    aliases.visit_item(holder.syntax);
    aliases.1
}
