//! The databases of a run, each version of which can be told, and how the command is run on them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::files::{Folder, beside};

/// The versions of the source; those of other databases are far from them.
pub(crate) const SOURCE_FIRST: i64 = 1;
pub(crate) const TARGET: i64 = 1000;
pub(crate) const STRANGER: i64 = 2000;
/// A database that is put in the place of the source.
pub(crate) const NEXT_SOURCE: i64 = 50;

const PAGE_SIZE: u32 = 1024;
const ROWS: u32 = 24;

/// How a database keeps its transactions, and who has it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Rollback,
    /// A log is there, and nobody is connected.
    Log,
    /// A log is there, and the test is connected.
    LiveLog,
}

/// A run of the command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    pub(crate) name: &'static str,
    /// The words before the two paths.
    pub(crate) words: &'static [&'static str],
    pub(crate) source: Mode,
    /// What is to be replaced, if anything.
    pub(crate) target: Option<Mode>,
}

impl Job {
    fn is_acquisition(&self) -> bool {
        self.words == ["acquire"]
    }
}

/// A wait of the command ends soon, whatever a test keeps locked.
const BOUNDS: [&str; 3] = ["--timeout=300ms", "--sleep=5ms", "--deadline=5s"];

const NEW: Option<Mode> = None;
pub(crate) const JOBS: &[Job] = &[
    job("a new copy", &["copy"], Mode::Rollback, NEW),
    job("a new copy in steps", &["copy", "--consistency=step", "--pages=12"], Mode::Rollback, NEW),
    job("a new copy of a log", &["copy"], Mode::Log, NEW),
    job("a new copy of a live log", &["copy"], Mode::LiveLog, NEW),
    job("steps over a live log", &["copy", "--consistency=step", "--pages=12"], Mode::LiveLog, NEW),
    job("a replaced copy", &["copy", "--replace"], Mode::Rollback, Some(Mode::Rollback)),
    job("a replaced copy with a log", &["copy", "--replace"], Mode::Rollback, Some(Mode::Log)),
    job("a restore", &["restore"], Mode::Rollback, Some(Mode::Rollback)),
    job("a restore over a log", &["restore"], Mode::Rollback, Some(Mode::Log)),
    job("a restore into a live log", &["restore"], Mode::Rollback, Some(Mode::LiveLog)),
    job("a refresh", &["refresh"], Mode::Rollback, Some(Mode::Rollback)),
    job("a bundle of evidence", &["acquire"], Mode::Rollback, NEW),
    job("a bundle of evidence of a log", &["acquire"], Mode::Log, NEW),
    job("a bundle of evidence of a live log", &["acquire"], Mode::LiveLog, NEW),
    job("a refresh from a live log", &["refresh"], Mode::LiveLog, Some(Mode::Rollback)),
];

const fn job(name: &'static str, words: &'static [&'static str], source: Mode, target: Option<Mode>) -> Job {
    Job { name, words, source, target }
}

/// What a run works on: a folder with one folder each for source, target and strangers' files.
pub(crate) struct Scene {
    folder: Folder,
    /// Kept until the run is over.
    pub(crate) connections: Vec<Connection>,
    /// Versions of the source that were committed at some moment of the run.
    pub(crate) source_versions: Vec<i64>,
    /// Whether a commit into the target was told done, when the target had the source's content already.
    pub(crate) has_late_mark: bool,
    /// Whether the name of the target leads to the stranger's database now.
    pub(crate) stranger_is_target: bool,
    /// The name of the target.
    target: &'static str,
}

/// Where a bundle of evidence is put.
pub(crate) const BUNDLE: &str = "target/bundle";

impl Scene {
    pub(crate) fn new(job: &Job, templates: &Templates) -> Self {
        let folder = Folder::for_judging();
        for name in ["source", "target", "stranger"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        let mut scene = Self {
            folder,
            connections: Vec::new(),
            source_versions: vec![SOURCE_FIRST],
            has_late_mark: false,
            stranger_is_target: false,
            target: if job.is_acquisition() { BUNDLE } else { "target/copy.db" },
        };
        scene.put(templates, "source", job.source, &scene.source());
        if let Some(mode) = job.target {
            scene.put(templates, "target", mode, &scene.target());
        }
        templates.put("stranger", Mode::Rollback, &scene.stranger());
        templates.put("next", Mode::Rollback, &scene.next_source());
        scene
    }

    fn put(&mut self, templates: &Templates, name: &str, mode: Mode, path: &Path) {
        templates.put(name, if mode == Mode::LiveLog { Mode::Rollback } else { mode }, path);
        if mode == Mode::LiveLog {
            let connection = open(path);
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
            // So that pages are in the log, of the same version.
            connection.execute_batch("UPDATE t SET pad = randomblob(300) WHERE id % 3 = 0").unwrap();
            self.connections.push(connection);
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.folder.join("source/app.db")
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.folder.join(self.target)
    }

    /// A database that the run has nothing to do with.
    pub(crate) fn stranger(&self) -> PathBuf {
        self.folder.join("stranger/other.db")
    }

    /// Another database, which can take the place of the source.
    pub(crate) fn next_source(&self) -> PathBuf {
        self.folder.join("stranger/next.db")
    }

    pub(crate) fn arguments(&self, job: &Job) -> Vec<OsString> {
        // Nothing sleeps between steps where there are none.
        let bounds = if job.is_acquisition() { &BOUNDS[..1] } else { &BOUNDS };
        let words = job.words[..1].iter().chain(bounds).chain(&job.words[1..]).map(OsString::from);
        words.chain([self.source().into(), self.target().into()]).collect()
    }
}

/// Databases to begin with, made once.
pub(crate) struct Templates(Folder);

impl Templates {
    pub(crate) fn new() -> Self {
        let folder = Folder::for_judging();
        let versions =
            [("source", SOURCE_FIRST), ("target", TARGET), ("stranger", STRANGER), ("next", NEXT_SOURCE)];
        for (name, version) in versions {
            make(&folder.join(&template(name, Mode::Rollback)), version);
            let logged = folder.join(&template(name, Mode::Log));
            make(&logged, version);
            crate::dead_writer::die_after(
                &logged,
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE t SET pad = randomblob(300);",
            );
            fs::remove_file(beside(&logged, "-shm")).unwrap();
            assert!(beside(&logged, "-wal").exists());
        }
        Self(folder)
    }

    /// Puts a database, and its log if it has one, at a path.
    pub(crate) fn put(&self, name: &str, mode: Mode, path: &Path) {
        let from = self.0.join(&template(name, mode));
        fs::copy(&from, path).unwrap();
        if mode == Mode::Log {
            fs::copy(beside(&from, "-wal"), beside(path, "-wal")).unwrap();
        }
    }
}

fn template(name: &str, mode: Mode) -> String {
    format!("{name}-{mode:?}.db")
}

/// A database of one version: each row has it, and so the copy of a mixture has two.
fn make(path: &Path, version: i64) {
    let connection = open(path);
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE_SIZE}; CREATE TABLE t(id INTEGER PRIMARY KEY, version, pad);
             CREATE TABLE mark(x);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
             INSERT INTO t SELECT i, {version}, randomblob(700) FROM n;"
        ))
        .unwrap();
}

/// A connection that never waits, and never syncs.
pub(crate) fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::ZERO).unwrap();
    // Refused where somebody keeps the database locked; the act will be refused then, too.
    drop(connection.execute_batch("PRAGMA synchronous = OFF"));
    connection
}
