//! One dependency: added, changed or removed, in whichever of the five forms it is written.

use toml_edit::{Document, Item, TableLike, Value};

use super::draft::Draft;
use super::query::{Declared, DependencyKind, DependencyTable, declared};
use super::table::{self, Position};
use super::{DependencyChange, DependencyEdit, array, features, lines, place};
use crate::diagnostic::Result;
use crate::plan::{Dependency, Source};

/// Makes one change.
///
/// # Errors
/// When the dependency is not there or says something that does not go with the change.
pub(super) fn change(draft: &mut Draft<'_>, edit: &DependencyEdit) -> Result<()> {
    let document = draft.parse()?;
    let mut path = edit.table.path(document.as_table());
    path.push(edit.key.clone());
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let present = declared(document.as_table(), &edit.table, &edit.key);
    let target = Written { document: &document, path: &path };
    match (&edit.change, present) {
        (DependencyChange::Add(dependency), None) => {
            let (key, around) = path.split_last().expect("a path has a key");
            let item = dependency.item(prefers_dotted(target.around()));
            table::insert(draft, around, key, item, Position::Sorted)
        }
        (DependencyChange::Add(wanted), Some(present)) => {
            check_same_source(draft, &target, wanted, &present)?;
            add_features(draft, &target, &wanted.features)
        }
        (DependencyChange::Remove, None) => Ok(()),
        (DependencyChange::Remove, Some(_)) => remove(draft, &target),
        (_, None) => {
            let message = format!("there is no dependency `{}`", path.join("."));
            let span = target.around().and_then(|_| table::get(&document, &path[..path.len() - 1]));
            Err(draft.error("no-such-dependency", message, span.and_then(Item::span), ""))
        }
        (DependencyChange::DropDefaultFeatures { keep }, Some(present)) => {
            drop_default_features(draft, &target, &present)?;
            add_features(draft, &target, keep)
        }
        (DependencyChange::AddFeatures(wanted), Some(_)) => add_features(draft, &target, wanted),
        (DependencyChange::MakeOptional, Some(present)) => {
            if !present.optional {
                make_optional(draft, &target, &edit.table)?;
                features::weaken(draft, &edit.key)?;
            }
            Ok(())
        }
    }
}

/// A dependency in a document of the draft's present text.
struct Written<'d> {
    document: &'d Document<String>,
    path: &'d [&'d str],
}

impl<'d> Written<'d> {
    fn key(&self) -> &'d str {
        self.path[self.path.len() - 1]
    }

    fn around(&self) -> Option<&'d dyn TableLike> {
        table::get(self.document, &self.path[..self.path.len() - 1])?.as_table_like()
    }

    fn item(&self) -> Option<&'d Item> {
        table::get(self.document, self.path)
    }

    fn span(&self) -> Option<std::ops::Range<usize>> {
        table::extent(self.around()?, self.key())
    }
}

/// Whether the manifest writes `key.workspace = true` rather than `key = { workspace = true }`.
fn prefers_dotted(around: Option<&dyn TableLike>) -> bool {
    let entries = || around.into_iter().flat_map(|table| table.iter().map(|(_, item)| item));
    let inherits = |item: &Item| {
        item.as_table_like()
            .is_some_and(|table| table.len() == 1 && table.contains_key("workspace"))
    };
    let is_dotted = |item: &Item| item.as_table().is_some_and(|table| table.is_dotted());
    entries().any(is_dotted) || !entries().any(inherits)
}

/// A version requirement is met by any version and by inheritance: which one it is, is the
/// workspace's business.
fn check_same_source(
    draft: &Draft<'_>,
    target: &Written<'_>,
    wanted: &Dependency,
    present: &Declared,
) -> Result<()> {
    let same = wanted.package == present.package
        && match &wanted.source {
            Source::Workspace => present.inherits,
            Source::Version(_) => present.path.is_none() && !present.git,
            Source::Path { path, .. } => present.path.as_deref() == Some(path.as_str()),
        };
    let stricter = present.optional && !wanted.optional;
    if same && !stricter {
        return Ok(());
    }
    let key = target.key();
    let message = if same {
        format!("`{key}` is optional here and would be needed always")
    } else {
        format!("`{key}` is another dependency here")
    };
    let error = draft.error("dependency-exists", message, target.span(), "declared here");
    Err(error.help(format!("calve would write `{key} = {}`", wanted.value())).into())
}

fn add_features(draft: &mut Draft<'_>, target: &Written<'_>, wanted: &[String]) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let document = draft.parse()?;
    let target = Written { document: &document, path: target.path };
    match target.item().and_then(|item| item.get("features")) {
        Some(Item::Value(Value::Array(_))) => {
            let path = [target.path, &["features"]].concat();
            array::add(draft, |document| table::get(document, &path)?.as_array(), wanted)
        }
        Some(other) => {
            let message = format!("`features` of `{}` is not an array", target.key());
            Err(draft.error("invalid-manifest", message, other.span(), ""))
        }
        None => set(draft, &target, "features", Value::from_iter(wanted)),
    }
}

fn drop_default_features(
    draft: &mut Draft<'_>,
    target: &Written<'_>,
    present: &Declared,
) -> Result<()> {
    if present.inherits {
        let message = format!(
            "`{}` is inherited: only the workspace can drop default features",
            target.key()
        );
        let error = draft.error("inherited-dependency", message, target.span(), "inherited here");
        let help = "set `default-features = false` in `[workspace.dependencies]`";
        return Err(error.help(help).into());
    }
    let written = target.item().and_then(Item::as_table_like);
    let key = ["default-features", "default_features"]
        .into_iter()
        .find(|key| written.is_some_and(|table| table.contains_key(key)));
    replace_or_set(draft, target, key.unwrap_or("default-features"), false)
}

fn make_optional(
    draft: &mut Draft<'_>,
    target: &Written<'_>,
    table: &DependencyTable,
) -> Result<()> {
    if matches!(table.kind(), None | Some(DependencyKind::Dev)) {
        let message = format!("`{}` cannot be optional in `{}`", target.key(), target.path[0]);
        return Err(draft.error("never-optional", message, target.span(), ""));
    }
    replace_or_set(draft, target, "optional", true)
}

fn replace_or_set(
    draft: &mut Draft<'_>,
    target: &Written<'_>,
    key: &str,
    flag: bool,
) -> Result<()> {
    match target.item().and_then(|item| item.get(key)) {
        Some(written) if written.as_bool() == Some(flag) => Ok(()),
        Some(written) => {
            let span = written.span().expect("parsed values have spans");
            draft.splice(span, &Value::from(flag).to_string());
            Ok(())
        }
        None => set(draft, target, key, flag.into()),
    }
}

/// Adds `key = value` to what is said of the dependency. A bare version and a lone dotted key
/// become an inline table around what stands there.
fn set(draft: &mut Draft<'_>, target: &Written<'_>, key: &str, value: Value) -> Result<()> {
    match target.item() {
        Some(Item::Value(Value::String(version))) => {
            let span = version.span().expect("parsed values have spans");
            draft.insert(span.end, &format!(", {key} = {value} }}"));
            draft.insert(span.start, "{ version = ");
            Ok(())
        }
        Some(item) => match lone_dotted_key(item, target) {
            Some((between, end)) => {
                draft.insert(end, &format!(", {key} = {value} }}"));
                draft.splice(between, " = { ");
                Ok(())
            }
            None => table::insert(draft, target.path, key, Item::Value(value), Position::Last),
        },
        None => unreachable!("the dependency was found"),
    }
}

/// For `serde.workspace = true`: the range between the two keys, and the end of the value.
fn lone_dotted_key(item: &Item, target: &Written<'_>) -> Option<(std::ops::Range<usize>, usize)> {
    let table = item.as_table_like().filter(|table| table.is_dotted() && table.len() == 1)?;
    let (inner, value) = table.iter().next()?;
    let end = value.as_value()?.span()?.end;
    let start = target.around()?.key(target.key())?.span()?.end;
    Some((start..table.key(inner)?.span()?.start, end))
}

/// Takes the lines of the dependency away. Comments above it stay, since they may be about the
/// lines that follow as well.
fn remove(draft: &mut Draft<'_>, target: &Written<'_>) -> Result<()> {
    let key = target.key().to_owned();
    let (Some(item), Some(around), Some(span)) = (target.item(), target.around(), target.span())
    else {
        unreachable!("the dependency was found");
    };
    if table::is_section(item) {
        let range = place::whole_section(draft, target.document, &span);
        draft.splice(range, "");
    } else if lines::is_first(draft.text(), span.start) {
        let text = draft.text();
        let mut ranges = table::line_spans(around, &key);
        ranges.sort_by_key(|range| range.start);
        let ranges: Vec<_> = ranges
            .into_iter()
            .map(|range| {
                let end = lines::after_eol(text, lines::end(text, range.end));
                lines::start(text, range.start)..end
            })
            .collect();
        for range in ranges.into_iter().rev() {
            draft.splice(range, "");
        }
    } else {
        let message = format!("`{key}` shares its line with others");
        return Err(draft.error("unusual-manifest", message, Some(span), ""));
    }
    features::check_removed(draft, &key)
}
