//! "Should you?" in one paragraph, from what was seen.

use std::collections::BTreeSet;

use super::{CallSite, Hazards};

/// What the paragraph has to know beyond the hazards.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The module's name.
    pub module: &'a str,
    /// Tables that it owns.
    pub tables: usize,
    /// Foreign keys from others' tables into its own.
    pub foreign_keys_in: usize,
    /// Foreign keys from its tables into others'.
    pub foreign_keys_out: usize,
}

/// Which way it leans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaning {
    /// Nothing speaks against it.
    Go,
    /// A few places have to be looked at first.
    GoAfter,
    /// The boundary is not one yet.
    Wait,
}

/// Weighs what was found. Shared data, a way back and a module that is called mostly in loops or
/// transactions are signs that the boundary is drawn through one thing.
pub fn leaning(hazards: &Hazards, facts: &Facts<'_>) -> Leaning {
    let calls = hazards.calls.values().map(Vec::len).sum::<usize>();
    let in_transaction = places(&hazards.in_transaction);
    let in_loop = places(&hazards.in_loop);
    let shared_sql = hazards.foreign_sql.iter().any(|m| !m.dev);
    let mostly = |part: usize| part >= 3 && part * 3 >= calls;
    let downcasts = hazards.downcasts.iter().any(|d| d.of_module);
    if !hazards.cycles.is_empty() || shared_sql || mostly(in_transaction) || mostly(in_loop) {
        Leaning::Wait
    } else if in_transaction + in_loop > 0 || downcasts || facts.foreign_keys_out > 0 {
        Leaning::GoAfter
    } else {
        Leaning::Go
    }
}

/// One paragraph in plain words; ends with a full stop and has no line breaks.
pub fn verdict(hazards: &Hazards, facts: &Facts<'_>) -> String {
    let leaning = leaning(hazards, facts);
    let mut said = vec![opening(hazards, facts, leaning), usage(hazards, facts)];
    said.extend(transactions(&hazards.in_transaction));
    said.extend(round_trips(&hazards.in_loop));
    said.extend(cycles(hazards));
    said.extend(data(hazards, facts));
    said.extend(downcasts(hazards));
    said.push(what_is_good(hazards));
    said.push(closing(leaning).to_owned());
    said.retain(|sentence| !sentence.is_empty());
    said.join(" ")
}

fn opening(hazards: &Hazards, facts: &Facts<'_>, leaning: Leaning) -> String {
    match leaning {
        Leaning::Go => format!("Nothing in the code speaks against taking `{}` out.", facts.module),
        Leaning::GoAfter => {
            let count = places(&hazards.in_transaction) + places(&hazards.in_loop);
            match count {
                0 => format!("`{}` can be taken out; read the points below first.", facts.module),
                _ => format!(
                    "`{}` can be taken out once {} {} been looked at.",
                    facts.module,
                    counted(count, "place"),
                    if count == 1 { "has" } else { "have" }
                ),
            }
        }
        Leaning::Wait if hazards.cycles.is_empty() && hazards.foreign_sql.iter().all(|m| m.dev) => {
            format!("Not yet: the rest uses `{}` as if a call cost nothing.", facts.module)
        }
        Leaning::Wait => {
            format!("Not yet: `{}` and the rest are still one thing.", facts.module)
        }
    }
}

fn usage(hazards: &Hazards, facts: &Facts<'_>) -> String {
    let calls: Vec<&CallSite> = hazards.calls.values().flatten().collect();
    let operations = hazards.calls.len();
    let used = hazards.calls.values().filter(|sites| !sites.is_empty()).count();
    if calls.is_empty() {
        return format!(
            "No call of its {} was seen outside of tests: either nobody uses `{}`, or they reach \
             it in a way that calve does not read.",
            counted(operations, "operation"),
            facts.module
        );
    }
    let members: BTreeSet<&str> = calls.iter().map(|c| c.member.as_str()).collect();
    let unsure = calls.iter().filter(|c| !c.certain).count();
    let mut text = format!(
        "{} in {} ({}) {} {}",
        counted(calls.len(), "call site"),
        counted(members.len(), "crate"),
        members.into_iter().collect::<Vec<_>>().join(", "),
        if calls.len() == 1 { "uses" } else { "use" },
        if used == operations {
            format!("all of its {}", counted(operations, "operation"))
        } else {
            format!("{used} of its {}", counted(operations, "operation"))
        },
    );
    if unsure > 0 {
        text.push_str(&format!("; {unsure} of them were told by name only"));
    }
    text.push('.');
    text
}

fn transactions(sites: &[CallSite]) -> Option<String> {
    let count = places(sites);
    (count > 0).then(|| {
        format!(
            "{} inside a database transaction of the caller ({}): no operation takes a \
             transaction, so what looks atomic there ends in two commits, and after the cut locks \
             and a connection are held for a round trip; move it out, or decide what undoes it.",
            stand(count),
            listed(sites)
        )
    })
}

fn round_trips(sites: &[CallSite]) -> Option<String> {
    let count = places(sites);
    (count > 0).then(|| {
        format!(
            "{} in a loop ({}): a function call today, a round trip for every element after the \
             cut; where lists are long, first give the trait operations that take a list.",
            stand(count),
            listed(sites)
        )
    })
}

fn cycles(hazards: &Hazards) -> Option<String> {
    let first = hazards.cycles.first()?;
    Some(format!(
        "Calls go round ({}{}): two services that wait for each other fail together and cannot be \
         deployed apart, which is a distributed monolith.",
        first.through.join(" → "),
        match hazards.cycles.len() {
            1 => String::new(),
            more => format!(", and {} more", more - 1),
        }
    ))
}

fn data(hazards: &Hazards, facts: &Facts<'_>) -> Option<String> {
    let mut parts = Vec::new();
    for (by_module, whose) in [(false, "the module's tables"), (true, "tables of others")] {
        let mentions: Vec<_> =
            hazards.foreign_sql.iter().filter(|m| !m.dev && m.by_module == by_module).collect();
        let Some(first) = mentions.first() else { continue };
        let who = if by_module { facts.module } else { first.member.as_str() };
        let tables: BTreeSet<&str> = mentions.iter().map(|m| m.table.as_str()).collect();
        parts.push(format!(
            "`{who}` reaches into {whose} with SQL of its own ({}; {}:{}{}), which breaks once they \
             live in two databases",
            tables.into_iter().collect::<Vec<_>>().join(", "),
            first.file,
            first.line,
            match mentions.len() {
                1 => String::new(),
                more => format!(" and {} more", more - 1),
            },
        ));
    }
    if facts.foreign_keys_out > 0 {
        parts.push(format!(
            "{} from its tables into others' cannot be kept",
            counted(facts.foreign_keys_out, "foreign key")
        ));
    }
    if facts.foreign_keys_in > 0 {
        parts.push(format!(
            "{} into its {} will be dropped, so nothing but code keeps those references true",
            counted(facts.foreign_keys_in, "foreign key"),
            counted(facts.tables, "table")
        ));
    }
    (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
}

fn downcasts(hazards: &Hazards) -> Option<String> {
    let first = hazards.downcasts.iter().find(|d| d.of_module)?;
    Some(format!(
        "`{}` ({}:{}) downcasts to `{}`: it compiles after the cut and never matches again.",
        first.function, first.file, first.line, first.ty
    ))
}

fn what_is_good(hazards: &Hazards) -> String {
    let calls: usize = hazards.calls.values().map(Vec::len).sum();
    let touched: BTreeSet<_> = hazards
        .in_transaction
        .iter()
        .chain(&hazards.in_loop)
        .filter(|site| site.through.is_none())
        .map(|site| (&site.file, site.range.start))
        .collect();
    let plain = calls.saturating_sub(touched.len());
    let mut good = Vec::new();
    if plain > 0 && !touched.is_empty() {
        good.push(match plain {
            1 => "the other call costs one round trip".to_owned(),
            _ => format!("the other {plain} calls cost one round trip each"),
        });
    } else if plain > 0 {
        good.push("no call stands in a loop or a transaction".to_owned());
    }
    if hazards.cycles.is_empty() {
        good.push("nothing calls back".to_owned());
    }
    if hazards.foreign_sql.iter().all(|m| m.dev) && hazards.named_tables.is_empty() {
        good.push("no SQL in the code crosses the boundary".to_owned());
    }
    if good.is_empty() {
        return String::new();
    }
    format!("What is good: {}.", joined(&good))
}

fn closing(leaning: Leaning) -> &'static str {
    match leaning {
        Leaning::Go => {
            "Code cannot say whether you need the independence that a service buys; if no team, \
             release or load asks for it, a module is cheaper to run."
        }
        Leaning::GoAfter => {
            "Worth it if a team, a release rhythm or a load of its own asks for it; a module is \
             cheaper to run."
        }
        Leaning::Wait => {
            "Draw the boundary inside the monolith first, where moving it is a refactoring and the \
             compiler helps; then run this again."
        }
    }
}

/// How many distinct places there are; a helper that makes three calls is one place to look at.
fn places(sites: &[CallSite]) -> usize {
    sites.iter().map(|s| (&s.file, s.range.start)).collect::<BTreeSet<_>>().len()
}

fn stand(count: usize) -> String {
    if count == 1 { "One call stands".to_owned() } else { format!("{count} calls stand") }
}

/// The first places by operation, function and line.
fn listed(sites: &[CallSite]) -> String {
    const SHOWN: usize = 3;
    let mut seen = BTreeSet::new();
    let places: Vec<&CallSite> =
        sites.iter().filter(|s| seen.insert((&s.file, s.range.start))).collect();
    let mut shown: Vec<String> = places
        .iter()
        .take(SHOWN)
        .map(|s| {
            let through = s.through.as_ref().map(|t| format!(" through `{t}`"));
            format!(
                "`{}`{} in `{}`, {}:{}",
                s.operation,
                through.unwrap_or_default(),
                s.function,
                s.file,
                s.line
            )
        })
        .collect();
    if places.len() > SHOWN {
        shown.push(format!("and {} more", places.len() - SHOWN));
    }
    shown.join("; ")
}

fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
