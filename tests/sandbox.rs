//! `--untrusted` on Linux: all that a verb needs can be opened still. What cannot is tested beside `src/cli/sandbox.rs`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;

/// A verb with its arguments, in a folder with `app.db` (a log beside it), `hot.db` (a hot journal) and `old.db`.
const JOBS: [&str; 22] = [
    "copy app.db new.db",
    "copy hot.db new.db",
    "copy app.db old.db --replace --verify --manifest new.manifest",
    "copy app.db old.db --in-place",
    "copy app.db link.db --replace",
    "copy app.db new --all --attach hot=hot.db",
    "copy app.db new.db --lock-style dotfile",
    "copy app.db -",
    "copy hot.db - --scrub",
    "restore app.db old.db",
    "refresh hot.db old.db",
    "refresh hot.db old.db --replace",
    "check app.db",
    "pages hot.db --html new.html --svg new.svg",
    "page app.db 2",
    "space hot.db",
    "rows app.db t",
    "dump hot.db",
    "diff app.db hot.db",
    "wal app.db",
    "journal hot.db",
    "shm app.db",
];

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        left(&place.path("app.db"), "PRAGMA journal_mode=WAL", "UPDATE t SET b = b || 'x';");
        left(&place.path("hot.db"), "PRAGMA cache_size=1", "BEGIN; UPDATE t SET b = b || 'x';");
        left(&place.path("old.db"), "", "");
        std::os::unix::fs::symlink("linked.db", place.path("link.db")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the command in the folder.
    fn run(&self, words: &str) -> Output {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
        command.args(words.split(' ')).current_dir(self.0.path()).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// All that is made, by its name. The times in a manifest are of no matter.
    fn made(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.0.path()).unwrap().to_owned();
                match path.is_dir() {
                    true => folders.push(path),
                    false if name == Path::new("new.manifest") => files.push((name, Vec::new())),
                    false => files.push((name, fs::read(&path).unwrap_or_default())),
                }
            }
        }
        files.sort();
        files
    }
}

/// A database as a writer leaves it that dies after `change`.
fn left(path: &Path, settings: &str, change: &str) {
    let folder = tempfile::tempdir().unwrap();
    let origin = folder.path().join("origin.db");
    let db = Connection::open(&origin).unwrap();
    db.execute_batch(&format!(
        "PRAGMA page_size=512; CREATE TABLE t(a INTEGER PRIMARY KEY, b); {settings};
         INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i, 'text ' || i FROM n; {change}"
    ))
    .unwrap();
    for suffix in ["", "-wal", "-shm", "-journal"] {
        if let Ok(bytes) = fs::read(beside(&origin, suffix)) {
            fs::write(beside(path, suffix), bytes).unwrap();
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_job_does_the_same_in_the_sandbox() {
    // The same files in both, so that what is said can be compared.
    let place = Place::new();
    let before = place.made();
    for job in JOBS {
        let mut all = Vec::new();
        for words in [job.to_owned(), format!("{job} --untrusted")] {
            let output = place.run(&words);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let told =
                if words.starts_with("copy") || words.starts_with("re") { String::new() } else { said };
            assert!(output.status.code().is_some(), "{words}: {}", stderr(&output));
            all.push((output.status.code(), told, place.made()));
            for (name, _) in place.made() {
                fs::remove_file(place.path(name.to_str().unwrap())).unwrap();
            }
            let _ = fs::remove_dir(place.path("new"));
            for (name, bytes) in &before {
                if name != Path::new("link.db") {
                    fs::write(place.path(name.to_str().unwrap()), bytes).unwrap();
                }
            }
            std::os::unix::fs::symlink("linked.db", place.path("link.db")).unwrap();
        }
        assert_eq!(all[0].0, all[1].0, "{job}");
        assert!(all[0] == all[1], "{job}: not the same");
    }
}
