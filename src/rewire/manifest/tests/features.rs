//! `[features]`, and what cargo says of optional dependencies.

use super::*;

#[test]
fn a_new_table_after_the_dependencies() {
    check(
        "[package]\nname = \"a\"\n\n# ours first\n[dependencies]\na = \"1\"\n\n[dev-dependencies]\nb = \"1\"\n\n\n# house\n[lints]\nworkspace = true\n",
        &features(&[("implementation", &[]), ("default", &["implementation"])]),
        "[package]\nname = \"a\"\n\n# ours first\n[dependencies]\na = \"1\"\n\n[dev-dependencies]\nb = \"1\"\n\n[features]\ndefault = [\"implementation\"]\nimplementation = []\n\n\n# house\n[lints]\nworkspace = true\n",
    );
    check(
        "[package]\nname = \"a\"\n",
        &features(&[("default", &[])]),
        "[package]\nname = \"a\"\n\n[features]\ndefault = []\n",
    );
}

#[test]
fn default_is_kept_and_extended() {
    check(
        "[features]\ndefault = [\"std\"] # as ever\nstd = []\n",
        &features(&[("default", &["implementation"]), ("implementation", &["std"])]),
        "[features]\ndefault = [\"std\", \"implementation\"] # as ever\nimplementation = [\"std\"]\nstd = []\n",
    );
    check(
        "[features]\nalloc = []\ndefault = [\"std\"]\nstd = []\n",
        &features(&[("implementation", &[])]),
        "[features]\nalloc = []\ndefault = [\"std\"]\nimplementation = []\nstd = []\n",
    );
    check(
        "[features]\n# none\nstd = []\n",
        &features(&[("default", &["implementation"]), ("implementation", &[])]),
        "[features]\ndefault = [\"implementation\"]\nimplementation = []\n# none\nstd = []\n",
    );
    check(
        "[features]\nstd = []\n\n# later\nalloc = []\n",
        &features(&[("implementation", &[])]),
        "[features]\nstd = []\n\n# later\nalloc = []\nimplementation = []\n",
    );
}

#[test]
fn an_implicit_feature_stays() {
    let before = "[dependencies]\nserde = { version = \"1\", optional = true }\n";
    check(
        before,
        &features(&[("wire", &["dep:serde", "serde/derive"])]),
        &format!("{before}\n[features]\nwire = [\"serde\", \"serde/derive\"]\n"),
    );
    let explicit = format!("{before}\n[features]\njson = [\"dep:serde\"]\n");
    check(
        &explicit,
        &features(&[("wire", &["dep:serde"])]),
        &format!("{explicit}wire = [\"dep:serde\"]\n"),
    );
}

#[test]
fn an_implicit_feature_that_switches_more_on_is_written() {
    let mut changes = features(&[("stock", &["dep:stock", "dep:stub"])]);
    changes.dependencies = vec![DependencyEdit {
        table: DependencyTable::NORMAL,
        key: "stub".to_owned(),
        change: DependencyChange::Add(Dependency::path("../stub").optional()),
    }];
    check(
        "[dependencies]\nstock = { path = \"../stock\", optional = true }\n\n[features]\nfull = [\"stock\"]\n",
        &changes,
        "[dependencies]\nstock = { path = \"../stock\", optional = true }\nstub = { path = \"../stub\", optional = true }\n\n[features]\nfull = [\"stock\"]\nstock = [\"dep:stock\", \"dep:stub\"]\n",
    );
}

#[test]
fn features_of_a_dependency_that_becomes_optional_do_not_switch_it_on() {
    let mut changes = optional("sqlx");
    changes.features = vec![feature("implementation", &["dep:sqlx"])];
    check(
        "[dependencies]\nsqlx = \"0.8\"\n\n[features]\npg = [\"sqlx/postgres\", \"other/x\", \"sqlx-x/y\"]\nx = [\n  \"sqlx/uuid\", # ids\n]\n",
        &changes,
        "[dependencies]\nsqlx = { version = \"0.8\", optional = true }\n\n[features]\nimplementation = [\"dep:sqlx\"]\npg = [\"sqlx?/postgres\", \"other/x\", \"sqlx-x/y\"]\nx = [\n  \"sqlx?/uuid\", # ids\n]\n",
    );
}

#[test]
fn a_dependency_that_is_always_there_needs_no_feature() {
    check(
        "[dependencies]\nserde = \"1\"\n",
        &features(&[("wire", &["dep:serde"])]),
        "[dependencies]\nserde = \"1\"\n\n[features]\nwire = []\n",
    );
}

#[test]
fn a_new_public_feature_is_reported() {
    let before = "[dependencies]\nsqlx = \"0.8\" # pool\n";
    let (_, diagnostics) = apply(before, &optional("sqlx")).unwrap();
    let warning = diagnostics.iter().next().unwrap();
    assert_eq!(warning.code, "implicit-feature");
    assert_eq!(before[warning.labels[0].span.clone()].trim_end(), "sqlx = \"0.8\"");
}

#[test]
fn what_cargo_would_refuse_is_refused() {
    check_error(
        "[dependencies]\nsqlx = \"0.8\"\n\n[features]\nsqlx = []\n",
        &optional("sqlx"),
        "feature-hides-dependency",
        "[]",
    );
    check_error(
        "[dependencies]\nsqlx = \"0.8\"\n",
        &features(&[("x", &["dep:rand"])]),
        "no-such-dependency",
        "",
    );
    check_error("[features]\nx = true\n", &features(&[("x", &["y"])]), "invalid-manifest", "true");
}
