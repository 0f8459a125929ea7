//! What a text must look like where a template puts it.

use std::fmt::Display;

use askama::{Result, Values};

/// A Rust string literal, quotes included.
#[askama::filter_fn]
pub(super) fn rust_string(text: impl Display, _: &dyn Values) -> Result<String> {
    Ok(format!("{:?}", text.to_string()))
}

/// Inside a cell of a Markdown table.
#[askama::filter_fn]
pub(super) fn cell(text: impl Display, _: &dyn Values) -> Result<String> {
    Ok(text.to_string().replace('|', r"\|"))
}

/// A value in an `.env` file: quoted where it would be cut or expanded.
#[askama::filter_fn]
pub(super) fn env_value(text: impl Display, _: &dyn Values) -> Result<String> {
    let text = text.to_string();
    let plain = |c: char| c.is_alphanumeric() || "-_./:,;=?&%+@~".contains(c);
    if text.chars().all(plain) {
        return Ok(text);
    }
    Ok(format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'")))
}
