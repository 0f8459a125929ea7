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
