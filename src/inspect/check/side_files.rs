//! What is wrong with the log, the wal-index and the journal beside a database. [inspection.md#findings-about-side-files](crate::notes::inspection#findings-about-side-files)

use super::findings::Findings;
use crate::error::Result;
use crate::format::JournalMode;
use crate::inspect::journal_contents::inspect_journal;
use crate::inspect::journal_segments::JournalSegment;
use crate::inspect::shm_contents::{ShmContents, inspect_shm};
use crate::inspect::wal_scan::LostCommits;
use crate::inspect::wal_timeline::WalTimeline;
use crate::inspect::{Database, Severity};
use crate::lock::wal_lock::QuietLog;
use crate::os::lock_file::LockFile;
use crate::side_files::SideFiles;
use crate::walk::FindingKind;
use std::io;

/// How often a log is looked at again because somebody wrote to it meanwhile.
const TRIES: u32 = 5;

/// Tells what of the side files costs rows, or is not as it should be.
pub(super) fn tell_side_files(
    database: &Database,
    findings: &mut Findings,
    not_checked: &mut Vec<String>,
) -> Result<()> {
    if database.snapshot().rolls_back() {
        tell_journal(&journal(database)?, findings);
    }
    if database.snapshot().journal_mode() == JournalMode::Wal {
        match look_at_log(database)? {
            Some(seen) => tell_log(&seen, findings),
            None => not_checked.push("wal".to_owned()),
        }
    }
    Ok(())
}

/// A log and its wal-index, of one moment as far as commits go.
#[derive(Default)]
struct SeenLog {
    log: Option<WalTimeline>,
    lost: Option<LostCommits>,
    index: Option<ShmContents>,
}

/// Looks at the log, and what lies behind its end; `None` where there is something to tell that may be a commit which was written just
/// then: the end is found first, and the frames behind it are read later.
fn look_at_log(database: &Database) -> Result<Option<SeenLog>> {
    for _ in 0..TRIES {
        let before = quiet(database);
        let Some(log) = log(database)? else { return Ok(Some(SeenLog::default())) };
        let lost = log.lost_commits()?;
        let is_still = || before.is_some_and(|before| quiet(database) == Some(before));
        if lost.is_some() && !is_still() {
            continue;
        }
        let index = wal_index(database);
        let is_left_over =
            |index: &ShmContents| !index.somebody_is_connected && !index.differences.is_empty();
        let is_sound = lost.is_none() && !index.as_ref().is_some_and(is_left_over);
        if is_sound || is_still() {
            return Ok(Some(SeenLog { log: Some(log), lost, index }));
        }
    }
    Ok(None)
}

/// What is published of the log, where nobody can be writing to it now; `Some(None)` without a wal-index, which every writer has.
fn quiet(database: &Database) -> Option<Option<QuietLog>> {
    let Some(path) = database.source().path() else { return Some(None) };
    match LockFile::open(SideFiles::of(path).ok()?.wal_index()) {
        Ok(wal_index) => QuietLog::look(&wal_index).ok()?.map(Some),
        Err(error) => (error.kind() == io::ErrorKind::NotFound).then_some(None),
    }
}

fn journal(database: &Database) -> Result<Vec<JournalSegment>> {
    let source = database.source();
    match (source.path(), source.bytes()) {
        (Some(path), _) => inspect_journal(path, source.options()).map(|journal| journal.segments),
        (None, Some(bytes)) => JournalSegment::read_all(bytes.journal.clone(), &source.options().limits),
        (None, None) => Ok(Vec::new()),
    }
}

/// The log, where there is one that is not empty.
fn log(database: &Database) -> Result<Option<WalTimeline>> {
    let source = database.source();
    let log = match (source.path(), source.bytes()) {
        (Some(path), _) => WalTimeline::open(path, source.options(), database.timeout())?,
        (None, Some(bytes)) => WalTimeline::from_bytes(bytes.wal.clone(), source.options())?,
        (None, None) => return Ok(None),
    };
    Ok(Some(log).filter(|log| log.end().file_bytes > 0))
}

/// A hot journal of which SQLite knows how many records it must have: where one is not what it was, the rollback ends, and what the
/// transaction changed stays. A count that is not stated is made from the size of the file, and older records may lie there.
fn tell_journal(segments: &[JournalSegment], findings: &mut Findings) {
    let mut passed = 0_u64;
    for segment in segments {
        let Some(count) = segment.record_count else { return };
        let is_wrong =
            |page: u32, checksum_ok: bool| page == 0 || (!checksum_ok && page <= segment.initial_page_count);
        let wrong = segment.records.iter().position(|record| is_wrong(record.page, record.checksum_ok));
        let (number, what) = match wrong.and_then(|at| Some((at, segment.records.get(at)?))) {
            Some((at, record)) => (at, format!("is not what its writer summed (page {})", record.page)),
            None if segment.records.len() < count as usize => {
                (segment.records.len(), "is missing".to_owned())
            }
            None => {
                passed += u64::from(count);
                continue;
            }
        };
        let number = passed + number as u64 + 1;
        let detail = format!(
            "the rollback of a transaction that did not end stops early: record {number} of the journal {what}"
        );
        findings.damage(FindingKind::Journal, (None, None), detail);
        return;
    }
}

fn tell_log(SeenLog { log, lost, index }: &SeenLog, findings: &mut Findings) {
    let Some(log) = log else { return };
    let end = log.end();
    if let Some(lost) = lost {
        let why = match (&end.detail, log.header().and_then(|header| header.damage.as_ref())) {
            (_, Some(damage)) => format!("the header of the log does not count ({damage})"),
            (Some(detail), None) => format!("the log ends before them ({detail})"),
            (None, None) => "the log ends before them".to_owned(),
        };
        let commits =
            if lost.commits == 1 { "a commit".to_owned() } else { format!("{} commits", lost.commits) };
        let detail =
            format!("{commits} in frames {} to {} do not count: {why}", lost.first_frame, lost.last_frame);
        // Where the last writer knew of no frames behind the end, they are what a crash has taken back before.
        let ends_here = |index: &ShmContents| {
            let salts = index.headers.first().map(|header| header.salt);
            index.headers_agree
                && index.mx_frame == end.committed_frames
                && salts == log.header().map(|header| header.salt)
        };
        let severity = if index.as_ref().is_some_and(ends_here) { Severity::Note } else { Severity::Damage };
        findings.of_severity(FindingKind::Wal, severity, detail);
    }
    // Of a log that is written just now, the wal-index may be ahead. One that is left over, the next connection makes anew.
    for difference in index.iter().filter(|index| !index.somebody_is_connected).flat_map(|it| &it.differences)
    {
        findings.note(
            FindingKind::Wal,
            (None, None),
            format!("the wal-index is not as the log: {difference}"),
        );
    }
}

/// The wal-index, where there is one that can be looked at.
fn wal_index(database: &Database) -> Option<ShmContents> {
    let source = database.source();
    let index = inspect_shm(source.path()?, source.options(), database.timeout()).ok()?;
    (index.size_bytes > 0).then_some(index)
}
