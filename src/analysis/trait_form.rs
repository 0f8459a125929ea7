//! The form of a trait: how its methods wait, and what that asks of the stub and the service.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;

use super::code::{Code, Found, Item, ScopeId};
use super::types::{self, Substitution, Type};
use crate::diagnostic::Diagnostic;

/// How the methods of a trait wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `#[async_trait]`.
    AsyncTrait,
    /// Methods that return boxed futures, written out.
    Boxed,
    /// `async fn` and `-> impl Future`: no trait object has such methods.
    Native {
        /// Whether the trait says of every future that it is `Send`.
        send: bool,
    },
    /// Methods that block the caller's thread.
    Blocking,
}

impl Form {
    /// Whether there can be a `dyn Trait`.
    pub fn has_objects(self) -> bool {
        !matches!(self, Self::Native { .. })
    }

    /// Whether the trait says of every future that it is `Send`. Else only the type that implements it
    /// does.
    pub fn is_send(self) -> bool {
        self != Self::Native { send: false }
    }

    /// Whether a call holds the caller's thread until it is answered.
    pub fn blocks(self) -> bool {
        self == Self::Blocking
    }
}

/// How one method waits, as an implementation writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waits {
    /// `async fn`, which also is what `-> impl Future + Send` asks for.
    Async,
    /// `-> impl Future` of which the trait says how long it lives: the lifetime.
    Future(String),
    /// `-> Pin<Box<dyn Future + Send>>`, with its lifetime if it has one.
    Boxed(Option<String>),
    /// Not at all: it blocks.
    Blocks,
}

/// A method's future, read from what it returns.
pub(super) struct Returned {
    /// What it is ready with.
    pub(super) output: Type,
    /// Whether it stands in a `Pin<Box<…>>`.
    pub(super) boxed: bool,
    /// Whether the trait says that it is `Send`.
    pub(super) send: bool,
    /// What the trait says of how long it lives.
    lifetime: Option<syn::Lifetime>,
    /// A bound that no call over a network fulfils, such as `Sync`.
    other: Option<String>,
}

impl Returned {
    pub(super) fn waits(&self) -> Waits {
        let lifetime = self.lifetime.as_ref().map(ToString::to_string);
        match (self.boxed, lifetime) {
            (true, lifetime) => Waits::Boxed(lifetime),
            (false, Some(lifetime)) => Waits::Future(lifetime),
            (false, None) => Waits::Async,
        }
    }
}

/// The form of a trait.
///
/// # Errors
/// When its methods cannot be remote calls, or wait in ways that do not go together.
pub fn of(code: &Code<'_>, api: &syn::ItemTrait, item: &Item<'_>) -> Result<Form, Box<Diagnostic>> {
    let refuse = |message: String, place: Span, label: &str, why: &str, help: String| {
        Err(Box::new(
            Diagnostic::error("trait-form", message)
                .at(item.file, item.source.range(api.ident.span()), "the API trait")
                .at(item.file, item.source.range(place), label)
                .note(why)
                .help(help),
        ))
    };
    const NOT_SEND: &str = "the service runs each call as a task of its own, on any thread";
    match attribute(api) {
        Some(Attribute::Plain) => return Ok(Form::AsyncTrait),
        Some(Attribute::Local(span)) => {
            return refuse(
                format!("the futures of `{}` are not `Send`", api.ident),
                span,
                "binds every call to one thread",
                NOT_SEND,
                format!("write `#[async_trait]` before `{}` and its `impl`s", api.ident),
            );
        }
        Some(Attribute::Conditional(span)) => {
            return refuse(
                format!("`{}` is an `#[async_trait]` trait on some targets only", api.ident),
                span,
                "depends on the target or a feature",
                "stub and service are built apart, and each would have to know what the other was \
                 built with",
                format!("write `#[async_trait]` before `{}` and its `impl`s", api.ident),
            );
        }
        None => {}
    }
    let mut form = Form::Blocking;
    // Of `#[trait_variant::make(Send)]`, which adds it to every future.
    let made_send = is_made_send(api);
    for method in methods(api) {
        let place = method.sig.output.span_of_type(method.sig.ident.span());
        if method.sig.asyncness.is_some() {
            form = with(form, Form::Native { send: made_send });
            continue;
        }
        let Some(returned) = returned(code, item.scope, method) else { continue };
        if let Some(bound) = &returned.other {
            return refuse(
                format!("the future of `{}` has to be `{bound}`", method.sig.ident),
                place,
                "asks for more than a call gives",
                "a future that waits for a socket is `Send`, and nothing else is sure",
                format!("take `{bound}` away"),
            );
        }
        if !returned.send && returned.boxed {
            return refuse(
                format!("the futures of `{}` are not `Send`", api.ident),
                place,
                "binds every call to one thread",
                NOT_SEND,
                "add `+ Send` to it".to_owned(),
            );
        }
        let send = returned.send || made_send;
        form = with(form, if returned.boxed { Form::Boxed } else { Form::Native { send } });
    }
    Ok(form)
}

/// What a trait is that has methods of both forms.
fn with(form: Form, other: Form) -> Form {
    match (form, other) {
        (Form::Blocking, other) => other,
        (Form::Native { send }, Form::Native { send: also }) => Form::Native { send: send && also },
        (native @ Form::Native { .. }, _) | (_, native @ Form::Native { .. }) => native,
        (form, _) => form,
    }
}

fn methods(api: &syn::ItemTrait) -> impl Iterator<Item = &syn::TraitItemFn> {
    api.items.iter().filter_map(|member| match member {
        syn::TraitItem::Fn(method) => Some(method),
        _ => None,
    })
}

enum Attribute {
    /// `#[async_trait]`.
    Plain,
    /// `#[async_trait(?Send)]`.
    Local(Span),
    /// `#[cfg_attr(…, async_trait)]`.
    Conditional(Span),
}

fn attribute(api: &syn::ItemTrait) -> Option<Attribute> {
    api.attrs.iter().find_map(|attribute| {
        if attribute.path().is_ident("cfg_attr") {
            let text = attribute.meta.to_token_stream().to_string();
            return text.contains("async_trait").then(|| Attribute::Conditional(attribute.span()));
        }
        let last = attribute.path().segments.last()?;
        if last.ident != "async_trait" {
            return None;
        }
        Some(match &attribute.meta {
            syn::Meta::List(list) if list.tokens.to_string().contains("Send") => {
                Attribute::Local(attribute.span())
            }
            _ => Attribute::Plain,
        })
    })
}

/// Whether `#[trait_variant::make(Send)]` stands before the trait: it rewrites every `async fn` to
/// `-> impl Future + Send`.
fn is_made_send(api: &syn::ItemTrait) -> bool {
    api.attrs.iter().any(|attribute| {
        let names: Vec<String> =
            attribute.path().segments.iter().map(|s| s.ident.to_string()).collect();
        names == ["trait_variant", "make"]
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "Send")
    })
}

/// The future that a method returns; none if it returns none.
pub(super) fn returned(
    code: &Code<'_>,
    scope: ScopeId,
    method: &syn::TraitItemFn,
) -> Option<Returned> {
    let syn::ReturnType::Type(_, ty) = &method.sig.output else { return None };
    future(code, scope, ty, &Substitution::new())
}

fn future(
    code: &Code<'_>,
    scope: ScopeId,
    ty: &syn::Type,
    known: &Substitution,
) -> Option<Returned> {
    let path = match ty {
        syn::Type::Paren(paren) => return future(code, scope, &paren.elem, known),
        syn::Type::Group(group) => return future(code, scope, &group.elem, known),
        syn::Type::ImplTrait(opaque) => {
            return bounds(code, scope, &opaque.bounds, known);
        }
        syn::Type::Path(path) if path.qself.is_none() => &path.path,
        _ => return None,
    };
    let last = path.segments.last()?;
    let (lifetimes, arguments) = generic_arguments(last);
    let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    let found = code.resolve_path(scope, path.leading_colon.is_some(), &names);
    if let Found::Item(id, rest) = &found
        && rest.is_empty()
        && let syn::Item::Type(alias) = code.item(*id).syntax
    {
        let item = code.item(*id);
        let _reading = code.enter(*id)?;
        let parameters = alias.generics.type_params().map(|p| p.ident.to_string());
        let given = arguments.iter().map(|ty| types::read(code, scope, ty, known));
        let inside: Substitution = parameters.zip(given).collect();
        let mut returned = future(code, item.scope, &alias.ty, &inside)?;
        let at = alias
            .generics
            .lifetimes()
            .position(|l| Some(&l.lifetime) == returned.lifetime.as_ref());
        if let Some(at) = at {
            returned.lifetime = Some(lifetimes.get(at).map_or_else(elided, |l| (*l).clone()));
        }
        return Some(returned);
    }
    match (last.ident.to_string().as_str(), arguments.as_slice()) {
        ("Pin", [inner]) => {
            let syn::Type::Path(inner) = inner else { return None };
            let inner = inner.path.segments.last().filter(|last| last.ident == "Box")?;
            let (_, arguments) = generic_arguments(inner);
            let [syn::Type::TraitObject(object)] = arguments.as_slice() else { return None };
            let returned = bounds(code, scope, &object.bounds, known)?;
            Some(Returned { boxed: true, ..returned })
        }
        (name @ ("BoxFuture" | "LocalBoxFuture"), [output])
            if !matches!(found, Found::Item(..)) =>
        {
            Some(Returned {
                output: types::read(code, scope, output, known),
                boxed: true,
                send: name == "BoxFuture",
                lifetime: Some(lifetimes.first().map_or_else(elided, |l| (*l).clone())),
                other: None,
            })
        }
        _ => None,
    }
}

fn elided() -> syn::Lifetime {
    syn::Lifetime::new("'_", Span::call_site())
}

/// Reads `Future<Output = T> + Send + 'a`.
fn bounds<'a>(
    code: &Code<'_>,
    scope: ScopeId,
    bounds: impl IntoIterator<Item = &'a syn::TypeParamBound>,
    known: &Substitution,
) -> Option<Returned> {
    let mut output = None;
    let (mut send, mut lifetime, mut other) = (false, None, None);
    for bound in bounds {
        match bound {
            syn::TypeParamBound::Lifetime(written) => lifetime = Some(written.clone()),
            syn::TypeParamBound::Trait(bound) => {
                let last = bound.path.segments.last()?;
                match last.ident.to_string().as_str() {
                    "Future" => {
                        let syn::PathArguments::AngleBracketed(list) = &last.arguments else {
                            return None;
                        };
                        output = list.args.iter().find_map(|argument| match argument {
                            syn::GenericArgument::AssocType(ty) if ty.ident == "Output" => {
                                Some(types::read(code, scope, &ty.ty, known))
                            }
                            _ => None,
                        });
                    }
                    "Send" => send = true,
                    name => other = Some(name.to_owned()),
                }
            }
            bound => other = Some(bound.to_token_stream().to_string()),
        }
    }
    Some(Returned { output: output?, boxed: false, send, lifetime, other })
}

/// The lifetimes and types of `Name<'a, T>`.
fn generic_arguments(segment: &syn::PathSegment) -> (Vec<&syn::Lifetime>, Vec<&syn::Type>) {
    let (mut lifetimes, mut arguments) = (Vec::new(), Vec::new());
    if let syn::PathArguments::AngleBracketed(list) = &segment.arguments {
        for argument in &list.args {
            match argument {
                syn::GenericArgument::Lifetime(lifetime) => lifetimes.push(lifetime),
                syn::GenericArgument::Type(ty) => arguments.push(ty),
                _ => {}
            }
        }
    }
    (lifetimes, arguments)
}

/// The place of a return type.
pub(super) trait SpanOfType {
    /// Its span; `or` where nothing is written.
    fn span_of_type(&self, or: Span) -> Span;
}

impl SpanOfType for syn::ReturnType {
    fn span_of_type(&self, or: Span) -> Span {
        match self {
            Self::Default => or,
            Self::Type(_, ty) => ty.span(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Waits};
    use crate::analysis::code::Code;
    use crate::testing::Project;

    /// The form and how the last method waits, or the label of the refusal.
    fn form(source: &str) -> Result<(Form, Option<Waits>), String> {
        let project =
            Project::new().foreign("futures").member("m", &["futures"], &[("src/lib.rs", source)]);
        let workspace = project.load();
        let code = Code::new(&workspace);
        let root = code.root(code.library("m").unwrap());
        let item = root.items.last().unwrap();
        let syn::Item::Trait(api) = item.syntax else { panic!("the last item is the trait") };
        let form = super::of(&code, api, item).map_err(|refusal| refusal.labels[1].text.clone())?;
        let method = super::methods(api).last().unwrap();
        Ok((form, super::returned(&code, item.scope, method).map(|returned| returned.waits())))
    }

    #[test]
    fn each_form_is_known() {
        const SEND: Form = Form::Native { send: true };
        const UNSAID: Form = Form::Native { send: false };
        let lives = |lifetime: &str| Some(Waits::Future(lifetime.to_owned()));
        let boxed = |lifetime: &str| Some(Waits::Boxed(Some(lifetime.to_owned())));
        let alias = "type Fut<'x, T> = Pin<Box<dyn Future<Output = Option<T>> + Send + 'x>>;";
        for (before, methods, expected) in [
            ("", "fn f(&self) -> u8;", (Form::Blocking, None)),
            ("", "async fn f(&self);", (UNSAID, None)),
            ("#[trait_variant::make(Send)]", "async fn f(&self);", (SEND, None)),
            ("", "fn f(&self) -> impl Future<Output = ()> + Send;", (SEND, Some(Waits::Async))),
            ("", "fn f(&self) -> impl Future<Output = ()>;", (UNSAID, Some(Waits::Async))),
            (
                "",
                "fn f(&self) -> impl Future<Output = ()> + Send + 'static;",
                (SEND, lives("'static")),
            ),
            (
                "",
                "async fn g(&self); fn f(&self) -> impl Future<Output = ()> + Send;",
                (UNSAID, Some(Waits::Async)),
            ),
            (
                "",
                "fn f(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;",
                (Form::Boxed, Some(Waits::Boxed(None))),
            ),
            (
                "",
                "fn f(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;",
                (Form::Boxed, boxed("'_")),
            ),
            (
                "use futures::future::BoxFuture;",
                "fn f<'a>(&'a self) -> BoxFuture<'a, ()>;",
                (Form::Boxed, boxed("'a")),
            ),
            (alias, "fn f(&self) -> Fut<'_, u8>;", (Form::Boxed, boxed("'_"))),
            (alias, "fn g(&self); fn f(&self) -> Fut<u8>;", (Form::Boxed, boxed("'_"))),
            ("#[async_trait::async_trait]", "async fn f(&self);", (Form::AsyncTrait, None)),
        ] {
            let source = format!("{before}\npub trait Api {{ {methods} }}");
            assert_eq!(form(&source), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_is_bound_to_a_thread_or_a_target_is_refused() {
        for (attribute, method, label) in [
            ("#[async_trait(?Send)]", "async fn f(&self);", "binds every call to one thread"),
            ("#[cfg_attr(x, async_trait)]", "async fn f(&self);", "depends on the target"),
            ("", "fn f(&self) -> LocalBoxFuture<'_, ()>;", "binds every call to one thread"),
            ("", "fn f(&self) -> Pin<Box<dyn Future<Output = ()>>>;", "binds every call"),
            ("", "fn f(&self) -> impl Future<Output = ()> + Send + Sync;", "asks for more"),
        ] {
            let refused = form(&format!("{attribute}\npub trait Api {{ {method} }}")).unwrap_err();
            assert!(refused.starts_with(label), "{refused}");
        }
    }
}
