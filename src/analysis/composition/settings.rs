//! Scalars that the monolith takes out of its configuration, and their defaults.

use quote::ToTokens;
use syn::visit::{self, Visit};

use super::constructor::{ModuleFacts, Parameter};
use super::function;
use super::trace::{self, Value};
use super::{Setting, SettingSource, SettingType, qualify};
use crate::analysis::code::{Code, Found, Item, ItemId, ItemKind, ScopeId};
use crate::analysis::select;
use crate::analysis::types::{self, Substitution, Type};

/// The type of a setting, if a parameter of that type can be one.
pub(super) fn setting_type(ty: &Type) -> Option<SettingType> {
    match ty {
        Type::Reference { to, mutable: false } => setting_type(to),
        Type::String | Type::Str => Some(SettingType::String),
        Type::Primitive("bool") => Some(SettingType::Bool),
        Type::Primitive("char") => None,
        Type::Primitive(number) => Some(SettingType::Number(number)),
        Type::External { package, path, .. } if package == "std" => {
            match path.last().map(String::as_str) {
                Some("PathBuf" | "Path") => Some(SettingType::Path),
                Some("Duration") => Some(SettingType::Seconds),
                _ => None,
            }
        }
        Type::Other(_, text) => {
            let text = text.replace(' ', "");
            matches!(text.as_str(), "implInto<String>" | "implAsRef<str>" | "implToString")
                .then_some(SettingType::String)
        }
        _ => None,
    }
}

/// A field of the monolith's configuration.
#[derive(Debug, Clone)]
pub(super) struct ConfigField<'w> {
    pub(super) owner: Item<'w>,
    pub(super) field: &'w syn::Field,
}

/// Reads the setting behind a value; none if it is neither configuration nor constant.
pub(super) fn read<'w>(
    module: &ModuleFacts<'_, 'w>,
    parameter: &Parameter<'w>,
    ty: SettingType,
    value: &Value<'w>,
) -> Option<Setting> {
    let code = module.code;
    let (inner, ty) = without_conversion(value.expr, ty);
    let value = &trace::value(code, &value.site, inner);
    let setting = |name: String, default| Setting {
        name,
        ty,
        default,
        help: Vec::new(),
        source: SettingSource::Outside,
    };
    if let Some(field) = config_field(code, value) {
        let name = field.field.ident.as_ref()?.to_string();
        let default = default_of(code, &field.owner, &name, ty);
        return Some(Setting { help: doc_of(&field.field.attrs), ..setting(name, default) });
    }
    if let Some(variable) = environment_variable(code, value) {
        let default = fallback(value.expr, ty);
        return Some(setting(variable.to_lowercase(), default));
    }
    if let Some(literal) = literal(code, value, ty) {
        let source = SettingSource::Code;
        return Some(Setting { source, ..setting(parameter.name.clone(), Some(literal)) });
    }
    // A parameter of the function that composes: the operator has to say it.
    let is_parameter = value
        .site
        .binding(value.expr)
        .is_some_and(|binding| matches!(binding.origin, super::bindings::Origin::Parameter(..)));
    is_parameter.then(|| setting(parameter.name.clone(), None))
}

/// `u64::from(x)`, `x as u64`, `Duration::from_secs(x)`, `String::from(x)`: the inner value.
fn without_conversion(expr: &syn::Expr, ty: SettingType) -> (&syn::Expr, SettingType) {
    match trace::same_value(expr) {
        syn::Expr::Cast(cast) => without_conversion(&cast.expr, ty),
        syn::Expr::Call(call) if call.args.len() == 1 => {
            let syn::Expr::Path(path) = &*call.func else { return (expr, ty) };
            let last = path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
            match last.as_str() {
                "from" => without_conversion(&call.args[0], ty),
                "from_secs" | "from_secs_f32" | "from_secs_f64" if ty == SettingType::Seconds => {
                    without_conversion(&call.args[0], ty)
                }
                "from_millis" if ty == SettingType::Seconds => {
                    without_conversion(&call.args[0], SettingType::Milliseconds)
                }
                _ => (expr, ty),
            }
        }
        inner => (inner, ty),
    }
}

/// A literal given in one unit as one in the unit of the setting; none if that cannot be said.
fn in_unit(literal: String, given: SettingType, wanted: SettingType) -> Option<String> {
    let factor = match (given, wanted) {
        (given, wanted) if given == wanted => return Some(literal),
        (SettingType::Milliseconds, SettingType::Seconds) => 1000.0,
        _ => return None,
    };
    let number = match syn::parse_str::<syn::Lit>(&literal).ok()? {
        syn::Lit::Int(number) => number.base10_parse::<f64>().ok()?,
        syn::Lit::Float(number) => number.base10_parse::<f64>().ok()?,
        _ => return None,
    };
    Some((number / factor).to_string())
}

/// The field that `config.field` names, if `config` is a struct of the workspace.
pub(super) fn config_field<'w>(code: &Code<'w>, value: &Value<'w>) -> Option<ConfigField<'w>> {
    let syn::Expr::Field(access) = value.expr else { return None };
    let syn::Member::Named(name) = &access.member else { return None };
    let owner = struct_of(code, value, &access.base)?;
    let syn::Item::Struct(syntax) = owner.syntax else { return None };
    let field = syntax.fields.iter().find(|f| f.ident.as_ref() == Some(name))?;
    Some(ConfigField { owner, field })
}

/// The struct that an expression is of: by the type of a parameter or binding, by the field of
/// another, by the associated function that made it.
fn struct_of<'w>(code: &Code<'w>, value: &Value<'w>, expr: &'w syn::Expr) -> Option<Item<'w>> {
    let expr = trace::same_value(expr);
    if let syn::Expr::Field(access) = expr {
        let syn::Member::Named(name) = &access.member else { return None };
        let owner = struct_of(code, value, &access.base)?;
        let syn::Item::Struct(syntax) = owner.syntax else { return None };
        let field = syntax.fields.iter().find(|f| f.ident.as_ref() == Some(name))?;
        return named(code, owner.scope, &field.ty);
    }
    if let Some(ident) = super::bindings::plain_path(expr)
        && ident == "self"
    {
        return select::self_type(code, &value.site.function.item).map(|id| code.item(id));
    }
    let binding = value.site.binding(expr)?;
    match binding.origin {
        super::bindings::Origin::Parameter(_, ty) => named(code, value.site.scope(), ty),
        super::bindings::Origin::Let(local) => {
            if let syn::Pat::Type(typed) = &local.pat {
                return named(code, value.site.scope(), &typed.ty);
            }
            let init = trace::settled(trace::same_value(&local.init.as_ref()?.expr));
            let syn::Expr::Call(call) = init else { return None };
            match trace::called(code, &value.site, &call.func) {
                Found::Item(id, rest) if rest.len() == 1 => {
                    (code.item(id).kind == ItemKind::Struct).then(|| code.item(id))
                }
                Found::Item(id, _) => {
                    let item = code.item(id);
                    let syn::Item::Fn(function) = item.syntax else { return None };
                    let syn::ReturnType::Type(_, ty) = &function.sig.output else { return None };
                    let ty = super::constructor::first_argument(ty, &["Result"]).unwrap_or(ty);
                    named(code, item.scope, ty)
                }
                _ => None,
            }
        }
        super::bindings::Origin::Pattern => None,
    }
}

fn named<'w>(code: &Code<'w>, scope: ScopeId, ty: &syn::Type) -> Option<Item<'w>> {
    fn item(ty: &Type) -> Option<ItemId> {
        match ty {
            Type::Item(id, _) => Some(*id),
            Type::Reference { to, .. } | Type::Box(to) => item(to),
            Type::External { path, arguments, .. }
                if path.last().is_some_and(|name| name == "Arc") =>
            {
                item(arguments.first()?)
            }
            _ => None,
        }
    }
    item(&types::read(code, scope, ty, &Substitution::new())).map(|id| code.item(id))
}

/// The literal that `impl Default for Config` gives a field, in the unit of the setting.
fn default_of(code: &Code<'_>, owner: &Item<'_>, field: &str, ty: SettingType) -> Option<String> {
    let root = code.root(owner.id.root);
    let item = root.items.iter().find(|item| match item.syntax {
        syn::Item::Impl(block) => {
            let is_default = block.trait_.as_ref().is_some_and(|(path, _)| {
                path.segments.last().is_some_and(|s| s.ident == "Default")
            });
            is_default && select::self_type(code, item) == Some(owner.id)
        }
        _ => false,
    })?;
    let function = function::all(item).into_iter().next()?;
    let site = trace::Site::new(function);
    let syn::Stmt::Expr(syn::Expr::Struct(literal), None) = site.function.block.stmts.last()?
    else {
        return None;
    };
    let given = literal
        .fields
        .iter()
        .find(|f| matches!(&f.member, syn::Member::Named(name) if name == field))?;
    let (inner, unit) = without_conversion(&given.expr, ty);
    let literal = self::literal(code, &trace::value(code, &site, inner), unit)?;
    in_unit(literal, unit, ty)
}

/// The value as a literal in the unit of the setting, constants of the workspace followed.
fn literal(code: &Code<'_>, value: &Value<'_>, ty: SettingType) -> Option<String> {
    let text = qualify::expression(code, &value.site, value.expr)?.text;
    let expr = syn::parse_str::<syn::Expr>(&text).ok()?;
    let (expr, unit) = without_conversion(&expr, ty);
    let literal = match expr {
        syn::Expr::Lit(_) => expr.to_token_stream().to_string(),
        syn::Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => {
            expr.to_token_stream().to_string().replace(' ', "")
        }
        _ => return None,
    };
    in_unit(literal, unit, ty)
}

/// `std::env::var("NAME")` anywhere in the value.
fn environment_variable(code: &Code<'_>, value: &Value<'_>) -> Option<String> {
    struct Calls<'w>(Vec<&'w syn::ExprCall>);
    impl<'w> Visit<'w> for Calls<'w> {
        fn visit_expr_call(&mut self, call: &'w syn::ExprCall) {
            self.0.push(call);
            visit::visit_expr_call(self, call);
        }
    }
    let mut calls = Calls(Vec::new());
    calls.visit_expr(value.expr);
    calls.0.into_iter().find_map(|call| {
        let Found::External(krate, path) = trace::called(code, &value.site, &call.func) else {
            return None;
        };
        let is_read = krate == "std" && path.first().is_some_and(|p| p == "env");
        match call.args.first() {
            Some(syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. })) if is_read => {
                Some(name.value())
            }
            _ => None,
        }
    })
}

/// The literal in `.unwrap_or(…)` or `.unwrap_or_else(|_| …)`, in the unit of the setting.
fn fallback(expr: &syn::Expr, ty: SettingType) -> Option<String> {
    let syn::Expr::MethodCall(call) = trace::settled(expr) else { return None };
    if !call.method.to_string().starts_with("unwrap_or") {
        return fallback(&call.receiver, ty);
    }
    let given = match call.args.first()? {
        syn::Expr::Closure(closure) => &closure.body,
        other => other,
    };
    let (inner, unit) = without_conversion(given, ty);
    match trace::same_value(inner) {
        syn::Expr::Lit(literal) => in_unit(literal.to_token_stream().to_string(), unit, ty),
        _ => None,
    }
}

/// The doc comment among attributes, a line each.
fn doc_of(attributes: &[syn::Attribute]) -> Vec<String> {
    attributes
        .iter()
        .filter(|a| a.path().is_ident("doc"))
        .filter_map(|a| match &a.meta {
            syn::Meta::NameValue(pair) => match &pair.value {
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
                    Some(text.value().trim().to_owned())
                }
                _ => None,
            },
            _ => None,
        })
        .collect()
}
