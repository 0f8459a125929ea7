//! Whether all roots construct the implementation in the same way: there is one service.

use super::{Argument, ArgumentKind, Constructor, Root};
use crate::diagnostic::Diagnostic;

/// How one root constructs the implementation.
pub(super) struct Way<'a, 'w> {
    pub(super) root: &'a Root<'w>,
    pub(super) constructor: Constructor,
    pub(super) arguments: Vec<Argument>,
}

/// Refuses roots that disagree, with the place of each: those that agree with the first say so.
pub(super) fn check(ways: &[Way<'_, '_>]) -> Option<Diagnostic> {
    let (first, others) = ways.split_first()?;
    let differences: Vec<Option<String>> =
        others.iter().map(|other| difference(first, other)).collect();
    let what = differences.iter().flatten().next()?.clone();
    let count = ways.len();
    let mut diagnostic = Diagnostic::error(
        "roots-disagree",
        format!("{count} places construct the implementation, and not in the same way"),
    )
    .at(first.root.file, first.root.construction.clone(), "this way here");
    for (other, difference) in others.iter().zip(&differences) {
        let label = match difference {
            Some(what) => format!("differs in {what}"),
            None => "as the first".to_owned(),
        };
        diagnostic = diagnostic.at(other.root.file, other.root.construction.clone(), label);
    }
    Some(
        diagnostic
            .note(format!("the first difference is {what}; one service has one configuration"))
            .help("let all of them call one function that constructs it"),
    )
}

/// Refuses implementations whose pools are not set up alike: the service has one database.
pub(super) fn one_pool<'a, 'w: 'a>(
    ways: impl Iterator<Item = &'a Way<'a, 'w>>,
) -> Option<Diagnostic> {
    let pools = ways.flat_map(|way| way.arguments.iter().map(move |argument| (way, argument)));
    let mut pools = pools.filter_map(|(way, argument)| match &argument.kind {
        ArgumentKind::Pool(pool) => Some((way.root, pool)),
        _ => None,
    });
    let (first, pool) = pools.next()?;
    let (other, _) = pools.find(|(_, other)| *other != pool)?;
    Some(
        Diagnostic::error("roots-disagree", "the implementations do not share a pool")
            .at(first.file, first.construction.clone(), "constructed from this one")
            .at(other.file, other.construction.clone(), "constructed from another one")
            .note("they would share the service's database, which is opened in one way")
            .help("construct them from one pool, or extract them one by one"),
    )
}

fn difference(first: &Way<'_, '_>, other: &Way<'_, '_>) -> Option<String> {
    if first.constructor != other.constructor || first.arguments.len() != other.arguments.len() {
        return Some("the constructor".to_owned());
    }
    let mut pairs = first.arguments.iter().zip(&other.arguments);
    let (argument, _) = pairs.find(|(a, b)| !agree(a, b))?;
    Some(format!("the argument `{}`", argument.name))
}

/// Whether the service takes both from the same place. What is only said of a setting may differ.
fn agree(a: &Argument, b: &Argument) -> bool {
    match (&a.kind, &b.kind) {
        (ArgumentKind::Setting(one), ArgumentKind::Setting(two)) => {
            (a.by_reference, a.wrapped) == (b.by_reference, b.wrapped)
                && (one.ty, &one.default) == (two.ty, &two.default)
        }
        _ => a == b,
    }
}
