//! The contract: the API trait and every item its signatures reach, to a fixpoint; with it, what lies
//! outside and is gated by the feature `implementation`.

mod attributes;
mod closure;
mod dependencies;
mod drawing;
mod elsewhere;
mod imports;

pub(super) use attributes::attribute_place;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use camino::Utf8PathBuf;

use super::code::{Code, Item, ItemId};
use super::module::Served;
use super::references::Reference;
use crate::diagnostic::Diagnostics;

/// The split of the module's library into contract and implementation.
#[derive(Debug)]
pub struct Contract {
    /// The types that stand behind the API traits.
    pub implementations: BTreeSet<ItemId>,
    /// Items that stay without the feature, impl blocks included.
    pub kept: BTreeSet<ItemId>,
    /// Items that consumers name and that reach storage or state: names behind the trait.
    pub behind: BTreeSet<ItemId>,
    /// For an item that was reached, the item that named it.
    pub reached_from: BTreeMap<ItemId, ItemId>,
    /// Edits that gate the rest, by file.
    pub gates: Vec<Gate>,
    /// Keys of `[dependencies]` that only the implementation names.
    pub optional_dependencies: Vec<String>,
    /// Driver crates that the contract itself names, such as `sqlx` in an error variant.
    pub drivers_kept: Vec<String>,
}

/// One piece of source that only the implementation needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// An item, a `mod` declaration or a method: `#[cfg(feature = "implementation")]` goes before it.
    Item {
        /// The file, relative to the workspace root.
        file: Utf8PathBuf,
        /// Where the attribute goes: behind doc comments, before other attributes.
        at: usize,
    },
    /// A `use` of which some leaves are needed without the feature.
    Use {
        /// The file, relative to the workspace root.
        file: Utf8PathBuf,
        /// The whole item.
        range: Range<usize>,
        /// What stays, as a `use` item; none if nothing stays.
        kept: String,
        /// What is gated, as a `use` item.
        gated: String,
    },
    /// Derives that need a dependency that became optional, with their helper attributes.
    Derive {
        /// The file, relative to the workspace root.
        file: Utf8PathBuf,
        /// What is replaced: a derive's list, or a helper attribute.
        range: Range<usize>,
        /// What stands there afterwards.
        replacement: String,
    },
}

/// The feature that stands for everything outside of the contract.
pub const IMPLEMENTATION: &str = "implementation";

/// Crates that reach storage or another process: what names them is not contract, unless the API
/// trait's own signatures lead there.
const DRIVERS: [&str; 20] = [
    "bb8",
    "deadpool",
    "deadpool_postgres",
    "diesel",
    "diesel_async",
    "diesel_migrations",
    "lapin",
    "mongodb",
    "mysql_async",
    "postgres",
    "r2d2",
    "r2d2_sqlite",
    "rdkafka",
    "redis",
    "refinery",
    "reqwest",
    "rusqlite",
    "sea_orm",
    "sqlx",
    "tokio_postgres",
];

/// Draws the line through a module's library, the compilation root `library`.
///
/// The implementations in `served` are items of it; its traits are, too, or all stand in contract crates:
/// then nothing is gated. `references` are all names of the library that others use.
pub fn draw<'w>(
    code: &Code<'w>,
    library: usize,
    served: &[Served<'w>],
    references: &[Reference<'w>],
    diagnostics: &mut Diagnostics,
) -> Option<Contract> {
    let implementations: BTreeSet<ItemId> =
        served.iter().map(|served| served.implementation.id).collect();
    let apis = served.iter().map(|served| served.api.id).filter(|api| api.root == library);
    let apis: Vec<ItemId> = apis.collect();
    if apis.is_empty() {
        return Some(elsewhere::of(code, library, implementations, references));
    }
    let mut contract =
        closure::close(code, library, &apis, implementations, references, diagnostics)?;
    let root = code.root(library);
    let mut drawing = drawing::Drawing::new(code, &root, &contract);
    dependencies::find(code, &root, &drawing, &mut contract);
    imports::draw(&mut drawing, &contract);
    drawing.emit();
    contract.gates = std::mem::take(&mut drawing.gates);
    dependencies::gate_derives(code, &mut contract);
    Some(contract)
}

impl Contract {
    fn new(implementations: BTreeSet<ItemId>) -> Self {
        Self {
            implementations,
            kept: BTreeSet::new(),
            behind: BTreeSet::new(),
            reached_from: BTreeMap::new(),
            gates: Vec::new(),
            optional_dependencies: Vec::new(),
            drivers_kept: Vec::new(),
        }
    }

    /// The chain of names that leads from the API trait to `item`, the item first.
    pub fn chain<'w>(&self, code: &Code<'w>, item: ItemId) -> Vec<Item<'w>> {
        let mut chain = vec![code.item(item)];
        let mut at = item;
        while let Some(&from) = self.reached_from.get(&at) {
            if chain.iter().any(|i| i.id == from) {
                break;
            }
            chain.push(code.item(from));
            at = from;
        }
        chain
    }
}
