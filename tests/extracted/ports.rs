//! Ports and adapters: `mailer` taken out of `fixtures/ports`, named after the port that it implements,
//! its error an `anyhow::Error`; and `storage_sqlite`, two types behind two ports with two errors.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::cargo::{binary, cargo, cargo_apart, exclusively};
use crate::support::http::TOKEN;
use crate::support::process::Server;
use crate::support::{shop, tree};

/// The help desk without its mailer. The lock file is that of the shop, so its builds serve this one.
fn extracted() -> PathBuf {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ports");
    let temporary = tempfile::tempdir().unwrap();
    let into = temporary.path().join("desk");
    let arguments = ["extract", "mailer", "--no-verify", "--into", into.to_str().unwrap()];
    let said = shop::calve(&fixture, &arguments).ok();
    assert!(said.stderr.contains("1 of `Mailer`"), "{}", said.stderr);
    let desk = shop::folder("desk");
    tree::write(&desk, &tree::read(&into));
    shop::repository(&desk);
    desk
}

#[test]
fn the_desk_sends_its_mail_through_the_service() {
    let desk = extracted();
    shop::calve(&desk, &["check"]).ok();
    let read = |path: &str| fs::read_to_string(desk.join(path)).unwrap();
    let manifest = read("app/Cargo.toml");
    assert!(manifest.contains("mailer_client.workspace"), "{manifest}");
    assert!(
        !manifest.contains("\nmailer.workspace"),
        "the adapter is nobody's dependency any more"
    );
    for untouched in ["mailer/Cargo.toml", "mailer/src/lib.rs", "domain/src/desk.rs"] {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ports").join(untouched);
        assert_eq!(read(untouched), fs::read_to_string(fixture).unwrap(), "{untouched}");
    }

    let together = ["check", "--offline", "--locked", "--workspace", "--all-targets"];
    let built = cargo(&desk, &together).ok();
    assert!(!built.stderr.contains("warning"), "{}", built.stderr);
    let own = ["test", "--offline", "--locked", "-p", "mailer_service", "-p", "mailer_client"];
    cargo(&desk, &[&own[..], &["-p", "mailer_wire"]].concat()).ok();

    let program = binary(&desk, "mailer_service", "mailer_service", "mailer_service");
    let folder = tempfile::tempdir().unwrap();
    let (ready, spool) = (folder.path().join("ready"), folder.path().join("spool"));
    let environment = [
        ("MAILER_LISTEN", "127.0.0.1:0"),
        ("MAILER_ADMIN_LISTEN", "127.0.0.1:0"),
        ("MAILER_READY_FILE", ready.to_str().unwrap()),
        ("MAILER_SPOOL", spool.to_str().unwrap()),
        ("MAILER_SENDER", "service@example.org"),
        ("MAILER_TOKEN", TOKEN),
    ];
    let mut server = Server::start(&program, &["serve"], folder.path(), &environment);
    let addresses: Value = server.wait_for("the service is ready", |_| {
        fs::read_to_string(&ready).ok().map(|text| serde_json::from_str(&text).unwrap())
    });
    let url = format!("http://{}", addresses["listen"].as_str().unwrap());

    // The desk's own tests, the one of a mail that cannot go among them: its reason crosses.
    let mut tests = Command::new("cargo");
    tests
        .current_dir(&desk)
        .args(["test", "--offline", "--locked", "-p", "app"])
        .env("MAILER_URL", url)
        .env("MAILER_TOKEN", TOKEN);
    let ran = exclusively(&mut tests).ok();
    assert!(ran.stdout.contains("a_mail_that_cannot_go_is_told_with_its_reason ... ok"));
    assert!(ran.stdout.contains("a_customer_is_told ... ok"), "the doubles go on as they are");
    // Two tickets are opened by one test, one answered, one opened by another.
    let mails = fs::read_dir(&spool).unwrap().count();
    assert_eq!(mails, 4, "all mail went through the service");
    let one = fs::read_to_string(spool.join("1.mail")).unwrap();
    assert!(one.starts_with("From: service@example.org\nTo: ada@example.org\n"), "{one}");
    assert_eq!(server.stop("INT"), 0);
}

/// The desk without its storage, and the files as they were before.
fn without_storage() -> (PathBuf, BTreeMap<PathBuf, Vec<u8>>) {
    let fixture = tree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ports"));
    let temporary = tempfile::tempdir().unwrap();
    tree::write(temporary.path(), &fixture);
    shop::repository(temporary.path());
    let extract = ["extract", "storage_sqlite", "--no-verify"];
    let refused = shop::calve(temporary.path(), &extract);
    assert!(refused.stderr.contains("--trait Attachments,Tickets;"), "{}", refused.stderr);
    let both = ["--trait", "Tickets", "--trait", "Attachments"];
    let said = shop::calve(temporary.path(), &[&extract[..], &both].concat()).ok();
    assert!(said.stderr.contains("4 of `Tickets`, 2 of `Attachments`"), "{}", said.stderr);
    let desk = shop::folder("desk-without-storage");
    tree::write(&desk, &tree::read(temporary.path()));
    shop::repository(&desk);

    shop::repository(temporary.path());
    shop::calve(temporary.path(), &["undo"]).ok();
    assert_eq!(tree::read(temporary.path()), fixture, "all is as it was");
    (desk, fixture)
}

#[test]
fn two_ports_of_one_adapter_are_one_service() {
    let (desk, fixture) = without_storage();
    assert_eq!(shop::calve(&desk, &["check"]).ok().stdout, "");
    for untouched in ["storage_sqlite/src/tickets.rs", "storage_sqlite/src/attachments.rs"] {
        assert_eq!(fs::read(desk.join(untouched)).unwrap(), fixture[Path::new(untouched)]);
    }
    // Its `domain` is another than that of the desk without its mailer.
    let strict = ["--", "-D", "warnings"];
    let clippy = ["clippy", "--offline", "--locked", "--workspace", "--all-targets"];
    cargo_apart(&desk, &["fetch", "--locked", "--quiet"]).ok();
    cargo_apart(&desk, &[&clippy[..], &strict].concat()).ok();
    cargo_apart(&desk, &["fmt", "--all", "--check"]).ok();

    let mut own = vec!["test", "--offline", "--locked"];
    for package in ["storage_sqlite_service", "storage_sqlite_client", "storage_sqlite_wire"] {
        own.extend(["-p", package]);
    }
    let ran = cargo_apart(&desk, &own).ok();
    for suite in ["tests/contract_tickets/main.rs", "tests/contract_attachments/main.rs"] {
        assert!(ran.stderr.contains(suite), "{}", ran.stderr);
    }

    // The desk's own tests, each with a fresh service: both ports in one database.
    let folder = tempfile::tempdir().unwrap();
    let calls = folder.path().join("calls.json");
    let runner = ["run", "--offline", "--locked", "-p", "storage_sqlite_service", "--example"];
    let tests = ["monolith_tests", "--", "--calls-file", calls.to_str().unwrap(), "-p", "app"];
    cargo_apart(&desk, &[&runner[..], &tests, &["--offline", "--locked"]].concat()).ok();
    let calls = fs::read_to_string(&calls).unwrap();
    let calls: BTreeMap<String, u64> = serde_json::from_str(&calls).unwrap();
    let operations = ["attach", "find"].map(|operation| format!("attachments/{operation}"));
    let of_tickets = ["close", "find", "open", "waiting"].map(|name| format!("tickets/{name}"));
    let operations: Vec<String> = operations.into_iter().chain(of_tickets).collect();
    assert_eq!(calls.keys().cloned().collect::<Vec<_>>(), operations);
    assert!(calls.values().all(|count| *count > 0), "{calls:?}");
}
