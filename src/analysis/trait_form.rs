//! The form of a trait's methods: `#[async_trait]`, which is carried, and the others, which are not.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;

use super::code::Item;
use crate::diagnostic::Diagnostic;

/// Refuses a trait whose methods calve cannot implement as remote calls yet.
pub fn refusal(api: &syn::ItemTrait, item: &Item<'_>) -> Option<Diagnostic> {
    let (message, place, label) = match attribute(api) {
        Some(Attribute::Plain) => return None,
        Some(Attribute::Local(span)) => (
            format!("the futures of `{}` are not `Send`", api.ident),
            span,
            "binds every call to one thread".to_owned(),
        ),
        Some(Attribute::Conditional(span)) => (
            format!("`{}` is an `#[async_trait]` trait on some targets only", api.ident),
            span,
            "depends on the target or a feature".to_owned(),
        ),
        None => {
            let (place, form) = form(api)?;
            (
                format!("`{}` is not an `#[async_trait]` trait", api.ident),
                place,
                format!("{form}: a form that calve does not carry yet"),
            )
        }
    };
    let why = match attribute(api) {
        Some(Attribute::Local(_)) => {
            "the service runs each call as a task of its own, on any thread"
        }
        _ => "a stub has to wait for the network, so its methods must be able to wait",
    };
    Some(
        Diagnostic::error("trait-form", message)
            .at(item.file, item.source.range(api.ident.span()), "the API trait")
            .at(item.file, item.source.range(place), label)
            .note(why)
            .help(format!("write `#[async_trait]` before `{}` and its `impl`s", api.ident)),
    )
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

/// The first method that tells the form, and the form in words. None for a trait without methods.
fn form(api: &syn::ItemTrait) -> Option<(Span, &'static str)> {
    let methods: Vec<&syn::TraitItemFn> = api
        .items
        .iter()
        .filter_map(|member| match member {
            syn::TraitItem::Fn(method) => Some(method),
            _ => None,
        })
        .collect();
    let of = |method: &syn::TraitItemFn| match &method.sig.output {
        _ if method.sig.asyncness.is_some() => "a native `async fn`",
        syn::ReturnType::Type(_, ty) if mentions_future(ty) => match **ty {
            syn::Type::ImplTrait(_) => "returns `impl Future`",
            _ => "returns a boxed future",
        },
        _ => SYNCHRONOUS,
    };
    // A trait that waits somewhere may have synchronous helpers; what waits tells the form.
    let telling = methods.iter().find(|method| of(method) != SYNCHRONOUS);
    let method = telling.or(methods.first())?;
    Some((method.sig.ident.span(), of(method)))
}

const SYNCHRONOUS: &str = "synchronous";

fn mentions_future(ty: &syn::Type) -> bool {
    let text = ty.to_token_stream().to_string();
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| matches!(word, "Future" | "BoxFuture" | "LocalBoxFuture"))
}

#[cfg(test)]
mod tests {
    use crate::analysis::code::Code;
    use crate::diagnostic::Diagnostic;
    use crate::testing::Project;

    fn refusal(source: &str) -> Option<Diagnostic> {
        let project = Project::new().member("m", &[], &[("src/lib.rs", source)]);
        let workspace = project.load();
        let code = Code::new(&workspace);
        let root = code.root(code.library("m").unwrap());
        let item = root.items.last().unwrap();
        let syn::Item::Trait(api) = item.syntax else { panic!("the last item is the trait") };
        super::refusal(api, item)
    }

    #[test]
    fn each_form_is_called_by_its_name() {
        for (attribute, method, label) in [
            ("", "fn f(&self) -> impl Future<Output = ()> + Send;", "returns `impl Future`"),
            ("", "fn f(&self) -> BoxFuture<'_, ()>;", "returns a boxed future"),
            ("", "fn f(&self) -> Pin<Box<dyn Future<Output = ()>>>;", "returns a boxed future"),
            ("", "fn g(&self);\nasync fn f(&self);", "a native `async fn`"),
            ("", "fn f(&self) -> u8;", "synchronous"),
            ("#[async_trait(?Send)]", "async fn f(&self);", "binds every call to one thread"),
            ("#[cfg_attr(x, async_trait)]", "async fn f(&self);", "depends on the target"),
        ] {
            let refusal = refusal(&format!("{attribute}\npub trait Api {{ {method} }}")).unwrap();
            assert!(refusal.labels[1].text.starts_with(label), "{:?}", refusal.labels);
        }
        assert!(
            refusal("#[async_trait::async_trait]\npub trait Api { async fn f(&self); }").is_none()
        );
    }
}
