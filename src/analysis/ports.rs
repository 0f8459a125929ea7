//! Ports and adapters: traits that one crate declares and another implements.

use std::collections::BTreeSet;

use super::code::{Code, Found, Item, ItemId, ItemKind};
use super::references::Reference;
use super::select;
use crate::diagnostic::Diagnostic;

/// An `impl` block outside of tests for a trait that another crate of the workspace declares.
pub struct Adapter<'w> {
    /// The block.
    pub block: Item<'w>,
    /// The trait.
    pub port: Item<'w>,
    /// The package that declares it.
    pub package: String,
}

/// The adapters in a library, in source order.
pub fn adapters<'w>(code: &Code<'w>, library: usize) -> Vec<Adapter<'w>> {
    let root = code.root(library);
    let mut found = Vec::new();
    for block in root.items.iter().filter(|i| i.kind == ItemKind::Impl && !i.test_only) {
        let Some(id) = trait_of(code, block) else { continue };
        // A conversion or a helper for somebody else's type offers nothing by itself.
        if id.root == library || select::self_type(code, block).is_none_or(|ty| ty.root != library)
        {
            continue;
        }
        let port = code.item(id);
        if port.kind == ItemKind::Trait {
            let package = code.root(id.root).member.name.clone();
            found.push(Adapter { block: block.clone(), port, package });
        }
    }
    found
}

/// The packages that implement a trait outside of tests, its own left out.
pub fn implementors(code: &Code<'_>, port: ItemId, references: &[Reference<'_>]) -> Vec<String> {
    let mut packages: Vec<String> = references
        .iter()
        .filter(|r| r.item == port && !r.dev && r.member.name != code.root(port.root).member.name)
        .filter(|r| trait_of(code, &code.item(r.holder)) == Some(port))
        .map(|r| r.member.name.clone())
        .collect();
    packages.sort();
    packages.dedup();
    packages
}

/// The workspace trait that an `impl` block is of.
pub fn trait_of(code: &Code<'_>, block: &Item<'_>) -> Option<ItemId> {
    let syn::Item::Impl(syntax) = block.syntax else { return None };
    let (path, ..) = syntax.trait_.as_ref()?;
    let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    match code.resolve_path(block.scope, path.leading_colon.is_some(), &names) {
        Found::Item(id, rest) if rest.is_empty() => Some(id),
        _ => None,
    }
}

/// The adapters whose type, or a function that returns it, other crates name outside of tests; all of
/// them where nobody names any.
pub fn in_use<'w>(
    code: &Code<'w>,
    library: usize,
    references: &[Reference<'_>],
) -> Vec<Adapter<'w>> {
    let mut adapters = adapters(code, library);
    let named: BTreeSet<ItemId> =
        references.iter().filter(|r| !r.dev && !r.is_import).map(|r| r.item).collect();
    let is_named = |adapter: &Adapter<'w>| {
        select::self_type(code, &adapter.block).is_some_and(|ty| {
            named.contains(&ty)
                || named.iter().any(|id| {
                    let item = code.item(*id);
                    item.kind == ItemKind::Function
                        && code.mentioned_by(&item).iter().any(
                            |(_, found)| matches!(found, Found::Item(named, _) if *named == ty),
                        )
                })
        })
    };
    if adapters.iter().any(is_named) {
        adapters.retain(is_named);
    }
    adapters
}

/// The ports of adapters, each once, in the order of their first `impl`.
pub fn of<'a, 'w>(adapters: &'a [Adapter<'w>]) -> Vec<&'a Item<'w>> {
    let mut ports: Vec<&Item<'w>> = Vec::new();
    for adapter in adapters {
        if !ports.iter().any(|port| port.id == adapter.port.id) {
            ports.push(&adapter.port);
        }
    }
    ports
}

/// Says that a crate implements several ports.
pub fn several(code: &Code<'_>, module: &str, ports: &[&Item<'_>]) -> Diagnostic {
    let message = format!("`{module}` implements several traits of other crates");
    declared(code, message, ports).help(select::how_to_choose(ports))
}

/// Says that several ports have the name that the user gives.
pub fn namesakes(code: &Code<'_>, module: &str, ports: &[&Item<'_>]) -> Diagnostic {
    let name = ports.first().and_then(|port| port.name.clone()).unwrap_or_default();
    let message = format!("`{module}` implements several traits `{name}`");
    declared(code, message, ports).note("calve cannot tell which one is meant")
}

/// The ports, each with the crate that declares it.
fn declared(code: &Code<'_>, message: String, ports: &[&Item<'_>]) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("several-api-traits", message);
    for port in ports {
        let label = format!("declared in {}", code.root(port.id.root).member.name);
        diagnostic = diagnostic.at(port.file, port.name_range(), label);
    }
    diagnostic
}

#[cfg(test)]
mod tests {
    use crate::analysis::code::Code;
    use crate::analysis::module;
    use crate::diagnostic::Diagnostics;
    use crate::testing::Project;

    /// What is said when `module` is looked at, a line each: code, message, labels.
    fn said(module: &str) -> Vec<String> {
        let project = Project::new()
            .member(
                "ports",
                &[],
                &[(
                    "src/lib.rs",
                    "pub trait Books {}\npub trait Shelves {}\npub trait Lonely {}\n",
                )],
            )
            .member(
                "adapter",
                &["ports"],
                &[(
                    "src/lib.rs",
                    "use ports::{Books, Shelves};\npub struct Sql;\nimpl Books for Sql {}\n\
                     impl Shelves for Sql {}\n\
                     #[cfg(test)]\nmod tests { struct Fake; impl ports::Lonely for Fake {} }\n",
                )],
            )
            .member("plain", &[], &[("src/lib.rs", "pub fn f() {}\n")]);
        let workspace = project.load();
        let mut diagnostics = Diagnostics::default();
        let code = Code::new(&workspace);
        assert!(module::analyze(&code, module, &[], None, &mut diagnostics).is_none());
        let mut lines = Vec::new();
        for diagnostic in diagnostics.iter() {
            lines.push(format!("{}: {}", diagnostic.code, diagnostic.message));
            for label in &diagnostic.labels {
                lines.push(format!("{}: {}", label.file, label.text));
            }
        }
        lines
    }

    #[test]
    fn an_adapter_of_several_ports_is_asked_which() {
        assert_eq!(
            said("adapter"),
            [
                "several-api-traits: `adapter` implements several traits of other crates",
                "ports/src/lib.rs: declared in ports",
                "ports/src/lib.rs: declared in ports",
            ]
        );
    }

    #[test]
    fn a_crate_of_ports_hears_who_implements_them() {
        assert_eq!(
            said("ports"),
            [
                "no-api-trait: `ports` offers no API trait to the rest",
                "ports/src/lib.rs: implemented by adapter, not here",
                "ports/src/lib.rs: implemented by adapter, not here",
                "ports/src/lib.rs: nothing implements it outside of tests",
            ]
        );
    }

    #[test]
    fn a_library_without_traits_has_a_place_too() {
        assert_eq!(said("plain")[1], "plain/src/lib.rs: no public trait in this library");
    }
}
