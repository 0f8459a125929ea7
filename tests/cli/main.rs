//! The command line from outside: the real binary on the small workspaces of `fixtures/cases`.
//!
//! `CALVE_BLESS=1 cargo test --test cli` writes what the cases expect anew.

mod case;
mod cost;
mod interrupted;
mod json;
mod outside;
mod refused;
mod stage;
mod stale;
mod succeeded;
mod tree;

/// A test for each case, named as its folder.
macro_rules! cases {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            case::run(&stringify!($name).replace('_', "-"));
        })*

        /// A folder without a test would never be looked at.
        #[test]
        fn every_folder_has_a_test() {
            let tests: Vec<String> =
                [$(stringify!($name)),*].iter().map(|name| name.replace('_', "-")).collect();
            assert_eq!(case::folders(), tests, "the list in tests/cli/main.rs, sorted by name");
        }
    };
}

cases! {
    a_broken_file_that_does_not_matter
    a_renamed_dependency_stays
    a_root_package
    a_source_that_is_not_utf_8_and_does_not_matter
    a_workspace_in_a_subfolder
    admits_what_sqlx_knows_of_the_database
    an_adapter_behind_a_port
    an_optional_dependency_stays_optional
    carries_a_trait_that_blocks
    carries_native_futures
    carries_rusqlite
    cuts_what_stands_on_both_sides
    cuts_what_stands_on_both_sides_on_postgresql
    decodes_through_the_constructor
    derives_in_a_macro
    derives_wire_forms
    divides_a_shared_history
    divides_a_shared_history_on_postgresql
    divides_by_sql_in_files
    divides_virtual_tables
    ends_the_module_in_the_service
    failed_calls_as_an_io_error
    failed_calls_as_the_team_says
    gates_a_driver_derive
    gates_a_whole_module
    gates_items_and_splits_use
    inherits_from_the_workspace
    keeps_line_ends_and_marks
    leaves_a_table_of_the_same_name
    leaves_postgresql
    links_that_lead_in_circles
    lists_a_downcast_that_no_call_leads_to
    lists_names_that_lie
    migrations_leave_the_monolith
    mirrors_lossy_serde
    moves_an_import_to_the_tests
    reads_documentation_in_every_form
    reads_included_files
    refuses_a_bad_stem
    refuses_a_binary
    refuses_a_broken_consumer
    refuses_a_broken_file_that_matters
    refuses_a_connection_behind_a_lock
    refuses_a_connection_that_the_module_opens
    refuses_a_contract_that_reaches_storage
    refuses_a_database_without_migrations
    refuses_a_derive_that_the_stub_has_not
    refuses_a_dirty_tree
    refuses_a_downcast_of_any_error
    refuses_a_downcast_that_a_call_leads_to
    refuses_a_file_in_the_way
    refuses_a_file_that_is_no_manifest
    refuses_a_history_of_both
    refuses_a_keyword_as_a_name
    refuses_a_merge_conflict
    refuses_a_merge_conflict_in_a_manifest
    refuses_a_migration_it_cannot_read
    refuses_a_migration_that_is_not_utf_8
    refuses_a_module_that_runs_a_shared_history
    refuses_a_name_with_a_space
    refuses_a_parameter_left_unused
    refuses_a_path_as_a_name
    refuses_a_pool_in_a_type_of_another_crate
    refuses_a_pool_that_the_module_opens
    refuses_a_pragma_on_one_connection
    refuses_a_read_only_tree
    refuses_a_shared_history_of_refinery
    refuses_a_single_package
    refuses_a_source_that_is_not_utf_8
    refuses_a_table_of_both
    refuses_a_table_of_both_sides
    refuses_a_table_of_nobody
    refuses_a_taken_feature
    refuses_a_trait_that_was_not_named
    refuses_a_type_nobody_can_name
    refuses_aliases_it_does_not_follow
    refuses_an_empty_name
    refuses_an_existing_folder
    refuses_an_outbound_trait
    refuses_an_unfit_constructor
    refuses_an_unknown_cut
    refuses_an_unknown_module
    refuses_an_unknown_table
    refuses_attached_databases
    refuses_calls_of_functions_over_the_other_side
    refuses_code_that_is_not_there
    refuses_concrete_types_in_consumers
    refuses_connections_that_are_not_alike
    refuses_crossings_on_postgresql
    refuses_databases_attached_in_code
    refuses_diesel
    refuses_diesel_that_another_crate_opens
    refuses_entities_of_others
    refuses_entities_that_the_module_borrows
    refuses_foreign_sql
    refuses_foreign_sql_in_files
    refuses_keys_without_a_hash
    refuses_lossy_types_of_a_macro
    refuses_migrations_read_at_run_time
    refuses_migrations_that_are_no_sql
    refuses_migrations_that_cannot_be_read
    refuses_migrations_that_others_read_at_run_time
    refuses_names_behind_the_trait
    refuses_names_put_together
    refuses_operations_that_cannot_cross
    refuses_own_methods_beside_other_things
    refuses_own_methods_on_the_way
    refuses_pools_that_differ
    refuses_roots_that_disagree
    refuses_sea_orm
    refuses_shared_state
    refuses_tables_that_no_sql_names
    refuses_taken_package_names
    refuses_the_deepest_cause_first
    refuses_to_choose_an_api_trait
    refuses_to_compare_without_a_server
    refuses_to_run_a_shared_history_on_postgresql
    refuses_traits_that_wait_differently
    refuses_two_histories
    refuses_views_of_others_in_a_shared_history
    refuses_what_each_implementation_chooses
    refuses_what_stands_on_both_sides
    refuses_what_stands_on_both_sides_on_postgresql
    refuses_without_a_lock_file
    refuses_without_a_place_for_failures
    refuses_without_an_api_trait
    renames_a_binding_that_lies
    rewires_a_builder
    rewires_helpers
    rewires_two_binaries
    rewires_types_and_aliases
    serves_two_traits_of_one_type
    serves_two_traits_of_two_types
    tables_are_declared
    tells_what_a_process_shares
    test_support_goes_on_in_process
    tests_go_on_in_process
}
