//! Constructors that a derive writes: `default()`, and the `new(…)` of the crate derive-new.

use quote::ToTokens as _;

use super::constructor::{Constructing, ModuleFacts, Parameter};
use super::{Constructor, Form, Wrapped};
use crate::analysis::code::{Found, Item};

/// The constructor `rest` of an implementation, where no `impl` block has it.
pub(super) fn constructor<'w>(
    module: &ModuleFacts<'_, 'w>,
    of: &Item<'w>,
    rest: &[String],
) -> Option<Constructing<'w>> {
    let [name] = rest else { return None };
    let parameters = match name.as_str() {
        "default" => Vec::new(),
        "new" if derives_new(module, of) => fields(of)?,
        _ => return None,
    };
    Some(Constructing {
        implementation: of.id,
        parameters,
        described: Constructor {
            path: format!("{}::{name}", module.public_path(of.id)?),
            form: Form::Call,
            chain: Vec::new(),
            is_async: false,
            fallible: false,
            wrapped: Wrapped::Bare,
        },
    })
}

/// `#[derive(new)]` or `#[derive(derive_new::new)]`.
fn derives_new(module: &ModuleFacts<'_, '_>, item: &Item<'_>) -> bool {
    item.derives().any(|path| {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let global = path.leading_colon.is_some();
        match module.code.resolve_path(item.scope, global, &names) {
            Found::External(krate, rest) => krate == "derive_new" && rest == ["new"],
            _ => false,
        }
    })
}

/// The fields that `new` takes, in order; none where an attribute says that it takes something else.
fn fields<'w>(of: &Item<'w>) -> Option<Vec<Parameter<'w>>> {
    let syn::Item::Struct(item) = of.syntax else { return None };
    let mut parameters = Vec::new();
    for (index, field) in item.fields.iter().enumerate() {
        let says = field.attrs.iter().find(|attribute| attribute.path().is_ident("new"));
        if let Some(attribute) = says {
            let what = attribute.meta.to_token_stream().to_string().replace(' ', "");
            match what.as_str() {
                "new(default)" => continue,
                what if what.starts_with("new(value=") => continue,
                _ => return None,
            }
        }
        let is_marker = matches!(&field.ty, syn::Type::Path(path)
            if path.path.segments.last().is_some_and(|s| s.ident == "PhantomData"));
        if is_marker {
            continue;
        }
        parameters.push(Parameter {
            name: field.ident.as_ref().map_or_else(|| format!("f{index}"), ToString::to_string),
            ty: &field.ty,
            scope: of.scope,
            generics: Some(&item.generics),
        });
    }
    Some(parameters)
}
