//! The API trait as operations: what is called, with what, and what comes back.

mod local;
mod shape;

pub use local::Ending;
pub use shape::Supertraits;

use std::collections::BTreeSet;

use super::code::{Code, Item};
use super::trait_form::{self, Form, SpanOfType as _, Waits};
use super::types::{self, Substitution, Type};
use super::uncarriable;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// One method of the API trait, as a remote call.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Method name.
    pub name: String,
    /// Its arguments without `self`.
    pub arguments: Vec<Argument>,
    /// What comes back when it succeeds.
    pub output: Type,
    /// The error type.
    pub error: Type,
    /// First line of its doc comment.
    pub summary: Option<String>,
    /// Its signature as written.
    pub signature: syn::Signature,
    /// How it waits.
    pub waits: Waits,
}

/// One argument of an operation.
#[derive(Debug, Clone)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// The operations of a trait, all with one error type.
#[derive(Debug, Clone)]
pub struct Interface {
    /// In the order of the trait.
    pub operations: Vec<Operation>,
    /// The error type that they share.
    pub error: Type,
    /// How they wait.
    pub form: Form,
    /// Methods that end the module, which are no operations.
    pub endings: Vec<Ending>,
    /// The names of methods that the trait answers itself, for the stub too.
    pub answered: Vec<String>,
    /// What else the trait asks of those who implement it.
    pub supertraits: Supertraits,
}

impl Interface {
    /// Whether there can be a `dyn Trait`.
    pub fn has_objects(&self) -> bool {
        self.form.has_objects() && !self.supertraits.sized
    }
}

/// Reads the traits of a module; what a network cannot carry becomes an error with its place. A trait that
/// cannot be carried is left out.
///
/// `library` is the crate root of the module: of those who implement a trait, those count.
pub fn read_all(
    code: &Code<'_>,
    apis: &[&Item<'_>],
    library: usize,
    diagnostics: &mut Diagnostics,
) -> Vec<Interface> {
    let declared = local::declared(code, apis, library).unwrap_or_else(|refused| {
        refused.into_iter().for_each(|diagnostic| diagnostics.push(diagnostic));
        BTreeSet::new()
    });
    let mut read: Vec<(&Item<'_>, Interface)> = Vec::new();
    for item in apis {
        if let Some(interface) = self::read(code, item, library, &declared, diagnostics) {
            read.push((item, interface));
        }
    }
    let of_form = |blocks: bool| read.iter().find(|(_, api)| api.form.blocks() == blocks);
    if let (Some((blocking, _)), Some((waiting, _))) = (of_form(true), of_form(false)) {
        let [one, other] = [blocking, waiting].map(|item| item.name.clone().unwrap_or_default());
        diagnostics.push(
            Diagnostic::error(
                "trait-form",
                format!("`{one}` blocks its callers, `{other}` does not"),
            )
            .at(blocking.file, blocking.name_range(), "has methods that block")
            .at(waiting.file, waiting.name_range(), "has methods that wait")
            .note(
                "one stub has both, and its connections are driven by a thread of its own or by \
                     its callers' runtime",
            )
            .help("let both block or both wait, or give each a module of its own"),
        );
    }
    read.into_iter().map(|(_, interface)| interface).collect()
}

fn read(
    code: &Code<'_>,
    item: &Item<'_>,
    library: usize,
    declared: &BTreeSet<String>,
    diagnostics: &mut Diagnostics,
) -> Option<Interface> {
    let syn::Item::Trait(api) = item.syntax else { return None };
    let at = |span: proc_macro2::Span| (item.file, item.source.range(span));
    let form = match trait_form::of(code, api, item) {
        Ok(form) => form,
        Err(refusal) => {
            diagnostics.push(*refusal);
            return None;
        }
    };
    let supertraits = shape::read(code, api, item, library, diagnostics);
    let (mut operations, mut endings) = (Vec::<Operation>::new(), Vec::new());
    let mut answered = Vec::new();
    for member in &api.items {
        let syn::TraitItem::Fn(method) = member else { continue };
        // Without `self`, or with a body that needs nothing of it: the stub has the trait's own.
        let blocks = method.sig.asyncness.is_none()
            && trait_form::returned(code, item.scope, method).is_none();
        let differs = blocks && (!form.blocks() || method.sig.receiver().is_none());
        if differs && local::reaches(code, item, library, method).is_none() {
            answered.push(method.sig.ident.to_string());
            continue;
        }
        if let Some(read) = operation(code, item, library, form, method, declared, diagnostics) {
            match read {
                Method::Operation(operation) => operations.push(*operation),
                Method::Ending(ending) => endings.push(*ending),
            }
        }
    }
    let Some(first) = operations.first() else {
        if !diagnostics.has_errors() {
            let (file, range) = at(api.ident.span());
            diagnostics.push(
                Diagnostic::error("no-operations", format!("`{}` has no methods", api.ident)).at(
                    file,
                    range,
                    "nothing to call over a network",
                ),
            );
        }
        return None;
    };
    let error = first.error.clone();
    for operation in &operations {
        if operation.error != error {
            let (file, range) = at(output_span(&operation.signature));
            diagnostics.push(
                Diagnostic::error(
                    "several-error-types",
                    format!("`{}` fails with another error type", operation.name),
                )
                .at(file, range, "differs from the trait's first operation")
                .note("calve mirrors one error enum for each API trait")
                .help("give all operations one error enum, or move this one to a trait of its own"),
            );
        }
    }
    (!diagnostics.has_errors()).then_some(Interface {
        operations,
        error,
        form,
        endings,
        answered,
        supertraits,
    })
}

fn output_span(signature: &syn::Signature) -> proc_macro2::Span {
    signature.output.span_of_type(signature.ident.span())
}

/// What a method of the trait is.
enum Method {
    Operation(Box<Operation>),
    Ending(Box<Ending>),
}

fn operation(
    code: &Code<'_>,
    item: &Item<'_>,
    library: usize,
    form: Form,
    method: &syn::TraitItemFn,
    declared: &BTreeSet<String>,
    diagnostics: &mut Diagnostics,
) -> Option<Method> {
    use syn::spanned::Spanned;
    let name = method.sig.ident.to_string();
    let mut fine = true;
    let mut refuse = |span, code, message: String, label: &str, why: &str, help: &str| {
        fine = false;
        let mut diagnostic = Diagnostic::error(code, message)
            .at(item.file, item.source.range(span), label)
            .note(why);
        if !help.is_empty() {
            diagnostic = diagnostic.help(help);
        }
        diagnostics.push(diagnostic);
    };
    let inputs = method.sig.inputs.iter().flat_map(|input| match input {
        syn::FnArg::Receiver(receiver) => &receiver.attrs,
        syn::FnArg::Typed(typed) => &typed.attrs,
    });
    let conditional = |attr: &&syn::Attribute| attr.path().is_ident("cfg");
    if let Some(condition) = method.attrs.iter().chain(inputs).find(conditional) {
        refuse(
            condition.span(),
            "conditional-operation",
            format!("`{name}` is not always the same"),
            "depends on the target or a feature",
            "stub and service are built apart, and each would have to know what the other was built \
             with",
            "declare it without a condition, or in a trait of its own",
        );
    }
    if method.sig.receiver().is_none() {
        refuse(
            method.sig.ident.span(),
            "receiver",
            format!("`{name}` does not take `&self`"),
            "",
            "a caller that has no stub has nobody to ask",
            "take `&self`, or make it a free function",
        );
        return None;
    }
    let returned = trait_form::returned(code, item.scope, method);
    let waits = match &returned {
        Some(returned) => returned.waits(),
        None if method.sig.asyncness.is_some() => Waits::Async,
        None => Waits::Blocks,
    };
    if waits == Waits::Blocks && !form.blocks() {
        refuse(
            method.sig.ident.span(),
            "sync-operation",
            format!("`{name}` is not `async`"),
            local::reaches(code, item, library, method).unwrap_or_default(),
            "a network call has to wait, and blocking a runtime's worker for it stalls every other task",
            "make it `async`, or give it a body in the trait, and nowhere else, that needs nothing but \
             its arguments",
        );
        // Whatever else it lacks goes with that.
        return None;
    }
    for parameter in &method.sig.generics.params {
        if !matches!(parameter, syn::GenericParam::Lifetime(_)) {
            refuse(
                parameter.span(),
                "generic-operation",
                format!("`{name}` is generic"),
                "",
                "a route serves one concrete set of types",
                "name the type that callers pass",
            );
        }
    }
    let mut arguments: Vec<Argument> = Vec::new();
    for input in &method.sig.inputs {
        match input {
            syn::FnArg::Receiver(receiver) => {
                if !matches!(receiver.kind, syn::ReceiverKind::Reference(_, _, None)) {
                    refuse(
                        receiver.span(),
                        "receiver",
                        format!("`{name}` does not take `&self`"),
                        "",
                        "calls of several callers reach one service at the same time",
                        "take `&self`, and keep what changes behind a lock",
                    );
                }
            }
            syn::FnArg::Typed(typed) => {
                let ty = types::read(code, item.scope, &typed.ty, &Substitution::new());
                let argument = argument_name(&typed.pat, &arguments);
                // A type parameter is named as the method's fault already.
                let generic = method.sig.generics.type_params().next().is_some();
                if generic && matches!(ty, Type::Other(types::NOT_FOUND, _)) {
                    continue;
                }
                if let Some((label, why)) = uncarriable::find(&ty) {
                    refuse(
                        typed.ty.span(),
                        "argument-cannot-cross",
                        format!("`{name}` takes {label}, which cannot cross a network"),
                        "",
                        why,
                        "take owned data, and return what changed",
                    );
                }
                arguments.push(Argument { name: argument, ty });
            }
        }
    }
    let written = match (&returned, &method.sig.output) {
        (Some(returned), _) => returned.output.clone(),
        (None, syn::ReturnType::Type(_, ty)) => {
            types::read(code, item.scope, ty, &Substitution::new())
        }
        (None, syn::ReturnType::Default) => Type::Unit,
    };
    let alone = arguments.is_empty();
    if declared.contains(&name) {
        let fallible = match &written {
            Type::Unit => Some(false),
            Type::Result(output, _) if **output == Type::Unit => Some(true),
            _ => None,
        };
        let Some(fallible) = fallible.filter(|_| alone) else {
            refuse(
                output_span(&method.sig),
                "local-operation",
                format!("`{name}` cannot be local"),
                "",
                "the stub's would do nothing, and its caller would miss what it takes or returns",
                "let it take and return nothing, or make it an operation",
            );
            return None;
        };
        let (signature, waits) = (method.sig.clone(), waits);
        return fine.then(|| Method::Ending(Box::new(Ending { name, signature, waits, fallible })));
    }
    let (output, error) = if let Type::Result(output, error) = written {
        (*output, *error)
    } else {
        let help = if alone && written == Type::Unit {
            format!(
                "return a `Result` with the error of the other operations; or, if it ends the module, \
                 say {name} = \"local\" under [package.metadata.calve.operations] in the module's \
                 Cargo.toml: then it does nothing in the stub, and the service calls it after its last \
                 call"
            )
        } else {
            "return a `Result` with the error of the other operations".to_owned()
        };
        refuse(
            output_span(&method.sig),
            "infallible-operation",
            format!("`{name}` cannot fail"),
            "has no place for a failed call",
            "a network call fails sometimes; the caller must be able to see it",
            &help,
        );
        (Type::Unit, Type::Unit)
    };
    if let Some((label, why)) = uncarriable::find(&output).or(match &output {
        Type::Reference { .. } => {
            Some(("a reference", "what it refers to stays in another process"))
        }
        _ => None,
    }) {
        refuse(
            output_span(&method.sig),
            "result-cannot-cross",
            format!("`{name}` returns {label}, which cannot cross a network"),
            "",
            why,
            "return owned data",
        );
    }
    fine.then(|| {
        Method::Operation(Box::new(Operation {
            name,
            arguments,
            output,
            error,
            summary: summary(&method.attrs),
            signature: method.sig.clone(),
            waits,
        }))
    })
}

/// The name of an argument without the `_` of an unused one; a name of its own where what is left is
/// none, or is that of another.
fn argument_name(pattern: &syn::Pat, before: &[Argument]) -> String {
    let written = match pattern {
        syn::Pat::Ident(ident) => ident.ident.to_string(),
        _ => String::new(),
    };
    let name = written.trim_start_matches('_');
    let is_name = |name: &str| syn::parse_str::<syn::Ident>(name).is_ok();
    let usable = is_name(name) || is_name(&format!("r#{name}"));
    let is_taken = |name: &str| before.iter().any(|argument| argument.name == name);
    if usable && !is_taken(name) {
        return name.to_owned();
    }
    let mut name = format!("argument_{}", before.len());
    while is_taken(&name) {
        name.push('_');
    }
    name
}

/// First line of the doc comment.
pub fn summary(attrs: &[syn::Attribute]) -> Option<String> {
    attrs.iter().find_map(|attr| match &attr.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
                Some(text.value().trim().to_owned())
            }
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;

    /// The names of each operation's arguments, or what is refused.
    fn read_trait(methods: &str) -> Result<Vec<Vec<String>>, Vec<String>> {
        let text = format!(
            "pub struct Failure;\n#[async_trait::async_trait]\npub trait Api: Send + Sync {{ {methods} }}"
        );
        let project = Project::new().foreign("async-trait").member(
            "stock",
            &["async-trait"],
            &[("src/lib.rs", &text)],
        );
        let workspace = project.load();
        let code = Code::new(&workspace);
        let root = code.root(code.library("stock").unwrap());
        let api = root.items.iter().find(|i| matches!(i.syntax, syn::Item::Trait(_))).unwrap();
        let mut diagnostics = Diagnostics::default();
        let interface = read_all(&code, &[api], api.id.root, &mut diagnostics).pop();
        interface.map_or_else(
            || {
                Err(diagnostics
                    .iter()
                    .map(|d| {
                        let label = &d.labels[0];
                        let text = &workspace.source(&label.file).unwrap().text;
                        format!("{}: {}", d.code, &text[label.span.clone()])
                    })
                    .collect())
            },
            |interface| {
                let names = |o: Operation| o.arguments.into_iter().map(|a| a.name).collect();
                Ok(interface.operations.into_iter().map(names).collect())
            },
        )
    }

    #[test]
    fn a_conditional_operation_is_refused_at_its_condition() {
        let refused = read_trait(
            "async fn a(&self) -> Result<(), Failure>; #[cfg(unix)] async fn b(&self, #[cfg(test)] n: \
             u8) -> Result<(), Failure>; async fn c(&self, #[cfg(test)] n: u8) -> Result<(), Failure>;",
        );
        let expected =
            ["conditional-operation: #[cfg(unix)]", "conditional-operation: #[cfg(test)]"];
        assert_eq!(refused.unwrap_err(), expected);
    }

    #[test]
    fn every_argument_has_a_name_that_a_field_can_have() {
        let names = read_trait(
            "async fn a(&self, _id: u8, id: u8, _: u8, _1: u8, __: u8, _self: u8, _type: u8) -> \
             Result<(), Failure>;",
        );
        let expected =
            ["id", "argument_1", "argument_2", "argument_3", "argument_4", "argument_5", "type"];
        assert_eq!(names.unwrap(), [expected]);
    }
}
