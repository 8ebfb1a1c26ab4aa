//! Other locks than the usual ones: SQLite's other VFSs in other processes, `flock`, no locks, files that nobody changes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use litecopy::lock::LockStyle;
use litecopy::{Consistency, CopyOptions, ErrorKind, MemoryTarget, SourceOptions, StepOutcome};

use crate::copies::memory_copy;
use crate::files::{Folder, beside};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::assert_right_copy;
use crate::makers;
use crate::peer::{BUSY, Peer};

fn options(source: SourceOptions) -> CopyOptions {
    CopyOptions::new().source(source).lock_timeout(Some(Duration::ZERO))
}

fn styled(style: LockStyle) -> CopyOptions {
    options(SourceOptions::new().lock_style(style))
}

fn uri(database: &Path, parameter: &str) -> PathBuf {
    PathBuf::from(format!("file:{}?{parameter}", database.display()))
}

/// Copies and compares, with the source at rest.
#[track_caller]
fn assert_copied(options: &CopyOptions, source: &Path) {
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    options.copy(source, &copy).unwrap();
    assert_right_copy(source, &copy);
}

#[track_caller]
fn assert_busy(options: &CopyOptions, source: &Path) {
    let error = memory_copy(options, source).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
}

#[test]
fn a_folder_as_a_lock_keeps_both_sides_out() {
    let made = makers::usual();
    let mut peer = Peer::start();
    peer.open("main", &uri(&made.path, "vfs=unix-dotfile")).unwrap();
    peer.execute("main", "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; UPDATE t SET b = 1 WHERE a = 1;")
        .unwrap();
    assert_busy(&styled(LockStyle::Dotfile), &made.path);
    // Who does not know that they lock by a folder is not let past it either.
    assert_busy(&styled(LockStyle::Posix), &made.path);
    peer.execute("main", "COMMIT").unwrap();
    assert_copied(&styled(LockStyle::Dotfile), &made.path);
    assert_eq!(made.folder.names(), ["source.db"]);

    let source = SourceOptions::new().lock_style(LockStyle::Dotfile);
    let options = CopyOptions::new().source(source).consistency(Consistency::Hold);
    let mut held = options.begin(&made.path, MemoryTarget::new()).unwrap();
    assert_eq!(held.step(1).unwrap(), StepOutcome::More);
    let sql = "UPDATE t SET b = 2 WHERE a = 1";
    assert_eq!(peer.execute("main", sql).unwrap_err().code, BUSY);
    drop(held);
    peer.execute("main", sql).unwrap();
    assert_eq!(made.folder.names(), ["source.db"]);
}

#[test]
fn a_lock_on_the_whole_file() {
    let made = makers::usual();
    let writer = File::options().write(true).open(&made.path).unwrap();
    writer.lock().unwrap();
    assert_busy(&styled(LockStyle::Flock), &made.path);
    // The usual locks do not meet it, and go on.
    assert_copied(&styled(LockStyle::Posix), &made.path);
    writer.unlock().unwrap();
    assert_copied(&styled(LockStyle::Flock), &made.path);
    writer.try_lock().unwrap();
}

#[test]
fn a_hot_journal_under_each_style() {
    for &(name, style) in LockStyle::ALL {
        let folder = Folder::new();
        let source = folder.join("source.db");
        makers::hot_journal(&source, "DELETE");
        let before = Fingerprint::of(folder.path());
        println!("{name}");
        assert_copied(&styled(style), &source);
        if style != LockStyle::Dotfile {
            // The folder that stands for the lock came and went.
            assert_same(&before, &Fingerprint::of(folder.path()));
        }
    }
}

#[test]
fn without_locks_what_changes_meanwhile_does_not_count() {
    let made = makers::usual();
    let mut peer = Peer::connected_to(&made.path);
    let source = SourceOptions::new().lock_style(LockStyle::None);
    let options = CopyOptions::new().source(source).consistency(Consistency::Hold);
    let mut backup = options.begin(&made.path, MemoryTarget::new()).unwrap();
    assert_eq!(backup.step(1).unwrap(), StepOutcome::More);
    // Nobody is kept from writing, nor does anybody keep us from reading.
    peer.execute("main", "UPDATE t SET b = 'changed' WHERE a = 2; BEGIN EXCLUSIVE;").unwrap();
    assert_eq!(backup.step(-1).unwrap(), StepOutcome::Busy, "of two versions");
    assert_eq!(backup.progress().restarts, 1);
    peer.execute("main", "COMMIT").unwrap();
    assert_eq!(backup.step(-1).unwrap(), StepOutcome::Done);
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    std::fs::write(&copy, backup.finish().unwrap().output).unwrap();
    assert_right_copy(&made.path, &copy);
}

#[test]
fn immutable_files_are_read_without_locks_and_recovered_in_the_view() {
    let immutable = options(SourceOptions::new().immutable(true));
    let folder = Folder::new();
    let (hot, logged) = (folder.join("hot.db"), folder.join("logged.db"));
    makers::hot_journal(&hot, "PERSIST");
    makers::left_log(&logged);
    let before = Fingerprint::of(folder.path());
    assert_copied(&immutable, &hot);
    assert_copied(&immutable, &logged);
    assert_same(&before, &Fingerprint::of(folder.path()));

    let made = makers::usual();
    let mut peer = Peer::connected_to(&made.path);
    peer.execute("main", "BEGIN EXCLUSIVE").unwrap();
    assert_busy(&styled(LockStyle::Posix), &made.path);
    assert_copied(&immutable, &made.path);
    assert!(!beside(&made.path, "-journal").exists());
}
