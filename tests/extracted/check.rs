//! `calve check` in the CI of a team, and a second extraction.

use std::fs;
use std::path::Path;

use crate::support::cargo::cargo_apart;
use crate::support::process::Ended;
use crate::support::{shop, tree};

#[test]
fn what_was_just_extracted_is_in_step_and_extracting_again_changes_nothing() {
    let shop = shop::copy("again");
    let said = check(&shop).ok();
    assert_eq!(said.stdout, "");
    for arguments in [
        &["extract", "inventory"][..],
        &["extract", "inventory", "--dry-run"],
        &["extract", "inventory", "--no-verify", "--allow-dirty"],
    ] {
        let said = shop::calve(&shop, arguments).ok();
        assert!(said.stderr.contains("already"), "{}", said.stderr);
        assert_eq!(said.stdout, "");
        tree::assert_same(&shop, shop::extracted());
    }
}

#[test]
fn a_method_that_is_added_is_carried_by_the_patch() {
    let shop = shop::copy("grown");
    let module = shop.join("modules/inventory/src");
    let method =
        "async fn rename(&self, sku: &Sku, name: Option<&str>) -> Result<bool, InventoryError>";
    tree::replace(
        &module.join("api.rs"),
        "    /// What the goods on hand",
        &format!(
            "    /// Gives an item another name.\n    {method};\n\n    /// What the goods on hand"
        ),
    );
    let implementation = format!(
        "    {method} {{
        let renamed = sqlx::query(\"UPDATE items SET name = ? WHERE sku = ?\")
            .bind(name.unwrap_or_default())
            .bind(sku.as_str())
            .execute(&self.pool)
            .await?;
        Ok(renamed.rows_affected() > 0)
    }}

    async fn stock_value("
    );
    tree::replace(&module.join("storage.rs"), "    async fn stock_value(", &implementation);
    let double = format!(
        "    {method} {{
        let _ = (sku, name);
        unimplemented!()
    }}

    async fn stock_value("
    );
    let fakes = shop.join("modules/orders/tests/fakes/mod.rs");
    tree::replace(&fakes, "    async fn stock_value(", &double);
    shop::repository(&shop);

    let said = mended(&shop);
    assert!(said.contains("/v1/rename"), "{said}");
    let build = ["check", "--offline", "--workspace", "--all-targets"];
    let built = cargo_apart(&shop, &build).ok();
    assert!(!built.stderr.contains("warning"), "{}", built.stderr);
    let locked = shop::git(&shop, &["diff", "--stat", "HEAD", "--", "Cargo.lock"]).ok();
    assert_eq!(locked.stdout, "", "a method needs no other dependency");
}

#[test]
fn a_generated_file_that_was_edited_is_given_back() {
    let shop = shop::copy("edited");
    let service = shop.join("services/inventory");
    tree::replace(&service.join("src/auth.rs"), "tokens.accept(token)", "true");
    let routes = service.join("src/routes.rs");
    let text = fs::read_to_string(&routes).unwrap();
    fs::write(&routes, format!("{text}// by hand\n")).unwrap();
    fs::remove_file(service.join("wire/src/limits.rs")).unwrap();
    shop::repository(&shop);
    mended(&shop);
    tree::assert_same(&shop, shop::extracted());
}

/// A workspace in a folder of its repository: the patch is relative to the top level.
#[test]
fn the_patch_of_a_check_fits_from_the_top_level() {
    let top = shop::folder("nested");
    let below = top.join("backend");
    tree::write(&below, &tree::read(shop::extracted()));
    shop::repository(&top);
    check(&below).ok();
    tree::replace(&below.join("services/inventory/src/auth.rs"), "tokens.accept(token)", "true");
    let found = check(&below);
    assert_eq!(found.code(), 1);
    apply(&top, &found.stdout);
    check(&below).ok();
    tree::assert_same(&below, shop::extracted());
}

/// Checks, applies the patch that mends what was found, checks again; returns the patch.
#[track_caller]
fn mended(shop: &Path) -> String {
    let found = check(shop);
    assert_eq!(found.code(), 1, "{}\n{}", found.stdout, found.stderr);
    let untouched = shop::git(shop, &["status", "--porcelain"]).ok();
    assert_eq!(untouched.stdout, "", "a check touches nothing");
    apply(shop, &found.stdout);
    let said = check(shop).ok();
    assert_eq!(said.stdout, "");
    found.stdout
}

#[track_caller]
fn apply(top: &Path, patch: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), patch).unwrap();
    shop::git(top, &["apply", file.path().to_str().unwrap()]).ok();
}

#[track_caller]
fn check(shop: &Path) -> Ended {
    shop::calve(shop, &["check"])
}
