//! The pipeline on one page: from a snapshot of the monolith to one change set.

use camino::Utf8Path;

use crate::analysis::code::Code;
use crate::analysis::comments::{self, StaleComment};
use crate::analysis::composition::{self, Composition};
use crate::analysis::contract;
use crate::analysis::hazards::{self, Hazards};
use crate::analysis::module::{self, Api, Module};
use crate::analysis::references::Reference;
use crate::analysis::wire::Loses;
use crate::changes::ChangeSet;
use crate::codegen;
use crate::diagnostic::{Diagnostic, Diagnostics, Result};
use crate::plan::schema::SchemaPlan;
use crate::plan::{ExtractionPlan, Names, RECORD, Record};
use crate::rewire;

/// What the user asks for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The API traits, where several qualify.
    pub traits: Vec<String>,
    /// Another stem for the names of the new crates.
    pub name: Option<String>,
    /// What the service's migrations go without, by the names that refusals give.
    pub cuts: Vec<String>,
}

/// A planned extraction: what was understood, what was decided, what would be written.
pub struct Extraction<'w> {
    /// The module and its boundary.
    pub module: Module<'w>,
    /// How the monolith put it together.
    pub composition: Composition<'w>,
    /// What a person must look at.
    pub hazards: Hazards,
    /// Comments that the cut makes stale.
    pub comments: Vec<StaleComment>,
    /// What was decided.
    pub plan: ExtractionPlan,
    /// Every file to create or edit; without the lock file, which cargo resolves.
    pub changes: ChangeSet,
}

impl Extraction<'_> {
    /// What the verdict goes by beside what was found.
    pub fn facts(&self) -> hazards::Facts<'_> {
        let schema = self.plan.schema.as_ref();
        hazards::Facts {
            module: &self.plan.names.module,
            tables: schema.map_or(0, |s| s.tables.len()),
            foreign_keys_in: schema.map_or(0, |s| s.foreign_keys_in()),
            foreign_keys_out: 0,
        }
    }
}

/// Plans the extraction of a module. None where something is refused, which the diagnostics say.
///
/// # Errors
/// Defects of calve, and manifests that cannot be edited.
pub fn extract<'w>(
    code: &Code<'w>,
    module: &str,
    options: &Options,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Extraction<'w>>> {
    let draft = draft(code, module, options, diagnostics)?;
    Ok(draft.and_then(|draft| draft.judged(code, diagnostics)))
}

/// An extraction whose hazards nobody has looked for yet.
pub struct Draft<'w> {
    module: Module<'w>,
    composition: Composition<'w>,
    plan: ExtractionPlan,
    /// See [`Extraction::changes`].
    pub changes: ChangeSet,
    /// What was found while they were made, which is said after the hazards.
    found: Diagnostics,
}

/// The first half of [`extract`]: what would be written.
///
/// # Errors
/// As for [`extract`].
pub fn draft<'w>(
    code: &Code<'w>,
    module: &str,
    options: &Options,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Draft<'w>>> {
    let Some(boundary) = module::boundary(code, module, &options.traits, None, diagnostics) else {
        return Ok(None);
    };
    let composition = composition::read(
        code,
        boundary.library,
        &boundary.served,
        &boundary.contract,
        &boundary.references,
        diagnostics,
    );
    let traits = boundary.served.iter().map(|served| served.api.name.clone().unwrap_or_default());
    let names = Names::choose(
        code.workspace,
        boundary.member,
        traits.collect(),
        boundary.is_adapter(),
        options.name.as_deref(),
        diagnostics,
    );
    hazards::two_sides::refuse(code, &boundary, composition.as_ref(), diagnostics);
    hazards::own_methods::refuse(code, &boundary, composition.as_ref(), diagnostics);
    let module = module::crossing(code, boundary, diagnostics);
    let (Some(composition), Some(names), Some(mut module)) = (composition, names, module) else {
        return Ok(None);
    };
    // What only the old construction named is no contract: after the cut nobody names it.
    let stays =
        |reference: &Reference<'_>| !composition.takes_away(reference.file, &reference.range);
    let staying: Vec<_> = module.references.iter().filter(|r| stays(r)).cloned().collect();
    let contract = contract::draw(code, module.library, &module.served(), &staying, diagnostics);
    let Some(contract) = contract else { return Ok(None) };
    module.contract = contract;
    let cuts = &options.cuts;
    let plan = ExtractionPlan::first(code, &module, &composition, names, cuts, diagnostics);
    let Some(plan) = plan else { return Ok(None) };
    if diagnostics.has_errors() {
        return Ok(None);
    }
    let mut changes = ChangeSet::default();
    let mut found = Diagnostics::default();
    codegen::generate(code, &module, &plan, &mut changes, &mut found)?;
    rewire_monolith(code, &module, &plan, &mut changes, &mut found)?;
    let stub = rewire::roots::StubNames {
        krate: &plan.names.client_ident,
        client: &plan.names.client_type,
        env_prefix: &plan.names.env,
        module: &plan.names.display,
    };
    for (file, edits) in rewire::roots::edits(code, &composition, stub) {
        if let Some(source) = code.source(&file) {
            changes.edit(&file, &source.text, edits)?;
        }
    }
    if let Some(shared) = plan.schema.as_ref().and_then(|schema| schema.shared.as_ref()) {
        rewire::migrations::repoint(code, module.member, shared, &mut changes)?;
    }
    Ok(Some(Draft { module, composition, plan, changes, found }))
}

impl<'w> Draft<'w> {
    /// The second half of [`extract`]: what breaks later is refused or shown.
    pub fn judged(self, code: &Code<'w>, diagnostics: &mut Diagnostics) -> Option<Extraction<'w>> {
        let Self { module, composition, plan, changes, found } = self;
        let mut hazards = look_for_hazards(code, &module, &plan);
        hazards.lying.retain(|name| {
            let renamed = composition.renamed.iter();
            !composition.takes_away(&name.file, &name.range)
                && !renamed.clone().any(|r| r.file == name.file && r.range == name.range)
                && !composition.in_process.iter().any(|one| !one.dev && one.file == name.file)
        });
        let any = module.apis.iter().any(|api| api.error.loses() == Loses::Any);
        let traits = plan.names.api_traits.join("` or `");
        hazards::breaks_later::refuse(&hazards, &traits, any, diagnostics);
        if let Some(schema) = &plan.schema {
            let tables: Vec<&str> =
                schema.tables.iter().chain(&schema.views).map(String::as_str).collect();
            hazards::entities::refuse(code, &module, &traits, &tables, diagnostics);
        }
        if diagnostics.has_errors() {
            return None;
        }
        found.iter().for_each(|diagnostic| diagnostics.push(diagnostic.clone()));
        if diagnostics.has_errors() {
            return None;
        }
        let comments = comments::stale(code, &module, &composition);
        Some(Extraction { module, composition, hazards, comments, plan, changes })
    }
}

/// What an extracted module's files should be now, as changes to what they are: none when nothing has
/// gone out of step. None where the module can no longer be carried, which the diagnostics say.
///
/// # Errors
/// As for [`extract`].
pub fn again(
    code: &Code<'_>,
    record: &Record,
    diagnostics: &mut Diagnostics,
) -> Result<Option<ChangeSet>> {
    let names = &record.names;
    let module =
        module::analyze(code, &names.module, &names.api_traits, Some(&names.dir), diagnostics);
    let Some(module) = module else { return Ok(None) };
    let plan = ExtractionPlan::again(code, &module, record);
    let mut changes = ChangeSet::default();
    codegen::generate(code, &module, &plan, &mut changes, diagnostics)?;
    for owned in &record.owned {
        if changes.get(&names.dir.join(owned)).is_none() {
            diagnostics.push(
                Diagnostic::warning(
                    "owned-unknown",
                    format!("`owned` names `{owned}`, which is no generated file"),
                )
                .help(format!("name it relative to `{}`, or take it out", names.dir)),
            );
        }
    }
    if plan.record() == *record {
        // What it says counts, not how the team writes it.
        changes.forget(&names.dir.join(RECORD));
    }
    rewire_monolith(code, &module, &plan, &mut changes, diagnostics)?;
    Ok((!diagnostics.has_errors()).then_some(changes))
}

fn look_for_hazards(code: &Code<'_>, module: &Module<'_>, plan: &ExtractionPlan) -> Hazards {
    let (own, foreign) = plan.schema.as_ref().map(SchemaPlan::searched).unwrap_or_default();
    let tables: Vec<&str> = own.iter().map(String::as_str).collect();
    let foreign: Vec<&str> = foreign.iter().map(String::as_str).collect();
    let apis: Vec<_> = module.apis.iter().map(|api| api.item.id).collect();
    let of_trait = |api: &Api<'_>| {
        let subject = hazards::Subject {
            module: module.member,
            api: api.item.id,
            apis: &apis,
            implementation: api.implementation.id,
            error: api.error.item,
            loses: api.error.loses(),
            tables: &tables,
            foreign_tables: &foreign,
        };
        let found = hazards::find(code, &subject);
        found.calling(|operation| api.called(operation))
    };
    module.apis.iter().map(of_trait).reduce(Hazards::with).unwrap_or_default()
}

fn rewire_monolith<'w>(
    code: &Code<'w>,
    module: &Module<'w>,
    plan: &ExtractionPlan,
    changes: &mut ChangeSet,
    diagnostics: &mut Diagnostics,
) -> Result<()> {
    rewire::sources::gate(code, module, changes)?;
    rewire::sources::wire_forms(code, module, changes)?;
    let facts = rewire::dependencies::Facts {
        workspace: code.workspace,
        module,
        names: &plan.names,
        wire: &plan.wire,
        roots: &plan.roots,
        in_process: &plan.in_process,
        without_adapter: &plan.without_adapter,
        test_support: &plan.test_support,
    };
    rewire::dependencies::edit(&facts, changes, diagnostics)
}

/// Whether a path is one of the team's own among the generated files.
pub fn is_owned(record: &Record, path: &Utf8Path) -> bool {
    path.strip_prefix(&record.names.dir)
        .is_ok_and(|inside| record.owned.iter().any(|owned| owned == inside))
}
