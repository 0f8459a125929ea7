//! Tables that Rust code declares: `table!` of diesel, entities of sea-orm.

use std::ops::Range;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};

use crate::analysis::code::is_test_only;
use crate::workspace::Source;

/// A table as a library knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name in the database, without a schema.
    pub table: String,
    /// The Rust module that stands for it, where it has a name in this file.
    pub module: Option<String>,
    /// What stands for it there: the entity's type, or the name that `table!` gives it.
    pub item: String,
    /// The bytes of its name.
    pub range: Range<usize>,
    /// What declares it: "a `table!` of diesel".
    pub by: &'static str,
}

/// The tables that a file declares outside of tests, in order of place.
pub fn tables(source: &Source) -> Vec<Declared> {
    // Parsing is the expensive part.
    if !["table!", "DeriveEntityModel", "EntityName"].iter().any(|word| source.text.contains(word))
    {
        return Vec::new();
    }
    let Ok(ast) = source.ast() else { return Vec::new() };
    let mut reader = Reader { source, module: None, found: Vec::new() };
    reader.visit_file(ast);
    reader.found
}

struct Reader<'a> {
    source: &'a Source,
    /// The inline module around.
    module: Option<String>,
    found: Vec<Declared>,
}

impl Reader<'_> {
    fn entity(&mut self, name: &syn::LitStr, item: &str) {
        self.found.push(Declared {
            table: name.value(),
            module: self.module.clone(),
            item: item.to_owned(),
            range: self.source.range(name.span()),
            by: "an entity of sea-orm",
        });
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.attrs.iter().any(is_test_only) {
            return;
        }
        let outer = self.module.replace(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module = outer;
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.mac.path.segments.last().is_none_or(|last| last.ident != "table") {
            return;
        }
        if let Some((table, name)) = declared_by(item.mac.tokens.clone()) {
            self.found.push(Declared {
                table,
                module: Some(name.to_string()),
                item: name.to_string(),
                range: self.source.range(name.span()),
                by: "a `table!` of diesel",
            });
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let derives = item.attrs.iter().filter(|attribute| attribute.path().is_ident("derive"));
        let mut derives = derives.map(|attribute| attribute.meta.to_token_stream().to_string());
        if !derives.any(|derive| derive.contains("DeriveEntityModel")) {
            return;
        }
        let own = item.attrs.iter().filter(|attribute| attribute.path().is_ident("sea_orm"));
        let named = own.filter_map(|attribute| {
            let syn::Meta::List(list) = &attribute.meta else { return None };
            literal_behind(list.tokens.clone(), "table_name")
        });
        named.take(1).for_each(|name| self.entity(&name, "Entity"));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let names = item.trait_.as_ref().and_then(|(path, _)| path.segments.last());
        if names.is_none_or(|last| last.ident != "EntityName") {
            return;
        }
        let entity = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let functions = item.items.iter().filter_map(|item| match item {
            syn::ImplItem::Fn(function) if function.sig.ident == "table_name" => Some(function),
            _ => None,
        });
        for function in functions {
            if let Some(syn::Stmt::Expr(
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }),
                None,
            )) = function.block.stmts.last()
            {
                self.entity(name, entity.as_deref().unwrap_or("Entity"));
            }
        }
    }
}

/// `goods` of `use …; #[sql_name = "goods"] schema.goods (sku) { … }`, and its name in Rust.
fn declared_by(tokens: TokenStream) -> Option<(String, proc_macro2::Ident)> {
    let (mut sql_name, mut last) = (None, None);
    let mut in_use = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if word == "use" => in_use = true,
            TokenTree::Punct(mark) if mark.as_char() == ';' => in_use = false,
            _ if in_use => {}
            TokenTree::Ident(word) => last = Some(word),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                sql_name = literal_behind(group.stream(), "sql_name").or(sql_name);
            }
            TokenTree::Group(_) => break,
            _ => {}
        }
    }
    let name: proc_macro2::Ident = last?;
    Some((sql_name.map_or_else(|| name.to_string(), |text| text.value()), name))
}

/// The text of `name = "text"` in tokens.
fn literal_behind(tokens: TokenStream, name: &str) -> Option<syn::LitStr> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let at = tokens.iter().position(|token| matches!(token, TokenTree::Ident(i) if i == name))?;
    let text = tokens.get(at + 2)?.to_token_stream();
    syn::parse2(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;

    #[test]
    fn tables_are_found_however_they_are_declared() {
        let text = "
diesel::table! { goods (sku) { sku -> Text, } }
diesel::table! {
    use diesel::sql_types::*;
    use super::kinds::Size;
    /// The carts.
    #[sql_name = \"Carts\"]
    shop.carts { id -> Integer, }
}
pub mod seller {
    #[derive(Clone, DeriveEntityModel)]
    #[sea_orm(schema_name = \"shop\", table_name = \"sellers\")]
    pub struct Model { pub id: i32 }
}
impl EntityName for Visits { fn table_name(&self) -> &str { \"visits\" } }
#[cfg(test)] mod tests { table! { other (id) { id -> Integer, } } }
";
        let project = Project::new().member("m", &[], &[("src/lib.rs", text)]);
        let workspace = project.load();
        let source = workspace.source("m/src/lib.rs".into()).unwrap();
        let found = tables(source);
        let said: Vec<_> = found
            .iter()
            .map(|d| (&*d.table, d.module.as_deref(), &*d.item, &text[d.range.clone()]))
            .collect();
        assert_eq!(
            said,
            [
                ("goods", Some("goods"), "goods", "goods"),
                ("Carts", Some("carts"), "carts", "carts"),
                ("sellers", Some("seller"), "Entity", "\"sellers\""),
                ("visits", None, "Visits", "\"visits\""),
            ]
        );
    }
}
