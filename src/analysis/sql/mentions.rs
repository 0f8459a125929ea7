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
///
/// A table of `PostgreSQL` comes with its schema and is compared as that keeps names, `stock.items`; one
/// of `SQLite` comes without, in any case.
pub(in crate::analysis) fn mentions(text: &str, tables: &[&str]) -> Vec<Mention> {
    let tokens = tokens_of(text);
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
    found(text, &tokens, tables, &|own, wanted| {
        own == wanted
            || (lower_case_statement
                && own.eq_ignore_ascii_case(wanted)
                && own.bytes().all(|b| !b.is_ascii_uppercase()))
    })
}

/// The same of a text that is nothing but SQL.
pub(in crate::analysis) fn mentions_in_sql(text: &str, tables: &[&str]) -> Vec<Mention> {
    found(text, &tokens_of(text), tables, &|own, wanted| own.eq_ignore_ascii_case(wanted))
}

fn tokens_of(text: &str) -> Vec<Token> {
    lex(text).into_iter().filter(|t| t.kind != Kind::Text).collect()
}

/// `is` says whether a word is a keyword.
fn found(
    text: &str,
    tokens: &[Token],
    tables: &[&str],
    is: &dyn Fn(&str, &str) -> bool,
) -> Vec<Mention> {
    let keyword = |index: usize, wanted: &str| {
        let token = tokens.get(index).filter(|t| t.kind == Kind::Word);
        token.is_some_and(|token| is(token.text(text), wanted))
    };
    let symbol = |index: usize, wanted: &str| {
        tokens.get(index).is_some_and(|token| token.is_symbol(text, wanted))
    };
    let defined = common_tables(text, tokens, &keyword);
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
            let Some((name, offset, next)) = qualified(text, tokens, at) else { break };
            at = next;
            let is_table = verb != "UPDATE" || updates(tokens, at, &keyword);
            if is_table && !defined.iter().any(|d| name.is(d)) {
                let meant = name.among(tables).into_iter();
                mentions.extend(meant.map(|table| Mention {
                    table: table.to_owned(),
                    offset,
                    writes,
                }));
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

/// A name in SQL, as `PostgreSQL` keeps it: in lower case unless it is quoted.
struct Name {
    schema: Option<String>,
    last: String,
}

impl Name {
    fn is(&self, plain: &str) -> bool {
        self.schema.is_none() && self.last.eq_ignore_ascii_case(plain)
    }

    /// The tables that it can be the name of.
    fn among<'t>(&self, tables: &[&'t str]) -> Vec<&'t str> {
        let fits = |table: &&&str| match table.split_once('.') {
            Some((schema, name)) => {
                name == self.last && self.schema.as_ref().is_none_or(|own| own == schema)
            }
            None => table.eq_ignore_ascii_case(&self.last),
        };
        let fitting: Vec<&str> = tables.iter().filter(fits).copied().collect();
        // Where nobody says otherwise, that is the schema of a name without one.
        match fitting.iter().find(|table| table.starts_with(PUBLIC) && self.schema.is_none()) {
            Some(table) => vec![table],
            None => fitting,
        }
    }
}

const PUBLIC: &str = "public.";

/// A table as people call it: without `PostgreSQL`'s usual schema.
pub(in crate::analysis) fn shown(table: &str) -> &str {
    table.strip_prefix(PUBLIC).unwrap_or(table)
}

/// A name with its schema, where its last part starts, and the token behind it.
fn qualified(text: &str, tokens: &[Token], at: usize) -> Option<(Name, usize, usize)> {
    let part = |at: usize| {
        let token = tokens.get(at)?;
        let name = token.name(text)?;
        Some(match token.kind {
            Kind::Quoted => (name, token.span.start + 1),
            _ => (name.to_lowercase(), token.span.start),
        })
    };
    let (last, mut offset) = part(at)?;
    let mut name = Name { schema: None, last };
    let mut next = at + 1;
    while tokens.get(next).is_some_and(|token| token.is_symbol(text, "."))
        && let Some((last, start)) = part(next + 1)
    {
        name = Name { schema: Some(name.last), last };
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

/// Whether a text may be the name of that table in some SQL: schemas are compared only where both have one.
pub(in crate::analysis) fn is_named(table: &str, name: &str) -> bool {
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
    fn postgresql_keeps_schemas_and_quoted_names_apart() {
        let tables = ["public.items", "public.Items", "sales.items", "sales.bins", "stock.bins"];
        let of = |text: &str| -> Vec<String> {
            mentions(text, &tables).into_iter().map(|mention| mention.table).collect()
        };
        assert_eq!(of("SELECT 1 FROM ITEMS"), ["public.items"]);
        assert_eq!(of("SELECT 1 FROM \"Items\""), ["public.Items"]);
        assert_eq!(of("SELECT 1 FROM Sales.Items"), ["sales.items"]);
        assert_eq!(of("SELECT 1 FROM \"Sales\".items"), Vec::<String>::new());
        assert_eq!(of("SELECT 1 FROM shop.sales.items"), ["sales.items"]);
        assert_eq!(of("SELECT 1 FROM bins"), ["sales.bins", "stock.bins"], "who knows which");
    }

    #[test]
    fn in_a_file_of_sql_every_keyword_is_one() {
        let text =
            "-- what is low\nInsert Into items Select * From orders; delete from stock.levels";
        let tables = ["items", "orders", "stock.levels"];
        let found = mentions_in_sql(text, &tables);
        assert_eq!(found.iter().map(|m| m.table.as_str()).collect::<Vec<_>>(), tables);
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
