//! What the command says: advice that fits, options given twice, notes said once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;

fn run(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_litecopy"));
    command.current_dir(folder).args(words).stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with a small database of each of these names.
fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let database = Connection::open(folder.path().join(name)).unwrap();
        database.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (1)").unwrap();
    }
    folder
}

/// Makes SQLite 3.40.1 the one that wrote last.
fn written_by_an_old_sqlite(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[96..100].copy_from_slice(&3_040_001_u32.to_be_bytes());
    fs::write(path, bytes).unwrap();
}

#[test]
fn of_an_option_that_is_given_twice_the_last_one_counts() {
    let folder = folder(&["app.db"]);
    let words = [
        "copy",
        "app.db",
        "copy.db",
        "--timeout",
        "1",
        "--timeout",
        "2",
        "--consistency",
        "step",
        "--consistency",
        "hold",
        "--quiet",
        "--quiet",
    ];
    let copied = run(folder.path(), &words);
    assert_eq!(copied.status.code(), Some(0), "{}", stderr(&copied));
    // What can be given several times still adds up: the first limit is the one in the way.
    let both = ["info", "app.db", "--limit", "record-bytes=100", "--limit", "pages=1000"];
    let once = ["copy", "app.db", "b.db", "--limit", "pages=1", "--limit", "record-bytes=1000000"];
    assert_eq!(run(folder.path(), &both).status.code(), Some(0));
    let refused = run(folder.path(), &once);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("`--limit`"), "{}", stderr(&refused));
}

#[test]
fn replace_is_advised_only_where_it_can_be_done() {
    let folder = folder(&["app.db", "there.db"]);
    let advised = |target: &str| {
        let refused = run(folder.path(), &["copy", "app.db", target]);
        assert_eq!(refused.status.code(), Some(1), "{target}");
        let said = stderr(&refused);
        assert!(said.lines().count() == 2, "{said}");
        said.contains("--replace")
    };
    assert!(advised("there.db"));
    #[cfg(unix)]
    {
        assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
        std::os::unix::fs::symlink("nowhere", folder.path().join("dangling")).unwrap();
        // The last is the pipe that is read here: a link of the system, whose text is no name.
        for target in ["pipe", "dangling", "/dev/null", "/dev/full", "/dev/stdout"] {
            assert!(!advised(target), "{target}");
        }
    }
}

#[test]
fn exclusive_locking_mode_is_named_with_its_way_out() {
    let folder = folder(&["app.db"]);
    let holder = Connection::open(folder.path().join("app.db")).unwrap();
    holder.execute_batch("PRAGMA locking_mode = EXCLUSIVE; INSERT INTO t VALUES (2)").unwrap();
    let busy = run(folder.path(), &["copy", "app.db", "copy.db", "--timeout", "0.1", "--sleep", "0.05"]);
    assert_eq!(busy.status.code(), Some(5));
    let said = stderr(&busy);
    if cfg!(target_os = "linux") {
        assert!(said.contains("exclusive locking mode") && said.contains("--lock-style none"), "{said}");
    }
    let copied = run(folder.path(), &["copy", "app.db", "copy.db", "--lock-style", "none"]);
    assert_eq!(copied.status.code(), Some(0), "{}", stderr(&copied));
}

#[test]
fn a_note_is_said_once_and_can_be_left_out() {
    let folder = folder(&["app.db", "logs.db"]);
    for name in ["app.db", "logs.db"] {
        let database = Connection::open(folder.path().join(name)).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        drop(database);
        written_by_an_old_sqlite(&folder.path().join(name));
    }
    let words = ["copy", "app.db", "set", "--attach", "logs=logs.db", "--all"];
    let notes = |output: &Output| stderr(output).matches("WAL-reset").count();
    let copied = run(folder.path(), &words);
    assert_eq!((copied.status.code(), notes(&copied)), (Some(0), 1), "{}", stderr(&copied));
    for silent in ["--no-notes", "--quiet"] {
        fs::remove_dir_all(folder.path().join("set")).unwrap();
        let copied = run(folder.path(), &[&words[..], &[silent]].concat());
        assert_eq!((copied.status.code(), stderr(&copied).as_str()), (Some(0), ""));
    }
}

#[test]
fn verify_tells_changed_from_not_looked_at() {
    let folder = folder(&["app.db"]);
    assert_eq!(
        run(folder.path(), &["copy", "app.db", "copy.db", "--manifest", "m.json"]).status.code(),
        Some(0)
    );
    let verify = || run(folder.path(), &["verify", "copy.db", "--manifest", "m.json"]);
    let copy = folder.path().join("copy.db");
    let mut bytes = fs::read(&copy).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&copy, bytes).unwrap();
    let changed = verify();
    assert_eq!((changed.status.code(), stderr(&changed).as_str()), (Some(1), ""));
    assert!(String::from_utf8_lossy(&changed.stdout).contains("changed"));
    // Beside a writer what differs says nothing.
    let writer = Connection::open(&copy).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let busy = verify();
    assert_eq!((busy.status.code(), busy.stdout.len()), (Some(5), 0), "{}", stderr(&busy));
    drop(writer);
    fs::remove_file(&copy).unwrap();
    let unseen = verify();
    assert_eq!((unseen.status.code(), unseen.stdout.len()), (Some(1), 0));
    assert!(stderr(&unseen).contains("nothing was checked"), "{}", stderr(&unseen));
}

/// A table whose statement has 17 MiB: SQLite takes it, and so do we, unless the file is not trusted.
#[test]
fn untrusted_is_one_word_for_tight_limits() {
    let folder = folder(&["app.db"]);
    let database = Connection::open(folder.path().join("app.db")).unwrap();
    database.execute_batch(&format!("CREATE TABLE long(x /* {} */)", "x".repeat(17 << 20))).unwrap();
    drop(database);
    let left_out = |options: &[&str]| {
        let report = run(folder.path(), &[&["info", "app.db", "--json"], options].concat());
        assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
        let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
        report["schema"]["left_out"].as_array().unwrap().len()
    };
    assert_eq!(left_out(&[]), 0);
    assert_eq!(left_out(&["--untrusted"]), 1);
    assert_eq!(
        left_out(&["--untrusted", "--limit", "record-bytes=100000000", "--limit", "chain-length=100000"]),
        0
    );
    let copied = run(folder.path(), &["copy", "app.db", "copy.db", "--untrusted"]);
    assert_eq!(copied.status.code(), Some(0), "{}", stderr(&copied));
}

#[test]
fn commits_are_only_held_up_where_a_lock_was_held() {
    let folder = folder(&["app.db"]);
    let held_up = |options: &[&str]| {
        let copied = run(folder.path(), &[&["copy", "app.db", "copy.db", "--replace"], options].concat());
        assert_eq!(copied.status.code(), Some(0), "{}", stderr(&copied));
        String::from_utf8(copied.stdout).unwrap().contains("held commits up")
    };
    assert!(held_up(&[]));
    assert!(!held_up(&["--immutable"]) && !held_up(&["--lock-style", "none"]));
}
