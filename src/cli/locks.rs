//! `litecopy locks`: who holds which lock on a database, and what its readers keep of its log.

use std::path::{Path, PathBuf};

use clap::Args;
use litecopy::inspect::{LockReport, PinnedLog, ReadMark, inspect_locks};
use litecopy::lock::LockHolder;

use super::columns::table;
use super::exit_code::Ending;
use super::numbers::{counted, grouped, size};
use super::output::say_report;
use super::printable::printable_path;

/// Say who holds which lock on a database, and what its readers keep of its log
#[derive(Debug, Args)]
pub(crate) struct LocksArguments {
    /// The database to look at; nobody is held up
    pub(crate) file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl LocksArguments {
    pub(crate) fn run(&self) -> Ending {
        say_report(inspect_locks(&self.file), &self.file, self.json, text)
    }
}

/// The whole report as people read it.
fn text(report: &LockReport) -> String {
    let mut text = format!("locks on {}\n", printable_path(&report.path));
    if report.holders.is_empty() {
        text.push_str("  nobody holds any\n");
    } else {
        let titles = ["lock", "kind", "process", "command", "file"].map(str::to_owned);
        text.push_str(&table(titles, report.holders.iter().map(holder_cells)));
    }
    if let Some(log) = &report.log {
        text.push_str(&log_text(log));
    }
    text
}

fn holder_cells(holder: &LockHolder) -> [String; 5] {
    [
        holder.lock.to_owned(),
        if holder.exclusive { "exclusive" } else { "shared" }.to_owned(),
        process(holder),
        holder.command.as_ref().map_or_else(|| "-".to_owned(), printable_path),
        file_name(&holder.path),
    ]
}

fn process(holder: &LockHolder) -> String {
    holder.process_id.map_or_else(|| "not told".to_owned(), |process| process.to_string())
}

fn log_text(log: &PinnedLog) -> String {
    let mut text = format!("\nlog {}, {}\n", file_name(&log.path), size(log.size_bytes));
    if !log.somebody_is_connected {
        return text + "  nobody is connected\n";
    }
    if !log.wal_index_is_valid {
        return text + "  somebody is recovering it\n";
    }
    text.push_str(&format!(
        "  {} committed ({}), {} of them in the database file too\n",
        counted(log.last_frame.into(), "frame", "frames"),
        size(log.committed_bytes),
        grouped(log.backfilled_frame_count.into()),
    ));
    let titles = ["mark", "frame", "held by", "keeps"].map(str::to_owned);
    text.push_str(&table(titles, log.read_marks.iter().map(mark_cells)));
    text + &checkpoint_words(log)
}

fn mark_cells(mark: &ReadMark) -> [String; 4] {
    let name = |holder: &LockHolder| {
        let kind = if holder.exclusive { " exclusively" } else { "" };
        match &holder.command {
            Some(command) => format!("{} ({}){kind}", process(holder), printable_path(command)),
            None => format!("{}{kind}", process(holder)),
        }
    };
    let names: Vec<String> = mark.holders.iter().map(name).collect();
    let mut kept = Vec::new();
    if mark.pinned_frame_count > 0 {
        let frames = counted(mark.pinned_frame_count.into(), "frame", "frames");
        kept.push(format!("{frames} ({}) from being overwritten", size(mark.pinned_bytes)));
    }
    if mark.held_back_frame_count > 0 {
        let frames = counted(mark.held_back_frame_count.into(), "later frame", "later frames");
        kept.push(format!("{frames} ({}) from being written back", size(mark.held_back_bytes)));
    }
    [
        mark.slot.to_string(),
        mark.frame.map_or_else(|| "-".to_owned(), |frame| grouped(frame.into())),
        if names.is_empty() { "nobody".to_owned() } else { names.join(", ") },
        kept.join(", "),
    ]
}

fn checkpoint_words(log: &PinnedLog) -> String {
    let limit = if log.checkpoint_can_finish {
        "can finish".to_owned()
    } else {
        format!(
            "stops at frame {} of {}",
            grouped(log.checkpoint_limit.into()),
            grouped(log.last_frame.into())
        )
    };
    let reset = if log.can_be_reset { "then the log can be reset" } else { "the log cannot be reset" };
    format!("  a checkpoint {limit}; {reset}\n")
}

fn file_name(path: &Path) -> String {
    printable_path(path.file_name().unwrap_or_default())
}
