//! What a statement makes and changes, by its kind.

use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::extensions;
use super::model::Space;
use super::names::Name;
use super::read::{child, last_identifier, named};
use crate::analysis::schema::shared::statement::Does;

/// What one statement does by itself.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) does: Does,
    /// Tables, views and sequences that it makes, changes or fills.
    pub(super) changes: Vec<Name>,
    /// What it makes or changes that has no rows.
    pub(super) makes: Vec<String>,
    /// A trigger that it is about, as its cut is called.
    pub(super) about: Option<String>,
}

/// What a statement does; none of a kind whose names say all that matters.
pub(super) fn of(node: &SyntaxNode) -> Option<Effects> {
    use SyntaxKind as K;
    let below = |kind| child(node, kind).and_then(|n| Name::below(&n));
    let definition = |name: Option<Name>| Effects {
        does: Does::Definition,
        changes: name.into_iter().collect(),
        ..Effects::default()
    };
    Some(match node.kind() {
        K::CREATE_TABLE | K::CREATE_TABLE_AS | K::CREATE_FOREIGN_TABLE | K::SELECT_INTO => {
            definition(named(node, K::TABLE_NAME).next())
        }
        K::ALTER_TABLE => altered(node, below(K::TABLE_RELATION_NAME)),
        K::ALTER_VIEW | K::ALTER_MATERIALIZED_VIEW => altered(node, below(K::VIEW_REF)),
        K::CREATE_SEQUENCE => definition(below(K::SEQUENCE)),
        K::ALTER_SEQUENCE => altered(node, below(K::SEQUENCE_REF)),
        K::CREATE_INDEX => definition(below(K::TABLE_RELATION_NAME)),
        K::CREATE_POLICY => definition(below(K::ON_TABLE)),
        K::CREATE_RULE => definition(below(K::RULE_ON)),
        K::CREATE_VIEW | K::CREATE_MATERIALIZED_VIEW => {
            let name = below(K::VIEW)?;
            Effects { does: Does::View(name.to_string()), ..definition(Some(name)) }
        }
        K::CREATE_TRIGGER | K::DROP_TRIGGER | K::ALTER_TRIGGER => trigger(node)?,
        K::CREATE_FUNCTION | K::CREATE_PROCEDURE => {
            let name = Name::below(
                &node
                    .children()
                    .find(|n| matches!(n.kind(), K::FUNCTION_NAME | K::PROCEDURE_NAME))?,
            )?;
            let makes = vec![object(Space::Function, &name)];
            Effects { does: Does::Function(name.to_string()), makes, ..Effects::default() }
        }
        K::CREATE_AGGREGATE => makes(Space::Function, below(K::AGGREGATE_NAME)?),
        K::CREATE_TYPE => makes(Space::Type, below(K::TYPE_NAME)?),
        K::CREATE_DOMAIN => makes(Space::Type, below(K::DOMAIN)?),
        K::ALTER_TYPE => renamed(node, below(K::TYPE_NAME_REF)?),
        K::ALTER_DOMAIN => renamed(node, below(K::DOMAIN_REF)?),
        K::CREATE_SCHEMA => {
            let name = node.descendants().find(|n| n.kind() == K::SCHEMA)?;
            made(vec![schema(&normalize_name_node(&name))])
        }
        K::CREATE_EXTENSION => made(extension(&child(node, K::EXTENSION)?)),
        K::ALTER_EXTENSION => made(extension(&child(node, K::EXTENSION_REF)?)),
        K::INSERT => rows(below(K::RELATION_NAME_REF)),
        K::UPDATE | K::DELETE => rows(below(K::RELATION_NAME)),
        K::MERGE => rows(below(K::TABLE_RELATION_NAME)),
        K::COPY if node.children().any(|n| n.kind() == K::COPY_FROM) => rows(below(K::COPY_TABLE)),
        K::SELECT
        | K::COMPOUND_SELECT
        | K::PAREN_SELECT
        | K::VALUES
        | K::TABLE
        | K::COPY
        | K::CALL => rows(None),
        _ => return None,
    })
}

/// The statements in an anonymous block; none of anything else.
pub(super) fn inside(node: &SyntaxNode) -> Vec<SyntaxNode> {
    let Some(body) = ast::Do::cast(node.clone()).and_then(|block| block.plpgsql()) else {
        return Vec::new();
    };
    let statements = body.syntax().descendants().filter_map(|n| match n.kind() {
        SyntaxKind::PLPGSQL_EXEC_SQL_STMT => n.first_child(),
        // `FOR r IN DELETE FROM … RETURNING …`
        SyntaxKind::PLPGSQL_FOR_QUERY_STMT => {
            let mut query = n.children().filter(|n| n.kind() != SyntaxKind::PLPGSQL_BODY);
            query.find(|n| n.descendants().any(|n| changes_rows(&n)))
        }
        _ => None,
    });
    // In PL/pgSQL, INTO names a variable.
    statements.filter(|n| n.kind() != SyntaxKind::SELECT_INTO).collect()
}

/// Whether it is a statement that changes rows, or such a part of one.
pub(super) fn changes_rows(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    matches!(node.kind(), K::INSERT | K::UPDATE | K::DELETE | K::MERGE)
}

/// The names of things without rows that a statement of any other kind is about.
pub(super) fn objects(node: &SyntaxNode) -> Vec<String> {
    use SyntaxKind as K;
    let own =
        node.descendants().filter(|n| !n.ancestors().any(|around| around.kind() == K::PARAM_LIST));
    own.flat_map(|n| match n.kind() {
        K::TYPE_NAME_REF | K::DOMAIN_REF => of_space(Space::Type, &n),
        K::FUNCTION_NAME_REF | K::PROCEDURE_NAME_REF | K::ROUTINE_NAME_REF | K::AGGREGATE => {
            of_space(Space::Function, &n)
        }
        K::SCHEMA_REF => vec![schema(&normalize_name_node(&n))],
        K::EXTENSION_REF => extension(&n),
        _ => Vec::new(),
    })
    .collect()
}

/// The trigger that a comment is about, as its cut is called.
pub(super) fn commented_trigger(node: &SyntaxNode) -> Option<String> {
    let on = child(node, SyntaxKind::OBJECT_TRIGGER)?;
    let table = on.children().find_map(|n| Name::below(&n))?;
    let name = child(&on, SyntaxKind::TRIGGER_REF)?;
    Some(format!("trigger:{table}.{}", normalize_name_node(&name)))
}

/// By what name something without rows goes.
pub(super) fn object(space: Space, name: &Name) -> String {
    match space {
        Space::Relation => format!("relation:{name}"),
        Space::Type => format!("type:{name}"),
        Space::Function => format!("function:{name}"),
    }
}

/// By what name a schema goes.
pub(super) fn schema(name: &str) -> String {
    format!("schema:{name}")
}

/// Whether a table is gone with the connection that makes it.
pub(super) fn is_temporary(node: &SyntaxNode) -> bool {
    let mut before = node.children().take_while(|n| n.kind() != SyntaxKind::TABLE_NAME);
    before.any(|n| n.text().to_string().to_ascii_lowercase().contains("temp"))
}

fn of_space(space: Space, node: &SyntaxNode) -> Vec<String> {
    Name::below(node).map(|name| object(space, &name)).into_iter().collect()
}

fn made(makes: Vec<String>) -> Effects {
    Effects { does: Does::Object, makes, ..Effects::default() }
}

fn makes(space: Space, name: Name) -> Effects {
    made(vec![object(space, &name)])
}

fn rows(name: Option<Name>) -> Effects {
    Effects { does: Does::Rows, changes: name.into_iter().collect(), ..Effects::default() }
}

/// An extension by the names that it brings along; by its own where there may be more.
fn extension(node: &SyntaxNode) -> Vec<String> {
    let name = normalize_name_node(node);
    if !extensions::is_told(&name) {
        return vec![format!("extension:{name}")];
    }
    let brought = extensions::brings(&name).into_iter();
    brought.map(|(space, name)| object(space, &Name::public(name))).collect()
}

/// `ALTER TABLE` and its like, with the new name that it may give.
fn altered(node: &SyntaxNode, name: Option<Name>) -> Effects {
    let new = name.as_ref().and_then(|name| new_name(node, name));
    let does = match (&name, &new) {
        (Some(old), Some(new)) => Does::Renames(old.to_string(), new.to_string()),
        _ => Does::Definition,
    };
    let about = name.as_ref().and_then(|name| switched_trigger(node, name));
    let changes = name.into_iter().chain(new).collect();
    Effects { does, changes, about, ..Effects::default() }
}

/// The trigger that `ALTER TABLE` does nothing but switch on or off, as its cut is called.
fn switched_trigger(node: &SyntaxNode, table: &Name) -> Option<String> {
    let mut actions = node
        .children()
        .filter(|n| !matches!(n.kind(), SyntaxKind::IF_EXISTS | SyntaxKind::TABLE_RELATION_NAME));
    let (action, more) = (actions.next()?, actions.next());
    let trigger = child(&action, SyntaxKind::TRIGGER_REF).filter(|_| more.is_none())?;
    Some(format!("trigger:{table}.{}", normalize_name_node(&trigger)))
}

fn renamed(node: &SyntaxNode, name: Name) -> Effects {
    let new = new_name(node, &name);
    let makes = [Some(name), new].into_iter().flatten();
    made(makes.map(|name| object(Space::Type, &name)).collect())
}

/// The new name that a statement gives something.
pub(super) fn new_name(node: &SyntaxNode, old: &Name) -> Option<Name> {
    use SyntaxKind as K;
    let action = node.children().find(|n| {
        let renames = matches!(
            n.kind(),
            K::TABLE_RENAME_TO | K::VIEW_RENAME_TO | K::SEQUENCE_RENAME_TO | K::TYPE_RENAME_TO
        );
        renames || n.kind() == K::SET_SCHEMA || format!("{:?}", n.kind()).ends_with("RENAME_TO")
    })?;
    let last = last_identifier(&action)?;
    Some(match action.kind() {
        K::SET_SCHEMA => Name { schema: last, name: old.name.clone() },
        _ => Name { schema: old.schema.clone(), name: last },
    })
}

fn trigger(node: &SyntaxNode) -> Option<Effects> {
    use SyntaxKind as K;
    let name = child(node, K::TRIGGER).or_else(|| child(node, K::TRIGGER_REF))?;
    let on = child(node, K::ON_RELATION).and_then(|n| Name::below(&n))?;
    let name = format!("{on}.{}", normalize_name_node(&name));
    let about = Some(format!("trigger:{name}"));
    let does = match node.kind() {
        K::CREATE_TRIGGER => Does::Trigger(name),
        _ => Does::Definition,
    };
    Some(Effects { does, changes: vec![on], makes: Vec::new(), about })
}
