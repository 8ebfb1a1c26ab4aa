//! `litecopy dump`: a database as SQL text.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use litecopy::inspect::{DumpOptions, DumpReport, dump};

use super::exit_code::Ending;
use super::output::{say_error, say_failure, say_lines};
use super::printable::{printable, printable_lines, printable_path};
use super::reading_arguments::ReadingArguments;
use super::reading_progress::ReadingProgress;

/// Print a database as SQL that any SQLite reads back; of a damaged one all that can be read
#[derive(Debug, Args)]
#[command(after_help = "The exit code is 0 only if nothing was missed.")]
pub(crate) struct DumpArguments {
    /// The database; it is only read
    file: PathBuf,

    /// The name of the table for rows that belong to no table any more
    #[arg(long, value_name = "NAME", default_value = "lost_and_found")]
    lost_and_found: String,

    /// Leave out rows that belong to no table any more
    #[arg(long, conflicts_with = "lost_and_found")]
    no_lost_and_found: bool,

    #[command(flatten)]
    reading: ReadingArguments,
}

impl DumpArguments {
    pub(crate) fn run(&self) -> Ending {
        self.reading.confine(&[&self.file], &[]);
        let database = match self.reading.database(&self.file) {
            Ok(database) => database,
            Err(error) => return say_failure(&error),
        };
        let mut options = DumpOptions::default();
        options.lost_and_found = (!self.no_lost_and_found).then(|| self.lost_and_found.clone());
        let progress = ReadingProgress::new(database.page_count());
        let mut closed = false;
        let mut made = None;
        let ending = say_lines(|output| {
            let for_terminal = io::stdout().is_terminal();
            let mut kept = KeptError { output: output.writer(), for_terminal, error: None };
            let dumped = dump(&database, &options, &mut kept, |at| progress.show(at.pages_read));
            match kept.error.take() {
                Some(error) => {
                    closed = error.kind() == io::ErrorKind::BrokenPipe;
                    Err(error)
                }
                None => {
                    made = Some(dumped);
                    Ok(())
                }
            }
        });
        progress.clear();
        let Some(made) = made else {
            // Whoever reads no further has no whole dump.
            return if closed { Ending::StreamClosed } else { ending };
        };
        for damage in database.header_damage() {
            say_error(&format!("litecopy: {}: {damage}", printable_path(&self.file)));
        }
        match made {
            Err(error) => say_failure(&error),
            Ok(report) if report.is_whole() && database.header_damage().is_empty() => ending,
            Ok(report) => {
                self.tell(&report);
                Ending::Failed
            }
        }
    }

    /// Says what is missing, or was put elsewhere.
    fn tell(&self, report: &DumpReport) {
        let file = printable_path(&self.file);
        for missed in &report.missed {
            let place = missed.offset.map_or(String::new(), |offset| format!(", offset {offset}"));
            say_error(&format!("litecopy: {file}: page {}{place}: {}", missed.page, missed.why));
        }
        for told in report.statements_refused.iter().chain(&report.refused).chain(&report.doubtful_indexes) {
            say_error(&format!("litecopy: {file}: {}", printable(told)));
        }
        let lost = match &report.lost_and_found {
            None => "are left out".to_owned(),
            Some(name) => format!("are in `{}`", printable(name)),
        };
        let statements = report.statements_refused.len() as u64;
        let indexes = report.doubtful_indexes.len() as u64;
        let told = [
            (report.rescued_count, "from pages that nothing leads to".to_owned()),
            (report.refused_count, format!("that their tables would refuse {lost}")),
            (report.lost_count, format!("that belong to no table {lost}")),
            (report.doubtful_count, "may be there twice: then the second one is lost and found".to_owned()),
            (report.missed_count, "places cannot be read".to_owned()),
            (statements, "statements of the schema are not written".to_owned()),
            (indexes, "indexes, at the end, may fail".to_owned()),
        ];
        let told: Vec<String> = told
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let rows = report.row_count;
        say_error(&format!("litecopy: {file}: {rows} rows written; {}", told.join("; ")));
    }
}

/// Keeps what went wrong while writing, which is not an error of the database.
struct KeptError<W> {
    output: W,
    /// Whether a person looks at it: then control characters in names are spelled out.
    for_terminal: bool,
    error: Option<io::Error>,
}

impl<W: Write> Write for KeptError<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.for_terminal {
            let text = printable_lines(&String::from_utf8_lossy(bytes));
            self.output.write_all(text.as_bytes()).map_err(|error| self.keep(error))?;
            return Ok(bytes.len());
        }
        self.output.write(bytes).map_err(|error| self.keep(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush().map_err(|error| self.keep(error))
    }
}

impl<W> KeptError<W> {
    fn keep(&mut self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.error = Some(error);
        kind.into()
    }
}
