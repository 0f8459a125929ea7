//! Texts with SQL over tables of the other side of the boundary.

use std::collections::BTreeSet;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use quote::ToTokens;

use super::texts::{File, Text, may_include};
use super::{NamedTable, SqlMention, Subject};
use crate::analysis::sql::{Mention, Token, is_named, is_sql, lex, shown};
use crate::workspace::{Member, Source, TargetKind, Workspace, line_of};

/// Every text of another member over the module's tables, and of the module over the others'; and the texts
/// of other members that are the name of one of the module's tables and stand beside SQL: a query may be
/// put together of them.
pub(super) fn find(
    workspace: &Workspace,
    subject: &Subject<'_>,
) -> (Vec<SqlMention>, Vec<NamedTable>) {
    let all: Vec<&str> = subject.tables.iter().chain(subject.foreign_tables).copied().collect();
    let (mut mentions, mut names) = (Vec::new(), Vec::new());
    for member in &workspace.members {
        let by_module = member.name == subject.module.name;
        let wanted = if by_module { subject.foreign_tables } else { subject.tables };
        for (file, ast) in files_naming(workspace, member, wanted) {
            mentions_in(file, ast, by_module, Tables { all: &all, wanted }, &mut mentions);
            if !by_module && !member.is_dev_file(file.path) {
                names_in(file, ast, subject.tables, &mut names);
            }
        }
    }
    (mentions, names)
}

/// What SQL is searched for.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'a> {
    /// All that there are: one of them may be the better reading of a name.
    pub all: &'a [&'a str],
    /// Those that matter.
    pub wanted: &'a [&'a str],
}

/// Every text of a member with SQL over one of the tables that are wanted; `by_module` is what its mentions
/// say.
pub fn sql_of(
    workspace: &Workspace,
    member: &Member,
    by_module: bool,
    tables: Tables<'_>,
) -> Vec<SqlMention> {
    let mut found = Vec::new();
    for (file, ast) in files_naming(workspace, member, tables.wanted) {
        mentions_in(file, ast, by_module, tables, &mut found);
    }
    found
}

/// Every call of one of `functions` of the database in SQL of a member. One without a schema is of `public`
/// there; in SQL it may be of any, since a `search_path` can be set elsewhere.
pub fn calls_in_sql(workspace: &Workspace, member: &Member, functions: &[&str]) -> Vec<SqlCall> {
    let mut found = Vec::new();
    for (file, ast) in files_naming(workspace, member, functions) {
        let dev_file = member.is_dev_file(file.path);
        for item in &ast.items {
            file.texts(item.to_token_stream(), dev_file || is_test(item), &mut |text| {
                let tokens = lex(&text.value);
                let calls = tokens.first().is_some_and(|first| first.is(&text.value, "CALL"));
                if text.included.is_none() && !calls && !is_sql(&text.value) {
                    return;
                }
                let calls = |at: &usize| {
                    tokens.get(at + 1).is_some_and(|next| next.is_symbol(&text.value, "("))
                };
                for at in (0..tokens.len()).filter(calls) {
                    let called = functions
                        .iter()
                        .find(|name| ends_in_name(&text.value, &tokens[..=at], name));
                    found.extend(called.map(|function| SqlCall {
                        file: file.path.to_owned(),
                        range: text.range.clone(),
                        function: (*function).to_owned(),
                        dev: text.dev,
                    }));
                }
            });
        }
    }
    found
}

/// Whether tokens end in what may be that function.
fn ends_in_name(text: &str, tokens: &[Token], name: &str) -> bool {
    let (schema, name) = name.rsplit_once('.').unwrap_or(("public", name));
    let Some((last, before)) = tokens.split_last() else { return false };
    last.names(text, name)
        && match before {
            [.., qualifier, dot] if dot.is_symbol(text, ".") => qualifier.names(text, schema),
            _ => true,
        }
}

/// A text with SQL that calls a function of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlCall {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// The literal, or the macro call.
    pub range: Range<usize>,
    /// The function, as it was given.
    pub function: String,
    /// Whether it exists only in tests, examples or benches.
    pub dev: bool,
}

/// The files of a member that are compiled, and name one of `tables` or put other files into their texts.
/// Parsing is the expensive part; most files do neither.
fn files_naming<'w>(
    workspace: &'w Workspace,
    member: &'w Member,
    tables: &[&str],
) -> impl Iterator<Item = (File<'w>, &'w syn::File)> {
    let last_name = |table: &&str| table.rsplit('.').next().unwrap_or(table).to_ascii_lowercase();
    let last_names: Vec<String> = tables.iter().map(last_name).collect();
    let files = (!tables.is_empty()).then(|| workspace.rust_files(member));
    files.into_iter().flatten().filter_map(move |(path, source)| {
        let text = source.text.to_ascii_lowercase();
        let matters = last_names.iter().any(|name| text.contains(name)) || may_include(&text);
        if !matters || !is_compiled(member, path) {
            return None;
        }
        Some((File { workspace, member, path, source }, source.ast().ok()?))
    })
}

fn mentions_in(
    file: File<'_>,
    ast: &syn::File,
    by_module: bool,
    tables: Tables<'_>,
    found: &mut Vec<SqlMention>,
) {
    let dev_file = file.member.is_dev_file(file.path);
    for item in &ast.items {
        let mut seen = BTreeSet::new();
        file.texts(item.to_token_stream(), dev_file || is_test(item), &mut |text| {
            for mention in text.mentions(tables.all) {
                let place = (mention.table.clone(), text.range.start, mention.writes);
                if !tables.wanted.contains(&mention.table.as_str()) || !seen.insert(place) {
                    continue;
                }
                found.push(SqlMention {
                    member: file.member.name.clone(),
                    file: file.path.to_owned(),
                    range: text.range.clone(),
                    line: line_in(file.source, &text, &mention),
                    included: text.included.clone(),
                    table: shown(&mention.table).to_owned(),
                    writes: mention.writes,
                    by_module,
                    dev: text.dev,
                });
            }
        });
    }
}

fn names_in(file: File<'_>, ast: &syn::File, tables: &[&str], found: &mut Vec<NamedTable>) {
    for item in ast.items.iter().filter(|item| !is_test(item)) {
        let (mut named, mut sql) = (Vec::new(), false);
        file.texts(item.to_token_stream(), false, &mut |text| {
            sql |= is_sql(&text.value);
            let name = text.value.trim().trim_matches(['"', '`']);
            let table = tables.iter().find(|table| is_named(table, name));
            if let Some(table) = table.filter(|_| !text.dev) {
                let line = line_of(&file.source.text, text.range.start);
                let (file, table) = (file.path.to_owned(), shown(table).to_owned());
                named.push(NamedTable { file, line, table });
            }
        });
        found.extend(named.into_iter().filter(|_| sql));
    }
}

/// The line of a table's name in a text; that of the macro call where the text is a file.
fn line_in(source: &Source, text: &Text, mention: &Mention) -> usize {
    if text.included.is_some() {
        return line_of(&source.text, text.range.start);
    }
    let written = source.text.get(text.range.clone()).unwrap_or_default();
    let name = mention.table.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    // Escapes only lengthen what is written: the name stands at or behind its place in the value.
    let from = (0..=mention.offset).rev().find(|at| written.is_char_boundary(*at)).unwrap_or(0);
    let offset = written[from..].to_ascii_lowercase().find(&name).map_or(0, |at| from + at);
    line_of(&source.text, text.range.start + offset)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_of_a_function_in_its_schema() {
        for (sql, name, is_it) in [
            ("f", "f", true),
            ("public.F", "f", true),
            ("\"public\".\"f\"", "f", true),
            ("a.f", "f", false),
            ("a.f", "a.f", true),
            ("b.a.f", "a.f", true),
            ("f", "a.f", true),
            ("SELECT f", "f", true),
            ("f.g", "f", false),
            ("", "f", false),
        ] {
            assert_eq!(ends_in_name(sql, &lex(sql), name), is_it, "{sql}: {name}");
        }
    }
}
