//! `litecopy copy` with treatments, its manifest, and `litecopy verify`, run as processes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A folder with a database `app.db` of about 60 pages in it, of which some are free.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let database = Connection::open(place.path("app.db")).unwrap();
        database
            .execute_batch(
                "PRAGMA secure_delete = OFF; CREATE TABLE t(x); CREATE TABLE gone(x);
                 INSERT INTO t VALUES (randomblob(100000)); INSERT INTO gone VALUES ('secret' || zeroblob(100000));
                 DROP TABLE gone;",
            )
            .unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
        command.current_dir(self.0.path()).stdin(Stdio::null()).args(arguments).output().unwrap()
    }

    /// Runs the command, which has to end with this code; what it said on stdout and stderr.
    #[track_caller]
    fn says(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let output = self.run(arguments);
        let (said, complained) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(code), "{said}{complained}");
        (said, complained)
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    fn patch(&self, name: &str, at: u64, bytes: &[u8]) {
        let mut file = OpenOptions::new().write(true).open(self.path(name)).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(bytes).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_manifest_tells_what_the_copy_is() {
    let place = Place::new();
    place.says(0, &["copy", "app.db", "copy.db", "--manifest", "copy.json"]);
    assert_eq!(place.names(), ["app.db", "copy.db", "copy.json"]);
    let bytes = fs::read(place.path("copy.db")).unwrap();
    assert_eq!(bytes, fs::read(place.path("app.db")).unwrap());
    let manifest = place.json("copy.json");
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(manifest["sha256"], sha256);
    assert_eq!(manifest["litecopy_manifest"], 1);
    assert_eq!(
        manifest["page_size"].as_u64().unwrap() * manifest["page_count"].as_u64().unwrap(),
        bytes.len() as u64
    );
    let sums: String =
        manifest["crc32"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let expected: String = bytes.chunks(4096).map(|page| format!("{:08x}", crc32fast::hash(page))).collect();
    assert_eq!(sums, expected);
    assert!(manifest["begun_unix_seconds"].as_u64() <= manifest["ended_unix_seconds"].as_u64());
    let (said, complained) = place.says(0, &["verify", "copy.db", "--manifest", "copy.json"]);
    assert!(said.starts_with("copy.db: unchanged, all of ") && complained.is_empty(), "{said}{complained}");
}

#[test]
fn the_stamp_tells_one_version_from_the_next() {
    let place = Place::new();
    let stamp = |name: &str| {
        place.says(0, &["copy", "app.db", &format!("{name}.db"), "--manifest", &format!("{name}.json")]);
        place.json(&format!("{name}.json"))["source_stamp"].as_str().unwrap().to_owned()
    };
    let execute = |sql: &str| Connection::open(place.path("app.db")).unwrap().execute_batch(sql).unwrap();
    let (first, again) = (stamp("a"), stamp("b"));
    assert!(first == again && first.starts_with("rollback "), "{first} {again}");
    execute("DELETE FROM t");
    assert_ne!(stamp("c"), first);
    // A connection that stays keeps the log.
    let keeper = Connection::open(place.path("app.db")).unwrap();
    keeper.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE u(a)").unwrap();
    let in_log = stamp("d");
    assert!(in_log.starts_with("wal ") && in_log == stamp("e"), "{in_log}");
    keeper.execute_batch("INSERT INTO u VALUES (1)").unwrap();
    assert_ne!(stamp("f"), in_log);
}

#[test]
fn pages_that_rotted_are_named() {
    let place = Place::new();
    place.says(0, &["copy", "app.db", "copy.db", "--manifest", "copy.json"]);
    let page_count = place.json("copy.json")["page_count"].as_u64().unwrap();
    for page in [1, 4, 5, 6, page_count] {
        place.patch("copy.db", page * 4096 - 7, b"rotten");
    }
    let before = fs::metadata(place.path("copy.db")).unwrap().modified().unwrap();
    let (said, _) = place.says(1, &["verify", "copy.db", "--manifest", "copy.json"]);
    assert!(said.contains(&format!("5 of {page_count} pages: 1, 4-6, {page_count}")), "{said}");
    let (said, _) = place.says(1, &["verify", "copy.db", "--manifest", "copy.json", "--json"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&report["unchanged"], &report["changed_count"]), (&Value::from(false), &Value::from(5)));
    assert_eq!(report["changed"][1], serde_json::json!({"first": 4, "last": 6}));
    assert_eq!(fs::metadata(place.path("copy.db")).unwrap().modified().unwrap(), before);
    assert_eq!(place.names(), ["app.db", "copy.db", "copy.json"]);
}

#[test]
fn a_file_of_another_size_is_told_as_that() {
    let place = Place::new();
    place.says(0, &["copy", "app.db", "copy.db", "--manifest", "copy.json"]);
    let size_bytes = fs::metadata(place.path("copy.db")).unwrap().len();
    let resize = |size_bytes| {
        OpenOptions::new().write(true).open(place.path("copy.db")).unwrap().set_len(size_bytes).unwrap();
    };
    resize(size_bytes + 1);
    let (said, _) = place.says(1, &["verify", "copy.db", "--manifest", "copy.json"]);
    assert!(said.contains("bytes instead of") && !said.contains("unchanged"), "{said}");
    resize(size_bytes - 4097);
    let page_count = size_bytes / 4096;
    let (said, _) = place.says(1, &["verify", "copy.db", "--manifest", "copy.json"]);
    assert!(said.contains(&format!("pages: {}-{page_count}", page_count - 1)), "{said}");
    resize(0);
    place.says(1, &["verify", "copy.db", "--manifest", "copy.json"]);
    fs::remove_file(place.path("copy.db")).unwrap();
    let (_, complained) = place.says(1, &["verify", "copy.db", "--manifest", "copy.json"]);
    assert!(complained.contains("copy.db"), "{complained}");
}

#[test]
fn a_manifest_that_is_none_is_refused() {
    let place = Place::new();
    place.says(0, &["copy", "app.db", "copy.db", "--manifest", "copy.json"]);
    let good = fs::read_to_string(place.path("copy.json")).unwrap();
    let page_count = place.json("copy.json")["page_count"].to_string();
    let sha256 = place.json("copy.json")["sha256"].as_str().unwrap().to_owned();
    for (wrong, said) in [
        (String::new(), "EOF"),
        (good[..good.len() / 2].to_owned(), "EOF"),
        ("[".repeat(100_000), "invalid type"),
        (good.replacen("manifest\": 1", "manifest\": 7", 1), "manifest version 7, only 1 is known"),
        (good.replacen(&page_count, "4294967295", 1), "for 4294967295"),
        (good.replacen("4096", "0", 1), "page size 0"),
    ] {
        fs::write(place.path("wrong.json"), wrong).unwrap();
        let (_, complained) = place.says(1, &["verify", "copy.db", "--manifest", "wrong.json"]);
        assert!(complained.contains(said) && complained.contains("wrong.json"), "{complained}");
    }
    fs::write(place.path("forged.json"), good.replacen(&sha256, &"0".repeat(64), 1)).unwrap();
    let (said, _) = place.says(1, &["verify", "copy.db", "--manifest", "forged.json"]);
    assert!(said.contains("on purpose"), "{said}");
    for no_file in [".", "/dev/zero", "nowhere.json"] {
        let (_, complained) = place.says(1, &["verify", "copy.db", "--manifest", no_file]);
        assert!(complained.contains(no_file), "{complained}");
    }
}

/// Opening a pipe would wait for its other end.
#[cfg(unix)]
#[test]
fn a_pipe_is_no_manifest() {
    let scene = Place::new();
    let made = std::process::Command::new("mkfifo").arg(scene.path("pipe")).status().unwrap();
    assert!(made.success());
    for arguments in [
        ["copy", "app.db", "copy.db", "--manifest", "pipe"],
        ["refresh", "app.db", "copy.db", "--manifest", "pipe"],
        ["verify", "app.db", "--manifest", "pipe", "--json"],
    ] {
        scene.says(1, &arguments);
    }
}

/// It is as readable as the copy; what a run that was killed just now left goes, what a living one has stays.
#[cfg(unix)]
#[test]
fn a_manifest_is_an_ordinary_file_and_left_overs_go() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Place::new();
    let leave = |name: &str| fs::File::create(scene.path(name)).unwrap();
    drop(leave(".litecopy-manifest-killed"));
    let living = leave(".litecopy-manifest-living");
    living.lock().unwrap();
    let strangers = [".litecopy-manifest-of-May", ".litecopy-manifest-long-ago", ".litecopy-manifest-linked"];
    drop((leave(strangers[0]), leave(strangers[1])));
    std::os::unix::fs::symlink("app.db", scene.path(strangers[2])).unwrap();
    fs::write(scene.path("any"), "").unwrap();
    scene.says(0, &["copy", "app.db", "copy.db", "--manifest", "m.json"]);
    let mode = |name: &str| fs::metadata(scene.path(name)).unwrap().permissions().mode();
    assert_eq!(mode("m.json"), mode("any"));
    assert!(!scene.path(".litecopy-manifest-killed").exists());
    assert!(scene.path(".litecopy-manifest-living").exists());
    assert!(strangers.iter().all(|name| scene.path(name).exists()));
}

/// Killed while it waits for a lock; the very next run removes what it left.
#[cfg(unix)]
#[test]
fn what_a_killed_run_left_of_a_manifest_is_removed_by_the_next() {
    let place = Place::new();
    let arguments = ["refresh", "app.db", "copy.db", "--manifest", "m.json"];
    place.says(0, &arguments);
    let names = place.names();
    let writer = Connection::open(place.path("app.db")).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
    command.current_dir(place.0.path()).stdin(Stdio::null()).stderr(Stdio::null()).args(arguments);
    let mut killed = command.spawn().unwrap();
    let left = |place: &Place| place.names().iter().any(|name| name.starts_with(".litecopy-manifest-"));
    let begun = Instant::now();
    while !left(&place) && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(left(&place), "it was killed too early");
    writer.execute_batch("ROLLBACK").unwrap();
    place.says(0, &arguments);
    assert_eq!(place.names(), names);
}

#[test]
fn a_manifest_replaces_nothing_but_a_manifest() {
    let place = Place::new();
    fs::write(place.path("precious.txt"), "precious").unwrap();
    fs::write(place.path("empty"), "").unwrap();
    let names = place.names();
    for (manifest, replace) in [
        ("precious.txt", false),
        ("precious.txt", true),
        ("empty", true),
        ("-", false),
        ("app.db", true),
        ("./app.db-wal", true),
        ("app.db-journal", false),
        ("copy.db", true),
        ("copy.db-shm", false),
        ("nowhere/copy.json", false),
    ] {
        let mut arguments = vec!["copy", "app.db", "copy.db", "--manifest", manifest];
        arguments.extend(replace.then_some("--replace"));
        let (_, complained) = place.says(1, &arguments);
        assert!(complained.contains(manifest), "{complained}");
        assert_eq!(place.names(), names, "{manifest}");
    }
    assert_eq!(fs::read(place.path("precious.txt")).unwrap(), b"precious");
    place.says(0, &["copy", "app.db", "copy.db", "--manifest", "copy.json"]);
    let (_, complained) = place.says(1, &["copy", "app.db", "other.db", "--manifest", "copy.json"]);
    assert!(complained.contains("is there already"), "{complained}");
    Connection::open(place.path("app.db")).unwrap().execute_batch("DELETE FROM t").unwrap();
    place.says(0, &["copy", "app.db", "copy.db", "--manifest", "copy.json", "--replace"]);
    place.says(0, &["verify", "copy.db", "--manifest", "copy.json"]);
}

#[test]
fn treatments_go_together() {
    let place = Place::new();
    place.says(0, &["copy", "app.db", "exact.db", "--verify"]);
    let treated = [
        "copy",
        "app.db",
        "treated.db",
        "--scrub",
        "--skip-free",
        "--fidelity",
        "api",
        "--manifest",
        "m.json",
    ];
    place.says(0, &treated);
    place.says(0, &["verify", "treated.db", "--manifest", "m.json"]);
    let [exact, treated] = ["exact.db", "treated.db"].map(|name| fs::read(place.path(name)).unwrap());
    let has_secret = |bytes: &[u8]| bytes.windows(6).any(|window| window == b"secret");
    assert!(has_secret(&exact) && !has_secret(&treated));
    assert_eq!(
        (&treated[24..28], &treated[40..44], &treated[92..100]),
        (&[0, 0, 0, 1][..], &[0, 0, 0, 1][..], &[&[0, 0, 0, 1][..], &exact[96..100]].concat()[..])
    );
    let sum = |name: &str| {
        let copy = Connection::open(place.path(name)).unwrap();
        copy.query_row("SELECT hex(x) FROM t", [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!(sum("exact.db"), sum("treated.db"));
}

/// Pages over old ones: what is written in place is compared as well.
#[test]
fn in_place_a_copy_is_verified_too() {
    let place = Place::new();
    Connection::open(place.path("old.db"))
        .unwrap()
        .execute_batch("CREATE TABLE old(a); PRAGMA user_version = 3")
        .unwrap();
    place.says(0, &["copy", "app.db", "old.db", "--in-place", "--scrub", "--manifest", "m.json"]);
    place.says(0, &["verify", "old.db", "--manifest", "m.json"]);
    assert!(!fs::read(place.path("old.db")).unwrap().windows(6).any(|window| window == b"secret"));
}

#[test]
fn what_does_not_go_together_is_wrong_use() {
    let place = Place::new();
    for wrong in [
        &["copy", "app.db", "-", "--verify"][..],
        &["copy", "app.db", "-", "--manifest", "m.json"],
        &["copy", "app.db", "copy.db", "--verify", "--no-sync"],
        &["copy", "app.db", "copy.db", "--opaque=4096", "--scrub"],
        &["copy", "app.db", "copy.db", "--opaque=4096", "--fidelity", "api"],
        &["copy", "app.db", "copy", "--all", "--manifest", "m.json"],
        &["copy", "app.db", "copy.db", "--fidelity", "other"],
        &["verify", "copy.db"],
    ] {
        place.says(2, wrong);
    }
    assert_eq!(place.names(), ["app.db"]);
}
