//! The service's program as its operators and callers meet it.

use std::fs;
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::OPERATIONS;
use crate::support::http::{TOKEN, call, connect, exchange, receive, request};
use crate::support::service::{Service, run_program, url};

fn item(sku: &str) -> Value {
    json!({ "item": {
        "sku": sku, "name": "Mug", "category": null, "price_minor": 1250, "currency": "EUR",
        "supplier": null,
    } })
}

#[test]
fn what_is_missing_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let database = url(&folder.path().join("inventory.db"));
    let database = ("INVENTORY_DATABASE_URL", database.as_str());
    for blank in [&[][..], &[("INVENTORY_TOKEN", " ")], &[("INVENTORY_TOKEN", "")]] {
        let ended = run_program(&["serve"], &[&[database][..], blank].concat());
        assert_eq!(ended.code(), 1, "{}", ended.stderr);
        let named = "set INVENTORY_TOKEN or INVENTORY_TOKEN_FILE";
        assert!(ended.stderr.contains(named), "{}", ended.stderr);
    }
    let both = [database, ("INVENTORY_TOKEN", TOKEN), ("INVENTORY_TOKEN_FILE", "/nonexistent")];
    let ended = run_program(&["serve"], &both);
    assert!(ended.code() == 1 && ended.stderr.contains("not both"), "{}", ended.stderr);
    let ended = run_program(&["serve"], &[database, ("INVENTORY_TOKEN_FILE", "/nonexistent")]);
    assert!(ended.code() == 1 && ended.stderr.contains("/nonexistent"), "{}", ended.stderr);
    let ended = run_program(&["serve"], &[("INVENTORY_TOKEN", TOKEN)]);
    assert_eq!(ended.code(), 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("--database-url"), "{}", ended.stderr);
    let nonsense = [database, ("INVENTORY_TOKEN", TOKEN), ("INVENTORY_LOW_STOCK_THRESHOLD", "few")];
    let ended = run_program(&["serve"], &nonsense);
    assert!(ended.code() == 2 && ended.stderr.contains("few"), "{}", ended.stderr);
    assert!(!folder.path().join("inventory.db").exists(), "a start that cannot be makes no file");
}

#[test]
fn help_names_every_variable_and_shows_no_secret() {
    let secret = [("INVENTORY_TOKEN", "hush"), ("INVENTORY_DATABASE_URL", "sqlite://hush.db")];
    let help = run_program(&["serve", "--help"], &secret).ok().stdout;
    for variable in [
        "LISTEN",
        "ADMIN_LISTEN",
        "TOKEN",
        "TOKEN_FILE",
        "DATABASE_URL",
        "DATABASE_CONNECTIONS",
        "MIGRATE_ON_START",
        "LOW_STOCK_THRESHOLD",
        "HEADER_TIMEOUT",
        "BODY_TIMEOUT",
        "SHUTDOWN_DELAY",
        "SHUTDOWN_DEADLINE",
        "READY_FILE",
        "LOG",
    ] {
        assert!(help.contains(&format!("[env: INVENTORY_{variable}")), "{variable}: {help}");
    }
    assert!(!help.contains("hush"), "{help}");
    let all = run_program(&["--help"], &[]).ok().stdout;
    for command in ["serve", "migrate", "healthcheck"] {
        assert!(all.contains(command), "{all}");
    }
}

#[test]
fn the_healthcheck_needs_no_settings_but_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &[]);
    let address = service.admin_address.to_string();
    let environment = [("INVENTORY_ADMIN_LISTEN", address.as_str())];
    run_program(&["healthcheck"], &environment).ok();
    let live = exchange(service.admin_address, &request("GET", "/livez", &[], ""));
    assert_eq!(live.status(), 200);
    assert_eq!(service.server.stop("TERM"), 0);
    let ended = run_program(&["healthcheck"], &environment);
    assert_eq!(ended.code(), 1);
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
}

#[test]
fn every_refusal_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &[("INVENTORY_BODY_TIMEOUT", "0.3")]);
    let bearer = format!("Bearer {TOKEN}");
    let allowed = [("authorization", bearer.as_str())];
    let good = call("find_item", &json!({ "sku": "MUG-01" }));
    assert_eq!(exchange(service.address, &good).body(), "null");

    for wrong in ["Bearer wrong", "Bearer ", "Basic dXNlcjpwYXNz", TOKEN] {
        let response = exchange(service.address, &good.replace(&bearer, wrong));
        response.problem(401, "unauthorized");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
    }
    let nameless = request("POST", "/v1/find_item", &[], "{}");
    exchange(service.address, &nameless).problem(401, "unauthorized");
    for path in ["/v1/nothing", "/", "/metrics", "/v2/find_item"] {
        let response = exchange(service.address, &request("POST", path, &allowed, "{}"));
        response.problem(404, "no_such_operation");
    }
    let response = exchange(service.address, &request("GET", "/v1/find_item", &allowed, ""));
    response.problem(405, "not_post");
    for body in ["", "{", "{}", "[]", r#"{"sku":7}"#, r#"{"sku":"mug"}"#] {
        let response = exchange(service.address, &request("POST", "/v1/find_item", &allowed, body));
        response.problem(400, "arguments_undecodable");
    }
    let announced = good.replace("content-length: 16", "content-length: 16777217");
    assert_ne!(announced, good);
    exchange(service.address, &announced).problem(413, "body_too_large");
    let begin = Instant::now();
    let never = good.replace("content-length: 16", "content-length: 17");
    exchange(service.address, &never).problem(408, "body_too_slow");
    assert!(begin.elapsed() < Duration::from_secs(5));

    assert_eq!(service.calls("find_item"), 1, "what could not be read is no call");
    for operation in OPERATIONS {
        service.calls(operation);
    }
}

#[test]
fn a_token_can_come_from_a_file_and_be_exchanged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{TOKEN}\nanother\n")).unwrap();
    let service =
        Service::start(folder.path(), &[("INVENTORY_TOKEN_FILE", file.to_str().unwrap())]);
    let good = call("find_item", &json!({ "sku": "MUG-01" }));
    assert_eq!(exchange(service.address, &good).status(), 200);
    assert_eq!(exchange(service.address, &good.replace(TOKEN, "another")).status(), 200);
    exchange(service.address, &good.replace(TOKEN, "third")).problem(401, "unauthorized");
    assert!(!service.server.log().contains(TOKEN));
}

#[test]
fn logs_are_json_lines_with_the_request_id() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &[]);
    let good = call("find_item", &json!({ "sku": "MUG-01" }));
    let named = good.replace("host:", "x-request-id: from-the-caller\r\nhost:");
    let response = exchange(service.address, &named);
    assert_eq!(response.header("x-request-id"), Some("from-the-caller"));
    let log = service.server.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answered = lines.iter().find(|line| line["message"] == "answered").unwrap();
    assert_eq!(answered["span"]["request_id"], "from-the-caller");
    assert_eq!(
        (&answered["status"], &answered["span"]["path"]),
        (&json!(200), &json!("/v1/find_item"))
    );
}

#[test]
fn sigterm_waits_for_calls_that_have_begun() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &[]);
    let busy = Busy::new(&folder.path().join("inventory.db"));
    let mut caller = connect(service.address);
    caller.write_all(call("register_item", &item("MUG-01")).as_bytes()).unwrap();
    wait_until(|| service.calls("register_item") == 1);
    service.server.process.signal("TERM");
    wait_until(|| std::net::TcpStream::connect(service.address).is_err());
    let ready = exchange(service.admin_address, &request("GET", "/readyz", &[], ""));
    assert_eq!(ready.status(), 503);
    busy.end();
    let response = receive(caller);
    assert_eq!(response.status(), 200, "{response:?}");
    let Service { mut server, .. } = service;
    let status = server.process.wait(Duration::from_secs(20)).expect("the service ends by itself");
    assert_eq!(status.code(), Some(0), "{}", server.log());
}

#[test]
fn the_drain_has_a_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &[("INVENTORY_SHUTDOWN_DEADLINE", "0.2")]);
    let busy = Busy::new(&folder.path().join("inventory.db"));
    let mut caller = connect(service.address);
    caller.write_all(call("register_item", &item("MUG-01")).as_bytes()).unwrap();
    wait_until(|| service.calls("register_item") == 1);
    let Service { mut server, .. } = service;
    server.process.signal("TERM");
    let status = server.process.wait(Duration::from_secs(20)).expect("the service ends by itself");
    assert_eq!(status.code(), Some(1), "{}", server.log());
    assert!(server.log().contains("1 call(s) were cut off"), "{}", server.log());
    busy.end();
}

#[test]
fn an_operation_ends_although_its_caller_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &[]);
    let busy = Busy::new(&folder.path().join("inventory.db"));
    let mut caller = connect(service.address);
    caller.write_all(call("register_item", &item("MUG-01")).as_bytes()).unwrap();
    wait_until(|| service.calls("register_item") == 1);
    drop(caller);
    // Time for the service to see that the connection is closed.
    sleep(Duration::from_millis(300));
    busy.end();
    wait_until(|| service.call("find_item", &json!({ "sku": "MUG-01" }))["name"] == "Mug");
}

/// Holds the write lock of a database: whoever else writes waits.
struct Busy(Connection);

impl Busy {
    fn new(database: &std::path::Path) -> Self {
        let connection = Connection::open(database).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self(connection)
    }

    fn end(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

#[track_caller]
fn wait_until(holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        // Shorter than the busy timeout of the service's connections.
        assert!(begin.elapsed() < Duration::from_secs(4), "nothing happens");
        sleep(Duration::from_millis(20));
    }
}
