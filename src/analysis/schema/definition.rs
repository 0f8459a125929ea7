//! Finds the foreign keys in the text of a table, and takes some of them out.

use std::ops::Range;

use crate::analysis::sql::{Kind, Token, lex, lex_with_comments, quote};

/// A foreign key as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// From `CONSTRAINT`, `FOREIGN` or `REFERENCES` to the last word of the clause.
    pub(super) clause: Range<usize>,
    /// A `DEFERRABLE` that belongs to it, but stands behind another constraint of its column.
    deferrable: Option<Range<usize>>,
    /// The table referenced.
    pub(super) table: String,
    /// The columns that reference.
    pub(super) from: Vec<String>,
}

/// One column or table constraint between the parentheses of `CREATE TABLE`.
struct Item {
    span: Range<usize>,
    comma: Option<Range<usize>>,
    references: Vec<Reference>,
    /// A table constraint, so that a foreign key is all that it is.
    constraint: bool,
}

/// The foreign keys that a `CREATE TABLE` or `ALTER TABLE … ADD COLUMN` statement writes down, with
/// the table that gets them; `None` for other statements. Spans are within `sql`.
pub(super) fn references(sql: &str) -> Option<(String, Vec<Reference>)> {
    let tokens = lex(sql);
    let name = table_name(sql, &tokens)?;
    let found = if tokens[0].is(sql, "ALTER") {
        let mut rest = tokens.get(name + 1..)?;
        if !rest.first()?.is(sql, "ADD") {
            return None;
        }
        rest = &rest[1..];
        if rest.first()?.is(sql, "COLUMN") {
            rest = &rest[1..];
        }
        column_references(sql, rest)
    } else {
        items(sql, &tokens[name + 1..]).into_iter().flat_map(|item| item.references).collect()
    };
    Some((tokens[name].name(sql)?, found))
}

/// The text of a `CREATE TABLE` under another name and without the foreign keys into `dropped`;
/// everything else stays byte for byte, except that columns lose the old table name before them.
pub(super) fn without_references(sql: &str, new_name: &str, dropped: &[&str]) -> String {
    let tokens = lex(sql);
    let Some(name) = table_name(sql, &tokens) else { return sql.to_owned() };
    let gone = |table: &str| dropped.iter().any(|dropped| dropped.eq_ignore_ascii_case(table));
    let mut cuts = table_cuts(sql, &tokens[name + 1..], gone);
    cuts.extend(qualifiers(sql, &tokens[name + 1..], &tokens[name].name(sql).unwrap_or_default()));
    cuts.sort_by_key(|range| range.start);

    let mut text = sql[..tokens[name].span.start].to_owned();
    text.push_str(&quote(new_name));
    let mut position = tokens[name].span.end;
    for cut in cuts {
        text.push_str(&sql[position..cut.start]);
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if text.ends_with(word) && sql[cut.end..].starts_with(word) {
            text.push(' ');
        }
        position = cut.end;
    }
    text.push_str(&sql[position..]);
    text
}

/// What goes with the foreign keys into tables that are `gone`, in a `CREATE TABLE` or an `ALTER TABLE …
/// ADD COLUMN`: the clauses, and the commas and white space that only they needed. Sorted.
pub(super) fn clause_cuts(sql: &str, gone: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let tokens = lex(sql);
    let Some(name) = table_name(sql, &tokens) else { return Vec::new() };
    if tokens[0].is(sql, "CREATE") {
        let mut cuts = table_cuts(sql, &tokens[name + 1..], gone);
        cuts.sort_by_key(|range| range.start);
        return cuts;
    }
    let found = references(sql).map(|(_, found)| found).unwrap_or_default();
    let cut = found.into_iter().filter(|reference| gone(&reference.table));
    cut.flat_map(|reference| [Some(reference.clause), reference.deferrable])
        .flatten()
        .map(|range| widen(sql, range))
        .collect()
}

fn table_cuts(sql: &str, tokens: &[Token], gone: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let mut constraints = Vec::new();
    for item in items(sql, tokens) {
        let cut: Vec<_> =
            item.references.iter().filter(|reference| gone(&reference.table)).collect();
        let goes = item.constraint && !cut.is_empty();
        if !goes {
            for reference in cut {
                cuts.push(widen(sql, reference.clause.clone()));
                cuts.extend(reference.deferrable.clone().map(|range| widen(sql, range)));
            }
        }
        constraints.push((item.span, item.comma, goes));
    }
    cuts.extend(item_cuts(sql, constraints));
    cuts
}

/// What goes with those items of a list that do: each a range, the comma behind it, and whether it goes.
pub(super) fn item_cuts(
    sql: &str,
    items: impl IntoIterator<Item = (Range<usize>, Option<Range<usize>>, bool)>,
) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let mut last_kept = None;
    let mut cut_since = false;
    for (span, comma, goes) in items {
        if goes {
            let end = comma.map_or(span.end, |comma| comma.end);
            cuts.push(widen(sql, span.start..end));
        } else {
            last_kept = comma;
        }
        cut_since = goes;
    }
    if cut_since {
        cuts.extend(last_kept);
    }
    cuts
}

/// The position of the table's name in a `CREATE TABLE` or `ALTER TABLE` statement.
fn table_name(sql: &str, tokens: &[Token]) -> Option<usize> {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(sql, word));
    let mut at = match () {
        () if is(0, "ALTER") && is(1, "TABLE") => 2,
        () if is(0, "CREATE") && is(1, "TABLE") => 2,
        () if is(0, "CREATE") && (is(1, "TEMP") || is(1, "TEMPORARY")) && is(2, "TABLE") => 3,
        () => return None,
    };
    if is(at, "IF") && is(at + 1, "NOT") && is(at + 2, "EXISTS") {
        at += 3;
    }
    if tokens.get(at + 1).is_some_and(|token| token.is_symbol(sql, ".")) {
        at += 2;
    }
    (at < tokens.len()).then_some(at)
}

/// The columns and constraints between the outer parentheses; none for `CREATE TABLE … AS`.
fn items(sql: &str, tokens: &[Token]) -> Vec<Item> {
    if !tokens.first().is_some_and(|token| token.is_symbol(sql, "(")) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut depth = 0;
    let mut start = 1;
    for (at, token) in tokens.iter().enumerate() {
        if token.is_symbol(sql, "(") {
            depth += 1;
        } else if token.is_symbol(sql, ")") {
            depth -= 1;
            if depth == 0 {
                push_items(sql, &tokens[start..at], None, &mut found);
                break;
            }
        } else if depth == 1 && token.is_symbol(sql, ",") {
            push_items(sql, &tokens[start..at], Some(token.span.clone()), &mut found);
            start = at + 1;
        }
    }
    found
}

/// What stands between two commas: a column, or table constraints, which need no comma in between.
fn push_items(sql: &str, tokens: &[Token], comma: Option<Range<usize>>, found: &mut Vec<Item>) {
    const STARTS: [&str; 4] = ["PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
    let starts = |token: &Token| STARTS.iter().any(|word| token.is(sql, word));
    let Some(first) = tokens.first() else { return };
    let item = |tokens: &[Token], comma, references, constraint| Item {
        span: tokens[0].span.start..tokens[tokens.len() - 1].span.end,
        comma,
        references,
        constraint,
    };
    if !first.is(sql, "CONSTRAINT") && !starts(first) {
        found.push(item(tokens, comma, column_references(sql, tokens), false));
        return;
    }
    let mut bounds = Vec::new();
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.is_symbol(sql, "(") {
            depth += 1;
        } else if token.is_symbol(sql, ")") {
            depth -= 1;
        } else if depth == 0 {
            let named = at >= 2 && tokens[at - 2].is(sql, "CONSTRAINT");
            if token.is(sql, "CONSTRAINT") || (starts(token) && !named) {
                bounds.push(at);
            }
        }
    }
    bounds.push(tokens.len());
    for bound in bounds.windows(2) {
        let part = &tokens[bound[0]..bound[1]];
        let comma = comma.clone().filter(|_| bound[1] == tokens.len());
        let references = table_reference(sql, part).into_iter().collect();
        found.push(item(part, comma, references, true));
    }
}

/// `[CONSTRAINT x] FOREIGN KEY (a, b) REFERENCES …`
fn table_reference(sql: &str, tokens: &[Token]) -> Option<Reference> {
    let foreign = tokens.iter().take(3).position(|token| token.is(sql, "FOREIGN"))?;
    let at = tokens.iter().position(|token| token.is(sql, "REFERENCES"))?;
    let from = tokens.get(foreign + 2..at)?.iter().filter_map(|token| token.name(sql)).collect();
    let clause = tokens[0].span.start..tokens[tokens.len() - 1].span.end;
    let table = tokens.get(at + 1)?.name(sql)?;
    Some(Reference { clause, deferrable: None, table, from })
}

/// Every `[CONSTRAINT x] REFERENCES …` of one column definition.
fn column_references(sql: &str, tokens: &[Token]) -> Vec<Reference> {
    let mut found: Vec<Reference> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.is_symbol(sql, "(") {
            depth += 1;
        } else if token.is_symbol(sql, ")") {
            depth -= 1;
        } else if depth == 0 && token.is(sql, "REFERENCES") {
            let named = at >= 2 && tokens[at - 2].is(sql, "CONSTRAINT");
            let start = if named { at - 2 } else { at };
            let end = clause_end(sql, tokens, at);
            if let Some(table) = tokens.get(at + 1).and_then(|token| token.name(sql)) {
                found.push(Reference {
                    clause: tokens[start].span.start..tokens[end - 1].span.end,
                    deferrable: None,
                    table,
                    from: tokens[0].name(sql).into_iter().collect(),
                });
            }
            at = end;
            continue;
        } else if depth == 0
            && let Some(end) = deferrable_end(sql, tokens, at)
        {
            // SQLite lets it apply to the foreign key before it; left alone it would slip to another.
            if let Some(reference) = found.last_mut() {
                reference.deferrable = Some(token.span.start..tokens[end - 1].span.end);
            }
            at = end;
            continue;
        }
        at += 1;
    }
    found
}

/// The position behind the clause that starts with `REFERENCES` at `at`.
fn clause_end(sql: &str, tokens: &[Token], at: usize) -> usize {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(sql, word));
    let mut end = (at + 2).min(tokens.len());
    if tokens.get(end).is_some_and(|token| token.is_symbol(sql, "(")) {
        let close = tokens[end..].iter().position(|token| token.is_symbol(sql, ")"));
        end = close.map_or(tokens.len(), |close| end + close + 1);
    }
    loop {
        end = if is(end, "ON") {
            // ON DELETE | UPDATE, then one word (CASCADE, RESTRICT) or two (SET NULL, NO ACTION).
            let two = is(end + 2, "SET") || is(end + 2, "NO");
            end + if two { 4 } else { 3 }
        } else if is(end, "MATCH") {
            end + 2
        } else if let Some(end) = deferrable_end(sql, tokens, end) {
            end
        } else {
            return end;
        }
        .min(tokens.len());
    }
}

/// The position behind `[NOT] DEFERRABLE [INITIALLY DEFERRED | IMMEDIATE]`, if that stands at `at`.
fn deferrable_end(sql: &str, tokens: &[Token], at: usize) -> Option<usize> {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(sql, word));
    let at = if is(at, "NOT") { at + 1 } else { at };
    is(at, "DEFERRABLE").then(|| if is(at + 1, "INITIALLY") { at + 3 } else { at + 1 })
}

/// `orders.` in `CHECK (orders.total > 0)`: that name is not there while the table has another.
fn qualifiers(sql: &str, tokens: &[Token], table: &str) -> Vec<Range<usize>> {
    tokens
        .windows(2)
        .filter(|pair| pair[0].kind != Kind::Text && pair[0].names(sql, table))
        .filter(|pair| pair[1].is_symbol(sql, "."))
        .map(|pair| pair[0].span.start..pair[1].span.end)
        .collect()
}

/// The range with the white space before it, as far as that separates nothing: the line end of a
/// comment goes only where another one follows.
pub(super) fn widen(sql: &str, range: Range<usize>) -> Range<usize> {
    let before = &sql[..range.start];
    let trimmed = before.trim_end_matches([' ', '\t', '\r', '\n', '\u{c}']).len();
    let after = sql[range.end..].trim_start_matches([' ', '\t']);
    let ends_line = after.starts_with('\n') || after.starts_with("\r\n");
    let line_comment = lex_with_comments(before)
        .last()
        .is_some_and(|last| last.kind == Kind::Comment && last.text(sql).starts_with("--"));
    if !line_comment || ends_line {
        return trimmed..range.end;
    }
    before.trim_end_matches([' ', '\t']).len()..range.end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(sql: &str) -> String {
        without_references(sql, "n", &["items"])
    }

    #[test]
    fn one_clause_goes_and_the_rest_stays_byte_for_byte() {
        for (before, after) in [
            ("CREATE TABLE t (a REFERENCES items, b)", "CREATE TABLE \"n\" (a, b)"),
            (
                "CREATE TABLE t (a INT REFERENCES items(x)NOT NULL)",
                "CREATE TABLE \"n\" (a INT NOT NULL)",
            ),
            (
                "CREATE TABLE t (a INT CONSTRAINT fk REFERENCES \"Items\" (x) ON DELETE SET NULL ON UPDATE NO ACTION MATCH FULL NOT DEFERRABLE INITIALLY IMMEDIATE NOT NULL DEFAULT 'x, (')",
                "CREATE TABLE \"n\" (a INT NOT NULL DEFAULT 'x, (')",
            ),
            (
                "CREATE TABLE t (a REFERENCES o, b REFERENCES items UNIQUE DEFERRABLE INITIALLY DEFERRED)",
                "CREATE TABLE \"n\" (a REFERENCES o, b UNIQUE)",
            ),
            (
                "CREATE TABLE t (\n  a INT, -- the key, of (items)\n  FOREIGN KEY (a) REFERENCES items (x)\n)",
                "CREATE TABLE \"n\" (\n  a INT -- the key, of (items)\n)",
            ),
            (
                "CREATE TABLE t (a, -- x\n FOREIGN KEY (a) REFERENCES items, CHECK (t.a > 0))",
                "CREATE TABLE \"n\" (a, -- x\n CHECK (a > 0))",
            ),
            (
                "CREATE TABLE t (a, b, CONSTRAINT \"x y\" FOREIGN KEY (a, b) REFERENCES [items] UNIQUE (a) FOREIGN KEY (b) REFERENCES o)",
                "CREATE TABLE \"n\" (a, b, UNIQUE (a) FOREIGN KEY (b) REFERENCES o)",
            ),
            (
                "CREATE TABLE t (a, UNIQUE (a), FOREIGN KEY (a) REFERENCES items, FOREIGN KEY (a) REFERENCES 'items') STRICT",
                "CREATE TABLE \"n\" (a, UNIQUE (a)) STRICT",
            ),
        ] {
            assert_eq!(cut(before), after);
        }
    }

    #[test]
    fn references_are_found_in_create_and_alter() {
        let sql = "ALTER TABLE main.\"t\" ADD a_b INT REFERENCES items (x) NOT NULL";
        let (table, found) = references(sql).unwrap();
        assert_eq!((&*table, &sql[found[0].clause.clone()]), ("t", "REFERENCES items (x)"));
        assert_eq!(found[0].from, ["a_b"]);
        let sql = "CREATE TABLE IF NOT EXISTS t (a, b, FOREIGN KEY (a, b) REFERENCES items)";
        let (_, found) = references(sql).unwrap();
        assert_eq!(found[0].from, ["a", "b"]);
        assert_eq!(references("ALTER TABLE t DROP COLUMN a"), None);
        assert_eq!(references("CREATE TABLE t AS SELECT 1").unwrap().1, []);
    }
}
