//! The Dockerfile and what goes into its build.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;

#[test]
fn the_dockerfile_is_one() {
    const INSTRUCTIONS: [&str; 11] = [
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "USER",
        "ENV",
        "EXPOSE",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    ];
    let mut linted = BTreeSet::new();
    for_each(|path, text| {
        if path != "service/Dockerfile" {
            return;
        }
        let logical = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
            .replace("\\\n", " ");
        let lines: Vec<&str> = logical.lines().filter(|line| !line.is_empty()).collect();
        for line in &lines {
            let instruction = line.split(' ').next().unwrap();
            assert!(INSTRUCTIONS.contains(&instruction), "{line}\n{text}");
        }
        assert!(lines[0].starts_with("FROM "), "{text}");
        for exec in lines.iter().filter(|l| l.starts_with("ENTRYPOINT") || l.starts_with("CMD")) {
            assert!(exec.contains(" [\"") && exec.ends_with("\"]"), "{exec}");
        }
    });
    for module in MODULES {
        let names = names(module);
        for variant in variants() {
            linted.insert(render_all(&names, variant).remove("service/Dockerfile").unwrap());
        }
    }
    for text in linted {
        hadolint(&text);
    }
}

/// Where hadolint is installed; on a CI machine it has to be.
fn hadolint(text: &str) {
    let child = Command::new("hadolint")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(_) if std::env::var_os("CI").is_none() => return,
        Err(error) => panic!("hadolint cannot be run: {error}"),
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}{failed}\n{text}");
}

#[test]
fn the_docker_ignore_file_denies_all_and_admits_what_is_named() {
    for_each(|path, text| {
        if path != "service/Dockerfile.dockerignore" {
            return;
        }
        let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(lines.next(), Some("*"), "{text}");
        let admitted = lines.by_ref().take_while(|line| line.starts_with('!')).count();
        assert!(admitted >= 3, "{text}");
        // What follows takes back: build folders and secrets inside of what is admitted.
        assert!(lines.all(|line| line.starts_with("**/")), "{text}");
    });
}
