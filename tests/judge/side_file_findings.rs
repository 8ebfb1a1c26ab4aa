//! What `check` finds in a log and a journal: where SQLite loses what was committed, or brings back no more than a part. What SQLite leaves
//! behind by itself is none.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use litecopy::inspect::{CheckOptions, Finding, FindingKind, Severity, check};
use litecopy::{Database, Source, SourceBytes, SourceOptions};
use rusqlite::Connection;

use crate::files::Folder;
use crate::peer::{Peer, until};

/// The bytes of a log's header, and of a frame of a page of 4096.
const HEADER: usize = 32;
const FRAME: usize = 24 + 4096;

fn findings(source: Source) -> Vec<Finding> {
    let mut database = Database::open(source, None).unwrap();
    database.report(|database| check(database, &CheckOptions::new(), |_| {})).unwrap().findings
}

fn found(bytes: &SourceBytes) -> Vec<(FindingKind, Severity, String)> {
    let findings = findings(Source::open(bytes.clone()).unwrap());
    findings.into_iter().map(|it| (it.kind, it.severity, it.detail)).collect()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// The files as they are at this moment, while the database is open.
fn bytes_of(path: &Path) -> SourceBytes {
    let read = |suffix| fs::read(beside(path, suffix)).unwrap_or_default();
    SourceBytes { database: read(""), wal: read("-wal"), journal: read("-journal") }
}

fn write(bytes: &SourceBytes, path: &Path) {
    fs::write(path, &bytes.database).unwrap();
    for (suffix, bytes) in [("-wal", &bytes.wal), ("-journal", &bytes.journal)] {
        if !bytes.is_empty() {
            fs::write(beside(path, suffix), bytes).unwrap();
        }
    }
}

/// What SQLite counts in these files; it recovers them first.
fn count(bytes: &SourceBytes, what: &str) -> i64 {
    let folder = Folder::new();
    let path = folder.join("judged.db");
    write(bytes, &path);
    let db = Connection::open(&path).unwrap();
    db.query_row(&format!("SELECT {what} FROM t"), [], |row| row.get(0)).unwrap()
}

/// Ten commits of several pages each, in a log that was never checkpointed.
fn logged(more: &str) -> SourceBytes {
    let folder = Folder::new();
    let path = folder.join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(a INTEGER PRIMARY KEY, b)",
    )
    .unwrap();
    for number in 0..10 {
        db.execute("INSERT INTO t VALUES (?1, zeroblob(9000))", [number]).unwrap();
    }
    db.execute_batch(more).unwrap();
    bytes_of(&path)
}

/// For each frame, whether it ends a commit.
fn commits(wal: &[u8]) -> Vec<bool> {
    wal[HEADER..].chunks_exact(FRAME).map(|frame| frame[4..8] != [0; 4]).collect()
}

#[test]
fn a_log_that_is_whole_or_torn_at_its_end_is_sound() {
    let whole = logged("");
    assert_eq!(found(&whole), []);
    let mut torn = whole.clone();
    for cut in [1, FRAME / 2, FRAME + 5, 2 * FRAME] {
        torn.wal.truncate(whole.wal.len() - cut);
        assert_eq!(found(&torn), []);
    }
    let mut last = whole;
    *last.wal.last_mut().unwrap() ^= 1;
    assert_eq!(found(&last), [], "nothing behind it was lost");
    assert_eq!(count(&last, "count(*)"), 9);
}

#[test]
fn what_a_transaction_that_was_rolled_back_leaves_is_sound() {
    let bytes = logged(
        "PRAGMA cache_size = 2; BEGIN; INSERT INTO t SELECT a + 100, zeroblob(9000) FROM t; ROLLBACK;
         INSERT INTO t VALUES (99, 1);",
    );
    assert!(bytes.wal.len() > HEADER + commits(&bytes.wal).iter().rposition(|&ends| ends).unwrap() * FRAME);
    assert_eq!(found(&bytes), []);
    let reset = logged("PRAGMA wal_checkpoint(RESTART); INSERT INTO t VALUES (99, 1);");
    assert_eq!(found(&reset), [], "frames of an earlier generation lie behind the end");
}

#[test]
fn a_frame_that_is_damaged_costs_the_commits_behind_it() {
    let whole = logged("");
    let ends = commits(&whole.wal);
    let rows = count(&whole, "count(*)");
    for frame in 2..ends.len() - 4 {
        // A byte of the page, of the salts, of the checksum, of the page number.
        for place in [24 + 100, 9, 17, 3] {
            let mut bytes = whole.clone();
            bytes.wal[HEADER + frame * FRAME + place] ^= 0x40;
            let found = found(&bytes);
            let [(FindingKind::Wal, Severity::Damage, detail)] = found.as_slice() else {
                panic!("frame {frame}, place {place}: {found:?}");
            };
            assert!(detail.contains("do not count"), "{detail}");
            assert!(count(&bytes, "count(*)") < rows);
        }
    }
}

#[test]
fn a_header_that_is_damaged_costs_all_commits() {
    let whole = logged("");
    for place in [2, 3, 13, 25] {
        let mut bytes = whole.clone();
        bytes.wal[place] ^= 1;
        let found = found(&bytes);
        let [(FindingKind::Wal, Severity::Damage, detail)] = found.as_slice() else {
            panic!("byte {place}: {found:?}");
        };
        assert!(detail.contains("header of the log does not count"), "{detail}");
    }
}

#[test]
fn what_the_wal_index_does_not_know_is_a_note() {
    let folder = Folder::new();
    let path = folder.join("a.db");
    let mut bytes = logged("");
    let middle = commits(&bytes.wal).len() / 2;
    bytes.wal[HEADER + middle * FRAME + 200] ^= 1;
    write(&bytes, &path);
    // SQLite recovers: its wal-index ends where the frames do. It is left over, as by a crash.
    let db = Connection::open(&path).unwrap();
    db.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
    let other = folder.join("b.db");
    for suffix in ["", "-wal", "-shm"] {
        fs::copy(beside(&path, suffix), beside(&other, suffix)).unwrap();
    }
    drop(db);
    let found = findings(Source::open(&other).unwrap());
    let [Finding { kind: FindingKind::Wal, severity: Severity::Note, detail, .. }] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(detail.contains("do not count"), "{detail}");

    // One that says something else than the log, which is whole: the next connection makes it anew.
    write(&logged(""), &other);
    let found = findings(Source::open(&other).unwrap());
    assert!(!found.is_empty(), "the wal-index is of another log");
    for Finding { kind, severity, detail, .. } in &found {
        assert_eq!((*kind, *severity), (FindingKind::Wal, Severity::Note), "{detail}");
        assert!(detail.starts_with("the wal-index is not as the log"), "{detail}");
    }
    let alone = SourceOptions::new().as_of(Some(0)).open(&other).unwrap();
    assert_eq!(findings(alone), [], "of the file alone they are not looked at");
}

#[test]
fn a_commit_that_is_just_being_written_is_not_lost() {
    const CHECKS: u32 = 20;
    let folder = Folder::new();
    let path = folder.join("a.db");
    let mut writer = Peer::start();
    // A log that is begun anew every few commits, with many frames of an earlier generation behind its end.
    let first = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 60;
         CREATE TABLE t(a INTEGER PRIMARY KEY, b);
         WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i, zeroblob(3000) FROM n;";
    let commit = "UPDATE t SET b = randomblob(3000) WHERE a IN (SELECT abs(random()) % 500 FROM t LIMIT 3)";
    writer.repeat(&path, first, commit);
    let log_header = || {
        let mut header = [0; HEADER];
        let read = fs::File::open(beside(&path, "-wal")).and_then(|mut log| log.read_exact(&mut header));
        read.ok().map(|()| header)
    };
    let timeout = Some(Duration::from_secs(60));
    for number in 0..CHECKS {
        let before = log_header();
        until("a log that is begun anew", || log_header() != before);
        let mut database = Database::open(Source::open(&path).unwrap(), timeout).unwrap();
        let report = database.report(|database| check(database, &CheckOptions::new(), |_| {})).unwrap();
        assert_eq!(report.findings, [], "check {number}");
    }
}

/// A transaction that has begun to write the database, so that its journal is synced, and died.
fn hot() -> SourceBytes {
    let folder = Folder::new();
    let path = folder.join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 2; CREATE TABLE t(a INTEGER PRIMARY KEY, b);
         WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO t SELECT i, zeroblob(1000) FROM n;
         BEGIN; UPDATE t SET b = randomblob(1000), a = a + 1000;",
    )
    .unwrap();
    bytes_of(&path)
}

#[test]
fn a_hot_journal_that_is_not_whole_is_damage() {
    let whole = hot();
    assert_eq!(found(&whole), []);
    assert_eq!(count(&whole, "sum(a)"), 5050);
    // The first record lies behind a header that is a sector long.
    let mut bad = whole.clone();
    bad.journal[512 + 300] ^= 1;
    let mut short = whole.clone();
    short.journal.truncate(512 + 300);
    for (bytes, words) in [(bad, "is not what its writer summed"), (short, "is missing")] {
        let found = found(&bytes);
        let journal = found.iter().find(|(kind, ..)| *kind == FindingKind::Journal);
        let Some((_, Severity::Damage, detail)) = journal else { panic!("{found:?}") };
        assert!(detail.contains(words), "{detail}");
    }
}
