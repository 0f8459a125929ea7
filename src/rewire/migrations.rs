//! The module's own tests run the service's set of migrations, where they ran a history that is shared.
//!
//! Before: `sqlx::migrate!("../../migrations")`; after: `sqlx::migrate!("../../services/stock/migrations")`.

use std::ops::Range;

use syn::visit::{self, Visit};

use super::layout::{Style, with_newlines_of};
use super::lines::start_of_line;
use crate::analysis::code::Code;
use crate::changes::{ChangeSet, TextEdit};
use crate::diagnostic::Result;
use crate::plan::relative;
use crate::plan::schema::SharedPlan;
use crate::workspace::{Member, Source, migrations_named};

/// Edits every place in the module's package that names the shared history.
///
/// # Errors
/// When two edits meet.
pub fn repoint(
    code: &Code<'_>,
    module: &Member,
    shared: &SharedPlan,
    changes: &mut ChangeSet,
) -> Result<()> {
    let new = relative(&module.dir, &shared.set_folder);
    let style = Style::of(code);
    for (path, source) in code.workspace.rust_files(module) {
        let named = migrations_named(&source.text, &module.dir);
        let mut edits = Vec::new();
        for (_, name) in named.into_iter().filter(|(folder, _)| *folder == shared.history) {
            edits.extend(breaks(source, &name, new.as_str(), style));
            edits.push(TextEdit::replace(name, new.to_string()));
        }
        if !edits.is_empty() {
            changes.edit(path, &source.text, edits)?;
        }
    }
    Ok(())
}

/// Line breaks before the methods of a chain that the new name makes wider than rustfmt lets it be.
fn breaks(source: &Source, name: &Range<usize>, new: &str, style: Style) -> Vec<TextEdit> {
    let text = &*source.text;
    let Ok(file) = source.ast() else { return Vec::new() };
    let mut chain = Chain { source, name, links: Vec::new(), range: 0..0 };
    chain.visit_file(file);
    let Chain { links, range, .. } = chain;
    let line = start_of_line(text, range.start);
    let indent: String = text[line..].chars().take_while(|c| *c == ' ' || *c == '\t').collect();
    let width = text[range.clone()].chars().count() + new.len() - name.len();
    if links.len() < 2 || text[range].contains('\n') || width <= style.short {
        return Vec::new();
    }
    let at_dot =
        |link: usize| TextEdit::insert(link, with_newlines_of(text, format!("\n{indent}    ")));
    links.into_iter().map(at_dot).collect()
}

/// The chain of methods that begins with a macro around `name`.
struct Chain<'a> {
    source: &'a Source,
    name: &'a Range<usize>,
    /// Where each dot stands.
    links: Vec<usize>,
    range: Range<usize>,
}

impl Chain<'_> {
    /// Whether an expression begins with the macro.
    fn begins(&self, expr: &syn::Expr) -> bool {
        match expr {
            syn::Expr::Macro(call) => {
                let range = self.source.range_of(call);
                range.start <= self.name.start && self.name.end <= range.end
            }
            syn::Expr::MethodCall(call) => self.begins(&call.receiver),
            syn::Expr::Await(waits) => self.begins(&waits.base),
            syn::Expr::Try(tries) => self.begins(&tries.expr),
            _ => false,
        }
    }
}

impl<'w> Visit<'w> for Chain<'_> {
    fn visit_expr(&mut self, expr: &'w syn::Expr) {
        if self.begins(expr) {
            let whole = self.source.range_of(expr);
            if self.range.is_empty() {
                self.range = whole;
            }
            let before = match expr {
                syn::Expr::MethodCall(call) => Some(&call.receiver),
                syn::Expr::Await(waits) => Some(&waits.base),
                _ => None,
            };
            self.links.extend(before.map(|before| self.source.range_of(&**before).end));
        }
        visit::visit_expr(self, expr);
    }
}
