//! Dependencies in every form they are written in.

use super::*;

#[test]
fn a_new_one_in_a_sorted_table() {
    let stub = add("inventory-client", Dependency::path("../services/inventory/client"));
    check(
        "[dependencies]\naxum = \"0.8\"\n# stock\ninventory = { path = \"../modules/inventory\" } # contract\n# wire format\nserde = \"1\"\n\n\n[lints]\nworkspace = true\n",
        &stub,
        "[dependencies]\naxum = \"0.8\"\n# stock\ninventory = { path = \"../modules/inventory\" } # contract\ninventory-client = { path = \"../services/inventory/client\" }\n# wire format\nserde = \"1\"\n\n\n[lints]\nworkspace = true\n",
    );
}

#[test]
fn a_new_one_in_a_table_that_is_not_sorted() {
    let stub = add("inventory-client", Dependency::path("../client"));
    check(
        "[dependencies]\ntokio = \"1\"\naxum = \"0.8\"\n# rand = \"1\"\n\n[lints]\n",
        &stub,
        "[dependencies]\ntokio = \"1\"\naxum = \"0.8\"\ninventory-client = { path = \"../client\" }\n# rand = \"1\"\n\n[lints]\n",
    );
    check(
        "[dependencies]\n# ours\norders.workspace = true\ninventory.workspace = true\n\n# theirs\naxum = \"0.8\"\n",
        &stub,
        "[dependencies]\n# ours\norders.workspace = true\ninventory.workspace = true\ninventory-client = { path = \"../client\" }\n\n# theirs\naxum = \"0.8\"\n",
    );
}

#[test]
fn a_new_first_one_and_one_in_an_empty_table() {
    check(
        "[dependencies]\n  # the pool\n  sqlx = \"0.8\"\n",
        &add("axum", Dependency::version("0.8")),
        "[dependencies]\n  axum = \"0.8\"\n  # the pool\n  sqlx = \"0.8\"\n",
    );
    check(
        "[dependencies]\n\n[lints]\n",
        &add("axum", Dependency::version("0.8")),
        "[dependencies]\naxum = \"0.8\"\n\n[lints]\n",
    );
}

#[test]
fn a_new_one_where_there_is_no_table() {
    check(
        "[package]\nname = \"a\"\n\n# tests\n[dev-dependencies]\nb = \"1\"\n",
        &add("axum", Dependency::version("0.8")),
        "[package]\nname = \"a\"\n\n[dependencies]\naxum = \"0.8\"\n\n# tests\n[dev-dependencies]\nb = \"1\"\n",
    );
    check(
        "[package]\nname = \"a\"\n[dependencies.b]\nversion = \"1\"\n",
        &add("axum", Dependency::version("0.8")),
        "[package]\nname = \"a\"\n[dependencies]\naxum = \"0.8\"\n\n[dependencies.b]\nversion = \"1\"\n",
    );
    check(
        "[package]\nname = \"a\"\n\n[dependencies]\nb = \"1\"\n[lints]\n",
        &dependency(
            DependencyTable::DEV,
            "inventory",
            DependencyChange::Add(Dependency::workspace().features(["implementation"])),
        ),
        "[package]\nname = \"a\"\n\n[dependencies]\nb = \"1\"\n\n[dev-dependencies]\ninventory = { workspace = true, features = [\"implementation\"] }\n\n[lints]\n",
    );
}

#[test]
fn a_new_one_in_target_and_workspace_tables() {
    let unix = DependencyTable::Target("cfg(unix)".to_owned(), DependencyKind::Normal);
    check(
        "[dependencies]\na = \"1\"\n\n[target.'cfg(unix)'.dependencies]\nz = \"1\"\n",
        &dependency(unix.clone(), "libc", DependencyChange::Add(Dependency::version("0.2"))),
        "[dependencies]\na = \"1\"\n\n[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\nz = \"1\"\n",
    );
    check(
        "[dependencies]\na = \"1\"\n",
        &dependency(unix, "libc", DependencyChange::Add(Dependency::version("0.2"))),
        "[dependencies]\na = \"1\"\n\n[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n",
    );
    check(
        "[workspace]\nmembers = [\"a\"]\n\n[workspace.package]\nedition = \"2024\"\n\n[profile.dev]\ndebug = 1\n",
        &dependency(
            DependencyTable::Workspace,
            "inventory-client",
            DependencyChange::Add(Dependency::path("services/inventory/client")),
        ),
        "[workspace]\nmembers = [\"a\"]\n\n[workspace.package]\nedition = \"2024\"\n\n[workspace.dependencies]\ninventory-client = { path = \"services/inventory/client\" }\n\n[profile.dev]\ndebug = 1\n",
    );
}

#[test]
fn a_new_table_beside_dotted_keys() {
    check(
        "workspace.members = [\"a\"]\n",
        &dependency(
            DependencyTable::Workspace,
            "a",
            DependencyChange::Add(Dependency::path("a").package("b")),
        ),
        "workspace.members = [\"a\"]\n\n[workspace.dependencies]\na = { path = \"a\", package = \"b\" }\n",
    );
    check(
        "workspace = { members = [\"a\"] }\n",
        &dependency(
            DependencyTable::Workspace,
            "a",
            DependencyChange::Add(Dependency::version("1")),
        ),
        "workspace = { members = [\"a\"], dependencies = { a = \"1\" } }\n",
    );
}

#[test]
fn a_new_one_among_dotted_keys_and_braces() {
    check(
        "package.name = \"a\"\ndependencies.serde = \"1\"\n",
        &add("axum", Dependency::version("0.8")),
        "package.name = \"a\"\ndependencies.axum = \"0.8\"\ndependencies.serde = \"1\"\n",
    );
    check(
        "dependencies = { serde = \"1\" }\npackage = { name = \"a\" }\n",
        &add("axum", Dependency::workspace()),
        "dependencies = { serde = \"1\", axum = { workspace = true } }\npackage = { name = \"a\" }\n",
    );
}

#[test]
fn the_style_of_inheritance_is_copied() {
    for (theirs, ours) in [
        ("a.workspace = true", "b.workspace = true"),
        ("a = { workspace = true }", "b = { workspace = true }"),
        ("a = \"1\"", "b.workspace = true"),
    ] {
        check(
            &format!("[dependencies]\n{theirs}\n"),
            &add("b", Dependency::workspace()),
            &format!("[dependencies]\n{theirs}\n{ours}\n"),
        );
    }
}

#[test]
fn one_that_is_there_gains_what_it_lacks() {
    check(
        "[dependencies]\nserde = { version = \"1.0.200\", default-features = false } # no std\n",
        &add("serde", Dependency::version("1").features(["derive"])),
        "[dependencies]\nserde = { version = \"1.0.200\", default-features = false, features = [\"derive\"] } # no std\n",
    );
    check(
        "[dependencies]\nserde.workspace = true\n",
        &add("serde", Dependency::version("1")),
        "[dependencies]\nserde.workspace = true\n",
    );
}

#[test]
fn one_from_elsewhere_is_not_touched() {
    check_error(
        "[dependencies]\nserde = { path = \"../serde\" }\n",
        &add("serde", Dependency::version("1")),
        "dependency-exists",
        "serde = { path = \"../serde\" }",
    );
    check_error(
        "[dependencies]\nserde = { version = \"1\", optional = true }\n",
        &add("serde", Dependency::version("1")),
        "dependency-exists",
        "serde = { version = \"1\", optional = true }",
    );
}

#[test]
fn optional_in_every_form() {
    for (before, after) in [
        ("sqlx = \"0.8\" # pool", "sqlx = { version = \"0.8\", optional = true } # pool"),
        ("sqlx   =   '0.8'", "sqlx   =   { version = '0.8', optional = true }"),
        ("\"sqlx\".workspace = true", "\"sqlx\" = { workspace = true, optional = true }"),
        ("sqlx . version = \"1\"", "sqlx = { version = \"1\", optional = true }"),
        (
            "sqlx.version = \"1\"\nsqlx.features = [\"x\"]",
            "sqlx.version = \"1\"\nsqlx.features = [\"x\"]\nsqlx.optional = true",
        ),
        ("sqlx = {path=\"x\"}", "sqlx = {path=\"x\", optional = true}"),
        (
            "sqlx = { git = \"x\" , tag = \"y\" }",
            "sqlx = { git = \"x\" , tag = \"y\", optional = true }",
        ),
        (
            "sqlx = { version = \"1\", optional = false }",
            "sqlx = { version = \"1\", optional = true }",
        ),
        (
            "[dependencies.sqlx]\n  version = \"1\"\n\n[lints]",
            "[dependencies.sqlx]\n  version = \"1\"\n  optional = true\n\n[lints]",
        ),
        (
            "sqlx = { version = \"1\", features = [\n  \"a\", # one\n] }",
            "sqlx = { version = \"1\", features = [\n  \"a\", # one\n], optional = true }",
        ),
    ] {
        let head = "[features]\nx = [\"dep:sqlx\"]\n\n[dependencies]\n";
        check(&format!("{head}{before}\n"), &optional("sqlx"), &format!("{head}{after}\n"));
    }
}

#[test]
fn default_features_are_dropped_where_they_can_be() {
    let change = DependencyChange::DropDefaultFeatures { keep: strings(&["std"]) };
    let drop = |table| dependency(table, "inventory", change.clone());
    for (before, after) in [
        (
            "inventory = { path = \"../inventory\" }",
            "inventory = { path = \"../inventory\", default-features = false, features = [\"std\"] }",
        ),
        (
            "inventory = \"1\"",
            "inventory = { version = \"1\", default-features = false, features = [\"std\"] }",
        ),
        (
            "inventory = { version = \"1\", features = [\"b\", \"z\"], default-features = true }",
            "inventory = { version = \"1\", features = [\"b\", \"std\", \"z\"], default-features = false }",
        ),
        (
            "inventory = { version = \"1\", default_features = false, features = [] }",
            "inventory = { version = \"1\", default_features = false, features = [\"std\"] }",
        ),
        (
            "inventory.path = \"x\"",
            "inventory = { path = \"x\", default-features = false, features = [\"std\"] }",
        ),
    ] {
        check(
            &format!("[dependencies]\n{before}\n"),
            &drop(DependencyTable::NORMAL),
            &format!("[dependencies]\n{after}\n"),
        );
        check(
            &format!("[workspace.dependencies]\n{before}\n"),
            &drop(DependencyTable::Workspace),
            &format!("[workspace.dependencies]\n{after}\n"),
        );
    }
    check_error(
        "[dependencies]\ninventory = { workspace = true }\n",
        &drop(DependencyTable::NORMAL),
        "inherited-dependency",
        "inventory = { workspace = true }",
    );
    check_error(
        "[dependencies]\n",
        &drop(DependencyTable::NORMAL),
        "no-such-dependency",
        "[dependencies]",
    );
}

#[test]
fn features_for_one_that_is_inherited() {
    let change = DependencyChange::AddFeatures(strings(&["implementation"]));
    let dev = |key: &str| dependency(DependencyTable::DEV, key, change.clone());
    check(
        "[dev_dependencies]\ninventory.workspace = true\n",
        &dev("inventory"),
        "[dev_dependencies]\ninventory = { workspace = true, features = [\"implementation\"] }\n",
    );
    check(
        "[dev-dependencies.inventory]\nworkspace = true\nfeatures = [\n    \"testing\",\n]\n",
        &dev("inventory"),
        "[dev-dependencies.inventory]\nworkspace = true\nfeatures = [\n    \"testing\",\n    \"implementation\",\n]\n",
    );
}

#[test]
fn removal() {
    let remove = |key| dependency(DependencyTable::NORMAL, key, DependencyChange::Remove);
    for (before, after) in [
        ("a = \"1\"\nb = \"1\" # b\nc = \"1\"\n", "a = \"1\"\nc = \"1\"\n"),
        (
            "a = \"1\"\nb.workspace = true\nb.features = [\n\"x\"\n]\n\n[lints]\n",
            "a = \"1\"\n\n[lints]\n",
        ),
        (
            "a = \"1\"\n\n[dependencies.b]\nversion = \"1\"\n\n# l\n[lints]\n",
            "a = \"1\"\n\n# l\n[lints]\n",
        ),
        ("a = \"1\"\n\n[dependencies.b]\nversion = \"1\"\n", "a = \"1\"\n"),
        ("a = \"1\"\n", "a = \"1\"\n"),
    ] {
        check(
            &format!("[dependencies]\n{before}"),
            &remove("b"),
            &format!("[dependencies]\n{after}"),
        );
    }
    check_error(
        "[dependencies]\nb = \"1\"\n[features]\nx = [\"b/y\"]\n",
        &remove("b"),
        "dependency-in-use",
        "\"b/y\"",
    );
}

#[test]
fn some_tables_have_no_optional_dependencies() {
    for (table, header) in [
        (DependencyTable::DEV, "dev-dependencies"),
        (DependencyTable::Workspace, "workspace.dependencies"),
    ] {
        check_error(
            &format!("[{header}]\nb = \"1\"\n"),
            &dependency(table, "b", DependencyChange::MakeOptional),
            "never-optional",
            "b = \"1\"",
        );
    }
}

#[test]
fn what_is_declared_can_be_asked() {
    let text = "[dependencies]\na.workspace = true\nb = { path = \"../b\", optional = true, features = [\"x\"], default-features = false }\nc = \"1\"\n";
    let table = DependencyTable::NORMAL;
    assert!(inherits(text, &table, "a") && !inherits(text, &table, "b"));
    assert!(optional_dependency(text, &table, "b") && !optional_dependency(text, &table, "c"));
    assert_eq!(super::super::dependency(text, &table, "d"), None);
    let declared = super::super::dependency(text, &table, "b").unwrap();
    assert_eq!(declared.path.as_deref(), Some("../b"));
    assert_eq!(declared.default_features, Some(false));
    assert_eq!(declared.features, ["x"]);
}
