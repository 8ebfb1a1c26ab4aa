//! `litecopy journal`: whether the rollback journal is hot and why, its segments, and its records.

use std::path::PathBuf;

use clap::Args;
use litecopy::inspect::{JournalContents, JournalSegment, JournalVerdict, inspect_journal};

use super::columns::table;
use super::exit_code::Ending;
use super::numbers::{counted, grouped, size};
use super::output::say_report;
use super::page_runs::runs;
use super::printable::printable_path;
use super::reading_arguments::ReadingArguments;

/// How many wrong records of a segment people are told of; programs are told all.
const MOST_WRONG: usize = 3;

/// Show the rollback journal: whether it is hot and why, its segments, and its records
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct JournalArguments {
    /// The database, or the journal itself, also one whose database is not there; it is only read
    file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: ReadingArguments,
}

const HELP: &str = "\
A journal is hot (a writer died: who opens the database next rolls back first), cold (nobody rolls it back), zeroed (its transaction \
ended, or its writer had not changed the database yet; what it held may be there still), empty, or none.

A writer is not waited for, but told.";

impl JournalArguments {
    pub(crate) fn run(&self) -> Ending {
        self.reading.confine(&[&self.file], &[]);
        say_report(inspect_journal(&self.file, &self.reading.options()), &self.file, self.json, text)
    }
}

fn text(journal: &JournalContents) -> String {
    let state = match journal.state {
        JournalVerdict::Hot => "HOT",
        other => other.name(),
    };
    let mut lines = vec![
        format!("journal {}, {}: {state}", printable_path(&journal.path), size(journal.size_bytes)),
        format!("  {}", journal.why),
    ];
    if let Some(super_journal) = &journal.super_journal {
        lines.push(format!("  it names the super-journal {}", printable_path(super_journal)));
    }
    lines.extend(journal.damage.iter().map(|damage| format!("  {damage}")));
    if let Some(first) = journal.segments.first() {
        lines.push(format!("  {}", sizes(first)));
        lines.push(String::new());
        let titles = ["segment at", "records", "nonce", "pages"].map(str::to_owned);
        lines.push(table(titles, journal.segments.iter().map(segment_cells)));
    }
    lines.join("\n")
}

fn sizes(first: &JournalSegment) -> String {
    let before = match first.initial_page_count {
        0 => String::new(),
        pages => format!("the database had {} before; ", counted(pages.into(), "page", "pages")),
    };
    let of_zeros =
        if first.header_is_zeroed { "; the header is zeroed, its records tell the rest" } else { "" };
    format!(
        "{before}pages of {} bytes, sectors of {} bytes{of_zeros}",
        grouped(first.page_size.into()),
        grouped(first.sector_size.into()),
    )
}

fn segment_cells(segment: &JournalSegment) -> [String; 4] {
    let pages = |rolled_back: bool| {
        let chosen = segment.records.iter().filter(|record| record.rolled_back == rolled_back);
        let mut pages: Vec<u32> =
            chosen.filter(|record| record.checksum_ok).map(|record| record.page).collect();
        pages.sort_unstable();
        pages
    };
    let mut words = Vec::new();
    let (kept, passed_over) = (pages(true), pages(false));
    if !kept.is_empty() {
        words.push(runs(&kept));
    }
    if !passed_over.is_empty() {
        words.push(format!("not rolled back: {}", runs(&passed_over)));
    }
    let wrong = segment.records.iter().filter(|record| !record.checksum_ok);
    let count = wrong.clone().count();
    words.extend(
        wrong
            .take(MOST_WRONG)
            .map(|record| format!("wrong checksum: {} at {}", record.page, grouped(record.offset))),
    );
    if count > MOST_WRONG {
        words.push(format!("and {} more wrong", grouped((count - MOST_WRONG) as u64)));
    }
    [
        grouped(segment.offset),
        grouped(segment.records.len() as u64),
        format!("{:08x}", segment.nonce),
        words.join("; "),
    ]
}
