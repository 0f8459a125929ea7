//! `cargo calve …` is `calve …`.

fn main() {}
