//! What this executable does when a case starts it again: one kind of copy, each from a source to a target.
//!
//! SQLite's ways run here, and litecopy's library where the command would not be fair: many databases in one process, and a
//! commit by somebody else at a known moment.

use std::fs::File;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use litecopy::{Consistency, CopyOptions, FileTarget};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

/// Set for a child: the name of its job.
const JOB: &str = "LITECOPY_BENCH_JOB";
/// Set for a child that is to have its copies on disk when it ends.
const SYNC: &str = "LITECOPY_BENCH_SYNC";

const LOOP_BYTES: usize = 256 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    SqliteOneStep,
    SqliteSteps,
    /// As `SqliteSteps`, and somebody commits when half of the pages are copied.
    SqliteStepsBesideCommit,
    VacuumInto,
    /// Read and write, 256 KiB at a time.
    Loop,
    Library,
    LibrarySteps,
    /// As `LibrarySteps`, and somebody commits when half of the pages are copied.
    LibraryStepsBesideCommit,
    /// Not a copy: the commit.
    Commit,
}

const JOBS: [Job; 9] = [
    Job::SqliteOneStep,
    Job::SqliteSteps,
    Job::SqliteStepsBesideCommit,
    Job::VacuumInto,
    Job::Loop,
    Job::Library,
    Job::LibrarySteps,
    Job::LibraryStepsBesideCommit,
    Job::Commit,
];

impl Job {
    /// This executable, started again for the job. Sources and targets follow as arguments, in pairs.
    pub(crate) fn command(self, synced: bool) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(JOB, format!("{self:?}"));
        if synced {
            command.env(SYNC, "1");
        }
        command
    }

    fn copy(self, source: &Path, target: &Path, synced: bool) {
        match self {
            Self::SqliteOneStep => sqlite_backup(source, target, synced, -1, || {}),
            Self::SqliteSteps => sqlite_backup(source, target, synced, 100, || {}),
            Self::SqliteStepsBesideCommit => {
                sqlite_backup(source, target, synced, 100, || commit_beside(source))
            }
            Self::VacuumInto => vacuum_into(source, target, synced),
            Self::Loop => read_write_loop(source, target, synced),
            Self::Library => {
                litecopy::copy_database(source, target).unwrap();
            }
            Self::LibrarySteps => {
                let restarts = library_steps(source, target, || {});
                assert_eq!(restarts, 0, "nobody committed");
            }
            Self::LibraryStepsBesideCommit => {
                let restarts = library_steps(source, target, || commit_beside(source));
                assert_eq!(restarts, 1, "one commit, after the first step and before the last");
            }
            Self::Commit => commit(source),
        }
    }
}

pub(crate) fn is_child() -> bool {
    std::env::var_os(JOB).is_some()
}

/// Does the job that the parent set.
pub(crate) fn run() {
    let name = std::env::var(JOB).unwrap();
    let job = JOBS.iter().find(|job| format!("{job:?}") == name).expect("a job");
    let synced = std::env::var_os(SYNC).is_some();
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    while let Some(source) = paths.next() {
        job.copy(&source, &paths.next().unwrap_or_default(), synced);
    }
    // As the command does, last of all: see `memory`.
    println!("done");
}

/// A file and its name in the folder, on disk.
pub(crate) fn sync(file: &Path) {
    File::open(file).unwrap().sync_all().unwrap();
    if cfg!(unix) {
        File::open(file.parent().unwrap()).unwrap().sync_all().unwrap();
    }
}

fn sqlite_backup(source: &Path, target: &Path, synced: bool, pages: i32, at_half: impl FnOnce()) {
    let (source, mut target) = (Connection::open(source).unwrap(), Connection::open(target).unwrap());
    set_synchronous(&target, synced);
    let backup = Backup::new(&source, &mut target).unwrap();
    let mut at_half = Some(at_half);
    while backup.step(pages).unwrap() != StepResult::Done {
        let progress = backup.progress();
        if progress.remaining * 2 <= progress.pagecount
            && let Some(at_half) = at_half.take()
        {
            at_half();
        }
    }
}

fn vacuum_into(source: &Path, target: &Path, synced: bool) {
    let source = Connection::open(source).unwrap();
    // The new file is written as the old one would be.
    set_synchronous(&source, synced);
    source.execute("VACUUM INTO ?1", [target.to_str().unwrap()]).unwrap();
}

/// Whether SQLite syncs what it writes, the name of a new file included.
fn set_synchronous(database: &Connection, synced: bool) {
    let value = if synced { "FULL" } else { "OFF" };
    database.execute_batch(&format!("PRAGMA synchronous = {value}")).unwrap();
}

fn read_write_loop(source: &Path, target: &Path, synced: bool) {
    let (mut from, mut to) = (File::open(source).unwrap(), File::create(target).unwrap());
    let mut buffer = vec![0; LOOP_BYTES];
    loop {
        let count = from.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        to.write_all(buffer.get(..count).unwrap()).unwrap();
    }
    if synced {
        sync(target);
    }
}

/// How often it started again.
fn library_steps(source: &Path, target: &Path, at_half: impl FnOnce()) -> u64 {
    let mut at_half = Some(at_half);
    let options = CopyOptions::new().consistency(Consistency::Step).pages_per_step(100);
    let copied = options.begin(source, FileTarget::new(target)).unwrap().run(|progress| {
        if progress.remaining.saturating_mul(2) <= progress.page_count
            && let Some(at_half) = at_half.take()
        {
            at_half();
        }
        ControlFlow::Continue(())
    });
    copied.unwrap().report.restarts
}

/// One small commit by another process, over before this returns.
fn commit_beside(source: &Path) {
    let ended = Job::Commit.command(false).args([source, Path::new("")]).status().unwrap();
    assert!(ended.success(), "the commit beside the copy failed");
}

fn commit(source: &Path) {
    let database = Connection::open(source).unwrap();
    database
        .execute_batch("PRAGMA synchronous = OFF; UPDATE t SET body = randomblob(1980) WHERE id = 1")
        .unwrap();
}
