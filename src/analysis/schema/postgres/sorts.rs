//! What a statement does, as far as crossings and ways back depend on it.

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::model::Sort;
use super::names::Name;
use super::read::child;

/// What a statement does, and the name of what it makes or changes.
pub(super) fn of(node: &SyntaxNode) -> (Sort, Option<Name>) {
    let path = || node.descendants().find(|n| n.kind() == SyntaxKind::PATH);
    let made = || path().and_then(|path| Name::of_path(&path));
    match node.kind() {
        SyntaxKind::CREATE_TABLE => (Sort::Table, made()),
        SyntaxKind::ALTER_TABLE => {
            let altered = child(node, SyntaxKind::TABLE_RELATION_NAME);
            (Sort::Table, altered.and_then(|n| Name::below(&n)))
        }
        SyntaxKind::CREATE_VIEW | SyntaxKind::CREATE_MATERIALIZED_VIEW => (Sort::View, made()),
        SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_PROCEDURE => (Sort::Function, made()),
        SyntaxKind::CREATE_TRIGGER => {
            let name = child(node, SyntaxKind::TRIGGER);
            (Sort::Trigger, name.map(|n| Name::public(normalize_name_node(&n))))
        }
        SyntaxKind::COMMENT_ON
        | SyntaxKind::GRANT
        | SyntaxKind::REVOKE
        | SyntaxKind::ALTER_VIEW
        | SyntaxKind::ALTER_MATERIALIZED_VIEW
        | SyntaxKind::ALTER_FUNCTION
        | SyntaxKind::ALTER_PROCEDURE
        | SyntaxKind::CREATE_INDEX => (Sort::Remark, None),
        _ => (Sort::Other, None),
    }
}
