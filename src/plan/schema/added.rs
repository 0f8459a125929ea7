//! The migrations that the monolith gains: they take away what ties the module's tables to others.

use camino::{Utf8Path, Utf8PathBuf};

use super::history::{history_of, is_strict};
use crate::analysis::composition::Pool;
use crate::analysis::schema::{
    self, MigrationFile, MigrationFolder, MigrationKind, Schema, Table, Trigger, View,
};
use crate::analysis::sql::quote;
use crate::plan::Names;
use crate::workspace::Workspace;

/// A new migration of the monolith.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMigration {
    /// What it drops: "the foreign keys of `orders`".
    pub drops: String,
    /// The table or view that it is about.
    pub object: String,
    /// The file, relative to the workspace root.
    pub path: Utf8PathBuf,
    /// Its text.
    pub text: String,
    /// What takes it back, where the history is reversible: file and text.
    pub back: Option<(Utf8PathBuf, String)>,
    /// What makes again what an older build needs, where that is more than a foreign key.
    pub restores: Option<String>,
    /// The history table of the migrator that applies it.
    pub history: String,
    /// Whether that migrator refuses a database that has migrations it does not know.
    pub strict: bool,
}

/// Adds migrations behind those that are there.
pub(super) struct Adder<'a> {
    workspace: &'a Workspace,
    names: &'a Names,
    schema: &'a Schema,
    /// Whether the monolith's connections enforce foreign keys.
    enforced: bool,
    folders: Vec<MigrationFolder>,
    added: Vec<NewMigration>,
}

impl<'a> Adder<'a> {
    pub(super) fn new(
        workspace: &'a Workspace,
        names: &'a Names,
        schema: &'a Schema,
        pool: Option<&Pool>,
    ) -> Self {
        let enforced = pool.is_none_or(Pool::enforces_foreign_keys);
        let folders = schema.folders.clone();
        Self { workspace, names, schema, enforced, folders, added: Vec::new() }
    }

    /// In the order in which they run.
    pub(super) fn finish(self) -> Vec<NewMigration> {
        self.added
    }

    /// Drops the foreign keys of a table into `targets`, in the history that made the table.
    pub(super) fn drop_foreign_keys(&mut self, table: &Table, targets: &[&str]) {
        let home = table.folder.clone();
        self.drop_foreign_keys_in(&home, table, targets);
    }

    /// The same in the history of `home`.
    pub(super) fn drop_foreign_keys_in(
        &mut self,
        home: &Utf8Path,
        table: &Table,
        targets: &[&str],
    ) {
        let module = &self.names.module_ident;
        let name = table.name.to_lowercase();
        self.add(
            home,
            &format!("drop_{module}_foreign_keys_of_{name}"),
            NewMigration {
                drops: format!("the foreign keys of `{}`", table.name),
                object: table.name.clone(),
                text: schema::drop_foreign_keys(self.schema, table, targets, self.enforced),
                back: Some((
                    Utf8PathBuf::new(),
                    schema::restore_foreign_keys(self.schema, table, targets, self.enforced),
                )),
                ..NewMigration::default()
            },
        );
    }

    /// Drops a view, with its triggers.
    pub(super) fn drop_view(&mut self, home: &Utf8Path, view: &View) {
        let made = [&view.sql].into_iter().chain(view.triggers.iter().map(|t| &t.sql));
        let made = made.map(|sql| super::terminated(sql)).collect::<Vec<_>>().join("\n\n");
        let why = "-- Half of what it read moves to a service, with a database of its own.";
        let name = view.name.to_lowercase();
        self.add(
            home,
            &format!("drop_{name}"),
            NewMigration {
                drops: format!("the view `{}`", view.name),
                object: view.name.clone(),
                text: format!("{why}\nDROP VIEW IF EXISTS {};\n", quote(&view.name)),
                back: Some((Utf8PathBuf::new(), format!("{made}\n"))),
                restores: Some(made),
                ..NewMigration::default()
            },
        );
    }

    /// Drops a trigger.
    pub(super) fn drop_trigger(&mut self, home: &Utf8Path, trigger: &Trigger) {
        let made = super::terminated(&trigger.sql);
        let why = "-- What it worked on moves to a service, with a database of its own.";
        let name = trigger.name.to_lowercase();
        self.add(
            home,
            &format!("drop_{name}"),
            NewMigration {
                drops: format!("the trigger `{}`", trigger.name),
                object: trigger.name.clone(),
                text: format!("{why}\nDROP TRIGGER IF EXISTS {};\n", quote(&trigger.name)),
                back: Some((Utf8PathBuf::new(), format!("{made}\n"))),
                restores: Some(made),
                ..NewMigration::default()
            },
        );
    }

    /// Finds its place in the history, and how that is kept.
    fn add(&mut self, home: &Utf8Path, description: &str, migration: NewMigration) {
        let Some(folder) = self.folders.iter_mut().find(|folder| folder.path == home) else {
            return;
        };
        let path = folder.next_path(&plain(description));
        let reversible = path.as_str().ends_with(".up.sql");
        let down = || path.as_str().replace(".up.sql", ".down.sql").into();
        let back = migration.back.filter(|_| reversible).map(|(_, text)| (down(), text));
        occupy(folder, &path, &migration.text);
        self.added.push(NewMigration {
            history: history_of(self.workspace, folder.runner, &path),
            strict: is_strict(self.workspace, folder.runner, &path),
            path,
            back,
            ..migration
        });
    }
}

impl Default for NewMigration {
    fn default() -> Self {
        Self {
            drops: String::new(),
            object: String::new(),
            path: Utf8PathBuf::new(),
            text: String::new(),
            back: None,
            restores: None,
            history: String::new(),
            strict: true,
        }
    }
}

/// A name as a file's: what is no letter or digit becomes an underscore.
fn plain(description: &str) -> String {
    description.replace(|c: char| !c.is_alphanumeric() && c != '_', "_")
}

/// Takes the version of a new file, so that the next one gets another.
pub(super) fn occupy(folder: &mut MigrationFolder, path: &Utf8Path, text: &str) {
    let name = path.file_name().unwrap_or_default();
    let version = schema::version_of(path).unwrap_or_default();
    folder.files.push(MigrationFile {
        path: path.to_owned(),
        version,
        description: String::new(),
        text: text.into(),
        kind: if name.ends_with(".up.sql") { MigrationKind::Up } else { MigrationKind::Simple },
    });
}
