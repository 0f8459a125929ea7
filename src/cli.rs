//! The command line: arguments and exit codes.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use camino::Utf8PathBuf;
use clap::{ColorChoice, Parser, Subcommand};

use crate::commands::{self, Output};

/// Take a module crate out of a modular monolith and leave a working service behind.
#[derive(Debug, Parser)]
#[command(name = "calve", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Turn a module into a service, a client stub and a migration set, and rewire the monolith.
    Extract(Extract),
    /// Say whether the generated files are what the present trait, record and templates give.
    ///
    /// Exits with 0 when they are; else prints the patch that mends them, and exits with 1.
    Check(Check),
}

/// What `extract` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Extract {
    /// The module: the name of a library package of the workspace.
    pub(crate) module: String,
    /// A manifest of the workspace; found from the current folder if not given.
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<Utf8PathBuf>,
    /// The API trait; found by how other crates use it if not given.
    #[arg(long = "trait", value_name = "NAME")]
    pub(crate) api_trait: Option<String>,
    /// Another stem for the new packages: NAME-service, NAME-client, NAME-wire.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print the patch that an extraction would apply, and touch nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave the monolith alone and write a changed copy of it into this new folder.
    #[arg(long, value_name = "DIR", conflicts_with = "dry_run")]
    pub(crate) into: Option<Utf8PathBuf>,
    /// Go on although the git tree has changes that are not committed.
    #[arg(long)]
    pub(crate) allow_dirty: bool,
    /// Write without building the result in a scratch copy first.
    #[arg(long)]
    pub(crate) no_verify: bool,
}

/// What `check` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The modules; all that were extracted if none is named.
    pub(crate) modules: Vec<String>,
    /// A manifest of the workspace; found from the current folder if not given.
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<Utf8PathBuf>,
}

/// Runs calve as the arguments say. `calve` and `cargo calve` are the same program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
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
    let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
    let color_out = colored(stdout.is_terminal());
    let color_err = colored(stderr.is_terminal());
    let live = stderr.is_terminal();
    let mut out = std::io::BufWriter::new(stdout.lock());
    let mut output = Output { out: &mut out, err: &mut stderr.lock(), color_out, color_err, live };
    let status = match &cli.command {
        Command::Extract(extract) => commands::extract::run(extract, &mut output),
        Command::Check(check) => commands::check::run(check, &mut output),
    };
    let status = status.and_then(|status| out.flush().map(|()| status));
    match status {
        Ok(status) => ExitCode::from(status.code()),
        // Somebody closed the pipe: `calve … | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(3),
    }
}
