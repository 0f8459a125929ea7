//! What a service may lack of a statement that was cut.

use std::collections::BTreeSet;

use super::History;
use super::statement::{Does, Statement};

/// What a statement changes and makes, by the names that are there in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Whether it may be anything: nobody can tell.
    pub anything: bool,
    /// Where it is anything: tables and views that are made after it has run, out of nothing that was there.
    pub later: BTreeSet<String>,
    /// Tables and views that it makes or changes.
    pub relations: BTreeSet<String>,
    /// Tables whose rows follow from what it does.
    pub rows: BTreeSet<String>,
    /// What it makes or changes that has no rows: `type:mood`.
    pub objects: BTreeSet<String>,
}

impl History {
    /// What a statement changes and makes, and what follows from that.
    pub(super) fn reach(&self, statement: &Statement) -> Reach {
        // Rows are no part of what a table is.
        let defined = statement.changes.iter().filter(|_| statement.does != Does::Rows);
        let relations = defined.map(|name| self.display(name)).collect();
        let mut rows = self.tables_behind(&statement.changes);
        loop {
            let before = rows.len();
            for other in self.statements.iter().filter(|other| self.is_forward(other)) {
                let (changed, read) =
                    (self.tables_behind(&other.changes), self.tables_behind(&other.reads));
                let follows = match other.does {
                    // It fires when they change.
                    Does::Trigger(_) if !changed.is_disjoint(&rows) => read,
                    Does::Rows | Does::Definition if !read.is_disjoint(&rows) => changed,
                    _ => BTreeSet::new(),
                };
                let referring =
                    other.keys.iter().filter(|key| rows.contains(&self.stands_for(&key.into)));
                let referring: Vec<String> =
                    referring.map(|key| self.stands_for(&key.table)).collect();
                rows.extend(follows.into_iter().chain(referring));
            }
            if rows.len() == before {
                break;
            }
        }
        // What a function or a view does, it does where it is called.
        let anything =
            statement.runs_untold && !matches!(statement.does, Does::Function(_) | Does::View(_));
        Reach {
            anything,
            later: if anything { self.made_later(statement) } else { BTreeSet::new() },
            relations,
            rows: rows.iter().map(|table| self.display(table)).collect(),
            objects: statement.makes.clone(),
        }
    }

    /// Whether a statement, or a function that it calls, speaks of what is not made yet: of the privileges that
    /// come with a table, or of what happens when one is made.
    fn is_about_later(&self, statement: &Statement) -> bool {
        let (mut open, mut seen) = (vec![statement], BTreeSet::new());
        while let Some(statement) = open.pop() {
            let text = self.text(statement).to_ascii_lowercase();
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if ["alter default privileges", "event trigger"].iter().any(|said| words.contains(said))
            {
                return true;
            }
            for called in statement.needs.iter().filter(|object| seen.insert(*object)) {
                let makes = |other: &&Statement| {
                    matches!(other.does, Does::Function(_)) && other.makes.contains(called)
                };
                open.extend(self.statements.iter().filter(makes));
            }
        }
        false
    }

    /// The tables and views that are made when a statement has run, and in which nothing comes from what was
    /// there by then.
    fn made_later(&self, statement: &Statement) -> BTreeSet<String> {
        let at = self.statements.iter().position(|other| other.place == statement.place);
        let at = match &statement.does {
            // It runs whenever something changes.
            Does::Trigger(_) => None,
            _ if self.is_about_later(statement) => None,
            _ => at,
        };
        let Some(at) = at else { return BTreeSet::new() };
        let names = |names: &BTreeSet<String>| -> BTreeSet<String> {
            names.iter().map(|name| self.stands_for(name)).collect()
        };
        let mut there: BTreeSet<String> = BTreeSet::new();
        for other in &self.statements[..=at] {
            there.extend(names(&other.changes).into_iter().chain(names(&other.reads)));
        }
        let later = &self.statements[at + 1..];
        loop {
            let before = there.len();
            for other in later {
                let (changes, mut reads) = (names(&other.changes), names(&other.reads));
                // What fires when something changes changes other things.
                if matches!(other.does, Does::Trigger(_)) && !changes.is_disjoint(&there) {
                    there.extend(reads.iter().cloned());
                }
                reads.extend(other.keys.iter().map(|key| self.stands_for(&key.into)));
                if !reads.is_disjoint(&there) {
                    there.extend(changes);
                }
            }
            if there.len() == before {
                break;
            }
        }
        let made = later.iter().flat_map(|other| names(&other.changes));
        made.filter(|name| !there.contains(name)).map(|name| self.display(&name)).collect()
    }
}
