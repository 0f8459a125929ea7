//! Which crate is the module, which trait its API, which type the implementation.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Code, Found, Item, ItemId, ItemKind, Visibility};
use super::ports;
use super::references::Reference;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::{Member, Workspace};

/// Finds the module by package name.
pub fn module<'w>(
    workspace: &'w Workspace,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'w Member> {
    if let Some(reason) = unusable_name(name) {
        diagnostics.push(
            Diagnostic::error("bad-name", format!("`{name}` is not a package name"))
                .note(reason)
                .help("name a library crate of this workspace as its Cargo.toml does"),
        );
        return None;
    }
    let Some(member) = workspace.member(name) else {
        let mut diagnostic = Diagnostic::error(
            "no-such-module",
            format!("there is no package `{name}` in this workspace"),
        );
        let libraries: Vec<&str> = workspace
            .members
            .iter()
            .filter(|m| m.lib().is_some())
            .map(|m| m.name.as_str())
            .collect();
        let nearest = libraries
            .iter()
            .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
            .filter(|(distance, candidate)| *distance <= candidate.len().max(name.len()) / 2)
            .min();
        diagnostic = match nearest {
            Some((_, nearest)) => diagnostic.help(format!("did you mean `{nearest}`?")),
            None => diagnostic.help(format!("its library crates are: {}", libraries.join(", "))),
        };
        diagnostics.push(diagnostic);
        return None;
    };
    if member.lib().is_none() {
        diagnostics.push(
            Diagnostic::error("binary-only", format!("`{name}` has no library"))
                .at(&member.manifest, member.name_range(workspace), "only binaries here")
                .note("a module offers an API trait to the rest, which only a library can")
                .help("name a library crate; a binary can be deployed on its own already"),
        );
        return None;
    }
    Some(member)
}

/// Why a text cannot name a package; none if it can.
pub fn unusable_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) {
        return Some("package names have letters, digits, `-` and `_` only");
    }
    if syn::parse_str::<syn::Ident>(&name.replace('-', "_")).is_err() {
        return Some("no crate can be called so in Rust code");
    }
    None
}

/// The API traits: named by the user, each once, or the one that is found by how other crates use it.
pub fn api_traits<'w>(
    code: &Code<'w>,
    library: usize,
    references: &[Reference<'_>],
    wanted: &[String],
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Item<'w>>> {
    let root = code.root(library);
    let traits: Vec<&Item<'w>> = root
        .items
        .iter()
        .filter(|i| i.kind == ItemKind::Trait && !i.test_only)
        .filter(|i| i.visibility == Visibility::Public && code.public_path(i.id).is_some())
        .collect();
    if wanted.is_empty() {
        return Some(vec![found(code, library, &traits, references, diagnostics)?]);
    }
    let mut named: Vec<Item<'w>> = Vec::new();
    let mut fine = true;
    for wanted in wanted {
        match trait_of_name(code, library, &traits, wanted) {
            Ok(item) if named.iter().any(|other| other.id == item.id) => {}
            Ok(item) => named.push(item),
            Err(refusal) => {
                fine = false;
                diagnostics.push(*refusal);
            }
        }
    }
    fine.then_some(named)
}

/// The trait that the user names: one of the library's own, or a port that it implements.
fn trait_of_name<'w>(
    code: &Code<'w>,
    library: usize,
    traits: &[&Item<'w>],
    wanted: &str,
) -> Result<Item<'w>, Box<Diagnostic>> {
    let root = code.root(library);
    let last = wanted.rsplit("::").next().unwrap_or(wanted);
    let found: Vec<_> = traits.iter().filter(|i| i.name.as_deref() == Some(last)).collect();
    if let [only] = found.as_slice() {
        return Ok((**only).clone());
    }
    if found.len() > 1 {
        let message = format!("`{}` has several traits `{last}`", root.member.name);
        let mut diagnostic = Diagnostic::error("several-api-traits", message);
        for item in found {
            diagnostic = diagnostic.at(item.file, item.name_range(), "declared here");
        }
        return Err(Box::new(diagnostic.note(
            "under a condition (`#[cfg]`) or in several modules; calve cannot tell which one is \
             meant",
        )));
    }
    let mut adapters = ports::adapters(code, library);
    adapters.retain(|a| a.port.name.as_deref() == Some(last));
    match ports::of(&adapters).as_slice() {
        [] => {}
        [only] => return Ok((*only).clone()),
        several => return Err(Box::new(ports::namesakes(code, &root.member.name, several))),
    }
    let names: Vec<String> = traits.iter().map(|i| format!("`{}`", name_of(i))).collect();
    Err(Box::new(
        Diagnostic::error(
            "no-such-trait",
            format!("`{}` has no public trait `{wanted}`", root.member.name),
        )
        .help(if names.is_empty() {
            "it has no public trait at all".to_owned()
        } else {
            format!("its public traits are {}", names.join(", "))
        }),
    ))
}

fn name_of(item: &Item<'_>) -> String {
    item.name.clone().unwrap_or_default()
}

/// What to type where several traits qualify.
pub(super) fn how_to_choose(traits: &[&Item<'_>]) -> String {
    let names: Vec<String> = traits.iter().map(|item| name_of(item)).collect();
    let first = names.first().map(String::as_str).unwrap_or_default();
    format!(
        "let one service serve all of them, --trait {}; or choose, for example --trait {first}",
        names.join(",")
    )
}

/// The one API trait that other crates use.
fn found<'w>(
    code: &Code<'w>,
    library: usize,
    traits: &[&Item<'w>],
    references: &[Reference<'_>],
    diagnostics: &mut Diagnostics,
) -> Option<Item<'w>> {
    let root = code.root(library);
    let mut users: BTreeMap<ItemId, BTreeSet<&str>> = BTreeMap::new();
    for reference in references.iter().filter(|r| r.member.name != root.member.name) {
        users.entry(reference.item).or_default().insert(&reference.member.name);
    }
    let candidates: Vec<&Item<'w>> = traits
        .iter()
        .copied()
        .filter(|i| users.contains_key(&i.id) && !implementations(code, library, i.id).is_empty())
        .collect();
    match candidates.as_slice() {
        [only] => Some((*only).clone()),
        [] => {
            let adapters = ports::in_use(code, library, references);
            match ports::of(&adapters).as_slice() {
                [only] => return Some((*only).clone()),
                [] => diagnostics.push(no_api_trait(code, library, traits, references)),
                several => diagnostics.push(ports::several(code, &root.member.name, several)),
            }
            None
        }
        several => {
            let mut diagnostic = Diagnostic::error(
                "several-api-traits",
                format!("`{}` offers several traits to the rest", root.member.name),
            );
            for item in several {
                let by: Vec<&str> = users[&item.id].iter().copied().collect();
                let label = format!("used by {}", by.join(", "));
                diagnostic = diagnostic.at(item.file, item.name_range(), label);
            }
            diagnostics.push(diagnostic.help(how_to_choose(several)));
            None
        }
    }
}

/// Says for each public trait of the library why it is not the API trait.
fn no_api_trait(
    code: &Code<'_>,
    library: usize,
    traits: &[&Item<'_>],
    references: &[Reference<'_>],
) -> Diagnostic {
    let root = code.root(library);
    let mut diagnostic = Diagnostic::error(
        "no-api-trait",
        format!("`{}` offers no API trait to the rest", root.member.name),
    )
    .note(
        "an API trait is public, implemented in the module, and named by another crate of the \
         workspace",
    );
    let mut elsewhere = None;
    for item in traits {
        let named =
            references.iter().any(|r| r.item == item.id && r.member.name != root.member.name);
        let implementors = ports::implementors(code, item.id, references);
        let label = if !named {
            "nobody else names it".to_owned()
        } else if implementors.is_empty() {
            "nothing implements it outside of tests".to_owned()
        } else {
            format!("implemented by {}, not here", implementors.join(", "))
        };
        diagnostic = diagnostic.at(item.file, item.name_range(), label);
        elsewhere = elsewhere.or_else(|| implementors.into_iter().next());
    }
    if traits.is_empty() {
        diagnostic = diagnostic.at(&root.target.root, 0..0, "no public trait in this library");
    }
    match (elsewhere, traits) {
        (Some(package), _) => {
            diagnostic.help(format!("what could be extracted is an implementation: `{package}`"))
        }
        (None, [only]) => diagnostic.help(format!(
            "if it is this one, say --trait {}",
            only.name.as_deref().unwrap_or_default()
        )),
        (None, _) => diagnostic.help(
            "put a trait before the module's implementation and let its users hold \
             `Arc<dyn Trait>`; then extract it",
        ),
    }
}

/// The `impl` blocks of a trait in a root, outside of tests: the impl and the type it is for.
pub fn implementations(code: &Code<'_>, library: usize, api: ItemId) -> Vec<(ItemId, ItemId)> {
    let root = code.root(library);
    let mut found = Vec::new();
    for item in root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only) {
        if ports::trait_of(code, item) != Some(api) {
            continue;
        }
        if let Some(ty) = self_type(code, item) {
            found.push((item.id, ty));
        }
    }
    found
}

/// The workspace type that an `impl` block is for.
pub fn self_type(code: &Code<'_>, item: &Item<'_>) -> Option<ItemId> {
    let syn::Item::Impl(block) = item.syntax else { return None };
    let mut ty = &*block.self_ty;
    while let syn::Type::Paren(syn::TypeParen { elem, .. })
    | syn::Type::Group(syn::TypeGroup { elem, .. })
    | syn::Type::Reference(syn::TypeReference { elem, .. }) = ty
    {
        ty = elem;
    }
    let syn::Type::Path(path) = ty else { return None };
    let names: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    match code.resolve_path(item.scope, path.path.leading_colon.is_some(), &names) {
        Found::Item(id, rest) if rest.is_empty() => Some(id),
        _ => None,
    }
}

/// The type that stands behind the API trait: the one that implements it outside of tests, and if
/// several do, the one that another crate constructs.
pub fn implementation<'w>(
    code: &Code<'w>,
    library: usize,
    api: &Item<'w>,
    references: &[Reference<'_>],
    diagnostics: &mut Diagnostics,
) -> Option<Item<'w>> {
    let mut types: Vec<ItemId> =
        implementations(code, library, api.id).into_iter().map(|(_, ty)| ty).collect();
    types.dedup();
    if types.len() > 1 {
        let named: Vec<ItemId> = types
            .iter()
            .copied()
            .filter(|ty| references.iter().any(|r| r.item == *ty && !r.dev && !r.is_import))
            .collect();
        if !named.is_empty() {
            types = named;
        }
    }
    match types.as_slice() {
        [only] => Some(code.item(*only)),
        [] => {
            diagnostics.push(
                Diagnostic::error(
                    "no-implementation",
                    format!("nothing in the module implements `{}`", api.name.as_deref()?),
                )
                .at(api.file, api.name_range(), "no `impl` of it outside of tests")
                .note("the service needs something to serve"),
            );
            None
        }
        several => {
            let mut diagnostic = Diagnostic::error(
                "several-implementations",
                format!("several types implement `{}`", api.name.as_deref()?),
            );
            for id in several {
                let item = code.item(*id);
                let elsewhere = references.iter().any(|r| r.item == *id && !r.dev);
                let label = if elsewhere { "named by other crates" } else { "implements it" };
                diagnostic = diagnostic.at(item.file, item.name_range(), label);
            }
            diagnostics.push(
                diagnostic
                    .note("calve serves one of them over HTTP, not several")
                    .help("keep one in the module; move the others to a crate of their own"),
            );
            None
        }
    }
}
