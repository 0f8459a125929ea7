//! EDIT OLD FILES: the text edits that make the monolith call the service. Edits by span only; what
//! does not change stays byte for byte, and what rustfmt was content with it stays content with.

pub mod dependencies;
mod layout;
mod lines;
pub mod manifest;
pub mod migrations;
pub mod roots;
pub mod sources;
mod uses;
