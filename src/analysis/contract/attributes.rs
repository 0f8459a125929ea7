//! Attributes of an item: where a new one goes, and whether the gate is there already.

use quote::ToTokens;
use syn::spanned::Spanned;

use super::IMPLEMENTATION;
use crate::workspace::Source;

/// Byte offset behind the doc comments of an item and before everything else of it.
pub(in crate::analysis) fn attribute_place(
    source: &Source,
    attributes: &[syn::Attribute],
    start: usize,
    node: &impl ToTokens,
) -> usize {
    let is_outer = |a: &&syn::Attribute| matches!(a.style, syn::AttrStyle::Outer);
    if let Some(first) = attributes.iter().filter(is_outer).find(|a| !a.path().is_ident("doc")) {
        return source.range(first.span()).start;
    }
    let docs = attributes.iter().filter(is_outer).count();
    if docs == 0 {
        return start;
    }
    // Behind the last doc comment: the first token that no attribute covers.
    let end = attributes
        .iter()
        .filter(is_outer)
        .map(|a| source.range(a.span()).end)
        .max()
        .unwrap_or(start);
    node.to_token_stream()
        .into_iter()
        .map(|token| source.range(token.span()).start)
        .find(|at| *at >= end)
        .unwrap_or(start)
}

/// Whether attributes hold `cfg(feature = "implementation")`.
pub(super) fn already_gated(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::MetaNameValue>().is_ok_and(|pair| {
                pair.path.is_ident("feature")
                    && matches!(&pair.value, syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })
                        if text.value() == IMPLEMENTATION)
            })
    })
}
