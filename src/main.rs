//! Parses arguments, calls the library, prints, exits.

fn main() {}
