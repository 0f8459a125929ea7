//! The texts in code that may be SQL: its string literals, and the files that macros put in their place.

use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::foreign_sql::is_test_attribute;
use crate::analysis::included::{path_of, text_of};
use crate::analysis::sql::{Mention, mentions, mentions_in_sql};
use crate::workspace::{Member, Source, Workspace};

/// sqlx's macros that take the name of a file, which they look for beside the manifest.
const QUERY_FILES: [&str; 6] = [
    "query_file",
    "query_file_as",
    "query_file_as_unchecked",
    "query_file_scalar",
    "query_file_scalar_unchecked",
    "query_file_unchecked",
];

/// A text in code.
pub(super) struct Text {
    /// What it says.
    pub(super) value: String,
    /// The literal, or the macro call that puts a file here.
    pub(super) range: Range<usize>,
    /// That file, relative to the workspace root.
    pub(super) included: Option<Utf8PathBuf>,
    /// Whether it exists only in tests.
    pub(super) dev: bool,
}

impl Text {
    /// The tables of `tables` that it names, if it is SQL.
    pub(super) fn mentions(&self, tables: &[&str]) -> Vec<Mention> {
        match self.included {
            Some(_) => mentions_in_sql(&self.value, tables),
            None => mentions(&self.value, tables),
        }
    }
}

/// Whether a file of code, in lower case, may put other files into its texts.
pub(super) fn may_include(code: &str) -> bool {
    code.contains("include_str!") || code.contains("query_file")
}

/// A file of code, whose texts are read.
#[derive(Clone, Copy)]
pub(super) struct File<'w> {
    pub(super) workspace: &'w Workspace,
    /// The package that it belongs to.
    pub(super) member: &'w Member,
    /// Its path, relative to the workspace root.
    pub(super) path: &'w Utf8Path,
    pub(super) source: &'w Source,
}

impl File<'_> {
    /// Calls `each` for every text in an item, macro calls included; attributes and doc comments are left
    /// out. `dev` says whether the item exists only in tests.
    pub(super) fn texts(self, item: TokenStream, dev: bool, each: &mut dyn FnMut(Text)) {
        let tokens: Vec<TokenTree> = item.into_iter().collect();
        let mut dev_next = dev;
        let mut rest = tokens.as_slice();
        while let Some((token, behind)) = rest.split_first() {
            rest = behind;
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    if let [TokenTree::Punct(bang), inner @ ..] = rest
                        && bang.as_char() == '!'
                    {
                        rest = inner;
                    }
                    if let [TokenTree::Group(group), behind @ ..] = rest
                        && group.delimiter() == Delimiter::Bracket
                    {
                        // `#[cfg(test)] mod tests { … }`: until its braces close.
                        dev_next |= is_test_attribute(&group.stream().to_string());
                        rest = behind;
                    }
                }
                TokenTree::Group(group) => {
                    self.texts(group.stream(), dev_next, each);
                    if group.delimiter() == Delimiter::Brace {
                        dev_next = dev;
                    }
                }
                TokenTree::Literal(literal) => {
                    if let Some(value) = text_of(literal) {
                        let range = self.source.range(literal.span());
                        each(Text { value, range, included: None, dev: dev_next });
                    }
                }
                TokenTree::Punct(mark) if mark.as_char() == ';' => dev_next = dev,
                TokenTree::Ident(name) => {
                    if let [TokenTree::Punct(bang), TokenTree::Group(arguments), ..] = rest
                        && bang.as_char() == '!'
                        && let Some((path, value)) = self.included(name, &arguments.stream())
                    {
                        let start = self.source.range(name.span()).start;
                        let range = start..self.source.range(arguments.span()).end;
                        each(Text { value, range, included: Some(path), dev: dev_next });
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// The file of SQL that a macro call puts here, and its text; none if it is not below the root.
    fn included(self, name: &Ident, arguments: &TokenStream) -> Option<(Utf8PathBuf, String)> {
        let name = name.to_string();
        let of_sqlx = QUERY_FILES.contains(&name.as_str());
        if !of_sqlx && name != "include_str" {
            return None;
        }
        let (path, beside_manifest) = path_of(arguments.clone())?;
        if !of_sqlx && !path.ends_with(".sql") {
            return None;
        }
        let from = match of_sqlx || beside_manifest {
            true => self.member.dir.as_path(),
            false => self.path.parent()?,
        };
        let (path, text) = self.workspace.read_from(from, Utf8Path::new(&path))?;
        Some((path, text.to_string()))
    }
}
