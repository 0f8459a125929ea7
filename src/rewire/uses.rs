//! Edits `use` items: takes leaves out, puts an import where a team would have put it.

use std::ops::Range;

use super::layout::Style;
use super::lines;
use crate::changes::TextEdit;
use crate::workspace::Source;

/// What happens to one `use` item.
pub(super) enum Trimmed {
    /// Nothing of it stays.
    Gone,
    /// Its new text.
    Text(String),
}

/// A `use` item without some of its leaves.
pub(super) fn without(
    source: &Source,
    item: &syn::ItemUse,
    leaves: &[Range<usize>],
    style: Style,
) -> Trimmed {
    let text = &*source.text;
    let whole = source.range_of(item);
    let Some(tree) = rendered(source, &item.tree, leaves) else { return Trimmed::Gone };
    let place = source.range_of(&item.tree);
    let attributes = item.attrs.last().map_or(whole.start, |last| source.range_of(last).end);
    let behind = &text[attributes..place.start];
    let start = place.start - behind.trim_start().len();
    let new = format!("{}{tree}{}", behind.trim_start(), &text[place.end..whole.end]);
    let column = start - lines::start_of_line(text, start);
    Trimmed::Text(text[whole.start..start].to_owned() + &relaid(&new, column, style.line))
}

/// The text of a tree without the leaves; none if nothing stays.
fn rendered(source: &Source, tree: &syn::UseTree, leaves: &[Range<usize>]) -> Option<String> {
    let place = source.range_of(tree);
    let text = &source.text[place.clone()];
    match tree {
        syn::UseTree::Path(path) => {
            let inner = source.range_of(&path.tree);
            let new = rendered(source, &path.tree, leaves)?;
            Some(format!("{}{new}", &source.text[place.start..inner.start]))
        }
        syn::UseTree::Group(group) => {
            let children: Vec<(Range<usize>, Option<String>)> = group
                .items
                .iter()
                .map(|child| (source.range_of(child), rendered(source, child, leaves)))
                .collect();
            let kept: Vec<usize> =
                (0..children.len()).filter(|&i| children[i].1.is_some()).collect();
            let is_whole = children
                .iter()
                .all(|(range, new)| new.as_deref() == Some(&source.text[range.clone()]));
            if is_whole {
                return Some(text.to_owned());
            }
            if let [only] = kept.as_slice() {
                let new = children[*only].1.clone()?;
                return Some(if new == "self" { "{self}".to_owned() } else { new });
            }
            let last = *kept.last()?;
            let mut result = String::new();
            let mut at = place.start;
            for (index, (range, new)) in children.iter().enumerate() {
                match new {
                    Some(new) => {
                        result.push_str(&source.text[at..range.start]);
                        result.push_str(new);
                        at = range.end;
                    }
                    // Up to the next one, or from the last kept one on.
                    None if index < last => {
                        result.push_str(&source.text[at..range.start]);
                        at = children[index + 1].0.start;
                    }
                    None => at = range.end,
                }
            }
            result.push_str(&source.text[at..place.end]);
            Some(result)
        }
        _ => (!leaves.contains(&place)).then(|| text.to_owned()),
    }
}

/// The item as rustfmt lays it out, if it was broken over lines and has no comments.
fn relaid(text: &str, column: usize, width: usize) -> String {
    let list_start = text.find('{');
    if !text.contains('\n') || text.contains("//") || text.contains("/*") {
        return text.to_owned();
    }
    let Some(open) = list_start else {
        return text.split_whitespace().collect::<Vec<_>>().join(" ");
    };
    let Some(close) = text.rfind('}') else { return text.to_owned() };
    let inner = &text[open + 1..close];
    if inner.contains('{') {
        // With groups inside, one element a line; only the elements that went are missing.
        return text.to_owned();
    }
    let names: Vec<&str> = inner.split(',').map(str::trim).filter(|n| !n.is_empty()).collect();
    let one_line = format!("{}{{{}}}{}", &text[..open], names.join(", "), &text[close + 1..]);
    if column + one_line.len() <= width {
        return one_line;
    }
    let indent = " ".repeat(column);
    let mut result = format!("{}{{", &text[..open]);
    let mut at = width;
    for name in names {
        if at + name.len() + 2 > width {
            result.push_str(&format!("\n{indent}    "));
            at = column + 4;
        } else {
            result.push(' ');
            at += 1;
        }
        result.push_str(name);
        result.push(',');
        at += name.len() + 1;
    }
    format!("{result}\n{indent}}}{}", &text[close + 1..])
}

/// Adds `use path;` to the items of a module: into the group of imports that `near` stands in, or the
/// last one, where its name sorts. It is there under the conditions that `near` is there under.
pub(super) fn added(
    source: &Source,
    items: &[syn::Item],
    near: Option<&syn::ItemUse>,
    path: &str,
) -> TextEdit {
    let text = &*source.text;
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let uses: Vec<(Range<usize>, String)> = items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Use(syntax) => Some((source.range_of(item), sort_key(syntax))),
            _ => None,
        })
        .collect();
    let anchor = uses
        .iter()
        .position(|(range, _)| near.is_some_and(|near| source.range_of(near) == *range))
        .or_else(|| uses.iter().rposition(|(_, key)| !is_own(key)))
        .or_else(|| uses.len().checked_sub(1));
    let Some(anchor) = anchor else {
        let at = items.first().map_or(text.len(), |item| source.range_of(item).start);
        let start = lines::start_of_line(text, at);
        return TextEdit::insert(start, format!("use {path};{newline}{newline}"));
    };
    let is_joined =
        |upper: usize| text[uses[upper].0.end..uses[upper + 1].0.start].matches('\n').count() == 1;
    let mut first = anchor;
    while first > 0 && is_joined(first - 1) {
        first -= 1;
    }
    let mut last = anchor;
    while last + 1 < uses.len() && is_joined(last) {
        last += 1;
    }
    let key = sortable(path.split("::"));
    let before = uses[first..=last].iter().find(|(_, other)| *other > key);
    let column = uses[anchor].0.start - lines::start_of_line(text, uses[anchor].0.start);
    let indent = " ".repeat(column);
    let attributes = near.into_iter().flat_map(|near| &near.attrs);
    let conditions = attributes.filter(|attribute| attribute.path().is_ident("cfg"));
    let conditions: String = conditions
        .map(|condition| format!("{indent}{}{newline}", &text[source.range_of(condition)]))
        .collect();
    let place = match before {
        Some((range, _)) => lines::start_of_line(text, range.start),
        None => lines::end_of_line(text, uses[last].0.end),
    };
    TextEdit::insert(place, format!("{conditions}{indent}use {path};{newline}"))
}

fn sort_key(item: &syn::ItemUse) -> String {
    let mut segments = Vec::new();
    let mut tree = &item.tree;
    while let syn::UseTree::Path(path) = tree {
        segments.push(path.ident.to_string());
        tree = &path.tree;
    }
    match tree {
        syn::UseTree::Name(name) => segments.push(name.ident.to_string()),
        syn::UseTree::Rename(name) => segments.push(name.ident.to_string()),
        // Behind every name, lists behind globs.
        syn::UseTree::Glob(_) => segments.push("}".to_owned()),
        _ => segments.push("~".to_owned()),
    }
    sortable(segments.iter().map(String::as_str))
}

/// rustfmt puts `self`, `super` and `crate` first.
fn sortable<'s>(segments: impl Iterator<Item = &'s str>) -> String {
    let ranked = segments.enumerate().map(|(index, name)| {
        let rank = match name {
            "self" => '0',
            "super" => '1',
            "crate" => '2',
            _ => '3',
        };
        if index == 0 { format!("{rank}{name}") } else { name.to_owned() }
    });
    // Below every letter, so that `a` comes before `a_b`.
    ranked.collect::<Vec<_>>().join("\u{1}")
}

fn is_own(key: &str) -> bool {
    key.starts_with(['0', '1', '2'])
}
