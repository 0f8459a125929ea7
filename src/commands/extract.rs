//! `calve extract`: plan, prove, write; or print what would be written.

use std::collections::BTreeSet;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::completion::{edition_of, lock_as, unformatted, write_patch};
use super::proof::{self, Proof, Proven};
use super::{Output, Status, check, entry, summary};
use crate::analysis::code::Code;
use crate::changes::{self, Aside, Home, Lock};
use crate::diagnostic::{Diagnostic, Diagnostics, Result};
use crate::pipeline::{self, Extraction, Options};
use crate::plan::Record;
use crate::verify::{self, Resolution, Scratch};
use crate::workspace::{Early, Word, Workspace};

/// What `extract` is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The module: the name of a library package of the workspace.
    module: String,
    /// A manifest of the workspace; found from the current folder if not given.
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<Utf8PathBuf>,
    /// The API trait; found by how other crates use it if not given. May be given several times, or
    /// with commas: one service then serves all of them.
    #[arg(long = "trait", value_name = "NAME", value_delimiter = ',')]
    traits: Vec<String>,
    /// Another stem for the new packages: NAME-service, NAME-client, NAME-wire.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Leave something that stands on both sides out of the service's migrations, by the name that the
    /// refusal gives: view:NAME, trigger:NAME, foreign-key:TABLE.COLUMN, FILE:LINE. Repeatable.
    #[arg(long = "cut", value_name = "STATEMENT")]
    cuts: Vec<String>,
    /// Print the patch that an extraction would apply, and touch nothing.
    #[arg(long)]
    dry_run: bool,
    /// Leave the monolith alone and write a changed copy of it into this new folder.
    #[arg(long, value_name = "DIR", conflicts_with = "dry_run")]
    into: Option<Utf8PathBuf>,
    /// Go on although the git tree has changes that are not committed.
    #[arg(long)]
    allow_dirty: bool,
    /// What to prove in a scratch copy before anything is written [default: build; none of a dry run].
    ///
    /// May be given several times, or with commas. Whatever is named, what is written was built.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    verify: Vec<Proof>,
    /// Write without proving anything.
    #[arg(long, conflicts_with = "verify")]
    no_verify: bool,
}

impl Arguments {
    /// What is proven before anything is written.
    fn proofs(&self) -> BTreeSet<Proof> {
        let mut proofs: BTreeSet<Proof> = self.verify.iter().copied().collect();
        // What does not build proves nothing else, and what is not written may well wait for it.
        let without = proofs.iter().all(|proof| !proof.needs_a_build());
        if !(self.no_verify || self.dry_run && without) {
            proofs.insert(Proof::Build);
        }
        proofs
    }
}

/// Runs the command.
///
/// # Errors
/// When the terminal or pipe that is written to fails; everything else is shown there.
pub fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Status> {
    let writes_here = !arguments.dry_run && arguments.into.is_none();
    let entered = entry::place(arguments.manifest_path.as_deref()).and_then(|place| {
        let lock = if writes_here {
            Some(entry::lock(&place, output)?)
        } else {
            place.home().refuse_pending()?;
            None
        };
        let is_only_shown = arguments.dry_run && arguments.proofs().is_empty();
        let word = if is_only_shown { Word::OfLock } else { Word::OfCargo };
        Ok((place.load_early(word)?, lock))
    });
    let (Early { workspace, asked }, lock) = match entered {
        Ok(entered) => entered,
        Err(refusal) => return output.refusal(None, &refusal),
    };
    // It is needed to the end, and then the process gives back what it holds faster than piece by piece.
    let workspace: &Workspace = Box::leak(Box::new(workspace));
    // Cargo's word on the workspace takes time, and most often says what its manifests do.
    let planned = plan(workspace, arguments, writes_here, output);
    let other = match asked.map(|asked| asked.instead_of(workspace)).transpose() {
        Ok(other) => other.flatten(),
        Err(refusal) => {
            output.progress_done();
            return output.refusal(None, &refusal);
        }
    };
    let (workspace, planned) = match &other {
        Some(other) => (other, plan(other, arguments, writes_here, output)),
        None => (workspace, planned),
    };
    output.progress_done();
    let lock = lock.as_ref();
    match planned.and_then(|planned| in_workspace(workspace, planned, lock, arguments, output)) {
        Ok(status) => status,
        Err(refusal) => {
            output.progress_done();
            output.refusal(Some(workspace), &refusal)
        }
    }
}

/// What is to be done with a module.
enum Planned<'w> {
    /// It was extracted before.
    Nothing(Box<Record>),
    /// This cannot be carried, which the diagnostics say.
    Refused(Diagnostics),
    /// What is to be written, with the lock file, and what is to be said of it.
    Extraction(Box<Extraction<'w>>, Diagnostics),
}

/// `writes_here` says whether the workspace itself is written to.
fn plan<'w>(
    workspace: &'w Workspace,
    arguments: &Arguments,
    writes_here: bool,
    output: &mut Output<'_>,
) -> Result<Planned<'w>> {
    if let Some(record) = check::record_of(workspace, &arguments.module)? {
        return Ok(Planned::Nothing(Box::new(record)));
    }
    if writes_here && !arguments.allow_dirty {
        refuse_dirty(workspace)?;
    }
    let mut diagnostics = Diagnostics::default();
    Ok(match extraction(workspace, arguments, writes_here, &mut diagnostics, output) {
        Ok(Some(extraction)) => Planned::Extraction(Box::new(extraction), diagnostics),
        Ok(None) => Planned::Refused(diagnostics),
        // What was found before it is said as well.
        Err(problem) => {
            diagnostics.push(*problem);
            Planned::Refused(diagnostics)
        }
    })
}

/// With the lock file; none where something is refused.
fn extraction<'w>(
    workspace: &'w Workspace,
    arguments: &Arguments,
    writes_here: bool,
    diagnostics: &mut Diagnostics,
    output: &mut Output<'_>,
) -> Result<Option<Extraction<'w>>> {
    let code = Code::new(workspace);
    let options = Options {
        traits: arguments.traits.clone(),
        name: arguments.name.clone(),
        cuts: arguments.cuts.clone(),
    };
    let draft = pipeline::draft(&code, &arguments.module, &options, diagnostics)?;
    let Some(draft) = draft else { return Ok(None) };
    let resolution = Resolution::of(workspace, &draft.changes)?;
    output.moment("resolving Cargo.lock");
    // Cargo takes its time for the lock file, and nothing else waits for it.
    let (lock, extraction) = std::thread::scope(|scope| {
        let lock = scope.spawn(|| resolution.run());
        let mut extraction = draft.judged(&code, diagnostics);
        if let Some(Extraction { changes, .. }) = &mut extraction {
            let edition = edition_of(workspace, &arguments.module);
            if !verify::format_created(changes, &workspace.root, edition) {
                diagnostics.push(unformatted());
            }
        }
        (lock.join(), extraction)
    });
    let Some(mut extraction) = extraction else { return Ok(None) };
    if writes_here {
        // What cannot be written is better known before a build than after it.
        changes::check(&extraction.changes, &workspace.root)?;
    }
    let lock = lock.unwrap_or_else(|defect| std::panic::resume_unwind(defect));
    let lock = lock.map_err(|refusal| match outside(workspace) {
        Some(outside) if refusal.code == "lock-failed" => Box::new(
            outside
                .help("write the path to it absolute, or take it from a repository or a registry"),
        ),
        _ => refusal,
    })?;
    lock_as(workspace, &mut extraction.changes, lock)?;
    Ok(Some(extraction))
}

/// `lock` is there where the workspace itself is written to.
fn in_workspace(
    workspace: &Workspace,
    planned: Planned<'_>,
    lock: Option<&Lock>,
    arguments: &Arguments,
    output: &mut Output<'_>,
) -> Result<io::Result<Status>> {
    let (extraction, diagnostics) = match planned {
        Planned::Nothing(record) => return check::already_extracted(workspace, &record, output),
        Planned::Refused(diagnostics) => (None, diagnostics),
        Planned::Extraction(extraction, diagnostics) => (Some(extraction), diagnostics),
    };
    let aside = match &arguments.into {
        Some(into) => Some(aside(workspace, into, output)?),
        None => None,
    };
    if let Err(error) = output.diagnostics(Some(workspace), &diagnostics) {
        return Ok(Err(error));
    }
    let Some(mut extraction) = extraction else { return Ok(Ok(Status::Refused)) };
    let proofs = arguments.proofs();
    let mut proven = Proven::default();
    if !proofs.is_empty() || check::has_services(workspace)? {
        let scratch = Scratch::copy(&workspace.root, &[])?;
        scratch.write(&extraction.changes, Utf8Path::new(""))?;
        check::keep_in_step(workspace, &mut extraction.changes, &scratch)?;
        proven = proof::prove(&proofs, workspace, &extraction, &scratch, output)?;
    }
    if lock.is_some() || aside.is_some() {
        // The proof takes its time, and it is one of the files as they were.
        workspace.refuse_stale()?;
    }
    let title = format!("the extraction of `{}`", arguments.module);
    let root = match (lock, aside) {
        (Some(lock), _) => {
            changes::apply(&extraction.changes, lock, &title)?;
            workspace.root.clone()
        }
        (None, Some(aside)) => {
            verify::copy_tree(&workspace.root, aside.tree(), aside.folder())?;
            let (lock, _) = Home::within(aside.tree()).enter(aside.tree(), &mut |_| {})?;
            changes::apply(&extraction.changes, &lock, &title)?;
            drop(lock);
            aside.publish()?
        }
        (None, None) => return Ok(show(workspace, &extraction, &proven, output)),
    };
    Ok(summary::extracted(workspace, &extraction, &proven, Some(&root), output)
        .map(|()| Status::Done))
}

fn show(
    workspace: &Workspace,
    extraction: &Extraction<'_>,
    proven: &Proven,
    output: &mut Output<'_>,
) -> io::Result<Status> {
    write_patch(workspace, &extraction.changes, output)?;
    output.out.flush()?;
    summary::extracted(workspace, extraction, proven, None, output)?;
    Ok(Status::Done)
}

fn refuse_dirty(workspace: &Workspace) -> Result<()> {
    let Some(repository) = &workspace.repository else { return Ok(()) };
    let changed = repository.uncommitted(&workspace.root);
    if changed.is_empty() {
        return Ok(());
    }
    let mut diagnostic =
        Diagnostic::error("dirty-tree", "the git tree has changes that are not committed")
            .note("after an extraction nobody could tell them from what calve wrote");
    for line in changed.iter().take(8) {
        diagnostic = diagnostic.note(line.clone());
    }
    Err(diagnostic.help("commit or stash them, or say --allow-dirty").into())
}

/// A package that a copy of the workspace does not reach.
fn outside(workspace: &Workspace) -> Option<Diagnostic> {
    let outside = workspace.outside.first()?;
    let needs = format!("the workspace needs `{outside}`, which lies outside of it");
    Some(
        Diagnostic::error("outside-path", needs)
            .note("in a copy elsewhere its relative path would lead to nothing"),
    )
}

/// The copy to write to.
fn aside(workspace: &Workspace, into: &Utf8Path, output: &mut Output<'_>) -> Result<Aside> {
    if let Some(refusal) = outside(workspace) {
        let help = "extract in place, on a branch, where the path to it is absolute";
        return Err(refusal.help(help).into());
    }
    Aside::of(into, &mut |holder| entry::waiting(holder, into.as_str(), output))
}
