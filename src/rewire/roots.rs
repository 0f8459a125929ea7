//! The composition roots: constructs the stub where the implementation was constructed, and takes away
//! what only the implementation needed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};

use super::layout::{self, Small, Style};
use super::lines;
use super::uses::{self, Trimmed};
use crate::analysis::code::{Code, Found, ScopeId, leaves};
use crate::analysis::composition::{
    Composition, ErrorHandling, MovedImport, Root, Shortened, Spelling,
};
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
    for (file, edits) in imports(code, composition, names) {
        all.entry(file).or_default().extend(edits);
    }
    for (file, edit) in moved_imports(code, composition) {
        let edits = all.entry(file).or_default();
        // A file can belong to several targets.
        if !edits.contains(&edit) {
            edits.push(edit);
        }
    }
    for (file, mut small) in small_places(code, composition, names) {
        let Some(source) = code.source(&file) else { continue };
        let roots: Vec<&Root<'_>> = composition.roots.iter().filter(|r| r.file == file).collect();
        let others: Vec<Range<usize>> = roots.iter().map(|r| r.construction.clone()).collect();
        for list in composition.shortened.iter().filter(|s| s.file == file) {
            shorten(source, list, &others, &mut small, style);
        }
        let edits = all.entry(file).or_default();
        for root in roots {
            let path = spelled(code, root.scope, &root.spelling, names);
            let text = construction(source, root, &path, names);
            let (covered, edit) =
                layout::replace(source, &root.construction, &text, &small, &others, style);
            edits.push(edit);
            small.retain(|(at, _)| !covers(&covered, at));
        }
        edits.extend(
            small.into_iter().map(|(at, with)| {
                TextEdit::replace(at, layout::with_newlines_of(&source.text, with))
            }),
        );
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

/// The places of every file with a root or a type where something short is put in the place of something
/// short: types, names of bindings. What is taken away as a whole is left out.
fn small_places(
    code: &Code<'_>,
    composition: &Composition<'_>,
    names: StubNames<'_>,
) -> BTreeMap<Utf8PathBuf, Vec<Small>> {
    let mut all: BTreeMap<Utf8PathBuf, Vec<Small>> = BTreeMap::new();
    for file in composition.roots.iter().map(|r| r.file.to_owned()) {
        all.entry(file).or_default();
    }
    for list in &composition.shortened {
        all.entry(list.file.clone()).or_default();
    }
    for ty in &composition.types {
        let text = spelled(code, ty.scope, &ty.spelling, names);
        all.entry(ty.file.to_owned()).or_default().push((ty.range.clone(), text));
    }
    for renamed in &composition.renamed {
        let place = (renamed.range.clone(), renamed.text.clone());
        all.entry(renamed.file.clone()).or_default().push(place);
    }
    for (file, small) in &mut all {
        small.retain(|(at, _)| {
            !composition.dropped.iter().any(|d| d.file == *file && covers(&d.range, at))
                && !composition
                    .roots
                    .iter()
                    .any(|r| r.file == file.as_path() && covers(&r.construction, at))
        });
        small.sort_by_key(|(at, _)| at.start);
        // A file can belong to several targets.
        small.dedup();
    }
    all
}

fn covers(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Puts a list of parameters or arguments without what goes among the small places.
fn shorten(
    source: &Source,
    list: &Shortened,
    constructions: &[Range<usize>],
    small: &mut Vec<Small>,
    style: Style,
) {
    let gone = deletions(list);
    small.retain(|(at, _)| !gone.iter().any(|range| covers(range, at)));
    if constructions.iter().any(|construction| covers(&list.list, construction)) {
        small.extend(gone.into_iter().map(|range| (range, String::new())));
        return;
    }
    small.extend(gone.into_iter().map(|range| (range, String::new())));
    let new = layout::with_small(&source.text, list.list.clone(), small);
    small.retain(|(at, _)| !covers(&list.list, at));
    small.push((list.list.clone(), layout::list(source, &list.list, new, style)));
}

/// The bytes of a list that go: elements with the comma that separates them from what stays.
fn deletions(list: &Shortened) -> Vec<Range<usize>> {
    let stays = |index: &usize| !list.without.contains(index);
    let Some(last) = (0..list.elements.len()).rfind(stays) else {
        return vec![list.list.clone()];
    };
    list.without
        .iter()
        .filter_map(|&index| {
            let element = list.elements.get(index)?;
            Some(if index < last {
                element.start..list.elements[index + 1].start
            } else {
                list.elements[index - 1].end..element.end
            })
        })
        .collect()
}

/// How the stub's type is spelled: by its name if the implementation was imported there and the name is
/// free, else by its path.
fn spelled(code: &Code<'_>, scope: ScopeId, spelling: &Spelling, names: StubNames<'_>) -> String {
    let taken = || code.resolve_path(scope, false, &[names.client.to_owned()]) != Found::Nothing;
    match spelling {
        Spelling::Alias(alias) => alias.clone(),
        Spelling::Imported if !taken() => names.client.to_owned(),
        Spelling::Imported | Spelling::Path => format!("{}::{}", names.krate, names.client),
    }
}

/// The imports of the stub, one a module, however many places need it.
fn imports(
    code: &Code<'_>,
    composition: &Composition<'_>,
    names: StubNames<'_>,
) -> BTreeMap<Utf8PathBuf, Vec<TextEdit>> {
    let roots = composition.roots.iter().map(|r| (r.file, r.scope, &r.spelling, &r.construction));
    let types = composition.types.iter().map(|t| (t.file, t.scope, &t.spelling, &t.range));
    let mut all: BTreeMap<Utf8PathBuf, Vec<TextEdit>> = BTreeMap::new();
    let mut added = BTreeSet::new();
    for (file, scope, spelling, place) in roots.chain(types) {
        if spelled(code, scope, spelling, names) == names.client
            && *spelling == Spelling::Imported
            && added.insert((file, scope))
            && let Some(edit) = import(code, file, scope, place, names)
        {
            let edits = all.entry(file.to_owned()).or_default();
            // A file can belong to several targets.
            if !edits.contains(&edit) {
                edits.push(edit);
            }
        }
    }
    all
}

/// `use inventory_client::InventoryClient;` beside the import that brought the implementation in.
fn import(
    code: &Code<'_>,
    file: &Utf8Path,
    scope: ScopeId,
    place: &Range<usize>,
    names: StubNames<'_>,
) -> Option<TextEdit> {
    let source = code.source(file)?;
    let items = items_around(code, source, scope, place)?;
    let used = source.text[place.clone()].split("::").next().unwrap_or_default().trim();
    let used = used.split('<').next().unwrap_or_default();
    let near = items.iter().find_map(|item| match item {
        syn::Item::Use(syntax) if leaves(syntax).iter().any(|leaf| leaf.name == used) => {
            Some(syntax)
        }
        _ => None,
    });
    let path = format!("{}::{}", names.krate, names.client);
    Some(uses::added(source, items, near, &path))
}

/// The imports that test modules get, those of one crate in one item.
fn moved_imports(code: &Code<'_>, composition: &Composition<'_>) -> Vec<(Utf8PathBuf, TextEdit)> {
    let mut all: BTreeMap<(&Utf8Path, ScopeId, usize, String), Vec<String>> = BTreeMap::new();
    for MovedImport { file, scope, begin, import } in &composition.moved {
        let Some((last, before)) = import.path.split_last() else { continue };
        let path = format!("{}{}", if import.global { "::" } else { "" }, before.join("::"));
        let name = match &import.name {
            name if name == last => name.clone(),
            name => format!("{last} as {name}"),
        };
        let names = all.entry((file, *scope, *begin, path)).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let edit = |((file, scope, begin, path), names): (_, Vec<String>)| {
        let source = code.source(file)?;
        let items = items_around(code, source, scope, &(begin..begin))?;
        let names = match names.as_slice() {
            [name] => name.clone(),
            names => format!("{{{}}}", names.join(", ")),
        };
        let path = format!("{path}::{names}");
        Some((file.to_owned(), uses::added(source, items, None, &path)))
    };
    all.into_iter().filter_map(edit).collect()
}

/// The items of the module `scope` of a file, in which `place` stands.
fn items_around<'s>(
    code: &Code<'_>,
    source: &'s Source,
    scope: ScopeId,
    place: &Range<usize>,
) -> Option<&'s Vec<syn::Item>> {
    let syntax = source.ast().ok()?;
    match code.root(scope.root).scopes[scope.index].own_file {
        true => Some(&syntax.items),
        false => module_items(source, &syntax.items, place),
    }
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
