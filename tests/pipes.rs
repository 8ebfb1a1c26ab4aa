//! Backups that come through pipes, and streams where none can be.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

fn litecopy(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_litecopy"));
    command.current_dir(folder).args(words).stdin(Stdio::null());
    command.env("TMPDIR", folder.join("tmp")).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the command with these bytes on stdin.
fn run_with(folder: &Path, words: &[&str], stdin: &[u8]) -> Output {
    let mut process = litecopy(folder, words).stdin(Stdio::piped()).spawn().unwrap();
    // Who has read enough closes the pipe.
    let _ = process.stdin.take().unwrap().write_all(stdin);
    process.wait_with_output().unwrap()
}

/// A folder with `app.db`, that has 300 rows, and `old.db`, that has one.
fn folder(journal_mode: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tmp")).unwrap();
    for (name, rows) in [("app.db", 300), ("old.db", 1)] {
        let database = Connection::open(folder.path().join(name)).unwrap();
        database.pragma_update(None, "journal_mode", journal_mode).unwrap();
        let insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                      INSERT INTO t SELECT randomblob(2000) FROM n";
        database.execute_batch("CREATE TABLE t(x)").unwrap();
        database.execute(insert, [rows]).unwrap();
    }
    folder
}

fn rows(path: &Path) -> i64 {
    let database = Connection::open(path).unwrap();
    let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    database.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn assert_nothing_left(folder: &Path) {
    assert_eq!(fs::read_dir(folder.join("tmp")).unwrap().count(), 0, "a spooled backup was left");
}

#[test]
fn a_backup_is_restored_from_stdin() {
    for journal_mode in ["DELETE", "WAL"] {
        let folder = folder(journal_mode);
        let stream = litecopy(folder.path(), &["copy", "app.db", "-"]).output().unwrap().stdout;
        let restored = run_with(folder.path(), &["restore", "-", "old.db"], &stream);
        assert_eq!(restored.status.code(), Some(0), "{}", stderr(&restored));
        assert_eq!(rows(&folder.path().join("old.db")), 300);
        assert_nothing_left(folder.path());
    }
}

#[test]
fn a_backup_is_restored_from_a_named_pipe() {
    let folder = folder("DELETE");
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let process = litecopy(folder.path(), &["restore", "pipe", "old.db"]).spawn().unwrap();
    fs::write(&pipe, fs::read(folder.path().join("app.db")).unwrap()).unwrap();
    let restored = process.wait_with_output().unwrap();
    assert_eq!(restored.status.code(), Some(0), "{}", stderr(&restored));
    assert_eq!(rows(&folder.path().join("old.db")), 300);
    assert_nothing_left(folder.path());
}

#[test]
fn what_is_not_a_whole_backup_is_not_restored() {
    let folder = folder("DELETE");
    let before = fs::read(folder.path().join("old.db")).unwrap();
    let whole = fs::read(folder.path().join("app.db")).unwrap();
    let longer = [&whole[..], &[0; 4096]].concat();
    let half = whole.len() / 2 / 4096 * 4096;
    let cases: [(&[u8], &str); 6] = [
        (&whole[..half], "it ends after"),
        (&whole[..half + 1], "it ends after"),
        (&longer, "goes on behind"),
        (&[], "nothing came"),
        (&whole[..50], "only 50 there"),
        (b"ssh: Could not resolve hostname: Name or service not known, and so on and so forth, for a hundred bytes", ""),
    ];
    for (stream, words) in cases {
        let refused = run_with(folder.path(), &["restore", "-", "old.db"], stream);
        assert_eq!(refused.status.code(), Some(1), "{words}");
        assert!(stderr(&refused).contains(words), "{words}: {}", stderr(&refused));
        assert_eq!(fs::read(folder.path().join("old.db")).unwrap(), before, "{words}");
        assert_nothing_left(folder.path());
    }
}

#[test]
fn a_stream_where_none_can_be_is_refused_in_words() {
    let folder = folder("DELETE");
    for (words, code, told) in [
        (["refresh", "app.db", "-"], 2, "copy SOURCE -"),
        (["restore", "app.db", "-"], 2, "./-"),
        (["copy", "-", "new.db"], 1, "restore - DATABASE"),
    ] {
        let refused = litecopy(folder.path(), &words).output().unwrap();
        assert_eq!(refused.status.code(), Some(code), "{words:?}");
        assert!(stderr(&refused).contains(told), "{words:?}: {}", stderr(&refused));
        assert!(!folder.path().join("-").exists());
    }
}

/// Nothing comes through the pipe, and nobody waits for ever.
#[test]
fn an_interrupt_ends_the_wait_for_a_pipe() {
    let folder = folder("DELETE");
    let mut process =
        litecopy(folder.path(), &["restore", "-", "old.db"]).stdin(Stdio::piped()).spawn().unwrap();
    let stdin = process.stdin.take().unwrap();
    // It listens once it has made its temporary folder.
    while fs::read_dir(folder.path().join("tmp")).unwrap().count() == 0 {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success());
    let ended = process.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", stderr(&ended));
    assert_nothing_left(folder.path());
    drop(stdin);
}

/// Nobody opens the other side of the named pipe, or nothing comes through stdin.
#[test]
fn the_deadline_counts_for_the_pipe_too() {
    let folder = folder("DELETE");
    let before = fs::read(folder.path().join("old.db")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    for backup in ["pipe", "-"] {
        let words = ["restore", backup, "old.db", "--deadline", "0.5"];
        let mut process = litecopy(folder.path(), &words).stdin(Stdio::piped()).spawn().unwrap();
        let stdin = process.stdin.take().unwrap();
        assert!(ends_soon(&mut process), "{backup}: it waits without end");
        let ended = process.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(5), "{backup}: {}", stderr(&ended));
        assert!(stderr(&ended).contains("not done in time"), "{backup}: {}", stderr(&ended));
        assert_eq!(fs::read(folder.path().join("old.db")).unwrap(), before);
        assert_nothing_left(folder.path());
        drop(stdin);
    }
}

/// Waits for its end, and if there is none for long, makes one.
fn ends_soon(process: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if process.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    process.kill().unwrap();
    false
}
