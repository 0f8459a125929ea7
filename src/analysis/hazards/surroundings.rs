//! What the module takes from the process that it runs in: the environment, files, and state that crates
//! of the workspace keep in statics. The service is another process, on another machine perhaps.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::analysis::code::{ENVIRONMENT, leaves};
use crate::workspace::{DependencyKind, Member, Source, Workspace, line_of};

use super::foreign_sql::{is_compiled, is_test_attribute};
use super::{Subject, Surrounding};

/// Every such place: of the module's own code, and of the members that it is built with.
pub(super) fn find(workspace: &Workspace, subject: &Subject<'_>) -> Vec<Surrounding> {
    let mut found = Vec::new();
    for member in built_with(workspace, subject.module) {
        let own = member.name == subject.module.name;
        for (file, source) in workspace.rust_files(member) {
            let concerns = is_compiled(member, file) && !member.is_dev_file(file);
            if !concerns || !WORDS.iter().any(|word| source.text.contains(word)) {
                continue;
            }
            let Ok(ast) = source.ast() else { continue };
            let mut imports = Imports::default();
            imports.visit_file(ast);
            Search { file, source, own, imports: imports.0, found: &mut found }.visit_file(ast);
        }
    }
    found
}

/// A file without any of these has nothing to look for.
const WORDS: [&str; 8] =
    ["env::", "env as", "fs::", "fs as", "File::", "static ", "thread_local!", "task_local!"];

/// The crates that reach what is around the process.
const OUTSIDE: [&str; 4] = ["async_std", "fs_err", "std", "tokio"];

/// The module, and the members that it depends on.
fn built_with<'w>(workspace: &'w Workspace, module: &'w Member) -> Vec<&'w Member> {
    let mut members = vec![module];
    let mut seen = BTreeSet::from([module.name.as_str()]);
    let mut next = 0;
    while let Some(member) = members.get(next).copied() {
        next += 1;
        let normal = member.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
        for dependency in normal.filter(|d| d.path.is_some()) {
            let member = workspace.members.iter().find(|m| m.name == dependency.package);
            members.extend(member.filter(|member| seen.insert(member.name.as_str())));
        }
    }
    members
}

/// What the `use` items of a file bring in: each name with its path.
#[derive(Default)]
struct Imports(BTreeMap<String, Vec<String>>);

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for leaf in leaves(item) {
            if leaf.name == "*" && leaf.path == ["std", "env"] {
                let path = |name: &str| [leaf.path.as_slice(), &[name.to_owned()]].concat();
                self.0.extend(ENVIRONMENT.iter().map(|name| ((*name).to_owned(), path(name))));
            }
            self.0.insert(leaf.name, leaf.path);
        }
    }
}

struct Search<'a> {
    file: &'a Utf8Path,
    source: &'a Source,
    /// Whether it is the module's own code.
    own: bool,
    /// The names that `use` brings in, each with its path.
    imports: BTreeMap<String, Vec<String>>,
    found: &'a mut Vec<Surrounding>,
}

impl Search<'_> {
    fn add(&mut self, span: Span, what: String) {
        let line = line_of(&self.source.text, self.source.range(span).start);
        self.found.push(Surrounding { file: self.file.to_owned(), line, what });
    }

    /// The path that a call names, from what brings its first name in; none where that is the workspace.
    fn path(&self, written: &syn::Path) -> Option<Vec<String>> {
        let names: Vec<String> = written.segments.iter().map(|s| s.ident.to_string()).collect();
        let (first, rest) = names.split_first()?;
        match self.imports.get(first) {
            Some(path) => {
                let outside = OUTSIDE.iter().any(|krate| path.first().is_some_and(|p| p == krate));
                outside.then(|| [path, rest].concat())
            }
            None => Some(names),
        }
    }

    /// A static: state that the rest of the monolith may share, where the module does not keep it alone.
    fn state(&mut self, name: &syn::Ident) {
        if !self.own {
            let what = format!("`{name}` is state of the process: from now on there are two of it");
            self.add(name.span(), what);
        }
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !for_tests(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(path) = &*call.func
            && let Some([.., owner, function]) = self.path(&path.path).as_deref()
        {
            let what = match (owner.as_str(), function.as_str()) {
                ("env", "var" | "var_os" | "vars" | "vars_os") => Some("the environment"),
                ("env", "current_dir" | "current_exe" | "temp_dir" | "home_dir") => {
                    Some("the place in the file system")
                }
                ("fs" | "OpenOptions", _) | ("File", "open" | "create" | "create_new") => {
                    Some("files")
                }
                _ => None,
            };
            if let Some(what) = what {
                let of = call.args.first().map(|of| format!(" (`{}`)", of.to_token_stream()));
                let of = of.unwrap_or_default();
                let what = format!("works with {what} of its process{of}: the service has its own");
                self.add(path.path.span(), what);
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        let mutable = matches!(item.mutability, syn::StaticMutability::Mut(_));
        if mutable || can_change(item.ty.to_token_stream()) {
            self.state(&item.ident);
        }
        visit::visit_item_static(self, item);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        if name == "thread_local" || name == "task_local" {
            let mut tokens = call.tokens.clone().into_iter();
            while let Some(token) = tokens.next() {
                let TokenTree::Ident(word) = token else { continue };
                if word == "static"
                    && let Some(TokenTree::Ident(name)) = tokens.next()
                {
                    self.state(&name);
                }
            }
        }
    }
}

fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| is_test_attribute(&a.meta.to_token_stream().to_string()))
}

/// Whether a static of this type can hold one thing now and another later.
fn can_change(ty: TokenStream) -> bool {
    ty.into_iter().any(|token| match token {
        TokenTree::Ident(name) => {
            let name = name.to_string();
            name.starts_with("Atomic")
                || ["Mutex", "RwLock", "OnceLock", "OnceCell", "RefCell", "Cell", "ArcSwap"]
                    .contains(&name.as_str())
        }
        TokenTree::Group(group) => can_change(group.stream()),
        _ => false,
    })
}
