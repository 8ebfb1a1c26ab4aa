//! `litecopy acquire`, run as a process: what it says, its exit codes, and its JSON.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a database `app.db` in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let database = Connection::open(place.path("app.db")).unwrap();
        database.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (1)").unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the command, which has to end with this code; what it said on stdout and stderr.
    #[track_caller]
    fn says(&self, code: i32, words: &[&str]) -> (String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_litecopy"));
        let output = command.current_dir(self.0.path()).stdin(Stdio::null()).args(words).output().unwrap();
        let [said, complained] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}{complained}");
        (said, complained)
    }
}

#[test]
fn what_is_printed_can_be_written_down_and_given_again() {
    let place = Place::new();
    let (said, complained) = place.says(0, &["acquire", "app.db", "bundle"]);
    assert_eq!(complained, "");
    let digits = said.trim_end().rsplit(' ').next().unwrap();
    assert_eq!(digits.len(), 64, "{said}");
    let (said, _) = place.says(0, &["acquire", "--verify", "bundle", "--manifest-sha256", digits]);
    assert!(said.contains("intact") && !said.contains("note"), "{said}");
    let (said, _) = place.says(0, &["acquire", "--verify", "bundle"]);
    assert!(said.contains("cannot be told whether the bundle was made anew"), "{said}");
    let zeros = "0".repeat(64);
    let (said, _) = place.says(1, &["acquire", "--verify", "bundle", "--manifest-sha256", &zeros]);
    assert!(said.contains("not intact") && said.contains("manifest.json"), "{said}");
    // It is the manifest of its merged copy as well.
    place.says(0, &["verify", "bundle/merged.db", "--manifest", "bundle/manifest.json"]);
    let report = fs::read_to_string(place.path("bundle/report.txt")).unwrap();
    let words = [
        "litecopy 0.",
        "SHA-256",
        "only read",
        "read twice",
        "sha256sum -c SHA256SUMS",
        "Never open found.db",
    ];
    for words in words {
        assert!(report.contains(words), "{words}: {report}");
    }
}

#[test]
fn programs_are_told_in_json() {
    let place = Place::new();
    let (said, _) = place.says(0, &["acquire", "app.db", "bundle", "--json"]);
    let told: Value = serde_json::from_str(&said).unwrap();
    let manifest: Value =
        serde_json::from_slice(&fs::read(place.path("bundle/manifest.json")).unwrap()).unwrap();
    assert_eq!(told["bundle"], manifest["bundle"]);
    assert_eq!(told["bundle"]["files"][0]["role"], "database");
    fs::remove_file(place.path("bundle/report.txt")).unwrap();
    let (said, _) = place.says(1, &["acquire", "--verify", "bundle", "--json"]);
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["manifest_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        (&told["intact"], &told["findings"][0]["kind"]),
        (&Value::Bool(false), &Value::from("missing"))
    );
}

#[test]
fn wrong_use_and_refusals_are_told_apart() {
    let place = Place::new();
    let digits = "0".repeat(64);
    for wrong in [
        &["acquire"][..],
        &["acquire", "app.db"],
        &["acquire", "app.db", "bundle", "--as-of", "1"],
        &["acquire", "app.db", "bundle", "--manifest-sha256", &digits],
        &["acquire", "app.db", "--verify", "bundle"],
        &["acquire", "--verify", "bundle", "--manifest-sha256", "abc"],
        &["acquire", "--verify", "bundle", "--manifest-sha256", &"g".repeat(64)],
        &["acquire", "--verify", "bundle", "--max-hold", "1"],
    ] {
        place.says(2, wrong);
    }
    let (said, complained) = place.says(1, &["acquire", "--verify", "bundle"]);
    assert!(said.is_empty() && complained.contains("nothing was checked"), "{complained}");
    let (_, complained) = place.says(1, &["acquire", "app.db", "app.db-wal"]);
    assert!(complained.contains("app.db"), "{complained}");
    let writer = Connection::open(place.path("app.db")).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    place.says(5, &["acquire", "app.db", "bundle", "--timeout", "0.1"]);
    writer.execute_batch("COMMIT").unwrap();
    place.says(5, &["acquire", "app.db", "bundle", "--max-hold", "0"]);
    let entries = fs::read_dir(place.0.path()).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["app.db"], "nothing is left");
}

#[test]
fn the_folder_may_end_with_a_separator_and_is_never_replaced() {
    let place = Place::new();
    let (said, _) = place.says(0, &["acquire", "app.db", "bundle/"]);
    assert!(said.starts_with("bundle: "), "{said}");
    place.says(0, &["acquire", "--verify", "bundle/"]);
    place.says(0, &["copy", "--all", "app.db", "set/"]);
    assert!(place.path("set/app.db").exists());
    fs::write(place.path("file"), "").unwrap();
    for taken in ["bundle", "bundle/", "file", "file/"] {
        for command in [&["acquire"][..], &["copy", "--all"]] {
            let (_, complained) = place.says(1, &[command, &["app.db", taken]].concat());
            assert!(complained.contains("a folder that is not there yet"), "{complained}");
            assert!(!complained.contains("--replace"), "{complained}");
        }
    }
    let (_, complained) = place.says(5, &["acquire", "app.db", "other", "--max-hold", "0"]);
    assert!(complained.contains("--max-hold") && !complained.contains("--at-limit"), "{complained}");
}

/// Nobody writes into the bundle by mistake, nor reads more of it than he could read of the source.
#[cfg(unix)]
#[test]
fn the_merged_copy_has_the_permissions_of_the_other_files() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    fs::set_permissions(place.path("app.db"), PermissionsExt::from_mode(0o600)).unwrap();
    place.says(0, &["acquire", "app.db", "bundle"]);
    for name in ["found.db", "merged.db"] {
        let mode = fs::metadata(place.path("bundle").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400, "{name}");
    }
}

/// The bundle is there although what it is could not be told, as the help says.
#[cfg(target_os = "linux")]
#[test]
fn a_bundle_whose_sum_could_not_be_printed_is_there() {
    let place = Place::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_litecopy"));
    command.current_dir(place.0.path()).args(["acquire", "app.db", "bundle"]).stdout(full);
    let output = command.output().unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && complained.contains("stdout"), "{complained}");
    place.says(0, &["acquire", "--verify", "bundle"]);
}

/// A name of the system cannot act on a terminal, nor end a line of the report.
#[cfg(target_os = "linux")]
#[test]
fn a_hostile_name_is_spelled_out() {
    let place = Place::new();
    let name = "a\u{1b}[31m\nEnded:  never.db";
    fs::rename(place.path("app.db"), place.path(name)).unwrap();
    let (said, _) = place.says(0, &["acquire", name, "bundle"]);
    assert!(!said.contains('\u{1b}'), "{said}");
    let report = fs::read_to_string(place.path("bundle/report.txt")).unwrap();
    assert!(!report.contains('\u{1b}') && !report.contains("\nEnded:  never"), "{report}");
    assert!(report.contains("a\\u{1b}[31m\\nEnded:  never.db"), "{report}");
    place.says(0, &["acquire", "--verify", "bundle"]);
}
