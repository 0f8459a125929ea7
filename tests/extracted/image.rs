//! The container image, really built and run: by Debian's `buildah`, which needs neither an engine nor
//! a daemon, on stand-ins of the two base images, since no registry of images is asked.
//!
//! The stand-in of the build image is Debian with a compiler for C, and this machine's own toolchain and
//! the vendored crates mounted into it; that of the distroless one has the C library and a user.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::cargo::{self, clean};
use crate::support::http::{self, TOKEN};
use crate::support::process::{Ended, LIMIT, Server, is_missing, run};
use crate::support::shop;

const DOCKERFILE: &str = "services/inventory/Dockerfile";
const BINARY: &str = "/usr/local/bin/inventory-service";

/// A base system from packages, or a build of the service without a target folder, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1500);

#[test]
fn the_image_is_built_answers_its_healthcheck_serves_a_call_and_stops() {
    if is_missing("buildah") || is_missing("debootstrap") {
        return;
    }
    let store = Store::new();
    let bases = bases();
    let debian = store.build_base(&bases.build);
    store.import(&debian, &bases.build, &BUILD_ENVIRONMENT);
    store.import(&store.run_base(&debian), &bases.run, &[]);
    let id = store.build_service();

    let said = store.buildah(&["inspect", "--type", "image", &id], LIMIT).ok().stdout;
    let image: Value = serde_json::from_str(&said).unwrap();
    let config = &image["Docker"]["config"];
    let healthcheck = serde_json::json!(["CMD", BINARY, "healthcheck"]);
    assert_eq!(config["Entrypoint"], serde_json::json!([BINARY]));
    assert_eq!(config["Cmd"], serde_json::json!(["serve"]));
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["StopSignal"], "SIGTERM");
    assert_eq!(config["Healthcheck"]["Test"], healthcheck, "{config}");

    let container = store.buildah(&["from", "--pull-never", &id], LIMIT).ok().stdout;
    let container = container.trim();
    // Without an engine there is no network of the container's own: it is this machine's.
    let addresses = [free_address(), free_address()];
    let healthy = || {
        let environment = format!("INVENTORY_ADMIN_LISTEN={}", addresses[1]);
        run(&mut store.run(container, &[&environment], &["healthcheck"]), LIMIT).code() == 0
    };
    assert!(!healthy(), "before it was started");

    let environment = [
        format!("INVENTORY_LISTEN={}", addresses[0]),
        format!("INVENTORY_ADMIN_LISTEN={}", addresses[1]),
        format!("INVENTORY_TOKEN={TOKEN}"),
        // The folder that the image makes for it, as compose.yaml says.
        "INVENTORY_DATABASE_URL=sqlite:///data/inventory.db?mode=rwc".to_owned(),
    ];
    let environment: Vec<&str> = environment.iter().map(String::as_str).collect();
    let mut serve = store.run(container, &environment, &["serve"]);
    let mut server = Server::spawn(&mut serve, &store.folder);
    server.wait_for("the container is ready", |log| log.contains("\"ready\"").then_some(()));
    assert!(healthy());

    let arguments = serde_json::json!({ "currency": "EUR" });
    let response = http::exchange(addresses[0], &http::call("stock_value", &arguments));
    assert_eq!(response.status(), 200, "{response:?}");
    let value: Value = serde_json::from_str(&response.body()).unwrap();
    assert_eq!(value, serde_json::json!({ "minor": 0, "currency": "EUR" }));

    // What an engine does to the first process of the container.
    let process = Process::serving();
    assert_eq!(process.user(), "65532");
    process.terminate();
    assert_eq!(server.code_at_end(), 0, "{}", server.log());
    assert!(server.log().contains("draining"), "{}", server.log());
    assert!(!healthy(), "after its end");
}

/// What the stand-in of the build image sets. The service is not optimised: it is built to be started
/// once.
const BUILD_ENVIRONMENT: [&str; 3] = [
    "PATH=/usr/local/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "CARGO_HOME=/usr/local/cargo",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL=0",
];

/// The images that the Dockerfile begins with.
struct Bases {
    build: String,
    run: String,
}

fn bases() -> Bases {
    let dockerfile = fs::read_to_string(shop::extracted().join(DOCKERFILE)).unwrap();
    let mut names = dockerfile.lines().filter_map(|line| {
        let name = line.strip_prefix("FROM ")?.split(' ').next()?;
        // A name without a host is one of Docker's own library.
        Some(if name.contains('/') { name.to_owned() } else { format!("docker.io/library/{name}") })
    });
    Bases { build: names.next().unwrap(), run: names.next().unwrap() }
}

/// A folder with images and containers, deleted at the end.
struct Store {
    folder: PathBuf,
}

impl Store {
    fn new() -> Self {
        let store = Self { folder: shop::folder("image-store") };
        store.delete();
        fs::create_dir_all(store.folder.join("tmp")).unwrap();
        store
    }

    /// A stand-in of the build image: Debian of the release that it names, with a compiler, and cargo told
    /// to take crates from a folder.
    fn build_base(&self, image: &str) -> PathBuf {
        let root = self.folder.join("build-base");
        let (_, release) = image.rsplit_once('-').unwrap();
        let arguments = ["--variant=minbase", "--include=gcc,libc6-dev", release];
        run(as_root("debootstrap").args(arguments).arg(&root), PATIENCE).ok();
        let settings = "[source.crates-io]\nreplace-with = \"vendored\"\n\
                        [source.vendored]\ndirectory = \"/vendor\"\n";
        let home = self.folder.join("cargo-home");
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join("config.toml"), settings).unwrap();
        run(as_root("cp").arg("-r").arg(&home).arg(root.join("usr/local/cargo")), LIMIT).ok();
        root
    }

    /// What distroless has of it: the C library, a loader, a user, a folder for temporary files.
    fn run_base(&self, debian: &Path) -> PathBuf {
        let root = self.folder.join("run-base");
        let libraries = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
        for folder in [&libraries, "usr/lib64", "etc", "tmp"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        symlink("usr/lib", root.join("lib")).unwrap();
        symlink("usr/lib64", root.join("lib64")).unwrap();
        let wanted = ["ld-linux", "libc.so", "libm.so", "libgcc_s.so", "libdl.so", "libpthread.so"];
        for folder in [&libraries, "usr/lib64"] {
            for entry in fs::read_dir(debian.join(folder)).unwrap() {
                let name = entry.unwrap().file_name();
                if wanted.iter().any(|wanted| name.to_str().unwrap().starts_with(wanted)) {
                    let path = Path::new(folder).join(name);
                    fs::copy(debian.join(&path), root.join(&path)).unwrap();
                }
            }
        }
        fs::write(root.join("etc/passwd"), "nonroot:x:65532:65532::/:/sbin/nologin\n").unwrap();
        run(Command::new("chmod").arg("1777").arg(root.join("tmp")), LIMIT).ok();
        root
    }

    fn command(&self) -> Command {
        let mut buildah = as_root("buildah");
        let folder = |name: &str| self.folder.join(name).to_str().unwrap().to_owned();
        buildah
            .args(["--storage-driver", "vfs"])
            .args(["--root", &folder("root"), "--runroot", &folder("run")])
            // Where cache mounts live.
            .env("TMPDIR", folder("tmp"));
        buildah
    }

    #[track_caller]
    fn buildah(&self, arguments: &[&str], limit: Duration) -> Ended {
        run(self.command().args(arguments), limit)
    }

    /// An image of that name that is a folder.
    fn import(&self, root: &Path, name: &str, environment: &[&str]) {
        let container = self.buildah(&["from", "scratch"], LIMIT).ok().stdout;
        let container = container.trim();
        self.buildah(&["copy", "--quiet", container, root.to_str().unwrap(), "/"], PATIENCE).ok();
        for variable in environment {
            self.buildah(&["config", "--env", variable, container], LIMIT).ok();
        }
        self.buildah(&["commit", "--quiet", "--rm", container, name], PATIENCE).ok();
    }

    /// Builds the service's image as its Dockerfile says, and returns the image's id.
    fn build_service(&self) -> String {
        let shop = shop::extracted();
        let vendor = self.folder.join("vendor");
        let arguments = ["vendor", "--locked", "--offline", "--quiet", "--versioned-dirs"];
        cargo::cargo(shop, &[&arguments[..], &[vendor.to_str().unwrap()]].concat()).ok();
        let sysroot = run(clean(Command::new("rustc").args(["--print", "sysroot"])), LIMIT).ok();
        let id = self.folder.join("id");
        let mut build = self.command();
        // The format that has healthchecks.
        build
            .args(["build", "--isolation=chroot", "--pull-never", "--format=docker", "--quiet"])
            .args(["--ignorefile", &format!("{DOCKERFILE}.dockerignore"), "-f", DOCKERFILE])
            .arg(format!("--volume={}:/usr/local/rust:ro", sysroot.stdout.trim()))
            .arg(format!("--volume={}:/vendor:ro", vendor.display()))
            .arg(format!("--iidfile={}", id.display()))
            .arg(".")
            .current_dir(shop);
        run(&mut build, PATIENCE).ok();
        fs::read_to_string(id).unwrap().trim().to_owned()
    }

    /// The command that runs the image's entrypoint in a container, as the image's user.
    fn run(&self, container: &str, environment: &[&str], arguments: &[&str]) -> Command {
        let mut run = self.command();
        run.args(["run", "--isolation=chroot", "--user=65532:65532"]);
        for variable in environment {
            run.args(["--env", variable]);
        }
        run.args([container, "--", BINARY]).args(arguments);
        run
    }

    fn delete(&self) {
        if self.folder.exists() {
            // What a killed run left mounted would be deleted through the mount.
            let _ = self.command().args(["rm", "--all"]).output();
            let mut delete = as_root("rm");
            run(delete.args(["-rf", "--one-file-system"]).arg(&self.folder), LIMIT).ok();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.delete();
    }
}

/// A process of the container, seen from outside.
struct Process(PathBuf);

impl Process {
    /// The service itself. (`buildah` and what it starts have more arguments.)
    #[track_caller]
    fn serving() -> Self {
        let command = format!("{BINARY}\0serve\0");
        let serves = |path: &PathBuf| {
            fs::read(path.join("cmdline")).is_ok_and(|line| line == command.as_bytes())
        };
        let all = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        let serving: Vec<PathBuf> = all.filter(serves).collect();
        let [process] = serving.as_slice() else { panic!("one process expected: {serving:?}") };
        Self(process.clone())
    }

    fn user(&self) -> String {
        let status = fs::read_to_string(self.0.join("status")).unwrap();
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
        user.split_whitespace().next().unwrap().to_owned()
    }

    #[track_caller]
    fn terminate(&self) {
        let id = self.0.file_name().unwrap();
        run(as_root("kill").arg("-TERM").arg(id), LIMIT).ok();
    }
}

/// An address that nobody listened on a moment ago.
fn free_address() -> std::net::SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A program that only root may run; by `sudo` for everybody else.
fn as_root(program: &str) -> Command {
    let user = run(Command::new("id").arg("-u"), LIMIT).ok();
    if user.stdout.trim() == "0" {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["--non-interactive", "--preserve-env=TMPDIR", program]);
    sudo
}
