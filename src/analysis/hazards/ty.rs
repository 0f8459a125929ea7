//! Types as far as they lead to the API trait: what a declaration says, without inference.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::analysis::code::{Code, Found, ItemId, ItemKind, ScopeId};
use crate::analysis::select::self_type;

use super::Subject;

/// What a value is, looked at through references and smart pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ty {
    /// The API trait: `dyn Api`, `impl Api`, a parameter bound by it, or the implementation.
    Api,
    /// A type or another trait of the workspace, with its arguments.
    Item(ItemId, Vec<Self>),
    /// A container that has to be opened first: `Option`, `Result`, `Vec`, `Mutex`.
    Wrapped(Box<Self>),
    /// A tuple.
    Tuple(Vec<Self>),
    /// Certainly not the API.
    Other,
    /// Nothing is known.
    Unknown,
}

/// The type parameters in force, and `Self`.
pub(super) type Generics = BTreeMap<String, Ty>;

/// Reads types and signatures.
pub(super) struct Types<'c, 'w> {
    pub(super) code: &'c Code<'w>,
    pub(super) api: ItemId,
    /// The operations: name, number of arguments without `self`, whether it is async.
    pub(super) operations: Vec<(String, usize, bool)>,
    implementation: ItemId,
    methods: RefCell<BTreeMap<usize, Rc<Methods<'w>>>>,
    unmistakable: RefCell<BTreeMap<String, bool>>,
}

/// The methods of the types of one compilation root.
type Methods<'w> = BTreeMap<(ItemId, String), Method<'w>>;

/// A method with what is needed to read its signature.
#[derive(Debug, Clone, Copy)]
struct Method<'w> {
    scope: ScopeId,
    signature: &'w syn::Signature,
    generics: Option<&'w syn::Generics>,
}

/// Methods that much else has, too: such a name alone says nothing.
const WELL_KNOWN: [&str; 36] = [
    "acquire", "add", "all", "begin", "call", "clear", "close", "commit", "connect", "count",
    "create", "delete", "execute", "exists", "fetch", "find", "flush", "get", "health", "insert",
    "list", "load", "lock", "next", "ping", "publish", "push", "query", "read", "recv", "remove",
    "run", "save", "send", "update", "write",
];

/// Deep enough for any real type; ends aliases that lead to themselves.
const DEPTH: usize = 24;

impl<'c, 'w> Types<'c, 'w> {
    pub(super) fn new(code: &'c Code<'w>, subject: &Subject<'_>) -> Self {
        let mut operations = Vec::new();
        if let syn::Item::Trait(api) = code.item(subject.api).syntax {
            for member in &api.items {
                let syn::TraitItem::Fn(method) = member else { continue };
                if method.sig.receiver().is_none() {
                    continue;
                }
                let waits = method.sig.asyncness.is_some()
                    || matches!(&method.sig.output, syn::ReturnType::Type(_, ty)
                        if matches!(**ty, syn::Type::ImplTrait(_)) || last_name(ty) == "Pin"
                            || last_name(ty) == "BoxFuture");
                let arguments = method.sig.inputs.len().saturating_sub(1);
                operations.push((method.sig.ident.to_string(), arguments, waits));
            }
        }
        Self {
            code,
            api: subject.api,
            implementation: subject.implementation,
            operations,
            methods: RefCell::default(),
            unmistakable: RefCell::default(),
        }
    }

    pub(super) fn is_operation(&self, name: &str) -> bool {
        self.operations.iter().any(|(operation, ..)| operation == name)
    }

    /// Whether no function of the workspace has this name but the trait's method and its
    /// implementations, and no well-known library has one.
    pub(super) fn is_unmistakable(&self, name: &str) -> bool {
        if WELL_KNOWN.contains(&name) {
            return false;
        }
        if let Some(known) = self.unmistakable.borrow().get(name) {
            return *known;
        }
        let api = self.code.item(self.api).name.unwrap_or_default();
        let needle = format!("fn {name}");
        let is_other = |text: &str| {
            text.match_indices(&needle)
                .any(|(at, _)| text[at + needle.len()..].trim_start().starts_with(['(', '<']))
                // The trait itself, its implementation, a fake.
                && !text.contains(&api)
        };
        let unmistakable = !self.code.workspace.files().any(|(_, source)| is_other(&source.text));
        self.unmistakable.borrow_mut().insert(name.to_owned(), unmistakable);
        unmistakable
    }

    pub(super) fn is_implementation(&self, id: ItemId) -> bool {
        id == self.implementation
    }

    /// What a written type is.
    pub(super) fn read(&self, scope: ScopeId, ty: &syn::Type, generics: &Generics) -> Ty {
        self.read_to(scope, ty, generics, DEPTH)
    }

    fn read_to(&self, scope: ScopeId, ty: &syn::Type, generics: &Generics, depth: usize) -> Ty {
        if depth == 0 {
            return Ty::Unknown;
        }
        let inner = |ty: &syn::Type| self.read_to(scope, ty, generics, depth - 1);
        match ty {
            syn::Type::Reference(reference) => inner(&reference.elem),
            syn::Type::Paren(paren) => inner(&paren.elem),
            syn::Type::Group(group) => inner(&group.elem),
            syn::Type::Ptr(pointer) => inner(&pointer.elem),
            syn::Type::Slice(slice) => Ty::Wrapped(Box::new(inner(&slice.elem))),
            syn::Type::Array(array) => Ty::Wrapped(Box::new(inner(&array.elem))),
            syn::Type::Tuple(tuple) => Ty::Tuple(tuple.elems.iter().map(inner).collect()),
            syn::Type::TraitObject(object) => self.bounds(scope, &object.bounds, generics),
            syn::Type::ImplTrait(object) => self.bounds(scope, &object.bounds, generics),
            syn::Type::Path(path) if path.qself.is_none() => {
                self.path(scope, &path.path, generics, depth)
            }
            syn::Type::Infer(_) | syn::Type::Path(_) | syn::Type::Macro(_) => Ty::Unknown,
            _ => Ty::Other,
        }
    }

    fn path(&self, scope: ScopeId, path: &syn::Path, generics: &Generics, depth: usize) -> Ty {
        let names = names(path);
        if let [name] = names.as_slice()
            && let Some(known) = generics.get(name)
        {
            return known.clone();
        }
        let arguments = || -> Vec<Ty> {
            arguments(path)
                .into_iter()
                .map(|ty| self.read_to(scope, ty, generics, depth - 1))
                .collect()
        };
        match self.code.resolve_path(scope, path.leading_colon.is_some(), &names) {
            Found::Item(id, rest) if rest.is_empty() => {
                let item = self.code.item(id);
                match item.syntax {
                    syn::Item::Type(alias) => {
                        let inside = self.parameters(item.scope, &alias.generics, &arguments());
                        self.read_to(item.scope, &alias.ty, &inside, depth - 1)
                    }
                    // `dyn` may be left out in edition 2018.
                    syn::Item::Trait(_) => self.of_trait(id),
                    _ if id == self.implementation => Ty::Api,
                    _ => Ty::Item(id, arguments()),
                }
            }
            Found::Item(..) | Found::Module(_) => Ty::Unknown,
            found => {
                let name = names.last().map(String::as_str).unwrap_or_default();
                let mut arguments = arguments().into_iter();
                match name {
                    // Opened by `Deref` or by a pattern that every handler writes.
                    "Arc" | "Rc" | "Box" | "Pin" | "Cow" | "Ref" | "RefMut" | "MutexGuard"
                    | "RwLockReadGuard" | "RwLockWriteGuard" | "LazyLock" | "LazyCell" | "Lazy"
                    | "State" | "Extension" | "Data" | "Guard" | "BoxFuture" => {
                        arguments.next().unwrap_or(Ty::Unknown)
                    }
                    "Option" | "Result" | "Vec" | "VecDeque" | "Mutex" | "RwLock" | "RefCell"
                    | "Cell" | "OnceCell" | "OnceLock" | "Weak" | "ArcSwap" | "Poll" => {
                        Ty::Wrapped(Box::new(arguments.next().unwrap_or(Ty::Unknown)))
                    }
                    // `HashMap<Key, Arc<dyn Api>>`
                    "HashMap" | "BTreeMap" | "IndexMap" => {
                        Ty::Wrapped(Box::new(arguments.nth(1).unwrap_or(Ty::Unknown)))
                    }
                    _ if found == Found::Nothing && !is_primitive(name) => Ty::Unknown,
                    _ => Ty::Other,
                }
            }
        }
    }

    /// The first bound that says something.
    fn bounds<'a>(
        &self,
        scope: ScopeId,
        bounds: impl IntoIterator<Item = &'a syn::TypeParamBound>,
        generics: &Generics,
    ) -> Ty {
        let mut best = Ty::Unknown;
        for bound in bounds {
            let syn::TypeParamBound::Trait(bound) = bound else { continue };
            let names = names(&bound.path);
            match self.code.resolve_path(scope, bound.path.leading_colon.is_some(), &names) {
                Found::Item(id, rest) if rest.is_empty() => match self.of_trait(id) {
                    Ty::Api => return Ty::Api,
                    other => best = other,
                },
                _ if names.last().is_some_and(|n| n == "Future" || n == "Deref") => {
                    // `impl Future<Output = T>`, `impl Deref<Target = T>`: as good as `T`.
                    if let Some(ty) = associated(&bound.path) {
                        return self.read(scope, ty, generics);
                    }
                }
                _ => {}
            }
        }
        best
    }

    /// A trait, or one whose supertraits include the API.
    fn of_trait(&self, id: ItemId) -> Ty {
        if id == self.api || self.has_supertrait(id, 4) { Ty::Api } else { Ty::Item(id, vec![]) }
    }

    fn has_supertrait(&self, id: ItemId, depth: usize) -> bool {
        let item = self.code.item(id);
        let syn::Item::Trait(syntax) = item.syntax else { return false };
        depth > 0
            && syntax.supertraits.iter().any(|bound| {
                let syn::TypeParamBound::Trait(bound) = bound else { return false };
                let global = bound.path.leading_colon.is_some();
                match self.code.resolve_path(item.scope, global, &names(&bound.path)) {
                    Found::Item(parent, _) => {
                        parent == self.api || self.has_supertrait(parent, depth - 1)
                    }
                    _ => false,
                }
            })
    }

    /// Type parameters by their arguments, or else by their bounds.
    pub(super) fn parameters(
        &self,
        scope: ScopeId,
        generics: &syn::Generics,
        given: &[Ty],
    ) -> Generics {
        let mut result = Generics::new();
        for (index, parameter) in generics.type_params().enumerate() {
            let bound = self.bounds(scope, &parameter.bounds, &result);
            let ty = match given.get(index) {
                Some(given) if *given != Ty::Unknown => given.clone(),
                _ => match (&parameter.default, bound) {
                    (Some((_, default)), Ty::Unknown) => self.read(scope, default, &result),
                    (_, bound) => bound,
                },
            };
            result.insert(parameter.ident.to_string(), ty);
        }
        for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
            let syn::WherePredicate::Type(predicate) = predicate else { continue };
            let name = last_name(&predicate.bounded_ty);
            if result.get(&name) == Some(&Ty::Unknown) {
                let ty = self.bounds(scope, &predicate.bounds, &result);
                result.insert(name, ty);
            }
        }
        result
    }

    /// The type of a field.
    pub(super) fn field(&self, of: &Ty, member: &str) -> Ty {
        let Ty::Item(id, given) = of else {
            return match (of, member.parse::<usize>()) {
                (Ty::Tuple(all), Ok(index)) => all.get(index).cloned().unwrap_or(Ty::Unknown),
                // `state.0` of an extractor that was looked through already.
                (other, Ok(_)) => other.clone(),
                _ => Ty::Unknown,
            };
        };
        let item = self.code.item(*id);
        let syn::Item::Struct(syntax) = item.syntax else { return Ty::Unknown };
        let field = syntax.fields.iter().enumerate().find(|(index, field)| match &field.ident {
            Some(ident) => ident == member,
            None => index.to_string() == member,
        });
        match field {
            Some((_, field)) => {
                let generics = self.parameters(item.scope, &syntax.generics, given);
                self.read(item.scope, &field.ty, &generics)
            }
            None if member.parse::<usize>().is_ok() => of.clone(),
            None => Ty::Unknown,
        }
    }

    /// What a method or associated function of a workspace type gives back.
    pub(super) fn returned(&self, of: &Ty, name: &str, root: usize) -> Ty {
        let Ty::Item(id, given) = of else { return Ty::Unknown };
        let item = self.code.item(*id);
        if let syn::Item::Trait(syntax) = item.syntax {
            let signature = syntax.items.iter().find_map(|member| match member {
                syn::TraitItem::Fn(method) if method.sig.ident == name => Some(&method.sig),
                _ => None,
            });
            return signature
                .map_or(Ty::Unknown, |s| self.output(item.scope, s, Generics::new(), of));
        }
        let this = if self.is_implementation(*id) { &Ty::Api } else { of };
        let Some(method) = self.method(*id, name, root) else { return Ty::Unknown };
        let generics = method
            .generics
            .map(|generics| self.parameters(method.scope, generics, given))
            .unwrap_or_default();
        self.output(method.scope, method.signature, generics, this)
    }

    /// What a function gives back.
    pub(super) fn function_output(&self, id: ItemId) -> Ty {
        let item = self.code.item(id);
        let syn::Item::Fn(function) = item.syntax else { return Ty::Unknown };
        self.output(item.scope, &function.sig, Generics::new(), &Ty::Unknown)
    }

    fn output(
        &self,
        scope: ScopeId,
        signature: &syn::Signature,
        mut generics: Generics,
        this: &Ty,
    ) -> Ty {
        generics.insert("Self".to_owned(), this.clone());
        generics.extend(self.parameters(scope, &signature.generics, &[]));
        match &signature.output {
            syn::ReturnType::Default => Ty::Other,
            syn::ReturnType::Type(_, ty) => self.read(scope, ty, &generics),
        }
    }

    fn method(&self, id: ItemId, name: &str, root: usize) -> Option<Method<'w>> {
        let key = (id, name.to_owned());
        [id.root, root].into_iter().find_map(|root| self.methods_of(root).get(&key).copied())
    }

    fn methods_of(&self, root: usize) -> Rc<Methods<'w>> {
        if let Some(known) = self.methods.borrow().get(&root) {
            return Rc::clone(known);
        }
        let mut methods = Methods::new();
        for item in self.code.root(root).items.iter().filter(|i| i.kind == ItemKind::Impl) {
            let syn::Item::Impl(block) = item.syntax else { continue };
            let Some(id) = self_type(self.code, item) else { continue };
            for member in &block.items {
                let syn::ImplItem::Fn(method) = member else { continue };
                methods.entry((id, method.sig.ident.to_string())).or_insert(Method {
                    scope: item.scope,
                    signature: &method.sig,
                    generics: Some(&block.generics),
                });
            }
        }
        let methods = Rc::new(methods);
        self.methods.borrow_mut().insert(root, Rc::clone(&methods));
        methods
    }
}

/// The names of a path, without `r#`.
pub(super) fn names(path: &syn::Path) -> Vec<String> {
    path.segments
        .iter()
        .map(|segment| {
            let name = segment.ident.to_string();
            name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
        })
        .collect()
}

/// The last name of a type that is a path, looked at through references.
pub(super) fn last_name(ty: &syn::Type) -> String {
    match ty {
        syn::Type::Path(path) => names(&path.path).pop().unwrap_or_default(),
        syn::Type::Reference(reference) => last_name(&reference.elem),
        syn::Type::Paren(paren) => last_name(&paren.elem),
        syn::Type::Group(group) => last_name(&group.elem),
        _ => String::new(),
    }
}

/// The type arguments of a path's last name.
pub(super) fn arguments(path: &syn::Path) -> Vec<&syn::Type> {
    let Some(last) = path.segments.last() else { return Vec::new() };
    let syn::PathArguments::AngleBracketed(list) = &last.arguments else { return Vec::new() };
    list.args
        .iter()
        .filter_map(|argument| match argument {
            syn::GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
        .collect()
}

fn associated(path: &syn::Path) -> Option<&syn::Type> {
    let syn::PathArguments::AngleBracketed(list) = &path.segments.last()?.arguments else {
        return None;
    };
    list.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::AssocType(pair) => Some(&pair.ty),
        _ => None,
    })
}

fn is_primitive(name: &str) -> bool {
    matches!(
        name,
        "bool"
            | "char"
            | "str"
            | "String"
            | "f32"
            | "f64"
            | "usize"
            | "isize"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
    )
}
