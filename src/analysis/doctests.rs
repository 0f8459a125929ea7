//! Examples in documentation: code that syn sees as a text, and that `cargo test` compiles with the
//! dev-dependencies of its crate.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use camino::Utf8Path;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;

use super::code::{Code, ItemId, ItemKind, Visibility};
use super::included::path_of;
use crate::workspace::{Member, Source, Workspace};

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
        let docs = Docs { workspace: code.workspace, member };
        for (file, source) in code.workspace.rust_files(member) {
            // Most files are done with here.
            let may_name = |text: &str| crates.iter().any(|name| text.contains(name));
            if !may_name(&source.text) && !source.text.contains("include_str!") {
                continue;
            }
            let names = |(_, example): &(Range<usize>, String)| {
                let idents = example.parse().map_or_else(|_| words(example), idents);
                idents.iter().any(|i| crates.contains(i))
                    && idents.iter().any(|i| behind.contains(i))
            };
            let examples = docs.of(file, source).into_iter().flat_map(|lines| examples(&lines));
            if let Some((line, _)) = examples.into_iter().find(names) {
                found.push(Example { member, file, line });
            }
        }
    }
    found
}

/// A line of documentation: where it is written, and what it says.
type Line = (Range<usize>, String);

/// What a package's files say of its items.
struct Docs<'w> {
    workspace: &'w Workspace,
    member: &'w Member,
}

impl Docs<'_> {
    /// The documentation in a file, item by item, in whatever form it is written; none if it is not Rust.
    fn of(&self, file: &Utf8Path, source: &Source) -> Vec<Vec<Line>> {
        let mut all = Vec::new();
        if let Ok(ast) = source.ast() {
            self.read(ast.to_token_stream(), (file, source), &mut all);
        }
        all
    }

    fn read(&self, tokens: TokenStream, at: (&Utf8Path, &Source), all: &mut Vec<Vec<Line>>) {
        let mut tokens = tokens.into_iter().peekable();
        let mut lines = Vec::new();
        while let Some(token) = tokens.next() {
            if matches!(&token, TokenTree::Punct(mark) if mark.as_char() == '#') {
                tokens.next_if(|next| matches!(next, TokenTree::Punct(p) if p.as_char() == '!'));
                if let Some(TokenTree::Group(attribute)) = tokens.peek() {
                    if let Ok(meta) = syn::parse2::<syn::Meta>(attribute.stream()) {
                        self.attribute(&meta, attribute.span(), at, &mut lines);
                    }
                    tokens.next();
                    continue;
                }
            }
            // The attributes of an item end here.
            all.extend(Some(std::mem::take(&mut lines)).filter(|lines| !lines.is_empty()));
            if let TokenTree::Group(group) = token {
                self.read(group.stream(), at, all);
            }
        }
        all.extend(Some(lines).filter(|lines| !lines.is_empty()));
    }

    /// `doc = "…"`, which comments are as well, `doc = include_str!("…")`, or either in a `cfg_attr`.
    fn attribute(
        &self,
        meta: &syn::Meta,
        span: Span,
        at: (&Utf8Path, &Source),
        lines: &mut Vec<Line>,
    ) {
        let (file, source) = at;
        match meta {
            syn::Meta::List(list) if list.path.is_ident("cfg_attr") => {
                let parse = Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
                let inner = list.parse_args_with(parse);
                for meta in inner.iter().flatten().skip(1) {
                    self.attribute(meta, span, at, lines);
                }
            }
            syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
                    lines.extend(written(source, source.range(span), &text.value()));
                }
                syn::Expr::Macro(call) if call.mac.path.is_ident("include_str") => {
                    let range = source.range_of(meta);
                    let text = self.included(file, call.mac.tokens.clone());
                    let text = text.iter().flat_map(|text| text.lines());
                    lines.extend(text.map(|line| (range.clone(), line.to_owned())));
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// The text of the file that `include_str!` names.
    fn included(&self, file: &Utf8Path, arguments: TokenStream) -> Option<Arc<str>> {
        let (path, beside_manifest) = path_of(arguments)?;
        let from = if beside_manifest { self.member.dir.as_path() } else { file.parent()? };
        Some(self.workspace.read_from(from, Utf8Path::new(&path))?.1)
    }
}

/// The lines of a text of documentation, each with its place: in a block comment its own.
fn written(source: &Source, range: Range<usize>, text: &str) -> Vec<Line> {
    let code = &source.text[range.clone()];
    if !code.starts_with("/*") {
        return text.lines().map(|line| (range.clone(), line.to_owned())).collect();
    }
    let mut at = range.start;
    let places = code.split_inclusive('\n').map(|line| {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        start..start + line.trim().len()
    });
    let starred =
        text.lines().skip(1).all(|line| line.trim().is_empty() || line.trim().starts_with('*'));
    let plain = |line: &str| match line.trim_start().strip_prefix('*') {
        Some(rest) if starred => rest.to_owned(),
        _ => line.to_owned(),
    };
    places.zip(text.lines().map(plain)).collect()
}

/// The Rust code blocks in the documentation of an item, each with the place of the line that opens it.
fn examples(lines: &[Line]) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let mut open: Option<(bool, Range<usize>, String)> = None;
    for (place, line) in lines {
        let line = line.trim();
        if let Some(info) = line.strip_prefix("```").or_else(|| line.strip_prefix("~~~")) {
            match open.take() {
                Some((true, opened, code)) => found.push((opened, code)),
                Some((false, ..)) => {}
                None => open = Some((is_compiled(info), place.clone(), String::new())),
            }
        } else if let Some((_, _, code)) = &mut open {
            // `# use …;` is compiled and not shown.
            code.push_str(line.strip_prefix("# ").unwrap_or(line));
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
    use crate::testing::Project;

    #[test]
    fn blocks_that_rustdoc_compiles_are_found() {
        let text = "//! ```\n//! # use a::B;\n//! b();\n//! ```\n\n/// ```text\n/// c();\n/// ```\n    \
                    /// ```rust,no_run\n    /// d();\n    /// ```\nfn a() {}\n\
                    /** One.\n * ```\n * e();\n * ```\n */\nfn f() {}\n\
                    #[doc = \"```\\nf();\\n```\"]\nfn g() {}\n\
                    /// ```\n/// g();\n#[inline]\n/// ```\nfn h() {}\n\
                    macro_rules! m { () => { /// ```\n/// h();\n/// ```\nfn i() {} } }\n\
                    /// ```\n/// open();\nfn j() {}\n\
                    #[cfg_attr(doctest, doc = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/A.md\")))]\n\
                    fn k() {}\n";
        let files = [("src/lib.rs", text), ("A.md", "# A\n\n```\nk();\n```\n")];
        let project = Project::new().member("app", &[], &files);
        let workspace = project.load();
        let member = workspace.member("app").unwrap();
        let (file, source) = workspace.rust_files(member).next().unwrap();
        let docs = Docs { workspace: &workspace, member }.of(file, source);
        let found: Vec<_> = docs.iter().flat_map(|lines| examples(lines)).collect();
        let shown: Vec<_> =
            found.iter().map(|(place, code)| (&text[place.clone()], code.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("//! ```", "use a::B;\nb();\n"),
                ("/// ```rust,no_run", "d();\n"),
                ("* ```", "e();\n"),
                ("[doc = \"```\\nf();\\n```\"]", "f();\n"),
                ("/// ```", "g();\n"),
                ("/// ```", "h();\n"),
                ("doc = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/A.md\"))", "k();\n"),
            ]
        );
    }
}
