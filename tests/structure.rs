//! The words of `check`, `pages`, `space` and `page`, and their exit codes: goldens, small and readable.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use rusqlite::Connection;
use serde_json::{Value, json};

/// A database of pages of 512 bytes: a table with an index, rows with gaps, a row with an overflow chain, free pages.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let db = Connection::open(folder.path().join("a.db")).unwrap();
    db.execute_batch(
        "PRAGMA page_size = 512; PRAGMA journal_mode = DELETE;
         CREATE TABLE fruit(id INTEGER PRIMARY KEY, name TEXT UNIQUE, price REAL, note BLOB);
         INSERT INTO fruit VALUES (1, 'apple', 1.5, NULL), (2, 'pear', 2, x'00ff'), (3, 'plum', 0.25, 'ripe'),
            (4, 'melon', 1e999, zeroblob(700));
         CREATE TABLE gone(x); INSERT INTO gone VALUES (zeroblob(1200)); DROP TABLE gone;
         DELETE FROM fruit WHERE id = 2;",
    )
    .unwrap();
    db.close().unwrap();
    folder
}

fn run(folder: &Path, words: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("litecopy")).current_dir(folder).args(words).output().unwrap()
}

#[track_caller]
fn assert_says(folder: &Path, words: &[&str], code: i32, expected: &str) {
    let output = run(folder, words);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, expected, "\n{said}");
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
}

fn json_of(folder: &Path, words: &[&str]) -> Value {
    serde_json::from_slice(&run(folder, words).stdout).unwrap()
}

/// Overwrites bytes of the file.
fn patch(folder: &Path, at: usize, bytes: &[u8]) {
    let path = folder.join("a.db");
    let mut content = fs::read(&path).unwrap();
    content[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(path, content).unwrap();
}

#[test]
fn a_sound_database() {
    let folder = folder();
    assert_says(folder.path(), &["check", "a.db"], 0, "a.db: sound, 7 pages looked at\n");
    let report = json_of(folder.path(), &["check", "a.db", "--json"]);
    assert_eq!(report["sound"], true);
    assert_eq!(
        (&report["findings"], &report["cut"], &report["as_of"]),
        (&json!([]), &json!(false), &Value::Null)
    );
    assert_eq!((&report["page_size"], &report["page_count"]), (&json!(512), &json!(7)));
}

#[test]
fn damage_is_told_with_its_place() {
    let folder = folder();
    // The root of `fruit` is page 2, that of its index page 3, whose first cell is that of `apple`.
    patch(folder.path(), 2 * 512 + 512 - 4, b"e");
    let output = run(folder.path(), &["check", "a.db", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["sound"], false, "{report}");
    let finding = &report["findings"][0];
    assert_eq!(finding["severity"], "damage");
    assert_eq!(finding["page"], 3);
    assert_eq!(finding["owner"], "sqlite_autoindex_fruit_1");
    assert!(finding["offset"].is_u64() && finding["detail"].is_string(), "{finding}");
}

#[test]
fn a_header_that_sqlite_refuses_is_a_finding() {
    let folder = folder();
    patch(folder.path(), 0, b"s");
    let report = json_of(folder.path(), &["check", "a.db", "--json"]);
    assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["findings"][0]["kind"], "header");
    patch(folder.path(), 0, b"S");
    // The page count, with the two change counters that make it count.
    patch(folder.path(), 28, &[0, 0, 0, 99]);
    let report = json_of(folder.path(), &["check", "a.db", "--json"]);
    assert_eq!(report["findings"][0]["kind"], "page-count", "{report}");
    // A page size of which the file is no whole number.
    patch(folder.path(), 16, &[0x80, 0]);
    let output = run(folder.path(), &["check", "a.db", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["sound"], output.status.code()), (&json!(false), Some(1)), "{report}");
}

#[test]
fn space_by_owner() {
    let folder = folder();
    let report = json_of(folder.path(), &["space", "a.db", "--json"]);
    assert_eq!(report["freelist_pages"], 3, "{report}");
    let fruit = &report["owners"][1];
    assert_eq!(
        (&fruit["name"], &fruit["type"], &fruit["table"]),
        (&json!("fruit"), &json!("table"), &json!("fruit"))
    );
    assert_eq!(
        (&fruit["pages"], &fruit["overflow_pages"], &fruit["entries"]),
        (&json!(2), &json!(1), &json!(3))
    );
    assert_eq!(
        (&fruit["depth"], &fruit["leaf_pages"], &fruit["interior_pages"]),
        (&json!(1), &json!(1), &json!(0))
    );
}

#[test]
fn pages_are_a_line_each() {
    let folder = folder();
    let output = run(folder.path(), &["pages", "a.db", "--json"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let pages: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = pages.iter().map(|page| page["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..3], ["table-leaf", "table-leaf", "index-leaf"]);
    assert_eq!(kinds.iter().filter(|&&kind| kind == "overflow").count(), 1);
    let first = &pages[0];
    assert_eq!(
        (&first["page"], &first["owner"], &first["root"]),
        (&json!(1), &json!("sqlite_schema"), &json!(1))
    );
    assert_eq!(
        (&first["from"], &first["commit"], &first["parent"]),
        (&json!("file"), &Value::Null, &Value::Null)
    );
}

#[test]
fn a_page_is_decoded_and_every_byte_is_accounted_for() {
    let folder = folder();
    let page = json_of(folder.path(), &["page", "a.db", "2", "--json"]);
    assert_eq!((&page["kind"], &page["owner"]), (&json!("table-leaf"), &json!("fruit")));
    assert_eq!(page["header"]["cell_count"], 3);
    let cells = page["cells"].as_array().unwrap();
    assert_eq!(cells[0]["values"], json!([null, "apple", 1.5, null]));
    assert_eq!(cells[1]["values"], json!([null, "plum", 0.25, "ripe"]));
    assert_eq!(cells[2]["values"][2], json!({ "real": "inf" }));
    assert_eq!(cells[2]["values"][3]["blob"].as_str().unwrap().len(), 1400);
    assert!(cells[2]["overflow_page"].is_u64() && cells[0]["overflow_page"].is_null());
    assert_eq!(cells[0]["rowid"], 1);
    for number in 1..=7 {
        let page = json_of(folder.path(), &["page", "a.db", &number.to_string(), "--json"]);
        let mut end = 0;
        for part in page["parts"].as_array().unwrap() {
            assert_eq!(part["offset"], end, "{part}");
            end = part["offset"].as_u64().unwrap() + part["bytes"].as_u64().unwrap();
        }
        assert_eq!(end, 512, "page {number}");
    }
    let output = run(folder.path(), &["page", "a.db", "8"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(run(folder.path(), &["page", "a.db", "0"]).status.code(), Some(2));
}

#[test]
fn space_as_a_table() {
    let folder = folder();
    let expected = "\
\x20 pages  share  entries  payload    unused     depth  in order  what
  2      28.6%  3        758 bytes  237 bytes  1      0%        table fruit
  1      14.3%  2        147 bytes  249 bytes  1      100%      table sqlite_schema
  1      14.3%  3        25 bytes   470 bytes  1      100%      index sqlite_autoindex_fruit_1 on fruit

  7 pages of 512 bytes, 3.5 KiB
  3 free, 42.9%
";
    assert_says(folder.path(), &["space", "a.db"], 0, expected);
}

#[test]
fn damage_as_a_table() {
    let folder = folder();
    patch(folder.path(), 2 * 512 + 512 - 4, b"e");
    let expected = "\
a.db: damaged, 7 pages looked at
          page  offset  kind         of                        what
  damage  3     503     index-entry  sqlite_autoindex_fruit_1  no row of fruit has what this entry says
  damage  2     492     index-entry  sqlite_autoindex_fruit_1  no entry for row 1 of fruit, which lies here
";
    assert_says(folder.path(), &["check", "a.db"], 1, expected);
}

#[test]
fn a_page_with_its_bytes() {
    let folder = folder();
    let said = String::from_utf8(run(folder.path(), &["page", "a.db", "3"]).stdout).unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/structure/page.txt");
    if std::env::var_os("LITECOPY_WRITE_GOLDENS").is_some() {
        fs::write(golden, &said).unwrap();
    }
    let expected = fs::read_to_string(golden).unwrap();
    assert_eq!(said, expected, "\n{said}");
}

#[test]
fn what_is_unallocated_is_told_of_every_page() {
    let folder = folder();
    for number in 1..=7 {
        let page = json_of(folder.path(), &["page", "a.db", &number.to_string(), "--json"]);
        let part = |name: &str| page["unallocated"][name].as_u64().unwrap();
        assert!(part("offset") + part("bytes") <= 512, "{page}");
        if page["kind"] == "overflow" {
            let payload = page["header"]["payload_bytes"].as_u64().unwrap();
            assert_eq!((part("offset"), part("bytes")), (4 + payload, 508 - payload));
        }
    }
}

#[test]
fn what_was_not_checked_is_said_whatever_is_asked_for() {
    let folder = folder();
    for (words, expected) in [
        (&["--quick"][..], json!(["index-entry", "unique"])),
        (&["--quick", "--all"], json!(["index-entry", "unique"])),
        (&["--as-of", "0"], json!(["wal", "journal"])),
        (&["--all"], json!([])),
    ] {
        let report = json_of(folder.path(), &[&["check", "a.db", "--json"], words].concat());
        assert_eq!((&report["not_checked"], &report["cut"]), (&expected, &json!(false)), "{words:?}");
    }
}
