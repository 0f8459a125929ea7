//! Tables of a manifest however they are written, and one more entry in them.

use std::ops::Range;

use toml_edit::{Document, InlineTable, Item, Key, Table, TableLike, Value};

use super::draft::Draft;
use super::{lines, place};
use crate::diagnostic::Result;

/// Where in its table a new entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Before all others.
    First,
    /// Among the others if they are sorted, with or without `default` first; else after them.
    Sorted,
    /// After all others.
    Last,
}

/// The item at a path of keys.
pub(super) fn get<'d>(document: &'d Document<String>, path: &[&str]) -> Option<&'d Item> {
    path.iter().try_fold(document.as_item(), |item, key| item.as_table_like()?.get(key))
}

/// Adds `key = item` to the table at `path`, which is created where it is missing. The caller has
/// made sure that the key is not there.
///
/// # Errors
/// When something on the path is not a table.
pub(super) fn insert(
    draft: &mut Draft<'_>,
    path: &[&str],
    key: &str,
    item: Item,
    position: Position,
) -> Result<()> {
    let document = draft.parse()?;
    match locate(draft, &document, path)? {
        Located::Written(form) => insert_in(draft, &form, key, item, position),
        Located::Implied => {
            let section = section(path, key, item, draft.eol());
            place::before_first_below(draft, &document, path, &section);
        }
        Located::Missing { form: Form::Inline { .. }, depth } => {
            let nested =
                path[depth + 1..].iter().rev().fold(inline(&[key], item), |table, outer| {
                    inline(&[outer], Item::Value(table.into()))
                });
            let Located::Written(form) = locate(draft, &document, &path[..depth])? else {
                unreachable!("an inline table is written");
            };
            insert_in(draft, &form, path[depth], Item::Value(nested.into()), Position::Last);
        }
        Located::Missing { .. } => {
            let section = section(path, key, item, draft.eol());
            place::as_new_section(draft, &document, path, &section);
        }
    }
    Ok(())
}

/// Adds `key = item` after the other entries below one `[[header]]`.
pub(super) fn insert_below(draft: &mut Draft<'_>, table: &Table, key: &str, item: Item) {
    let form = Form::Header { table, header: table.span() };
    insert_in(draft, &form, key, item, Position::Last);
}

/// Byte range of an item: a value without the white space around it, a header, or from the first
/// to the last dotted key.
pub(super) fn extent(table: &dyn TableLike, key: &str) -> Option<Range<usize>> {
    let item = table.get(key)?;
    if is_section(item) {
        return item.span();
    }
    Some(table.key(key)?.span()?.start..end_of(item)?)
}

/// Byte ranges of an entry, one for each `key.inner = value` of it.
pub(super) fn line_spans(table: &dyn TableLike, key: &str) -> Vec<Range<usize>> {
    match table.get(key).and_then(Item::as_table_like) {
        Some(inner) if inner.is_dotted() => {
            inner.iter().flat_map(|(key, _)| line_spans(inner, key)).collect()
        }
        _ => extent(table, key).into_iter().collect(),
    }
}

/// Whether an item is under headers of its own.
pub(super) fn is_section(item: &Item) -> bool {
    match item {
        Item::Table(table) => !table.is_dotted(),
        other => other.is_array_of_tables(),
    }
}

/// How a table is written.
enum Form<'d> {
    /// Below a header, or at the head of the file.
    Header { table: &'d dyn TableLike, header: Option<Range<usize>> },
    /// As `prefix.key = value` lines below some header, or inside an inline table.
    Dotted { table: &'d dyn TableLike, prefix: Vec<&'d str>, inline: bool },
    /// Between braces.
    Inline { table: &'d InlineTable },
}

enum Located<'d> {
    Written(Form<'d>),
    /// Only tables below it have headers.
    Implied,
    /// It is not there; `form` is the innermost table around it and `depth` that one's depth.
    Missing {
        form: Form<'d>,
        depth: usize,
    },
}

fn locate<'d>(
    draft: &Draft<'_>,
    document: &'d Document<String>,
    path: &[&'d str],
) -> Result<Located<'d>> {
    let root: &Table = document.as_table();
    let mut current: &dyn TableLike = root;
    let mut located = Located::Written(Form::Header { table: root, header: None });
    for (depth, key) in path.iter().enumerate() {
        let Some(item) = current.get(key) else {
            let form = match located {
                Located::Written(form) => form,
                _ => Form::Header { table: current, header: None },
            };
            return Ok(Located::Missing { form, depth });
        };
        let around = match &located {
            Located::Written(Form::Inline { .. }) => (Vec::new(), true),
            Located::Written(Form::Dotted { prefix, inline, .. }) => (prefix.clone(), *inline),
            _ => (Vec::new(), false),
        };
        let dotted = |table: &'d dyn TableLike| {
            let (mut prefix, inline) = around;
            prefix.push(*key);
            Located::Written(Form::Dotted { table, prefix, inline })
        };
        located = match item {
            Item::Table(table) if table.is_dotted() => dotted(table),
            Item::Table(table) if table.is_implicit() => Located::Implied,
            Item::Table(table) => Located::Written(Form::Header { table, header: table.span() }),
            Item::Value(Value::InlineTable(table)) if table.is_dotted() => dotted(table),
            Item::Value(Value::InlineTable(table)) => Located::Written(Form::Inline { table }),
            _ => {
                let message = format!("`{}` is not a table", path[..=depth].join("."));
                return Err(draft.error("invalid-manifest", message, item.span(), ""));
            }
        };
        current = item.as_table_like().expect("matched as a table above");
    }
    Ok(located)
}

fn insert_in(draft: &mut Draft<'_>, form: &Form<'_>, key: &str, item: Item, position: Position) {
    match form {
        Form::Header { table, header } => {
            insert_line(draft, *table, header.as_ref(), &[], key, item, position);
        }
        Form::Dotted { table, prefix, inline: false } => {
            insert_line(draft, *table, None, prefix, key, item, position);
        }
        Form::Dotted { table, prefix, inline: true } => {
            let pair = render_pair(&[prefix.as_slice(), &[key]].concat(), item);
            insert_pair(draft, *table, 0..0, &pair);
        }
        Form::Inline { table } => {
            let braces = table.span().expect("parsed tables have spans");
            insert_pair(draft, *table, braces, &render_pair(&[key], item));
        }
    }
}

/// An entry of a table body: from its first key to the end of its last value.
struct Entry {
    key: String,
    span: Range<usize>,
}

fn entries(table: &dyn TableLike) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .filter(|(_, item)| !is_section(item))
        .filter_map(|(key, _)| Some(Entry { key: key.to_owned(), span: extent(table, key)? }))
        .collect();
    entries.sort_by_key(|entry| entry.span.start);
    entries
}

fn insert_line(
    draft: &mut Draft<'_>,
    table: &dyn TableLike,
    header: Option<&Range<usize>>,
    prefix: &[&str],
    key: &str,
    item: Item,
    position: Position,
) {
    let line = render_line(&[prefix, &[key]].concat(), item);
    let entries = entries(table);
    let index = match position {
        Position::First => 0,
        Position::Last => entries.len(),
        Position::Sorted => sorted_index(&entries, key),
    };
    let (text, eol) = (draft.text(), draft.eol());
    if let Some(previous) = index.checked_sub(1).map(|previous| &entries[previous]) {
        let new = format!("{eol}{}{line}", lines::indent(text, previous.span.start));
        draft.insert(lines::end(text, previous.span.end), &new);
    } else if let Some(next) = entries.first() {
        let new = format!("{}{line}{eol}", lines::indent(text, next.span.start));
        draft.insert(lines::with_comments_above(text, next.span.start), &new);
    } else if let Some(header) = header {
        let new = format!("{eol}{}{line}", lines::indent(text, header.start));
        draft.insert(lines::end(text, header.end), &new);
    } else {
        draft.insert(lines::start(text, 0), &format!("{line}{eol}"));
    }
}

/// The place of a key in a sorted table. Where the table is not sorted as a whole, the place after
/// its nearest kin (`inventory-client` after `inventory`), or the end.
fn sorted_index(entries: &[Entry], key: &str) -> usize {
    for default_first in [true, false] {
        let rank = |key: &str| (!(default_first && key == "default"), key.to_owned());
        if entries.is_sorted_by_key(|entry| rank(&entry.key)) {
            return entries.partition_point(|entry| rank(&entry.key) < rank(key));
        }
    }
    let is_kin = |entry: &Entry| {
        key.strip_prefix(entry.key.as_str()).is_some_and(|rest| rest.starts_with(['-', '_']))
    };
    entries.iter().rposition(is_kin).map_or(entries.len(), |kin| kin + 1)
}

fn insert_pair(draft: &mut Draft<'_>, table: &dyn TableLike, braces: Range<usize>, pair: &str) {
    let last = table.iter().filter_map(|(key, _)| extent(table, key)).map(|span| span.end).max();
    match last {
        Some(end) => draft.insert(end, &format!(", {pair}")),
        None => draft.splice(braces, &format!("{{ {pair} }}")),
    }
}

/// `a.b.key = value`, without a line end.
fn render_line(path: &[&str], item: Item) -> String {
    let (key, outer) = path.split_last().expect("a path has a key");
    let mut table = Table::new();
    table.insert(key, item);
    for key in outer.iter().rev() {
        table.set_dotted(true);
        let mut around = Table::new();
        around.insert(key, Item::Table(table));
        table = around;
    }
    table.to_string().trim().to_owned()
}

/// As `render_line`, for a place between braces, where one line is all there is.
fn render_pair(path: &[&str], item: Item) -> String {
    let item = match item.into_value() {
        Ok(value) => Item::Value(value),
        Err(item) => item,
    };
    render_line(path, item)
}

/// A table with a header and one entry; ends with the entry, without a line end.
fn section(header: &[&str], key: &str, item: Item, eol: &str) -> String {
    let mut table = Table::new();
    table.insert(key, item);
    let mut document = Item::Table(table);
    for key in header.iter().rev() {
        let mut around = Table::new();
        around.set_implicit(true);
        around.insert_formatted(&header_key(key), document);
        document = Item::Table(around);
    }
    let root = document.into_table().expect("built as a table");
    toml_edit::DocumentMut::from(root).to_string().trim().replace('\n', eol)
}

/// `'cfg(unix)'` is how everybody writes it.
fn header_key(key: &str) -> Key {
    let plain = Key::new(key);
    match format!("'{key}'").parse() {
        Ok(literal) if plain.display_repr().starts_with('"') => literal,
        _ => plain,
    }
}

fn inline(path: &[&str], item: Item) -> InlineTable {
    let mut table = InlineTable::new();
    if let Ok(value) = item.into_value() {
        table.insert(path[0], value);
    }
    table
}

fn end_of(item: &Item) -> Option<usize> {
    match item.as_table_like() {
        Some(table) if table.is_dotted() => table.iter().filter_map(|(_, item)| end_of(item)).max(),
        _ => item.span().map(|span| span.end),
    }
}
