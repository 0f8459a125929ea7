//! Keys of the configuration that the monolith goes on reading although the service has them now.

use std::borrow::Cow;

use camino::Utf8Path;

use crate::changes::ChangeSet;
use crate::workspace::{Workspace, line_of};

/// The first place outside of `module` that reads a field of this name once `changes` are made: its file
/// and line, from 1. It goes by the name alone, whatever the type of what has the field.
pub fn first<'w>(
    workspace: &'w Workspace,
    module: &str,
    changes: &ChangeSet,
    field: &str,
) -> Option<(&'w Utf8Path, usize)> {
    let access = format!(".{field}");
    let declared = [format!("pub {field}:"), format!("pub(crate) {field}:")];
    let others = workspace.members.iter().filter(|member| member.name != module);
    let files = others.flat_map(|member| workspace.rust_files(member));
    files.filter(|(_, source)| source.text.contains(&access)).find_map(|(file, source)| {
        let text = match changes.get(file) {
            Some(change) => Cow::Owned(change.after()?),
            None => Cow::Borrowed(&*source.text),
        };
        // Where the configuration itself is declared and filled, nobody uses it yet.
        if declared.iter().any(|field| text.contains(field)) {
            return None;
        }
        let mut accesses = text.match_indices(&access);
        let (at, _) = accesses.find(|(at, _)| is_read(&text[at + access.len()..]))?;
        Some((file, line_of(&text, at)))
    })
}

/// Whether a field is read that is followed by `rest`: not a longer name, a call or an assignment.
fn is_read(rest: &str) -> bool {
    let longer = rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '(');
    let set = rest.trim_start().strip_prefix('=').is_some_and(|rest| !rest.starts_with('='));
    !longer && !set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_compared_is_read_and_one_that_is_set_is_not() {
        assert!(is_read(" == 3") && is_read(", 3)") && is_read(".max(3)"));
        assert!(!is_read(" = 3") && !is_read("_more") && !is_read("(3)"));
    }
}
