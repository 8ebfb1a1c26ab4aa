//! Who holds which lock, as a real SQLite's processes hold them, and what its readers pin of a log: told right, in a
//! table and in JSON, without a trace and without holding anybody up.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use litecopy::inspect::{LockReport, PinnedLog, inspect_locks};
use litecopy::{Consistency, MemoryTarget, StepOutcome};
use serde_json::Value as Json;

use crate::files::{Folder, beside};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::makers::{self, Made};
use crate::peer::{Peer, until};

fn litecopy(arguments: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("litecopy")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What the library, the table and the JSON tell, which is the same, and leaves no trace.
#[track_caller]
fn told(made: &Made) -> (LockReport, String) {
    let before = Fingerprint::of(made.folder.path());
    let report = inspect_locks(&made.path).unwrap();
    let path = made.path.to_str().unwrap();
    let table = said(&litecopy(&["locks", path]));
    let json: Json = serde_json::from_str(&said(&litecopy(&["locks", path, "--json"]))).unwrap();
    assert_same(&before, &Fingerprint::of(made.folder.path()));
    assert_eq!(json, serde_json::to_value(&report).unwrap());
    for holder in &report.holders {
        let kind = if holder.exclusive { "exclusive" } else { "shared" };
        let line = table.lines().find(|line| {
            let mut words = line.split_whitespace();
            let process = holder.process_id.unwrap().to_string();
            [holder.lock, kind, &process].into_iter().all(|word| words.next() == Some(word))
        });
        let line = line.unwrap_or_else(|| panic!("{holder:?} is not in\n{table}"));
        assert!(line.contains(holder.command.as_ref().unwrap().to_str().unwrap()), "{line}");
        assert!(line.ends_with(holder.path.file_name().unwrap().to_str().unwrap()), "{line}");
    }
    (report, table)
}

/// Lock, whether it is exclusive, process: in order.
type Held = (&'static str, bool, u32);

fn held(report: &LockReport) -> Vec<Held> {
    let mut held: Vec<Held> =
        report.holders.iter().map(|it| (it.lock, it.exclusive, it.process_id.unwrap())).collect();
    held.sort_unstable();
    held
}

#[track_caller]
fn assert_held(made: &Made, expected: &[Held]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let (report, _) = told(made);
    assert_eq!(held(&report), expected);
    assert!(report.holders.iter().all(|holder| holder.path == made.path.canonicalize().unwrap()));
}

#[test]
fn each_lock_of_rollback_mode_is_told_with_its_holder() {
    let made = makers::usual();
    let (report, table) = told(&made);
    assert_eq!((report.holders.len(), &report.log), (0, &None));
    assert!(table.contains("nobody holds any"), "{table}");

    let (mut reader, mut writer) = (Peer::connected_to(&made.path), Peer::connected_to(&made.path));
    assert_held(&made, &[]);
    let (r, w) = (reader.process_id(), writer.process_id());
    reader.execute("main", "BEGIN; SELECT count(*) FROM t;").unwrap();
    assert_held(&made, &[("SHARED", false, r)]);
    writer.execute("main", "BEGIN IMMEDIATE; UPDATE t SET b = 1 WHERE a = 1;").unwrap();
    assert_held(&made, &[("SHARED", false, r), ("SHARED", false, w), ("RESERVED", true, w)]);
    writer.execute("main", "COMMIT").unwrap_err();
    let pending = [("SHARED", false, r), ("SHARED", false, w), ("RESERVED", true, w), ("PENDING", true, w)];
    assert_held(&made, &pending);
    reader.execute("main", "COMMIT").unwrap();
    writer.execute("main", "COMMIT; BEGIN EXCLUSIVE;").unwrap();
    assert_held(&made, &[("EXCLUSIVE", true, w), ("RESERVED", true, w), ("PENDING", true, w)]);
    writer.execute("main", "COMMIT").unwrap();
    assert_held(&made, &[]);
}

/// A lock of litecopy's own belongs to an open file: the system's list of locks names no process.
#[cfg(target_os = "linux")]
#[test]
fn a_lock_that_belongs_to_an_open_file_is_told_with_its_process() {
    let made = makers::usual();
    let options = litecopy::CopyOptions::new().consistency(Consistency::Hold);
    let mut backup = options.begin(&made.path, MemoryTarget::new()).unwrap();
    assert_eq!(backup.step(1).unwrap(), StepOutcome::More);
    assert_held(&made, &[("SHARED", false, std::process::id())]);
    drop(backup);
    assert_held(&made, &[]);
}

/// A log whose only checkpoints are those that a test asks for.
struct Logged {
    made: Made,
    writer: Peer,
}

impl Logged {
    fn new() -> Self {
        let made = makers::usual();
        let mut writer = Peer::connected_to(&made.path);
        writer.execute("main", "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
        Self { made, writer }
    }

    fn commit(&mut self) {
        self.writer.execute("main", "UPDATE t SET b = randomblob(2000) WHERE a < 20").unwrap();
    }

    /// What SQLite says of a checkpoint: frames in the log, frames written back.
    fn checkpoint(&mut self) -> (u32, u32) {
        let row = self.writer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap().concat();
        assert_eq!(row[0], "0");
        (row[1].parse().unwrap(), row[2].parse().unwrap())
    }

    #[track_caller]
    fn log(&self) -> PinnedLog {
        let log = told(&self.made).0.log.unwrap();
        assert_eq!(log.path, beside(&self.made.path.canonicalize().unwrap(), "-wal"));
        assert_eq!(log.size_bytes, std::fs::metadata(&log.path).unwrap().len());
        assert!(log.somebody_is_connected && log.wal_index_is_valid, "{log:?}");
        log
    }

    fn reader(&self) -> Peer {
        let mut reader = Peer::connected_to(&self.made.path);
        reader.execute("main", "BEGIN; SELECT count(*) FROM t;").unwrap();
        reader
    }
}

/// The slot that the process holds, and what that keeps: its frame, frames pinned, frames held back.
#[track_caller]
fn slot_of(log: &PinnedLog, reader: &Peer) -> (usize, u32, u32, u32) {
    let of_reader = |mark: &&litecopy::inspect::ReadMark| {
        mark.holders.iter().any(|holder| holder.process_id == Some(reader.process_id()))
    };
    let mark = log.read_marks.iter().find(of_reader).expect("it holds a slot");
    assert!(mark.is_read());
    (mark.slot, mark.frame.unwrap(), mark.pinned_frame_count, mark.held_back_frame_count)
}

#[test]
fn a_reader_of_an_old_mark_is_told_with_what_it_pins() {
    let mut logged = Logged::new();
    logged.commit();
    let idle = logged.log();
    assert!(idle.checkpoint_can_finish && idle.can_be_reset, "{idle:?}");
    assert!(idle.read_marks.iter().all(|mark| mark.holders.is_empty()), "{idle:?}");
    assert_eq!(idle.read_marks.len(), 5);
    let seen = idle.last_frame;
    let mut reader = logged.reader();
    // Nothing waits for a reader of the newest commit but the reset of the log.
    let log = logged.log();
    assert_eq!(slot_of(&log, &reader).1, seen);
    assert!(log.checkpoint_can_finish && !log.can_be_reset, "{log:?}");

    logged.commit();
    logged.commit();
    let (log, table) = (logged.log(), told(&logged.made).1);
    let (slot, frame, pinned, held_back) = slot_of(&log, &reader);
    assert!(slot > 0);
    assert_eq!((frame, pinned, held_back), (seen, seen, log.last_frame - seen));
    let frame_bytes = log.committed_bytes / u64::from(log.last_frame);
    assert_eq!(log.read_marks[slot].pinned_bytes, u64::from(seen) * frame_bytes);
    assert_eq!(log.read_marks[slot].held_back_bytes, u64::from(held_back) * frame_bytes);
    assert_eq!(log.size_bytes, 32 + log.committed_bytes);
    assert_eq!((log.checkpoint_limit, log.checkpoint_can_finish, log.can_be_reset), (seen, false, false));
    for words in [
        format!("{seen} frames (").as_str(),
        &format!("a checkpoint stops at frame {seen} of {}; the log cannot be reset", log.last_frame),
        &format!("{} (", reader.process_id()),
        "nobody",
    ] {
        assert!(table.contains(words), "{words} is not in\n{table}");
    }
    // SQLite's checkpoint comes to what was told.
    assert_eq!(logged.checkpoint(), (log.last_frame, seen));
    assert_eq!(logged.log().backfilled_frame_count, seen);

    reader.execute("main", "COMMIT").unwrap();
    let free = logged.log();
    assert!(free.checkpoint_can_finish && free.can_be_reset, "{free:?}");
    assert_eq!(logged.checkpoint(), (log.last_frame, log.last_frame));
    logged.commit();
    assert!(logged.log().last_frame < log.last_frame, "the log was begun anew");
}

#[test]
fn a_reader_of_the_database_file_alone_keeps_all_frames_from_being_written_back() {
    let mut logged = Logged::new();
    logged.commit();
    let (frames, written_back) = logged.checkpoint();
    assert_eq!(frames, written_back);
    let reader = logged.reader();
    let log = logged.log();
    assert_eq!(slot_of(&log, &reader), (0, 0, 0, 0));
    assert!(log.checkpoint_can_finish && log.can_be_reset, "{log:?}");
    logged.commit();
    let log = logged.log();
    assert!(log.last_frame > 0 && log.backfilled_frame_count == 0, "begun anew: {log:?}");
    assert_eq!(slot_of(&log, &reader), (0, 0, 0, log.last_frame));
    assert_eq!((log.checkpoint_limit, log.checkpoint_can_finish, log.can_be_reset), (0, false, false));
    assert_eq!(logged.checkpoint(), (log.last_frame, 0));
}

#[test]
fn a_checkpoint_that_waits_for_a_reader_is_told() {
    let mut logged = Logged::new();
    logged.commit();
    let reader = logged.reader();
    let mut checkpointer = Peer::start();
    checkpointer.repeat(
        &logged.made.path,
        "PRAGMA busy_timeout = 60000",
        "PRAGMA wal_checkpoint(RESTART); SELECT randomblob(1);",
    );
    let process = checkpointer.process_id();
    until("the checkpoint", || {
        held(&inspect_locks(&logged.made.path).unwrap()).contains(&("CKPT", true, process))
    });
    // Before that the checkpoint itself changes the files.
    until("all written back", || {
        let log = inspect_locks(&logged.made.path).unwrap().log.unwrap();
        log.backfilled_frame_count == log.last_frame
    });
    let log = logged.log();
    assert!(log.checkpoint_can_finish && !log.can_be_reset, "{log:?}");
    assert_ne!(slot_of(&log, &reader).0, 0);
}

#[test]
fn a_wal_index_that_nobody_keeps_is_not_believed() {
    let mut logged = Logged::new();
    logged.commit();
    logged.writer.kill();
    let (report, table) = told(&logged.made);
    assert_eq!(report.holders, []);
    let log = report.log.unwrap();
    assert!(!log.somebody_is_connected && log.read_marks.is_empty() && log.last_frame == 0, "{log:?}");
    assert!(table.contains("nobody holds any") && table.contains("nobody is connected"), "{table}");
}

#[test]
fn a_writer_in_the_log_is_told() {
    let mut logged = Logged::new();
    logged.writer.execute("main", "BEGIN IMMEDIATE; UPDATE t SET b = 1 WHERE a = 1;").unwrap();
    let (report, _) = told(&logged.made);
    let process = logged.writer.process_id();
    for expected in [("WRITE", true, process), ("DMS", false, process), ("SHARED", false, process)] {
        assert!(held(&report).contains(&expected), "{expected:?} is not in {report:?}");
    }
    let name = |holder: &&litecopy::lock::LockHolder| holder.lock == "WRITE";
    let wal_index = beside(&logged.made.path.canonicalize().unwrap(), "-shm");
    assert_eq!(report.holders.iter().find(name).unwrap().path, wal_index);
}

/// C6: with EXCLUSIVE held for ever the copy ends when it was told to, and names who is in the way.
#[test]
fn a_copy_names_who_holds_its_source_for_ever() {
    let made = makers::usual();
    let mut writer = Peer::connected_to(&made.path);
    writer.execute("main", "BEGIN EXCLUSIVE").unwrap();
    let command = std::fs::read_to_string(format!("/proc/{}/comm", writer.process_id())).unwrap();
    let targets = Folder::new();
    let target = targets.join("copy.db");
    let begun = Instant::now();
    let output = litecopy(&["copy", made.path.to_str().unwrap(), target.to_str().unwrap(), "--timeout", "1"]);
    let waited = begun.elapsed();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(20), "{waited:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    let named = format!("EXCLUSIVE by process {} ({})", writer.process_id(), command.trim_end());
    assert!(message.contains(&named), "{named} is not in: {message}");
    assert_eq!(targets.names(), [""; 0]);
}

#[test]
fn what_is_no_file_has_no_locks_to_tell() {
    let folder = Folder::new();
    for path in [folder.path(), &folder.join("none.db") as &Path] {
        inspect_locks(path).unwrap_err();
        assert_eq!(litecopy(&["locks", path.to_str().unwrap()]).status.code(), Some(1));
    }
}
