//! Which sample each of several values is: values of one type must differ, or a test would not see
//! two of them swapped.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::analysis::types::Type;

/// The sample's number for each of several values that stand side by side: `n`, and `n + 1` for the
/// second one of the same type.
pub(super) fn side_by_side(types: &[&Type]) -> Vec<TokenStream> {
    let leaves: Vec<Type> = types.iter().map(|ty| leaf(ty)).collect();
    (0..leaves.len())
        .map(|at| {
            let before = leaves[..at].iter().filter(|l| **l == leaves[at]).count();
            match before {
                0 => quote!(n),
                before => {
                    let before = Literal::usize_unsuffixed(before);
                    quote!(n + #before)
                }
            }
        })
        .collect()
}

/// What is in the containers.
fn leaf(ty: &Type) -> Type {
    match ty {
        Type::Str => Type::String,
        Type::Reference { to: inner, .. }
        | Type::Option(inner)
        | Type::Vec(inner)
        | Type::Box(inner)
        | Type::Cow(_, inner)
        | Type::Slice(inner)
        | Type::Array(inner, _)
        | Type::Set { element: inner, .. } => leaf(inner),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_type_are_numbered_whatever_holds_them() {
        let optional = Type::Option(Box::new(Type::String));
        let lent = Type::Reference { mutable: false, to: Box::new(Type::Str) };
        let numbers = side_by_side(&[&Type::String, &Type::Unit, &optional, &lent]);
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        assert_eq!(numbers, ["n", "n", "n + 1", "n + 2"]);
    }
}
