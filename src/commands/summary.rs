//! What an extraction says of itself on standard error: what was made, and what a person must look at.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::proof::Proven;
use super::{Format, Output, database, json, own_tests};
use crate::analysis::composition::{ArgumentKind, SettingSource};
use crate::analysis::hazards::{self, CallSite};
use crate::analysis::still_read;
use crate::changes::FileChange;
use crate::pipeline::Extraction;
use crate::plan::{ArgumentPlan, Origin};
use crate::workspace::{TargetKind, Workspace, line_of};

/// Prints the summary; `written` is where it was written, none in a dry run.
pub(super) fn extracted(
    workspace: &Workspace,
    extraction: &Extraction<'_>,
    proven: &Proven,
    written: Option<&Utf8Path>,
    output: &mut Output<'_>,
) -> io::Result<()> {
    if output.format == Format::Json {
        let ignored = ignored(workspace, extraction);
        let summary = json::Summary::of(workspace, extraction, proven, written, ignored);
        return json::line("extraction", &summary, output.err);
    }
    let (names, plan) = (&extraction.plan.names, &extraction.plan);
    let is_new = |change: &FileChange| matches!(change, FileChange::Create { .. });
    let new: Vec<&Utf8Path> =
        extraction.changes.iter().filter(|(_, c)| is_new(c)).map(|(path, _)| path).collect();
    let created = new.len();
    let within = new.iter().filter(|path| path.starts_with(&names.dir)).count();
    let edited = extraction.changes.iter().count() - created;
    let err = &mut *output.err;
    match written {
        Some(root) => writeln!(err, "\nExtracted `{}` in {root}", names.module)?,
        None => {
            writeln!(err, "\nWould extract `{}` (a dry run: nothing was written)", names.module)?
        }
    }
    let elsewhere = match created - within {
        0 => String::new(),
        elsewhere => format!(", {elsewhere} elsewhere"),
    };
    writeln!(
        err,
        "  files        {within} created below {}{elsewhere}, {edited} edited",
        names.dir
    )?;
    let apis = &extraction.module.apis;
    let operations =
        apis.iter().map(|api| format!("{} of `{}`", api.interface.operations.len(), api.name()));
    writeln!(err, "  operations   {}", operations.collect::<Vec<_>>().join(", "))?;
    let mut told = Vec::new();
    for api in apis {
        if told.contains(&&api.interface.error) {
            continue;
        }
        let several = apis.iter().any(|other| other.interface.error != api.interface.error);
        let whose = if several { format!(" of `{}`", api.name()) } else { String::new() };
        let transport = &api.error.transport;
        if api.error.opaque().is_some() {
            writeln!(err, "  failed calls{whose} arrive as a `TransportError` in the error")?;
        } else {
            let (variant, because) = (&transport.variant, transport.because);
            writeln!(err, "  failed calls{whose} arrive as `{variant}` ({because})")?;
        }
        told.push(&api.interface.error);
    }
    for dropped in &extraction.composition.dropped {
        let first = dropped.text.lines().next().unwrap_or_default();
        writeln!(
            err,
            "  dropped      {}:{}: {first} ({})",
            dropped.file, dropped.line, dropped.why
        )?;
    }
    for list in &extraction.composition.shortened {
        if let Some(function) = &list.function {
            writeln!(
                err,
                "  dropped      {}:{}: `{}` of `{}` and what callers gave (only the construction used it)",
                list.file,
                function.line,
                function.parameters.join("`, `"),
                function.name
            )?;
        }
    }
    for renamed in &extraction.composition.renamed {
        if let Some((old, new)) = &renamed.bound {
            let source = workspace.source(&renamed.file);
            let line = source.map_or(1, |source| line_of(&source.text, renamed.range.start));
            writeln!(
                err,
                "  renamed      {}:{line}: `{old}` to `{new}`, which holds the stub",
                renamed.file
            )?;
        }
    }
    for place in &extraction.composition.in_process {
        writeln!(err, "  in process   {} goes on with an implementation of its own", place.file)?;
    }
    if let Some(schema) = &plan.schema {
        for added in &schema.added {
            writeln!(err, "  migration    {} drops {}", added.path, added.drops)?;
        }
        if let Some(shared) = &schema.shared {
            database::divided(shared, err)?;
        }
    }
    for stand_in in plan.schema.iter().flat_map(|schema| &schema.stand_ins) {
        writeln!(
            err,
            "  migration    {} stands in for the tables that left, on a new database",
            stand_in.path
        )?;
    }
    for driver in &extraction.module.contract.drivers_kept {
        writeln!(
            err,
            "  still there  `{driver}`: the contract itself names it, so consumers go on building it"
        )?;
    }

    writeln!(err, "\nA person must look at")?;
    let hazards = &extraction.hazards;
    let mut anything = false;
    for site in hazards.in_transaction.iter().chain(&hazards.in_loop) {
        anything = true;
        look_at(err, site)?;
    }
    for cycle in &hazards.cycles {
        anything = true;
        writeln!(err, "  a cycle of calls: {}", cycle.through.join(" → "))?;
    }
    for place in &hazards.surroundings {
        anything = true;
        writeln!(err, "  {}:{}: {}", place.file, place.line, place.what)?;
    }
    for named in &hazards.named_tables {
        anything = true;
        writeln!(
            err,
            "  {}:{}: names the table `{}` beside SQL: a query that is put together of it would read rows \
             that no longer change",
            named.file, named.line, named.table
        )?;
    }
    for downcast in hazards.doubtful_downcasts() {
        anything = true;
        writeln!(
            err,
            "  {}:{}: looks for a `{}` in an error: in one of {} there is none any more",
            downcast.file,
            downcast.line,
            downcast.ty,
            names.traits()
        )?;
    }
    if let Some(schema) = &plan.schema {
        let tables: Vec<&str> = schema.tables.iter().map(String::as_str).collect();
        if !tables.is_empty() {
            anything = true;
            writeln!(
                err,
                "  rows of {} are copied before the cutover: see {}/CUTOVER.md",
                tables.join(", "),
                names.dir
            )?;
        }
    }
    if let Some(shared) = plan.schema.as_ref().and_then(|schema| schema.shared.as_ref()) {
        anything |= database::look_at(shared, err)?;
    }
    let postgres = plan.schema.iter().filter_map(|schema| schema.postgres.as_ref());
    for place in postgres.flat_map(|postgres| &postgres.only_searched) {
        anything = true;
        let source = workspace.source(&place.file);
        let line = source.map_or(1, |source| line_of(&source.text, place.span.start));
        writeln!(
            err,
            "  {}:{line}: code in a text was searched for names of tables, and none was found; \
             nothing parses it before it runs",
            place.file
        )?;
    }
    let added = plan.schema.iter().flat_map(|s| &s.added);
    let strict: Vec<&str> = added.filter(|a| a.strict).map(|a| a.object.as_str()).collect();
    if !strict.is_empty() {
        anything = true;
        writeln!(
            err,
            "  once the migrations of {} have run, an older build refuses the database (strict migrators): \
             see {}/CUTOVER.md",
            strict.join(", "),
            names.dir
        )?;
    }
    for setting in plan.service.settings(names) {
        anything = true;
        let monolith = if stood_in_code(extraction, &setting.name) {
            "in the monolith it stood in the code".to_owned()
        } else {
            let changes = &extraction.changes;
            match still_read::first(workspace, &names.module, changes, &setting.name) {
                Some((file, line)) => format!(
                    "{file}:{line} reads the monolith's own as before: the two have to agree"
                ),
                None => "the monolith's own key goes unread".to_owned(),
            }
        };
        writeln!(
            err,
            "  `{}` is configured at the service now ({}); {monolith}",
            setting.name, setting.env
        )?;
    }
    for place in &extraction.composition.in_process {
        let member = workspace.member(place.member);
        let targets = member.into_iter().flat_map(|member| &member.targets);
        if targets.into_iter().any(|t| t.kind == TargetKind::Example && t.root == place.file) {
            anything = true;
            writeln!(
                err,
                "  {}: an example that goes on in process: what it stores, the service does not see",
                place.file
            )?;
        }
    }
    for comment in &extraction.comments {
        anything = true;
        let what = if comment.doc_link { "a doc link to" } else { "a comment names" };
        let why = match &comment.now {
            Some(now) => format!("is `{now}` now"),
            None => "is not there without the implementation".to_owned(),
        };
        writeln!(
            err,
            "  {}:{}: {what} `{}`, which {why}",
            comment.file, comment.line, comment.name
        )?;
    }
    for name in &hazards.lying {
        anything = true;
        writeln!(
            err,
            "  {}:{}: `{}` stands for the stub now, which its name does not say",
            name.file, name.line, name.name
        )?;
    }
    for ending in extraction.module.endings() {
        anything = true;
        writeln!(
            err,
            "  `{}` does nothing any more where it is called: the service does it, after its last call",
            ending.name
        )?;
    }
    if extraction.module.blocks() {
        anything = true;
        writeln!(
            err,
            "  every call of {} now holds its thread for a round trip; on a worker of a runtime all \
             other\n  tasks of that worker wait too: async code calls better inside `spawn_blocking`",
            names.traits()
        )?;
    }
    if workspace.aborts_on_panic() {
        anything = true;
        writeln!(
            err,
            "  a profile says `panic = \"abort\"`: a panic in one operation ends the whole service"
        )?;
    }
    if !anything {
        writeln!(err, "  nothing that calve can see")?;
    }

    writeln!(err, "\nShould you?\n{}", paragraph(&hazards::verdict(hazards, &extraction.facts())))?;
    let ignored = ignored(workspace, extraction);
    if let Some((first, rest)) = ignored.split_first() {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" and {more} more of the new files"),
        };
        writeln!(err, "\nwarning: a .gitignore rule keeps `{first}`{more} out of the repository")?;
    }

    for what in &proven.failed_before {
        writeln!(
            err,
            "\nwarning: {what} did not build before the extraction either, so nothing is proven of it"
        )?;
    }
    if let Some(tests) = &proven.tests {
        own_tests::table(tests, err)?;
    }
    writeln!(err, "\nNext")?;
    if written.is_some() {
        if !proven.build {
            writeln!(
                err,
                "  the result was not built (--no-verify): cargo check --workspace --all-targets"
            )?;
        }
        writeln!(err, "  cargo test -p {} -p {} -p {}", names.service, names.client, names.wire)?;
        writeln!(
            err,
            "  the monolith's own tests need a service now; this starts one for each:\n    \
             cargo run -p {} --example monolith_tests -- {}",
            names.service, plan.environment.test_arguments
        )?;
        if plan.schema.is_some() {
            writeln!(err, "  {}/CUTOVER.md, the runbook", names.dir)?;
        }
    } else {
        writeln!(err, "  review the patch; the same command without --dry-run writes it")?;
    }
    Ok(())
}

/// Whether the monolith gave a setting of the service as a literal wherever it constructs: no key of its
/// configuration said it.
fn stood_in_code(extraction: &Extraction<'_>, setting: &str) -> bool {
    let planned = &extraction.plan.service.constructions;
    let found = &extraction.composition.constructed;
    let both = planned
        .iter()
        .zip(found)
        .flat_map(|(planned, found)| planned.arguments.iter().zip(&found.arguments));
    let named = |planned: &ArgumentPlan| matches!(&planned.from, Origin::Setting(plan) if plan.name == setting);
    both.filter(|(planned, _)| named(planned)).all(|(_, found)| {
        matches!(&found.kind, ArgumentKind::Setting(found) if found.source == SettingSource::Code)
    })
}

/// A call that changes its nature.
fn look_at(err: &mut dyn io::Write, site: &CallSite) -> io::Result<()> {
    writeln!(err, "  {}:{}: in `{}`", site.file, site.line, site.function)?;
    let sure =
        if site.certain { "" } else { " (told by its name: the receiver's type is not clear)" };
    writeln!(err, "{}", wrapped(&format!("{}{sure}", site.note), "      "))
}

fn paragraph(text: &str) -> String {
    wrapped(text, "  ")
}

fn wrapped(text: &str, indent: &str) -> String {
    let options = textwrap::Options::new(WIDTH).initial_indent(indent).subsequent_indent(indent);
    textwrap::fill(text, options)
}

/// The width of running text; the same in a log and on a wide terminal.
const WIDTH: usize = 100;

/// Created files that an ignore rule would keep out of the repository.
fn ignored(workspace: &Workspace, extraction: &Extraction<'_>) -> Vec<Utf8PathBuf> {
    let Some(repository) = &workspace.repository else { return Vec::new() };
    let created: Vec<&Utf8Path> = extraction
        .changes
        .iter()
        .filter(|(_, change)| matches!(change, FileChange::Create { .. }))
        .map(|(path, _)| path)
        .collect();
    repository.ignored(&workspace.root, &created)
}
