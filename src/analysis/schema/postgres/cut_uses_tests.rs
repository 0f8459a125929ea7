//! What is refused since it uses what was cut, and what is not.

use std::sync::Arc;

use super::history_tests::{TABLES, divided, divided_of, divided_with};
use crate::analysis::schema::MigrationFolder;

/// A block of both sides that does something to the module's table; then `more`, with the block cut.
fn said(block: &str, more: &str) -> Vec<String> {
    let up = format!(
        "{TABLES}CREATE TABLE lots (sku text, id int);\n\
         DO $$ BEGIN {block}; ALTER TABLE visits ADD a int; END $$;\n{more}\n"
    );
    let ours = ["goods", "lots", "more", "copied"].map(str::to_owned);
    divided_with(&up, "", &["1_a.up.sql:4"], Some(&ours)).err().unwrap_or_default()
}

fn uses(what: &str) -> String {
    format!(
        "migration-crosses: this statement uses {what}, which goes with the cut of `1_a.up.sql:4`"
    )
}

#[test]
fn a_key_is_used_by_who_finds_rows_by_it() {
    let key = "the constraint `goods_id_key` of `goods`";
    let (unique, index) =
        ("ALTER TABLE goods ADD UNIQUE (id)", "CREATE UNIQUE INDEX i ON goods (lower(sku))");
    let two = "ALTER TABLE goods ADD CONSTRAINT two UNIQUE (sku, id)";
    let primary = "ALTER TABLE lots ADD PRIMARY KEY (id)";
    for (block, more, what) in [
        (unique, "INSERT INTO goods (id) VALUES (1) ON CONFLICT (id) DO NOTHING;", key),
        (
            unique,
            "INSERT INTO goods (id) VALUES (1) ON CONFLICT ON CONSTRAINT goods_id_key DO NOTHING;",
            key,
        ),
        (unique, "CREATE TABLE more (id int REFERENCES goods (id));", key),
        (unique, "ALTER TABLE lots ADD FOREIGN KEY (id) REFERENCES goods (id);", key),
        (
            unique,
            "DO $$ BEGIN INSERT INTO goods (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET sku = 'x'; END $$;",
            key,
        ),
        (
            two,
            "INSERT INTO goods (id) VALUES (1) ON CONFLICT (id, sku) DO NOTHING;",
            "the constraint `two` of `goods`",
        ),
        (index, "INSERT INTO goods (id) VALUES (1) ON CONFLICT (lower( sku )) DO NOTHING;", "`i`"),
        (index, "INSERT INTO goods (id) VALUES (1) ON CONFLICT ((lower(sku))) DO NOTHING;", "`i`"),
        (
            "CREATE UNIQUE INDEX i ON goods ((lower(sku)))",
            "INSERT INTO goods (id) VALUES (1) ON CONFLICT (lower(sku)) DO NOTHING;",
            "`i`",
        ),
        (
            "CREATE UNIQUE INDEX i ON goods (sku COLLATE \"C\", (id))",
            "INSERT INTO goods (id) VALUES (1) ON CONFLICT (sku, id) DO NOTHING;",
            "`i`",
        ),
        (
            "CREATE UNIQUE INDEX i ON goods (sku, id)",
            "INSERT INTO goods (id) VALUES (1) ON CONFLICT (sku COLLATE \"C\", id) DO NOTHING;",
            "`i`",
        ),
        (
            primary,
            "CREATE TABLE more (id int REFERENCES lots);",
            "the constraint `lots_pkey` of `lots`",
        ),
        (
            "CREATE UNIQUE INDEX i ON goods (id) WHERE id > 0",
            "INSERT INTO goods (id) VALUES (1) ON CONFLICT (id) WHERE id > 0 DO NOTHING;",
            "`i`",
        ),
    ] {
        assert_eq!(said(block, more), [uses(what)], "{more}");
    }
    for (block, more) in [
        (unique, "INSERT INTO goods (sku) VALUES ('x') ON CONFLICT (sku) DO NOTHING;"),
        (unique, "INSERT INTO goods (sku) VALUES ('x') ON CONFLICT DO NOTHING;"),
        (unique, "CREATE TABLE more (sku text REFERENCES goods);"),
        (unique, "CREATE TABLE more (id int UNIQUE, other int REFERENCES more (id));"),
        (
            unique,
            "CREATE UNIQUE INDEX own ON goods (id);\n\
             INSERT INTO goods (id) VALUES (1) ON CONFLICT (id) DO NOTHING;",
        ),
    ] {
        assert_eq!(said(block, more), [] as [&str; 0], "{more}");
    }
    // Who made the key, and then no longer has it, is not in the way.
    let gone = "ALTER TABLE goods ADD CONSTRAINT own UNIQUE (id);\nALTER TABLE goods DROP CONSTRAINT own;\n\
                INSERT INTO goods (id) VALUES (1) ON CONFLICT (id) DO NOTHING;";
    assert_eq!(said(unique, gone), [uses(key)]);
}

#[test]
fn a_column_counts_for_the_table_that_is_meant() {
    let block = "ALTER TABLE goods ADD a int; ALTER TABLE goods ADD only_here int";
    let a = "the column `a` of `goods`";
    for (more, what) in [
        ("UPDATE lots SET id = g.a FROM goods g;", a),
        ("UPDATE lots SET id = goods.a FROM goods;", a),
        ("UPDATE lots SET id = public.goods.a FROM goods;", a),
        ("INSERT INTO goods (a) SELECT id FROM lots;", a),
        ("INSERT INTO goods (id) VALUES (1) ON CONFLICT (sku) DO UPDATE SET a = 1;", a),
        ("INSERT INTO goods (id) VALUES (1) ON CONFLICT (sku) DO UPDATE SET id = excluded.a;", a),
        ("DELETE FROM lots WHERE id IN (SELECT a FROM goods);", a),
        (
            "DELETE FROM goods WHERE EXISTS (SELECT 1 FROM lots WHERE only_here = lots.id);",
            "the column `only_here` of `goods`",
        ),
        ("CREATE INDEX ON goods (a);", a),
        ("CREATE VIEW w AS SELECT j.a FROM (goods JOIN lots USING (sku)) AS j;", a),
        ("CREATE VIEW w AS SELECT a FROM goods NATURAL JOIN lots;", a),
        ("CREATE VIEW w AS WITH g AS (SELECT a FROM goods) SELECT 1 FROM g;", a),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT a FROM goods';", a),
        ("CREATE POLICY p ON goods USING (a > 0);", a),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ DECLARE n goods.a%TYPE; BEGIN RETURN n; END $$;",
            a,
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN max(a) FROM goods; END $$;",
            a,
        ),
        ("INSERT INTO lots SELECT g.* FROM goods g;", a),
        ("WITH m AS (DELETE FROM goods RETURNING *) INSERT INTO lots SELECT sku FROM m;", a),
    ] {
        assert_eq!(said(block, more), [uses(what)], "{more}");
    }
    let lots = "ALTER TABLE lots ADD a int;\n";
    for more in [
        "INSERT INTO lots (a) SELECT id FROM goods;",
        "UPDATE lots SET a = g.id FROM goods g;",
        "UPDATE lots l SET id = l.a FROM goods;",
        "INSERT INTO goods (id) SELECT lots.a FROM lots;",
        "DELETE FROM goods WHERE id IN (SELECT a FROM lots);",
        "INSERT INTO goods (id) SELECT a FROM lots ON CONFLICT (sku) DO NOTHING;",
        "CREATE VIEW w AS SELECT g.sku, lots.* FROM goods g, lots;",
        "CREATE VIEW w AS WITH g AS (SELECT id AS a FROM goods) SELECT a FROM g;",
        "CREATE VIEW w AS SELECT x.a FROM goods, (SELECT 1 AS a) x;",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$ DECLARE b int; BEGIN b := a; RETURN b; END $$;",
        "ALTER TABLE lots ADD FOREIGN KEY (sku) REFERENCES goods, ADD CHECK (a > 0);",
        "DELETE FROM goods RETURNING *;",
    ] {
        assert_eq!(said(block, &format!("{lots}{more}")), [] as [&str; 0], "{more}");
    }
}

/// What a query makes itself hides the tables' columns of that name.
#[test]
fn a_name_that_a_query_makes_is_no_column_of_a_table() {
    let block = "ALTER TABLE goods ADD a int";
    let refused = [
        // Results come first in `ORDER BY`.
        "CREATE VIEW w AS SELECT id AS a FROM goods ORDER BY a;",
        "CREATE VIEW w AS SELECT DISTINCT ON (a) id AS a FROM goods ORDER BY a DESC NULLS LAST;",
        "CREATE VIEW w AS SELECT id AS a FROM goods UNION SELECT id FROM lots ORDER BY a;",
        // An `INSERT` does not see the table from what it puts in.
        "DO $$ DECLARE a int; BEGIN INSERT INTO goods (sku, id) VALUES ('x', a); END $$;",
        "CREATE FUNCTION f(a int) RETURNS void LANGUAGE sql AS 'INSERT INTO goods (id) VALUES (a)';",
        "CREATE FUNCTION f(a int) RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO goods (id) SELECT a; END;",
        "INSERT INTO goods (id) SELECT a FROM (VALUES (1)) v(a);",
        "WITH v AS (SELECT 1 AS a) INSERT INTO goods (id) SELECT a FROM v;",
        "INSERT INTO goods (sku) SELECT a FROM json_to_recordset('[]') AS x(a text);",
        "INSERT INTO goods (id) SELECT a FROM generate_series(1, 2) AS a;",
        // What stands in `FROM` is nearer than the table around it.
        "UPDATE goods SET id = a FROM (VALUES (1, 2)) v(a, k) WHERE id = k;",
        "DELETE FROM goods USING generate_series(1, 2) AS a WHERE id = a;",
        "UPDATE goods SET id = (SELECT max(a) FROM (VALUES (1)) v(a));",
        "UPDATE goods SET id = (SELECT max(a) FROM (SELECT id AS a FROM lots) x);",
        "UPDATE goods SET id = (SELECT max(a) FROM (SELECT id AS a FROM lots UNION SELECT 1) x);",
        "UPDATE goods SET id = (SELECT max(a) FROM ROWS FROM (json_to_record('{}') AS (a int)));",
        "WITH v AS (SELECT id AS a FROM lots) UPDATE goods SET id = (SELECT max(a) FROM v);",
        "WITH v(a) AS (VALUES (1)) DELETE FROM goods WHERE id IN (SELECT a FROM v);",
        "WITH v AS (DELETE FROM lots RETURNING id AS a) UPDATE goods SET id = a FROM v;",
        "UPDATE goods SET id = (SELECT max(a) FROM json_table('[]', '$' COLUMNS (a int PATH '$')) x);",
    ];
    let refused = refused.into_iter().filter(|more| !said(block, more).is_empty());
    assert_eq!(refused.collect::<Vec<_>>(), [] as [&str; 0]);
    let a = uses("the column `a` of `goods`");
    let carried = [
        "CREATE VIEW w AS SELECT id FROM goods ORDER BY a;",
        "CREATE VIEW w AS SELECT id AS a FROM goods ORDER BY a + 1;",
        "CREATE VIEW w AS SELECT id AS a, rank() OVER (ORDER BY a) FROM goods;",
        "CREATE VIEW w AS SELECT array_agg(id ORDER BY a) AS a FROM goods;",
        "INSERT INTO goods (id) VALUES (1) ON CONFLICT (sku) DO UPDATE SET id = (SELECT goods.a);",
        "INSERT INTO goods (id) VALUES (1) RETURNING a;",
        "INSERT INTO goods (id) SELECT a FROM goods;",
        "CREATE VIEW w AS SELECT a FROM goods JOIN (VALUES (1)) v(a) USING (a);",
        "CREATE VIEW w AS SELECT a FROM goods NATURAL JOIN (VALUES (1)) v(a);",
        "UPDATE goods SET id = (SELECT max(a) FROM (VALUES (1)) v(b));",
        "UPDATE goods SET id = k FROM LATERAL (SELECT a + 1) v(k);",
        "CREATE VIEW w AS SELECT k FROM goods, LATERAL (SELECT a) v(k);",
        "WITH v AS (SELECT a FROM goods) DELETE FROM lots;",
    ];
    let carried = carried.into_iter().filter(|more| said(block, more) != [&*a]);
    assert_eq!(carried.collect::<Vec<_>>(), [] as [&str; 0]);
}

/// What a trigger's function says of other tables is not of the one on which it fires.
#[test]
fn a_trigger_uses_what_its_function_says_of_the_row() {
    let block = "ALTER TABLE goods ADD a int";
    let trigger = |body: &str| {
        format!(
            "ALTER TABLE lots ADD a int;\n\
             CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$;\n\
             CREATE TRIGGER t BEFORE UPDATE ON goods FOR EACH ROW EXECUTE FUNCTION f();"
        )
    };
    let a = uses("the column `a` of `goods`");
    for body in [
        "NEW.a := 1",
        "INSERT INTO lots VALUES (NEW.*)",
        "INSERT INTO lots SELECT OLD.*",
        "UPDATE lots SET a = new.a",
    ] {
        assert_eq!(said(block, &trigger(body)), [&*a], "{body}");
    }
    for body in [
        "UPDATE lots SET a = 1",
        "INSERT INTO lots (a) VALUES (NEW.id)",
        "IF NEW.* IS DISTINCT FROM OLD.* THEN NEW.id := 1; END IF",
    ] {
        assert_eq!(said(block, &trigger(body)), [] as [&str; 0], "{body}");
    }
    for more in [
        "CREATE RULE r AS ON INSERT TO goods DO ALSO INSERT INTO lots VALUES (NEW.a);",
        "CREATE TRIGGER t BEFORE UPDATE OF a ON goods EXECUTE FUNCTION f();",
    ] {
        assert_eq!(said(block, more), [&*a], "{more}");
    }
}

/// With a table go its columns, constraints and indexes, with a column what is about it.
#[test]
fn names_are_free_again_when_what_had_them_went_with_something_else() {
    let made = "CREATE TABLE copied (id int, n serial, CONSTRAINT k UNIQUE (id));\n\
                CREATE INDEX i ON copied (id);\n";
    let index = "CREATE INDEX i ON goods (id)";
    // What the set has is gone when it comes to the cut: it is missing afterwards.
    for (gone, user, what) in [
        ("DROP TABLE copied;", "CLUSTER goods USING i;", "`i`"),
        ("ALTER TABLE copied DROP COLUMN id;", "CLUSTER goods USING i;", "`i`"),
        (
            "ALTER TABLE copied RENAME COLUMN id TO b; ALTER TABLE copied DROP COLUMN b;",
            "CLUSTER goods USING i;",
            "`i`",
        ),
    ] {
        let up = format!("{made}{gone}\n");
        assert_eq!(said_after(&up, index, user), [uses_of(what)], "{gone}");
    }
    for (gone, again, what) in [
        ("DROP TABLE copied", "CREATE INDEX i ON goods (id);", "`i`"),
        ("DROP TABLE copied", "CREATE TABLE copied (id int);", "`copied`"),
        ("DROP TABLE copied", "CREATE INDEX k ON goods (id);", "`k`"),
        ("DROP TABLE copied", "CREATE SEQUENCE copied_n_seq OWNED BY goods.id;", "`copied_n_seq`"),
        ("ALTER TABLE copied DROP COLUMN id", "CREATE INDEX i ON goods (id);", "`i`"),
        ("ALTER TABLE copied DROP CONSTRAINT k", "CREATE INDEX k ON goods (id);", "`k`"),
    ] {
        let expected = format!(
            "migration-crosses: this statement makes {what} anew, which the cut of `CUT` leaves in place"
        );
        assert_eq!(said_after(made, gone, again), [expected], "{gone}: {again}");
    }
    // What the cut leaves goes later with something else.
    for (block, more) in [
        ("DROP INDEX i", "DROP TABLE copied; CREATE INDEX i ON goods (id);"),
        ("DROP INDEX i", "ALTER TABLE copied DROP COLUMN id; CREATE INDEX i ON goods (id);"),
        ("ALTER TABLE copied DROP COLUMN n", "DROP TABLE copied; CREATE TABLE copied (n int);"),
    ] {
        assert_eq!(said_after(made, block, more), [] as [&str; 0], "{block}: {more}");
    }
}

/// What is made anew under another name has its columns before the old one goes.
#[test]
fn a_table_that_takes_the_place_of_another_keeps_its_parts() {
    let made = "CREATE TABLE copied (id int);\nCREATE TABLE newer (id int);\nDROP TABLE copied;\n\
                ALTER TABLE newer RENAME TO copied;\n";
    let said = said_after(
        made,
        "ALTER TABLE copied DROP COLUMN id",
        "ALTER TABLE copied ADD COLUMN id int;",
    );
    let expected = "migration-crosses: this statement makes the column `id` of `copied` anew, which the cut of \
                    `CUT` leaves in place";
    assert_eq!(said, [expected]);
}

/// Two tables may have one name, one after the other.
#[test]
fn parts_are_of_the_table_that_has_the_name_then() {
    let made = "CREATE TABLE copied (sku text);\nCREATE TABLE newer (sku text, k int);\n";
    let swap = "DROP TABLE copied;\nALTER TABLE newer RENAME TO copied;\n";
    let add = "ALTER TABLE copied ADD a int";
    let insert = "INSERT INTO copied VALUES ('x', 1);";
    assert_eq!(said_after(made, add, &format!("{swap}{insert}")), [] as [&str; 0]);
    let in_one = format!("DO $$ BEGIN {swap} END $$;\n{insert}");
    assert_eq!(said_after(made, add, &in_one), [] as [&str; 0]);
    // What belongs to a table has its new name, too.
    for (block, more, what) in [
        ("ALTER TABLE newer ADD a int", format!("{swap}{insert}"), "the column `a` of `copied`"),
        (
            "ALTER TABLE newer ADD CONSTRAINT c UNIQUE (k)",
            format!("{swap}INSERT INTO copied VALUES ('x', 1) ON CONFLICT (k) DO NOTHING;"),
            "the constraint `c` of `copied`",
        ),
        (
            "ALTER TABLE copied ADD a int",
            "ALTER TABLE copied RENAME TO older;\nUPDATE older SET a = 1;".to_owned(),
            "the column `a` of `older`",
        ),
    ] {
        assert_eq!(said_after(made, block, &more), [uses_of(what)], "{more}");
    }
}

/// A table may have columns of another one, now or from now on.
#[test]
fn columns_that_a_table_has_of_another_are_cut_with_those() {
    let add = "ALTER TABLE goods ADD a int";
    let (like, kid) =
        ("CREATE TABLE copied (LIKE goods);\n", "CREATE TABLE copied () INHERITS (goods);\n");
    let a = uses_of("the column `a` of `copied`");
    let update = "UPDATE copied SET a = 1;";
    for (made, more) in [
        ("", format!("{like}{update}")),
        ("", format!("{like}INSERT INTO copied VALUES ('x', 1, 1);")),
        ("", format!("{kid}{update}")),
        (kid, update.to_owned()),
        ("", format!("CREATE TABLE copied PARTITION OF goods DEFAULT;\n{update}")),
        (
            "CREATE TABLE copied (sku text, id int);\nALTER TABLE goods ATTACH PARTITION copied DEFAULT;\n",
            update.to_owned(),
        ),
        (kid, "ALTER TABLE goods RENAME TO older;\nUPDATE copied SET a = 1;".to_owned()),
    ] {
        assert_eq!(said_after(made, add, &more), [&*a], "{made}{more}");
    }
    let grandchild = format!("{kid}CREATE TABLE newer () INHERITS (copied);\n");
    let said = said_after(&grandchild, add, "UPDATE newer SET a = 1;");
    assert_eq!(said, [uses_of("the column `a` of `newer`")]);
    let rename = "ALTER TABLE goods RENAME COLUMN id TO n";
    let said = said_after(kid, rename, "UPDATE copied SET n = 1;");
    assert_eq!(said, [uses_of("the column `n` of `copied`")]);
    let drop = "ALTER TABLE goods DROP COLUMN id";
    let said = said_after(kid, drop, "ALTER TABLE copied ADD id int;");
    assert!(said[0].contains("makes the column `id` of `copied` anew"), "{said:?}");
    for (made, more) in [
        ("", "CREATE TABLE copied (a int) INHERITS (goods);\nUPDATE copied SET a = 1;".to_owned()),
        (like, format!("ALTER TABLE copied ADD a int;\n{update}")),
        (like, "INSERT INTO copied VALUES ('x', 1);".to_owned()),
        (
            "CREATE TABLE copied () INHERITS (goods);\nALTER TABLE copied NO INHERIT goods;\n",
            "INSERT INTO copied VALUES ('x', 1);".to_owned(),
        ),
    ] {
        assert_eq!(said_after(made, add, &more), [] as [&str; 0], "{made}{more}");
    }
}

fn uses_of(what: &str) -> String {
    format!("migration-crosses: this statement uses {what}, which goes with the cut of `CUT`")
}

/// As [`said`], with what stands before the block; its cut is called `CUT`.
fn said_after(before: &str, block: &str, more: &str) -> Vec<String> {
    let cut = format!("1_a.up.sql:{}", 3 + before.matches('\n').count());
    let up = format!(
        "{TABLES}{before}DO $$ BEGIN {block}; ALTER TABLE visits ADD a int; END $$;\n{more}\n"
    );
    let ours = ["goods", "copied", "newer", "copied_n_seq"].map(str::to_owned);
    let said = divided_with(&up, "", &[&cut], Some(&ours)).err().unwrap_or_default();
    said.into_iter().map(|said| said.replace(&cut, "CUT")).collect()
}

#[test]
fn an_index_of_expressions_has_postgresql_s_name() {
    for (columns, name) in [
        ("lower(sku), id", "goods_lower_id_idx"),
        ("(id + 1)", "goods_expr_idx"),
        ("pg_catalog.lower(sku)", "goods_lower_idx"),
        ("(sku::int)", "goods_sku_idx"),
        ("coalesce(sku, 'x')", "goods_coalesce_idx"),
        ("(id + 1), (id + 2)", "goods_expr_expr1_idx"),
    ] {
        let made = format!("CREATE INDEX ON goods ({columns})");
        let what = uses_of(&format!("`{name}`"));
        assert_eq!(said_after("", &made, &format!("CLUSTER goods USING {name};")), [what]);
    }
}

/// A policy that is gone hides nothing, and one that is left lets somebody in.
#[test]
fn row_security_misses_only_policies_that_would_be_there() {
    let made = "CREATE POLICY p ON goods USING (true)";
    let security = "ALTER TABLE goods ENABLE ROW LEVEL SECURITY;";
    let policy = uses_of("a policy of `goods`");
    assert_eq!(said_after("", made, security), [&*policy]);
    let gone = format!("{security} DROP POLICY p ON goods;");
    assert_eq!(said_after("", made, &gone), [] as [&str; 0]);
    let own = "CREATE POLICY q ON goods USING (true);";
    assert_eq!(said_after("", made, &format!("{own} {security}")), [] as [&str; 0]);
    let neither = format!("{own} DROP POLICY q ON goods; {security}");
    assert_eq!(said_after("", made, &neither), [policy]);
}

#[test]
fn files_of_one_name_are_told_apart_by_their_folders() {
    let folder = |path: &str, text: String| {
        MigrationFolder::parse(path, [("1_a.sql".to_owned(), Arc::<str>::from(text))]).unwrap()
    };
    let both = "DO $$ BEGIN DELETE FROM goods; DELETE FROM visits; END $$;\n";
    let folders =
        [folder("m", format!("{TABLES}{both}")), folder("n", format!("SELECT 1;\n\n{both}"))];
    let is_ok = |cuts: &[&str]| divided_of(&folders, cuts, None).is_ok();
    assert!(is_ok(&["m/1_a.sql:3", "n/1_a.sql:3"]));
    assert!(!is_ok(&["m/1_a.sql:3"]) && !is_ok(&["1_a.sql:3"]));
    // What was typed before the other folder had the file still means the same.
    let folders = [folder("m", format!("{TABLES}{both}")), folder("n", "SELECT 1;\n".to_owned())];
    let is_ok = |cuts: &[&str]| divided_of(&folders, cuts, None).is_ok();
    assert!(is_ok(&["m/1_a.sql:3"]) && is_ok(&["1_a.sql:3"]));
    assert!(!is_ok(&["a.sql:3"]) && !is_ok(&["o/1_a.sql:3"]) && !is_ok(&[""]));
}

#[test]
fn of_a_list_of_views_goes_the_one_that_is_cut() {
    let up = format!(
        "{TABLES}CREATE VIEW v AS SELECT 1 FROM goods, visits;\nCREATE VIEW w AS SELECT 1 FROM goods;\n\
         GRANT SELECT ON v, w TO PUBLIC;\nGRANT SELECT ON TABLE w, v TO PUBLIC;\nREVOKE ALL ON v FROM PUBLIC;\n"
    );
    let down = "DROP VIEW v, w;\nDROP VIEW v;\n";
    let (forward, back) = divided(&up, down, &["view:v"]).unwrap();
    let kept: Vec<&str> = forward.lines().skip(2).collect();
    assert_eq!(kept, ["GRANT SELECT ON w TO PUBLIC;", "GRANT SELECT ON TABLE w TO PUBLIC;"]);
    assert_eq!(back, "DROP VIEW w;\n");
}
