//! Writes the dump: pragmas, tables with their rows, what is lost, and what hangs on them.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use super::literal::{Literals, quoted_name};
use super::lost_table::LostTable;
use super::orphans::Orphans;
use super::report::{DumpOptions, DumpProgress, DumpReport};
use super::row_form::RowForm;
use super::row_judge::{RowJudge, Verdict};
use super::row_key::KeyFilter;
use super::sql_text::SqlText;
use super::statement::Statements;
use crate::error::{Error, Result};
use crate::format::PageNumber;
use crate::format::database_header::TextEncoding;
use crate::inspect::Database;
use crate::rows::{Row, Rows};
use crate::schema::{Schema, Table};

/// Writes all of a database as SQL, as far as it can be read. What cannot, and what SQLite would not take back, is told in the
/// report. When the database changed meanwhile, past every lock, the text ends with ROLLBACK.
///
/// # Errors
/// What keeps any page from being read, [`Busy`](crate::ErrorKind::Busy) when it changed meanwhile, and what `out` gives.
///
/// ```no_run
/// use litecopy::inspect::{DumpOptions, dump};
/// use litecopy::{Database, Source};
///
/// let database = Database::open(Source::open("damaged.db")?, None)?;
/// let mut sql = Vec::new();
/// let report = dump(&database, &DumpOptions::default(), &mut sql, |_| {})?;
/// println!("{} rows, {} places missed", report.row_count, report.missed_count);
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn dump(
    database: &Database,
    options: &DumpOptions,
    out: &mut dyn Write,
    progress: impl FnMut(DumpProgress),
) -> Result<DumpReport> {
    let (schema, missed) = database.schema()?;
    let mut report = DumpReport::default();
    report.add_missed(&missed, missed.len() as u64);
    report.missed_count += database.header_damage().len() as u64;
    let literals = Literals { encoding: database.header().text_encoding };
    let lost_name = options.lost_and_found.as_deref().map(|name| free_name(&schema, name));
    let mut dumper = Dumper {
        database,
        schema: &schema,
        statements: Statements::new(&schema),
        literals,
        lost: lost_name.map(|name| LostTable::new(&name, literals)),
        filter: KeyFilter::new(),
        names: HashSet::new(),
        tables: HashSet::new(),
        failing_indexes: HashSet::new(),
        schema_is_writable: false,
        out,
        progress,
        report,
        sql: SqlText::new(options.by_statement),
    };
    dumper.write_all()?;
    let lost = dumper.lost.filter(LostTable::is_made);
    Ok(DumpReport { lost_and_found: lost.map(|lost| lost.name), ..dumper.report })
}

pub(super) struct Dumper<'a, P> {
    database: &'a Database,
    pub(super) schema: &'a Schema,
    pub(super) statements: Statements<'a>,
    pub(super) literals: Literals,
    lost: Option<LostTable>,
    filter: KeyFilter,
    /// The names that tables, indexes and views have so far, and those of tables, in small letters.
    pub(super) names: HashSet<String>,
    pub(super) tables: HashSet<String>,
    /// UNIQUE indexes that the rows may not allow.
    pub(super) failing_indexes: HashSet<String>,
    schema_is_writable: bool,
    out: &'a mut dyn Write,
    progress: P,
    pub(super) report: DumpReport,
    /// What is to be written next.
    pub(super) sql: SqlText,
}

/// A table, and how its rows are written.
struct TableWriter<'t> {
    table: &'t Table,
    form: RowForm,
    judge: RowJudge,
}

impl<'a, P: FnMut(DumpProgress)> Dumper<'a, P> {
    fn write_all(&mut self) -> Result<()> {
        self.write_pragmas();
        if self.database.page_count() > 0 {
            let (wounded, rows) = self.write_tables()?;
            self.write_orphans(wounded, rows)?;
        }
        self.write_sequences()?;
        let failing = self.write_indexes();
        self.write_statistics()?;
        self.write_views_and_triggers();
        self.write_virtual_tables();
        let confirmed = self.database.confirm();
        match &confirmed {
            Ok(()) => self.sql.line("COMMIT;"),
            Err(_) => self.sql.line("ROLLBACK; -- the database changed while it was read"),
        }
        if self.schema_is_writable {
            self.sql.line("PRAGMA writable_schema=RESET;");
        }
        self.sql.line("PRAGMA ignore_check_constraints=OFF;");
        if confirmed.is_ok() {
            // They may fail: nothing comes after them.
            failing.iter().for_each(|statement| self.sql.line(statement));
        }
        self.write_out()?;
        self.out.flush().map_err(written)?;
        confirmed
    }

    /// Writes what has been put together.
    fn write_out(&mut self) -> Result<()> {
        self.sql.write_to(self.out).map_err(written)
    }

    fn write_pragmas(&mut self) {
        let header = *self.database.header();
        let encoding = match header.text_encoding.effective() {
            TextEncoding::UTF16LE => "UTF-16le",
            TextEncoding::UTF16BE => "UTF-16be",
            _ => "UTF-8",
        };
        let auto_vacuum = match (header.is_auto_vacuum(), header.incremental_vacuum) {
            (false, _) => 0,
            (true, 0) => 1,
            (true, _) => 2,
        };
        self.sql.line("PRAGMA foreign_keys=OFF;");
        // Rows that were there before a CHECK, or past it, are wanted too.
        self.sql.line("PRAGMA ignore_check_constraints=ON;");
        self.sql.line(&format!("PRAGMA page_size={};", self.database.page_size()));
        self.sql.line(&format!("PRAGMA auto_vacuum={auto_vacuum};"));
        self.sql.line(&format!("PRAGMA encoding='{encoding}';"));
        self.sql.line("BEGIN TRANSACTION;");
        self.sql.line(&format!("PRAGMA user_version={};", header.user_version));
        self.sql.line(&format!("PRAGMA application_id={};", header.application_id.cast_signed()));
    }

    /// From here on, what SQLite makes by itself may be written.
    pub(super) fn make_schema_writable(&mut self) {
        if !self.schema_is_writable {
            self.schema_is_writable = true;
            self.sql.line("PRAGMA writable_schema=ON;");
        }
    }

    /// Writes each table that has rows of its own, and those. Gives those at which something was missed.
    fn write_tables(&mut self) -> Result<(Vec<Table>, Option<Rows<'a>>)> {
        let (database, schema) = (self.database, self.schema);
        let mut wounded = Vec::new();
        let mut before: Option<Rows<'a>> = None;
        for table in &schema.tables {
            // Virtual tables come last; one whose root page cannot be has no rows, only its statement.
            let Ok(reader) = database.read_table(table.clone()) else {
                if !table.is_virtual() {
                    self.begin_table(table);
                    self.report.missed_count += 1;
                }
                continue;
            };
            let mut rows = match before.take() {
                Some(rows) => rows.then(&reader),
                None => reader.rows(),
            };
            match is_own(table) {
                // It is written elsewhere; its pages get their place all the same.
                true => while rows.next_row()?.is_some() {},
                false => {
                    let mut writer = self.begin_table(table);
                    if writer.judge.wants_all_rows() {
                        writer.judge.look_at(&mut reader.rows(), &mut self.filter)?;
                    }
                    self.write_rows(&mut writer, &mut rows)?;
                }
            }
            if rows.missed_count() > 0 {
                wounded.push(table.clone());
                // What is wrong with the table of the schema is told already.
                if !is_schema(table) {
                    self.report.add_missed(rows.missed(), rows.missed_count());
                }
            }
            before = Some(rows);
        }
        Ok((wounded, before))
    }

    fn write_rows(&mut self, writer: &mut TableWriter<'_>, rows: &mut Rows<'_>) -> Result<()> {
        let top = writer.table.root_page.unwrap_or(PageNumber::FIRST);
        let mut has_doubtful = false;
        loop {
            if self.sql.is_full() {
                self.write_out()?;
                let pages_read = rows.pages_read();
                (self.progress)(DumpProgress { pages_read, page_count: self.database.page_count() });
            }
            let Some(row) = rows.next_row()? else { break };
            match writer.judge.verdict(row, &self.filter) {
                Verdict::Accepted => {
                    writer.form.add(&mut self.sql, row, false);
                    self.report.row_count += 1;
                }
                Verdict::Doubtful => {
                    has_doubtful = true;
                    self.write_doubtful(&writer.form, top, row);
                }
                Verdict::Refused(why) => {
                    self.report.add_refused(&writer.table.name, row, &why);
                    self.lose(top, row);
                }
            }
        }
        self.failing_indexes.extend(writer.judge.failing_indexes(has_doubtful));
        Ok(())
    }

    /// A row that may be there already: if SQLite does not take it, it goes to what is lost.
    fn write_doubtful(&mut self, form: &RowForm, top: PageNumber, row: &Row) {
        if let Some(lost) = &mut self.lost {
            lost.make_room_for(&mut self.sql, row);
        }
        form.add(&mut self.sql, row, true);
        if let Some(lost) = &mut self.lost {
            lost.add(&mut self.sql, top, row, true);
        }
        self.report.row_count += 1;
        self.report.doubtful_count += 1;
    }

    fn lose(&mut self, top: PageNumber, row: &Row) {
        if let Some(lost) = &mut self.lost {
            lost.add(&mut self.sql, top, row, false);
        }
    }

    /// Writes the statement of a table, or one in its place.
    fn begin_table<'t>(&mut self, table: &'t Table) -> TableWriter<'t> {
        self.report.table_count += 1;
        let name = table.name.to_ascii_lowercase();
        let literals = self.literals;
        let is_free = self.names.insert(name.clone());
        if is_free {
            match self.statements.of_table(table) {
                Ok(statement) => {
                    self.tables.insert(name);
                    self.sql.line(&statement);
                    let (form, judge) = (RowForm::new(table, literals), RowJudge::new(table, self.schema));
                    return TableWriter { table, form, judge };
                }
                Err(why) => self.report.refuse_statement("table", &table.name, &why),
            }
        } else {
            self.report.refuse_statement("table", &table.name, "another one has its name");
        }
        let (statement, plain) = plain_table(table);
        let known_columns = if is_free && has_no_name_twice(&plain) { plain.columns.len() } else { 0 };
        if known_columns > 0 {
            self.tables.insert(name);
            self.sql.line(&statement);
        }
        // Where nothing is known of the columns, all rows are lost.
        TableWriter {
            table,
            form: RowForm::new(&plain, literals),
            judge: RowJudge::for_plain_table(known_columns),
        }
    }

    /// Rows of leaves that nothing leads to: into the one table that they fit, or into the table of what is lost.
    fn write_orphans(&mut self, wounded: Vec<Table>, rows: Option<Rows<'_>>) -> Result<()> {
        let Some(rows) = rows else { return Ok(()) };
        let encoding = self.database.header().text_encoding;
        let wounded =
            wounded.into_iter().filter(|table| is_schema(table) || self.is_whole_table(table)).collect();
        let mut orphans = Orphans::find(rows.into_walk(), self.schema, wounded, encoding)?;
        if orphans.is_empty() {
            return Ok(());
        }
        orphans.each_row(|owner, row| {
            match owner {
                Ok(table) => {
                    let form = RowForm::new(table, self.literals);
                    let top = table.root_page.unwrap_or(PageNumber::FIRST);
                    self.write_doubtful(&form, top, row);
                    self.report.rescued_count += 1;
                    let unique = self.schema.indexes_of(&table.name).filter(|index| index.unique);
                    self.failing_indexes.extend(unique.map(|index| index.name.clone()));
                }
                Err(top) => {
                    self.report.lost_count += 1;
                    self.lose(top, row);
                }
            }
            match self.sql.is_full() {
                true => self.write_out(),
                false => Ok(()),
            }
        })?;
        self.report.add_missed(orphans.missed(), orphans.missed_count());
        Ok(())
    }

    /// Whether a table was written with its own statement.
    fn is_whole_table(&self, table: &Table) -> bool {
        self.tables.contains(&table.name.to_ascii_lowercase()) && self.statements.of_table(table).is_ok()
    }

    /// The rows of `sqlite_sequence`, which is there as soon as a table has AUTOINCREMENT.
    fn write_sequences(&mut self) -> Result<()> {
        let Some(table) = self.schema.table("sqlite_sequence") else { return Ok(()) };
        if !self.schema.tables.iter().any(|table| table.autoincrement && self.is_whole_table(table)) {
            let name = quoted_name(&free_name(self.schema, "litecopy_autoincrement"));
            self.sql.line(&format!("CREATE TABLE {name}(id INTEGER PRIMARY KEY AUTOINCREMENT);"));
            self.sql.line(&format!("DROP TABLE {name};"));
        }
        self.sql.line("DELETE FROM sqlite_sequence;");
        self.write_rows_of(table, &["name", "seq"])
    }

    /// The tables of ANALYZE.
    fn write_statistics(&mut self) -> Result<()> {
        let schema = self.schema;
        let mut is_first = true;
        let is_told = |table: &&Table| is_schema(table) || table.name.eq_ignore_ascii_case("sqlite_sequence");
        for table in schema.tables.iter().filter(|table| is_own(table) && !is_told(table)) {
            if is_first {
                self.sql.line("ANALYZE sqlite_schema;");
                is_first = false;
            }
            let mut columns = ["tbl", "idx", "stat"].as_slice();
            let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            if !table.name.eq_ignore_ascii_case("sqlite_stat1") {
                columns = names.as_slice();
                self.make_schema_writable();
                let columns: Vec<String> = names.iter().map(|name| quoted_name(name)).collect();
                let (name, columns) = (quoted_name(&table.name), columns.join(","));
                if !columns.is_empty() {
                    self.sql.line(&format!("CREATE TABLE IF NOT EXISTS {name}({columns});"));
                }
            }
            self.write_rows_of(table, columns)?;
        }
        Ok(())
    }

    /// The rows of a table that SQLite makes by itself, with these columns.
    fn write_rows_of(&mut self, table: &Table, columns: &[&str]) -> Result<()> {
        self.report.table_count += 1;
        let Ok(reader) = self.database.read_table(table.clone()) else { return Ok(()) };
        let is_new = self.names.insert(table.name.to_ascii_lowercase());
        let is_usual =
            is_new && table.columns.iter().map(|column| column.name.as_str()).eq(columns.iter().copied());
        let form = RowForm::without_rowid(table, self.literals);
        let judge = RowJudge::for_plain_table(if is_usual { columns.len() } else { 0 });
        self.write_rows(&mut TableWriter { table, form, judge }, &mut reader.rows())
    }
}

/// A statement for a table whose own cannot be written, with the columns that are known, and the table that it makes.
fn plain_table(table: &Table) -> (String, Table) {
    let stored = table.columns.iter().filter(|it| it.generated != Some(crate::schema::Generated::Virtual));
    let columns: Vec<String> = stored.map(|column| quoted_name(&column.name)).collect();
    let statement = format!("CREATE TABLE {}({});", quoted_name(&table.name), columns.join(","));
    let mut plain = Table::from_sql(&table.name, &statement);
    // Its rows have no rowid either.
    plain.without_rowid = table.without_rowid;
    (statement, plain)
}

fn has_no_name_twice(table: &Table) -> bool {
    table.columns.iter().enumerate().all(|(index, column)| table.column(&column.name) == Some(index))
}

/// A name that nothing has yet.
fn free_name(schema: &Schema, name: &str) -> String {
    let is_taken = |name: &str| schema.entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name));
    let mut free = name.to_owned();
    let mut number = 0_u64;
    while is_taken(&free) {
        free = format!("{name}_{number}");
        number += 1;
    }
    free
}

fn is_schema(table: &Table) -> bool {
    table.root_page == Some(PageNumber::FIRST) && table.name == "sqlite_schema"
}

/// Whether it is one that SQLite makes by itself.
fn is_own(table: &Table) -> bool {
    table.name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}

fn written(error: io::Error) -> Error {
    Error::io("write", Path::new("the dump"))(error)
}
