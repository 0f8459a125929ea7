//! EDIT OLD FILES: what the monolith already has, changed by spans.

pub mod manifest;
