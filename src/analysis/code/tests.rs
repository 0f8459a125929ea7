//! Code that a compiler would refuse, or that few people write, is looked at without harm.

use std::fmt::Write as _;

use super::{Code, Found, ScopeId};
use crate::testing::Project;

#[test]
fn files_and_names_that_lead_back_to_themselves_lead_nowhere() {
    let project = Project::new().member(
        "m",
        &[],
        &[
            (
                "src/lib.rs",
                "#[path = \"lib.rs\"]\nmod again;\nmod a;\nuse a::*;\nuse b::c as d;\nuse d::c as b;\n\
                 pub use crate::a::deep as deep;",
            ),
            ("src/a.rs", "pub use super::*;\n#[path = \"../src/a.rs\"]\npub mod deep;"),
        ],
    );
    let workspace = project.load();
    let code = Code::new(&workspace);
    let scope = ScopeId { root: code.library("m").unwrap(), index: 0 };
    let found = |path: &[&str]| {
        let names: Vec<String> = path.iter().map(|&name| name.to_owned()).collect();
        code.resolve_path(scope, false, &names)
    };
    assert_eq!(found(&["b", "c"]), Found::Nothing);
    assert_eq!(found(&["nothing"]), Found::Nothing);
    assert_eq!(found(&["super", "super", "x"]), Found::Nothing);
    assert_eq!(found(&["$crate", "x"]), Found::Nothing);
}

#[test]
fn a_glob_of_the_environment_is_followed() {
    let files = [("src/lib.rs", "use std::env::*;\npub fn args() {}")];
    let project = Project::new().member("m", &[], &files);
    let workspace = project.load();
    let code = Code::new(&workspace);
    let scope = ScopeId { root: code.library("m").unwrap(), index: 0 };
    let found = |name: &str| code.resolve_path(scope, false, &[name.to_owned()]);
    let of_std = |name: &str| Found::External("std".to_owned(), vec!["env".into(), name.into()]);
    assert_eq!(found("var"), of_std("var"));
    assert_eq!(found("something"), Found::Nothing);
    assert!(matches!(found("args"), Found::Item(..)), "what stands here comes first");
}

#[test]
fn a_function_does_not_hide_the_crate_of_its_name() {
    let project = Project::new().member("tool", &[], &[("src/lib.rs", "pub struct T;")]).member(
        "m",
        &["tool"],
        &[("src/lib.rs", "pub fn tool() -> tool::T { tool::T }")],
    );
    let workspace = project.load();
    let code = Code::new(&workspace);
    let scope = ScopeId { root: code.library("m").unwrap(), index: 0 };
    let found = |path: &[&str]| {
        let names: Vec<String> = path.iter().map(|&name| name.to_owned()).collect();
        code.resolve_path(scope, false, &names)
    };
    let Found::Item(of_tool, _) = found(&["tool", "T"]) else { panic!() };
    assert_ne!(of_tool.root, scope.root);
    assert!(matches!(found(&["tool"]), Found::Item(own, _) if own.root == scope.root));
}

#[test]
fn a_build_script_sees_its_own_dependencies_and_no_others() {
    let project = Project::new().member("tool", &[], &[("src/lib.rs", "pub struct T;")]).member(
        "m",
        &["tool"],
        &[("src/lib.rs", "pub struct L;"), ("build.rs", "fn main() {}")],
    );
    let workspace = project.load();
    let code = Code::new(&workspace);
    let script = code.target("m", crate::workspace::TargetKind::Build, "build-script-build");
    let scope = ScopeId { root: script.unwrap(), index: 0 };
    for name in ["tool", "m"] {
        assert_eq!(code.resolve_path(scope, true, &[name.to_owned()]), Found::Nothing);
    }
}

/// As deep as the stack of the program (see `cli`) allows with room to spare.
#[test]
fn deep_nesting_is_no_harm_on_a_deep_stack() {
    let mut source = String::from("pub fn f() -> u64 { ");
    let depth = 3_000;
    let _ = write!(source, "{}1{} }}", "(".repeat(depth), ")".repeat(depth));
    let _ = write!(source, "pub fn g() -> u64 {{ 1{} }}", " + 1".repeat(depth));
    let project = Project::new().member("m", &[], &[("src/lib.rs", &source)]);
    std::thread::Builder::new()
        .stack_size(1 << 30)
        .spawn(move || {
            let workspace = project.load();
            let code = Code::new(&workspace);
            let root = code.root(code.library("m").unwrap());
            assert_eq!(root.items.len(), 2);
            for item in &root.items {
                code.mentioned_by(item);
            }
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn modules_that_macros_declare_are_read() {
    let lib = "cfg_if::cfg_if! {\n    if #[cfg(unix)] {\n        mod here;\n        pub fn unix() {}\n    } else {\n        \
               mod gone;\n    }\n}\nmacro_rules! modules { ($($name:ident),*) => { $(pub mod $name;)* } }\n\
               modules!(jobs, reports);\n";
    let files = [
        ("src/lib.rs", lib),
        ("src/here.rs", "pub struct Here;"),
        ("src/jobs.rs", "pub struct Job;"),
        ("src/reports.rs", "pub struct Report;"),
    ];
    let workspace = Project::new().member("m", &[], &files).load();
    let code = Code::new(&workspace);
    let root = code.root(code.library("m").unwrap());
    for name in ["Here", "Job", "Report", "unix"] {
        let found: Vec<_> = root.items.iter().filter(|i| i.name.as_deref() == Some(name)).collect();
        assert_eq!(found.len(), 1, "{name}");
        assert!(found[0].source.text[found[0].range()].starts_with("pub "), "{name}");
    }
    assert!(root.unread.is_empty() && root.broken.is_empty(), "{:?}", root.unread);
    assert!(!root.items.iter().any(|item| item.range().is_empty()));
}
