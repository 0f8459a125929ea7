//! Of an extraction: what becomes of the monolith's code and of its migrations.

use std::collections::BTreeSet;

use camino::Utf8Path;
use serde::Serialize;

use super::Place;
use crate::analysis::schema::{Because, Cut};
use crate::pipeline::Extraction;
use crate::plan::schema::{SchemaPlan, SharedPlan};
use crate::workspace::{Workspace, line_of};

/// What is edited in the monolith, and what goes on as it was.
#[derive(Debug, Serialize)]
pub(super) struct Rewired<'a> {
    dropped: Vec<Place<'a>>,
    /// Functions that lose parameters.
    shortened: Vec<Shortened<'a>>,
    renamed: Vec<Renamed<'a>>,
    /// Files that go on with an implementation of their own.
    in_process: Vec<&'a Utf8Path>,
    /// Drivers that consumers go on building, since the contract names them.
    still_there: &'a [String],
    /// New migrations of the monolith.
    migrations: Vec<Migration<'a>>,
    /// How a history was divided that the module shares; none where it has its own, or none.
    shared_history: Option<SharedHistory<'a>>,
}

#[derive(Debug, Serialize)]
struct Shortened<'a> {
    file: &'a Utf8Path,
    line: usize,
    function: &'a str,
    parameters: &'a [String],
}

#[derive(Debug, Serialize)]
struct Renamed<'a> {
    file: &'a Utf8Path,
    line: usize,
    from: &'a str,
    to: &'a str,
}

#[derive(Debug, Serialize)]
struct Migration<'a> {
    file: &'a Utf8Path,
    /// "the foreign keys of `orders`"; none where it stands in for tables that left.
    drops: Option<&'a str>,
    /// Whether an older build refuses a database in which it has run.
    strict: bool,
}

#[derive(Debug, Serialize)]
struct SharedHistory<'a> {
    /// Its folder.
    history: &'a Utf8Path,
    /// The folder of the service's set, and how many files it has.
    set: &'a Utf8Path,
    files: usize,
    tables: Vec<OwnTable<'a>>,
    /// What has no rows and is on both sides: `function:touch`.
    on_both: &'a BTreeSet<String>,
    left_out: Vec<LeftOut<'a>>,
    /// Statements that stay and read the monolith's own copy of the module's tables.
    reads: Vec<Reading<'a>>,
    /// Tests of the module that name tables which its set does not make.
    tests: Vec<Place<'a>>,
}

/// A table of the module, and what says that it is.
#[derive(Debug, Serialize)]
struct OwnTable<'a> {
    table: &'a str,
    /// `code`, `sql` or `manifest`.
    because: &'static str,
    file: Option<&'a Utf8Path>,
    line: Option<usize>,
}

#[derive(Debug, Serialize)]
struct LeftOut<'a> {
    /// As `--cut` takes it.
    name: &'a str,
    file: &'a Utf8Path,
    line: usize,
}

#[derive(Debug, Serialize)]
struct Reading<'a> {
    file: &'a Utf8Path,
    line: usize,
    tables: &'a [String],
}

impl<'a> Rewired<'a> {
    pub(super) fn of(workspace: &Workspace, extraction: &'a Extraction<'_>) -> Self {
        let composition = &extraction.composition;
        let schema = extraction.plan.schema.as_ref();
        let shortened = composition.shortened.iter().filter_map(|list| {
            let function = list.function.as_ref()?;
            let (name, parameters) = (&function.name, &function.parameters);
            Some(Shortened { file: &list.file, line: function.line, function: name, parameters })
        });
        let renamed = composition.renamed.iter().filter_map(|renamed| {
            let (from, to) = renamed.bound.as_ref()?;
            let source = workspace.source(&renamed.file)?;
            let line = line_of(&source.text, renamed.range.start);
            Some(Renamed { file: &renamed.file, line, from, to })
        });
        Self {
            dropped: composition
                .dropped
                .iter()
                .map(|d| Place { file: &d.file, line: d.line, text: &d.text, why: Some(&d.why) })
                .collect(),
            shortened: shortened.collect(),
            renamed: renamed.collect(),
            in_process: composition.in_process.iter().map(|place| place.file).collect(),
            still_there: &extraction.module.contract.drivers_kept,
            migrations: schema.map(migrations).unwrap_or_default(),
            shared_history: schema.and_then(|s| s.shared.as_ref()).map(SharedHistory::of),
        }
    }
}

fn migrations(schema: &SchemaPlan) -> Vec<Migration<'_>> {
    let added = schema.added.iter().map(|added| Migration {
        file: &added.path,
        drops: Some(&added.drops),
        strict: added.strict,
    });
    let stand_ins = schema.stand_ins.iter().map(|one| Migration {
        file: &one.path,
        drops: None,
        strict: false,
    });
    added.chain(stand_ins).collect()
}

impl<'a> SharedHistory<'a> {
    fn of(shared: &'a SharedPlan) -> Self {
        let tables = shared.owned.iter().map(|owned| {
            let (because, place) = match &owned.because {
                Because::Code(file, line) => ("code", Some((file, line))),
                Because::Sql(file, line) => ("sql", Some((file, line))),
                Because::Declared => ("manifest", None),
            };
            OwnTable {
                table: &owned.name,
                because,
                file: place.map(|(file, _)| file.as_path()),
                line: place.map(|(_, line)| *line),
            }
        });
        let left_out = |cut: &'a Cut| LeftOut { name: &cut.name, file: &cut.file, line: cut.line };
        let reads = shared.reads.iter();
        let tests = shared.tests.iter();
        Self {
            history: &shared.history,
            set: &shared.set_folder,
            files: shared.set.len(),
            tables: tables.collect(),
            on_both: &shared.of_both,
            left_out: shared.cuts.iter().map(left_out).collect(),
            reads: reads
                .map(|(file, line, tables)| Reading { file, line: *line, tables })
                .collect(),
            tests: tests
                .map(|(file, line, table)| Place { file, line: *line, text: table, why: None })
                .collect(),
        }
    }
}
