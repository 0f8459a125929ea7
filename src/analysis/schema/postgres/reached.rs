//! What statements touch through the functions that they call.

use std::collections::{BTreeMap, BTreeSet};

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::effects;
use super::names::Name;
use super::pieces::Names;
use crate::analysis::schema::shared::statement::{Does, Statement};

/// What functions touch, themselves and through others.
pub(super) struct Reached {
    functions: BTreeMap<String, Touched>,
}

/// What a function touches itself.
#[derive(Default)]
struct Touched {
    reads: BTreeSet<String>,
    /// What of that it changes.
    writes: BTreeSet<String>,
    needs: BTreeSet<String>,
    /// Whether nobody can tell all of it.
    is_untold: bool,
}

impl Reached {
    /// Of all functions that statements make.
    pub(super) fn of(statements: &[Statement]) -> Self {
        let mut functions: BTreeMap<String, Touched> = BTreeMap::new();
        for statement in statements.iter().filter(|s| matches!(s.does, Does::Function(_))) {
            for object in &statement.makes {
                let touched = functions.entry(object.clone()).or_default();
                touched.reads.extend(statement.reads.iter().cloned());
                touched.writes.extend(statement.writes.iter().cloned());
                touched.needs.extend(statement.needs.iter().cloned());
                touched.is_untold |= statement.runs_untold;
            }
        }
        Self { functions }
    }

    /// Lets a statement read what the functions touch that it calls.
    pub(super) fn complete(&self, statement: &mut Statement) {
        if statement.does == Does::Object {
            return;
        }
        let mut open: Vec<&String> = statement.needs.iter().collect();
        let mut seen = BTreeSet::new();
        let (mut reads, mut writes) = (BTreeSet::new(), BTreeSet::new());
        let mut untold = None;
        while let Some(object) = open.pop() {
            if !seen.insert(object) {
                continue;
            }
            if let Some(touched) = self.functions.get(object) {
                reads.extend(touched.reads.iter().cloned());
                writes.extend(touched.writes.iter().cloned());
                open.extend(&touched.needs);
                untold = untold.or(Some(object).filter(|_| touched.is_untold));
            }
        }
        // A trigger, a view or a function runs nothing when it is made.
        let runs = matches!(statement.does, Does::Rows | Does::Definition);
        statement.runs_untold |= untold.is_some();
        if let Some((_, name)) = untold.filter(|_| runs).and_then(|object| object.split_once(':')) {
            let why = format!("it runs the function `{name}`, of which that cannot be told");
            statement.stranger.get_or_insert(why);
        }
        statement.reads.extend(reads);
        statement.writes.extend(writes);
        let changes = &statement.changes;
        statement.reads.retain(|name| !changes.contains(name));
    }
}

/// What a statement changes besides what it is about: of a function, what its body changes; of all, the
/// sequences that they set.
pub(super) fn writes(node: &SyntaxNode, names: &dyn Names) -> BTreeSet<String> {
    let body = body(node);
    let below = || body.iter().flat_map(SyntaxNode::descendants);
    let changed = below().filter_map(|n| effects::of(&n)).flat_map(|effects| effects.changes);
    let set = node.descendants().chain(below()).filter_map(|n| sequence_set(&n));
    changed.chain(set).filter_map(|name| names.relation(&name)).collect()
}

/// The body of a function, a procedure or a block.
pub(super) fn body(node: &SyntaxNode) -> Option<SyntaxNode> {
    let node = || node.clone();
    let function = ast::CreateFunction::cast(node());
    let procedure = ast::CreateProcedure::cast(node());
    let sql = function.as_ref().and_then(ast::CreateFunction::sql_body);
    let sql = sql.or_else(|| procedure.as_ref()?.sql_body());
    let plpgsql = function.as_ref().and_then(ast::CreateFunction::plpgsql);
    let plpgsql = plpgsql.or_else(|| procedure.as_ref()?.plpgsql());
    let plpgsql = plpgsql.or_else(|| ast::Do::cast(node())?.plpgsql());
    sql.map(|body| body.syntax()).or_else(|| plpgsql.map(|body| body.syntax()))
}

/// The sequence of `setval('s', 7)`.
fn sequence_set(node: &SyntaxNode) -> Option<Name> {
    if node.kind() != SyntaxKind::CALL_EXPR {
        return None;
    }
    let called = node.first_child()?.descendants().filter(|n| n.kind() == SyntaxKind::NAME_REF);
    if !called.last()?.text().to_string().eq_ignore_ascii_case("setval") {
        return None;
    }
    let text = node.descendants().find_map(ast::Literal::cast)?.string_value()?;
    Name::of_text(&text)
}
