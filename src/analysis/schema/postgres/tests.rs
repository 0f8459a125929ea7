//! Migrations in, schema and crossings out.

use std::sync::Arc;

use super::*;
use crate::analysis::schema::MigrationFolder;

fn folder(path: &str, files: &[&str]) -> MigrationFolder {
    let files = files
        .iter()
        .enumerate()
        .map(|(at, text)| (format!("{:04}_m.sql", (at + 1) * 10), Arc::<str>::from(*text)));
    MigrationFolder::parse(path, files).unwrap()
}

fn read(folders: &[(&str, &[&str])]) -> Schema {
    let folders: Vec<_> = folders.iter().map(|(path, files)| folder(path, files)).collect();
    Schema::of(&folders)
        .unwrap_or_else(|problems| panic!("{:?}", problems.iter().collect::<Vec<_>>()))
}

fn refused(own: &str, other: &str) -> Vec<(&'static str, String)> {
    let schema = read(&[("own", &[own]), ("other", &[other])]);
    let found = crossings(&schema, "own".into());
    found.refused.into_iter().map(|d| (d.code, d.message)).collect()
}

#[test]
fn tables_and_keys_are_followed_through_the_migrations() {
    let schema = read(&[
        ("own", &["CREATE TABLE \"Bins\" (id bigserial PRIMARY KEY, hall int);"]),
        (
            "other",
            &[
                "CREATE TABLE moves (id int PRIMARY KEY, bin bigint REFERENCES \"Bins\", \
                 second bigint, FOREIGN KEY (second) REFERENCES \"Bins\" (id));
                 ALTER TABLE moves ADD COLUMN third bigint CONSTRAINT to_third REFERENCES \"Bins\" (id);",
                "ALTER TABLE moves RENAME COLUMN second TO other;
                 ALTER TABLE moves DROP CONSTRAINT to_third;
                 ALTER TABLE moves RENAME TO transfers;
                 DO $$ BEGIN ALTER TABLE transfers ADD CONSTRAINT late FOREIGN KEY (id) \
                 REFERENCES \"Bins\" (id); END $$;",
            ],
        ),
    ]);
    let moves = schema.table(&Name::of_text("transfers").unwrap()).unwrap();
    let keys: Vec<_> =
        moves.foreign_keys.iter().map(|k| (k.constraint.as_str(), k.from.join(","))).collect();
    let expected = [("moves_bin_fkey", "bin"), ("moves_second_fkey", "other"), ("late", "id")];
    assert_eq!(keys, expected.map(|(name, from)| (name, from.to_owned())));
    assert_eq!(schema.declared.len(), 4);
    let text = drop_foreign_keys(moves, &|_| true);
    assert!(
        text.contains("ALTER TABLE transfers\n    DROP CONSTRAINT IF EXISTS moves_bin_fkey,"),
        "{text}"
    );
    let declared: Vec<_> = schema.declared.iter().collect();
    let path = stand_in_path(&schema.folders[1], &declared, "stock").unwrap();
    assert_eq!(path, "other/0009_stand_in_for_stock.sql");
    let text = stand_in(&schema, &declared, "stock").unwrap();
    let table = "CREATE TABLE IF NOT EXISTS \"Bins\" (\n    id bigint,\n    PRIMARY KEY (id)\n);";
    assert!(text.contains(table), "{text}");
}

#[test]
fn what_crosses_is_refused_by_what_it_is() {
    let own = "CREATE TYPE kind AS ENUM ('a'); CREATE TABLE bins (id int PRIMARY KEY);
               CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;";
    let table = "CREATE TABLE moves (id int PRIMARY KEY);";
    for (own_more, other_more, code) in [
        ("", "CREATE VIEW v AS SELECT 1 FROM moves JOIN public.bins b ON true;", "view-crosses"),
        ("ALTER TABLE bins ADD COLUMN m int REFERENCES moves (id);", "", "foreign-key-out"),
        (
            "",
            "CREATE TRIGGER t BEFORE UPDATE ON moves FOR EACH ROW EXECUTE FUNCTION touch();",
            "trigger-crosses",
        ),
        ("", "ALTER TABLE moves ADD COLUMN k kind;", "migration-crosses"),
        ("INSERT INTO bins SELECT id FROM moves;", "", "migration-crosses"),
        (
            "",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM bins';",
            "function-crosses",
        ),
        (
            "",
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM bins'; END $$;",
            "function-crosses",
        ),
        (
            "",
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpython3u AS $$ plpy.execute('SELECT 1 FROM bins') $$;",
            "function-crosses",
        ),
        (
            "CREATE VIEW full_bins AS SELECT 1 FROM bins; ALTER VIEW full_bins RENAME TO crammed;",
            "CREATE VIEW v AS SELECT 1 FROM crammed;",
            "view-crosses",
        ),
        ("", "COMMENT ON COLUMN bins.id IS 'theirs';", "migration-crosses"),
    ] {
        let found = refused(&format!("{own} {own_more}"), &format!("{table} {other_more}"));
        let codes: Vec<_> = found.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, [code], "{own_more}{other_more}: {found:?}");
    }
}

#[test]
fn what_only_looks_like_it_is_not_refused() {
    let own = "CREATE TABLE bins (id int PRIMARY KEY, moves int);
               CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;";
    let other = "CREATE TABLE moves (id int PRIMARY KEY, bins int REFERENCES bins (id));
                 CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
                 CREATE TRIGGER t BEFORE UPDATE ON moves FOR EACH ROW EXECUTE FUNCTION touch();
                 WITH bins AS (SELECT 1) INSERT INTO moves SELECT 1 FROM bins;
                 INSERT INTO moves (id) VALUES (1); -- from bins
                 COMMENT ON TABLE moves IS 'SELECT 1 FROM bins;';";
    assert_eq!(refused(own, other), []);
}

#[test]
fn a_temporary_table_is_nobody_s() {
    let schema = read(&[("own", &["CREATE TEMPORARY TABLE t (id int); CREATE TABLE u (id int);"])]);
    let names: Vec<_> = schema.owned("own".into()).map(|table| table.name.to_string()).collect();
    assert_eq!(names, ["u"]);
}

#[test]
fn an_extension_belongs_to_who_creates_it() {
    let own = "CREATE TABLE bins (code citext PRIMARY KEY);";
    let found = refused(own, "CREATE EXTENSION IF NOT EXISTS citext;");
    assert_eq!(found[0].0, "migration-crosses");
    let both =
        "CREATE EXTENSION IF NOT EXISTS citext; CREATE TABLE bins (code citext PRIMARY KEY);";
    assert_eq!(refused(both, "CREATE EXTENSION IF NOT EXISTS citext;"), []);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let broken = folder("own", &["CREATE TABLE bins (id int;\n", "SET search_path TO stock;"]);
    let problems = Schema::of(&[broken]).unwrap_err();
    let codes: Vec<_> = problems.iter().map(|d| (d.code, d.labels[0].file.as_str())).collect();
    assert!(codes.contains(&("migration-unreadable", "own/0010_m.sql")), "{codes:?}");
    assert!(codes.contains(&("migration-unreadable", "own/0020_m.sql")), "{codes:?}");
}

#[test]
fn the_clean_up_drops_in_an_order_that_works() {
    let schema = read(&[(
        "own",
        &["CREATE SEQUENCE labels; CREATE TYPE kind AS ENUM ('a');
           CREATE TABLE bins (id int DEFAULT nextval('labels'), k kind);
           CREATE FUNCTION f(a int DEFAULT 1, b text = 'x') RETURNS int LANGUAGE sql AS 'SELECT 1';
           CREATE VIEW v AS SELECT 1 FROM bins; CREATE VIEW w AS SELECT 1 FROM v;"],
    )]);
    let text = drop_owned(&schema, "own".into(), Some("_own_migrations"), "bins_moved");
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("DROP")).collect();
    assert_eq!(
        lines,
        [
            "DROP VIEW IF EXISTS w, v;",
            "DROP TABLE IF EXISTS bins;",
            "DROP FUNCTION IF EXISTS f(a int, b text);",
            "DROP SEQUENCE IF EXISTS labels;",
            "DROP TYPE IF EXISTS kind;",
            "DROP FUNCTION IF EXISTS bins_moved();",
            "DROP TABLE IF EXISTS _own_migrations;",
        ]
    );
}
