//! What a mirror cannot do: it stands alone, reads and writes every field, and is no part of a cycle.

use std::collections::BTreeMap;

use super::{Decision, Field, Form, contains_mirror, fields, passing, type_span};
use crate::analysis::code::{Item, ItemId};
use crate::analysis::interface::Interface;
use crate::analysis::types::Type;
use crate::diagnostic::Diagnostic;

impl<'w> Decision<'_, 'w> {
    /// A mirror inside a map, a tuple or a set has no conversion; without one the lossy form would cross.
    pub(super) fn refuse_unpassable(&mut self, interface: &Interface, api: &Item<'w>) {
        for operation in &interface.operations {
            let mut places = Vec::new();
            for argument in &operation.arguments {
                if passing::Passing::of(&argument.ty, &self.forms).is_err() {
                    places.extend(type_span(&operation.signature, &argument.name));
                }
            }
            if passing::Shape::of(&operation.output, &self.forms).is_err() {
                places.push(syn::spanned::Spanned::span(&operation.signature.output));
            }
            for span in places {
                self.refuse(
                    api,
                    span,
                    "nested-mirror",
                    "holds a type whose own serde form loses something",
                    "calve mirrors such a type alone, in an option, a list or a box; not in this \
                     container",
                );
            }
        }
    }

    /// A type that refers back to one that turned out to need a mirror was decided too early.
    pub(super) fn refuse_hidden_mirrors(&mut self) {
        let plain: Vec<ItemId> = self
            .forms
            .iter()
            .filter(|(_, form)| !matches!(form, Form::Mirror { .. }))
            .map(|(id, _)| *id)
            .collect();
        for id in plain {
            let item = self.code.item(id);
            let all = match item.syntax {
                syn::Item::Struct(s) => fields(self.code, &item, &s.fields),
                syn::Item::Enum(e) => {
                    e.variants.iter().flat_map(|v| fields(self.code, &item, &v.fields)).collect()
                }
                _ => Vec::new(),
            };
            for field in all {
                if contains_mirror(&field.ty, &self.forms) {
                    self.refuse(
                        &item,
                        field.span,
                        "nested-mirror",
                        "leads back to a type whose own serde form loses something",
                        "calve does not mirror types that contain each other",
                    );
                }
            }
        }
    }

    /// A mirror in the wire crate needs every field to be public.
    pub(super) fn check_mirror(&mut self, item: &Item<'w>, fields: &[Field], reason: &str) {
        let name = item.name.clone().unwrap_or_default();
        let hidden = fields.iter().find(|f| !f.public);
        let non_exhaustive = item.attributes().iter().find(|a| a.path().is_ident("non_exhaustive"));
        let span = hidden.map(|f| f.span).or(non_exhaustive.map(syn::spanned::Spanned::span));
        if let Some(span) = span {
            self.failed = true;
            self.diagnostics.push(
                Diagnostic::error(
                    "lossy-serde",
                    format!("the serde form of `{name}` loses something: {reason}"),
                )
                .at(item.file, item.source.range(span), "cannot be mirrored from another crate")
                .at(item.file, item.name_range(), "")
                .note("a mirror has to read and write every field")
                .help("make the fields public, or give the API a type of its own"),
            );
        }
        for field in fields {
            if let Some((inner, reason)) = mirror_in_container(&field.ty, &self.forms) {
                let inner = self.code.item(inner).name.unwrap_or_default();
                self.failed = true;
                self.diagnostics.push(
                    Diagnostic::error(
                        "nested-mirror",
                        format!("a field of `{name}` holds `{inner}` inside a container"),
                    )
                    .at(item.file, item.source.range(field.span), "cannot be mirrored here")
                    .note(format!("the serde form of `{inner}` loses something: {reason}"))
                    .note("calve mirrors such a type only where it stands alone"),
                );
            }
        }
    }
}

/// The type that needs a mirror inside a container, and why it needs one.
fn mirror_in_container<'f>(
    ty: &Type,
    forms: &'f BTreeMap<ItemId, Form>,
) -> Option<(ItemId, &'f str)> {
    ty.children().into_iter().find_map(|inner| match inner {
        Type::Item(id, _) => match forms.get(id) {
            Some(Form::Mirror { reason }) => Some((*id, reason.as_str())),
            _ => None,
        },
        _ => mirror_in_container(inner, forms),
    })
}
