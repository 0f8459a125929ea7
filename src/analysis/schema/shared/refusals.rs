//! How what stands on both sides is refused.

use super::cuts::{Crossing, Lost};
use crate::diagnostic::Diagnostic;

impl Crossing {
    /// Says what crosses, why it cannot stay, and how it is cut.
    pub(super) fn refusal(&self) -> Diagnostic {
        let others =
            self.others.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let (code, message, label, why, instead) = match &self.cut.lost {
            Lost::ForeignKey { table, into } => (
                "foreign-key-out",
                format!("`{table}` has a foreign key into `{into}`, which stays with the monolith"),
                "this one",
                format!(
                    "the service's database will not have `{into}`: nothing there can check the \
                     reference, nor act when a row of `{into}` goes"
                ),
                format!("check `{into}` in code"),
            ),
            Lost::View(name) => (
                "view-crosses",
                format!("the view `{name}` reads both sides: {others}"),
                "this view",
                "the two sides have a database each afterwards, and no statement reaches both"
                    .into(),
                "drop it in a migration and join in code, through the API trait".into(),
            ),
            Lost::TriggerOut(name) | Lost::TriggerIn(name) => (
                "trigger-crosses",
                format!("the trigger `{name}` reaches over the boundary, to {others}"),
                "this trigger",
                "the two sides have a database each afterwards, and no statement reaches both"
                    .into(),
                "drop it in a migration and do its work in code, through the API trait".into(),
            ),
            Lost::Function(name) => (
                "function-crosses",
                format!("the function `{name}` reaches over the boundary: {others}"),
                "this function",
                "the two sides have a database each afterwards, and no statement reaches both"
                    .into(),
                "drop it in a migration and do its work in code, through the API trait".into(),
            ),
            Lost::Statement => (
                "migration-crosses",
                format!("this statement changes the module's tables and others: {others}"),
                "this statement",
                format!("the service runs the module's migrations on a database without {others}"),
                "let a migration of its own do what the service needs of it".into(),
            ),
            Lost::Object(object) => (
                "migration-crosses",
                format!(
                    "this statement makes or changes {object}, which the module needs, and changes others' \
                     tables: {others}"
                ),
                "this statement",
                format!("the service runs the module's migrations on a database without {others}"),
                "let a migration of its own do what the service needs of it".into(),
            ),
            Lost::Untold(why) => (
                "migration-unreadable",
                format!("whose this statement is cannot be told: {why}"),
                "this statement",
                "calve reads these migrations as text, and passes over nothing".into(),
                "if the module's tables need what it does, let a new migration make them stand alone"
                    .into(),
            ),
            Lost::User { of, by } => (
                "migration-crosses",
                format!("this statement uses {of}, which goes with the cut of `{by}`"),
                "this statement",
                "nothing else in the service's set makes that".into(),
                "let a migration of its own do what the service needs of it".into(),
            ),
            Lost::Again { of, by } => (
                "migration-crosses",
                format!("this statement makes {of} anew, which the cut of `{by}` leaves in place"),
                "this statement",
                "nothing else in the service's set drops the old one".into(),
                "let a migration of its own do what the service needs of it".into(),
            ),
            Lost::Definition(table) => (
                "migration-crosses",
                format!("what is said of `{table}` here needs the other side: {others}"),
                "this statement",
                format!("the service runs the module's migrations on a database without {others}"),
                "check or count in code, or let a migration make it stand on the module's tables alone"
                    .into(),
            ),
            Lost::Rows(table) => (
                "migration-crosses",
                format!("rows of `{table}` are made out of {others}"),
                "this statement",
                format!("the service runs the module's migrations on a database without {others}"),
                "let a person copy such rows: the runbook copies what a deployed database has"
                    .into(),
            ),
        };
        let mut problem = Diagnostic::error(code, message);
        for place in self.places.iter().rev() {
            problem = problem.at(&place.file, place.span.clone(), label);
        }
        let loses = match &self.cut.lost {
            Lost::View(_) | Lost::TriggerIn(_) | Lost::Function(_) => {
                "to go without it (the monolith drops it as well)"
            }
            Lost::ForeignKey { .. } | Lost::TriggerOut(_) => "to go without it",
            Lost::Rows(_)
            | Lost::Definition(_)
            | Lost::Statement
            | Lost::Object(_)
            | Lost::Untold(_)
            | Lost::User { .. }
            | Lost::Again { .. } => "to leave it out of the service's set",
        };
        let cut = shell(&self.cut.name);
        problem.note(why).help(match &self.cut.lost {
            // Its clause stays in the migration that made it, also when a later one drops it.
            Lost::ForeignKey { .. } => format!("{instead}, and go without it: --cut {cut}"),
            _ => format!("{instead}; or, {loses}: --cut {cut}"),
        })
    }
}

/// A name as a shell takes it.
fn shell(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_.:+-".contains(c);
    if name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}
