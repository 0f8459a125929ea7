//! What a type that crosses must have: a name that other crates can spell, `Clone` where it is lent,
//! order or a hash where it is a key.

use proc_macro2::Span;
use quote::ToTokens;

use super::{Decision, fields::implements};
use crate::analysis::code::{Item, ItemId};
use crate::analysis::types::Type;
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

    /// A map or set is made anew out of what arrives, which takes more of its keys than to name its type.
    pub(super) fn require_key(&mut self, key: &Type, ordered: bool, holder: &Item<'_>, span: Span) {
        for inner in key.children() {
            self.require_key(inner, ordered, holder, span);
        }
        let Type::Item(id, _) = key else { return };
        let needed: &[&str] = if ordered { &["Ord"] } else { &["Eq", "Hash"] };
        let lacks: Vec<&str> =
            needed.iter().copied().filter(|name| !self.may_implement(*id, name)).collect();
        if lacks.is_empty() {
            return;
        }
        let item = self.code.item(*id);
        let name = item.name.as_deref().unwrap_or("a type");
        let derived =
            if ordered { "PartialEq, Eq, PartialOrd, Ord" } else { "PartialEq, Eq, Hash" };
        self.failed = true;
        self.diagnostics.push(
            Diagnostic::error(
                "not-a-key",
                format!("`{name}` is a key, but not `{}`", lacks.join("` and `")),
            )
            .at(holder.file, holder.source.range(span), "a map or set of them crosses here")
            .at(item.file, item.name_range(), "without it")
            .note("the map or set is made anew out of what arrives")
            .help(format!("derive it: `#[derive({derived})]` stands for all of it")),
        );
    }

    /// Whether a type has a trait, as far as can be seen: by a derive, an `impl`, or what only the compiler
    /// reads.
    fn may_implement(&self, id: ItemId, name: &str) -> bool {
        let item = self.code.item(id);
        let by_attribute = || {
            let all = item.attributes().iter().filter(|a| !a.path().is_ident("doc"));
            let text = all.map(|a| a.to_token_stream().to_string());
            let words = |text: String| text.split(|c| !char::is_alphanumeric(c)).any(|w| w == name);
            text.into_iter().any(words)
        };
        let by_macro = |own: &String| self.code.is_in_macro_call(id.root, own);
        implements(self.code, id, name)
            || by_attribute()
            || item.name.as_ref().is_some_and(by_macro)
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
