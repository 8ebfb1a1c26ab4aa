//! `litecopy diff`: what differs between two databases, or two versions of one.

use std::path::{Path, PathBuf};

use clap::Args;
use litecopy::inspect::{self, DiffReport, PageDifference, TableDifference};
use litecopy::{Database, Result, SourceOptions};

use super::columns::table;
use super::exit_code::Ending;
use super::numbers::{counted, grouped};
use super::output::{say_error, say_failure, say_lines, say_report};
use super::page_runs::runs;
use super::printable::printable;
use super::reading_arguments::ReadingArguments;
use super::reading_progress::ReportProgress;

/// Say what differs between two databases, or two versions of one: pages, and rows by table
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct DiffArguments {
    /// The first database; it is only read
    #[arg(value_name = "A")]
    before: PathBuf,

    /// The second; without it two versions of the first are compared
    #[arg(value_name = "B", conflicts_with_all = ["from", "to"])]
    after: Option<PathBuf>,

    /// The first version: after the N-th commit that is in the log; 0 is the database file alone
    #[arg(long, value_name = "N", required_unless_present = "after", conflicts_with = "as_of")]
    from: Option<u64>,

    /// The second version [default: the newest]
    #[arg(long, value_name = "M", conflicts_with = "as_of")]
    to: Option<u64>,

    /// Print the rows that differ, as JSON objects, one a line
    #[arg(long)]
    rows: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: ReadingArguments,
}

const HELP: &str = "\
The databases are the same when every page is. A row is changed when both have its rowid, or its primary key, with other values.

Exit codes:
  0  they are the same
  1  they differ; or it failed, and stderr says so
  2  wrong use
  5  a database was still busy at the timeout";

impl DiffArguments {
    pub(crate) fn run(&self) -> Ending {
        match self.try_run() {
            Ok(ending) => ending,
            Err(error) => say_failure(&error),
        }
    }

    fn try_run(&self) -> Result<Ending> {
        let sources: Vec<&Path> =
            std::iter::once(&self.before).chain(&self.after).map(PathBuf::as_path).collect();
        self.reading.confine(&sources, &[]);
        let options = self.reading.options();
        let (before, after) = match &self.after {
            Some(after) => (self.open(&self.before, &options)?, self.open(after, &options)?),
            None => {
                let again = self.reading.options_again();
                let before = self.open(&self.before, &options.as_of(self.from))?;
                (before, self.open(&self.before, &again.as_of(self.to))?)
            }
        };
        let (ending, same) = match self.rows {
            true => say_rows(&before, &after)?,
            false => {
                // Once to compare pages, once for the rows.
                let progress = ReportProgress::new(&[&before, &after], 2);
                let report = inspect::diff(&before, &after)?;
                drop(progress);
                before.confirm()?;
                after.confirm()?;
                let same = report.same;
                (say_report(Ok(report), &self.before, self.json, text), same)
            }
        };
        Ok(if same { ending } else { Ending::Failed })
    }

    fn open(&self, path: &Path, options: &SourceOptions) -> Result<Database> {
        Database::open(options.open(path)?, Some(self.reading.timeout()))
    }
}

fn say_rows(before: &Database, after: &Database) -> Result<(Ending, bool)> {
    let mut changes = inspect::row_changes(before, after)?;
    let mut failed = None;
    let ending = say_lines(|output| {
        for change in &mut changes {
            match change {
                Ok(change) => output.json(&change)?,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        Ok(())
    });
    if let Some(error) = failed {
        return Err(error);
    }
    before.confirm()?;
    after.confirm()?;
    for not_compared in changes.not_compared() {
        let name = printable(&not_compared.name);
        say_error(&format!("litecopy: note: the rows of {name} were not compared: {}", not_compared.why));
    }
    Ok((ending, changes.is_same()))
}

fn text(report: &DiffReport) -> String {
    if report.same {
        let pages = counted(report.page_count[0].into(), "page", "pages");
        return format!("the same: {pages} of {} bytes", grouped(report.page_size[0].into()));
    }
    let [before, after] = report.page_count.map(|count| grouped(count.into()));
    let mut text = match report.page_size {
        [one, other] if one == other => {
            format!("pages of {} bytes: {before}, then {after}\n", grouped(one.into()))
        }
        [one, other] => format!(
            "{before} pages of {} bytes, then {after} of {}\n",
            grouped(one.into()),
            grouped(other.into())
        ),
    };
    text.push_str(&page_lines(&report.pages));
    text.push('\n');
    if report.tables.is_empty() {
        text.push_str("no row differs\n");
    } else {
        let titles = ["added", "removed", "changed", "rows of"].map(str::to_owned);
        text.push_str(&table(titles, report.tables.iter().map(cells)));
    }
    for not_compared in &report.not_compared {
        text.push_str(&format!("  not compared: {}: {}\n", printable(&not_compared.name), not_compared.why));
    }
    if report.missed > 0 {
        let places = counted(report.missed, "place", "places");
        text.push_str(&format!("  damage in {places} may hide rows\n"));
    }
    text
}

fn page_lines(pages: &PageDifference) -> String {
    let line = |(name, pages): (&str, &Vec<u32>)| {
        format!("  {name:<8} {:>9}  {}\n", grouped(pages.len() as u64), runs(pages))
    };
    let kinds = [("changed", &pages.changed), ("added", &pages.added), ("removed", &pages.removed)];
    kinds.into_iter().filter(|(_, pages)| !pages.is_empty()).map(line).collect()
}

fn cells(table: &TableDifference) -> [String; 4] {
    [grouped(table.added), grouped(table.removed), grouped(table.changed), printable(&table.name)]
}
