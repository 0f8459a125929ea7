//! Every call of an operation, and which of them stand in a transaction or in a loop: directly, or
//! through one helper of the same package.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::CallSite;
use super::bodies::{Body, Key};
use super::loops;
use super::ty::Types;
use super::walk::{Event, What};
use crate::workspace::line_of;

/// The calls that were found.
pub(super) struct Found {
    pub(super) calls: BTreeMap<String, Vec<CallSite>>,
    pub(super) in_transaction: Vec<CallSite>,
    pub(super) in_loop: Vec<CallSite>,
    /// What each body calls, in their order.
    pub(super) reach: Vec<Reach>,
}

/// What a function calls.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// The first operation that it calls itself, and where.
    pub(super) operation: Option<(String, Range<usize>)>,
    /// The functions of the workspace that it calls.
    pub(super) helpers: BTreeSet<Key>,
}

/// A function that calls operations itself.
struct Caller<'b> {
    member: &'b str,
    /// Operation, line, whether that call is in a transaction of its own.
    calls: Vec<(String, usize, bool)>,
}

/// Looks at what stands in each body; a second look joins callers with the helpers that they call.
pub(super) fn find<'w>(types: &Types<'_, 'w>, bodies: &[Body<'w>], walked: &[Vec<Event>]) -> Found {
    let mut found = Found {
        calls: types.operations.iter().map(|(name, ..)| (name.clone(), Vec::new())).collect(),
        in_transaction: Vec::new(),
        in_loop: Vec::new(),
        reach: Vec::new(),
    };
    let mut callers: BTreeMap<&Key, Caller<'_>> = BTreeMap::new();
    let mut helped: Vec<(&Body<'w>, &Event)> = Vec::new();
    for (body, events) in bodies.iter().zip(walked) {
        let mut reach = Reach::default();
        for event in events {
            reach.note(event);
            match &event.what {
                What::Operation(operation, certain) => {
                    let site = site(body, event, operation, *certain);
                    if body.key != Key::None {
                        let caller = callers.entry(&body.key).or_insert_with(|| Caller {
                            member: &body.member.name,
                            calls: Vec::new(),
                        });
                        caller.calls.push((
                            operation.clone(),
                            site.line,
                            event.transaction.is_some(),
                        ));
                    }
                    found.add(&site, event, &format!("`{operation}` is called"));
                    found.calls.entry(operation.clone()).or_default().push(site);
                }
                What::Other(_) | What::Bound(_) => {}
                What::Helper(key, _) => {
                    if *key != body.key && (event.transaction.is_some() || event.repeated.is_some())
                    {
                        helped.push((body, event));
                    }
                }
            }
        }
        found.reach.push(reach);
    }
    for (body, event) in helped {
        let What::Helper(key, name) = event.what.clone() else { continue };
        let Some(caller) = callers.get(&key).filter(|c| c.member == body.member.name) else {
            continue;
        };
        let mut seen = BTreeSet::new();
        for (operation, line, in_own) in &caller.calls {
            if !seen.insert(operation) {
                continue;
            }
            let mut event = event.clone();
            let mut site = site(body, &event, operation, true);
            site.through = Some(name.clone());
            let what = format!("`{name}` calls `{operation}` (line {line})");
            // A call in a transaction of the helper's own is reported where it stands.
            if *in_own {
                event.transaction = None;
            }
            found.add(&site, &event, &what);
        }
    }
    for list in [&mut found.in_transaction, &mut found.in_loop] {
        list.sort_by(|a, b| (&a.file, a.range.start).cmp(&(&b.file, b.range.start)));
    }
    found
}

impl Reach {
    fn note(&mut self, event: &Event) {
        match &event.what {
            What::Operation(name, _) => {
                self.operation.get_or_insert_with(|| (name.clone(), event.range.clone()));
            }
            What::Helper(key, _) => {
                self.helpers.insert(key.clone());
            }
            What::Other(_) | What::Bound(_) => {}
        }
    }
}

impl Found {
    fn add(&mut self, site: &CallSite, event: &Event, what: &str) {
        if let Some(begin) = &event.transaction {
            let note = format!(
                "{what} while a transaction is open: a rollback will not undo it, and locks and a \
                 connection are held for a round trip"
            );
            self.in_transaction.push(with(site, begin, note));
        }
        if let Some((head, pace, depth)) = &event.repeated {
            self.in_loop.push(with(site, head, loops::note(*pace, *depth, what)));
        }
    }
}

fn with(site: &CallSite, outer: &Range<usize>, mut note: String) -> CallSite {
    if !site.certain {
        note.push_str(" (by its name: the receiver's type could not be read)");
    }
    CallSite { outer: Some(outer.clone()), note, ..site.clone() }
}

fn site(body: &Body<'_>, event: &Event, operation: &str, certain: bool) -> CallSite {
    CallSite {
        member: body.member.name.clone(),
        file: body.file.to_owned(),
        range: event.range.clone(),
        line: line_of(&body.source.text, event.name_at),
        operation: operation.to_owned(),
        function: body.name.clone(),
        outer: None,
        note: String::new(),
        certain,
        through: None,
    }
}
