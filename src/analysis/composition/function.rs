//! The functions of an item, and the nodes of a body around a place.

use std::ops::Range;

use syn::visit::{self, Visit};

use crate::analysis::code::Item;
use crate::workspace::Source;

/// A function or method with a body.
#[derive(Debug, Clone)]
pub(super) struct Function<'w> {
    /// The item of the module that it stands in: itself, or an `impl`.
    pub(super) item: Item<'w>,
    /// Its head.
    pub(super) signature: &'w syn::Signature,
    /// Its body.
    pub(super) block: &'w syn::Block,
}

impl Function<'_> {
    pub(super) fn name(&self) -> String {
        self.signature.ident.to_string()
    }
}

/// A statement or an expression of a body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Node<'w> {
    Stmt(&'w syn::Stmt),
    Expr(&'w syn::Expr),
}

/// Every function in an item: itself, its methods, functions inside of bodies.
pub(super) fn all<'w>(item: &Item<'w>) -> Vec<Function<'w>> {
    struct Functions<'a, 'w>(&'a Item<'w>, Vec<Function<'w>>);
    impl<'w> Functions<'_, 'w> {
        fn add(&mut self, signature: &'w syn::Signature, block: &'w syn::Block) {
            self.1.push(Function { item: self.0.clone(), signature, block });
        }
    }
    impl<'w> Visit<'w> for Functions<'_, 'w> {
        fn visit_item_fn(&mut self, f: &'w syn::ItemFn) {
            self.add(&f.sig, &f.block);
            visit::visit_item_fn(self, f);
        }
        fn visit_impl_item_fn(&mut self, f: &'w syn::ImplItemFn) {
            self.add(&f.sig, &f.block);
            visit::visit_impl_item_fn(self, f);
        }
        fn visit_trait_item_fn(&mut self, f: &'w syn::TraitItemFn) {
            if let Some(block) = &f.default {
                self.add(&f.sig, block);
            }
            visit::visit_trait_item_fn(self, f);
        }
        fn visit_item_mod(&mut self, _: &'w syn::ItemMod) {}
    }
    let mut functions = Functions(item, Vec::new());
    functions.visit_item(item.syntax);
    functions.1
}

/// The innermost function whose body covers `range`.
pub(super) fn around<'w>(item: &Item<'w>, range: &Range<usize>) -> Option<Function<'w>> {
    // Inner functions come after the outer ones.
    all(item).into_iter().rev().find(|f| covers(&item.source.range_of(f.block), range))
}

/// The statements and expressions around `range`, outermost first.
pub(super) fn nodes<'w>(
    source: &Source,
    block: &'w syn::Block,
    range: &Range<usize>,
) -> Vec<Node<'w>> {
    struct Nodes<'a, 'w>(&'a Source, &'a Range<usize>, Vec<Node<'w>>);
    impl<'w> Visit<'w> for Nodes<'_, 'w> {
        fn visit_stmt(&mut self, stmt: &'w syn::Stmt) {
            if covers(&self.0.range_of(stmt), self.1) {
                self.2.push(Node::Stmt(stmt));
                visit::visit_stmt(self, stmt);
            }
        }
        fn visit_expr(&mut self, expr: &'w syn::Expr) {
            if covers(&self.0.range_of(expr), self.1) {
                self.2.push(Node::Expr(expr));
                visit::visit_expr(self, expr);
            }
        }
    }
    let mut nodes = Nodes(source, range, Vec::new());
    nodes.visit_block(block);
    nodes.2
}

pub(super) fn covers(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
