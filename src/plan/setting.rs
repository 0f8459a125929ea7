//! A scalar that the implementation is constructed with: a flag and environment variable of the
//! service.

/// One setting of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The field of `ModuleSettings`: `low_stock`.
    pub name: String,
    /// The environment variable: `INVENTORY_LOW_STOCK`.
    pub env: String,
    /// The flag without dashes: `low-stock`.
    pub flag: String,
    /// The Rust type, `FromStr` and displayable by clap: `u32`, `Seconds`, `Option<String>`.
    pub kind: String,
    /// How `--help` calls the value: `COUNT`.
    pub value_name: String,
    /// As it would be typed; without one the flag is required unless the type is an `Option`.
    pub default: Option<String>,
    /// One sentence with its full stop; clap drops it.
    pub help: String,
}

impl Setting {
    /// Whether it is a text, which may be a secret: its value is shown nowhere.
    pub fn is_text(&self) -> bool {
        self.kind.contains("String")
    }
}
