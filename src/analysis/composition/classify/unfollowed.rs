//! Names of the implementation from which calve does not get on to its construction.
//!
//! ```text
//! type Store = SqlStock;            // inside of a function
//! <SqlStock>::new(pool)
//! pool.map(SqlStock::new)
//! ```

use crate::analysis::code::{Item, ItemId};
use crate::analysis::composition::constructor::ModuleFacts;
use crate::analysis::composition::function::Node;
use crate::analysis::references::Reference;

/// What to write instead; none where the name is followed. `nodes` are around it, `item` is the
/// implementation.
pub(super) fn instead(
    module: &ModuleFacts<'_, '_>,
    holder: &Item<'_>,
    nodes: &[Node<'_>],
    reference: &Reference<'_>,
    item: ItemId,
) -> Option<String> {
    let place = |range| range == reference.range;
    let name = &holder.source.text[reference.named.clone()];
    let is_called = |path: &syn::ExprPath| {
        nodes.iter().any(|node| {
            matches!(node, Node::Expr(syn::Expr::Call(call))
                if matches!(&*call.func, syn::Expr::Path(called) if std::ptr::eq(called, path)))
        })
    };
    nodes.iter().find_map(|node| match node {
        Node::Stmt(syn::Stmt::Item(syn::Item::Type(alias)))
            if place(holder.source.range_of(&*alias.ty)) =>
        {
            Some(format!(
                "put the alias `{}` outside of the function, where calve sees what it constructs",
                alias.ident
            ))
        }
        Node::Expr(syn::Expr::Path(path)) => match &path.qself {
            Some(of) if of.position == 0 && place(holder.source.range_of(&*of.ty)) => {
                let method = path.path.segments.first()?.ident.to_string();
                (!module.is_operation(&method))
                    .then(|| format!("write `{name}::{method}`, without the angle brackets"))
            }
            None if !reference.rest.is_empty() && !is_called(path) => {
                module.constructor(item, &reference.rest)?;
                let method = reference.rest.join("::");
                Some(format!(
                    "call `{name}::{method}` here: the stub stands where the constructor is called"
                ))
            }
            _ => None,
        },
        _ => None,
    })
}
