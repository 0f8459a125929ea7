//! EDIT OLD FILES: what the monolith already has, changed by spans.

pub mod dependencies;
pub mod manifest;
pub mod sources;
