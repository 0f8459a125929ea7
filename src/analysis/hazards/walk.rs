//! Walks one function in source order and notes every call of an operation or of a helper, with the
//! transaction and the loops that it stands in.

use std::ops::Range;

use syn::Token;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};

use crate::analysis::code::Found;

use super::bodies::{Body, Key};
use super::extent;
use super::loops::{self, Pace};
use super::scope::{Bindings, Standing, opened};
use super::transactions::{self, Open, Text};
use super::ty::{Ty, Types, names};

/// A call that matters.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) what: What,
    /// What to underline.
    pub(super) range: Range<usize>,
    /// First byte of the name that is called.
    pub(super) name_at: usize,
    /// What opened the transaction that it stands in.
    pub(super) transaction: Option<Range<usize>>,
    /// The head of the innermost loop, its pace, and how many loops there are.
    pub(super) repeated: Option<(Range<usize>, Pace, usize)>,
}

/// What is called.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// An operation, and whether the receiver's type is known.
    Operation(String, bool),
    /// A method that no API trait has, on what may be the implementation.
    Other(String),
    /// A function of the workspace that may call one.
    Helper(Key, String),
    /// Nothing yet: a variable of that name holds what offers the API.
    Bound(String),
}

/// The calls of a function.
pub(super) fn walk<'w>(types: &Types<'_, 'w>, body: &Body<'w>) -> Vec<Event> {
    let mut walk = Walk {
        types,
        body,
        bindings: Bindings::default(),
        open: Vec::new(),
        loops: Vec::new(),
        concurrent: 0,
        awaited: false,
        events: Vec::new(),
    };
    walk.bindings.enter();
    for input in &body.signature.inputs {
        match input {
            syn::FnArg::Receiver(_) => {
                let this = body.generics.get("Self").cloned().unwrap_or(Ty::Unknown);
                walk.bindings.insert("self".to_owned(), this);
            }
            syn::FnArg::Typed(typed) => {
                let ty = types.read(body.scope, &typed.ty, &body.generics);
                walk.bind(&typed.pat, &ty);
                if transactions::is_transaction_type(&typed.ty) {
                    // A borrowed one is the caller's to end.
                    let owned = !matches!(*typed.ty, syn::Type::Reference(_));
                    walk.open.push(Open {
                        name: owned.then(|| name_of(&typed.pat)).flatten(),
                        depth: walk.bindings.depth(),
                        range: body.source.range_of(typed),
                    });
                }
            }
        }
    }
    walk.visit_block(body.block);
    walk.events
}

struct Walk<'a, 'c, 'w> {
    types: &'a Types<'c, 'w>,
    body: &'a Body<'w>,
    bindings: Bindings,
    open: Vec<Open>,
    loops: Vec<(Range<usize>, Pace)>,
    /// How many `join_all` and their like stand around this place.
    concurrent: usize,
    /// Whether the expression that comes next is waited for.
    awaited: bool,
    events: Vec<Event>,
}

impl Walk<'_, '_, '_> {
    fn of(&self, expr: &syn::Expr) -> Ty {
        let at = Standing {
            scope: self.body.scope,
            generics: &self.body.generics,
            bindings: &self.bindings,
        };
        self.types.of(expr, at)
    }

    fn bind(&mut self, pattern: &syn::Pat, ty: &Ty) {
        let bound = self.types.bind(pattern, ty, self.body.scope, &self.body.generics);
        for (name, ty) in bound {
            if opened(&ty) == Ty::Api {
                let range = self.body.source.range(name.span());
                self.note(What::Bound(name.to_string()), range.clone(), range.start);
            }
            self.bindings.insert(name.to_string(), ty);
        }
    }

    fn note(&mut self, what: What, range: Range<usize>, name_at: usize) {
        self.events.push(Event {
            what,
            range,
            name_at,
            transaction: self.open.last().map(|open| open.range.clone()),
            repeated: self.loops.last().map(|(head, pace)| (head.clone(), *pace, self.loops.len())),
        });
    }

    fn repeated(&mut self, head: Range<usize>, pace: Pace, inside: impl FnOnce(&mut Self)) {
        self.loops.push((head, pace));
        inside(self);
        self.loops.pop();
    }

    /// What runs in a task of its own is not part of the caller's transaction.
    fn detached(&mut self, inside: impl FnOnce(&mut Self)) {
        let open = std::mem::take(&mut self.open);
        inside(self);
        self.open = open;
    }

    /// Runs `inside` for a branch: what it ends stays open if it leaves the function or the loop.
    fn branch(&mut self, leaves: bool, inside: impl FnOnce(&mut Self)) {
        let before = self.open.clone();
        self.bindings.enter();
        let depth = self.bindings.depth();
        inside(self);
        self.bindings.leave();
        if leaves {
            self.open = before;
        } else {
            self.open.retain(|open| open.depth < depth);
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|open| open.name.as_deref() == Some(name)) {
            self.open.remove(at);
        }
    }

    /// A transaction that is given away by value ends with the call: its new owner finishes it.
    fn close_moved(&mut self, arguments: &Punctuated<syn::Expr, Token![,]>) {
        for argument in arguments {
            if let Some(name) = variable(argument) {
                self.close(&name);
            }
        }
    }

    /// `BEGIN` and `COMMIT` executed as text.
    fn read_text(&mut self, argument: Option<&syn::Expr>, range: Range<usize>) {
        let Some(syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })) = argument else {
            return;
        };
        match transactions::of_text(&text.value()) {
            Some(Text::Begins) => {
                self.open.push(Open { name: None, depth: self.bindings.depth(), range });
            }
            Some(Text::Ends) => {
                if let Some(at) = self.open.iter().rposition(|open| open.name.is_none()) {
                    self.open.remove(at);
                }
            }
            None => {}
        }
    }

    fn is_operation_call(
        &self,
        call: &syn::ExprMethodCall,
        of: &Ty,
        awaited: bool,
    ) -> Option<bool> {
        let name = call.method.to_string();
        let (_, arguments, waits) = self.types.operations.iter().find(|(n, ..)| *n == name)?;
        match of {
            Ty::Api => Some(true),
            Ty::Unknown => (awaited
                && *waits
                && *arguments == call.args.len()
                && !transactions::ends(&name)
                && transactions::begins(&syn::Expr::MethodCall(call.clone())).is_none()
                && self.types.is_unmistakable(&name))
            .then_some(false),
            _ => None,
        }
    }

    fn helper_of_path(&self, path: &syn::Path) -> Option<(Key, String)> {
        let names = names(path);
        let shown = names.join("::");
        if let [this, name] = names.as_slice()
            && this == "Self"
        {
            let Some(Ty::Item(id, _)) = self.body.generics.get("Self") else { return None };
            return Some((Key::Method(*id, name.clone()), name.clone()));
        }
        let global = path.leading_colon.is_some();
        match self.types.code.resolve_path(self.body.scope, global, &names) {
            Found::Item(id, rest) => match rest.as_slice() {
                [] => Some((Key::Function(id), shown)),
                [name] => Some((Key::Method(id, name.clone()), shown)),
                _ => None,
            },
            _ => None,
        }
    }
}

impl<'ast> Visit<'ast> for Walk<'_, '_, '_> {
    // Its own scope; an item in a body is rare and calls nothing on the caller's behalf.
    fn visit_item(&mut self, _: &'ast syn::Item) {}

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.branch(transactions::diverges(block), |walk| {
            for statement in &block.stmts {
                walk.visit_stmt(statement);
            }
        });
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let Some(init) = &local.init else {
            return self.bind(&local.pat, &Ty::Unknown);
        };
        self.visit_expr(&init.expr);
        let mut ty = self.of(&init.expr);
        if let Some(begin) = transactions::begins(&init.expr)
            && self.of(&begin.receiver) != Ty::Api
        {
            ty = Ty::Other;
            let range = transactions::extent(self.body.source, begin);
            let name = name_of(&local.pat);
            self.open.push(Open { name, depth: self.bindings.depth(), range });
        }
        if let Some((_, otherwise)) = &init.diverge {
            self.branch(true, |walk| walk.visit_expr(otherwise));
        }
        // `let tx = tx;` and the like hand the transaction on.
        if let (Some(old), Some(new)) = (variable(&init.expr), name_of(&local.pat))
            && let Some(open) = self.open.iter_mut().rfind(|o| o.name.as_ref() == Some(&old))
        {
            open.name = Some(new);
        }
        self.bind(&local.pat, &ty);
    }

    fn visit_expr_match(&mut self, expr: &'ast syn::ExprMatch) {
        self.visit_expr(&expr.expr);
        let ty = self.of(&expr.expr);
        for arm in &expr.arms {
            self.branch(transactions::leaves(&arm.body), |walk| {
                walk.bind(&arm.pat, &ty);
                walk.visit_pat(&arm.pat);
                walk.visit_expr(&arm.body);
            });
        }
    }

    fn visit_expr_if(&mut self, expr: &'ast syn::ExprIf) {
        self.bindings.enter();
        self.visit_expr(&expr.cond);
        self.visit_block(&expr.then_branch);
        self.bindings.leave();
        if let Some((_, otherwise)) = &expr.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_let(&mut self, expr: &'ast syn::ExprLet) {
        self.visit_expr(&expr.expr);
        let ty = self.of(&expr.expr);
        self.bind(&expr.pat, &ty);
    }

    fn visit_expr_for_loop(&mut self, expr: &'ast syn::ExprForLoop) {
        // What is iterated over is evaluated once.
        self.visit_expr(&expr.expr);
        let ty = opened(&self.of(&expr.expr));
        let head =
            extent::up_to(self.body.source, expr.for_token.span, expr.body.brace_token.span.open());
        self.bindings.enter();
        self.bind(&expr.pat, &ty);
        self.repeated(head, Pace::Serial, |walk| walk.visit_block(&expr.body));
        self.bindings.leave();
    }

    fn visit_expr_while(&mut self, expr: &'ast syn::ExprWhile) {
        let head = extent::up_to(
            self.body.source,
            expr.while_token.span,
            expr.body.brace_token.span.open(),
        );
        self.bindings.enter();
        if loops::is_event_loop(Some(&expr.cond), &expr.body) {
            self.visit_expr(&expr.cond);
            self.visit_block(&expr.body);
        } else {
            self.repeated(head, Pace::Serial, |walk| {
                walk.visit_expr(&expr.cond);
                walk.visit_block(&expr.body);
            });
        }
        self.bindings.leave();
    }

    fn visit_expr_loop(&mut self, expr: &'ast syn::ExprLoop) {
        if loops::is_event_loop(None, &expr.body) {
            return self.visit_block(&expr.body);
        }
        let head = extent::up_to(
            self.body.source,
            expr.loop_token.span,
            expr.body.brace_token.span.open(),
        );
        self.repeated(head, Pace::Serial, |walk| walk.visit_block(&expr.body));
    }

    fn visit_expr_closure(&mut self, expr: &'ast syn::ExprClosure) {
        self.bindings.enter();
        for input in &expr.inputs {
            self.bind(input, &Ty::Unknown);
        }
        self.visit_expr(&expr.body);
        self.bindings.leave();
    }

    fn visit_expr_await(&mut self, expr: &'ast syn::ExprAwait) {
        self.awaited = matches!(*expr.base, syn::Expr::MethodCall(_));
        self.visit_expr(&expr.base);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let awaited = std::mem::take(&mut self.awaited);
        let method = call.method.to_string();
        let of = self.of(&call.receiver);
        let concurrent = usize::from(loops::is_concurrent(&method));

        self.concurrent += concurrent;
        self.visit_expr(&call.receiver);
        let pace = if self.concurrent > 0 { Pace::Parallel } else { Pace::Serial };
        self.concurrent -= concurrent;

        let name = self.body.source.range(call.method.span());
        let arguments = |walk: &mut Self| {
            for argument in &call.args {
                walk.visit_expr(argument);
            }
        };
        if loops::repeats(call) {
            self.repeated(name.clone(), pace, arguments);
        } else if transactions::runs_in_one(call) {
            let before = self.open.clone();
            let depth = self.bindings.depth();
            self.open.push(Open { name: None, depth, range: name.clone() });
            arguments(self);
            self.open = before;
        } else if method.starts_with("spawn") {
            self.detached(arguments);
        } else {
            arguments(self);
        }

        let range = extent::of_call(self.body.source, call);
        if let Some(certain) = self.is_operation_call(call, &of, awaited) {
            self.note(What::Operation(method, certain), range, name.start);
            return;
        }
        if of == Ty::Api {
            self.note(What::Other(method.clone()), name.clone(), name.start);
        }
        if let Ty::Item(id, _) = of {
            let what = What::Helper(Key::Method(id, method.clone()), method.clone());
            self.note(what, range.clone(), name.start);
        }
        if transactions::ends(&method)
            && let Some(variable) = variable(&call.receiver)
        {
            self.close(&variable);
        }
        if matches!(
            method.as_str(),
            "execute" | "execute_batch" | "batch_execute" | "execute_unprepared" | "simple_query"
        ) {
            self.read_text(call.args.first(), range);
        }
        self.close_moved(&call.args);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        self.awaited = false;
        let syn::Expr::Path(callee) = &*call.func else {
            return visit::visit_expr_call(self, call);
        };
        let names = names(&callee.path);
        let last = names.last().map(String::as_str).unwrap_or_default();
        let arguments = |walk: &mut Self| {
            for argument in &call.args {
                walk.visit_expr(argument);
            }
        };
        if loops::joins(last) {
            self.concurrent += 1;
            arguments(self);
            self.concurrent -= 1;
        } else if last.starts_with("spawn") {
            self.detached(arguments);
        } else {
            arguments(self);
        }
        let range = self.body.source.range_of(call);
        let name_at = callee
            .path
            .segments
            .last()
            .map_or(range.start, |s| self.body.source.range(s.ident.span()).start);
        match self.helper_of_path(&callee.path) {
            // `InventoryApi::reserve(&*inventory, …)`
            Some((Key::Method(id, name), _))
                if id == self.types.api && self.types.is_operation(&name) =>
            {
                self.note(What::Operation(name, true), range.clone(), name_at);
            }
            Some((key, shown)) => {
                self.note(What::Helper(key, shown), range.clone(), name_at);
            }
            None => {}
        }
        if matches!(last, "query" | "raw_sql" | "sql_query") {
            self.read_text(call.args.first(), range);
        }
        self.close_moved(&call.args);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let listed = call.parse_body_with(Punctuated::<syn::Expr, Token![,]>::parse_terminated);
        if let Ok(listed) = listed {
            for expr in &listed {
                self.visit_expr(expr);
            }
            if call.path.segments.last().is_some_and(|s| s.ident == "query") {
                let range = self.body.source.range_of(call);
                self.read_text(listed.first(), range);
            }
        } else if let Ok(statements) = call.parse_body_with(syn::Block::parse_within) {
            self.branch(false, |walk| {
                for statement in &statements {
                    walk.visit_stmt(statement);
                }
            });
        }
    }
}

/// The variable that an expression is.
fn variable(expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Path(path) if path.qself.is_none() => {
            path.path.get_ident().map(ToString::to_string)
        }
        syn::Expr::Paren(paren) => variable(&paren.expr),
        _ => None,
    }
}

/// The variable that a pattern binds.
fn name_of(pattern: &syn::Pat) -> Option<String> {
    match pattern {
        syn::Pat::Ident(ident) => Some(ident.ident.to_string()),
        syn::Pat::Type(typed) => name_of(&typed.pat),
        syn::Pat::Paren(paren) => name_of(&paren.pat),
        syn::Pat::TupleStruct(pattern) => match pattern.elems.first() {
            Some(inner) if pattern.elems.len() == 1 => name_of(inner),
            _ => None,
        },
        _ => None,
    }
}
