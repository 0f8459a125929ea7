//! Shared histories in, the module's part out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::OnPostgres;
use crate::analysis::schema::{Division, Evidence, MigrationFolder};
use crate::diagnostic::Diagnostics;

/// The forward migration of a set, or the refusals; `goods` is the module's, `visits` are others'.
fn divided(forward: &str, back: &str, cuts: &[&str]) -> Result<(String, String), Vec<String>> {
    divided_with(forward, back, cuts, None)
}

fn divided_with(
    forward: &str,
    back: &str,
    cuts: &[&str],
    declared: Option<&[String]>,
) -> Result<(String, String), Vec<String>> {
    let files = [("1_a.up.sql", forward), ("1_a.down.sql", back)];
    let files = files.map(|(name, text)| (name.to_owned(), Arc::<str>::from(text)));
    let folder = MigrationFolder::parse("m", files).unwrap();
    let said = |problems: &Diagnostics| {
        problems.iter().map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>()
    };
    let read = OnPostgres::read(&[folder]).map_err(|problems| said(&problems))?;
    let evidence = [("goods", true), ("visits", false)].map(|(table, by_module)| Evidence {
        table: table.to_owned(),
        by_module,
        file: "src/lib.rs".into(),
        range: 0..0,
        line: 1,
        included: None,
    });
    let cuts: Vec<String> = cuts.iter().map(|cut| (*cut).to_owned()).collect();
    let division = Division {
        module: "stock",
        manifest: "stock/Cargo.toml".into(),
        evidence: &evidence,
        declared,
        named: &BTreeSet::new(),
        cuts: &cuts,
        to: "set".into(),
    };
    let mut problems = Diagnostics::default();
    let Some((divided, _)) = read.divide(&division, &mut problems) else {
        return Err(said(&problems));
    };
    let text = |ending: &str| {
        let mut files = divided.set.iter();
        let file = files.find(|(path, _)| path.as_str().ends_with(ending));
        file.map(|(_, text)| text.clone()).unwrap_or_default()
    };
    Ok((text(".up.sql"), text(".down.sql")))
}

const TABLES: &str = "CREATE TABLE goods (sku text PRIMARY KEY, id serial);\n\
                      CREATE TABLE visits (sku text, id serial);\n";

/// What the set has of statements behind those that make the tables.
fn kept(more: &str) -> String {
    let (forward, _) = divided(&format!("{TABLES}{more}"), "", &[]).unwrap();
    forward.replace("CREATE TABLE goods (sku text PRIMARY KEY, id serial);\n", "")
}

fn refused(more: &str) -> Vec<String> {
    divided(&format!("{TABLES}{more}"), "", &[]).unwrap_err()
}

#[test]
fn statements_go_to_whose_tables_they_are_about() {
    for (module, rest) in [
        ("ALTER TABLE goods ADD COLUMN a int;", "ALTER TABLE visits ADD COLUMN a int;"),
        ("CREATE INDEX by_a ON goods (sku);", "CREATE INDEX by_b ON visits (sku);"),
        (
            "CREATE INDEX i ON goods (sku); DROP INDEX i;",
            "CREATE INDEX j ON visits (sku); DROP INDEX j;",
        ),
        ("SELECT setval('goods_id_seq', 7);", "SELECT setval('visits_id_seq', 7);"),
        ("ALTER SEQUENCE goods_id_seq RESTART;", "ALTER SEQUENCE visits_id_seq RESTART;"),
        ("COMMENT ON COLUMN goods.sku IS ';';", "COMMENT ON TABLE visits IS 'goods';"),
        (
            "ALTER TABLE goods RENAME TO wares; DELETE FROM wares;",
            "ALTER TABLE visits RENAME TO v; DELETE FROM v;",
        ),
        (
            "CREATE VIEW low AS SELECT 1 FROM goods; GRANT SELECT ON low TO PUBLIC;",
            "CREATE VIEW w AS SELECT 1 FROM visits;",
        ),
        (
            "WITH g AS (DELETE FROM goods RETURNING 1) SELECT 1 FROM g;",
            "WITH goods AS (SELECT 1) DELETE FROM visits;",
        ),
        (
            "DO $$ BEGIN ALTER TABLE goods ADD COLUMN a int; END $$;",
            "DO $$ BEGIN DROP TABLE visits; END $$;",
        ),
        (
            "CREATE TYPE t AS ENUM ('a'); ALTER TABLE goods ADD COLUMN t t;",
            "CREATE TYPE u AS ENUM ('a'); ALTER TABLE visits ADD COLUMN u u;",
        ),
        ("CREATE POLICY p ON goods USING (true);", "CREATE POLICY p ON visits USING (true);"),
        (
            "CREATE TABLE goods_old PARTITION OF goods DEFAULT;",
            "CREATE TABLE v PARTITION OF visits DEFAULT;",
        ),
        (
            "CREATE TEMP TABLE t AS SELECT sku FROM goods; DELETE FROM goods USING t; DROP TABLE t;",
            "CREATE TEMP TABLE s AS SELECT sku FROM visits; DELETE FROM s; DROP TABLE s;",
        ),
        (
            "CREATE SEQUENCE n; ALTER TABLE goods ADD COLUMN n int DEFAULT nextval('n');",
            "CREATE SEQUENCE m; ALTER TABLE visits ADD COLUMN n int DEFAULT nextval('m');",
        ),
    ] {
        assert_eq!(kept(&format!("{rest}\n{module}\n")), format!("{module}\n"), "{rest}");
    }
}

#[test]
fn lists_are_divided_and_what_both_need_is_on_both_sides() {
    let down = "DROP TABLE IF EXISTS visits, goods CASCADE;\nDROP TYPE v, g;\n";
    let up = "CREATE TYPE v AS ENUM ('a');\nCREATE TYPE g AS ENUM ('a');\n\
              CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n\
              CREATE TABLE visits (v v);\nCREATE TABLE goods (g g);\n\
              CREATE TRIGGER t BEFORE UPDATE ON goods FOR EACH ROW EXECUTE FUNCTION f();\n\
              CREATE TRIGGER t BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION f();\n";
    let (forward, back) = divided(up, down, &[]).unwrap();
    assert_eq!(
        forward,
        "CREATE TYPE g AS ENUM ('a');\n\
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n\
         CREATE TABLE goods (g g);\n\
         CREATE TRIGGER t BEFORE UPDATE ON goods FOR EACH ROW EXECUTE FUNCTION f();\n"
    );
    assert_eq!(back, "DROP TABLE IF EXISTS goods CASCADE;\nDROP TYPE g;\n");
}

#[test]
fn what_is_on_both_sides_or_cannot_be_told_is_refused() {
    for (more, expected) in [
        ("INSERT INTO goods SELECT sku FROM visits;", "migration-crosses: rows of `goods`"),
        (
            "DO $$ BEGIN DROP TABLE goods; ALTER TABLE visits ADD a int; END $$;",
            "migration-crosses: this statement changes",
        ),
        (
            "DO $$ BEGIN EXECUTE 'SELECT 1'; END $$;",
            "migration-unreadable: whose this statement is",
        ),
        (
            "DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE q LOOP NULL; END LOOP; END $$;",
            "migration-unreadable: whose",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'return 1';",
            "migration-unreadable: whose",
        ),
        (
            "SELECT set_config('search_path', 's', false);",
            "migration-unreadable: `m/1_a.up.sql` cannot be read",
        ),
        (
            "CREATE ROLE reader;",
            "migration-unreadable: whose this statement is cannot be told: what `CREATE ROLE`",
        ),
        (
            "UPDATE goods SET sku = l.sku FROM lost l;",
            "migration-unreadable: whose this statement is cannot be told: it names `lost`",
        ),
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM goods; DELETE FROM visits'; SELECT f();",
            "migration-crosses: this statement changes",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM goods, visits';",
            "function-crosses: the function `f`",
        ),
        ("ALTER TABLE goods ADD COLUMN v int REFERENCES visits;", "foreign-key-out: `goods` has"),
        ("CREATE VIEW v AS SELECT 1 FROM goods, visits;", "view-crosses: the view `v`"),
        (
            "CREATE SEQUENCE n; ALTER TABLE goods ADD n int DEFAULT nextval('n'); ALTER TABLE visits ADD n int DEFAULT nextval('n');",
            "table-of-both: the sequence `n`",
        ),
        ("CREATE TABLE notes (a int);", "table-of-nobody: nobody's code names `notes`"),
        ("CREATE TABLE broken (a int;", "migration-unreadable: `m/1_a.up.sql` cannot be read"),
    ] {
        let said = refused(more);
        assert!(said.iter().any(|problem| problem.starts_with(expected)), "{more}: {said:?}");
    }
}

#[test]
fn a_foreign_key_that_is_cut_goes_with_all_that_is_said_of_it() {
    let up = format!(
        "{TABLES}ALTER TABLE goods ADD COLUMN v int, ADD CONSTRAINT k FOREIGN KEY (v) REFERENCES visits;\n\
         ALTER TABLE goods VALIDATE CONSTRAINT k;\n\
         DO $$ BEGIN ALTER TABLE goods ADD CONSTRAINT l FOREIGN KEY (v) REFERENCES visits; END $$;\n\
         COMMENT ON CONSTRAINT k ON goods IS 'x';\n"
    );
    let down = "ALTER TABLE goods DROP CONSTRAINT l, DROP CONSTRAINT k;\nALTER TABLE goods DROP COLUMN v;\n";
    let (forward, back) = divided(&up, down, &["foreign-key:goods.v"]).unwrap();
    assert_eq!(
        forward,
        "CREATE TABLE goods (sku text PRIMARY KEY, id serial);\nALTER TABLE goods ADD COLUMN v int;\n"
    );
    assert_eq!(back, "ALTER TABLE goods DROP COLUMN v;\n");
}

#[test]
fn tables_are_declared_with_their_schemas() {
    let up = "CREATE SCHEMA a;\nCREATE SCHEMA b;\nCREATE TABLE a.goods (a int);\n\
              CREATE TABLE b.goods (b int);\nCREATE TABLE \"Goods\" (c int);\n";
    let declared = ["a.goods", "public.Goods"].map(str::to_owned);
    let (forward, _) = divided_with(up, "", &[], Some(&declared)).unwrap();
    assert_eq!(
        forward,
        "CREATE SCHEMA a;\nCREATE TABLE a.goods (a int);\nCREATE TABLE \"Goods\" (c int);\n"
    );
}

#[test]
fn a_name_means_what_it_was_given_last() {
    let kept = kept(
        "CREATE INDEX by_sku ON goods (sku);\nDROP INDEX by_sku;\nCREATE INDEX by_sku ON visits (sku);\n\
         DROP INDEX by_sku;\nCREATE INDEX by_sku ON goods (id);\nALTER INDEX by_sku RENAME TO by_id;\n\
         CREATE INDEX by_sku ON visits (id);\nDROP INDEX by_id;\nDROP INDEX by_sku;\n",
    );
    assert_eq!(
        kept,
        "CREATE INDEX by_sku ON goods (sku);\nDROP INDEX by_sku;\nCREATE INDEX by_sku ON goods (id);\n\
         ALTER INDEX by_sku RENAME TO by_id;\nDROP INDEX by_id;\n"
    );
    let up = format!(
        "{TABLES}CREATE TABLE kinds (id int PRIMARY KEY);\nINSERT INTO kinds SELECT id FROM goods;\n\
         ALTER TABLE goods ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES visits;\n\
         ALTER TABLE goods DROP CONSTRAINT k, ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES kinds;\n\
         ALTER TABLE goods VALIDATE CONSTRAINT k;\n"
    );
    let (forward, _) = divided(&up, "", &["foreign-key:goods.id"]).unwrap();
    assert_eq!(
        forward,
        "CREATE TABLE goods (sku text PRIMARY KEY, id serial);\nCREATE TABLE kinds (id int PRIMARY KEY);\n\
         INSERT INTO kinds SELECT id FROM goods;\n\
         ALTER TABLE goods ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES kinds;\n\
         ALTER TABLE goods VALIDATE CONSTRAINT k;\n"
    );
}

#[test]
fn when_a_foreign_key_is_checked_goes_with_it() {
    let up = format!(
        "{TABLES}ALTER TABLE goods ADD COLUMN v int REFERENCES visits NOT NULL DEFERRABLE INITIALLY DEFERRED;\n\
         ALTER TABLE goods ADD COLUMN w int REFERENCES visits NOT NULL UNIQUE DEFERRABLE;\n"
    );
    let (forward, _) = divided(&up, "", &["foreign-key:goods.v", "foreign-key:goods.w"]).unwrap();
    let added: Vec<&str> = forward.lines().skip(1).collect();
    assert_eq!(
        added,
        [
            "ALTER TABLE goods ADD COLUMN v int NOT NULL;",
            "ALTER TABLE goods ADD COLUMN w int NOT NULL UNIQUE DEFERRABLE;"
        ]
    );
}

#[test]
fn what_is_made_anew_is_not_cut_with_the_old_one() {
    for (more, cut) in [
        (
            "CREATE VIEW v AS SELECT 1 FROM goods, visits;\nDROP VIEW v;\nCREATE VIEW v AS SELECT 1 FROM goods;",
            "view:v",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM goods, visits';\n\
             CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM goods';",
            "function:f",
        ),
    ] {
        let said = divided(&format!("{TABLES}{more}"), "", &[cut]).unwrap_err();
        assert!(said.iter().any(|problem| problem.contains("-crosses: ")), "{more}: {said:?}");
        let other = more.replace("SELECT 1 FROM goods;", "SELECT 2 FROM goods, visits;");
        let other = other.replace("SELECT 1 FROM goods'", "SELECT 2 FROM goods, visits'");
        assert!(divided(&format!("{TABLES}{other}"), "", &[cut]).is_ok(), "{other}");
    }
}

#[test]
fn what_is_said_of_a_function_that_was_left_out_is_left_out() {
    let up = format!(
        "{TABLES}CREATE FUNCTION purge(t text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE t; END $$;\n\
         COMMENT ON FUNCTION purge(text) IS 'x';\n"
    );
    let down = "DROP FUNCTION purge(text);\nDROP TABLE goods;\n";
    let (forward, back) = divided(&up, down, &["1_a.up.sql:3"]).unwrap();
    assert_eq!(forward, "CREATE TABLE goods (sku text PRIMARY KEY, id serial);\n");
    assert_eq!(back, "DROP TABLE goods;\n");
}

#[test]
fn bodies_that_select_into_variables_are_read() {
    let up = format!(
        "{TABLES}CREATE FUNCTION known(wanted text) RETURNS bool LANGUAGE plpgsql AS $$\n\
         DECLARE n bigint; BEGIN SELECT count(*) INTO STRICT n FROM goods WHERE sku = wanted; RETURN n > 0; END $$;\n\
         CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $f$\n\
         DECLARE n int; BEGIN INSERT INTO visits VALUES (NEW.sku) RETURNING id INTO n; RETURN NEW; END $f$;\n\
         CREATE TRIGGER t AFTER UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION seen();\n\
         DO $$ DECLARE n int; BEGIN SELECT id INTO n FROM goods; UPDATE goods SET sku = n::text; END $$;\n"
    );
    let (forward, _) = divided(&up, "", &[]).unwrap();
    assert!(forward.contains("SELECT count(*) INTO STRICT n FROM goods"), "{forward}");
    assert!(forward.contains("SELECT id INTO n FROM goods; UPDATE"), "{forward}");
    assert!(!forward.contains("visits"), "{forward}");
    let said = refused(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ DECLARE n int; BEGIN\n\
         SELECT g.id INTO n FROM goods g, visits; RETURN n; END $$;",
    );
    assert!(said.iter().any(|problem| problem.starts_with("function-crosses: ")), "{said:?}");
}

#[test]
fn a_query_that_writes_on_both_sides_is_refused() {
    for query in [
        "CREATE FUNCTION seed(n int) RETURNS void LANGUAGE sql AS 'INSERT INTO goods VALUES (n::text)';\n\
         SELECT seed(v.id) FROM visits v;",
        "CREATE FUNCTION empty() RETURNS void LANGUAGE sql AS 'DELETE FROM goods; DELETE FROM visits';\n\
         SELECT empty();",
        "SELECT setval('goods_id_seq', 7), setval('visits_id_seq', 8);",
    ] {
        let said = refused(query);
        let crosses =
            |problem: &String| problem.starts_with("migration-crosses: this statement changes");
        assert!(said.iter().any(crosses), "{query}: {said:?}");
    }
}

#[test]
fn a_table_that_is_emptied_takes_those_along_that_refer_to_it() {
    let up = format!(
        "{TABLES}ALTER TABLE goods ADD v int REFERENCES visits;\nTRUNCATE visits CASCADE;\n"
    );
    let said = divided(&up, "", &["foreign-key:goods.v"]).unwrap_err();
    assert!(said[0].starts_with("migration-crosses: this statement changes"), "{said:?}");
    assert!(divided(&up.replace(" CASCADE", ""), "", &["foreign-key:goods.v"]).is_ok());
}

/// What is left out by its place takes along what does nothing but drop it, and nothing else silently.
#[test]
fn what_uses_what_was_cut_is_refused_by_name() {
    let ours = ["goods", "copied"].map(str::to_owned);
    let made = "DO $$ BEGIN ALTER TABLE goods ADD COLUMN a int; ALTER TABLE visits ADD COLUMN a int; END $$;";
    let index =
        "DO $$ BEGIN CREATE INDEX by_id ON goods (id); CREATE INDEX v ON visits (id); END $$;";
    let constraint =
        "DO $$ BEGIN ALTER TABLE goods ADD CONSTRAINT k CHECK (id > 0); DROP TABLE visits; END $$;";
    let copy = "CREATE TABLE copied AS SELECT g.sku FROM goods g, visits v;";
    let function = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN NEW; END $$;";
    let ty = "DO $$ BEGIN CREATE TYPE mood AS ENUM ('a'); ALTER TABLE goods ADD m mood; DROP TABLE visits; END $$;";
    for (cut, user, what) in [
        (made, "UPDATE goods SET a = 1;", "the column `a` of `goods`"),
        (
            made,
            "COMMENT ON COLUMN goods.a IS 'x'; CREATE INDEX i ON goods (a);",
            "the column `a` of `goods`",
        ),
        (made, "CREATE VIEW w AS SELECT g.a FROM goods g;", "the column `a` of `goods`"),
        (
            made,
            "ALTER TABLE goods RENAME TO wares; ALTER TABLE wares RENAME COLUMN a TO b;",
            "the column `a` of `wares`",
        ),
        (index, "CLUSTER goods USING by_id;", "`by_id`"),
        (index, "ALTER INDEX by_id RENAME TO by_number;", "`by_id`"),
        (constraint, "ALTER TABLE goods VALIDATE CONSTRAINT k;", "the constraint `k` of `goods`"),
        (copy, "INSERT INTO copied SELECT sku FROM goods;", "`copied`"),
        (
            function,
            "CREATE TRIGGER t BEFORE UPDATE ON goods FOR EACH ROW EXECUTE FUNCTION f();",
            "the function `f`",
        ),
        (ty, "ALTER TABLE goods ADD n mood;", "the type `mood`"),
    ] {
        let line = user.matches(';').count();
        let user = user.replace("; ", ";\n");
        let up = format!("{TABLES}{cut}\n{user}\nALTER TABLE goods ADD COLUMN last int;\n");
        let said = divided_with(&up, "", &["1_a.up.sql:3"], Some(&ours)).unwrap_err();
        let expected =
            format!("migration-crosses: this statement uses {what}, which goes with the cut of");
        assert_eq!(said.len(), 1, "{user}: {said:?}");
        assert!(said[0].starts_with(&expected), "{user}: {said:?}");
        let (kept, _) = divided_with(
            &up,
            "",
            &["1_a.up.sql:3", &format!("1_a.up.sql:{}", 3 + line)],
            Some(&ours),
        )
        .unwrap();
        assert!(kept.ends_with("ALTER TABLE goods ADD COLUMN last int;\n"), "{kept}");
        let more = usize::from(user.contains("RENAME TO wares"));
        assert_eq!(kept.lines().count(), 2 + more, "{user}: {kept}");
    }
}

#[test]
fn what_only_drops_what_was_cut_goes_along() {
    let ours = ["goods", "copied", "more"].map(str::to_owned);
    let up = format!(
        "{TABLES}DO $$ BEGIN ALTER TABLE goods ADD COLUMN a int; ALTER TABLE visits ADD COLUMN a int; END $$;\n\
         DO $$ BEGIN CREATE INDEX i ON goods (id); CREATE INDEX j ON visits (id); END $$;\n\
         CREATE TABLE copied AS SELECT g.sku FROM goods g, visits v;\n\
         CREATE INDEX k ON goods (sku);\nCOMMENT ON INDEX i IS 'x';\n\
         GRANT SELECT ON copied, goods TO PUBLIC;\n\
         ALTER TABLE goods DROP COLUMN a;\nALTER TABLE goods ADD COLUMN a text;\nUPDATE goods SET a = 'x';\n"
    );
    let down =
        "DROP INDEX k, i;\nDROP INDEX i;\nDROP TABLE copied;\nALTER TABLE goods DROP COLUMN a;\n";
    let cuts = ["1_a.up.sql:3", "1_a.up.sql:4", "1_a.up.sql:5"];
    let (forward, back) = divided_with(&up, down, &cuts, Some(&ours)).unwrap();
    let added: Vec<&str> = forward.lines().skip(1).collect();
    assert_eq!(
        added,
        [
            "CREATE INDEX k ON goods (sku);",
            "GRANT SELECT ON goods TO PUBLIC;",
            "ALTER TABLE goods ADD COLUMN a text;",
            "UPDATE goods SET a = 'x';"
        ]
    );
    assert_eq!(back, "DROP INDEX k;\nALTER TABLE goods DROP COLUMN a;\n");
    // Of what uses the one, nothing that uses another one is kept either.
    let up = format!(
        "{up}CREATE TABLE more AS SELECT sku FROM copied;\nINSERT INTO more VALUES ('x');\n"
    );
    let said = divided_with(&up, down, &cuts, Some(&ours)).unwrap_err();
    let uses = |problem: &String| problem.contains("statement uses `copied`");
    assert!(
        uses(&said[0])
            && said[1].contains("uses `more`, which goes with the cut of `1_a.up.sql:12`"),
        "{said:?}"
    );
}
