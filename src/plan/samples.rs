//! Arguments that guarded types accept, for the contract suite: found once in the monolith's own code,
//! then kept in the record, so that somebody else's test does not change what `check` expects.

use std::collections::BTreeMap;

use crate::analysis::code::Code;
use crate::analysis::literals;
use crate::analysis::module::Module;

/// Lists of constructor arguments as written, by type name.
pub type Samples = BTreeMap<String, Vec<String>>;

/// What is recorded already, and what the code has for the other guarded types.
pub fn collect(code: &Code<'_>, module: &Module<'_>, recorded: &Samples) -> Samples {
    let mut samples = recorded.clone();
    for (instance, form) in &module.wire.forms {
        let (Some(constructor), Some(name)) = (form.guard(), code.item(instance.id).name) else {
            continue;
        };
        samples.entry(name).or_insert_with(|| {
            let found = literals::accepted(code, instance.id, constructor);
            found.iter().map(ToString::to_string).collect()
        });
    }
    samples.retain(|_, list| !list.is_empty());
    samples
}
