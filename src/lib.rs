//! calve takes a module crate out of a modular monolith and leaves a working service behind.
//!
//! The modules in reading order; imports run downwards only, which `tests/house.rs` holds.

pub mod diagnostic;

pub mod changes;
pub mod workspace;

pub mod analysis;

pub mod plan;

pub mod codegen;
pub mod rewire;
pub mod verify;

pub mod pipeline;

pub mod commands;

pub mod cli;

#[cfg(test)]
mod testing;
