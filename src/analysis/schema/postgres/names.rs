//! Names as PostgreSQL reads them, and those that it gives to constraints by itself.

use std::fmt;

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

/// A name with its schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// `public` where none is written: the search path is not set by what calve carries.
    pub schema: String,
    /// As PostgreSQL keeps it: folded to lower case unless it was quoted.
    pub name: String,
}

impl Name {
    /// A name of the schema `public`.
    pub(super) fn public(name: impl Into<String>) -> Self {
        Self { schema: PUBLIC.to_owned(), name: name.into() }
    }

    /// Another name of the same schema.
    pub(super) fn beside(&self, name: impl Into<String>) -> Self {
        Self { schema: self.schema.clone(), name: name.into() }
    }

    /// The name of a `PATH` or `PATH_REF` somewhere below `node`; the first one.
    pub(super) fn below(node: &SyntaxNode) -> Option<Self> {
        let path = node
            .descendants()
            .find(|n| matches!(n.kind(), SyntaxKind::PATH | SyntaxKind::PATH_REF))?;
        Self::of_path(&path)
    }

    /// The name that a path spells: its last two parts.
    pub(super) fn of_path(path: &SyntaxNode) -> Option<Self> {
        Self::of_parts(parts(path))
    }

    /// The name that parts spell, qualifiers first.
    pub(super) fn of_parts(mut parts: Vec<String>) -> Option<Self> {
        let name = parts.pop()?;
        Some(Self { schema: parts.pop().unwrap_or_else(|| PUBLIC.to_owned()), name })
    }

    /// The name in a text that `regclass` or `nextval` would read.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let mut parts: Vec<String> = Vec::new();
        for part in text.split('.') {
            let bare = part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let name = bare.map_or_else(|| part.to_lowercase(), |name| name.replace("\"\"", "\""));
            if name.is_empty() {
                return None;
            }
            parts.push(name);
        }
        let name = parts.pop()?;
        Some(Self { schema: parts.pop().unwrap_or_else(|| PUBLIC.to_owned()), name })
    }

    /// As SQL, quoted only where it must be; the schema `public` left out.
    pub fn sql(&self) -> String {
        if self.schema == PUBLIC { identifier(&self.name) } else { self.full_sql() }
    }

    /// As SQL, with the schema in any case.
    pub fn full_sql(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.name))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema != PUBLIC {
            write!(f, "{}.", self.schema)?;
        }
        f.write_str(&self.name)
    }
}

/// The parts of a path, qualifiers first.
pub(super) fn parts(path: &SyntaxNode) -> Vec<String> {
    path.descendants()
        .filter(|n| matches!(n.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF))
        .map(|segment| normalize_name_node(&segment))
        .collect()
}

/// An identifier as SQL.
pub fn identifier(name: &str) -> String {
    squawk_syntax::quote::quote_ident(name)
}

/// The name that PostgreSQL gives a foreign key that has none, unless `taken` says that the schema has
/// one of that name: `orders_item_id_fkey`, `orders_item_id_fkey1`.
pub(super) fn foreign_key_name(
    table: &str,
    columns: &[String],
    taken: impl Fn(&str) -> bool,
) -> String {
    let mut pass = 0;
    loop {
        let label = if pass == 0 { "fkey".to_owned() } else { format!("fkey{pass}") };
        let name = generated_name(table, columns, &label);
        if !taken(&name) {
            return name;
        }
        pass += 1;
    }
}

/// `makeObjectName` of PostgreSQL: the longer of the two names gives way until all of it fits.
pub(super) fn generated_name(table: &str, columns: &[String], label: &str) -> String {
    const LONGEST: usize = 63;
    if columns.is_empty() {
        return format!("{}_{label}", clipped(table, table.len().min(LONGEST - label.len() - 1)));
    }
    let columns = columns.join("_");
    let room = LONGEST - label.len() - 2;
    let (mut first, mut second) = (table.len(), columns.len());
    while first + second > room {
        if first > second {
            first -= 1;
        } else {
            second -= 1;
        }
    }
    format!("{}_{}_{label}", clipped(table, first), clipped(&columns, second))
}

/// The text up to a length in bytes, no character cut in two.
fn clipped(text: &str, mut length: usize) -> &str {
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    &text[..length]
}

pub(super) const PUBLIC: &str = "public";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_keys_are_named_as_postgresql_names_them() {
        let name = |table: &str, columns: &[&str], taken: &[&str]| {
            let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
            foreign_key_name(table, &columns, |name| taken.contains(&name))
        };
        assert_eq!(name("moves", &["bin"], &[]), "moves_bin_fkey");
        assert_eq!(name("moves", &["hall", "bin"], &[]), "moves_hall_bin_fkey");
        assert_eq!(name("moves", &["bin"], &["moves_bin_fkey"]), "moves_bin_fkey1");
        let long = "a_table_with_a_name_that_is_much_too_long_for_its_constraints";
        assert_eq!(
            name(long, &["some_column_of_it_that_is_long"], &[]),
            "a_table_with_a_name_that_is_m_some_column_of_it_that_is_lo_fkey"
        );
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        assert_eq!(Name::public("moves").sql(), "moves");
        assert_eq!(Name::public("Order Lines").sql(), "\"Order Lines\"");
        assert_eq!(Name::public("order").sql(), "\"order\"");
        assert_eq!(Name::of_text("stock.\"Bins\"").unwrap().sql(), "stock.\"Bins\"");
        assert_eq!(Name::of_text("BINS"), Some(Name::public("bins")));
    }
}
