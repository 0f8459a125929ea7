//! What the module's set lacks since a statement was cut: who uses it is refused, too, and what does nothing
//! but drop it or speak of it goes along.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::super::model::Place;
use super::History;
use super::cuts::{Crossing, Cut, Lost};
use super::owners::{Owners, Side};
use super::parts::{Changes, There};
use super::split::{Decided, Part};
use super::statement::{ColumnUse, Does, Item, Statement, Thing};

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

/// What there is in the whole history and in the set, and how they differ, at a point of the history.
#[derive(Default)]
struct Sides {
    /// With all statements.
    all: There,
    /// With those of the set.
    set: There,
    /// What the set lacks, each with the cut by which it does.
    missing: BTreeMap<Thing, String>,
    /// To what that belongs.
    lacking: There,
    /// What is there still, with the cut of what drops it.
    left: BTreeMap<Thing, String>,
}

impl Sides {
    /// Goes on without a statement; returns what is missing by that.
    fn cut(
        &mut self,
        changes: &Changes,
        by: &str,
        is_of_rest: &dyn Fn(&Thing) -> bool,
    ) -> Vec<Thing> {
        let still = self.set.gone_by(changes).into_iter().filter(|thing| self.set.has(thing));
        self.left.extend(still.map(|thing| (thing, by.to_owned())));
        let mut missing = Vec::new();
        for thing in changes.creates.iter().filter(|thing| !self.set.has(thing)) {
            if is_of_rest(thing) || changes.with(thing).any(is_of_rest) {
                continue;
            }
            self.missing.insert(thing.clone(), by.to_owned());
            self.lacking.create(thing, changes);
            missing.push(thing.clone());
        }
        missing
    }

    /// Goes on with a statement; columns of another table that are missing there are missing in the one that
    /// gets them, too.
    fn keep(&mut self, changes: &Changes) {
        for thing in self.set.gone_by(changes) {
            self.left.remove(&thing);
        }
        for (old, new) in &changes.renames {
            let named = |things: BTreeMap<Thing, String>| -> BTreeMap<Thing, String> {
                things.into_iter().map(|(thing, by)| (thing.renamed(old, new), by)).collect()
            };
            self.missing = named(std::mem::take(&mut self.missing));
            self.left = named(std::mem::take(&mut self.left));
            self.lacking.rename(old, new);
        }
        for thing in &changes.creates {
            self.missing.remove(thing);
            self.lacking.remove(thing);
        }
        self.set.apply(changes);
        for (thing, of) in &changes.inherited {
            if let Some(by) = self.missing.get(of).cloned() {
                self.set.remove(thing);
                self.missing.insert(thing.clone(), by);
                self.lacking.create(thing, changes);
            }
        }
    }

    /// What a statement drops is missed by nobody.
    fn forget(&mut self, changes: &Changes) {
        for thing in self.lacking.gone_by(changes) {
            self.missing.remove(&thing);
            self.lacking.remove(&thing);
        }
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
        let mut sides = Sides::default();
        for statement in &self.statements {
            for item in statement.items() {
                if item.thing.as_ref().is_some_and(|thing| sides.missing.contains_key(thing)) {
                    decided.missing.add_item(statement, item);
                }
            }
            let changes = sides.all.changes(statement);
            let mut by =
                decided.cuts.iter().find(|cut| self.is_of(cut, statement)).map(|c| &*c.name);
            let name;
            let part = self.part(statement, decided);
            let found = Self::lost_by(statement, &changes, &sides);
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
            sides.forget(&changes);
            if let Some(by) = by {
                for thing in sides.cut(&changes, by, &|thing| self.is_of_rest(thing, decided)) {
                    decided.objects.remove(&thing.as_object());
                }
            } else if part != Part::Rest {
                sides.keep(&changes);
            }
            sides.all.apply(&changes);
        }
        // Row security is switched on before or after the policies.
        for statement in &self.statements {
            let used = statement.uses.iter().filter(|thing| thing.is_some_policy());
            let table = |thing: &Thing| thing.on.as_ref().map(|table| self.stands_for(table));
            let lacking = used.into_iter().find_map(|thing| {
                let is_one =
                    |other: &&Thing| other.kind == "policy" && table(other) == table(thing);
                let by = sides.missing.iter().find(|(other, _)| is_one(other))?.1;
                let is_left = sides.set.things().any(|other| is_one(&other));
                (!is_left).then(|| Lost::User { of: thing.to_string(), by: by.clone() })
            });
            if let Some(lost) = lacking
                && self.part(statement, decided) == Part::Module
            {
                let name = self.place_name(statement);
                using.push(self.crossing(name, lost, statement, Vec::new()));
                decided.missing.add(statement);
            }
        }
        decided.missing.things = sides.missing.into_keys().collect();
        using
    }

    /// Why a statement cannot be in the set: it uses what that lacks, or makes anew what is left there.
    fn lost_by(statement: &Statement, changes: &Changes, sides: &Sides) -> Option<Lost> {
        let user =
            |(thing, by): (&Thing, &String)| Lost::User { of: thing.to_string(), by: by.clone() };
        if let Some(lacking) = Self::lacks(statement, changes, sides) {
            return Some(user(lacking));
        }
        let again = || changes.creates.iter().filter(|_| !statement.replaces);
        let (thing, by) = again().find_map(|thing| sides.left.get_key_value(thing))?;
        // With a table come its columns.
        let of_table = again()
            .find(|other| other.kind == "relation" && thing.on.as_ref() == Some(&other.name));
        Some(Lost::Again { of: of_table.unwrap_or(thing).to_string(), by: by.clone() })
    }

    /// Something that a statement uses and the set lacks, with the cut by which it does.
    fn lacks<'s>(
        statement: &Statement,
        changes: &Changes,
        sides: &'s Sides,
    ) -> Option<(&'s Thing, &'s String)> {
        let listed: BTreeSet<&Thing> =
            statement.items().filter_map(|item| item.thing.as_ref()).collect();
        let used = statement.uses.iter().cloned();
        let needed = statement.needs.iter().map(|object| Thing::object(object));
        let columns = statement.columns.iter().flat_map(|column| Self::meant(column, &sides.all));
        let columns =
            columns.filter(|thing| !changes.creates.contains(thing) && !listed.contains(thing));
        let used = used.chain(needed).chain(columns).filter(|thing| !thing.is_some_policy());
        let of = |thing: Thing| sides.missing.iter().find(move |(lacking, _)| thing.has(lacking));
        used.filter_map(of).next().or_else(|| {
            statement.finds.iter().find_map(|find| {
                let own = changes.makes_key_for(find);
                let is_found = own || sides.set.keys_for(find).next().is_some();
                let mut lacking = sides.lacking.keys_for(find).filter(|_| !is_found);
                lacking.find_map(|thing| sides.missing.get_key_value(thing))
            })
        })
    }

    /// The columns that a name means where it stands: of those tables that have one, the nearest.
    fn meant(column: &ColumnUse, all: &There) -> Vec<Thing> {
        let of = |level: &BTreeSet<String>| -> Vec<Thing> {
            level.iter().map(|table| Thing::of("column", table, &*column.name)).collect()
        };
        if column.name.is_empty() {
            return column.levels.first().map(of).unwrap_or_default();
        }
        let mut levels = column.levels.iter().map(|level| {
            let columns = of(level).into_iter();
            columns.filter(|column| all.has(column)).collect::<Vec<_>>()
        });
        levels.find(|columns| !columns.is_empty()).unwrap_or_default()
    }

    /// Whether something is a table of the rest, or belongs to one: the set never has that.
    fn is_of_rest(&self, thing: &Thing, decided: &Decided<'_>) -> bool {
        let table = thing.on.as_ref().unwrap_or(&thing.name);
        let is_about_tables = thing.on.is_some() || thing.kind == "relation";
        is_about_tables && decided.owners.side(&self.stands_for(table)) == Some(Side::Rest)
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
