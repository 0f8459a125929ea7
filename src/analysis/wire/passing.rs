//! How each argument passes from the caller's value to the wire and back.

use crate::analysis::types::Type;

/// How an argument is held by the struct of arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passing {
    /// The value itself.
    Value(Type),
    /// `&T`, `&str` or `&[T]`: `Cow`, borrowed when it is sent, owned when it arrived.
    Borrowed(Type),
    /// `Option<&T>` of the same.
    BorrowedOption(Type),
}

impl Passing {
    /// How an argument of this type passes.
    pub fn of(ty: &Type) -> Self {
        match ty {
            Type::Reference { to, .. } => Self::Borrowed((**to).clone()),
            Type::Option(inner) => match &**inner {
                Type::Reference { to, .. } => Self::BorrowedOption((**to).clone()),
                _ => Self::Value(ty.clone()),
            },
            _ => Self::Value(ty.clone()),
        }
    }

    /// Whether it holds a borrow, so that the struct has a lifetime.
    pub fn borrows(&self) -> bool {
        match self {
            Self::Value(ty) => has_cow(ty),
            Self::Borrowed(_) | Self::BorrowedOption(_) => true,
        }
    }
}

/// Whether a `Cow` stands in a type.
fn has_cow(ty: &Type) -> bool {
    matches!(ty, Type::Cow(..)) || ty.children().into_iter().any(has_cow)
}
