//! Keeps cargo from taking one copy's build for the other's in the target directory that they share.
//!
//! Cargo names its artifacts by a package's place *within* the workspace and trusts modification times:
//! a file that differs between two copies, older than the last build, counts as built. So what differs
//! is made newer than any build each time the copy changes.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

/// In the target directory: the paths in which copies ever differed there, a line each. A run before
/// this one, of another change, left artifacts as well.
const RECORD: &str = ".calve-differs";

/// The files to make newer, relative to the workspace root.
pub(super) struct Differing {
    paths: BTreeSet<Utf8PathBuf>,
}

impl Differing {
    /// Those of this run and of the runs before it; writes them down in `target`, which is created.
    ///
    /// # Errors
    /// When `target` cannot be written.
    pub(super) fn record<'a>(
        target: &Utf8Path,
        paths: impl Iterator<Item = &'a Utf8Path>,
    ) -> io::Result<Self> {
        fs::create_dir_all(target)?;
        let record = target.join(RECORD);
        let before = fs::read_to_string(&record).unwrap_or_default();
        let mut all: BTreeSet<Utf8PathBuf> = before.lines().map(Utf8PathBuf::from).collect();
        all.extend(paths.map(Utf8Path::to_owned));
        let text: String = all.iter().map(|path| format!("{path}\n")).collect();
        #[expect(clippy::disallowed_methods, reason = "calve's own note in a build folder")]
        fs::write(record, text)?;
        Ok(Self { paths: all })
    }

    /// Makes the files in the copy at `root` newer than every build so far; some are in one copy only.
    ///
    /// # Errors
    /// When a file is there and its time cannot be set.
    pub(super) fn renew(&self, root: &Utf8Path) -> io::Result<()> {
        for path in &self.paths {
            let file = root.join(path);
            if file.is_file() {
                let file = File::options().read(true).write(cfg!(windows)).open(file)?;
                file.set_modified(SystemTime::now())?;
            }
        }
        Ok(())
    }
}
