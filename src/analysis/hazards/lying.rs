//! Names that lie after the cut: fields, functions and variables that speak of the implementation and
//! hold the stub.

use std::collections::BTreeSet;
use std::ops::Range;

use super::bodies::{Body, items_of_consumers};
use super::scope::opened;
use super::ty::{Ty, Types};
use super::walk::{Event, What};
use super::{LyingName, Subject};
use crate::analysis::code::Item;
use crate::analysis::composition::OwnWords;
use crate::workspace::line_of;

/// Each of them where a file has it first.
pub(super) fn find<'w>(
    types: &Types<'_, 'w>,
    subject: &Subject<'_>,
    bodies: &[Body<'w>],
    walked: &[Vec<Event>],
) -> Vec<LyingName> {
    let code = types.code;
    let traits: Vec<Item<'_>> = subject.apis.iter().map(|id| code.item(*id)).collect();
    let implementation = code.item(subject.implementation);
    let words =
        OwnWords::of(&subject.module.name, &traits.iter().collect::<Vec<_>>(), &implementation);
    let mut found = Vec::new();
    let mut note = |of: &Item<'w>, name: &str, range: Range<usize>| {
        if words.honest(name).is_some() {
            let line = line_of(&of.source.text, range.start);
            found.push(LyingName { file: of.file.to_owned(), line, range, name: name.to_owned() });
        }
    };
    let holds = |ty: Ty| opened(&ty) == Ty::Api;
    for (_, item) in items_of_consumers(types, subject) {
        let syn::Item::Struct(syntax) = item.syntax else { continue };
        let generics = types.parameters(item.scope, &syntax.generics, &[]);
        for field in &syntax.fields {
            let Some(name) = &field.ident else { continue };
            if holds(types.read(item.scope, &field.ty, &generics)) {
                note(&item, &name.to_string(), item.source.range(name.span()));
            }
        }
    }
    for (body, events) in bodies.iter().zip(walked) {
        let of = code.item(body.holder);
        let name = &body.signature.ident;
        if let syn::ReturnType::Type(_, ty) = &body.signature.output
            && holds(types.read(body.scope, ty, &body.generics))
        {
            note(&of, &name.to_string(), body.source.range(name.span()));
        }
        for event in events {
            if let What::Bound(name) = &event.what {
                note(&of, name, event.range.clone());
            }
        }
    }
    found.sort_by(|a, b| (&a.file, a.range.start).cmp(&(&b.file, b.range.start)));
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert((one.file.clone(), one.name.clone())));
    found
}
