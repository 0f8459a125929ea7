//! Whether an error of the module can get to a function, through calls that name it or in an error of the
//! consumer's own that can hold any other.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;

use super::bodies::{Body, Key};
use super::calls::Reach;
use super::ty::Types;
use super::{Origin, Subject};
use crate::analysis::code::{Found, ItemId};
use crate::analysis::types::{self, Substitution, Type};

/// Libraries of an error that can hold any other.
const OPAQUE: [&str; 5] = ["anyhow", "eyre", "color-eyre", "miette", "failure"];

/// Deep enough for an error in an error; ends types that hold themselves.
const DEPTH: usize = 4;

/// The ways of the module's errors through the bodies of its consumers.
pub(super) struct Origins<'a, 'c, 'w> {
    types: &'a Types<'c, 'w>,
    error: Option<ItemId>,
    bodies: &'a [Body<'w>],
    reach: &'a [Reach],
    by_key: BTreeMap<&'a Key, usize>,
    /// Errors that can hold any other and with which a function fails that calls an operation.
    carriers: BTreeMap<ItemId, Origin>,
}

impl<'a, 'c, 'w> Origins<'a, 'c, 'w> {
    pub(super) fn new(
        types: &'a Types<'c, 'w>,
        subject: &Subject<'_>,
        bodies: &'a [Body<'w>],
        reach: &'a [Reach],
    ) -> Self {
        let keys = bodies.iter().enumerate().map(|(at, body)| (&body.key, at));
        let by_key = keys.filter(|(key, _)| **key != Key::None).collect();
        let carriers = BTreeMap::new();
        let error = subject.error;
        let mut origins = Self { types, error, bodies, reach, by_key, carriers };
        for at in 0..bodies.len() {
            let Some(origin) = origins.near(at) else { continue };
            for id in origins.fails_with(at) {
                origins.carriers.entry(id).or_insert_with(|| origin.clone());
            }
        }
        origins
    }

    /// The call from which an error of the module can get to what a body looks at.
    pub(super) fn of(&self, at: usize) -> Option<Origin> {
        let given = self.given(at);
        let carried = || {
            let items = given.iter().flat_map(items_of);
            items.into_iter().find_map(|id| self.carriers.get(&id).cloned())
        };
        self.near(at).or_else(|| self.of_callers(at, &given)).or_else(carried)
    }

    /// A call of an operation in a body, or in a function that it calls.
    fn near(&self, at: usize) -> Option<Origin> {
        let own = self.called_in(at);
        let mut helpers = self.reach[at].helpers.iter().filter_map(|key| self.by_key.get(key));
        own.or_else(|| helpers.find_map(|helper| self.called_in(*helper)))
    }

    fn called_in(&self, at: usize) -> Option<Origin> {
        let (operation, range) = self.reach[at].operation.clone()?;
        Some(Origin { file: self.bodies[at].file.to_owned(), range, operation })
    }

    /// A call of an operation near a function that hands errors to this one: any, or those that it takes
    /// out of the module's.
    fn of_callers(&self, at: usize, given: &[Type]) -> Option<Origin> {
        let key = &self.bodies[at].key;
        if given.is_empty() || *key == Key::None {
            return None;
        }
        let any = given.iter().any(|ty| self.holds_any(ty, DEPTH));
        (0..self.bodies.len())
            .filter(|caller| *caller != at && self.reach[*caller].helpers.contains(key))
            .filter(|caller| any || self.names_error(*caller))
            .find_map(|caller| self.near(caller))
    }

    /// The types of what a body is called with.
    fn given(&self, at: usize) -> Vec<Type> {
        let body = &self.bodies[at];
        let read = |ty| types::read(self.types.code, body.scope, ty, &Substitution::new());
        let inputs = body.signature.inputs.iter();
        let this = || match self.types.code.item(body.holder).syntax {
            syn::Item::Impl(block) => Some(read(&block.self_ty)),
            _ => None,
        };
        inputs
            .filter_map(|input| match input {
                syn::FnArg::Receiver(_) => this(),
                syn::FnArg::Typed(typed) => Some(read(&typed.ty)),
            })
            .collect()
    }

    /// The errors of the workspace that can hold any other, with which a function fails.
    fn fails_with(&self, at: usize) -> BTreeSet<ItemId> {
        let body = &self.bodies[at];
        let syn::ReturnType::Type(_, output) = &body.signature.output else {
            return BTreeSet::new();
        };
        match types::read(self.types.code, body.scope, output, &Substitution::new()) {
            Type::Result(_, error) if self.holds_any(&error, DEPTH) => items_of(&error),
            _ => BTreeSet::new(),
        }
    }

    /// Whether a type is an error that can hold any other, or has one inside.
    fn holds_any(&self, ty: &Type, depth: usize) -> bool {
        let of_item = |id: &ItemId| {
            let item = self.types.code.item(*id);
            let fields: Vec<&syn::Field> = match item.syntax {
                syn::Item::Struct(item) => item.fields.iter().collect(),
                syn::Item::Enum(item) => item.variants.iter().flat_map(|v| &v.fields).collect(),
                _ => Vec::new(),
            };
            depth > 0
                && fields.into_iter().any(|field| {
                    let known = Substitution::new();
                    let ty = types::read(self.types.code, item.scope, &field.ty, &known);
                    self.holds_any(&ty, depth - 1)
                })
        };
        match ty {
            Type::External { package, .. } if OPAQUE.contains(&package.as_str()) => true,
            Type::Item(id, _) if of_item(id) => true,
            // `dyn Error`, `impl Error`; not `dyn DatabaseError`, which is a driver's.
            Type::Other(_, text) => text
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| matches!(word, "Error" | "StdError")),
            other => other.children().into_iter().any(|inner| self.holds_any(inner, depth)),
        }
    }

    /// Whether a body names the module's error: it may take something out of it.
    fn names_error(&self, at: usize) -> bool {
        let body = &self.bodies[at];
        let mentions = self.types.code.mentioned_in(body.scope, body.block.to_token_stream());
        let is_error = |found| matches!(found, Found::Item(id, _) if Some(id) == self.error);
        mentions.into_iter().any(|(_, found)| is_error(found))
    }
}

/// The types of the workspace in a type.
fn items_of(ty: &Type) -> BTreeSet<ItemId> {
    let mut items: BTreeSet<ItemId> = ty.children().into_iter().flat_map(items_of).collect();
    if let Type::Item(id, _) = ty {
        items.insert(*id);
    }
    items
}
