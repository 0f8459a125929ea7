//! The items of one compilation root, module by module, in source order.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Meta, Token};

use super::expansion::{self, Made};
use super::imports::{Import, imports_of};
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
    /// Its modules whose files are there and were not read.
    pub unread: Vec<Unread<'w>>,
    /// Its named items by module and name (without `r#`), in source order.
    pub(super) by_name: HashMap<(usize, String), Vec<usize>>,
    /// The module that a `mod` item declares.
    pub(super) declared: HashMap<usize, usize>,
    /// The packages behind the names of crates in its code.
    pub(super) crates: HashMap<String, String>,
}

/// The declaration of a module whose file is behind a link, or in no package's folder.
#[derive(Debug, Clone)]
pub struct Unread<'w> {
    /// Where it is declared.
    pub file: &'w Utf8Path,
    /// The declaration, in bytes of that file.
    pub range: std::ops::Range<usize>,
    /// The file of the module, relative to the workspace root.
    pub module: Utf8PathBuf,
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
    file: &'w Utf8Path,
    source: &'w Source,
}

struct Indexer<'w> {
    workspace: &'w Workspace,
    root: usize,
    krate: CrateRoot<'w>,
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
        let (path, file, source) = (scope.path.clone(), scope.file, scope.source);
        let scope_is_test = scope.test_only;
        if let Some(declaration) = scope.declared_by {
            self.krate.declared.insert(declaration, index);
        }
        self.krate.scopes.push(scope);
        let mut children = Vec::new();
        for syntax in items {
            let id = ItemId { root: self.root, index: self.krate.items.len() };
            let imports = imports_of(syntax, visibility_of(syntax));
            self.krate.scopes[index].imports.extend(imports);
            let test_only = scope_is_test || attributes(syntax).iter().any(is_test_only);
            let place = Place { scope: index, test_only, file, source };
            self.push(place, syntax, None);
            if let syn::Item::Macro(call) = syntax
                && call.ident.is_none()
                && let Ok(ast) = source.ast()
            {
                let made = expansion::of_call(self.workspace, self.krate.member, call, ast);
                for (definition, item, origin) in made {
                    self.push(place, item, Some(Made { call: id.index, definition, origin }));
                }
            }
            if let (0, syn::Item::ExternCrate(item)) = (index, syntax)
                && let Some((_, name)) = &item.rename
                && let Some(package) = self.krate.crates.get(&plain(&item.ident)).cloned()
            {
                // In the crate's root this is a name for all of it.
                self.krate.crates.insert(plain(name), package);
            }
            if let syn::Item::Mod(module) = syntax {
                children.push((id.index, module, test_only));
            }
        }
        for (declared_by, module, test_only) in children {
            let name = plain(&module.ident);
            let mut child_path = path.clone();
            child_path.push(name.clone());
            if let Some((_, items)) = &module.content {
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
                self.module(scope, items, &dir.join(&name));
            } else if let Some((child, source, child_dir)) =
                self.module_file(&name, &module.attrs, file, dir)
            {
                self.file(
                    child_path,
                    Some(index),
                    Some(declared_by),
                    test_only,
                    child,
                    source,
                    &child_dir,
                );
            } else {
                let is_there = |(path, _): &(Utf8PathBuf, _)| self.workspace.exists(path);
                let candidates = module_files(&name, &module.attrs, file, dir);
                let there = candidates.into_iter().find(is_there);
                self.krate.unread.extend(there.map(|(module_file, _)| Unread {
                    file,
                    range: source.range_of(module),
                    module: module_file,
                }));
            }
        }
    }

    /// Adds an item to the root.
    fn push(&mut self, place: Place<'w>, syntax: &'w syn::Item, made: Option<Made<'w>>) {
        let Place { scope, test_only, file, source } = place;
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

    /// The file of `mod name;`, and the folder in which its own children stand.
    fn module_file(
        &self,
        name: &str,
        attrs: &[syn::Attribute],
        declared_in: &Utf8Path,
        dir: &Utf8Path,
    ) -> Option<(&'w Utf8Path, &'w Source, Utf8PathBuf)> {
        module_files(name, attrs, declared_in, dir).into_iter().find_map(|(path, dir)| {
            let (file, source) = self.workspace.file(&path)?;
            Some((file, source, dir))
        })
    }
}

/// Where the file of `mod name;` may be, each with the folder in which its own children stand.
fn module_files(
    name: &str,
    attrs: &[syn::Attribute],
    declared_in: &Utf8Path,
    dir: &Utf8Path,
) -> Vec<(Utf8PathBuf, Utf8PathBuf)> {
    match path_attribute(attrs) {
        Some(path) => {
            let from = declared_in.parent().unwrap_or(Utf8Path::new(""));
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

fn path_attribute(attrs: &[syn::Attribute]) -> Option<String> {
    attrs.iter().find_map(|attr| match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

/// Whether an attribute is `#[cfg(test)]`, `#[cfg(all(test, …))]` or `#[test]`.
pub fn is_test_only(attr: &syn::Attribute) -> bool {
    if attr.path().is_ident("cfg") {
        return attr.parse_args::<Meta>().is_ok_and(|meta| match meta {
            Meta::Path(path) => path.is_ident("test"),
            Meta::List(list) if list.path.is_ident("all") => {
                list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).is_ok_and(
                    |parts| parts.iter().any(|p| matches!(p, Meta::Path(p) if p.is_ident("test"))),
                )
            }
            _ => false,
        });
    }
    attr.path().segments.last().is_some_and(|s| s.ident == "test")
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

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Struct(i) => &i.attrs,
        syn::Item::Enum(i) => &i.attrs,
        syn::Item::Union(i) => &i.attrs,
        syn::Item::Trait(i) => &i.attrs,
        syn::Item::Type(i) => &i.attrs,
        syn::Item::Fn(i) => &i.attrs,
        syn::Item::Const(i) => &i.attrs,
        syn::Item::Static(i) => &i.attrs,
        syn::Item::Mod(i) => &i.attrs,
        syn::Item::Use(i) => &i.attrs,
        syn::Item::Impl(i) => &i.attrs,
        syn::Item::Macro(i) => &i.attrs,
        syn::Item::ExternCrate(i) => &i.attrs,
        syn::Item::ForeignMod(i) => &i.attrs,
        syn::Item::TraitAlias(i) => &i.attrs,
        _ => &[],
    }
}

/// The tokens of an item without the bodies of the modules in it.
pub(super) fn tokens(item: &syn::Item) -> proc_macro2::TokenStream {
    match item {
        syn::Item::Mod(_) => proc_macro2::TokenStream::new(),
        other => other.to_token_stream(),
    }
}
