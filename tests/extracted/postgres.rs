//! A monolith on PostgreSQL: its module is taken out, and a database that it was deployed with is cut
//! over by following CUTOVER.md to the letter.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::cargo::{binary, cargo, clean, exclusively};
use crate::support::http::{self, TOKEN};
use crate::support::postgres::Cluster;
use crate::support::process::{Ended, LIMIT, Server, is_missing, run};
use crate::support::{shop, tree};

/// Where what is made, called and counted is kept.
const KEPT: &str = "SELECT (SELECT count(*) FROM moves), (SELECT count(*) FROM notes)";

#[test]
fn what_is_generated_works_and_is_known_again() {
    if is_missing("psql") || is_missing("pg_dump") {
        return;
    }
    let depot = extracted();
    let check = shop::calve(depot, &["check"]).ok();
    assert_eq!(check.stdout, "");
    let packages = ["-p", "bins-service", "-p", "bins-client", "-p", "bins-wire"];
    let clippy = ["clippy", "--offline", "--locked", "--all-targets"];
    let clippy: Vec<&str> =
        clippy.into_iter().chain(packages).chain(["--", "-Dwarnings"]).collect();
    cargo(depot, &clippy).ok();

    let cluster = Cluster::start();
    let server = cluster.url("postgres");
    let mut own = Command::new("cargo");
    own.args(["test", "--offline", "--locked", "-p", "app"]);
    with_cargo(&original(), own, &[("DATABASE_URL", &*server)]).ok();

    let mut test = Command::new("cargo");
    test.args(["test", "--offline", "--locked"]).args(packages).args(["--", "--include-ignored"]);
    let environment = [("BINS_TEST_SERVER_URL", server.as_str())];
    let tested = with_cargo(depot, test, &environment).ok();
    assert!(tested.stdout.contains("test the_database_of_the_monolith_is_refused ... ok"));

    // The monolith's own tests, which find their databases by a variable of their own.
    let mut runner = Command::new("cargo");
    runner.args(["run", "--offline", "--locked", "--quiet", "-p", "bins-service"]);
    runner.args(["--example", "monolith_tests", "--", "-p", "app", "--offline", "--locked"]);
    let environment = [("BINS_TEST_SERVER_URL", &*server), ("DATABASE_URL", &*server)];
    let ran = with_cargo(depot, runner, &environment).ok();
    assert!(ran.stdout.contains("3 passed, 0 failed, 0 ignored"), "{}", ran.stdout);
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'bins_service_%'";
    assert_eq!(cluster.ask("postgres", left), "0", "every database is dropped");
}

#[test]
fn the_runbook_takes_a_deployed_database_over_and_loses_nothing() {
    if is_missing("psql") || is_missing("pg_dump") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start();
    let urls = Urls { monolith: cluster.create("monolith"), bins: cluster.create("bins") };
    let book = Runbook { folder: folder.path(), urls: &urls };
    let before = binary(&original(), "app", "depot", "depot-before");
    let after = binary(extracted(), "app", "depot", "depot-after");

    let old = |arguments: &[&str]| depot(&before, &urls.monolith, None, arguments);
    old(&["open", "A-01", "--room", "10"]).ok();
    old(&["open", "B'02", "--room", "5", "--cold"]).ok();
    assert_eq!(old(&["store", "A-01", "4"]).ok().stdout, "move 1\n");
    old(&["fetch", "A-01", "1"]).ok();
    cluster.ask("monolith", "INSERT INTO notes (about, body) VALUES ('A-01', 'cold')");
    let report = old(&["report"]).ok().stdout;
    let kept = cluster.ask("monolith", KEPT);

    let drop_sql = extracted().join("services/bins/drop_from_monolith.sql");
    let clean_up = || {
        let mut psql = Command::new("psql");
        psql.args(["-qX", "-v", "ON_ERROR_STOP=1", "-f"]).arg(&drop_sql).arg(&urls.monolith);
        run(&mut psql, LIMIT)
    };
    let refused = clean_up();
    assert!(refused.stderr.contains("other objects depend on them"), "{}", refused.stderr);

    // Steps 1 to 4, as they are written.
    book.follow("## 1.");
    book.follow("## 2.");
    let refused = old(&["store", "A-01", "1"]);
    assert_eq!(refused.code(), 1, "writers are stopped");
    assert_eq!(old(&["report"]).ok().stdout, report, "readers are not");
    book.follow("## 3.");
    let compared = book.follow("## 4.");
    let lines: Vec<&str> = compared.lines().collect();
    assert!(lines[0].starts_with("public.bins|2|"), "{compared}");
    assert!(lines[1].starts_with("public.bin_changes|2|"), "{compared}");
    assert!(lines.contains(&"bin_labels|1001") && lines.contains(&"bin_changes_id_seq|2"));

    // Step 5.
    let service = service(folder.path(), &urls.bins);
    let new = |arguments: &[&str]| depot(&after, &urls.monolith, Some(&service), arguments);
    assert_eq!(new(&["report"]).ok().stdout, report);
    assert_eq!(cluster.ask("monolith", KEPT), kept);
    assert_eq!(foreign_keys_into_bins(&cluster), "");
    assert_eq!(new(&["store", "A-01", "2"]).ok().stdout, "move 3\n");
    let again = new(&["open", "A-01", "--room", "3"]);
    assert!(again.stderr.contains("there is a bin A-01 already"), "{}", again.stderr);
    let full = new(&["store", "A-01", "6"]);
    assert!(full.stderr.contains("bin A-01 has room for 5"), "{}", full.stderr);
    let opened = call(
        &service,
        "open",
        &json!({
            "bin": { "code": "C-03", "kind": "Dry", "room": 1 }
        }),
    );
    // The opening that failed took 1002: sequences do not go back.
    assert_eq!(opened["label"], 1003, "a label that was given is not given again: {opened}");
    let report = new(&["report"]).ok().stdout;
    assert!(report.contains("A-01 5/10 3 moves"), "{report}");
    assert_eq!(service.server.stop("TERM"), 0);

    // A service that is pointed at the monolith's database refuses it.
    let refused = run(&mut service_command(folder.path(), &urls.monolith), LIMIT);
    assert!(refused.stderr.contains("the monolith's database"), "{}", refused.stderr);

    // And back.
    let refused = old(&["report"]);
    assert!(refused.stderr.contains("previously applied but is missing"), "{}", refused.stderr);
    book.follow_last("## Going back");
    assert_eq!(old(&["report"]).ok().stdout, report, "with what the service has written");
    old(&["store", "A-01", "1"]).ok();
    assert_eq!(cluster.ask("monolith", "SELECT max(id) FROM bin_changes"), "4");

    // Forward once more, and cleaned up.
    book.follow("## 2.");
    book.follow("## 3.");
    book.follow("## 4.");
    let service = self::service(folder.path(), &urls.bins);
    let new = |arguments: &[&str]| depot(&after, &urls.monolith, Some(&service), arguments);
    let report = new(&["report"]).ok().stdout;
    assert!(report.contains("A-01 6/10 4 moves"), "{report}");
    clean_up().ok();
    let tables = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables
                  WHERE schemaname = 'public'";
    assert_eq!(cluster.ask("monolith", tables), "_moves_migrations moves notes");
    assert_eq!(new(&["report"]).ok().stdout, report);

    // A new database of the monolith, where the module's migrations never run.
    let fresh = cluster.create("fresh");
    assert_eq!(
        depot(&after, &fresh, Some(&service), &["store", "A-01", "1"]).ok().stdout,
        "move 1\n"
    );
}

struct Urls {
    monolith: String,
    bins: String,
}

struct Runbook<'a> {
    folder: &'a Path,
    urls: &'a Urls,
}

impl Runbook<'_> {
    /// Runs the commands of a step, the sample addresses replaced.
    #[track_caller]
    fn follow(&self, step: &str) -> String {
        self.run(&self.commands(step))
    }

    /// Runs the last commands of a step that has several ways.
    #[track_caller]
    fn follow_last(&self, step: &str) -> String {
        let commands = self.commands(step);
        let (_, last) = commands.split_once("\n\n").expect(step);
        self.run(last)
    }

    #[track_caller]
    fn run(&self, commands: &str) -> String {
        let mut shell = Command::new("bash");
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", program().parent().unwrap().display());
        let own: Vec<&str> =
            commands.lines().filter(|line| !line.contains("_DATABASE_URL='postgres:")).collect();
        shell.args(["-euc", &own.join("\n")]).current_dir(self.folder).env("PATH", path);
        shell.env("MONOLITH_DATABASE_URL", &self.urls.monolith);
        shell.env("BINS_DATABASE_URL", &self.urls.bins);
        run(&mut shell, LIMIT).ok().stdout
    }

    /// The commands of a step: the lines of its section that are indented as code, an empty line
    /// between two blocks.
    #[track_caller]
    fn commands(&self, step: &str) -> String {
        let runbook = fs::read_to_string(extracted().join("services/bins/CUTOVER.md")).unwrap();
        let (_, section) = runbook.split_once(&format!("\n{step}")).expect(step);
        let section = section.split("\n## ").next().unwrap();
        let mut code = String::new();
        let mut apart = false;
        for line in section.lines() {
            match line.strip_prefix("    ") {
                Some(line) => {
                    if apart && !code.is_empty() {
                        code.push('\n');
                    }
                    code.push_str(line);
                    code.push('\n');
                    apart = false;
                }
                None => apart = true,
            }
        }
        assert_ne!(code, "", "{step}");
        code
    }
}

/// A running service.
struct Service {
    server: Server,
    address: std::net::SocketAddr,
}

fn service(folder: &Path, database: &str) -> Service {
    let ready = folder.join("ready.json");
    let _ = fs::remove_file(&ready);
    let environment = service_environment(&ready, database);
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut server = Server::start(program(), &["serve"], folder, &environment);
    let addresses: Value = server.wait_for("the service is ready", |_| {
        fs::read_to_string(&ready).ok().map(|text| serde_json::from_str(&text).unwrap())
    });
    Service { server, address: addresses["listen"].as_str().unwrap().parse().unwrap() }
}

fn service_command(folder: &Path, database: &str) -> Command {
    let mut command = Command::new(program());
    command.arg("serve").env_clear().current_dir(folder);
    command.envs(service_environment(&folder.join("wrong.json"), database));
    command
}

fn service_environment(ready: &Path, database: &str) -> [(&'static str, String); 5] {
    [
        ("BINS_LISTEN", "127.0.0.1:0".to_owned()),
        ("BINS_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("BINS_TOKEN", TOKEN.to_owned()),
        ("BINS_DATABASE_URL", database.to_owned()),
        ("BINS_READY_FILE", ready.display().to_string()),
    ]
}

fn call(service: &Service, operation: &str, arguments: &Value) -> Value {
    let response = http::exchange(service.address, &http::call(operation, arguments));
    assert_eq!(response.status(), 200, "{response:?}");
    serde_json::from_str(&response.body()).unwrap()
}

/// Runs the depot's command line.
fn depot(program: &Path, database: &str, service: Option<&Service>, arguments: &[&str]) -> Ended {
    let mut depot = Command::new(program);
    depot.args(arguments).env_clear().env("DATABASE_URL", database);
    if let Some(service) = service {
        depot.env("BINS_URL", format!("http://{}", service.address)).env("BINS_TOKEN", TOKEN);
    }
    run(&mut depot, LIMIT)
}

fn foreign_keys_into_bins(cluster: &Cluster) -> String {
    cluster.ask(
        "monolith",
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND confrelid = 'bins'::regclass
         AND conrelid <> 'bin_changes'::regclass",
    )
}

/// The service's program.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| binary(extracted(), "bins-service", "bins-service", "bins-service"))
}

/// Runs cargo with more in its environment.
fn with_cargo(depot: &Path, mut command: Command, environment: &[(&str, &str)]) -> Ended {
    command.current_dir(depot);
    // What the tests' own environment says of databases is taken away first.
    clean(&mut command).envs(environment.iter().copied());
    let mut shell = Command::new("env");
    shell.current_dir(depot);
    for (name, value) in environment {
        shell.arg(format!("{name}={value}"));
    }
    shell.arg(command.get_program()).args(command.get_args());
    exclusively(&mut shell)
}

/// The depot before its extraction.
fn original() -> PathBuf {
    let copy = shop::folder("depot-original");
    tree::write(&copy, &tree::read(&fixture()));
    shop::repository(&copy);
    copy
}

/// The depot without its bins.
fn extracted() -> &'static Path {
    static DEPOT: OnceLock<PathBuf> = OnceLock::new();
    DEPOT.get_or_init(|| {
        let temporary = tempfile::tempdir().unwrap();
        let into = temporary.path().join("depot");
        let arguments = ["extract", "bins", "--no-verify", "--into", into.to_str().unwrap()];
        shop::calve(&fixture(), &arguments).ok();
        fs::create_dir_all(shop::folder("")).unwrap();
        fs::write(shop::folder("clippy.toml"), "").unwrap();
        let depot = shop::folder("depot");
        tree::write(&depot, &tree::read(&into));
        shop::repository(&depot);
        cargo(&depot, &["fetch", "--locked", "--quiet"]).ok();
        depot
    })
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/depot")
}
