//! Follows a value back to the expression that made it: through bindings, assignments, clones,
//! references, and out to the one caller of the function it is a parameter of.

use std::ops::Range;
use std::rc::Rc;

use syn::visit::{self, Visit};

use super::bindings::{self, Binding, Origin};
use super::function::{self, Function};
use crate::analysis::code::{Code, Found, ItemId, ItemKind, ScopeId};

/// A function with its local names: where an expression stands.
#[derive(Debug, Clone)]
pub(super) struct Site<'w> {
    pub(super) function: Function<'w>,
    pub(super) bindings: Rc<Vec<Binding<'w>>>,
}

impl<'w> Site<'w> {
    pub(super) fn new(function: Function<'w>) -> Self {
        let bindings = Rc::new(bindings::of(&function));
        Self { function, bindings }
    }

    pub(super) fn scope(&self) -> ScopeId {
        self.function.item.scope
    }

    pub(super) fn range_of(&self, node: &impl syn::spanned::Spanned) -> Range<usize> {
        self.function.item.source.range_of(node)
    }

    /// The binding that a plain name stands for.
    pub(super) fn binding(&self, expr: &syn::Expr) -> Option<&Binding<'w>> {
        let name = bindings::plain_path(expr)?;
        bindings::used_at(&self.bindings, &self.function.item.source.range(name.span()))
    }
}

/// Where following a value ended.
#[derive(Debug, Clone)]
pub(super) struct Value<'w> {
    pub(super) site: Site<'w>,
    pub(super) expr: &'w syn::Expr,
    /// Why it could not be followed further, where it is a name still.
    pub(super) stuck: Option<&'static str>,
}

/// The value that stands at `expr`.
pub(super) fn value<'w>(code: &Code<'w>, site: &Site<'w>, expr: &'w syn::Expr) -> Value<'w> {
    let (mut site, mut expr) = (site.clone(), expr);
    // Bounded, since a recursive function is its own caller.
    for _ in 0..32 {
        expr = same_value(expr);
        let here = site.range_of(expr);
        let Some(binding) = site.binding(expr) else { return Value { site, expr, stuck: None } };
        let stuck = |why| Value { site: site.clone(), expr, stuck: Some(why) };
        let assigned: Vec<_> =
            binding.assigned.iter().filter(|(at, _)| at.end <= here.start).collect();
        if let Some((at, last)) = assigned.last() {
            if !is_top_level(&site, at) {
                return stuck("it is assigned under a condition");
            }
            expr = *last;
            continue;
        }
        match binding.origin {
            Origin::Let(local) => match &local.init {
                Some(init) if init.diverge.is_none() => expr = &init.expr,
                _ => return stuck("its `let` has no plain value"),
            },
            Origin::Pattern => return stuck("it is a part of a pattern"),
            Origin::Parameter(index, _) => match only_caller(code, &site.function, index) {
                Ok((caller, argument)) => (site, expr) = (caller, argument),
                Err(why) => return stuck(why),
            },
        }
    }
    Value { site, expr, stuck: Some("it leads around in a circle") }
}

/// The expression of which this is a clone, a reference, a conversion into the same thing.
pub(super) fn same_value(expr: &syn::Expr) -> &syn::Expr {
    const SAME: [&str; 10] = [
        "clone",
        "to_owned",
        "as_str",
        "as_ref",
        "to_string",
        "into",
        "as_path",
        "to_path_buf",
        "cloned",
        "as_deref",
    ];
    match expr {
        syn::Expr::Paren(e) => same_value(&e.expr),
        syn::Expr::Group(e) => same_value(&e.expr),
        syn::Expr::Reference(e) => same_value(&e.expr),
        syn::Expr::Unary(e) if matches!(e.op, syn::UnOp::Deref(_)) => same_value(&e.expr),
        syn::Expr::MethodCall(e)
            if e.args.is_empty() && SAME.iter().any(|name| e.method == name) =>
        {
            same_value(&e.receiver)
        }
        // `Arc::clone(&clock)`.
        syn::Expr::Call(call) => match (&*call.func, call.args.first()) {
            (syn::Expr::Path(path), Some(argument))
                if call.args.len() == 1
                    && path.path.segments.len() > 1
                    && path.path.segments.last().is_some_and(|s| s.ident == "clone") =>
            {
                same_value(argument)
            }
            _ => expr,
        },
        _ => expr,
    }
}

/// The expression without what waits for it and handles its error: `.await`, `?`, `.context(…)`.
pub(super) fn settled(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Paren(e) => settled(&e.expr),
        syn::Expr::Group(e) => settled(&e.expr),
        syn::Expr::Await(e) => settled(&e.base),
        syn::Expr::Try(e) => settled(&e.expr),
        syn::Expr::MethodCall(e) if handles_error(e) => settled(&e.receiver),
        _ => expr,
    }
}

/// Whether a method call only says what happens with an error.
pub(super) fn handles_error(call: &syn::ExprMethodCall) -> bool {
    const HANDLERS: [&str; 8] = [
        "context",
        "with_context",
        "wrap_err",
        "wrap_err_with",
        "map_err",
        "expect",
        "unwrap",
        "inspect_err",
    ];
    HANDLERS.iter().any(|name| call.method == name)
}

/// The item that the path of a call names, and the names left behind it.
pub(super) fn called(code: &Code<'_>, site: &Site<'_>, func: &syn::Expr) -> Found {
    let syn::Expr::Path(path) = func else { return Found::Nothing };
    let names: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    if names.first().is_some_and(|first| first == "Self")
        && let Some(ty) = crate::analysis::select::self_type(code, &site.function.item)
    {
        return Found::Item(ty, names[1..].to_vec());
    }
    code.resolve_path(site.scope(), path.path.leading_colon.is_some(), &names)
}

/// The function of the workspace that a call runs, if it is one.
pub(super) fn function_of<'w>(
    code: &Code<'w>,
    item: ItemId,
    rest: &[String],
) -> Option<Function<'w>> {
    let found = code.item(item);
    match rest {
        [] => function::all(&found).into_iter().next().filter(|_| found.kind == ItemKind::Function),
        [method] => {
            let root = code.root(item.root);
            root.items
                .iter()
                .filter(|i| i.kind == ItemKind::Impl && !i.test_only)
                .filter(|i| crate::analysis::select::self_type(code, i) == Some(item))
                .flat_map(function::all)
                .find(|f| f.name() == *method)
        }
        _ => None,
    }
}

/// What a function's body gives back: its last expression, without `Ok(…)`.
pub(super) fn result_of<'w>(function: &Function<'w>) -> Option<&'w syn::Expr> {
    let Some(syn::Stmt::Expr(last, None)) = function.block.stmts.last() else { return None };
    Some(without_ok(last))
}

fn without_ok(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Call(call)
            if call.args.len() == 1
                && matches!(&*call.func, syn::Expr::Path(p) if p.path.is_ident("Ok")) =>
        {
            &call.args[0]
        }
        other => other,
    }
}

/// Whether a place belongs to a statement of the function's outermost block.
fn is_top_level(site: &Site<'_>, at: &Range<usize>) -> bool {
    function::nodes(site.function.item.source, site.function.block, at).len() <= 2
}

/// The one call of a function outside of tests: where it stands, and its argument at `index`.
fn only_caller<'w>(
    code: &Code<'w>,
    function: &Function<'w>,
    index: usize,
) -> Result<(Site<'w>, &'w syn::Expr), &'static str> {
    let (callee, rest) = match function.item.kind {
        ItemKind::Function => (function.item.id, Vec::new()),
        _ => match crate::analysis::select::self_type(code, &function.item) {
            Some(ty) => (ty, vec![function.name()]),
            None => return Err("it is a parameter of a function that calve cannot follow"),
        },
    };
    // A method is called with what it is called on before its arguments.
    let index = index + usize::from(function.signature.receiver().is_some());
    let mut found = Vec::new();
    for member in &code.workspace.members {
        for target in member.targets.iter().filter(|t| !t.kind.is_dev()) {
            let name = function.signature.ident.to_string();
            // Reading every crate of the workspace would be slow; its text is at hand.
            if !code.workspace.rust_files(member).any(|(_, source)| source.text.contains(&name)) {
                continue;
            }
            let Some(root) = code.target(&member.name, target.kind, &target.name) else { continue };
            for item in code.root(root).items.iter().filter(|i| !i.test_only) {
                if item.kind == ItemKind::Module || !item.source.text.contains(&name) {
                    continue;
                }
                for function in function::all(item) {
                    calls(code, &Site::new(function), callee, &rest, &mut found);
                }
            }
        }
    }
    // A file can belong to several targets.
    found.dedup_by_key(|(site, call)| (site.function.item.file, site.range_of(*call).start));
    match found.as_slice() {
        [(site, call)] => match call.args.iter().nth(index) {
            Some(argument) => Ok((site.clone(), argument)),
            None => Err("it is a parameter of a function that is called in another way"),
        },
        [] => Err("it is a parameter of a function that nothing outside of tests calls"),
        _ => Err("it is a parameter of a function that several places call"),
    }
}

fn calls<'w>(
    code: &Code<'w>,
    site: &Site<'w>,
    callee: ItemId,
    rest: &[String],
    found: &mut Vec<(Site<'w>, &'w syn::ExprCall)>,
) {
    struct Calls<'w>(Vec<&'w syn::ExprCall>);
    impl<'w> Visit<'w> for Calls<'w> {
        fn visit_expr_call(&mut self, call: &'w syn::ExprCall) {
            self.0.push(call);
            visit::visit_expr_call(self, call);
        }
        fn visit_item(&mut self, _: &'w syn::Item) {}
    }
    let mut all = Calls(Vec::new());
    all.visit_block(site.function.block);
    for call in all.0 {
        if called(code, site, &call.func) == Found::Item(callee, rest.to_vec()) {
            found.push((site.clone(), call));
        }
    }
}
