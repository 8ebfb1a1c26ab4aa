//! Deleted rows, with truth by construction: every version of every row is known, and whether its bytes are still in a file.
//!
//! Printed is a table by scene: how many versions are gone from the tables with their values whole in some file, how many of them are found,
//! how many found rows never were.

use std::collections::HashSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use litecopy::inspect::{DeletedOptions, DeletedRow, FoundIn, deleted_rows};
use litecopy::rows::SqlValue;
use litecopy::{Database, Source};
use rusqlite::Connection;

/// A version of a row: its rowid, and its values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Version {
    id: i64,
    name: String,
    number: i64,
    real: u64,
    blob: Vec<u8>,
}

impl Version {
    /// The bytes of its values, as a record has them.
    fn body(&self) -> Vec<u8> {
        let mut bytes = self.name.clone().into_bytes();
        let length = [1_u32, 2, 3, 4, 6].into_iter().find(|&length| {
            let most = 1_i64 << (8 * length - 1);
            (-most..most).contains(&self.number)
        });
        let number = self.number.to_be_bytes();
        bytes.extend_from_slice(&number[8 - length.unwrap_or(8) as usize..]);
        bytes.extend_from_slice(&self.real.to_be_bytes());
        bytes.extend_from_slice(&self.blob);
        bytes
    }
}

const TABLE: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, number INT, r REAL, b BLOB);
    CREATE INDEX t_name ON t(name);
    CREATE TABLE other(x, y TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
      INSERT INTO t SELECT i, 'name ' || i || hex(randomblob(4)), i * 1001 + 70000, i + 0.25, randomblob(5 + i % 30) FROM n;
    INSERT INTO other SELECT number, name FROM t;";

/// What is done to the table, one commit a line.
const DELETE_FEW: &[&str] = &["DELETE FROM t WHERE id % 7 = 0", "DELETE FROM t WHERE id % 11 = 3"];
const DELETE_MANY: &[&str] = &["DELETE FROM t WHERE id BETWEEN 50 AND 250"];
const DELETE_ALL: &[&str] = &["DELETE FROM t"];
const UPDATE: &[&str] = &[
    "UPDATE t SET name = 'new ' || id, number = number + 1 WHERE id % 5 = 0",
    "UPDATE t SET b = randomblob(40) WHERE id % 9 = 1",
];
const DROP: &[&str] = &["DROP TABLE t"];

struct Scene {
    name: &'static str,
    page_size: u32,
    pragmas: &'static str,
    steps: &'static [&'static str],
}

const SCENES: [Scene; 12] = [
    Scene { name: "few deleted", page_size: 4096, pragmas: "", steps: DELETE_FEW },
    Scene { name: "few deleted, pages of 1024", page_size: 1024, pragmas: "", steps: DELETE_FEW },
    Scene { name: "many deleted", page_size: 4096, pragmas: "", steps: DELETE_MANY },
    Scene { name: "many deleted, pages of 512", page_size: 512, pragmas: "", steps: DELETE_MANY },
    Scene { name: "all deleted", page_size: 4096, pragmas: "", steps: DELETE_ALL },
    Scene { name: "updated", page_size: 4096, pragmas: "", steps: UPDATE },
    Scene { name: "dropped", page_size: 4096, pragmas: "", steps: DROP },
    Scene { name: "auto_vacuum", page_size: 1024, pragmas: "PRAGMA auto_vacuum = 1;", steps: DELETE_MANY },
    Scene {
        name: "secure_delete",
        page_size: 4096,
        pragmas: "PRAGMA secure_delete = ON;",
        steps: DELETE_MANY,
    },
    Scene {
        name: "in the log, deleted",
        page_size: 4096,
        pragmas: "PRAGMA journal_mode = WAL;",
        steps: DELETE_MANY,
    },
    Scene {
        name: "in the log, updated",
        page_size: 1024,
        pragmas: "PRAGMA journal_mode = WAL;",
        steps: UPDATE,
    },
    Scene {
        name: "a persisted journal",
        page_size: 4096,
        pragmas: "PRAGMA journal_mode = PERSIST;",
        steps: UPDATE,
    },
];

fn versions(db: &Connection) -> HashSet<Version> {
    let Ok(mut statement) = db.prepare("SELECT id, name, number, r, b FROM t") else { return HashSet::new() };
    let version = |row: &rusqlite::Row<'_>| {
        let real: f64 = row.get(3)?;
        Ok(Version {
            id: row.get(0)?,
            name: row.get(1)?,
            number: row.get(2)?,
            real: real.to_bits(),
            blob: row.get(4)?,
        })
    };
    statement.query_map([], version).unwrap().map(Result::unwrap).collect()
}

/// Makes the scene in a folder; gives every version that ever was, and those that are live.
fn make(scene: &Scene, folder: &Path) -> (HashSet<Version>, HashSet<Version>) {
    let live_folder = tempfile::tempdir().unwrap();
    let path = live_folder.path().join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(&format!("PRAGMA page_size = {}; {}", scene.page_size, scene.pragmas)).unwrap();
    db.execute_batch("PRAGMA wal_autocheckpoint = 0;").unwrap();
    db.execute_batch(TABLE).unwrap();
    let mut ever = versions(&db);
    for step in scene.steps {
        db.execute_batch(step).unwrap();
        ever.extend(versions(&db));
    }
    let live = versions(&db);
    for name in ["a.db", "a.db-wal", "a.db-journal"] {
        let _ = fs::copy(live_folder.path().join(name), folder.join(name));
    }
    (ever, live)
}

fn found_in(folder: &Path) -> Vec<DeletedRow> {
    let database = Database::open(Source::open(folder.join("a.db")).unwrap(), None).unwrap();
    let mut found = Vec::new();
    deleted_rows(&database, &DeletedOptions::default(), &mut |row| {
        found.push(row);
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// The version that a row is, if all its values are there.
fn version_of(row: &DeletedRow) -> Option<Version> {
    let id = row.row.rowid().unwrap_or(-1);
    let name = row.row.get("name")?.as_str()?.to_owned();
    let number = if let SqlValue::Integer(number) = row.row.get("number")? { number } else { return None };
    let real = if let SqlValue::Real(real) = row.row.get("r")? { real.to_bits() } else { return None };
    let blob = if let SqlValue::Blob(blob) = row.row.get("b")? { blob.to_vec() } else { return None };
    Some(Version { id, name, number, real, blob })
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return false };
    let starts = haystack.iter().enumerate().filter(|(_, byte)| *byte == first);
    starts.into_iter().any(|(at, _)| haystack[at..].starts_with(needle))
}

#[test]
fn deleted_rows_are_found_and_none_is_invented() {
    println!("scene | versions gone | whole in a file | found | never were | live");
    let (mut all_whole, mut all_found, mut all_given, mut all_wrong) = (0, 0, 0, 0);
    for scene in &SCENES {
        let folder = tempfile::tempdir().unwrap();
        let (ever, live) = make(scene, folder.path());
        let gone: Vec<&Version> = ever.difference(&live).collect();
        let bytes: Vec<Vec<u8>> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .collect();
        let before = crate::select::bytes_of(folder.path());
        let whole: Vec<&&Version> =
            gone.iter().filter(|version| bytes.iter().any(|file| holds(file, &version.body()))).collect();
        let rows = found_in(folder.path());
        assert!(crate::select::bytes_of(folder.path()) == before, "{}: a file changed", scene.name);
        let of_t: Vec<&DeletedRow> = rows.iter().filter(|row| row.row.table() == "t").collect();
        let without_id = |version: &Version| Version { id: -1, ..version.clone() };
        let found: HashSet<Version> = of_t.iter().filter_map(|row| version_of(row)).collect();
        let is_found = |version: &Version| found.contains(version) || found.contains(&without_id(version));
        let ever_without_id: HashSet<Version> = ever.iter().map(without_id).collect();
        let live_without_id: HashSet<Version> = live.iter().map(without_id).collect();
        let wrong = of_t.iter().filter(|row| {
            !version_of(row)
                .is_some_and(|version| ever.contains(&version) || ever_without_id.contains(&version))
        });
        let is_live = |row: &&&DeletedRow| {
            version_of(row)
                .is_some_and(|version| live.contains(&version) || live_without_id.contains(&version))
        };
        let (wrong, live_given) = (wrong.count(), of_t.iter().filter(is_live).count());
        let hits = whole.iter().filter(|version| is_found(version)).count();
        println!("{} | {} | {} | {hits} | {wrong} | {live_given}", scene.name, gone.len(), whole.len());
        assert_eq!(live_given, 0, "{}: a live row is given as deleted", scene.name);
        all_whole += whole.len();
        all_found += hits;
        all_given += of_t.len();
        all_wrong += wrong;
    }
    println!("sum | | {all_whole} | {all_found} | {all_wrong} of {all_given} |");
    assert!(all_found * 100 >= all_whole * 98, "{all_found} of {all_whole}");
    assert!(all_wrong * 100 <= all_given, "{all_wrong} of {all_given} never were");
}

#[test]
fn where_a_row_was_found_is_told() {
    let folder = tempfile::tempdir().unwrap();
    make(&SCENES[6], folder.path());
    let rows = found_in(folder.path());
    assert!(
        rows.iter().any(|row| row.found.place == FoundIn::DroppedTable && row.row.table() == "t"),
        "{rows:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    make(&SCENES[9], folder.path());
    let rows = found_in(folder.path());
    let in_log = rows.iter().find(|row| row.found.place == FoundIn::Wal).unwrap();
    assert!(in_log.found.frame.is_some() && in_log.found.commit.is_some() && in_log.whole);
    let json = serde_json::to_value(in_log).unwrap();
    assert_eq!((&json["table"], &json["found"]["in"]), (&"t".into(), &"wal".into()));
    assert!(json["values"]["name"].is_string() && json["confidence"].as_f64().unwrap() > 0.9);
}
