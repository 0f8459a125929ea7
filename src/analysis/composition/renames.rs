//! Names of bindings that would lie after the cut: `sqlite_inventory`, which holds a stub.

use std::ops::Range;

use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};

use super::Renamed;
use super::bindings::Binding;
use super::classify::Construction;
use super::constructor::ModuleFacts;
use super::trace::Site;
use crate::analysis::code::Item;

/// Words that say nothing about how something is implemented.
const ROLES: [&str; 14] = [
    "adapter",
    "api",
    "contract",
    "default",
    "gateway",
    "impl",
    "interface",
    "manager",
    "module",
    "port",
    "repository",
    "service",
    "store",
    "trait",
];

/// The new names of the bindings that hold the constructed value, where the old ones hold words of the
/// implementation's own name and nothing else goes by the new ones.
pub(super) fn of(module: &ModuleFacts<'_, '_>, constructions: &[Construction<'_>]) -> Vec<Renamed> {
    let traits: Vec<&Item<'_>> = module.served.iter().map(|served| &served.api).collect();
    let mut all = Vec::new();
    for construction in constructions {
        let Some(binding) = construction.held_by() else { continue };
        let implementation = construction.constructor.implementation;
        let Some(implementation) = module.implementation(implementation) else { continue };
        let words = OwnWords::of(&module.package, &traits, implementation);
        let Some(name) = words.honest(&binding.name) else { continue };
        if let Some(renamed) = renamed(&construction.site, binding, &name) {
            all.extend(renamed);
        }
    }
    all
}

/// The words that only speak of how something is implemented: `["sqlite"]` of `SqliteInventory`, the
/// trait being `InventoryApi`.
pub struct OwnWords {
    words: Vec<String>,
    /// What is left to be called where nothing else is.
    plain: String,
}

impl OwnWords {
    /// Those of an implementation of a package's traits.
    pub fn of(package: &str, traits: &[&Item<'_>], implementation: &Item<'_>) -> Self {
        let name = |item: &Item<'_>| item.name.clone().unwrap_or_default();
        let neutral = traits.iter().map(|item| name(item)).chain([package.to_upper_camel_case()]);
        let neutral: Vec<String> = neutral.flat_map(|name| words(&name)).collect();
        let is_neutral = |word: &String| neutral.iter().any(|other| one_of(other) == one_of(word));
        let own = words(&name(implementation)).into_iter();
        let own = own.filter(|word| !is_neutral(word) && !ROLES.contains(&word.as_str()));
        Self { words: own.collect(), plain: package.to_snake_case() }
    }

    /// A name without these words; none if it has none of them.
    pub fn honest(&self, name: &str) -> Option<String> {
        let (gone, kept): (Vec<&str>, Vec<&str>) =
            name.split('_').partition(|word| self.words.iter().any(|lie| lie == word));
        if gone.is_empty() {
            return None;
        }
        let left = kept.iter().any(|word| !word.is_empty());
        let new = if left { kept.join("_") } else { self.plain.clone() };
        syn::parse_str::<syn::Ident>(&new).is_ok().then_some(new)
    }
}

/// `rate` of `rates`.
fn one_of(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

fn words(name: &str) -> Vec<String> {
    name.to_snake_case().split('_').map(str::to_owned).collect()
}

/// The places of a binding under its new name; none if something else may mean that name there.
fn renamed(site: &Site<'_>, binding: &Binding<'_>, name: &str) -> Option<Vec<Renamed>> {
    let source = site.function.item.source;
    let is_plain = |range: &Range<usize>| source.text[range.clone()] == binding.name;
    let is_free = !site.bindings.iter().any(|other| other.name == name)
        && !is_spelled(site.function.block.to_token_stream(), name);
    if !is_free || !is_plain(&binding.at) || !binding.uses.iter().all(is_plain) {
        return None;
    }
    let file = site.function.item.file.to_owned();
    let mut all = vec![Renamed {
        file: file.clone(),
        range: binding.at.clone(),
        text: name.to_owned(),
        bound: Some((binding.name.clone(), name.to_owned())),
    }];
    let fields = fields(site);
    for used in &binding.uses {
        let field = fields.iter().find(|(value, _, _)| value == used);
        let (range, text) = match field {
            // `App { sqlite }` and `App { inventory: sqlite }`.
            Some((_, whole, None)) => (whole.clone(), format!("{}: {name}", binding.name)),
            Some((_, whole, Some(member))) if member == name => (whole.clone(), name.to_owned()),
            _ => (used.clone(), name.to_owned()),
        };
        all.push(Renamed { file: file.clone(), range, text, bound: None });
    }
    Some(all)
}

type Field = (Range<usize>, Range<usize>, Option<String>);

/// The fields of struct literals: the value's place, the field's, and the member where it is written out.
fn fields(site: &Site<'_>) -> Vec<Field> {
    struct Fields<'a, 'w>(&'a Site<'w>, Vec<Field>);
    impl<'w> Visit<'w> for Fields<'_, 'w> {
        fn visit_field_value(&mut self, field: &'w syn::FieldValue) {
            let member = field.colon_token.map(|_| field.member.to_token_stream().to_string());
            self.1.push((self.0.range_of(&field.expr), self.0.range_of(field), member));
            visit::visit_field_value(self, field);
        }
    }
    let mut fields = Fields(site, Vec::new());
    fields.visit_block(site.function.block);
    fields.1
}

/// Whether a name stands for a value somewhere in tokens: not behind a dot, not before `::` or `:`.
fn is_spelled(tokens: TokenStream, name: &str) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => is_spelled(group.stream(), name),
        TokenTree::Ident(ident) if ident == name => {
            let is = |token: Option<&TokenTree>, mark: char| {
                matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == mark)
            };
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            !is(before, '.') && !is(tokens.get(at + 1), ':')
        }
        TokenTree::Literal(literal) => literal.to_string().contains(&format!("{{{name}")),
        _ => false,
    })
}
