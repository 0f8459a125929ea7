//! The items of one compilation root, module by module, in source order.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};
use quote::ToTokens;
use syn::Token;
use syn::punctuated::Punctuated;

use super::attributes::{attributes, is_condition, is_test_only, path_attribute};
use super::conditional;
use super::expansion::{self, Made};
use super::imports::{Import, imports_of};
use crate::analysis::included;
use crate::workspace::{
    DependencyKind, Member, Source, SyntaxError, Target, TargetKind, Workspace, normalized,
};

/// Identity of an item: its compilation root and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId {
    /// Index of the compilation root.
    pub root: usize,
    /// Index of the item in it.
    pub index: usize,
}

/// Identity of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId {
    /// Index of the compilation root.
    pub root: usize,
    /// Index of the module in it.
    pub index: usize,
}

/// A library, binary, test, example or bench, with all its modules.
#[derive(Debug)]
pub struct CrateRoot<'w> {
    /// The package it belongs to.
    pub member: &'w Member,
    /// The target it is.
    pub target: &'w Target,
    /// Its modules; the first is the crate root.
    pub scopes: Vec<Scope<'w>>,
    /// Its items, in source order.
    pub items: Vec<Item<'w>>,
    /// Files of it that do not parse.
    pub broken: Vec<(&'w Utf8Path, &'w SyntaxError)>,
    /// Its modules whose files were not read.
    pub unread: Vec<Unread<'w>>,
    /// Its named items by module and name (without `r#`), in source order.
    pub(super) by_name: HashMap<(usize, String), Vec<usize>>,
    /// The module that a `mod` item declares.
    pub(super) declared: HashMap<usize, usize>,
    /// The packages behind the names of crates in its code.
    pub(super) crates: HashMap<String, String>,
}

/// The declaration of a module whose file nobody read.
#[derive(Debug, Clone)]
pub struct Unread<'w> {
    /// Where it is declared.
    pub file: &'w Utf8Path,
    /// The declaration, in bytes of that file.
    pub range: std::ops::Range<usize>,
    /// The file of the module, relative to the workspace root.
    pub module: Utf8PathBuf,
    /// Whether it is there: behind a link, or in no package's folder.
    pub is_there: bool,
}

/// A module: a file or an inline `mod`.
#[derive(Debug, Clone)]
pub struct Scope<'w> {
    /// Path from the crate root, such as `["storage", "rows"]`.
    pub path: Vec<String>,
    /// The module that holds it.
    pub parent: Option<usize>,
    /// The file its items stand in.
    pub file: &'w Utf8Path,
    /// That file.
    pub source: &'w Source,
    /// The `mod` item that declares it, an index into the root's items.
    pub declared_by: Option<usize>,
    /// Whether it exists only under `cfg(test)`.
    pub test_only: bool,
    /// Whether its items stand in a file of their own.
    pub own_file: bool,
    /// The names that `use` brings in.
    pub imports: Vec<Import>,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Rust's own")]
pub enum ItemKind {
    Struct,
    Enum,
    Union,
    Trait,
    TypeAlias,
    Function,
    Const,
    Static,
    Impl,
    Module,
    Use,
    Macro,
    Other,
}

/// From where an item can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// `pub`.
    Public,
    /// `pub(crate)`, `pub(super)`, `pub(in …)`.
    Restricted,
    /// No keyword.
    Private,
}

/// One item of a module.
#[derive(Debug, Clone)]
pub struct Item<'w> {
    /// Its identity.
    pub id: ItemId,
    /// The module it stands in.
    pub scope: ScopeId,
    /// Its name; none for impls, uses and macro calls.
    pub name: Option<String>,
    /// What it is.
    pub kind: ItemKind,
    /// From where it can be named.
    pub visibility: Visibility,
    /// Whether it exists only under `cfg(test)`.
    pub test_only: bool,
    /// Its syntax.
    pub syntax: &'w syn::Item,
    /// The file it stands in, relative to the workspace root.
    pub file: &'w Utf8Path,
    /// That file.
    pub source: &'w Source,
    /// How a macro made it, where one did; its spans are in the call then.
    pub made: Option<Made<'w>>,
}

impl Item<'_> {
    /// Its bytes in the file, attributes and doc comments included.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.source.range_of(&self.syntax)
    }

    /// Bytes of its name, or of its first token where it has none.
    pub fn name_range(&self) -> std::ops::Range<usize> {
        self.source.range(self.name_span())
    }

    /// Where its name stands, or its first token where it has none.
    pub fn name_span(&self) -> proc_macro2::Span {
        ident_of(self.syntax).map_or_else(
            || {
                use syn::spanned::Spanned;
                self.syntax.span()
            },
            proc_macro2::Ident::span,
        )
    }

    /// Its attributes.
    pub fn attributes(&self) -> &[syn::Attribute] {
        attributes(self.syntax)
    }

    /// The paths in its `#[derive(…)]`s.
    pub fn derives(&self) -> impl Iterator<Item = syn::Path> {
        let derives = self.attributes().iter().filter(|a| a.path().is_ident("derive"));
        let parse = Punctuated::<syn::Path, Token![,]>::parse_terminated;
        derives.filter_map(move |attribute| attribute.parse_args_with(parse).ok()).flatten()
    }
}

/// Indexes one root: follows `mod` declarations to their files.
pub(super) fn index<'w>(
    workspace: &'w Workspace,
    member: &'w Member,
    target: &'w Target,
    root: usize,
) -> CrateRoot<'w> {
    let mut indexer = Indexer {
        workspace,
        root,
        krate: CrateRoot {
            member,
            target,
            scopes: Vec::new(),
            items: Vec::new(),
            broken: Vec::new(),
            unread: Vec::new(),
            by_name: HashMap::new(),
            declared: HashMap::new(),
            crates: crates_of(workspace, member, target),
        },
        including: Vec::new(),
    };
    if let Some((file, source)) = workspace.file(&target.root) {
        let dir = file.parent().unwrap_or(Utf8Path::new("")).to_owned();
        indexer.file(Vec::new(), None, None, false, file, source, &dir);
    }
    indexer.krate
}

/// The names by which the code of a target knows other crates, with their packages.
fn crates_of(workspace: &Workspace, member: &Member, target: &Target) -> HashMap<String, String> {
    let mut crates = HashMap::new();
    for dependency in &member.dependencies {
        let of_build_script = dependency.kind == DependencyKind::Build;
        if of_build_script != (target.kind == TargetKind::Build) {
            continue;
        }
        // A rename, a member's `[lib] name`, or the package.
        let name = match workspace.member(&dependency.package) {
            Some(package) if dependency.key == dependency.package => package.ident(),
            _ => dependency.ident(),
        };
        crates.entry(name).or_insert_with(|| dependency.package.clone());
    }
    // A test, an example or a binary names its own package's library.
    if !matches!(target.kind, TargetKind::Lib | TargetKind::Build) && member.lib().is_some() {
        crates.insert(member.ident(), member.name.clone());
    }
    crates
}

/// Where items stand.
#[derive(Clone, Copy)]
struct Place<'w> {
    scope: usize,
    test_only: bool,
    /// Whether they are there only under a condition of a macro.
    is_conditional: bool,
    file: &'w Utf8Path,
    source: &'w Source,
}

struct Indexer<'w> {
    workspace: &'w Workspace,
    root: usize,
    krate: CrateRoot<'w>,
    /// The files that are being put in by `include!`.
    including: Vec<&'w Utf8Path>,
}

/// A `mod` item that is still to be followed.
struct Child<'w> {
    /// Its index among the root's items.
    declared_by: usize,
    syntax: &'w syn::ItemMod,
    place: Place<'w>,
    /// Where the files of modules lie that are declared beside it.
    dir: Utf8PathBuf,
}

impl<'w> Indexer<'w> {
    #[allow(clippy::too_many_arguments, reason = "one call site, all of it position in the tree")]
    fn file(
        &mut self,
        path: Vec<String>,
        parent: Option<usize>,
        declared_by: Option<usize>,
        test_only: bool,
        file: &'w Utf8Path,
        source: &'w Source,
        dir: &Utf8Path,
    ) {
        // `#[path]` can lead a file back to itself; the compiler refuses that.
        let mut above = parent;
        while let Some(index) = above {
            if self.krate.scopes[index].file == file {
                return;
            }
            above = self.krate.scopes[index].parent;
        }
        match source.ast() {
            Ok(ast) => {
                let scope = Scope {
                    path,
                    parent,
                    file,
                    source,
                    declared_by,
                    test_only,
                    own_file: true,
                    imports: Vec::new(),
                };
                self.module(scope, &ast.items, dir);
            }
            Err(error) => {
                self.krate.broken.push((file, error));
                // A root has a module, even if nothing in it can be read.
                if self.krate.scopes.is_empty() {
                    let scope = Scope {
                        path,
                        parent,
                        file,
                        source,
                        declared_by,
                        test_only,
                        own_file: true,
                        imports: Vec::new(),
                    };
                    self.krate.scopes.push(scope);
                }
            }
        }
    }

    fn module(&mut self, scope: Scope<'w>, items: &'w [syn::Item], dir: &Utf8Path) {
        let index = self.krate.scopes.len();
        let Scope { file, source, test_only, own_file, .. } = scope;
        let path = scope.path.clone();
        if let Some(declaration) = scope.declared_by {
            self.krate.declared.insert(declaration, index);
        }
        self.krate.scopes.push(scope);
        let mut children = Vec::new();
        let place = Place { scope: index, test_only, is_conditional: false, file, source };
        self.items(place, items, dir, &mut children);
        for Child { declared_by, syntax, place, dir } in children {
            let Place { test_only, is_conditional, file, source, .. } = place;
            let name = plain(&syntax.ident);
            let mut child_path = path.clone();
            child_path.push(name.clone());
            // In an inline module `#[path]` starts at its own folder, in a file at the file's.
            let from = match own_file {
                true => file.parent().unwrap_or(Utf8Path::new("")),
                false => &dir,
            };
            if let Some((_, items)) = &syntax.content {
                let scope = Scope {
                    path: child_path,
                    parent: Some(index),
                    file,
                    source,
                    declared_by: Some(declared_by),
                    test_only,
                    own_file: false,
                    imports: Vec::new(),
                };
                let dir = match path_attribute(&syntax.attrs) {
                    Some(path) => normalized(&from.join(path)),
                    None => dir.join(&name),
                };
                self.module(scope, items, &dir);
                continue;
            }
            let candidates = module_files(&name, &syntax.attrs, from, &dir);
            let read = candidates.iter().find_map(|(path, dir)| {
                let (file, source) = self.workspace.file(path)?;
                Some((file, source, dir))
            });
            if let Some((child, source, dir)) = read {
                let declared_by = Some(declared_by);
                self.file(child_path, Some(index), declared_by, test_only, child, source, dir);
                continue;
            }
            let there = candidates.iter().find(|(path, _)| self.workspace.exists(path));
            let module = there.or(candidates.first()).map(|(path, _)| path.clone());
            let is_left_out = || {
                is_conditional
                    || self.is_conditional(index)
                    || syntax.attrs.iter().any(is_condition)
            };
            if let Some(module) = module
                && (there.is_some() || !is_left_out())
            {
                let (range, is_there) = (source.range_of(syntax), there.is_some());
                self.krate.unread.push(Unread { file, range, module, is_there });
            }
        }
    }

    /// Adds items of a module, those of the files that `include!` puts among them in their place.
    fn items(
        &mut self,
        place: Place<'w>,
        items: &'w [syn::Item],
        dir: &Utf8Path,
        children: &mut Vec<Child<'w>>,
    ) {
        for syntax in items {
            if let syn::Item::Macro(call) = syntax
                && let Some(items) = conditional::items_of(self.workspace, &call.mac)
            {
                self.items(Place { is_conditional: true, ..place }, items, dir, children);
                continue;
            }
            let id = ItemId { root: self.root, index: self.krate.items.len() };
            let imports = imports_of(syntax, visibility_of(syntax));
            self.krate.scopes[place.scope].imports.extend(imports);
            let test_only = place.test_only || attributes(syntax).iter().any(is_test_only);
            let place = Place { test_only, ..place };
            self.push(place, syntax, None);
            if let syn::Item::Macro(call) = syntax
                && call.ident.is_none()
                && let Ok(ast) = place.source.ast()
            {
                let made = expansion::of_call(self.workspace, self.krate.member, call, ast);
                for (definition, item, origin) in made {
                    let declared_by = self.krate.items.len();
                    self.push(place, item, Some(Made { call: id.index, definition, origin }));
                    if let syn::Item::Mod(syntax) = item {
                        let place = Place { is_conditional: true, ..place };
                        children.push(Child { declared_by, syntax, place, dir: dir.to_owned() });
                    }
                }
                self.include(place, call, children);
            }
            if let (0, syn::Item::ExternCrate(item)) = (place.scope, syntax)
                && let Some((_, name)) = &item.rename
                && let Some(package) = self.krate.crates.get(&plain(&item.ident)).cloned()
            {
                // In the crate's root this is a name for all of it.
                self.krate.crates.insert(plain(name), package);
            }
            if let syn::Item::Mod(syntax) = syntax {
                let dir = dir.to_owned();
                children.push(Child { declared_by: id.index, syntax, place, dir });
            }
        }
    }

    /// Adds the items of the file that a call puts in.
    fn include(&mut self, place: Place<'w>, call: &syn::ItemMacro, children: &mut Vec<Child<'w>>) {
        let Some(path) = included::file_of(self.krate.member, place.file, &call.mac) else {
            return;
        };
        let Some((file, source)) = self.workspace.file(&path) else { return };
        // A file that puts itself in, the compiler refuses.
        if file == place.file || self.including.contains(&file) {
            return;
        }
        match source.ast() {
            Ok(ast) => {
                self.including.push(file);
                let dir = file.parent().unwrap_or(Utf8Path::new(""));
                self.items(Place { file, source, ..place }, &ast.items, dir, children);
                self.including.pop();
            }
            Err(error) => self.krate.broken.push((file, error)),
        }
    }

    /// Whether a module is there under a condition, by its declaration or by what holds it.
    fn is_conditional(&self, scope: usize) -> bool {
        let mut at = Some(scope);
        while let Some(index) = at {
            let scope = &self.krate.scopes[index];
            let declaration = scope.declared_by.map(|index| self.krate.items[index].attributes());
            let inner = scope.source.ast().ok().filter(|_| scope.own_file).map(|ast| &*ast.attrs);
            if declaration.into_iter().chain(inner).flatten().any(is_condition) {
                return true;
            }
            at = scope.parent;
        }
        false
    }

    /// Adds an item to the root.
    fn push(&mut self, place: Place<'w>, syntax: &'w syn::Item, made: Option<Made<'w>>) {
        let Place { scope, test_only, file, source, .. } = place;
        let id = ItemId { root: self.root, index: self.krate.items.len() };
        if let Some(ident) = ident_of(syntax) {
            let key = (scope, plain(ident));
            self.krate.by_name.entry(key).or_default().push(id.index);
        }
        self.krate.items.push(Item {
            id,
            scope: ScopeId { root: self.root, index: scope },
            name: ident_of(syntax).map(ToString::to_string),
            kind: kind_of(syntax),
            visibility: visibility_of(syntax),
            test_only,
            syntax,
            file,
            source,
            made,
        });
    }
}

/// Where the file of `mod name;` may be, each with the folder in which its own children stand. A
/// `#[path]` starts at `from`.
fn module_files(
    name: &str,
    attrs: &[syn::Attribute],
    from: &Utf8Path,
    dir: &Utf8Path,
) -> Vec<(Utf8PathBuf, Utf8PathBuf)> {
    match path_attribute(attrs) {
        Some(path) => {
            let path = normalized(&from.join(path));
            let dir = path.parent().unwrap_or(Utf8Path::new("")).to_owned();
            vec![(path, dir)]
        }
        None => vec![
            (dir.join(format!("{name}.rs")), dir.join(name)),
            (dir.join(name).join("mod.rs"), dir.join(name)),
        ],
    }
}

/// A name without `r#`, which only says how it is spelled.
pub(super) fn plain(ident: &proc_macro2::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or_else(|| name.clone(), str::to_owned)
}

fn ident_of(item: &syn::Item) -> Option<&proc_macro2::Ident> {
    Some(match item {
        syn::Item::Struct(i) => &i.ident,
        syn::Item::Enum(i) => &i.ident,
        syn::Item::Union(i) => &i.ident,
        syn::Item::Trait(i) => &i.ident,
        syn::Item::Type(i) => &i.ident,
        syn::Item::Fn(i) => &i.sig.ident,
        syn::Item::Const(i) => &i.ident,
        syn::Item::Static(i) => &i.ident,
        syn::Item::Mod(i) => &i.ident,
        syn::Item::TraitAlias(i) => &i.ident,
        syn::Item::Macro(i) => i.ident.as_ref()?,
        _ => return None,
    })
}

fn kind_of(item: &syn::Item) -> ItemKind {
    match item {
        syn::Item::Struct(_) => ItemKind::Struct,
        syn::Item::Enum(_) => ItemKind::Enum,
        syn::Item::Union(_) => ItemKind::Union,
        syn::Item::Trait(_) => ItemKind::Trait,
        syn::Item::Type(_) => ItemKind::TypeAlias,
        syn::Item::Fn(_) => ItemKind::Function,
        syn::Item::Const(_) => ItemKind::Const,
        syn::Item::Static(_) => ItemKind::Static,
        syn::Item::Impl(_) => ItemKind::Impl,
        syn::Item::Mod(_) => ItemKind::Module,
        syn::Item::Use(_) => ItemKind::Use,
        syn::Item::Macro(_) => ItemKind::Macro,
        _ => ItemKind::Other,
    }
}

fn visibility_of(item: &syn::Item) -> Visibility {
    let visibility = match item {
        syn::Item::Struct(i) => &i.vis,
        syn::Item::Enum(i) => &i.vis,
        syn::Item::Union(i) => &i.vis,
        syn::Item::Trait(i) => &i.vis,
        syn::Item::Type(i) => &i.vis,
        syn::Item::Fn(i) => &i.vis,
        syn::Item::Const(i) => &i.vis,
        syn::Item::Static(i) => &i.vis,
        syn::Item::Mod(i) => &i.vis,
        syn::Item::Use(i) => &i.vis,
        _ => return Visibility::Private,
    };
    match visibility {
        syn::Visibility::Public(_) => Visibility::Public,
        syn::Visibility::Restricted(_) => Visibility::Restricted,
        syn::Visibility::Inherited => Visibility::Private,
    }
}

/// The tokens of an item without the bodies of the modules in it.
pub(super) fn tokens(item: &syn::Item) -> proc_macro2::TokenStream {
    match item {
        syn::Item::Mod(_) => proc_macro2::TokenStream::new(),
        other => other.to_token_stream(),
    }
}
