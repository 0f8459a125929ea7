//! Which tables the bodies of triggers and views touch, asked of SQLite itself.
//!
//! Its authorizer is called for every table that a statement reads or writes, with the name of the
//! trigger or view that does so. So: prepare the statements that fire each trigger and read each
//! view, run none of them, and listen. Where SQLite cannot prepare one (the body names a table that
//! is gone), every identifier that is a table's name counts: too much rather than too little.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, Result};

use super::ear::joins_by_name;
use super::model::{Schema, Trigger};
use crate::analysis::sql::{lex, quote};

/// Accessor (without case) → tables touched (as SQLite names them).
type Heard = BTreeMap<String, BTreeSet<String>>;

/// What every trigger and view touches.
pub(super) struct Bodies {
    heard: Heard,
    /// Tables and views of which a firing or reading statement could not be prepared.
    broken: BTreeSet<String>,
}

impl Bodies {
    /// Prepares every statement that brings a body into play.
    ///
    /// # Errors
    /// When SQLite takes no authorizer.
    pub(super) fn listen(mut database: Connection, schema: &Schema) -> Result<Self> {
        // Foreign keys have actions, which would be heard as well.
        database.execute_batch("PRAGMA foreign_keys = OFF")?;
        let heard = Arc::new(Mutex::new(Heard::new()));
        let ear = Arc::clone(&heard);
        database.authorizer(Some(move |context: AuthContext<'_>| {
            hear(&mut ear.lock().unwrap_or_else(PoisonError::into_inner), &context);
            Authorization::Allow
        }))?;
        let mut broken = BTreeSet::new();
        for table in schema.tables.iter().filter(|table| !table.triggers.is_empty()) {
            let settable = table.columns.iter().filter(|column| !column.generated);
            let names: Vec<_> = settable.map(|column| quote(&column.name)).collect();
            if !firing(&table.name, &names).iter().all(|sql| database.prepare(sql).is_ok()) {
                broken.insert(table.name.clone());
            }
        }
        for view in &schema.views {
            let name = quote(&view.name);
            match database.prepare(&format!("SELECT * FROM {name}")) {
                Ok(statement) => {
                    // A view takes only the events that it has triggers for: the rest may fail.
                    let names: Vec<_> = statement.column_names().map(quote).collect();
                    for sql in firing(&view.name, &names) {
                        let _ = database.prepare(&sql);
                    }
                }
                Err(_) => {
                    broken.insert(view.name.clone());
                }
            }
        }
        let heard = mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Self { heard, broken })
    }

    /// Sets `touches` of every trigger and view.
    pub(super) fn fill(&self, schema: &mut Schema) {
        let names: Vec<String> = (schema.tables.iter().map(|table| table.name.clone()))
            .chain(schema.views.iter().map(|view| view.name.clone()))
            .collect();
        for table in &mut schema.tables {
            for trigger in &mut table.triggers {
                self.fill_trigger(trigger, &names);
            }
        }
        for view in &mut schema.views {
            view.touches = self.touched(&view.name, &view.name, &view.sql, &names);
            view.touches.remove(&view.name);
            for trigger in &mut view.triggers {
                self.fill_trigger(trigger, &names);
            }
        }
    }

    fn fill_trigger(&self, trigger: &mut Trigger, names: &[String]) {
        trigger.touches = self.touched(&trigger.name, &trigger.on, &trigger.sql, names);
        trigger.touches.remove(&trigger.on);
    }

    fn touched(&self, accessor: &str, on: &str, sql: &str, names: &[String]) -> BTreeSet<String> {
        let heard = self.heard.get(&accessor.to_ascii_lowercase());
        let known = |name: &&String| match heard {
            Some(heard) => heard.iter().any(|heard| heard.eq_ignore_ascii_case(name)),
            None => false,
        };
        let mut touched: BTreeSet<String> = names.iter().filter(known).cloned().collect();
        if heard.is_none() || self.broken.contains(on) || joins_by_name(sql) {
            let tokens = lex(sql);
            let named = |name: &&String| tokens.iter().any(|token| token.names(sql, name));
            touched.extend(names.iter().filter(named).cloned());
        }
        touched
    }
}

/// Statements that fire every trigger of a table, whatever its event and columns.
pub(super) fn firing(name: &str, columns: &[String]) -> [String; 3] {
    let name = quote(name);
    let set: Vec<_> = columns.iter().map(|column| format!("{column} = {column}")).collect();
    [
        format!("INSERT INTO {name} DEFAULT VALUES"),
        format!("UPDATE {name} SET {}", set.join(", ")),
        format!("DELETE FROM {name}"),
    ]
}

fn hear(heard: &mut Heard, context: &AuthContext<'_>) {
    let (Some(accessor), Some("main")) = (context.accessor, context.database_name) else { return };
    let tables = heard.entry(accessor.to_ascii_lowercase()).or_default();
    match context.action {
        AuthAction::Read { table_name, .. }
        | AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } => {
            tables.insert(table_name.to_owned());
        }
        _ => {}
    }
}
