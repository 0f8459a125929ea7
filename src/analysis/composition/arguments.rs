//! The constructor's arguments, each resolved by its kind.

use quote::ToTokens;

use super::classify::Construction;
use super::constructor::{ModuleFacts, Parameter, first_argument};
use super::holds::{self, Held};
use super::pool::{self, Database};
use super::trace::{self, Site, Value};
use super::{Argument, ArgumentKind, Wrapped, newtype, opens, settings, stateless, storage};
use crate::analysis::code::{ItemId, ItemKind};
use crate::analysis::types::{self, Substitution};
use crate::diagnostic::Diagnostic;

/// Resolves every argument of one construction; none if any was refused.
pub(super) fn resolve<'w>(
    module: &ModuleFacts<'_, 'w>,
    all: &[Construction<'w>],
    construction: &Construction<'w>,
    errors: &mut Vec<Diagnostic>,
) -> Option<Vec<Argument>> {
    let mut arguments = Vec::new();
    for parameter in &construction.constructor.parameters {
        let given = construction.arguments.iter().find(|(name, _)| *name == parameter.name);
        let Some((_, expr)) = given else {
            errors.push(
                Diagnostic::error(
                    "name-behind-the-trait",
                    format!("`{}` is not given in a way that calve reads", parameter.name),
                )
                .at(
                    construction.root.file,
                    construction.root.construction.clone(),
                    "constructed here",
                ),
            );
            continue;
        };
        let resolving = Resolving { module, all, construction, parameter, expr };
        match resolving.argument() {
            Ok(argument) => arguments.push(argument),
            Err(error) => errors.push(*error),
        }
    }
    (arguments.len() == construction.constructor.parameters.len()).then_some(arguments)
}

struct Resolving<'a, 'm, 'w> {
    module: &'a ModuleFacts<'m, 'w>,
    all: &'a [Construction<'w>],
    construction: &'a Construction<'w>,
    parameter: &'a Parameter<'w>,
    expr: &'w syn::Expr,
}

impl<'w> Resolving<'_, '_, 'w> {
    fn argument(&self) -> Result<Argument, Box<Diagnostic>> {
        let (by_reference, wrapped, inner) = unwrapped(self.parameter.ty);
        let read =
            |ty| types::read(self.module.code, self.parameter.scope, ty, &Substitution::new());
        let site = &self.construction.site;
        let argument = |wrapped, kind| Argument {
            name: self.parameter.name.clone(),
            by_reference,
            wrapped,
            newtype: None,
            kind,
        };
        if let Some(newtype) = newtype::of(self.module, &read(inner))
            && let Database::Known(engine) = newtype.database
        {
            let given = within(self.expr, wrapped);
            if let Some((site, pool)) = newtype::opened(self.module, &newtype, site, given) {
                let pool = pool::read(self.module.code, &site, pool, engine)?;
                let newtype = Some(newtype.constructor);
                return Ok(Argument { newtype, ..argument(wrapped, ArgumentKind::Pool(pool)) });
            }
        }
        match pool::database(&read(inner)) {
            Some(Database::Known(engine)) => {
                let pool = within(self.expr, wrapped);
                let pool = pool::read(self.module.code, site, pool, engine)?;
                return Ok(argument(wrapped, ArgumentKind::Pool(pool)));
            }
            Some(Database::Other(database)) => {
                return Err(self
                    .refusal("storage-not-carried", format!("the module stores in {database}"))
                    .note("calve makes services on SQLite and on PostgreSQL")
                    .into());
            }
            None => {}
        }
        if let Some(library) = storage::library(&read(self.parameter.ty)) {
            let refusal = self.with_origin(self.refusal(
                "storage-not-carried",
                format!("the module stores through {}", library.name()),
            ));
            let module = &self.module.package;
            return Err(storage::explain(self.module.code, module, library, refusal).into());
        }
        let value = self.settled(site);
        if let Some(ty) = settings::setting_type(&read(inner)) {
            let within = Value { expr: within(value.expr, wrapped), ..value.clone() };
            return match settings::read(self.module, self.parameter, ty, &within) {
                Some(setting) => Ok(argument(wrapped, ArgumentKind::Setting(setting))),
                None => Err(self
                    .refusal(
                        "setting-not-carried",
                        format!("calve cannot see where `{}` comes from", self.parameter.name),
                    )
                    .note("the service takes its scalars from flags and environment variables")
                    .help("take it from a field of the configuration, a constant or a literal")
                    .into()),
            };
        }
        if let Some(held) = holds::find(self.module.code, &read(self.parameter.ty)) {
            return Err(self.held(&held).into());
        }
        let others = self.other_users();
        match stateless::read(self.module, self.all, &value, !others.is_empty()) {
            // The expression is of the parameter's own type, wrapped already.
            Some(stateless) => Ok(argument(Wrapped::Bare, ArgumentKind::Stateless(stateless))),
            None => Err(self.stateful(&value, &others).into()),
        }
    }

    /// The value behind names, and behind what waits for it.
    fn settled(&self, site: &Site<'w>) -> Value<'w> {
        trace::value(self.module.code, site, self.expr)
    }

    fn refusal(&self, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::error(code, message).at(
            self.construction.root.file,
            self.construction.site.range_of(self.expr),
            format!("the argument `{}`", self.parameter.name),
        )
    }

    /// Shows where the pool or connection was made.
    fn with_origin(&self, refusal: Diagnostic) -> Diagnostic {
        let site = &self.construction.site;
        let made = opens::made(self.module.code, site, self.expr);
        let given = (site.function.item.file, site.range_of(self.expr));
        match made.filter(|made| *made != given) {
            Some((file, range)) => refusal.at(file, range, "made here"),
            None => refusal,
        }
    }

    /// A pool in a type that the service cannot make.
    fn held(&self, held: &Held<'w>) -> Diagnostic {
        let (name, library) = (held.by.name.as_deref().unwrap_or_default(), held.library);
        let code = if library.is_carried() { "pool-not-understood" } else { "storage-not-carried" };
        let diagnostic = self
            .refusal(
                code,
                format!("the module stores through {}, inside of `{name}`", library.name()),
            )
            .at(held.by.file, held.at.clone(), "the pool or connection");
        if !library.is_carried() {
            let diagnostic = self.with_origin(diagnostic);
            return storage::explain(self.module.code, &self.module.package, library, diagnostic);
        }
        let package = &self.module.code.root(held.by.id.root).member.name;
        let why = if *package != self.module.package {
            format!("`{name}` is of `{package}`, and the service makes no types of other crates")
        } else if held.fields > 1 {
            format!("`{name}` has more in it than the pool")
        } else {
            format!(
                "the service makes a `{name}` where a public function gives it for a pool alone, and where calve sees how that was opened"
            )
        };
        diagnostic.note(why).help(format!(
            "let the constructor take the pool itself, or a type of `{}` around it, as \
             `pub struct Database(pub SqlitePool);`",
            self.module.package
        ))
    }

    fn stateful(&self, value: &Value<'w>, others: &[std::ops::Range<usize>]) -> Diagnostic {
        let mut diagnostic = match self.outbound_trait() {
            Some(api) => {
                let item = self.module.code.item(api);
                let name = item.name.clone().unwrap_or_default();
                self.refusal("outbound-trait", format!("the module calls `{name}` of the monolith"))
                    .note("calve cannot carry calls from the service back into the monolith yet")
                    .at(item.file, item.name_range(), "the trait that it would have to call")
                    .help("let the caller ask it, and pass the answer to the module's operation")
            }
            None => self
                .refusal(
                    "shared-state",
                    format!("`{}` is state that the service would not share", self.parameter.name),
                )
                .note(
                    "a pool, a scalar of the configuration or a value without state can be carried; \
                     this would be a second one in another process",
                )
                .help("keep it out of the module's constructor, or let the module make its own"),
        };
        if diagnostic.code == "shared-state" {
            for used in others.iter().take(4) {
                diagnostic =
                    diagnostic.at(self.construction.root.file, used.clone(), "used here as well");
            }
            if let Some(why) = value.stuck {
                diagnostic = diagnostic.note(why);
            }
        }
        diagnostic
    }

    /// The trait of the workspace behind `Arc<dyn Trait>`, `Box<dyn Trait>`, `impl Trait` or a type
    /// parameter.
    fn outbound_trait(&self) -> Option<ItemId> {
        let (_, _, inner) = unwrapped(self.parameter.ty);
        let in_generics = self.parameter.generics.and_then(|generics| {
            let syn::Type::Path(path) = inner else { return None };
            let name = path.path.get_ident()?;
            let parameter = generics.type_params().find(|p| p.ident == *name)?;
            let bounds = parameter.bounds.to_token_stream();
            let clauses = generics.where_clause.to_token_stream();
            Some(quote::quote!(#bounds #clauses))
        });
        let tokens = in_generics.unwrap_or_else(|| inner.to_token_stream());
        let mentioned = self.module.code.mentioned_in(self.parameter.scope, tokens);
        mentioned.into_iter().find_map(|(_, found)| match found {
            crate::analysis::code::Found::Item(id, _)
                if self.module.code.item(id).kind == ItemKind::Trait =>
            {
                Some(id)
            }
            _ => None,
        })
    }

    /// Uses of the argument's binding outside of the construction.
    fn other_users(&self) -> Vec<std::ops::Range<usize>> {
        let site = &self.construction.site;
        let Some(binding) = site.binding(trace::same_value(self.expr)) else { return Vec::new() };
        let own = &self.construction.root.construction;
        binding.uses.iter().filter(|used| !super::function::covers(own, used)).cloned().collect()
    }
}

/// `&T`, `Arc<T>`, `Box<T>`: whether it is a reference, what wraps it, and `T`.
fn unwrapped(ty: &syn::Type) -> (bool, Wrapped, &syn::Type) {
    let (by_reference, ty) = match ty {
        syn::Type::Reference(reference) => (true, &*reference.elem),
        other => (false, other),
    };
    if let Some(inner) = first_argument(ty, &["Arc"]) {
        return (by_reference, Wrapped::Arc, inner);
    }
    if let Some(inner) = first_argument(ty, &["Box"]) {
        return (by_reference, Wrapped::Box, inner);
    }
    (by_reference, Wrapped::Bare, ty)
}

/// `pool` of `Arc::new(pool)`, where the parameter is wrapped.
fn within(expr: &syn::Expr, wrapped: Wrapped) -> &syn::Expr {
    match trace::same_value(expr) {
        syn::Expr::Call(call)
            if wrapped != Wrapped::Bare
                && call.args.len() == 1
                && matches!(&*call.func, syn::Expr::Path(p)
                    if p.path.segments.last().is_some_and(|s| s.ident == "new")) =>
        {
            &call.args[0]
        }
        other => other,
    }
}
