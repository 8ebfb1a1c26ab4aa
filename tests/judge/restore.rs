//! Copies into a database that is there, and that others have open.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use litecopy::{CopyOptions, ErrorKind, FileTarget, restore};
use rusqlite::Connection;

use crate::content::{integrity_check_of, rows};
use crate::files::{Folder, beside, bytes_at, patch};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::{assert_same_bytes, logical_image};
use crate::makers;
use crate::peer::{BUSY, Peer};

/// What a target is before.
#[derive(Debug, Clone, Copy)]
struct Old {
    page_size: u32,
    journal_mode: &'static str,
    auto_vacuum: &'static str,
    rows: u32,
}

const OLD: Old = Old { page_size: 4096, journal_mode: "DELETE", auto_vacuum: "NONE", rows: 300 };

/// Every way in which a target can differ from a source of a few pages of 4096 bytes.
const OLDS: [Old; 9] = [
    OLD,
    Old { rows: 5, ..OLD },
    Old { rows: 20_000, ..OLD },
    Old { auto_vacuum: "FULL", ..OLD },
    Old { journal_mode: "TRUNCATE", ..OLD },
    Old { journal_mode: "PERSIST", ..OLD },
    Old { page_size: 512, ..OLD },
    Old { page_size: 65536, rows: 20_000, ..OLD },
    Old { journal_mode: "WAL", ..OLD },
];

impl Old {
    /// Makes it, with the table that [`ASK`] asks.
    fn make(self, path: &Path) {
        let Self { page_size, journal_mode, auto_vacuum, rows } = self;
        let connection = Connection::open(path).unwrap();
        let sql = format!(
            "PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {auto_vacuum};
             PRAGMA journal_mode = {journal_mode}; PRAGMA synchronous = OFF;
             CREATE TABLE t(version, body); CREATE TABLE u(x);
             INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                SELECT {rows}, randomblob(abs(random() % 400)) FROM n;
             CREATE INDEX t_body ON t(body); DELETE FROM t WHERE rowid % 10 = 3;
             PRAGMA schema_version = 50;"
        );
        connection.execute_batch(&sql).unwrap();
        connection.close().unwrap();
    }
}

/// Gives one row, in which all is of one version.
const ASK: &str = "SELECT min(version), max(version) FROM t";

fn answer(version: u32) -> Vec<Vec<String>> {
    vec![vec![version.to_string(), version.to_string()]]
}

/// A source of the version 77, in a folder of its own. Its schema is another, under the same schema cookie.
fn source(rows: u32) -> (Folder, PathBuf) {
    let folder = Folder::new();
    let path = folder.join("backup.db");
    let old = Old { rows, ..OLD };
    old.make(&path);
    let connection = Connection::open(&path).unwrap();
    let sql = "UPDATE t SET version = 77; DROP TABLE u; CREATE TABLE w(y); PRAGMA schema_version = 50;";
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
    (folder, path)
}

/// What SQLite's own backup makes of a target.
fn sqlites_backup(source: &Path, target: &Path) {
    let mut peer = Peer::connected_to(source);
    peer.backup_start("main", target).unwrap();
    assert_eq!(peer.backup_step(-1).unwrap().status, 101);
    peer.backup_finish().unwrap();
    peer.quit();
}

#[test]
fn as_sqlites_own_backup_byte_for_byte() {
    let kinds = [makers::shapes(), makers::contents(), makers::journal_modes(), makers::sizes()];
    for (place, kind) in kinds.into_iter().flatten().enumerate() {
        let made = kind.make();
        // Each with a few of the targets, so that all pairs of a sort come up without all being tried.
        for old in OLDS.iter().cycle().skip(place * 2).take(2) {
            println!("{} onto {old:?}", kind.name.replace("Shape", ""));
            let folder = Folder::for_judging();
            let [ours, theirs] = ["ours.db", "theirs.db"].map(|name| folder.join(name));
            old.make(&ours);
            fs::copy(&ours, &theirs).unwrap();
            restore(&made.path, &ours).unwrap();
            if old.journal_mode == "WAL" && page_size(&made.path) != old.page_size {
                // SQLite does not do that at all.
                assert_eq!(integrity_check_of(&Connection::open(&ours).unwrap()), "'ok'");
                continue;
            }
            sqlites_backup(&made.path, &theirs);
            if fs::metadata(&made.path).unwrap().len() <= 1 {
                // Behind the header of its empty page SQLite leaves what lay there before.
                assert_eq!(bytes_at(&theirs, 0, 108), bytes_at(&ours, 0, 108));
            } else {
                assert_same_bytes(&theirs, &ours);
            }
            assert_eq!(folder.names(), ["ours.db", "theirs.db"]);
        }
    }
}

fn page_size(database: &Path) -> u32 {
    let connection = Connection::open(database).unwrap();
    connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap()
}

#[test]
fn open_connections_see_the_new_content_at_their_next_transaction() {
    for (rows, old) in OLDS.into_iter().flat_map(|old| [(40, old), (3_000, old)]) {
        println!("{rows} rows onto {old:?}");
        let (_folder, source) = source(rows);
        let folder = Folder::new();
        let target = folder.join("app.db");
        old.make(&target);
        let mut peer = Peer::connected_to(&target);
        peer.execute("main", &format!("PRAGMA journal_mode = {}", old.journal_mode)).unwrap();
        assert_eq!(peer.query_prepared("main", ASK), Ok(answer(old.rows)));
        assert_eq!(peer.query_prepared("main", "SELECT count(*) FROM u"), Ok(vec![vec!["0".to_owned()]]));
        restore(&source, &target).unwrap();
        assert_eq!(peer.query_prepared("main", ASK), Ok(answer(77)));
        let gone = peer.query_prepared("main", "SELECT count(*) FROM u").unwrap_err();
        assert!(gone.message.contains("no such table: u"), "{gone:?}");
        assert_eq!(peer.query("main", "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
        peer.execute("main", "INSERT INTO w VALUES (1); UPDATE t SET version = 78;").unwrap();
        assert_eq!(peer.query_prepared("main", ASK), Ok(answer(78)));
        assert_eq!(peer.query("main", "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
        peer.quit();
    }
}

#[test]
fn who_is_in_the_way_is_named_at_the_timeout_and_nothing_has_changed() {
    let (_folder, source) = source(40);
    for (old, begin) in [
        (OLD, "BEGIN; SELECT count(*) FROM t"),
        (OLD, "BEGIN IMMEDIATE"),
        (OLD, "BEGIN EXCLUSIVE"),
        (Old { journal_mode: "WAL", ..OLD }, "BEGIN IMMEDIATE"),
    ] {
        println!("{begin} in {old:?}");
        let folder = Folder::new();
        let target = folder.join("app.db");
        old.make(&target);
        let mut peer = Peer::connected_to(&target);
        peer.execute("main", begin).unwrap();
        let before = Fingerprint::of(folder.path());
        let options = CopyOptions::new().in_place(true).lock_timeout(Some(Duration::from_millis(300)));
        let error = options.copy(&source, &target).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TargetInUse, "{error}");
        // Windows names no process.
        let by = Some(peer.process_id()).filter(|_| !cfg!(windows));
        assert!(error.lock_holders().iter().all(|holder| holder.process_id == by));
        assert!(!error.lock_holders().is_empty());
        assert_same(&before, &Fingerprint::of(folder.path()));
        peer.execute("main", "COMMIT").unwrap();
        options.copy(&source, &target).unwrap();
        assert_eq!(peer.query_prepared("main", ASK), Ok(answer(77)));
    }
}

/// Two processes whose reads overlap all the time: PENDING lets those that are there finish, and no new one begin.
#[test]
fn readers_that_never_leave_all_at_once_do_not_keep_it_out() {
    let (_folder, source) = source(40);
    let folder = Folder::new();
    let target = folder.join("app.db");
    Old { rows: 20_000, ..OLD }.make(&target);
    let mut readers = [Peer::start(), Peer::start(), Peer::start()];
    for reader in &mut readers {
        reader.repeat(&target, "", "SELECT max(hex(body)) FROM t");
    }
    restore(&source, &target).unwrap();
    drop(readers);
    let mut peer = Peer::connected_to(&target);
    assert_eq!(peer.query("main", ASK), Ok(answer(77)));
}

/// Until it is done nobody sees anything of it, and one that is stopped has changed nothing.
#[test]
fn one_that_is_stopped_leaves_every_byte_as_it_was() {
    let (_folder, source) = source(40_000);
    assert!(fs::metadata(&source).unwrap().len() > 9_000_000, "more than two batches");
    for old in OLDS {
        println!("{old:?}");
        let folder = Folder::new();
        let target = folder.join("app.db");
        old.make(&target);
        let mut peer = Peer::connected_to(&target);
        let before = fs::read(&target).unwrap();
        let options = CopyOptions::new().in_place(true).pages_per_step(500);
        let mut steps = 0;
        let stopped = options.begin(&source, FileTarget::new(&target)).unwrap().run(|_| {
            steps += 1;
            match peer.query_prepared("main", ASK) {
                Ok(found) => assert_eq!((found, old.journal_mode), (answer(old.rows), "WAL")),
                Err(failure) => assert_eq!(failure.code, BUSY),
            }
            if steps < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert_eq!(stopped.map(drop).unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(fs::read(&target).unwrap() == before);
        assert!(!beside(&target, "-journal").exists() || old.journal_mode == "PERSIST");
        assert_eq!(peer.query_prepared("main", ASK), Ok(answer(old.rows)));
        peer.execute("main", "UPDATE t SET version = 78").unwrap();
        assert_eq!(peer.query_prepared("main", ASK), Ok(answer(78)));
        assert_eq!(peer.query("main", "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
    }
}

/// A target whose last user was killed: what he committed is there, and what he did not is not, before anything is copied.
#[test]
fn what_a_dead_writer_left_is_settled_before() {
    let (_folder, source) = source(40);
    let left: [(&str, Leave); 4] = [
        ("a hot journal", |path| makers::hot_journal(path, "DELETE")),
        ("a hot journal", |path| makers::hot_journal(path, "PERSIST")),
        ("a log", makers::left_log),
        ("an empty database, and a journal", |path| {
            fs::write(path, []).unwrap();
            fs::write(beside(path, "-journal"), [1; 600]).unwrap();
        }),
    ];
    for (name, make) in left {
        println!("{name}");
        let folder = Folder::new();
        let target = folder.join("app.db");
        make(&target);
        let images = Folder::for_judging();
        let recovered = logical_image(&target, &images);
        let stop = |_: &litecopy::Progress| ControlFlow::Break(());
        let options = CopyOptions::new().in_place(true).pages_per_step(1);
        let stopped = options.begin(&source, FileTarget::new(&target)).unwrap().run(stop);
        assert_eq!(stopped.map(drop).unwrap_err().kind(), ErrorKind::Cancelled);
        assert_same_bytes(&recovered, &target);
        assert_eq!(folder.names(), ["app.db"]);
        make_again(&folder, &target, make);
        restore(&source, &target).unwrap();
        assert_eq!(folder.names(), ["app.db"]);
        let mut peer = Peer::connected_to(&target);
        assert_eq!(peer.query("main", ASK), Ok(answer(77)));
        assert_eq!(peer.query("main", "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
    }
}

/// Leaves a database under a path as a dead writer would.
type Leave = fn(&Path);

fn make_again(folder: &Folder, target: &Path, make: Leave) {
    for name in folder.names() {
        fs::remove_file(folder.join(&name)).unwrap();
    }
    make(target);
}

#[test]
fn the_source_itself_and_what_is_no_database_are_refused() {
    let (folder, source) = source(40);
    let link = folder.join("link.db");
    fs::hard_link(&source, &link).unwrap();
    let newer = folder.join("newer.db");
    fs::copy(&source, &newer).unwrap();
    patch(&newer, 18, &[3]);
    let text = folder.join("text");
    fs::write(&text, "no database, ".repeat(100)).unwrap();
    let before = Fingerprint::of(folder.path());
    for (target, kind) in [
        (&source, ErrorKind::SameFile),
        (&link, ErrorKind::SameFile),
        (&text, ErrorKind::NotADatabase),
        (&newer, ErrorKind::Unsupported),
        (&folder.path().to_owned(), ErrorKind::NotAFile),
    ] {
        let error = restore(&source, target).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_same(&before, &Fingerprint::of(folder.path()));
}

/// SQLite in our own process has the target open: it keeps its locks, is in the way where it has to be, and sees the new
/// content as any other.
#[test]
fn the_host_has_the_target_open_itself() {
    let (_folder, source) = source(40);
    for journal_mode in ["DELETE", "WAL"] {
        let folder = Folder::new();
        let target = folder.join("app.db");
        Old { journal_mode, ..OLD }.make(&target);
        let mut other = Peer::connected_to(&target);
        let host = Connection::open(&target).unwrap();
        let asked = |host: &Connection| rows(host, ASK).unwrap();
        assert_eq!(asked(&host), answer(OLD.rows));
        host.execute_batch("BEGIN IMMEDIATE").unwrap();
        let options = CopyOptions::new().in_place(true).lock_timeout(Some(Duration::ZERO));
        assert_eq!(options.copy(&source, &target).unwrap_err().kind(), ErrorKind::TargetInUse);
        assert_eq!(other.execute("main", "BEGIN IMMEDIATE").unwrap_err().code, BUSY, "its lock is lost");
        host.execute_batch("COMMIT").unwrap();
        options.copy(&source, &target).unwrap();
        assert_eq!(asked(&host), answer(77));
        host.execute_batch("BEGIN IMMEDIATE; UPDATE t SET version = 78").unwrap();
        assert_eq!(other.execute("main", "BEGIN IMMEDIATE").unwrap_err().code, BUSY, "its lock is lost");
        host.execute_batch("COMMIT").unwrap();
        assert_eq!(other.query_prepared("main", ASK), Ok(answer(78)));
        assert_eq!(integrity_check_of(&host), "'ok'");
    }
}

#[test]
fn where_nothing_is_a_new_file_is_made() {
    let (_folder, source) = source(40);
    let folder = Folder::new();
    let target = folder.join("app.db");
    restore(&source, &target).unwrap();
    assert_same_bytes(&source, &target);
    assert_eq!(folder.names(), ["app.db"]);
}
