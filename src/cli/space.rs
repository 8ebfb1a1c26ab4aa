//! `litecopy space`: what fills a database.

use std::path::PathBuf;

use clap::Args;
use litecopy::PageSize;
use litecopy::inspect::{self, OwnerSpace, SpaceReport};

use super::columns::table;
use super::exit_code::Ending;
use super::numbers::{counted, grouped, size};
use super::output::say_report;
use super::printable::printable;
use super::reading_arguments::ReadingArguments;
use super::reading_progress::ReportProgress;

/// Say what fills a database: pages and bytes of each table and index
#[derive(Debug, Args)]
pub(crate) struct SpaceArguments {
    /// The database to look at; it is only read
    file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: ReadingArguments,
}

impl SpaceArguments {
    pub(crate) fn run(&self) -> Ending {
        self.reading.confine(&[&self.file], &[]);
        let report = self.reading.database(&self.file).and_then(|mut database| {
            let _progress = ReportProgress::new(&[&database], 1);
            database.report(inspect::space)
        });
        say_report(report, &self.file, self.json, text)
    }
}

fn text(report: &SpaceReport) -> String {
    let mut owners: Vec<&OwnerSpace> = report.owners.iter().collect();
    owners.sort_by_key(|owner| std::cmp::Reverse(owner.pages));
    let titles = ["pages", "share", "entries", "payload", "unused", "depth", "in order", "what"];
    let row = |owner: &&OwnerSpace| {
        [
            grouped(owner.pages.into()),
            percent(owner.pages, report.page_count),
            grouped(owner.entries),
            size(owner.payload_bytes),
            size(owner.unused_bytes),
            owner.depth.to_string(),
            format!("{}%", owner.sequential_percent),
            owner_words(owner),
        ]
    };
    let mut text = table(titles.map(str::to_owned), owners.iter().map(row));
    let bytes = PageSize::new(report.page_size).map_or(0, |size| size.bytes_of(report.page_count));
    let pages = counted(report.page_count.into(), "page", "pages");
    text.push_str(&format!("\n  {pages} of {} bytes, {}\n", report.page_size, size(bytes)));
    let rest = [
        ("free", report.freelist_pages),
        ("of the pointer map", report.pointer_map_pages),
        ("reached by nothing", report.unreachable_pages),
    ];
    for (name, pages) in rest.into_iter().filter(|&(_, pages)| pages > 0) {
        let share = percent(pages, report.page_count);
        text.push_str(&format!("  {} {name}, {share}\n", grouped(pages.into())));
    }
    text
}

fn owner_words(owner: &OwnerSpace) -> String {
    let (kind, name) = (printable(&owner.kind), printable(&owner.name));
    if owner.table == owner.name {
        format!("{kind} {name}")
    } else {
        format!("{kind} {name} on {}", printable(&owner.table))
    }
}

fn percent(part: u32, whole: u32) -> String {
    match whole {
        0 => "0%".to_owned(),
        _ => format!("{:.1}%", f64::from(part) * 100.0 / f64::from(whole)),
    }
}
