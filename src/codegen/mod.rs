//! WRITE NEW FILES: quote and prettyplease where the shape follows the trait, askama where it is fixed.

mod convert;
mod rust_file;
mod scribe;
mod wire;
