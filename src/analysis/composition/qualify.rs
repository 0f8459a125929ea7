//! Spells an expression so that it means the same in another crate: every path from its crate on,
//! constants of the workspace replaced by their values.

use std::collections::BTreeSet;

use quote::ToTokens;

use super::trace::Site;
use crate::analysis::code::{Code, Found, ItemKind, ScopeId, mentions};
use crate::analysis::types::package_of;
use crate::workspace::Source;

/// An expression that depends on nothing around it.
#[derive(Debug, Clone, Default)]
pub(super) struct Qualified {
    pub(super) text: String,
    /// Packages that it names; the standard library is left out.
    pub(super) packages: BTreeSet<String>,
    /// Workspace items that it names.
    pub(super) items: Vec<crate::analysis::code::ItemId>,
}

/// Names that mean the same everywhere.
const PRELUDE: [&str; 40] = [
    "Some", "None", "Ok", "Err", "String", "Vec", "Box", "Default", "true", "false", "bool",
    "char", "str", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
    "usize", "f32", "f64", "vec", "as", "From", "Into", "TryFrom", "ToString", "format", "concat",
    "Option", "Result", "From", "AsRef", "Iterator",
];

/// Spells `expr`; none if it depends on a local name, `self`, or code that others cannot reach.
pub(super) fn expression(code: &Code<'_>, site: &Site<'_>, expr: &syn::Expr) -> Option<Qualified> {
    struct Awaits(bool);
    impl syn::visit::Visit<'_> for Awaits {
        fn visit_expr_await(&mut self, _: &syn::ExprAwait) {
            self.0 = true;
        }
        fn visit_expr_try(&mut self, _: &syn::ExprTry) {
            self.0 = true;
        }
        fn visit_expr_closure(&mut self, _: &syn::ExprClosure) {
            self.0 = true;
        }
        fn visit_expr_return(&mut self, _: &syn::ExprReturn) {
            self.0 = true;
        }
    }
    let mut awaits = Awaits(false);
    syn::visit::Visit::visit_expr(&mut awaits, expr);
    let range = site.range_of(expr);
    let uses_local = site.bindings.iter().any(|binding| {
        binding.uses.iter().any(|used| range.start <= used.start && used.end <= range.end)
    });
    if awaits.0 || uses_local {
        return None;
    }
    let mut qualified = Qualified::default();
    qualified.text = spell(code, site.scope(), site.function.item.source, expr, &mut qualified, 0)?;
    Some(qualified)
}

fn spell(
    code: &Code<'_>,
    scope: ScopeId,
    source: &Source,
    expr: &syn::Expr,
    qualified: &mut Qualified,
    depth: usize,
) -> Option<String> {
    let range = source.range_of(expr);
    let mut text = String::new();
    let mut at = range.start;
    for mention in mentions(expr.to_token_stream()) {
        let first = source.range(mention.segments[0].span);
        let last = source.range(mention.segments[mention.segments.len() - 1].span);
        let replacement = match code.resolve(scope, &mention) {
            Found::External(krate, path) => {
                let package = package_of(code, scope, &krate);
                let standard = matches!(krate.as_str(), "std" | "core" | "alloc");
                if !standard {
                    qualified.packages.insert(package.clone());
                }
                let krate = if standard { krate } else { package.replace('-', "_") };
                format!("{krate}::{}", path.join("::"))
            }
            Found::Item(id, rest) => {
                let item = code.item(id);
                if let syn::Item::Const(constant) = item.syntax
                    && rest.is_empty()
                    && depth < 8
                {
                    let value =
                        spell(code, item.scope, item.source, &constant.expr, qualified, depth + 1)?;
                    let simple = matches!(
                        *constant.expr,
                        syn::Expr::Lit(_) | syn::Expr::Call(_) | syn::Expr::Path(_)
                    );
                    if simple { value } else { format!("({value})") }
                } else {
                    let root = code.root(id.root);
                    if root.target.kind != crate::workspace::TargetKind::Lib
                        || item.kind == ItemKind::Static
                    {
                        return None;
                    }
                    qualified.packages.insert(root.member.name.clone());
                    qualified.items.push(id);
                    let path = [vec![root.member.ident()], code.public_path(id)?, rest].concat();
                    path.join("::")
                }
            }
            Found::Module(_) => return None,
            Found::Nothing if PRELUDE.contains(&mention.segments[0].name.as_str()) => continue,
            Found::Nothing => return None,
        };
        text.push_str(source.text.get(at..first.start)?);
        text.push_str(&replacement);
        at = last.end;
    }
    text.push_str(source.text.get(at..range.end)?);
    // One line, whatever the layout was.
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    if lines.iter().any(|line| line.contains("//")) {
        return None;
    }
    Some(
        lines
            .join(" ")
            .replace("( ", "(")
            .replace(", )", ")")
            .replace(" )", ")")
            .replace(" .", "."),
    )
}
