//! One construction of the implementation: its arguments, and how its error is handled.

use std::ops::Range;

use super::chain;
use crate::analysis::code::{Found, ItemId, ItemKind, ScopeId, leaves};
use crate::analysis::composition::constructor::{Constructing, ModuleFacts};
use crate::analysis::composition::function::{self, Node, covers};
use crate::analysis::composition::trace::{self, Site};
use crate::analysis::composition::{ErrorHandling, Form, Root, Spelling, Wrapped, bindings};
use crate::analysis::references::Reference;
use crate::analysis::types::{self, Substitution, Type};

/// A place that constructs the implementation.
pub(in crate::analysis::composition) struct Construction<'w> {
    pub(in crate::analysis::composition) root: Root<'w>,
    /// The compilation root.
    pub(in crate::analysis::composition) root_index: usize,
    pub(in crate::analysis::composition) site: Site<'w>,
    pub(in crate::analysis::composition) constructor: Constructing<'w>,
    /// Each parameter's name with what is given.
    pub(in crate::analysis::composition) arguments: Vec<(String, &'w syn::Expr)>,
}

/// Reads a construction at a reference; none if it is something else.
pub(super) fn read<'w>(
    module: &ModuleFacts<'_, 'w>,
    reference: &Reference<'w>,
    site: &Site<'w>,
    nodes: &[Node<'w>],
    item: ItemId,
    rest: &[String],
) -> Option<Construction<'w>> {
    let (at, constructor, arguments) = called(module, reference, site, nodes, item, rest)?;
    let tail = Tail::read(site, nodes, at);
    let root = Root {
        member: reference.member,
        target: reference.target,
        file: reference.file,
        scope: site.scope(),
        function: site.function.name(),
        error_handling: tail.error_handling(module, site, &constructor, nodes, at),
        construction: tail.start..tail.end,
        eager: constructor.described.is_async && constructor.described.fallible,
        wrapper: wrapper(module, site, constructor.described.wrapped),
        spelling: spelling(module, site.scope(), reference),
    };
    Some(Construction {
        root,
        root_index: reference.root,
        site: site.clone(),
        constructor,
        arguments,
    })
}

pub(super) type Call<'w> = (usize, Constructing<'w>, Vec<(String, &'w syn::Expr)>);

/// The call or struct literal that the reference names: its place among the nodes, the constructor,
/// what is given to it.
fn called<'w>(
    module: &ModuleFacts<'_, 'w>,
    reference: &Reference<'w>,
    site: &Site<'w>,
    nodes: &[Node<'w>],
    item: ItemId,
    rest: &[String],
) -> Option<Call<'w>> {
    nodes.iter().enumerate().rev().find_map(|(at, node)| match node {
        Node::Expr(syn::Expr::Call(call))
            if matches!(&*call.func, syn::Expr::Path(_))
                && covers(&site.range_of(&call.func), &reference.range) =>
        {
            let Some(constructor) = module.constructor(item, rest) else {
                return chain::read(module, site, nodes, at, item, rest);
            };
            let names = constructor.parameters.iter().map(|p| p.name.clone());
            let arguments = names.zip(&call.args).collect();
            Some((at, constructor, arguments))
        }
        Node::Expr(syn::Expr::Struct(literal))
            if rest.is_empty()
                && literal.rest.is_none()
                && covers(&site.range_of(&literal.path), &reference.range) =>
        {
            let constructor = module.literal(module.implementation(item)?, Form::Literal)?;
            let arguments = literal.fields.iter().filter_map(|field| match &field.member {
                syn::Member::Named(name) => Some((name.to_string(), &field.expr)),
                syn::Member::Unnamed(_) => None,
            });
            Some((at, constructor, arguments.collect()))
        }
        _ => None,
    })
}

/// What follows the construction: `.await`, `.context(…)`, `?`.
struct Tail {
    start: usize,
    /// End of the call and its `.await`.
    made: usize,
    end: usize,
    methods: Vec<String>,
    has_try: bool,
}

impl Tail {
    fn read(site: &Site<'_>, nodes: &[Node<'_>], at: usize) -> Self {
        let whole = match nodes[at] {
            Node::Expr(expr) => site.range_of(expr),
            Node::Stmt(stmt) => site.range_of(stmt),
        };
        let mut tail = Self {
            start: whole.start,
            made: whole.end,
            end: whole.end,
            methods: Vec::new(),
            has_try: false,
        };
        for node in nodes[..at].iter().rev() {
            let Node::Expr(expr) = node else { break };
            let range = site.range_of(*expr);
            // An argument of a call is not what the call is made on.
            if range.start != tail.start {
                break;
            }
            match expr {
                syn::Expr::Await(_) => tail.made = range.end,
                syn::Expr::Try(_) => tail.has_try = true,
                syn::Expr::MethodCall(call) if trace::handles_error(call) => {
                    tail.methods.push(call.method.to_string());
                }
                _ => break,
            }
            tail.end = range.end;
            if tail.has_try {
                break;
            }
        }
        tail
    }

    fn error_handling(
        &self,
        module: &ModuleFacts<'_, '_>,
        site: &Site<'_>,
        constructor: &Constructing<'_>,
        nodes: &[Node<'_>],
        at: usize,
    ) -> ErrorHandling {
        const NEUTRAL: [&str; 6] =
            ["context", "with_context", "wrap_err", "wrap_err_with", "expect", "unwrap"];
        let neutral = self.methods.iter().all(|m| NEUTRAL.contains(&m.as_str()));
        let is_handled = !self.methods.is_empty() && neutral;
        let is_left_open = !self.has_try && self.methods.is_empty();
        if constructor.described.fallible && (is_handled || is_left_open) {
            return ErrorHandling::Kept(self.made..self.end);
        }
        // The type that a closure or an async block returns is nowhere written.
        let in_function = nodes[..at]
            .iter()
            .all(|node| !matches!(node, Node::Expr(syn::Expr::Closure(_) | syn::Expr::Async(_))));
        if in_function && takes_any_error(module, site) {
            ErrorHandling::Try
        } else {
            ErrorHandling::Expect
        }
    }
}

/// Whether the function returns a `Result` whose error every `std::error::Error` converts to.
fn takes_any_error(module: &ModuleFacts<'_, '_>, site: &Site<'_>) -> bool {
    let syn::ReturnType::Type(_, output) = &site.function.signature.output else { return false };
    match types::read(module.code, site.scope(), output, &Substitution::new()) {
        Type::Result(_, error) => match *error {
            Type::Box(inner) => matches!(*inner, Type::Other("a trait object", text)
                if text.contains("Error")),
            Type::External { package, path, .. } => is_report(&package, &path, "Error", "Report"),
            Type::Item(id, _) => converts_all(module, id),
            _ => false,
        },
        Type::External { package, path, .. } => is_report(&package, &path, "Result", "Result"),
        _ => false,
    }
}

fn is_report(package: &str, path: &[String], anyhow: &str, eyre: &str) -> bool {
    let last = path.last().map(String::as_str).unwrap_or_default();
    match package {
        "anyhow" => last == anyhow,
        "eyre" | "color-eyre" | "stable-eyre" => last == eyre,
        _ => false,
    }
}

/// `impl<E> From<E> for AppError`.
fn converts_all(module: &ModuleFacts<'_, '_>, error: ItemId) -> bool {
    let root = module.code.root(error.root);
    root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only).any(|item| {
        let syn::Item::Impl(block) = item.syntax else { return false };
        let Some((path, _)) = &block.trait_ else { return false };
        let Some(last) = path.segments.last().filter(|s| s.ident == "From") else { return false };
        let syn::PathArguments::AngleBracketed(list) = &last.arguments else { return false };
        let is_parameter = list.args.iter().any(|argument| match argument {
            syn::GenericArgument::Type(syn::Type::Path(ty)) => {
                block.generics.type_params().any(|p| ty.path.is_ident(&p.ident))
            }
            _ => false,
        });
        is_parameter && crate::analysis::select::self_type(module.code, item) == Some(error)
    })
}

fn wrapper(module: &ModuleFacts<'_, '_>, site: &Site<'_>, wrapped: Wrapped) -> Option<String> {
    match wrapped {
        Wrapped::Bare => None,
        Wrapped::Box => Some("Box::new".to_owned()),
        Wrapped::Arc => {
            let found = module.code.resolve_path(site.scope(), false, &["Arc".to_owned()]);
            let known =
                Found::External("std".to_owned(), vec!["sync".to_owned(), "Arc".to_owned()]);
            Some(if found == known { "Arc::new" } else { "std::sync::Arc::new" }.to_owned())
        }
    }
}

/// How a reference in a module spells the implementation.
pub(super) fn spelling(
    module: &ModuleFacts<'_, '_>,
    scope: ScopeId,
    reference: &Reference<'_>,
) -> Spelling {
    let root = module.code.root(scope.root);
    let text = &module.code.item(reference.holder).source.text;
    if reference.alias.is_some() {
        return Spelling::Alias(text[reference.named.clone()].to_owned());
    }
    // Beside an import of its own, an included file would bring a name in twice.
    if root.scopes[scope.index].file != reference.file {
        return Spelling::Path;
    }
    let first = text[reference.range.clone()].split("::").next().unwrap_or_default().trim();
    let imported = root.items.iter().filter(|i| i.scope == scope).any(|item| match item.syntax {
        syn::Item::Use(item) => leaves(item).iter().any(|leaf| {
            // `use inventory;` or `use inventory as stock;` still spells the path at the call.
            leaf.name == first && leaf.path.len() > 1
        }),
        _ => false,
    });
    if imported { Spelling::Imported } else { Spelling::Path }
}

impl<'w> Construction<'w> {
    /// Where methods of the implementation outside of the API trait are called on the constructed
    /// value: the place of its name, and the method.
    pub(super) fn inherent_calls(
        &self,
        module: &ModuleFacts<'_, 'w>,
    ) -> Vec<(Range<usize>, String)> {
        let source = self.site.function.item.source;
        let block = self.site.function.block;
        let Some(held) = self.held_by() else { return Vec::new() };
        let mut found = Vec::new();
        for used in &held.uses {
            for node in function::nodes(source, block, used).iter().rev() {
                let Node::Expr(syn::Expr::MethodCall(call)) = node else { continue };
                let receiver = trace::same_value(&call.receiver);
                let method = call.method.to_string();
                if source.range_of(receiver) == *used
                    && !module.is_operation(&method)
                    && module.method_of(self.constructor.implementation, &method).is_some()
                {
                    found.push((used.clone(), method));
                }
            }
        }
        found
    }

    /// The binding that holds the constructed value, in an `Arc` or not.
    pub(in crate::analysis::composition) fn held_by(&self) -> Option<&bindings::Binding<'w>> {
        let source = self.site.function.item.source;
        self.site.bindings.iter().find(|binding| match binding.origin {
            bindings::Origin::Let(local) => local
                .init
                .as_ref()
                .is_some_and(|init| source.range_of(bare(&init.expr)) == self.bare_range()),
            _ => false,
        })
    }

    /// The construction without what handles its error.
    fn bare_range(&self) -> Range<usize> {
        let source = self.site.function.item.source;
        let all = function::nodes(source, self.site.function.block, &self.root.construction);
        let outermost = all.iter().find_map(|node| match node {
            Node::Expr(expr) if source.range_of(*expr) == self.root.construction => Some(*expr),
            _ => None,
        });
        outermost.map_or_else(|| self.root.construction.clone(), |e| source.range_of(bare(e)))
    }
}

/// The expression without `Arc::new(…)` and without error handling around it.
fn bare(expr: &syn::Expr) -> &syn::Expr {
    match trace::settled(expr) {
        syn::Expr::Call(call) if call.args.len() == 1 => match &*call.func {
            syn::Expr::Path(path) if path.path.segments.len() == 2 => {
                let first = &path.path.segments[0].ident;
                if (first == "Arc" || first == "Box") && path.path.segments[1].ident == "new" {
                    return bare(&call.args[0]);
                }
                trace::settled(expr)
            }
            _ => trace::settled(expr),
        },
        other => other,
    }
}
