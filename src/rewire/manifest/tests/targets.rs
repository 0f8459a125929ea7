//! `required-features`.

use super::*;

fn require(kind: TargetKind, name: &str, path: Option<&str>) -> ManifestChanges {
    let required = RequiredFeatures {
        kind,
        name: name.to_owned(),
        path: path.map(Into::into),
        features: strings(&["implementation"]),
    };
    ManifestChanges { required_features: vec![required], ..ManifestChanges::default() }
}

const HEAD: &str = "[package]\nname = \"a\"\nedition = \"2021\"\n";

#[test]
fn a_target_that_cargo_found_by_itself() {
    check(
        &format!("{HEAD}\n[dependencies]\nb = \"1\"\n\n[lints]\n"),
        &require(TargetKind::Test, "storage", None),
        &format!(
            "{HEAD}\n[dependencies]\nb = \"1\"\n\n[[test]]\nname = \"storage\"\nrequired-features = [\"implementation\"]\n\n[lints]\n"
        ),
    );
    check(
        &format!("{HEAD}\n[[bench]]\nname = \"x\"\nharness = false\n\n[dependencies]\n"),
        &require(TargetKind::Bench, "load", Some("perf/load.rs")),
        &format!(
            "{HEAD}\n[[bench]]\nname = \"x\"\nharness = false\n\n[[bench]]\nname = \"load\"\npath = \"perf/load.rs\"\nrequired-features = [\"implementation\"]\n\n[dependencies]\n"
        ),
    );
}

#[test]
fn a_target_with_an_entry() {
    check(
        &format!("{HEAD}\n[[example]]\nname = \"x\"\n[[example]]\nname = \"y\" # why\n"),
        &require(TargetKind::Example, "x", Some("ignored.rs")),
        &format!(
            "{HEAD}\n[[example]]\nname = \"x\"\nrequired-features = [\"implementation\"]\n[[example]]\nname = \"y\" # why\n"
        ),
    );
    check(
        &format!("{HEAD}\n[[bin]]\nname = \"x\"\nrequired-features = [\"cli\"]\npath = \"x.rs\"\n"),
        &require(TargetKind::Bin, "x", None),
        &format!(
            "{HEAD}\n[[bin]]\nname = \"x\"\nrequired-features = [\"cli\", \"implementation\"]\npath = \"x.rs\"\n"
        ),
    );
}

#[test]
fn in_edition_2015_the_others_are_still_found() {
    check(
        "[package]\nname = \"a\"\n",
        &require(TargetKind::Test, "storage", None),
        "[package]\nname = \"a\"\nautotests = true\n\n[[test]]\nname = \"storage\"\nrequired-features = [\"implementation\"]\n",
    );
}

#[test]
fn inline_entries_are_refused() {
    check_error(
        "test = [{ name = \"x\" }]\n",
        &require(TargetKind::Test, "storage", None),
        "unusual-manifest",
        "[{ name = \"x\" }]",
    );
}
