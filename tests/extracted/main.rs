//! Slow: takes `inventory` out of `fixtures/shop` and proves by running that the result does what the
//! monolith did. Real processes, real sockets, real databases.
//!
//! ```text
//! cargo test --test extracted
//! ```
//!
//! Everything lives below `CARGO_TARGET_TMPDIR`: a folder a workspace (written only where it differs),
//! and one cargo target folder for all of them, so that a second run is incremental.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and writes its own files"
)]

mod archive;
mod behaviour;
mod builds;
mod check;
mod container;
mod deployed;
mod forms;
mod image;
mod market;
mod measures;
mod monolith_tests;
mod own_tests;
mod patch;
mod ports;
mod postgres;
mod roots;
mod shared_postgres;
mod support;
mod undo;
mod verify_tests;
mod wrong_database;
