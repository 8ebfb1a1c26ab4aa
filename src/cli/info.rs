//! `litecopy info`: what a database file is, for people or as one JSON object.

use std::path::PathBuf;

use clap::Args;
use litecopy::JournalMode;
use litecopy::inspect::{
    DatabaseReport, HeaderReport, JournalReport, JournalState, PageCountSource, WalIndexReport, WalReport,
    inspect_database_with,
};
use litecopy::lock::LockHolder;

use super::columns::Page;
use super::exit_code::Ending;
use super::notes::{Note, WAL_RESET_ADVICE, wal_reset_words};
use super::numbers::{counted, grouped, size};
use super::output::say_report;
use super::printable::{printable, printable_path};
use super::reading_arguments::ReadingArguments;
use super::schema::schema_lines;

/// Say what a database file is: header, journal mode, side files, schema, locks
#[derive(Debug, Args)]
pub(crate) struct InfoArguments {
    /// The database to look at; it is only read
    pub(crate) file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reading: ReadingArguments,
}

impl InfoArguments {
    pub(crate) fn run(&self) -> Ending {
        self.reading.confine(&[&self.file], &[]);
        let report = inspect_database_with(&self.file, &self.reading.options());
        say_report(report, &self.file, self.json, text)
    }
}

/// The whole report as people read it.
fn text(report: &DatabaseReport) -> String {
    let mut page = Page::default();
    page.line("file", printable_path(&report.path));
    page.line("size", size(report.size_bytes));
    page.line("journal mode", mode_name(report));
    if let Some(count) = report.page_count {
        let told_by = match report.page_count_told_by {
            Some(PageCountSource::Header) => "as the header says",
            Some(PageCountSource::Wal) => "by the last commit in the log",
            Some(PageCountSource::Journal) => "as the hot journal brings it back",
            _ => "by the size of the file",
        };
        page.line("pages", format!("{} ({told_by})", grouped(u64::from(count))));
    }
    if report.bytes_behind > 0 {
        page.line("note", format!("{} behind the last page are no part of it", size(report.bytes_behind)));
    }
    if !report.read_under_lock {
        page.line(
            "note",
            "a writer holds it (or it cannot be locked): what is said here may mix two versions",
        );
    }
    if let Some(kind) = report.network_file_system {
        page.line("note", Note::network(kind).message);
    }
    let newer = report.current_header.as_ref();
    if let Some(header) = newer.filter(|_| report.wal_reset_fault) {
        page.line("note", wal_reset_words(&header.sqlite_version));
        page.line("", WAL_RESET_ADVICE);
    }
    match &report.header {
        Some(header) => header_lines(&mut page, "header", header),
        None => page.line("header", "none: the file is empty, which is an empty database"),
    }
    if let Some(header) = newer.filter(|newer| report.header.as_ref() != Some(newer)) {
        header_lines(&mut page, "header of the version that readers see", header);
    }
    side_files(&mut page, report);
    schema_lines(&mut page, &report.schema);
    page.title("locks");
    for holder in &report.locks {
        page.line(holder.lock, holder_words(holder));
    }
    if report.locks.is_empty() {
        page.line("none", "");
    }
    page.title("damage");
    for damage in &report.damage {
        page.line("found", format!("{}: {}", printable_path(&damage.path), damage.message));
    }
    if report.damage.is_empty() {
        page.line("none", "in what was looked at: header, side files, schema; other pages were not");
    }
    page.into_text()
}

fn mode_name(report: &DatabaseReport) -> String {
    match (report.journal_mode, &report.schema.unread) {
        (Some(JournalMode::Wal), _) => "write-ahead log (WAL)".to_owned(),
        (Some(JournalMode::Rollback), _) => "rollback journal".to_owned(),
        (None, Some(why)) => format!("unknown: {}", printable(why)),
        (None, None) => "unknown".to_owned(),
    }
}

fn header_lines(page: &mut Page, title: &str, header: &HeaderReport) {
    page.title(title);
    page.line("magic", if header.magic_is_right { "SQLite format 3" } else { "wrong" });
    page.line("page size", header.page_size.map_or_else(|| "wrong".to_owned(), |bytes| bytes.to_string()));
    page.line("write version", header.write_version);
    page.line("read version", header.read_version);
    page.line("reserved bytes a page", header.reserved_bytes);
    let [most, least, leaf] = header.payload_fractions;
    page.line("payload fractions", format!("{most} {least} {leaf}"));
    page.line("change counter", header.change_counter);
    page.line("page count", header.page_count);
    page.line("first freelist trunk", header.first_freelist_trunk);
    page.line("free pages", header.freelist_page_count);
    page.line("schema cookie", header.schema_cookie);
    page.line("schema format", header.schema_format);
    page.line("cache size", header.cache_size);
    page.line("largest root page", header.largest_root_page);
    page.line("text encoding", &header.text_encoding_name);
    page.line("user version", header.user_version);
    page.line("incremental vacuum", header.incremental_vacuum);
    page.line("application id", format!("{:#010x}", header.application_id));
    page.line("version-valid-for", header.version_valid_for);
    let fault = if header.has_wal_reset_fault { " (has the WAL-reset fault)" } else { "" };
    page.line("written by SQLite", format!("{}{fault}", header.sqlite_version));
}

fn side_files(page: &mut Page, report: &DatabaseReport) {
    page.title("side files");
    if let Some(journal) = &report.journal {
        page.line("-journal", journal_words(journal));
    }
    if let Some(wal) = &report.wal {
        page.line("-wal", wal_words(wal));
        if let Some(reason) = &wal.end_of_valid_frames {
            page.line("", format!("valid frames end at {reason}"));
        }
    }
    if let Some(index) = &report.wal_index {
        let is_exclusive = report.locks.iter().any(|holder| holder.lock == "EXCLUSIVE");
        page.line("-shm", wal_index_words(index, is_exclusive));
    }
    if report.journal.is_none() && report.wal.is_none() && report.wal_index.is_none() {
        page.line("none", "");
    }
}

fn journal_words(journal: &JournalReport) -> String {
    let state = match journal.state {
        JournalState::Empty => "empty, counts as absent",
        JournalState::Zeroed => "cold: its header is zeroed",
        JournalState::OfLiveWriter => "of a writer at work",
        JournalState::DatabaseEmpty => "cold: the database is empty",
        JournalState::Committed => "cold: its super-journal is gone",
        JournalState::Hot => "HOT: a writer died; who opens the database next must roll back first",
        _ => "of an unknown state",
    };
    let mut words = format!("{}, {state}", size(journal.size_bytes));
    if let Some(pages) = journal.initial_page_count {
        let pages = counted(u64::from(pages), "page", "pages");
        words.push_str(&format!("; the database had {pages} before"));
    }
    if let (Some(records @ 1..), Some(segments)) = (journal.record_count, journal.segment_count) {
        let segments = counted(segments, "segment", "segments");
        words.push_str(&format!("; {} in {segments}", counted(records, "record", "records")));
    }
    if let Some(super_journal) = &journal.super_journal {
        words.push_str(&format!("; names the super-journal {}", printable_path(super_journal)));
    }
    words
}

fn wal_words(wal: &WalReport) -> String {
    let bytes = size(wal.size_bytes);
    if wal.size_bytes == 0 {
        return format!("{bytes}, counts as absent");
    }
    if !wal.header_is_valid {
        return format!("{bytes}, its header is not valid");
    }
    format!(
        "{bytes}, {} of room for {}; committed: {} in {}",
        counted(u64::from(wal.valid_frame_count), "valid frame", "valid frames"),
        grouped(wal.frame_count),
        grouped(u64::from(wal.committed_frame_count)),
        counted(u64::from(wal.commit_count), "transaction", "transactions"),
    )
}

fn wal_index_words(index: &WalIndexReport, is_exclusive: bool) -> String {
    let bytes = size(index.size_bytes);
    if is_exclusive {
        return format!("{bytes}, not in use: one connection has the database, and its log, to itself");
    }
    if !index.somebody_is_connected {
        return format!("{bytes}, left over: nobody is connected");
    }
    if !index.header_is_valid {
        return format!("{bytes}, its header is not valid just now");
    }
    let marks = index.read_marks.map(|mark| mark.map_or("-".to_owned(), |frame| frame.to_string()));
    format!(
        "{bytes}, last frame {}, {} of them in the database file too, read marks {}",
        index.last_frame,
        index.backfilled_frame_count,
        marks.join(" ")
    )
}

fn holder_words(holder: &LockHolder) -> String {
    let kind = if holder.exclusive { "exclusive" } else { "shared" };
    match (holder.process_id, &holder.command) {
        (Some(process), Some(command)) => format!("{kind}, process {process} ({})", printable_path(command)),
        (Some(process), None) => format!("{kind}, process {process}"),
        (None, _) => format!("{kind}, by a process that the system does not name"),
    }
}
