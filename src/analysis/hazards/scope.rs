//! The local variables of a function, block by block, and what patterns bind.

use crate::analysis::code::{Found, ScopeId};

use super::ty::{Generics, Ty, Types, names};

/// Variables in force.
#[derive(Debug, Clone, Default)]
pub(super) struct Bindings {
    blocks: Vec<Vec<(String, Ty)>>,
}

impl Bindings {
    pub(super) fn enter(&mut self) {
        self.blocks.push(Vec::new());
    }

    pub(super) fn leave(&mut self) {
        self.blocks.pop();
    }

    pub(super) fn depth(&self) -> usize {
        self.blocks.len()
    }

    pub(super) fn insert(&mut self, name: String, ty: Ty) {
        if self.blocks.is_empty() {
            self.enter();
        }
        if let Some(block) = self.blocks.last_mut() {
            block.push((name, ty));
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Ty> {
        self.blocks
            .iter()
            .rev()
            .flat_map(|block| block.iter().rev())
            .find_map(|(known, ty)| (known == name).then_some(ty))
    }
}

/// Where an expression stands.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) scope: ScopeId,
    pub(super) generics: &'a Generics,
    pub(super) bindings: &'a Bindings,
}

impl Types<'_, '_> {
    /// The variables that a pattern brings in for a value of type `ty`.
    pub(super) fn bind(
        &self,
        pattern: &syn::Pat,
        ty: &Ty,
        scope: ScopeId,
        generics: &Generics,
    ) -> Vec<(syn::Ident, Ty)> {
        let mut bound = Vec::new();
        self.bind_to(pattern, ty, (scope, generics), &mut bound);
        bound
    }

    fn bind_to(
        &self,
        pattern: &syn::Pat,
        ty: &Ty,
        at: (ScopeId, &Generics),
        bound: &mut Vec<(syn::Ident, Ty)>,
    ) {
        match pattern {
            syn::Pat::Ident(ident) => {
                bound.push((ident.ident.clone(), ty.clone()));
                if let Some((_, inner)) = &ident.subpat {
                    self.bind_to(inner, ty, at, bound);
                }
            }
            syn::Pat::Type(typed) => {
                let declared = self.read(at.0, &typed.ty, at.1);
                let ty = if declared == Ty::Unknown { ty.clone() } else { declared };
                self.bind_to(&typed.pat, &ty, at, bound);
            }
            syn::Pat::Reference(reference) => self.bind_to(&reference.pat, ty, at, bound),
            syn::Pat::Paren(paren) => self.bind_to(&paren.pat, ty, at, bound),
            syn::Pat::Guard(guard) => self.bind_to(&guard.pat, ty, at, bound),
            syn::Pat::Or(or) => {
                for case in &or.cases {
                    self.bind_to(case, ty, at, bound);
                }
            }
            syn::Pat::Tuple(tuple) => {
                for (index, element) in tuple.elems.iter().enumerate() {
                    let ty = match ty {
                        Ty::Tuple(all) => all.get(index).cloned().unwrap_or(Ty::Unknown),
                        _ => Ty::Unknown,
                    };
                    self.bind_to(element, &ty, at, bound);
                }
            }
            syn::Pat::Slice(slice) => {
                for element in &slice.elems {
                    self.bind_to(element, &opened(ty), at, bound);
                }
            }
            syn::Pat::Struct(pattern) => {
                for field in &pattern.fields {
                    let name = match &field.member {
                        syn::Member::Named(ident) => ident.to_string(),
                        syn::Member::Unnamed(index) => index.index.to_string(),
                    };
                    self.bind_to(&field.pat, &self.field(ty, &name), at, bound);
                }
            }
            syn::Pat::TupleStruct(pattern) => self.bind_tuple_struct(pattern, ty, at, bound),
            _ => {}
        }
    }

    fn bind_tuple_struct(
        &self,
        pattern: &syn::PatTupleStruct,
        ty: &Ty,
        at: (ScopeId, &Generics),
        bound: &mut Vec<(syn::Ident, Ty)>,
    ) {
        let names = names(&pattern.path);
        let global = pattern.path.leading_colon.is_some();
        let own = match self.code.resolve_path(at.0, global, &names) {
            Found::Item(id, rest) if rest.is_empty() => Some(Ty::Item(id, Vec::new())),
            // A variant: its fields lead nowhere.
            Found::Item(..) => Some(Ty::Unknown),
            _ => None,
        };
        let last = names.last().map(String::as_str).unwrap_or_default();
        for (index, element) in pattern.elems.iter().enumerate() {
            let inner = match (&own, last) {
                (Some(own), _) if matches!((own, ty), (Ty::Item(a, _), Ty::Item(b, _)) if a == b) => {
                    self.field(ty, &index.to_string())
                }
                (Some(own), _) => self.field(own, &index.to_string()),
                (None, "Some" | "Ok" | "Ready") => opened(ty),
                (None, "Err") => Ty::Unknown,
                // `State(state): State<AppState>`, looked through by its type.
                (None, _) => ty.clone(),
            };
            self.bind_to(element, &inner, at, bound);
        }
    }
}

/// What is in a container.
pub(super) fn opened(ty: &Ty) -> Ty {
    match ty {
        Ty::Wrapped(inner) => (**inner).clone(),
        other => other.clone(),
    }
}
