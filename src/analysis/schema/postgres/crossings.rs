//! What of the schema reaches over the boundary of a module.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::model::{Mention, Schema, Sort, Space, Statement};
use crate::analysis::schema::Place;
use crate::analysis::sql;
use crate::diagnostic::Diagnostic;

/// What was found.
#[derive(Debug, Default)]
pub struct Crossings {
    /// Why the extraction is refused.
    pub refused: Vec<Diagnostic>,
    /// Code in texts, searched for names of tables because nobody can parse it; nothing was found.
    pub only_searched: Vec<Place>,
}

const APART: &str = "the two sides have a database each afterwards, and no statement reaches both";

/// Every crossing between what `owner` (the path of the module's migration folder) made and the rest.
/// Foreign keys of others into the module's tables are none: a migration drops them.
pub fn crossings(schema: &Schema, owner: &Utf8Path) -> Crossings {
    let mut found = Crossings::default();
    for table in schema.owned(owner) {
        for key in &table.foreign_keys {
            if schema.is_foreign(Space::Relation, &key.table, owner).is_some() {
                found.refused.push(foreign_key_out(&table.name.to_string(), key));
            }
        }
    }
    for statement in &schema.statements {
        statement_crosses(schema, owner, statement, &mut found);
    }
    found
}

fn statement_crosses(
    schema: &Schema,
    owner: &Utf8Path,
    statement: &Statement,
    found: &mut Crossings,
) {
    let own = statement.folder == owner;
    let crosses = |mention: &&Mention| {
        schema
            .is_foreign(mention.space, &mention.name, &statement.folder)
            .is_some_and(|other| own || other == owner)
    };
    let crossing: Vec<&Mention> = statement.mentions.iter().filter(crosses).collect();
    if !crossing.is_empty() {
        found.refused.push(refusal(statement, &crossing, own));
        return;
    }
    for (place, text) in &statement.texts {
        let others: BTreeSet<&str> = schema
            .tables
            .iter()
            .filter(|table| (table.folder == owner) != own)
            .filter(|table| own || table.folder == owner)
            .map(|table| table.name.name.as_str())
            .collect();
        let others: Vec<&str> = others.into_iter().collect();
        // In capitals, every keyword counts as one: too much is found rather than too little.
        let mentions = sql::mentions(&text.to_ascii_uppercase(), &others);
        match mentions.first().map(|mention| &mention.table) {
            Some(table) => found.refused.push(
                Diagnostic::error(
                    "function-crosses",
                    format!("code in a text names `{table}`, which is on the other side"),
                )
                .at(&place.file, place.span.clone(), "this text is run as SQL")
                .note(APART)
                .note(
                    "calve found the name by searching the text: nothing parses it before it runs",
                )
                .help("drop it in a migration and do its work in code, through the API trait"),
            ),
            None => found.only_searched.push(place.clone()),
        }
    }
}

fn refusal(statement: &Statement, crossing: &[&Mention], own: bool) -> Diagnostic {
    let mut names: Vec<String> = crossing.iter().map(|m| format!("`{}`", m.name)).collect();
    names.dedup();
    let names = names.join(", ");
    let subject = statement.subject.as_ref().map(ToString::to_string).unwrap_or_default();
    let (code, message, help) = match statement.sort {
        Sort::View => (
            "view-crosses",
            format!("the view `{subject}` reaches over the boundary, to {names}"),
            "drop it in a migration and join in code, through the API trait",
        ),
        Sort::Trigger => (
            "trigger-crosses",
            format!("the trigger `{subject}` reaches over the boundary, to {names}"),
            "drop it in a migration and do its work in code, through the API trait",
        ),
        Sort::Function => (
            "function-crosses",
            format!("the function `{subject}` reaches over the boundary, to {names}"),
            "drop it in a migration and do its work in code, through the API trait",
        ),
        Sort::Table | Sort::Remark | Sort::Other => (
            "migration-crosses",
            format!("this migration needs the other side of the cut: {names}"),
            "let the two sides do their share in migrations of their own",
        ),
    };
    let whose = if own { "another module's" } else { "the module's" };
    let mut diagnostic = Diagnostic::error(code, message);
    for mention in crossing.iter().take(3) {
        let place = &mention.place;
        diagnostic = diagnostic.at(&place.file, place.span.clone(), whose);
    }
    let apart = if own {
        "the service runs the module's migrations on a database of its own"
    } else {
        APART
    };
    diagnostic.note(apart).help(help)
}

fn foreign_key_out(table: &str, key: &super::model::ForeignKey) -> Diagnostic {
    let other = &key.table;
    Diagnostic::error(
        "foreign-key-out",
        format!("`{table}` has a foreign key into `{other}`, which another module owns"),
    )
    .at(&key.place.file, key.place.span.clone(), "this one")
    .note(format!("the service's database will not have `{other}`: the migration would fail"))
    .help(format!(
        "drop it in a migration of the module and check `{other}` in code, or extract the two modules \
         together"
    ))
}
