//! SQL in string literals: which tables does it name?

use std::ops::Range;

use super::lex::{Kind, Token, lex};

/// The places where `text`, the value of a string literal, names one of `tables` as SQL does: behind
/// FROM, JOIN, INTO, UPDATE or TABLE, or in a list that FROM opened. Prose that has these words has
/// no table name behind them. Byte ranges in `text`, each with the name as given in `tables`.
pub fn sql_mentions(text: &str, tables: &[&str]) -> Vec<(Range<usize>, String)> {
    let tokens = lex(text);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.kind == Kind::Text {
            continue;
        }
        let Some(table) = tables.iter().find(|table| token.names(text, table)) else { continue };
        if is_table(text, &tokens, at) {
            found.push((token.span.clone(), (*table).to_owned()));
        }
    }
    // One mention may be prose (`not from items`); a verb of SQL somewhere makes it a statement.
    const VERBS: [&str; 10] = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "CREATE", "ALTER", "DROP",
        "TRUNCATE",
    ];
    const FRAGMENTS: [&str; 5] = ["FROM", "JOIN", "LEFT", "INNER", "INTO"];
    let opens = |token: &Token| VERBS.iter().chain(&FRAGMENTS).any(|word| token.is(text, word));
    let sql = tokens.iter().any(|token| VERBS.iter().any(|word| token.is(text, word)))
        || tokens.first().is_some_and(opens);
    if sql { found } else { Vec::new() }
}

fn is_table(text: &str, tokens: &[Token], mut at: usize) -> bool {
    let is = |at: usize, word: &str| tokens[at].is(text, word);
    // `main.items` and `public.items` name the table; `items.sku` is a column of it.
    if at >= 2 && tokens[at - 1].is_symbol(text, ".") {
        at -= 2;
    } else if tokens.get(at + 1).is_some_and(|token| token.is_symbol(text, ".")) {
        return false;
    }
    loop {
        let Some(before) = at.checked_sub(1) else { return false };
        match () {
            () if ["EXISTS", "NOT", "IF", "ONLY"].iter().any(|word| is(before, word)) => {
                at = before
            }
            // UPDATE OR ROLLBACK items
            () if before >= 2 && is(before - 1, "OR") && is(before - 2, "UPDATE") => return true,
            () if tokens[before].is_symbol(text, ",") => return in_from_list(text, tokens, before),
            () if tokens[before].is_symbol(text, "(") => at = before,
            () => {
                const INTRODUCE: [&str; 6] =
                    ["FROM", "JOIN", "INTO", "TABLE", "TRUNCATE", "REFERENCES"];
                let set = || tokens[at..].iter().any(|token| token.is(text, "SET"));
                return INTRODUCE.iter().any(|word| is(before, word))
                    || (is(before, "UPDATE") && set());
            }
        }
    }
}

/// Whether the comma at `at` separates tables: going back, FROM comes before any other clause.
fn in_from_list(text: &str, tokens: &[Token], at: usize) -> bool {
    const OTHERS: [&str; 9] =
        ["SELECT", "WHERE", "SET", "VALUES", "ORDER", "GROUP", "HAVING", "ON", "INTO"];
    let mut depth = 0;
    for token in tokens[..at].iter().rev() {
        if token.is_symbol(text, ")") {
            depth += 1;
        } else if token.is_symbol(text, "(") {
            depth -= 1;
            if depth < 0 {
                return false;
            }
        } else if depth == 0 && token.is(text, "FROM") {
            return true;
        } else if depth == 0 && OTHERS.iter().any(|word| token.is(text, word)) {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        sql_mentions(text, &["items", "Stock"]).into_iter().map(|(span, _)| &text[span]).collect()
    }

    #[test]
    fn statements_that_name_a_table() {
        for (text, expected) in [
            ("SELECT sku FROM items WHERE items.sku = ?", vec!["items"]),
            ("select * from orders o, items i join \"stock\" s on 1", vec!["items", "\"stock\""]),
            ("INSERT OR IGNORE INTO main.items (a) VALUES ('from items')", vec!["items"]),
            ("UPDATE OR FAIL stock SET a = (SELECT 1 FROM `items`)", vec!["stock", "`items`"]),
            ("DROP TABLE IF EXISTS [items]", vec!["[items]"]),
            ("FROM items", vec!["items"]),
            ("DELETE FROM items\n-- from stock", vec!["items"]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it() {
        for text in [
            "items",
            "removed from items",
            "SELECT items, stock FROM orders",
            "SELECT items.sku FROM lines AS items_2",
            "SELECT 1 FROM order_items ORDER BY items",
            "/items/stock",
            "cannot update stock: don't",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
