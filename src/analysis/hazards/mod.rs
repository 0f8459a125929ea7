//! What a person must look at before a call becomes a round trip: calls inside transactions and
//! loops, synchronous cycles, SQL that crosses the boundary, downcasts of a driver's errors.

mod bodies;
pub mod breaks_later;
mod calls;
mod cycles;
mod downcasts;
pub mod entities;
mod expressions;
mod extent;
mod foreign_sql;
mod loops;
mod lying;
mod merge;
mod origins;
pub mod own_methods;
mod scope;
mod surroundings;
mod texts;
mod transactions;
pub mod two_sides;
mod ty;
mod verdict;
mod walk;

use std::collections::BTreeMap;
use std::ops::Range;

use camino::Utf8PathBuf;

use super::code::{Code, ItemId};
use super::wire::Loses;
use crate::workspace::Member;
use walk::{Event, walk};

pub use cycles::implementors;
pub use foreign_sql::{SqlCall, Tables, calls_in_sql, sql_of};
pub use verdict::{Facts, Leaning, leaning, verdict};

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The module.
    pub module: &'a Member,
    /// The API trait whose calls are looked for.
    pub api: ItemId,
    /// All of its API traits.
    pub apis: &'a [ItemId],
    /// The type that stands behind the API trait.
    pub implementation: ItemId,
    /// The enum with which its operations fail, if it is one.
    pub error: Option<ItemId>,
    /// What is lost of their errors on the way.
    pub loses: Loses,
    /// The module's tables: those of `PostgreSQL` with their schema (`stock.items`), others without
    /// (`items`).
    pub tables: &'a [&'a str],
    /// The tables of everybody else.
    pub foreign_tables: &'a [&'a str],
}

/// Everything that was found, each list in order of file and place.
#[derive(Debug, Clone, Default)]
pub struct Hazards {
    /// Calls made while the caller has a database transaction open.
    pub in_transaction: Vec<CallSite>,
    /// Calls that are made once for each element or turn.
    pub in_loop: Vec<CallSite>,
    /// Ways from the module's implementation back to its own API.
    pub cycles: Vec<Cycle>,
    /// SQL of one side that names tables of the other.
    pub foreign_sql: Vec<SqlMention>,
    /// Names of the module's tables in code of others that may put SQL together of them.
    pub named_tables: Vec<NamedTable>,
    /// What the module takes from its process.
    pub surroundings: Vec<Surrounding>,
    /// Consumers that look into a driver's error.
    pub downcasts: Vec<Downcast>,
    /// Names that speak of the implementation, of what holds the stub afterwards.
    pub lying: Vec<LyingName>,
    /// Every direct call from another member, tests left out, by operation. An operation that
    /// nobody calls has an empty list.
    pub calls: BTreeMap<String, Vec<CallSite>>,
}

/// A call of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSite {
    /// The package that calls.
    pub member: String,
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// What to underline: the whole call where it fits on a line, else the method's name.
    pub range: Range<usize>,
    /// Line of the method's name, from 1.
    pub line: usize,
    /// What is called.
    pub operation: String,
    /// The function that calls, such as `Orders::place`.
    pub function: String,
    /// The head of the loop, or the call that opens the transaction.
    pub outer: Option<Range<usize>>,
    /// One sentence without a full stop; empty for a plain call.
    pub note: String,
    /// Whether the receiver's type is known. If not, the method's name, its arguments and the
    /// `.await` speak for it.
    pub certain: bool,
    /// The helper that makes the call; then `range` is where the helper is called.
    pub through: Option<String>,
}

/// A synchronous way from the module back to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// Packages in the order of the calls; the first and the last are the module.
    pub through: Vec<String>,
    /// The steps: who names which trait, who implements it, who comes back.
    pub evidence: Vec<Step>,
}

/// One step of a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// What to underline.
    pub range: Range<usize>,
    /// Its line, from 1.
    pub line: usize,
    /// A few words.
    pub note: String,
}

/// A text with SQL over a table of the other side: a string literal, or a file that a macro puts there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlMention {
    /// The package that holds the SQL.
    pub member: String,
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// The literal, or the macro call.
    pub range: Range<usize>,
    /// The line of the table's name, or of the macro call, from 1.
    pub line: usize,
    /// The file with the SQL, relative to the workspace root, where a macro names it.
    pub included: Option<Utf8PathBuf>,
    /// The table, as it was given.
    pub table: String,
    /// Whether the statement changes the table.
    pub writes: bool,
    /// Whether it is the module that names somebody else's table.
    pub by_module: bool,
    /// Whether it exists only in tests, examples or benches.
    pub dev: bool,
}

/// A text that is the name of a table of the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTable {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// Its line, from 1.
    pub line: usize,
    /// The table.
    pub table: String,
}

/// A place where the module, or a crate that it is built with, counts on the process around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surrounding {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// Its line, from 1.
    pub line: usize,
    /// What it does, and what becomes of it; a clause without a full stop.
    pub what: String,
}

/// A field, a function or a variable whose name is not true any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LyingName {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// The name where it is declared.
    pub range: Range<usize>,
    /// Its line, from 1.
    pub line: usize,
    /// The name.
    pub name: String,
}

/// A place that looks for a type in an error which it does not have any more when it comes from the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downcast {
    /// The package.
    pub member: String,
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// What to underline.
    pub range: Range<usize>,
    /// Its line, from 1.
    pub line: usize,
    /// The function that does it.
    pub function: String,
    /// The type that it looks for, as it is written.
    pub ty: String,
    /// Whether an error of the module can get there: that function names an item of the module, or a call
    /// leads there. If not, the error is likely one of the consumer's own queries.
    pub of_module: bool,
    /// The call from which the error can come.
    pub origin: Option<Origin>,
}

/// A call of an operation whose error goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// What to underline.
    pub range: Range<usize>,
    /// What is called.
    pub operation: String,
}

impl Hazards {
    /// Looks for a type in errors to which code shows no way of the module's, by crates that call an
    /// operation. Those of the module would no longer be found.
    pub fn doubtful_downcasts(&self) -> impl Iterator<Item = &Downcast> {
        let calls_some = |member: &str| self.calls.values().flatten().any(|c| c.member == member);
        self.downcasts
            .iter()
            .filter(move |downcast| !downcast.of_module && calls_some(&downcast.member))
    }
}

/// Looks at every member of the workspace that the extraction concerns, for calls of one API trait.
pub fn find(code: &Code<'_>, subject: &Subject<'_>) -> Hazards {
    let types = ty::Types::new(code, subject);
    let bodies = bodies::of_consumers(&types, subject);
    let walked: Vec<Vec<Event>> = bodies.iter().map(|body| walk(&types, body)).collect();
    let calls::Found { calls, in_transaction, in_loop, reach } =
        calls::find(&types, &bodies, &walked);
    let downcasts = downcasts::find(&types, subject, &bodies, &reach);
    let (foreign_sql, named_tables) = foreign_sql::find(code.workspace, subject);
    Hazards {
        in_transaction,
        in_loop,
        cycles: cycles::find(code, subject),
        foreign_sql,
        named_tables,
        surroundings: surroundings::find(code.workspace, subject),
        downcasts,
        lying: lying::find(&types, subject, &bodies, &walked),
        calls,
    }
}

#[cfg(test)]
mod tests;
