//! A shared history on PostgreSQL: what each statement changes, reads and needs, from its syntax tree.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use squawk_syntax::ast::AstNode;
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::blocks::effects_of;
use super::book::{Book, Position};
use super::effects::{self, Effects};
use super::mentions::{Found, Look, range};
use super::model::{Kind, Schema, Space};
use super::names::Name;
use super::pieces::{self, Names};
use super::reached::{self, Reached};
use super::read::{named, sets_search_path, unreadable};
use super::{columns, parts, things, variables};
use crate::analysis::schema::shared::statement::{About, Does, Item, Piece, Statement, Thing};
use crate::analysis::schema::shared::{Dialect, Left};
use crate::analysis::schema::{
    Divided, Division, History, MigrationFile, MigrationFolder, MigrationKind, Place,
};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// A history, and what is there after it.
pub struct OnPostgres {
    history: History,
    /// Every object still belongs to the folder that made it.
    schema: Schema,
}

impl OnPostgres {
    /// Reads all migrations, forward and back.
    ///
    /// # Errors
    /// `migration-unreadable` for each place that cannot be parsed or followed.
    pub fn read(folders: &[MigrationFolder]) -> Result<Self, Diagnostics> {
        let mut parsed = BTreeMap::new();
        let schema = Schema::parsed_by(folders, &mut |file, problems| {
            let tree = variables::parsed(file, problems);
            parsed.insert(file.path.clone(), tree.clone());
            tree
        })?;
        let mut problems = Diagnostics::default();
        let mut files: Vec<&MigrationFile> = folders.iter().flat_map(|f| &f.files).collect();
        files.sort_by_key(|file| (file.version, file.kind == MigrationKind::Down));
        let mut trees = Vec::new();
        for file in files {
            let tree = parsed.remove(&file.path);
            let tree = tree.unwrap_or_else(|| variables::parsed(file, &mut problems));
            trees.push((file, followed(file, &tree, &mut problems)));
        }
        if problems.has_errors() {
            return Err(problems);
        }
        let book = Book::of(&schema, &trees);
        let (mut statements, mut named) = (Vec::new(), BTreeMap::new());
        for (number, (file, nodes)) in trees.iter().enumerate() {
            let now = Position { file: number, byte: 0 };
            let temporary = BTreeSet::new();
            let mut at = At { book: &book, file, now, temporary, named: &mut named };
            statements.extend(nodes.iter().map(|node| at.statement(node)));
        }
        let reached = Reached::of(&statements);
        statements.iter_mut().for_each(|statement| reached.complete(statement));
        let history = History::of(Dialect::Postgres, folders, statements, left(&schema));
        Ok(Self { history, schema })
    }

    /// The statements, and whose they are.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Divides it, and gives the monolith's schema, where the module's objects belong to the folder of its
    /// set.
    ///
    /// None as for [`History::divide`], and where one of the module's statements needs what its set lacks.
    pub fn divide(
        &self,
        division: &Division<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<(Divided, Schema)> {
        let divided = self.history.divide(division, diagnostics)?;
        let problems = self.lacking(&divided, division);
        if !problems.is_empty() {
            problems.into_iter().for_each(|problem| diagnostics.push(problem));
            return None;
        }
        let schema = self.given(&divided, division.to);
        Some((divided, schema))
    }

    /// What the statements of the set need and it does not make.
    fn lacking(&self, divided: &Divided, division: &Division<'_>) -> Vec<Diagnostic> {
        let alone = match Self::read(std::slice::from_ref(divided.alone())) {
            Ok(alone) => alone.schema,
            Err(problems) => return problems.iter().cloned().collect(),
        };
        let lacks = |space: Space, name: &Name| {
            let key = &(space, name.clone());
            self.schema.creators.contains_key(key) && !alone.creators.contains_key(key)
        };
        let mentions = alone.statements.iter().flat_map(|statement| &statement.mentions);
        let needed = mentions.map(|mention| (mention.space, &mention.name, &mention.place));
        let keys =
            alone.declared.iter().map(|one| (Space::Relation, &one.key.table, &one.key.place));
        let lacking = needed.chain(keys).filter(|(space, name, _)| lacks(*space, name));
        let refusal = |(_, name, place): (Space, &Name, &Place)| {
            Diagnostic::error(
                "migration-crosses",
                format!(
                    "this statement of `{}` needs `{name}`, which its set does not make",
                    division.module
                ),
            )
            .at(&place.file, place.span.clone(), "named here")
            .note("the service runs the module's statements on a database of its own")
            .help("make the module's tables stand alone in a new migration first")
        };
        lacking.map(refusal).collect()
    }

    /// Lets the module's objects belong to its set.
    fn given(&self, divided: &Divided, to: &Utf8Path) -> Schema {
        let mut schema = self.schema.clone();
        let ours = |name: &Name| self.history.owns(divided, &name.to_string());
        for table in schema.tables.iter_mut().filter(|table| ours(&table.name)) {
            table.folder = to.to_owned();
            table.triggers.iter_mut().for_each(|trigger| trigger.folder = to.to_owned());
        }
        for object in &mut schema.objects {
            let space = object.kind.space();
            let key = effects::object(space, &object.name);
            let is_ours = match space {
                Space::Relation => ours(&object.name),
                _ => divided.objects.contains(&key) && !divided.of_both.contains(&key),
            };
            if is_ours {
                object.folder = to.to_owned();
            }
        }
        schema
    }
}

/// The statements of a file; what cannot be followed is reported.
fn followed(
    file: &MigrationFile,
    tree: &SourceFile,
    problems: &mut Diagnostics,
) -> Vec<SyntaxNode> {
    let nodes: Vec<SyntaxNode> = tree.stmts().map(|statement| statement.syntax().clone()).collect();
    for node in nodes.iter().filter(|node| changes_search_path(node)) {
        problems.push(
            unreadable(
                &file.path,
                span_of(node),
                "which schema a name without one means is changed here",
            )
            .help("write the schemas in front of the names"),
        );
    }
    nodes
}

/// `SET search_path`, `set_config('search_path', …)`.
fn changes_search_path(node: &SyntaxNode) -> bool {
    let is_call = |n: &SyntaxNode| {
        n.kind() == SyntaxKind::CALL_EXPR && {
            let text = n.text().to_string().to_ascii_lowercase();
            text.contains("set_config") && text.contains("search_path")
        }
    };
    let is_set = node.kind() == SyntaxKind::SET && sets_search_path(node);
    is_set || node.descendants().any(|n| is_call(&n))
}

/// Where a statement stands, the semicolon left out.
fn span_of(node: &SyntaxNode) -> std::ops::Range<usize> {
    let text = node.text().to_string();
    let bare = text.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    let start = range(node).start;
    start..start + bare.len()
}

/// What is there in the end.
fn left(schema: &Schema) -> Left {
    let of = |kinds: &[Kind]| {
        let objects = schema.objects.iter().filter(|object| kinds.contains(&object.kind));
        objects.map(|object| object.name.to_string()).collect()
    };
    let triggers = schema.tables.iter().flat_map(|table| {
        table.triggers.iter().map(|trigger| format!("{}.{}", table.name, trigger.name))
    });
    Left {
        tables: schema.tables.iter().map(|table| table.name.to_string()).collect(),
        parts: Vec::new(),
        views: of(&[Kind::View, Kind::MaterializedView]),
        triggers: triggers.collect(),
        functions: of(&[Kind::Function, Kind::Procedure]),
        sequences: of(&[Kind::Sequence]),
    }
}

/// A file that is being read.
struct At<'a> {
    book: &'a Book<'a>,
    file: &'a MigrationFile,
    /// The statement that is being read.
    now: Position,
    /// Tables that are gone with the connection.
    temporary: BTreeSet<Name>,
    /// The columns that functions name of the rows on which a trigger calls them.
    named: &'a mut BTreeMap<String, BTreeSet<String>>,
}

impl Names for At<'_> {
    fn relation(&self, name: &Name) -> Option<String> {
        if self.temporary.contains(name) {
            // Each file has its own.
            return Some(format!("temp.{}.{}", self.now.file, name.name));
        }
        self.book.relation(name, self.now)
    }

    fn statistics(&self, name: &Name) -> Option<String> {
        self.book.table_of_statistics(name, self.now).map(|table| table.to_string())
    }

    fn referenced(&self, table: &Name, constraint: &str) -> Option<String> {
        self.book.referenced(table, constraint, self.now)
    }
}

impl At<'_> {
    fn statement(&mut self, node: &SyntaxNode) -> Statement {
        self.now.byte = range(node).start;
        if node.kind() == SyntaxKind::CREATE_TABLE || node.kind() == SyntaxKind::CREATE_TABLE_AS {
            let name = named(node, SyntaxKind::TABLE_NAME).next();
            self.temporary.extend(name.filter(|_| effects::is_temporary(node)));
        }
        let mut found = Found::default();
        let place = |span| Place { file: self.file.path.clone(), span };
        Look { place: &place, found: &mut found }.at(node);
        let mut statement = Statement::at(place(span_of(node)));
        let all = effects_of(node);
        let table = all.first().and_then(|effects| effects.changes.first());
        (statement.keys, statement.pieces) = pieces::of(node, table, self);
        if node.kind() == SyntaxKind::DO {
            self.keys_inside(node, &mut statement);
        }
        self.name(node, &found, &all, &mut statement);
        self.things(node, &found, &mut statement);
        let is_block = node.kind() == SyntaxKind::DO && all.is_empty();
        statement.fills |= is_block || all.iter().any(|effects| effects.does == Does::Rows);
        statement.runs_untold = found.is_dynamic || found.is_unread;
        if found.is_unread {
            statement.untold =
                Some("it has a body that is no SQL, or none that calve can read".into());
        } else if found.is_dynamic {
            statement.untold = Some("it runs SQL that is put together while it runs".into());
        } else if let Some(path) = own_search_path(node) {
            statement.untold = Some(format!("it has a search path of its own, {path}"));
        }
        statement
    }

    /// What the statement creates and uses.
    fn things(&mut self, node: &SyntaxNode, found: &Found, statement: &mut Statement) {
        let roots: Vec<SyntaxNode> =
            [node.clone()].into_iter().chain(reached::body(node)).collect();
        let columns = columns::of(&roots, self);
        if let Does::Function(_) = statement.does {
            let functions = statement.makes.iter().cloned();
            self.named.extend(functions.map(|function| (function, columns.of_rows.clone())));
        }
        let inside = effects::inside(node);
        let nodes = || inside.iter().chain([node]);
        let temporary =
            |thing: Thing| match self.temporary.iter().find(|t| t.to_string() == thing.name) {
                Some(name) if thing.kind == "relation" => things::relation(name, self),
                _ => thing,
            };
        statement.creates = nodes().flat_map(things::created).map(temporary).collect();
        statement.uses = things::used(node, found, &columns, statement, self);
        if let Does::Trigger(_) = statement.does {
            let called = statement.needs.iter().filter_map(|function| self.named.get(function));
            for name in called.flatten() {
                let of = |table| Thing::of("column", table, name);
                statement.uses.extend(statement.changes.iter().map(of));
            }
        }
        statement.columns = columns.uses;
        statement.finds = parts::finds(&roots, self);
        statement.parts = nodes().flat_map(parts::of).collect();
        statement.heirs = nodes().flat_map(parts::heirs).collect();
        statement.renames = nodes().flat_map(parts::renames).collect();
        statement.drops = nodes().flat_map(|n| things::drops(n, self)).collect();
        statement.replaces =
            nodes().any(|n| n.children().any(|part| part.kind() == SyntaxKind::OR_REPLACE));
        let fills = |n: &SyntaxNode| {
            matches!(n.kind(), SyntaxKind::CREATE_TABLE_AS | SyntaxKind::SELECT_INTO)
        };
        statement.fills = nodes().any(fills);
    }

    /// What the statement changes, reads, makes and needs.
    fn name(&self, node: &SyntaxNode, found: &Found, all: &[Effects], statement: &mut Statement) {
        let is_function = matches!(all, [Effects { does: Does::Function(_), .. }]);
        let optional = node.descendants().any(|n| n.kind() == SyntaxKind::IF_EXISTS);
        let mut strangers: Vec<&Name> = Vec::new();
        for effects in all {
            statement.makes.extend(effects.makes.iter().cloned());
            statement.about.extend(effects.about.clone());
            for name in &effects.changes {
                match self.relation(name) {
                    Some(relation) => drop(statement.changes.insert(relation)),
                    None => strangers.push(name),
                }
                statement.needs.extend(in_schema(name));
            }
        }
        for mention in &found.mentions {
            // What a list names was made by a statement that needs its schema.
            let listed = all.is_empty() && !statement.pieces.is_empty();
            statement.needs.extend(in_schema(&mention.name).filter(|_| !listed));
            let key = effects::object(mention.space, &mention.name);
            match mention.space {
                Space::Function | Space::Type
                    if self.book.is_made(mention.space, &mention.name) =>
                {
                    statement.needs.insert(key);
                }
                // They change the sequence that they name.
                Space::Function if matches!(&*mention.name.name, "setval" | "nextval") => {
                    statement.needs.insert(key);
                }
                Space::Function => {}
                // A table's name is the name of its rows' type.
                Space::Type => statement
                    .reads
                    .extend(self.relation(&mention.name).filter(|_| !is_built_in(&mention.name))),
                Space::Relation => match self.relation(&mention.name) {
                    Some(relation) => drop(statement.reads.insert(relation)),
                    None => strangers.push(&mention.name),
                },
            }
        }
        statement.writes = reached::writes(node, self);
        statement.reads.extend(found.statistics.iter().filter_map(|name| self.statistics(name)));
        statement.does = match all {
            [] => self.by_names(node, statement),
            [one] => one.does.clone(),
            _ if all.iter().all(|effects| effects.does == Does::Rows) => Does::Rows,
            _ if !statement.changes.is_empty() => Does::Definition,
            _ => Does::Object,
        };
        let cascades = |n: &SyntaxNode| n.kind() == SyntaxKind::CASCADE;
        if node.kind() == SyntaxKind::TRUNCATE && node.descendants().any(|n| cascades(&n)) {
            statement.changes = self.book.referencing(std::mem::take(&mut statement.changes));
        }
        statement.reads.retain(|name| !statement.changes.contains(name));
        if !is_function && !optional {
            let stranger = strangers.into_iter().find(|name| !is_of_the_system(name));
            statement.stranger =
                stranger.map(|name| format!("it names `{name}`, which no migration makes"));
        }
    }

    /// What a statement does that is about all that it names.
    fn by_names(&self, node: &SyntaxNode, statement: &mut Statement) -> Does {
        use SyntaxKind as K;
        // The types of a function's parameters are no tables that change.
        let objects = effects::objects(node);
        if !statement.reads.is_empty() && !is_of_functions(node) {
            statement.about.extend(effects::commented_trigger(node));
            statement.changes = std::mem::take(&mut statement.reads);
            return Does::Definition;
        }
        if !objects.is_empty() {
            statement.about.extend(objects.iter().filter(|o| o.starts_with("function:")).cloned());
            statement.makes.extend(objects);
            statement.reads.clear();
            return Does::Object;
        }
        if node.kind() == K::DO && !statement.needs.is_empty() {
            // What it calls says whose it is.
            return Does::Rows;
        }
        const NOBODYS: [SyntaxKind; 25] = [
            K::ALTER_DEFAULT_PRIVILEGES,
            K::ANALYZE,
            K::BEGIN,
            K::CHECKPOINT,
            K::COMMIT_TRANSACTION,
            K::DISCARD,
            K::DO,
            K::EMPTY_STMT,
            K::GRANT,
            K::LISTEN,
            K::NOTIFY,
            K::RELEASE_SAVEPOINT,
            K::RESET,
            K::REVOKE,
            K::ROLLBACK_TRANSACTION,
            K::SAVEPOINT_CREATE,
            K::SET,
            K::SET_CONSTRAINTS,
            K::SET_ROLE,
            K::SET_TRANSACTION,
            K::SHOW,
            K::UNLISTEN,
            K::VACUUM,
            K::RESET_ROLE,
            K::ROLLBACK_TO_SAVEPOINT,
        ];
        let optional = node.descendants().any(|n| n.kind() == K::IF_EXISTS);
        if !NOBODYS.contains(&node.kind()) && !optional {
            let kind = format!("{:?}", node.kind()).replace('_', " ");
            statement.untold = Some(format!("what `{kind}` is about belongs to no table"));
            return Does::Definition;
        }
        Does::Nothing
    }

    /// Foreign keys that an anonymous block makes: it goes with them, where it does nothing else.
    fn keys_inside(&self, node: &SyntaxNode, statement: &mut Statement) {
        let statements = effects::inside(node);
        let changing = statements.iter().filter(|n| n.kind() != SyntaxKind::SELECT).count();
        let mut into = BTreeSet::new();
        for altered in statements.iter().filter(|n| n.kind() == SyntaxKind::ALTER_TABLE) {
            let effects = effects::of(altered);
            let table = effects.as_ref().and_then(|effects| effects.changes.first());
            let (keys, _) = pieces::of(altered, table, self);
            for mut key in keys {
                key.clause = statement.place.span.clone();
                into.insert(key.into.clone());
                statement.keys.push(key);
            }
        }
        if changing == 1 && into.len() == 1 {
            let about = into.into_iter().next().map(About::Table);
            let span = statement.place.span.clone();
            let item = Item { span, comma: None, about, thing: None };
            statement.pieces = vec![Piece::List(vec![item])];
        } else if !into.is_empty() {
            statement.reads.extend(into);
        }
    }
}

/// The search path that a function sets for itself, but where names mean what they do without it.
fn own_search_path(node: &SyntaxNode) -> Option<String> {
    let set = node
        .descendants()
        .filter(|n| n.kind() == SyntaxKind::SET_CONFIG_PARAM)
        .find(sets_search_path)?;
    let text = set.text().to_string().to_ascii_lowercase();
    let (_, value) = text.split_once("search_path")?;
    let value =
        value.trim().trim_start_matches(['=', ' ']).trim_start_matches("to ").trim().to_owned();
    let usual = |part: &str| {
        let part = part.trim().trim_matches(['\'', '"']);
        ["", "public", "pg_catalog", "pg_temp"].contains(&part)
    };
    (!value.split(',').all(usual)).then_some(value)
}

fn in_schema(name: &Name) -> Option<String> {
    (name.schema != super::names::PUBLIC).then(|| effects::schema(&name.schema))
}

fn is_built_in(name: &Name) -> bool {
    name.schema == "pg_catalog"
}

fn is_of_the_system(name: &Name) -> bool {
    name.name.starts_with("pg_") || ["pg_catalog", "information_schema"].contains(&&*name.schema)
}

/// Whether a statement's names are a function's and those of its parameters' types.
fn is_of_functions(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    let kinds = [K::FUNCTION_SIG, K::ROUTINE_SIG, K::PROCEDURE_SIG];
    node.descendants().any(|n| kinds.contains(&n.kind()))
}
