//! Comments and doc links that the cut makes stale: they name what is gated or gone.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::code::{Code, ItemKind, Visibility};
use super::composition::Composition;
use super::contract::Contract;
use super::module::Module;
use crate::workspace::has_word;

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

/// Comments in the contract's files and at the composition roots that name the implementation.
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
    let mut found = BTreeSet::new();
    for file in contract_files.into_iter().chain(root_files) {
        let Some(source) = code.source(file) else { continue };
        for (number, line) in source.text.lines().enumerate() {
            let Some((_, comment)) = line.split_once("//") else { continue };
            for renamed in composition.renamed.iter().filter(|r| r.file == file) {
                let Some((old, new)) = &renamed.bound else { continue };
                if has_word(comment, old) {
                    found.insert(StaleComment {
                        file: file.to_owned(),
                        line: number + 1,
                        name: old.clone(),
                        doc_link: false,
                        now: Some(new.clone()),
                    });
                }
            }
            for name in gone.iter().filter(|name| has_word(comment, name)) {
                let doc = comment.starts_with('/') || comment.starts_with('!');
                let link = comment.contains(&format!("[`{name}`]"))
                    || comment.contains(&format!("[{name}]"))
                    || comment.contains(&format!("::{name})"));
                found.insert(StaleComment {
                    file: file.to_owned(),
                    line: number + 1,
                    name: name.clone(),
                    doc_link: doc && link,
                    now: None,
                });
            }
        }
    }
    found.into_iter().collect()
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
