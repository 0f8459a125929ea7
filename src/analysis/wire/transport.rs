//! The variant that tells of a failed call: which one, and what to do where there is none.

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::visit::Visit;

use super::errors::{Payload, TransportPayload, TransportVariant, Variant};
use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind, ScopeId};
use crate::analysis::types::Type;
use crate::changes::{self, ChangeSet, TextEdit};
use crate::diagnostic::Diagnostic;

/// Names that say that somebody could not be reached.
const REACH: [&str; 12] = [
    "Unavailable",
    "Unreachable",
    "Transport",
    "Network",
    "Connection",
    "ConnectionFailed",
    "Remote",
    "RemoteError",
    "ServiceUnavailable",
    "Timeout",
    "TimedOut",
    "Communication",
];

/// Names that say that something went wrong which is nobody's input.
const CATCH_ALL: [&str; 21] = [
    "Io",
    "IO",
    "Sqlx",
    "Sql",
    "Db",
    "Query",
    "Persistence",
    "Infrastructure",
    "Failed",
    "Failure",
    "Internal",
    "InternalError",
    "Other",
    "Unknown",
    "Unexpected",
    "Storage",
    "Database",
    "DatabaseError",
    "Backend",
    "Repository",
    "External",
];

/// Chooses by: what the user names; a variant named for it; a catch-all that holds an `io::Error` (also
/// inside `sqlx::Error`); anyhow or boxed; a text in a catch-all. A variant with a meaning of its own,
/// such as `Picture(io::Error)`, is never taken.
pub(super) fn choose(variants: &[Variant], wanted: Option<&str>) -> Option<TransportVariant> {
    let holds = |variant: &Variant| -> Option<(Option<String>, TransportPayload)> {
        match variant.fields.as_slice() {
            [] if !variant.named => Some((None, TransportPayload::Unit)),
            [(field, payload)] => {
                let holds = match payload {
                    Payload::Sqlx => TransportPayload::Sqlx,
                    Payload::Io => TransportPayload::Io,
                    Payload::Anyhow => TransportPayload::Anyhow,
                    Payload::Boxed => TransportPayload::Boxed,
                    Payload::Plain if field.ty == Type::String => TransportPayload::String,
                    // None of its variants tells of a failed call.
                    Payload::Plain | Payload::Rusqlite | Payload::Json => return None,
                };
                Some((field.named.then(|| field.name.clone()), holds))
            }
            _ => None,
        }
    };
    let choose = |because: &'static str, fits: &dyn Fn(&Variant, TransportPayload) -> bool| {
        variants.iter().find_map(|variant| {
            let (field, holds) = holds(variant)?;
            fits(variant, holds).then(|| TransportVariant {
                variant: variant.name.clone(),
                field,
                holds,
                because,
            })
        })
    };
    if let Some(wanted) = wanted {
        return choose("named in `[package.metadata.calve]`", &|v, _| v.name == wanted);
    }
    let reach = |v: &Variant| REACH.contains(&v.name.as_str());
    let catch_all = |v: &Variant| CATCH_ALL.contains(&v.name.as_str());
    // One with a payload first: it can say what happened.
    choose("named for it", &|v, holds| reach(v) && holds != TransportPayload::Unit)
        .or_else(|| choose("named for it", &|v, _| reach(v)))
        .or_else(|| {
            choose("holds an I/O error", &|v, holds| catch_all(v) && holds == TransportPayload::Io)
        })
        .or_else(|| {
            choose("can hold an I/O error", &|v, holds| {
                catch_all(v) && holds == TransportPayload::Sqlx
            })
        })
        .or_else(|| {
            choose("holds any error", &|_, holds| {
                matches!(holds, TransportPayload::Anyhow | TransportPayload::Boxed)
            })
        })
        .or_else(|| {
            choose("a catch-all that holds a text", &|v, holds| {
                catch_all(v) && holds == TransportPayload::String
            })
        })
}

/// The refusal where no variant can hold a failed call: with the patch that adds one, and every match
/// that it breaks.
pub(super) fn refusal(
    code: &Code<'_>,
    item: &Item<'_>,
    syntax: &syn::ItemEnum,
    wanted: Option<&str>,
) -> Diagnostic {
    let name = &syntax.ident;
    let message = match wanted {
        Some(wanted) => format!("`{name}::{wanted}` cannot hold a failed call"),
        None => format!("no variant of `{name}` can hold a failed call"),
    };
    let mut diagnostic = Diagnostic::error("no-transport-variant", message).at(
        item.file,
        item.name_range(),
        "every operation over a network can fail on its way",
    );
    for (file, range) in exhaustive_matches(code, item.id) {
        diagnostic = diagnostic.at(&file, range, "will need an arm for the new variant");
    }
    let help = match patch(code, item, syntax) {
        Some(patch) => format!(
            "add a variant so, give each match named above an arm, and try again:\n\n{patch}\nor name \
             a variant in the module's Cargo.toml: [package.metadata.calve] transport-error = \"…\""
        ),
        None => "add a variant that holds a text, such as `Unavailable(String)`".to_owned(),
    };
    diagnostic
        .note(
            "a stub must not answer with a variant that means something else; a text, an \
             `io::Error` or a `sqlx::Error` can say what happened",
        )
        .help(help)
}

/// The patch that adds `Unavailable(String)` behind the last variant.
fn patch(code: &Code<'_>, item: &Item<'_>, syntax: &syn::ItemEnum) -> Option<String> {
    let text = &item.source.text;
    let last = syntax.variants.last()?;
    let end = item.source.range(syn::spanned::Spanned::span(last)).end;
    let comma = syntax.variants.trailing_punct();
    let at = if comma { end + text[end..].find(',')? + 1 } else { end };
    let derives_error = item
        .attributes()
        .iter()
        .any(|a| a.path().is_ident("derive") && a.to_token_stream().to_string().contains("Error"));
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut added = String::new();
    if !comma {
        added.push(',');
    }
    if derives_error {
        added.push_str(line_end);
        added.push_str("    #[error(\"the service cannot be reached: {0}\")]");
    }
    added.push_str(line_end);
    added.push_str("    Unavailable(String),");
    let mut set = ChangeSet::default();
    set.edit(item.file, text, vec![TextEdit::insert(at, added)]).ok()?;
    let prefix = code.workspace.prefix();
    let mut patch = Vec::new();
    changes::write_diff(&set, prefix, false, &mut patch).ok()?;
    String::from_utf8(patch).ok()
}

/// Every `match` outside of tests that names a variant of the enum and has no arm for the rest: the file,
/// and the bytes of the `match` keyword and what is matched.
fn exhaustive_matches(
    code: &Code<'_>,
    error: ItemId,
) -> Vec<(camino::Utf8PathBuf, std::ops::Range<usize>)> {
    let mut found = BTreeSet::new();
    let name = code.item(error).name.unwrap_or_default();
    for member in &code.workspace.members {
        if !code.workspace.rust_files(member).any(|(_, source)| source.text.contains(&name)) {
            continue;
        }
        for target in &member.targets {
            let Some(root) = code.target(&member.name, target.kind, &target.name) else { continue };
            let root = code.root(root);
            for item in root.items.iter().filter(|i| i.kind != ItemKind::Module) {
                // Inside an impl of the enum itself, `Self` is the enum.
                let own = crate::analysis::select::self_type(code, item) == Some(error);
                let mut matches =
                    Matches { code, scope: item.scope, error, own, spans: Vec::new() };
                matches.visit_item(item.syntax);
                for span in matches.spans {
                    let range = item.source.range(span);
                    found.insert((item.file.to_owned(), range.start, range.end));
                }
            }
        }
    }
    found.into_iter().map(|(file, start, end)| (file, start..end)).collect()
}

struct Matches<'a, 'w> {
    code: &'a Code<'w>,
    scope: ScopeId,
    error: ItemId,
    own: bool,
    spans: Vec<proc_macro2::Span>,
}

impl Matches<'_, '_> {
    /// Whether a pattern names a variant of the enum at its top.
    fn names_variant(&self, pattern: &syn::Pat) -> bool {
        let path = match pattern {
            syn::Pat::Or(or) => return or.cases.iter().any(|case| self.names_variant(case)),
            syn::Pat::Paren(paren) => return self.names_variant(&paren.pat),
            syn::Pat::Guard(guarded) => return self.names_variant(&guarded.pat),
            syn::Pat::Reference(reference) => return self.names_variant(&reference.pat),
            syn::Pat::TupleStruct(tuple) => &tuple.path,
            syn::Pat::Struct(fields) => &fields.path,
            syn::Pat::Path(path) => &path.path,
            _ => return false,
        };
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if self.own && names.first().is_some_and(|first| first == "Self") {
            return true;
        }
        let found = self.code.resolve_path(self.scope, path.leading_colon.is_some(), &names);
        matches!(found, Found::Item(id, _) if id == self.error)
    }
}

impl<'ast> Visit<'ast> for Matches<'_, '_> {
    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let of_error = expression.arms.iter().any(|arm| self.names_variant(&arm.pat));
        let rest = expression.arms.iter().any(|arm| {
            // One with a guard is a `Pat::Guard`, and catches nothing for sure.
            matches!(&arm.pat, syn::Pat::Wild(_) | syn::Pat::Ident(_))
        });
        if of_error && !rest {
            self.spans.push(expression.match_token.span);
        }
        syn::visit::visit_expr_match(self, expression);
    }

    fn visit_item_mod(&mut self, _: &'ast syn::ItemMod) {}
}
