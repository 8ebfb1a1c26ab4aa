//! `litecopy check`: whether a database is sound.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use litecopy::inspect::{self, CheckOptions, CheckReport, Finding, Severity};

use super::columns::table;
use super::exit_code::Ending;
use super::numbers::counted;
use super::output::say_report;
use super::printable::{printable, printable_path};
use super::reading_arguments::ReadingArguments;

/// What the help says beyond the options.
const HELP: &str = "\
What is found is damage (SQLite calls it corrupt, or gives other rows than there are) or a note (SQLite stores and reads it without \
complaint). What cannot be checked without an engine is said too.

Exit codes:
  0  sound: no damage
  1  damage was found, or the database could not be read
  2  wrong use
  5  the database was still busy at the timeout";

/// Say whether a database is sound: its pages, its records, its indexes against its tables
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct CheckArguments {
    /// The database to check; it is only read
    file: PathBuf,

    /// Leave out what needs a second look at rows: whether each index entry has its row and each row its entries, and
    /// whether unique keys are unique
    #[arg(long)]
    quick: bool,

    /// Tell of all that is found, not of the first 100 only
    #[arg(long)]
    all: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: ReadingArguments,
}

impl CheckArguments {
    pub(crate) fn run(&self) -> Ending {
        self.reading.confine(&[&self.file], &[]);
        let options = CheckOptions::new().quick(self.quick).all(self.all);
        // Drawn on a terminal only.
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:40} {percent:>3}%  {human_pos} of {human_len} pages");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let report = self.reading.database(&self.file).and_then(|mut database| {
            database.report(|database| {
                inspect::check(database, &options, |progress| {
                    bar.set_length(progress.page_count.into());
                    bar.set_position(progress.done.into());
                })
            })
        });
        bar.finish_and_clear();
        let damaged = report.as_ref().is_ok_and(|report| !report.sound);
        let said = say_report(report, &self.file, self.json, text);
        if damaged { Ending::Failed } else { said }
    }
}

fn text(report: &CheckReport) -> String {
    let verdict = if report.sound { "sound" } else { "damaged" };
    let pages = counted(report.page_count.into(), "page", "pages");
    let mut text = format!("{}: {verdict}, {pages} looked at\n", printable_path(&report.path));
    if !report.findings.is_empty() {
        let titles = ["", "page", "offset", "kind", "of", "what"];
        text.push_str(&table(titles.map(str::to_owned), report.findings.iter().map(row)));
    }
    if report.cut {
        text.push_str("  and more, which --all tells\n");
    }
    for what in &report.not_checked {
        text.push_str(&format!("  not checked: {}\n", printable(what)));
    }
    text
}

fn row(finding: &Finding) -> [String; 6] {
    let number = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    let severity = match finding.severity {
        Severity::Damage => "damage",
        Severity::Note => "note",
    };
    [
        severity.to_owned(),
        number(finding.page),
        number(finding.offset),
        finding.kind.name().to_owned(),
        finding.owner.as_deref().map_or("-".to_owned(), printable),
        printable(&finding.detail),
    ]
}
