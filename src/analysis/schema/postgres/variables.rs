//! Migrations as syntax trees. `SELECT … INTO` a variable, in bodies of PL/pgSQL, is read without its target:
//! the parser takes such a statement for none, and what it reads is the same.

use std::ops::Range;

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{Parse, SourceFile, SyntaxKind, SyntaxNode};

use super::mentions::{definition, range};
use super::read::unreadable;
use crate::analysis::schema::MigrationFile;
use crate::analysis::sql::{Token, lex};
use crate::diagnostic::Diagnostics;

/// The syntax tree of a migration; what cannot be read is reported.
pub(super) fn parsed(file: &MigrationFile, problems: &mut Diagnostics) -> SourceFile {
    let parse = parse(&file.text);
    for error in parse.errors() {
        let span = error.range();
        problems.push(
            unreadable(&file.path, span.start().into()..span.end().into(), error.message())
                .note("calve reads the migrations as PostgreSQL would, and passes over nothing")
                .help(
                    "mend it; if PostgreSQL takes it as it is, that is a defect of calve: please report \
                     the statement",
                ),
        );
    }
    parse.tree()
}

/// Parses a migration; places are those of `text`.
pub(super) fn parse(text: &str) -> Parse<SourceFile> {
    let parse = SourceFile::parse(text);
    let nodes = parse.tree().syntax().descendants();
    let bodies: Vec<Range<usize>> = nodes.filter_map(|node| unread(&node)).collect();
    if bodies.is_empty() {
        return parse;
    }
    let mut plain = text.to_owned();
    for body in bodies {
        for target in targets(&text[body.clone()]) {
            let target = body.start + target.start..body.start + target.end;
            plain.replace_range(target.clone(), &" ".repeat(target.len()));
        }
    }
    SourceFile::parse(&plain)
}

/// The body of a function, a procedure or a block, between dollars, that cannot be read as it is.
fn unread(node: &SyntaxNode) -> Option<Range<usize>> {
    let (body, literal) = match node.kind() {
        SyntaxKind::DO => {
            let block = ast::Do::cast(node.clone())?;
            (block.plpgsql()?, block.body()?)
        }
        SyntaxKind::CREATE_FUNCTION => {
            (ast::CreateFunction::cast(node.clone())?.plpgsql()?, definition(node)?)
        }
        SyntaxKind::CREATE_PROCEDURE => {
            (ast::CreateProcedure::cast(node.clone())?.plpgsql()?, definition(node)?)
        }
        _ => return None,
    };
    let between_dollars = literal.syntax().text().to_string().starts_with('$');
    (between_dollars && !body.errors().is_empty()).then(|| range(literal.syntax()))
}

/// `INTO [STRICT] a, b.c` behind `SELECT` and `RETURNING`, the keyword that is nearest before it in the
/// same parentheses.
fn targets(body: &str) -> Vec<Range<usize>> {
    let tokens = lex(body);
    let mut found = Vec::new();
    let mut nearest = vec![None];
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is = |keyword: &&&str| token.is(body, keyword);
        if token.is_symbol(body, "(") {
            nearest.push(None);
        } else if token.is_symbol(body, ")") && nearest.len() > 1 {
            nearest.pop();
        } else if token.is_symbol(body, ";") {
            nearest = vec![None];
        } else if let Some(keyword) =
            ["SELECT", "RETURNING", "INSERT", "MERGE", "FETCH", "EXECUTE"].iter().find(is)
        {
            nearest.pop();
            nearest.push(Some(*keyword));
        } else if token.is(body, "INTO")
            && matches!(nearest.last(), Some(Some("SELECT" | "RETURNING")))
        {
            let end = behind(body, &tokens, at + 1);
            found.push(token.span.start..tokens[end - 1].span.end);
            at = end;
            continue;
        }
        at += 1;
    }
    found
}

/// The token behind a list of variables.
fn behind(body: &str, tokens: &[Token], mut at: usize) -> usize {
    let symbol =
        |at: usize, symbol: &str| tokens.get(at).is_some_and(|token| token.is_symbol(body, symbol));
    if tokens.get(at).is_some_and(|token| token.is(body, "STRICT")) {
        at += 1;
    }
    at = (at + 1).min(tokens.len());
    while symbol(at, ".") || symbol(at, ",") {
        at = (at + 2).min(tokens.len());
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_told_from_tables() {
        for (body, expected) in [
            ("SELECT a INTO n FROM goods;", &["INTO n"][..]),
            ("SELECT a, b INTO STRICT n, r.x FROM goods", &["INTO STRICT n, r.x"]),
            ("INSERT INTO goods VALUES (1) RETURNING id INTO n;", &["INTO n"]),
            ("INSERT INTO goods SELECT a FROM visits; FETCH c INTO x; EXECUTE q INTO y;", &[]),
            (
                "WITH w AS (INSERT INTO goods DEFAULT VALUES RETURNING id) SELECT id INTO n FROM w",
                &["INTO n"],
            ),
            ("PERFORM 'SELECT 1 INTO n'; -- SELECT 1 INTO n", &[]),
            ("SELECT count(*) INTO", &["INTO"]),
        ] {
            let found: Vec<&str> = targets(body).into_iter().map(|at| &body[at]).collect();
            assert_eq!(found, expected, "{body}");
        }
    }
}
