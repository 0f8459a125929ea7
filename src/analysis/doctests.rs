//! Examples in documentation: code that syn sees as text, and that `cargo test` compiles with the
//! dev-dependencies of its crate.

use std::collections::BTreeSet;
use std::ops::Range;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use proc_macro2::{TokenStream, TokenTree};

use super::code::{Code, ItemId, ItemKind, Visibility};

use crate::workspace::Member;

/// A file whose examples name something of the module that is not contract.
#[derive(Debug, Clone)]
pub struct Example<'w> {
    /// The package whose library it belongs to.
    pub member: &'w Member,
    /// The file.
    pub file: &'w Utf8Path,
    /// The example's first line.
    pub line: Range<usize>,
}

/// The files of libraries around the module whose examples name the module and one of its public items
/// outside of `kept`.
pub fn naming<'w>(code: &Code<'w>, library: usize, kept: &BTreeSet<ItemId>) -> Vec<Example<'w>> {
    let root = code.root(library);
    let package = root.member.name.clone();
    let behind: BTreeSet<String> = root
        .items
        .iter()
        .filter(|i| !i.test_only && i.visibility == Visibility::Public && !kept.contains(&i.id))
        .filter(|i| !matches!(i.kind, ItemKind::Module | ItemKind::Use | ItemKind::Impl))
        .filter_map(|i| i.name.clone())
        .collect();
    let mut found = Vec::new();
    for member in &code.workspace.members {
        let mut entries = member.dependencies.iter().filter(|d| d.package == package).peekable();
        // Only a library's examples are compiled.
        if member.lib().is_none() || member.name == package || entries.peek().is_none() {
            continue;
        }
        let mut crates: BTreeSet<String> = entries.map(|entry| entry.ident()).collect();
        crates.insert(root.member.ident());
        for (file, source) in code.workspace.rust_files(member) {
            // Most files are done with here.
            let may_name = |text: &str| crates.iter().any(|name| text.contains(name));
            if !may_name(&source.text) && included(&source.text).is_none() {
                continue;
            }
            let names = |(_, example): &(Range<usize>, String)| {
                let idents = example.parse().map_or_else(|_| words(example), idents);
                idents.iter().any(|i| crates.contains(i))
                    && idents.iter().any(|i| behind.contains(i))
            };
            let in_comments = examples(&source.text, documentation).into_iter().find(names);
            let line = in_comments.map(|(line, _)| line).or_else(|| {
                // `#![doc = include_str!("../README.md")]`
                let (attribute, path) = included(&source.text)?;
                let text = code.workspace.read(&normalized(&file.parent()?.join(path)))?;
                examples(&text, |line| Some(line)).iter().any(names).then_some(attribute)
            });
            if let Some(line) = line {
                found.push(Example { member, file, line });
            }
        }
    }
    found
}

/// The text of a line of documentation; none if it is another line.
fn documentation(line: &str) -> Option<&str> {
    let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

/// The file that is documentation of this one, and where that is said.
fn included(text: &str) -> Option<(Range<usize>, &str)> {
    const HEAD: &str = "doc = include_str!(\"";
    let start = text.find(HEAD)?;
    let path = start + HEAD.len();
    let end = path + text[path..].find('"')?;
    Some((start..end + 1, &text[path..end]))
}

fn normalized(path: &Utf8Path) -> Utf8PathBuf {
    let mut normal = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            Utf8Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// The Rust code blocks in a text, each with the line that opens it; `documentation` takes a line out of
/// its comment.
fn examples(
    text: &str,
    documentation: impl Fn(&str) -> Option<&str>,
) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let mut open: Option<(bool, Range<usize>, String)> = None;
    let mut at = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim();
        let start = at + whole.len() - whole.trim_start().len();
        at += whole.len();
        let Some(text) = documentation(line) else {
            // Documentation ends, and with it what was left open.
            open = None;
            continue;
        };
        let fence = text.trim_start();
        if let Some(info) = fence.strip_prefix("```").or_else(|| fence.strip_prefix("~~~")) {
            match open.take() {
                Some((true, opened, code)) => found.push((opened, code)),
                Some((false, ..)) => {}
                None => {
                    open = Some((is_compiled(info), start..start + line.len(), String::new()));
                }
            }
        } else if let Some((_, _, code)) = &mut open {
            // `# use …;` is compiled and not shown.
            code.push_str(text.trim_start().strip_prefix("# ").unwrap_or(text));
            code.push('\n');
        }
    }
    found
}

/// Whether rustdoc compiles a block with this info string.
fn is_compiled(info: &str) -> bool {
    info.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty()).all(|word| {
        matches!(word, "rust" | "should_panic" | "no_run" | "compile_fail" | "standalone_crate")
            || word.starts_with("edition")
    })
}

fn idents(tokens: TokenStream) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                found.insert(ident.to_string());
            }
            TokenTree::Group(group) => found.append(&mut idents(group.stream())),
            _ => {}
        }
    }
    found
}

/// The same of a text that is not Rust.
fn words(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !is_part(c)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_rustdoc_compiles_are_found() {
        let text = "//! ```\n//! # use a::B;\n//! b();\n//! ```\n\n/// ```text\n/// c();\n/// ```\n    \
                    /// ```rust,no_run\n    /// d();\n    /// ```\n/// ```\n/// open();\nfn f() {}\n";
        let found = examples(text, documentation);
        let code: Vec<&str> = found.iter().map(|(_, code)| code.as_str()).collect();
        assert_eq!(code, ["use a::B;\nb();\n", "d();\n"]);
        assert_eq!(&text[found[1].0.clone()], "/// ```rust,no_run");
        let plain = examples("# A\n\n```\ne();\n```\n", |line| Some(line));
        assert_eq!(plain[0].1, "e();\n");
        let attribute = included("#![doc = include_str!(\"../README.md\")]\n").unwrap();
        assert_eq!(attribute, (3..36, "../README.md"));
    }
}
