//! `cargo calve …` is `calve …`.

use std::process::ExitCode;

fn main() -> ExitCode {
    calve::cli::run(std::env::args_os())
}
