//! The items that the workspace's own macros make.

use std::ops::Range;

use camino::Utf8Path;
use proc_macro2::Span;
use syn::spanned::Spanned;

use super::imports::leaves;
use super::items::plain;
use super::macros::Rules;
use crate::workspace::{DependencyKind, Expanded, Member, Source, Workspace};

/// How an item was made by a macro.
#[derive(Debug, Clone, Copy)]
pub struct Made<'w> {
    /// The call, an index into the items of its root.
    pub call: usize,
    /// The macro.
    pub definition: Definition<'w>,
    /// The item with the spans that its tokens have where they are written: in the macro or in the call.
    pub origin: &'w syn::Item,
}

/// A macro of the workspace.
#[derive(Debug, Clone, Copy)]
pub struct Definition<'w> {
    /// The package that defines it.
    pub member: &'w Member,
    /// The file.
    pub file: &'w Utf8Path,
    /// That file.
    pub source: &'w Source,
    /// The macro.
    pub syntax: &'w syn::ItemMacro,
}

impl Definition<'_> {
    /// Its name.
    pub fn name(&self) -> String {
        self.syntax.ident.as_ref().map(plain).unwrap_or_default()
    }

    /// Whether a token of an expansion is written in the macro.
    pub fn holds(&self, span: Span) -> bool {
        let whole = self.syntax.span();
        let (inner, outer): (Range<usize>, Range<usize>) = (span.byte_range(), whole.byte_range());
        span.file() == whole.file() && outer.start <= inner.start && inner.end <= outer.end
    }
}

/// An item that a call makes: the macro, the item with spans of the call, and as it is written.
pub(super) type MadeItem<'w> = (Definition<'w>, &'w syn::Item, &'w syn::Item);

/// How deep macros may call each other.
const DEEPEST: usize = 8;

/// Types and their impls that a call in the place of items makes, those of further calls included.
/// Nothing where the macro is not one of the workspace's, or is not understood.
pub(super) fn of_call<'w>(
    workspace: &'w Workspace,
    member: &'w Member,
    call: &'w syn::ItemMacro,
    file: &'w syn::File,
) -> Vec<MadeItem<'w>> {
    let mut made = Vec::new();
    expand(workspace, member, (call, call), file, DEEPEST, &mut made);
    made
}

/// `calls` is a call with the spans of the outermost one, and as it is written.
fn expand<'w>(
    workspace: &'w Workspace,
    member: &'w Member,
    calls: (&'w syn::ItemMacro, &'w syn::ItemMacro),
    file: &'w syn::File,
    depth: usize,
    made: &mut Vec<MadeItem<'w>>,
) -> Option<()> {
    let (call, origin) = calls;
    let definition = definition(workspace, member, call, file)?;
    let rules = Rules::read(definition.syntax.mac.tokens.clone())?;
    let own_crate = if definition.member.name == member.name {
        "crate".to_owned()
    } else {
        definition.member.ident()
    };
    let parse = |call: &syn::ItemMacro, span| {
        let tokens = rules.expand(&call.mac.tokens, &own_crate, span)?;
        syn::parse2::<syn::File>(tokens).ok().map(|file| file.items)
    };
    let span = call.mac.path.span();
    let expanded =
        workspace.keep(Expanded { items: parse(call, Some(span))?, origins: parse(origin, None)? });
    for (item, origin) in expanded.items.iter().zip(&expanded.origins) {
        match (item, origin) {
            (syn::Item::Macro(call), syn::Item::Macro(origin)) if call.ident.is_none() => {
                if let (Some(depth), Ok(file)) = (depth.checked_sub(1), definition.source.ast()) {
                    expand(workspace, member, (call, origin), file, depth, made);
                }
            }
            (
                syn::Item::Struct(_) | syn::Item::Enum(_) | syn::Item::Impl(_) | syn::Item::Type(_),
                _,
            ) => made.push((definition, item, origin)),
            // What stands in its file is code like any other.
            (syn::Item::Mod(module), _) if module.content.is_none() => {
                made.push((definition, item, origin));
            }
            // All else is found as text.
            _ => {}
        }
    }
    Some(())
}

/// The macro that a call names, if one alone can be meant.
fn definition<'w>(
    workspace: &'w Workspace,
    member: &'w Member,
    call: &syn::ItemMacro,
    file: &syn::File,
) -> Option<Definition<'w>> {
    let path: Vec<String> = call.mac.path.segments.iter().map(|s| plain(&s.ident)).collect();
    let (name, krate) = match path.as_slice() {
        [name] => (name.clone(), None),
        [first, .., name] if matches!(first.as_str(), "crate" | "self" | "super") => {
            (name.clone(), None)
        }
        [krate, name] => (name.clone(), Some(krate.clone())),
        _ => return None,
    };
    // `use kernel::define_id;`
    let imported = file.items.iter().find_map(|item| {
        let syn::Item::Use(item) = item else { return None };
        leaves(item).into_iter().find(|leaf| leaf.name == name && leaf.path.len() == 2)
    });
    let (krate, name) = match (krate, imported) {
        (None, Some(leaf)) if leaf.path[0] != "crate" => {
            (Some(leaf.path[0].clone()), leaf.path[1].clone())
        }
        (krate, _) => (krate, name),
    };
    let of = match &krate {
        None => member,
        Some(krate) => member
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal && d.ident() == *krate)
            .find_map(|d| workspace.member(&d.package))?,
    };
    let mut found = Vec::new();
    let sources = of.dir.join("src");
    for (file, source) in workspace.rust_files(of) {
        if !file.starts_with(&sources) || !source.text.contains(&name) {
            continue;
        }
        let Ok(ast) = source.ast() else { continue };
        collect(&ast.items, &name, &mut |syntax| {
            found.push(Definition { member: of, file, source, syntax });
        });
    }
    // Which of several is meant, their places would say.
    match found.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

fn collect<'w>(items: &'w [syn::Item], name: &str, found: &mut dyn FnMut(&'w syn::ItemMacro)) {
    for item in items {
        match item {
            syn::Item::Macro(definition)
                if definition.mac.path.is_ident("macro_rules")
                    && definition.ident.as_ref().is_some_and(|ident| plain(ident) == name) =>
            {
                found(definition);
            }
            syn::Item::Mod(module) => {
                if let Some((_, items)) = &module.content {
                    collect(items, name, found);
                }
            }
            _ => {}
        }
    }
}
