//! `--format json`: everything that is said is an object on a line of standard error. The README
//! documents the shape.

mod rewired;

use std::collections::BTreeMap;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use self::rewired::Rewired;
use super::proof::Proven;
use crate::analysis::comments::StaleComment;
use crate::analysis::hazards::{self, CallSite};
use crate::analysis::module::Api;
use crate::analysis::schema::{self, Counted};
use crate::analysis::still_read;
use crate::changes::{ChangeSet, FileChange};
use crate::pipeline::Extraction;
use crate::verify::{Compared, TestReport, Verdict};
use crate::workspace::{Workspace, line_of};

/// Of the shape. It grows when a field goes or changes its meaning; fields and kinds may be added.
const VERSION: u8 = 1;

/// Writes an object on a line of its own: the shape's version, its kind, and what `body` has.
pub(super) fn line(kind: &str, body: &impl Serialize, err: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a, T> {
        version: u8,
        kind: &'a str,
        #[serde(flatten)]
        body: &'a T,
    }
    let text = serde_json::to_string(&Line { version: VERSION, kind, body })?;
    writeln!(err, "{text}")
}

/// `extraction`: the summary.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    module: &'a str,
    /// The first one.
    api_trait: &'a str,
    /// Each API trait.
    apis: Vec<ApiSummary<'a>>,
    /// Folder of the service, relative to the workspace root.
    service: &'a Utf8Path,
    /// Where it was written; none in a dry run.
    written: Option<&'a Utf8Path>,
    files: Files<'a>,
    operations: Vec<String>,
    /// The variant as which a failed call arrives; that of the first API trait.
    failed_calls: &'a str,
    #[serde(flatten)]
    rewired: Rewired<'a>,
    hazards: Vec<Hazard<'a>>,
    /// Packages in the order of the calls.
    cycles: Vec<&'a [String]>,
    /// What the module takes from its process.
    surroundings: Vec<Place<'a>>,
    /// Names of its tables beside SQL of others.
    named_tables: Vec<Place<'a>>,
    /// Where an error that may be the module's is searched for a driver's.
    downcasts: Vec<Place<'a>>,
    /// Tables whose rows are copied.
    tables: Vec<&'a str>,
    /// Environment variables of the service, by the name of the setting.
    settings: BTreeMap<String, String>,
    /// The names of those that the monolith reads as before, too, and where.
    still_read: Vec<StillRead<'a>>,
    comments: Vec<Comment<'a>>,
    /// Names that speak of the implementation, of what holds the stub.
    lying: Vec<Place<'a>>,
    /// Code in a text of `PostgreSQL` that was only searched for names of tables.
    only_searched: Vec<Line<'a>>,
    /// Methods that do nothing any more, since the service ends the module itself.
    endings: Vec<&'a str>,
    /// Whether each call holds its thread for a round trip.
    blocks: bool,
    /// Whether a panic in one operation ends the whole service.
    aborts_on_panic: bool,
    /// Created files that an ignore rule keeps out of the repository.
    ignored: Vec<Utf8PathBuf>,
    verdict: Counts,
    /// What speaks for and against, in words.
    should_you: String,
    verification: Verification<'a>,
}

/// One API trait.
#[derive(Debug, Serialize)]
struct ApiSummary<'a> {
    #[serde(rename = "trait")]
    name: &'a str,
    operations: Vec<&'a str>,
    /// The variant as which a failed call arrives.
    failed_calls: &'a str,
}

/// Files that are written, relative to the workspace root.
#[derive(Debug, Serialize)]
pub(super) struct Files<'a> {
    created: Vec<&'a Utf8Path>,
    edited: Vec<&'a Utf8Path>,
}

#[derive(Debug, Serialize)]
struct Place<'a> {
    file: &'a Utf8Path,
    line: usize,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    file: &'a Utf8Path,
    line: usize,
}

#[derive(Debug, Serialize)]
struct StillRead<'a> {
    setting: String,
    file: &'a Utf8Path,
    line: usize,
}

/// A comment that names what is not there, or is called something else.
#[derive(Debug, Serialize)]
struct Comment<'a> {
    file: &'a Utf8Path,
    line: usize,
    text: &'a str,
    /// Whether it is a doc link.
    link: bool,
    /// What is called so afterwards.
    now: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Hazard<'a> {
    /// `in-transaction` or `in-loop`.
    hazard: &'static str,
    file: &'a Utf8Path,
    line: usize,
    function: &'a str,
    operation: &'a str,
    note: &'a str,
    /// False where the method's name alone speaks for it.
    certain: bool,
}

/// What speaks for and against, as numbers.
#[derive(Debug, Serialize)]
struct Counts {
    calls: usize,
    in_transaction: usize,
    in_loop: usize,
    cycles: usize,
    foreign_keys_in: usize,
}

/// What was proven before it was written.
#[derive(Debug, Serialize)]
struct Verification<'a> {
    build: bool,
    failed_before: &'a [String],
    tests: Option<Tests<'a>>,
    databases: Option<&'a [Counted]>,
}

/// `databases`, where they differ and the extraction is refused.
#[derive(Debug, Serialize)]
pub(super) struct Databases<'a> {
    pub(super) compared: &'a [Counted],
}

/// `tests` by itself, where the extraction is refused for them.
#[derive(Debug, Serialize)]
pub(super) struct Tests<'a> {
    same: usize,
    ignored: usize,
    failed_before: Vec<String>,
    differ: Vec<Differing<'a>>,
    /// How often each operation of the service was called.
    calls: &'a BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
struct Differing<'a> {
    test: String,
    output: &'a str,
}

/// `check`: how a module's generated files stand.
#[derive(Debug, Serialize)]
pub(super) struct Checked<'a> {
    module: &'a str,
    in_step: bool,
    /// What is not as it should be, relative to the workspace root.
    files: Vec<&'a Utf8Path>,
}

impl<'a> Checked<'a> {
    /// `changes` are those that would mend it.
    pub(super) fn of(module: &'a str, changes: &'a ChangeSet) -> Self {
        let files = changes.iter().map(|(path, _)| path).collect();
        Self { module, in_step: changes.is_empty(), files }
    }
}

impl<'a> Summary<'a> {
    /// The same as the summary for a person says.
    pub(super) fn of(
        workspace: &'a Workspace,
        extraction: &'a Extraction<'_>,
        proven: &'a Proven,
        written: Option<&'a Utf8Path>,
        ignored: Vec<Utf8PathBuf>,
    ) -> Self {
        let (plan, hazards) = (&extraction.plan, &extraction.hazards);
        let names = &plan.names;
        let settings = || plan.service.settings(names).into_iter();
        let still_read = |name: String| {
            let changes = &extraction.changes;
            let (file, line) = still_read::first(workspace, &names.module, changes, &name)?;
            Some(StillRead { setting: name, file, line })
        };
        let facts = extraction.facts();
        let sites = |kind, sites: &'a [CallSite]| sites.iter().map(move |site| hazard(kind, site));
        let apis = &extraction.module.apis;
        let of_api = |api: &'a Api<'_>| ApiSummary {
            name: api.name(),
            operations: api.interface.operations.iter().map(|o| o.name.as_str()).collect(),
            failed_calls: &api.error.transport.variant,
        };
        let called = |api: &Api<'_>| -> Vec<String> {
            api.interface.operations.iter().map(|o| api.called(&o.name)).collect()
        };
        Self {
            module: &names.module,
            api_trait: names.api_traits.first().map_or("", String::as_str),
            apis: apis.iter().map(of_api).collect(),
            service: &names.dir,
            written,
            files: Files::of(&extraction.changes),
            operations: apis.iter().flat_map(called).collect(),
            failed_calls: apis.first().map_or("", |api| &api.error.transport.variant),
            rewired: Rewired::of(workspace, extraction),
            hazards: sites("in-transaction", &hazards.in_transaction)
                .chain(sites("in-loop", &hazards.in_loop))
                .collect(),
            cycles: hazards.cycles.iter().map(|cycle| cycle.through.as_slice()).collect(),
            surroundings: hazards
                .surroundings
                .iter()
                .map(|s| Place { file: &s.file, line: s.line, text: &s.what, why: None })
                .collect(),
            named_tables: hazards
                .named_tables
                .iter()
                .map(|n| Place { file: &n.file, line: n.line, text: &n.table, why: None })
                .collect(),
            downcasts: hazards
                .doubtful_downcasts()
                .map(|d| Place { file: &d.file, line: d.line, text: &d.ty, why: None })
                .collect(),
            tables: plan.schema.iter().flat_map(|s| &s.tables).map(String::as_str).collect(),
            settings: settings().map(|s| (s.name, s.env)).collect(),
            still_read: settings().filter_map(|s| still_read(s.name)).collect(),
            comments: extraction.comments.iter().map(Comment::of).collect(),
            lying: hazards
                .lying
                .iter()
                .map(|n| Place { file: &n.file, line: n.line, text: &n.name, why: None })
                .collect(),
            only_searched: only_searched(workspace, extraction),
            endings: extraction.module.endings().map(|ending| ending.name.as_str()).collect(),
            blocks: extraction.module.blocks(),
            aborts_on_panic: workspace.aborts_on_panic(),
            ignored,
            should_you: hazards::verdict(hazards, &facts),
            verdict: Counts {
                calls: hazards.calls.values().map(Vec::len).sum(),
                in_transaction: hazards.in_transaction.len(),
                in_loop: hazards.in_loop.len(),
                cycles: hazards.cycles.len(),
                foreign_keys_in: facts.foreign_keys_in,
            },
            verification: Verification {
                build: proven.build,
                failed_before: &proven.failed_before,
                tests: proven.tests.as_ref().map(Tests::of),
                databases: proven.databases.as_deref(),
            },
        }
    }
}

fn hazard<'a>(hazard: &'static str, site: &'a CallSite) -> Hazard<'a> {
    Hazard {
        hazard,
        file: &site.file,
        line: site.line,
        function: &site.function,
        operation: &site.operation,
        note: &site.note,
        certain: site.certain,
    }
}

impl<'a> Comment<'a> {
    fn of(comment: &'a StaleComment) -> Self {
        let StaleComment { file, line, name, doc_link, now } = comment;
        Self { file, line: *line, text: name, link: *doc_link, now: now.as_deref() }
    }
}

fn only_searched<'a>(workspace: &Workspace, extraction: &'a Extraction<'_>) -> Vec<Line<'a>> {
    let schema = extraction.plan.schema.as_ref();
    let postgres = schema.and_then(|schema| schema.postgres.as_ref());
    let line = |place: &'a schema::Place| {
        let source = workspace.source(&place.file);
        let line = source.map_or(1, |source| line_of(&source.text, place.span.start));
        Line { file: &place.file, line }
    };
    postgres.into_iter().flat_map(|postgres| &postgres.only_searched).map(line).collect()
}

impl<'a> Files<'a> {
    fn of(changes: &'a ChangeSet) -> Self {
        let is_new = |change: &FileChange| matches!(change, FileChange::Create { .. });
        let paths = |new: bool| {
            let files = changes.iter().filter(move |(_, change)| is_new(change) == new);
            files.map(|(path, _)| path).collect()
        };
        Self { created: paths(true), edited: paths(false) }
    }
}

impl<'a> Tests<'a> {
    pub(super) fn of(report: &'a TestReport) -> Self {
        let differ = |compared: &'a Compared| Differing {
            test: compared.test.to_string(),
            output: &compared.output,
        };
        Self {
            same: report.that(Verdict::Same).count(),
            ignored: report.that(Verdict::Ignored).count(),
            failed_before: report
                .that(Verdict::FailedBefore)
                .map(|compared| compared.test.to_string())
                .collect(),
            differ: report.that(Verdict::Differs).map(differ).collect(),
            calls: &report.calls,
        }
    }
}
