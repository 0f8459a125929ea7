//! What names mean in the migrations of a monolith on PostgreSQL.

use std::collections::{BTreeMap, BTreeSet};

use squawk_syntax::ast;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::effects;
use super::mentions::range;
use super::model::{Declared, Schema, Space};
use super::names::Name;
use super::read::child;
use super::things;
use crate::analysis::schema::{MigrationFile, MigrationKind};

/// Where something stands in a history: its file in the running order, and the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) file: usize,
    pub(super) byte: usize,
}

/// What names mean in any file.
pub(super) struct Book<'a> {
    schema: &'a Schema,
    /// Which files take a migration back.
    backward: Vec<bool>,
    /// Indexes, and sequences of columns, with their tables: a name may pass on to another table.
    parts: BTreeMap<String, Vec<(Position, Name)>>,
    /// The same of extended statistics.
    statistics: BTreeMap<String, Vec<(Position, Name)>>,
    /// Foreign keys by table and name of the constraint, with the tables that they reference.
    keys: BTreeMap<(String, String), Vec<(Position, String)>>,
}

impl<'a> Book<'a> {
    /// `trees` are in the running order.
    pub(super) fn of(schema: &'a Schema, trees: &[(&MigrationFile, Vec<SyntaxNode>)]) -> Self {
        let backward = trees.iter().map(|(file, _)| file.kind == MigrationKind::Down).collect();
        let (parts, statistics, keys) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut book = Self { schema, backward, parts, statistics, keys };
        for declared in &schema.declared {
            let key = &declared.key;
            let file = trees.iter().position(|(file, _)| file.path == key.place.file);
            let Some(file) = file else { continue };
            let position = Position { file, byte: key.place.span.start };
            book.key(&declared.on, key.constraint.clone(), position, key.table.to_string());
        }
        for (file, (_, nodes)) in trees.iter().enumerate() {
            for statement in nodes {
                let position = Position { file, byte: range(statement).start };
                for node in effects::inside(statement).iter().chain([statement]) {
                    book.note(node, position);
                }
            }
        }
        book
    }

    fn key(&mut self, table: &Name, constraint: String, position: Position, into: String) {
        self.keys.entry((table.to_string(), constraint)).or_default().push((position, into));
    }

    /// What a name means at a position: what was made last before it, but by what takes a migration back
    /// only in the same file; where nothing was, what comes first.
    fn meaning<'m, T>(&self, made: &'m [(Position, T)], now: Position) -> Option<&'m T> {
        let before = |(position, _): &&(Position, T)| {
            *position <= now && (position.file == now.file || !self.backward[position.file])
        };
        let last = made.iter().filter(before).max_by_key(|(position, _)| *position);
        last.or(made.first()).map(|(_, meaning)| meaning)
    }

    /// What a statement makes of a table besides that, and what it calls otherwise.
    fn note(&mut self, node: &SyntaxNode, position: Position) {
        use SyntaxKind as K;
        let below = |kind| child(node, kind).and_then(|n| Name::below(&n));
        let table = match node.kind() {
            K::CREATE_TABLE => below(K::TABLE_NAME),
            K::ALTER_TABLE | K::CREATE_INDEX => below(K::TABLE_RELATION_NAME),
            K::CREATE_STATISTICS => below(K::FROM_TABLE),
            K::ALTER_INDEX => below(K::INDEX_REF).and_then(|old| self.table_of(&old, position)),
            K::ALTER_STATISTICS => {
                let old = below(K::STATISTICS_REF);
                old.and_then(|old| self.table_of_statistics(&old, position))
            }
            _ => return,
        };
        let Some(table) = table else { return };
        for made in things::created(node) {
            let parts = match made.kind {
                "relation" => &mut self.parts,
                "statistics" => &mut self.statistics,
                _ => continue,
            };
            parts.entry(made.name).or_default().push((position, table.clone()));
        }
        if node.kind() == K::ALTER_TABLE {
            self.renamed_constraints(node, position);
        }
    }

    fn renamed_constraints(&mut self, node: &SyntaxNode, position: Position) {
        let table = child(node, SyntaxKind::TABLE_RELATION_NAME).and_then(|n| Name::below(&n));
        let Some(table) = table else { return };
        for action in node.children().filter(|n| n.kind() == SyntaxKind::RENAME_CONSTRAINT) {
            let old = child(&action, SyntaxKind::CONSTRAINT_NAME_REF).and_then(|n| Name::below(&n));
            let new = child(&action, SyntaxKind::CONSTRAINT_NAME);
            let (Some(old), Some(new)) = (old, new) else { continue };
            let new = ast::normalize_name_node(&new);
            // Its index goes by the same name.
            let in_schema =
                |name: &str| Name { schema: table.schema.clone(), name: name.to_owned() };
            if let Some(of) = self.table_of(&in_schema(&old.name), position) {
                let parts = self.parts.entry(in_schema(&new).to_string()).or_default();
                parts.push((position, of));
            }
            if let Some(into) = self.referenced(&table, &old.name, position) {
                self.key(&table, new, position, into);
            }
        }
    }

    /// The table behind the name of an index, or of a sequence that belongs to a column.
    fn table_of(&self, name: &Name, now: Position) -> Option<Name> {
        if let Some(made) = self.parts.get(&name.to_string()) {
            return self.meaning(made, now).cloned();
        }
        const MADE: [&str; 5] = ["_pkey", "_key", "_idx", "_seq", "_excl"];
        if !MADE.iter().any(|suffix| name.name.trim_end_matches(char::is_numeric).ends_with(suffix))
        {
            return None;
        }
        let relations = self.schema.creators.keys().filter(|(space, _)| *space == Space::Relation);
        let begins = |table: &&Name| {
            let rest = name.name.strip_prefix(&table.name);
            table.schema == name.schema && rest.is_some_and(|rest| rest.starts_with('_'))
        };
        let table = relations.map(|(_, table)| table).filter(begins);
        table.max_by_key(|table| table.name.len()).cloned()
    }

    /// The table that extended statistics are of.
    pub(super) fn table_of_statistics(&self, name: &Name, now: Position) -> Option<Name> {
        self.meaning(self.statistics.get(&name.to_string())?, now).cloned()
    }

    /// Tables, and those with foreign keys into them, now or at another time.
    pub(super) fn referencing(&self, mut tables: BTreeSet<String>) -> BTreeSet<String> {
        loop {
            let into = |one: &&Declared| tables.contains(&one.key.table.to_string());
            let more: Vec<String> =
                self.schema.declared.iter().filter(into).map(|one| one.on.to_string()).collect();
            let before = tables.len();
            tables.extend(more);
            if tables.len() == before {
                return tables;
            }
        }
    }

    /// Whether a migration makes something of that name at any time.
    pub(super) fn is_made(&self, space: Space, name: &Name) -> bool {
        self.schema.creators.contains_key(&(space, name.clone()))
    }

    /// The table or view of that name, as it is called everywhere.
    pub(super) fn relation(&self, name: &Name, now: Position) -> Option<String> {
        if self.is_made(Space::Relation, name) {
            return Some(name.to_string());
        }
        self.table_of(name, now).map(|table| table.to_string())
    }

    /// The table that a foreign key of `table` references, by the name of its constraint.
    pub(super) fn referenced(
        &self,
        table: &Name,
        constraint: &str,
        now: Position,
    ) -> Option<String> {
        let exact = self.keys.get(&(table.to_string(), constraint.to_owned()));
        let of_name = || {
            // The table may have had another name.
            let mut named = self.keys.iter().filter(|((_, name), _)| name == constraint);
            let only =
                named.next().filter(|_| !self.schema.tables.iter().any(|t| t.name == *table));
            only.map(|(_, made)| made)
        };
        self.meaning(exact.or_else(of_name)?, now).cloned()
    }
}
