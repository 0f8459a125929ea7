//! What the module's set lacks since a statement was cut: who uses it is refused, too, and what does nothing
//! but drop it or speak of it goes along.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::super::model::Place;
use super::History;
use super::cuts::{Crossing, Cut, Lost};
use super::owners::Owners;
use super::split::{Decided, Part};
use super::statement::{Does, Item, Statement, Thing};

/// What the set lacks, and what goes along.
#[derive(Debug, Clone, Default)]
pub(super) struct Missing {
    /// What nothing in the set creates, in the end.
    things: BTreeSet<Thing>,
    /// Statements that were cut since they use such things, by file and first byte.
    statements: BTreeMap<Utf8PathBuf, BTreeSet<usize>>,
    /// Items of lists that are about such things, by file and first byte.
    items: BTreeMap<Utf8PathBuf, BTreeSet<usize>>,
}

impl Missing {
    /// Whether the set lacks a table or a view that a migration creates.
    pub(super) fn has_relation(&self, name: &str) -> bool {
        self.things.contains(&Thing::relation(name))
    }

    /// Whether a statement was cut since it uses what another cut one creates.
    pub(super) fn has(&self, statement: &Statement) -> bool {
        let Place { file, span } = &statement.place;
        self.statements.get(file).is_some_and(|starts| starts.contains(&span.start))
    }

    /// Whether an item of a list in a statement is about what the set lacks.
    pub(super) fn has_item(&self, statement: &Statement, item: &Item) -> bool {
        let items = self.items.get(&statement.place.file);
        items.is_some_and(|starts| starts.contains(&item.span.start))
    }

    fn add(&mut self, statement: &Statement) {
        let Place { file, span } = &statement.place;
        self.statements.entry(file.clone()).or_default().insert(span.start);
    }

    fn add_item(&mut self, statement: &Statement, item: &Item) {
        let file = &statement.place.file;
        self.items.entry(file.clone()).or_default().insert(item.span.start);
    }
}

impl History {
    /// Finds what the set lacks and what goes along, takes it out of what is decided, and returns the
    /// statements that use it, each as something to cut.
    pub(super) fn take_missing(&self, decided: &mut Decided<'_>) -> Vec<Crossing> {
        let mut using = Vec::new();
        if !decided.cuts.iter().any(Cut::is_of_statement) {
            return using;
        }
        // Each with the cut by which it is missing.
        let mut missing: BTreeMap<Thing, String> = BTreeMap::new();
        let mut there: BTreeSet<Thing> = BTreeSet::new();
        // What is there still, with the cut of what drops it.
        let mut left: BTreeMap<Thing, String> = BTreeMap::new();
        for statement in &self.statements {
            for item in statement.items() {
                let thing = item.thing.as_ref().map(|thing| self.thing(thing));
                if thing.is_some_and(|thing| missing.contains_key(&thing)) {
                    decided.missing.add_item(statement, item);
                }
            }
            let creates = || statement.creates.iter().map(|thing| self.thing(thing));
            let drops = || statement.drops.iter().map(|thing| self.thing(thing));
            let mut by =
                decided.cuts.iter().find(|cut| self.is_of(cut, statement)).map(|c| &*c.name);
            let name;
            let part = self.part(statement, decided);
            let found = self
                .lacks(statement, &missing, &|thing| !thing.is_some_policy())
                .map(|(thing, cut)| Lost::User { of: thing.to_string(), by: cut.to_owned() })
                .or_else(|| {
                    let mut again = creates().filter(|_| !statement.replaces);
                    let (thing, cut) = again.find_map(|thing| left.get_key_value(&thing))?;
                    Some(Lost::Again { of: thing.to_string(), by: cut.clone() })
                });
            if let Some(lost) = found.filter(|_| part == Part::Module) {
                name = self.place_name(statement);
                using.push(self.crossing(name.clone(), lost, statement, Vec::new()));
                decided.missing.add(statement);
                by = Some(&name);
            }
            // What takes a migration back comes after all of them.
            if !self.is_forward(statement) {
                continue;
            }
            match by {
                Some(by) => {
                    let still = drops().filter(|thing| there.contains(thing));
                    left.extend(still.map(|thing| (thing, by.to_owned())));
                    for thing in creates().filter(|thing| !there.contains(thing)) {
                        decided.objects.remove(&thing.as_object());
                        missing.insert(thing, by.to_owned());
                    }
                }
                None if part != Part::Rest => {
                    for thing in drops() {
                        there.remove(&thing);
                        left.remove(&thing);
                    }
                    for thing in creates() {
                        missing.remove(&thing);
                        there.insert(thing);
                    }
                }
                None => {}
            }
        }
        // Row security is switched on before or after the policies.
        for statement in &self.statements {
            if let Some((thing, cut)) = self.lacks(statement, &missing, &Thing::is_some_policy)
                && self.part(statement, decided) == Part::Module
            {
                let lost = Lost::User { of: thing.to_string(), by: cut.to_owned() };
                let name = self.place_name(statement);
                using.push(self.crossing(name, lost, statement, Vec::new()));
                decided.missing.add(statement);
            }
        }
        decided.missing.things = missing.into_keys().collect();
        using
    }

    /// Something that `matters`, that a statement uses and the set lacks, with the cut by which it does.
    fn lacks<'m>(
        &self,
        statement: &Statement,
        missing: &'m BTreeMap<Thing, String>,
        matters: &dyn Fn(&Thing) -> bool,
    ) -> Option<(&'m Thing, &'m str)> {
        let used = statement.uses.iter().map(|thing| self.thing(thing));
        let needed = statement.needs.iter().map(|object| Thing::object(object));
        let of = |thing: Thing| missing.iter().find(move |(lacking, _)| thing.has(lacking));
        let mut lacking = used.chain(needed).filter_map(of);
        lacking.find(|(thing, _)| matters(thing)).map(|(thing, by)| (thing, &**by))
    }

    /// A statement that makes the same function as one that is cut since nobody can tell what that does: anew,
    /// or with other parameters. By their one name the set would go without both.
    pub(super) fn made_beside(&self, cut: &Cut, owners: &Owners) -> Option<&Place> {
        let Lost::Untold(_) = cut.lost else { return None };
        let at = self.statements.iter().position(|statement| self.is_of(cut, statement))?;
        let (before, cut) = (&self.statements[..at], &self.statements[at]);
        let Does::Function(name) = &cut.does else { return None };
        if !self.stays_function(name) {
            return None;
        }
        let makes = |other: &&Statement| other.does == cut.does && self.is_forward(other);
        let carried = |other: &&Statement| {
            self.is_untold(other, owners).is_none()
                && !owners.sides(&self.tables_behind(&other.reads)).1
        };
        let anew = self.statements[at + 1..].iter().rfind(makes).filter(carried);
        let drops = |other: &Statement| {
            cut.makes.iter().any(|object| other.drops.contains(&Thing::object(object)))
        };
        let since = before.iter().rposition(drops).map_or(0, |at| at + 1);
        let overload =
            || before[since..].iter().filter(|_| !cut.replaces).filter(makes).rfind(carried);
        anew.or_else(overload).map(|other| &other.place)
    }

    /// By the name that its table has in the end.
    fn thing(&self, thing: &Thing) -> Thing {
        Thing { on: thing.on.as_ref().map(|table| self.stands_for(table)), ..thing.clone() }
    }

    /// Whether a cut leaves a statement out.
    fn is_of(&self, cut: &Cut, statement: &Statement) -> bool {
        cut.is_of_statement()
            && cut.file == statement.place.file
            && cut.line == self.line(statement)
            && cut.name == self.place_name(statement)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::folder::MigrationFolder;
    use super::super::{Division, OnSqlite};
    use crate::diagnostic::Diagnostics;

    #[test]
    fn sqlite_has_the_same_rule() {
        let up = "CREATE TABLE goods (sku TEXT);\nCREATE TABLE visits (sku TEXT);\n\
                  CREATE TABLE copied AS SELECT g.sku FROM goods g, visits v;\n\
                  ALTER TABLE copied RENAME TO kept;\nINSERT INTO kept VALUES ('x');\n\
                  INSERT INTO goods VALUES ('x');\nDROP TABLE kept;\n";
        let folder = MigrationFolder::parse("m", [("1_a.sql".to_owned(), up.into())]).unwrap();
        let read = OnSqlite::read(&[folder]).map_err(|_| "rejected").unwrap();
        let declared = ["goods", "copied"].map(str::to_owned);
        let divided = |cuts: &[&str]| {
            let cuts: Vec<String> = cuts.iter().map(|cut| (*cut).to_owned()).collect();
            let division = Division {
                module: "stock",
                manifest: "stock/Cargo.toml".into(),
                evidence: &[],
                declared: Some(&declared),
                named: &std::collections::BTreeSet::new(),
                cuts: &cuts,
                to: "set".into(),
            };
            let mut problems = Diagnostics::default();
            let divided = read.divide(&division, &mut problems);
            let messages: Vec<String> = problems.iter().map(|d| d.message.clone()).collect();
            divided.map(|(divided, _)| divided.set[0].1.clone()).ok_or(messages)
        };
        assert_eq!(
            divided(&["1_a.sql:3"]).unwrap_err(),
            [
                "this statement uses `copied`, which goes with the cut of `1_a.sql:3`",
                "this statement uses `kept`, which goes with the cut of `1_a.sql:4`",
            ]
        );
        assert_eq!(
            divided(&["1_a.sql:3", "1_a.sql:4", "1_a.sql:5"]).unwrap(),
            "CREATE TABLE goods (sku TEXT);\nINSERT INTO goods VALUES ('x');\n"
        );
    }
}
