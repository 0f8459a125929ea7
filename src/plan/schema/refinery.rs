//! What refinery takes for migrations and calve cannot read, and histories that cannot be told apart.

use camino::Utf8Path;

use super::history::{history_of, owner_of};
use crate::analysis::composition::Engine;
use crate::analysis::schema::{MigrationFolder, Runner};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::Workspace;

/// Checks the folders of refinery; `own` is the module's, `engine` what it stores in.
///
/// # Errors
/// A folder of the module's where refinery finds nothing; every migration that is not an SQL file
/// directly in its folder; every other folder whose migrations are noted in the table of the module's.
pub(super) fn check(
    workspace: &Workspace,
    own: &Utf8Path,
    engine: Option<Engine>,
    folders: &[MigrationFolder],
) -> Result<(), Diagnostics> {
    let mut problems = Diagnostics::default();
    let refinery = || folders.iter().filter(|folder| folder.runner == Runner::Refinery);
    for folder in refinery() {
        for (path, _) in workspace.files() {
            let unread = path.starts_with(&folder.path)
                && (path.extension() == Some("rs") || path.parent() != Some(&folder.path));
            if unread && path.file_name().is_some_and(is_migration) {
                problems.push(not_read(path));
            }
        }
    }
    let table = |folder: &MigrationFolder| {
        let any = folder.files.first().map(|file| file.path.as_path());
        history_of(workspace, folder.runner, any.unwrap_or(&folder.path))
    };
    if let Some(module) = refinery().find(|folder| folder.path == own) {
        let kept_in = table(module);
        for other in refinery().filter(|other| other.path != own && table(other) == kept_in) {
            problems.push(one_table(workspace, module, other, &kept_in));
        }
    }
    if engine == Some(Engine::Rusqlite) && !refinery().any(|folder| folder.path == own) {
        problems.push(
            Diagnostic::error("no-migrations", format!("refinery finds no migrations in `{own}`"))
                .note("it takes files named `V<number>__<description>.sql`, and passes over all others")
                .help("name the module's migrations so"),
        );
    }
    if problems.has_errors() { Err(problems) } else { Ok(()) }
}

/// Whether refinery takes a file of this name, in any depth.
fn is_migration(name: &str) -> bool {
    let version = name.strip_prefix(['V', 'U']).and_then(|rest| rest.split_once("__"));
    version.is_some_and(|(version, _)| version.starts_with(|c: char| c.is_ascii_digit()))
        && (name.ends_with(".sql") || name.ends_with(".rs"))
}

fn not_read(path: &Utf8Path) -> Diagnostic {
    let (what, help) = if path.extension() == Some("rs") {
        (
            "Rust code",
            "put the text that its `migration` returns into an SQL file of the same name: refinery goes \
             by name, version and text, and takes it for applied where this one is",
        )
    } else {
        (
            "in a folder of its own",
            "move it up, beside the others: refinery goes by its name and text",
        )
    };
    Diagnostic::error("migration-not-read", format!("`{path}` is {what}"))
        .at(path, 0..0, "refinery runs it as a migration")
        .note("calve reads migrations that are SQL, directly in their folder: whose tables this one makes it cannot see")
        .help(help)
}

fn one_table(
    workspace: &Workspace,
    module: &MigrationFolder,
    other: &MigrationFolder,
    table: &str,
) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        "history-of-both",
        format!(
            "the migrations in `{}` and in `{}` are noted in one table",
            module.path, other.path
        ),
    );
    for folder in [module, other] {
        let owner = owner_of(workspace, &folder.path);
        let embeds = owner
            .into_iter()
            .flat_map(|member| workspace.rust_files(member))
            .find_map(|(path, source)| Some((path, source.text.find("embed_migrations!")?)));
        if let Some((path, at)) = embeds {
            let range = at..at + "embed_migrations!".len();
            diagnostic = diagnostic.at(path, range, format!("noted in `{table}`"));
        }
    }
    diagnostic
        .note(
            "refinery takes a version that is noted for applied, whichever folder it came from: which of \
             these have run cannot be told",
        )
        .help("give each its own: `runner().set_migration_table_name(\"…\")`")
}
