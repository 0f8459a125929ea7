//! Splits the `use` items of modules that stay: a name that only gated code needs is gated with it.

use std::collections::BTreeSet;

use quote::ToTokens;

use super::attributes::{already_gated, attribute_place};
use super::drawing::Drawing;
use super::{Contract, Gate, closure, dependencies};
use crate::analysis::code::{Code, Found, Import, Item, ItemKind, ScopeId, leaves};

pub(super) fn draw(drawing: &mut Drawing<'_, '_>, contract: &Contract) {
    let uses: Vec<Item<'_>> = drawing
        .root
        .items
        .iter()
        .filter(|i| i.kind == ItemKind::Use && !i.test_only && !drawing.inside_gated(i))
        .filter(|i| !already_gated(i.attributes()))
        .cloned()
        .collect();
    for item in uses {
        let syn::Item::Use(syntax) = item.syntax else { continue };
        let all = leaves(syntax);
        let needed = names_needed(drawing, contract, item.scope);
        let is_public = !matches!(syntax.vis, syn::Visibility::Inherited);
        let (stay, go): (Vec<&Import>, Vec<&Import>) =
            all.iter().partition(|leaf| leaf_stays(drawing, &item, leaf, is_public, &needed));
        if go.is_empty() {
            continue;
        }
        if stay.is_empty() {
            let at = attribute_place(item.source, item.attributes(), item.range().start, syntax);
            drawing.gates.push(Gate::Item { file: item.file.to_owned(), at });
            continue;
        }
        drawing.gates.push(Gate::Use {
            file: item.file.to_owned(),
            range: item.range(),
            kept: spell(syntax, &stay),
            gated: spell(syntax, &go),
        });
    }
}

/// The names that the code of a module that stays spells first in a path, and those of inner modules
/// that see them through `use super::*`.
fn names_needed(
    drawing: &Drawing<'_, '_>,
    contract: &Contract,
    scope: ScopeId,
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let optional = &contract.optional_dependencies;
    for item in &drawing.root.items {
        let inner = drawing.root.scopes[item.scope.index].parent == Some(scope.index);
        if (item.scope != scope && !inner)
            || item.test_only
            || drawing.gated.contains(&item.id.index)
            || drawing.inside_gated(item)
            || matches!(item.kind, ItemKind::Module | ItemKind::Use)
        {
            continue;
        }
        if let syn::Item::Impl(block) = item.syntax {
            let stays = closure::members_that_stay(drawing.code, item, contract);
            names.extend(closure::first_names(block.self_ty.to_token_stream()));
            if let Some((path, _)) = &block.trait_ {
                names.extend(closure::first_names(path.to_token_stream()));
            }
            for attribute in &block.attrs {
                names.extend(closure::first_names(attribute.to_token_stream()));
            }
            names.extend(closure::first_names(block.generics.to_token_stream()));
            for (member, stays) in block.items.iter().zip(stays) {
                if stays {
                    names.extend(closure::first_names(member.to_token_stream()));
                }
            }
        } else {
            let is_optional =
                |krate: &str| optional.iter().any(|key| key.replace('-', "_") == krate);
            let tokens = dependencies::without_derives(drawing.code, item, &is_optional);
            names.extend(closure::first_names(tokens));
        }
    }
    names
}

fn leaf_stays(
    drawing: &Drawing<'_, '_>,
    item: &Item<'_>,
    leaf: &Import,
    is_public: bool,
    needed: &BTreeSet<String>,
) -> bool {
    match drawing.code.resolve_path(item.scope, leaf.global, &leaf.path) {
        Found::Item(id, _) if id.root == item.id.root => {
            let target = &drawing.root.items[id.index];
            if drawing.gated.contains(&id.index) || drawing.inside_gated(target) {
                return false;
            }
        }
        Found::Module(scope) if scope.root == item.id.root => {
            let declared = drawing.root.scopes[scope.index].declared_by;
            if declared.is_some_and(|d| drawing.gated.contains(&d)) {
                return false;
            }
        }
        _ => {}
    }
    is_public
        || leaf.name == "*"
        || needed.contains(&leaf.name)
        || needed_for_methods(drawing.code, item, leaf, needed)
}

/// Traits are imported for their methods, not by name. Only the standard library's are known here; a
/// wrong guess about another is found by the compiler before anything is written.
fn needed_for_methods(
    code: &Code<'_>,
    item: &Item<'_>,
    leaf: &Import,
    needed: &BTreeSet<String>,
) -> bool {
    let Found::External(krate, path) = code.resolve_path(item.scope, leaf.global, &leaf.path)
    else {
        return false;
    };
    let last = path.last().map(String::as_str).unwrap_or_default();
    let by_use: &[&str] = match (krate.as_str(), last) {
        ("std" | "core", "Write") => &["write", "writeln"],
        _ => return false,
    };
    by_use.iter().any(|name| needed.contains(*name))
}

/// rustfmt's default width.
const LINE: usize = 100;

/// A `use` item with some of the leaves of another, in its order and with its visibility.
fn spell(item: &syn::ItemUse, leaves: &[&Import]) -> String {
    let visibility = match &item.vis {
        syn::Visibility::Inherited => String::new(),
        vis => format!("{} ", vis.to_token_stream().to_string().replace(' ', "")),
    };
    let colons = if item.leading_colon.is_some() { "::" } else { "" };
    let leaf = |import: &Import, prefix: usize| {
        let path = import.path[prefix..].join("::");
        let last = import.path.last().map(String::as_str).unwrap_or_default();
        match import.name.as_str() {
            "*" if path.is_empty() => "*".to_owned(),
            "*" => format!("{path}::*"),
            name if path.is_empty() => {
                if name == last {
                    "self".to_owned()
                } else {
                    format!("self as {name}")
                }
            }
            name if name == last => path,
            name => format!("{path} as {name}"),
        }
    };
    if let [only] = leaves {
        return format!("{visibility}use {colons}{};", leaf(only, 0));
    }
    let shortest = leaves.iter().map(|l| l.path.len()).min().unwrap_or(0);
    let shared = (0..shortest)
        .take_while(|at| leaves.iter().all(|l| l.path[*at] == leaves[0].path[*at]))
        .count();
    let prefix = leaves[0].path[..shared].join("::");
    let list: Vec<String> = leaves.iter().map(|l| leaf(l, shared)).collect();
    let prefix = if shared == 0 { String::new() } else { format!("{prefix}::") };
    let one_line = format!("{visibility}use {colons}{prefix}{{{}}};", list.join(", "));
    if one_line.len() <= LINE {
        return one_line;
    }
    // rustfmt's form of a list that does not fit on a line.
    let mut text = format!("{visibility}use {colons}{prefix}{{");
    let mut column = LINE;
    for name in list {
        if column + name.len() + 2 > LINE {
            text.push_str("\n    ");
            column = 4;
        } else {
            text.push(' ');
            column += 1;
        }
        column += name.len() + 1;
        text.push_str(&name);
        text.push(',');
    }
    text.push_str("\n};");
    text
}
