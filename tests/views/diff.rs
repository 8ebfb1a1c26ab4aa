//! `litecopy diff`: pages byte by byte, and rows as SQLite reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value as SqlValue;
use serde_json::Value;

use crate::scene::{Random, Scene, assert_golden, json_lines, litecopy, said, seed, steady};

/// What the command says of two files.
fn diff(before: &Path, after: &Path, arguments: &[&str]) -> (i32, String) {
    let words = [&[after.to_str().unwrap()], arguments].concat();
    let (code, stdout, stderr) = litecopy("diff", before, &words);
    assert_eq!(stderr, "", "{stdout}");
    (code, stdout)
}

fn report(before: &Path, after: &Path) -> Value {
    serde_json::from_str(&diff(before, after, &["--json"]).1).unwrap()
}

/// The rows of a table by their key, as SQLite reads them.
fn rows(path: &Path, key: &str, table: &str) -> BTreeMap<String, Vec<String>> {
    let sqlite = Connection::open(path).unwrap();
    let mut statement = sqlite.prepare(&format!("SELECT quote({key}), * FROM {table}")).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let values =
            (1..columns).map(|column| format!("{:?}", row.get::<_, SqlValue>(column).unwrap())).collect();
        Ok((row.get::<_, String>(0)?, values))
    };
    statement.query_map((), row).unwrap().map(Result::unwrap).collect()
}

/// Added, removed and changed rows, by SQLite.
fn expected(before: &Path, after: &Path, key: &str, table: &str) -> [u64; 3] {
    let (one, other) = (rows(before, key, table), rows(after, key, table));
    let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let mut counts = [0; 3];
    for key in keys {
        match (one.get(key), other.get(key)) {
            (None, _) => counts[0] += 1,
            (_, None) => counts[1] += 1,
            (a, b) if a != b => counts[2] += 1,
            _ => {}
        }
    }
    counts
}

fn told(report: &Value, table: &str) -> [u64; 3] {
    let tables = report["tables"].as_array().unwrap();
    let of = tables.iter().find(|it| it["name"] == table);
    ["added", "removed", "changed"].map(|key| of.map_or(0, |of| of[key].as_u64().unwrap()))
}

const TABLES: &str =
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c TEXT COLLATE NOCASE); CREATE INDEX i ON t(c);
    CREATE TABLE w(k TEXT COLLATE NOCASE, n REAL, v, PRIMARY KEY(k DESC, n)) WITHOUT ROWID;
    CREATE TABLE big(x)";

fn many(count: u32, values: &str) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT {values} FROM n"
    )
}

fn filled(encoding: &str) -> Scene {
    let scene = Scene::new(&format!("PRAGMA page_size = 1024; PRAGMA encoding = '{encoding}'; {TABLES}"));
    scene.run(&format!("INSERT INTO t {}", many(2_000, "i, i * 7, 'name' || i")));
    scene.run(&format!("INSERT INTO w {}", many(800, "'Kéy' || (i % 40), i * 0.5, i")));
    scene.run(&format!("INSERT INTO big {}", many(20, "zeroblob(5000 + i)")));
    scene
}

/// The tables, and what their rows are found by.
const KEYS: [(&str, &str); 3] = [("t", "a"), ("w", "k || '/' || n"), ("big", "rowid")];

fn any_change(random: &mut Random) -> String {
    let row = random.below(2_100);
    match random.below(9) {
        0 => format!("DELETE FROM t WHERE a = {row}"),
        1 => format!("INSERT OR REPLACE INTO t VALUES ({row}, 1, 'x')"),
        2 => format!("UPDATE t SET b = b + 1 WHERE a BETWEEN {row} AND {}", row + random.below(9)),
        3 => format!("UPDATE w SET v = -1 WHERE n = {}", row / 4),
        4 => format!("DELETE FROM w WHERE k = 'kÉy{}'", row % 40),
        5 => format!("INSERT OR REPLACE INTO w VALUES ('new{row}', {row}, 0), ('zz', 1, 2)"),
        6 => format!("UPDATE big SET x = zeroblob(5000) || 'tail{row}' WHERE rowid = {}", row % 20),
        7 => same_length(row % 20, row),
        _ => format!("DELETE FROM big WHERE rowid = {}", row % 20),
    }
}

/// Changes the end of a long value, and not how long it is: SQLite writes only the page of its overflow chain.
fn same_length(rowid: usize, tail: usize) -> String {
    format!("UPDATE big SET x = CAST(zeroblob(length(x) - 4) || '{tail:04}' AS BLOB) WHERE rowid = {rowid}")
}

#[test]
fn counts_are_those_of_sqlite_after_any_changes() {
    let seed = seed();
    let mut random = Random(seed);
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        let scene = filled(encoding);
        for round in 0..6 {
            let before = scene.left_by_a_crash("before.db");
            for _ in 0..random.below(12) {
                scene.run(&any_change(&mut random));
            }
            let report = report(&before, &scene.path());
            for (table, key) in KEYS {
                let told = told(&report, table);
                assert_eq!(
                    told,
                    expected(&before, &scene.path(), key, table),
                    "{table}, {encoding}, round {round}"
                );
            }
            let (one, other) = (fs::read(&before).unwrap(), fs::read(scene.path()).unwrap());
            let pages = one.chunks(1024).zip(other.chunks(1024)).enumerate();
            let changed: Vec<_> =
                pages.filter(|(_, (a, b))| a != b).map(|(place, _)| place as u64 + 1).collect();
            let said: Vec<_> = report["pages"]["changed"]
                .as_array()
                .unwrap()
                .iter()
                .map(|page| page.as_u64().unwrap())
                .collect();
            assert_eq!(said, changed);
            assert_eq!(report["same"], one == other);
        }
    }
}

#[test]
fn a_row_that_changed_in_its_overflow_chain_alone_is_found() {
    let scene = filled("UTF-8");
    scene.run(&same_length(7, 1));
    let before = scene.left_by_a_crash("before.db");
    scene.run(&same_length(7, 2));
    let report = report(&before, &scene.path());
    let changed = report["pages"]["changed"].as_array().unwrap();
    let uses = json_lines("pages", &scene.path(), &[]);
    let kind = |page: &Value| uses.iter().find(|it| it["page"] == *page).unwrap()["kind"].clone();
    let kinds: Vec<_> = changed.iter().filter(|page| **page != 1).map(kind).collect();
    assert_eq!(kinds, ["overflow"], "its leaf is the same");
    assert_eq!(told(&report, "big"), [0, 0, 1]);
}

#[test]
fn versions_differ_as_copies_of_them_do() {
    let mut random = Random(seed());
    let scene = Scene::in_wal_mode(TABLES);
    scene.run(&format!("INSERT INTO t {}", many(2_000, "i, i * 7, 'name' || i")));
    scene.run(&format!("INSERT INTO w {}", many(800, "'Kéy' || (i % 40), i * 0.5, i")));
    scene.run(&format!("INSERT INTO big {}", many(20, "zeroblob(5000 + i)")));
    scene.run("PRAGMA wal_checkpoint(TRUNCATE)");
    let mut versions = Vec::new();
    for round in 0..8 {
        let changes: Vec<_> = (0..random.below(5)).map(|_| any_change(&mut random)).collect();
        scene.run(&format!("BEGIN; {}; PRAGMA user_version = {round}; COMMIT", changes.join("; ")));
        let log = json_lines("wal", &scene.path(), &[]);
        let commits = log.last().unwrap()["end"]["commits"].to_string();
        versions.push((commits, scene.left_by_a_crash(&format!("version{round}.db"))));
    }
    for _ in 0..16 {
        let [(from, before), (to, after)] = [(); 2].map(|()| &versions[random.below(versions.len())]);
        let words = ["--from", from, "--to", to, "--json"];
        let found: Value = serde_json::from_str(&litecopy("diff", &scene.path(), &words).1).unwrap();
        assert_eq!(found, report(before, after), "{from} to {to}");
        for (table, key) in KEYS {
            assert_eq!(told(&found, table), expected(before, after, key, table), "{table}, {from} to {to}");
        }
    }
}

#[test]
fn the_same_is_0_and_a_difference_is_1() {
    let scene = filled("UTF-8");
    let copy = scene.left_by_a_crash("copy.db");
    let (code, text) = diff(&scene.path(), &copy, &[]);
    assert!(code == 0 && text.starts_with("the same: "), "{text}");
    assert_eq!(diff(&scene.path(), &copy, &["--rows"]), (0, String::new()));
    scene.run("UPDATE t SET b = 0 WHERE a = 1000; DELETE FROM t WHERE a = 5; INSERT INTO w VALUES ('a', 1, x'00ff')");
    let (code, text) = diff(&copy, &scene.path(), &["--rows"]);
    assert_eq!(code, 1);
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let wanted = serde_json::json!([
        {"table": "t", "change": "removed", "rowid": 5, "before": {"a": 5, "b": 35, "c": "name5"}, "after": null},
        {"table": "t", "change": "changed", "rowid": 1000, "before": {"a": 1000, "b": 7000, "c": "name1000"},
         "after": {"a": 1000, "b": 0, "c": "name1000"}},
        {"table": "w", "change": "added", "key": {"k": "a", "n": 1.0}, "before": null,
         "after": {"k": "a", "n": 1.0, "v": {"blob": "00ff"}}},
    ]);
    assert_eq!(Value::Array(rows), wanted);
    assert_eq!(diff(&copy, &scene.path(), &[]).0, 1);
}

#[test]
fn versions_of_one_database_are_compared() {
    let scene = Scene::in_wal_mode("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    scene.run("INSERT INTO t(b) VALUES (1), (2), (3)");
    scene.run("UPDATE t SET b = 20 WHERE a = 2");
    scene.run("DELETE FROM t WHERE a = 1");
    let between = |words: &[&str]| {
        let (code, stdout, stderr) = litecopy("diff", &scene.path(), &[words, &["--json"]].concat());
        assert_eq!((code, stderr.as_str()), (1, ""), "{words:?}: {stdout}");
        told(&serde_json::from_str(&stdout).unwrap(), "t")
    };
    assert_eq!(between(&["--from", "1", "--to", "2"]), [3, 0, 0]);
    assert_eq!(between(&["--from", "2", "--to", "4"]), [0, 1, 1]);
    assert_eq!(between(&["--from", "2"]), [0, 1, 1]);
    assert_eq!(between(&["--from", "4", "--to", "1"]), [0, 2, 0]);
    for style in ["flock", "dotfile", "none"] {
        let words = ["--from", "2", "--to", "4", "--lock-style", style, "--timeout", "1"];
        assert_eq!(between(&words), [0, 1, 1], "{style}");
    }
    assert_eq!(litecopy("diff", &scene.path(), &["--from", "3", "--to", "3"]).0, 0);
    let (code, _, stderr) = litecopy("diff", &scene.path(), &["--from", "9"]);
    assert!(code == 1 && stderr.contains("4"), "{stderr}");
    for wrong in [&[][..], &["--to", "1"], &["x.db", "--from", "1"]] {
        assert_eq!(litecopy("diff", &scene.path(), wrong).0, 2, "{wrong:?}");
    }
}

#[test]
fn tables_that_come_go_or_grow_are_told() {
    let scene = filled("UTF-8");
    let before = scene.left_by_a_crash("before.db");
    scene.run("DROP TABLE big; CREATE TABLE fresh(x); INSERT INTO fresh VALUES (1), (2); ALTER TABLE t ADD COLUMN d DEFAULT 5");
    let report = report(&before, &scene.path());
    assert_eq!((told(&report, "big"), told(&report, "fresh")), ([0, 20, 0], [2, 0, 0]));
    assert_eq!(told(&report, "t"), [0, 0, 2_000], "each row has a column more");
    assert!(told(&report, "sqlite_schema").iter().sum::<u64>() >= 2);
    scene.run("VACUUM");
    let vacuumed = scene.left_by_a_crash("vacuumed.db");
    let other = Scene::new(&format!("PRAGMA page_size = 4096; {TABLES}"));
    other.run(&format!("ATTACH '{}' AS o; DROP TABLE t; DROP TABLE big", vacuumed.display()));
    other.run("CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d); INSERT INTO t SELECT * FROM o.t; INSERT INTO w SELECT * FROM o.w");
    let report = self::report(&vacuumed, &other.path());
    assert_eq!(
        (told(&report, "t"), told(&report, "w")),
        ([0; 3], [0; 3]),
        "pages of another size, the same rows"
    );
    assert_eq!(report["not_compared"], Value::Array(Vec::new()), "tables without rowids too");
    assert_eq!((&report["page_size"][0], &report["page_size"][1]), (&1024.into(), &4096.into()));
}

#[test]
fn damage_is_no_failure() {
    let mut random = Random(seed());
    let scene = filled("UTF-8");
    let copy = scene.left_by_a_crash("copy.db");
    let whole = fs::read(&copy).unwrap();
    for _ in 0..25 {
        let mut bytes = whole.clone();
        for _ in 0..20 {
            let place = 100 + random.below(bytes.len() - 100);
            bytes[place] = u8::try_from(random.below(256)).unwrap();
        }
        fs::write(&copy, &bytes).unwrap();
        let (code, _, stderr) = litecopy("diff", &scene.path(), &[copy.to_str().unwrap(), "--json"]);
        assert!(code == 1 && !stderr.contains("panicked"), "{stderr}");
    }
}

#[test]
fn people_see_pages_and_tables() {
    let scene = filled("UTF-8");
    let before = scene.left_by_a_crash("before.db");
    scene.run("UPDATE t SET b = 0 WHERE a IN (7, 1000); DELETE FROM t WHERE a = 5; INSERT INTO w VALUES ('a', 1, 2)");
    let (code, text) = diff(&before, &scene.path(), &[]);
    assert_eq!(code, 1);
    assert_golden("diff", &steady(&text, scene.path().parent().unwrap()));
    assert!(said("diff", &before, &[before.to_str().unwrap()]).contains("the same"));
}
