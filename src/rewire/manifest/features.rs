//! `[features]`: entries to add, and cargo's rules about features and optional dependencies.
//!
//! An optional dependency `x` is a feature `x` as well, until some list says `dep:x`; then `"x"`
//! means nothing any more, here and in every crate that asks for it.

use std::collections::BTreeSet;

use toml_edit::{Document, Item, Value};

use super::draft::Draft;
use super::query::{DependencyTable, declared, optional_keys};
use super::table::{self, Position};
use super::{FeatureToAdd, array};
use crate::diagnostic::{Diagnostics, Result};

const FEATURES: &str = "features";

/// Adds a feature, or what an existing one lacks. A dependency in `implicit` is enabled by its
/// implicit feature, since `dep:` would take that away from those who use it; one that is always
/// there needs no mention.
///
/// # Errors
/// When `features` is not a table or the feature not an array; when `dep:x` names no dependency.
pub(super) fn add(
    draft: &mut Draft<'_>,
    feature: &FeatureToAdd,
    implicit: &BTreeSet<String>,
) -> Result<()> {
    let document = draft.parse()?;
    let optional = optional_keys(document.as_table());
    let mut enables = Vec::new();
    for enabled in &feature.enables {
        match enabled.strip_prefix("dep:") {
            // The feature of that name is what is written here.
            Some(key) if implicit.contains(key) && key != feature.name => enables.push(key),
            Some(key) if optional.contains(key) => enables.push(enabled),
            Some(key) if is_declared(&document, key) => {}
            Some(key) => {
                let name = &feature.name;
                let message = format!("feature `{name}` would name `{key}`, no dependency");
                let span = table::get(&document, &[FEATURES]).and_then(Item::span);
                return Err(draft.error("no-such-dependency", message, span, ""));
            }
            None => enables.push(enabled),
        }
    }
    match table::get(&document, &[FEATURES, &feature.name]) {
        Some(Item::Value(Value::Array(_))) => array::add(
            draft,
            |document| table::get(document, &[FEATURES, &feature.name])?.as_array(),
            &enables,
        ),
        Some(other) => {
            let message = format!("feature `{}` is not an array", feature.name);
            Err(draft.error("invalid-manifest", message, other.span(), ""))
        }
        None => {
            let item = Item::Value(Value::from_iter(enables));
            table::insert(draft, &[FEATURES], &feature.name, item, Position::Sorted)
        }
    }
}

/// Optional dependencies that are features of the same name.
pub(super) fn implicit(document: &Document<String>) -> BTreeSet<String> {
    let mut keys = optional_keys(document.as_table());
    for (name, enables) in lists(document) {
        keys.remove(name);
        for (enabled, _) in enables {
            if let Some(key) = enabled.strip_prefix("dep:") {
                keys.remove(key);
            }
        }
    }
    keys
}

/// Turns `x/feature` into `x?/feature` in every list. While `x` was always there the two meant the
/// same; now the first would switch it on.
///
/// # Errors
/// When the manifest cannot be parsed.
pub(super) fn weaken(draft: &mut Draft<'_>, key: &str) -> Result<()> {
    let document = draft.parse()?;
    let mut slashes: Vec<usize> = Vec::new();
    for (_, enables) in lists(&document) {
        for (enabled, value) in enables {
            if enabled.strip_prefix(key).is_some_and(|rest| rest.starts_with('/'))
                && let Some(span) = value.span()
                && let Some(slash) = draft.text()[span.clone()].find('/')
            {
                slashes.push(span.start + slash);
            }
        }
    }
    slashes.sort_unstable();
    for slash in slashes.into_iter().rev() {
        draft.insert(slash, "?");
    }
    Ok(())
}

/// Fails if a list names a dependency that is gone.
///
/// # Errors
/// `dependency-in-use` with every place that names it.
pub(super) fn check_removed(draft: &Draft<'_>, key: &str) -> Result<()> {
    let document = draft.parse()?;
    if is_declared(&document, key) {
        return Ok(());
    }
    let is_feature = table::get(&document, &[FEATURES, key]).is_some();
    for (name, enables) in lists(&document) {
        for (enabled, value) in enables {
            let bare = enabled.strip_prefix("dep:");
            let before_slash = enabled.split_once('/').map(|(key, _)| key.trim_end_matches('?'));
            if bare == Some(key) || before_slash == Some(key) || (!is_feature && enabled == key) {
                let message = format!("feature `{name}` names `{key}`, which would be removed");
                return Err(draft.error("dependency-in-use", message, value.span(), "named here"));
            }
        }
    }
    Ok(())
}

/// Checks what cargo says of a dependency that has just become optional: some list must name it
/// with `dep:`, else it is a new public feature (a warning), or an error where a feature of its
/// name exists.
///
/// # Errors
/// `feature-hides-dependency` in the latter case.
pub(super) fn check_optional(
    draft: &Draft<'_>,
    key: &str,
    diagnostics: &mut Diagnostics,
) -> Result<()> {
    let document = draft.parse()?;
    if implicit(&document).contains(key) {
        let message = format!("the optional dependency `{key}` becomes a public feature `{key}`");
        let span = declared_span(&document, key);
        diagnostics.push(
            draft
                .warning("implicit-feature", message, span, "made optional")
                .help(format!("name it as `dep:{key}` in the feature that needs it")),
        );
        return Ok(());
    }
    let named = lists(&document)
        .iter()
        .any(|(_, enables)| enables.iter().any(|(e, _)| e.strip_prefix("dep:") == Some(key)));
    if !named {
        let message = format!("no feature enables `dep:{key}`, and a feature `{key}` hides it");
        let span = table::get(&document, &[FEATURES, key]).and_then(Item::span);
        return Err(draft.error("feature-hides-dependency", message, span, "this feature"));
    }
    Ok(())
}

fn is_declared(document: &Document<String>, key: &str) -> bool {
    let root = document.as_table();
    let tables = DependencyTable::of_package(root);
    tables.iter().any(|table| declared(root, table, key).is_some())
}

type Lists<'d> = Vec<(&'d str, Vec<(&'d str, &'d Value)>)>;

fn lists(document: &Document<String>) -> Lists<'_> {
    let table = table::get(document, &[FEATURES]).and_then(Item::as_table_like);
    let features = table.into_iter().flat_map(|table| table.iter());
    features
        .map(|(name, list)| {
            let list = list.as_array().into_iter().flatten();
            (name, list.filter_map(|value| Some((value.as_str()?, value))).collect())
        })
        .collect()
}

fn declared_span(document: &Document<String>, key: &str) -> Option<std::ops::Range<usize>> {
    let tables = DependencyTable::of_package(document.as_table());
    tables.iter().find_map(|table| {
        let path = table.path(document.as_table());
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        table::extent(table::get(document, &path)?.as_table_like()?, key)
    })
}
