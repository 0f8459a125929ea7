//! The module's set: its statements in order, byte for byte, in files of the same names.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use camino::Utf8Path;

use super::super::definition::clause_cuts;
use super::super::ear::{Does, Statement};
use super::super::folder::{MigrationFile, MigrationFolder, Runner};
use super::super::model::{Schema, TableKind};
use super::cuts::{Cut, Lost};
use super::owners::{Because, OwnedTable, Owners, Side};
use super::{Divided, Division, History};
use crate::analysis::sql::{Kind, lex, lex_with_comments};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Whose a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Module,
    Rest,
    /// A setting or a transaction: whoever has the file has it.
    Both,
}

impl History {
    /// Gives every statement to its owner.
    ///
    /// None where one cannot be told, or something stands on both sides that was not cut; the
    /// diagnostics say so, with every place.
    pub fn divide(
        &self,
        division: &Division<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Divided> {
        let owners = self.owners(division, diagnostics)?;
        let crossings = self.crossings(&owners);
        let cuts = self.decide(division, crossings, diagnostics)?;
        let folder = self.folder_of(division, &owners, diagnostics)?;
        let keep = |statement: &Statement| self.part(statement, &owners, &cuts);
        let mut set = Vec::new();
        let mut alone = MigrationFolder {
            path: division.to.to_owned(),
            runner: Runner::Sqlx,
            files: Vec::new(),
        };
        let forward = folder.files.iter().filter(|file| file.runs_forward());
        let kept: BTreeSet<i64> = forward
            .filter(|file| self.of_file(file).any(|s| keep(s) == Part::Module))
            .map(|file| file.version)
            .collect();
        for file in folder.files.iter().filter(|file| kept.contains(&file.version)) {
            let spans: Vec<(Range<usize>, bool)> =
                self.of_file(file).map(|s| (s.place.span.clone(), keep(s) != Part::Rest)).collect();
            let clauses: Vec<Range<usize>> =
                self.of_file(file).flat_map(|s| self.clauses(s, &owners)).collect();
            let text = part_of(&file.text, &spans, &clauses, file.without_transaction());
            set.push((division.to.join(file.path.file_name().unwrap_or_default()), text));
            let text: Arc<str> = blanked(&file.text, &spans, &clauses).into();
            alone.files.push(MigrationFile { text, ..file.clone() });
        }
        self.stands_alone(&alone, division, diagnostics)?;
        let mut schema = self.schema.clone();
        self.give(&mut schema, &owners, division.to);
        let tables =
            schema.owned(division.to).filter(|t| t.kind != TableKind::Shadow).map(|table| {
                let because = owners.because(&self.stands_for(&table.name.to_ascii_lowercase()));
                let because = because.cloned().unwrap_or(Because::Declared);
                OwnedTable { name: table.name.clone(), because }
            });
        let tables = tables.collect();
        let reads = self.reads_of_rest(&owners);
        Some(Divided { folder: folder.path.clone(), schema, tables, set, cuts, reads })
    }

    /// The one folder that makes the module's tables.
    fn folder_of(
        &self,
        division: &Division<'_>,
        owners: &Owners,
        diagnostics: &mut Diagnostics,
    ) -> Option<&MigrationFolder> {
        let makes = |folder: &&MigrationFolder| {
            folder.files.iter().flat_map(|file| self.of_file(file)).any(|statement| {
                statement.does != Does::Rows
                    && owners.sides(&self.tables_behind(&statement.changes)).0
            })
        };
        let folders: Vec<&MigrationFolder> = self.folders.iter().filter(makes).collect();
        match folders.as_slice() {
            [folder] => Some(*folder),
            [] => {
                let module = division.module;
                diagnostics.push(
                    Diagnostic::error(
                        "no-migrations",
                        format!(
                            "`{module}` stores in a database, but no migration makes its tables"
                        ),
                    )
                    .note(
                        "the service has a database of its own, and nothing would make its tables",
                    )
                    .help(
                        "give the module migrations; if its SQL hides its tables, name them in its \
                           manifest: [package.metadata.calve] tables = […]",
                    ),
                );
                None
            }
            [one, other, ..] => {
                let place = |folder: &MigrationFolder| folder.files[0].path.clone();
                diagnostics.push(
                    Diagnostic::error(
                        "several-histories",
                        format!(
                            "the tables of `{}` are made by two histories, `{}` and `{}`",
                            division.module, one.path, other.path
                        ),
                    )
                    .at(place(one), 0..0, "one of them")
                    .at(place(other), 0..0, "the other")
                    .note("the service has one set of migrations, in one order")
                    .help(
                        "say which tables are the module's: [package.metadata.calve] tables = […]",
                    ),
                );
                None
            }
        }
    }

    fn of_file<'s>(&'s self, file: &'s MigrationFile) -> impl Iterator<Item = &'s Statement> {
        self.statements.iter().filter(move |statement| statement.place.file == file.path)
    }

    /// Whose a statement is. What stands on both sides is cut by then, and so the rest's.
    fn part(&self, statement: &Statement, owners: &Owners, cuts: &[Cut]) -> Part {
        let behind = |names: &BTreeSet<String>| owners.sides(&self.tables_behind(names));
        let (module, rest) = behind(&statement.changes);
        let (reads_module, reads_rest) = behind(&statement.reads);
        let text = self.text(statement);
        match &statement.does {
            Does::Nothing => Part::Both,
            // `IF EXISTS` of something that does not.
            _ if statement.changes.is_empty() && statement.reads.is_empty() => Part::Both,
            Does::View(_) | Does::Rows if statement.changes.is_empty() || !module && !rest => {
                if reads_module && !reads_rest {
                    Part::Module
                } else {
                    Part::Rest
                }
            }
            Does::Trigger(_) | Does::Rows if reads_rest => Part::Rest,
            Does::View(_) if reads_rest => Part::Rest,
            Does::Definition if drops_cut(text, cuts) => Part::Rest,
            Does::Definition if reads_rest => Part::Rest,
            _ if module && !rest => Part::Module,
            _ => Part::Rest,
        }
    }

    /// The clauses that a statement of the module loses, with what separates them.
    fn clauses(&self, statement: &Statement, owners: &Owners) -> Vec<Range<usize>> {
        if !owners.sides(&self.tables_behind(&statement.changes)).0 {
            return Vec::new();
        }
        let gone = |table: &str| owners.sides(&self.tables_behind([&table.to_ascii_lowercase()])).1;
        let start = statement.place.span.start;
        let cuts = clause_cuts(self.text(statement), gone);
        cuts.into_iter().map(|cut| start + cut.start..start + cut.end).collect()
    }

    /// Runs the module's statements without the others, where they stand in the history.
    fn stands_alone(
        &self,
        alone: &MigrationFolder,
        division: &Division<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let Err(problems) = History::read(std::slice::from_ref(alone)).map(drop) else {
            return Some(());
        };
        for problem in problems.iter() {
            diagnostics.push(Diagnostic {
                code: "migration-crosses",
                message: format!(
                    "this statement of `{}` needs the other side of the cut: {}",
                    division.module, problem.message
                ),
                notes: [
                    vec![
                        "the service runs the module's statements on a database of its own".into(),
                    ],
                    problem.notes.clone(),
                ]
                .concat(),
                help: Some("make the module's tables stand alone in a new migration first".into()),
                ..problem.clone()
            });
        }
        None
    }

    /// Lets the module's objects belong to its set.
    fn give(&self, schema: &mut Schema, owners: &Owners, to: &Utf8Path) {
        let ours = |name: &str| {
            let name = name.to_ascii_lowercase();
            owners.side(&self.stands_for(&name)) == Some(Side::Module)
        };
        for table in &mut schema.tables {
            if ours(&table.name) {
                table.folder = to.to_owned();
                table.indexes.iter_mut().for_each(|index| index.folder = to.to_owned());
                table.triggers.iter_mut().for_each(|trigger| trigger.folder = to.to_owned());
            }
        }
        for view in &mut schema.views {
            let reads = self.tables_behind([&view.name.to_ascii_lowercase()]);
            if owners.sides(&reads) == (true, false) {
                view.folder = to.to_owned();
                view.triggers.iter_mut().for_each(|trigger| trigger.folder = to.to_owned());
            }
        }
    }

    /// Statements of the rest that read the module's tables: they go on reading the monolith's copy.
    fn reads_of_rest(&self, owners: &Owners) -> Vec<(camino::Utf8PathBuf, usize, Vec<String>)> {
        let mut found = Vec::new();
        for statement in &self.statements {
            let (module, rest) = owners.sides(&self.tables_behind(&statement.changes));
            let reads = self.tables_behind(&statement.reads);
            if statement.does == Does::Rows && rest && !module && owners.sides(&reads).0 {
                let ours = reads.iter().filter(|t| owners.side(t) == Some(Side::Module));
                let tables = ours.map(|table| self.display(table)).collect();
                found.push((statement.place.file.clone(), self.line(statement), tables));
            }
        }
        found
    }
}

/// Whether a statement drops a trigger that was cut, so that it is not there to be dropped.
fn drops_cut(sql: &str, cuts: &[Cut]) -> bool {
    let tokens = lex(sql);
    let drops = tokens.first().is_some_and(|token| token.is(sql, "DROP"));
    let named = |name: &str| tokens.iter().skip(2).any(|token| token.names(sql, name));
    drops
        && cuts.iter().any(|cut| match &cut.lost {
            Lost::View(name) | Lost::TriggerOut(name) => named(name),
            _ => false,
        })
}

/// The kept statements of a file with the comments that stand before them and behind them on their
/// line; what heads the file stays.
fn part_of(
    text: &str,
    spans: &[(Range<usize>, bool)],
    clauses: &[Range<usize>],
    marked: bool,
) -> String {
    let mut out = String::new();
    let ends: Vec<usize> = spans.iter().map(|(span, _)| chunk_end(text, span.end)).collect();
    let first = spans.first().map_or(text.len(), |(span, _)| span.start);
    let head = head_of(&text[..first], marked);
    out.push_str(&text[..head]);
    let mut start = head;
    // An empty line that stood somewhere between two kept statements stays between them, once.
    let mut gap = false;
    for ((_, keep), end) in spans.iter().zip(&ends) {
        let chunk = &text[start..*end];
        let bare = chunk.trim_start_matches(['\r', '\n']);
        gap |= bare.len() < chunk.len();
        if *keep {
            if gap && !out.is_empty() && !out.ends_with("\n\n") && !out.ends_with("\n\r\n") {
                out.push_str(if text.contains("\r\n") { "\r\n" } else { "\n" });
            }
            gap = false;
            out.push_str(&without(text, *end - bare.len()..*end, clauses));
        }
        start = *end;
    }
    if spans.last().is_some_and(|(_, keep)| *keep) {
        out.push_str(&text[start..]);
    }
    out
}

/// A file where what is not kept is blank, so that places stay what they are.
fn blanked(text: &str, spans: &[(Range<usize>, bool)], clauses: &[Range<usize>]) -> String {
    let gone = |at: usize| {
        spans.iter().any(|(span, keep)| !keep && span.contains(&at))
            || clauses.iter().any(|clause| clause.contains(&at))
    };
    let mut bytes = text.as_bytes().to_vec();
    for (at, byte) in bytes.iter_mut().enumerate() {
        if gone(at) && *byte != b'\n' {
            *byte = b' ';
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

fn without(text: &str, range: Range<usize>, clauses: &[Range<usize>]) -> String {
    let mut out = String::new();
    let mut at = range.start;
    for clause in clauses.iter().filter(|c| range.start <= c.start && c.end <= range.end) {
        out.push_str(&text[at..clause.start]);
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if out.ends_with(word) && text[clause.end..].starts_with(word) {
            out.push(' ');
        }
        at = clause.end;
    }
    out.push_str(&text[at..range.end]);
    out
}

/// Where a statement's chunk ends: behind its semicolon, the comment behind that, and the line end.
fn chunk_end(text: &str, end: usize) -> usize {
    let mut at = end;
    let mut semicolon = false;
    for token in lex_with_comments(&text[end..]) {
        let (start, stop) = (end + token.span.start, end + token.span.end);
        let same_line = !text[at..start].contains('\n');
        match token.kind {
            Kind::Comment if semicolon && (!same_line || text[start..stop].contains('\n')) => break,
            Kind::Comment => at = stop,
            _ if !semicolon && token.is_symbol(&text[end..], ";") => {
                semicolon = true;
                at = stop;
            }
            _ => break,
        }
    }
    let rest = &text[at..];
    let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
    if rest[blank..].starts_with('\n') { at + blank + 1 } else { at }
}

/// Where what heads a file ends: behind its first comment, if an empty line follows; or its marker.
fn head_of(before: &str, marked: bool) -> usize {
    let line = |at: usize| before[at..].find('\n').map_or(before.len(), |end| at + end + 1);
    let mut at = if marked { line(0) } else { 0 };
    let mut probe = at;
    while probe < before.len() {
        let end = line(probe);
        if before[probe..end].trim().is_empty() {
            // Only what a comment stands before is a head.
            if !before[..probe].trim().is_empty() {
                at = end;
            }
            break;
        }
        probe = end;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::sql::statements;

    fn part(text: &str, keep: &[usize]) -> String {
        let spans = statements(text);
        let spans: Vec<_> =
            spans.into_iter().enumerate().map(|(at, span)| (span, keep.contains(&at))).collect();
        part_of(text, &spans, &[], text.starts_with("-- no-transaction"))
    }

    #[test]
    fn comments_go_with_their_statement_and_the_head_stays() {
        let text = "-- What this is; both.\n\n-- a; first\nA 1; -- behind; a\n\n/* b */\nB ';';\n-- c\nC 3";
        assert_eq!(part(text, &[0]), "-- What this is; both.\n\n-- a; first\nA 1; -- behind; a\n");
        assert_eq!(part(text, &[1]), "-- What this is; both.\n\n/* b */\nB ';';\n");
        assert_eq!(part(text, &[0, 1, 2]), text);
        assert_eq!(part("A;\r\n\r\nB;\r\n", &[1]), "B;\r\n");
        assert_eq!(part("A;\n\nB;\nC;\n", &[0, 2]), "A;\n\nC;\n");
        let text = "-- no-transaction\nPRAGMA x; A; B;\n";
        assert_eq!(part(text, &[0, 2]), "-- no-transaction\nPRAGMA x; B;\n");
    }

    #[test]
    fn a_blank_keeps_every_place() {
        let text = "A 'é\n'; B;";
        let spans: Vec<_> = statements(text).into_iter().zip([false, true]).collect();
        assert_eq!(blanked(text, &spans, &[]), "     \n ; B;");
    }
}
