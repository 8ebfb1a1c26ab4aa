//! What is wrong with the log, the wal-index and the journal beside a database. [inspection.md#findings-about-side-files](crate::notes::inspection#findings-about-side-files)

use super::findings::Findings;
use crate::error::Result;
use crate::format::JournalMode;
use crate::inspect::journal_contents::inspect_journal;
use crate::inspect::journal_segments::JournalSegment;
use crate::inspect::shm_contents::{ShmContents, inspect_shm};
use crate::inspect::wal_timeline::WalTimeline;
use crate::inspect::{Database, Severity};
use crate::walk::FindingKind;

/// Tells what of the side files costs rows, or is not as it should be.
pub(super) fn tell_side_files(database: &Database, findings: &mut Findings) -> Result<()> {
    if database.snapshot().rolls_back() {
        tell_journal(&journal(database)?, findings);
    }
    if database.snapshot().journal_mode() == JournalMode::Wal
        && let Some(log) = log(database)?
    {
        tell_log(database, &log, findings)?;
    }
    Ok(())
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

fn tell_log(database: &Database, log: &WalTimeline, findings: &mut Findings) -> Result<()> {
    let index = wal_index(database);
    let end = log.end();
    if let Some(lost) = log.lost_commits()? {
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
    Ok(())
}

/// The wal-index, where there is one that can be looked at.
fn wal_index(database: &Database) -> Option<ShmContents> {
    let source = database.source();
    let index = inspect_shm(source.path()?, source.options(), database.timeout()).ok()?;
    (index.size_bytes > 0).then_some(index)
}
