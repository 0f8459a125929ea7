//! Where a database transaction begins and ends, in source order within a function.

use std::ops::Range;

use crate::workspace::Source;

/// A transaction that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    /// The variable that holds it; none for a `BEGIN` that was executed as text.
    pub(super) name: Option<String>,
    /// How many blocks were open when it began: it ends with the last of them.
    pub(super) depth: usize,
    /// What opened it.
    pub(super) range: Range<usize>,
}

/// The call that begins a transaction, if this expression is one: `pool.begin().await?`.
pub(super) fn begins(expr: &syn::Expr) -> Option<&syn::ExprMethodCall> {
    match expr {
        syn::Expr::Await(e) => begins(&e.base),
        syn::Expr::Try(e) => begins(&e.expr),
        syn::Expr::Paren(e) => begins(&e.expr),
        syn::Expr::Group(e) => begins(&e.expr),
        syn::Expr::Reference(e) => begins(&e.expr),
        syn::Expr::Match(e) => begins(&e.expr),
        syn::Expr::MethodCall(call) => match call.method.to_string().as_str() {
            "begin"
            | "begin_with"
            | "begin_transaction"
            | "begin_with_config"
            | "begin_immediate"
            | "start_transaction"
            | "unchecked_transaction"
            | "transaction_with_behavior"
            | "begin_tx"
            | "begin_nested" => Some(call),
            "transaction" if !has_closure(call) => Some(call),
            "unwrap" | "expect" | "map_err" | "context" | "with_context" | "or_else"
            | "inspect_err" => begins(&call.receiver),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a call runs the closure that it is given in a transaction.
pub(super) fn runs_in_one(call: &syn::ExprMethodCall) -> bool {
    has_closure(call)
        && matches!(
            call.method.to_string().as_str(),
            "transaction"
                | "immediate_transaction"
                | "exclusive_transaction"
                | "in_transaction"
                | "with_transaction"
                | "run_transaction"
                | "transactional"
                | "transaction_with_config"
        )
}

/// Whether a method ends the transaction that it is called on.
pub(super) fn ends(method: &str) -> bool {
    matches!(method, "commit" | "rollback" | "finish" | "abort")
}

/// Whether a parameter of this type is a transaction of the caller.
pub(super) fn is_transaction_type(ty: &syn::Type) -> bool {
    matches!(
        super::ty::last_name(ty).as_str(),
        "Transaction"
            | "DatabaseTransaction"
            | "Savepoint"
            | "PgTransaction"
            | "SqliteTransaction"
            | "MySqlTransaction"
    )
}

/// What a string does when it is executed as SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Begins,
    Ends,
}

/// Reads `BEGIN`, `COMMIT` and `ROLLBACK`; a batch that has both is closed in itself.
pub(super) fn of_text(text: &str) -> Option<Text> {
    let mut words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| !w.is_empty());
    let first = words.next()?.to_ascii_uppercase();
    let rest: Vec<String> = words.map(str::to_ascii_uppercase).collect();
    let closes = rest.iter().any(|w| w == "COMMIT" || w == "ROLLBACK" || w == "END");
    match first.as_str() {
        // Prose may begin with the word; a statement goes on with one of these or not at all.
        "BEGIN" if !closes => matches!(
            rest.first().map(String::as_str),
            None | Some(
                "TRANSACTION"
                    | "IMMEDIATE"
                    | "DEFERRED"
                    | "EXCLUSIVE"
                    | "ISOLATION"
                    | "READ"
                    | "WORK"
                    | "CONCURRENT"
            )
        )
        .then_some(Text::Begins),
        "START" if rest.first().is_some_and(|w| w == "TRANSACTION") && !closes => {
            Some(Text::Begins)
        }
        "COMMIT" | "ROLLBACK"
            if rest.first().is_none_or(|w| matches!(w.as_str(), "TRANSACTION" | "WORK")) =>
        {
            Some(Text::Ends)
        }
        _ => None,
    }
}

/// What to underline of a call that begins one.
pub(super) fn extent(source: &Source, call: &syn::ExprMethodCall) -> Range<usize> {
    super::extent::of_call(source, call)
}

/// Whether control never leaves a block at its end.
pub(super) fn diverges(block: &syn::Block) -> bool {
    match block.stmts.last() {
        Some(syn::Stmt::Expr(expr, _)) => leaves(expr),
        Some(syn::Stmt::Macro(call)) => is_panic(&call.mac),
        _ => false,
    }
}

/// Whether control never comes back from an expression.
pub(super) fn leaves(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Return(_) | syn::Expr::Break(_) | syn::Expr::Continue(_) => true,
        syn::Expr::Macro(call) => is_panic(&call.mac),
        syn::Expr::Block(block) => diverges(&block.block),
        _ => false,
    }
}

fn is_panic(call: &syn::Macro) -> bool {
    call.path.segments.last().is_some_and(|s| {
        matches!(s.ident.to_string().as_str(), "panic" | "bail" | "unreachable" | "todo")
    })
}

fn has_closure(call: &syn::ExprMethodCall) -> bool {
    call.args.iter().any(|a| matches!(a, syn::Expr::Closure(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_begins_or_ends_a_transaction() {
        for text in ["BEGIN", "begin immediate;", "START TRANSACTION", " BEGIN TRANSACTION; "] {
            assert_eq!(of_text(text), Some(Text::Begins), "{text}");
        }
        for text in ["COMMIT", "rollback;"] {
            assert_eq!(of_text(text), Some(Text::Ends), "{text}");
        }
        for text in ["BEGIN; DELETE FROM a; COMMIT;", "Begin with a word", "commit to it", ""] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }
}
