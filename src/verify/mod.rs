//! The change set proved before the user's tree is touched: a scratch copy, cargo's lock, the compiler.

mod cargo;
mod format;
mod freshness;
mod judge;
mod lock;
mod messages;
mod scratch;

pub use format::format_created;
pub use judge::{Outcome, Report, Step, StepReport, Subject, judge};
pub use lock::resolve_lock;
pub use scratch::{Scratch, copy_tree};
