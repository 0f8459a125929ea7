//! Reads migrations, statement by statement, and keeps book of what there is afterwards.
//!
//! No server runs here: what a statement does to tables, columns and foreign keys is followed in its
//! syntax tree. A file that cannot be parsed is refused, never passed over.

use std::collections::BTreeSet;
use std::ops::Range;

use camino::Utf8Path;
use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::extensions;
use super::mentions::{Found, Look, mapped, range};
use super::model::{
    Column, Declared, ForeignKey, Kind, Object, Schema, Space, Statement, Table, Trigger,
};
use super::names::{Name, foreign_key_name};
use super::{sorts, variables};
use crate::analysis::schema::{MigrationFile, MigrationFolder, Place};
use crate::diagnostic::{Diagnostic, Diagnostics};

impl Schema {
    /// Reads the forward migrations of all folders; versions ascend over all of them.
    ///
    /// # Errors
    /// `migration-unreadable` for each place that cannot be parsed or followed.
    pub fn of(folders: &[MigrationFolder]) -> Result<Self, Diagnostics> {
        Self::parsed_by(folders, &mut variables::parsed)
    }

    /// The same, where `parse` gives the syntax tree of each file.
    pub(super) fn parsed_by(
        folders: &[MigrationFolder],
        parse: &mut dyn FnMut(&MigrationFile, &mut Diagnostics) -> SourceFile,
    ) -> Result<Self, Diagnostics> {
        let mut reader = Reader {
            schema: Self { folders: folders.to_vec(), ..Self::default() },
            names: BTreeSet::new(),
            problems: Diagnostics::default(),
        };
        let mut files: Vec<(&Utf8Path, &MigrationFile)> = folders
            .iter()
            .flat_map(|folder| folder.forward().map(move |file| (folder.path.as_path(), file)))
            .collect();
        files.sort_by_key(|(_, file)| file.version);
        for (folder, file) in files {
            let tree = parse(file, &mut reader.problems);
            reader.file(folder, file, &tree);
        }
        if reader.problems.has_errors() { Err(reader.problems) } else { Ok(reader.schema) }
    }
}

struct Reader {
    schema: Schema,
    /// The names of constraints that there are, with their schemas.
    names: BTreeSet<(String, String)>,
    problems: Diagnostics,
}

/// Where a statement stands.
struct At<'a> {
    folder: &'a Utf8Path,
    file: &'a MigrationFile,
    /// Where a range of the tree is in the file.
    source: &'a dyn Fn(Range<usize>) -> Range<usize>,
}

impl At<'_> {
    fn place(&self, node: &SyntaxNode) -> Place {
        Place { file: self.file.path.clone(), span: (self.source)(range(node)) }
    }
}

impl Reader {
    fn file(&mut self, folder: &Utf8Path, file: &MigrationFile, tree: &SourceFile) {
        let same = |range: Range<usize>| range;
        let at = At { folder, file, source: &same };
        for statement in tree.stmts() {
            self.statement(&at, statement.syntax());
        }
    }

    fn statement(&mut self, at: &At<'_>, node: &SyntaxNode) {
        let mut found = Found::default();
        let place = |span: Range<usize>| Place { file: at.file.path.clone(), span };
        Look { place: &place, found: &mut found }.at(node);
        let (sort, subject) = sorts::of(node);
        self.schema.statements.push(Statement {
            folder: at.folder.to_owned(),
            place: at.place(node),
            sort,
            subject,
            mentions: found.mentions,
            texts: found.texts,
        });
        if let Some(body) = ast::Do::cast(node.clone()).and_then(|statement| statement.plpgsql()) {
            // `DO $$ BEGIN CREATE TYPE … EXCEPTION WHEN duplicate_object … $$` is how types are made.
            let source = |range| mapped(&|r| body.source_range(r), range);
            let inner = At { source: &source, ..*at };
            for node in body.syntax().descendants() {
                self.apply(&inner, &node);
            }
        } else if node.kind() == SyntaxKind::SELECT_INTO {
            // Only here: in PL/pgSQL, INTO names a variable.
            self.create_table(at, node);
        } else {
            self.apply(at, node);
        }
    }

    /// What a statement changes.
    fn apply(&mut self, at: &At<'_>, node: &SyntaxNode) {
        match node.kind() {
            SyntaxKind::CREATE_TABLE
            | SyntaxKind::CREATE_TABLE_AS
            | SyntaxKind::CREATE_FOREIGN_TABLE => self.create_table(at, node),
            SyntaxKind::ALTER_TABLE => self.alter_table(at, node),
            SyntaxKind::DROP_TABLE => {
                for name in named(node, SyntaxKind::TABLE_NAME_REF) {
                    self.schema.tables.retain(|table| table.name != name);
                    let key = |key: &ForeignKey| key.table != name;
                    self.schema.tables.iter_mut().for_each(|t| t.foreign_keys.retain(key));
                }
            }
            SyntaxKind::CREATE_VIEW => self.object(at, node, Kind::View),
            SyntaxKind::CREATE_MATERIALIZED_VIEW => self.object(at, node, Kind::MaterializedView),
            SyntaxKind::CREATE_FUNCTION => self.object(at, node, Kind::Function),
            SyntaxKind::CREATE_PROCEDURE => self.object(at, node, Kind::Procedure),
            SyntaxKind::CREATE_AGGREGATE => self.object(at, node, Kind::Aggregate),
            SyntaxKind::CREATE_SEQUENCE => self.object(at, node, Kind::Sequence),
            SyntaxKind::CREATE_DOMAIN => self.object(at, node, Kind::Domain),
            SyntaxKind::CREATE_TYPE => self.object(at, node, Kind::Type),
            SyntaxKind::CREATE_EXTENSION => self.extension(at, node),
            SyntaxKind::CREATE_TRIGGER => self.trigger(at, node),
            SyntaxKind::DROP_TRIGGER => self.drop_trigger(node),
            SyntaxKind::DROP_VIEW
            | SyntaxKind::DROP_MATERIALIZED_VIEW
            | SyntaxKind::DROP_SEQUENCE
            | SyntaxKind::DROP_TYPE
            | SyntaxKind::DROP_DOMAIN
            | SyntaxKind::DROP_FUNCTION
            | SyntaxKind::DROP_PROCEDURE => self.drop_objects(node),
            SyntaxKind::ALTER_VIEW
            | SyntaxKind::ALTER_MATERIALIZED_VIEW
            | SyntaxKind::ALTER_SEQUENCE
            | SyntaxKind::ALTER_TYPE
            | SyntaxKind::ALTER_DOMAIN
            | SyntaxKind::ALTER_FUNCTION
            | SyntaxKind::ALTER_PROCEDURE => self.alter_object(node),
            SyntaxKind::DROP_SCHEMA => {
                let gone: Vec<String> = node
                    .descendants()
                    .filter(|n| n.kind() == SyntaxKind::SCHEMA_REF)
                    .map(|n| normalize_name_node(&n))
                    .collect();
                self.schema.tables.retain(|table| !gone.contains(&table.name.schema));
                self.schema.objects.retain(|object| !gone.contains(&object.name.schema));
            }
            SyntaxKind::SET if sets_search_path(node) => {
                self.refuse(at, node, "which schema a name without one means is changed here")
            }
            SyntaxKind::ALTER_SCHEMA if child(node, SyntaxKind::SCHEMA_RENAME_TO).is_some() => {
                self.refuse(at, node, "a schema gets another name")
            }
            SyntaxKind::CREATE_SCHEMA
                if node.descendants().skip(1).any(|n| n.kind() == SyntaxKind::TABLE_NAME) =>
            {
                self.refuse(at, node, "a schema is created together with what is in it")
            }
            _ => {}
        }
    }

    /// A statement that makes names mean something else, which nothing here follows.
    fn refuse(&mut self, at: &At<'_>, node: &SyntaxNode, why: &str) {
        self.problems.push(
            unreadable(&at.file.path, at.place(node).span, why).help(
                "write it as statements of their own, with the schemas in front of the names",
            ),
        );
    }

    fn note(&mut self, at: &At<'_>, space: Space, name: &Name) {
        let creators = self.schema.creators.entry((space, name.clone())).or_default();
        creators.insert(at.folder.to_owned());
    }

    fn create_table(&mut self, at: &At<'_>, node: &SyntaxNode) {
        let Some(name) = named(node, SyntaxKind::TABLE_NAME).next() else { return };
        // It is gone with the connection that migrates.
        let mut before = node.children().take_while(|n| n.kind() != SyntaxKind::TABLE_NAME);
        if before.any(|n| n.text().to_string().to_ascii_lowercase().contains("temp")) {
            return;
        }
        self.note(at, Space::Relation, &name);
        if self.schema.table(&name).is_some() {
            return;
        }
        self.schema.tables.push(Table {
            name: name.clone(),
            folder: at.folder.to_owned(),
            place: at.place(node),
            columns: Vec::new(),
            foreign_keys: Vec::new(),
            primary_key: Vec::new(),
            triggers: Vec::new(),
        });
        let Some(list) = child(node, SyntaxKind::TABLE_ARG_LIST) else { return };
        for part in list.children() {
            match part.kind() {
                SyntaxKind::COLUMN => self.column(at, &name, &part),
                SyntaxKind::LIKE_CLAUSE => {
                    let like = Name::below(&part).and_then(|like| self.schema.table(&like));
                    let columns = like.map(|like| like.columns.clone()).unwrap_or_default();
                    self.with_table(&name, |table| table.columns.extend(columns));
                }
                _ => self.constraint(at, &name, &part),
            }
        }
    }

    /// A column, of `CREATE TABLE` or `ADD COLUMN`.
    fn column(&mut self, at: &At<'_>, table: &Name, node: &SyntaxNode) {
        let Some(name) = child(node, SyntaxKind::COLUMN_NAME) else { return };
        let name = normalize_name_node(&name);
        let ty = node
            .children()
            .find(|n| n.kind() != SyntaxKind::COLUMN_NAME && n.kind() != SyntaxKind::IF_NOT_EXISTS);
        let column = Column {
            name: name.clone(),
            ty: ty.as_ref().map(|ty| ty.text().to_string()).unwrap_or_default(),
            type_name: ty.as_ref().and_then(Name::below),
        };
        self.with_table(table, |table| table.columns.push(column));
        for part in node.children() {
            match part.kind() {
                SyntaxKind::REFERENCES_CONSTRAINT => {
                    self.foreign_key(at, table, &part, vec![name.clone()]);
                }
                SyntaxKind::PRIMARY_KEY_CONSTRAINT => {
                    self.with_table(table, |table| table.primary_key = vec![name.clone()]);
                }
                _ => {}
            }
        }
    }

    /// A constraint of a table.
    fn constraint(&mut self, at: &At<'_>, table: &Name, node: &SyntaxNode) {
        match node.kind() {
            SyntaxKind::FOREIGN_KEY_CONSTRAINT => {
                let lists = children(node, SyntaxKind::FOREIGN_KEY_COLUMN_LIST);
                let from = lists.first().map(columns).unwrap_or_default();
                self.foreign_key(at, table, node, from);
            }
            SyntaxKind::PRIMARY_KEY_CONSTRAINT => {
                let key = node
                    .descendants()
                    .filter(|n| {
                        matches!(n.kind(), SyntaxKind::COLUMN_NAME_REF | SyntaxKind::COLUMN_NAME)
                    })
                    .map(|n| normalize_name_node(&n))
                    .collect();
                self.with_table(table, |table| table.primary_key = key);
            }
            _ => {}
        }
        if node.kind() != SyntaxKind::FOREIGN_KEY_CONSTRAINT
            && let Some(name) = constraint_name(node)
        {
            self.names.insert((table.schema.clone(), name));
        }
    }

    fn foreign_key(&mut self, at: &At<'_>, table: &Name, node: &SyntaxNode, from: Vec<String>) {
        let Some(target) = named(node, SyntaxKind::TABLE_NAME_REF).next() else { return };
        let lists = children(node, SyntaxKind::FOREIGN_KEY_COLUMN_LIST);
        let to = match lists.get(1) {
            Some(list) => columns(list),
            None => children(node, SyntaxKind::COLUMN_NAME_REF)
                .iter()
                .map(normalize_name_node)
                .collect(),
        };
        let taken = |name: &str| self.names.contains(&(table.schema.clone(), name.to_owned()));
        let constraint =
            constraint_name(node).unwrap_or_else(|| foreign_key_name(&table.name, &from, taken));
        self.names.insert((table.schema.clone(), constraint.clone()));
        let (options, place) = (options(node), at.place(node));
        let key = ForeignKey { constraint, from, table: target, to, options, place };
        let (folder, version) = (at.folder.to_owned(), at.file.version);
        let on = table.clone();
        self.schema.declared.push(Declared { folder, version, on, key: key.clone() });
        self.with_table(table, |table| table.foreign_keys.push(key));
    }

    fn alter_table(&mut self, at: &At<'_>, node: &SyntaxNode) {
        let Some(relation) = child(node, SyntaxKind::TABLE_RELATION_NAME) else { return };
        let Some(name) = Name::below(&relation) else { return };
        for action in node.children() {
            match action.kind() {
                SyntaxKind::ADD_COLUMN => self.column(at, &name, &action),
                SyntaxKind::ADD_CONSTRAINT => {
                    for constraint in action.children() {
                        self.constraint(at, &name, &constraint);
                    }
                }
                SyntaxKind::DROP_CONSTRAINT => {
                    let gone = child(&action, SyntaxKind::CONSTRAINT_NAME_REF)
                        .and_then(|n| Name::below(&n));
                    let Some(gone) = gone else { continue };
                    self.names.remove(&(name.schema.clone(), gone.name.clone()));
                    let keep = |key: &ForeignKey| key.constraint != gone.name;
                    self.with_table(&name, |table| table.foreign_keys.retain(keep));
                }
                SyntaxKind::DROP_COLUMN => {
                    let Some(gone) = child(&action, SyntaxKind::COLUMN_NAME_REF) else { continue };
                    let gone = normalize_name_node(&gone);
                    self.with_table(&name, |table| {
                        table.columns.retain(|column| column.name != gone);
                        table.foreign_keys.retain(|key| !key.from.contains(&gone));
                    });
                }
                SyntaxKind::VALIDATE_CONSTRAINT => {
                    let valid = child(&action, SyntaxKind::CONSTRAINT_NAME_REF)
                        .and_then(|n| Name::below(&n));
                    let Some(valid) = valid else { continue };
                    self.with_table(&name, |table| {
                        let keys = table.foreign_keys.iter_mut();
                        keys.filter(|key| key.constraint == valid.name)
                            .for_each(|key| key.options = key.options.replace("NOT VALID", ""));
                    });
                }
                SyntaxKind::RENAME_COLUMN => self.rename_column(&name, &action),
                SyntaxKind::RENAME_CONSTRAINT => {
                    let old = child(&action, SyntaxKind::CONSTRAINT_NAME_REF)
                        .and_then(|n| Name::below(&n));
                    let new = child(&action, SyntaxKind::CONSTRAINT_NAME);
                    let (Some(old), Some(new)) = (old, new) else { continue };
                    let new = normalize_name_node(&new);
                    self.names.insert((name.schema.clone(), new.clone()));
                    self.with_table(&name, |table| {
                        for key in &mut table.foreign_keys {
                            if key.constraint == old.name {
                                key.constraint.clone_from(&new);
                            }
                        }
                    });
                }
                SyntaxKind::TABLE_RENAME_TO => {
                    let Some(new) = last_identifier(&action) else { continue };
                    self.rename_table(&name, Name { schema: name.schema.clone(), name: new });
                }
                SyntaxKind::SET_SCHEMA => {
                    let Some(schema) = last_identifier(&action) else { continue };
                    self.rename_table(&name, Name { schema, name: name.name.clone() });
                }
                SyntaxKind::ALTER_COLUMN => self.retype(&name, &action),
                _ => {}
            }
        }
    }

    /// The new name of something, whose owner stays.
    fn rename(&mut self, space: Space, old: &Name, new: &Name) {
        let Some(creators) = self.schema.creators.get(&(space, old.clone())).cloned() else {
            return;
        };
        self.schema.creators.entry((space, new.clone())).or_default().extend(creators);
        self.schema.renamed.push((space, old.clone(), new.clone()));
        for object in &mut self.schema.objects {
            if object.name == *old && object.kind.space() == space {
                object.name = new.clone();
            }
        }
    }

    /// `ALTER VIEW … RENAME TO …` and its like.
    fn alter_object(&mut self, node: &SyntaxNode) {
        let Some(old) = Name::below(node) else { return };
        let renamed = node.descendants().find(|n| format!("{:?}", n.kind()).ends_with("RENAME_TO"));
        let moved = node.descendants().find(|n| n.kind() == SyntaxKind::SET_SCHEMA);
        let new = match (renamed, moved) {
            (Some(action), _) => {
                last_identifier(&action).map(|name| Name { name, schema: old.schema.clone() })
            }
            (_, Some(action)) => {
                last_identifier(&action).map(|schema| Name { schema, name: old.name.clone() })
            }
            _ => None,
        };
        let Some(new) = new else { return };
        let space = match node.kind() {
            SyntaxKind::ALTER_TYPE | SyntaxKind::ALTER_DOMAIN => Space::Type,
            SyntaxKind::ALTER_FUNCTION | SyntaxKind::ALTER_PROCEDURE => Space::Function,
            _ => Space::Relation,
        };
        self.rename(space, &old, &new);
    }

    fn rename_table(&mut self, old: &Name, new: Name) {
        self.rename(Space::Relation, old, &new);
        for table in &mut self.schema.tables {
            for key in &mut table.foreign_keys {
                if key.table == *old {
                    key.table = new.clone();
                }
            }
        }
        self.with_table(old, |table| table.name = new);
    }

    fn rename_column(&mut self, name: &Name, action: &SyntaxNode) {
        let old = child(action, SyntaxKind::COLUMN_NAME_REF);
        let new = child(action, SyntaxKind::COLUMN_NAME);
        let (Some(old), Some(new)) = (old, new) else { return };
        let (old, new) = (normalize_name_node(&old), normalize_name_node(&new));
        let rename = |column: &mut String| {
            if *column == old {
                column.clone_from(&new);
            }
        };
        for table in &mut self.schema.tables {
            if table.name == *name {
                table.columns.iter_mut().for_each(|column| rename(&mut column.name));
                table.primary_key.iter_mut().for_each(rename);
                table.foreign_keys.iter_mut().flat_map(|key| &mut key.from).for_each(rename);
            }
            let keys = table.foreign_keys.iter_mut().filter(|key| key.table == *name);
            keys.flat_map(|key| &mut key.to).for_each(rename);
        }
    }

    /// `ALTER COLUMN … TYPE …`.
    fn retype(&mut self, name: &Name, action: &SyntaxNode) {
        let Some(column) = child(action, SyntaxKind::COLUMN_NAME_REF) else { return };
        let column = normalize_name_node(&column);
        let Some(set) = child(action, SyntaxKind::SET_TYPE) else { return };
        let Some(ty) = set.children().next() else { return };
        self.with_table(name, |table| {
            for known in table.columns.iter_mut().filter(|known| known.name == column) {
                known.ty = ty.text().to_string();
                known.type_name = Name::below(&ty);
            }
        });
    }

    fn object(&mut self, at: &At<'_>, node: &SyntaxNode, kind: Kind) {
        let Some(path) = node.descendants().find(|n| n.kind() == SyntaxKind::PATH) else { return };
        let Some(name) = Name::of_path(&path) else { return };
        self.note(at, kind.space(), &name);
        let object =
            Object { kind, name, parameters: parameters(node), folder: at.folder.to_owned() };
        if !self.schema.objects.contains(&object) {
            self.schema.objects.push(object);
        }
    }

    fn drop_objects(&mut self, node: &SyntaxNode) {
        let gone: Vec<Name> = node
            .descendants()
            .filter(|n| n.kind() == SyntaxKind::PATH_REF)
            // Not the types of a function's parameters.
            .filter(|n| !n.ancestors().any(|a| a.kind() == SyntaxKind::PARAM_LIST))
            .filter(|n| n.parent().is_none_or(|parent| parent.kind() != SyntaxKind::PATH_REF))
            .filter_map(|n| Name::of_path(&n))
            .collect();
        let functions =
            matches!(node.kind(), SyntaxKind::DROP_FUNCTION | SyntaxKind::DROP_PROCEDURE);
        self.schema.objects.retain(|object| {
            let is_function = matches!(object.kind, Kind::Function | Kind::Procedure);
            is_function != functions || !gone.contains(&object.name)
        });
    }

    fn extension(&mut self, at: &At<'_>, node: &SyntaxNode) {
        let Some(name) = child(node, SyntaxKind::EXTENSION) else { return };
        let name = normalize_name_node(&name);
        for (space, brought) in extensions::brings(&name) {
            self.note(at, space, &Name::public(brought));
        }
    }

    fn trigger(&mut self, at: &At<'_>, node: &SyntaxNode) {
        let name = child(node, SyntaxKind::TRIGGER).map(|n| normalize_name_node(&n));
        let on = child(node, SyntaxKind::ON_RELATION).and_then(|n| Name::below(&n));
        let (Some(name), Some(on)) = (name, on) else { return };
        let trigger = Trigger { name, folder: at.folder.to_owned() };
        self.with_table(&on, |table| {
            table.triggers.retain(|known| known.name != trigger.name);
            table.triggers.push(trigger);
        });
    }

    fn drop_trigger(&mut self, node: &SyntaxNode) {
        let name = child(node, SyntaxKind::TRIGGER_REF).map(|n| normalize_name_node(&n));
        let on = child(node, SyntaxKind::ON_RELATION).and_then(|n| Name::below(&n));
        let (Some(name), Some(on)) = (name, on) else { return };
        self.with_table(&on, |table| table.triggers.retain(|known| known.name != name));
    }

    fn with_table(&mut self, name: &Name, change: impl FnOnce(&mut Table)) {
        if let Some(table) = self.schema.tables.iter_mut().find(|table| table.name == *name) {
            change(table);
        }
    }
}

/// A function's parameters as `DROP FUNCTION` takes them: without defaults.
fn parameters(node: &SyntaxNode) -> String {
    let Some(list) = child(node, SyntaxKind::PARAM_LIST) else { return String::new() };
    let parameters = list.children().filter(|n| n.kind() == SyntaxKind::PARAM).map(|parameter| {
        let parts = parameter.children().filter(|n| n.kind() != SyntaxKind::PARAM_DEFAULT);
        parts.map(|part| part.text().to_string()).collect::<Vec<_>>().join(" ")
    });
    format!("({})", parameters.collect::<Vec<_>>().join(", "))
}

pub(super) fn unreadable(file: &Utf8Path, span: Range<usize>, message: &str) -> Diagnostic {
    Diagnostic::error("migration-unreadable", format!("`{file}` cannot be read: {message}"))
        .at(file, span, "here")
}

pub(super) fn sets_search_path(node: &SyntaxNode) -> bool {
    node.descendants()
        .filter(|n| n.kind() == SyntaxKind::CONFIG_PARAMETER_REF)
        .any(|n| n.text().to_string().eq_ignore_ascii_case("search_path"))
}

pub(super) fn constraint_name(node: &SyntaxNode) -> Option<String> {
    let clause = child(node, SyntaxKind::CONSTRAINT_NAME_CLAUSE)?;
    child(&clause, SyntaxKind::CONSTRAINT_NAME).map(|n| normalize_name_node(&n))
}

/// What is said of a foreign key behind its columns.
fn options(node: &SyntaxNode) -> String {
    let behind = node.children().filter(|n| {
        !matches!(
            n.kind(),
            SyntaxKind::CONSTRAINT_NAME_CLAUSE
                | SyntaxKind::FOREIGN_KEY_COLUMN_LIST
                | SyntaxKind::TABLE_NAME_REF
                | SyntaxKind::COLUMN_NAME_REF
        )
    });
    behind.map(|n| n.text().to_string()).collect::<Vec<_>>().join(" ")
}

pub(super) fn columns(list: &SyntaxNode) -> Vec<String> {
    children(list, SyntaxKind::COLUMN_NAME_REF).iter().map(normalize_name_node).collect()
}

/// The name after `RENAME TO` or `SET SCHEMA`.
pub(super) fn last_identifier(node: &SyntaxNode) -> Option<String> {
    let named = node.descendants().filter(|n| {
        n.children_with_tokens()
            .any(|part| part.as_token().is_some_and(|token| token.kind() == SyntaxKind::IDENT))
    });
    named.last().map(|n| normalize_name_node(&n))
}

/// The names that nodes of a kind below `node` spell.
pub(super) fn named(node: &SyntaxNode, kind: SyntaxKind) -> impl Iterator<Item = Name> {
    node.descendants().filter(move |n| n.kind() == kind).filter_map(|n| Name::below(&n))
}

pub(super) fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|n| n.kind() == kind)
}

pub(super) fn children(node: &SyntaxNode, kind: SyntaxKind) -> Vec<SyntaxNode> {
    node.children().filter(|n| n.kind() == kind).collect()
}
