//! In which order refusals are read: what no change of a signature would mend comes first, so that
//! nobody mends types only to learn that the module cannot be cut off.

/// How deep a cause lies, by the diagnostic's code; the smallest number is the most fundamental.
pub(super) fn depth(code: &str) -> u8 {
    match code {
        // The module needs the rest of the monolith in its own process.
        "outbound-trait" | "shared-state" | "contract-reaches-implementation" => 0,
        // Its data does.
        "storage-not-carried"
        | "attached-database"
        | "no-migrations"
        | "migrations-unseen"
        | "table-of-both"
        | "table-of-nobody"
        | "several-histories"
        | "shared-history-runner"
        | "foreign-sql"
        | "shared-table"
        | "migrations-of-several"
        | "foreign-key-out"
        | "foreign-key-in"
        | "trigger-crosses"
        | "view-crosses"
        | "function-crosses"
        | "migration-crosses" => 1,
        // Names that are taken are mended by an option.
        "bad-name" | "name-taken" | "target-exists" | "feature-taken" => 3,
        _ => 2,
    }
}
