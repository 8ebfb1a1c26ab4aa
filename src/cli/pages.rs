//! `litecopy pages`: what each page is used for.

use std::path::PathBuf;

use clap::Args;
use litecopy::inspect::{self, PageUse, PagesReport};

use super::columns::table;
use super::exit_code::Ending;
use super::numbers::grouped;
use super::output::{say, say_failure, say_lines};
use super::reading_arguments::ReadingArguments;

/// Say what each page of a database is used for, whose it is, and how full
#[derive(Debug, Args)]
pub(crate) struct PagesArguments {
    /// The database to look at; it is only read
    file: PathBuf,

    #[command(flatten)]
    reading: ReadingArguments,

    /// Print a JSON object for each page, one a line
    #[arg(long)]
    json: bool,
}

impl PagesArguments {
    pub(crate) fn run(&self) -> Ending {
        let report = self.reading.database(&self.file).and_then(|mut it| it.report(inspect::pages));
        match report {
            Err(error) => say_failure(&error),
            Ok(report) if self.json => {
                say_lines(|output| report.iter().try_for_each(|page| output.json(&page)))
            }
            Ok(report) => say(totals(&report).trim_end()),
        }
    }
}

/// How many pages there are of each kind.
fn totals(report: &PagesReport) -> String {
    let mut counts = [0_u64; PageUse::ALL.len()];
    for page in report.iter() {
        if let Some(count) = counts.get_mut(page.kind as usize) {
            *count += 1;
        }
    }
    let rows = PageUse::ALL.iter().zip(counts).filter(|&(_, count)| count > 0);
    table(
        ["pages", "use"].map(str::to_owned),
        rows.map(|(kind, count)| [grouped(count), kind.name().to_owned()]),
    )
}
