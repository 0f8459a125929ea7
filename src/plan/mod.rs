//! DECIDE: names, routes, what crosses in which form; a plan without a line of text yet.

mod dependency;
pub mod features;
mod names;
pub mod passing;
mod paths;

pub use dependency::{Dependency, Source};
pub use names::Names;
pub use paths::relative;
