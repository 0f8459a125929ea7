//! The crates that the fixed files need, with the oldest versions that have what they use.

/// A crate that fixed files need: name, oldest version that has what they use, whether with default
/// features, features.
pub(super) type Fixed = (&'static str, &'static str, bool, &'static [&'static str]);

/// Besides the module (`wire`), sqlx (`migrate`, with [`WireSqlxError`]) and what signatures name.
pub(super) const WIRE: &[Fixed] = &[("serde", "1.0", true, &["derive"])];

/// Where an `Arc` crosses.
pub(super) const WIRE_SHARED: &[Fixed] = &[("serde", "1.0", true, &["derive", "rc"])];

/// Where a type needs an encoding: combines those of the wire crate along a type.
pub(super) const WIRE_ENCODED: &[Fixed] = &[("serde_with", "3.14", false, &["std"])];

/// Where bytes cross.
pub(super) const WIRE_BYTES: &[Fixed] = &[("serde_with", "3.14", false, &["base64", "std"])];

/// For the wire crate's unit tests, which [`WireSqlxError`] and encodings bring.
pub(super) const WIRE_DEV: &[Fixed] = &[("serde_json", "1.0", true, &[])];

/// Besides the module (`wire`), the wire crate, async-trait if the trait is one, and what signatures
/// name.
pub(super) const CLIENT: &[Fixed] = &[
    ("http-body-util", "0.1.2", true, &[]),
    ("hyper", "1.4", false, &[]),
    ("hyper-util", "0.1.15", false, &["client-legacy", "http1", "tokio"]),
    ("serde_json", "1.0", true, &[]),
    ("tokio", "1.40", false, &["time"]),
    ("uuid", "1.10", true, &["v4"]),
];

/// What a client with calls that block needs besides: a runtime of its own.
pub(super) const CLIENT_BLOCKING: &[Fixed] = &[("tokio", "1.40", false, &["rt-multi-thread"])];

/// For the client's unit tests.
pub(super) const CLIENT_DEV: &[Fixed] = &[
    ("serde", "1.0", true, &["derive"]),
    ("tokio", "1.40", false, &["io-util", "macros", "net", "rt", "sync"]),
];

/// Besides the module (`implementation`, `wire`), the wire crate, and with a database sqlx (`macros`,
/// `migrate`, the module's runtime and driver).
pub(super) const SERVICE: &[Fixed] = &[
    ("anyhow", "1.0", true, &[]),
    ("axum", "0.8.4", false, &[]),
    ("clap", "4.5", true, &["derive", "env"]),
    ("http-body-util", "0.1.2", true, &[]),
    ("hyper", "1.4", false, &["http1", "server"]),
    ("hyper-util", "0.1.15", false, &["http1", "server-graceful", "service", "tokio"]),
    ("serde", "1.0", true, &["derive"]),
    ("serde_json", "1.0", true, &[]),
    ("subtle", "2.6", true, &[]),
    ("tokio", "1.40", false, &["macros", "net", "rt-multi-thread", "signal", "time"]),
    ("tokio-util", "0.7.11", true, &["rt"]),
    ("tracing", "0.1.40", false, &["std"]),
    ("tracing-subscriber", "0.3.18", false, &["fmt", "json", "registry", "std"]),
    ("uuid", "1.10", true, &["v4"]),
];

/// Besides the client, and what the recorder's signatures name (async-trait, chrono, sqlx, …).
pub(super) const SERVICE_DEV: &[Fixed] = &[("tokio", "1.40", false, &["io-util"])];
