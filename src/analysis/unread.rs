//! Code of the module and of the crates around it that nobody read: what stands in it may go on using the
//! module in process.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::code::{Code, Unread};
use super::references::roots_around;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::workspace::{Member, Target, TargetKind, not_read};

/// Refuses modules that lie elsewhere or nowhere, and targets that begin in a file that is not there.
/// `service` is the folder of the service where the module was extracted before.
pub(super) fn refuse(
    code: &Code<'_>,
    library: usize,
    service: Option<&Utf8Path>,
    diagnostics: &mut Diagnostics,
) {
    let root = code.root(library);
    let own = (root.member, root.target, library);
    let mut around = roots_around(code, library);
    around.retain(|(member, _, _)| !service.is_some_and(|dir| member.dir.starts_with(dir)));
    // A file may belong to a library and a binary at once.
    let mut seen = BTreeSet::new();
    for (member, target, index) in around.into_iter().chain([own]) {
        if let Some(missing) = missing(code, member, target) {
            diagnostics.push(missing);
        }
        for unread in &code.root(index).unread {
            if seen.insert((unread.file, unread.range.start)) {
                diagnostics.push(module(member, unread));
            }
        }
    }
}

fn module(member: &Member, unread: &Unread<'_>) -> Diagnostic {
    let Unread { file, range, module, is_there } = unread;
    let diagnostic = if *is_there {
        not_read(module, WHY.to_owned())
    } else {
        gone(&format!("`{module}`, a module of `{}`, is not there", member.name))
    };
    diagnostic.at(*file, range.clone(), "a module of its crate")
}

/// A target whose file is not there, unless features decide whether it is built.
fn missing(code: &Code<'_>, member: &Member, target: &Target) -> Option<Diagnostic> {
    let workspace = code.workspace;
    let is_looked_at = !matches!(target.kind, TargetKind::Lib | TargetKind::Build);
    if !is_looked_at || workspace.exists(&target.root) {
        return None;
    }
    let (range, is_optional) = member.target_table(workspace, target);
    let (file, name, package) = (&target.root, &target.name, &member.name);
    (!is_optional).then(|| {
        gone(&format!("`{file}`, the target `{name}` of `{package}`, is not there")).at(
            &member.manifest,
            range,
            "begins in it",
        )
    })
}

fn gone(message: &str) -> Diagnostic {
    Diagnostic::error("file-not-read", message).note(WHY).help(
        "make `cargo check --all-targets` pass first: bring the file back, or take out what names it",
    )
}

const WHY: &str = "what stands in it may go on using the module in process";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;

    fn refused(workspace: &crate::workspace::Workspace) -> Vec<String> {
        let code = Code::new(workspace);
        let mut diagnostics = Diagnostics::default();
        refuse(&code, code.library("stock").unwrap(), None, &mut diagnostics);
        diagnostics.iter().map(|refusal| refusal.message.clone()).collect()
    }

    #[test]
    fn modules_that_lie_elsewhere_or_nowhere_are_told() {
        let lib =
            "#[path = \"../../real/jobs.rs\"]\nmod jobs;\nmod gone;\nmod deep { mod down; }\n";
        let project = Project::new().member("stock", &[], &[("src/lib.rs", "")]).member(
            "shop",
            &["stock"],
            &[("src/lib.rs", lib)],
        );
        let root = project.load().root;
        std::fs::create_dir(root.join("real")).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test sets its own stage")]
        std::fs::write(root.join("real/jobs.rs"), "").unwrap();
        let workspace = crate::workspace::load(&root.join("Cargo.toml")).unwrap();
        assert_eq!(
            refused(&workspace),
            [
                "`real/jobs.rs` is code of the workspace and was not read",
                "`shop/src/gone.rs`, a module of `shop`, is not there",
                "`shop/src/deep/down.rs`, a module of `shop`, is not there",
            ]
        );
    }

    #[test]
    fn modules_that_may_be_left_out_and_those_of_a_path_are_no_alarm() {
        let lib = "#[cfg(feature = \"gone\")]\nmod gone;\n\
                   #[cfg_attr(windows, path = \"windows.rs\")]\nmod system;\n\
                   #[cfg(windows)]\nmod windows { mod handles; }\n\
                   mod conditional;\nmod inline { #[path = \"other.rs\"]\nmod there; }\n\
                   #[path = \"far\"]\nmod away { mod near; }\n\
                   include!(\"put/in.rs\");\n";
        let files = [
            ("src/lib.rs", lib),
            ("src/conditional.rs", "#![cfg(unix)]\nmod nothing;\n"),
            ("src/inline/other.rs", ""),
            ("src/far/near.rs", ""),
            ("src/put/in.rs", "mod beside;\n"),
            ("src/put/beside.rs", ""),
        ];
        let project = Project::new().member("stock", &[], &[("src/lib.rs", "")]).member(
            "shop",
            &["stock"],
            &files,
        );
        assert_eq!(refused(&project.load()), Vec::<String>::new());
    }
}
