//! SQL in code that attaches another database file to a connection.

use std::ops::Range;

use camino::Utf8Path;
use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};
use quote::ToTokens;

use super::constructor::ModuleFacts;
use super::trace::Site;
use crate::analysis::code::{Code, Found, Item, ItemKind};
use crate::analysis::leads::Leads;
use crate::analysis::sql::{Kind, lex, statements};
use crate::diagnostic::Diagnostic;

/// Refuses each one in the module's library; of an adapter's crate, where its implementations get.
pub(super) fn refuse(module: &ModuleFacts<'_, '_>) -> Vec<Diagnostic> {
    let root = module.code.root(module.library);
    let items = root.items.iter().filter(|i| !i.test_only && i.kind != ItemKind::Module);
    let mut found: Vec<&Item<'_>> = items.filter(|item| in_item(item).is_some()).collect();
    if !found.is_empty() && module.served.iter().all(|s| s.api.id.root != module.library) {
        let implementations = module.served.iter().map(|served| served.implementation.id);
        let reached = Leads::of(module.code, module.library).reached_from(implementations);
        found.retain(|item| reached.contains(&item.id));
    }
    let refusal = |item: &Item<'_>| Some(refusal(item.file, in_item(item)?, "attached here"));
    found.into_iter().filter_map(refusal).collect()
}

/// The first one in a function that makes a pool or holds it, or in what that names: a constant, or a
/// function that may be given the pool.
pub(super) fn around(code: &Code<'_>, site: &Site<'_>) -> Option<Diagnostic> {
    let (item, block) = (&site.function.item, site.function.block.to_token_stream());
    if let Some(literal) = literals(block.clone()).first() {
        let place = item.source.range(literal.span());
        return Some(refusal(item.file, place, "on a connection of the module's pool"));
    }
    let mentioned = code.mentioned_in(item.scope, block);
    mentioned.into_iter().find_map(|(_, found)| {
        let Found::Item(id, _) = found else { return None };
        let named = code.item(id);
        let kinds = [ItemKind::Const, ItemKind::Static, ItemKind::Function];
        let place = kinds.contains(&named.kind).then(|| in_item(&named))??;
        let label = format!("`{}`, which has the module's pool, gets here", site.function.name());
        Some(refusal(named.file, place, &label))
    })
}

/// The place of the first one in an item.
fn in_item(item: &Item<'_>) -> Option<Range<usize>> {
    // Most files never say so.
    let text = &item.source.text;
    if !["ATTACH", "attach", "Attach"].iter().any(|word| text.contains(word)) {
        return None;
    }
    let found = literals(item.syntax.to_token_stream());
    Some(item.source.range(found.first()?.span()))
}

/// The string literals in code that hold `ATTACH '…' AS …`, attributes left out.
fn literals(tokens: TokenStream) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                let is_attribute = |next: &TokenTree| {
                    matches!(next, TokenTree::Group(group)
                        if group.delimiter() == Delimiter::Bracket)
                };
                tokens.next_if(is_attribute);
            }
            TokenTree::Group(group) => found.extend(literals(group.stream())),
            TokenTree::Literal(literal) => {
                let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                if text.is_ok_and(|text| attaches(&text.value())) {
                    found.push(literal);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
    found
}

/// Whether one of a text's statements is `ATTACH [DATABASE] 'file' AS name`; the file may be a parameter
/// or what a format puts there, but not a word, which is prose.
fn attaches(text: &str) -> bool {
    statements(text).into_iter().any(|statement| {
        let statement = &text[statement];
        let tokens = lex(statement);
        let Some((first, rest)) = tokens.split_first() else { return false };
        let rest = match rest {
            [database, rest @ ..] if database.is(statement, "DATABASE") => rest,
            rest => rest,
        };
        first.is(statement, "ATTACH")
            && rest.first().is_some_and(|file| file.kind != Kind::Word)
            && rest.iter().any(|token| token.is(statement, "AS"))
    })
}

fn refusal(file: &Utf8Path, place: Range<usize>, label: &str) -> Diagnostic {
    Diagnostic::error("attached-database", "another database is attached to the module's connections")
        .at(file, place, label)
        .note(
            "the service has one file of its own; what is in another is not in the module's migrations, \
             and is not copied",
        )
        .help("keep what the module stores in one database, and read the other through whoever owns it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_told_from_prose() {
        let statements = [
            "ATTACH 'old.db' AS old",
            "PRAGMA foreign_keys = ON; attach database ?1 as old;",
            "ATTACH \"old.db\" AS old",
            "ATTACH DATABASE '{path}' AS old",
            "ATTACH {path} AS old",
        ];
        assert!(statements.into_iter().all(attaches));
        let others = [
            "attach the label as a file",
            "ATTACH",
            "ALTER TABLE sales ATTACH PARTITION may FOR VALUES IN ('5')",
            "DETACH old",
        ];
        assert!(!others.into_iter().any(attaches));
    }

    #[test]
    fn documentation_is_no_code() {
        let code = "#[doc = \"ATTACH 'a' AS a\"] fn f() { run(r#\"ATTACH 'b' AS b\"#); }";
        let found = literals(code.parse().unwrap());
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("'b'"));
    }
}
