//! What of the schema reaches over the boundary of a module.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::model::{ForeignKey, Place, Schema, Table};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Something that ties tables of the module to tables of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaCrossing {
    /// A foreign key of another module's table into the module's: dropped by a forward migration.
    ForeignKeyIn {
        /// The table that has it.
        table: String,
        /// The foreign key; its `place` is the clause.
        foreign_key: ForeignKey,
    },
    /// A foreign key of the module's table into another module's: refused.
    ForeignKeyOut {
        /// The table that has it.
        table: String,
        /// The foreign key; its `place` is the clause.
        foreign_key: ForeignKey,
    },
    /// A trigger that fires on one side and touches, or was created by, the other: refused.
    Trigger {
        /// Its name.
        name: String,
        /// The tables and views of the other side.
        tables: Vec<String>,
        /// The statement that creates it.
        place: Place,
    },
    /// A view of one side that reads the other: refused.
    View {
        /// Its name.
        name: String,
        /// The tables and views of the other side.
        tables: Vec<String>,
        /// The statement that creates it.
        place: Place,
    },
    /// A statement of one side's migrations that fails, or does something else, when the other
    /// side's have not run: refused.
    Statement {
        /// What SQLite says, or which object differs.
        problem: Box<Diagnostic>,
    },
}

/// Every crossing between the tables of `owner` (the path of its migration folder) and the rest, in
/// order of kind, then name. Whether each side's migrations stand alone is tried by running them.
///
/// # Errors
/// Only when SQLite itself does not open.
pub fn crossings(schema: &Schema, owner: &Utf8Path) -> Result<Vec<SchemaCrossing>, Diagnostics> {
    let mut found = foreign_keys(schema, owner);
    found.extend(triggers(schema, owner));
    found.extend(views(schema, owner));
    let known: Vec<Place> = found.iter().filter_map(|c| c.place().cloned()).collect();
    for own in [true, false] {
        let problems = alone(schema, owner, own).map_err(|problem| {
            let mut problems = Diagnostics::default();
            problems.push(problem);
            problems
        })?;
        for problem in problems {
            let told = problem.labels.iter().any(|label| {
                known.iter().any(|place| place.file == label.file && meet(place, &label.span))
            });
            if !told {
                found.push(SchemaCrossing::Statement { problem: Box::new(problem) });
            }
        }
    }
    Ok(found)
}

impl SchemaCrossing {
    /// Where it is written.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::ForeignKeyIn { foreign_key, .. } | Self::ForeignKeyOut { foreign_key, .. } => {
                Some(&foreign_key.place)
            }
            Self::Trigger { place, .. } | Self::View { place, .. } => Some(place),
            Self::Statement { .. } => None,
        }
    }

    /// Why the extraction is refused; `None` for a foreign key that a migration drops.
    pub fn refusal(&self) -> Option<Diagnostic> {
        let list = |tables: &[String]| {
            tables.iter().map(|table| format!("`{table}`")).collect::<Vec<_>>().join(", ")
        };
        let apart = "the two sides have a database each afterwards, and no statement reaches both";
        Some(match self {
            Self::ForeignKeyIn { .. } => return None,
            Self::ForeignKeyOut { table, foreign_key } => {
                let other = &foreign_key.table;
                Diagnostic::error(
                    "foreign-key-out",
                    format!(
                        "`{table}` has a foreign key into `{other}`, which another module owns"
                    ),
                )
                .at(&foreign_key.place.file, foreign_key.place.span.clone(), "this one")
                .note(format!("the service's database will not have `{other}`: inserts would fail"))
                .help(format!(
                    "drop it in a migration of the module and check `{other}` in code, or extract \
                     the two modules together"
                ))
            }
            Self::Trigger { name, tables, place } => Diagnostic::error(
                "trigger-crosses",
                format!("the trigger `{name}` reaches over the boundary, to {}", list(tables)),
            )
            .at(&place.file, place.span.clone(), "this trigger")
            .note(apart)
            .help("drop it in a migration and do its work in code, through the API trait"),
            Self::View { name, tables, place } => Diagnostic::error(
                "view-crosses",
                format!("the view `{name}` reaches over the boundary, to {}", list(tables)),
            )
            .at(&place.file, place.span.clone(), "this view")
            .note(apart)
            .help("drop it in a migration and join in code, through the API trait"),
            Self::Statement { problem } => (**problem).clone(),
        })
    }
}

fn foreign_keys(schema: &Schema, owner: &Utf8Path) -> Vec<SchemaCrossing> {
    let mut found = Vec::new();
    let ours = |name: &str| schema.owner(name).map(|folder| folder == owner);
    for table in &schema.tables {
        let own = table.folder == owner;
        for key in table.foreign_keys.iter().filter(|key| ours(&key.table) == Some(!own)) {
            let (table, foreign_key) = (table.name.clone(), key.clone());
            found.push(if own {
                SchemaCrossing::ForeignKeyOut { table, foreign_key }
            } else {
                SchemaCrossing::ForeignKeyIn { table, foreign_key }
            });
        }
    }
    found
}

fn triggers(schema: &Schema, owner: &Utf8Path) -> Vec<SchemaCrossing> {
    let mut found = Vec::new();
    for trigger in schema.triggers() {
        let own = trigger.folder == owner;
        let reached = trigger.touches.iter().chain([&trigger.on]);
        let tables = other_side(schema, owner, own, reached);
        if !tables.is_empty() {
            let (name, place) = (trigger.name.clone(), trigger.place.clone());
            found.push(SchemaCrossing::Trigger { name, tables, place });
        }
    }
    found
}

fn views(schema: &Schema, owner: &Utf8Path) -> Vec<SchemaCrossing> {
    let mut found = Vec::new();
    for view in &schema.views {
        let tables = other_side(schema, owner, view.folder == owner, view.touches.iter());
        if !tables.is_empty() {
            let (name, place) = (view.name.clone(), view.place.clone());
            found.push(SchemaCrossing::View { name, tables, place });
        }
    }
    found
}

fn other_side<'n>(
    schema: &Schema,
    owner: &Utf8Path,
    own: bool,
    names: impl Iterator<Item = &'n String>,
) -> Vec<String> {
    let crosses = |name: &&String| schema.owner(name).is_some_and(|of| (of == owner) != own);
    names.filter(crosses).cloned().collect()
}

/// Runs one side's migrations without the other's: the module's when `own`, else the rest. Whatever
/// is rejected, or ends up different, needs the other side.
fn alone(schema: &Schema, owner: &Utf8Path, own: bool) -> Result<Vec<Diagnostic>, Diagnostic> {
    let side = |folder: &Utf8Path| (folder == owner) == own;
    let (part, rejected) = schema.part(side)?;
    let why = if own {
        "the service runs the module's migrations on a database of its own"
    } else {
        "a new database of the monolith will be made without the module's migrations"
    };
    let mut problems = Vec::new();
    for problem in rejected {
        let message =
            format!("this migration needs the other side of the cut: {}", problem.message);
        problems.push(Diagnostic {
            code: "migration-crosses",
            message,
            notes: [vec![why.to_owned()], problem.notes].concat(),
            help: Some("let the two sides do their share in migrations of their own".to_owned()),
            ..problem
        });
    }
    let (with, without) = (objects(schema, side), objects(&part, side));
    let differ = |name: &&String| {
        with.get(*name).map(|(sql, _)| sql) != without.get(*name).map(|(sql, _)| sql)
    };
    let mut names: Vec<_> = with.keys().chain(without.keys()).filter(differ).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (_, place) =
            with.get(name).or_else(|| without.get(name)).expect("it is in one of them");
        let seen = |problem: &Diagnostic| {
            problem.labels.iter().any(|l| l.file == place.file && meet(place, &l.span))
        };
        if problems.iter().any(seen) {
            continue;
        }
        problems.push(
            Diagnostic::error(
                "migration-crosses",
                format!("{name} comes out differently without the other side's migrations"),
            )
            .at(&place.file, place.span.clone(), "last changed here")
            .note(why),
        );
    }
    Ok(problems)
}

fn objects(schema: &Schema, side: impl Fn(&Utf8Path) -> bool) -> BTreeMap<String, (&str, &Place)> {
    let mut found = BTreeMap::new();
    let mut add = |what: String, sql, place, folder: &Utf8Path| {
        if side(folder) {
            found.insert(what, (sql, place));
        }
    };
    for table in &schema.tables {
        let Table { name, sql, places, folder, .. } = table;
        add(format!("the table `{name}`"), sql.as_str(), &places[places.len() - 1], folder);
        for index in &table.indexes {
            add(format!("the index `{}`", index.name), &index.sql, &index.place, &index.folder);
        }
    }
    for view in &schema.views {
        add(format!("the view `{}`", view.name), &view.sql, &view.place, &view.folder);
    }
    for trigger in schema.triggers() {
        let what = format!("the trigger `{}`", trigger.name);
        add(what, &trigger.sql, &trigger.place, &trigger.folder);
    }
    found
}

fn meet(place: &Place, span: &std::ops::Range<usize>) -> bool {
    place.span.start < span.end && span.start < place.span.end
}

#[cfg(test)]
#[path = "crossings_tests.rs"]
mod tests;
