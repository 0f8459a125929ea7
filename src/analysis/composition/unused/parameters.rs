//! Parameters that only the module's construction used, taken away together with what every caller gives
//! for them.

use std::ops::Range;

use super::Follower;
use crate::analysis::code::ItemKind;
use crate::analysis::composition::bindings::Origin;
use crate::analysis::composition::calls::{self, Call};
use crate::analysis::composition::function::Function;
use crate::analysis::composition::trace::{self, Site};
use crate::analysis::composition::{Shortened, ShortenedFunction};
use crate::workspace::line_of;

impl<'w> Follower<'_, '_, 'w> {
    /// Takes the parameters of a function away that lost their last use, where all its callers are seen.
    pub(super) fn parameters(&mut self, site: &Site<'w>) {
        let file = site.function.item.file;
        for binding in site.bindings.iter() {
            let Origin::Parameter(index, _) = binding.origin else { continue };
            if binding.name.starts_with('_') || !self.loses_all_reads(file, binding) {
                continue;
            }
            let Some(calls) = self.callers(&site.function) else { continue };
            let given = |call: &Call<'w>| call.arguments().nth(index).is_some_and(is_plain);
            if !calls.iter().all(given) {
                continue;
            }
            self.shorten_signature(&site.function, index, &binding.name);
            for call in calls {
                self.shorten_call(&call, index);
                self.look_at(&call.site, call.site.scope().root);
            }
        }
    }

    /// Every call of a function whose signature can change.
    fn callers(&self, function: &Function<'w>) -> Option<Vec<Call<'w>>> {
        let is_free = match function.item.syntax {
            syn::Item::Fn(item) => std::ptr::eq(&item.sig, function.signature),
            // What implements a trait has the trait's signature.
            syn::Item::Impl(block) => {
                block.trait_.is_none() && function.signature.receiver().is_none()
            }
            _ => false,
        };
        let is_main = function.item.kind == ItemKind::Function && function.name() == "main";
        // An attribute macro (`#[get("/")]`, `#[component]`) may read the parameters.
        let attributes = function.item.attributes();
        let is_read = attributes.iter().any(|a| !PLAIN.iter().any(|name| a.path().is_ident(name)));
        if !is_free || is_main || is_read {
            return None;
        }
        let calls = calls::every(self.module.code, function)?;
        // What nothing here calls and others could has callers that nobody sees.
        (!calls.is_empty() || !self.is_public(function)).then_some(calls)
    }

    /// Whether other crates can name a function.
    fn is_public(&self, function: &Function<'w>) -> bool {
        match function.item.syntax {
            syn::Item::Impl(block) => block.items.iter().any(|member| {
                matches!(member, syn::ImplItem::Fn(f)
                    if std::ptr::eq(&f.sig, function.signature)
                        && matches!(f.vis, syn::Visibility::Public(_)))
            }),
            _ => self.is_reachable(&function.item),
        }
    }

    fn shorten_signature(&mut self, function: &Function<'w>, index: usize, name: &str) {
        let source = function.item.source;
        let elements: Vec<Range<usize>> =
            function.signature.inputs.iter().map(|input| source.range_of(input)).collect();
        let index = index + usize::from(function.signature.receiver().is_some());
        let parentheses = function.signature.paren_token.span;
        let list = source.range(parentheses.open()).end..source.range(parentheses.close()).start;
        if let Some(range) = elements.get(index) {
            self.removed.add(function.item.file, range.clone());
        }
        let shortened = self.shortened(function.item.file, list, elements, index);
        let line = line_of(&source.text, shortened.list.start);
        let function = shortened.function.get_or_insert_with(|| ShortenedFunction {
            name: function.name(),
            line,
            parameters: Vec::new(),
        });
        function.parameters.push(name.to_owned());
    }

    fn shorten_call(&mut self, call: &Call<'w>, index: usize) {
        let source = call.site.function.item.source;
        let elements: Vec<Range<usize>> =
            call.expr.args.iter().map(|argument| source.range_of(argument)).collect();
        let parentheses = call.expr.paren_token.span;
        let list = source.range(parentheses.open()).end..source.range(parentheses.close()).start;
        let file = call.site.function.item.file;
        if let Some(range) = elements.get(index) {
            self.removed.add(file, range.clone());
        }
        self.shortened(file, list, elements, index);
    }

    /// The list at a place, of which one more element goes.
    fn shortened(
        &mut self,
        file: &camino::Utf8Path,
        list: Range<usize>,
        elements: Vec<Range<usize>>,
        index: usize,
    ) -> &mut Shortened {
        let all = &mut self.left.shortened;
        let known = all.iter().position(|s| s.file == file && s.list == list);
        let at = known.unwrap_or_else(|| {
            let without = std::collections::BTreeSet::new();
            let file = file.to_owned();
            all.push(Shortened { file, list, elements, without, function: None });
            all.len() - 1
        });
        all[at].without.insert(index);
        &mut all[at]
    }
}

/// Attributes that leave a function as it is written.
const PLAIN: [&str; 8] =
    ["allow", "cfg", "cold", "doc", "expect", "inline", "must_use", "deprecated"];

/// Whether an argument can go with the parameter: what reads, clones or opens something, and is only
/// there to be given. Blocks, closures and macros may do anything.
fn is_plain(expr: &syn::Expr) -> bool {
    match trace::settled(trace::same_value(expr)) {
        syn::Expr::Path(_) | syn::Expr::Lit(_) => true,
        syn::Expr::Field(field) => is_plain(&field.base),
        syn::Expr::Reference(reference) => is_plain(&reference.expr),
        syn::Expr::Call(call) => {
            matches!(&*call.func, syn::Expr::Path(_)) && call.args.iter().all(is_plain)
        }
        syn::Expr::MethodCall(call) => is_plain(&call.receiver) && call.args.iter().all(is_plain),
        _ => false,
    }
}
