//! What a trait asks of its implementations besides operations: generics, supertraits, constants and
//! associated types.

use syn::spanned::Spanned;

use crate::analysis::code::{Code, Item};
use crate::analysis::select;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// The supertraits that stub and recorder implement as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Supertraits {
    /// `Debug`.
    pub debug: bool,
    /// `Clone`.
    pub clone: bool,
    /// `Sized` or what implies it, or a constant: then there is no `dyn Trait`.
    pub sized: bool,
}

/// Reads the shape; what stub and implementation cannot both have is refused.
pub(super) fn read(
    code: &Code<'_>,
    api: &syn::ItemTrait,
    item: &Item<'_>,
    library: usize,
    diagnostics: &mut Diagnostics,
) -> Supertraits {
    let mut refused = Vec::new();
    let mut refuse = |span, message: String, why: &str, help: &str| {
        let diagnostic = Diagnostic::error("trait-shape", message)
            .at(item.file, item.source.range(span), "")
            .note(why);
        refused.push(if help.is_empty() { diagnostic } else { diagnostic.help(help) });
    };
    let mut supertraits = Supertraits::default();
    if let Some(parameter) = api.generics.params.first() {
        refuse(
            parameter.span(),
            format!("`{}` is generic", api.ident),
            "a route serves one concrete set of types",
            "",
        );
    }
    for bound in &api.supertraits {
        let name = match bound {
            syn::TypeParamBound::Trait(bound) => {
                bound.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default()
            }
            _ => continue,
        };
        match name.as_str() {
            "Send" | "Sync" | "Unpin" => {}
            "Debug" => supertraits.debug = true,
            "Clone" => (supertraits.clone, supertraits.sized) = (true, true),
            "Sized" => supertraits.sized = true,
            _ => refuse(
                bound.span(),
                format!("`{}` has the supertrait `{name}`", api.ident),
                "the stub would have to implement that trait too, and its calls would not be remote",
                "bound the consumers that need it instead, or declare its methods here",
            ),
        }
    }
    for member in &api.items {
        match member {
            syn::TraitItem::Type(ty) => refuse(
                ty.span(),
                format!("`{}` has the associated type `{}`", api.ident, ty.ident),
                "stub and implementation would have to agree on it without being the same type",
                "name the type itself in the signatures",
            ),
            syn::TraitItem::Macro(call) => refuse(
                call.span(),
                format!("`{}` has methods written by a macro", api.ident),
                "calve cannot see what they are",
                "",
            ),
            syn::TraitItem::Const(constant) => {
                supertraits.sized = true;
                if let Some(diagnostic) = constant_refusal(code, api, item, library, constant) {
                    diagnostics.push(diagnostic);
                }
            }
            _ => {}
        }
    }
    refused.into_iter().for_each(|diagnostic| diagnostics.push(diagnostic));
    supertraits
}

/// Why a constant differs between stub and implementation; none if both have the trait's own value.
fn constant_refusal(
    code: &Code<'_>,
    api: &syn::ItemTrait,
    item: &Item<'_>,
    library: usize,
    constant: &syn::TraitItemConst,
) -> Option<Diagnostic> {
    let chosen = chosen_by_implementation(code, item, library, &constant.ident);
    if constant.default.is_some() && chosen.is_none() {
        return None;
    }
    let mut diagnostic = Diagnostic::error(
        "trait-shape",
        format!("each implementation of `{}` chooses `{}`", api.ident, constant.ident),
    )
    .at(item.file, item.source.range(constant.ident.span()), "a constant of the trait");
    if let Some((file, range)) = chosen {
        diagnostic = diagnostic.at(file, range, "chosen here");
    }
    Some(
        diagnostic
            .note("the stub has no implementation to ask before it is compiled")
            .help("give it its value in the trait and nowhere else, or take it out of the trait"),
    )
}

/// Where the module's own code, tests left out, implements a member of the trait.
pub(super) fn chosen_by_implementation<'w>(
    code: &Code<'w>,
    api: &Item<'_>,
    library: usize,
    name: &syn::Ident,
) -> Option<(&'w camino::Utf8Path, std::ops::Range<usize>)> {
    let blocks = select::implementations(code, library, api.id);
    blocks.into_iter().find_map(|(block, _)| {
        let block = code.item(block);
        let syn::Item::Impl(syntax) = block.syntax else { return None };
        syntax.items.iter().find_map(|member| {
            let ident = match member {
                syn::ImplItem::Fn(method) => &method.sig.ident,
                syn::ImplItem::Const(constant) => &constant.ident,
                _ => return None,
            };
            (ident == name).then(|| (block.file, block.source.range(ident.span())))
        })
    })
}
