//! `litecopy info` and what stands behind it, over databases that SQLite made, some of them damaged afterwards.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;

fn info(path: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
    let output = command.arg("info").arg(path).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn info_json(path: &Path) -> Value {
    let (code, stdout, stderr) = info(path, &["--json"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    serde_json::from_str(&stdout).unwrap()
}

fn database(path: &Path, first: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(first).unwrap();
    connection.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (randomblob(50000))").unwrap();
    connection
}

#[test]
fn every_field_of_the_header_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(database(
        &path,
        "PRAGMA page_size = 8192; PRAGMA auto_vacuum = incremental; PRAGMA encoding = 'UTF-16be';
         PRAGMA application_id = 1234; PRAGMA user_version = -5; PRAGMA default_cache_size = 77",
    ));
    let report = info_json(&path);
    let header = &report["header"];
    for (field, value) in [
        ("page_size", 8192),
        ("write_version", 1),
        ("read_version", 1),
        ("reserved_bytes", 0),
        ("text_encoding", 3),
        ("application_id", 1234),
        ("user_version", -5),
        ("cache_size", 77),
        ("incremental_vacuum", 1),
        ("schema_format", 4),
        ("first_freelist_trunk", 0),
        ("freelist_page_count", 0),
    ] {
        assert_eq!(header[field], value, "{field}: {header}");
    }
    assert_eq!(header["sqlite_version"], rusqlite::version());
    assert_eq!(header["change_counter"], header["version_valid_for"]);
    assert!(header["largest_root_page"].as_u64().unwrap() > 0);
    assert_eq!(header["damage"], Value::Null);
    assert_eq!(report["journal_mode"], "rollback");
    assert_eq!(report["page_count"].as_u64().unwrap() * 8192, fs::metadata(&path).unwrap().len());
    assert_eq!(report["page_count_told_by"], "header");
    assert_eq!(report["damage"], Value::Array(Vec::new()));
    assert_eq!(report["locks"], Value::Array(Vec::new()));
    for side_file in ["journal", "wal", "wal_index"] {
        assert_eq!(report[side_file], Value::Null);
    }

    let (code, text, _) = info(&path, &[]);
    assert_eq!(code, 0);
    for words in ["page size              8192", "UTF-16be", "user version           -5", "rollback journal"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn the_schema_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = database(&path, "");
    db.execute_batch(
        "CREATE TABLE \"two\nlines\"(a UNIQUE); CREATE VIEW v AS SELECT 1;
         CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
    )
    .unwrap();
    let report = info_json(&path);
    let schema = &report["schema"];
    let counts =
        ["table_count", "index_count", "view_count", "trigger_count"].map(|count| schema[count].clone());
    assert_eq!(counts, [2, 1, 1, 1]);
    let entry = &schema["entries"][0];
    assert_eq!(
        (&entry["type"], &entry["name"], &entry["tbl_name"]),
        (&"table".into(), &"t".into(), &"t".into())
    );
    assert_eq!((&entry["rootpage"], &entry["sql"]), (&2.into(), &"CREATE TABLE t(x)".into()));
    assert_eq!(schema["entries"][2]["sql"], Value::Null, "of an index that SQLite made by itself");
    let (_, text, _) = info(&path, &[]);
    let words = [
        "tables                 2",
        "triggers               1",
        "t, root page 2",
        "g on t",
        "two\\nlines, root",
    ];
    for words in words {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_live_log_is_told_with_its_locks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let live = database(&path, "PRAGMA journal_mode = wal");
    let report = info_json(&path);
    assert_eq!(report["journal_mode"], "wal");
    assert_eq!(report["page_count_told_by"], "wal");
    let pages: i64 = live.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    assert_eq!(report["page_count"], pages);
    let (wal, index) = (&report["wal"], &report["wal_index"]);
    assert_eq!(wal["header_is_valid"], true);
    assert_eq!(wal["committed_frame_count"], index["last_frame"]);
    assert_eq!(wal["salts"], index["salts"]);
    assert_eq!(wal["database_header"]["page_count"], pages);
    assert_eq!(index["somebody_is_connected"], true);
    let locks = report["locks"].as_array().unwrap();
    assert!(locks.iter().any(|lock| lock["lock"] == "DMS" && lock["exclusive"] == false), "{locks:?}");
    if cfg!(target_os = "linux") {
        assert!(locks.iter().all(|lock| lock["process_id"] == std::process::id()), "{locks:?}");
    }
}

#[test]
fn a_torn_log_with_nobody_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let live = database(&path, "PRAGMA journal_mode = wal");
    let dead = folder.path().join("dead.db");
    fs::copy(&path, &dead).unwrap();
    let mut log = fs::read(folder.path().join("a.db-wal")).unwrap();
    let length = log.len();
    log[length - 10] ^= 1;
    fs::write(folder.path().join("dead.db-wal"), &log).unwrap();
    fs::write(folder.path().join("dead.db-shm"), [7; 40_000]).unwrap();
    drop(live);

    let wal = &info_json(&dead)["wal"];
    let [valid, committed, all] = ["valid_frame_count", "committed_frame_count", "frame_count"]
        .map(|field| wal[field].as_u64().unwrap());
    assert_eq!(valid, all - 1);
    assert!(committed < valid, "{wal}");
    assert!(wal["end_of_valid_frames"].as_str().unwrap().contains("checksum"), "{wal}");
    assert_eq!(info_json(&dead)["wal_index"]["somebody_is_connected"], false);
    assert_eq!(info_json(&dead)["damage"], Value::Array(Vec::new()));
}

#[test]
fn journals_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let live = database(&path, "PRAGMA journal_mode = delete; PRAGMA cache_size = 5");
    let pages: i64 = live.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    // A transaction larger than the cache: some of it is in the file already.
    live.execute_batch("BEGIN; UPDATE t SET x = randomblob(500000)").unwrap();
    let state = |path: &Path| info_json(path)["journal"]["state"].clone();

    assert_eq!(state(&path), "of_live_writer");
    assert_eq!(info_json(&path)["read_under_lock"], false);

    // From here on the writer has no locks any more: reading its file in this process closed a descriptor of it.
    let dead = folder.path().join("dead.db");
    let journal = folder.path().join("dead.db-journal");
    fs::copy(&path, &dead).unwrap();
    fs::copy(folder.path().join("a.db-journal"), &journal).unwrap();
    let hot = info_json(&dead);
    assert_eq!(hot["journal"]["state"], "hot");
    assert_eq!(hot["journal"]["initial_page_count"], pages);
    assert!(info(&dead, &[]).1.contains("HOT"));

    let mut bytes = fs::read(&journal).unwrap();
    bytes[..28].fill(0);
    fs::write(&journal, &bytes).unwrap();
    assert_eq!(state(&dead), "zeroed");
    fs::write(&journal, "").unwrap();
    assert_eq!(state(&dead), "empty");
    fs::write(&journal, "x is no journal, but is taken for a hot one at first sight").unwrap();
    assert_eq!(state(&dead), "hot");
    assert!(info(&dead, &[]).1.contains("nothing in it can be rolled back"));
    fs::write(&dead, "").unwrap();
    assert_eq!(state(&dead), "database_empty");
}

#[test]
fn damage_is_told_and_the_rest_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(database(&path, "PRAGMA user_version = 99"));
    let whole = fs::read(&path).unwrap();
    let told = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let report = info_json(&path);
        let damage = report["damage"].as_array().unwrap().clone();
        let words = damage.iter().map(|d| d["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        (report, words.join("; "))
    };

    let (report, words) = told(&whole[..whole.len() / 2]);
    assert!(words.contains("page count"), "{words}");
    assert_eq!(report["header"]["user_version"], 99);

    let (report, words) = told(b"");
    assert_eq!((words.as_str(), &report["page_count"]), ("", &0.into()));
    assert_eq!(report["header"], Value::Null);

    // A freelist that cannot be, which SQLite believes until it needs a page of it.
    let mut bytes = whole.clone();
    bytes[36..40].copy_from_slice(&5_u32.to_be_bytes());
    let (report, words) = told(&bytes);
    assert!(words.contains("freelist of 5 pages from page 0 on"), "{words}");
    assert_eq!(report["journal_mode"], "rollback");

    let (report, words) = told(&[&whole[..], &[7; 5000]].concat());
    assert_eq!((words.as_str(), &report["bytes_behind"]), ("", &5000.into()));
    assert_eq!(report["page_count"].as_u64().unwrap() * 4096, whole.len() as u64);

    let mut other = whole.clone();
    other[0] = b'X';
    for bytes in [&other[..], &[0xff; 70]] {
        fs::write(&path, bytes).unwrap();
        let (code, stdout, stderr) = info(&path, &["--json"]);
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(stderr.contains("not a database"), "{stderr}");
    }
}

/// What a copy would have, and SQLite would see, is what is told: also beside a hot journal.
#[test]
fn beside_a_hot_journal_the_version_that_it_brings_back_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let live = database(&path, "PRAGMA journal_mode = delete; PRAGMA cache_size = 5");
    let pages: i64 = live.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    live.execute_batch("BEGIN; CREATE TABLE u(x); INSERT INTO u VALUES (randomblob(500000))").unwrap();
    let dead = folder.path().join("dead.db");
    fs::copy(&path, &dead).unwrap();
    fs::copy(folder.path().join("a.db-journal"), folder.path().join("dead.db-journal")).unwrap();
    assert!(fs::metadata(&dead).unwrap().len() > u64::try_from(pages).unwrap() * 4096, "nothing spilled");
    let report = info_json(&dead);
    assert_eq!((&report["page_count"], &report["page_count_told_by"]), (&pages.into(), &"journal".into()));
    assert_eq!(report["current_header"]["page_count"], pages);
    assert_eq!((&report["schema"]["table_count"], &report["journal_mode"]), (&1.into(), &"rollback".into()));
    // In one segment after the other, as the cache spilled.
    let (records, segments) = (&report["journal"]["record_count"], &report["journal"]["segment_count"]);
    assert!(records.as_u64().unwrap() >= segments.as_u64().unwrap(), "{records} {segments}");
    assert!(records.as_u64().unwrap() >= 1);
    assert_eq!(report["damage"], Value::Array(Vec::new()));
}

#[test]
fn a_schema_of_any_size_is_counted_and_a_part_of_it_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = database(&path, "");
    for n in 0..30 {
        db.execute_batch(&format!("CREATE TABLE t{n}(x /* {} */)", "y".repeat(1000))).unwrap();
    }
    let (code, stdout, _) = info(&path, &["--json", "--limit", "schema-bytes=10000"]);
    assert_eq!(code, 0);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let schema = &report["schema"];
    assert_eq!(schema["table_count"], 31);
    assert_eq!(schema["entries"].as_array().unwrap().len(), 10);
    assert_eq!((&schema["cut"]["limit"], &schema["cut"]["value"]), (&"schema-bytes".into(), &10_000.into()));
    assert!(info(&path, &["--limit", "schema-bytes=10000"]).1.contains("schema-bytes"));
}

#[test]
fn a_connection_that_has_the_log_to_itself_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(database(&path, "PRAGMA journal_mode = wal"));
    fs::write(folder.path().join("a.db-shm"), [0; 32768]).unwrap();
    let live = Connection::open(&path).unwrap();
    live.execute_batch("PRAGMA locking_mode = exclusive; INSERT INTO t VALUES (1)").unwrap();
    let (_, text, _) = info(&path, &[]);
    assert!(text.contains("EXCLUSIVE") && !text.contains("nobody is connected"), "{text}");
    assert!(text.contains("has the database, and its log, to itself"), "{text}");
    drop(live);
}

#[test]
fn nothing_is_changed_by_looking() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(database(&path, "PRAGMA journal_mode = wal"));
    let state = || {
        let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        let seen = files
            .into_iter()
            .map(|f| (f.clone(), fs::read(&f).unwrap(), fs::metadata(&f).unwrap().modified().unwrap()));
        seen.collect::<Vec<_>>()
    };
    let before = state();
    assert_eq!(info(&path, &[]).0, 0);
    assert_eq!(info(&path, &["--json"]).0, 0);
    assert!(before == state(), "a file changed");
}

#[test]
fn what_is_not_there_or_not_a_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("missing.db"), folder.path().to_owned()] {
        let (code, stdout, stderr) = info(&path, &[]);
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(stderr.starts_with("litecopy: ") && stderr.lines().count() == 2, "{stderr}");
    }
}
