//! What has no rows, and so no owner: types, functions, schemas, extensions. Who needs it has it, both
//! sides where both do.

use std::collections::{BTreeMap, BTreeSet};

use super::split::{Decided, Part};
use super::statement::{Does, Statement};
use super::{Divided, Division, History, Owners};

impl History {
    /// What it makes that has no rows: its name here (`type:mood`), and the words by which code calls it.
    pub fn objects(&self) -> BTreeSet<(String, String)> {
        let made = self.statements.iter().flat_map(|statement| &statement.makes);
        let word = |object: &String| {
            let name = object.split_once(':').map_or(object.as_str(), |(_, name)| name);
            (object.clone(), name.rsplit('.').next().unwrap_or(name).to_owned())
        };
        made.map(word).collect()
    }

    /// The functions that touch tables, each with whether it touches the module's, and others'.
    pub fn reaching(&self, divided: &Divided) -> BTreeMap<String, (bool, bool)> {
        let mut found: BTreeMap<String, (bool, bool)> = BTreeMap::new();
        for statement in &self.statements {
            let Does::Function(name) = &statement.does else { continue };
            let (module, rest) = divided.owners.sides(&self.tables_behind(&statement.reads));
            let sides = found.entry(name.clone()).or_default();
            *sides = (sides.0 || module, sides.1 || rest);
        }
        found.retain(|_, (module, rest)| *module || *rest);
        found
    }

    /// What the module's set makes: what its statements need, what its code names, and what nobody is
    /// seen to need.
    pub(super) fn objects_of_module(
        &self,
        division: &Division<'_>,
        decided: &Decided<'_>,
    ) -> BTreeSet<String> {
        let of_rest = self.reaching_rest(decided.owners);
        let unneeded = self.unneeded().into_iter().filter(|object| !of_rest.contains(object));
        let mut needed = self.named_or_needed(division, decided);
        needed.extend(unneeded);
        let mut made = self.closed(needed);
        // The set goes without what nobody can tell, and so without what that makes.
        let untold = self.statements.iter().filter(|s| self.is_untold(s, decided.owners).is_some());
        for object in untold.flat_map(|statement| &statement.makes) {
            made.remove(object);
        }
        made
    }

    /// What the module's code names and its statements need, themselves or through others, before anything
    /// is cut.
    pub(super) fn objects_needed(
        &self,
        division: &Division<'_>,
        owners: &Owners,
    ) -> BTreeSet<String> {
        self.closed(self.named_or_needed(division, &Decided::of(owners, &[])))
    }

    fn named_or_needed(&self, division: &Division<'_>, decided: &Decided<'_>) -> BTreeSet<String> {
        let of_rest = self.reaching_rest(decided.owners);
        let named = division.named.iter().filter(|object| !of_rest.contains(*object));
        let kept = self.statements.iter().filter(|s| self.part(s, decided) == Part::Module);
        named.chain(kept.flat_map(|statement| &statement.needs)).cloned().collect()
    }

    /// What of the set's the rest needs as well.
    pub(super) fn objects_of_both(&self, decided: &Decided<'_>) -> BTreeSet<String> {
        let is_object = |s: &Statement| matches!(s.does, Does::Object | Does::Function(_));
        let rest = self
            .statements
            .iter()
            .filter(|s| !is_object(s) && self.part(s, decided) != Part::Module);
        let needed = rest.flat_map(|statement| statement.needs.iter().cloned());
        let needed = self.closed(needed.chain(self.unneeded()).collect());
        needed.intersection(&decided.objects).cloned().collect()
    }

    /// Objects with all that their own statements need.
    fn closed(&self, mut needed: BTreeSet<String>) -> BTreeSet<String> {
        loop {
            let before = needed.len();
            for statement in &self.statements {
                if statement.makes.iter().any(|object| needed.contains(object)) {
                    // Items of a list can go alone.
                    let own = |object: &&String| {
                        !statement.pieces.is_empty() && statement.makes.contains(*object)
                    };
                    let needs = statement.needs.iter().filter(|object| !own(object));
                    needed.extend(needs.cloned());
                }
            }
            if needed.len() == before {
                let made: BTreeSet<&String> =
                    self.statements.iter().flat_map(|statement| &statement.makes).collect();
                needed.retain(|object| made.contains(object));
                return needed;
            }
        }
    }

    /// What no statement needs but those that make and drop it: code may, or nobody.
    pub(super) fn unneeded(&self) -> BTreeSet<String> {
        let made: BTreeSet<&String> = self.statements.iter().flat_map(|s| &s.makes).collect();
        let is_needed = |object: &String| {
            self.statements.iter().any(|s| s.needs.contains(object) && !s.makes.contains(object))
        };
        let (needed, mut unneeded): (BTreeSet<&String>, BTreeSet<&String>) =
            made.into_iter().partition(|object| is_needed(object));
        // What one statement makes besides is there where that is: an extension has many names.
        for statement in self.statements.iter().filter(|s| s.pieces.is_empty()) {
            if statement.makes.iter().any(|object| needed.contains(object)) {
                unneeded.retain(|object| !statement.makes.contains(*object));
            }
        }
        unneeded.into_iter().cloned().collect()
    }

    /// Functions that touch tables of the rest.
    fn reaching_rest(&self, owners: &Owners) -> BTreeSet<String> {
        let reaches = |statement: &&Statement| {
            matches!(statement.does, Does::Function(_))
                && owners.sides(&self.tables_behind(&statement.reads)).1
        };
        let reaching = self.statements.iter().filter(reaches);
        reaching.flat_map(|statement| statement.makes.iter().cloned()).collect()
    }
}
