//! Who names what of the module: every reference from any target of any member.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use camino::Utf8Path;

use super::code::{By, Code, Found, Hidden, Import, Item, ItemId, ItemKind, Mention};
use crate::workspace::{DependencyKind, Member, SyntaxError, Target};

/// One place in the workspace, outside of the module's library, that names an item of it.
#[derive(Debug, Clone)]
pub struct Reference<'w> {
    /// The package that names it.
    pub member: &'w Member,
    /// In which of its targets.
    pub target: &'w Target,
    /// The compilation root, for lookups.
    pub root: usize,
    /// The item whose code names it, an index into the root's items.
    pub holder: ItemId,
    /// The file, relative to the workspace root.
    pub file: &'w Utf8Path,
    /// The path as written, in bytes of the file.
    pub range: Range<usize>,
    /// The part of it that names the item, without what follows.
    pub named: Range<usize>,
    /// What is named.
    pub item: ItemId,
    /// What follows the item's name: an associated function, a variant.
    pub rest: Vec<String>,
    /// The alias of another crate by which it is named: `type Inventory = SqliteInventory;`.
    pub alias: Option<ItemId>,
    /// What names it there without spelling it: a macro call or `include!`, which is the place.
    pub hidden: Option<By>,
    /// Whether it stands in a `use`.
    pub is_import: bool,
    /// Whether it exists only under `cfg(test)` or in a test, example or bench.
    pub dev: bool,
}

/// Every reference to an item of the library root `library`, in order of member, target and place.
/// Files shared by several targets give one reference each.
pub fn find<'w>(code: &Code<'w>, library: usize) -> Vec<Reference<'w>> {
    let roots = roots_around(code, library);
    let mut names = Names::of(code, library, roots.iter().map(|(_, _, index)| *index));
    let mut references = Vec::new();
    for (member, target, index) in roots {
        let root = code.root(index);
        let items = root.items.iter().filter(|item| item.kind != ItemKind::Module);
        for item in items.filter(|item| item.made.is_some() || names.stand_in(item)) {
            for (mention, found) in code.mentioned_by(item) {
                if item.kind == ItemKind::Use && is_new_name(item, &mention) {
                    continue;
                }
                let Some((of, rest, alias)) = of_library(code, library, found) else { continue };
                let place = |index: usize| item.source.range(mention.segments[index].span);
                let last = mention.segments.len() - 1;
                let mut range = place(0).start..place(last).end;
                let mut named = place(0).start..place(last.saturating_sub(rest.len())).end;
                // What a macro made may be spelled nowhere, or in parts.
                let hidden = item.made.filter(|_| !is_spelled(item, &range, &mention));
                if let Some(made) = hidden {
                    range = root.items[made.call].range();
                    named = range.clone();
                }
                references.push(Reference {
                    member,
                    target,
                    root: index,
                    holder: item.id,
                    file: item.file,
                    range,
                    named,
                    item: of,
                    rest,
                    alias,
                    hidden: hidden.map(|made| By::Macro(made.definition.name())),
                    is_import: item.kind == ItemKind::Use,
                    dev: item.test_only || target.kind.is_dev(),
                });
            }
        }
        for (item, hidden) in hidden_in(code, library, member, index) {
            let Some(found) = hidden.found else { continue };
            let Some((named, rest, alias)) = of_library(code, library, found) else { continue };
            references.push(Reference {
                member,
                target,
                root: index,
                holder: item.id,
                file: item.file,
                range: hidden.range.clone(),
                named: hidden.range,
                item: named,
                rest,
                alias,
                hidden: Some(hidden.by),
                is_import: false,
                dev: item.test_only || target.kind.is_dev(),
            });
        }
    }
    references
}

/// Whether a path stands as it is at a place of an item's file.
fn is_spelled(item: &Item<'_>, range: &Range<usize>, mention: &Mention) -> bool {
    let text = item.source.text.get(range.clone()).unwrap_or_default();
    let spelled = text.split("::").map(|name| name.trim().trim_start_matches("r#"));
    spelled.eq(mention.segments.iter().map(|segment| segment.name.as_str()))
}

/// A macro call outside of tests that names something of the library, and nobody can say what.
pub struct Unseen<'w> {
    /// The package it stands in.
    pub member: &'w Member,
    /// The file, relative to the workspace root.
    pub file: &'w Utf8Path,
    /// The call.
    pub range: Range<usize>,
    /// What it is.
    pub by: By,
}

/// Every such call around the library root `library`, in order of member, target and place.
pub fn unseen<'w>(code: &Code<'w>, library: usize) -> Vec<Unseen<'w>> {
    let mut unseen = Vec::new();
    for (member, target, index) in roots_around(code, library) {
        if target.kind.is_dev() || member.name == code.root(library).member.name {
            continue;
        }
        for (item, Hidden { range, by, found }) in hidden_in(code, library, member, index) {
            if found.is_none() && !item.test_only {
                unseen.push(Unseen { member, file: item.file, range, by });
            }
        }
    }
    // Files can belong to several targets.
    unseen.dedup_by(|a, b| (a.file, &a.range) == (b.file, &b.range));
    unseen
}

/// What the items of a root name of the library without spelling it.
fn hidden_in<'w>(
    code: &Code<'w>,
    library: usize,
    member: &Member,
    index: usize,
) -> Vec<(Item<'w>, Hidden)> {
    let crates = crates_of(code, library, member);
    let words = code.words_that_hide(&crates).map(str::to_owned).collect();
    let mut words = Names { names: words, looked_at: HashMap::new() };
    let root = code.root(index);
    let items = root.items.iter().filter(|item| words.stand_in(item));
    let hidden = items.flat_map(|item| {
        let hidden = code.hidden_in(item, library);
        hidden.iter().map(|hidden| (item.clone(), hidden.clone())).collect::<Vec<_>>()
    });
    hidden.collect()
}

/// The names by which the code of a member can know the library's crate.
fn crates_of(code: &Code<'_>, library: usize, member: &Member) -> Vec<String> {
    let own = code.root(library).member;
    let entries = member.dependencies.iter().filter(|d| d.package == own.name);
    entries.map(crate::workspace::Dependency::ident).chain([own.ident()]).collect()
}

/// The item of the library that something found is or stands for, what follows its name, and the alias of
/// another crate by which it is named.
fn of_library(
    code: &Code<'_>,
    library: usize,
    found: Found,
) -> Option<(ItemId, Vec<String>, Option<ItemId>)> {
    let Found::Item(named, rest) = found else { return None };
    if named.root == library {
        return Some((named, rest, None));
    }
    // Where an alias stands for the type itself, its declaration is rewritten.
    let target = aliased(code, named).filter(|_| !rest.is_empty())?;
    (target.root == library).then_some((target, rest, Some(named)))
}

/// Every compilation root that may use the library, in order of member and target.
pub fn roots_around<'w>(code: &Code<'w>, library: usize) -> Vec<(&'w Member, &'w Target, usize)> {
    let package = code.root(library).member.name.clone();
    let mut roots = Vec::new();
    for member in users_of(code, &package) {
        for target in &member.targets {
            let index = code.target(&member.name, target.kind, &target.name);
            roots.extend(index.filter(|index| *index != library).map(|i| (member, target, i)));
        }
    }
    roots
}

/// The names by which code can mean an item of a library. What a file without any of them mentions need
/// not be worked out.
struct Names<'w> {
    names: HashSet<String>,
    looked_at: HashMap<&'w Utf8Path, bool>,
}

impl<'w> Names<'w> {
    /// Those of the library's items and variants, and those that a `use` or an alias in one of `users` gives
    /// instead, whatever stands behind it.
    fn of(code: &Code<'w>, library: usize, users: impl Iterator<Item = usize>) -> Self {
        let mut names = HashSet::new();
        for item in &code.root(library).items {
            names.extend(item.name.clone());
            if let syn::Item::Enum(item) = item.syntax {
                names.extend(item.variants.iter().map(|variant| variant.ident.to_string()));
            }
        }
        for root in users.map(|index| code.root(index)).chain([code.root(library)]) {
            let aliases = root.items.iter().filter(|item| item.kind == ItemKind::TypeAlias);
            names.extend(aliases.filter_map(|alias| alias.name.clone()));
            let imports = root.scopes.iter().flat_map(|scope| &scope.imports);
            let is_new = |import: &&Import| {
                import.path.last() != Some(&import.name) && !matches!(&*import.name, "*" | "_")
            };
            let renamed = imports.filter(is_new);
            names.extend(renamed.map(|import| import.name.clone()));
        }
        // Words have no `r#`.
        let plain = |name: String| name.trim_start_matches("r#").to_owned();
        Self { names: names.into_iter().map(plain).collect(), looked_at: HashMap::new() }
    }

    /// Whether the file that an item stands in has one of them.
    fn stand_in(&mut self, item: &Item<'w>) -> bool {
        let Self { names, looked_at } = self;
        *looked_at.entry(item.file).or_insert_with(|| {
            let mut words = item.source.text.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.any(|word| names.contains(word))
        })
    }
}

/// Whether a `use` brings something in by this name: `Store` of `SqlStock as Store`.
fn is_new_name(item: &Item<'_>, mention: &Mention) -> bool {
    let start = item.source.range(mention.segments[0].span).start;
    item.source.text[..start].trim_end().ends_with(" as")
}

/// The item that an alias without parameters of its own stands for, through other aliases.
pub fn aliased(code: &Code<'_>, alias: ItemId) -> Option<ItemId> {
    let mut at = alias;
    // Bounded, since broken code can go round in a circle.
    for _ in 0..8 {
        let item = code.item(at);
        let syn::Item::Type(declared) = item.syntax else { return (at != alias).then_some(at) };
        let syn::Type::Path(path) = &*declared.ty else { return None };
        let names: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
        match code.resolve_path(item.scope, path.path.leading_colon.is_some(), &names) {
            Found::Item(next, rest) if rest.is_empty() => at = next,
            _ => return None,
        }
    }
    None
}

/// Files of the crates around the library that are not Rust and could name something of it: those that
/// spell its name, those that declare modules which nobody could look into, and those that nobody could
/// read.
pub fn broken<'w>(
    code: &Code<'w>,
    library: usize,
) -> BTreeMap<&'w Utf8Path, (&'w Member, &'w SyntaxError)> {
    let mut found = BTreeMap::new();
    for (member, _, index) in roots_around(code, library) {
        let names = crates_of(code, library, member);
        for (file, error) in code.root(index).broken.iter().copied() {
            let Some(source) = code.source(file) else { continue };
            let tells = |word: &str| source.text.contains(word);
            // What is in a file that is not UTF-8, nobody knows.
            let silent = !source.is_utf8();
            if silent || names.iter().any(|name| tells(name)) || tells("mod ") {
                found.insert(file, (member, error));
            }
        }
    }
    found
}

/// The module's own package (its tests and binaries) and every member that depends on it, directly
/// or through others that may re-export it.
pub fn users_of<'w>(code: &Code<'w>, package: &str) -> Vec<&'w Member> {
    code.workspace.users_of(package, |kind| kind != DependencyKind::Build)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;

    #[test]
    fn files_that_only_know_other_names_of_it_are_looked_at() {
        let workspace = Project::new()
            .member(
                "stock",
                &[],
                &[("src/lib.rs", "pub struct Sku;\npub enum Fault { Gone, Full }\n")],
            )
            .member(
                "shop",
                &["stock"],
                &[
                    (
                        "src/lib.rs",
                        "pub mod renamed;\npub mod variant;\npub mod alias;\npub mod raw;\npub mod linked;\npub mod none;\n\
                         pub use stock::Sku as Number;\npub use stock::Fault::Gone;\n\
                         pub type Item = stock::Sku;\nextern crate stock as goods;\n",
                    ),
                    ("src/renamed.rs", "pub fn f(_: crate::Number) {}\n"),
                    ("src/variant.rs", "pub fn f() -> bool { matches!(g(), super::Gone) }\n"),
                    ("src/alias.rs", "pub fn f() { crate::Item::new() }\n"),
                    ("src/raw.rs", "pub fn f(_: crate::r#Number) {}\n"),
                    ("src/linked.rs", "pub fn f(_: goods::Sku, _: crate::goods::Sku) {}\n"),
                    ("src/none.rs", "pub fn f() -> u64 { 1 }\n"),
                ],
            )
            .load();
        let code = Code::new(&workspace);
        let library = code.library("stock").unwrap();
        let found = find(&code, library);
        let files: std::collections::BTreeSet<_> = found.iter().map(|r| r.file.as_str()).collect();
        let expected = ["alias", "lib", "linked", "raw", "renamed", "variant"];
        assert_eq!(
            files,
            expected.map(|name| format!("shop/src/{name}.rs")).iter().map(|f| &**f).collect()
        );

        assert_eq!(found.iter().filter(|r| r.file.ends_with("linked.rs")).count(), 2);

        let roots = roots_around(&code, library);
        let mut names = Names::of(&code, library, roots.iter().map(|(_, _, index)| *index));
        let root = code.root(roots[0].2);
        let skipped = root.items.iter().filter(|item| !names.stand_in(item)).map(|item| item.file);
        assert_eq!(skipped.collect::<Vec<_>>(), ["shop/src/none.rs"]);
    }
}
