//! What a type that crosses must have: a name that other crates can spell, `Clone` where it is lent.

use proc_macro2::Span;

use super::{Decision, fields::implements};
use crate::analysis::code::{Item, ItemId};
use crate::diagnostic::Diagnostic;

impl Decision<'_, '_> {
    /// Arguments, mirrors and tests of other crates spell the names of what crosses.
    pub(super) fn require_name(&mut self, item: &Item<'_>, holder: &Item<'_>, span: Span) -> bool {
        let nameable = self.code.public_path(item.id).is_some();
        if !nameable {
            self.failed = true;
            let name = item.name.as_deref().unwrap_or("a type");
            self.diagnostics.push(
                Diagnostic::error(
                    "unnameable-type",
                    format!("`{name}` crosses, but no other crate can name it"),
                )
                .at(holder.file, holder.source.range(span), "crosses here")
                .at(item.file, item.name_range(), "in a module that is not public")
                .help(format!("re-export `{name}` beside the API trait, with `pub use`")),
            );
        }
        nameable
    }

    /// A field or variant that is there under a condition: the two sides are built apart.
    pub(super) fn refuse_conditional(&mut self, item: &Item<'_>, attributes: &[syn::Attribute]) {
        let Some(condition) = attributes.iter().find(|a| a.path().is_ident("cfg")) else { return };
        let name = item.name.as_deref().unwrap_or("a type");
        self.failed = true;
        self.diagnostics.push(
            Diagnostic::error("conditional-type", format!("`{name}` is not always the same"))
                .at(
                    item.file,
                    item.source.range(syn::spanned::Spanned::span(condition)),
                    "depends on the target or a feature",
                )
                .note(
                    "stub and service are built apart, and each would have to know what the other \
                     was built with",
                )
                .help("declare it without a condition, or give the API a type of its own"),
        );
    }

    /// What is lent is owned where it arrives.
    pub(super) fn require_clone(&mut self, id: ItemId, holder: &Item<'_>, span: Span) {
        if !implements(self.code, id, "Clone") {
            let name = self.code.item(id).name.unwrap_or_default();
            self.failed = true;
            self.diagnostics.push(
                Diagnostic::error("not-clone", format!("`{name}` is borrowed but not `Clone`"))
                    .at(holder.file, holder.source.range(span), "lent here")
                    .note("arguments are borrowed when they are sent and owned when they arrive")
                    .help(format!("derive `Clone` for `{name}`")),
            );
        }
    }
}
