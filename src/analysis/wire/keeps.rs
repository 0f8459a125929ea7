//! Whether a constructor keeps what it is given: only then does a value that goes through it a second
//! time arrive as it was sent.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Expr, Member, Pat};

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

/// Types whose `from` does the same.
const HOLDERS: [&str; 5] = ["Arc", "Box", "Cow", "String", "Vec"];

/// Whether every `Self` that the body makes holds each parameter in its own field, as it came. One that
/// trims, hashes or rounds does not, nor does one that hands them to another function.
pub(super) fn parameters(function: &syn::ImplItemFn, type_name: &str) -> bool {
    let mut body = Body {
        parameters: Vec::new(),
        kept: BTreeMap::new(),
        values: BTreeSet::new(),
        type_name,
        made: 0,
        changed: false,
    };
    for input in &function.sig.inputs {
        if let syn::FnArg::Typed(typed) = input {
            let name = plain(&typed.pat).unwrap_or_default();
            if !name.is_empty() {
                body.kept.insert(name.clone(), name.clone());
            }
            body.parameters.push(name);
        }
    }
    body.visit_block(&function.block);
    body.made > 0 && !body.changed
}

/// The name that a pattern gives to a whole value, which nobody can change under that name.
fn plain(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Type(typed) => plain(&typed.pat),
        Pat::Ident(ident) if ident.mutability.is_none() && ident.subpat.is_none() => {
            Some(ident.ident.to_string())
        }
        _ => None,
    }
}

struct Body<'a> {
    parameters: Vec<String>,
    /// Names that hold a parameter as it came, and which.
    kept: BTreeMap<String, String>,
    /// Names that hold a value of the type.
    values: BTreeSet<String>,
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

    /// The parameter that an expression is, held in another way perhaps.
    fn parameter(&self, expression: &Expr) -> Option<&String> {
        match expression {
            Expr::Path(path) => self.kept.get(&path.path.get_ident()?.to_string()),
            Expr::Reference(reference) => self.parameter(&reference.expr),
            Expr::Paren(paren) => self.parameter(&paren.expr),
            Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Deref(_)) => {
                self.parameter(&unary.expr)
            }
            Expr::MethodCall(call) => {
                let converts =
                    call.args.is_empty() && CONVERSIONS.iter().any(|name| call.method == name);
                self.parameter(&call.receiver).filter(|_| converts)
            }
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return None };
                let mut names = path.path.segments.iter().rev().map(|s| &s.ident);
                let converts = names.next().is_some_and(|name| name == "from")
                    && names.next().is_some_and(|name| HOLDERS.iter().any(|held| name == held));
                match call.args.iter().collect::<Vec<_>>().as_slice() {
                    [only] if converts => self.parameter(only),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether an expression is a value of the type, right where it is made or by its name.
    fn is_value(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Struct(made) => self.is_type(&made.path),
            Expr::Call(call) => matches!(&*call.func, Expr::Path(path) if self.is_type(&path.path)),
            Expr::Path(path) => {
                path.path.get_ident().is_some_and(|name| self.values.contains(&name.to_string()))
            }
            _ => false,
        }
    }

    fn field(&mut self, member: &Member, value: &Expr) {
        let belongs = match (self.parameters.as_slice(), member) {
            ([only], _) => Some(only.clone()),
            (_, Member::Named(name)) => Some(name.to_string()),
            (all, Member::Unnamed(position)) => all.get(position.index as usize).cloned(),
        };
        if belongs.is_none() || self.parameter(value) != belongs.as_ref() {
            self.changed = true;
        }
    }

    /// Names that a part of the body binds mean what they meant before when it is left.
    fn within(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = (self.kept.clone(), self.values.clone());
        visit(self);
        (self.kept, self.values) = outer;
    }
}

impl<'ast> Visit<'ast> for Body<'_> {
    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.within(|body| visit::visit_block(body, block));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.within(|body| visit::visit_arm(body, arm));
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.within(|body| visit::visit_expr_closure(body, closure));
    }

    fn visit_expr_for_loop(&mut self, turns: &'ast syn::ExprForLoop) {
        self.within(|body| visit::visit_expr_for_loop(body, turns));
    }

    fn visit_expr_while(&mut self, turns: &'ast syn::ExprWhile) {
        self.within(|body| visit::visit_expr_while(body, turns));
    }

    fn visit_expr_if(&mut self, branches: &'ast syn::ExprIf) {
        self.within(|body| {
            body.visit_expr(&branches.cond);
            body.visit_block(&branches.then_branch);
        });
        if let Some((_, otherwise)) = &branches.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            self.visit_local_init(init);
        }
        let init = local.init.as_ref().map(|init| &*init.expr);
        let parameter = init.and_then(|init| self.parameter(init)).cloned();
        let is_value = init.is_some_and(|init| self.is_value(init));
        // Whatever the pattern binds hides what had that name.
        self.visit_pat(&local.pat);
        match plain(&local.pat) {
            Some(name) if is_value => {
                self.values.insert(name);
            }
            Some(name) => self.kept.extend(parameter.map(|parameter| (name, parameter))),
            None => self.changed |= is_value,
        }
    }

    fn visit_pat_ident(&mut self, ident: &'ast syn::PatIdent) {
        let name = ident.ident.to_string();
        self.kept.remove(&name);
        self.values.remove(&name);
        visit::visit_pat_ident(self, ident);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let mut hands_on = true;
        if let Expr::Path(path) = &*call.func {
            let first = path.path.segments.first().map(|s| &s.ident);
            if self.is_type(&path.path) {
                self.made += 1;
                for (position, value) in call.args.iter().enumerate() {
                    self.field(&Member::from(position), value);
                }
            } else if path.path.segments.len() > 1
                && first.is_some_and(|name| name == "Self" || name == self.type_name)
            {
                // Another constructor may do anything.
                self.changed = true;
            }
            hands_on = path.path.segments.last().is_none_or(|s| s.ident != "Ok");
        }
        for value in &call.args {
            let result = match value {
                // `Ok(made.trimmed())`
                Expr::MethodCall(call) => self.is_value(&call.receiver),
                value => hands_on && self.is_value(value),
            };
            self.changed |= result;
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        // By its name it may be asked whether it is valid.
        if !matches!(&*call.receiver, Expr::Path(_)) && self.is_value(&call.receiver) {
            self.changed = true;
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        if self.is_type(&made.path) {
            self.made += 1;
            for field in &made.fields {
                self.field(&field.member, &field.expr);
            }
            self.changed |= made.rest.is_some();
        }
        visit::visit_expr_struct(self, made);
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

    #[test]
    fn a_name_that_is_bound_again_is_another_value() {
        for body in [
            "let Some(text) = text.strip_prefix(\"SKU-\") else { return Err(E) }; Ok(Self(text.into()))",
            "match text.split_once(':') { Some((_, text)) => Ok(Self(text.into())), None => Err(E) }",
            "if let Some(text) = text.get(1..) { Ok(Self(text.into())) } else { Err(E) }",
            "let (text, _) = text.split_at(1); Ok(Self(text.into()))",
            "check(text).map(|text| Self(text.into()))",
            "let mut text = text.to_owned(); text.insert(0, '#'); Ok(Self(text))",
            "let mut made = Self(text.into()); made.0.clear(); Ok(made)",
            "Ok(Self(text.into()).upper())",
            "let made = Self(text.into()); Ok(made.upper())",
            "Ok(upper(Self(text.into())))",
            "Ok(Self(Upper::from(text).to_string()))",
        ] {
            assert!(
                !keeps(&format!("fn parse(text: &str) -> Result<Self, E> {{ {body} }}")),
                "{body}"
            );
        }
        assert!(!keeps("fn new(mut n: u8) -> Result<Self, E> { n += 1; Ok(Self(n)) }"));
        for body in [
            "if let Err(text) = check(text) { return Err(text) } Ok(Self(text.into()))",
            "if text.chars().any(|text| text == ' ') { Err(E) } else { Ok(Self(text.into())) }",
            "let made = Self(text.into()); made.check()?; Ok(made)",
            "let made = Self(text.into()); check(&made)?; Ok(made)",
            "Ok(Self(String::from(text)))",
        ] {
            assert!(
                keeps(&format!("fn parse(text: &str) -> Result<Self, E> {{ {body} }}")),
                "{body}"
            );
        }
    }

    #[test]
    fn each_parameter_goes_into_its_own_field() {
        assert!(keeps("fn new(a: u8, b: u8) -> Result<Self, E> { Ok(Self(a, b)) }"));
        assert!(!keeps("fn new(a: u8, b: u8) -> Result<Self, E> { Ok(Self(b, a)) }"));
        assert!(!keeps("fn new(a: u8, b: u8) -> Result<Self, E> { Ok(Self { a: b, b: a }) }"));
        assert!(!keeps("fn new(a: u8, b: u8) -> Result<Self, E> { let b = a; Ok(Self { a, b }) }"));
    }
}
