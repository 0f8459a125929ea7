//! Values that the workspace's own code builds: the literals that it hands to a constructor and
//! counts on being accepted, in its tests first.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Expr, Token};

use super::code::{Code, Found, Item, ItemId, ItemKind, ScopeId};
use super::wire::Constructor;

/// More would say nothing new.
const ENOUGH: usize = 5;

/// The arguments of calls of `constructor` that the code unwraps, each as `"a", 1`; at most five
/// different ones, those of tests first.
///
/// A literal counts when the call is followed by `unwrap`, `expect` or `?`, so one that is tried and
/// rejected never does. It may also come through a loop over literals or through a helper such as
/// `fn sku(text: &str) -> Sku`.
pub fn accepted(code: &Code<'_>, id: ItemId, constructor: &Constructor) -> Vec<TokenStream> {
    let Some(name) = code.item(id).name else { return Vec::new() };
    let calls = [
        format!("{name}::{}", constructor.name),
        format!("{name}::from_str"),
        format!("{name}::try_from"),
        format!("parse::<{name}>"),
    ];
    let search = Search { code, id, constructor, calls };
    let (mut of_tests, mut of_others) = (Vec::new(), Vec::new());
    for member in &code.workspace.members {
        if !code.workspace.rust_files(member).any(|(_, source)| search.may_call(&source.text)) {
            continue;
        }
        for target in &member.targets {
            let Some(root) = code.target(&member.name, target.kind, &target.name) else { continue };
            for item in &code.root(root).items {
                if item.kind == ItemKind::Module || !search.may_call(&item.source.text) {
                    continue;
                }
                let dev = item.test_only || target.kind.is_dev();
                let list = if dev { &mut of_tests } else { &mut of_others };
                search.item(item, list);
            }
        }
    }
    let mut found: Vec<TokenStream> = Vec::new();
    for literal in of_tests.into_iter().chain(of_others) {
        if found.len() < ENOUGH && !found.iter().any(|f| f.to_string() == literal.to_string()) {
            found.push(literal);
        }
    }
    found
}

struct Search<'a, 'w> {
    code: &'a Code<'w>,
    id: ItemId,
    constructor: &'a Constructor,
    /// How a file looks that calls it.
    calls: [String; 4],
}

/// A function that hands one of its parameters to the constructor.
struct Helper {
    name: String,
    position: usize,
    is_method: bool,
}

impl<'w> Search<'_, 'w> {
    fn may_call(&self, text: &str) -> bool {
        self.calls.iter().any(|call| text.contains(call))
    }

    fn item(&self, item: &Item<'w>, list: &mut Vec<TokenStream>) {
        if expects_panic(item.attributes()) {
            return;
        }
        let tokens = item.syntax.to_token_stream();
        let mut calls = Vec::new();
        self.calls(item.scope, tokens.clone(), &mut calls);
        let mut variables = Vec::new();
        for call in calls {
            match arguments(&call) {
                Some(arguments) if arguments.len() != self.constructor.parameters.len() => {}
                Some(arguments) if arguments.iter().all(is_literal) => list.push(call),
                Some(arguments) => variables.extend(arguments.first().and_then(variable)),
                None => {}
            }
        }
        // A constructor of several parameters has no single literal to follow.
        if variables.is_empty() || self.constructor.parameters.len() != 1 {
            return;
        }
        self.loops(item.scope, tokens, list);
        let helpers = self.helpers(item, &variables);
        let root = self.code.root(item.id.root);
        for other in root.items.iter().filter(|i| i.file == item.file) {
            if other.kind != ItemKind::Module && !expects_panic(other.attributes()) {
                self.helper_calls(&helpers, other.syntax.to_token_stream(), list);
            }
        }
    }

    /// The arguments of every call of the constructor whose success is counted on.
    fn calls(&self, scope: ScopeId, tokens: TokenStream, calls: &mut Vec<TokenStream>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.calls(scope, group.stream(), calls),
                TokenTree::Ident(_) if !follows_path(&tokens, at) => {
                    let (names, end) = path(&tokens, at);
                    if let Some(arguments) = parenthesised(tokens.get(end))
                        && is_unwrapped(&tokens[end + 1..])
                        && self.is_constructor(scope, &names)
                    {
                        calls.push(arguments);
                    }
                }
                TokenTree::Literal(literal) => {
                    // "text".parse::<Name>().unwrap()
                    let text = quote!(#literal);
                    if let Some(names) = parsed_as(&tokens[at + 1..])
                        && self.code.resolve_path(scope, false, &names)
                            == Found::Item(self.id, Vec::new())
                    {
                        calls.push(self.as_argument(text));
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }

    fn is_constructor(&self, scope: ScopeId, names: &[String]) -> bool {
        let Found::Item(id, rest) = self.code.resolve_path(scope, false, names) else {
            return false;
        };
        let [function] = rest.as_slice() else { return false };
        let converts = matches!(function.as_str(), "from_str" | "try_from") && self.takes_text();
        id == self.id && (*function == self.constructor.name || converts)
    }

    fn takes_text(&self) -> bool {
        matches!(self.constructor.parameters.as_slice(), [only] if only.ty == "String")
    }

    /// `for name in ["A", "B"] { … Name::parse(name).unwrap() … }`.
    fn loops(&self, scope: ScopeId, tokens: TokenStream, list: &mut Vec<TokenStream>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                self.loops(scope, group.stream(), list);
            }
            let [
                TokenTree::Ident(keyword),
                TokenTree::Ident(name),
                TokenTree::Ident(of),
                TokenTree::Group(values),
                TokenTree::Group(body),
                ..,
            ] = &tokens[at..]
            else {
                continue;
            };
            if keyword != "for" || of != "in" || values.delimiter() != Delimiter::Bracket {
                continue;
            }
            let mut calls = Vec::new();
            self.calls(scope, body.stream(), &mut calls);
            let passes = |call: &TokenStream| {
                arguments(call).and_then(|a| variable(a.first()?)).is_some_and(|v| name == &v)
            };
            if calls.iter().any(passes) {
                let values = arguments(&values.stream()).unwrap_or_default();
                list.extend(
                    values.iter().filter(|v| is_literal(v)).map(|v| self.as_argument(quote!(#v))),
                );
            }
        }
    }

    /// The functions in an item that hand a parameter to the constructor.
    fn helpers(&self, item: &Item<'w>, variables: &[String]) -> Vec<Helper> {
        struct Functions<'ast>(Vec<(&'ast syn::Signature, TokenStream)>);
        impl<'ast> syn::visit::Visit<'ast> for Functions<'ast> {
            fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
                self.0.push((&function.sig, function.block.to_token_stream()));
            }
            fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
                self.0.push((&function.sig, function.block.to_token_stream()));
            }
        }
        let mut functions = Functions(Vec::new());
        syn::visit::Visit::visit_item(&mut functions, item.syntax);
        let mut helpers = Vec::new();
        for (signature, body) in functions.0 {
            let typed = signature.inputs.iter().filter_map(|input| match input {
                syn::FnArg::Typed(typed) => Some(typed.pat.to_token_stream().to_string()),
                syn::FnArg::Receiver(_) => None,
            });
            let found = typed.enumerate().find(|(_, name)| variables.contains(name));
            let Some((position, name)) = found else { continue };
            let mut calls = Vec::new();
            self.calls(item.scope, body, &mut calls);
            let passes = calls.iter().any(|call| {
                arguments(call).and_then(|a| variable(a.first()?)) == Some(name.clone())
            });
            let is_method = signature.receiver().is_some();
            // An associated function is called by a path that says nothing of its file.
            let is_free = matches!(item.syntax, syn::Item::Fn(_));
            if passes && (is_method || is_free) {
                helpers.push(Helper { name: signature.ident.to_string(), position, is_method });
            }
        }
        helpers
    }

    fn helper_calls(&self, helpers: &[Helper], tokens: TokenStream, list: &mut Vec<TokenStream>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.helper_calls(helpers, group.stream(), list),
                TokenTree::Ident(name) => {
                    let before = at.checked_sub(1).map(|i| &tokens[i]);
                    let behind_dot = before.is_some_and(|t| is_punct(t, '.'));
                    let apart = !before.is_some_and(|t| is_punct(t, ':') || is_ident(t, "fn"));
                    let literal = helpers
                        .iter()
                        .find(|h| name == &h.name && h.is_method == behind_dot && apart)
                        .and_then(|helper| {
                            let given = arguments(&parenthesised(tokens.get(at + 1))?)?;
                            given.into_iter().nth(helper.position)
                        });
                    if let Some(literal) = literal.filter(is_literal) {
                        list.push(self.as_argument(quote!(#literal)));
                    }
                }
                _ => {}
            }
        }
    }

    /// A literal as the constructor's parameter wants it.
    fn as_argument(&self, literal: TokenStream) -> TokenStream {
        let by_value = self.takes_text() && !self.constructor.parameters[0].by_reference;
        let is_text = syn::parse2::<syn::LitStr>(literal.clone()).is_ok();
        if by_value && is_text { quote!(#literal.to_owned()) } else { literal }
    }
}

fn expects_panic(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| a.path().is_ident("should_panic"))
}

fn arguments(tokens: &TokenStream) -> Option<Vec<Expr>> {
    use syn::parse::Parser;
    let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
    Some(parser.parse2(tokens.clone()).ok()?.into_iter().collect())
}

/// A literal, also negative, borrowed or made owned.
fn is_literal(expression: &Expr) -> bool {
    match expression {
        Expr::Lit(_) => true,
        Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Neg(_)) && is_literal(&unary.expr),
        Expr::Reference(reference) => is_literal(&reference.expr),
        Expr::MethodCall(call) => {
            let owns = ["to_owned", "to_string", "into"].iter().any(|name| call.method == name);
            owns && call.args.is_empty() && is_literal(&call.receiver)
        }
        _ => false,
    }
}

/// The name of a variable that is passed as it is or by reference.
fn variable(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Reference(reference) => variable(&reference.expr),
        _ => None,
    }
}

/// The path that starts at `at`, and where it ends.
fn path(tokens: &[TokenTree], at: usize) -> (Vec<String>, usize) {
    let (mut names, mut end) = (vec![tokens[at].to_string()], at + 1);
    while let Some([TokenTree::Punct(a), TokenTree::Punct(b), TokenTree::Ident(next)]) =
        tokens.get(end..end + 3)
        && a.as_char() == ':'
        && b.as_char() == ':'
    {
        names.push(next.to_string());
        end += 3;
    }
    (names, end)
}

fn follows_path(tokens: &[TokenTree], at: usize) -> bool {
    at > 0 && (is_punct(&tokens[at - 1], ':') || is_punct(&tokens[at - 1], '.'))
}

/// `T` of `.parse::<T>()` with its success counted on.
fn parsed_as(tokens: &[TokenTree]) -> Option<Vec<String>> {
    let [dot, parse, colon, _, less, rest @ ..] = tokens else { return None };
    let fits = is_punct(dot, '.')
        && is_ident(parse, "parse")
        && is_punct(colon, ':')
        && is_punct(less, '<')
        && matches!(rest.first(), Some(TokenTree::Ident(_)));
    if !fits {
        return None;
    }
    let (names, end) = path(rest, 0);
    let [more, call, then @ ..] = rest.get(end..)? else { return None };
    (is_punct(more, '>') && parenthesised(Some(call)).is_some() && is_unwrapped(then))
        .then_some(names)
}

fn parenthesised(token: Option<&TokenTree>) -> Option<TokenStream> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            Some(group.stream())
        }
        _ => None,
    }
}

fn is_unwrapped(tokens: &[TokenTree]) -> bool {
    match tokens {
        [first, ..] if is_punct(first, '?') => true,
        [dot, name, ..] => {
            is_punct(dot, '.') && (is_ident(name, "unwrap") || is_ident(name, "expect"))
        }
        _ => false,
    }
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == character)
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}
