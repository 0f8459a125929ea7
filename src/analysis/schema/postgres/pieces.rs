//! The pieces of a statement that can go without it: items of lists, foreign keys.

use std::ops::Range;

use rowan::Direction;
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::effects;
use super::mentions::range;
use super::names::Name;
use super::read::{child, columns, named};
use super::things;
use crate::analysis::schema::shared::statement::{About, Item, Key, Piece, Thing};

/// What names mean where a statement stands.
pub(super) trait Names {
    /// The table or view of that name, as it is called everywhere.
    fn relation(&self, name: &Name) -> Option<String>;
    /// The table that extended statistics are of.
    fn statistics(&self, name: &Name) -> Option<String>;
    /// The table that a foreign key of `table` references, by the name of its constraint.
    fn referenced(&self, table: &Name, constraint: &str) -> Option<String>;
}

/// The foreign keys that a statement gives `table`, and its pieces.
pub(super) fn of(
    node: &SyntaxNode,
    table: Option<&Name>,
    names: &dyn Names,
) -> (Vec<Key>, Vec<Piece>) {
    use SyntaxKind as K;
    let mut found = (Vec::new(), Vec::new());
    match (node.kind(), table) {
        (K::CREATE_TABLE | K::CREATE_FOREIGN_TABLE, Some(table)) => {
            let Some(list) = child(node, K::TABLE_ARG_LIST) else { return found };
            let parts: Vec<SyntaxNode> = list.children().collect();
            constraints(&parts, table, names, &mut found);
        }
        (K::ALTER_TABLE, Some(table)) => {
            let is_action =
                |n: &SyntaxNode| !matches!(n.kind(), K::IF_EXISTS | K::TABLE_RELATION_NAME);
            let actions: Vec<SyntaxNode> = node.children().filter(is_action).collect();
            constraints(&actions, table, names, &mut found);
        }
        (K::COMMENT_ON, _) => found.1.extend(comment(node, names)),
        _ => found.1.extend(lists(node, names)),
    }
    found
}

/// The parts of a table's definition, or the changes of one.
fn constraints(
    parts: &[SyntaxNode],
    table: &Name,
    names: &dyn Names,
    (keys, pieces): &mut (Vec<Key>, Vec<Piece>),
) {
    use SyntaxKind as K;
    let mut items = Vec::new();
    for part in parts {
        let mut about = None;
        let nodes = [part.clone()].into_iter().chain(part.children());
        for node in nodes {
            match node.kind() {
                K::FOREIGN_KEY_CONSTRAINT => {
                    let from = child(&node, K::FOREIGN_KEY_COLUMN_LIST);
                    let from = from.as_ref().map(columns).unwrap_or_default();
                    let Some(into) = key(&node, table, from, range(part), names, keys) else {
                        continue;
                    };
                    about = Some(About::Table(into));
                }
                K::REFERENCES_CONSTRAINT => {
                    let from = child(part, K::COLUMN_NAME).map(|n| normalize_name_node(&n));
                    let span = range(&node);
                    let from = from.into_iter().collect();
                    let Some(into) = key(&node, table, from, span.clone(), names, keys) else {
                        continue;
                    };
                    for span in [span].into_iter().chain(deferring(&node)) {
                        let about = Some(About::Table(into.clone()));
                        pieces.push(Piece::Clause(Item { span, comma: None, about, thing: None }));
                    }
                }
                _ => {}
            }
        }
        if let Some(constraint) = child(part, K::CONSTRAINT_NAME_REF)
            && let Some(constraint) = Name::below(&constraint)
        {
            about = names.referenced(table, &constraint.name).map(About::Table);
        }
        let thing = things::dropped_by(part, table);
        items.push(Item { span: range(part), comma: comma(part), about, thing });
    }
    if items.iter().any(|item| item.about.is_some() || item.thing.is_some()) {
        pieces.push(Piece::List(items));
    }
}

/// What says further on in a column's definition when its foreign key is checked: behind constraints that
/// cannot be deferred themselves.
fn deferring(reference: &SyntaxNode) -> Vec<Range<usize>> {
    use SyntaxKind as K;
    let own = |n: &SyntaxNode| {
        matches!(
            n.kind(),
            K::UNIQUE_CONSTRAINT | K::PRIMARY_KEY_CONSTRAINT | K::REFERENCES_CONSTRAINT
        )
    };
    let is_option = |n: &SyntaxNode| {
        matches!(
            n.kind(),
            K::DEFERRABLE_CONSTRAINT_OPTION
                | K::NOT_DEFERRABLE_CONSTRAINT_OPTION
                | K::INITIALLY_DEFERRED_CONSTRAINT_OPTION
                | K::INITIALLY_IMMEDIATE_CONSTRAINT_OPTION
        )
    };
    let behind = reference.siblings(Direction::Next).skip(1).take_while(|n| !own(n));
    behind.flat_map(|n| n.descendants()).filter(is_option).map(|n| range(&n)).collect()
}

/// Notes a foreign key, and returns the table that it references.
fn key(
    node: &SyntaxNode,
    table: &Name,
    from: Vec<String>,
    clause: Range<usize>,
    names: &dyn Names,
    keys: &mut Vec<Key>,
) -> Option<String> {
    let into = named(node, SyntaxKind::TABLE_NAME_REF).next()?;
    let into = names.relation(&into).unwrap_or_else(|| into.to_string());
    let table = names.relation(table).unwrap_or_else(|| table.to_string());
    keys.push(Key { table, from, into: into.clone(), clause });
    Some(into)
}

/// `COMMENT ON CONSTRAINT c ON goods`: nothing of it stays without the constraint.
fn comment(node: &SyntaxNode, names: &dyn Names) -> Option<Piece> {
    let on = node.first_child()?;
    let thing = things::spoken_of(&on, names)?;
    let into = |table: Name| names.referenced(&table, &thing.name);
    let table = child(&on, SyntaxKind::TABLE_NAME_REF).and_then(|n| Name::below(&n));
    let about = table.filter(|_| thing.kind == "constraint").and_then(into).map(About::Table);
    Some(Piece::List(vec![Item { span: range(node), comma: None, about, thing: Some(thing) }]))
}

/// Lists of names: `DROP TABLE a, b`, `GRANT … ON a, b`.
fn lists(node: &SyntaxNode, names: &dyn Names) -> Vec<Piece> {
    use SyntaxKind as K;
    const REFERENCES: [SyntaxKind; 15] = [
        K::TABLE_NAME_REF,
        K::TABLE_RELATION_NAME,
        K::RELATION_NAME,
        K::RELATION_NAME_REF,
        K::VIEW_REF,
        K::SEQUENCE_REF,
        K::INDEX_REF,
        K::STATISTICS_REF,
        K::TYPE_NAME_REF,
        K::DOMAIN_REF,
        K::SCHEMA_REF,
        K::EXTENSION_REF,
        K::FUNCTION_SIG,
        K::ROUTINE_SIG,
        K::TABLE_AND_COLUMNS,
    ];
    let only_speaks = matches!(node.kind(), K::GRANT | K::REVOKE)
        || format!("{:?}", node.kind()).starts_with("DROP_");
    let is_list = |n: &SyntaxNode| {
        let kind = format!("{:?}", n.kind());
        n == node
            || kind.starts_with("PRIVILEGE_")
            || kind.ends_with("_SIG_LIST")
            || matches!(n.kind(), K::TABLE_LIST | K::RELATION_LIST | K::TABLE_AND_COLUMNS_LIST)
    };
    let of_list = |list: SyntaxNode| -> Option<Piece> {
        let parts = list.children().filter(|n| REFERENCES.contains(&n.kind()));
        let items: Vec<Item> = parts
            .map(|part| Item {
                span: range(&part),
                comma: comma(&part),
                about: about(&part, names),
                thing: thing(&part, names),
            })
            .collect();
        let separated = items.iter().rev().skip(1).all(|item| item.comma.is_some());
        (items.len() > 1 && separated || only_speaks && items.len() == 1)
            .then_some(Piece::List(items))
    };
    if let Some(thing) = things::dropped(node) {
        let (span, thing) = (range(node), Some(thing));
        return vec![Piece::List(vec![Item { span, comma: None, about: None, thing }])];
    }
    node.descendants().filter(is_list).filter_map(of_list).collect()
}

fn about(part: &SyntaxNode, names: &dyn Names) -> Option<About> {
    let objects = effects::objects(part);
    if let Some(object) = objects.into_iter().next() {
        return Some(About::Object(object));
    }
    let name = Name::below(part)?;
    let table = match part.kind() {
        SyntaxKind::STATISTICS_REF => names.statistics(&name),
        _ => names.relation(&name),
    };
    table.map(About::Table)
}

/// The table, the index that an item of a list names.
fn thing(part: &SyntaxNode, names: &dyn Names) -> Option<Thing> {
    use SyntaxKind as K;
    match part.kind() {
        K::TYPE_NAME_REF | K::DOMAIN_REF | K::SCHEMA_REF | K::EXTENSION_REF => None,
        K::FUNCTION_SIG | K::ROUTINE_SIG => None,
        K::STATISTICS_REF => Some(Thing::statistics(Name::below(part)?.to_string())),
        _ => Some(things::relation(&Name::below(part)?, names)),
    }
}

/// The comma behind an item.
fn comma(part: &SyntaxNode) -> Option<Range<usize>> {
    let mut next = part.next_sibling_or_token();
    while let Some(element) = next {
        if let Some(token) = element.as_token() {
            if token.kind() == SyntaxKind::COMMA {
                let range = token.text_range();
                return Some(range.start().into()..range.end().into());
            }
        } else {
            return None;
        }
        next = element.next_sibling_or_token();
    }
    None
}
