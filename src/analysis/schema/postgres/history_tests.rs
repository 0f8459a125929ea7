//! Shared histories in, the module's part out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::OnPostgres;
use crate::analysis::schema::{Divided, Division, Evidence, MigrationFolder};
use crate::diagnostic::Diagnostics;

/// The forward migration of a set, or the refusals; `goods` is the module's, `visits` are others'.
pub(super) fn divided(
    forward: &str,
    back: &str,
    cuts: &[&str],
) -> Result<(String, String), Vec<String>> {
    divided_with(forward, back, cuts, None)
}

pub(super) fn divided_with(
    forward: &str,
    back: &str,
    cuts: &[&str],
    declared: Option<&[String]>,
) -> Result<(String, String), Vec<String>> {
    let files = [("1_a.up.sql", forward), ("1_a.down.sql", back)];
    let files = files.map(|(name, text)| (name.to_owned(), Arc::<str>::from(text)));
    let folder = MigrationFolder::parse("m", files).unwrap();
    let set = divided_of(&[folder], cuts, declared)?.set;
    let text = |ending: &str| {
        let file = set.iter().find(|(path, _)| path.as_str().ends_with(ending));
        file.map(|(_, text)| text.clone()).unwrap_or_default()
    };
    Ok((text(".up.sql"), text(".down.sql")))
}

/// What comes of folders, or the refusals.
pub(super) fn divided_of(
    folders: &[MigrationFolder],
    cuts: &[&str],
    declared: Option<&[String]>,
) -> Result<Divided, Vec<String>> {
    let said = |problems: &Diagnostics| {
        problems.iter().map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>()
    };
    let read = OnPostgres::read(folders).map_err(|problems| said(&problems))?;
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
    let divided = read.divide(&division, &mut problems);
    divided.map(|(divided, _)| divided).ok_or_else(|| said(&problems))
}

pub(super) const TABLES: &str = "CREATE TABLE goods (sku text PRIMARY KEY, id serial);\n\
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
fn a_block_that_only_calls_belongs_to_what_it_calls() {
    let functions = "CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS 'INSERT INTO goods VALUES (1)';\n\
                     CREATE FUNCTION visit() RETURNS void LANGUAGE sql AS 'INSERT INTO visits VALUES (1)';\n\
                     CREATE FUNCTION all_of_it() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM fill(); END $$;\n";
    let of_rest = "DO $$ BEGIN PERFORM visit(); END $$;\n";
    let kept = kept(&format!("{functions}{of_rest}DO $$ BEGIN PERFORM all_of_it(); END $$;\n"));
    assert!(kept.ends_with("\nDO $$ BEGIN PERFORM all_of_it(); END $$;\n"), "{kept}");
    assert!(!kept.contains("visit"), "{kept}");
    let said =
        refused(&format!("{functions}DO $$ BEGIN PERFORM fill(); PERFORM visit(); END $$;\n"));
    assert!(said[0].starts_with("migration-crosses: this statement changes"), "{said:?}");
    // Nobody can tell what the call of such a function does.
    let up = format!(
        "{TABLES}CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; END $$;\n\
         SELECT f();\nUPDATE visits SET sku = f()::text;\n"
    );
    let said = divided(&up, "", &["1_a.up.sql:3"]).unwrap_err();
    assert_eq!(
        said,
        [
            "migration-unreadable: whose this statement is cannot be told: it runs the function `f`, of which \
          that cannot be told"
        ]
    );
    assert!(divided(&up, "", &["1_a.up.sql:3", "1_a.up.sql:4"]).is_ok());
}

/// A block, or a statement that calls, changes the rest's tables and something of the module's, whatever it is.
#[test]
fn what_changes_the_rest_and_something_of_the_module_is_refused() {
    let made = "CREATE TYPE mood AS ENUM ('a');\nCREATE TYPE other AS ENUM ('a');\n\
                ALTER TABLE goods ADD m mood;\nALTER TABLE visits ADD o other;\n\
                CREATE FUNCTION fill() RETURNS int LANGUAGE sql AS 'DELETE FROM goods; SELECT 1';\n\
                CREATE FUNCTION seen() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM goods';\n\
                CREATE FUNCTION deep() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM fill(); END $$;\n";
    let said = |more: &str| divided(&format!("{TABLES}{made}{more}"), "", &[]);
    let object = "migration-crosses: this statement makes or changes the type `mood`, which the module needs, and \
                  changes others' tables: `visits`";
    let tables =
        "migration-crosses: this statement changes the module's tables and others: `visits`";
    for (more, expected) in [
        ("DO $$ BEGIN ALTER TYPE mood ADD VALUE 'b'; DROP TABLE visits; END $$;", object),
        ("DO $$ BEGIN DROP TABLE visits; COMMENT ON TYPE mood IS 'x'; END $$;", object),
        ("DO $$ BEGIN PERFORM fill(); DROP TABLE visits; END $$;", tables),
        ("DO $$ BEGIN UPDATE visits SET id = 1; PERFORM deep(); END $$;", tables),
        ("UPDATE visits SET id = fill();", tables),
        ("DO $$ BEGIN PERFORM setval('goods_id_seq', 7); DELETE FROM visits; END $$;", tables),
        (
            "DO $$ DECLARE r record; BEGIN FOR r IN DELETE FROM goods RETURNING sku LOOP\n\
             INSERT INTO visits VALUES (r.sku); END LOOP; END $$;",
            tables,
        ),
    ] {
        assert_eq!(said(more).unwrap_err(), [expected], "{more}");
        let cut = format!("{TABLES}{made}{more}");
        let cut = divided(&cut, "", &["1_a.up.sql:10"]).unwrap().0;
        assert!(!cut.contains(more), "{cut}");
    }
    for more in [
        "DO $$ BEGIN ALTER TYPE other ADD VALUE 'b'; DROP TABLE visits; END $$;",
        "DO $$ BEGIN CREATE TYPE own AS ENUM ('a'); ALTER TABLE visits ADD w own; END $$;",
        "UPDATE visits SET id = seen();",
        "DO $$ BEGIN IF seen() > 0 THEN DROP TABLE visits; END IF; END $$;",
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT sku FROM goods LOOP\n\
         INSERT INTO visits VALUES (r.sku); END LOOP; END $$;",
    ] {
        let (kept, _) = said(more).unwrap();
        assert!(!kept.contains(more), "{kept}");
    }
}

#[test]
fn a_temporary_table_is_its_file_s() {
    let file = |number: usize, name: &str| {
        let text = format!(
            "CREATE TEMP TABLE t AS SELECT sku FROM {name};\nDELETE FROM {name} USING t;\nDROP TABLE t;\n"
        );
        (format!("{number}_a.sql"), Arc::<str>::from(text))
    };
    let files = [("1_a.sql".to_owned(), TABLES.into()), file(2, "goods"), file(3, "visits")];
    let folder = MigrationFolder::parse("m", files).unwrap();
    let set = divided_of(&[folder], &[], None).unwrap().set;
    let paths: Vec<&str> = set.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["set/1_a.sql", "set/2_a.sql"]);
}

#[test]
fn functions_that_differ_in_their_parameters_alone_are_taken_for_one() {
    let said = refused(
        "CREATE FUNCTION f(int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM goods';\n\
         CREATE FUNCTION f(text) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM visits';",
    );
    assert_eq!(
        said,
        ["function-crosses: the function `f` reaches over the boundary: `goods`, `visits`"]
    );
}

#[test]
fn indexes_of_constraints_and_statistics_have_the_table_s_owner() {
    let module = "ALTER TABLE goods ADD CONSTRAINT once UNIQUE (id);\nCLUSTER goods USING once;\n\
                  CLUSTER goods_pkey ON goods;\nALTER INDEX goods_pkey RENAME TO by_sku;\nCLUSTER goods USING by_sku;\n\
                  ALTER TABLE goods RENAME CONSTRAINT once TO single;\nREINDEX INDEX single;\n\
                  COMMENT ON INDEX by_sku IS 'x';\nCREATE STATISTICS s ON sku, id FROM goods;\n\
                  ALTER STATISTICS s RENAME TO t;\nCOMMENT ON STATISTICS t IS 'x';\nDROP STATISTICS t;\n";
    let rest =
        module.replace("goods", "visits").replace("once", "v_once").replace("single", "v_single");
    let rest = rest.replace("by_sku", "v_sku").replace(" s ", " v_s ").replace(" t;", " v_t;");
    let rest = rest.replace("STATISTICS t ", "STATISTICS v_t ");
    let rest = format!("ALTER TABLE visits ADD PRIMARY KEY (sku);\n{rest}");
    assert_eq!(kept(&format!("{rest}{module}")), module);
}

#[test]
fn what_is_said_of_a_table_has_words_of_its_own() {
    for definition in [
        "CREATE POLICY p ON goods USING (sku IN (SELECT sku FROM visits));",
        "CREATE RULE r AS ON INSERT TO goods DO ALSO INSERT INTO visits VALUES (NEW.sku);",
        "ALTER TABLE goods ALTER COLUMN id SET DEFAULT nextval('visits_id_seq');",
    ] {
        let said = refused(definition);
        let expected =
            "migration-crosses: what is said of `goods` here needs the other side: `visits`";
        assert_eq!(said, [expected], "{definition}");
    }
    for rows in [
        "INSERT INTO goods SELECT sku FROM visits;",
        "DO $$ BEGIN UPDATE goods SET sku = v.sku FROM visits v; END $$;",
    ] {
        assert_eq!(refused(rows), ["migration-crosses: rows of `goods` are made out of `visits`"]);
    }
}

#[test]
fn a_sequence_counts_for_one_side() {
    let up =
        format!("{TABLES}CREATE SEQUENCE n;\nALTER TABLE visits ADD n int DEFAULT nextval('n');\n");
    let declared = ["goods", "n"].map(str::to_owned);
    let said = divided_with(&up, "", &[], Some(&declared)).unwrap_err();
    assert_eq!(said, ["table-of-both: the sequence `n` counts on both sides"]);
    // One that is not declared goes with the tables that draw from it.
    let up = up.replace("TABLE visits ADD", "TABLE goods ADD");
    let (kept, _) = divided_with(&up, "", &[], Some(&declared[..1])).unwrap();
    assert!(kept.contains("CREATE SEQUENCE n;\nALTER TABLE goods ADD n"), "{kept}");
    let up =
        format!("{up}CREATE SEQUENCE m;\nALTER TABLE visits ADD m int DEFAULT nextval('m');\n");
    let (_, back) = divided(&up, "DROP SEQUENCE m, n CASCADE;\n", &[]).unwrap();
    assert_eq!(back, "DROP SEQUENCE n CASCADE;\n");
}

#[test]
fn a_schema_may_get_another_owner() {
    let schema = "CREATE SCHEMA a;\nALTER SCHEMA a OWNER TO CURRENT_USER;\n";
    assert_eq!(
        kept(&format!("{schema}ALTER TABLE goods SET SCHEMA a;\n")),
        format!("{schema}ALTER TABLE goods SET SCHEMA a;\n")
    );
    assert!(refused("ALTER SCHEMA public RENAME TO a;")[0].contains("a schema gets another name"));
}

#[test]
fn why_nobody_can_tell_is_said_of_each() {
    for (more, why) in [
        (
            "DO $$ BEGIN EXECUTE 'SELECT 1'; END $$;",
            "it runs SQL that is put together while it runs",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'return 1';",
            "it has a body that is no SQL, or none that calve can read",
        ),
    ] {
        assert_eq!(
            refused(more),
            [format!("migration-unreadable: whose this statement is cannot be told: {why}")]
        );
    }
}
