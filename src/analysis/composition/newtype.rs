//! A pool in a type of the module's own library: `pub struct Database(SqlitePool)`.

use super::constructor::ModuleFacts;
use super::pool::{self, Database};
use super::trace::{self, Site};
use crate::analysis::code::{Found, ItemId, ItemKind};
use crate::analysis::select;
use crate::analysis::types::{self, Substitution, Type};

/// Such a type, with what makes one of a pool.
pub(super) struct Newtype {
    item: ItemId,
    pub(super) database: Database,
    /// `storage::Database::new`, or `storage::Database` where its field is public.
    pub(super) constructor: String,
}

/// A type as a pool's newtype; none where it is something else, or where the service could not make one.
pub(super) fn of(module: &ModuleFacts<'_, '_>, ty: &Type) -> Option<Newtype> {
    let Type::Item(id, arguments) = ty else { return None };
    let item = module.code.item(*id);
    let syn::Item::Struct(syntax) = item.syntax else { return None };
    let mut fields = syntax.fields.iter();
    let (field, None) = (fields.next()?, fields.next()) else { return None };
    if id.root != module.library || !arguments.is_empty() {
        return None;
    }
    let database = pool::database(&read(module, item.scope, &field.ty))?;
    let path = module.public_path(*id)?;
    let is_public = |visibility: &syn::Visibility| matches!(visibility, syn::Visibility::Public(_));
    let constructor = if is_public(&field.vis) && field.ident.is_none() {
        path
    } else {
        format!("{path}::{}", maker(module, *id)?)
    };
    Some(Newtype { item: *id, database, constructor })
}

fn read(
    module: &ModuleFacts<'_, '_>,
    scope: crate::analysis::code::ScopeId,
    ty: &syn::Type,
) -> Type {
    types::read(module.code, scope, ty, &Substitution::new())
}

/// The public function of a type that takes a pool, nothing else, and gives the type itself.
fn maker(module: &ModuleFacts<'_, '_>, id: ItemId) -> Option<String> {
    let root = module.code.root(module.library);
    let blocks = root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only);
    blocks.filter(|i| select::self_type(module.code, i) == Some(id)).find_map(|item| {
        let syn::Item::Impl(block) = item.syntax else { return None };
        if block.trait_.is_some() {
            return None;
        }
        block.items.iter().find_map(|member| {
            let syn::ImplItem::Fn(function) = member else { return None };
            let signature = &function.sig;
            let mut inputs = signature.inputs.iter();
            let (Some(syn::FnArg::Typed(input)), None) = (inputs.next(), inputs.next()) else {
                return None;
            };
            let gives_itself = matches!(&signature.output, syn::ReturnType::Type(_, ty)
                if matches!(&**ty, syn::Type::Path(path) if path.path.is_ident("Self")
                    || module.resolves(item.scope, &path.path) == Some(id)));
            let fits = matches!(function.vis, syn::Visibility::Public(_))
                && signature.asyncness.is_none()
                && gives_itself
                && pool::database(&read(module, item.scope, &input.ty)).is_some();
            fits.then(|| signature.ident.to_string())
        })
    })
}

/// The pool that a value of the type is made of, and where that stands.
pub(super) fn opened<'w>(
    module: &ModuleFacts<'_, 'w>,
    newtype: &Newtype,
    site: &Site<'w>,
    expr: &'w syn::Expr,
) -> Option<(Site<'w>, &'w syn::Expr)> {
    let (mut site, mut expr) = (site.clone(), expr);
    // Bounded, since functions may call themselves.
    for _ in 0..8 {
        let value = trace::value(module.code, &site, expr);
        let settled = trace::settled(value.expr);
        if !std::ptr::eq(settled, value.expr) {
            (site, expr) = (value.site, settled);
            continue;
        }
        match value.expr {
            syn::Expr::Struct(literal) if literal.fields.len() == 1 => {
                return Some((value.site, &literal.fields[0].expr));
            }
            syn::Expr::Call(call) => match trace::called(module.code, &value.site, &call.func) {
                Found::Item(id, rest) if id == newtype.item && call.args.len() == 1 => {
                    let by_path = newtype.constructor.ends_with(&format!("::{}", rest.join("::")));
                    if rest.is_empty() || by_path {
                        return Some((value.site, &call.args[0]));
                    }
                    (site, expr) = made_by(module, id, &rest)?;
                }
                Found::Item(id, rest) => (site, expr) = made_by(module, id, &rest)?,
                _ => return None,
            },
            _ => return None,
        }
    }
    None
}

fn made_by<'w>(
    module: &ModuleFacts<'_, 'w>,
    item: ItemId,
    rest: &[String],
) -> Option<(Site<'w>, &'w syn::Expr)> {
    let function = trace::function_of(module.code, item, rest)?;
    let last = trace::result_of(&function)?;
    Some((Site::new(function), last))
}
