//! What is left out of the module's part at the user's word.

use std::collections::BTreeSet;

use super::history_tests::{TABLES, divided, divided_of, divided_with};
use crate::analysis::schema::MigrationFolder;

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

#[test]
fn row_security_goes_with_the_last_policy() {
    let policy = "CREATE POLICY p ON goods USING (sku IN (SELECT sku FROM visits));\n";
    for security in [
        "ALTER TABLE goods ENABLE ROW LEVEL SECURITY;\n",
        "ALTER TABLE goods FORCE ROW LEVEL SECURITY;\n",
    ] {
        for (up, at, other) in [
            (format!("{TABLES}{policy}{security}"), 3, 4),
            (format!("{TABLES}{security}{policy}"), 4, 3),
        ] {
            let cut = format!("1_a.up.sql:{at}");
            let said = divided(&up, "", &[&cut]).unwrap_err();
            let expected = format!(
                "migration-crosses: this statement uses a policy of `goods`, which goes with the cut of `{cut}`"
            );
            assert_eq!(said, [expected]);
            let (kept, _) = divided(&up, "", &[&cut, &format!("1_a.up.sql:{other}")]).unwrap();
            assert!(!kept.contains("SECURITY"), "{kept}");
            let more = format!("{up}CREATE POLICY q ON goods USING (true);\n");
            assert!(divided(&more, "", &[&cut]).unwrap().0.contains("SECURITY"));
        }
    }
}

/// What a trigger's function says of a row is of the table on which it fires.
#[test]
fn a_trigger_uses_the_columns_that_its_function_names() {
    for body in ["NEW.a = 1", "IF OLD.a IS NULL THEN RETURN NULL; END IF"] {
        let up = format!(
            "{TABLES}DO $$ BEGIN ALTER TABLE goods ADD a int; ALTER TABLE visits ADD a int; END $$;\n\
             CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$;\n\
             CREATE TRIGGER t BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION f();\n\
             CREATE TRIGGER t BEFORE UPDATE ON goods FOR EACH ROW EXECUTE FUNCTION f();\n"
        );
        let said = divided(&up, "", &["1_a.up.sql:3"]).unwrap_err();
        let expected = "migration-crosses: this statement uses the column `a` of `goods`, which goes with the \
                        cut of `1_a.up.sql:3`";
        assert_eq!(said, [expected], "{body}");
        let (kept, _) = divided(&up, "", &["1_a.up.sql:3", "1_a.up.sql:6"]).unwrap();
        assert!(!kept.contains("TRIGGER t"), "{kept}");
    }
}

#[test]
fn a_cut_says_what_the_service_may_lack() {
    let up = format!(
        "{TABLES}CREATE TABLE lots (sku text REFERENCES goods ON DELETE CASCADE);\n\
         CREATE TABLE apart (a int);\n\
         DO $$ BEGIN ALTER TABLE goods ADD a int; ALTER TABLE visits ADD a int; END $$;\n\
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN NEW; END $$;\n\
         CREATE TRIGGER t BEFORE UPDATE ON goods FOR EACH ROW EXECUTE FUNCTION f();\n\
         DO $$ BEGIN EXECUTE 'SELECT 1'; END $$;\n"
    );
    let folder = MigrationFolder::parse("m", [("1_a.sql".to_owned(), up.as_str().into())]).unwrap();
    let cuts = ["1_a.sql:5", "1_a.sql:6", "1_a.sql:7", "1_a.sql:8"];
    let ours = ["goods", "lots", "apart"].map(str::to_owned);
    let found = divided_of(&[folder], &cuts, Some(&ours)).unwrap().cuts;
    let said: Vec<String> = found
        .iter()
        .map(|cut| {
            let list = |names: &BTreeSet<String>| Vec::from_iter(names.clone()).join(" ");
            let reach = &cut.reach;
            let rows = list(&reach.rows);
            format!(
                "{}: {}; {rows}; {}",
                reach.anything,
                list(&reach.relations),
                list(&reach.objects)
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "false: goods visits; goods lots visits; ",
            "false: ; ; function:f",
            "true: goods; goods lots; ",
            "true: ; ; ",
        ]
    );
}

/// What nobody can tell does not reach what is made when it has run.
#[test]
fn dynamic_sql_changes_nothing_that_is_made_later_out_of_nothing_before_it() {
    let up = format!(
        "{TABLES}DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD a int', 'goods'); END $$;\n\
         CREATE TABLE fresh (sku text);\nINSERT INTO fresh VALUES ('x');\n\
         CREATE TABLE copied AS SELECT sku FROM goods;\nCREATE TABLE again AS SELECT sku FROM copied;\n\
         CREATE TABLE lots (sku text REFERENCES goods ON DELETE CASCADE);\n\
         CREATE VIEW w AS SELECT sku FROM fresh;\nCREATE VIEW v AS SELECT * FROM goods;\n\
         CREATE TABLE logged (sku text);\n\
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO logged VALUES (NEW.sku); RETURN NEW; END $$;\n\
         CREATE TRIGGER t BEFORE INSERT ON goods FOR EACH ROW EXECUTE FUNCTION f();\n"
    );
    let folder = MigrationFolder::parse("m", [("1_a.sql".to_owned(), up.as_str().into())]).unwrap();
    let ours = ["goods", "fresh", "copied", "again", "lots", "logged"].map(str::to_owned);
    let cuts = divided_of(&[folder], &["1_a.sql:3"], Some(&ours)).unwrap().cuts;
    assert!(cuts[0].reach.anything);
    assert_eq!(cuts[0].reach.later, ["fresh", "w"].map(str::to_owned).into());
}

/// Some SQL changes what is made after it has run.
#[test]
fn dynamic_sql_about_all_later_tables_excuses_those() {
    let later = |made: &str, run: &str| {
        let up = format!("{TABLES}{made}{run}\nCREATE TABLE fresh (sku text);\n");
        let folder =
            MigrationFolder::parse("m", [("1_a.sql".to_owned(), up.as_str().into())]).unwrap();
        let ours = ["goods", "fresh"].map(str::to_owned);
        let cuts = ["1_a.sql:3", "1_a.sql:4"];
        let cuts = &cuts[..=made.matches('\n').count()];
        let cuts = divided_of(&[folder], cuts, Some(&ours)).unwrap().cuts;
        let cut = cuts.last().unwrap();
        assert!(cut.reach.anything);
        cut.reach.later.clone()
    };
    let run = |sql: &str| format!("DO $$ BEGIN EXECUTE '{sql}'; END $$;");
    assert_eq!(later("", &run("ALTER TABLE goods ADD a int")), ["fresh".to_owned()].into());
    for sql in [
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app",
        "alter  default\n privileges GRANT SELECT ON TABLES TO app",
        "CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION f()",
    ] {
        assert_eq!(later("", &run(sql)), BTreeSet::new(), "{sql}");
    }
    let function = "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app'; END $$;\n";
    assert_eq!(later(function, "SELECT f();"), BTreeSet::new());
}

/// Without its rows a table is what it was; and what takes a migration back comes later.
#[test]
fn a_cut_of_rows_excuses_rows_alone() {
    let up = format!(
        "{TABLES}CREATE TABLE lots (sku text);\nINSERT INTO goods (id) SELECT id FROM visits;\n"
    );
    let down = "INSERT INTO lots SELECT sku FROM goods;\n";
    let files =
        [("1_a.up.sql".to_owned(), up.as_str().into()), ("1_a.down.sql".to_owned(), down.into())];
    let folder = MigrationFolder::parse("m", files).unwrap();
    let ours = ["goods", "lots"].map(str::to_owned);
    let cuts = divided_of(&[folder], &["1_a.up.sql:4"], Some(&ours)).unwrap().cuts;
    assert!(cuts[0].reach.relations.is_empty(), "{cuts:?}");
    assert_eq!(cuts[0].reach.rows, BTreeSet::from(["goods".to_owned()]));
}

#[test]
fn a_function_that_is_told_is_not_cut_with_one_of_its_name_that_is_not() {
    let untold = |head: &str, parameters: &str| {
        format!(
            "{head} FUNCTION f({parameters}) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; END $$;\n"
        )
    };
    let told = |head: &str| {
        format!("{head} FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE goods SET id = 1';\n")
    };
    let (create, replace) = ("CREATE", "CREATE OR REPLACE");
    let is_refused = |more: &str, cuts: &[&str]| {
        let said = divided(&format!("{TABLES}{more}"), "", cuts);
        said.is_err_and(|said| {
            assert!(
                said.iter().all(|said| said.starts_with("migration-unreadable: whose")),
                "{said:?}"
            );
            true
        })
    };
    let anew = untold(create, "") + &told(replace);
    let overload = told(create) + &untold(create, "a int");
    assert!(is_refused(&anew, &["1_a.up.sql:3"]));
    assert!(is_refused(&overload, &["1_a.up.sql:4"]));
    for (more, cuts) in [
        (anew.clone() + &untold(replace, ""), ["1_a.up.sql:3", "1_a.up.sql:5"].as_slice()),
        (told(create) + &untold(replace, ""), &["1_a.up.sql:4"]),
        (told(create) + "DROP FUNCTION f();\n" + &untold(create, ""), &["1_a.up.sql:5"]),
        (anew + "DROP FUNCTION f();\n", &["1_a.up.sql:3"]),
        (untold(create, "") + &told(replace).replace("goods", "visits"), &["1_a.up.sql:3"]),
    ] {
        assert!(!is_refused(&more, cuts), "{more}");
    }
}

#[test]
fn what_means_every_column_uses_one_that_was_cut() {
    let both = "DO $$ BEGIN ALTER TABLE goods ADD a int; ALTER TABLE visits ADD a int; END $$;";
    let ours = ["goods", "lots"].map(str::to_owned);
    let refused = |more: &str| {
        let up = format!("{TABLES}{both}\nCREATE TABLE lots (sku text);\n{more};\n");
        let expected = "migration-crosses: this statement uses the column `a` of `goods`, which goes with the \
                        cut of `1_a.up.sql:3`";
        let said = divided_with(&up, "", &["1_a.up.sql:3"], Some(&ours));
        said.is_err_and(|said| {
            assert_eq!(said, [expected], "{more}");
            true
        })
    };
    for more in [
        "CREATE VIEW w AS SELECT * FROM goods",
        "CREATE VIEW w AS SELECT g.* FROM goods g",
        "INSERT INTO goods VALUES ('x', 1, 2)",
        "INSERT INTO goods SELECT 'x', 1",
        "DO $$ BEGIN INSERT INTO goods VALUES ('x', 1, 2); END $$",
    ] {
        assert!(refused(more), "{more}");
    }
    for more in [
        "CREATE VIEW w AS SELECT * FROM lots",
        "CREATE VIEW w AS SELECT count(*) FROM goods",
        "CREATE VIEW w AS SELECT id * 2 AS twice FROM goods",
        "INSERT INTO goods (sku) VALUES ('x')",
        "INSERT INTO goods DEFAULT VALUES",
        "INSERT INTO lots SELECT sku FROM goods",
        "DELETE FROM lots WHERE EXISTS (SELECT * FROM goods)",
    ] {
        assert!(!refused(more), "{more}");
    }
}

#[test]
fn a_check_is_named_by_its_only_column() {
    for (check, name) in [
        ("ADD CHECK (length(sku) > 0)", "goods_sku_check"),
        ("ADD a int CHECK (a > 0)", "goods_a_check"),
        ("ADD a int CHECK (a > id)", "goods_check"),
    ] {
        let up = format!(
            "{TABLES}DO $$ BEGIN ALTER TABLE goods {check}; ALTER TABLE visits ADD a int; END $$;\n\
             ALTER TABLE goods DROP CONSTRAINT {name};\n"
        );
        let (kept, _) = divided(&up, "", &["1_a.up.sql:3"]).unwrap();
        assert!(!kept.contains("DROP CONSTRAINT"), "{check}: {kept}");
    }
}

#[test]
fn a_name_that_was_given_up_is_free_again() {
    let both = "DO $$ BEGIN ALTER TABLE goods ADD a int; ALTER TABLE visits ADD a int; END $$;\n";
    let kept = format!("{TABLES}ALTER TABLE goods ADD a int;\nALTER TABLE goods RENAME a TO b;\n");
    let used = format!("{kept}{both}UPDATE goods SET a = 1;\n");
    let cut =
        "DO $$ BEGIN ALTER TABLE goods RENAME a TO b; ALTER TABLE visits ADD a int; END $$;\n";
    let again =
        format!("{TABLES}ALTER TABLE goods ADD a int;\n{cut}ALTER TABLE goods ADD a text;\n");
    for (up, at, why) in [
        (used, "1_a.up.sql:5", "this statement uses the column `a` of `goods`, which goes with"),
        (again, "1_a.up.sql:4", "this statement makes the column `a` of `goods` anew, which"),
    ] {
        let said = divided(&up, "", &[at]).unwrap_err();
        assert!(said.len() == 1 && said[0].contains(why), "{said:?}");
    }
}

#[test]
fn what_a_cut_statement_drops_is_not_made_twice() {
    let drop =
        "DO $$ BEGIN DROP INDEX i; ALTER TABLE goods DROP COLUMN a; DROP TABLE visits; END $$;";
    for (again, what) in [
        ("CREATE INDEX i ON goods (sku);", "`i`"),
        ("ALTER TABLE goods ADD COLUMN a text;", "the column `a` of `goods`"),
        ("ALTER INDEX j RENAME TO i;", "`i`"),
    ] {
        let up = format!(
            "{TABLES}ALTER TABLE goods ADD COLUMN a int;\nCREATE INDEX i ON goods (id);\n\
             CREATE INDEX j ON goods (id);\n{drop}\n{again}\n"
        );
        let said = divided(&up, "", &["1_a.up.sql:6"]).unwrap_err();
        let expected = format!(
            "migration-crosses: this statement makes {what} anew, which the cut of `1_a.up.sql:6` leaves in place"
        );
        assert_eq!(said, [expected], "{again}");
        let (kept, _) = divided(&up, "", &["1_a.up.sql:6", "1_a.up.sql:7"]).unwrap();
        assert!(!kept.contains(again), "{kept}");
        let dropped =
            up.replace(again, &format!("DROP INDEX i;\nALTER TABLE goods DROP COLUMN a;\n{again}"));
        assert!(divided(&dropped, "", &["1_a.up.sql:6"]).is_ok(), "{again}");
    }
}
