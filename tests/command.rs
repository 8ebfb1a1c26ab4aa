//! The command `litecopy`, run as a process: what it prints, where, and how it ends.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a small database `app.db` in it, made and closed by SQLite.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(journal_mode: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let database = place.open("app.db");
        database.pragma_update(None, "journal_mode", journal_mode).unwrap();
        database.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (randomblob(100000))").unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self, name: &str) -> Connection {
        Connection::open(self.path(name)).unwrap()
    }

    /// Runs the command in the folder.
    fn run(&self, arguments: &[&str]) -> Output {
        litecopy(self.folder.path()).args(arguments).output().unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn litecopy(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}{}", stdout(output), stderr(output));
}

fn assert_right_copy(place: &Place, name: &str) {
    let copy = place.open(name);
    let verdict: String = copy.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    let length: i64 = copy.query_row("SELECT sum(length(x)) FROM t", [], |r| r.get(0)).unwrap();
    assert_eq!((verdict.as_str(), length), ("ok", 100_000));
}

#[test]
fn a_copy_ends_with_one_line_and_nothing_on_stderr() {
    for mode in ["delete", "wal"] {
        let place = Place::new(mode);
        let output = place.run(&["copy", "app.db", "copy.db"]);
        assert_code(&output, 0);
        let line = stdout(&output);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.starts_with("app.db -> copy.db: "), "{line}");
        assert!(line.contains(" pages of 4096 bytes "), "{line}");
        assert!(line.contains(if mode == "wal" { "wal mode" } else { "rollback mode" }), "{line}");
        assert_eq!(stderr(&output), "", "silent in a pipe");
        assert_eq!(place.names(), ["app.db", "copy.db"]);
        assert_eq!(fs::read(place.path("app.db")).unwrap(), fs::read(place.path("copy.db")).unwrap());
        assert_right_copy(&place, "copy.db");
    }
}

#[test]
fn a_copy_in_steps_is_the_same_copy() {
    let place = Place::new("delete");
    assert_code(&place.run(&["copy", "app.db", "all.db"]), 0);
    assert_code(&place.run(&["copy", "app.db", "steps.db", "--pages", "3", "--sleep", "1ms"]), 0);
    assert_code(&place.run(&["copy", "app.db", "minus.db", "--pages=-1"]), 0);
    assert_code(&place.run(&["copy", "app.db", "zero.db", "--pages", "0"]), 0);
    let all = fs::read(place.path("all.db")).unwrap();
    for other in ["steps.db", "minus.db", "zero.db"] {
        assert_eq!(fs::read(place.path(other)).unwrap(), all, "{other}");
    }
}

#[test]
fn progress_for_programs_is_one_object_a_line() {
    let place = Place::new("delete");
    let output = place.run(&["copy", "app.db", "copy.db", "--pages", "10", "--progress", "json"]);
    assert_code(&output, 0);
    let lines: Vec<Value> = stderr(&output).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(lines.len() >= 3, "{lines:?}");
    assert!(lines.iter().all(|l| l["event"] == "progress"), "{lines:?}");
    let last = &lines[lines.len() - 1];
    assert_eq!((&last["status"], &last["remaining"], &last["restarts"]), (&101.into(), &0.into(), &0.into()));
    assert_eq!(lines[0]["status"], 0);
    let remaining: Vec<u64> = lines.iter().map(|l| l["remaining"].as_u64().unwrap()).collect();
    assert!(remaining.is_sorted_by(|a, b| a > b), "{remaining:?}");

    let done: Value = serde_json::from_str(stdout(&output).trim_end()).unwrap();
    assert_eq!(done["event"], "done");
    assert_eq!(done["page_count"], last["page_count"]);
    assert_eq!(done["bytes"].as_u64().unwrap(), fs::metadata(place.path("copy.db")).unwrap().len());
    assert_eq!(done["journal_mode"], "rollback");
    assert!(done["elapsed_seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_bar_is_not_drawn_into_a_pipe() {
    let place = Place::new("delete");
    let output = place.run(&["copy", "app.db", "copy.db", "--progress", "bar"]);
    assert_code(&output, 0);
    assert_eq!(stderr(&output), "");
}

#[test]
fn quiet_says_nothing_but_errors() {
    let place = Place::new("delete");
    let output = place.run(&["copy", "app.db", "copy.db", "--quiet"]);
    assert_code(&output, 0);
    assert_eq!(stdout(&output) + &stderr(&output), "");
    let output = place.run(&["copy", "app.db", "copy.db", "-q"]);
    assert_code(&output, 1);
    assert!(stderr(&output).starts_with("litecopy: "), "{}", stderr(&output));
}

#[test]
fn an_existing_target_is_kept_unless_replacing_is_asked_for() {
    let place = Place::new("delete");
    fs::write(place.path("copy.db"), "precious").unwrap();
    let output = place.run(&["copy", "app.db", "copy.db"]);
    assert_refused(&output, "copy.db");
    assert_eq!(fs::read(place.path("copy.db")).unwrap(), b"precious");
    assert_eq!(place.names(), ["app.db", "copy.db"]);
    assert_refused(&place.run(&["copy", "app.db", "copy.db", "--replace"]), "copy.db");
    fs::write(place.path("copy.db"), "").unwrap();
    assert_code(&place.run(&["copy", "app.db", "copy.db", "--replace"]), 0);
    assert_right_copy(&place, "copy.db");
    assert_eq!(place.names(), ["app.db", "copy.db"]);
}

/// Ends with 1; stderr says what, names the file, and has a second line that says what to do.
fn assert_refused(output: &Output, file: &str) {
    assert_code(output, 1);
    assert_eq!(stdout(output), "");
    let text = stderr(output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("litecopy: ") && lines[0].contains(file), "{text}");
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[1].starts_with("  ") && lines[1].len() > 10, "{text}");
}

#[test]
fn what_cannot_be_copied_is_refused_and_nothing_is_left() {
    let place = Place::new("delete");
    fs::write(place.path("letter.txt"), "this is no database, ".repeat(300)).unwrap();
    fs::create_dir(place.path("folder")).unwrap();
    let before = place.names();
    for (source, target) in [
        ("missing.db", "copy.db"),
        ("letter.txt", "copy.db"),
        ("folder", "copy.db"),
        ("app.db", "app.db"),
        ("app.db", "./app.db"),
    ] {
        assert_refused(&place.run(&["copy", source, target]), source);
        assert_refused(&place.run(&["copy", source, target, "--replace"]), source);
        assert_eq!(place.names(), before, "{source}");
    }
    assert_refused(&place.run(&["copy", "app.db", "no-folder/copy.db"]), "no-folder");
    assert_refused(&place.run(&["copy", "app.db", "folder", "--replace"]), "folder");
    assert_eq!(place.names(), before);
}

#[test]
fn errors_for_programs_are_objects_too() {
    let place = Place::new("delete");
    let output = place.run(&["copy", "missing.db", "copy.db", "--progress", "json"]);
    assert_code(&output, 1);
    let error: Value = serde_json::from_str(stderr(&output).trim_end()).unwrap();
    assert_eq!(error["event"], "error");
    assert!(error["message"].as_str().unwrap().contains("missing.db"), "{error}");
    assert!(error["kind"].is_string() && error["advice"].is_string(), "{error}");
}

#[test]
fn a_source_that_stays_locked_ends_with_5_and_leaves_nothing() {
    let place = Place::new("delete");
    let holder = place.open("app.db");
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let output = place.run(&["copy", "app.db", "copy.db", "--timeout", "0.2", "--sleep", "50ms"]);
    assert_code(&output, 5);
    assert!(stderr(&output).starts_with("litecopy: "), "{}", stderr(&output));
    assert!(stderr(&output).contains("app.db"), "{}", stderr(&output));
    assert!(!place.path("copy.db").exists());
    holder.execute_batch("COMMIT").unwrap();
    assert_code(&place.run(&["copy", "app.db", "copy.db"]), 0);
    assert_eq!(place.names(), ["app.db", "copy.db"]);
}

#[test]
fn a_writer_that_only_prepares_does_not_hinder() {
    let place = Place::new("delete");
    let writer = place.open("app.db");
    writer.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES ('not committed')").unwrap();
    assert_code(&place.run(&["copy", "app.db", "copy.db", "--timeout", "0"]), 0);
    assert_right_copy(&place, "copy.db");
}

#[test]
fn wrong_use_ends_with_2() {
    let place = Place::new("delete");
    let wrong: [&[&str]; 18] = [
        &[],
        &["copy"],
        &["copy", "app.db"],
        &["cpoy", "app.db", "copy.db"],
        &["copy", "app.db", "copy.db", "--pages", "many"],
        &["copy", "app.db", "copy.db", "--sleep", "-1"],
        &["copy", "app.db", "copy.db", "--timeout", "soon"],
        &["copy", "app.db", "copy.db", "--progress", "loud"],
        &["copy", "app.db", "copy.db", "--limit", "page=1"],
        &["copy", "app.db", "copy.db", "--limit", "pages"],
        &["info", "app.db", "--limit", "pages=many"],
        &["copy", "app.db", "copy.db", "--attach", "logs=app.db"],
        &["copy", "app.db", "copy.db", "--attach", "logs", "--all"],
        &["copy", "app.db", "copy.db", "--attach", "=app.db", "--all"],
        &["copy", "app.db", "copy.db", "--attach", "logs=", "--all"],
        &["copy", "app.db", "copy.db", "--name", "main", "--all"],
        &["copy", "app.db", "copy.db", "--all", "--replace"],
        &["copy", "app.db", "copy.db", "--all", "--pages", "5"],
    ];
    for arguments in wrong {
        let output = place.run(arguments);
        assert_code(&output, 2);
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert_ne!(stderr(&output), "", "{arguments:?}");
    }
    assert_eq!(place.names(), ["app.db"]);
}

#[test]
fn one_of_a_set_is_copied_by_its_name() {
    let place = Place::new("delete");
    place.open("logs.db").execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES ('of logs')").unwrap();
    let attach = ["copy", "app.db", "copy.db", "--attach", "logs=logs.db", "--name"];
    let with = |name| place.run(&[&attach[..], &[name]].concat());
    let output = with("Logs");
    assert_code(&output, 0);
    assert!(stdout(&output).starts_with("logs.db -> copy.db: "), "{}", stdout(&output));
    let value: String = place.open("copy.db").query_row("SELECT x FROM t", [], |r| r.get(0)).unwrap();
    assert_eq!(value, "of logs");
    fs::remove_file(place.path("copy.db")).unwrap();
    assert_refused(&with("queue"), "unknown database queue");
    assert_refused(&with("temp"), "no other process");
    assert_code(&with("main"), 0);
    assert_right_copy(&place, "copy.db");
    assert_code(&place.run(&["copy", "app.db", "copy.db", "--name", "main", "--replace"]), 0);
    assert_eq!(place.names(), ["app.db", "copy.db", "logs.db"]);
}

#[test]
fn a_whole_set_is_copied_into_a_folder() {
    let place = Place::new("wal");
    fs::create_dir(place.path("x")).unwrap();
    fs::copy(place.path("app.db"), place.path("x/app.db")).unwrap();
    place.open("logs.db").execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES ('of logs')").unwrap();
    let set = ["--attach", "logs=logs.db", "--all"];
    let run = |target, more: &[&str]| place.run(&[&["copy", "app.db", target], &set[..], more].concat());
    let output = run("set", &[]);
    assert_code(&output, 0);
    let text = stdout(&output).replace('\\', "/");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("app.db -> set/app.db: ") && lines[0].contains("wal mode"), "{text}");
    assert!(lines[1].starts_with("logs.db -> set/logs.db: ") && lines[1].contains("rollback mode"), "{text}");
    assert_eq!(stderr(&output), "");
    assert_right_copy(&place, "set/app.db");
    assert_refused(&run("set", &[]), "set");
    assert_refused(&run("other", &["--attach", "more=x/app.db"]), "app.db");
    assert_refused(&run("other", &["--attach", "LOGS=x/app.db"]), "LOGS");
    assert_refused(&run("other", &["--attach", "more=missing.db"]), "missing.db");

    let output = run("json", &["--progress", "json"]);
    assert_code(&output, 0);
    let done: Vec<Value> = stdout(&output).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(done.iter().map(|d| d["name"].as_str().unwrap()).collect::<Vec<_>>(), ["main", "logs"]);
    assert!(done.iter().all(|d| d["event"] == "done"), "{done:?}");
    let last: Value = serde_json::from_str(stderr(&output).lines().last().unwrap()).unwrap();
    let pages: u64 = done.iter().map(|d| d["page_count"].as_u64().unwrap()).sum();
    assert_eq!((&last["status"], last["page_count"].as_u64()), (&101.into(), Some(pages)));
    assert_eq!(place.names(), ["app.db", "json", "logs.db", "set", "x"]);
}

#[test]
fn help_names_the_exit_codes() {
    let place = Place::new("delete");
    for arguments in [&["--help"][..], &["copy", "--help"]] {
        let output = place.run(arguments);
        assert_code(&output, 0);
        for words in ["Exit codes:", "0  done", "1  refused or failed", "2  wrong use", "5  the "] {
            assert!(stdout(&output).contains(words), "{words}: {}", stdout(&output));
        }
    }
    let version = place.run(&["--version"]);
    assert!(stdout(&version).starts_with(&format!("litecopy {}", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn limits_bind_and_are_named() {
    let place = Place::new("delete");
    let pages = fs::metadata(place.path("app.db")).unwrap().len() / 4096;
    let enough = format!("pages={pages}");
    let too_few = format!("pages={}", pages - 1);
    let output = place.run(&["copy", "app.db", "copy.db", "--limit", &too_few]);
    assert_refused(&output, "app.db");
    let words = format!("the limit pages is {}, the file wants {pages}", pages - 1);
    assert!(stderr(&output).contains(&words), "{}", stderr(&output));

    // The last of them counts; a negative value changes nothing.
    let several = ["--limit", &too_few, "--limit", &enough, "--limit", "pages=-1", "--limit=log-bytes=0"];
    assert_code(&place.run(&[&["copy", "app.db", "copy.db"], &several[..]].concat()), 0);
    assert_right_copy(&place, "copy.db");

    let output = place.run(&["copy", "app.db", "c.db", "--limit", &too_few, "--progress", "json"]);
    let error: Value = serde_json::from_str(stderr(&output).trim_end()).unwrap();
    assert_eq!(error["kind"], "limit_exceeded");
    let output = place.run(&["info", "app.db", "--limit", &too_few]);
    assert_code(&output, 0);
    assert!(stdout(&output).contains(&words), "{}", stdout(&output));
}

/// Writes the number of an SQLite version where the last one that wrote has put its own.
fn written_by(place: &Place, version: u32) {
    let mut bytes = fs::read(place.path("app.db")).unwrap();
    bytes[96..100].copy_from_slice(&version.to_be_bytes());
    fs::write(place.path("app.db"), bytes).unwrap();
}

#[test]
fn an_sqlite_that_can_lose_commits_is_named() {
    let place = Place::new("wal");
    for (version, faulty) in [(3_050_006, true), (3_050_007, false), (3_051_002, true), (3_051_003, false)] {
        written_by(&place, version);
        let output = place.run(&["copy", "app.db", "copy.db", "--replace"]);
        assert_code(&output, 0);
        assert_eq!(stdout(&output).lines().count(), 1);
        let note = stderr(&output);
        assert_eq!(
            note.starts_with("litecopy: note: ") && note.contains("can lose committed"),
            faulty,
            "{note}"
        );
        assert_eq!(note.is_empty(), !faulty);

        let text = stdout(&place.run(&["info", "app.db"]));
        assert_eq!(text.contains("(has the WAL-reset fault)"), faulty, "{text}");
        assert_eq!(text.contains("can lose committed"), faulty, "{text}");
        let report: Value = serde_json::from_str(&stdout(&place.run(&["info", "--json", "app.db"]))).unwrap();
        assert_eq!(report["wal_reset_fault"], faulty);
        assert_eq!(report["header"]["has_wal_reset_fault"], faulty);
    }
    written_by(&place, 3_045_001);
    let output = place.run(&["copy", "app.db", "json.db", "--progress", "json"]);
    let lines: Vec<Value> = stderr(&output).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let notes: Vec<&Value> = lines.iter().filter(|line| line["event"] == "note").collect();
    assert_eq!(notes.len(), 1);
    assert_eq!(
        (&notes[0]["kind"], &notes[0]["sqlite_version"]),
        (&"wal_reset_fault".into(), &"3.45.1".into())
    );
    assert!(notes[0]["message"].is_string() && notes[0]["advice"].is_string());
    let output = place.run(&["copy", "app.db", "quiet.db", "--quiet"]);
    assert_eq!(stderr(&output), "");
    let report = litecopy::copy_database(place.path("app.db"), place.path("library.db")).unwrap();
    assert_eq!(report.wal_reset_fault.map(|version| version.0), Some(3_045_001));
}

/// Without a log there is nothing that could be reset.
#[test]
fn in_rollback_mode_the_fault_of_an_sqlite_is_no_matter() {
    let place = Place::new("delete");
    written_by(&place, 3_045_001);
    let output = place.run(&["copy", "app.db", "copy.db"]);
    assert_eq!(stderr(&output), "");
    let report: Value = serde_json::from_str(&stdout(&place.run(&["info", "--json", "app.db"]))).unwrap();
    assert_eq!(
        (&report["wal_reset_fault"], &report["header"]["has_wal_reset_fault"]),
        (&false.into(), &true.into())
    );
}

/// The header in the log is newer than that in the file.
#[test]
fn the_sqlite_that_wrote_to_the_log_last_counts() {
    let place = Place::new("wal");
    written_by(&place, 3_045_001);
    let live = place.open("app.db");
    live.execute_batch("PRAGMA wal_autocheckpoint = 0; CREATE TABLE u(x)").unwrap();
    let report = litecopy::copy_database(place.path("app.db"), place.path("copy.db")).unwrap();
    assert_eq!(report.wal_reset_fault, None, "{}", rusqlite::version());
    let report: Value = serde_json::from_str(&stdout(&place.run(&["info", "--json", "app.db"]))).unwrap();
    assert_eq!(
        (&report["wal_reset_fault"], &report["header"]["has_wal_reset_fault"]),
        (&false.into(), &true.into())
    );
}

/// A reader of our stdout that has gone away.
#[test]
fn a_closed_pipe_is_success() {
    let place = Place::new("delete");
    let runs: [&[&str]; 3] = [&["info", "app.db"], &["copy", "app.db", "copy.db"], &["--help"]];
    for arguments in runs {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = litecopy(place.folder.path()).args(arguments).stdout(writer).output().unwrap();
        assert_code(&output, 0);
        assert_eq!(stderr(&output), "", "{arguments:?}");
    }
    assert_right_copy(&place, "copy.db");
}

/// Stopped by a signal, once while it waits for a lock and once in the middle of its pages.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    use std::io::{BufRead, BufReader, Read};
    for (signal, locked) in [("-INT", true), ("-INT", false), ("-TERM", false)] {
        let place = Place::new("delete");
        let database = place.open("app.db");
        database.execute_batch("INSERT INTO t VALUES (zeroblob(40000000))").unwrap();
        if locked {
            database.execute_batch("BEGIN EXCLUSIVE").unwrap();
        }
        let names = place.names();
        let arguments = ["copy", "app.db", "copy.db", "--pages", "1", "--progress", "json"];
        let mut copy = litecopy(place.folder.path());
        let mut copy = copy.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // The copy goes on until the pipe is full, long before its end.
        let mut said = BufReader::new(copy.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.contains(if locked { "\"status\":5" } else { "\"status\":0" }), "{line}");
        if !locked {
            assert_eq!(place.names().len(), names.len() + 1, "a temporary file");
        }
        assert!(Command::new("kill").args([signal, &copy.id().to_string()]).status().unwrap().success());
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        assert_eq!(copy.wait().unwrap().code(), Some(130), "{rest}");
        assert!(rest.lines().last().unwrap().contains("cancelled"), "{rest}");
        assert_eq!(place.names(), names);
    }
}

#[test]
fn restore_puts_the_content_into_a_database_that_others_have_open() {
    for verb in [&["restore"][..], &["copy", "--in-place"]] {
        let place = Place::new("delete");
        let reader = place.open("target.db");
        reader.execute_batch("CREATE TABLE old(x)").unwrap();
        let restored = place.run(&[verb, &["app.db", "target.db"]].concat());
        assert_eq!(restored.status.code(), Some(0), "{}", stderr(&restored));
        assert!(stdout(&restored).starts_with("app.db -> target.db: "), "{}", stdout(&restored));
        let rows: i64 = reader.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }
}

#[test]
fn who_is_in_the_way_of_a_restore_is_named_when_the_time_is_over() {
    let place = Place::new("delete");
    let reader = place.open("target.db");
    reader.execute_batch("CREATE TABLE old(x); BEGIN; SELECT * FROM old;").unwrap();
    let busy = place.run(&["restore", "app.db", "target.db", "--timeout", "100ms"]);
    assert_eq!(busy.status.code(), Some(5));
    let process = if cfg!(unix) { format!(" by process {}", std::process::id()) } else { String::new() };
    assert!(stderr(&busy).contains(&format!("SHARED{process}")), "{}", stderr(&busy));
    assert_eq!(place.names(), ["app.db", "target.db"]);
}
