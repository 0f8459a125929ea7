//! What was found for each of a module's API traits, as one list.

use super::{CallSite, Hazards};

impl Hazards {
    /// The same with other names for the operations.
    #[must_use]
    pub fn calling(mut self, name: impl Fn(&str) -> String) -> Self {
        let calls = self.calls.into_iter();
        self.calls = calls.map(|(operation, sites)| (name(&operation), sites)).collect();
        self
    }

    /// What was found for two traits of one module. A place that both claim, since only its name speaks
    /// for it, counts once.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (operation, sites) in other.calls {
            let mut own: Vec<CallSite> = Vec::new();
            for site in sites {
                let claimed = self.calls.values().flatten().find(|claimed| is_same(claimed, &site));
                match claimed {
                    Some(claimed) if claimed.certain || !site.certain => continue,
                    Some(_) => {
                        self.calls.values_mut().for_each(|s| s.retain(|c| !is_same(c, &site)))
                    }
                    None => {}
                }
                own.push(site);
            }
            self.calls.insert(operation, own);
        }
        merge(&mut self.in_transaction, other.in_transaction);
        merge(&mut self.in_loop, other.in_loop);
        let cycles = other.cycles.into_iter();
        self.cycles.extend(cycles.filter(|cycle| !self.cycles.contains(cycle)).collect::<Vec<_>>());
        for downcast in other.downcasts {
            let there = self
                .downcasts
                .iter_mut()
                .find(|known| (&known.file, &known.range) == (&downcast.file, &downcast.range));
            match there {
                Some(known) if downcast.of_module && !known.of_module => *known = downcast,
                Some(_) => {}
                None => self.downcasts.push(downcast),
            }
        }
        let lying = other.lying.into_iter();
        self.lying.extend(lying.filter(|name| !self.lying.contains(name)).collect::<Vec<_>>());
        self.lying.sort_by(|a, b| (&a.file, a.range.start).cmp(&(&b.file, b.range.start)));
        self.downcasts.sort_by(|a, b| (&a.file, a.range.start).cmp(&(&b.file, b.range.start)));
        self
    }
}

fn merge(sites: &mut Vec<CallSite>, others: Vec<CallSite>) {
    for site in others {
        match sites.iter_mut().find(|known| is_same(known, &site) && known.outer == site.outer) {
            Some(known) if site.certain && !known.certain => *known = site,
            Some(_) => {}
            None => sites.push(site),
        }
    }
    sites.sort_by(|a, b| (&a.file, a.range.start).cmp(&(&b.file, b.range.start)));
}

/// Whether two traits claim one call.
fn is_same(one: &CallSite, other: &CallSite) -> bool {
    (&one.file, &one.range, one.line, &one.operation, &one.through)
        == (&other.file, &other.range, other.line, &other.operation, &other.through)
}
