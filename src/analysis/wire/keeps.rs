//! Whether a constructor keeps what it is given: only then does a value that goes through it a second
//! time arrive as it was sent.

use std::collections::BTreeSet;

use syn::visit::Visit;
use syn::{Expr, Pat};

/// Calls that change how a value is held and not what it is.
const CONVERSIONS: [&str; 11] = [
    "as_ref",
    "as_str",
    "borrow",
    "clone",
    "into",
    "into_boxed_str",
    "into_owned",
    "to_owned",
    "to_string",
    "to_vec",
    "as_slice",
];

/// Whether every `Self` that the body makes holds the parameters as they came. One that trims, hashes
/// or rounds does not, nor does one that hands them to another function.
pub(super) fn parameters(function: &syn::ImplItemFn, type_name: &str) -> bool {
    let mut kept = BTreeSet::new();
    for input in &function.sig.inputs {
        if let syn::FnArg::Typed(typed) = input
            && let Pat::Ident(ident) = &*typed.pat
        {
            kept.insert(ident.ident.to_string());
        }
    }
    let mut body = Body { kept, type_name, made: 0, changed: false };
    body.visit_block(&function.block);
    body.made > 0 && !body.changed
}

struct Body<'a> {
    /// Names that hold a parameter as it came.
    kept: BTreeSet<String>,
    type_name: &'a str,
    /// How often the type is made.
    made: usize,
    changed: bool,
}

impl Body<'_> {
    fn is_type(&self, path: &syn::Path) -> bool {
        path.segments.len() == 1
            && path.segments.last().is_some_and(|s| s.ident == "Self" || s.ident == self.type_name)
    }

    /// Whether an expression is a parameter, held in another way perhaps.
    fn is_parameter(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Path(path) => {
                path.path.get_ident().is_some_and(|ident| self.kept.contains(&ident.to_string()))
            }
            Expr::Reference(reference) => self.is_parameter(&reference.expr),
            Expr::Paren(paren) => self.is_parameter(&paren.expr),
            Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Deref(_)) => {
                self.is_parameter(&unary.expr)
            }
            Expr::MethodCall(call) => {
                call.args.is_empty()
                    && CONVERSIONS.iter().any(|name| call.method == name)
                    && self.is_parameter(&call.receiver)
            }
            Expr::Call(call) => {
                let from = matches!(&*call.func, Expr::Path(path)
                    if path.path.segments.last().is_some_and(|s| s.ident == "from"));
                from && call.args.len() == 1 && call.args.iter().all(|a| self.is_parameter(a))
            }
            _ => false,
        }
    }

    fn made_of<'e>(&mut self, mut values: impl Iterator<Item = &'e Expr>) {
        self.made += 1;
        if !values.all(|value| self.is_parameter(value)) {
            self.changed = true;
        }
    }
}

impl<'ast> Visit<'ast> for Body<'_> {
    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            self.visit_local_init(init);
        }
        let pattern = match &local.pat {
            Pat::Type(typed) => &*typed.pat,
            other => other,
        };
        if let Pat::Ident(ident) = pattern {
            let name = ident.ident.to_string();
            let same = local.init.as_ref().is_some_and(|init| self.is_parameter(&init.expr));
            if same {
                self.kept.insert(name);
            } else {
                self.kept.remove(&name);
            }
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(path) = &*call.func {
            if self.is_type(&path.path) {
                self.made_of(call.args.iter());
            } else if path.path.segments.len() > 1
                && path
                    .path
                    .segments
                    .first()
                    .is_some_and(|s| s.ident == "Self" || s.ident == self.type_name)
            {
                // Another constructor may do anything.
                self.changed = true;
            }
        }
        syn::visit::visit_expr_call(self, call);
    }

    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        if self.is_type(&made.path) {
            self.made_of(made.fields.iter().map(|f| &f.expr));
            if made.rest.is_some() {
                self.changed = true;
            }
        }
        syn::visit::visit_expr_struct(self, made);
    }

    fn visit_expr_assign(&mut self, assign: &'ast syn::ExprAssign) {
        if self.is_parameter(&assign.left) {
            self.changed = true;
        }
        syn::visit::visit_expr_assign(self, assign);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(function: &str) -> bool {
        parameters(&syn::parse_str(function).unwrap(), "Sku")
    }

    #[test]
    fn what_is_stored_as_it_came_is_kept() {
        assert!(keeps(
            "fn parse(text: &str) -> Result<Self, E> { if ok(text) { Ok(Self(text.to_owned())) } \
             else { Err(E) } }"
        ));
        assert!(keeps("fn new(min: u8, max: u8) -> Result<Self, E> { Ok(Self { min, max }) }"));
        assert!(keeps(
            "fn new(text: impl Into<String>) -> Result<Sku, E> { let text = text.into(); \
             check(&text)?; Ok(Sku(text)) }"
        ));
    }

    #[test]
    fn what_is_changed_on_the_way_is_not() {
        assert!(!keeps("fn of(plain: &str) -> Result<Self, E> { Ok(Self(hash(plain))) }"));
        assert!(!keeps(
            "fn parse(text: &str) -> Result<Self, E> { let text = text.trim(); Ok(Self(text.into())) }"
        ));
        assert!(!keeps("fn parse(text: &str) -> Result<Self, E> { Self::other(text) }"));
        assert!(!keeps("fn new(a: u8, b: u8) -> Result<Self, E> { Ok(Self { a, b: a + b }) }"));
    }
}
