//! Every file that an extraction of the shop writes or edits is taken by its format's own parser.

use calve::analysis::code::Code;
use calve::changes::{ChangeSet, FileChange};
use calve::diagnostic::Diagnostics;
use calve::pipeline::{self, Options};
use calve::workspace;
use camino::{Utf8Path, Utf8PathBuf};
use quote::ToTokens as _;
use saphyr::LoadableYamlNode as _;

fn shop() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop")
}

/// The change set for the shop's `inventory`; cargo's part, the lock file, is left out.
fn extracted() -> ChangeSet {
    extracted_of(&shop(), "inventory")
}

/// The change set for a module of the workspace in a folder.
fn extracted_of(dir: &Utf8Path, module: &str) -> ChangeSet {
    let workspace = workspace::load(&dir.join("Cargo.toml")).unwrap();
    let code = Code::new(&workspace);
    let mut diagnostics = Diagnostics::default();
    let options = Options::default();
    let planned = pipeline::extract(&code, module, &options, &mut diagnostics).unwrap();
    planned.unwrap_or_else(|| panic!("`{module}` can be extracted")).changes
}

#[test]
fn everything_that_is_written_for_the_shop_parses() {
    let mut seen = Vec::new();
    for (path, change) in extracted().iter() {
        let Some(text) = change.after() else { continue };
        let kind = path.extension().unwrap_or_else(|| path.file_name().unwrap());
        match kind {
            "rs" => {
                syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}\n{text}"));
            }
            "toml" => {
                let parsed = text.parse::<toml_edit::DocumentMut>();
                parsed.unwrap_or_else(|error| panic!("{path}: {error}\n{text}"));
            }
            "yaml" => {
                let documents = saphyr::Yaml::load_from_str(&text).unwrap();
                assert_eq!(documents.len(), 1, "{path}");
            }
            // They have tests of their own; SQL is run below.
            "sql" | "md" | "Dockerfile" | "dockerignore" | "example" | ".gitignore" => {}
            other => panic!("nothing parses `{other}`: {path}"),
        }
        seen.push(kind.to_owned());
    }
    for kind in ["rs", "toml", "yaml", "sql", "md", "Dockerfile", "dockerignore", "example"] {
        assert!(seen.iter().any(|s| s == kind), "no `{kind}` was written");
    }
}

#[test]
fn only_the_record_names_calve() {
    for (path, change) in extracted().iter() {
        if !matches!(change, FileChange::Create { .. }) || path.file_name() == Some("calve.toml") {
            continue;
        }
        let text = change.after().unwrap();
        assert!(!text.to_lowercase().contains("calve"), "{path}:\n{text}");
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path}");
    }
}

/// `missing_debug_implementations` is allowed by default, and denied by many teams.
#[test]
fn every_public_type_that_is_written_shows_itself() {
    let measures = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/measures");
    let mut seen = 0;
    for changes in [extracted(), extracted_of(&measures, "measures")] {
        for (path, change) in changes.iter() {
            let FileChange::Create { .. } = change else { continue };
            if path.extension() != Some("rs") {
                continue;
            }
            let file = syn::parse_file(&change.after().unwrap()).unwrap();
            for (name, attributes) in file.items.iter().filter_map(public_type) {
                let derived = attributes
                    .iter()
                    .any(|a| a.meta.to_token_stream().to_string().contains("Debug"));
                assert!(
                    derived || file.items.iter().any(|item| is_debug_of(item, name)),
                    "{path}: {name}"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 40, "{seen}");
}

/// The name and attributes of an item that is a public type.
fn public_type(item: &syn::Item) -> Option<(&syn::Ident, &[syn::Attribute])> {
    let (vis, name, attributes) = match item {
        syn::Item::Struct(item) => (&item.vis, &item.ident, &item.attrs),
        syn::Item::Enum(item) => (&item.vis, &item.ident, &item.attrs),
        _ => return None,
    };
    matches!(vis, syn::Visibility::Public(_)).then_some((name, attributes))
}

/// Whether an item is `impl Debug for name`.
fn is_debug_of(item: &syn::Item, name: &syn::Ident) -> bool {
    let syn::Item::Impl(syn::ItemImpl { trait_: Some((path, _)), self_ty, .. }) = item else {
        return false;
    };
    let syn::Type::Path(of) = &**self_ty else { return false };
    path.segments.last().is_some_and(|s| s.ident == "Debug")
        && of.path.segments.last().is_some_and(|s| s.ident == *name)
}

#[test]
fn the_sql_runs_on_the_shop_s_database() {
    let mut migrations: Vec<(String, String)> = Vec::new();
    for module in ["inventory", "notifications", "orders", "payments"] {
        let folder = shop().join("modules").join(module).join("migrations");
        for entry in folder.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            let text = std::fs::read_to_string(&path).unwrap();
            migrations.push((path.file_name().unwrap().to_owned(), text));
        }
    }
    let changes = extracted();
    let mut clean_up = None;
    for (path, change) in changes.iter().filter(|(path, _)| path.extension() == Some("sql")) {
        let text = change.after().unwrap();
        if path.starts_with("services") {
            clean_up = Some(text);
        } else {
            migrations.push((path.file_name().unwrap().to_owned(), text));
        }
    }
    migrations.sort();
    let database = rusqlite::Connection::open_in_memory().unwrap();
    for (name, text) in &migrations {
        database.execute_batch(text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
    }
    let table = |name: &str| -> bool {
        let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?";
        database.query_row(sql, [name], |row| row.get(0)).unwrap()
    };
    assert!(table("items") && table("orders"));
    database.execute_batch(&clean_up.expect("the clean-up is written")).unwrap();
    assert!(!table("items") && table("orders"));
}
