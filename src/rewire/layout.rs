//! Puts a new expression in the place of an old one so that rustfmt leaves the result alone: what was
//! broken over lines only because the old one was long comes together again.

use std::ops::Range;

use syn::visit::{self, Visit};

use camino::Utf8Path;

use super::lines::{end_of_line, start_of_line};
use crate::analysis::code::Code;
use crate::changes::TextEdit;
use crate::workspace::Source;

/// How wide rustfmt lets things be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// A line.
    pub(super) line: usize,
    /// The arguments of a call, or a chain, on one line.
    pub(super) short: usize,
}

impl Style {
    /// What the workspace's `rustfmt.toml` says.
    pub(super) fn of(code: &Code<'_>) -> Self {
        let text = ["rustfmt.toml", ".rustfmt.toml"]
            .into_iter()
            .find_map(|name| code.source(Utf8Path::new(name)))
            .map(|source| source.text.to_string())
            .unwrap_or_default();
        let told = text.parse::<toml_edit::DocumentMut>().unwrap_or_default();
        let width = told.get("max_width").and_then(toml_edit::Item::as_integer);
        let line = width.and_then(|width| usize::try_from(width).ok()).unwrap_or(100);
        let fills =
            told.get("use_small_heuristics").and_then(toml_edit::Item::as_str) == Some("Max");
        Self { line, short: if fills { line } else { line * 6 / 10 } }
    }
}

/// A place of a file and what will stand there.
pub(super) type Small = (Range<usize>, String);

/// Replaces `range` by `with`, and small places in the same statement by their new texts: the edit, and
/// the bytes that it speaks for. What holds one of `others` keeps its layout.
pub(super) fn replace(
    source: &Source,
    range: &Range<usize>,
    with: &str,
    small: &[Small],
    others: &[Range<usize>],
    style: Style,
) -> (Range<usize>, TextEdit) {
    let text = &*source.text;
    let Ok(file) = source.ast() else {
        return (range.clone(), TextEdit::replace(range.clone(), with));
    };
    let mut around = nodes_around(source, file, range);
    let covers = |node: &Range<usize>, other: &Range<usize>| {
        node.start <= other.start && other.end <= node.end && other != range
    };
    around.retain(|(node, _)| !others.iter().any(|other| covers(node, other)));
    let style = style.as_seen_in(source, file);
    let mut place = Place { range: range.clone(), text: with.to_owned() };
    if let Some(broken) = broken_chain(text, &place, &around, style) {
        place = broken;
    } else {
        for (node, kind) in around.iter().rev() {
            let Some(wider) = place.widened(text, node, *kind, small, style) else { break };
            place = wider;
        }
    }
    (place.range.clone(), trimmed(text, place))
}

/// The text of a list between parentheses, on one line if it fits there now.
pub(super) fn list(source: &Source, list: &Range<usize>, new: String, style: Style) -> String {
    let text = &*source.text;
    let Some(joined) = joined(&format!("({new})")) else { return new };
    let line = text[start_of_line(text, list.start)..list.start].chars().count();
    let behind = text[list.end..end_of_line(text, list.end)].trim_end().chars().count();
    let inner = joined.get(1..joined.len() - 1).unwrap_or_default();
    let width = inner.chars().count();
    let fits = line + width + behind <= style.line && width <= style.short;
    if fits { inner.to_owned() } else { new }
}

/// A region of the file with the small places in it replaced.
pub(super) fn with_small(text: &str, region: Range<usize>, small: &[Small]) -> String {
    let mut inside: Vec<&Small> =
        small.iter().filter(|(at, _)| region.start <= at.start && at.end <= region.end).collect();
    inside.sort_by_key(|(at, _)| at.start);
    let mut new = String::new();
    let mut at = region.start;
    for (place, with) in inside {
        new.push_str(&text[at..place.start]);
        new.push_str(with);
        at = place.end;
    }
    new.push_str(&text[at..region.end]);
    new
}

/// A region of the file and what will stand there.
struct Place {
    range: Range<usize>,
    text: String,
}

/// What a node around the expression is, as far as its layout goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It can be on one line if its own width allows.
    Short,
    /// It can be on one line if the line allows.
    Line,
    /// Its layout is its own.
    Fixed,
}

impl Place {
    /// The place widened to the node around it; none if the node keeps its layout.
    fn widened(
        &self,
        text: &str,
        node: &Range<usize>,
        kind: Kind,
        small: &[Small],
        style: Style,
    ) -> Option<Self> {
        if *node == self.range || kind == Kind::Fixed {
            return (*node == self.range)
                .then(|| Self { range: self.range.clone(), text: self.text.clone() });
        }
        let before = with_small(text, node.start..self.range.start, small);
        let after = with_small(text, self.range.end..node.end, small);
        let new = [before.as_str(), &self.text, &after].concat();
        let joined = joined(&new)?;
        let column = text[start_of_line(text, node.start)..node.start].chars().count();
        let behind = text[node.end..end_of_line(text, node.end)].trim_end().chars().count();
        let width = joined.chars().count();
        let was_one_line = !text[node.clone()].contains('\n');
        let is_short = kind == Kind::Line || was_one_line || inner_width(&joined) <= style.short;
        (column + width + behind <= style.line && is_short)
            .then_some(Self { range: node.clone(), text: joined })
    }
}

/// Width of what stands between a call's outermost parentheses.
fn inner_width(call: &str) -> usize {
    match (call.find('('), call.rfind(')')) {
        (Some(open), Some(close)) if open < close => call[open + 1..close].chars().count(),
        _ => call.chars().count(),
    }
}

/// Text on one line; none if a comment or a literal forbids it.
fn joined(text: &str) -> Option<String> {
    if !text.contains('\n') {
        return Some(text.to_owned());
    }
    let has_long_literal = text
        .parse::<proc_macro2::TokenStream>()
        .map_or(true, |tokens| any_literal(tokens, &|literal| literal.contains('\n')));
    if has_long_literal || text.contains("//") || text.contains("/*") {
        return None;
    }
    let mut line = String::new();
    for piece in text.lines().map(str::trim).filter(|piece| !piece.is_empty()) {
        let closes = piece.starts_with([')', ']']);
        if closes && line.ends_with(',') {
            line.pop();
        }
        let tight = line.is_empty()
            || line.ends_with(['(', '['])
            || closes
            || piece.starts_with(['.', '?', ',', ';']);
        if !tight {
            line.push(' ');
        }
        line.push_str(piece);
    }
    Some(line)
}

fn any_literal(tokens: proc_macro2::TokenStream, holds: &impl Fn(&str) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Group(group) => any_literal(group.stream(), holds),
        proc_macro2::TokenTree::Literal(literal) => holds(&literal.to_string()),
        _ => false,
    })
}

/// `Client::from_env().expect("…")` that is too wide for a line: the method on a line of its own, and
/// inside a call of one argument that argument as well.
fn broken_chain(
    text: &str,
    place: &Place,
    around: &[(Range<usize>, Kind)],
    style: Style,
) -> Option<Place> {
    let dot = place.text.find("().expect(")? + 2;
    let line = start_of_line(text, place.range.start);
    let column = text[line..place.range.start].chars().count();
    let behind = text[place.range.end..end_of_line(text, place.range.end)].trim_end();
    let width = place.text.chars().count();
    let parent = around.iter().rev().find(|(node, _)| *node != place.range);
    let only_argument = parent.filter(|(node, _)| {
        node.start >= line
            && text[node.start..place.range.start].ends_with('(')
            && text[place.range.end..node.end].trim_start_matches([',', '\n', ' ', '\r']) == ")"
    });
    let fits = column + width + behind.chars().count() <= style.line;
    if fits && (only_argument.is_none() || width <= style.short) {
        return None;
    }
    let indent: String = text[line..].chars().take_while(|c| *c == ' ' || *c == '\t').collect();
    let (head, tail) = place.text.split_at(dot);
    let Some((node, _)) = only_argument else {
        let broken = format!("{head}\n{indent}    {tail}");
        return Some(Place { range: place.range.clone(), text: broken });
    };
    let argument = if indent.chars().count() + 4 + width < style.line {
        place.text.clone()
    } else {
        format!("{head}\n{indent}        {tail}")
    };
    let inside = format!("\n{indent}    {argument},\n{indent}");
    Some(Place { range: place.range.start..node.end - 1, text: inside })
}

/// New text with the line ends of the file.
pub(super) fn with_newlines_of(text: &str, new: String) -> String {
    if text.contains("\r\n") { new.replace("\r\n", "\n").replace('\n', "\r\n") } else { new }
}

/// The edit without what is the same before and after.
fn trimmed(text: &str, mut place: Place) -> TextEdit {
    place.text = with_newlines_of(text, place.text);
    let old = &text[place.range.clone()];
    let prefix: usize = old
        .chars()
        .zip(place.text.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let suffix: usize = old[prefix..]
        .chars()
        .rev()
        .zip(place.text[prefix..].chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    TextEdit::replace(
        place.range.start + prefix..place.range.end - suffix,
        &place.text[prefix..place.text.len() - suffix],
    )
}

/// The statements and expressions around a range, outermost first.
fn nodes_around(
    source: &Source,
    file: &syn::File,
    range: &Range<usize>,
) -> Vec<(Range<usize>, Kind)> {
    struct Nodes<'a>(&'a Source, &'a Range<usize>, Vec<(Range<usize>, Kind)>);
    impl Nodes<'_> {
        fn add(&mut self, node: Range<usize>, kind: Kind) -> bool {
            let covers = node.start <= self.1.start && self.1.end <= node.end;
            if covers {
                self.2.push((node, kind));
            }
            covers
        }
    }
    impl<'w> Visit<'w> for Nodes<'_> {
        fn visit_item(&mut self, item: &'w syn::Item) {
            let node = self.0.range_of(item);
            if node.start <= self.1.start && self.1.end <= node.end {
                visit::visit_item(self, item);
            }
        }
        fn visit_stmt(&mut self, stmt: &'w syn::Stmt) {
            let kind = match stmt {
                syn::Stmt::Local(_) => Kind::Line,
                syn::Stmt::Expr(..) => Kind::Line,
                _ => Kind::Fixed,
            };
            if self.add(self.0.range_of(stmt), kind) {
                visit::visit_stmt(self, stmt);
            }
        }
        fn visit_expr(&mut self, expr: &'w syn::Expr) {
            let kind = match expr {
                syn::Expr::Call(_)
                | syn::Expr::MethodCall(_)
                | syn::Expr::Try(_)
                | syn::Expr::Await(_)
                | syn::Expr::Paren(_)
                | syn::Expr::Tuple(_)
                | syn::Expr::Reference(_) => Kind::Short,
                _ => Kind::Fixed,
            };
            if self.add(self.0.range_of(expr), kind) {
                visit::visit_expr(self, expr);
            }
        }
    }
    let mut nodes = Nodes(source, range, Vec::new());
    nodes.visit_file(file);
    nodes.2
}

impl Style {
    /// A team can tell rustfmt elsewhere (a folder above, the command line); a call that is wider than
    /// the rule shows it.
    fn as_seen_in(self, source: &Source, file: &syn::File) -> Self {
        struct Widest<'a>(&'a Source, usize);
        impl<'w> Visit<'w> for Widest<'_> {
            fn visit_expr_call(&mut self, call: &'w syn::ExprCall) {
                let text = &self.0.text[self.0.range_of(call)];
                if !text.contains('\n') && call.args.len() > 1 {
                    self.1 = self.1.max(inner_width(text));
                }
                visit::visit_expr_call(self, call);
            }
        }
        let mut widest = Widest(source, 0);
        widest.visit_file(file);
        Self { short: if widest.1 > self.short { self.line } else { self.short }, ..self }
    }
}
