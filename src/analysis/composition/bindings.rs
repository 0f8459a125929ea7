//! The local names of a function and where each is used, shadowing respected.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::function::Function;
use crate::workspace::Source;

/// A local name.
#[derive(Debug)]
pub(super) struct Binding<'w> {
    pub(super) name: String,
    /// The name where it is bound.
    pub(super) at: Range<usize>,
    /// The `mut` keyword.
    pub(super) mutable: Option<Range<usize>>,
    pub(super) origin: Origin<'w>,
    pub(super) uses: Vec<Range<usize>>,
    /// Later `name = value`: where, and the value.
    pub(super) assigned: Vec<(Range<usize>, &'w syn::Expr)>,
}

/// How a name is bound.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin<'w> {
    /// `let name = …;`, nothing else in the pattern.
    Let(&'w syn::Local),
    /// A parameter of the function: its place among those that are not `self`, and its type.
    Parameter(usize, &'w syn::Type),
    /// A part of a pattern, a closure's parameter, a match arm.
    Pattern,
}

/// All local names of a function, in order of appearance.
pub(super) fn of<'w>(function: &Function<'w>) -> Vec<Binding<'w>> {
    let mut walker =
        Walker { source: function.item.source, bindings: Vec::new(), scopes: vec![Vec::new()] };
    let typed = function.signature.inputs.iter().filter_map(|input| match input {
        syn::FnArg::Typed(typed) => Some(typed),
        syn::FnArg::Receiver(_) => None,
    });
    for (index, parameter) in typed.enumerate() {
        match &*parameter.pat {
            syn::Pat::Ident(name) if name.subpat.is_none() => {
                walker.bind(name, Origin::Parameter(index, &parameter.ty));
            }
            other => walker.bind_all(other),
        }
    }
    walker.visit_block(function.block);
    walker.bindings
}

/// The binding that a use at `range` refers to.
pub(super) fn used_at<'b, 'w>(
    bindings: &'b [Binding<'w>],
    range: &Range<usize>,
) -> Option<&'b Binding<'w>> {
    bindings.iter().find(|b| b.uses.contains(range))
}

struct Walker<'w> {
    source: &'w Source,
    bindings: Vec<Binding<'w>>,
    /// For each open block the bindings of it, as indexes.
    scopes: Vec<Vec<usize>>,
}

impl<'w> Walker<'w> {
    fn bind(&mut self, name: &'w syn::PatIdent, origin: Origin<'w>) {
        let index = self.bindings.len();
        self.bindings.push(Binding {
            name: name.ident.to_string(),
            at: self.source.range(name.ident.span()),
            mutable: name.mutability.as_ref().map(|token| self.source.range_of(token)),
            origin,
            uses: Vec::new(),
            assigned: Vec::new(),
        });
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(index);
        }
    }

    fn bind_all(&mut self, pattern: &'w syn::Pat) {
        struct Names<'w>(Vec<&'w syn::PatIdent>);
        impl<'w> Visit<'w> for Names<'w> {
            fn visit_pat_ident(&mut self, name: &'w syn::PatIdent) {
                self.0.push(name);
                visit::visit_pat_ident(self, name);
            }
            fn visit_expr(&mut self, _: &'w syn::Expr) {}
        }
        let mut names = Names(Vec::new());
        names.visit_pat(pattern);
        for name in names.0 {
            self.bind(name, Origin::Pattern);
        }
    }

    fn lookup(&mut self, name: &str) -> Option<&mut Binding<'w>> {
        let name = name.strip_prefix("r#").unwrap_or(name);
        let index = self.scopes.iter().rev().flat_map(|scope| scope.iter().rev()).copied().find(
            |&index| {
                let bound = &self.bindings[index].name;
                bound.strip_prefix("r#").unwrap_or(bound) == name
            },
        )?;
        Some(&mut self.bindings[index])
    }

    fn used(&mut self, name: &str, range: Range<usize>) {
        if let Some(binding) = self.lookup(name) {
            binding.uses.push(range);
        }
    }

    fn inside(&mut self, walk: impl FnOnce(&mut Self)) {
        self.scopes.push(Vec::new());
        walk(self);
        self.scopes.pop();
    }

    /// Names in a macro call, the ones captured by format strings included.
    fn macro_tokens(&mut self, tokens: TokenStream) {
        let mut behind_dot = false;
        for token in tokens {
            match &token {
                TokenTree::Group(group) => self.macro_tokens(group.stream()),
                TokenTree::Ident(ident) if !behind_dot => {
                    self.used(&ident.to_string(), self.source.range(ident.span()));
                }
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    let range = self.source.range(literal.span());
                    for piece in text.split('{').skip(1) {
                        let end = piece.find(|c: char| !c.is_alphanumeric() && c != '_');
                        let name = &piece[..end.unwrap_or(piece.len())];
                        self.used(name, range.clone());
                    }
                }
                _ => {}
            }
            behind_dot = matches!(&token, TokenTree::Punct(p) if p.as_char() == '.');
        }
    }
}

impl<'w> Visit<'w> for Walker<'w> {
    fn visit_block(&mut self, block: &'w syn::Block) {
        self.inside(|walker| visit::visit_block(walker, block));
    }

    fn visit_local(&mut self, local: &'w syn::Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
        }
        match plain_name(&local.pat) {
            Some(name) => self.bind(name, Origin::Let(local)),
            None => self.bind_all(&local.pat),
        }
    }

    fn visit_expr_let(&mut self, expr: &'w syn::ExprLet) {
        self.visit_expr(&expr.expr);
        self.bind_all(&expr.pat);
    }

    fn visit_expr_if(&mut self, expr: &'w syn::ExprIf) {
        self.inside(|walker| {
            walker.visit_expr(&expr.cond);
            walker.visit_block(&expr.then_branch);
        });
        if let Some((_, other)) = &expr.else_branch {
            self.visit_expr(other);
        }
    }

    fn visit_expr_while(&mut self, expr: &'w syn::ExprWhile) {
        self.inside(|walker| visit::visit_expr_while(walker, expr));
    }

    fn visit_expr_for_loop(&mut self, expr: &'w syn::ExprForLoop) {
        self.visit_expr(&expr.expr);
        self.inside(|walker| {
            walker.bind_all(&expr.pat);
            walker.visit_block(&expr.body);
        });
    }

    fn visit_expr_closure(&mut self, closure: &'w syn::ExprClosure) {
        self.inside(|walker| {
            for input in &closure.inputs {
                walker.bind_all(input);
            }
            walker.visit_expr(&closure.body);
        });
    }

    fn visit_arm(&mut self, arm: &'w syn::Arm) {
        self.inside(|walker| {
            walker.bind_all(&arm.pat);
            visit::visit_arm(walker, arm);
        });
    }

    fn visit_expr_assign(&mut self, assign: &'w syn::ExprAssign) {
        let at = self.source.range_of(assign);
        self.visit_expr(&assign.right);
        self.visit_expr(&assign.left);
        if let Some(name) = plain_path(&assign.left)
            && let Some(binding) = self.lookup(&name.to_string())
        {
            binding.assigned.push((at, &assign.right));
        }
    }

    fn visit_expr_path(&mut self, path: &'w syn::ExprPath) {
        if let Some(name) = path.path.get_ident() {
            self.used(&name.to_string(), self.source.range(name.span()));
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_macro(&mut self, call: &'w syn::Macro) {
        self.macro_tokens(call.tokens.clone());
    }

    fn visit_item(&mut self, _: &'w syn::Item) {}
}

/// The name of a pattern that is only that, with or without a type.
pub(super) fn plain_name(pattern: &syn::Pat) -> Option<&syn::PatIdent> {
    match pattern {
        syn::Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => Some(name),
        syn::Pat::Type(typed) => plain_name(&typed.pat),
        _ => None,
    }
}

/// The name of an expression that is only that.
pub(super) fn plain_path(expr: &syn::Expr) -> Option<&syn::Ident> {
    match expr {
        syn::Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        syn::Expr::Paren(paren) => plain_path(&paren.expr),
        syn::Expr::Group(group) => plain_path(&group.expr),
        _ => None,
    }
}
