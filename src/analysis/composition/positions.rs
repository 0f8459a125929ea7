//! Where an item names types: places at which the stub's type can stand for the implementation's.

use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::function::covers;
use crate::analysis::code::Item;
use crate::workspace::Source;

/// The type that the path at `named` spells there, generic arguments included; none if the path is no
/// type, or stands in a macro call, into which nobody can look.
///
/// The names in an attribute (`#[debug_handler(state = State<SqliteInventory>)]`) count as types.
pub(super) fn type_at(item: &Item<'_>, named: &Range<usize>) -> Option<Range<usize>> {
    let mut places = Places { source: item.source, named, found: None };
    places.visit_item(item.syntax);
    places.found
}

struct Places<'a> {
    source: &'a Source,
    named: &'a Range<usize>,
    found: Option<Range<usize>>,
}

impl<'w> Visit<'w> for Places<'_> {
    fn visit_type_path(&mut self, ty: &'w syn::TypePath) {
        let names = ty.path.segments.first().zip(ty.path.segments.last());
        if let Some((first, last)) = names.filter(|_| ty.qself.is_none()) {
            let names = self.source.range(first.ident.span()).start
                ..self.source.range(last.ident.span()).end;
            if names == *self.named {
                self.found = Some(names.start..self.source.range(ty.span()).end);
            }
        }
        visit::visit_type_path(self, ty);
    }

    fn visit_attribute(&mut self, attribute: &'w syn::Attribute) {
        let is_string = self.source.text[self.named.clone()].starts_with('"');
        if covers(&self.source.range_of(attribute), self.named)
            && !is_string
            && !attribute.path().is_ident("doc")
        {
            self.found = Some(self.named.clone());
        }
    }

    fn visit_item_mod(&mut self, _: &'w syn::ItemMod) {}
}
