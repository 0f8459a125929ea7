//! The module's set: its statements in order, byte for byte, in files of the same names.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::super::definition::{clause_cuts, item_cuts, widen};
use super::super::folder::{MigrationFile, MigrationFolder, Runner};
use super::cuts::{Cut, Lost, meant};
use super::missing::Missing;
use super::owners::{OwnedTable, Owners};
use super::statement::{About, Does, Item, Piece, Statement};
use super::text::{blanked, part_of};
use super::{Dialect, Divided, Division, History};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Whose a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Module,
    Rest,
    /// A setting or a transaction: whoever has the file has it.
    Both,
}

/// What is decided when statements are given to their owners.
pub(super) struct Decided<'a> {
    pub(super) owners: &'a Owners,
    pub(super) cuts: &'a [Cut],
    /// What has no rows and the set makes.
    pub(super) objects: BTreeSet<String>,
    /// What the set lacks since it was cut.
    pub(super) missing: Missing,
}

impl<'a> Decided<'a> {
    /// What is given to whom; what of it has no rows, and what is missing, is found out with it.
    pub(super) fn of(owners: &'a Owners, cuts: &'a [Cut]) -> Self {
        Self { owners, cuts, objects: BTreeSet::new(), missing: Missing::default() }
    }
}

impl History {
    /// Gives every statement to its owner.
    ///
    /// None where one cannot be told, or something stands on both sides that was not cut; the
    /// diagnostics say so, with every place.
    pub(in crate::analysis::schema) fn divide(
        &self,
        division: &Division<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Divided> {
        let owners = self.owners(division, diagnostics)?;
        let mut crossings = self.crossings(division, &owners);
        let wanted: BTreeSet<&str> =
            division.cuts.iter().filter_map(|typed| meant(typed, &crossings)).collect();
        let cuts = crossings.iter().map(|crossing| &crossing.cut);
        let cuts: Vec<Cut> = cuts.filter(|cut| wanted.contains(&*cut.name)).cloned().collect();
        let mut decided = Decided::of(&owners, &cuts);
        decided.objects = self.objects_of_module(division, &decided);
        let using = self.take_missing(&mut decided);
        if !using.is_empty() {
            crossings.extend(using);
            crossings.sort_by_cached_key(|crossing| self.position(crossing));
        }
        let left_out = self.decide(division, crossings, &owners, diagnostics)?;
        let folder = self.folder_of(division, &owners, diagnostics)?;
        let of_both = self.objects_of_both(&decided);
        let (set, alone) = self.set(folder, division, &decided);
        let tables = self.left.tables.iter().filter_map(|table| {
            let stands = self.stands_for(&self.key(table));
            let because = owners.because(&stands).filter(|_| owners.is_module(&stands))?;
            if decided.missing.has_relation(&self.key(table)) {
                return None;
            }
            Some(OwnedTable { name: table.clone(), because: because.clone() })
        });
        let tables = tables.collect();
        let reads = self.reads_of_rest(&owners);
        let Decided { objects, missing, .. } = decided;
        let (folder, cuts) = (folder.path.clone(), left_out);
        Some(Divided { folder, tables, set, cuts, reads, objects, of_both, alone, owners, missing })
    }

    /// The files of the module's set; and the same with blanks for what is not in them.
    fn set(
        &self,
        folder: &MigrationFolder,
        division: &Division<'_>,
        decided: &Decided<'_>,
    ) -> (Vec<(camino::Utf8PathBuf, String)>, MigrationFolder) {
        let keep = |statement: &Statement| self.part(statement, decided);
        let forward = folder.files.iter().filter(|file| file.runs_forward());
        let kept: BTreeSet<i64> = forward
            .filter(|file| self.of_file(file).any(|s| keep(s) == Part::Module))
            .map(|file| file.version)
            .collect();
        let path = division.to.to_owned();
        let mut alone = MigrationFolder { path, runner: Runner::Sqlx, files: Vec::new() };
        let mut set = Vec::new();
        for file in folder.files.iter().filter(|file| kept.contains(&file.version)) {
            let spans: Vec<(Range<usize>, bool)> =
                self.of_file(file).map(|s| (s.place.span.clone(), keep(s) != Part::Rest)).collect();
            let clauses: Vec<Range<usize>> =
                self.of_file(file).flat_map(|s| self.clauses(s, decided)).collect();
            let text = part_of(&file.text, &spans, &clauses, file.without_transaction());
            set.push((division.to.join(file.path.file_name().unwrap_or_default()), text));
            let text: Arc<str> = blanked(&file.text, &spans, &clauses).into();
            alone.files.push(MigrationFile { text, ..file.clone() });
        }
        (set, alone)
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
    pub(super) fn part(&self, statement: &Statement, decided: &Decided<'_>) -> Part {
        let behind = |names: &BTreeSet<String>| decided.owners.sides(&self.tables_behind(names));
        let (module, rest) = behind(&statement.changes);
        let (reads_module, reads_rest) = behind(&statement.reads);
        let made = || statement.makes.iter().any(|object| decided.objects.contains(object));
        match &statement.does {
            _ if self.is_untold(statement, decided.owners).is_some() => Part::Rest,
            _ if decided.missing.has(statement) => Part::Rest,
            Does::Nothing => Part::Both,
            // `IF EXISTS` of something that does not.
            _ if statement.does_nothing_known() => Part::Both,
            _ if self.is_emptied(statement, decided) => Part::Rest,
            Does::Object | Does::Function(_) if made() => Part::Module,
            Does::Object | Does::Function(_) => Part::Rest,
            Does::View(_) | Does::Rows if statement.changes.is_empty() || !module && !rest => {
                if reads_module && !reads_rest {
                    Part::Module
                } else {
                    Part::Rest
                }
            }
            Does::Trigger(_) | Does::Rows if reads_rest => Part::Rest,
            Does::View(_) if reads_rest => Part::Rest,
            Does::Definition if self.is_of_a_cut(statement, decided.cuts) => Part::Rest,
            Does::Definition if reads_rest => Part::Rest,
            _ if module && (!rest || self.divides(statement, decided.owners)) => Part::Module,
            _ => Part::Rest,
        }
    }

    /// Whether a statement drops or changes what the set lacks, since it was cut.
    fn is_of_a_cut(&self, statement: &Statement, cuts: &[Cut]) -> bool {
        let lacks = |cut: &&Cut| {
            matches!(cut.lost, Lost::View(_) | Lost::TriggerOut(_) | Lost::Function(_))
        };
        cuts.iter().filter(lacks).any(|cut| statement.about.contains(&self.key(&cut.name)))
    }

    /// Whether each table of the rest that a statement changes is an item of a list in it, so that it can go
    /// alone.
    pub(super) fn divides(&self, statement: &Statement, owners: &Owners) -> bool {
        let listed: BTreeSet<&String> = statement
            .items()
            .filter_map(|item| match &item.about {
                Some(About::Table(name)) => Some(name),
                _ => None,
            })
            .collect();
        let of_rest = |name: &&String| owners.sides(&self.tables_behind([*name])).1;
        statement.changes.iter().filter(of_rest).all(|name| listed.contains(name))
    }

    /// Whether nothing is left of a list in a statement.
    fn is_emptied(&self, statement: &Statement, decided: &Decided<'_>) -> bool {
        statement.pieces.iter().any(|piece| match piece {
            Piece::List(items) => {
                !items.is_empty() && items.iter().all(|item| self.is_gone(statement, item, decided))
            }
            Piece::Clause(_) => false,
        })
    }

    fn is_gone(&self, statement: &Statement, item: &Item, decided: &Decided<'_>) -> bool {
        decided.missing.has_item(statement, item)
            || match &item.about {
                Some(About::Table(name)) => decided.owners.sides(&self.tables_behind([name])).1,
                Some(About::Object(name)) => !decided.objects.contains(name),
                None => false,
            }
    }

    /// The pieces that a statement of the module loses, with what separates them.
    fn clauses(&self, statement: &Statement, decided: &Decided<'_>) -> Vec<Range<usize>> {
        if self.part(statement, decided) != Part::Module {
            return Vec::new();
        }
        let start = statement.place.span.start;
        let text = self.text(statement);
        let mut cuts: Vec<Range<usize>> = match self.dialect {
            Dialect::Sqlite => clause_cuts(text, |table| {
                decided.owners.sides(&self.tables_behind([&table.to_ascii_lowercase()])).1
            }),
            Dialect::Postgres => {
                let pieces = statement.pieces.iter();
                pieces.flat_map(|piece| self.cut_of(statement, piece, text, decided)).collect()
            }
        };
        cuts.sort_by_key(|cut| cut.start);
        cuts.into_iter().map(|cut| start + cut.start..start + cut.end).collect()
    }

    /// What goes of a piece of a statement, in the text of that.
    fn cut_of(
        &self,
        statement: &Statement,
        piece: &Piece,
        text: &str,
        decided: &Decided<'_>,
    ) -> Vec<Range<usize>> {
        let start = statement.place.span.start;
        let within = |span: &Range<usize>| span.start - start..span.end - start;
        match piece {
            Piece::Clause(item) if self.is_gone(statement, item, decided) => {
                vec![widen(text, within(&item.span))]
            }
            Piece::Clause(_) => Vec::new(),
            Piece::List(items) => {
                let items = items.iter().map(|item| {
                    let comma = item.comma.as_ref().map(within);
                    (within(&item.span), comma, self.is_gone(statement, item, decided))
                });
                item_cuts(text, items)
            }
        }
    }

    /// Whether a table, or all that a view reads, is the module's.
    pub(in crate::analysis::schema) fn owns(&self, divided: &Divided, name: &str) -> bool {
        let behind = self.tables_behind([&self.stands_for(&self.key(name))]);
        !divided.missing.has_relation(&self.key(name))
            && divided.owners.sides(&behind) == (true, false)
    }

    /// Statements of the rest that read the module's tables: they go on reading the monolith's copy.
    fn reads_of_rest(&self, owners: &Owners) -> Vec<(camino::Utf8PathBuf, usize, Vec<String>)> {
        let mut found = Vec::new();
        for statement in &self.statements {
            let (module, rest) = owners.sides(&self.tables_behind(&statement.changes));
            let reads = self.tables_behind(&statement.reads);
            if statement.does == Does::Rows && rest && !module && owners.sides(&reads).0 {
                let ours = reads.iter().filter(|t| owners.is_module(t));
                let tables = ours.map(|table| self.display(table)).collect();
                found.push((statement.place.file.clone(), self.line(statement), tables));
            }
        }
        found
    }
}
