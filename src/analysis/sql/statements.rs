//! Cuts a migration into its statements, as `sqlite3_complete` would.

use std::ops::Range;

use super::lex::{Token, lex};

/// The statements of `text`, each from its first token to its last, the semicolon left out.
///
/// A trigger contains semicolons; it ends with the `END` that follows one.
pub(in crate::analysis) fn statements(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Vec<Token> = Vec::new();
    for token in lex(text) {
        let ends = token.is_symbol(text, ";") && (!is_trigger(text, &open) || ended(text, &open));
        if !ends {
            open.push(token);
            continue;
        }
        found.extend(span(&open));
        open.clear();
    }
    found.extend(span(&open));
    found
}

fn span(tokens: &[Token]) -> Option<Range<usize>> {
    Some(tokens.first()?.span.start..tokens.last()?.span.end)
}

fn is_trigger(text: &str, open: &[Token]) -> bool {
    let mut words = open.iter().take(3);
    words.next().is_some_and(|token| token.is(text, "CREATE"))
        && match words.next() {
            Some(token) if token.is(text, "TRIGGER") => true,
            Some(token) if token.is(text, "TEMP") || token.is(text, "TEMPORARY") => {
                words.next().is_some_and(|token| token.is(text, "TRIGGER"))
            }
            _ => false,
        }
}

fn ended(text: &str, open: &[Token]) -> bool {
    matches!(open, [.., semicolon, end] if semicolon.is_symbol(text, ";") && end.is(text, "END"))
}

/// Whether a text of code begins as a statement does, and goes on.
pub(crate) fn is_sql(text: &str) -> bool {
    const FIRST: [&str; 9] =
        ["select", "insert", "update", "delete", "with", "replace", "create", "alter", "drop"];
    let text = text.trim_start();
    let word = text.split_whitespace().next().unwrap_or_default();
    FIRST.iter().any(|first| word.eq_ignore_ascii_case(first)) && text.len() > word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_one_statement() {
        let text = "-- a; b\nCREATE TABLE t (a TEXT DEFAULT ';');;\n\
            CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; \
            DELETE FROM t; END;\nDROP TABLE t -- end";
        let found: Vec<_> = statements(text).into_iter().map(|span| &text[span]).collect();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], "CREATE TABLE t (a TEXT DEFAULT ';')");
        assert!(found[1].ends_with("DELETE FROM t; END"));
        assert_eq!(found[2], "DROP TABLE t");
    }
}
