//! Whether a string is SQL and which tables it names. Knows words, quotes and comments only: enough
//! for the literals of programs, which are often fragments that no parser takes.

/// A table that a piece of SQL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    /// The table, as it was given.
    pub(super) table: String,
    /// Where its name starts, in bytes of the text.
    pub(super) offset: usize,
    /// Whether the table is changed.
    pub(super) writes: bool,
}

/// The tables of `tables` that `text` names, if it is SQL. A prose sentence is not: a keyword has to
/// be in capitals, or the text has to begin as a statement does.
pub(super) fn sql_mentions(text: &str, tables: &[&str]) -> Vec<Mention> {
    let tokens = tokens(text);
    let lower_case_statement = matches!(
        tokens.first(),
        Some(Token { kind: Kind::Word, text, .. })
            if matches!(*text, "select" | "insert" | "update" | "delete" | "with" | "create"
                | "alter" | "drop" | "replace" | "merge" | "truncate")
    );
    let keyword = |index: usize, wanted: &str| {
        tokens.get(index).is_some_and(|t| {
            t.kind == Kind::Word
                && (t.text == wanted
                    || (lower_case_statement
                        && t.text.eq_ignore_ascii_case(wanted)
                        && t.text.bytes().all(|b| !b.is_ascii_uppercase())))
        })
    };
    let defined = common_tables(&tokens, &keyword);
    let mut mentions = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let verb = ["FROM", "JOIN", "INTO", "UPDATE", "TABLE", "REFERENCES"]
            .into_iter()
            .find(|verb| keyword(at, verb));
        let Some(verb) = verb else {
            at += 1;
            continue;
        };
        let writes = matches!(verb, "INTO" | "UPDATE" | "TABLE")
            || (verb == "FROM" && at > 0 && keyword(at - 1, "DELETE"));
        at += 1;
        // `FROM a, b AS c`
        loop {
            while ["IF", "NOT", "EXISTS", "ONLY", "LATERAL", "OR", "IGNORE"]
                .iter()
                .any(|skipped| keyword(at, skipped))
            {
                at += 1;
            }
            let Some((name, offset, next)) = qualified(&tokens, at) else { break };
            at = next;
            let is_table = verb != "UPDATE" || updates(&tokens, at, &keyword);
            if is_table
                && !defined.iter().any(|d| d.eq_ignore_ascii_case(&name))
                && let Some(table) = tables.iter().find(|table| names(table, &name))
            {
                mentions.push(Mention { table: (*table).to_owned(), offset, writes });
            }
            if verb != "FROM" {
                break;
            }
            if keyword(at, "AS") {
                at += 1;
            }
            if tokens.get(at).is_some_and(|t| t.kind == Kind::Word)
                && tokens.get(at + 1).is_some_and(|t| t.text == ",")
            {
                at += 1;
            }
            if tokens.get(at).is_some_and(|t| t.text == ",") {
                at += 1;
            } else {
                break;
            }
        }
    }
    mentions
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Quoted,
    Mark,
}

#[derive(Debug, Clone, Copy)]
struct Token<'t> {
    kind: Kind,
    text: &'t str,
    offset: usize,
}

/// Words, quoted names and marks; strings and comments are left out.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut offset = 0;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let ends_with = |mark: char| rest[1..].find(mark).map_or(rest.len(), |end| end + 2);
        let length = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '\'' {
            ends_with('\'')
        } else if matches!(first, '"' | '`' | '[') {
            let length = ends_with(if first == '[' { ']' } else { first });
            let name = rest.get(1..length - 1).unwrap_or_default();
            tokens.push(Token { kind: Kind::Quoted, text: name, offset: offset + 1 });
            length
        } else if is_word(first) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            tokens.push(Token { kind: Kind::Word, text: &rest[..length], offset });
            length
        } else {
            let length = first.len_utf8();
            if !first.is_whitespace() {
                tokens.push(Token { kind: Kind::Mark, text: &rest[..length], offset });
            }
            length
        };
        offset += length;
        rest = &rest[length..];
    }
    tokens
}

/// A name with its schema, where its last part starts, and the token behind it.
fn qualified(tokens: &[Token<'_>], at: usize) -> Option<(String, usize, usize)> {
    let is_name = |at: usize| tokens.get(at).filter(|t| t.kind != Kind::Mark);
    let first = is_name(at)?;
    let (mut name, mut offset, mut next) = (first.text.to_owned(), first.offset, at + 1);
    while tokens.get(next).is_some_and(|t| t.text == ".")
        && let Some(part) = is_name(next + 1)
    {
        name = format!("{name}.{}", part.text);
        (offset, next) = (part.offset, next + 2);
    }
    Some((name, offset, next))
}

/// Whether `UPDATE name` goes on as a statement; `DO UPDATE SET` and `FOR UPDATE` do not.
fn updates(tokens: &[Token<'_>], at: usize, keyword: &impl Fn(usize, &str) -> bool) -> bool {
    keyword(at, "SET")
        || (keyword(at, "AS") && keyword(at + 2, "SET"))
        || (tokens.get(at).is_some_and(|t| t.kind == Kind::Word) && keyword(at + 1, "SET"))
        // A fragment that a builder completes.
        || at == tokens.len()
}

/// Names that `WITH name AS (…)` defines.
fn common_tables<'t>(tokens: &[Token<'t>], keyword: &impl Fn(usize, &str) -> bool) -> Vec<&'t str> {
    let mut defined = Vec::new();
    for at in 2..tokens.len() {
        if tokens[at].text == "("
            && keyword(at - 1, "AS")
            && at >= 3
            && (keyword(at - 3, "WITH")
                || keyword(at - 3, "RECURSIVE")
                || tokens[at - 3].text == ",")
        {
            defined.push(tokens[at - 2].text);
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
        let mentions = sql_mentions(text, &["items", "stock.levels"]);
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
