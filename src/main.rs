//! Parses arguments, calls, prints, exits: all of it in `calve::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    calve::cli::run(std::env::args_os())
}
