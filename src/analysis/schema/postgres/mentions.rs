//! What a statement names: tables, types, functions; and the texts in it that are code.

use std::collections::BTreeSet;
use std::ops::Range;

use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::model::{Mention, Space};
use super::names::{Name, parts};
use crate::analysis::schema::Place;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) mentions: Vec<Mention>,
    pub(super) texts: Vec<(Place, String)>,
    /// Names of what belongs to a table, whichever: `constraint`, `trigger`, `policy`, `rule`.
    pub(super) parts: BTreeSet<(&'static str, String)>,
    /// Extended statistics.
    pub(super) statistics: BTreeSet<Name>,
    /// Whether something runs that only the running program knows.
    pub(super) is_dynamic: bool,
    /// Whether there is code that nobody here can parse.
    pub(super) is_unread: bool,
}

/// From the tree of a statement, or of a body in it, to its places.
pub(super) struct Look<'a> {
    /// Where a range of the tree is in the file.
    pub(super) place: &'a dyn Fn(Range<usize>) -> Place,
    pub(super) found: &'a mut Found,
}

/// The range of a node in the text that was parsed.
pub(super) fn range(node: &SyntaxNode) -> Range<usize> {
    let range = node.text_range();
    range.start().into()..range.end().into()
}

impl Look<'_> {
    /// Looks at all below a node; what a foreign key references is left out.
    pub(super) fn at(&mut self, root: &SyntaxNode) {
        let local = locals(root);
        for node in root.descendants() {
            if in_foreign_key(&node) {
                continue;
            }
            self.part(&node);
            match node.kind() {
                SyntaxKind::STATISTICS_REF => self.found.statistics.extend(Name::below(&node)),
                SyntaxKind::RELATION_NAME_REF
                | SyntaxKind::TABLE_NAME_REF
                | SyntaxKind::VIEW_REF
                | SyntaxKind::SEQUENCE_REF
                | SyntaxKind::INDEX_REF => self.relation(&node, &local),
                SyntaxKind::QUALIFIED_COLUMN_NAME_REF => self.column(&node),
                SyntaxKind::PATH_TYPE | SyntaxKind::TYPE_NAME_REF | SyntaxKind::DOMAIN_REF => {
                    self.path(&node, Space::Type)
                }
                // `bins.code%TYPE` is of a column, `bins%ROWTYPE` of the table.
                SyntaxKind::PERCENT_TYPE => self.percent(&node),
                SyntaxKind::FUNCTION_NAME_REF
                | SyntaxKind::PROCEDURE_NAME_REF
                | SyntaxKind::ROUTINE_NAME_REF => self.path(&node, Space::Function),
                SyntaxKind::CALL_EXPR => self.call(&node),
                SyntaxKind::CAST_EXPR => self.cast(&node),
                SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT
                | SyntaxKind::PLPGSQL_FOR_DYN_STMT
                | SyntaxKind::PLPGSQL_OPEN_EXECUTE
                | SyntaxKind::PLPGSQL_RETURN_QUERY_EXECUTE_STMT => self.dynamic(&node),
                SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_PROCEDURE => self.body(&node),
                SyntaxKind::DO => self.anonymous(&node),
                _ => {}
            }
        }
    }

    fn add(&mut self, space: Space, name: Name, node: &SyntaxNode) {
        let place = (self.place)(range(node));
        self.found.mentions.push(Mention { space, name, place });
    }

    fn part(&mut self, node: &SyntaxNode) {
        let kind = match node.kind() {
            SyntaxKind::CONSTRAINT_NAME_REF => "constraint",
            SyntaxKind::TRIGGER_REF => "trigger",
            SyntaxKind::POLICY_REF => "policy",
            SyntaxKind::RULE_REF => "rule",
            _ => return,
        };
        let name = match kind {
            "constraint" => Name::below(node).map(|name| name.name),
            _ => Some(normalize_name_node(node)),
        };
        self.found.parts.extend(name.map(|name| (kind, name)));
    }

    fn path(&mut self, node: &SyntaxNode, space: Space) {
        if let Some(name) = Name::below(node) {
            self.add(space, name, node);
        }
    }

    fn relation(&mut self, node: &SyntaxNode, local: &BTreeSet<String>) {
        let Some(path) = node.children().find(|n| n.kind() == SyntaxKind::PATH_REF) else { return };
        let is_local = matches!(parts(&path).as_slice(), [name] if local.contains(name));
        if !is_local {
            self.path(node, Space::Relation);
        }
    }

    /// `bins.code`, as in `COMMENT ON COLUMN`.
    fn column(&mut self, node: &SyntaxNode) {
        let mut names: Vec<String> = node
            .children()
            .find(|n| n.kind() == SyntaxKind::PATH_REF)
            .map(|path| parts(&path))
            .unwrap_or_default();
        names.pop();
        if let Some(name) = Name::of_parts(names) {
            self.add(Space::Relation, name, node);
        }
    }

    fn percent(&mut self, node: &SyntaxNode) {
        let Some(path) = node.children().find(|n| n.kind() == SyntaxKind::PATH_REF) else { return };
        let mut names = parts(&path);
        if node.text().to_string().to_ascii_lowercase().contains("%type") && names.len() > 1 {
            names.pop();
        }
        if let Some(name) = Name::of_parts(names) {
            self.add(Space::Relation, name, node);
        }
    }

    fn call(&mut self, node: &SyntaxNode) {
        let Some(callee) = node.first_child() else { return };
        let names: Vec<String> = callee
            .descendants()
            .filter(|n| n.kind() == SyntaxKind::NAME_REF)
            .map(|n| normalize_name_node(&n))
            .collect();
        let Some(name) = Name::of_parts(names) else { return };
        let of_sequence = ["nextval", "currval", "setval"].contains(&name.name.as_str());
        self.add(Space::Function, name, &callee);
        if of_sequence && let Some(literal) = node.descendants().find_map(ast::Literal::cast) {
            self.text_name(&literal);
        }
    }

    /// `'bins'::regclass`.
    fn cast(&mut self, node: &SyntaxNode) {
        let is_regclass = node.children().any(|n| {
            n.kind() == SyntaxKind::PATH_TYPE
                && n.text().to_string().eq_ignore_ascii_case("regclass")
        });
        if is_regclass && let Some(literal) = node.children().find_map(ast::Literal::cast) {
            self.text_name(&literal);
        }
    }

    fn text_name(&mut self, literal: &ast::Literal) {
        if let Some(name) = literal.string_value().and_then(|text| Name::of_text(&text)) {
            self.add(Space::Relation, name, literal.syntax());
        }
    }

    /// `EXECUTE 'DELETE FROM ' || …`: a heuristic over the texts is all there can be.
    fn dynamic(&mut self, node: &SyntaxNode) {
        self.found.is_dynamic = true;
        // Of a loop, not what its body says.
        let query = node.children().find(|n| n.kind() == SyntaxKind::PLPGSQL_EXPR);
        for literal in query.as_ref().unwrap_or(node).descendants().filter_map(ast::Literal::cast) {
            if let Some(text) = literal.string_value() {
                let place = (self.place)(range(literal.syntax()));
                self.found.texts.push((place, text));
            }
        }
    }

    /// The body of a function, where it is a text.
    fn body(&mut self, node: &SyntaxNode) {
        let (sql, plpgsql) = match ast::CreateFunction::cast(node.clone()) {
            Some(function) => (function.sql_body(), function.plpgsql()),
            None => match ast::CreateProcedure::cast(node.clone()) {
                Some(procedure) => (procedure.sql_body(), procedure.plpgsql()),
                None => return,
            },
        };
        match (sql, plpgsql, definition(node)) {
            (Some(body), _, _) if body.errors().is_empty() => {
                let (syntax, source) = (body.syntax(), |r| body.source_range(r));
                self.inside(&syntax, &source);
            }
            (_, Some(body), _) if body.errors().is_empty() => {
                let (syntax, source) = (body.syntax(), |r| body.source_range(r));
                self.inside(&syntax, &source);
            }
            (_, _, Some(literal)) => {
                if let Some(text) = literal.string_value() {
                    let place = (self.place)(range(literal.syntax()));
                    self.found.is_unread = true;
                    // In another language, SQL is what stands between quotes.
                    self.found.texts.push((place, text.replace(['\'', '"'], " ")));
                }
            }
            _ => {}
        }
    }

    fn anonymous(&mut self, node: &SyntaxNode) {
        let Some(statement) = ast::Do::cast(node.clone()) else { return };
        match statement.plpgsql() {
            Some(body) if body.errors().is_empty() => {
                let (syntax, source) = (body.syntax(), |r| body.source_range(r));
                self.inside(&syntax, &source);
            }
            _ => {
                if let Some(literal) = statement.body()
                    && let Some(text) = literal.string_value()
                {
                    let place = (self.place)(range(literal.syntax()));
                    self.found.is_unread = true;
                    self.found.texts.push((place, text));
                }
            }
        }
    }

    fn inside(&mut self, body: &SyntaxNode, source: &dyn Fn(rowan::TextRange) -> rowan::TextRange) {
        let outer = self.place;
        let place = |range: Range<usize>| outer(mapped(source, range));
        Look { place: &place, found: self.found }.at(body);
    }
}

/// A range of a body as one of the file that it stands in.
pub(super) fn mapped(
    source: &dyn Fn(rowan::TextRange) -> rowan::TextRange,
    range: Range<usize>,
) -> Range<usize> {
    let size = |at: usize| rowan::TextSize::new(u32::try_from(at).unwrap_or(u32::MAX));
    let range = source(rowan::TextRange::new(size(range.start), size(range.end)));
    range.start().into()..range.end().into()
}

/// The text that is the body of a function or a procedure.
pub(super) fn definition(node: &SyntaxNode) -> Option<ast::Literal> {
    let definition = node.descendants().find(|n| n.kind() == SyntaxKind::AS_DEFINITION)?;
    definition.children().find_map(ast::Literal::cast)
}

/// Names that `WITH` gives to queries: they hide tables of the same name.
fn locals(root: &SyntaxNode) -> BTreeSet<String> {
    root.descendants()
        .filter(|n| n.kind() == SyntaxKind::CTE_NAME)
        .map(|n| normalize_name_node(&n))
        .collect()
}

/// Whether a node is, or belongs to, what a foreign key references.
pub(super) fn in_foreign_key(node: &SyntaxNode) -> bool {
    node.kind() == SyntaxKind::TABLE_NAME_REF
        && node.parent().is_some_and(|parent| {
            matches!(
                parent.kind(),
                SyntaxKind::REFERENCES_CONSTRAINT | SyntaxKind::FOREIGN_KEY_CONSTRAINT
            )
        })
}
