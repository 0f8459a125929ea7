//! The change set as a patch in git's format: what a dry run prints and `git apply` takes.

use std::io::{self, Write};
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use camino::{Utf8Component, Utf8Path};
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use super::{ChangeSet, FileChange};

/// Lines of context around a change, as git has it.
const CONTEXT: usize = 3;

/// Writes `changes` as a unified diff with git's extended headers, one file after the other in order
/// of path. Paths are `prefix` (the workspace root relative to the top level of the git repository,
/// empty where they are the same) followed by the path in the set, because `git apply` silently skips
/// what it does not find from the top level. Every byte of a line is written as it is: carriage
/// returns, byte order marks, a last line without an end.
///
/// `color` adds the escape sequences that git adds on a terminal; without it, `git apply` of the
/// output gives exactly [`FileChange::after`].
///
/// # Errors
/// Those of `out`.
pub fn write_diff(
    changes: &ChangeSet,
    prefix: &Utf8Path,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut printer = Printer { color, out };
    for (path, change) in changes.iter() {
        printer.file(&normal(&prefix.join(path)), change)?;
    }
    Ok(())
}

struct Printer<'a> {
    color: bool,
    out: &'a mut dyn Write,
}

const META: Style = Style::new().bold();
const FRAGMENT: Style = AnsiColor::Cyan.on_default();
const OLD: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();
const PLAIN: Style = Style::new();

impl Printer<'_> {
    fn file(&mut self, path: &str, change: &FileChange) -> io::Result<()> {
        let before = change.before().unwrap_or_default();
        let after = change.after().unwrap_or_default();
        if matches!(change, FileChange::Edit { .. }) && before == after {
            return Ok(());
        }
        let (a, b) = (quoted("a/", path), quoted("b/", path));
        self.line(META, &format!("diff --git {a} {b}"))?;
        match change {
            FileChange::Create { executable, .. } => {
                let mode = if *executable { "100755" } else { "100644" };
                self.line(META, &format!("new file mode {mode}"))?;
            }
            FileChange::Delete { .. } => self.line(META, "deleted file mode 100644")?,
            FileChange::Edit { .. } => {}
        }
        if before == after {
            return Ok(());
        }
        // A tab ends a name with a space in it, so that nothing takes the rest for a date.
        let tab = if path.contains(' ') { "\t" } else { "" };
        let none = "/dev/null".to_owned();
        let old = if change.before().is_some() { format!("{a}{tab}") } else { none.clone() };
        let new =
            if matches!(change, FileChange::Delete { .. }) { none } else { format!("{b}{tab}") };
        self.line(META, &format!("--- {old}"))?;
        self.line(META, &format!("+++ {new}"))?;
        let before: Vec<&str> = before.split_inclusive('\n').collect();
        let after: Vec<&str> = after.split_inclusive('\n').collect();
        let ops = capture_diff_slices(Algorithm::Myers, &before, &after);
        for hunk in group_diff_ops(ops, CONTEXT) {
            self.hunk(&hunk, &before, &after)?;
        }
        Ok(())
    }

    fn hunk(&mut self, ops: &[DiffOp], before: &[&str], after: &[&str]) -> io::Result<()> {
        let (Some(first), Some(last)) = (ops.first(), ops.last()) else { return Ok(()) };
        let old = header_range(first.old_range().start..last.old_range().end);
        let new = header_range(first.new_range().start..last.new_range().end);
        self.line(FRAGMENT, &format!("@@ -{old} +{new} @@"))?;
        for op in ops {
            if matches!(op, DiffOp::Equal { .. }) {
                self.lines(PLAIN, ' ', &before[op.old_range()])?;
            } else {
                self.lines(OLD, '-', &before[op.old_range()])?;
                self.lines(NEW, '+', &after[op.new_range()])?;
            }
        }
        Ok(())
    }

    fn lines(&mut self, style: Style, sign: char, lines: &[&str]) -> io::Result<()> {
        for line in lines {
            // The line end stays outside of the colours: a terminal would smear them over it.
            let text = line.trim_end_matches(['\r', '\n']);
            self.styled(style, &format!("{sign}{text}"))?;
            self.out.write_all(&line.as_bytes()[text.len()..])?;
            if !line.ends_with('\n') {
                self.out.write_all(b"\n")?;
                self.line(PLAIN, "\\ No newline at end of file")?;
            }
        }
        Ok(())
    }

    fn line(&mut self, style: Style, text: &str) -> io::Result<()> {
        self.styled(style, text)?;
        self.out.write_all(b"\n")
    }

    fn styled(&mut self, style: Style, text: &str) -> io::Result<()> {
        if self.color {
            write!(self.out, "{style}{text}{style:#}")
        } else {
            self.out.write_all(text.as_bytes())
        }
    }
}

/// `start,length` as a hunk's header counts: from one, an empty range by the line before it, a length
/// of one left out.
fn header_range(lines: Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        length => format!("{},{length}", lines.start + 1),
    }
}

/// The path with `.` and `..` worked out by their letters and slashes on every system: `git apply`
/// refuses them. A `..` above the top level stays, so that git says what is wrong with it.
fn normal(path: &Utf8Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other.as_str()),
        }
    }
    parts.join("/")
}

/// `side` and path as git writes them in a header: in quotes, with C escapes, where the name holds a
/// control character, a quote, a backslash or anything outside of ASCII (`core.quotePath`'s default).
fn quoted(side: &str, path: &str) -> String {
    let mut name = String::with_capacity(side.len() + path.len());
    name.push_str(side);
    let mut needs_quotes = false;
    for byte in path.bytes() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x20..=0x7e => {
                name.push(char::from(byte));
                continue;
            }
            _ => &format!("\\{byte:03o}"),
        };
        needs_quotes = true;
        name.push_str(escape);
    }
    if needs_quotes { format!("\"{name}\"") } else { name }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write the trees that they patch")]
mod tests {
    use std::fs;
    use std::process::Command;
    use std::sync::Arc;

    use camino::Utf8PathBuf;
    use tempfile::TempDir;

    use super::*;
    use crate::changes::TextEdit;

    /// A repository with the files that `changes` expects, in the folder `prefix` of it.
    fn repository(changes: &ChangeSet, prefix: &str) -> (TempDir, Utf8PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let top = Utf8PathBuf::from_path_buf(temp.path().to_owned()).unwrap();
        assert!(git(&top, &["init", "-q"]).0);
        for (path, change) in changes.iter() {
            if let Some(before) = change.before() {
                let file = top.join(prefix).join(path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, before).unwrap();
            }
        }
        (temp, top)
    }

    fn git(dir: &Utf8Path, args: &[&str]) -> (bool, String) {
        let run = Command::new("git").arg("-C").arg(dir).args(args).output().unwrap();
        (run.status.success(), String::from_utf8_lossy(&run.stderr).into_owned())
    }

    fn diff(changes: &ChangeSet, prefix: &str) -> Vec<u8> {
        let mut patch = Vec::new();
        write_diff(changes, prefix.into(), false, &mut patch).unwrap();
        patch
    }

    #[track_caller]
    fn git_apply_gives_after(changes: &ChangeSet, prefix: &str) {
        let (temp, top) = repository(changes, prefix);
        let patch = temp.path().join(".git/the.patch");
        fs::write(&patch, diff(changes, prefix)).unwrap();
        let (ok, stderr) = git(&top, &["apply", "-v", patch.to_str().unwrap()]);
        assert!(ok, "{stderr}\n{}", String::from_utf8_lossy(&fs::read(&patch).unwrap()));
        for (path, change) in changes.iter() {
            let file = top.join(prefix).join(path);
            let found = fs::read(&file).ok().map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(found, change.after(), "{path}");
            #[cfg(unix)]
            if let FileChange::Create { executable, .. } = change {
                use std::os::unix::fs::PermissionsExt;
                let mode = fs::metadata(&file).unwrap().permissions().mode();
                assert_eq!(mode & 0o100 != 0, *executable, "{path}");
            }
        }
    }

    fn rewrite(changes: &mut ChangeSet, path: &str, before: &str, from: &str, to: &str) {
        let before: Arc<str> = before.into();
        let at = before.find(from).unwrap();
        let edit = TextEdit::replace(at..at + from.len(), to);
        changes.edit(path.into(), &before, vec![edit]).unwrap();
    }

    fn everything() -> ChangeSet {
        let mut changes = ChangeSet::default();
        let long: String = (0..60).map(|n| format!("line {n}\n")).collect();
        let long: Arc<str> = long.into();
        let at = |text: &str| long.find(text).unwrap();
        let edits = vec![
            TextEdit::insert(0, "first\n"),
            TextEdit::replace(at("line 8\n")..at("line 9\n"), "eight\nand a half\n"),
            TextEdit::delete(at("line 13\n")..at("line 14\n")),
            TextEdit::insert(long.len(), "last without an end"),
        ];
        changes.edit("long.txt".into(), &long, edits).unwrap();
        rewrite(&mut changes, "crlf.toml", "[a]\r\nb = 1\r\nc = 2\r\n", "b = 1", "b = 3\r\nd = 4");
        rewrite(&mut changes, "mixed.txt", "a\r\nb\nc\rd\n", "b\n", "b\r\n");
        rewrite(&mut changes, "bom.rs", "\u{feff}//! x\nfn a() {}\n", "a()", "b()");
        rewrite(&mut changes, "gains-end.txt", "one\ntwo", "two", "two\n");
        rewrite(&mut changes, "loses-end.txt", "one\ntwo\n", "two\n", "two");
        rewrite(&mut changes, "keeps-no-end.txt", "one\ntwo", "one", "ONE");
        rewrite(&mut changes, "emptied.txt", "one\n", "one\n", "");
        rewrite(&mut changes, "with space/and more.rs", "a\n", "a", "b");
        rewrite(&mut changes, "größe/名.rs", "a\n", "a", "größer");
        rewrite(&mut changes, "quo\"te\\and\ttab.txt", "a\n", "a", "b");
        rewrite(&mut changes, "looks.sql", "-- a\n++ b\n", "-- a\n", "-- c\n--- d\n");
        changes.create("new/deep/file.rs", "//! new\r\nfn main() {}").unwrap();
        changes.create("new/empty", "").unwrap();
        changes.create("new/with space.txt", "x\n").unwrap();
        changes.create_executable("new/run é.sh", "#!/bin/sh\n").unwrap();
        changes.create_executable("new/empty.sh", "").unwrap();
        changes.delete("gone.sql", &"drop table a;".into()).unwrap();
        changes.delete("gone-empty", &"".into()).unwrap();
        changes
    }

    #[test]
    fn git_takes_the_patch_at_the_top_level() {
        git_apply_gives_after(&everything(), "");
    }

    #[test]
    fn git_takes_the_patch_where_the_workspace_is_a_subfolder() {
        git_apply_gives_after(&everything(), "backend/the shop");
        git_apply_gives_after(&everything(), "größe");
    }

    #[test]
    fn a_member_beside_the_workspace_keeps_its_place() {
        let mut changes = ChangeSet::default();
        rewrite(&mut changes, "../kernel/lib.rs", "a\n", "a", "b");
        let patch = String::from_utf8(diff(&changes, "backend")).unwrap();
        assert!(patch.starts_with("diff --git a/kernel/lib.rs b/kernel/lib.rs\n"), "{patch}");
    }

    #[test]
    fn edits_that_change_nothing_are_left_out() {
        let mut changes = ChangeSet::default();
        rewrite(&mut changes, "a.txt", "a\n", "a", "a");
        assert_eq!(diff(&changes, ""), b"");
    }

    #[test]
    fn the_patch_reads_as_git_writes_it() {
        let mut changes = ChangeSet::default();
        rewrite(&mut changes, "a.txt", "1\n2\n3\n4\n5", "5", "five\n");
        changes.create("b.txt", "b\n").unwrap();
        insta::assert_snapshot!(String::from_utf8(diff(&changes, "")).unwrap(), @r"
        diff --git a/a.txt b/a.txt
        --- a/a.txt
        +++ b/a.txt
        @@ -2,4 +2,4 @@
         2
         3
         4
        -5
        \ No newline at end of file
        +five
        diff --git a/b.txt b/b.txt
        new file mode 100644
        --- /dev/null
        +++ b/b.txt
        @@ -0,0 +1 @@
        +b
        ");
    }

    #[test]
    fn colours_stay_off_the_line_ends() {
        let mut changes = ChangeSet::default();
        rewrite(&mut changes, "a", "1\r\n", "1", "2");
        let mut patch = Vec::new();
        write_diff(&changes, "".into(), true, &mut patch).unwrap();
        let patch = String::from_utf8(patch).unwrap();
        assert!(patch.contains("\u{1b}[31m-1\u{1b}[0m\r\n\u{1b}[32m+2\u{1b}[0m\r\n"), "{patch:?}");
    }
}
