//! Who owns which table: migrations in, schema out, with SQLite itself as the parser.
//!
//! The migrations of every module run in one database in memory ([`Schema::of`]); its catalogue then
//! says what there is, and [`crossings`] what of it reaches over the boundary. Three texts come out:
//! the migration that drops foreign keys into the module ([`drop_foreign_keys`]), the later clean-up
//! ([`drop_owned_tables`]) and what to copy before cutover ([`copy_plan`]).

mod bodies;
mod catalog;
mod cleanup;
mod compare;
mod copy;
mod crossings;
mod definition;
mod ear;
mod folder;
mod model;
mod of_workspace;
pub mod postgres;
mod rebuild;
mod run;
mod shared;

pub use cleanup::drop_owned_tables;
pub use compare::{Counted, Split, compare};
pub use copy::{CopyPlan, CopyTable, copy_plan};
pub use crossings::{SchemaCrossing, crossings};
pub use folder::{MigrationFile, MigrationFolder, MigrationKind, Runner, version_of};
pub use model::{Column, ForeignKey, Index, Place, RowId, Schema, Table, TableKind, Trigger, View};
pub use of_workspace::migration_folders;
pub use rebuild::{drop_foreign_keys, restore_foreign_keys};
pub use shared::{
    Because, Cut, Divided, Division, Evidence, History, Lost, OnSqlite, OwnedTable, Reach,
};
