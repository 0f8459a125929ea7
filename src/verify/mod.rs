//! The change set proved before the user's tree is touched: a scratch copy, cargo's lock, the compiler.

mod cargo;
mod format;
mod freshness;
mod interrupt;
mod judge;
mod lock;
mod messages;
mod postgres;
mod scratch;
mod skeleton;
mod tests;

pub use format::format_created;
pub use judge::{Outcome, Report, Step, StepReport, Subject, judge};
pub use lock::{Resolution, resolve_lock};
pub use postgres::{Database, Script, Server};
pub use scratch::{Scratch, copy_tree};
pub use skeleton::Skeleton;
pub use tests::{Compared, TestOutcome, TestReport, Tests, Verdict, compare_tests};
