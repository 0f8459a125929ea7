//! What there is at a point of a history, by the names of that point, and what of it goes with what.

use std::collections::{BTreeMap, BTreeSet};

use super::statement::{Find, Heir, Heirs, Part, Statement, Thing};

/// What there is.
#[derive(Debug, Default)]
pub(super) struct There {
    things: BTreeSet<Thing>,
    parts: BTreeMap<Thing, Part>,
    /// Tables that follow others.
    heirs: Vec<Heir>,
}

/// What a statement makes, drops and calls otherwise.
pub(super) struct Changes {
    pub(super) creates: BTreeSet<Thing>,
    /// Also what gets another name.
    pub(super) drops: BTreeSet<Thing>,
    /// From, to; what is of a table goes with that.
    pub(super) renames: Vec<(Thing, Thing)>,
    parts: Vec<Part>,
    heirs: Vec<Heir>,
    /// Columns that it makes since another table has them, each with that one.
    pub(super) inherited: Vec<(Thing, Thing)>,
}

impl There {
    pub(super) fn has(&self, thing: &Thing) -> bool {
        self.things.contains(thing)
    }

    /// All that there is.
    pub(super) fn things(&self) -> impl Iterator<Item = &Thing> {
        self.things.iter()
    }

    /// What a statement makes, drops and calls otherwise of what there is.
    pub(super) fn changes(&self, statement: &Statement) -> Changes {
        let (mut creates, mut drops) = (statement.creates.clone(), statement.drops.clone());
        let renames = statement.renames.iter().filter(|(old, _)| self.has(old));
        let of_constraints = renames.clone().flat_map(|(old, new)| self.constraint_of(old, new));
        let mut renames: Vec<(Thing, Thing)> = of_constraints.chain(renames.cloned()).collect();
        let mut at = 0;
        while let Some((old, new)) = renames.get(at).cloned() {
            let heirs = self.heirs_of(&old).filter(|own| self.has(own));
            renames.extend(heirs.map(|own| {
                let new = Thing { name: new.name.clone(), ..own.clone() };
                (own, new)
            }));
            at += 1;
        }
        drops.extend(renames.iter().map(|(old, _)| old.clone()));
        creates.extend(renames.iter().map(|(_, new)| new.clone()));
        let heirs = statement.heirs.clone();
        let (parts, inherited) = (statement.parts.clone(), Vec::new());
        let mut changes = Changes { creates, drops, renames, parts, heirs, inherited };
        self.inherit(&mut changes);
        changes
    }

    /// Adds the columns that tables get from others.
    fn inherit(&self, changes: &mut Changes) {
        let mut open: Vec<(Thing, Thing, bool)> = Vec::new();
        for heir in changes.heirs.iter().filter(|heir| heir.how != Heirs::NoLonger) {
            for of in self.things.iter().filter(|thing| thing.is_column_of(&heir.of)) {
                let own = Thing::of("column", &*heir.table, &*of.name);
                open.push((own, of.clone(), heir.how == Heirs::FromNow));
            }
        }
        let followed = |of: &Thing| -> Vec<(Thing, Thing, bool)> {
            self.heirs_of(of).map(|own| (own, of.clone(), true)).collect()
        };
        open.extend(changes.creates.iter().flat_map(followed));
        while let Some((own, of, follows)) = open.pop() {
            if self.has(&own) || !changes.creates.insert(own.clone()) {
                continue;
            }
            let whole = own.on.as_ref().map(Thing::whole);
            let with = follows.then(|| of.clone());
            let of_both = whole.into_iter().chain(with).collect();
            changes.parts.push(Part { thing: own.clone(), of: of_both, key: None });
            changes.inherited.push((own.clone(), of));
            open.extend(followed(&own));
        }
    }

    /// The same column of each table that follows the one that has it.
    fn heirs_of(&self, column: &Thing) -> impl Iterator<Item = Thing> {
        let heirs = self.heirs.iter().filter(|heir| column.is_column_of(&heir.of));
        heirs.map(|heir| Thing::of("column", &*heir.table, &*column.name))
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
        let is_renamed = |thing: &Thing| changes.renames.iter().any(|(old, _)| old == thing);
        for thing in gone.iter().filter(|thing| !is_renamed(thing)) {
            self.remove(thing);
        }
        for (old, new) in &changes.renames {
            self.rename(old, new);
        }
        for thing in &changes.creates {
            self.create(thing, changes);
        }
        for heir in &changes.heirs {
            match heir.how {
                Heirs::Once => {}
                Heirs::FromNow => self.heirs.push(heir.clone()),
                Heirs::NoLonger => {
                    self.heirs.retain(|other| (&other.table, &other.of) != (&heir.table, &heir.of));
                }
            }
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
        let is_it = |table: &String| thing.kind == "relation" && *table == thing.name;
        self.heirs.retain(|heir| !is_it(&heir.table) && !is_it(&heir.of));
    }

    /// Calls something otherwise, and with a table what is of it.
    pub(super) fn rename(&mut self, old: &Thing, new: &Thing) {
        let all = |things: BTreeSet<Thing>| -> BTreeSet<Thing> {
            things.into_iter().map(|thing| thing.renamed(old, new)).collect()
        };
        self.things = all(std::mem::take(&mut self.things));
        let parts = std::mem::take(&mut self.parts).into_values().map(|mut part| {
            part.thing = part.thing.renamed(old, new);
            part.of = all(part.of);
            if let Some(key) = &mut part.key {
                key.columns = all(std::mem::take(&mut key.columns));
                if old.kind == "relation" && key.table == old.name {
                    key.table.clone_from(&new.name);
                }
            }
            (part.thing.clone(), part)
        });
        self.parts = parts.collect();
        let table = |table: String| Thing::relation(table).renamed(old, new).name;
        let heirs = std::mem::take(&mut self.heirs).into_iter();
        self.heirs = heirs
            .map(|heir| Heir { table: table(heir.table), of: table(heir.of), ..heir })
            .collect();
    }

    /// The constraint whose index gets another name, and so gets that, too.
    fn constraint_of(&self, index: &Thing, new: &Thing) -> Option<(Thing, Thing)> {
        let mut of = self.parts.get(index)?.of.iter();
        let constraint = of.find(|thing| thing.kind == "constraint")?;
        let name = new.name.rsplit('.').next().unwrap_or_default().to_owned();
        Some((constraint.clone(), Thing { name, ..constraint.clone() }))
    }

    /// The keys by which a statement can find rows as it wants to.
    pub(super) fn keys_for(&self, find: &Find) -> impl Iterator<Item = &Thing> {
        let parts = self.parts.values().filter(|part| part.finds(find));
        parts.map(|part| &part.thing)
    }
}

impl Changes {
    /// Whether it makes such a key.
    pub(super) fn makes_key_for(&self, find: &Find) -> bool {
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
