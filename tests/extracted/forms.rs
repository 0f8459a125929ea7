//! `fixtures/forms`: a module for each form of trait besides `#[async_trait]`. All are taken out, built,
//! linted and tested, and the monolith's own tests pass through the five services.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::cargo::{binary, cargo, exclusively};
use crate::support::http::TOKEN;
use crate::support::process::{Server, unique};
use crate::support::{shop, tree};

/// In the order in which they are taken out, each with its traits where it has several, and with how many
/// operations of what is said of it.
const MODULES: [(&str, Option<&str>, &str); 5] = [
    ("ledger", None, "4 of `LedgerApi`"),
    ("rooms", None, "5 of `RoomsApi`"),
    ("guests", None, "4 of `GuestsApi`"),
    ("parcels", None, "4 of `ParcelsApi`"),
    ("pantry", Some("PantryApi,Reports"), "3 of `PantryApi`, 2 of `Reports`"),
];

#[test]
fn each_form_of_trait_is_carried() {
    let house = extracted();
    let strict = ["--", "-D", "warnings"];
    let clippy = ["clippy", "--offline", "--locked", "--workspace", "--all-targets"];
    cargo(&house, &[&clippy[..], &strict].concat()).ok();
    cargo(&house, &["fmt", "--all", "--check"]).ok();
    assert_eq!(shop::calve(&house, &["check"]).ok().stdout, "");

    let mut own = vec!["test".to_owned(), "--offline".to_owned(), "--locked".to_owned()];
    for (module, ..) in MODULES {
        for part in ["service", "client", "wire"] {
            own.extend(["-p".to_owned(), format!("{module}-{part}")]);
        }
    }
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let ran = cargo(&house, &own).ok();
    assert!(ran.stdout.contains("on_the_only_worker_of_a_runtime"), "{}", ran.stdout);

    let folder = tempfile::tempdir().unwrap();
    let services = MODULES.map(|(module, ..)| Service::start(&house, module, folder.path()));
    let mut tests = Command::new("cargo");
    tests.args(["test", "--offline", "--locked", "-p", "app"]).current_dir(&house);
    for Service { variable, url, .. } in &services {
        tests.env(format!("{variable}_URL"), url).env(format!("{variable}_TOKEN"), TOKEN);
    }
    exclusively(&mut tests).ok();
    for service in services {
        assert_eq!(service.server.stop("TERM"), 0);
    }
}

/// The guesthouse without any of its modules. Its own tests pass before.
fn extracted() -> PathBuf {
    let fixture = tree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/forms"));
    let before = shop::folder("forms-before");
    tree::write(&before, &fixture);
    cargo(&before, &["test", "--locked", "--quiet"]).ok();

    // Written over where it is built only when all is done, so that a second run is incremental.
    let temporary = tempfile::tempdir().unwrap();
    tree::write(temporary.path(), &fixture);
    shop::repository(temporary.path());
    for (module, traits, operations) in MODULES {
        let mut extract = vec!["extract", module, "--no-verify"];
        extract.extend(traits.into_iter().flat_map(|traits| ["--trait", traits]));
        let said = shop::calve(temporary.path(), &extract).ok();
        assert!(said.stderr.contains(operations), "{}", said.stderr);
        shop::repository(temporary.path());
    }
    let house = shop::folder("forms");
    tree::write(&house, &tree::read(temporary.path()));
    shop::repository(&house);
    // All that later calls need offline.
    cargo(&house, &["fetch", "--locked", "--quiet"]).ok();
    house
}

struct Service {
    server: Server,
    /// What its environment variables begin with.
    variable: String,
    url: String,
}

impl Service {
    #[track_caller]
    fn start(house: &Path, module: &str, folder: &Path) -> Self {
        let package = format!("{module}-service");
        let program = binary(house, &package, &package, &package);
        let ready = folder.join(format!("ready-{}", unique()));
        let variable = module.to_uppercase();
        let of = |name: &str| format!("{variable}_{name}");
        let environment = [
            (of("LISTEN"), "127.0.0.1:0"),
            (of("ADMIN_LISTEN"), "127.0.0.1:0"),
            (of("READY_FILE"), ready.to_str().unwrap()),
            (of("TOKEN"), TOKEN),
        ];
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let mut server = Server::start(&program, &["serve"], folder, &environment);
        let addresses: Value = server.wait_for("the service is ready", |_| {
            fs::read_to_string(&ready).ok().map(|text| serde_json::from_str(&text).unwrap())
        });
        let url = format!("http://{}", addresses["listen"].as_str().unwrap());
        Self { server, variable, url }
    }
}
