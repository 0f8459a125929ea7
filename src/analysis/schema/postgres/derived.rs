//! Names of columns that a query makes itself: of its results, and of what stands in `FROM` besides tables.

use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::column_name::ColumnName;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::names::parts;
use super::read::child;

/// Whether a name in `ORDER BY` or `DISTINCT ON` is that of a result: alone there, it is that first of all.
pub(super) fn is_of_result(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    let Some(around) = node.parent() else { return false };
    // Windows and aggregates have an order of their own, for which results have no names.
    let clause = match around.kind() {
        K::SORT_BY => around.ancestors().find(|n| n.kind() == K::ORDER_BY_CLAUSE),
        K::DISTINCT_ON => around.ancestors().find(|n| n.kind() == K::SELECT_CLAUSE),
        _ => None,
    };
    let query = clause.and_then(|clause| clause.parent()).filter(is_query);
    query.is_some_and(|query| results(&query).contains(&Some(normalize_name_node(node))))
}

/// Whether something in `FROM` that is no table has a column of that name, or a list that gives one.
pub(super) fn has(item: &SyntaxNode, name: &str) -> bool {
    columns(item).iter().flatten().any(|column| column == name)
}

/// The columns of something in `FROM` that is no table, as far as they can be told; those without a name count.
fn columns(item: &SyntaxNode) -> Vec<Option<String>> {
    use SyntaxKind as K;
    let alias = child(item, K::FROM_ALIAS);
    let of_query = |query: Option<SyntaxNode>| query.map(|q| results(&q)).unwrap_or_default();
    let columns = match item.kind() {
        K::PAREN_FROM_ITEM => of_query(child(item, K::PAREN_SELECT)),
        // A function's only column has the name that the function gets.
        K::FUNCTION_FROM_ITEM | K::EXPR_FROM_ITEM => {
            let name = alias.as_ref().and_then(|alias| child(alias, K::TABLE_ALIAS));
            name.map(|name| Some(normalize_name_node(&name))).into_iter().collect()
        }
        K::JSON_TABLE_FROM_ITEM | K::XML_TABLE_FROM_ITEM | K::ROWS_FROM_ITEM => named_in(item),
        K::RELATION_FROM_ITEM => {
            let Some(query) = with(item) else { return listed(alias, Vec::new()) };
            listed(child(&query, K::COLUMN_LIST), of_query(query.children().find(is_query)))
        }
        _ => Vec::new(),
    };
    listed(alias, columns)
}

/// Columns by the names that a list gives the first of them.
fn listed(list: Option<SyntaxNode>, columns: Vec<Option<String>>) -> Vec<Option<String>> {
    let mut names = list.as_ref().map(named_in).unwrap_or_default();
    names.extend(columns.into_iter().skip(names.len()));
    names
}

fn named_in(node: &SyntaxNode) -> Vec<Option<String>> {
    let names = node.descendants().filter(|n| n.kind() == SyntaxKind::COLUMN_NAME);
    names.map(|n| Some(normalize_name_node(&n))).collect()
}

/// The query of a `WITH` that a relation in `FROM` means.
fn with(item: &SyntaxNode) -> Option<SyntaxNode> {
    use SyntaxKind as K;
    let path = child(item, K::RELATION_NAME_REF)?;
    let path = path.descendants().find(|n| n.kind() == K::PATH_REF)?;
    let [name] = <[String; 1]>::try_from(parts(&path)).ok()?;
    let clauses = item.ancestors().filter_map(|around| child(&around, K::WITH_CLAUSE));
    let mut queries = clauses.flat_map(|clause| clause.descendants().collect::<Vec<_>>());
    queries.find(|query| {
        query.kind() == K::WITH_TABLE
            && child(query, K::CTE_NAME).is_some_and(|n| normalize_name_node(&n) == name)
    })
}

fn is_query(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    matches!(
        node.kind(),
        K::SELECT
            | K::VALUES
            | K::INSERT
            | K::UPDATE
            | K::DELETE
            | K::MERGE
            | K::COMPOUND_SELECT
            | K::PAREN_SELECT
    )
}

/// The names of a query's results, as far as they can be told from it alone.
fn results(query: &SyntaxNode) -> Vec<Option<String>> {
    use SyntaxKind as K;
    match query.kind() {
        K::COMPOUND_SELECT | K::PAREN_SELECT => {
            query.children().find(is_query).map(|first| results(&first)).unwrap_or_default()
        }
        K::VALUES => {
            let row = query.descendants().find(|n| n.kind() == K::ROW);
            let count = row.map_or(0, |row| row.children().count());
            (1..=count).map(|number| Some(format!("column{number}"))).collect()
        }
        _ => {
            let clause = match query.kind() {
                K::SELECT => child(query, K::SELECT_CLAUSE),
                _ => child(query, K::RETURNING_CLAUSE),
            };
            let list = clause.and_then(|clause| child(&clause, K::TARGET_LIST));
            let targets = list.iter().flat_map(SyntaxNode::children).filter_map(ast::Target::cast);
            let name = |target| match ColumnName::from_target(target)?.0 {
                ColumnName::Column(name) | ColumnName::UnknownColumn(Some(name)) => {
                    Some(name.to_string())
                }
                ColumnName::UnknownColumn(None) | ColumnName::Star => None,
            };
            targets.map(name).collect()
        }
    }
}
