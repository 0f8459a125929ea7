//! API traits that nobody named: the stub would not have them, and others hold the module by them.

use std::ops::Range;

use camino::Utf8Path;

use super::code::{Code, Found, Item, ItemKind};
use super::hazards::implementors;
use super::module::Served;
use super::{ports, references, select};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Refuses a type of which others use one more trait than is served, unless somebody else implements that
/// one, too. Whether it refused.
pub(super) fn refuse(
    code: &Code<'_>,
    library: usize,
    served: &[Served<'_>],
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut refused = false;
    let root = code.root(library);
    for block in root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only) {
        let Some(id) = ports::trait_of(code, block) else { continue };
        let ty = select::self_type(code, block);
        let behind = served.iter().find(|one| Some(one.implementation.id) == ty);
        let Some(behind) = behind.filter(|_| served.iter().all(|one| one.api.id != id)) else {
            continue;
        };
        let (item, only) = (code.item(id), implementors(code, id).len() == 1);
        let syn::Item::Impl(syntax) = block.syntax else { continue };
        let Some((path, ..)) = &syntax.trait_ else { continue };
        let Some((file, range)) = user(code, library, &item).filter(|_| only) else { continue };
        refused = true;
        let [name, other] = [&behind.implementation, &item].map(name_of);
        let named = served.iter().map(|one| name_of(&one.api)).chain([other.clone()]);
        diagnostics.push(
            Diagnostic::error(
                "several-api-traits",
                format!("`{name}` implements `{other}` as well, and others use it"),
            )
            .at(block.file, block.source.range_of(path), "stands behind this trait, too")
            .at(file, range, "needs it")
            .note("the stub has the traits that are served, and the type behind them leaves")
            .help(format!("serve both: --trait {}", named.collect::<Vec<_>>().join(","))),
        );
    }
    refused
}

/// The first place outside of tests and of the module that names a trait for more than to implement it.
fn user<'w>(
    code: &Code<'w>,
    library: usize,
    item: &Item<'_>,
) -> Option<(&'w Utf8Path, Range<usize>)> {
    let module = &code.root(library).member.name;
    let uses = |holder: &Item<'_>| ports::trait_of(code, holder) != Some(item.id);
    let is_private = |holder: &Item<'_>| {
        matches!(holder.syntax, syn::Item::Use(item)
        if matches!(item.vis, syn::Visibility::Inherited))
    };
    let references = references::find(code, item.id.root);
    let elsewhere: Vec<_> = references
        .into_iter()
        .filter(|r| r.item == item.id && !r.dev && r.member.name != *module)
        .filter(|r| uses(&code.item(r.holder)))
        // What is imported is called; what is re-exported may be anything.
        .filter(|r| !r.is_import || is_private(&code.item(r.holder)))
        .collect();
    let named = elsewhere.iter().find(|r| !r.is_import).or(elsewhere.first());
    if let Some(reference) = named {
        return Some((reference.file, reference.range.clone()));
    }
    // The crate of a port may use it itself.
    let home = code.root(item.id.root);
    let holders = home.items.iter().filter(|holder| {
        item.id.root != library
            && !holder.test_only
            && holder.id != item.id
            && !matches!(holder.kind, ItemKind::Module | ItemKind::Use)
            && uses(holder)
    });
    holders.into_iter().find_map(|holder| {
        let (mention, _) = code
            .mentioned_by(holder)
            .into_iter()
            .find(|(_, found)| matches!(found, Found::Item(id, _) if *id == item.id))?;
        let last = mention.segments.last()?;
        Some((holder.file, holder.source.range(last.span)))
    })
}

fn name_of(item: &Item<'_>) -> String {
    item.name.clone().unwrap_or_default()
}
