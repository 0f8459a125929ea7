//! What names mean in the migrations of a monolith on PostgreSQL.

use std::collections::BTreeMap;

use squawk_syntax::ast;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::model::{Schema, Space};
use super::names::Name;
use super::pieces::Names;
use super::read::child;
use crate::analysis::schema::MigrationFile;

/// What names mean in any file.
pub(super) struct Book<'a> {
    schema: &'a Schema,
    /// Indexes, with their tables.
    indexes: BTreeMap<Name, Name>,
    /// Foreign keys by table and name of the constraint, with the tables that they reference.
    keys: BTreeMap<(String, String), String>,
}

impl<'a> Book<'a> {
    pub(super) fn of(schema: &'a Schema, trees: &[(&MigrationFile, Vec<SyntaxNode>)]) -> Self {
        let keys = schema.declared.iter().map(|declared| {
            let key = &declared.key;
            ((declared.on.to_string(), key.constraint.clone()), key.table.to_string())
        });
        let mut book = Self { schema, indexes: BTreeMap::new(), keys: keys.collect() };
        let nodes = || trees.iter().flat_map(|(_, nodes)| nodes).flat_map(SyntaxNode::descendants);
        for node in nodes() {
            match node.kind() {
                SyntaxKind::CREATE_INDEX => book.index(&node),
                SyntaxKind::ALTER_TABLE => book.renamed_constraints(&node),
                _ => {}
            }
        }
        for node in nodes().filter(|node| node.kind() == SyntaxKind::ALTER_INDEX) {
            book.renamed_index(&node);
        }
        book
    }

    fn index(&mut self, node: &SyntaxNode) {
        let index = child(node, SyntaxKind::INDEX).and_then(|n| Name::below(&n));
        let table = child(node, SyntaxKind::TABLE_RELATION_NAME).and_then(|n| Name::below(&n));
        if let (Some(index), Some(table)) = (index, table) {
            // An index is in the schema of its table.
            self.indexes.insert(Name { schema: table.schema.clone(), ..index }, table);
        }
    }

    fn renamed_index(&mut self, node: &SyntaxNode) {
        let old = child(node, SyntaxKind::INDEX_REF).and_then(|n| Name::below(&n));
        let new = node
            .descendants()
            .find(|n| n.kind() == SyntaxKind::INDEX)
            .and_then(|n| Name::below(&n));
        if let (Some(old), Some(new)) = (old, new)
            && let Some(table) = self.table_of(&old)
        {
            self.indexes.insert(Name { schema: old.schema, ..new }, table);
        }
    }

    fn renamed_constraints(&mut self, node: &SyntaxNode) {
        let table = child(node, SyntaxKind::TABLE_RELATION_NAME).and_then(|n| Name::below(&n));
        let Some(table) = table else { return };
        for action in node.children().filter(|n| n.kind() == SyntaxKind::RENAME_CONSTRAINT) {
            let old = child(&action, SyntaxKind::CONSTRAINT_NAME_REF).and_then(|n| Name::below(&n));
            let new = child(&action, SyntaxKind::CONSTRAINT_NAME);
            if let (Some(old), Some(new)) = (old, new)
                && let Some(into) = self.referenced(&table, &old.name)
            {
                let new = ast::normalize_name_node(&new);
                self.keys.insert((table.to_string(), new), into);
            }
        }
    }

    /// The table behind the name of an index, or of a sequence that belongs to a column.
    fn table_of(&self, name: &Name) -> Option<Name> {
        if let Some(table) = self.indexes.get(name) {
            return Some(table.clone());
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

    /// Whether a migration makes something of that name at any time.
    pub(super) fn is_made(&self, space: Space, name: &Name) -> bool {
        self.schema.creators.contains_key(&(space, name.clone()))
    }
}

impl Names for Book<'_> {
    fn relation(&self, name: &Name) -> Option<String> {
        if self.is_made(Space::Relation, name) {
            return Some(name.to_string());
        }
        self.table_of(name).map(|table| table.to_string())
    }

    fn referenced(&self, table: &Name, constraint: &str) -> Option<String> {
        let exact = self.keys.get(&(table.to_string(), constraint.to_owned()));
        let of_name = || {
            // The table may have had another name.
            let mut named = self.keys.iter().filter(|((_, name), _)| name == constraint);
            let only =
                named.next().filter(|_| !self.schema.tables.iter().any(|t| t.name == *table));
            only.map(|(_, into)| into)
        };
        exact.or_else(of_name).cloned()
    }
}
