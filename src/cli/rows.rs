//! `litecopy rows`: the rows of tables, straight from the pages.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use litecopy::Database;
use litecopy::rows::{Missed, Rows};
use litecopy::schema::Table;

use super::csv::CsvLine;
use super::deleted;
use super::exit_code::Ending;
use super::json_row::JsonRow;
use super::output::{Output, say_error, say_failure, say_lines};
use super::printable::{printable, printable_path};
use super::reading_arguments::ReadingArguments;
use super::reading_progress::ReadingProgress;
use super::stopped::Stopped;

/// Print the rows of a table, or of all, straight from the pages; what is damaged is left out
#[derive(Debug, Args)]
pub(crate) struct RowsArguments {
    /// The database; it is only read
    file: PathBuf,

    /// The table; without it all that have rows of their own
    table: Option<String>,

    /// As JSON, an object for each row, one a line; or as CSV, with the names of the columns first, of one table
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = RowFormat::Json)]
    format: RowFormat,

    /// Give instead the rows that were deleted, or former versions of those that were changed, and that are still in the file,
    /// its log or its journal: with where they were found, and how sure that is
    #[arg(long, conflicts_with = "format")]
    deleted: bool,

    /// With --deleted: leave out what is less sure than this
    #[arg(long, value_name = "0..1", requires = "deleted", default_value_t = 0.7)]
    confidence: f64,

    /// Give the versions of one row, by its rowid: the deleted ones as they were found, then the live one
    #[arg(long, num_args = 2, value_names = ["TABLE", "ROWID"], allow_negative_numbers = true, conflicts_with_all = ["table", "deleted", "format"])]
    history: Option<Vec<String>>,

    /// JSON, an object for each row, one a line: what is printed anyway
    #[arg(long, conflicts_with = "format")]
    json: bool,

    #[command(flatten)]
    reading: ReadingArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RowFormat {
    /// An object for each row, one a line
    Json,
    /// RFC 4180
    Csv,
}

impl RowsArguments {
    pub(crate) fn run(&self) -> Ending {
        if self.format == RowFormat::Csv && self.table.is_none() {
            say_error("litecopy: --format csv gives one table: name it");
            return Ending::WrongUse;
        }
        if let Some([_, rowid]) = self.history.as_deref()
            && rowid.parse::<i64>().is_err()
        {
            say_error(&format!("litecopy: `{}` is no rowid: a whole number is", printable(rowid)));
            return Ending::WrongUse;
        }
        self.reading.confine(&[&self.file], &[]);
        let database = match self.reading.database(&self.file) {
            Ok(database) => database,
            Err(error) => return say_failure(&error),
        };
        for damage in database.header_damage() {
            say_error(&format!("litecopy: {}: {damage}", printable_path(&self.file)));
        }
        let (mut failed, mut is_none) = (None, false);
        let ending = say_lines(|output| {
            match self.print(&database, output) {
                Ok(()) => {}
                Err(Stopped::Writing(error)) => return Err(error),
                Err(Stopped::Reading(error)) => failed = Some(error),
                Err(Stopped::NoDatabase) => is_none = true,
            }
            Ok(())
        });
        if is_none {
            return Ending::Failed;
        }
        match failed.or_else(|| database.confirm().err()) {
            Some(error) => say_failure(&error),
            None => ending,
        }
    }

    fn print(&self, database: &Database, output: &mut Output) -> Result<(), Stopped> {
        if let Some([table, rowid]) = self.history.as_deref() {
            // That it is a number has been seen.
            return deleted::print_history(database, table, rowid.parse().unwrap_or_default(), output);
        }
        if self.deleted {
            return deleted::print_rows(database, self.table.as_deref(), self.confidence, output);
        }
        if let Some(name) = &self.table {
            let mut rows = database.table(name)?.rows();
            return self.print_table(&mut rows, database, output);
        }
        let (schema, missed) = database.schema()?;
        self.tell_missed("sqlite_schema", &missed, missed.len() as u64);
        if schema.entries.is_empty() && !database.header_damage().is_empty() {
            return Err(Stopped::NoDatabase);
        }
        let (readable, others): (Vec<&Table>, Vec<&Table>) =
            schema.tables.iter().skip(1).partition(|table| !table.is_virtual() && table.root_page.is_some());
        for table in others {
            if let Err(error) = database.read_table(table.clone()) {
                say_error(&format!("litecopy: {error}"));
            }
        }
        let mut before: Option<Rows<'_>> = None;
        for table in readable {
            let table = database.read_table(table.clone())?;
            let mut rows = match before.take() {
                Some(rows) => rows.then(&table),
                None => table.rows(),
            };
            self.print_table(&mut rows, database, output)?;
            before = Some(rows);
        }
        Ok(())
    }

    fn print_table(
        &self,
        rows: &mut Rows<'_>,
        database: &Database,
        output: &mut Output,
    ) -> Result<(), Stopped> {
        let progress = ReadingProgress::new(database.page_count());
        if !rows.computed_columns().is_empty() {
            let names: Vec<String> = rows.computed_columns().iter().map(|name| printable(name)).collect();
            say_error(&format!(
                "litecopy: the table `{}` computes {} when it is read: left out",
                printable(rows.table()),
                names.join(", ")
            ));
        }
        let mut line = CsvLine::new(io::stdout().is_terminal());
        let mut json = JsonRow::new(rows.table(), rows.columns());
        if self.format == RowFormat::Csv {
            output.bytes(line.names(rows.columns()))?;
        }
        loop {
            progress.show(rows.pages_read());
            let Some(row) = rows.next_row()? else { break };
            match self.format {
                RowFormat::Json => output.bytes(json.line(row))?,
                RowFormat::Csv => output.bytes(line.row(row))?,
            }
        }
        progress.clear();
        self.tell_missed(rows.table(), rows.missed(), rows.missed_count());
        Ok(())
    }

    /// Says what of a table could not be read: `count` places, of which `missed` are known.
    fn tell_missed(&self, table: &str, missed: &[Missed], count: u64) {
        let (file, table) = (printable_path(&self.file), printable(table));
        for missed in missed {
            let place = missed.offset.map_or(String::new(), |offset| format!(", offset {offset}"));
            say_error(&format!(
                "litecopy: {file}: table `{table}`, page {}{place}: {}",
                missed.page, missed.why
            ));
        }
        let untold = count.saturating_sub(missed.len() as u64);
        if untold > 0 {
            say_error(&format!("litecopy: {file}: table `{table}`: and {untold} places more"));
        }
    }
}
