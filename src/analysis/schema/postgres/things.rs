//! What a statement creates and uses besides rows: tables, their columns and constraints, indexes.

use std::collections::BTreeSet;

use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::column_name::ColumnName;
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::columns::Columns;
use super::effects;
use super::mentions::Found;
use super::model::Space;
use super::names::{Name, generated_name, parts};
use super::pieces::Names;
use super::read::{child, children, columns, constraint_name, named};
use crate::analysis::schema::shared::statement::{Does, Piece, Statement, Thing};

/// What a statement creates.
pub(super) fn created(node: &SyntaxNode) -> Vec<Thing> {
    use SyntaxKind as K;
    let below = |kind| child(node, kind).and_then(|n| Name::below(&n));
    let on = |kind, on, name| {
        let (table, name) = (below(on)?, child(node, name)?);
        Some(Thing::of(kind, table.to_string(), normalize_name_node(&name)))
    };
    let one =
        |name: Option<Name>| Vec::from_iter(name.map(|name| Thing::relation(name.to_string())));
    match node.kind() {
        K::CREATE_TABLE | K::CREATE_TABLE_AS | K::CREATE_FOREIGN_TABLE | K::SELECT_INTO => {
            let Some(table) = named(node, K::TABLE_NAME).next() else { return Vec::new() };
            let list = child(node, K::TABLE_ARG_LIST);
            let parts = list.iter().flat_map(SyntaxNode::children);
            let parts = parts.flat_map(|part| created_by_part(&part, &table));
            [Thing::relation(table.to_string())].into_iter().chain(parts).collect()
        }
        K::ALTER_TABLE => {
            let Some(table) = below(K::TABLE_RELATION_NAME) else { return Vec::new() };
            let actions = node.children().flat_map(|action| created_by_part(&action, &table));
            actions
                .chain(effects::new_name(node, &table).map(|new| Thing::relation(new.to_string())))
                .collect()
        }
        K::CREATE_VIEW | K::CREATE_MATERIALIZED_VIEW => one(below(K::VIEW)),
        K::CREATE_SEQUENCE => one(below(K::SEQUENCE)),
        K::CREATE_INDEX => {
            let Some(table) = below(K::TABLE_RELATION_NAME) else { return Vec::new() };
            let index = below(K::INDEX).map(|index| index.name);
            let index = index.unwrap_or_else(|| generated_name(&table.name, &indexed(node), "idx"));
            vec![Thing::relation(Name { schema: table.schema, name: index }.to_string())]
        }
        K::ALTER_VIEW | K::ALTER_MATERIALIZED_VIEW => {
            one(below(K::VIEW_REF).and_then(|old| effects::new_name(node, &old)))
        }
        K::ALTER_SEQUENCE => {
            one(below(K::SEQUENCE_REF).and_then(|old| effects::new_name(node, &old)))
        }
        K::ALTER_INDEX => one(below(K::INDEX_REF).and_then(|old| effects::new_name(node, &old))),
        K::CREATE_TRIGGER => on("trigger", K::ON_RELATION, K::TRIGGER).into_iter().collect(),
        K::CREATE_POLICY => on("policy", K::ON_TABLE, K::POLICY).into_iter().collect(),
        K::CREATE_RULE => on("rule", K::RULE_ON, K::RULE).into_iter().collect(),
        K::CREATE_STATISTICS => {
            let name = below(K::STATISTICS);
            name.map(|name| Thing::statistics(name.to_string())).into_iter().collect()
        }
        K::ALTER_STATISTICS => {
            let new = below(K::STATISTICS_REF).and_then(|old| effects::new_name(node, &old));
            new.map(|new| Thing::statistics(new.to_string())).into_iter().collect()
        }
        K::CREATE_FUNCTION
        | K::CREATE_PROCEDURE
        | K::CREATE_AGGREGATE
        | K::CREATE_TYPE
        | K::CREATE_DOMAIN
        | K::CREATE_SCHEMA
        | K::CREATE_EXTENSION => {
            let made = effects::of(node).map(|effects| effects.makes).unwrap_or_default();
            made.iter().map(|object| Thing::object(object)).collect()
        }
        K::ALTER_FUNCTION | K::ALTER_PROCEDURE | K::ALTER_TYPE | K::ALTER_DOMAIN => {
            let new = Name::below(node).and_then(|old| effects::new_name(node, &old));
            new.map(|new| Thing::object(&effects::object(space(node), &new))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Of what kind is what a change of something without rows is about.
fn space(node: &SyntaxNode) -> Space {
    match node.kind() {
        SyntaxKind::ALTER_TYPE | SyntaxKind::ALTER_DOMAIN => Space::Type,
        _ => Space::Function,
    }
}

/// What a part of a table's definition, or a change of one, creates.
fn created_by_part(part: &SyntaxNode, table: &Name) -> Vec<Thing> {
    use SyntaxKind as K;
    let on = table.to_string();
    let new = |kind, name: SyntaxNode| Thing::of(kind, &*on, normalize_name_node(&name));
    match part.kind() {
        K::RENAME_COLUMN => {
            child(part, K::COLUMN_NAME).map(|n| new("column", n)).into_iter().collect()
        }
        K::RENAME_CONSTRAINT => {
            let name = child(part, K::CONSTRAINT_NAME);
            name.map(|n| new("constraint", n)).into_iter().collect()
        }
        K::ADD_CONSTRAINT => {
            part.children().flat_map(|constraint| constrained(&constraint, table, &[])).collect()
        }
        K::COLUMN | K::ADD_COLUMN => {
            let Some(name) = child(part, K::COLUMN_NAME) else { return Vec::new() };
            let column = normalize_name_node(&name);
            let constraints = part.children();
            let constraints = constraints.flat_map(|constraint| {
                constrained(&constraint, table, std::slice::from_ref(&column))
            });
            let sequence = sequence_of(part, table, &column);
            [new("column", name)].into_iter().chain(constraints).chain(sequence).collect()
        }
        _ => constrained(part, table, &[]),
    }
}

/// The sequence of a column that counts by itself.
pub(super) fn sequence_of(part: &SyntaxNode, table: &Name, column: &str) -> Option<Thing> {
    use SyntaxKind as K;
    let counts = |n: &SyntaxNode| {
        let is_serial = || n.text().to_string().to_ascii_lowercase().ends_with("serial");
        n.kind() == K::GENERATED_CONSTRAINT || n.kind() == K::PATH_TYPE && is_serial()
    };
    part.children().any(|n| counts(&n)).then(|| {
        let name = generated_name(&table.name, &[column.to_owned()], "seq");
        Thing::relation(table.beside(name).to_string())
    })
}

/// Whether a name is of a function that is called.
pub(super) fn is_called(node: &SyntaxNode) -> bool {
    let around = node.parent().filter(|around| around.kind() == SyntaxKind::CALL_EXPR);
    around.is_some_and(|call| call.first_child().as_ref() == Some(node))
}

/// A constraint, and the index that it makes.
fn constrained(node: &SyntaxNode, table: &Name, of_column: &[String]) -> Vec<Thing> {
    let Some((name, is_index)) = constraint(node, table, of_column) else { return Vec::new() };
    let index = is_index.then(|| {
        Thing::relation(Name { schema: table.schema.clone(), name: name.clone() }.to_string())
    });
    [Thing::of("constraint", table.to_string(), name)].into_iter().chain(index).collect()
}

/// The name of a constraint, as written or as PostgreSQL makes one, and whether it makes an index.
pub(super) fn constraint(
    node: &SyntaxNode,
    table: &Name,
    of_column: &[String],
) -> Option<(String, bool)> {
    use SyntaxKind as K;
    let is_index = matches!(
        node.kind(),
        K::PRIMARY_KEY_CONSTRAINT | K::UNIQUE_CONSTRAINT | K::EXCLUDE_CONSTRAINT
    );
    let label = match node.kind() {
        K::PRIMARY_KEY_CONSTRAINT => "pkey",
        K::UNIQUE_CONSTRAINT => "key",
        K::EXCLUDE_CONSTRAINT => "excl",
        K::CHECK_CONSTRAINT => "check",
        K::FOREIGN_KEY_CONSTRAINT | K::REFERENCES_CONSTRAINT => "fkey",
        _ => return None,
    };
    if let Some(name) = constraint_name(node) {
        return Some((name, is_index));
    }
    let listed = match node.kind() {
        K::PRIMARY_KEY_CONSTRAINT => Vec::new(),
        K::CHECK_CONSTRAINT => {
            let named = node.descendants().filter(|n| n.kind() == K::NAME_REF && !is_called(n));
            let named: BTreeSet<String> = named.map(|n| normalize_name_node(&n)).collect();
            // PostgreSQL names a column only where it is the only one.
            if named.len() == 1 { Vec::from_iter(named) } else { Vec::new() }
        }
        _ if !of_column.is_empty() => of_column.to_vec(),
        K::FOREIGN_KEY_CONSTRAINT => {
            children(node, K::FOREIGN_KEY_COLUMN_LIST).first().map(columns).unwrap_or_default()
        }
        _ => {
            let of = |n: &SyntaxNode| matches!(n.kind(), K::COLUMN_NAME_REF | K::NAME_REF);
            node.descendants().filter(of).map(|n| normalize_name_node(&n)).collect()
        }
    };
    Some((generated_name(&table.name, &listed, label), is_index))
}

/// The columns of an index, as its name has them: each once, by a number where another one has it.
fn indexed(node: &SyntaxNode) -> Vec<String> {
    let items = node.descendants().filter(|n| n.kind() == SyntaxKind::PARTITION_ITEM);
    let mut names: Vec<String> = Vec::new();
    for name in items.map(|item| item.first_child().as_ref().and_then(called)) {
        let name = name.unwrap_or_else(|| "expr".to_owned());
        let numbered = (1..).map(|number| format!("{name}{number}"));
        let mut free = [name.clone()].into_iter().chain(numbered);
        names.extend(free.find(|name| !names.contains(name)));
    }
    names
}

/// What PostgreSQL calls an expression: as it would call a column of a result.
fn called(expression: &SyntaxNode) -> Option<String> {
    let query = SourceFile::parse(&format!("SELECT {}", expression.text())).tree();
    let target = query.syntax().descendants().find_map(ast::Target::cast)?;
    match ColumnName::inferred_from_target(target)?.0 {
        ColumnName::Column(name) | ColumnName::UnknownColumn(Some(name)) => Some(name.to_string()),
        ColumnName::UnknownColumn(None) | ColumnName::Star => None,
    }
}

/// What a statement drops, or gives another name.
pub(super) fn drops(node: &SyntaxNode, names: &dyn Names) -> Vec<Thing> {
    use SyntaxKind as K;
    let named_by = |kind| named(node, kind).map(|name| relation(&name, names)).collect::<Vec<_>>();
    let renamed = |kind| {
        let old = child(node, kind).and_then(|n| Name::below(&n));
        let old = old.filter(|old| effects::new_name(node, old).is_some());
        old.map(|old| relation(&old, names))
    };
    match node.kind() {
        K::DROP_TABLE => with_parts(named_by(K::TABLE_NAME_REF)),
        K::DROP_VIEW | K::DROP_MATERIALIZED_VIEW => with_parts(named_by(K::VIEW_REF)),
        K::DROP_SEQUENCE => named_by(K::SEQUENCE_REF),
        K::DROP_INDEX => named_by(K::INDEX_REF),
        K::DROP_STATISTICS => {
            named(node, K::STATISTICS_REF).map(|name| Thing::statistics(name.to_string())).collect()
        }
        K::DROP_TRIGGER | K::DROP_POLICY | K::DROP_RULE => dropped(node).into_iter().collect(),
        K::DROP_FUNCTION | K::DROP_PROCEDURE | K::DROP_TYPE | K::DROP_DOMAIN | K::DROP_SCHEMA => {
            effects::objects(node).iter().map(|object| Thing::object(object)).collect()
        }
        K::ALTER_INDEX => renamed(K::INDEX_REF).into_iter().collect(),
        K::ALTER_VIEW | K::ALTER_MATERIALIZED_VIEW => renamed(K::VIEW_REF).into_iter().collect(),
        K::ALTER_SEQUENCE => renamed(K::SEQUENCE_REF).into_iter().collect(),
        K::ALTER_TABLE => {
            let Some(table) = child(node, K::TABLE_RELATION_NAME).and_then(|n| Name::below(&n))
            else {
                return Vec::new();
            };
            let gone = |action| dropped_by(&action, &table).or_else(|| renamed_by(&action, &table));
            let parts: Vec<Thing> = node.children().filter_map(gone).collect();
            parts.into_iter().chain(renamed(K::TABLE_RELATION_NAME)).collect()
        }
        K::ALTER_STATISTICS => {
            let old = child(node, K::STATISTICS_REF).and_then(|n| Name::below(&n));
            let old = old.filter(|old| effects::new_name(node, old).is_some());
            old.map(|old| Thing::statistics(old.to_string())).into_iter().collect()
        }
        K::ALTER_FUNCTION | K::ALTER_PROCEDURE | K::ALTER_TYPE | K::ALTER_DOMAIN => {
            let old = Name::below(node).filter(|old| effects::new_name(node, old).is_some());
            old.map(|old| Thing::object(&effects::object(space(node), &old))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Tables with what their parts go with.
fn with_parts(tables: Vec<Thing>) -> Vec<Thing> {
    let wholes = tables.iter().map(|table| Thing::whole(&*table.name)).collect::<Vec<_>>();
    tables.into_iter().chain(wholes).collect()
}

/// What a statement uses, but columns, and what it does nothing but drop or speak of.
pub(super) fn used(
    node: &SyntaxNode,
    found: &Found,
    columns: &Columns,
    statement: &Statement,
    names: &dyn Names,
) -> BTreeSet<Thing> {
    let mentioned = found.mentions.iter().filter(|mention| mention.space == Space::Relation);
    let mut used: BTreeSet<Thing> =
        mentioned.map(|mention| relation(&mention.name, names)).collect();
    let referenced = statement.keys.iter().map(|key| &key.into);
    let tables: BTreeSet<&String> =
        statement.changes.iter().chain(&statement.reads).chain(referenced).collect();
    for table in tables {
        used.insert(Thing::relation(table));
        used.extend(found.parts.iter().map(|(kind, name)| Thing::of(kind, table, name)));
        used.extend(columns.of_any.iter().map(|name| Thing::of("column", table, name)));
    }
    if !matches!(statement.does, Does::Function(_)) {
        let of = |table| columns.of_rows.iter().map(move |name| Thing::of("column", table, name));
        used.extend(statement.changes.iter().flat_map(of));
    }
    used.extend(found.statistics.iter().map(|name| Thing::statistics(name.to_string())));
    for piece in &statement.pieces {
        if let Piece::List(items) = piece {
            items.iter().filter_map(|item| item.thing.as_ref()).for_each(|thing| {
                used.remove(thing);
            });
        }
    }
    let secures =
        |n: &SyntaxNode| matches!(n.kind(), SyntaxKind::ENABLE_RLS | SyntaxKind::FORCE_RLS);
    if node.children().any(|n| secures(&n)) {
        used.extend(statement.changes.iter().map(Thing::policies));
    }
    used.retain(|thing| !statement.creates.contains(thing));
    used
}

/// What `COMMENT ON` speaks of.
pub(super) fn spoken_of(on: &SyntaxNode, names: &dyn Names) -> Option<Thing> {
    use SyntaxKind as K;
    let of_table = |kind, part| {
        let table = on.children().filter(|n| n.kind() != part).find_map(|n| Name::below(&n))?;
        let part = child(on, part)?;
        let name = match part.kind() {
            K::CONSTRAINT_NAME_REF => Name::below(&part)?.name,
            _ => normalize_name_node(&part),
        };
        Some(Thing::of(kind, table.to_string(), name))
    };
    match on.kind() {
        K::OBJECT_CONSTRAINT => of_table("constraint", K::CONSTRAINT_NAME_REF),
        K::OBJECT_TRIGGER => of_table("trigger", K::TRIGGER_REF),
        K::OBJECT_POLICY => of_table("policy", K::POLICY_REF),
        K::OBJECT_RULE => of_table("rule", K::RULE_REF),
        K::OBJECT_STATISTICS => Some(Thing::statistics(Name::below(on)?.to_string())),
        K::OBJECT_COLUMN => {
            let mut path = parts(&on.descendants().find(|n| n.kind() == K::PATH_REF)?);
            let column = path.pop()?;
            let table = Name::of_parts(path)?;
            Some(Thing::of("column", table.to_string(), column))
        }
        K::OBJECT_TABLE
        | K::OBJECT_VIEW
        | K::OBJECT_MATERIALIZED_VIEW
        | K::OBJECT_SEQUENCE
        | K::OBJECT_INDEX => Name::below(on).map(|name| relation(&name, names)),
        _ => None,
    }
}

/// What a change of a table drops.
pub(super) fn dropped_by(action: &SyntaxNode, table: &Name) -> Option<Thing> {
    use SyntaxKind as K;
    match action.kind() {
        K::DROP_COLUMN => {
            let column = child(action, K::COLUMN_NAME_REF)?;
            Some(Thing::of("column", table.to_string(), normalize_name_node(&column)))
        }
        K::DROP_CONSTRAINT => {
            let constraint = Name::below(&child(action, K::CONSTRAINT_NAME_REF)?)?;
            Some(Thing::of("constraint", table.to_string(), constraint.name))
        }
        _ => None,
    }
}

/// What a change of a table gives another name.
pub(super) fn renamed_by(action: &SyntaxNode, table: &Name) -> Option<Thing> {
    use SyntaxKind as K;
    let (kind, old) = match action.kind() {
        K::RENAME_COLUMN => ("column", child(action, K::COLUMN_NAME_REF)?),
        K::RENAME_CONSTRAINT => ("constraint", child(action, K::CONSTRAINT_NAME_REF)?),
        _ => return None,
    };
    let name = match kind {
        "column" => normalize_name_node(&old),
        _ => Name::below(&old)?.name,
    };
    Some(Thing::of(kind, table.to_string(), name))
}

/// What a statement of one thing drops: a trigger, a policy, a rule.
pub(super) fn dropped(node: &SyntaxNode) -> Option<Thing> {
    use SyntaxKind as K;
    let (kind, name, on) = match node.kind() {
        K::DROP_TRIGGER => ("trigger", K::TRIGGER_REF, K::ON_RELATION),
        K::DROP_POLICY => ("policy", K::POLICY_REF, K::ON_TABLE),
        K::DROP_RULE => ("rule", K::RULE_REF, K::ON_RELATION),
        _ => return None,
    };
    let table = child(node, on).and_then(|n| Name::below(&n))?;
    Some(Thing::of(kind, table.to_string(), normalize_name_node(&child(node, name)?)))
}

/// A table, a view, a sequence or an index.
pub(super) fn relation(name: &Name, names: &dyn Names) -> Thing {
    let temporary = names.relation(name).filter(|name| name.starts_with("temp."));
    Thing::relation(temporary.unwrap_or_else(|| name.to_string()))
}
