//! String literals with SQL over tables of the other side of the boundary.

use std::collections::BTreeSet;

use camino::Utf8Path;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

use crate::analysis::sql::mentions;
use crate::workspace::{Member, Source, TargetKind, Workspace, line_of};

use super::{NamedTable, SqlMention, Subject};

/// Every literal of another member over the module's tables, and of the module over the others'.
pub(super) fn find(workspace: &Workspace, subject: &Subject<'_>) -> Vec<SqlMention> {
    let mut found = Vec::new();
    for member in &workspace.members {
        let by_module = member.name == subject.module.name;
        let tables = if by_module { subject.foreign_tables } else { subject.tables };
        found.extend(sql_of(workspace, member, by_module, tables));
    }
    found
}

/// Every literal of a member with SQL over one of `tables`; `by_module` is what its mentions say.
pub fn sql_of(
    workspace: &Workspace,
    member: &Member,
    by_module: bool,
    tables: &[&str],
) -> Vec<SqlMention> {
    let mut found = Vec::new();
    if tables.is_empty() {
        return found;
    }
    let last_name = |table: &&str| table.rsplit('.').next().unwrap_or(table).to_ascii_lowercase();
    let last_names: Vec<String> = tables.iter().map(last_name).collect();
    for (file, source) in workspace.rust_files(member) {
        // Parsing is the expensive part; most files name no table.
        let text = source.text.to_ascii_lowercase();
        if !last_names.iter().any(|name| text.contains(name)) || !is_compiled(member, file) {
            continue;
        }
        let Ok(ast) = source.ast() else { continue };
        let dev_file = is_dev_file(member, file);
        for item in &ast.items {
            let mut seen = BTreeSet::new();
            literals(item.to_token_stream(), dev_file || is_test(item), &mut |literal, dev| {
                in_literal(source, literal, tables, &mut |table, range, line, writes| {
                    if seen.insert((table.clone(), range.start, writes)) {
                        found.push(SqlMention {
                            member: member.name.clone(),
                            file: file.to_owned(),
                            range,
                            line,
                            table,
                            writes,
                            by_module,
                            dev,
                        });
                    }
                });
            });
        }
    }
    found
}

/// Texts of other members that are the name of one of the module's tables and stand beside SQL: a query
/// may be put together of them.
pub(super) fn names(workspace: &Workspace, subject: &Subject<'_>) -> Vec<NamedTable> {
    let mut found = Vec::new();
    let quoted: Vec<String> = subject.tables.iter().map(|table| format!("\"{table}\"")).collect();
    for member in workspace.members.iter().filter(|member| member.name != subject.module.name) {
        for (file, source) in workspace.rust_files(member) {
            let is_quoted = quoted.iter().any(|table| source.text.contains(table));
            if !is_quoted || !is_compiled(member, file) || is_dev_file(member, file) {
                continue;
            }
            let Ok(ast) = source.ast() else { continue };
            for item in ast.items.iter().filter(|item| !is_test(item)) {
                let (mut named, mut sql) = (Vec::new(), false);
                literals(item.to_token_stream(), false, &mut |literal, dev| {
                    let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) else {
                        return;
                    };
                    let text = text.value();
                    sql |= is_sql(&text);
                    if !dev && subject.tables.contains(&text.as_str()) {
                        let line = line_of(&source.text, source.range(literal.span()).start);
                        named.push(NamedTable { file: file.to_owned(), line, table: text });
                    }
                });
                found.extend(named.into_iter().filter(|_| sql));
            }
        }
    }
    found
}

/// Whether a text begins as a statement does that reads or writes rows.
fn is_sql(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    ["select", "insert", "update", "delete", "with", "replace"]
        .iter()
        .any(|word| first.eq_ignore_ascii_case(word))
}

fn in_literal(
    source: &Source,
    literal: &proc_macro2::Literal,
    tables: &[&str],
    add: &mut dyn FnMut(String, std::ops::Range<usize>, usize, bool),
) {
    let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) else { return };
    let text = text.value();
    let range = source.range(literal.span());
    let written = source.text.get(range.clone()).unwrap_or_default();
    for mention in mentions(&text, tables) {
        let name = mention.table.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        // Escapes only lengthen what is written: the name stands at or behind its place in the value.
        let from = (0..=mention.offset).rev().find(|at| written.is_char_boundary(*at)).unwrap_or(0);
        let offset = written[from..].to_ascii_lowercase().find(&name).map_or(0, |at| from + at);
        let line = line_of(&source.text, range.start + offset);
        add(mention.table, range.clone(), line, mention.writes);
    }
}

/// Calls `each` for every string literal in an item, macro calls included; attributes and doc
/// comments are left out.
pub(super) fn literals(
    tokens: TokenStream,
    dev: bool,
    each: &mut dyn FnMut(&proc_macro2::Literal, bool),
) {
    let mut dev_next = dev;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                if let Some(TokenTree::Punct(bang)) = tokens.peek()
                    && bang.as_char() == '!'
                {
                    tokens.next();
                }
                if let Some(TokenTree::Group(group)) = tokens.peek()
                    && group.delimiter() == Delimiter::Bracket
                {
                    // `#[cfg(test)] mod tests { … }`: until its braces close.
                    dev_next |= is_test_attribute(&group.stream().to_string());
                    tokens.next();
                }
            }
            TokenTree::Group(group) => {
                literals(group.stream(), dev_next, each);
                if group.delimiter() == Delimiter::Brace {
                    dev_next = dev;
                }
            }
            TokenTree::Literal(literal) => each(&literal, dev_next),
            TokenTree::Punct(mark) if mark.as_char() == ';' => dev_next = dev,
            _ => {}
        }
    }
}

fn is_test(item: &syn::Item) -> bool {
    matches!(item, syn::Item::Mod(module)
        if module.attrs.iter().any(|a| is_test_attribute(&a.meta.to_token_stream().to_string())))
}

pub(super) fn is_test_attribute(attribute: &str) -> bool {
    let plain: String = attribute.chars().filter(|c| !c.is_whitespace()).collect();
    plain == "test"
        || plain.starts_with("cfg(test)")
        || plain.starts_with("cfg(all(test,")
        || plain.ends_with("::test")
        || plain.contains("::test(")
}

/// Whether a file lies where a target of the member could reach it; a folder of snippets does not.
pub(super) fn is_compiled(member: &Member, file: &Utf8Path) -> bool {
    member
        .targets
        .iter()
        .filter(|target| target.kind != TargetKind::Build)
        .filter_map(|target| target.root.parent())
        .any(|dir| file.starts_with(dir))
}

/// Whether a file belongs to tests, examples or benches by where it lies.
pub(super) fn is_dev_file(member: &Member, file: &Utf8Path) -> bool {
    let relative = file.strip_prefix(&member.dir).unwrap_or(file);
    ["tests", "examples", "benches"].iter().any(|dir| relative.starts_with(dir))
        || relative.components().any(|c| c.as_str() == "tests" || c.as_str() == "tests.rs")
        || member.targets.iter().any(|t| t.kind.is_dev() && t.root == file)
}
