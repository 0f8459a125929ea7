//! Edits of the module's own sources, and of the crates that own types which cross: gates and wire
//! forms, beside the code they are about.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use camino::Utf8Path;

use crate::analysis::code::{Code, Item, Made};
use crate::analysis::contract::{Gate, IMPLEMENTATION};
use crate::analysis::module::Module;
use crate::analysis::wire::{self, Constructor, Form, WIRE};
use crate::changes::{ChangeSet, TextEdit};
use crate::diagnostic::Result;
use crate::workspace::Source;

/// Gates what lies outside of the contract.
///
/// # Errors
/// When two edits meet.
pub fn gate(code: &Code<'_>, module: &Module<'_>, changes: &mut ChangeSet) -> Result<()> {
    for gate in &module.contract.gates {
        let (file, edit): (&Utf8Path, _) = match gate {
            Gate::Item { file, at } => {
                let Some(text) = text_of(code, file) else { continue };
                (file, attribute(&text, *at, &format!("#[cfg(feature = \"{IMPLEMENTATION}\")]")))
            }
            Gate::Use { file, range, kept, gated } => {
                let Some(text) = text_of(code, file) else { continue };
                let (indent, end) = (indent_at(&text, range.start), line_end(&text));
                let cfg = format!("#[cfg(feature = \"{IMPLEMENTATION}\")]");
                let lines = format!("{kept}\n{cfg}\n{gated}");
                (file, TextEdit::replace(range.clone(), indented(&lines, indent, end)))
            }
            Gate::Derive { file, range, replacement } => {
                let Some(text) = text_of(code, file) else { continue };
                let (indent, end) = (indent_at(&text, range.start), line_end(&text));
                (file, TextEdit::replace(range.clone(), indented(replacement, indent, end)))
            }
        };
        if let Some(text) = text_of(code, file) {
            changes.edit(file, &text, vec![edit])?;
        }
    }
    Ok(())
}

/// Writes the wire form of each type beside the type.
///
/// # Errors
/// When two edits meet.
pub fn wire_forms(code: &Code<'_>, module: &Module<'_>, changes: &mut ChangeSet) -> Result<()> {
    let mut written = BTreeSet::new();
    // A macro makes several types by one derive.
    let mut written_in = BTreeSet::new();
    for (instance, form) in &module.wire.forms {
        // A generic type derives once, whatever its arguments are.
        if matches!(form, Form::Own | Form::Mirror(_)) || !written.insert(instance.id) {
            continue;
        }
        let item = code.item(instance.id);
        let present = wire::present(code, &item);
        let text = &item.source.text;
        let mut edits = Vec::new();
        match form {
            Form::Own | Form::Mirror(_) => {}
            Form::Derive { serialize, deserialize } => {
                let wanted = [
                    (*serialize && !present.serialize).then_some("serde::Serialize"),
                    (*deserialize && !present.deserialize).then_some("serde::Deserialize"),
                ];
                if let Some(made) = item.made {
                    if let Some((file, source, edit)) = derive_in_macro(&item, &made, &wanted)
                        && written_in.insert((file.to_owned(), edit.range.start))
                    {
                        changes.edit(file, &source.text, vec![edit])?;
                    }
                    continue;
                }
                edits.extend(derive(&item, &wanted));
            }
            Form::Guarded(constructor) => {
                let wanted = [(!present.serialize).then_some("serde::Serialize")];
                edits.extend(derive(&item, &wanted));
                if !present.deserialize {
                    let indent = indent_at(text, item.range().start);
                    let code = through(code, &item, constructor);
                    let end = line_end(text);
                    let code = format!("\n\n{code}").replace('\n', &format!("\n{indent}"));
                    let code = code.replace(&format!("\n{indent}\n"), "\n\n").replace('\n', end);
                    edits.push(TextEdit::insert(item.range().end, code));
                }
            }
        }
        changes.edit(item.file, text, edits)?;
    }
    Ok(())
}

fn text_of(code: &Code<'_>, file: &Utf8Path) -> Option<Arc<str>> {
    code.source(file).map(|source| Arc::clone(&source.text))
}

/// `#[cfg_attr(feature = "wire", derive(…))]` behind the last derive, or before the type.
fn derive(item: &Item<'_>, wanted: &[Option<&str>]) -> Option<TextEdit> {
    let wanted: Vec<&str> = wanted.iter().flatten().copied().collect();
    if wanted.is_empty() {
        return None;
    }
    let text = &item.source.text;
    let line = format!("#[cfg_attr(feature = \"{WIRE}\", derive({}))]", wanted.join(", "));
    let last = item.attributes().iter().rfind(|a| a.path().is_ident("derive"));
    Some(match last {
        Some(derive) => {
            let end = item.source.range_of(derive).end;
            let indent = indent_at(text, item.range().start);
            TextEdit::insert(end, format!("{}{indent}{line}", line_end(text)))
        }
        None => attribute(text, wire::before_attributes(item), &line),
    })
}

/// The derive of a type that a macro makes, where the type is written: in the macro, or in its call.
fn derive_in_macro<'w>(
    item: &Item<'w>,
    made: &Made<'w>,
    wanted: &[Option<&str>],
) -> Option<(&'w Utf8Path, &'w Source, TextEdit)> {
    let wanted: Vec<&str> = wanted.iter().flatten().copied().collect();
    let (keyword, visibility, attributes) = match made.origin {
        syn::Item::Struct(s) => (s.struct_token.span, &s.vis, &s.attrs),
        syn::Item::Enum(e) => (e.enum_token.span, &e.vis, &e.attrs),
        _ => return None,
    };
    if wanted.is_empty() {
        return None;
    }
    let in_macro = made.definition.holds(keyword);
    let beside = |span: proc_macro2::Span| made.definition.holds(span) == in_macro;
    let (file, source) = match in_macro {
        true => (made.definition.file, made.definition.source),
        false => (item.file, item.source),
    };
    let text = &source.text;
    let line = format!("#[cfg_attr(feature = \"{WIRE}\", derive({}))]", wanted.join(", "));
    let last = attributes
        .iter()
        .rfind(|a| a.path().is_ident("derive") && beside(a.bracket_token.span.close()));
    if let Some(derive) = last {
        let end = source.range(derive.bracket_token.span.close()).end;
        let indent = indent_at(text, end);
        let edit = TextEdit::insert(end, format!("{}{indent}{line}", line_end(text)));
        return Some((file, source, edit));
    }
    let start = source.range(keyword).start;
    let before = text[..start].trim_end();
    // `$vis struct $name`
    let variable = before
        .rfind('$')
        .filter(|at| before[at + 1..].chars().all(|c| c.is_alphanumeric() || c == '_'));
    let start = match visibility {
        syn::Visibility::Public(public) if beside(public.span) => source.range(public.span).start,
        syn::Visibility::Restricted(restricted) if beside(restricted.pub_token.span) => {
            source.range(restricted.pub_token.span).start
        }
        _ => variable.unwrap_or(start),
    };
    Some((file, source, attribute(text, start, &line)))
}

/// An impl of `Deserialize` that goes through the type's constructor.
fn through(code: &Code<'_>, item: &Item<'_>, constructor: &Constructor) -> String {
    let name = item.name.as_deref().unwrap_or_default();
    // A crate's own `Result` alias would take another number of parameters.
    let result = match code.resolve_path(item.scope, false, &["Result".to_owned()]) {
        crate::analysis::code::Found::Nothing => "Result",
        _ => "std::result::Result",
    };
    let call = |parameters: Vec<String>| {
        format!(
            "Self::{}({}).map_err(serde::de::Error::custom)",
            constructor.name,
            parameters.join(", ")
        )
    };
    let body = match constructor.parameters.as_slice() {
        [only] if constructor.newtype => {
            let reference = if only.by_reference { "&" } else { "" };
            format!(
                "        let value = <{} as serde::Deserialize>::deserialize(deserializer)?;\n        {}",
                only.ty,
                call(vec![format!("{reference}value")])
            )
        }
        parameters => {
            let fields: String = parameters
                .iter()
                .map(|p| format!("            {}: {},\n", p.field, p.ty))
                .collect();
            let passed = parameters
                .iter()
                .map(|p| format!("{}fields.{}", if p.by_reference { "&" } else { "" }, p.field))
                .collect();
            format!(
                "        #[derive(serde::Deserialize)]\n        struct Fields {{\n{fields}        }}\n        \
                 let fields = <Fields as serde::Deserialize>::deserialize(deserializer)?;\n        {}",
                call(passed)
            )
        }
    };
    format!(
        "#[cfg(feature = \"{WIRE}\")]\nimpl<'de> serde::Deserialize<'de> for {name} {{\n    \
         fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> {result}<Self, D::Error> {{\n\
         {body}\n    }}\n}}"
    )
}

/// An attribute on a line of its own before the byte at `at`.
fn attribute(text: &str, at: usize, attribute: &str) -> TextEdit {
    TextEdit::insert(at, format!("{attribute}{}{}", line_end(text), indent_at(text, at)))
}

/// The white space before the first character of the line that `at` is in.
fn indent_at(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
    let line: Range<usize> = start..at;
    let end = text[line.clone()].find(|c: char| c != ' ' && c != '\t').map_or(at, |n| start + n);
    &text[start..end]
}

/// The line end that a file uses.
fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Lines with an indent before all but the first.
fn indented(lines: &str, indent: &str, end: &str) -> String {
    lines.lines().collect::<Vec<_>>().join(&format!("{end}{indent}"))
}
