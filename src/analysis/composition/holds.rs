//! A pool inside of a type that the service cannot make: of another crate, or with more in it.

use std::ops::Range;

use super::storage::{self, Library};
use crate::analysis::code::{Code, Item};
use crate::analysis::types::{self, Substitution, Type};

/// A field with a pool or a connection.
pub(super) struct Held<'w> {
    /// The struct.
    pub(super) by: Item<'w>,
    /// The field's type.
    pub(super) at: Range<usize>,
    pub(super) library: Library,
    /// How many fields the struct has.
    pub(super) fields: usize,
}

/// The first such field in a type of the workspace, or in what that is made of.
pub(super) fn find<'w>(code: &Code<'w>, ty: &Type) -> Option<Held<'w>> {
    // Bounded, since a type can lead to itself.
    within(code, ty, 4)
}

fn within<'w>(code: &Code<'w>, ty: &Type, depth: usize) -> Option<Held<'w>> {
    let depth = depth.checked_sub(1)?;
    if let Type::Item(id, _) = ty {
        let by = code.item(*id);
        if let syn::Item::Struct(syntax) = by.syntax {
            for field in &syntax.fields {
                let ty = types::read(code, by.scope, &field.ty, &Substitution::new());
                if let Some(library) = storage::library(&ty) {
                    let (at, fields) = (by.source.range_of(&field.ty), syntax.fields.len());
                    return Some(Held { by, at, library, fields });
                }
                if let Some(held) = within(code, &ty, depth) {
                    return Some(held);
                }
            }
        }
    }
    ty.children().into_iter().find_map(|inner| within(code, inner, depth))
}
