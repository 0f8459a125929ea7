//! A builder: a chain of calls that begins at the module and ends in the implementation.

use crate::analysis::code::ItemId;
use crate::analysis::composition::constructor::{
    self, Constructing, Made, ModuleFacts, Output, Signature,
};
use crate::analysis::composition::function::Node;
use crate::analysis::composition::trace::{self, Site};
use crate::analysis::composition::{Constructor, Form, Link};

/// The chain around the call `nodes[at]` of `item::rest`: the place of its last call among the nodes, the
/// constructor, what is given to it. None if it does not end in the implementation.
pub(super) fn read<'w>(
    module: &ModuleFacts<'_, 'w>,
    site: &Site<'w>,
    nodes: &[Node<'w>],
    at: usize,
    item: ItemId,
    rest: &[String],
) -> Option<super::construction::Call<'w>> {
    let Node::Expr(first @ syn::Expr::Call(call)) = nodes[at] else { return None };
    let start = site.range_of(first).start;
    let signature = module.signature(item, rest).filter(|s| s.syntax.receiver().is_none())?;
    let mut chain = Chain::default();
    chain.take(&signature, &call.args, None);
    let mut output = module.output(&signature)?;
    let mut is_async = signature.syntax.asyncness.is_some();
    for (at, node) in nodes[..at].iter().enumerate().rev() {
        let Node::Expr(expr) = node else { return None };
        if site.range_of(*expr).start != start {
            return None;
        }
        let call = match expr {
            syn::Expr::Await(_) | syn::Expr::Try(_) => continue,
            syn::Expr::MethodCall(call) if output.fallible && trace::handles_error(call) => {
                continue;
            }
            syn::Expr::MethodCall(call) => call,
            _ => return None,
        };
        let Output { made: Made::Part(part), fallible, .. } = output else { return None };
        let method = call.method.to_string();
        let signature = module.signature(part, std::slice::from_ref(&method))?;
        chain.links.push(Link {
            awaited: is_async,
            fallible,
            arguments: call.args.len(),
            method: method.clone(),
        });
        chain.take(&signature, &call.args, Some(&method));
        output = module.output(&signature)?;
        is_async = signature.syntax.asyncness.is_some();
        if let Made::Implementation(implementation) = output.made {
            let described = Constructor {
                path: module.path_of(item, rest)?,
                form: Form::Call,
                chain: chain.links,
                is_async,
                fallible: output.fallible,
                wrapped: output.wrapped,
            };
            let parameters = chain.parameters;
            let constructor = Constructing { implementation, described, parameters };
            return Some((at, constructor, chain.arguments));
        }
    }
    None
}

#[derive(Default)]
struct Chain<'w> {
    links: Vec<Link>,
    parameters: Vec<constructor::Parameter<'w>>,
    arguments: Vec<(String, &'w syn::Expr)>,
}

impl<'w> Chain<'w> {
    /// Takes the arguments of one call in. What a method of a builder takes is named as the method, since
    /// its parameter is often only called `value`.
    fn take(
        &mut self,
        signature: &Signature<'w>,
        given: &'w syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
        method: Option<&str>,
    ) {
        let mut parameters = constructor::parameters(signature);
        if let ([only], Some(method)) = (parameters.as_mut_slice(), method) {
            let plain = ["with_", "set_"].iter().find_map(|prefix| method.strip_prefix(prefix));
            only.name = plain.unwrap_or(method).to_owned();
        }
        for (mut parameter, expr) in parameters.into_iter().zip(given) {
            let taken = |name: &str| self.parameters.iter().any(|p| p.name == name);
            if taken(&parameter.name) {
                let free = (2..).map(|n| format!("{}_{n}", parameter.name)).find(|n| !taken(n));
                parameter.name = free.unwrap_or(parameter.name);
            }
            self.arguments.push((parameter.name.clone(), expr));
            self.parameters.push(parameter);
        }
    }
}
