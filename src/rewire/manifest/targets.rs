//! `required-features` of tests, benches, examples and binaries.

use toml_edit::{ArrayOfTables, Document, Item, Table, Value};

use super::draft::Draft;
use super::table::{self, Position};
use super::{RequiredFeatures, array, place};
use crate::diagnostic::Result;

const KEY: &str = "required-features";

/// Says which features a target needs: in its entry, or in a new one for a target that cargo has
/// found by itself so far.
///
/// # Errors
/// When the targets stand in an inline array.
pub(super) fn require(draft: &mut Draft<'_>, required: &RequiredFeatures) -> Result<()> {
    let document = draft.parse()?;
    let kind = required.kind.key();
    match document.as_table().get(kind) {
        Some(Item::ArrayOfTables(entries)) => {
            if let Some(index) = position(entries, &required.name) {
                return extend(draft, required, index, entries);
            }
        }
        Some(other) => {
            let message = format!("`{kind}` is not written as `[[{kind}]]` entries");
            return Err(draft.error("unusual-manifest", message, other.span(), ""));
        }
        None => keep_discovery(draft, &document, required)?,
    }
    let document = draft.parse()?;
    let section = entry(required).replace('\n', draft.eol());
    place::as_new_section(draft, &document, &[kind], &section);
    Ok(())
}

fn position(entries: &ArrayOfTables, name: &str) -> Option<usize> {
    entries.iter().position(|entry| entry.get("name").and_then(Item::as_str) == Some(name))
}

fn extend(
    draft: &mut Draft<'_>,
    required: &RequiredFeatures,
    index: usize,
    entries: &ArrayOfTables,
) -> Result<()> {
    let table = entries.get(index).expect("the index was just found");
    if !table.contains_key(KEY) {
        let features = Value::from_iter(&required.features);
        table::insert_below(draft, table, KEY, Item::Value(features));
        return Ok(());
    }
    let kind = required.kind.key();
    array::add(
        draft,
        |document| document.get(kind)?.as_array_of_tables()?.get(index)?.get(KEY)?.as_array(),
        &required.features,
    )
}

/// In edition 2015 one entry by hand ends the discovery of all others of its kind.
fn keep_discovery(
    draft: &mut Draft<'_>,
    document: &Document<String>,
    required: &RequiredFeatures,
) -> Result<()> {
    let package = table::get(document, &["package"]).and_then(Item::as_table_like);
    let edition = package.and_then(|package| package.get("edition"));
    let is_2015 = edition.is_none_or(|edition| edition.as_str() == Some("2015"));
    let key = required.kind.discovery_key();
    if is_2015 && package.is_some_and(|package| !package.contains_key(key)) {
        table::insert(draft, &["package"], key, Item::Value(true.into()), Position::Last)?;
    }
    Ok(())
}

fn entry(required: &RequiredFeatures) -> String {
    let mut table = Table::new();
    table.insert("name", Item::Value(required.name.as_str().into()));
    if let Some(path) = &required.path {
        table.insert("path", Item::Value(path.as_str().into()));
    }
    table.insert(KEY, Item::Value(Value::from_iter(&required.features)));
    let mut root = Table::new();
    root.insert(required.kind.key(), Item::ArrayOfTables(ArrayOfTables::from_iter([table])));
    toml_edit::DocumentMut::from(root).to_string().trim().to_owned()
}
