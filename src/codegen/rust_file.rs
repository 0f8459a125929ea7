//! A generated Rust file: a head line, its `use` items, its items with a blank line between them.

use proc_macro2::{Ident, TokenStream};

use super::scribe::Scribe;
use crate::diagnostic::{Diagnostic, Result};

/// A file while it is written.
pub(super) struct RustFile {
    head: String,
    preamble: String,
    parts: Vec<String>,
}

impl RustFile {
    /// `head` becomes the `//!` lines.
    pub(super) fn new(head: &str) -> Self {
        Self { head: comment("//!", head), preamble: String::new(), parts: Vec::new() }
    }

    /// What stands between the head and the `use` items: inner attributes, `mod` declarations.
    pub(super) fn preamble(&mut self, text: &str) {
        text.clone_into(&mut self.preamble);
    }

    /// Adds an item.
    pub(super) fn item(&mut self, tokens: TokenStream) -> Result<()> {
        self.commented("", tokens)
    }

    /// Adds an item with a comment above it that is not documentation.
    pub(super) fn commented(&mut self, remark: &str, tokens: TokenStream) -> Result<()> {
        let text = tokens.to_string();
        let file: syn::File = syn::parse2(tokens).map_err(|error| {
            Diagnostic::error("codegen", format!("calve wrote Rust that does not parse: {error}"))
                .note(text)
                .help("this is a defect of calve; please report it")
        })?;
        let printed = spaced(prettyplease::unparse(&file).trim_end());
        self.parts.push(if remark.is_empty() {
            printed
        } else {
            format!("{}{printed}", comment("//", remark))
        });
        Ok(())
    }

    /// The whole text.
    pub(super) fn finish(self, scribe: &Scribe<'_, '_>) -> String {
        let mut sections = vec![self.head.trim_end().to_owned()];
        if !self.preamble.is_empty() {
            sections.push(self.preamble);
        }
        let uses = scribe.uses();
        if !uses.is_empty() {
            sections.push(uses.trim_end().to_owned());
        }
        sections.extend(self.parts);
        sections.join("\n\n") + "\n"
    }
}

/// Doc attributes that print as `///` lines, wrapped.
pub(super) fn docs(text: &str) -> TokenStream {
    wrap(text, 96)
        .into_iter()
        .map(|line| {
            let line = if line.is_empty() { line } else { format!(" {line}") };
            quote::quote!(#[doc = #line])
        })
        .collect()
}

/// `Debug` of a type that shows its name only: what it holds may be a secret, or have no `Debug`.
pub(super) fn debug_by_name(name: &Ident, any: Option<&TokenStream>) -> TokenStream {
    let shown = name.to_string();
    quote::quote! {
        impl std::fmt::Debug for #name #any {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(#shown).finish_non_exhaustive()
            }
        }
    }
}

fn comment(marker: &str, text: &str) -> String {
    wrap(text, 96)
        .into_iter()
        .map(
            |line| {
                if line.is_empty() { format!("{marker}\n") } else { format!("{marker} {line}\n") }
            },
        )
        .collect()
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    textwrap::wrap(text, textwrap::Options::new(width).break_words(false))
        .into_iter()
        .map(Into::into)
        .collect()
}

/// Puts a blank line between the members of impls and traits, and between top-level items, where
/// prettyplease writes none.
fn spaced(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        if let Some(last) = lines.last() {
            let member = *last == "    }" && line.starts_with("    ") && !line.starts_with("    }");
            let item = *last == "}" && !line.is_empty();
            if member || item {
                lines.push("");
            }
        }
        lines.push(line);
    }
    lines.join("\n")
}
