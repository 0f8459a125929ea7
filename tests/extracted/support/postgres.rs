//! A PostgreSQL server for one test, in a folder of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{Ended, LIMIT, run};

/// A cluster that is stopped and removed when this is dropped.
pub(crate) struct Cluster {
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes and starts one.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("cluster-").tempdir().unwrap().keep();
        // The server refuses to run as root, so root lends the folder to a user of its own.
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder), LIMIT).ok();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, port };
        let data = cluster.data();
        let init = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "-D"];
        run(server_program("initdb").args(init).arg(&data), LIMIT).ok();
        let socket = cluster.folder.display();
        let options = format!("-F -p {port} -h 127.0.0.1 -k {socket}");
        let mut start = server_program("pg_ctl");
        start.arg("-D").arg(&data).arg("-l").arg(cluster.folder.join("log"));
        run(start.args(["-w", "-o", &options, "start"]), LIMIT).ok();
        cluster
    }

    /// The URL of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Creates a database and returns its URL.
    #[track_caller]
    pub(crate) fn create(&self, database: &str) -> String {
        self.ask("postgres", &format!("CREATE DATABASE {database}"));
        self.url(database)
    }

    /// What a statement gives, a line a row.
    #[track_caller]
    pub(crate) fn ask(&self, database: &str, sql: &str) -> String {
        self.try_to_ask(database, sql).ok().stdout.trim_end().to_owned()
    }

    #[track_caller]
    pub(crate) fn try_to_ask(&self, database: &str, sql: &str) -> Ended {
        let mut psql = Command::new("psql");
        psql.arg(self.url(database)).args(["-AtqX", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        run(&mut psql, LIMIT)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = server_program("pg_ctl");
        stop.arg("-D").arg(self.data()).args(["-m", "immediate", "stop"]);
        // It may not have started.
        let _ = stop.output();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A program of the server: Debian keeps them out of the path.
fn server_program(name: &str) -> Command {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .max();
    let program = newest.unwrap_or_else(|| PathBuf::from(name));
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program).current_dir(Path::new("/"));
    command
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}
