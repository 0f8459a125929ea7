//! Methods that the stub does not ask: those that end the module, and those that need nothing of it.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;

use super::shape::chosen_by_implementation;
use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind, ScopeId};
use crate::analysis::trait_form::Waits;
use crate::diagnostic::Diagnostic;

/// A method that ends the module. The stub's does nothing: one of several callers must not end it for the
/// others. The service calls it once, after its last call.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Method name.
    pub name: String,
    /// Its signature as written.
    pub signature: syn::Signature,
    /// How it waits.
    pub waits: Waits,
    /// Whether it returns a `Result<(), _>`.
    pub fallible: bool,
}

/// The methods that `[package.metadata.calve.operations]` calls `"local"`; what it says otherwise, or of a
/// method that is not there, is refused.
pub(super) fn declared(
    code: &Code<'_>,
    apis: &[&Item<'_>],
    library: usize,
) -> Result<BTreeSet<String>, Vec<Diagnostic>> {
    let member = code.root(library).member;
    let Some(table) = member.metadata.get("operations").and_then(serde_json::Value::as_object)
    else {
        return Ok(BTreeSet::new());
    };
    let traits: Vec<&syn::ItemTrait> = apis
        .iter()
        .filter_map(|item| match item.syntax {
            syn::Item::Trait(api) => Some(api),
            _ => None,
        })
        .collect();
    let methods: BTreeSet<String> = traits
        .iter()
        .flat_map(|api| &api.items)
        .filter_map(|member| match member {
            syn::TraitItem::Fn(method) => Some(method.sig.ident.to_string()),
            _ => None,
        })
        .collect();
    let mut names = BTreeSet::new();
    let mut refused = Vec::new();
    for (name, value) in table {
        let what = if !methods.contains(name) {
            let traits: Vec<String> = traits.iter().map(|api| format!("`{}`", api.ident)).collect();
            match traits.as_slice() {
                [only] => format!("{only} has no method `{name}`"),
                _ => format!("none of {} has a method `{name}`", traits.join(", ")),
            }
        } else if value.as_str() != Some("local") {
            format!("`{name} = {value}` means nothing")
        } else {
            names.insert(name.clone());
            continue;
        };
        refused.push(
            Diagnostic::error("no-such-setting", what)
                .at(&member.manifest, 0..0, "[package.metadata.calve.operations]")
                .help("name a method that ends the module, and say \"local\""),
        );
    }
    if refused.is_empty() { Ok(names) } else { Err(refused) }
}

/// What a default body reaches that is not the same everywhere: in words, of a method that is not a pure
/// function of its arguments or whose implementation differs.
pub(super) fn reaches(
    code: &Code<'_>,
    api: &Item<'_>,
    library: usize,
    method: &syn::TraitItemFn,
) -> Option<&'static str> {
    let Some(body) = &method.default else { return Some("has no body here") };
    if chosen_by_implementation(code, api, library, &method.sig.ident).is_some() {
        return Some("the implementation has a body of its own");
    }
    let mut seen = BTreeSet::new();
    impure(code, api.scope, body.to_token_stream(), &mut seen)
}

/// What tokens reach that is not the same everywhere.
fn impure(
    code: &Code<'_>,
    scope: ScopeId,
    tokens: TokenStream,
    seen: &mut BTreeSet<ItemId>,
) -> Option<&'static str> {
    if let Some(what) = forbidden(tokens.clone()) {
        return Some(what);
    }
    for (_, found) in code.mentioned_in(scope, tokens) {
        match found {
            Found::Item(id, rest) => {
                let item = code.item(id);
                match (item.kind, item.syntax) {
                    (ItemKind::Enum, _) => {}
                    (ItemKind::Struct, _) if rest.is_empty() => {}
                    (_, syn::Item::Const(_) | syn::Item::Fn(_)) if rest.is_empty() => {
                        if seen.insert(id)
                            && let Some(what) =
                                impure(code, item.scope, item.syntax.to_token_stream(), seen)
                        {
                            return Some(what);
                        }
                    }
                    (_, syn::Item::Static(_)) => return Some("reaches a `static`"),
                    _ => return Some("calls what calve cannot follow"),
                }
            }
            Found::External(krate, path) => {
                let name = path.first().map(String::as_str).unwrap_or_default();
                let last = path.iter().any(|name| name == "Duration");
                let plain = matches!(krate.as_str(), "std" | "core" | "alloc")
                    && (last || matches!(name, "borrow" | "cmp" | "num" | "string" | "vec"));
                if !plain {
                    return Some("calls what calve cannot follow");
                }
            }
            Found::Module(_) | Found::Nothing => {}
        }
    }
    None
}

/// `self`, and macros that may do anything.
fn forbidden(tokens: TokenStream) -> Option<&'static str> {
    const PURE: [&str; 8] = [
        "assert",
        "concat",
        "debug_assert",
        "format",
        "matches",
        "stringify",
        "unreachable",
        "vec",
    ];
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "self" || ident == "Self" => {
                return Some("asks `self`");
            }
            TokenTree::Ident(ident) => {
                let called = matches!(tokens.peek(), Some(TokenTree::Punct(p))
                    if p.as_char() == '!' && p.spacing() == proc_macro2::Spacing::Alone);
                if called && !PURE.iter().any(|pure| ident == pure) {
                    return Some("calls what calve cannot follow");
                }
            }
            TokenTree::Group(group) => {
                if let Some(what) = forbidden(group.stream()) {
                    return Some(what);
                }
            }
            _ => {}
        }
    }
    None
}
