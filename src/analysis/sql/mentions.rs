//! Whether a string is SQL and which tables it names. Knows words, quotes and comments only: enough
//! for the literals of programs, which are often fragments that no parser takes.

use super::lex::{Kind, Token, lex};

/// A table that a piece of SQL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis) struct Mention {
    /// The table, as it was given.
    pub(in crate::analysis) table: String,
    /// Where its name starts, in bytes of the text.
    pub(in crate::analysis) offset: usize,
    /// Whether the table is changed.
    pub(in crate::analysis) writes: bool,
}

/// The tables of `tables` that `text` names, if it is SQL. A prose sentence is not: a keyword has to
/// be in capitals, or the text has to begin as a statement does.
pub(in crate::analysis) fn mentions(text: &str, tables: &[&str]) -> Vec<Mention> {
    let tokens: Vec<Token> = lex(text).into_iter().filter(|t| t.kind != Kind::Text).collect();
    let lower_case_statement = tokens.first().is_some_and(|first| {
        first.kind == Kind::Word
            && matches!(
                first.text(text),
                "select"
                    | "insert"
                    | "update"
                    | "delete"
                    | "with"
                    | "create"
                    | "alter"
                    | "drop"
                    | "replace"
                    | "merge"
                    | "truncate"
            )
    });
    let keyword = |index: usize, wanted: &str| {
        tokens.get(index).filter(|t| t.kind == Kind::Word).map(|t| t.text(text)).is_some_and(
            |own| {
                own == wanted
                    || (lower_case_statement
                        && own.eq_ignore_ascii_case(wanted)
                        && own.bytes().all(|b| !b.is_ascii_uppercase()))
            },
        )
    };
    let symbol = |index: usize, wanted: &str| {
        tokens.get(index).is_some_and(|token| token.is_symbol(text, wanted))
    };
    let defined = common_tables(text, &tokens, &keyword);
    let mut mentions = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let verb = ["FROM", "JOIN", "INTO", "UPDATE", "TABLE", "TRUNCATE", "REFERENCES"]
            .into_iter()
            .find(|verb| keyword(at, verb));
        let Some(verb) = verb else {
            at += 1;
            continue;
        };
        let writes = matches!(verb, "INTO" | "UPDATE" | "TABLE" | "TRUNCATE")
            || (verb == "FROM" && at > 0 && keyword(at - 1, "DELETE"));
        at += 1;
        // `FROM a, b AS c`
        loop {
            while ["IF", "NOT", "EXISTS", "ONLY", "LATERAL", "OR", "IGNORE", "TABLE"]
                .iter()
                .any(|skipped| keyword(at, skipped))
            {
                at += 1;
            }
            let Some((name, offset, next)) = qualified(text, &tokens, at) else { break };
            at = next;
            let is_table = verb != "UPDATE" || updates(&tokens, at, &keyword);
            if is_table
                && !defined.iter().any(|d| d.eq_ignore_ascii_case(&name))
                && let Some(table) = tables.iter().find(|table| names(table, &name))
            {
                mentions.push(Mention { table: (*table).to_owned(), offset, writes });
            }
            if !matches!(verb, "FROM" | "TRUNCATE") {
                break;
            }
            if keyword(at, "AS") {
                at += 1;
            }
            if tokens.get(at).is_some_and(|t| t.kind == Kind::Word) && symbol(at + 1, ",") {
                at += 1;
            }
            if symbol(at, ",") {
                at += 1;
            } else {
                break;
            }
        }
    }
    mentions
}

/// A name with its schema, where its last part starts, and the token behind it.
fn qualified(text: &str, tokens: &[Token], at: usize) -> Option<(String, usize, usize)> {
    let part = |at: usize| {
        let token = tokens.get(at)?;
        let quote = usize::from(token.kind == Kind::Quoted);
        Some((token.name(text)?, token.span.start + quote))
    };
    let (mut name, mut offset) = part(at)?;
    let mut next = at + 1;
    while tokens.get(next).is_some_and(|token| token.is_symbol(text, "."))
        && let Some((last, start)) = part(next + 1)
    {
        name = format!("{name}.{last}");
        (offset, next) = (start, next + 2);
    }
    Some((name, offset, next))
}

/// Whether `UPDATE name` goes on as a statement; `DO UPDATE SET` and `FOR UPDATE` do not.
fn updates(tokens: &[Token], at: usize, keyword: &impl Fn(usize, &str) -> bool) -> bool {
    keyword(at, "SET")
        || (keyword(at, "AS") && keyword(at + 2, "SET"))
        || (tokens.get(at).is_some_and(|t| t.kind == Kind::Word) && keyword(at + 1, "SET"))
        // A fragment that a builder completes.
        || at == tokens.len()
}

/// Names that `WITH name AS (…)` defines.
fn common_tables(
    text: &str,
    tokens: &[Token],
    keyword: &impl Fn(usize, &str) -> bool,
) -> Vec<String> {
    let mut defined = Vec::new();
    for at in 3..tokens.len() {
        if tokens[at].is_symbol(text, "(")
            && keyword(at - 1, "AS")
            && (keyword(at - 3, "WITH")
                || keyword(at - 3, "RECURSIVE")
                || tokens[at - 3].is_symbol(text, ","))
        {
            defined.extend(tokens[at - 2].name(text));
        }
    }
    defined
}

/// Whether a name in SQL is that table: schemas are compared only where both have one.
fn names(table: &str, name: &str) -> bool {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    if table.contains('.') && name.contains('.') {
        table.eq_ignore_ascii_case(name)
    } else {
        last(table) == last(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mentions = mentions(text, &["items", "stock.levels"]);
        for mention in &mentions {
            let last = mention.table.rsplit('.').next().unwrap();
            assert!(text[mention.offset..].to_lowercase().starts_with(last));
        }
        mentions
            .into_iter()
            .map(|m| format!("{}{}", m.table, if m.writes { "!" } else { "" }))
            .collect()
    }

    #[test]
    fn statements_and_fragments() {
        assert_eq!(of("SELECT sku FROM items WHERE a = 'FROM items'"), ["items"]);
        assert_eq!(of("select 1 from orders o join \"Items\" i on i.id = o.id"), ["items"]);
        assert_eq!(of("INSERT INTO items (a) VALUES (1)"), ["items!"]);
        assert_eq!(of("UPDATE items SET a = 1"), ["items!"]);
        assert_eq!(of("DELETE FROM `items`"), ["items!"]);
        assert_eq!(of(" LEFT JOIN public.items AS i ON "), ["items"]);
        assert_eq!(of("SELECT * FROM orders o, items"), ["items"]);
        assert_eq!(of("SELECT * FROM stock.levels"), ["stock.levels"]);
        assert_eq!(of("DROP TABLE IF EXISTS items"), ["items!"]);
        assert_eq!(of("TRUNCATE TABLE orders, items"), ["items!"]);
        assert_eq!(of("TRUNCATE items"), ["items!"]);
    }

    #[test]
    fn what_is_not_about_the_table() {
        for text in [
            "removed from items",
            "Update items SET of the page",
            "Select one from items",
            "items",
            "SELECT items FROM orders",
            "SELECT 1 -- FROM items",
            "INSERT INTO a VALUES (1) ON CONFLICT DO UPDATE SET items = 1",
            "WITH items AS (SELECT 1) SELECT * FROM items",
            "SELECT * FROM sales.levels",
            "SELECT '",
            "FROM \"",
        ] {
            assert_eq!(of(text), Vec::<String>::new(), "{text}");
        }
    }
}
