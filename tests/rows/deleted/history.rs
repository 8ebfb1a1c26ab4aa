//! The versions of one row, in the order of the commits.

use std::fs;
use std::ops::ControlFlow::{Break, Continue};
use std::path::Path;

use litecopy::inspect::{DeletedOptions, FoundIn, deleted_rows, row_history};
use litecopy::{Database, Source};
use rusqlite::Connection;

/// A row that was changed five times, the first two times before a checkpoint, copied with its log.
fn changed(folder: &Path) {
    let live = tempfile::tempdir().unwrap();
    let db = Connection::open(live.path().join("a.db")).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
         CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT);
         INSERT INTO t VALUES (1, 'one'), (2, 'version 0 of two'), (3, 'three');
         UPDATE t SET body = 'version 1 of the row that is two' WHERE id = 2;
         PRAGMA wal_checkpoint(TRUNCATE);
         UPDATE t SET body = 'version 2 of two' WHERE id = 2;
         UPDATE t SET body = 'version 3 of the row two' WHERE id = 2;
         UPDATE t SET body = 'version 4' WHERE id = 2;
         UPDATE t SET body = 'version 5, which is live' WHERE id = 2;",
    )
    .unwrap();
    for name in ["a.db", "a.db-wal"] {
        fs::copy(live.path().join(name), folder.join(name)).unwrap();
    }
}

fn open(folder: &Path) -> Database {
    Database::open(Source::open(folder.join("a.db")).unwrap(), None).unwrap()
}

#[test]
fn the_versions_of_a_row_are_in_the_order_of_the_commits() {
    let folder = tempfile::tempdir().unwrap();
    changed(folder.path());
    let versions = row_history(&open(folder.path()), "t", 2, &mut |_| Continue(())).unwrap();
    let texts: Vec<String> = versions
        .iter()
        .filter(|it| it.whole)
        .map(|it| it.row.get("body").unwrap().as_str().unwrap().to_owned())
        .collect();
    let expected =
        ["version 1 of the row that is two", "version 2 of two", "version 3 of the row two", "version 4"];
    assert!(texts.ends_with(&expected.map(str::to_owned)), "{texts:?}");
    let commits: Vec<Option<u32>> = versions.iter().map(|it| it.found.commit).collect();
    assert!(commits.ends_with(&[Some(1), Some(2), Some(3)]), "{commits:?}");
    let mut places: Vec<_> =
        versions.iter().map(|it| (it.found.page, it.found.offset, it.found.frame)).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), versions.len(), "none is given twice from the same place");
}

#[test]
fn the_command_gives_the_live_version_last() {
    let folder = tempfile::tempdir().unwrap();
    changed(folder.path());
    let mut command = assert_cmd::Command::cargo_bin("litecopy").unwrap();
    let made =
        command.arg("rows").arg(folder.path().join("a.db")).args(["--history", "t", "2"]).assert().success();
    let text = String::from_utf8(made.get_output().stdout.clone()).unwrap();
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = rows.last().unwrap();
    assert_eq!(last["values"]["body"], "version 5, which is live");
    assert!(
        last.get("found").is_none() && rows[..rows.len() - 1].iter().all(|row| row.get("found").is_some())
    );
}

#[test]
fn rows_are_known_by_any_rowid_but_not_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE t(x); INSERT INTO t(rowid, x) VALUES (-9223372036854775808, 'the first'), (-3, 'third');
         CREATE TABLE w(x PRIMARY KEY) WITHOUT ROWID; INSERT INTO w VALUES (1);",
    )
    .unwrap();
    drop(db);
    let history = |table: &str, rowid: &str| {
        let mut command = assert_cmd::Command::cargo_bin("litecopy").unwrap();
        command.arg("rows").arg(&path).args(["--history", table, rowid]).assert()
    };
    for (rowid, text) in [("-3", "third"), ("-9223372036854775808", "the first")] {
        let made = history("t", rowid).success();
        let said = String::from_utf8_lossy(&made.get_output().stdout).into_owned();
        assert!(said.contains(text), "{said}");
    }
    history("t", "-9223372036854775809").code(2);
    let made = history("w", "1").code(1);
    let complained = String::from_utf8_lossy(&made.get_output().stderr).into_owned();
    assert!(complained.contains("`w` is WITHOUT ROWID"), "{complained}");
}

#[test]
fn what_is_found_is_told_and_can_be_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    changed(folder.path());
    let (database, options) = (open(folder.path()), DeletedOptions::default());
    let mut told = Vec::new();
    let mut rows = Vec::new();
    deleted_rows(
        &database,
        &options,
        &mut |progress| {
            told.push(progress);
            Continue(())
        },
        &mut |row| {
            rows.push(row);
            Continue(())
        },
    )
    .unwrap();
    assert!(told.last().is_some_and(|it| it.done == it.pages && it.pages > 0), "{told:?}");
    let in_log = rows.iter().find(|row| row.found.place == FoundIn::Wal).unwrap();
    assert!(in_log.found.frame.is_some() && in_log.found.commit.is_some() && in_log.whole);
    let json = serde_json::to_value(in_log).unwrap();
    assert_eq!((&json["table"], &json["found"]["in"]), (&"t".into(), &"wal".into()));
    assert!(json["values"]["body"].is_string() && json["confidence"].as_f64().unwrap() > 0.9);

    let mut given = 0;
    deleted_rows(&database, &options, &mut |_| Continue(()), &mut |_| {
        given += 1;
        Break(())
    })
    .unwrap();
    assert_eq!(given, 1);
    deleted_rows(&database, &options, &mut |_| Break(()), &mut |_| panic!("it was broken off")).unwrap();
}
