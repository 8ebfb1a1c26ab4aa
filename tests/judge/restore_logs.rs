//! Copies into a database in WAL mode that others have open: one more transaction in their log, whatever state that is in.

use std::fs;
use std::path::{Path, PathBuf};

use litecopy::{CopyOptions, ErrorKind, restore};
use rusqlite::Connection;

use crate::files::{Folder, beside};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::assert_same_bytes;
use crate::peer::Peer;

/// Gives one row, in which all is of one version.
const ASK: &str = "SELECT min(version), max(version), count(*) FROM t";

fn answer(version: u32, rows: u32) -> Vec<Vec<String>> {
    vec![vec![version.to_string(), version.to_string(), rows.to_string()]]
}

/// Its pages are small, so that a few megabytes fill several hash blocks of the wal-index.
fn make(path: &Path, journal_mode: &str, version: u32, rows: u32) {
    let connection = Connection::open(path).unwrap();
    let sql = format!(
        "PRAGMA page_size = 1024; PRAGMA synchronous = OFF; PRAGMA journal_mode = {journal_mode};
         CREATE TABLE t(version, body);
         INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
            SELECT {version}, randomblob(800) FROM n;"
    );
    connection.execute_batch(&sql).unwrap();
    connection.close().unwrap();
}

/// A target of version 1 that a peer has open, and a source of version 2.
struct Scene {
    folder: Folder,
    target: PathBuf,
    source: PathBuf,
    peer: Peer,
}

fn scene(rows: u32) -> Scene {
    let folder = Folder::new();
    let [target, source] = ["app.db", "backup.db"].map(|name| folder.join(name));
    make(&target, "WAL", 1, 300);
    make(&source, "DELETE", 2, rows);
    let mut peer = Peer::connected_to(&target);
    peer.execute("main", "PRAGMA wal_autocheckpoint = 0").unwrap();
    assert_eq!(peer.query_prepared("main", ASK), Ok(answer(1, 300)));
    Scene { folder, target, source, peer }
}

/// The states of a log: statements, and whether whoever ran them is killed.
const LOGS: [(&str, &str, bool); 8] = [
    ("never written", "", false),
    ("some commits", "UPDATE t SET body = randomblob(800); UPDATE t SET body = randomblob(800) WHERE rowid % 2;", false),
    ("checkpointed", "UPDATE t SET body = randomblob(800); PRAGMA wal_checkpoint(PASSIVE);", false),
    ("reset, old frames in it", "UPDATE t SET body = randomblob(800); PRAGMA wal_checkpoint(RESTART);", false),
    ("cut", "UPDATE t SET body = randomblob(800); PRAGMA wal_checkpoint(TRUNCATE);", false),
    (
        "more than a hash block",
        "UPDATE t SET body = randomblob(800); UPDATE t SET body = zeroblob(800); UPDATE t SET body = randomblob(800);
         UPDATE t SET body = zeroblob(800); UPDATE t SET body = randomblob(800); UPDATE t SET body = zeroblob(800);
         UPDATE t SET body = randomblob(800); UPDATE t SET body = zeroblob(800); UPDATE t SET body = randomblob(800);
         UPDATE t SET body = zeroblob(800); UPDATE t SET body = randomblob(800); UPDATE t SET body = zeroblob(800);
         UPDATE t SET body = randomblob(800); UPDATE t SET body = zeroblob(800); UPDATE t SET body = randomblob(800);",
        false,
    ),
    ("a writer died", "PRAGMA cache_size = 5; BEGIN; UPDATE t SET version = 9, body = randomblob(800);", true),
    (
        "a writer died behind a commit",
        "UPDATE t SET body = zeroblob(800); PRAGMA cache_size = 5; BEGIN; UPDATE t SET version = 9, body = randomblob(800);",
        true,
    ),
];

#[test]
fn whatever_state_the_log_is_in() {
    for (name, sql, dies) in LOGS {
        for rows in [20, 10_000] {
            println!("{name}, {rows} rows");
            let Scene { folder: _folder, target, source, mut peer } = scene(rows);
            let mut writer = Peer::connected_to(&target);
            writer.execute("main", "PRAGMA wal_autocheckpoint = 0").unwrap();
            writer.execute("main", sql).unwrap();
            if dies {
                writer.kill();
            } else {
                writer.quit();
            }
            restore(&source, &target).unwrap();
            assert_eq!(peer.query_prepared("main", ASK), Ok(answer(2, rows)));
            assert_eq!(peer.query("main", "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
            // Again, behind what is there now; then life goes on.
            restore(&source, &target).unwrap();
            peer.execute("main", "UPDATE t SET version = 3 WHERE rowid % 2; UPDATE t SET version = 3;")
                .unwrap();
            assert_eq!(peer.query_prepared("main", ASK), Ok(answer(3, rows)));
            for checkpoint in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
                peer.execute("main", &format!("PRAGMA wal_checkpoint({checkpoint})")).unwrap();
                peer.execute("main", "UPDATE t SET body = randomblob(800) WHERE rowid % 10 = 0").unwrap();
                assert_eq!(peer.query("main", "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
            }
            peer.quit();
            assert!(!beside(&target, "-wal").exists(), "the last to leave could not tidy up");
            let mut peer = Peer::connected_to(&target);
            assert_eq!(peer.query("main", ASK), Ok(answer(3, rows)));
        }
    }
}

#[test]
fn as_sqlites_own_backup_byte_for_byte() {
    for rows in [20, 10_000] {
        let Scene { folder, target, source, peer } = scene(rows);
        let theirs = folder.join("theirs.db");
        fs::copy(&target, &theirs).unwrap();
        let mut other = Peer::connected_to(&theirs);
        restore(&source, &target).unwrap();
        let mut copier = Peer::connected_to(&source);
        copier.backup_start("main", &theirs).unwrap();
        assert_eq!(copier.backup_step(-1).unwrap().status, 101);
        copier.backup_finish().unwrap();
        assert_eq!(other.query("main", ASK), Ok(answer(2, rows)));
        for last in [copier, other, peer] {
            last.quit();
        }
        assert_same_bytes(&theirs, &target);
    }
}

/// A reader goes on with what it has, and a commit that nobody has brought into the file survives its last user.
#[test]
fn a_snapshot_that_is_held_stays_and_the_log_alone_keeps_the_new_content() {
    let Scene { folder: _folder, target, source, mut peer } = scene(5_000);
    peer.execute("main", "BEGIN").unwrap();
    assert_eq!(peer.query_prepared("main", ASK), Ok(answer(1, 300)));
    restore(&source, &target).unwrap();
    assert_eq!(peer.query_prepared("main", ASK), Ok(answer(1, 300)));
    let mut other = Peer::connected_to(&target);
    assert_eq!(other.query("main", ASK), Ok(answer(2, 5_000)));
    other.kill();
    peer.execute("main", "COMMIT").unwrap();
    assert_eq!(peer.query_prepared("main", ASK), Ok(answer(2, 5_000)));
    peer.kill();
    let mut later = Peer::connected_to(&target);
    assert_eq!(later.query("main", ASK), Ok(answer(2, 5_000)));
    assert_eq!(later.query("main", "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
}

#[test]
fn its_page_size_stays_as_long_as_somebody_has_it_open() {
    let Scene { folder, target, source, peer } = scene(20);
    let other_size = folder.join("other-size.db");
    let connection = Connection::open(&source).unwrap();
    connection
        .execute_batch(&format!("PRAGMA page_size = 4096; VACUUM INTO '{}';", other_size.display()))
        .unwrap();
    connection.close().unwrap();
    let before = Fingerprint::of(folder.path()).excluding("-shm");
    let error = CopyOptions::new().in_place(true).copy(&other_size, &target).unwrap_err();
    assert_eq!((error.kind(), error.sqlite_code()), (ErrorKind::PageSizeFixed, 8), "{error}");
    assert_same(&before, &Fingerprint::of(folder.path()).excluding("-shm"));
    peer.quit();
    restore(&other_size, &target).unwrap();
    let mut peer = Peer::connected_to(&target);
    assert_eq!(peer.query("main", ASK), Ok(answer(2, 20)));
    assert_eq!(peer.query("main", "PRAGMA page_size").unwrap(), [["4096"]]);
    assert_eq!(peer.query("main", "PRAGMA journal_mode").unwrap(), [["'wal'"]]);
}
