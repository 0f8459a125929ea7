//! What there is at a point of a history, and what of it goes with what.

use std::collections::{BTreeMap, BTreeSet};

use super::History;
use super::statement::{Find, Part, Statement, Thing};

/// What there is.
#[derive(Debug, Default)]
pub(super) struct There {
    things: BTreeSet<Thing>,
    parts: BTreeMap<Thing, Part>,
}

/// What a statement makes, drops and calls otherwise, each by the name that its table has in the end.
pub(super) struct Changes {
    pub(super) creates: BTreeSet<Thing>,
    /// Also what gets another name.
    pub(super) drops: BTreeSet<Thing>,
    renames: Vec<(Thing, Thing)>,
    parts: Vec<Part>,
}

impl There {
    pub(super) fn has(&self, thing: &Thing) -> bool {
        self.things.contains(thing)
    }

    /// What there is of tables.
    pub(super) fn things(&self) -> impl Iterator<Item = &Thing> {
        self.things.iter()
    }

    /// What goes by a statement: what it drops with all that belongs to that.
    pub(super) fn gone_by(&self, changes: &Changes) -> BTreeSet<Thing> {
        let is_renamed = |thing: &&Thing| changes.renames.iter().any(|(old, _)| old == *thing);
        let (mut gone, renamed): (BTreeSet<Thing>, BTreeSet<Thing>) =
            changes.drops.iter().cloned().partition(|thing| !is_renamed(&thing));
        loop {
            let before = gone.len();
            let goes = |part: &&Part| !part.of.is_disjoint(&gone);
            let more: Vec<Thing> =
                self.parts.values().filter(goes).map(|part| part.thing.clone()).collect();
            gone.extend(more);
            if gone.len() == before {
                break;
            }
        }
        gone.extend(renamed);
        gone
    }

    /// Does what a statement does; what it drops goes first.
    pub(super) fn apply(&mut self, changes: &Changes) {
        let gone = self.gone_by(changes);
        for (old, new) in &changes.renames {
            self.rename(old, new);
        }
        for thing in gone.difference(&changes.creates) {
            self.remove(thing);
        }
        for thing in &changes.creates {
            self.create(thing, changes);
        }
    }

    /// Notes one of the things that a statement creates.
    pub(super) fn create(&mut self, thing: &Thing, changes: &Changes) {
        self.things.insert(thing.clone());
        if let Some(part) = changes.parts.iter().find(|part| part.thing == *thing) {
            self.parts.insert(thing.clone(), part.clone());
        }
    }

    pub(super) fn remove(&mut self, thing: &Thing) {
        self.things.remove(thing);
        self.parts.remove(thing);
    }

    fn rename(&mut self, old: &Thing, new: &Thing) {
        if !self.things.remove(old) {
            return;
        }
        self.things.insert(new.clone());
        let renamed = |things: &BTreeSet<Thing>| -> BTreeSet<Thing> {
            things.iter().map(|thing| if thing == old { new } else { thing }.clone()).collect()
        };
        let parts = std::mem::take(&mut self.parts).into_values().map(|mut part| {
            if part.thing == *old {
                part.thing.clone_from(new);
            }
            part.of = renamed(&part.of);
            if let Some(key) = &mut part.key {
                key.columns = renamed(&key.columns);
            }
            (part.thing.clone(), part)
        });
        self.parts = parts.collect();
    }

    /// The constraint whose index gets another name, and so gets that, too.
    fn constraint_of(&self, index: &Thing, new: &Thing) -> Option<(Thing, Thing)> {
        let mut of = self.parts.get(index)?.of.iter();
        let constraint = of.find(|thing| thing.kind == "constraint")?;
        let name = new.name.rsplit('.').next().unwrap_or_default().to_owned();
        Some((constraint.clone(), Thing { name, ..constraint.clone() }))
    }

    /// What a row is found by where a statement wants to.
    pub(super) fn finding(&self, find: &Find) -> impl Iterator<Item = &Thing> {
        let parts = self.parts.values().filter(|part| part.finds(find));
        parts.map(|part| &part.thing)
    }
}

impl Changes {
    /// Whether it makes a key by which a statement can find rows as it wants to.
    pub(super) fn finding(&self, find: &Find) -> bool {
        self.parts.iter().any(|part| part.finds(find))
    }

    /// With what something goes that the statement makes.
    pub(super) fn with(&self, thing: &Thing) -> impl Iterator<Item = &Thing> {
        let parts = self.parts.iter().filter(move |part| part.thing == *thing);
        parts.flat_map(|part| &part.of)
    }
}

impl Part {
    /// Whether it is a key by which a statement can find rows as it wants to.
    fn finds(&self, find: &Find) -> bool {
        self.key.as_ref().is_some_and(|key| {
            let is_wanted = match &find.columns {
                Some(columns) => key.columns == *columns,
                None => key.is_primary,
            };
            key.table == find.table && is_wanted && (!key.is_partial || find.is_partial)
        })
    }
}

impl History {
    /// What a statement makes, drops and calls otherwise of what there is.
    pub(super) fn changes(&self, statement: &Statement, there: &There) -> Changes {
        let things = |things: &BTreeSet<Thing>| -> BTreeSet<Thing> {
            things.iter().map(|thing| self.thing(thing)).collect()
        };
        let renames = statement.renames.iter().map(|(old, new)| (self.thing(old), self.thing(new)));
        let renames: Vec<(Thing, Thing)> = renames.filter(|(old, _)| there.has(old)).collect();
        let of_constraints = renames.iter().flat_map(|(old, new)| there.constraint_of(old, new));
        let renames: Vec<(Thing, Thing)> = of_constraints.chain(renames.iter().cloned()).collect();
        let parts = statement.parts.iter().map(|part| Part {
            thing: self.thing(&part.thing),
            of: things(&part.of),
            key: part.key.clone().map(|mut key| {
                key.table = self.stands_for(&key.table);
                key.columns = things(&key.columns);
                key
            }),
        });
        let (mut creates, mut drops) = (things(&statement.creates), things(&statement.drops));
        // A table that is made anew under another name, and then gets that of the old one, has all its parts by
        // then: they stay.
        let is_made_anew = |whole: &Thing| {
            there.things().any(|thing| {
                thing.kind == "relation"
                    && whole.on.as_ref() == Some(&self.stands_for(&thing.name))
                    && !statement.drops.contains(thing)
            })
        };
        drops.retain(|thing| !thing.is_whole() || !is_made_anew(thing));
        drops.extend(renames.iter().map(|(old, _)| old.clone()));
        creates.extend(renames.iter().map(|(_, new)| new.clone()));
        Changes { creates, drops, parts: parts.collect(), renames }
    }

    /// How a statement wants to find rows, by the names that tables have in the end.
    pub(super) fn finds(&self, statement: &Statement) -> Vec<Find> {
        let find = |find: &Find| Find {
            table: self.stands_for(&find.table),
            columns: find
                .columns
                .as_ref()
                .map(|columns| columns.iter().map(|column| self.thing(column)).collect()),
            is_partial: find.is_partial,
        };
        statement.finds.iter().map(find).collect()
    }
}
