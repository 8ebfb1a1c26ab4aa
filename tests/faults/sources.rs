//! The databases that are copied or replaced, and whether one that is found is one of them, as SQLite sees it.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::Connection;

use crate::content::{dump, integrity_check};
use crate::files::{Folder, beside};
use crate::fingerprint::{Fingerprint, assert_same};

/// A folder of databases that nobody has open: those to copy, and those to be replaced.
///
/// | name | what it is |
/// |---|---|
/// | `source.db`, `other.db` | to be copied |
/// | `old.db` | to be replaced |
/// | `hot.db` | the same, left in the midst of a transaction: its journal is hot, some of its pages are already changed |
/// | `log.db` | the same, and something in its log |
/// | `pages.db` | one with pages of another size |
pub(crate) struct Sources {
    folder: Folder,
    fingerprint: Fingerprint,
    known: BTreeMap<&'static str, Source>,
}

/// A database as SQLite sees it; and as bytes, when those are all of it.
struct Source {
    bytes: Option<Vec<u8>>,
    content: Content,
}

/// All that SQLite sees in a database, or why it sees nothing.
type Content = Result<Vec<String>, String>;

/// A writer whose pages are in the file before its transaction ends.
const UNFINISHED: &str = "PRAGMA cache_size = 5; BEGIN; UPDATE t SET b = randomblob(450);";
const IN_THE_LOG: &str =
    "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE t SET b = 'in the log' WHERE a % 3 = 0;
    INSERT INTO t(b) VALUES (zeroblob(9000));";

impl Sources {
    /// Databases of which `source.db` has about so many KiB, and the others much less.
    pub(crate) fn new(kib: u32) -> Self {
        let folder = Folder::new();
        create(&folder.join("source.db"), 4096, kib);
        create(&folder.join("other.db"), 4096, 20);
        create(&folder.join("old.db"), 4096, 20 + kib / 10);
        create(&folder.join("pages.db"), 1024, 20);
        left_after(&folder, UNFINISHED, "hot.db");
        left_after(&folder, IN_THE_LOG, "log.db");
        assert!(
            beside(&folder.join("hot.db"), "-journal").exists()
                && beside(&folder.join("log.db"), "-wal").exists()
        );
        let mut known = BTreeMap::new();
        for name in ["source.db", "other.db", "old.db", "hot.db", "log.db", "pages.db"] {
            let path = folder.join(name);
            let bytes = is_alone(&path).then(|| fs::read(&path).unwrap());
            let content = content(&path);
            assert!(content.is_ok(), "{name}: {content:?}");
            known.insert(name, Source { bytes, content });
        }
        assert!(known["hot.db"].content == known["old.db"].content, "not rolled back");
        assert!(known["log.db"].content != known["old.db"].content, "nothing in the log");
        let fingerprint = Fingerprint::of(folder.path());
        Self { folder, fingerprint, known }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Puts a byte copy of a source, with its journal or log, under a path.
    pub(crate) fn put(&self, name: &str, path: &Path) {
        copy_with_side_files(&self.path(name), path);
    }

    /// Whether SQLite sees the same in a database, with its journal or log, as in a source.
    pub(crate) fn compare(&self, database: &Path, expected: &str) -> Result<(), String> {
        let bytes = if is_alone(database) { fs::read(database).ok() } else { None };
        // The bytes of a source need not be looked at again.
        let same_bytes = |source: &Source| bytes.is_some() && bytes == source.bytes;
        let found = match self.known.iter().find(|(_, source)| same_bytes(source)) {
            Some((name, _)) if *name == expected => return Ok(()),
            Some((_, source)) => source.content.clone(),
            None => judged(database),
        };
        match found {
            found if found == self.known[expected].content => Ok(()),
            Ok(lines) => Err(format!("sound, {} lines", lines.len())),
            Err(why) => Err(why.chars().take(100).collect()),
        }
    }

    /// C1: nothing of the sources has changed.
    #[track_caller]
    pub(crate) fn assert_untouched(&self) {
        assert_same(&self.fingerprint, &Fingerprint::of(self.folder.path()));
    }
}

fn create(path: &Path, page_size: u32, rows: u32) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let connection = Connection::open(path).unwrap();
    let sql = format!(
        "PRAGMA page_size = {page_size}; PRAGMA synchronous = OFF; CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b);
         INSERT INTO t(b) WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
            SELECT randomblob(450) FROM n;
         INSERT INTO t(b) VALUES ('{name}');"
    );
    connection.execute_batch(&sql).unwrap();
    connection.close().unwrap();
}

/// What a process that is killed after some statements on `old.db` would leave, under another name.
fn left_after(folder: &Folder, sql: &str, name: &str) {
    let elsewhere = Folder::for_judging();
    let path = elsewhere.join(name);
    fs::copy(folder.join("old.db"), &path).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(sql).unwrap();
    copy_with_side_files(&path, &folder.join(name));
}

fn copy_with_side_files(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    for suffix in DURABLE {
        if beside(from, suffix).exists() {
            fs::copy(beside(from, suffix), beside(to, suffix)).unwrap();
        }
    }
}

/// The side files that outlive a power cut; a wal-index is made anew.
const DURABLE: [&str; 2] = ["-journal", "-wal"];

fn is_alone(database: &Path) -> bool {
    !DURABLE.iter().any(|suffix| beside(database, suffix).exists())
}

/// What SQLite sees in a database with its journal or log; the same bytes are looked at only once.
fn judged(database: &Path) -> Content {
    static SEEN: Mutex<BTreeMap<u64, Content>> = Mutex::new(BTreeMap::new());
    let mut hasher = DefaultHasher::new();
    for path in [database.to_owned(), beside(database, "-journal"), beside(database, "-wal")] {
        fs::read(path).ok().hash(&mut hasher);
    }
    let key = hasher.finish();
    if let Some(found) = SEEN.lock().unwrap().get(&key) {
        return found.clone();
    }
    let found = content(database);
    SEEN.lock().unwrap().insert(key, found.clone());
    found
}

fn content(database: &Path) -> Content {
    let seen = catch_unwind(|| (integrity_check(database), dump(database)));
    match seen {
        Ok((verdict, mut lines)) if verdict == "'ok'" => {
            // In place it moves, so that whoever has the database open notices.
            lines.retain(|line| !line.starts_with("schema_version = "));
            Ok(lines)
        }
        Ok((verdict, _)) => Err(verdict),
        Err(_) => Err("SQLite cannot read it".to_owned()),
    }
}
