//! Consumers that look into a driver's error. Behind a stub the error arrives with its kind, code and
//! text, but never as the driver's own type: a downcast compiles and then fails, or panics.

use std::collections::BTreeMap;
use std::ops::Range;

use quote::ToTokens;
use syn::visit::{self, Visit};

use crate::analysis::code::{Found, ScopeId};

use super::bodies::Body;
use super::ty::{Types, names};
use super::{CallSite, Downcast, DowncastKind, Subject, extent};
use crate::workspace::line_of;

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

/// Crates whose errors never cross as they are.
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

/// Every such place in the consumers' code.
pub(super) fn find<'w>(
    types: &Types<'_, 'w>,
    subject: &Subject<'_>,
    bodies: &[Body<'w>],
    calls: &BTreeMap<String, Vec<CallSite>>,
) -> Vec<Downcast> {
    let mut found = Vec::new();
    for body in bodies {
        let mut look = Look { types, body, any: subject.opaque_errors, places: Vec::new() };
        look.visit_block(body.block);
        if look.places.is_empty() {
            continue;
        }
        let of_module = names_module(types, subject, body)
            || calls
                .values()
                .flatten()
                .any(|call| call.file == body.file && call.function == body.name);
        for (kind, range, at) in look.places {
            found.push(Downcast {
                member: body.member.name.clone(),
                file: body.file.to_owned(),
                line: line_of(&body.source.text, at),
                range,
                function: body.name.clone(),
                kind,
                of_module,
            });
        }
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
    body: &'a Body<'w>,
    /// Whether any type that is looked for gets lost, not only a driver's.
    any: bool,
    /// What it is, what to underline, where its name starts.
    places: Vec<(DowncastKind, Range<usize>, usize)>,
}

impl Look<'_, '_, '_> {
    /// The type that a generic argument names, if it gets lost.
    fn lost_type(&self, arguments: &syn::AngleBracketedGenericArguments) -> Option<String> {
        arguments.args.iter().find_map(|argument| match argument {
            syn::GenericArgument::Type(ty) if self.any => Some(text_of(ty)),
            syn::GenericArgument::Type(ty) => self.is_driver(self.body.scope, ty),
            _ => None,
        })
    }

    fn is_driver(&self, scope: ScopeId, ty: &syn::Type) -> Option<String> {
        match ty {
            syn::Type::Reference(reference) => self.is_driver(scope, &reference.elem),
            syn::Type::Path(path) => {
                let names = names(&path.path);
                let shown = names.join("::");
                let global = path.path.leading_colon.is_some();
                match self.types.code.resolve_path(scope, global, &names) {
                    Found::External(krate, inner) => {
                        let last = inner.last().or(names.last()).map(String::as_str);
                        (DRIVERS.contains(&krate.as_str())
                            || last.is_some_and(|last| DRIVER_ERRORS.contains(&last)))
                        .then_some(shown)
                    }
                    // A glob import of another crate cannot be followed.
                    Found::Nothing => names
                        .last()
                        .is_some_and(|last| DRIVER_ERRORS.contains(&last.as_str()))
                        .then_some(shown),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn text_of(ty: &syn::Type) -> String {
    ty.to_token_stream().to_string().replace(' ', "")
}

impl<'ast> Visit<'ast> for Look<'_, '_, '_> {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let method = call.method.to_string();
        let source = self.body.source;
        let kind = match method.as_str() {
            "downcast" | "downcast_ref" | "downcast_mut" | "try_downcast" | "try_downcast_ref"
            | "try_downcast_mut" | "is" => call
                .turbofish
                .as_ref()
                .and_then(|arguments| self.lost_type(arguments))
                .map(DowncastKind::Downcast),
            "as_database_error" | "into_database_error" => Some(DowncastKind::DatabaseDetails),
            _ => None,
        };
        if let Some(kind) = kind {
            let at = source.range(call.method.span()).start;
            self.places.push((kind, extent::of_call(source, call), at));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_pat_tuple_struct(&mut self, pattern: &'ast syn::PatTupleStruct) {
        let names = names(&pattern.path);
        if names.last().is_some_and(|last| last == "Database")
            && let Found::External(krate, _) = self.types.code.resolve_path(
                self.body.scope,
                pattern.path.leading_colon.is_some(),
                &names,
            )
            && krate == "sqlx"
        {
            let range = self.body.source.range_of(pattern);
            let at = range.start;
            self.places.push((DowncastKind::DatabaseDetails, range, at));
        }
        visit::visit_pat_tuple_struct(self, pattern);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // `matches!(error, Storage(sqlx::Error::Database(_)))`
        if call.path.segments.last().is_some_and(|s| s.ident == "matches") {
            let parsed = call.parse_body_with(|input: syn::parse::ParseStream<'_>| {
                let expr: syn::Expr = input.parse()?;
                input.parse::<syn::Token![,]>()?;
                let pattern = syn::Pat::parse_multi_with_leading_vert(input)?;
                let _: proc_macro2::TokenStream = input.parse()?;
                Ok((expr, pattern))
            });
            if let Ok((expr, pattern)) = parsed {
                self.visit_expr(&expr);
                self.visit_pat(&pattern);
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
