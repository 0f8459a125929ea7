//! Derives of a type that holds the implementation: they ask of each field what the stub does not have.
//!
//! ```text
//! #[derive(Default)]
//! pub struct App { stock: SqlStock }
//! ```

use std::ops::Range;

use syn::spanned::Spanned;

use super::function::covers;
use super::refusal;
use crate::analysis::code::Item;
use crate::analysis::composition::constructor::ModuleFacts;
use crate::analysis::references::Reference;
use crate::diagnostic::Diagnostic;

/// Derives that want their own trait of every field. The stub has `Debug` and `Clone`; derives of other
/// crates than serde want what they like, and the compiler judges them.
const WANTING: [&str; 9] =
    ["Default", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash", "Copy", "Serialize", "Deserialize"];

/// Types that have a default whatever is in them.
const EMPTY: [&str; 9] = [
    "Option",
    "Vec",
    "VecDeque",
    "HashMap",
    "BTreeMap",
    "Weak",
    "OnceCell",
    "OnceLock",
    "PhantomData",
];

/// The refusal of the first derive that the stub keeps from compiling, where `named` is the type of a
/// field of `holder`, or in it.
pub(super) fn refused(
    module: &ModuleFacts<'_, '_>,
    reference: &Reference<'_>,
    holder: &Item<'_>,
    named: &Range<usize>,
) -> Option<Diagnostic> {
    let fields = match holder.syntax {
        syn::Item::Struct(item) => item.fields.iter().collect(),
        syn::Item::Enum(item) => item.variants.iter().flat_map(|v| &v.fields).collect(),
        _ => Vec::new(),
    };
    let field =
        fields.into_iter().find(|field| covers(&holder.source.range_of(&field.ty), named))?;
    let is_empty = outermost(&field.ty).is_some_and(|name| EMPTY.iter().any(|e| name == e));
    let is_enum = matches!(holder.syntax, syn::Item::Enum(_));
    let is_skipped = field.attrs.iter().any(|attribute| attribute.path().is_ident("serde"));
    holder.derives().find_map(|path| {
        let name = path.segments.last()?.ident.to_string();
        let is_carried = match name.as_str() {
            // The default of an enum is a variant without fields.
            "Default" => is_empty || is_enum,
            "Serialize" | "Deserialize" => is_skipped,
            _ => false,
        };
        (WANTING.contains(&name.as_str()) && !is_carried).then(|| {
            let at = holder.source.range(path.span());
            refusal::derived(module, reference, at, &name)
        })
    })
}

/// The first name of a type: `Option` of `Option<SqlStock>`.
fn outermost(ty: &syn::Type) -> Option<&syn::Ident> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}
