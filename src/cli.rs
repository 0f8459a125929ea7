//! The command line: arguments and exit codes.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

use crate::commands::{self, Format, Output};

/// Syntax trees are many small pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Take a module crate out of a modular monolith and leave a working service behind.
#[derive(Debug, Parser)]
#[command(name = "calve", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// For whom standard error is: `json` gives an object a line.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Turn a module into a service, a client stub and a migration set, and rewire the monolith.
    Extract(commands::extract::Arguments),
    /// Say whether the generated files are what the present trait, record and templates give.
    ///
    /// Exits with 0 when they are; else prints the patch that mends them, and exits with 1.
    Check(commands::check::Arguments),
    /// Say what the code of a diagnostic means, why it is refused, and what to do.
    Explain(commands::explain::Arguments),
    /// Take the last extraction back, while its files are as it left them.
    Undo(commands::undo::Arguments),
}

/// Runs calve as the arguments say. `calve` and `cargo calve` are the same program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Syntax trees are walked by recursion, and generated code nests deeper than a main thread's
    // stack allows. Only the pages that are used cost anything.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        match thread.spawn_scoped(scope, || run_here(arguments.clone())) {
            // A defect has printed itself by then; 101 is what the main thread would end with.
            Ok(thread) => thread.join().unwrap_or(ExitCode::from(101)),
            Err(_) => run_here(arguments.clone()),
        }
    })
}

const STACK: usize = 1 << 30;

fn run_here(mut arguments: Vec<OsString>) -> ExitCode {
    // cargo runs `cargo-calve calve …`.
    let by_cargo = arguments.first().is_some_and(|program| {
        std::path::Path::new(program).file_stem().is_some_and(|stem| stem == "cargo-calve")
    });
    if by_cargo && arguments.get(1).is_some_and(|first| first == "calve") {
        arguments.remove(1);
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to be done when the terminal is gone.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let colored = |is_terminal: bool| match cli.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none(),
    };
    let (stdout, mut stderr) = (std::io::stdout(), std::io::stderr());
    let color_out = colored(stdout.is_terminal());
    let color_err = colored(stderr.is_terminal());
    let live = stderr.is_terminal();
    let mut out = std::io::BufWriter::new(stdout.lock());
    // Not locked: what another thread dies of is said there, and it would wait for ever.
    let err = &mut stderr;
    let mut output = Output { out: &mut out, err, color_out, color_err, live, format: cli.format };
    let status = match &cli.command {
        Command::Extract(arguments) => commands::extract::run(arguments, &mut output),
        Command::Check(arguments) => commands::check::run(arguments, &mut output),
        Command::Explain(arguments) => commands::explain::run(arguments, &mut output),
        Command::Undo(arguments) => commands::undo::run(arguments, &mut output),
    };
    let status = status.and_then(|status| out.flush().map(|()| status));
    match status {
        Ok(status) => ExitCode::from(status.code()),
        // Somebody closed the pipe: `calve … | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(3),
    }
}
