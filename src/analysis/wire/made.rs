//! Types that a macro of the workspace makes: the derive stands in the macro, if it fits everything
//! that the macro makes.

use proc_macro2::Span;

use super::encoding::Encoding;
use super::{Decision, External, Field, Instance, Mirror, all_fields, external};
use crate::analysis::code::Item;
use crate::analysis::types::Type;
use crate::diagnostic::Diagnostic;

impl<'w> Decision<'_, 'w> {
    /// Whether a derive can be written into the macro: it is used in its own crate alone, and all that
    /// it makes there would have the derive as well.
    pub(super) fn derives_in_macro(&self, item: &Item<'w>) -> bool {
        let Some(made) = item.made else { return true };
        let definition = made.definition;
        let root = self.code.root(item.id.root);
        let called = |text: &str| {
            let call = format!("{}!", definition.name());
            text.match_indices(&call)
                .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        };
        let mut others = self.code.workspace.members.iter().filter(|m| m.name != root.member.name);
        if definition.member.name != root.member.name
            || others.any(|other| {
                self.code.workspace.rust_files(other).any(|(_, source)| called(&source.text))
            })
        {
            return false;
        }
        let place = keyword(made.origin).map(|span| span.byte_range());
        root.items
            .iter()
            .filter(|other| {
                other.made.is_some_and(|by| {
                    by.definition.file == definition.file
                        && keyword(by.origin).map(|span| span.byte_range()) == place
                })
            })
            .all(|other| {
                let sibling = Instance { id: other.id, arguments: Vec::new() };
                all_fields(self.code, &sibling).iter().all(|field| self.is_plain(&field.ty))
            })
    }

    /// Whether serde writes a type without any help: of workspace types, those that were decided so.
    fn is_plain(&self, ty: &Type) -> bool {
        let own = match ty {
            Type::Reference { .. } | Type::Other(..) => false,
            Type::Item(..) => Instance::of(ty).is_some_and(|i| self.forms.contains_key(&i)),
            Type::External { package, path, arguments, .. } => {
                match external(self.code.workspace, package, path, arguments) {
                    External::Always => true,
                    // Its feature is switched on for what crosses.
                    External::Serde => self.serde_of.values().any(|of| of.contains(package)),
                    _ => false,
                }
            }
            _ => true,
        };
        let parts = match ty {
            Type::External { .. } | Type::Item(..) => Vec::new(),
            _ => ty.children(),
        };
        own && Encoding::of(self.code, &self.forms, ty).is_same()
            && parts.into_iter().all(|inner| self.is_plain(inner))
    }

    /// A mirror of a type whose macro cannot have the derive.
    pub(super) fn mirrored_macro(&mut self, item: &Item<'w>, fields: &[Field]) -> Option<Mirror> {
        let made = item.made?;
        let (name, of) = (item.name.clone().unwrap_or_default(), made.definition.name());
        let reason =
            format!("`{of}!` makes types for several crates, or some that serde cannot write");
        if let Some(mirror) = self.mirror_of(item, fields, reason) {
            return Some(mirror);
        }
        self.failed = true;
        self.diagnostics.push(
            Diagnostic::error("macro-type", format!("`{name}`, which `{of}!` makes, cannot cross"))
                .at(item.file, item.name_range(), "has no public constructor and getters")
                .at(
                    made.definition.file,
                    made.definition.source.range_of(made.definition.syntax),
                    "makes it",
                )
                .note(
                    "a derive in the macro would change what it makes elsewhere: for other crates, or \
                     of fields that serde cannot write",
                )
                .help(format!(
                    "let `{of}!` make a public constructor and public getters of the fields too, or let \
                     it derive serde's traits"
                )),
        );
        None
    }
}

/// The `struct` or `enum` of an item.
fn keyword(item: &syn::Item) -> Option<Span> {
    match item {
        syn::Item::Struct(s) => Some(s.struct_token.span),
        syn::Item::Enum(e) => Some(e.enum_token.span),
        _ => None,
    }
}
