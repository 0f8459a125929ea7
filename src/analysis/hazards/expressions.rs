//! The type of an expression, as far as declarations tell it.

use crate::analysis::code::{Found, ItemKind};

use super::scope::{Standing, opened};
use super::ty::{Ty, Types, names};

impl Types<'_, '_> {
    /// What an expression is.
    pub(super) fn of(&self, expr: &syn::Expr, at: Standing<'_>) -> Ty {
        match expr {
            syn::Expr::Paren(e) => self.of(&e.expr, at),
            syn::Expr::Group(e) => self.of(&e.expr, at),
            syn::Expr::Reference(e) => self.of(&e.expr, at),
            syn::Expr::Await(e) => self.of(&e.base, at),
            syn::Expr::Unary(e) => match e.op {
                syn::UnOp::Deref(_) => self.of(&e.expr, at),
                _ => Ty::Other,
            },
            syn::Expr::Try(e) => opened(&self.of(&e.expr, at)),
            syn::Expr::Index(e) => opened(&self.of(&e.expr, at)),
            syn::Expr::Cast(e) => self.read(at.scope, &e.ty, at.generics),
            syn::Expr::Lit(_) | syn::Expr::Binary(_) | syn::Expr::Range(_) => Ty::Other,
            syn::Expr::Tuple(e) => Ty::Tuple(e.elems.iter().map(|e| self.of(e, at)).collect()),
            syn::Expr::Path(path) => self.of_path(path, at),
            syn::Expr::Field(e) => {
                let member = match &e.member {
                    syn::Member::Named(ident) => ident.to_string(),
                    syn::Member::Unnamed(index) => index.index.to_string(),
                };
                self.field(&self.of(&e.base, at), &member)
            }
            syn::Expr::Struct(e) => {
                let global = e.path.leading_colon.is_some();
                match self.code.resolve_path(at.scope, global, &names(&e.path)) {
                    Found::Item(id, rest) if rest.is_empty() => Ty::Item(id, Vec::new()),
                    _ => Ty::Unknown,
                }
            }
            syn::Expr::If(e) => self.of_block(&e.then_branch, at),
            syn::Expr::Block(e) => self.of_block(&e.block, at),
            syn::Expr::Match(e) => e
                .arms
                .iter()
                .map(|arm| self.of(&arm.body, at))
                .find(|ty| *ty != Ty::Unknown)
                .unwrap_or(Ty::Unknown),
            syn::Expr::Call(call) => self.of_call(call, at),
            syn::Expr::MethodCall(call) => self.of_method_call(call, at),
            _ => Ty::Unknown,
        }
    }

    fn of_block(&self, block: &syn::Block, at: Standing<'_>) -> Ty {
        match block.stmts.last() {
            Some(syn::Stmt::Expr(expr, None)) => self.of(expr, at),
            _ => Ty::Unknown,
        }
    }

    fn of_path(&self, path: &syn::ExprPath, at: Standing<'_>) -> Ty {
        let names = names(&path.path);
        if let [name] = names.as_slice()
            && let Some(ty) = at.bindings.get(name)
        {
            return ty.clone();
        }
        match self.code.resolve_path(at.scope, path.path.leading_colon.is_some(), &names) {
            Found::Item(id, rest) if rest.is_empty() => {
                let item = self.code.item(id);
                match item.syntax {
                    syn::Item::Static(item_static) => {
                        self.read(item.scope, &item_static.ty, &super::ty::Generics::new())
                    }
                    syn::Item::Const(constant) => {
                        self.read(item.scope, &constant.ty, &super::ty::Generics::new())
                    }
                    _ if item.kind == ItemKind::Struct => Ty::Item(id, Vec::new()),
                    _ => Ty::Unknown,
                }
            }
            _ => Ty::Unknown,
        }
    }

    fn of_call(&self, call: &syn::ExprCall, at: Standing<'_>) -> Ty {
        let syn::Expr::Path(callee) = &*call.func else { return Ty::Unknown };
        let path = &callee.path;
        let names = names(path);
        let first = || call.args.first().map_or(Ty::Unknown, |argument| self.of(argument, at));
        if let [this, name] = names.as_slice()
            && this == "Self"
        {
            let this = at.generics.get("Self").cloned().unwrap_or(Ty::Unknown);
            return self.returned(&this, name, at.scope.root);
        }
        match self.code.resolve_path(at.scope, path.leading_colon.is_some(), &names) {
            Found::Item(id, rest) => {
                let item = self.code.item(id);
                match (item.kind, rest.as_slice()) {
                    (ItemKind::Function, []) => self.function_output(id),
                    (ItemKind::Struct, []) => Ty::Item(id, Vec::new()),
                    (_, [name]) => {
                        match self.returned(&Ty::Item(id, Vec::new()), name, at.scope.root) {
                            // Derived, or made by a macro.
                            Ty::Unknown
                                if self.is_implementation(id)
                                    && (name == "new" || name == "default") =>
                            {
                                Ty::Api
                            }
                            known => known,
                        }
                    }
                    _ => Ty::Unknown,
                }
            }
            _ => match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                [.., "Arc" | "Rc" | "Box", "clone" | "new" | "from" | "pin"]
                | [.., "Clone", "clone"]
                | [.., "Data" | "State" | "Extension"]
                | [.., "Data", "new" | "from"] => first(),
                [.., "Some" | "Ok"] => Ty::Wrapped(Box::new(first())),
                [.., "Mutex" | "RwLock" | "OnceLock" | "OnceCell" | "RefCell", "new"] => {
                    Ty::Wrapped(Box::new(first()))
                }
                _ => Ty::Unknown,
            },
        }
    }

    fn of_method_call(&self, call: &syn::ExprMethodCall, at: Standing<'_>) -> Ty {
        let receiver = self.of(&call.receiver, at);
        let name = call.method.to_string();
        match (&receiver, name.as_str()) {
            (
                Ty::Item(..),
                "clone" | "as_ref" | "as_mut" | "borrow" | "borrow_mut" | "to_owned" | "deref"
                | "into_inner",
            ) => {
                match self.returned(&receiver, &name, at.scope.root) {
                    // Derived, or the smart pointer's own.
                    Ty::Unknown => receiver,
                    known => known,
                }
            }
            (Ty::Item(..), _) => self.returned(&receiver, &name, at.scope.root),
            (
                Ty::Api,
                "clone" | "as_ref" | "as_mut" | "borrow" | "borrow_mut" | "to_owned" | "deref"
                | "into" | "into_inner" | "unwrap" | "expect" | "get_ref" | "by_ref" | "load_full",
            ) => Ty::Api,
            (
                Ty::Wrapped(inner),
                "unwrap" | "expect" | "unwrap_or" | "unwrap_or_else" | "unwrap_or_default" | "lock"
                | "read" | "write" | "borrow" | "borrow_mut" | "blocking_lock" | "load"
                | "load_full" | "get_or_init" | "get_or_insert_with",
            ) => (**inner).clone(),
            (
                Ty::Wrapped(_),
                "clone" | "as_ref" | "as_mut" | "as_deref" | "as_deref_mut" | "cloned" | "copied"
                | "get" | "get_mut" | "first" | "last" | "pop" | "next" | "iter" | "iter_mut"
                | "into_iter" | "values" | "ok_or" | "ok_or_else" | "ok" | "map_err" | "context"
                | "with_context" | "or_else" | "filter" | "upgrade" | "take",
            ) => receiver,
            _ => Ty::Unknown,
        }
    }
}
