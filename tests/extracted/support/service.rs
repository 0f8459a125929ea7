//! The service and the monolith as processes.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::http::{self, TOKEN};
use super::process::{Ended, LIMIT, Server, run, unique};
use super::{cargo, shop};

/// The service's program.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let shop = shop::extracted();
        cargo::binary(shop, "inventory-service", "inventory-service", "inventory-service")
    })
}

/// Runs the service's program to its end, with this environment and no other.
#[track_caller]
pub(crate) fn run_program(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(program());
    command.args(arguments).env_clear().envs(environment.iter().copied());
    run(&mut command, LIMIT)
}

/// The URL of a database file.
pub(crate) fn url(file: &Path) -> String {
    format!("sqlite://{}?mode=rwc", file.display())
}

/// A service that answers.
pub(crate) struct Service {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) admin_address: SocketAddr,
}

impl Service {
    /// Starts one on a database file in `folder`; `environment` comes on top, or instead.
    #[track_caller]
    pub(crate) fn start(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let ready = folder.join(format!("ready-{}", unique()));
        let database = url(&folder.join("inventory.db"));
        let mut all = vec![
            ("INVENTORY_LISTEN", "127.0.0.1:0"),
            ("INVENTORY_ADMIN_LISTEN", "127.0.0.1:0"),
            ("INVENTORY_DATABASE_URL", database.as_str()),
            ("INVENTORY_READY_FILE", ready.to_str().unwrap()),
        ];
        if !environment.iter().any(|(name, _)| *name == "INVENTORY_TOKEN_FILE") {
            all.push(("INVENTORY_TOKEN", TOKEN));
        }
        all.extend(environment);
        let mut server = Server::start(program(), &["serve"], folder, &all);
        let addresses: Value = server.wait_for("the service is ready", |_| {
            fs::read_to_string(&ready).ok().map(|text| serde_json::from_str(&text).unwrap())
        });
        let address = |name: &str| addresses[name].as_str().unwrap().parse().unwrap();
        Self { server, address: address("listen"), admin_address: address("admin_listen") }
    }

    /// Calls an operation and returns the answer to a call that succeeds.
    #[track_caller]
    pub(crate) fn call(&self, operation: &str, arguments: &Value) -> Value {
        let response = http::exchange(self.address, &http::call(operation, arguments));
        assert_eq!(response.status(), 200, "{response:?}");
        serde_json::from_str(&response.body()).unwrap()
    }

    /// How often an operation was called.
    #[track_caller]
    pub(crate) fn calls(&self, operation: &str) -> u64 {
        let request = http::request("GET", "/metrics", &[], "");
        let metrics = http::exchange(self.admin_address, &request).body();
        let line = format!("inventory_calls_total{{operation=\"{operation}\"}} ");
        let count = metrics.lines().find_map(|text| text.strip_prefix(&line));
        count.unwrap_or_else(|| panic!("{operation}: {metrics}")).parse().unwrap()
    }
}

/// The monolith that answers.
pub(crate) struct Monolith {
    pub(crate) server: Server,
    address: SocketAddr,
}

impl Monolith {
    /// Starts it on a database; `service` is what it calls, after the cut.
    #[track_caller]
    pub(crate) fn start(program: &Path, database: &Path, service: Option<&Service>) -> Self {
        let folder = database.parent().unwrap();
        let database = format!("sqlite://{}", database.display());
        let mut environment =
            vec![("DATABASE_URL", database.as_str()), ("LISTEN", "127.0.0.1:0"), ("NO_COLOR", "1")];
        let inventory = service.map(|service| format!("http://{}", service.address));
        if let Some(inventory) = &inventory {
            environment.extend([("INVENTORY_URL", inventory.as_str()), ("INVENTORY_TOKEN", TOKEN)]);
        }
        let mut server = Server::start(program, &[], folder, &environment);
        let address = server.wait_for_address("the shop is open");
        Self { server, address }
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        http::json(self.address, "GET", path, None, 200)
    }

    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value, expected: u16) -> Value {
        http::json(self.address, method, path, Some(body), expected)
    }

    /// Places an order for a customer.
    #[track_caller]
    pub(crate) fn order(&self, customer: &str, lines: &[(&str, u32)]) -> String {
        let lines: Vec<Value> = lines
            .iter()
            .map(|(sku, quantity)| serde_json::json!({ "sku": sku, "quantity": quantity }))
            .collect();
        let basket = serde_json::json!({ "customer": customer, "lines": lines });
        let order = self.send("POST", "/orders", &basket, 201);
        order["id"].as_str().unwrap().to_owned()
    }
}
