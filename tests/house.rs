//! The rules of the house, held over its own sources: imports run downwards only, files have a head
//! and an end, and few of them write to the disk.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

/// The floors from the top; a module imports from floors below its own.
const FLOORS: [&[&str]; 9] = [
    &["main", "cargo_calve"],
    &["cli"],
    &["commands"],
    &["pipeline"],
    &["codegen", "rewire", "verify"],
    &["plan"],
    &["analysis"],
    &["workspace"],
    &["changes", "diagnostic"],
];

/// What is not a matter of floors: everything may report, and a change set is refused with a reason.
const ALLOWED: [(&str, &str); 1] = [("changes", "diagnostic")];

/// Where the disk is written to.
const WRITERS: [&str; 2] = ["changes", "verify"];

/// Functions of `std::fs` that write.
const WRITES: [&str; 11] = [
    "copy",
    "create_dir",
    "create_dir_all",
    "hard_link",
    "remove_dir",
    "remove_dir_all",
    "remove_file",
    "rename",
    "set_permissions",
    "soft_link",
    "write",
];

/// The longest file that one still reads top to bottom.
const LONGEST: usize = 600;

#[test]
fn imports_run_downwards() {
    let mut wrong = Vec::new();
    for (path, file) in product() {
        let from = module_of(&path);
        if from == "lib" {
            continue;
        }
        let Some(own) = floor(from) else {
            wrong.push(format!("{path}: `{from}` is on no floor"));
            continue;
        };
        for to in imported(file.to_token_stream(), depth(&path)) {
            let below = floor(&to).is_some_and(|other| other > own);
            if to != from && !below && !ALLOWED.contains(&(from, to.as_str())) {
                wrong.push(format!("{path} imports `{to}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "against the direction of the house:\n{}", wrong.join("\n"));
}

#[test]
fn files_say_what_they_are_and_end_in_time() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        if !text.starts_with("//! ") {
            wrong.push(format!("{path} does not begin with `//! `"));
        }
        let lines = text.lines().count();
        if path.starts_with("src") && lines > LONGEST {
            wrong.push(format!("{path} has {lines} lines, more than {LONGEST}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn few_write_to_the_disk() {
    let mut wrong = Vec::new();
    for (path, file) in product() {
        if WRITERS.contains(&module_of(&path)) {
            continue;
        }
        let words = flat(file.to_token_stream());
        for at in 0..words.len() {
            let writes = match words[at..].iter().map(String::as_str).collect::<Vec<_>>().as_slice()
            {
                ["fs", ":", ":", name, ..] => WRITES.contains(name),
                ["File", ":", ":", "create" | "create_new" | "options", ..] => true,
                ["OpenOptions", ..] => true,
                _ => false,
            };
            if writes {
                wrong.push(format!(
                    "{path}: `{}` of `std::fs`",
                    words[at..words.len().min(at + 4)].concat()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "the disk is written to outside of {WRITERS:?}:\n{}",
        wrong.join("\n")
    );
}

/// Both ways: what is said has an explanation, what is explained is said somewhere. Codes that are
/// passed on in variables are held by an assertion in `Diagnostic` itself.
#[test]
fn every_code_has_an_explanation_and_none_is_left_over() {
    let explained: BTreeSet<String> =
        calve::diagnostic::explanations().map(|e| format!("\"{}\"", e.code)).collect();
    let (mut said, mut literals) = (BTreeSet::new(), BTreeSet::new());
    for (path, file) in product() {
        let words = flat(file.to_token_stream());
        for at in 0..words.len() {
            let next: Vec<&str> = words[at..].iter().take(6).map(String::as_str).collect();
            if let ["Diagnostic", ":", ":", "error" | "warning", "(", code, ..]
            | ["draft", ".", "error" | "warning", "(", code, ..] = next.as_slice()
                && code.starts_with('"')
            {
                said.insert(((*code).to_owned(), path.clone()));
            }
        }
        literals.extend(words.into_iter().filter(|word| word.starts_with('"')));
    }
    let mut wrong: Vec<String> = said
        .iter()
        .filter(|(code, _)| !explained.contains(code))
        .map(|(code, path)| {
            let code = code.trim_matches('"');
            format!(
                "{path} says `{code}`: add a section `## {code}` to a file of src/diagnostic/codes"
            )
        })
        .collect();
    wrong.extend(explained.difference(&literals).map(|code| {
        let code = code.trim_matches('"');
        format!("nothing says `{code}`: take `## {code}` out of src/diagnostic/codes")
    }));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(said.len() > 50, "the codes were not found");
}

#[test]
fn the_rules_see_what_they_are_about() {
    let tokens =
        "use crate::{analysis::x, plan}; fn f() { crate::rewire::g(); super::super::cli::h() }";
    let found = imported(tokens.parse().unwrap(), 2);
    let expected = ["analysis", "cli", "plan", "rewire"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(expected));
    assert!(floor("codegen") == floor("rewire") && floor("cli") < floor("plan"));
    assert!(product().len() > 50, "the sources are found");
}

/// Every source file below a folder of the package, with its text.
fn sources(folder: &str) -> BTreeMap<Utf8PathBuf, String> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = walkdir::WalkDir::new(root.join(folder)).into_iter().map(|e| e.expect("an entry"));
    files
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| {
            let path = Utf8Path::from_path(entry.path()).expect("a UTF-8 path");
            let text = std::fs::read_to_string(path).expect("a source file");
            (path.strip_prefix(root).expect("below the root").to_owned(), text)
        })
        .collect()
}

/// The files of `src` without what exists only under `cfg(test)`.
fn product() -> BTreeMap<Utf8PathBuf, syn::File> {
    let mut files: BTreeMap<Utf8PathBuf, syn::File> = sources("src")
        .into_iter()
        .map(|(path, text)| {
            let file = syn::parse_file(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
            (path, file)
        })
        .collect();
    let mut gone = Vec::new();
    for (path, file) in &mut files {
        strip(&mut file.items, &children(path), &mut gone);
    }
    files.retain(|path, _| {
        !gone.iter().any(|module| path.starts_with(module) || path.with_extension("") == *module)
    });
    files
}

/// Takes test-only items away; `gone` gets the folders of test-only modules in files of their own.
fn strip(items: &mut Vec<syn::Item>, folder: &Utf8Path, gone: &mut Vec<Utf8PathBuf>) {
    items.retain_mut(|item| {
        let attributes = match item {
            syn::Item::Mod(module) => &module.attrs,
            syn::Item::Fn(function) => &function.attrs,
            syn::Item::Use(import) => &import.attrs,
            syn::Item::Impl(block) => &block.attrs,
            _ => return true,
        };
        let test_only = attributes.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
        });
        if let syn::Item::Mod(module) = item {
            match &mut module.content {
                None if test_only => gone.push(folder.join(module.ident.to_string())),
                Some((_, inner)) => strip(inner, &folder.join(module.ident.to_string()), gone),
                None => {}
            }
        }
        !test_only
    });
}

/// The folder in which a file's modules are.
fn children(path: &Utf8Path) -> Utf8PathBuf {
    match path.file_name() {
        Some("mod.rs" | "lib.rs" | "main.rs") => path.parent().unwrap_or(path).to_owned(),
        _ => path.with_extension(""),
    }
}

/// The module right below the crate root that a file belongs to.
fn module_of(path: &Utf8Path) -> &str {
    let inside = path.strip_prefix("src").expect("below src");
    let first = inside.components().next().expect("a file").as_str();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// How many modules below the crate root a file stands.
fn depth(path: &Utf8Path) -> usize {
    children(path).components().count() - 1
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The modules right below the crate root that tokens name, through `crate::`, `calve::` or as many
/// `super::` as lead out of a file `depth` modules below the root.
fn imported(tokens: TokenStream, depth: usize) -> BTreeSet<String> {
    let words = flat(tokens);
    let mut found = BTreeSet::new();
    for at in 0..words.len() {
        let start = match words[at].as_str() {
            "crate" | "calve" => Some(at + 1),
            "super" if at < 2 || words[at - 1] != ":" => {
                let supers = words[at..].chunks(3).take_while(|chunk| chunk[0] == "super").count();
                (supers == depth).then_some(at + 3 * supers - 2)
            }
            _ => None,
        };
        let Some(start) = start else { continue };
        match words.get(start..start + 3) {
            Some([one, two, open]) if one == ":" && two == ":" && open == "{" => {
                found.extend(leading(&words[start + 3..]));
            }
            Some([one, two, name]) if one == ":" && two == ":" => {
                found.insert(name.clone());
            }
            _ => {}
        }
    }
    // A macro, a type re-exported at the root: no module.
    found.retain(|name| name == "testing" || floor(name).is_some());
    found
}

/// The first names of the paths in a `{…}` whose brace is open already.
fn leading(words: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut fresh) = (0, true);
    for word in words {
        match word.as_str() {
            "{" => depth += 1,
            "}" if depth == 0 => break,
            "}" => depth -= 1,
            "," if depth == 0 => fresh = true,
            name if fresh && depth == 0 => {
                names.push(name.to_owned());
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

/// The words of tokens in a row, delimiters included.
fn flat(tokens: TokenStream) -> Vec<String> {
    let mut words = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Brace => ("{", "}"),
                    proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                    proc_macro2::Delimiter::Bracket => ("[", "]"),
                    proc_macro2::Delimiter::None => ("", ""),
                };
                words.push(open.to_owned());
                words.extend(flat(group.stream()));
                words.push(close.to_owned());
            }
            other => words.push(other.to_string()),
        }
    }
    words
}
