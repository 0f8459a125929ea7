//! Proves a split on PostgreSQL: what one database held before, the two hold afterwards, but for what was
//! said.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Name;
use crate::analysis::schema::{Counted, Cut};

/// The query that gives all that migrations made, as one line of JSON.
pub const CATALOG: &str = include_str!("catalog.sql");

/// What a database holds, by kind, what it is on, and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    items: BTreeMap<Key, Item>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: String,
    on: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    /// The table that a foreign key references.
    into: String,
    definition: String,
}

/// What was said of a split.
#[derive(Debug)]
pub struct Said<'a> {
    /// The module's tables, in the service afterwards.
    pub tables: &'a [Name],
    /// The module's views.
    pub views: &'a [Name],
    /// The module's sequences that belong to no column.
    pub sequences: &'a [Name],
    /// What has no rows and the service's set makes; none of a folder that was the module's own.
    pub objects: Option<&'a BTreeSet<String>>,
    /// What the user left out.
    pub cuts: &'a [Cut],
    /// Whether something stands in for the module's tables on a new database of the monolith.
    pub stands_in: bool,
}

/// The databases.
#[derive(Debug)]
pub struct Databases<'a> {
    /// That of the monolith before.
    pub before: &'a Catalog,
    /// The same, made a second time: what differs there is up to a clock or dice.
    pub again: Option<&'a Catalog>,
    /// That of the monolith afterwards.
    pub monolith: &'a Catalog,
    /// The service's.
    pub service: &'a Catalog,
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Compared {
    /// What was counted.
    pub lines: Vec<Counted>,
    /// What nobody said; empty where the split holds.
    pub differences: Vec<String>,
    /// Whether it is rows that differ, perhaps by chance.
    pub by_content: bool,
}

/// Kinds that are counted each by itself; the others together.
const KINDS: [(&str, &str); 10] = [
    ("table", "tables"),
    ("foreign key", "foreign keys"),
    ("column", "columns"),
    ("constraint", "constraints"),
    ("index", "indexes"),
    ("sequence", "sequences"),
    ("trigger", "triggers"),
    ("function", "functions"),
    ("type", "types"),
    ("view", "views"),
];

/// Kinds of what is in tables rather than of what they are.
const CONTENT: [&str; 3] = ["content", "rows", "value"];

impl Catalog {
    /// Reads what [`CATALOG`] gives.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let rows: Vec<(String, String, String, String, Option<String>)> =
            serde_json::from_str(json)?;
        let item = |(kind, on, name, into, definition): (_, _, _, _, Option<String>)| {
            (Key { kind, on, name }, Item { into, definition: definition.unwrap_or_default() })
        };
        Ok(Self { items: rows.into_iter().map(item).collect() })
    }

    /// Whether two hold the same, rows left out.
    pub fn is_built_as(&self, other: &Self) -> bool {
        const LOST: [&str; 2] = ["comment", "privilege"];
        let built = |catalog: &Self| -> BTreeMap<Key, Item> {
            let kept = |key: &Key| !CONTENT.contains(&&*key.kind) && !LOST.contains(&&*key.kind);
            let items = catalog.items.iter().filter(|(key, _)| kept(key));
            items.map(|(key, item)| (key.clone(), item.clone())).collect()
        };
        built(self) == built(other)
    }

    fn count(&self, kind: &str) -> usize {
        self.items.keys().filter(|key| key.kind == kind).count()
    }
}

/// Compares; the differences are empty where the split holds.
pub fn compare(said: &Said<'_>, databases: &Databases<'_>) -> Compared {
    let mut comparison =
        Comparison { said, databases, notes: BTreeMap::new(), found: Compared::default() };
    for (key, item) in &databases.before.items {
        comparison.item(key, item);
    }
    for (side, catalog) in
        [("the monolith", databases.monolith), ("the service", databases.service)]
    {
        let new = catalog.items.keys().filter(|key| !databases.before.items.contains_key(key));
        for key in new {
            let more = format!("{side} has {} that was not there before", described(key));
            // What a statement that was cut drops is left there.
            match side == "the service" && said.may_differ(key) {
                true if key.kind == "content" => {}
                true => comparison.note(key, more),
                false => comparison.found.differences.push(more),
            }
        }
    }
    comparison.counted()
}

/// Where something has to be afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Same,
    Gone,
    /// There or not, as it was or otherwise.
    Any,
}

struct Comparison<'a> {
    said: &'a Said<'a>,
    databases: &'a Databases<'a>,
    notes: BTreeMap<&'static str, Vec<String>>,
    found: Compared,
}

impl Comparison<'_> {
    fn item(&mut self, key: &Key, item: &Item) {
        let (monolith, service) = self.wanted(key, item);
        self.side("the monolith", self.databases.monolith, key, item, monolith);
        self.side("the service", self.databases.service, key, item, service);
        if self.said.objects.is_none() && monolith == Wanted::Any && service == Wanted::Any {
            let there = |catalog: &Catalog| catalog.items.contains_key(key);
            if !there(self.databases.monolith) && !there(self.databases.service) {
                let lost = format!("neither side has {}", described(key));
                self.found.differences.push(lost);
            }
        }
    }

    fn side(&mut self, side: &str, catalog: &Catalog, key: &Key, item: &Item, wanted: Wanted) {
        let is_service = side == "the service";
        let problem = match (catalog.items.get(key), wanted) {
            (_, Wanted::Any) | (None, Wanted::Gone) => return,
            (Some(_), Wanted::Gone) => format!("{side} has {} still", described(key)),
            (None, Wanted::Same) => format!("{side} lacks {}", described(key)),
            (Some(other), Wanted::Same) if other == item => return,
            (Some(_), Wanted::Same) if self.is_by_chance(key) => return,
            (Some(other), Wanted::Same) if key.kind == "rows" => {
                let (before, after) = (&item.definition, &other.definition);
                format!("{side} has {after} rows of `{}`, and there were {before}", key.on)
            }
            (Some(_), Wanted::Same) => format!("{} is another one in {side}", described(key)),
        };
        let is_content = CONTENT.contains(&&*key.kind);
        if is_service && self.said.may_differ(key) && wanted == Wanted::Same {
            if key.kind != "content" {
                self.note(key, problem);
            }
            return;
        }
        self.found.by_content |= is_content;
        self.found.differences.push(problem);
    }

    /// Whether it is different each time.
    fn is_by_chance(&self, key: &Key) -> bool {
        let again = self.databases.again.and_then(|again| again.items.get(key));
        again.is_some_and(|again| self.databases.before.items.get(key) != Some(again))
            && key.kind == "content"
    }

    /// Where an item has to be: in the monolith, in the service.
    fn wanted(&mut self, key: &Key, item: &Item) -> (Wanted, Wanted) {
        let said = self.said;
        let moves = |name: &str| said.moves(name, &self.databases.before.items);
        let there = |is: bool| if is { Wanted::Same } else { Wanted::Gone };
        let is_shared = said.objects.is_some();
        match key.kind.as_str() {
            "extension" => (there_if(is_shared), Wanted::Any),
            "schema" | "function" | "type" => {
                let called = if key.kind == "schema" { &key.name } else { &key.on };
                let object = format!("{}:{called}", key.kind);
                if said.is_cut(&object) {
                    self.note(key, format!("`{}` left out", key.name));
                    return (Wanted::Gone, Wanted::Gone);
                }
                match said.objects {
                    Some(objects) => (Wanted::Same, there(objects.contains(&object))),
                    None => (Wanted::Any, Wanted::Any),
                }
            }
            "foreign key" if moves(&key.on) != moves(&item.into) => {
                self.note(key, format!("`{}` to `{}` dropped", key.on, item.into));
                (Wanted::Gone, Wanted::Gone)
            }
            _ if said.is_cut(&format!("view:{}", key.on)) => {
                if key.kind == "view" {
                    self.note(key, format!("`{}` left out", key.name));
                }
                (Wanted::Gone, Wanted::Gone)
            }
            "column" if !is_relation(&key.on, &self.databases.before.items) => {
                // Of a composite type.
                match said.objects {
                    Some(objects) => {
                        (Wanted::Same, there(objects.contains(&format!("type:{}", key.on))))
                    }
                    None => (Wanted::Any, Wanted::Any),
                }
            }
            kind => {
                let moves = moves(&key.on);
                let mut service = there(moves);
                let mut monolith = match (is_shared, moves, said.stands_in) {
                    (true, ..) | (_, false, _) => Wanted::Same,
                    (false, true, true) => Wanted::Any,
                    (false, true, false) => Wanted::Gone,
                };
                if kind == "trigger" && said.is_cut(&format!("trigger:{}.{}", key.on, key.name)) {
                    self.note(key, format!("`{}` left out", key.name));
                    service = Wanted::Gone;
                    if !moves {
                        monolith = Wanted::Gone;
                    }
                }
                (monolith, service)
            }
        }
    }

    fn note(&mut self, key: &Key, note: String) {
        let what = KINDS.iter().find(|(kind, _)| *kind == key.kind).map(|(_, what)| *what);
        let what = what.unwrap_or(if CONTENT.contains(&&*key.kind) { "rows" } else { "others" });
        let notes = self.notes.entry(what).or_default();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    fn counted(mut self) -> Compared {
        let Databases { before, monolith, service, .. } = self.databases;
        let all = [before, monolith, service];
        if self.said.objects.is_some() {
            let unused = format!("{} go unused in the monolith", self.said.tables.len());
            self.notes.entry("tables").or_default().push(unused);
        }
        let mut lines = Vec::new();
        let mut line = |what, counts| {
            let notes = self.notes.remove(what).unwrap_or_default();
            lines.push(Counted { what, counts, notes });
        };
        for (kind, what) in KINDS {
            line(what, all.map(|catalog| catalog.count(kind)));
        }
        let is_other = |key: &Key| {
            !KINDS.iter().any(|(kind, _)| *kind == key.kind) && !CONTENT.contains(&&*key.kind)
        };
        line("others", all.map(|c| c.items.keys().filter(|key| is_other(key)).count()));
        let rows = |catalog: &Catalog| {
            let rows = catalog.items.iter().filter(|(key, _)| key.kind == "rows");
            rows.filter_map(|(_, item)| item.definition.parse::<usize>().ok()).sum()
        };
        line("rows", all.map(|catalog| rows(catalog)));
        self.found.lines = lines;
        self.found
    }
}

impl Said<'_> {
    /// Whether a table, a view, a sequence, or what belongs to one, is the module's.
    fn moves(&self, name: &str, items: &BTreeMap<Key, Item>) -> bool {
        let of_module = |name: &str| {
            let all = self.tables.iter().chain(self.views).chain(self.sequences);
            all.into_iter().any(|known| known.to_string() == name)
        };
        let owner = || {
            let owns = |key: &&Key| {
                matches!(&*key.kind, "sequence" | "index")
                    && (key.name == name || name.ends_with(&format!(".{}", key.name)))
            };
            items.keys().find(owns).is_some_and(|key| of_module(&key.on))
        };
        of_module(name) || (!is_relation(name, items) && owner())
    }

    /// Whether a statement that was cut made or dropped it, or changed what it is of.
    fn may_differ(&self, key: &Key) -> bool {
        let is_content = CONTENT.contains(&&*key.kind);
        self.cuts.iter().any(|Cut { reach, .. }| {
            (reach.anything && !reach.later.contains(&key.on))
                || reach.objects.contains(&format!("{}:{}", key.kind, key.on))
                || match is_content {
                    true => reach.rows.contains(&key.on),
                    false => reach.relations.contains(&key.on),
                }
        })
    }

    fn is_cut(&self, name: &str) -> bool {
        self.cuts.iter().any(|cut| cut.name == name)
    }
}

fn is_relation(name: &str, items: &BTreeMap<Key, Item>) -> bool {
    let key =
        |kind: &str| Key { kind: kind.to_owned(), on: name.to_owned(), name: name.to_owned() };
    items.contains_key(&key("table")) || items.contains_key(&key("view"))
}

const fn there_if(is_shared: bool) -> Wanted {
    if is_shared { Wanted::Same } else { Wanted::Any }
}

/// `the index `a` of `b``.
fn described(key: &Key) -> String {
    let Key { kind, on, name } = key;
    match kind.as_str() {
        "content" => format!("what is in the column `{name}` of `{on}`"),
        "rows" => format!("the rows of `{on}`"),
        "value" => format!("where the sequence `{name}` stands"),
        "comment" if name == "0" => format!("the comment on `{on}`"),
        "comment" => format!("the comment on column {name} of `{on}`"),
        "table" | "view" | "schema" | "extension" | "function" | "type" => {
            format!("the {kind} `{name}`")
        }
        "sequence" if on == name => format!("the sequence `{name}`"),
        _ => format!("the {kind} `{name}` of `{on}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::schema::{Lost, Reach};

    fn catalog(rows: &[(&str, &str, &str, &str, &str)]) -> Catalog {
        let rows: Vec<_> = rows.iter().map(|r| [r.0, r.1, r.2, r.3, r.4]).collect();
        Catalog::parse(&serde_json::to_string(&rows).unwrap()).unwrap()
    }

    #[test]
    fn what_is_missing_or_more_or_otherwise_is_found() {
        let goods = ("table", "goods", "goods", "", "r");
        let carts = ("table", "carts", "carts", "", "r");
        let sku = ("column", "goods", "sku", "", "1 text");
        let key = ("foreign key", "carts", "fk", "goods", "FOREIGN KEY …");
        let touch = ("function", "touch", "touch()", "", "CREATE …");
        let before = catalog(&[goods, carts, sku, key, touch]);
        let tables = [Name::of_text("goods").unwrap()];
        let objects = BTreeSet::from(["function:touch".to_owned()]);
        let said = Said {
            tables: &tables,
            views: &[],
            sequences: &[],
            objects: Some(&objects),
            cuts: &[],
            stands_in: false,
        };
        let differences = |monolith: &Catalog, service: &Catalog| {
            let databases = Databases { before: &before, again: None, monolith, service };
            compare(&said, &databases).differences
        };
        let monolith = catalog(&[goods, carts, sku, touch]);
        assert_eq!(differences(&monolith, &catalog(&[goods, sku, touch])), [] as [&str; 0]);
        assert_eq!(
            differences(
                &before,
                &catalog(&[goods, ("column", "goods", "sku", "", "1 int"), carts])
            ),
            [
                "the column `sku` of `goods` is another one in the service",
                "the monolith has the foreign key `fk` of `carts` still",
                "the service lacks the function `touch()`",
                "the service has the table `carts` still",
            ]
        );
        let more = ("index", "goods", "more", "", "");
        assert_eq!(
            differences(&monolith, &catalog(&[goods, sku, touch, more])),
            ["the service has the index `more` of `goods` that was not there before"]
        );
    }

    #[test]
    fn a_cut_excuses_what_its_statement_changes_and_no_more() {
        let goods = ("table", "goods", "goods", "", "r");
        let lots = ("table", "lots", "lots", "", "r");
        let note = ("column", "goods", "note", "", "1 text");
        let number = ("column", "lots", "number", "", "1 int");
        let rows = ("rows", "goods", "", "", "2");
        let more = ("rows", "lots", "", "", "3");
        let mood = ("type", "mood", "mood", "", "e");
        let before = catalog(&[goods, lots, note, number, rows, more, mood]);
        let tables = ["goods", "lots"].map(|name| Name::of_text(name).unwrap());
        let objects = BTreeSet::from(["type:mood".to_owned()]);
        let service =
            catalog(&[goods, lots, ("rows", "goods", "", "", "0"), ("rows", "lots", "", "", "0")]);
        let differences = |reach: Reach| {
            let cut = Cut {
                name: "1_a.sql:3".into(),
                lost: Lost::Statement,
                file: "1_a.sql".into(),
                line: 3,
                reach,
            };
            let cuts = [cut];
            let said = Said {
                tables: &tables,
                views: &[],
                sequences: &[],
                objects: Some(&objects),
                cuts: &cuts,
                stands_in: false,
            };
            let databases =
                Databases { before: &before, again: None, monolith: &before, service: &service };
            compare(&said, &databases).differences
        };
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let all = [
            "the service lacks the column `note` of `goods`",
            "the service lacks the column `number` of `lots`",
            "the service has 0 rows of `goods`, and there were 2",
            "the service has 0 rows of `lots`, and there were 3",
            "the service lacks the type `mood`",
        ];
        assert_eq!(differences(Reach::default()), all);
        let of_goods =
            Reach { relations: set(&["goods"]), rows: set(&["goods"]), ..Reach::default() };
        assert_eq!(differences(of_goods), [all[1], all[3], all[4]]);
        let of_mood = Reach { objects: set(&["type:mood"]), ..Reach::default() };
        assert_eq!(differences(of_mood), all[..4]);
        let anything = Reach { anything: true, ..Reach::default() };
        assert_eq!(differences(anything.clone()), [] as [&str; 0]);
        // What was made after it had run is not excused by it.
        assert_eq!(differences(Reach { later: set(&["goods"]), ..anything }), [all[0], all[2]]);
    }

    #[test]
    fn what_a_cut_statement_drops_may_be_left_in_the_service() {
        let goods = ("table", "goods", "goods", "", "r");
        let before = catalog(&[goods]);
        let old = ("column", "goods", "old", "", "1 text");
        let service = catalog(&[goods, old]);
        let relations = BTreeSet::from(["goods".to_owned()]);
        let cut = Cut {
            name: "1_a.sql:3".into(),
            lost: Lost::Statement,
            file: "1_a.sql".into(),
            line: 3,
            reach: Reach { relations, ..Reach::default() },
        };
        let differences = |cuts: &[Cut], monolith: &Catalog, service: &Catalog| {
            let said = Said {
                tables: &["goods"].map(|name| Name::of_text(name).unwrap()),
                views: &[],
                sequences: &[],
                objects: Some(&BTreeSet::new()),
                cuts,
                stands_in: false,
            };
            let databases = Databases { before: &before, again: None, monolith, service };
            compare(&said, &databases).differences
        };
        let cut = [cut];
        assert_eq!(differences(&cut, &before, &service), [] as [&str; 0]);
        let said =
            |side| format!("{side} has the column `old` of `goods` that was not there before");
        assert_eq!(differences(&[], &before, &service), [said("the service")]);
        assert_eq!(differences(&cut, &service, &service), [said("the monolith")]);
    }
}
