//! WRITE NEW FILES: quote and prettyplease where the shape follows the trait, askama where it is fixed.

mod client;
mod compose;
mod convert;
mod crates;
mod fixed;
pub mod manifest;
mod routes;
mod rust_file;
mod scribe;
mod templates;
mod wire;

use crate::analysis::code::Code;
use crate::analysis::module::Module;
use crate::changes::ChangeSet;
use crate::diagnostic::Result;
use crate::plan::Names;

/// Writes the files whose shape follows the trait.
pub fn generate(
    code: &Code<'_>,
    module: &Module<'_>,
    names: &Names,
    changes: &mut ChangeSet,
) -> Result<()> {
    let dir = &names.dir;
    changes.create(dir.join("wire/src/operations.rs"), wire::operations(code, module)?)?;
    changes.create(dir.join("wire/src/error.rs"), wire::error(code, module)?)?;
    if let Some(mirrors) = wire::mirrors(code, module)? {
        changes.create(dir.join("wire/src/mirrors.rs"), mirrors)?;
    }
    changes
        .create(dir.join("client/src/operations.rs"), client::operations(code, module, names)?)?;
    changes.create(dir.join("src/routes.rs"), routes::routes(code, module, names)?)?;
    Ok(())
}
