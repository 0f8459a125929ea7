//! WRITE NEW FILES: quote and prettyplease where the shape follows the trait, askama where it is fixed.

mod client;
mod compose;
mod convert;
mod crates;
mod files;
mod fixed;
pub mod manifest;
mod mirrors;
mod routes;
mod rust_file;
mod scribe;
mod suite;
mod templates;
mod wire;

use crate::analysis::code::Code;
use crate::analysis::module::Module;
use crate::changes::ChangeSet;
use crate::diagnostic::{Diagnostics, Result};
use crate::plan::{ExtractionPlan, RECORD};

/// Writes everything below the service's folder, and the migrations that are new.
///
/// # Errors
/// Defects of calve, and paths that are written twice.
pub fn generate<'w>(
    code: &Code<'w>,
    module: &Module<'w>,
    plan: &ExtractionPlan,
    changes: &mut ChangeSet,
    diagnostics: &mut Diagnostics,
) -> Result<()> {
    let names = &plan.names;
    let dir = &names.dir;
    let files =
        files::Facts { module, names, service: &plan.service, environment: &plan.environment };
    let mirrors = mirrors::file(code, module)?;
    let encodings = wire::encodings(code, module);
    files.wire(changes, mirrors.is_some(), &encodings)?;
    changes.create(dir.join("wire/src/operations.rs"), wire::operations(code, module, names)?)?;
    for (path, text) in wire::error_files(code, module)? {
        changes.create(dir.join("wire/src").join(path), text)?;
    }
    if let Some(mirrors) = mirrors {
        changes.create(dir.join("wire/src/mirrors.rs"), mirrors)?;
    }
    files.client(changes)?;
    changes
        .create(dir.join("client/src/operations.rs"), client::operations(code, module, names)?)?;
    files.service(changes)?;
    for (path, text) in routes::files(code, module, names)? {
        changes.create(dir.join("src").join(path), text)?;
    }
    changes.create(
        dir.join("src/compose.rs"),
        compose::compose(code, module, &plan.service, &names.wire_ident)?,
    )?;
    files.deployment(changes)?;
    let suite = suite::contract(code, module, plan, diagnostics)?;
    for (path, text) in suite.files {
        changes.create(dir.join(path), text)?;
    }
    let manifests = crates::Facts {
        code,
        module,
        names,
        service: &plan.service,
        style: &plan.style,
        wire: &plan.wire,
        suite: &suite.packages,
        encodings: &encodings,
    };
    changes.create(dir.join("Cargo.toml"), manifests.service_manifest())?;
    changes.create(dir.join("client/Cargo.toml"), manifests.client_manifest())?;
    changes.create(dir.join("wire/Cargo.toml"), manifests.wire_manifest())?;
    if let Some(schema) = &plan.schema {
        files.cutover(schema, changes)?;
    }
    changes.create(dir.join(RECORD), plan.record().render()?)
}
