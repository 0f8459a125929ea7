//! `[workspace] members`: one more member, unless a pattern covers it already.

use camino::Utf8Path;
use glob::{MatchOptions, Pattern};
use toml_edit::{Array, Document, Item, Value};

use super::draft::Draft;
use super::table::{self, Position};
use super::{MemberToAdd, array};
use crate::diagnostic::{Diagnostics, Result};

const MEMBERS: [&str; 2] = ["workspace", "members"];
const EXCLUDE: [&str; 2] = ["workspace", "exclude"];

/// Adds `member` to the workspace. Where `exclude` covers it, it is named in full, which cargo
/// ranks above `exclude`, and a warning says so.
///
/// # Errors
/// When `members` is not an array.
pub(super) fn add(
    draft: &mut Draft<'_>,
    member: &MemberToAdd,
    diagnostics: &mut Diagnostics,
) -> Result<()> {
    let document = draft.parse()?;
    let listed = strings(&document, &MEMBERS);
    if listed.iter().any(|listed| normal(listed) == normal(member.path.as_str())) {
        return Ok(());
    }
    let excluded = strings(&document, &EXCLUDE)
        .iter()
        .any(|folder| Utf8Path::new(normal(member.path.as_str())).starts_with(normal(folder)));
    if excluded {
        let span = table::get(&document, &EXCLUDE).and_then(Item::span);
        let message = format!("`{}` lies in a folder that the workspace excludes", member.path);
        diagnostics.push(
            draft
                .warning("member-excluded", message, span, "excluded here")
                .note("It is named in `members`, which cargo ranks above `exclude`."),
        );
    } else if listed.iter().any(|pattern| covers(pattern, &member.path)) {
        return Ok(());
    }
    match table::get(&document, &MEMBERS) {
        Some(Item::Value(Value::Array(list))) => {
            let after = member.after.as_ref().and_then(|after| {
                listed.iter().find(|listed| normal(listed) == normal(after.as_str()))
            });
            array::insert(draft, list, member.path.as_str(), after.map(String::as_str));
        }
        Some(other) => {
            let what = "`workspace.members` is not an array";
            return Err(draft.error("invalid-manifest", what, other.span(), ""));
        }
        None => {
            let members = Array::from_iter([member.path.as_str()]);
            let item = Item::Value(members.into());
            table::insert(draft, &MEMBERS[..1], MEMBERS[1], item, Position::First)?;
        }
    }
    Ok(())
}

/// As cargo reads patterns: with the same crate, `*` staying inside one folder.
fn covers(pattern: &str, path: &Utf8Path) -> bool {
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
    Pattern::new(normal(pattern))
        .is_ok_and(|pattern| pattern.matches_with(normal(path.as_str()), options))
}

fn strings(document: &Document<String>, path: &[&str]) -> Vec<String> {
    let array = table::get(document, path).and_then(Item::as_array);
    let items = array.into_iter().flatten().filter_map(Value::as_str);
    items.map(str::to_owned).collect()
}

fn normal(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path).trim_end_matches('/')
}
