//! What makes a call happen once for each element or turn.

use syn::visit::Visit;

/// How a loop repeats a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// One after the other.
    Serial,
    /// Many at once: `join_all`, `buffer_unordered`.
    Parallel,
}

/// Whether a method calls the closure that it is given once for each element. `map`, `then` and
/// their like also exist on `Option`, `Result` and `bool`, where they call it at most once: the
/// receiver has to look like an iterator or a stream.
pub(super) fn repeats(call: &syn::ExprMethodCall) -> bool {
    let takes_closure = call.args.iter().any(|a| matches!(a, syn::Expr::Closure(_)));
    if !takes_closure {
        return false;
    }
    match call.method.to_string().as_str() {
        "for_each"
        | "try_for_each"
        | "for_each_concurrent"
        | "try_for_each_concurrent"
        | "fold"
        | "try_fold"
        | "flat_map"
        | "filter_map"
        | "scan"
        | "map_while"
        | "take_while"
        | "skip_while"
        | "any"
        | "all"
        | "position"
        | "partition"
        | "retain"
        | "find_map"
        | "sort_by_key"
        | "sort_by_cached_key"
        | "max_by_key"
        | "min_by_key" => true,
        "map" | "then" | "and_then" | "filter" | "inspect" | "find" | "map_ok"
        | "try_filter_map" => is_iterator(&call.receiver),
        _ => false,
    }
}

/// Whether a method drives many futures at once.
pub(super) fn is_concurrent(method: &str) -> bool {
    matches!(method, "buffer_unordered" | "buffered" | "try_buffer_unordered" | "try_buffered")
        || method.ends_with("for_each_concurrent")
}

/// Whether a function drives many futures at once.
pub(super) fn joins(function: &str) -> bool {
    matches!(function, "join_all" | "try_join_all")
}

fn is_iterator(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::MethodCall(call) => {
            matches!(
                call.method.to_string().as_str(),
                "iter"
                    | "iter_mut"
                    | "into_iter"
                    | "par_iter"
                    | "into_par_iter"
                    | "drain"
                    | "keys"
                    | "values"
                    | "values_mut"
                    | "into_keys"
                    | "into_values"
                    | "chunks"
                    | "windows"
                    | "lines"
                    | "split"
                    | "split_whitespace"
                    | "chars"
                    | "bytes"
                    | "zip"
                    | "enumerate"
                    | "rev"
                    | "chain"
                    | "skip"
                    | "step_by"
                    | "peekable"
                    | "cycle"
                    | "array_chunks"
                    | "chunks_exact"
                    | "into_stream"
                    | "fetch"
                    | "ready_chunks"
                    | "filter_map"
                    | "flat_map"
                    | "map_while"
                    | "buffer_unordered"
                    | "buffered"
            ) || is_iterator(&call.receiver)
        }
        syn::Expr::Call(call) => {
            match &*call.func {
                // `stream::iter(…)`, `iter::repeat(…)`
                syn::Expr::Path(path) => path.path.segments.iter().any(|s| {
                    matches!(s.ident.to_string().as_str(), "iter" | "stream" | "repeat_with")
                }),
                _ => false,
            }
        }
        syn::Expr::Paren(paren) => is_iterator(&paren.expr),
        syn::Expr::Reference(reference) => is_iterator(&reference.expr),
        syn::Expr::Range(_) => true,
        _ => false,
    }
}

/// Whether a loop waits for something else at each turn: a message, a tick, a connection. It runs as
/// long as the process does; a call in it is made once for each event, which is no chattiness.
pub(super) fn is_event_loop(head: Option<&syn::Expr>, body: &syn::Block) -> bool {
    struct Waits(bool);
    impl<'ast> Visit<'ast> for Waits {
        fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
            self.0 |= matches!(
                call.method.to_string().as_str(),
                "recv" | "recv_async" | "recv_many" | "accept" | "tick" | "changed" | "notified"
            );
            syn::visit::visit_expr_method_call(self, call);
        }
        fn visit_macro(&mut self, call: &'ast syn::Macro) {
            self.0 |= call.path.segments.last().is_some_and(|s| s.ident == "select");
        }
        fn visit_expr_for_loop(&mut self, _: &'ast syn::ExprForLoop) {}
        fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    }
    let mut waits = Waits(false);
    match head {
        Some(head) => waits.visit_expr(head),
        None => waits.visit_block(body),
    }
    waits.0
}

/// What to say of a call that stands in `depth` loops.
pub(super) fn note(pace: Pace, depth: usize, call: &str) -> String {
    match (pace, depth) {
        (Pace::Parallel, _) => {
            format!("{call} for each element, at the same time: a round trip each, all at once")
        }
        (Pace::Serial, 0 | 1) => {
            format!("{call} for each turn of a loop: a round trip each, one after the other")
        }
        (Pace::Serial, depth) => format!(
            "{call} inside {depth} nested loops: a round trip each time, one after the other"
        ),
    }
}
