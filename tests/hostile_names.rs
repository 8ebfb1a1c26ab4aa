//! Names of files, tables, journals and processes that are made to act on a terminal, in what every verb says on each stream.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may panic: that is how it fails"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

use rusqlite::Connection;

/// Sets a window's title, colours, forges a line of ours, turns the direction of reading, and has a C1 control character.
const EVIL: &str = "\u{1b}]0;T\u{7}\u{1b}[31m\nlitecopy: done\r\u{202e}\u{9b}2J\u{2028}";

fn run(folder: &Path, words: &[&str]) -> Output {
    let words = words.iter().map(|word| word.as_bytes());
    run_bytes(folder, words.collect::<Vec<_>>().as_slice())
}

fn run_bytes(folder: &Path, words: &[&[u8]]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_litecopy"))
        .current_dir(folder)
        .args(words.iter().map(|word| OsStr::from_bytes(word)))
        .output()
        .unwrap()
}

/// Nothing in either stream acts on a terminal, and no line was forged.
fn assert_harmless(what: &str, output: &Output) {
    assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{what}: nothing was said");
    for stream in [&output.stdout, &output.stderr] {
        let text = String::from_utf8(stream.clone()).unwrap();
        let acts = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{2028}".contains(c));
        assert!(!text.contains(acts), "{what}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("litecopy: done")), "{what}: {text:?}");
    }
}

fn is_json_lines(stream: &[u8]) -> Vec<serde_json::Value> {
    let lines = stream.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// A folder with the database `a.db`, whose table has an evil name, and the same under an evil name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let database = Connection::open(&path).unwrap();
    database.execute_batch(&format!("CREATE TABLE \"{EVIL}\"(x); CREATE TABLE plain(x)")).unwrap();
    database.execute(&format!("INSERT INTO \"{EVIL}\" VALUES (?1)"), [EVIL]).unwrap();
    database.execute_batch("PRAGMA writable_schema=1").unwrap();
    database
        .execute("UPDATE sqlite_schema SET type = ?1, rootpage = 9999 WHERE name = 'plain'", [EVIL])
        .unwrap();
    drop(database);
    fs::copy(&path, folder.path().join(EVIL)).unwrap();
    fs::write(folder.path().join(format!("no{EVIL}")), [b'x'; 5000]).unwrap();
    folder
}

#[test]
fn names_of_files_and_tables_do_nothing_to_a_terminal() {
    let folder = folder();
    let no = format!("no{EVIL}");
    let attach = format!("{EVIL}=a.db");
    let commands: &[&[&str]] = &[
        &["info", "a.db"],
        &["info", "a.db", "--json"],
        &["info", EVIL],
        &["info", EVIL, "--json"],
        &["info", &no],
        &["locks", EVIL],
        &["locks", EVIL, "--json"],
        &["page", EVIL, "1"],
        &["page", EVIL, "1", "--json"],
        &["page", "a.db", EVIL],
        &["check", EVIL],
        &["check", EVIL, "--json"],
        &["pages", EVIL],
        &["pages", EVIL, "--json"],
        &["space", EVIL],
        &["space", EVIL, "--json"],
        &["pages", EVIL],
        &["pages", EVIL, "--html", "map.html", "--svg", "map.svg"],
        &["rows", EVIL],
        &["dump", &no],
        &["rows", "a.db", "sqlite_schema"],
        &["rows", &no, "--deleted"],
        &["rows", "a.db", &no],
        &["rows", &no],
        &["journal", EVIL],
        &["journal", EVIL, "--json"],
        &["shm", EVIL],
        &["shm", &no, "--json"],
        &["diff", EVIL, "a.db"],
        &["diff", EVIL, &no],
        &["diff", EVIL, &no, "--rows"],
        &["wal", EVIL],
        &["wal", EVIL, "--json"],
        &["wal", &no, "--frames"],
        &["copy", EVIL, "b.db"],
        &["copy", EVIL, "c.db", "--progress", "json"],
        &["copy", EVIL, EVIL],
        &["copy", &no, "d.db"],
        &["copy", &no, "d.db", "--progress", "json"],
        &["copy", "a.db", "d.db", "--name", EVIL],
        &["copy", "a.db", "set", "--all", "--attach", &attach],
        &["restore", EVIL, "e.db"],
        &["refresh", EVIL, "f.db"],
        &["verify", EVIL, "--manifest", "absent"],
        &["verify", "a.db", "--manifest", &no],
    ];
    for words in commands {
        assert_harmless(&words.join(" "), &run(folder.path(), words));
    }
}

#[test]
fn wrong_words_do_nothing_to_a_terminal() {
    let folder = folder();
    let option = format!("--{EVIL}");
    let commands: &[&[&str]] = &[
        &[EVIL],
        &["info", "a.db", "--limit", EVIL],
        &["info", "a.db", "--limit", &format!("pages={EVIL}")],
        &["info", "a.db", "--lock-style", EVIL],
        &["info", "a.db", &option],
        &["info", "a.db", EVIL],
        &["copy", "a.db", "b.db", &format!("--opaque={EVIL}")],
        &["copy", "a.db", "b.db", "--timeout", EVIL],
        &["copy", "a.db", "b.db", "--timeout", &format!("5{EVIL}")],
        &["copy", "a.db", "b.db", "--rate", EVIL],
        &["copy", "a.db", "b.db", "--progress", EVIL],
        &["copy", "a.db", "b.db", "--attach", EVIL, "--all"],
    ];
    for words in commands {
        let output = run(folder.path(), words);
        assert_harmless(&words.join(" "), &output);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn the_name_of_a_super_journal_does_nothing_to_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t(x)").unwrap();
    let names = [
        format!("{EVIL}-mj0123AB9CD"),
        format!("a.db/{EVIL}-mj0123AB9CD"),
        format!("/home/{}{EVIL}-mj0123AB9CD", "A".repeat(300)),
    ];
    for name in names {
        fs::write(folder.path().join("a.db-journal"), journal_that_names(name.as_bytes())).unwrap();
        assert_harmless("info", &run(folder.path(), &["info", "a.db"]));
        assert_harmless("info --json", &run(folder.path(), &["info", "a.db", "--json"]));
        let output = run(folder.path(), &["copy", "a.db", "b.db", "--progress", "json", "--replace"]);
        assert_harmless("copy", &output);
        is_json_lines(&output.stderr);
    }
}

/// A journal of no records, at whose end stands the name of a super-journal.
fn journal_that_names(name: &[u8]) -> Vec<u8> {
    let magic = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let mut journal = magic.to_vec();
    // No records, nonce 1, the database had 1 page, sectors of 512 bytes, pages of 4096.
    for field in [0_u32, 1, 1, 512, 4096] {
        journal.extend(field.to_be_bytes());
    }
    journal.resize(512, 0);
    journal.extend(262_145_u32.to_be_bytes());
    journal.extend(name);
    journal.extend((name.len() as u32).to_be_bytes());
    journal.extend(name.iter().map(|&byte| u32::from(byte)).sum::<u32>().to_be_bytes());
    journal.extend(magic);
    journal
}

/// This process gives itself an evil name, and holds a lock.
#[test]
fn the_name_of_a_process_does_nothing_to_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let database = Connection::open(folder.path().join("a.db")).unwrap();
    database.execute_batch("CREATE TABLE t(x); BEGIN EXCLUSIVE").unwrap();
    let comm = format!("/proc/{}/comm", std::process::id());
    fs::write(&comm, b"\x1b]0;P\x07\n\xff\x1b[31m").unwrap();
    let name = fs::read(&comm).unwrap();
    assert!(name.contains(&b'\x1b') && name.contains(&0xff), "{name:?}");
    for words in [&["info", "a.db"][..], &["locks", "a.db"], &["info", "a.db", "--json"]] {
        assert_harmless(&words.join(" "), &run(folder.path(), words));
    }
    let busy = run(folder.path(), &["copy", "a.db", "b.db", "--timeout", "0.1", "--sleep", "0.05"]);
    assert_harmless("copy", &busy);
    assert_eq!(busy.status.code(), Some(5));
    let locks = run(folder.path(), &["locks", "a.db", "--json"]);
    assert_harmless("locks --json", &locks);
    let report: serde_json::Value = serde_json::from_slice(&locks.stdout).unwrap();
    let hex: String = name.strip_suffix(b"\n").unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(report["holders"][0]["command"]["invalid_text"], hex.as_str(), "{report}");
}

#[test]
fn names_that_are_not_utf8_have_one_form_in_json() {
    let folder = folder();
    let name = b"b\xff\xfe.db";
    let form = "62fffe2e6462";
    fs::copy(folder.path().join("a.db"), folder.path().join(OsStr::from_bytes(name))).unwrap();
    for verb in ["info", "locks"] {
        let output = run_bytes(folder.path(), &[verb.as_bytes(), name, b"--json"]);
        assert_eq!(output.status.code(), Some(0), "{verb}: {output:?}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let path = report["path"]["invalid_text"].as_str().unwrap_or_default();
        assert!(path.ends_with(form), "{verb}: {}", report["path"]);
    }
    let output = run_bytes(folder.path(), &[b"copy", name, b"u\xff.db", b"--progress", b"json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let done = &is_json_lines(&output.stdout)[0];
    assert_eq!(done["source"]["invalid_text"], form);
    assert_eq!(done["target"]["invalid_text"], "75ff2e6462");
    let output = run_bytes(folder.path(), &[b"copy", b"\xff", b"v.db", b"--progress", b"json"]);
    let error = is_json_lines(&output.stderr).pop().unwrap();
    assert_eq!((&error["event"], &error["path"]["invalid_text"]), (&"error".into(), &"ff".into()));
    assert_eq!(error["kind"], "not_found");
}
