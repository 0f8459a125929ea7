//! What a dry run costs on a workspace of 1,000 crates and 1.5 million lines, beside what cargo and a
//! plain search need to look at the same:
//!
//! ```sh
//! cargo bench --bench dry_run            # makes target/big-workspace, 150 MB with its git repository
//! cargo bench --bench dry_run -- DIR     # makes or takes DIR
//! ```
//!
//! The programs run one after the other, several rounds of it, so that a busy machine is busy for all of
//! them. What is printed are medians, and their ratios to `cargo metadata --offline`.

#![allow(clippy::disallowed_methods, reason = "it writes a workspace of its own")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

mod workspace;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 11;

fn main() {
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let dir = named.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/big-workspace"),
        PathBuf::from,
    );
    if !dir.join("Cargo.toml").is_file() {
        eprintln!("writing {}", dir.display());
        workspace::write(&dir).expect("the workspace can be written");
        // The new members go into the lock file; what the shop needs is downloaded.
        run(cargo(&dir).arg("fetch"));
        run(git(&dir).args(["init", "--quiet"]));
        run(git(&dir).args(["add", "--all"]));
        run(git(&dir).args(["commit", "--quiet", "--message", "A large workspace"]));
    }
    let dir = dir.canonicalize().expect("the workspace is there");

    let mut contestants = vec![
        Contestant::new("cargo metadata --offline", || {
            let mut command = cargo(&dir);
            command.args(["metadata", "--offline", "--format-version", "1"]);
            command
        }),
        Contestant::new("calve extract inventory --dry-run", || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_calve"));
            command.args(["extract", "inventory", "--dry-run"]).current_dir(&dir);
            command
        }),
    ];
    if Command::new("rg").arg("--version").output().is_ok() {
        contestants.push(Contestant::new("rg -c inventory", || {
            let mut command = Command::new("rg");
            command.args(["-c", "inventory", "."]).current_dir(&dir);
            command
        }));
    }
    for round in 0..=ROUNDS {
        for contestant in &mut contestants {
            let start = Instant::now();
            run(&mut (contestant.command)());
            // The first round fills the caches.
            if round > 0 {
                contestant.times.push(start.elapsed());
            }
        }
    }
    let reference = contestants[0].median();
    println!("{:<36} {:>9} {:>7}", "", "median", "ratio");
    for contestant in &mut contestants {
        let median = contestant.median();
        let ratio = median.as_secs_f64() / reference.as_secs_f64();
        println!("{:<36} {:>6} ms {ratio:>7.2}", contestant.name, median.as_millis());
    }
}

/// A program that is timed.
struct Contestant<'a> {
    name: &'static str,
    command: Box<dyn Fn() -> Command + 'a>,
    times: Vec<Duration>,
}

impl<'a> Contestant<'a> {
    fn new(name: &'static str, command: impl Fn() -> Command + 'a) -> Self {
        Self { name, command: Box::new(command), times: Vec::new() }
    }

    fn median(&mut self) -> Duration {
        self.times.sort();
        self.times[self.times.len() / 2]
    }
}

/// The cargo that runs this; calve takes the same.
fn cargo(dir: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir);
    command
}

fn git(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=bench", "-c", "user.email=bench@example.com"]).current_dir(dir);
    command
}

/// Runs a command to its end, without its output.
fn run(command: &mut Command) {
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
