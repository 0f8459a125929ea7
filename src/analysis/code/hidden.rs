//! What macro calls and included files name without spelling it where they stand.
//!
//! ```text
//! made!(inventory, SqliteInventory)      // `$krate::$name::new(pool)` in the macro
//! let limits = include!("limits.rs");
//! ```

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};

use super::items::{plain, tokens};
use super::macros::Rules;
use super::{Code, Found, Item, ScopeId, mentions};
use crate::analysis::included;
use crate::workspace::{Member, Source, Workspace};

/// Something that a call in an item names, and that the item does not spell.
#[derive(Debug, Clone)]
pub struct Hidden {
    /// The call, in bytes of the item's file.
    pub range: Range<usize>,
    /// What the call is.
    pub by: By,
    /// What is named; none where all that is known is that it is something of the library.
    pub found: Option<Found>,
}

/// What hides a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A macro of that name.
    Macro(String),
    /// A file that `include!` puts in, relative to the workspace root.
    File(Utf8PathBuf),
}

/// The files in which macros of the workspace are defined, by name.
pub(super) type Macros<'w> = HashMap<String, Vec<(&'w Member, &'w Utf8Path, &'w Source)>>;

/// What a name of a macro can mean in a package, each with the package that defines it.
pub(super) type OwnRules<'w> = Vec<(&'w Member, Rules)>;

/// How deep macros may call each other, and how often altogether.
const DEEPEST: usize = 16;
const MOST: usize = 200;

/// A macro call in tokens.
struct Call {
    name: String,
    start: Span,
    arguments: Group,
}

/// What is looked for in one call.
struct Search<'a, 'w> {
    code: &'a Code<'w>,
    item: &'a Item<'w>,
    library: usize,
    found: Vec<Found>,
    is_unknown: bool,
    left: usize,
}

impl<'w> Code<'w> {
    /// The words that a file with hidden names of a library has one of; `crates` are the library's names.
    pub fn words_that_hide<'a>(&'a self, crates: &'a [String]) -> impl Iterator<Item = &'a str> {
        let of_macros = self.macros().keys().map(String::as_str);
        of_macros.chain(["include"]).chain(crates.iter().map(String::as_str))
    }

    /// What the calls in an item name without spelling it there. Where it cannot be said, it counts if it
    /// is something of a library.
    pub fn hidden_in(&self, item: &Item<'w>, library: usize) -> Rc<Vec<Hidden>> {
        let key = (item.id, library);
        if let Some(found) = self.hidden.borrow().get(&key) {
            return Rc::clone(found);
        }
        // What a call makes is looked at with the call.
        let found = match item.made {
            Some(_) => Vec::new(),
            None => self.look_into(item, library),
        };
        let found = Rc::new(found);
        self.hidden.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    fn look_into(&self, item: &Item<'w>, library: usize) -> Vec<Hidden> {
        let mut all = Vec::new();
        for call in calls(tokens(item.syntax)) {
            let mut search = Search {
                code: self,
                item,
                library,
                found: Vec::new(),
                is_unknown: false,
                left: MOST,
            };
            let by = match &*call.name {
                "include" => search.included(&call),
                _ => {
                    search.called(&call, DEEPEST);
                    Some(By::Macro(call.name.clone()))
                }
            };
            let Some(by) = by else { continue };
            if search.found.is_empty() && !search.is_unknown {
                continue;
            }
            let mut spelled = self.spelled_in(item, &call);
            let range = item.source.range(call.start).start
                ..item.source.range(call.arguments.span_close()).end;
            let mut add = |found| {
                all.push(Hidden { range: range.clone(), by: by.clone(), found });
            };
            for found in search.found {
                let is_new = matches!(&found, Found::Item(id, _) if spelled.insert(*id));
                if is_new {
                    add(Some(found));
                }
            }
            if search.is_unknown {
                add(None);
            }
        }
        // What an inner call hides, the outer one does as well.
        let is_inner = |inner: &Hidden, outer: &Hidden| {
            inner.found == outer.found
                && inner.range != outer.range
                && outer.range.start <= inner.range.start
                && inner.range.end <= outer.range.end
        };
        let innermost: Vec<bool> =
            all.iter().map(|outer| !all.iter().any(|inner| is_inner(inner, outer))).collect();
        let mut keep = innermost.into_iter();
        all.retain(|_| keep.next().unwrap_or(true));
        all
    }

    /// The items that the arguments of a call spell, and what was seen that the call makes.
    fn spelled_in(&self, item: &Item<'w>, call: &Call) -> HashSet<super::ItemId> {
        let root = self.root(item.id.root);
        let made = root.items.iter().filter(|made| {
            made.made.is_some_and(|made| made.call == item.id.index) && made.scope == item.scope
        });
        let of_made = made.flat_map(|made| self.mentioned_by(made));
        let own = self.mentioned_in(item.scope, call.arguments.stream());
        let all = own.into_iter().chain(of_made).filter_map(|(_, found)| match found {
            Found::Item(id, _) => Some(id),
            _ => None,
        });
        all.collect()
    }

    fn macros(&self) -> &Macros<'w> {
        self.macros.get_or_init(|| definitions(self.workspace))
    }

    /// The arms of the macros that a name can mean in a package, each with the package that defines it:
    /// its own ones come first.
    fn rules_of(&self, member: &Member, name: &str) -> Rc<OwnRules<'w>> {
        let key = (member.name.clone(), name.to_owned());
        if let Some(rules) = self.rules.borrow().get(&key) {
            return Rc::clone(rules);
        }
        let rules = Rc::new(self.read_rules(member, name));
        self.rules.borrow_mut().insert(key, Rc::clone(&rules));
        rules
    }

    fn read_rules(&self, member: &Member, name: &str) -> OwnRules<'w> {
        let Some(files) = self.macros().get(name) else { return Vec::new() };
        let (own, others): (Vec<_>, Vec<_>) =
            files.iter().copied().partition(|(of, _, _)| of.name == member.name);
        let mut rules = Vec::new();
        for (of, _, source) in if own.is_empty() { others } else { own } {
            let Ok(ast) = source.ast() else { continue };
            each_definition(ast.to_token_stream(), &mut |defined, body| {
                if defined == name {
                    rules.extend(Rules::read(body).map(|rules| (of, rules)));
                }
            });
        }
        rules
    }
}

impl<'w> Search<'_, 'w> {
    /// Looks into the file that a call of `include!` puts in, unless it was read as items.
    fn included(&mut self, call: &Call) -> Option<By> {
        let Self { code, item, .. } = *self;
        let root = code.root(item.id.root);
        let path = included::place_of(root.member, item.file, call.arguments.stream())?;
        if matches!(item.syntax, syn::Item::Macro(_)) && code.workspace.file(&path).is_some() {
            return None;
        }
        let tokens = code.workspace.read(&path)?.parse().ok()?;
        self.tokens(tokens, DEEPEST);
        Some(By::File(path))
    }

    /// Looks into what a call becomes.
    fn called(&mut self, call: &Call, depth: usize) {
        let Self { code, item, .. } = *self;
        let root = code.root(item.id.root);
        let arguments = call.arguments.stream();
        if !code.macros().contains_key(&call.name) {
            self.joined(item.scope, &[], arguments);
            return;
        }
        let rules = code.rules_of(root.member, &call.name);
        let mut is_seen = false;
        for (of, rules) in rules.iter() {
            if self.left == 0 || depth == 0 {
                break;
            }
            self.left -= 1;
            let own = if of.name == root.member.name { "crate".to_owned() } else { of.ident() };
            if let Some(expanded) = rules.expand(&arguments, &own, None) {
                is_seen = true;
                self.tokens(expanded, depth - 1);
            }
        }
        self.is_unknown |= !is_seen && self.names_library(arguments);
    }

    /// Looks into tokens that stand in the place of a call.
    fn tokens(&mut self, tokens: TokenStream, depth: usize) {
        let scope = self.item.scope;
        let mentioned = self.code.mentioned_in(scope, tokens.clone());
        self.found.extend(mentioned.into_iter().map(|(_, found)| found));
        self.joined(scope, &[], tokens.clone());
        for call in calls(tokens) {
            self.called(&call, depth);
        }
    }

    /// Paths to the library that go on with what is no name: `stock::{…}`, `stock::*`, `stock::$name`; and
    /// new names of it. Arguments of further calls are looked at by themselves.
    fn joined(&mut self, scope: ScopeId, prefix: &[String], tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            let start = at;
            let mut path = prefix.to_vec();
            while let Some(TokenTree::Ident(name)) = tokens.get(at) {
                path.push(plain(name));
                at += 1;
                match tokens.get(at..at + 2) {
                    Some([a, b]) if is(a, ':') && is(b, ':') => at += 2,
                    _ => break,
                }
            }
            if at == start {
                if let TokenTree::Group(group) = &tokens[at]
                    && !(at > 1 && is(&tokens[at - 1], '!'))
                {
                    self.joined(scope, &[], group.stream());
                }
                at += 1;
                continue;
            }
            let goes_on = is(&tokens[at - 1], ':');
            if path.last().is_some_and(|name| name == "self") {
                path.pop();
            }
            let found = self.code.resolve_path(scope, false, &path);
            let is_library = matches!(&found, Found::Module(module) if module.root == self.library);
            match tokens.get(at) {
                Some(TokenTree::Group(group))
                    if goes_on && group.delimiter() == Delimiter::Brace =>
                {
                    if is_library {
                        self.joined(scope, &path, group.stream());
                    }
                    at += 1;
                }
                Some(_) if goes_on => self.is_unknown |= is_library,
                Some(TokenTree::Ident(name)) if name == "as" => {
                    // `stock as s`, or of a value: `stock as u64`.
                    let is_use = start > 0
                        && matches!(&tokens[start - 1], TokenTree::Ident(name) if name == "use");
                    self.is_unknown |= is_library && is_use;
                }
                // A module of it gets a name here: `use stock::storage;`.
                _ => self.is_unknown |= is_library && path.len() > 1,
            }
            if !prefix.is_empty() {
                self.found.push(found);
            }
        }
    }

    /// Whether tokens name the library, or a module of it, and not a variable.
    fn names_library(&self, tokens: TokenStream) -> bool {
        let mut bound = Bound::default();
        bound.visit_item(self.item.syntax);
        mentions(tokens).iter().any(|mention| {
            let names = mention.names();
            let is_bound = names.len() == 1 && bound.0.contains(&names[0]);
            let found = self.code.resolve(self.item.scope, mention);
            !is_bound && matches!(found, Found::Module(module) if module.root == self.library)
        })
    }
}

/// The names that patterns bind.
#[derive(Default)]
struct Bound(HashSet<String>);

impl<'ast> Visit<'ast> for Bound {
    fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
        self.0.insert(plain(&name.ident));
        visit::visit_pat_ident(self, name);
    }
}

/// The macro calls in tokens, those in arguments of others included, those in definitions of macros not.
fn calls(tokens: TokenStream) -> Vec<Call> {
    let mut found = Vec::new();
    add_calls(tokens, &mut found);
    found
}

fn add_calls(tokens: TokenStream, found: &mut Vec<Call>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [TokenTree::Ident(name), bang, TokenTree::Ident(_), TokenTree::Group(_), ..]
                if name == "macro_rules" && is(bang, '!') =>
            {
                at += 4;
                continue;
            }
            [TokenTree::Ident(name), bang, TokenTree::Group(group), ..] if is(bang, '!') => {
                let (name, start) = (plain(name), name.span());
                found.push(Call { name, start, arguments: group.clone() });
            }
            [TokenTree::Group(group), ..] => add_calls(group.stream(), found),
            _ => {}
        }
        at += 1;
    }
}

/// The files of the workspace that define macros, by the macros' names.
fn definitions(workspace: &Workspace) -> Macros<'_> {
    const KEYWORD: &str = "macro_rules!";
    let mut macros = Macros::new();
    for member in &workspace.members {
        for (file, source) in workspace.rust_files(member) {
            for (at, _) in source.text.match_indices(KEYWORD) {
                let behind = source.text[at + KEYWORD.len()..].trim_start();
                let behind = behind.strip_prefix("r#").unwrap_or(behind);
                let end = behind.find(|c: char| !c.is_alphanumeric() && c != '_');
                let name = &behind[..end.unwrap_or(behind.len())];
                let files = macros.entry(name.to_owned()).or_default();
                if !name.is_empty() && !files.iter().any(|(_, other, _)| *other == file) {
                    files.push((member, file, source));
                }
            }
        }
    }
    macros
}

/// The macros that tokens define: the name and the arms.
fn each_definition(tokens: TokenStream, each: &mut impl FnMut(&str, TokenStream)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        match &tokens[at.saturating_sub(3)..at] {
            [TokenTree::Ident(keyword), bang, TokenTree::Ident(name)]
                if keyword == "macro_rules" && is(bang, '!') =>
            {
                each(&plain(name), group.stream());
            }
            _ => each_definition(group.stream(), each),
        }
    }
}

fn is(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;

    /// What calls in an item hide, of a crate `stock` with a type `SqlStock` in its module `sql`.
    fn hidden(lib: &str, item: &str) -> Vec<(String, String)> {
        let files = [
            ("src/lib.rs", format!("{lib}\n{item}")),
            ("src/limits.inc", "{ use stock::sql::{self, SqlStock}; sql::f() }".to_owned()),
        ];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let project = Project::new()
            .member(
                "stock",
                &[],
                &[("src/lib.rs", "pub mod sql { pub struct SqlStock; pub fn f() {} }")],
            )
            .member("shop", &["stock"], &files);
        let workspace = project.load();
        let code = Code::new(&workspace);
        let (library, shop) = (code.library("stock").unwrap(), code.library("shop").unwrap());
        let item = code.root(shop).items.last().unwrap().clone();
        let name = |hidden: &Hidden| match &hidden.found {
            Some(Found::Item(id, _)) => code.item(*id).name.unwrap_or_default(),
            _ => "?".to_owned(),
        };
        let place = |hidden: &Hidden| item.source.text[hidden.range.clone()].to_owned();
        let is_of_library = |hidden: &&Hidden| !matches!(&hidden.found, Some(Found::Item(id, _)) if id.root != library);
        let all = code.hidden_in(&item, library);
        all.iter().filter(is_of_library).map(|hidden| (place(hidden), name(hidden))).collect()
    }

    fn one(place: &str, name: &str) -> Vec<(String, String)> {
        vec![(place.to_owned(), name.to_owned())]
    }

    #[test]
    fn a_macro_of_the_workspace_is_followed() {
        let of = "macro_rules! of { ($m:ident, $t:ident) => { $m::sql::$t::new() }; (@ $t:tt) => { of!(stock, $t) } }";
        assert_eq!(
            hidden(of, "fn f() { of!(stock, SqlStock) }"),
            one("of!(stock, SqlStock)", "SqlStock")
        );
        assert_eq!(
            hidden(of, "fn f() { vec![of!(@ SqlStock)] }"),
            one("of!(@ SqlStock)", "SqlStock")
        );
        assert_eq!(hidden(of, "fn f() { of!(stock, Other) }"), []);
        assert_eq!(hidden(of, "of!(stock, SqlStock);"), one("of!(stock, SqlStock)", "SqlStock"));
        let inner = "fn f() { macro_rules! of { ($t:ident) => { stock::sql::$t } } of!(SqlStock) }";
        assert_eq!(hidden("", inner), one("of!(SqlStock)", "SqlStock"));
    }

    #[test]
    fn what_is_spelled_in_the_call_is_not_hidden() {
        let all = "macro_rules! all { ($($e:expr),*) => { [$($e),*] } }";
        assert_eq!(hidden(all, "fn f() { all!(stock::sql::SqlStock, 1) }"), []);
        assert_eq!(hidden("", "fn f() { vec![stock::sql::SqlStock] }"), []);
    }

    #[test]
    fn a_variable_or_a_field_of_its_name_is_not_the_crate() {
        for call in [
            "println!(\"{}\", stock)",
            "tracing::info!(stock = 1, ?stock, %stock)",
            "json!({ stock: 1, \"a\": stock as u64 })",
            "all!(stock)",
            "odd!(stock)",
        ] {
            let lib = "macro_rules! all { ($($e:expr),*) => { [$($e),*] } }\n\
                       macro_rules! odd { ($x:unheard_of) => { $x } }";
            let item = format!("fn f(stock: u64) {{ {call}; }}");
            assert_eq!(hidden(lib, &item), [], "{call}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_told_where_it_is_of_the_library() {
        for call in [
            "paste!(stock::[<Sql Stock>]::new())",
            "cfg_if!(use stock::sql::*;)",
            "cfg_if!(use stock as goods;)",
            "cfg_if!(use stock::sql;)",
            "odd!(stock)",
            "round!(stock)",
        ] {
            let lib = "macro_rules! odd { ($x:unheard_of) => { $x } }\n\
                       macro_rules! round { ($x:ident) => { round!($x) round!($x) } }";
            assert_eq!(hidden(lib, &format!("fn f() {{ {call} }}")), one(call, "?"), "{call}");
        }
        let cfg_if = "cfg_if!(use stock::sql::{SqlStock as Store, f};)";
        let found = hidden("", &format!("fn f() {{ {cfg_if} }}"));
        assert_eq!(found, [one(cfg_if, "SqlStock"), one(cfg_if, "f")].concat());
    }

    #[test]
    fn a_file_in_an_expression_is_looked_into() {
        let call = "include!(\"limits.inc\")";
        let found = hidden("", &format!("fn f() {{ {call} }}"));
        assert_eq!(found, [one(call, "SqlStock"), one(call, "?")].concat());
        assert_eq!(hidden("", "fn f() { include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\")) }"), []);
    }
}
