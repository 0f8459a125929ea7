//! The composition roots: constructs the stub where the implementation was constructed, and takes away
//! what only the implementation needed.

use std::collections::BTreeMap;
use std::ops::Range;

use camino::Utf8PathBuf;

use super::layout::{self, Style};
use super::lines;
use super::uses::{self, Trimmed};
use crate::analysis::code::{Code, Found, leaves};
use crate::analysis::composition::{Composition, ErrorHandling, Root};
use crate::changes::TextEdit;
use crate::workspace::Source;

/// What the stub is called.
#[derive(Debug, Clone, Copy)]
pub struct StubNames<'a> {
    /// Its crate in code: `inventory_client`.
    pub krate: &'a str,
    /// Its type: `InventoryClient`.
    pub client: &'a str,
    /// What its environment variables begin with: `INVENTORY`.
    pub env_prefix: &'a str,
    /// The module, for people: `inventory`.
    pub module: &'a str,
}

/// The edits of every file with a composition root, and of files that lose what only it used, in order
/// of path. Edits of a file are disjoint and sorted.
pub fn edits(
    code: &Code<'_>,
    composition: &Composition<'_>,
    names: StubNames<'_>,
) -> Vec<(Utf8PathBuf, Vec<TextEdit>)> {
    let mut all: BTreeMap<Utf8PathBuf, Vec<TextEdit>> = BTreeMap::new();
    let style = Style::of(code);
    // Imports are added once a module, however many roots it has.
    let mut added = Vec::new();
    for root in &composition.roots {
        let Some(source) = code.source(root.file) else { continue };
        let path = stub_path(code, root, names);
        if path == names.client && !added.contains(&(root.file, root.scope.index)) {
            added.push((root.file, root.scope.index));
            all.entry(root.file.to_owned()).or_default().extend(import(code, root, source, names));
        }
        let construction = construction(source, root, &path, names);
        let renamed: Vec<(Range<usize>, String)> =
            root.annotations.iter().map(|at| (at.clone(), path.clone())).collect();
        all.entry(root.file.to_owned()).or_default().extend(layout::replace(
            source,
            &root.construction,
            &construction,
            &renamed,
            style,
        ));
    }
    let mut gone: BTreeMap<Utf8PathBuf, Vec<Range<usize>>> = BTreeMap::new();
    for dropped in &composition.dropped {
        gone.entry(dropped.file.clone()).or_default().push(dropped.range.clone());
    }
    for (file, item, leaves) in imports_by_item(composition) {
        let Some(source) = code.source(&file) else { continue };
        let Some(syntax) = use_at(source, &item) else { continue };
        match uses::without(source, syntax, &leaves, style) {
            Trimmed::Gone => gone.entry(file).or_default().push(item),
            Trimmed::Text(text) => {
                let text = layout::with_newlines_of(&source.text, text);
                all.entry(file).or_default().push(TextEdit::replace(item, text));
            }
        }
    }
    for (file, ranges) in gone {
        let Some(source) = code.source(&file) else { continue };
        let edits = all.entry(file).or_default();
        let inserted: Vec<usize> =
            edits.iter().filter(|e| e.range.is_empty()).map(|e| e.range.start).collect();
        let deleted = lines::without(&source.text, &ranges, &inserted);
        edits.extend(deleted.into_iter().map(TextEdit::delete));
    }
    for (file, keyword) in &composition.mutability {
        all.entry(file.clone()).or_default().push(TextEdit::delete(keyword.clone()));
    }
    for edits in all.values_mut() {
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        edits.dedup();
    }
    all.into_iter().collect()
}

/// The text that constructs the stub.
fn construction(source: &Source, root: &Root<'_>, path: &str, names: StubNames<'_>) -> String {
    let StubNames { env_prefix, module, .. } = names;
    let made = match &root.error_handling {
        ErrorHandling::Try => format!("{path}::from_env()?"),
        ErrorHandling::Expect => format!(
            "{path}::from_env().expect(\"{env_prefix}_URL and {env_prefix}_TOKEN configure the \
             {module} service\")"
        ),
        ErrorHandling::Kept(tail) => {
            let tail: Vec<&str> = source.text[tail.clone()].lines().map(str::trim).collect();
            format!("{path}::from_env(){}", tail.concat())
        }
    };
    match &root.wrapper {
        Some(wrapper) => format!("{wrapper}({made})"),
        None => made,
    }
}

/// How the stub's type is spelled at a root: by its name if the implementation was imported there and
/// the name is free, else by its path.
fn stub_path(code: &Code<'_>, root: &Root<'_>, names: StubNames<'_>) -> String {
    let taken = code.resolve_path(root.scope, false, &[names.client.to_owned()]) != Found::Nothing;
    if root.imported && !taken {
        names.client.to_owned()
    } else {
        format!("{}::{}", names.krate, names.client)
    }
}

/// `use inventory_client::InventoryClient;` beside the import that brought the implementation in.
fn import(
    code: &Code<'_>,
    root: &Root<'_>,
    source: &Source,
    names: StubNames<'_>,
) -> Option<TextEdit> {
    let file = source.ast().ok()?;
    let scope = code.root(root.scope.root).scopes[root.scope.index].clone();
    let items = if scope.own_file {
        &file.items
    } else {
        module_items(source, &file.items, &root.construction)?
    };
    let used = source.text[root.construction.clone()].split("::").next().unwrap_or_default().trim();
    let near = items.iter().find_map(|item| match item {
        syn::Item::Use(syntax) if leaves(syntax).iter().any(|leaf| leaf.name == used) => {
            Some(source.range_of(item))
        }
        _ => None,
    });
    let path = format!("{}::{}", names.krate, names.client);
    Some(uses::added(source, items, near.as_ref(), &path))
}

/// The items of the innermost inline module around a place.
fn module_items<'s>(
    source: &Source,
    items: &'s [syn::Item],
    place: &Range<usize>,
) -> Option<&'s Vec<syn::Item>> {
    items.iter().find_map(|item| {
        let syn::Item::Mod(module) = item else { return None };
        let range = source.range_of(item);
        if !(range.start <= place.start && place.end <= range.end) {
            return None;
        }
        let (_, inner) = module.content.as_ref()?;
        module_items(source, inner, place).or(Some(inner))
    })
}

/// The leaves that go, by `use` item.
fn imports_by_item(
    composition: &Composition<'_>,
) -> Vec<(Utf8PathBuf, Range<usize>, Vec<Range<usize>>)> {
    let mut all: Vec<(Utf8PathBuf, Range<usize>, Vec<Range<usize>>)> = Vec::new();
    for import in &composition.imports {
        match all.iter_mut().find(|(file, item, _)| *file == import.file && *item == import.item) {
            Some((_, _, leaves)) => leaves.push(import.leaf.clone()),
            None => {
                all.push((import.file.clone(), import.item.clone(), vec![import.leaf.clone()]));
            }
        }
    }
    all
}

/// The `use` item at a range, wherever it stands.
fn use_at<'s>(source: &'s Source, range: &Range<usize>) -> Option<&'s syn::ItemUse> {
    struct Find<'a, 's>(&'a Source, &'a Range<usize>, Option<&'s syn::ItemUse>);
    impl<'s> syn::visit::Visit<'s> for Find<'_, 's> {
        fn visit_item_use(&mut self, item: &'s syn::ItemUse) {
            if self.0.range_of(item) == *self.1 {
                self.2 = Some(item);
            }
        }
    }
    let mut find = Find(source, range, None);
    syn::visit::Visit::visit_file(&mut find, source.ast().ok()?);
    find.2
}
