//! Who owns which table on PostgreSQL: migrations in, schema out, read in their syntax trees.
//!
//! What its neighbour does with SQLite itself is done here without a server: names are followed
//! through the statements ([`Schema::of`]), [`crossings`] says what reaches over the boundary, and
//! three texts come out: the migration that drops foreign keys into the module
//! ([`drop_foreign_keys`]), the one that stands in for its tables on a new database of the monolith
//! ([`stand_in`]), and the later clean-up ([`drop_owned`]).

mod blocks;
mod book;
mod cleanup;
mod columns;
mod compare;
mod crossings;
#[cfg(test)]
mod cut_tests;
#[cfg(test)]
mod cut_uses_tests;
mod derived;
mod effects;
mod extensions;
mod foreign_keys;
mod history;
#[cfg(test)]
mod history_tests;
mod mentions;
mod model;
mod names;
mod parts;
mod pieces;
mod reached;
mod read;
mod roles;
mod sorts;
#[cfg(test)]
mod tests;
mod things;
mod variables;

pub use cleanup::drop_owned;
pub use compare::{CATALOG, Catalog, Compared, Databases, Said, compare};
pub use crossings::{Crossings, crossings};
pub use foreign_keys::{drop_foreign_keys, restore_foreign_keys, stand_in, stand_in_path};
pub use history::OnPostgres;
pub use model::{ForeignKey, Kind, Mention, Object, Schema, Sort, Space, Statement, Table};
pub use names::{Name, identifier};
pub use roles::roles_made;
