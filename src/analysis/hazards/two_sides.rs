//! An adapter's crate of which a part goes and a part stays: the tables that both name in their SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use camino::Utf8PathBuf;
use quote::ToTokens;

use super::texts::File;
use crate::analysis::code::{Code, Item, ItemId};
use crate::analysis::composition::Composition;
use crate::analysis::leads::Leads;
use crate::analysis::module::Boundary;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// A text with SQL over a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// The literal, or the macro call that puts a file there.
    pub range: Range<usize>,
}

/// Refuses what both sides of an adapter's crate work on: the tables that the SQL of the implementation
/// and of what stays names, or the migrations that make the tables of both.
pub fn refuse(
    code: &Code<'_>,
    module: &Boundary<'_>,
    composition: Option<&Composition<'_>>,
    diagnostics: &mut Diagnostics,
) {
    let staying: BTreeSet<ItemId> = module
        .references
        .iter()
        .filter(|r| !r.dev && module.contract.kept.contains(&r.item))
        .filter(|r| composition.is_none_or(|c| !c.takes_away(r.file, &r.range)))
        .map(|r| r.item)
        .collect();
    if !module.is_adapter() || staying.is_empty() {
        return;
    }
    let package = &module.member.name;
    let leads = Leads::of(code, module.library);
    let ours = tables_of(code, &leads, module.implementations().iter().map(|i| i.id));
    let theirs = tables_of(code, &leads, staying);
    let of = |item: &Item<'_>| item.name.clone().unwrap_or_default();
    let names: Vec<String> = module.implementations().into_iter().map(of).collect();
    let ports: Vec<String> = module.served.iter().map(|served| of(&served.api)).collect();
    let (name, port) = (names.join("`, `"), ports.join("` or `"));
    let mut is_shared = false;
    for (table, place) in &ours {
        let Some(their_place) = theirs.get(table) else { continue };
        is_shared = true;
        diagnostics.push(
            Diagnostic::error(
                "shared-table",
                format!("`{name}` and what stays of `{package}` work on one table, `{table}`"),
            )
            .at(&place.file, place.range.clone(), format!("goes with `{name}`"))
            .at(&their_place.file, their_place.range.clone(), "stays in the monolith")
            .note(
                "after the cut each side has a database of its own: what one writes, the other does \
                 not see",
            )
            .help(format!("let what stays ask through `{port}`, or extract both sides together")),
        );
    }
    if let Some((_, place)) = theirs.first_key_value()
        && !is_shared
        && !ours.is_empty()
        && let Some(migrator) = composition.and_then(|c| c.migrator.as_ref())
    {
        diagnostics.push(
            Diagnostic::error(
                "migrations-of-several",
                format!("the migrations of `{package}` make tables of what goes and of what stays"),
            )
            .at(&place.file, place.range.clone(), "stays in the monolith, and needs its tables")
            .note(format!(
                "calve does not split the history in `{}` by implementation",
                migrator.folder
            ))
            .help(format!("give `{name}` a crate and migrations of its own")),
        );
    }
}

/// The tables that the SQL of items names, and of all that they lead to in their library; each with its
/// first place.
pub fn tables_of(
    code: &Code<'_>,
    leads: &Leads,
    items: impl IntoIterator<Item = ItemId>,
) -> BTreeMap<String, Place> {
    let mut tables = BTreeMap::new();
    for id in leads.reached_from(items) {
        let item = code.item(id);
        let member = code.root(id.root).member;
        let (workspace, path, source) = (code.workspace, item.file, item.source);
        let file = File { workspace, member, path, source };
        file.texts(item.syntax.to_token_stream(), false, &mut |text| {
            // Nobody says which tables there are, so any name that stands where a table does is one.
            let names: BTreeSet<&str> = text
                .value
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .filter(|n| !n.is_empty())
                .collect();
            let names: Vec<&str> = names.into_iter().collect();
            for mention in text.mentions(&names).into_iter().filter(|_| !text.dev) {
                tables
                    .entry(mention.table.to_lowercase())
                    .or_insert_with(|| Place { file: path.to_owned(), range: text.range.clone() });
            }
        });
    }
    tables
}
