//! States of a database in rollback mode whose journal, if there is one, changes nothing.

use std::fs;

use crate::files::{bytes_at, patch};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::peer::Peer;
use crate::states::{BIG_CHANGE, PAGE_BYTES, Scene, copied_in_steps, cut_to, number_at, size_bytes};

#[test]
fn no_journal() {
    let scene = Scene::new();
    assert_eq!(scene.folder.names(), ["source.db"]);
    scene.assert_nobody_there();
    scene.assert_copied();
}

#[test]
fn a_journal_of_a_living_writer() {
    for (synchronous, first_byte) in [("FULL", 0), ("OFF", 0xd9)] {
        let scene = Scene::new();
        let change = "BEGIN; UPDATE t SET c = 'not committed' WHERE a < 9;";
        let mut writer = scene.peer(&format!("PRAGMA synchronous = {synchronous}; {change}"));
        // Without syncs the journal looks hot from the first page on: only the lock tells.
        assert_eq!(bytes_at(&scene.journal(), 0, 1), [first_byte]);
        assert!(scene.is_locked("RESERVED") && !scene.is_locked("PENDING"));
        scene.assert_copied();
        writer.execute("main", "COMMIT").unwrap();
        scene.assert_copied();
    }
}

#[test]
fn a_journal_that_was_zeroed() {
    let scene = Scene::with("PRAGMA journal_mode = PERSIST");
    scene.peer(&format!("PRAGMA journal_mode = PERSIST; {BIG_CHANGE}")).quit();
    assert_eq!(bytes_at(&scene.journal(), 0, 28), [0; 28]);
    assert!(size_bytes(&scene.journal()) > 50 * PAGE_BYTES, "old records behind the header");
    scene.assert_cold();
    scene.assert_copied();
}

#[test]
fn a_journal_that_was_cut() {
    let scene = Scene::new();
    let writer = scene.peer(&format!("PRAGMA journal_mode = TRUNCATE; {BIG_CHANGE}"));
    for writer in [Some(writer), None] {
        assert_eq!(size_bytes(&scene.journal()), 0);
        scene.assert_cold();
        scene.assert_copied();
        drop(writer);
    }
}

/// Its writer died before the first page of the database was written: nothing to roll back.
#[test]
fn a_journal_that_was_never_synced() {
    for journal_mode in ["DELETE", "TRUNCATE", "PERSIST"] {
        let scene = Scene::new();
        let change = "BEGIN; UPDATE t SET c = 'never committed' WHERE a < 9;";
        scene.killed_after(&format!("PRAGMA journal_mode = {journal_mode}; {change}"));
        assert_eq!(bytes_at(&scene.journal(), 0, 12), [0; 12]);
        assert!(size_bytes(&scene.journal()) > 512);
        scene.assert_nobody_there();
        scene.assert_cold();
        scene.assert_copied();
    }
}

/// What a writer without a journal file leaves cannot be told from a whole database, by SQLite neither: the copy is what
/// SQLite finds, torn or not.
#[test]
fn killed_without_a_journal() {
    for journal_mode in ["MEMORY", "OFF"] {
        let scene = Scene::new();
        let before = fs::read(&scene.path).unwrap();
        scene.killed_after(&format!(
            "PRAGMA journal_mode = {journal_mode}; PRAGMA cache_size = 5; BEGIN; {BIG_CHANGE}"
        ));
        assert_eq!(scene.folder.names(), ["source.db"]);
        assert_ne!(fs::read(&scene.path).unwrap(), before, "half a transaction is in the file");
        assert!(scene.assert_judged_alike(journal_mode));
    }
}

#[test]
fn an_empty_database_with_a_journal_beside_it() {
    let scene = Scene::empty();
    fs::write(&scene.path, []).unwrap();
    let journal = Scene::new();
    journal.killed_after(&format!("PRAGMA cache_size = 5; BEGIN; {BIG_CHANGE}"));
    fs::copy(journal.journal(), scene.journal()).unwrap();
    for size_bytes in [0, 1] {
        if cfg!(windows) && size_bytes == 1 {
            println!("SKIP: a file of one byte, which SQLite takes for an empty database on unix only");
            continue;
        }
        cut_to(&scene.path, size_bytes);
        let before = Fingerprint::of(scene.folder.path());
        assert!(copied_in_steps(&scene.path).is_empty());
        assert_same(&before, &Fingerprint::of(scene.folder.path()));
        assert!(scene.assert_judged_alike("an empty database"));
    }
}

/// A crash after the commit, before the file is cut: pages beyond the size in the header.
#[test]
fn pages_beyond_the_size_in_the_header() {
    let scene = Scene::with("PRAGMA auto_vacuum = FULL");
    let long = fs::read(&scene.path).unwrap();
    scene.peer("DELETE FROM ballast").quit();
    let page_count = number_at(&scene.path, 28);
    let short = fs::read(&scene.path).unwrap();
    assert_eq!(u64::from(page_count) * PAGE_BYTES, short.len() as u64);
    fs::write(&scene.path, &long).unwrap();
    patch(&scene.path, 0, &short);
    assert!(size_bytes(&scene.path) > short.len() as u64);
    scene.assert_copied();
    assert!(copied_in_steps(&scene.path) == short);
}

/// `locking_mode = EXCLUSIVE`: busy until its end.
#[test]
fn a_connection_that_keeps_its_lock() {
    let scene = Scene::new();
    let holder = scene.peer(&format!("PRAGMA locking_mode = EXCLUSIVE; {BIG_CHANGE}"));
    assert!(scene.is_locked("EXCLUSIVE"));
    crate::wal_states::assert_busy(&scene);
    let mut other = Peer::start();
    other.open("main", &scene.path).unwrap();
    assert_eq!(other.query("main", "SELECT a FROM t").unwrap_err().code, crate::peer::BUSY);
    holder.kill();
    scene.assert_copied();
}
