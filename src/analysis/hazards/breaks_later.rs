//! The findings that compile and then fail, or lie, after the cut.

use super::Hazards;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Refuses SQL and downcasts that cross the boundary. `api` is the API trait's name, or several as "A` or `B";
/// `any` says whether one of them fails with an error that can hold anything.
pub fn refuse(hazards: &Hazards, api: &str, any: bool, diagnostics: &mut Diagnostics) {
    for mention in hazards.foreign_sql.iter().filter(|m| !m.dev) {
        let (whose, why, help) = if mention.by_module {
            (
                "somebody else's",
                "the service's database will not have that table",
                "let the caller pass what is needed as an argument".to_owned(),
            )
        } else {
            (
                "the module's",
                "after the cut the monolith's copy of that table no longer changes",
                format!("ask through `{api}`; add an operation to it if none gives this"),
            )
        };
        let across = match &mention.included {
            Some(file) => format!("across the boundary, in `{file}`"),
            None => "across the boundary".to_owned(),
        };
        diagnostics.push(
            Diagnostic::error(
                "foreign-sql",
                format!("SQL of `{}` names {whose} table `{}`", mention.member, mention.table),
            )
            .at(&mention.file, mention.range.clone(), across)
            .note(why)
            .help(help),
        );
    }
    for downcast in hazards.downcasts.iter().filter(|d| d.of_module) {
        let mut problem = Diagnostic::error(
            if any { "error-downcast" } else { "driver-downcast" },
            format!(
                "`{}` looks for a `{}` in an error of the module",
                downcast.function, downcast.ty
            ),
        )
        .at(&downcast.file, downcast.range.clone(), "finds nothing after the cut");
        if let Some(from) = &downcast.origin {
            let label = format!("the error can be that of `{}`", from.operation);
            problem = problem.at(&from.file, from.range.clone(), label);
        }
        diagnostics.push(
            problem
                .note(if any {
                    "such an error crosses the wire as what it says and what its causes say, not as the \
                     types that they are"
                } else {
                    "kind, code and text of a database error cross the wire, the driver's own type does not"
                })
                .help(if any {
                    "give the API an error enum with a variant for what callers ask for"
                } else {
                    "ask `kind()`, `code()` or `is_unique_violation()` instead"
                }),
        );
    }
}
