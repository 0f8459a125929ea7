//! DECIDE: names, routes, what crosses in which form; a plan without a line of text yet.

mod names;
pub mod passing;

pub use names::Names;
