//! What belongs to a table and goes with it, or with one of its columns; and by which keys statements find
//! rows.

use std::collections::BTreeSet;

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::effects;
use super::names::Name;
use super::pieces::Names;
use super::read::{child, children, named};
use super::things;
use crate::analysis::schema::shared::statement::{Find, Heir, Heirs, Part, Thing, UniqueKey};

/// The parts of tables that a statement makes.
pub(super) fn of(node: &SyntaxNode) -> Vec<Part> {
    use SyntaxKind as K;
    let below = |kind| child(node, kind).and_then(|n| Name::below(&n));
    let on = |kind| {
        let table = below(kind);
        let of_table = |thing| Some(Part { thing, of: whole(table.as_ref()?), key: None });
        things::created(node).into_iter().filter_map(of_table).collect()
    };
    match node.kind() {
        K::CREATE_TABLE | K::CREATE_FOREIGN_TABLE => {
            let Some(table) = named(node, K::TABLE_NAME).next() else { return Vec::new() };
            let list = child(node, K::TABLE_ARG_LIST);
            let parts = list.iter().flat_map(SyntaxNode::children);
            parts.flat_map(|part| made_by(&part, &table)).collect()
        }
        K::ALTER_TABLE => {
            let Some(table) = below(K::TABLE_RELATION_NAME) else { return Vec::new() };
            node.children().flat_map(|action| made_by(&action, &table)).collect()
        }
        K::CREATE_INDEX => {
            let Some(table) = below(K::TABLE_RELATION_NAME) else { return Vec::new() };
            things::created(node).into_iter().map(|thing| index(node, thing, &table)).collect()
        }
        K::CREATE_TRIGGER => on(K::ON_RELATION),
        K::CREATE_POLICY => on(K::ON_TABLE),
        K::CREATE_RULE => on(K::RULE_ON),
        K::CREATE_STATISTICS => on(K::FROM_TABLE),
        _ => Vec::new(),
    }
}

/// Which tables a statement lets have the columns of others.
pub(super) fn heirs(node: &SyntaxNode) -> Vec<Heir> {
    use SyntaxKind as K;
    let below = |kind| child(node, kind).and_then(|n| Name::below(&n));
    let heir =
        |table: &Name, of: &Name, how| Heir { table: table.to_string(), of: of.to_string(), how };
    match node.kind() {
        K::CREATE_TABLE | K::CREATE_FOREIGN_TABLE => {
            let Some(table) = below(K::TABLE_NAME) else { return Vec::new() };
            let list = child(node, K::TABLE_ARG_LIST);
            let like = list.iter().flat_map(|list| children(list, K::LIKE_CLAUSE));
            let like =
                like.filter_map(|like| Some(heir(&table, &Name::below(&like)?, Heirs::Once)));
            let parents =
                [K::INHERITS, K::PARTITION_OF].into_iter().filter_map(|kind| child(node, kind));
            let parents = parents.flat_map(|n| named(&n, K::TABLE_NAME_REF).collect::<Vec<_>>());
            like.chain(parents.map(|of| heir(&table, &of, Heirs::FromNow))).collect()
        }
        K::ALTER_TABLE => {
            let Some(table) = below(K::TABLE_RELATION_NAME) else { return Vec::new() };
            let of = |action: SyntaxNode| {
                let other = named(&action, K::TABLE_NAME_REF).next()?;
                match action.kind() {
                    K::INHERIT_TABLE => Some(heir(&table, &other, Heirs::FromNow)),
                    K::NO_INHERIT_TABLE => Some(heir(&table, &other, Heirs::NoLonger)),
                    K::ATTACH_PARTITION => Some(heir(&other, &table, Heirs::FromNow)),
                    K::DETACH_PARTITION => Some(heir(&other, &table, Heirs::NoLonger)),
                    _ => None,
                }
            };
            node.children().filter_map(of).collect()
        }
        _ => Vec::new(),
    }
}

/// What a table is called as that with which its parts go, whatever its name is.
fn whole(table: &Name) -> BTreeSet<Thing> {
    BTreeSet::from([Thing::whole(table.to_string())])
}

fn index(node: &SyntaxNode, thing: Thing, table: &Name) -> Part {
    let has = |kind: SyntaxKind| {
        node.children_with_tokens().any(|part| part.as_token().is_some_and(|t| t.kind() == kind))
    };
    let mut of = whole(table);
    of.extend(columns_in(node, table));
    let key = has(SyntaxKind::UNIQUE_KW).then(|| UniqueKey {
        table: table.to_string(),
        columns: items(node, SyntaxKind::PARTITION_ITEM_LIST, table),
        is_primary: false,
        is_partial: child(node, SyntaxKind::WHERE_CLAUSE).is_some(),
    });
    Part { thing, of, key }
}

/// The columns, or expressions, of an index, without parentheses around them and without collations: a wish
/// for a key has either or not.
fn items(node: &SyntaxNode, list: SyntaxKind, table: &Name) -> BTreeSet<Thing> {
    let list = child(node, list);
    let items = list.iter().flat_map(SyntaxNode::children).filter_map(|item| item.first_child());
    let is_around =
        |n: &SyntaxNode| matches!(n.kind(), SyntaxKind::PAREN_EXPR | SyntaxKind::COLLATE);
    let bare = |item: SyntaxNode| {
        let inner = |n: &SyntaxNode| n.first_child().filter(|_| is_around(n));
        std::iter::successors(Some(item), inner).last()
    };
    let items = items.filter_map(bare);
    let item = |item: SyntaxNode| match item.kind() {
        SyntaxKind::NAME_REF => Thing::of("column", table.to_string(), normalize_name_node(&item)),
        _ => {
            let text = item.text().to_string().to_lowercase();
            let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            Thing::of("expression", table.to_string(), bare)
        }
    };
    items.map(item).collect()
}

/// The columns that a constraint or an index of a table names.
fn columns_in(node: &SyntaxNode, table: &Name) -> Vec<Thing> {
    let is_column = |n: &SyntaxNode| match n.kind() {
        SyntaxKind::COLUMN_NAME_REF => true,
        SyntaxKind::NAME_REF => !things::is_called(n),
        _ => false,
    };
    let on = table.to_string();
    let named = node.descendants().filter(is_column);
    named.map(|n| Thing::of("column", &*on, normalize_name_node(&n))).collect()
}

/// What a part of a table's definition, or a change of one, makes.
fn made_by(part: &SyntaxNode, table: &Name) -> Vec<Part> {
    use SyntaxKind as K;
    match part.kind() {
        K::ADD_CONSTRAINT => {
            part.children().flat_map(|constraint| constraint_of(&constraint, table, None)).collect()
        }
        K::COLUMN | K::ADD_COLUMN => {
            let Some(name) = child(part, K::COLUMN_NAME) else { return Vec::new() };
            let name = normalize_name_node(&name);
            let column = Thing::of("column", table.to_string(), &*name);
            let counting = things::sequence_of(part, table, &name).map(|thing| Part {
                thing,
                of: BTreeSet::from([column.clone()]),
                key: None,
            });
            let constraints =
                part.children().flat_map(|n| constraint_of(&n, table, Some(&name))).chain(counting);
            let own = Part { thing: column.clone(), of: whole(table), key: None };
            [own].into_iter().chain(constraints).collect()
        }
        _ => constraint_of(part, table, None),
    }
}

/// A constraint, and the index that it makes.
fn constraint_of(node: &SyntaxNode, table: &Name, of_column: Option<&str>) -> Vec<Part> {
    use SyntaxKind as K;
    let column: Vec<String> = of_column.map(str::to_owned).into_iter().collect();
    let Some((name, is_index)) = things::constraint(node, table, &column) else {
        return Vec::new();
    };
    let own = column.into_iter().map(|column| Thing::of("column", table.to_string(), column));
    let columns: BTreeSet<Thing> = match node.kind() {
        K::REFERENCES_CONSTRAINT => own.collect(),
        K::FOREIGN_KEY_CONSTRAINT => {
            let from = child(node, K::FOREIGN_KEY_COLUMN_LIST);
            from.iter().flat_map(|list| columns_in(list, table)).collect()
        }
        _ => own.chain(columns_in(node, table)).collect(),
    };
    let key = matches!(node.kind(), K::PRIMARY_KEY_CONSTRAINT | K::UNIQUE_CONSTRAINT).then(|| {
        let list = node.descendants().find(|n| n.kind() == K::CONSTRAINT_COLUMN_REF_LIST);
        UniqueKey {
            table: table.to_string(),
            columns: list.map_or_else(
                || columns.clone(),
                |list| BTreeSet::from_iter(columns_in(&list, table)),
            ),
            is_primary: node.kind() == K::PRIMARY_KEY_CONSTRAINT,
            is_partial: false,
        }
    });
    let constraint = Thing::of("constraint", table.to_string(), &*name);
    let mut of = whole(table);
    of.extend(columns);
    if !is_index {
        let into = named(node, K::TABLE_NAME_REF).next();
        of.extend(into.iter().flat_map(whole));
    }
    let index = is_index.then(|| Part {
        thing: Thing::relation(table.beside(name).to_string()),
        of: BTreeSet::from([constraint.clone()]),
        key: None,
    });
    [Part { thing: constraint, of, key }].into_iter().chain(index).collect()
}

/// What a statement calls otherwise; an index has the name of its constraint.
pub(super) fn renames(node: &SyntaxNode) -> Vec<(Thing, Thing)> {
    use SyntaxKind as K;
    let below = |kind| child(node, kind).and_then(|n| Name::below(&n));
    let renamed = |old: Option<Name>| -> Vec<(Thing, Thing)> {
        let new = old.as_ref().and_then(|old| effects::new_name(node, old));
        let pair = old.zip(new);
        let thing = |name: Name| Thing::relation(name.to_string());
        pair.map(|(old, new)| (thing(old), thing(new))).into_iter().collect()
    };
    match node.kind() {
        K::ALTER_INDEX => renamed(below(K::INDEX_REF)),
        K::ALTER_SEQUENCE => renamed(below(K::SEQUENCE_REF)),
        K::ALTER_TABLE => {
            let Some(table) = below(K::TABLE_RELATION_NAME) else { return Vec::new() };
            let parts = node.children().flat_map(|action| renamed_by(&action, &table));
            parts.chain(renamed(Some(table.clone()))).collect()
        }
        K::ALTER_VIEW | K::ALTER_MATERIALIZED_VIEW => renamed(below(K::VIEW_REF)),
        _ => Vec::new(),
    }
}

fn renamed_by(action: &SyntaxNode, table: &Name) -> Vec<(Thing, Thing)> {
    use SyntaxKind as K;
    let new = |kind| child(action, kind).map(|n| normalize_name_node(&n));
    let Some(old) = things::renamed_by(action, table) else { return Vec::new() };
    let of = |name| Thing::of(old.kind, table.to_string(), name);
    let relation = |name: String| Thing::relation(table.beside(name).to_string());
    match action.kind() {
        K::RENAME_COLUMN => {
            new(K::COLUMN_NAME).map(|new| (old.clone(), of(new))).into_iter().collect()
        }
        _ => {
            let Some(new) = new(K::CONSTRAINT_NAME) else { return Vec::new() };
            let index = (relation(old.name.clone()), relation(new.clone()));
            vec![(old.clone(), of(new)), index]
        }
    }
}

/// How a statement finds rows by a key: those that a foreign key references, those with which a new one is in
/// conflict.
pub(super) fn finds(roots: &[SyntaxNode], names: &dyn Names) -> Vec<Find> {
    use SyntaxKind as K;
    let called = |name: Name| names.relation(&name).unwrap_or_else(|| name.to_string());
    let find = |n: SyntaxNode| match n.kind() {
        K::REFERENCES_CONSTRAINT | K::FOREIGN_KEY_CONSTRAINT => {
            let into = named(&n, K::TABLE_NAME_REF).next()?;
            let list = match n.kind() {
                K::FOREIGN_KEY_CONSTRAINT => {
                    children(&n, K::FOREIGN_KEY_COLUMN_LIST).into_iter().nth(1)
                }
                _ => child(&n, K::COLUMN_NAME_REF).map(|_| n.clone()),
            };
            let on = Name::public(called(into));
            let columns = list.map(|list| {
                let own = list.children().filter(|n| n.kind() == K::COLUMN_NAME_REF);
                own.flat_map(|n| columns_in(&n, &on)).collect()
            });
            Some(Find { table: on.name, columns, is_partial: false })
        }
        K::CONFLICT_ON_INDEX => {
            let insert = n.ancestors().find(|around| around.kind() == K::INSERT)?;
            let into = Name::below(&child(&insert, K::RELATION_NAME_REF)?)?;
            let on = Name::public(called(into));
            let columns = Some(items(&n, K::CONFLICT_INDEX_ITEM_LIST, &on));
            let is_partial = child(&n, K::WHERE_CLAUSE).is_some();
            Some(Find { table: on.name, columns, is_partial })
        }
        _ => None,
    };
    roots.iter().flat_map(SyntaxNode::descendants).filter_map(find).collect()
}
