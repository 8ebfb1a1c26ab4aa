//! With fidelity `api` a copy is, byte for byte, what SQLite's online backup makes of the same source in a new file.

use std::fs;
use std::path::{Path, PathBuf};

use litecopy::format::database_header::SqliteVersion;
use litecopy::{CopyOptions, Fidelity};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::content::integrity_check;
use crate::copies::memory_copy;
use crate::files::{Folder, byte_copy, bytes_at, patch};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::assert_same_bytes;
use crate::makers::{self, Kind, Made};

/// The SQLite that judges.
fn judges_own() -> Fidelity {
    Fidelity::ApiOf(SqliteVersion(u32::try_from(rusqlite::version_number()).unwrap()))
}

#[test]
fn every_shape_is_as_the_online_backup_makes_it() {
    assert_all_alike(makers::shapes());
}

#[test]
fn every_content_is_as_the_online_backup_makes_it() {
    assert_all_alike(makers::contents());
}

#[test]
fn every_journal_mode_is_as_the_online_backup_makes_it() {
    assert_all_alike(makers::journal_modes());
    for journal_mode in ["DELETE", "TRUNCATE", "PERSIST"] {
        let folder = Folder::new();
        let path = folder.join("source.db");
        makers::hot_journal(&path, journal_mode);
        assert_alike(&Made { folder, path, peer: None }, journal_mode);
    }
}

/// The empty source among them: of it the online backup makes a database of one page.
#[test]
fn every_size_is_as_the_online_backup_makes_it() {
    assert_all_alike(makers::sizes());
}

#[test]
fn past_the_lock_byte_page_it_is_as_the_online_backup_makes_it() {
    let made = makers::past_the_lock_byte_page().make();
    patch(&made.path, crate::judge::LOCK_BYTES_AT + 600, b"not data");
    assert_alike(&made, "past the lock-byte page");
}

/// A target that is there, of 0 bytes, is to the online backup a new one; to us it is one to be replaced.
#[test]
fn in_the_place_of_an_empty_file_it_is_the_same() {
    let made = makers::usual();
    let (ours, theirs) = (made.folder.join("ours.db"), made.folder.join("theirs.db"));
    for empty in [&ours, &theirs] {
        fs::write(empty, []).unwrap();
    }
    online_backup(&made.path, &theirs);
    CopyOptions::new().fidelity(judges_own()).replace(true).copy(&made.path, &ours).unwrap();
    assert_same_bytes(&theirs, &ours);
}

/// Step by step too, with a commit between, after which page 1 is copied again.
#[test]
fn in_steps_and_after_a_restart_it_is_the_same() {
    let mut made = Made { peer: None, ..makers::usual() };
    made.peer = Some(crate::peer::Peer::connected_to(&made.path));
    let ours = made.folder.join("ours.db");
    let options = CopyOptions::new().fidelity(judges_own());
    let mut backup = options.begin(&made.path, litecopy::FileTarget::new(&ours)).unwrap();
    assert_eq!(backup.step(5).unwrap(), litecopy::StepOutcome::More);
    made.peer.as_mut().unwrap().execute("main", "CREATE TABLE more(a); PRAGMA user_version = 77;").unwrap();
    while backup.step(5).unwrap() != litecopy::StepOutcome::Done {}
    assert_eq!(backup.progress().restarts, 1);
    let theirs = made.folder.join("theirs.db");
    online_backup(&made.path, &theirs);
    assert_same_bytes(&theirs, &ours);
}

/// Without a version of our own to write, the number of the SQLite that wrote the source stays: all else is the same.
#[test]
fn only_the_version_number_can_differ() {
    let made = makers::usual();
    patch(&made.path, 96, &3_007_017_u32.to_be_bytes());
    let (ours, theirs) = (made.folder.join("ours.db"), made.folder.join("theirs.db"));
    online_backup(&made.path, &theirs);
    CopyOptions::new().fidelity(Fidelity::Api).copy(&made.path, &ours).unwrap();
    assert_eq!(bytes_at(&ours, 96, 4), 3_007_017_u32.to_be_bytes());
    patch(&ours, 96, &bytes_at(&theirs, 96, 4));
    assert_same_bytes(&theirs, &ours);
    assert_eq!(integrity_check(&ours), "'ok'");
}

fn assert_all_alike(kinds: Vec<Kind>) {
    for kind in kinds {
        assert_alike(&kind.make(), &kind.name);
    }
}

#[track_caller]
fn assert_alike(made: &Made, name: &str) {
    println!("{name}");
    let targets = Folder::new();
    let (ours, theirs) = (targets.join("ours.db"), targets.join("theirs.db"));
    let before = Fingerprint::of(made.folder.path());
    let options = CopyOptions::new().fidelity(judges_own());
    let report = options.copy(&made.path, &ours).unwrap();
    assert_same(&before, &Fingerprint::of(made.folder.path()));
    assert_eq!(report.size_bytes(), fs::metadata(&ours).unwrap().len());
    online_backup(&made.path, &theirs);
    assert_same_bytes(&theirs, &ours);
    let (image, _) = memory_copy(&options, &made.path).unwrap();
    let in_memory: PathBuf = targets.join("memory.db");
    fs::write(&in_memory, image).unwrap();
    assert_same_bytes(&theirs, &in_memory);
}

/// What the C library makes of a byte copy of the source, so that no connection of this process is to the source.
fn online_backup(source: &Path, target: &Path) {
    let folder = Folder::for_judging();
    let source = Connection::open(byte_copy(source, &folder)).unwrap();
    let mut target = Connection::open(target).unwrap();
    target.pragma_update(None, "synchronous", "OFF").unwrap();
    let backup = Backup::new(&source, &mut target).unwrap();
    assert_eq!(backup.step(-1).unwrap(), StepResult::Done);
}
