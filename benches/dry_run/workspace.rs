//! A workspace of 1,000 crates: the shop of `fixtures/shop`, and crates around it, some of which use its
//! inventory. The same at each run.

use std::fs;
use std::io;
use std::path::Path;

/// How many crates there are beside the shop's own.
const CRATES: usize = 994;

/// Every so many of them use the inventory, in one of their files.
const USERS: usize = 22;

/// Modules of each, beside `lib.rs`.
const MODULES: usize = 7;

/// Writes it below `dir`, which is created.
pub(crate) fn write(dir: &Path) -> io::Result<()> {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop");
    copy(&shop, dir)?;
    let root = dir.join("Cargo.toml");
    let manifest =
        fs::read_to_string(&root)?.replace("members = [\n", "members = [\n    \"parts/*\",\n");
    fs::write(root, manifest)?;
    for number in 0..CRATES {
        write_crate(&dir.join("parts").join(name(number)), number)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_name() == "target" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("part-{number:03}")
}

fn uses_inventory(number: usize) -> bool {
    number.is_multiple_of(CRATES / USERS)
}

fn write_crate(dir: &Path, number: usize) -> io::Result<()> {
    fs::create_dir_all(dir.join("src"))?;
    let mut manifest = format!(
        "[package]\nname = \"{}\"\nversion.workspace = true\nedition.workspace = true\n\
         publish.workspace = true\n\n[dependencies]\n",
        name(number)
    );
    if uses_inventory(number) {
        manifest.push_str("inventory.workspace = true\n");
    }
    manifest.push_str("kernel.workspace = true\n");
    // Three crates before this one, if there are so many: a graph as deep as those of real life.
    for step in [1, 7, 31] {
        // Nobody depends on the inventory's users: they are leaves, such as adapters and jobs.
        if let Some(other) = number.checked_sub(step).filter(|other| !uses_inventory(*other)) {
            manifest.push_str(&format!("{} = {{ path = \"../{0}\" }}\n", name(other)));
        }
    }
    fs::write(dir.join("Cargo.toml"), manifest)?;

    let mut lib = format!("//! Part {number} of a large system.\n\n");
    for module in 0..MODULES {
        lib.push_str(&format!("pub mod step_{module};\n"));
    }
    for item in 0..14 {
        lib.push_str(&code(number, MODULES, item));
    }
    fs::write(dir.join("src/lib.rs"), lib)?;
    for module in 0..MODULES {
        let mut text = format!("//! Step {module} of part {number}.\n");
        if module < 2 && uses_inventory(number) {
            text.push_str(USER);
        }
        for item in 0..12 {
            text.push_str(&code(number, module, item));
        }
        fs::write(dir.join(format!("src/step_{module}.rs")), text)?;
    }
    Ok(())
}

/// What a user of the inventory does with it.
const USER: &str = r#"
use std::sync::Arc;

use inventory::{InventoryApi, InventoryError, Sku};

/// Says whether something is there.
pub struct Shelf {
    inventory: Arc<dyn InventoryApi>,
}

impl Shelf {
    /// Over the shop's inventory.
    pub fn new(inventory: Arc<dyn InventoryApi>) -> Self {
        Self { inventory }
    }

    /// Whether an item of that number is known.
    pub async fn knows(&self, sku: &Sku) -> Result<bool, InventoryError> {
        Ok(self.inventory.find_item(sku).await?.is_some())
    }
}
"#;

/// A dozen lines of plain code.
fn code(number: usize, module: usize, item: usize) -> String {
    let seed = number * 31 + module * 7 + item;
    format!(
        r#"
/// Record {item} of this step.
#[derive(Debug, Clone, PartialEq)]
pub struct Record{item} {{
    pub number: u64,
    pub label: String,
    amounts: Vec<i64>,
}}

impl Record{item} {{
    /// The sum of what is above {seed}.
    pub fn above(&self) -> i64 {{
        self.amounts.iter().copied().filter(|amount| *amount > {seed}).sum()
    }}
}}
"#
    )
}
