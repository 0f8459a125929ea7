//! What calve says of a name behind the trait that it cannot rewire.

use std::ops::Range;

use camino::Utf8Path;

use crate::analysis::code::{By, Item, ItemId};
use crate::analysis::composition::beside::Lost;
use crate::analysis::composition::constructor::{Made, ModuleFacts};
use crate::analysis::composition::trace::Site;
use crate::analysis::doctests;
use crate::analysis::references::Reference;
use crate::diagnostic::Diagnostic;

const CODE: &str = "name-behind-the-trait";

/// A name outside of any function body.
pub(super) fn outside(
    module: &ModuleFacts<'_, '_>,
    reference: &Reference<'_>,
    holder: &Item<'_>,
) -> Diagnostic {
    let api = api(module, reference.item);
    let whole = module.implementation(reference.item).is_some();
    let (label, help) = match holder.syntax {
        syn::Item::Use(_) => {
            let krate = module.code.root(module.library).member.ident();
            let help = format!(
                "take the re-export away, and name `{krate}::…` where it is constructed; others need only \
                 `{api}`"
            );
            ("re-exported here", help)
        }
        syn::Item::Struct(_) | syn::Item::Enum(_) | syn::Item::Union(_) => {
            ("held here", format!("hold `Arc<dyn {api}>`, which the stub fits as well"))
        }
        syn::Item::Fn(_) | syn::Item::Trait(_) => {
            ("in a signature", format!("take or return `Arc<dyn {api}>` or `&dyn {api}`"))
        }
        syn::Item::Impl(block) if in_head(block, holder, reference) => (
            "in the head of an `impl`",
            format!("write it for `dyn {api}`, or for a type parameter `T: {api}`"),
        ),
        syn::Item::Impl(_) => (
            "in the signature of a method",
            format!("take or return `Arc<dyn {api}>` or `&dyn {api}`"),
        ),
        syn::Item::Type(_) => (
            "an alias of it, where nobody constructs it",
            format!(
                "let the alias stand for `dyn {api}`; who constructs it by this alias names the type itself"
            ),
        ),
        syn::Item::Static(_) | syn::Item::Const(_) => (
            "a value for the whole program",
            format!("construct it in a function and pass `Arc<dyn {api}>` on"),
        ),
        _ => ("named here", format!("use the module through `{api}` only")),
    };
    // The stub stands for the implementation only, not for what else the module shows.
    let help = if whole || matches!(holder.syntax, syn::Item::Use(_)) { help } else { part(&api) };
    start(module, reference).at(reference.file, reference.range.clone(), label).note(WHY).help(help)
}

/// A name that a macro call or an included file puts there.
pub(super) fn hidden(
    module: &ModuleFacts<'_, '_>,
    reference: &Reference<'_>,
    by: &By,
) -> Diagnostic {
    let krate = module.code.root(module.library).member.ident();
    let (label, help) = match by {
        By::Macro(name) => (
            format!("`{name}!` puts its name together"),
            format!("write `{krate}::…` out in a function, without the macro, where calve sees what it is"),
        ),
        By::File(file) => (
            format!("puts `{file}` in, which names it"),
            "write here what the file says of it, or let `include!` stand among items, of a `.rs` file in \
             the package's folder"
                .to_owned(),
        ),
    };
    start(module, reference).at(reference.file, reference.range.clone(), label).note(WHY).help(help)
}

fn part(api: &str) -> String {
    format!("make what it does an operation of `{api}`, or move it out of the module")
}

/// Whether a name stands before the braces of an `impl` block.
fn in_head(block: &syn::ItemImpl, holder: &Item<'_>, reference: &Reference<'_>) -> bool {
    let brace = holder.source.range(block.brace_token.span.open());
    reference.range.end <= brace.start
}

/// A name in a function body that is no construction and no migration.
pub(super) fn inside(module: &ModuleFacts<'_, '_>, reference: &Reference<'_>) -> Diagnostic {
    let api = api(module, reference.item);
    let begins_a_builder = module
        .signature(reference.item, &reference.rest)
        .and_then(|signature| module.output(&signature))
        .is_some_and(|output| matches!(output.made, Made::Part(_)));
    let help = if begins_a_builder {
        "write the construction as one chain of calls that ends in the implementation".to_owned()
    } else if module.implementation(reference.item).is_some() {
        format!("use it as `{api}` here; the stub is all that the monolith will have")
    } else {
        format!("make it an operation of `{api}`, or let the implementation's constructor do it")
    };
    start(module, reference)
        .at(reference.file, reference.range.clone(), "cannot be rewired")
        .note(WHY)
        .help(help)
}

/// A construction by an associated type, which stands for the implementation at the reference.
pub(super) fn by_associated(
    module: &ModuleFacts<'_, '_>,
    reference: &Reference<'_>,
    (file, range, method): (&Utf8Path, Range<usize>, String),
) -> Diagnostic {
    let path = module.path_of(reference.item, std::slice::from_ref(&method)).unwrap_or(method);
    start(module, reference)
        .at(file, range, "constructs it by an associated type")
        .at(reference.file, reference.range.clone(), "which is it here")
        .note(WHY)
        .help(format!("write `{path}` where it is constructed, where calve sees what it is"))
}

/// A derive at `at` that wants its trait of what will be the stub.
pub(super) fn derived(
    module: &ModuleFacts<'_, '_>,
    reference: &Reference<'_>,
    at: Range<usize>,
    derive: &str,
) -> Diagnostic {
    let help = match derive {
        "Default" => {
            "take the derive off, and construct the value in a function: the stub is made of configuration"
                .to_owned()
        }
        "Copy" => "take the derive off: the stub can be cloned".to_owned(),
        _ => format!("write `impl {derive}` by hand, without this field"),
    };
    start(module, reference)
        .at(reference.file, at, format!("wants `{derive}` of every field"))
        .at(reference.file, reference.range.clone(), "the stub will stand here")
        .note(format!("the stub has `Debug` and `Clone`, and no `{derive}`"))
        .help(help)
}

/// An example in documentation, in a crate of which a type changes.
pub(super) fn in_example(
    module: &ModuleFacts<'_, '_>,
    example: &doctests::Example<'_>,
) -> Diagnostic {
    let name = implementation(module, None);
    let package = &example.member.name;
    Diagnostic::error(CODE, "an example in documentation names what stands behind the API trait")
        .at(example.file, example.line.clone(), "an example that only `cargo test --doc` compiles")
        .note(format!(
            "`{package}` gets the stub's type where it names `{name}`; whether the example would still \
             compile, nobody sees before it runs"
        ))
        .help(format!("write the example with `{}` only", traits(module)))
}

/// A test that constructs the implementation by a name that will stand for the stub.
pub(super) fn by_alias(
    module: &ModuleFacts<'_, '_>,
    reference: &Reference<'_>,
    alias: &Item<'_>,
) -> Diagnostic {
    let name = implementation(module, Some(reference.item));
    let alias_name = alias.name.clone().unwrap_or_default();
    start(module, reference)
        .at(reference.file, reference.range.clone(), "a test constructs it by an alias")
        .at(alias.file, alias.name_range(), "stands for the stub afterwards")
        .note("the test goes on with an implementation in its own process, the alias does not name it")
        .help(format!("name `{name}` instead of `{alias_name}` in the test"))
}

/// A name in `file` that runs the module's migrations, so far said of by `start`.
pub(super) struct Migrating<'w> {
    pub(super) start: Diagnostic,
    pub(super) file: &'w Utf8Path,
    pub(super) range: Range<usize>,
}

impl<'w> Migrating<'w> {
    /// A function or the migrator itself.
    pub(super) fn named(module: &ModuleFacts<'_, '_>, reference: &Reference<'w>) -> Self {
        let (file, range) = (reference.file, reference.range.clone());
        Self { start: start(module, reference), file, range }
    }

    /// A method of what was constructed at `site`.
    pub(super) fn called(
        module: &ModuleFacts<'_, '_>,
        site: &Site<'w>,
        range: Range<usize>,
        method: &str,
    ) -> Self {
        Self { start: no_operation(&traits(module), method), file: site.function.item.file, range }
    }

    fn at_its_place(self) -> Diagnostic {
        self.start.at(self.file, self.range, "runs the module's migrations")
    }
}

/// The module's migrations run in the midst of something else.
pub(super) fn entangled(migrating: Migrating<'_>) -> Diagnostic {
    migrating
        .at_its_place()
        .note("the service runs them; here they are part of a larger expression or its result is used")
        .help("run them in a statement of their own, such as `module::migrate(&pool).await?;`")
}

/// A function that runs the module's migrations and does something else.
pub(super) fn does_more(migrating: Migrating<'_>, lost: &Lost<'_>) -> Diagnostic {
    migrating
        .at_its_place()
        .at(lost.item.file, lost.range.clone(), "and this, which nobody would run")
        .note("the service runs the migrations of one folder, and calls nothing else before the first call")
        .help("let this function run that migrator only; do the rest in a migration, in the constructor, or in an operation")
}

/// A `migrate!` of the module's folder that cannot be taken away.
pub(super) fn embedded(item: &Item<'_>, range: Range<usize>) -> Diagnostic {
    Diagnostic::error(CODE, "the module's migrations are embedded here")
        .at(item.file, range, "names the module's folder")
        .note("the service runs them on its own database")
        .help(
            "run them in a statement of their own, such as `sqlx::migrate!(…).run(&pool).await?;`",
        )
}

/// A method that the stub does not have.
pub(super) fn method(
    module: &ModuleFacts<'_, '_>,
    site: &Site<'_>,
    range: Range<usize>,
    method: &str,
) -> Diagnostic {
    own_method(&traits(module), site.function.item.file, range, method)
}

/// The refusal of a call of the implementation's own `method`; `traits` as "A` or `B".
pub fn own_method(traits: &str, file: &Utf8Path, range: Range<usize>, method: &str) -> Diagnostic {
    no_operation(traits, method)
        .at(file, range, format!("`{method}` is called on it"))
        .note("the stub offers what the API trait does and nothing else")
        .help(format!("make `{method}` an operation of `{traits}`, or let the constructor do it"))
}

fn no_operation(traits: &str, method: &str) -> Diagnostic {
    Diagnostic::error(CODE, format!("`{method}` is not a method of `{traits}`"))
}

const WHY: &str = "after the extraction the monolith sees the contract only; this is part of the \
                   implementation";

fn start(module: &ModuleFacts<'_, '_>, reference: &Reference<'_>) -> Diagnostic {
    let item = module.code.item(reference.item);
    let name = item.name.unwrap_or_default();
    let whose = match module.implementation(reference.item) {
        Some(_) => api(module, reference.item),
        None => traits(module),
    };
    Diagnostic::error(CODE, format!("`{name}` stands behind the API trait `{whose}`"))
}

/// The trait that an implementation stands behind, or for any other item the first one.
fn api(module: &ModuleFacts<'_, '_>, item: ItemId) -> String {
    let behind = module.served.iter().find(|served| served.implementation.id == item);
    let served = behind.or(module.served.first());
    served.and_then(|served| served.api.name.clone()).unwrap_or_default()
}

/// All API traits: "`A`", or "`A` or `B`", without the outer marks.
fn traits(module: &ModuleFacts<'_, '_>) -> String {
    let names = module.served.iter().map(|served| served.api.name.clone().unwrap_or_default());
    names.collect::<Vec<_>>().join("` or `")
}

/// The name of an implementation, or of the first one.
fn implementation(module: &ModuleFacts<'_, '_>, item: Option<ItemId>) -> String {
    let named = item.and_then(|item| module.implementation(item));
    let named = named.or(module.served.first().map(|served| &served.implementation));
    named.and_then(|item| item.name.clone()).unwrap_or_default()
}
