//! Consumers that look for a type in an error. Behind a stub the error of a driver arrives with its kind,
//! code and text, and one that can hold anything with its messages; the types that they were do not: a
//! downcast compiles and then fails, or panics.

use std::ops::Range;

use quote::ToTokens;
use syn::visit::{self, Visit};

use crate::analysis::code::{Found, ItemId};
use crate::analysis::wire::Loses;
use crate::workspace::{DependencyKind, line_of};

use super::bodies::Body;
use super::calls::Reach;
use super::origins::Origins;
use super::ty::{Types, names};
use super::{Downcast, Subject, extent};

/// Error types of drivers by their last name.
const DRIVER_ERRORS: [&str; 8] = [
    "SqliteError",
    "PgDatabaseError",
    "MySqlDatabaseError",
    "MssqlDatabaseError",
    "DbError",
    "SqlxError",
    "RuntimeErr",
    "DatabaseErrorInformation",
];

/// Crates of whose errors none but [`KEPT`] cross as they are.
const DRIVERS: [&str; 11] = [
    "rusqlite",
    "postgres",
    "tokio_postgres",
    "mysql",
    "mysql_async",
    "diesel",
    "sea_orm",
    "libsqlite3_sys",
    "libsql",
    "tiberius",
    "mongodb",
];

/// Errors of drivers that are made again on the other side, as they were.
const KEPT: [(&str, &str); 2] = [("rusqlite", "Error"), ("libsqlite3_sys", "Error")];

/// Every such place in the consumers' code; `reach` is what each of the bodies calls.
pub(super) fn find<'w>(
    types: &Types<'_, 'w>,
    subject: &Subject<'_>,
    bodies: &[Body<'w>],
    reach: &[Reach],
) -> Vec<Downcast> {
    let mut found = Vec::new();
    if subject.loses == Loses::Nothing {
        return found;
    }
    let mut origins = None;
    for (at, body) in bodies.iter().enumerate() {
        let mut look = Look { types, subject, body, places: Vec::new() };
        look.visit_block(body.block);
        if look.places.is_empty() {
            continue;
        }
        let origins = origins.get_or_insert_with(|| Origins::new(types, subject, bodies, reach));
        let origin = origins.of(at);
        let of_module = origin.is_some() || names_module(types, subject, body);
        found.extend(look.places.into_iter().map(|(ty, range, name_at)| Downcast {
            member: body.member.name.clone(),
            file: body.file.to_owned(),
            line: line_of(&body.source.text, name_at),
            range,
            function: body.name.clone(),
            ty,
            of_module,
            origin: origin.clone(),
        }));
    }
    found
}

/// Whether a function, or the head of the `impl` that it stands in, names an item of the module or of
/// the API trait's crate.
fn names_module<'w>(types: &Types<'_, 'w>, subject: &Subject<'_>, body: &Body<'w>) -> bool {
    let mut tokens = body.signature.to_token_stream();
    body.block.to_tokens(&mut tokens);
    let holder = types.code.item(body.holder);
    if let syn::Item::Impl(block) = holder.syntax {
        block.self_ty.to_tokens(&mut tokens);
        if let Some((path, _)) = &block.trait_ {
            path.to_tokens(&mut tokens);
        }
    }
    types.code.mentioned_in(body.scope, tokens).into_iter().any(|(_, found)| match found {
        Found::Item(id, _) => id.root == subject.api.root || id.root == subject.implementation.root,
        _ => false,
    })
}

struct Look<'a, 'c, 'w> {
    types: &'a Types<'c, 'w>,
    subject: &'a Subject<'a>,
    body: &'a Body<'w>,
    /// Which type, what to underline, where the method's name starts.
    places: Vec<(String, Range<usize>, usize)>,
}

impl Look<'_, '_, '_> {
    /// The type that a generic argument names, if it gets lost.
    fn lost_type(&self, arguments: &syn::AngleBracketedGenericArguments) -> Option<String> {
        arguments.args.iter().find_map(|argument| match argument {
            syn::GenericArgument::Type(ty) => {
                self.is_lost(ty).then(|| ty.to_token_stream().to_string().replace(' ', ""))
            }
            _ => None,
        })
    }

    fn is_lost(&self, ty: &syn::Type) -> bool {
        let path = match ty {
            syn::Type::Reference(reference) => return self.is_lost(&reference.elem),
            syn::Type::Path(path) => &path.path,
            _ => return self.subject.loses == Loses::Any,
        };
        let names = names(path);
        let last = names.last().map(String::as_str).unwrap_or_default();
        let global = path.leading_colon.is_some();
        let found = self.types.code.resolve_path(self.body.scope, global, &names);
        match (self.subject.loses, found) {
            (Loses::Any, Found::Item(id, _)) => self.module_may_hold(id),
            // What a panic holds.
            (Loses::Any, _) => !matches!(last, "str" | "String"),
            (_, Found::External(krate, inner)) => {
                let last = inner.last().map_or(last, String::as_str);
                (DRIVERS.contains(&krate.as_str()) || DRIVER_ERRORS.contains(&last))
                    && !KEPT.contains(&(krate.as_str(), last))
            }
            // A glob import of another crate cannot be followed.
            (_, Found::Nothing) => DRIVER_ERRORS.contains(&last),
            _ => false,
        }
    }

    /// Whether the module knows a type of the workspace, so that its errors may hold it. Its own error is
    /// still itself afterwards.
    fn module_may_hold(&self, id: ItemId) -> bool {
        let home = &self.types.code.root(id.root).member.name;
        let users = self.types.code.workspace.users_of(home, |kind| kind == DependencyKind::Normal);
        Some(id) != self.subject.error
            && users.iter().any(|user| user.name == self.subject.module.name)
    }
}

impl<'ast> Visit<'ast> for Look<'_, '_, '_> {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let method = call.method.to_string();
        let source = self.body.source;
        let is_downcast = matches!(
            method.as_str(),
            "downcast"
                | "downcast_ref"
                | "downcast_mut"
                | "try_downcast"
                | "try_downcast_ref"
                | "try_downcast_mut"
                | "is"
        );
        let arguments = call.turbofish.as_ref().filter(|_| is_downcast);
        if let Some(ty) = arguments.and_then(|arguments| self.lost_type(arguments)) {
            let at = source.range(call.method.span()).start;
            self.places.push((ty, extent::of_call(source, call), at));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // `matches!(error.downcast_ref::<SqliteError>(), Some(_))`
        if call.path.segments.last().is_some_and(|s| s.ident == "matches") {
            let first = call.parse_body_with(|input: syn::parse::ParseStream<'_>| {
                let expr: syn::Expr = input.parse()?;
                let _: proc_macro2::TokenStream = input.parse()?;
                Ok(expr)
            });
            if let Ok(expr) = first {
                self.visit_expr(&expr);
            }
        } else if let Ok(listed) = call.parse_body_with(
            syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated,
        ) {
            for expr in &listed {
                self.visit_expr(expr);
            }
        }
    }
}
