//! What a statement does with all that stands in it.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::effects::{self, Effects};
use super::mentions::{Found, Look};
use super::model::Space;
use super::names::Name;
use crate::analysis::schema::Place;
use crate::analysis::schema::shared::statement::Does;

/// What a statement does: of a block, each statement in it; of others, also what changes rows on its way.
pub(super) fn effects_of(node: &SyntaxNode) -> Vec<Effects> {
    use SyntaxKind as K;
    if node.kind() == K::DO {
        return effects::inside(node).iter().flat_map(effects_inside).collect();
    }
    let Some(own) = effects::of(node) else { return Vec::new() };
    if matches!(own.does, Does::Rows) { with_changes_below(node, own) } else { vec![own] }
}

/// What a statement in a block does.
fn effects_inside(node: &SyntaxNode) -> Vec<Effects> {
    if let Some(own) = effects::of(node) {
        return with_changes_below(node, own);
    }
    // One that is about all that it names.
    let mut found = Found::default();
    let place = |span| Place { file: "".into(), span };
    Look { place: &place, found: &mut found }.at(node);
    let names = found.mentions.into_iter().filter(|mention| mention.space == Space::Relation);
    let changes: Vec<Name> = names.map(|mention| mention.name).collect();
    let makes = effects::objects(node);
    let does = if changes.is_empty() { Does::Object } else { Does::Definition };
    vec![Effects { does, changes, makes, about: None }]
}

/// An effect, with those of what changes rows inside of the statement.
fn with_changes_below(node: &SyntaxNode, own: Effects) -> Vec<Effects> {
    let below = node.descendants().skip(1).filter(effects::changes_rows);
    let changing = below.filter_map(|n| effects::of(&n));
    [own].into_iter().chain(changing).collect()
}
