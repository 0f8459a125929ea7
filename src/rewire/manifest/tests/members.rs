//! `[workspace] members`.

use super::*;

fn members(members: &[(&str, &str)]) -> ManifestChanges {
    let member = |(path, after): &(&str, &str)| MemberToAdd {
        path: (*path).into(),
        after: (!after.is_empty()).then(|| (*after).into()),
    };
    ManifestChanges { members: members.iter().map(member).collect(), ..ManifestChanges::default() }
}

const THREE: [(&str, &str); 3] = [
    ("services/inventory", "modules/inventory"),
    ("services/inventory/client", "services/inventory"),
    ("services/inventory/wire", "services/inventory/client"),
];

#[test]
fn after_the_module_where_the_list_is_not_sorted() {
    check(
        "[workspace]\nmembers = [\n  \"kernel\", # ids\n  \"modules/inventory\", # stock\n  # last\n  \"app\",\n]\ndefault-members = [\"app\"]\n",
        &members(&THREE),
        "[workspace]\nmembers = [\n  \"kernel\", # ids\n  \"modules/inventory\", # stock\n  \"services/inventory\",\n  \"services/inventory/client\",\n  \"services/inventory/wire\",\n  # last\n  \"app\",\n]\ndefault-members = [\"app\"]\n",
    );
}

#[test]
fn in_its_place_where_the_list_is_sorted() {
    check(
        "[workspace]\nmembers = [\"app\", \"modules/inventory\", \"tools\"]\n",
        &members(&THREE[..1]),
        "[workspace]\nmembers = [\"app\", \"modules/inventory\", \"services/inventory\", \"tools\"]\n",
    );
    check(
        "[workspace]\nmembers = [\n    # the binary\n    \"x\",\n    \"y\",\n]\n",
        &members(&[("app", "")]),
        "[workspace]\nmembers = [\n    \"app\",\n    # the binary\n    \"x\",\n    \"y\",\n]\n",
    );
}

#[test]
fn last_in_a_list_without_a_last_comma() {
    check(
        "[workspace]\nmembers = [\n\t'b',\n\t'a' # first\n]\n",
        &members(&THREE[..1]),
        "[workspace]\nmembers = [\n\t'b',\n\t'a', # first\n\t'services/inventory'\n]\n",
    );
}

#[test]
fn odd_spacing_is_copied() {
    check(
        "[workspace]\nmembers=[\"b\",\"a\"]\n",
        &members(&THREE[..1]),
        "[workspace]\nmembers=[\"b\",\"a\",\"services/inventory\"]\n",
    );
    check(
        "[workspace]\nmembers = [\"b\",\n           \"a\"]\n",
        &members(&THREE[..1]),
        "[workspace]\nmembers = [\"b\",\n           \"a\",\n           \"services/inventory\"]\n",
    );
    check(
        "[workspace]\nmembers = [\n  \"b\", \"modules/inventory\",\n  \"a\", \"c\",\n]\n",
        &members(&THREE[..1]),
        "[workspace]\nmembers = [\n  \"b\", \"modules/inventory\", \"services/inventory\",\n  \"a\", \"c\",\n]\n",
    );
}

#[test]
fn empty_lists() {
    for (before, after) in [
        ("[]", "[\"services/inventory\"]"),
        ("[ ]", "[\"services/inventory\"]"),
        ("[\n  # none yet\n]", "[\n  # none yet\n    \"services/inventory\",\n]"),
    ] {
        check(
            &format!("[workspace]\nmembers = {before}\n"),
            &members(&THREE[..1]),
            &format!("[workspace]\nmembers = {after}\n"),
        );
    }
}

#[test]
fn patterns_that_cover_the_member() {
    for (pattern, covers) in [
        ("services/*", true),
        ("./services/*/", true),
        ("services/inv?ntory", true),
        ("s*/[a-i]nventory", true),
        ("**", true),
        ("services/**/", true),
        ("services/{inventory}", false),
        ("*", false),
        ("services/orders*", false),
    ] {
        let list = format!("[workspace]\nmembers = [\"{pattern}\"]\n");
        let after = if covers {
            list.clone()
        } else {
            format!("[workspace]\nmembers = [\"{pattern}\", \"services/inventory\"]\n")
        };
        check(&list, &members(&THREE[..1]), &after);
    }
}

#[test]
fn a_pattern_covers_one_folder_and_not_those_inside() {
    check(
        "[workspace]\nmembers = [\"services/*\"]\n",
        &members(&THREE),
        "[workspace]\nmembers = [\"services/*\", \"services/inventory/client\", \"services/inventory/wire\"]\n",
    );
}

#[test]
fn an_excluded_member_is_named_with_a_warning() {
    let before = "[workspace]\nmembers = [\"*/*\"]\nexclude = [\"services\"]\n";
    check(
        before,
        &members(&THREE[..1]),
        "[workspace]\nmembers = [\"*/*\", \"services/inventory\"]\nexclude = [\"services\"]\n",
    );
    let (_, diagnostics) = apply(before, &members(&THREE[..1])).unwrap();
    let warning = diagnostics.iter().next().unwrap();
    assert_eq!(warning.code, "member-excluded");
    assert_eq!(&before[warning.labels[0].span.clone()], "[\"services\"]");
}

#[test]
fn a_workspace_without_the_key() {
    check(
        "[package]\nname = \"shop\"\n\n[workspace] # root\nresolver = \"2\"\n",
        &members(&THREE[..1]),
        "[package]\nname = \"shop\"\n\n[workspace] # root\nmembers = [\"services/inventory\"]\nresolver = \"2\"\n",
    );
    check(
        "[package]\nname = \"shop\"\n\n[workspace]\n\n[dependencies]\n",
        &members(&THREE[..1]),
        "[package]\nname = \"shop\"\n\n[workspace]\nmembers = [\"services/inventory\"]\n\n[dependencies]\n",
    );
    check(
        "[package]\nname = \"shop\"\n\n# shared\n[workspace.dependencies]\nserde = \"1\"\n",
        &members(&THREE[..1]),
        "[package]\nname = \"shop\"\n\n[workspace]\nmembers = [\"services/inventory\"]\n\n# shared\n[workspace.dependencies]\nserde = \"1\"\n",
    );
    check(
        "[package]\nname = \"shop\"\n",
        &members(&THREE[..1]),
        "[package]\nname = \"shop\"\n\n[workspace]\nmembers = [\"services/inventory\"]\n",
    );
}

#[test]
fn a_workspace_in_dotted_keys_or_braces() {
    check(
        "workspace.resolver = \"2\"\n\n[package]\nname = \"shop\"\n",
        &members(&THREE[..1]),
        "workspace.members = [\"services/inventory\"]\nworkspace.resolver = \"2\"\n\n[package]\nname = \"shop\"\n",
    );
    check(
        "workspace = { resolver = \"2\" }\n\n[package]\nname = \"shop\"\n",
        &members(&THREE[..1]),
        "workspace = { resolver = \"2\", members = [\"services/inventory\"] }\n\n[package]\nname = \"shop\"\n",
    );
}

#[test]
fn members_that_are_no_list() {
    check_error(
        "[workspace]\nmembers = \"app\"\n",
        &members(&THREE[..1]),
        "invalid-manifest",
        "\"app\"",
    );
}
