//! What has no form on a wire whatever its fields are, and why.

use super::types::{self, Type};

/// Something that cannot cross: what it is, and why it cannot.
pub type Reason = (&'static str, &'static str);

const TRANSACTION: Reason = (
    "a database transaction",
    "what is done in it is kept or undone together with the caller's own statements; in another \
     process, on another database, it would not be",
);
const CONNECTION: Reason =
    ("a database connection", "it belongs to the process that opened it; the service has its own");
const SHARED: Reason = (
    "shared memory",
    "both sides would hold a copy of their own, and neither would see what the other changes",
);
const CHANNEL: Reason =
    ("a live handle", "a channel, a task or a lock exists in one process; what arrives is data");
const FILE: Reason = ("an open file or socket", "it belongs to the process that opened it");
const PATH: Reason = (
    "a path of the file system",
    "it names a file of one machine, and the service may run on another",
);
const INSTANT: Reason = ("an `Instant`", "it counts from a moment that only its own process knows");
const EXCLUSIVE: Reason = (
    "a `&mut` reference",
    "the callee changes the caller's value; over a network it would change a copy",
);

/// The crates whose connections, pools and transactions are handles.
const DATABASES: [&str; 17] = [
    "bb8",
    "deadpool",
    "deadpool-postgres",
    "diesel",
    "diesel-async",
    "mongodb",
    "mysql_async",
    "postgres",
    "r2d2",
    "r2d2_sqlite",
    "redis",
    "rusqlite",
    "sea-orm",
    "sqlx",
    "sqlx-core",
    "sqlx-sqlite",
    "tokio-postgres",
];

/// Why something that is no type of data, or of which calve does not see what it is, cannot cross.
pub fn why_not_read(what: &str) -> &'static str {
    match what {
        types::MADE_BY_MACRO => {
            "calve looks into the `macro_rules!` of the workspace; what this one makes it cannot see, \
             so it cannot prove that nothing would be lost; write the type out to have it carried"
        }
        types::NOT_FOUND => "calve cannot prove that nothing would be lost",
        _ => "only data can be written down",
    }
}

/// The first thing in a type that cannot cross.
pub fn find(ty: &Type) -> Option<Reason> {
    match ty {
        // What it leads to says more than that it is exclusive.
        Type::Reference { mutable: true, to } => find(to).or(Some(EXCLUSIVE)),
        Type::Other(what, _) => Some((what, why_not_read(what))),
        Type::External { package, path, arguments, .. } => {
            let name = path.last().map(String::as_str).unwrap_or_default();
            if name == "PhantomData" {
                return None;
            }
            handle(package, name).or_else(|| arguments.iter().find_map(find))
        }
        _ => ty.children().into_iter().find_map(find),
    }
}

fn handle(package: &str, name: &str) -> Option<Reason> {
    match package {
        "std" | "core" | "alloc" => standard(name),
        "tokio" | "futures" | "futures-util" | "futures-core" | "futures-channel"
        | "tokio-stream" | "tokio-util" | "parking_lot" | "crossbeam-channel" | "flume" => {
            Some(CHANNEL)
        }
        "dashmap" | "arc-swap" => Some(SHARED),
        _ if DATABASES.contains(&package) => database(name),
        _ => None,
    }
}

fn standard(name: &str) -> Option<Reason> {
    Some(match name {
        "Rc" | "Weak" | "Cell" | "RefCell" | "Mutex" | "RwLock" | "OnceLock" | "OnceCell"
        | "LazyLock" => SHARED,
        "JoinHandle" | "Sender" | "SyncSender" | "Receiver" | "Condvar" | "Barrier" => CHANNEL,
        "File" | "TcpStream" | "TcpListener" | "UdpSocket" | "UnixStream" | "Child" => FILE,
        "Path" | "PathBuf" => PATH,
        "Instant" => INSTANT,
        _ => return None,
    })
}

fn database(name: &str) -> Option<Reason> {
    if name.ends_with("Transaction") {
        return Some(TRANSACTION);
    }
    let of_connection = ["Pool", "Connection", "Client", "Executor", "Acquire", "Conn"];
    of_connection.iter().any(|end| name.ends_with(end)).then_some(CONNECTION)
}

#[cfg(test)]
mod tests {
    use crate::analysis::code::Code;
    use crate::analysis::interface;
    use crate::diagnostic::Diagnostics;
    use crate::testing::Project;

    /// What is said of `async fn f(&self, a: {argument}) -> {result};`: the messages.
    fn said(argument: &str, result: &str) -> Vec<String> {
        let source = format!(
            "elsewhere::ids!(UserId, OrderId);\n\
             pub type Loop = Loop;\n\
             pub mod r#type {{ pub struct Kind; }}\n\
             #[async_trait]\n\
             pub trait Api {{ async fn f(&self, a: {argument}) -> {result}; }}"
        );
        let project = Project::new().foreign("sqlx").foreign("anyhow").member(
            "m",
            &["sqlx", "anyhow"],
            &[("src/lib.rs", &source)],
        );
        let workspace = project.load();
        let code = Code::new(&workspace);
        let root = code.root(code.library("m").unwrap());
        let mut diagnostics = Diagnostics::default();
        let api = root.items.iter().find(|i| i.name.as_deref() == Some("Api")).unwrap();
        interface::read_all(&code, &[api], api.id.root, &mut diagnostics);
        diagnostics.iter().map(|d| d.message.clone()).collect()
    }

    #[test]
    fn what_cannot_cross_is_called_by_its_name() {
        for (argument, what) in [
            ("&mut sqlx::Transaction<'_, sqlx::Postgres>", "a database transaction"),
            ("&sqlx::PgPool", "a database connection"),
            ("&mut u8", "a `&mut` reference"),
            ("&std::path::Path", "a path of the file system"),
            ("Vec<std::rc::Rc<u8>>", "shared memory"),
            ("std::sync::Arc<std::sync::Mutex<u8>>", "shared memory"),
            ("Option<UserId>", "a type that a macro defines"),
            ("Nowhere", "a type whose definition calve does not find"),
            ("Loop", "a type whose definition calve does not find"),
        ] {
            let expected = format!("`f` takes {what}, which cannot cross a network");
            assert_eq!(said(argument, "Result<(), String>"), [expected], "{argument}");
        }
        assert!(said("r#type::Kind", "Result<(), String>").is_empty());
    }

    #[test]
    fn an_alias_of_another_crate_for_result_is_a_result() {
        for result in ["anyhow::Result<u8>", "std::io::Result<u8>", "sqlx::Result<u8>"] {
            assert!(said("u8", result).is_empty(), "{result}");
        }
        assert_eq!(said("u8", "u8"), ["`f` cannot fail"]);
    }
}
