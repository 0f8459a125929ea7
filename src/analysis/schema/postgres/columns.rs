//! Which columns of which tables a statement names.
//!
//! A qualified name is of the table that its qualifier means where it stands; another one is of some table of
//! the query around it, or of one around that. Which of them has such a column, the history knows.

use std::collections::BTreeSet;

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::derived;
use super::mentions::in_foreign_key;
use super::names::{Name, parts};
use super::pieces::Names;
use super::read::{child, named};
use super::things;
use crate::analysis::schema::shared::statement::ColumnUse;

/// The columns that are named.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) uses: BTreeSet<ColumnUse>,
    /// Those of the rows on which a trigger or a rule works, `NEW` and `OLD`; none of `NEW.*` has a name.
    pub(super) of_rows: BTreeSet<String>,
    /// Those behind something that is no table here, perhaps a row in a variable.
    pub(super) of_any: BTreeSet<String>,
}

/// Looks at all below the roots: a statement, and the body in it.
pub(super) fn of(roots: &[SyntaxNode], names: &dyn Names) -> Columns {
    let mut found = Columns::default();
    for root in roots {
        let locals = root.descendants().filter(|n| n.kind() == SyntaxKind::CTE_NAME);
        let locals = locals.map(|n| normalize_name_node(&n)).collect();
        let look = Look { names, locals };
        for node in root.descendants() {
            look.at(&node, &mut found);
        }
    }
    found
}

struct Look<'a> {
    names: &'a dyn Names,
    /// Names that `WITH` gives to queries: they hide tables of the same name.
    locals: BTreeSet<String>,
}

/// What a qualifier means.
enum Meant {
    Table(String),
    /// A query, a function.
    Derived,
    Row,
    Unknown,
}

impl Look<'_> {
    fn at(&self, node: &SyntaxNode, found: &mut Columns) {
        use SyntaxKind as K;
        match node.kind() {
            K::FIELD_EXPR if !is_in_field(node) && !things::is_called(node) => {
                self.field(node, found);
            }
            K::TARGET if has_star(node) && matters(node) => {
                let tables = scopes(node).next().map(|scope| self.tables(&scope));
                let levels = tables.into_iter().collect();
                found.uses.insert(ColumnUse { name: String::new(), levels });
            }
            K::NAME_REF if derived::is_of_result(node) => {}
            K::NAME_REF if !things::is_called(node) && !is_in_field(node) => {
                let levels = self.levels(node);
                found.uses.insert(ColumnUse { name: normalize_name_node(node), levels });
            }
            K::COLUMN_NAME_REF => {
                let levels = match self.only(node) {
                    Some(table) => vec![BTreeSet::from([table])],
                    None => self.levels(node),
                };
                found.uses.insert(ColumnUse { name: normalize_name_node(node), levels });
            }
            // `NEW.sku := 'x'`
            K::COMPOSITE_FIELD_REF => {
                let variable = |n: &SyntaxNode| n.kind() == K::PLPGSQL_VAR_NAME_REF;
                let target = node.ancestors().find(|n| n.kind() == K::PLPGSQL_ASSIGN_TARGET);
                let row = target.and_then(|target| target.children().find(variable));
                let is_row = row.is_some_and(|row| is_row(&normalize_name_node(&row)));
                let names = if is_row { &mut found.of_rows } else { &mut found.of_any };
                names.insert(normalize_name_node(node));
            }
            // `bins.code` in `COMMENT ON COLUMN`, `bins.code%TYPE`.
            K::QUALIFIED_COLUMN_NAME_REF | K::PERCENT_TYPE => {
                let path = node.descendants().find(|n| n.kind() == K::PATH_REF);
                let mut names = path.map(|path| parts(&path)).unwrap_or_default();
                if let Some(name) = names.pop()
                    && let Some(table) = Name::of_parts(names).and_then(|n| self.names.relation(&n))
                {
                    let levels = vec![BTreeSet::from([table])];
                    found.uses.insert(ColumnUse { name, levels });
                }
            }
            _ => {}
        }
        // Without a list, each column gets its value in their order.
        let lists = |kind| child(node, kind).is_some();
        let into = match node.kind() {
            K::INSERT if !lists(K::COLUMN_TARGET_LIST) && !lists(K::DEFAULT_VALUES) => {
                child(node, K::RELATION_NAME_REF).and_then(|n| Name::below(&n))
            }
            K::COPY_TABLE if !lists(K::COLUMN_REF_LIST) => Name::below(node),
            _ => None,
        };
        let levels = |into: Name| {
            let table = self.names.relation(&into).unwrap_or_else(|| into.to_string());
            vec![BTreeSet::from([table])]
        };
        found.uses.extend(into.map(|into| ColumnUse { name: String::new(), levels: levels(into) }));
    }

    /// `g.sku`, `goods.*`, `NEW.sku`.
    fn field(&self, node: &SyntaxNode, found: &mut Columns) {
        let mut parts = node.children();
        let Some(base) = parts.next() else { return };
        let name = match parts.next() {
            Some(name) => normalize_name_node(&name),
            None if has_star(node) => {
                // `NEW.* IS DISTINCT FROM OLD.*` holds of any columns.
                let is_listed = node.parent().is_some_and(|around| {
                    matches!(around.kind(), SyntaxKind::TARGET | SyntaxKind::ROW)
                });
                if !is_listed || !matters(node) {
                    return;
                }
                String::new()
            }
            None => return,
        };
        let meant = match base.kind() {
            SyntaxKind::NAME_REF => self.meant(&normalize_name_node(&base), node),
            SyntaxKind::FIELD_EXPR => {
                let path = base.children().map(|n| normalize_name_node(&n)).collect();
                let table = Name::of_parts(path).and_then(|name| self.names.relation(&name));
                if table.is_none() {
                    // A part of what has a type of its own: `NEW.place.street`.
                    self.field(&base, found);
                }
                table.map_or(Meant::Unknown, Meant::Table)
            }
            _ => Meant::Unknown,
        };
        match meant {
            Meant::Table(table) => {
                let levels = vec![BTreeSet::from([table])];
                found.uses.insert(ColumnUse { name, levels });
            }
            Meant::Derived => {}
            Meant::Row => drop(found.of_rows.insert(name)),
            Meant::Unknown => drop(found.of_any.insert(name)),
        }
    }

    /// What a qualifier means where it stands.
    fn meant(&self, qualifier: &str, node: &SyntaxNode) -> Meant {
        use SyntaxKind as K;
        for scope in scopes(node) {
            let own = || own(&scope);
            for alias in own().filter(|n| n.kind() == K::TABLE_ALIAS) {
                if normalize_name_node(&alias) == qualifier {
                    let item = alias.parent().and_then(|n| n.parent());
                    let name = item.iter().flat_map(SyntaxNode::children).find(is_relation);
                    if let Some(table) = name.and_then(|name| self.table(&name)) {
                        return Meant::Table(table);
                    }
                    // `(goods JOIN visits …) AS both`
                    let mut below =
                        own().filter(|n| item.iter().any(|i| n.ancestors().any(|a| a == *i)));
                    let is_join = below.any(|n| is_relation(&n) && self.table(&n).is_some());
                    return if is_join { Meant::Unknown } else { Meant::Derived };
                }
            }
            for relation in own().filter(is_relation) {
                let path = relation.descendants().find(|n| n.kind() == K::PATH_REF);
                let last = path.and_then(|path| parts(&path).pop());
                if last.as_deref() == Some(qualifier) {
                    return self.table(&relation).map_or(Meant::Derived, Meant::Table);
                }
            }
        }
        let insert = || node.ancestors().find(|around| around.kind() == K::INSERT);
        match qualifier {
            "excluded" => match insert().and_then(|insert| self.target(&insert)) {
                Some(table) => Meant::Table(table),
                None => Meant::Unknown,
            },
            _ if is_row(qualifier) => Meant::Row,
            _ => Meant::Unknown,
        }
    }

    /// The one table that a name can be of by its place.
    fn only(&self, node: &SyntaxNode) -> Option<String> {
        use SyntaxKind as K;
        let around = node.parent()?;
        match around.kind() {
            K::COLUMN_TARGET => {
                let changes = |n: &SyntaxNode| matches!(n.kind(), K::INSERT | K::UPDATE | K::MERGE);
                self.target(&around.ancestors().find(changes)?)
            }
            K::REFERENCES_CONSTRAINT => self.referenced(&around),
            K::FOREIGN_KEY_COLUMN_LIST => {
                let is_second =
                    around.prev_sibling().is_some_and(|before| before.kind() == K::TABLE_NAME_REF);
                if is_second { self.referenced(&around.parent()?) } else { None }
            }
            _ => None,
        }
    }

    fn referenced(&self, constraint: &SyntaxNode) -> Option<String> {
        let into = named(constraint, SyntaxKind::TABLE_NAME_REF).next()?;
        Some(self.names.relation(&into).unwrap_or_else(|| into.to_string()))
    }

    /// The table that a statement changes.
    fn target(&self, statement: &SyntaxNode) -> Option<String> {
        self.table(&statement.children().find(is_relation)?)
    }

    /// The table that a node names; none of a query in `WITH`.
    fn table(&self, relation: &SyntaxNode) -> Option<String> {
        let path = relation.descendants().find(|n| n.kind() == SyntaxKind::PATH_REF)?;
        let is_local = matches!(parts(&path).as_slice(), [name] if self.locals.contains(name));
        let name = Name::of_path(&path).filter(|_| !is_local)?;
        self.names.relation(&name)
    }

    /// The tables among which a name without a qualifier is looked for, the nearest first.
    fn levels(&self, node: &SyntaxNode) -> Vec<BTreeSet<String>> {
        let is_of_conflict = node.ancestors().any(|n| n.kind() == SyntaxKind::CONFLICT_ON_INDEX);
        let insert = node.ancestors().find(|n| n.kind() == SyntaxKind::INSERT);
        if let Some(insert) = insert.filter(|_| is_of_conflict) {
            return vec![self.target(&insert).into_iter().collect()];
        }
        // What a query names in `FROM` hides what is around it, but for the columns of a join, which are of
        // both.
        let name = normalize_name_node(node);
        let is_derived = |scope: &SyntaxNode| {
            let own = || own(scope);
            node.kind() == SyntaxKind::NAME_REF
                && !own().any(|n| is_natural(&n))
                && own().any(|n| derived::has(&n, &name))
        };
        let levels = scopes(node).take_while(|scope| !is_derived(scope));
        levels.map(|scope| self.tables(&scope)).collect()
    }

    /// The tables that a query or a statement names itself.
    fn tables(&self, scope: &SyntaxNode) -> BTreeSet<String> {
        let own = own(scope).filter(|n| is_relation(n) && !in_foreign_key(n));
        own.filter_map(|n| self.table(&n)).collect()
    }
}

/// Whether a name is of the row on which a trigger or a rule works.
fn is_row(name: &str) -> bool {
    ["new", "old"].contains(&name)
}

/// The queries and statements around a node whose tables it can name, the nearest first: not those that use
/// the query in which it stands as one of their tables, nor an `INSERT` from what it puts in.
fn scopes(node: &SyntaxNode) -> impl Iterator<Item = SyntaxNode> {
    use SyntaxKind as K;
    let mut is_hidden = false;
    let around = node.ancestors().zip(node.ancestors().skip(1));
    around.filter_map(move |(inner, outer)| {
        is_hidden |= match outer.kind() {
            K::INSERT => !matches!(inner.kind(), K::ON_CONFLICT_CLAUSE | K::RETURNING_CLAUSE),
            K::PAREN_FROM_ITEM => inner.kind() == K::PAREN_SELECT && !is_lateral(&outer),
            _ => inner.kind() == K::WITH_CLAUSE,
        };
        if !is_scope(&outer) {
            return None;
        }
        (!std::mem::take(&mut is_hidden)).then_some(outer)
    })
}

/// What stands in a query or a statement and in none within that.
fn own(scope: &SyntaxNode) -> impl Iterator<Item = SyntaxNode> {
    let scope_of = |node: &SyntaxNode| node.ancestors().skip(1).find(is_scope);
    scope.descendants().filter(move |n| scope_of(n).as_ref() == Some(scope))
}

fn is_lateral(item: &SyntaxNode) -> bool {
    has_token(item, SyntaxKind::LATERAL_KW)
}

fn is_natural(join: &SyntaxNode) -> bool {
    join.kind() == SyntaxKind::JOIN && has_token(join, SyntaxKind::NATURAL_KW)
}

fn is_scope(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    let is_query = matches!(
        node.kind(),
        K::SELECT | K::INSERT | K::UPDATE | K::DELETE | K::MERGE | K::TABLE | K::PLPGSQL_EXPR
    );
    let is_statement = || {
        node.parent().is_some_and(|around| {
            matches!(around.kind(), K::SOURCE_FILE | K::PLPGSQL_EXEC_SQL_STMT)
        })
    };
    is_query || is_statement()
}

fn is_relation(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    let is_name = matches!(
        node.kind(),
        K::RELATION_NAME_REF
            | K::TABLE_NAME_REF
            | K::RELATION_NAME
            | K::TABLE_RELATION_NAME
            | K::VIEW_REF
            | K::INDEX_REF
            | K::SEQUENCE_REF
    );
    is_name && node.descendants().any(|n| n.kind() == K::PATH_REF)
}

/// Whether a name is the qualifier, or the qualified, in `a.b`.
fn is_in_field(node: &SyntaxNode) -> bool {
    node.parent().is_some_and(|around| around.kind() == SyntaxKind::FIELD_EXPR)
}

fn has_star(node: &SyntaxNode) -> bool {
    has_token(node, SyntaxKind::STAR)
}

fn has_token(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    let mut tokens = node.children_with_tokens().filter_map(|part| part.into_token());
    tokens.any(|token| token.kind() == kind)
}

/// Whether somebody takes every column: `EXISTS` does not, nor does who gets what `RETURNING` says at last.
fn matters(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    let around = |kind| node.ancestors().any(|n| n.kind() == kind);
    !around(K::EXISTS_FN) && (!around(K::RETURNING_CLAUSE) || around(K::WITH_TABLE))
}
