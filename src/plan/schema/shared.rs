//! A history that the module shares with others: its statements become a set of the service's own.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::added::Adder;
use super::{SchemaPlan, described, postgres, referring};
use crate::analysis::composition::{Engine, Pool};
use crate::analysis::hazards;
use crate::analysis::module::Module;
use crate::analysis::schema::postgres::OnPostgres;
use crate::analysis::schema::{
    self, Cut, Divided, Division, Evidence, History, Lost, MigrationFolder, OnSqlite, OwnedTable,
    Schema,
};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::Names;
use crate::workspace::{Member, Workspace};

/// What is decided of a shared history.
#[derive(Debug, Clone)]
pub struct SharedPlan {
    /// Its folder, relative to the workspace root.
    pub history: Utf8PathBuf,
    /// The folder of the service's set.
    pub set_folder: Utf8PathBuf,
    /// The service's migrations, each with its path.
    pub set: Vec<(Utf8PathBuf, String)>,
    /// The module's tables, and what says so.
    pub owned: Vec<OwnedTable>,
    /// What the user left out.
    pub cuts: Vec<Cut>,
    /// Statements that stay and read the monolith's copy of the module's tables: file, line, tables.
    pub reads: Vec<(Utf8PathBuf, usize, Vec<String>)>,
    /// What has no rows and the set makes: `type:mood`, `function:touch`.
    pub objects: BTreeSet<String>,
    /// What of it the rest needs as well.
    pub of_both: BTreeSet<String>,
    /// Views and triggers that neither side has afterwards.
    pub lost: Vec<String>,
    /// The module's tests that name tables which its set does not make: file, line, table.
    pub tests: Vec<(Utf8PathBuf, usize, String)>,
}

/// What is asked.
pub struct Request<'a, 'w> {
    /// The monolith.
    pub workspace: &'w Workspace,
    /// The module.
    pub module: &'a Module<'w>,
    /// What everything is called.
    pub names: &'a Names,
    /// The monolith's connections as the module has them.
    pub pool: Option<&'a Pool>,
    /// What the user wants left out.
    pub cuts: &'a [String],
}

/// Finds the history that makes the module's tables, and divides it; none where something is refused.
pub fn plan_shared(request: &Request<'_, '_>, diagnostics: &mut Diagnostics) -> Option<SchemaPlan> {
    let Request { workspace, module, names, .. } = request;
    let member = module.member;
    let mut take = |list: Diagnostics| list.iter().for_each(|d| diagnostics.push(d.clone()));
    let folders = schema::migration_folders(workspace).map_err(&mut take).ok()?;
    // One that lies in the module and that nothing of it embeds is nobody's: not the module's either.
    let own = |folder: &MigrationFolder| {
        !member.dir.as_str().is_empty() && folder.path.starts_with(&member.dir)
    };
    let folders: Vec<MigrationFolder> = folders.into_iter().filter(|f| !own(f)).collect();
    if request.pool.is_some_and(|pool| pool.engine == Engine::Rusqlite) {
        diagnostics.push(not_divided(module, &folders));
        return None;
    }
    let to = names.dir.join("migrations");
    let (divided, known, mut plan) =
        if request.pool.is_some_and(|pool| pool.engine == Engine::Postgres) {
            let read = OnPostgres::read(&folders).map_err(&mut take).ok()?;
            let known = Known::of(request, read.history(), diagnostics)?;
            let (divided, schema) = read.divide(&known.division(request, &to), diagnostics)?;
            if calls_across(request, read.history(), &divided, diagnostics) {
                return None;
            }
            let plan = postgres::plan_shared(workspace, names, &divided, &schema, &to);
            (divided, known, plan)
        } else {
            let read = OnSqlite::read(&folders).map_err(&mut take).ok()?;
            let known = Known::of(request, read.history(), diagnostics)?;
            let (divided, schema) = read.divide(&known.division(request, &to), diagnostics)?;
            let plan = decided(request, &divided, &schema, &to);
            (divided, known, plan)
        };
    plan.shared = Some(SharedPlan::of(divided, &to, &known, &plan.foreign_tables));
    Some(plan)
}

/// What code and the manifest say of the tables of a history.
struct Known {
    mentions: Vec<hazards::SqlMention>,
    evidence: Vec<Evidence>,
    declared: Option<Vec<String>>,
    named: BTreeSet<String>,
}

impl Known {
    /// Looks; none where nothing says that any table is the module's.
    fn of(
        request: &Request<'_, '_>,
        history: &History,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let Request { workspace, module, .. } = request;
        let member = module.member;
        let tables = history.names();
        let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
        let searched = hazards::Tables { all: &tables, wanted: &tables };
        let mentions: Vec<hazards::SqlMention> = workspace
            .members
            .iter()
            .flat_map(|m| hazards::sql_of(workspace, m, m.name == member.name, searched))
            .collect();
        let evidence: Vec<Evidence> = mentions
            .iter()
            .filter(|mention| !mention.dev)
            .map(|mention| Evidence {
                table: mention.table.clone(),
                by_module: mention.by_module,
                file: mention.file.clone(),
                range: mention.range.clone(),
                line: mention.line,
                included: mention.included.clone(),
            })
            .collect();
        let declared = declared(module);
        let mut refused = false;
        for name in declared.iter().flatten().filter(|name| !history.makes(name)) {
            refused = true;
            let range = member.metadata_range(workspace, &["tables"], name);
            diagnostics.push(
                Diagnostic::error("unknown-table", format!("no migration makes `{name}`"))
                    .at(&member.manifest, range, "declared as the module's")
                    .help("name tables as the migrations do"),
            );
        }
        if refused {
            return None;
        }
        if declared.is_none() && !evidence.iter().any(|e| e.by_module) {
            diagnostics.push(no_migrations(module, !tables.is_empty()));
            return None;
        }
        let named = named(workspace, member, history);
        Some(Self { mentions, evidence, declared, named })
    }

    fn division<'a>(&'a self, request: &Request<'a, '_>, to: &'a Utf8Path) -> Division<'a> {
        Division {
            module: &request.module.member.name,
            manifest: &request.module.member.manifest,
            evidence: &self.evidence,
            declared: self.declared.as_deref(),
            named: &self.named,
            cuts: request.cuts,
            to,
        }
    }
}

/// Refuses SQL in code that calls functions of the database which work on tables of the other side; whether
/// there is any.
fn calls_across(
    request: &Request<'_, '_>,
    history: &History,
    divided: &Divided,
    diagnostics: &mut Diagnostics,
) -> bool {
    let Request { workspace, module, .. } = request;
    let reaching = history.reaching(divided);
    let mut found = false;
    for member in &workspace.members {
        let by_module = member.name == module.member.name;
        let across = reaching.iter().filter(|(_, (of_module, of_rest))| match by_module {
            true => *of_rest,
            false => *of_module,
        });
        let across: Vec<&str> = across.map(|(name, _)| name.as_str()).collect();
        let calls = hazards::calls_in_sql(workspace, member, &across);
        for call in calls.into_iter().filter(|call| !call.dev) {
            found = true;
            let (member, function) = (&member.name, &call.function);
            let whose = if by_module { "another module's tables" } else { "the module's tables" };
            diagnostics.push(
                Diagnostic::error(
                    "foreign-sql",
                    format!("SQL of `{member}` calls `{function}`, which works on {whose}"),
                )
                .at(&call.file, call.range, "across the boundary")
                .note("afterwards these tables are in another database, which no statement here reaches")
                .help("ask through the API trait of the module whose tables they are"),
            );
        }
    }
    found
}

/// What of a history has no rows and is called by a word that stands in the module's code.
fn named(workspace: &Workspace, member: &Member, history: &History) -> BTreeSet<String> {
    let mut objects = history.objects();
    let mut found = BTreeSet::new();
    for (_, source) in workspace.rust_files(member) {
        let text = source.text.to_ascii_lowercase();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let words: BTreeSet<&str> = text.split(|c| !is_word(c)).collect();
        objects.retain(|(object, word)| {
            let named = words.contains(word.to_ascii_lowercase().as_str());
            if named {
                found.insert(object.clone());
            }
            !named
        });
    }
    found
}

impl SharedPlan {
    fn of(divided: Divided, to: &Utf8Path, known: &Known, foreign_tables: &[String]) -> Self {
        let lost = divided.cuts.iter().filter_map(|cut| match &cut.lost {
            Lost::View(name) => Some(name.clone()),
            _ => None,
        });
        let tests = known.mentions.iter().filter(|m| m.dev && m.by_module);
        let foreign = |m: &&hazards::SqlMention| {
            foreign_tables.iter().any(|table| table.eq_ignore_ascii_case(&m.table))
        };
        let tests = tests.filter(foreign);
        Self {
            lost: lost.collect(),
            tests: tests.map(|m| (m.file.clone(), m.line, m.table.clone())).collect(),
            history: divided.folder,
            set_folder: to.to_owned(),
            set: divided.set,
            owned: divided.tables,
            cuts: divided.cuts,
            reads: divided.reads,
            objects: divided.objects,
            of_both: divided.of_both,
        }
    }
}

fn decided(
    request: &Request<'_, '_>,
    divided: &Divided,
    schema: &Schema,
    to: &Utf8Path,
) -> SchemaPlan {
    let lost = |wanted: &dyn Fn(&Lost) -> Option<&String>| -> Vec<&str> {
        divided.cuts.iter().filter_map(|cut| wanted(&cut.lost)).map(String::as_str).collect()
    };
    let lost_views = lost(&|lost| match lost {
        Lost::View(name) => Some(name),
        _ => None,
    });
    let lost_in = lost(&|lost| match lost {
        Lost::TriggerIn(name) => Some(name),
        _ => None,
    });
    let lost_out = lost(&|lost| match lost {
        Lost::TriggerOut(name) => Some(name),
        _ => None,
    });
    let owned: Vec<&str> = schema.owned(to).map(|table| table.name.as_str()).collect();
    let others: Vec<&str> =
        schema.tables.iter().filter(|t| t.folder != to).map(|t| t.name.as_str()).collect();
    let mut adder = Adder::new(request.workspace, request.names, schema, request.pool);
    for view in schema.views.iter().filter(|view| lost_views.contains(&view.name.as_str())) {
        adder.drop_view(&divided.folder, view);
    }
    for trigger in schema.triggers().filter(|t| lost_in.contains(&t.name.as_str())) {
        adder.drop_trigger(&divided.folder, trigger);
    }
    for table in referring(schema, to, &owned) {
        adder.drop_foreign_keys(table, &owned);
    }
    // Rows of the old tables would go on holding rows of the others, or go with them.
    for table in schema.owned(to) {
        let keys = |other: &&str| {
            table.foreign_keys.iter().any(|key| key.table.eq_ignore_ascii_case(other))
        };
        let into: Vec<&str> = others.iter().copied().filter(keys).collect();
        if !into.is_empty() {
            adder.drop_foreign_keys_in(&divided.folder, table, &into);
        }
    }
    let clean_up = schema::drop_owned_tables(schema, to, None);
    let mut plan = described(schema, to, adder.finish(), clean_up);
    plan.triggers.retain(|(name, _)| !lost_out.contains(&name.as_str()));
    plan
}

/// `tables` in `[package.metadata.calve]` of the module.
fn declared(module: &Module<'_>) -> Option<Vec<String>> {
    let tables = module.member.metadata.get("tables")?.as_array()?;
    Some(tables.iter().filter_map(|table| table.as_str().map(str::to_owned)).collect())
}

/// `of_others` says whether there are migrations of others, which may make its tables.
fn no_migrations(module: &Module<'_>, of_others: bool) -> Diagnostic {
    let (package, (file, place)) = (&module.member.name, module.place());
    let help = if of_others {
        "no SQL of the module names a table of the migrations that are there: if they make its tables, \
         name those in its manifest, `tables = [\"…\"]` below `[package.metadata.calve]`; if they do not, \
         embed a folder of migrations that does with `sqlx::migrate!`"
    } else {
        "embed a folder of migrations with `sqlx::migrate!`, in the module or where the modules are put \
         together"
    };
    Diagnostic::error(
        "no-migrations",
        format!("`{package}` stores in a database, but no migrations make its tables"),
    )
    .at(file, place, "works on tables that somebody else makes")
    .note("the service has a database of its own, and nothing would make its tables")
    .help(help)
}

/// A module that runs the history of others: its code would go on doing so in the service.
pub(in crate::plan) fn runs_shared_history(module: &Module<'_>, folder: &Utf8Path) -> Diagnostic {
    let (package, (file, place)) = (&module.member.name, module.place());
    Diagnostic::error(
        "shared-history-runner",
        format!("`{package}` runs the migrations in `{folder}`, which are not its own"),
    )
    .at(file, place, "its library embeds them")
    .note(
        "the service runs the module's part of them only, and the monolith must go on running all",
    )
    .help("run them where the modules are put together, and nowhere else")
}

/// Of refinery, only a history of the module's own is carried.
fn not_divided(module: &Module<'_>, folders: &[MigrationFolder]) -> Diagnostic {
    let (package, (file, place)) = (&module.member.name, module.place());
    let mut diagnostic =
        Diagnostic::error("no-migrations", format!("`{package}` embeds no migrations of its own"))
            .at(file, place, "stores in tables that others make");
    for folder in folders {
        if let Some(file) = folder.files.first() {
            diagnostic = diagnostic.at(&file.path, 0..0, "migrations that are not the module's");
        }
    }
    diagnostic
        .note("calve divides a history that modules share where sqlx runs it, not where refinery does")
        .help(
            "give the module a folder with the migrations of its tables, `refinery::embed_migrations!`, and \
             a table for their history: `set_migration_table_name`",
        )
}

/// Cuts are for histories that are divided.
pub(in crate::plan) fn nothing_to_cut(name: &str) -> Diagnostic {
    Diagnostic::error(
        "unknown-cut",
        format!("`--cut {name}` names nothing that crosses the boundary"),
    )
    .note("statements are left out only of a migration history that modules share")
    .help("leave the option out")
}
