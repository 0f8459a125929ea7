//! What `use` items bring into a module.

use quote::ToTokens;

use super::items::{Visibility, plain};

/// One name that a `use` brings in.
#[derive(Debug, Clone)]
pub struct Import {
    /// The name it has here; `*` for a glob, `_` for an anonymous one.
    pub name: String,
    /// What was written, from its first segment on; a trailing `self` is left out.
    pub path: Vec<String>,
    /// Whether it starts with `::`.
    pub global: bool,
    /// Whether others can use it from here.
    pub visibility: Visibility,
    /// Span of the leaf.
    pub span: proc_macro2::Span,
}

/// The names that an item brings into its module: the leaves of a `use`, or of the `use` items inside
/// a body (they are few, and taking them for the whole module's costs nothing).
pub(super) fn imports_of(item: &syn::Item, visibility: Visibility) -> Vec<Import> {
    struct Uses(Vec<Import>, Visibility);
    impl<'ast> syn::visit::Visit<'ast> for Uses {
        fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
            let global = item.leading_colon.is_some();
            flatten(&item.tree, &mut Vec::new(), global, self.1, &mut self.0);
        }
        fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
            let name = item.rename.as_ref().map_or(&item.ident, |(_, name)| name);
            self.0.push(Import {
                name: plain(name),
                path: vec![plain(&item.ident)],
                global: true,
                visibility: self.1,
                span: name.span(),
            });
        }
        fn visit_item_mod(&mut self, _: &'ast syn::ItemMod) {}
    }
    let mut uses = Uses(Vec::new(), visibility);
    syn::visit::Visit::visit_item(&mut uses, item);
    uses.0
}

/// The leaves of one `use` item.
pub fn leaves(item: &syn::ItemUse) -> Vec<Import> {
    let mut imports = Vec::new();
    flatten(
        &item.tree,
        &mut Vec::new(),
        item.leading_colon.is_some(),
        Visibility::Private,
        &mut imports,
    );
    imports
}

fn flatten(
    tree: &syn::UseTree,
    prefix: &mut Vec<String>,
    global: bool,
    visibility: Visibility,
    imports: &mut Vec<Import>,
) {
    let mut add = |name: String, path: Vec<String>, span| {
        imports.push(Import { name, path, global, visibility, span });
    };
    match tree {
        syn::UseTree::Path(path) => {
            prefix.push(plain(&path.ident));
            flatten(&path.tree, prefix, global, visibility, imports);
            prefix.pop();
        }
        syn::UseTree::Name(name) => {
            let own = plain(&name.ident);
            if own == "self" {
                add(prefix.last().cloned().unwrap_or_default(), prefix.clone(), name.ident.span());
            } else {
                add(own.clone(), [prefix.clone(), vec![own]].concat(), name.ident.span());
            }
        }
        syn::UseTree::Rename(rename) => {
            let own = plain(&rename.ident);
            let path =
                if own == "self" { prefix.clone() } else { [prefix.clone(), vec![own]].concat() };
            let span = rename.to_token_stream().into_iter().last().map_or_else(
                || rename.ident.span(),
                |last| rename.ident.span().join(last.span()).unwrap_or_else(|| rename.ident.span()),
            );
            add(plain(&rename.rename), path, span);
        }
        syn::UseTree::Glob(glob) => {
            use syn::spanned::Spanned;
            add("*".to_owned(), prefix.clone(), glob.span());
        }
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, prefix, global, visibility, imports);
            }
        }
    }
}
