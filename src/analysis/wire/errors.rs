//! The error enum: one mirror variant each, and the variant that tells of a failed call.

use super::{Decision, Field, Instance, Position, fields, transport};
use crate::analysis::code::{Item, ItemId};
use crate::analysis::types::Type;
use crate::diagnostic::Diagnostic;

/// How the error of the API trait crosses.
#[derive(Debug, Clone)]
pub struct ErrorForm {
    /// The enum; none where it is an error of which nobody knows what is in it.
    pub item: Option<ItemId>,
    /// Its variants in order.
    pub variants: Vec<Variant>,
    /// The variant that holds a failed call.
    pub transport: TransportVariant,
}

impl ErrorForm {
    /// `anyhow::Error` or a boxed error, where the operations fail with one of them and no enum.
    pub fn opaque(&self) -> Option<Payload> {
        match self.transport.holds {
            _ if self.item.is_some() => None,
            TransportPayload::Boxed => Some(Payload::Boxed),
            _ => Some(Payload::Anyhow),
        }
    }

    /// What is lost of it on its way.
    pub fn loses(&self) -> Loses {
        let fields = self.variants.iter().flat_map(|variant| &variant.fields);
        let of_fields = fields.map(|(_, payload)| match payload {
            Payload::Plain | Payload::Io | Payload::Json => Loses::Nothing,
            Payload::Sqlx | Payload::Rusqlite => Loses::Drivers,
            Payload::Anyhow | Payload::Boxed => Loses::Any,
        });
        let whole = if self.opaque().is_some() { Loses::Any } else { Loses::Nothing };
        of_fields.fold(whole, Loses::max)
    }

    fn of_opaque(payload: Payload) -> Option<Self> {
        let holds = match payload {
            Payload::Anyhow => TransportPayload::Anyhow,
            Payload::Boxed => TransportPayload::Boxed,
            _ => return None,
        };
        let transport =
            TransportVariant { variant: String::new(), field: None, holds, because: "" };
        Some(Self { item: None, variants: Vec::new(), transport })
    }
}

/// What consumers no longer find in an error that crossed, by downcasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loses {
    /// Nothing: all that it held arrives as it was.
    Nothing,
    /// The drivers' own types behind `sqlx::Error` and `rusqlite::Error`.
    Drivers,
    /// Any type in an `anyhow::Error` or a boxed error.
    Any,
}

/// A variant of the error.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its fields, with how each crosses.
    pub fields: Vec<(Field, Payload)>,
    /// Whether its fields have names.
    pub named: bool,
}

/// How a field of a variant crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// As its type does.
    Plain,
    /// `sqlx::Error`: kind, code and text are kept.
    Sqlx,
    /// `rusqlite::Error`: variant, code and text are kept.
    Rusqlite,
    /// `std::io::Error`: kind and text are kept.
    Io,
    /// `serde_json::Error`: its text and its place are kept.
    Json,
    /// `anyhow::Error`: its chain of messages.
    Anyhow,
    /// `Box<dyn Error + Send + Sync>`: its chain of messages.
    Boxed,
}

/// Where a failed call is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportVariant {
    /// The variant.
    pub variant: String,
    /// The field's name, if it has one.
    pub field: Option<String>,
    /// What it holds.
    pub holds: TransportPayload,
    /// Why this one, in words for the summary.
    pub because: &'static str,
}

/// What the variant that tells of a failed call holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportPayload {
    /// Nothing.
    Unit,
    /// A text.
    String,
    /// `std::io::Error`.
    Io,
    /// `sqlx::Error`, of which `Io` is a variant.
    Sqlx,
    /// `anyhow::Error`.
    Anyhow,
    /// `Box<dyn Error + Send + Sync>`.
    Boxed,
}

pub(super) fn decide<'w>(
    decision: &mut Decision<'_, 'w>,
    error: &Type,
    api: &Item<'w>,
    metadata: &serde_json::Value,
) -> Option<ErrorForm> {
    if let Some(opaque) = ErrorForm::of_opaque(payload(error)) {
        return Some(opaque);
    }
    let Type::Item(id, _) = error else {
        decision.failed = true;
        decision.diagnostics.push(
            Diagnostic::error(
                "error-type",
                "the operations fail with a type that is not an enum of the workspace",
            )
            .at(api.file, api.name_range(), "the trait whose errors it is")
            .note(
                "every variant arrives as the same variant; calve mirrors enums, and carries \
                 `anyhow::Error` and `Box<dyn Error + Send + Sync>` as their chain of messages",
            ),
        );
        return None;
    };
    let item = decision.code.item(*id);
    if let syn::Item::Trait(syntax) = api.syntax
        && !decision.require_name(&item, api, syntax.ident.span())
    {
        return None;
    }
    let syn::Item::Enum(syntax) = item.syntax else {
        decision.failed = true;
        decision.diagnostics.push(
            Diagnostic::error("error-type", "the error of the API trait is not an enum")
                .at(item.file, item.name_range(), "")
                .note("every variant arrives as the same variant; calve mirrors enums so far")
                .help("make it an enum with a variant for each way to fail"),
        );
        return None;
    };
    if let Some(attribute) = syntax.attrs.iter().find(|a| a.path().is_ident("non_exhaustive")) {
        let span = syn::spanned::Spanned::span(attribute);
        decision.refuse(
            &item,
            span,
            "non-exhaustive-error",
            "hides variants from other crates",
            "a mirror in the wire crate has to match every variant",
            "take the attribute off: the enum belongs to the workspace alone",
        );
    }
    let mut variants = Vec::new();
    let instance = Instance { id: *id, arguments: Vec::new() };
    for variant in &syntax.variants {
        let named = matches!(variant.fields, syn::Fields::Named(_));
        decision.refuse_conditional(&item, &variant.attrs);
        let fields = fields(decision.code, &instance, &variant.fields)
            .into_iter()
            .map(|field| {
                let payload = payload(&field.ty);
                if let Some(error) = foreign_error(&field.ty).filter(|_| payload == Payload::Plain)
                {
                    decision.refuse(
                        &item,
                        field.span,
                        "foreign-error",
                        &format!("`{error}` cannot be made on the other side"),
                        "calve carries `sqlx::Error`, `rusqlite::Error`, `std::io::Error`, \
                         `serde_json::Error`, `anyhow::Error` and boxed errors",
                        "keep its text: a `String`",
                    );
                } else if payload == Payload::Plain {
                    decision.place(&field.ty, &item, field.span, Position::Value);
                }
                decision.refuse_conditional(&item, &field.attributes);
                (field, payload)
            })
            .collect();
        variants.push(Variant { name: variant.ident.to_string(), fields, named });
    }
    // One for every error of the module, or a table by the error's name.
    let wanted = metadata.get("transport-error");
    let wanted = wanted.map(|w| w.get(item.name.as_deref().unwrap_or_default()).unwrap_or(w));
    let wanted = wanted.and_then(serde_json::Value::as_str);
    let Some(transport) = transport::choose(&variants, wanted) else {
        decision.failed = true;
        decision.diagnostics.push(transport::refusal(decision.code, &item, syntax, wanted));
        return None;
    };
    Some(ErrorForm { item: Some(*id), variants, transport })
}

/// An error type of another crate, as it is written.
fn foreign_error(ty: &Type) -> Option<String> {
    match ty {
        Type::External { krate, path, .. } if path.last()?.ends_with("Error") => {
            Some(format!("{krate}::{}", path.join("::")))
        }
        Type::Box(inner) => foreign_error(inner),
        _ => None,
    }
}

fn payload(ty: &Type) -> Payload {
    match ty {
        Type::External { package, path, .. } => {
            match (package.as_str(), path.last().map(String::as_str)) {
                ("sqlx", Some("Error")) => Payload::Sqlx,
                ("rusqlite", Some("Error")) => Payload::Rusqlite,
                ("std", Some("Error")) if path.first().is_some_and(|p| p == "io") => Payload::Io,
                ("serde_json", Some("Error")) => Payload::Json,
                ("anyhow", Some("Error")) => Payload::Anyhow,
                _ => Payload::Plain,
            }
        }
        boxed if is_boxed_error(boxed) => Payload::Boxed,
        _ => Payload::Plain,
    }
}

/// Whether a type is `Box<dyn Error + Send + Sync>`, whatever `Error` is called there.
pub fn is_boxed_error(ty: &Type) -> bool {
    let Type::Box(inner) = ty else { return false };
    let Type::Other(_, text) = &**inner else { return false };
    ["Error", "Send", "Sync"].iter().all(|part| text.contains(part))
}
