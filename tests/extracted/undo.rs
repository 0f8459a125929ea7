//! Every fixture there and back: its modules are taken out one after the other, `check` finds nothing, and
//! `undo` gives back what was there, byte for byte.

use std::path::Path;

use crate::market::CUTS;
use crate::support::{shop, tree};

/// The fixtures, each with the modules that are taken out, in this order.
const FIXTURES: [(&str, &[&str]); 8] = [
    ("shop", &["inventory"]),
    ("market", &["listings"]),
    ("forms", &["ledger", "rooms", "guests", "parcels", "pantry"]),
    ("ports", &["mailer"]),
    ("roots", &["catalogue"]),
    ("measures", &["measures"]),
    ("depot", &["bins"]),
    ("archive", &["scans"]),
];

#[test]
fn what_was_taken_out_is_taken_back() {
    for (fixture, modules) in FIXTURES {
        let before =
            tree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture));
        let temporary = tempfile::tempdir().unwrap();
        let monolith = temporary.path();
        tree::write(monolith, &before);
        shop::repository(monolith);

        let mut stages = Vec::new();
        for module in modules {
            stages.push(tree::read(monolith));
            let mut extract = vec!["extract", module, "--no-verify"];
            match *module {
                "listings" => extract.extend(CUTS.iter().flat_map(|cut| ["--cut", cut])),
                "pantry" => extract.extend(["--trait", "PantryApi,Reports"]),
                _ => {}
            }
            shop::calve(monolith, &extract).ok();
            shop::repository(monolith);
        }
        assert_eq!(shop::calve(monolith, &["check"]).ok().stdout, "", "{fixture}");
        for stage in stages.into_iter().rev() {
            assert!(tree::read(monolith) != stage, "{fixture}: something was taken out");
            shop::calve(monolith, &["undo"]).ok();
            let now = tree::read(monolith);
            let differ =
                now.keys().chain(stage.keys()).find(|path| now.get(*path) != stage.get(*path));
            assert_eq!(differ, None, "{fixture}");
        }
        let nothing = shop::calve(monolith, &["undo"]);
        assert_eq!(nothing.code(), 1, "{fixture}: {}", nothing.stderr);
    }
}
