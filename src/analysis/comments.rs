//! Comments and doc links that the cut makes stale: they name what is gated or gone.

use std::collections::BTreeSet;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};

use super::code::{Code, ItemKind, Visibility, is_test_only};
use super::composition::Composition;
use super::contract::Contract;
use super::module::Module;
use crate::workspace::{Dependency, Source, has_word, line_of};

/// A comment line that somebody should read again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StaleComment {
    /// The file, relative to the workspace root.
    pub file: Utf8PathBuf,
    /// Its line, counted from 1.
    pub line: usize,
    /// The name that it mentions.
    pub name: String,
    /// Whether it is a doc link, of which rustdoc warns without the implementation.
    pub doc_link: bool,
    /// What is called so afterwards, where it is a binding that was renamed.
    pub now: Option<String>,
}

/// Comments in the contract's files and at the composition roots that name the implementation, and in
/// other files of crates that use the module, those that name it for certain.
pub fn stale(
    code: &Code<'_>,
    module: &Module<'_>,
    composition: &Composition<'_>,
) -> Vec<StaleComment> {
    let root = code.root(module.library);
    let gone = gated_names(code, module, &module.contract);
    let contract_files: BTreeSet<&Utf8Path> = module
        .contract
        .kept
        .iter()
        .map(|id| code.item(*id).file)
        .chain([root.target.root.as_path()])
        // An adapter's crate goes to the service as it is.
        .filter(|_| !module.is_adapter())
        .collect();
    let root_files: BTreeSet<&Utf8Path> = composition
        .roots
        .iter()
        .map(|r| r.file)
        .chain(composition.types.iter().map(|t| t.file))
        .collect();
    let near: BTreeSet<&Utf8Path> = contract_files.union(&root_files).copied().collect();
    let mut found = BTreeSet::new();
    for file in &near {
        let Some(source) = code.source(file) else { continue };
        for comment in comments(source) {
            let renamed = composition.renamed.iter().filter(|r| r.file == *file);
            for (old, new) in renamed.filter_map(|renamed| renamed.bound.as_ref()) {
                if has_word(comment.text, old) {
                    found.insert(comment.naming(file, old, Some(new)));
                }
            }
            let named = gone.iter().filter(|name| has_word(comment.text, name));
            found.extend(named.map(|name| comment.naming(file, name, None)));
        }
    }
    let own: BTreeSet<String> = module
        .implementations()
        .into_iter()
        .filter_map(|implementation| implementation.name.clone())
        .collect();
    for (member, entries) in code.workspace.dependents(&module.member.name) {
        let crates: Vec<String> = entries.into_iter().map(Dependency::ident).collect();
        let files = code.workspace.rust_files(member);
        let files = files.filter(|(file, _)| !member.is_dev_file(file) && !near.contains(file));
        for (file, source) in files.filter(|(_, s)| gone.iter().any(|name| s.text.contains(name))) {
            for comment in comments(source) {
                let is_meant = |name: &&String| {
                    own.contains(*name) || crates.iter().any(|of| comment.names_in(of, name))
                };
                let named = gone.iter().filter(|name| has_word(comment.text, name));
                found.extend(named.filter(is_meant).map(|name| comment.naming(file, name, None)));
            }
        }
    }
    found.into_iter().collect()
}

/// A line of a comment.
struct Comment<'a> {
    /// Its number in the file, from 1.
    line: usize,
    text: &'a str,
    is_documentation: bool,
}

/// The comments of a file outside of its tests, line by line.
fn comments(source: &Source) -> Vec<Comment<'_>> {
    let items = source.ast().map(|file| file.items.as_slice()).unwrap_or_default();
    let of_tests =
        |item: &&syn::Item| matches!(item, syn::Item::Mod(m) if m.attrs.iter().any(is_test_only));
    let tests: Vec<Range<usize>> =
        items.iter().filter(of_tests).map(|item| source.range_of(item)).collect();
    let mut found = Vec::new();
    let is_code = |range: &Range<usize>| !tests.iter().any(|test| test.contains(&range.start));
    for range in source.comments().into_iter().filter(is_code) {
        let first = line_of(&source.text, range.start);
        let mut is_documentation = false;
        for (at, text) in source.text[range].lines().enumerate() {
            let begins = text.trim_start();
            if begins.starts_with("//") || begins.starts_with("/*") {
                is_documentation =
                    ["///", "//!", "/**", "/*!"].iter().any(|mark| begins.starts_with(mark));
            }
            found.push(Comment { line: first + at, text, is_documentation });
        }
    }
    found
}

impl Comment<'_> {
    fn naming(&self, file: &Utf8Path, name: &str, now: Option<&String>) -> StaleComment {
        let ends = [format!("[{name}]"), format!("::{name})"), format!("::{name}]")];
        let plain = self.text.replace('`', "");
        let is_link = ends.iter().any(|link| plain.contains(link));
        StaleComment {
            file: file.to_owned(),
            line: self.line,
            name: name.to_owned(),
            doc_link: self.is_documentation && is_link && now.is_none(),
            now: now.cloned(),
        }
    }

    /// Whether it spells `krate::…::name`.
    fn names_in(&self, krate: &str, name: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        self.text.split(|c| !is_part(c)).any(|path| {
            let mut names = path.split("::");
            names.next() == Some(krate) && names.any(|part| part == name)
        })
    }
}

/// The public names of the module that are not contract.
fn gated_names(code: &Code<'_>, module: &Module<'_>, contract: &Contract) -> BTreeSet<String> {
    code.root(module.library)
        .items
        .iter()
        .filter(|i| !i.test_only && i.visibility == Visibility::Public)
        .filter(|i| !matches!(i.kind, ItemKind::Module | ItemKind::Use | ItemKind::Impl))
        .filter(|i| !contract.kept.contains(&i.id))
        .filter(|i| !module.is_adapter() || contract.implementations.contains(&i.id))
        .filter_map(|i| i.name.clone())
        // A word such as `migrate` or `new` in prose is no name; a type's is.
        .filter(|name| name.starts_with(|c: char| c.is_uppercase()))
        .collect()
}
