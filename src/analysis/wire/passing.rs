//! How each argument and result passes from the caller's value to the wire and back.

use std::collections::BTreeMap;

use super::{Form, contains_mirror};
use crate::analysis::code::ItemId;
use crate::analysis::types::Type;

/// How an argument is held by the struct of arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passing {
    /// The value itself.
    Value(Shape),
    /// `&T`, `&str` or `&[T]`: `Cow`, borrowed when it is sent, owned when it arrived.
    Borrowed(Type),
    /// `Option<&T>` of the same.
    BorrowedOption(Type),
    /// `&T` of a mirrored type.
    BorrowedMirror(ItemId),
    /// `&[T]` of a mirrored type: a list of mirrors.
    BorrowedMirrors(ItemId),
}

/// Where in a value mirrors stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Nowhere.
    Plain(Type),
    /// It is one.
    Mirror(ItemId),
    /// In an option.
    Option(Box<Shape>),
    /// In a list.
    Vec(Box<Shape>),
    /// In a box.
    Box(Box<Shape>),
}

/// What stands in the way of passing a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpassable;

impl Passing {
    /// How an argument of this type passes.
    ///
    /// # Errors
    /// When a mirrored type stands in a container that has no conversion.
    pub fn of(ty: &Type, forms: &BTreeMap<ItemId, Form>) -> Result<Self, Unpassable> {
        let mirrored = |ty: &Type| match ty {
            Type::Item(id, _) if contains_mirror(ty, forms) => Some(*id),
            _ => None,
        };
        match ty {
            Type::Reference { to, .. } => match &**to {
                Type::Slice(element) if mirrored(element).is_some() => {
                    mirrored(element).map(Self::BorrowedMirrors).ok_or(Unpassable)
                }
                to if mirrored(to).is_some() => {
                    mirrored(to).map(Self::BorrowedMirror).ok_or(Unpassable)
                }
                to if contains_mirror(to, forms) => Err(Unpassable),
                to => Ok(Self::Borrowed(to.clone())),
            },
            Type::Option(inner) => match &**inner {
                Type::Reference { to, .. } if contains_mirror(to, forms) => Err(Unpassable),
                Type::Reference { to, .. } => Ok(Self::BorrowedOption((**to).clone())),
                _ => Shape::of(ty, forms).map(Self::Value),
            },
            _ => Shape::of(ty, forms).map(Self::Value),
        }
    }

    /// Whether it holds a borrow, so that the struct has a lifetime.
    pub fn borrows(&self) -> bool {
        match self {
            Self::Value(shape) => shape.has_mirror(),
            _ => true,
        }
    }
}

impl Shape {
    /// Where mirrors stand in a type.
    ///
    /// # Errors
    /// When one stands in a container that has no conversion.
    pub fn of(ty: &Type, forms: &BTreeMap<ItemId, Form>) -> Result<Self, Unpassable> {
        if !contains_mirror(ty, forms) {
            return Ok(Self::Plain(ty.clone()));
        }
        match ty {
            Type::Item(id, _) => Ok(Self::Mirror(*id)),
            Type::Option(inner) => Ok(Self::Option(Box::new(Self::of(inner, forms)?))),
            Type::Vec(inner) => Ok(Self::Vec(Box::new(Self::of(inner, forms)?))),
            Type::Box(inner) => Ok(Self::Box(Box::new(Self::of(inner, forms)?))),
            _ => Err(Unpassable),
        }
    }

    /// Whether a mirror stands in it.
    pub fn has_mirror(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }
}
