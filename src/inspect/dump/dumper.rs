//! Writes the dump: pragmas, tables with their rows, what is lost, indexes, views, triggers, virtual tables.

use std::io::{self, Write};
use std::path::Path;

use super::literal::{add_value, quoted_name};
use super::orphans::Orphans;
use super::report::{DumpOptions, DumpProgress, DumpReport};
use super::statement::whole_statement;
use crate::error::{Error, Result};
use crate::format::PageNumber;
use crate::format::database_header::TextEncoding;
use crate::inspect::Database;
use crate::rows::{Row, Rows};
use crate::schema::{Schema, SchemaEntry, Table};

/// Writes all of a database as SQL, as far as it can be read. What cannot is told in the report.
///
/// # Errors
/// What keeps any page from being read, and what `out` gives.
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
    let mut dumper = Dumper { database, schema: &schema, options, out, progress, report, sql: Vec::new() };
    dumper.write_all()?;
    Ok(dumper.report)
}

struct Dumper<'a, P> {
    database: &'a Database,
    schema: &'a Schema,
    options: &'a DumpOptions,
    out: &'a mut dyn Write,
    progress: P,
    report: DumpReport,
    /// A statement as it grows.
    sql: Vec<u8>,
}

/// The table of what is lost, with the columns that the shell's `.recover` gives it.
struct LostTable {
    name: String,
    statement: String,
    field_count: usize,
}

/// How the rows of a table are written.
pub(super) struct RowForm {
    /// The statement up to its first value.
    start: String,
    /// The same for rows that may be there already.
    start_or_ignore: String,
    with_rowid: bool,
    /// Which columns of a row are written.
    columns: Vec<usize>,
}

impl<'a, P: FnMut(DumpProgress)> Dumper<'a, P> {
    fn write_all(&mut self) -> Result<()> {
        self.write_pragmas()?;
        if self.database.page_count() > 0 {
            let (wounded, rows) = self.write_tables()?;
            self.write_orphans(wounded, rows)?;
        }
        self.write_sequences()?;
        self.write_statements(&["index"], |name| !name.starts_with("sqlite_"))?;
        self.write_statistics()?;
        self.write_statements(&["view"], |_| true)?;
        self.write_statements(&["trigger"], |_| true)?;
        self.write_virtual_tables()?;
        self.line("COMMIT;")?;
        self.line("PRAGMA writable_schema=RESET;")?;
        self.out.flush().map_err(written)
    }

    fn line(&mut self, sql: &str) -> Result<()> {
        writeln!(self.out, "{sql}").map_err(written)
    }

    fn write_pragmas(&mut self) -> Result<()> {
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
        self.line("PRAGMA foreign_keys=OFF;")?;
        self.line(&format!("PRAGMA page_size={};", self.database.page_size()))?;
        self.line(&format!("PRAGMA auto_vacuum={auto_vacuum};"))?;
        self.line(&format!("PRAGMA encoding='{encoding}';"))?;
        self.line("BEGIN TRANSACTION;")?;
        self.line("PRAGMA writable_schema=ON;")?;
        self.line(&format!("PRAGMA user_version={};", header.user_version))?;
        self.line(&format!("PRAGMA application_id={};", header.application_id.cast_signed()))
    }

    /// Writes each table that has rows of its own, and those. Gives those at which something was missed.
    fn write_tables(&mut self) -> Result<(Vec<Table>, Option<Rows<'a>>)> {
        let database = self.database;
        let mut wounded = Vec::new();
        let mut before: Option<Rows<'a>> = None;
        for table in &self.schema.tables {
            // Virtual tables come last; one whose root page cannot be has no rows, only its statement.
            let Ok(reader) = database.read_table(table.clone()) else {
                if !table.is_virtual() {
                    self.write_table_statement(table)?;
                    self.report.missed_count += 1;
                }
                continue;
            };
            let mut rows = match before.take() {
                Some(rows) => rows.then(&reader),
                None => reader.rows(),
            };
            self.write_table(table, &mut rows)?;
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

    fn write_table(&mut self, table: &Table, rows: &mut Rows<'_>) -> Result<()> {
        let written_elsewhere = is_schema(table) || table.name.starts_with("sqlite_");
        if written_elsewhere {
            // Its pages get their place all the same.
            while rows.next_row()?.is_some() {}
            return Ok(());
        }
        self.write_table_statement(table)?;
        self.write_rows(&RowForm::new(table), rows)
    }

    fn write_rows(&mut self, form: &RowForm, rows: &mut Rows<'_>) -> Result<()> {
        loop {
            let pages_read = rows.pages_read();
            (self.progress)(DumpProgress { pages_read, page_count: self.database.page_count() });
            // Behind damage, a row may be there twice.
            let or_ignore = rows.missed_count() > 0;
            let Some(row) = rows.next_row()? else { return Ok(()) };
            form.write(&mut self.sql, row, or_ignore);
            self.out.write_all(&self.sql).map_err(written)?;
            self.report.row_count += 1;
        }
    }

    fn write_table_statement(&mut self, table: &Table) -> Result<()> {
        self.report.table_count += 1;
        let name = &table.name;
        let entry = self.schema.entries.iter().find(|entry| entry.kind == "table" && entry.name == *name);
        let sql = entry.and_then(|entry| entry.sql.as_deref());
        let statement = sql.filter(|_| table.note.is_none()).and_then(|sql| whole_statement("table", sql));
        match statement {
            Some(statement) => self.line(&statement),
            None => {
                self.report
                    .statements_refused
                    .push(format!("table `{name}`: its statement is not one that can be written"));
                self.line(&made_up_statement(table))
            }
        }
    }

    /// Rows of leaves that nothing leads to: into the one table that they fit, or into the table of what is lost.
    fn write_orphans(&mut self, wounded: Vec<Table>, rows: Option<Rows<'_>>) -> Result<()> {
        let Some(rows) = rows else { return Ok(()) };
        let encoding = self.database.header().text_encoding;
        let mut orphans = Orphans::find(rows.into_walk(), self.schema, wounded, encoding)?;
        if orphans.is_empty() {
            return Ok(());
        }
        let lost = self.options.lost_and_found.as_deref();
        let lost = lost.map(|name| LostTable::new(&self.free_name(name), orphans.field_count()));
        let (sql, out, report) = (&mut self.sql, &mut self.out, &mut self.report);
        let mut error = None;
        orphans.each_row(|owner, row| {
            sql.clear();
            match (owner, &lost) {
                (Ok(table), _) => {
                    RowForm::new(table).write(sql, row, true);
                    report.row_count += 1;
                    report.rescued_count += 1;
                }
                (Err(top), Some(lost)) => {
                    if report.lost_count == 0 {
                        sql.extend_from_slice(lost.statement.as_bytes());
                    }
                    lost.write(sql, top, row);
                    report.lost_count += 1;
                }
                (Err(_), None) => report.lost_count += 1,
            }
            error = error.take().or_else(|| out.write_all(sql).err());
        })?;
        self.report.add_missed(orphans.missed(), orphans.missed_count());
        error.map_or(Ok(()), |error| Err(written(error)))
    }

    /// A name that no table has yet.
    fn free_name(&self, name: &str) -> String {
        let is_taken =
            |name: &str| self.schema.entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name));
        let mut free = name.to_owned();
        let mut number = 0_u64;
        while is_taken(&free) {
            free = format!("{name}_{number}");
            number += 1;
        }
        free
    }

    /// The rows of `sqlite_sequence`, which is there as soon as a table has AUTOINCREMENT.
    fn write_sequences(&mut self) -> Result<()> {
        let Some(table) = self.schema.table("sqlite_sequence") else { return Ok(()) };
        if !self.schema.tables.iter().any(|table| table.autoincrement) {
            let name = quoted_name(&self.free_name("litecopy_autoincrement"));
            self.line(&format!("CREATE TABLE {name}(id INTEGER PRIMARY KEY AUTOINCREMENT);"))?;
            self.line(&format!("DROP TABLE {name};"))?;
        }
        self.line("DELETE FROM sqlite_sequence;")?;
        self.write_rows_of(table)
    }

    /// The tables of ANALYZE.
    fn write_statistics(&mut self) -> Result<()> {
        let schema = self.schema;
        let mut is_first = true;
        let own = |table: &&Table| {
            table.name.starts_with("sqlite_") && !is_schema(table) && table.name != "sqlite_sequence"
        };
        for table in schema.tables.iter().filter(own) {
            if is_first {
                self.line("ANALYZE sqlite_schema;")?;
                is_first = false;
            }
            if table.name != "sqlite_stat1" {
                let columns: Vec<String> =
                    table.columns.iter().map(|column| quoted_name(&column.name)).collect();
                let (name, columns) = (quoted_name(&table.name), columns.join(","));
                self.line(&format!("CREATE TABLE IF NOT EXISTS {name}({columns});"))?;
            }
            self.write_rows_of(table)?;
        }
        Ok(())
    }

    fn write_rows_of(&mut self, table: &Table) -> Result<()> {
        self.report.table_count += 1;
        let Ok(reader) = self.database.read_table(table.clone()) else { return Ok(()) };
        let form = RowForm { with_rowid: false, ..RowForm::new(table) }.without_rowid_column(table);
        self.write_rows(&form, &mut reader.rows())
    }

    fn write_statements(&mut self, kinds: &[&str], wanted: impl Fn(&str) -> bool) -> Result<()> {
        let schema = self.schema;
        let chosen =
            schema.entries.iter().filter(|entry| kinds.contains(&entry.kind.as_str()) && wanted(&entry.name));
        for entry in chosen {
            // An index without a statement comes with its table.
            let Some(sql) = &entry.sql else { continue };
            match whole_statement(&entry.kind, sql) {
                Some(statement) => self.line(&statement)?,
                None => self.refuse(entry),
            }
        }
        Ok(())
    }

    fn refuse(&mut self, entry: &SchemaEntry) {
        let SchemaEntry { kind, name, .. } = entry;
        self.report
            .statements_refused
            .push(format!("{kind} `{name}`: its statement is not one that can be written"));
    }

    /// A virtual table is put into the schema as it is: to create it would make its shadow tables, which are written as tables.
    fn write_virtual_tables(&mut self) -> Result<()> {
        let schema = self.schema;
        for table in schema.tables.iter().filter(|table| table.is_virtual()) {
            let entry = schema.entries.iter().find(|entry| entry.kind == "table" && entry.name == table.name);
            let Some((entry, sql)) = entry.and_then(|entry| Some((entry, entry.sql.as_deref()?))) else {
                continue;
            };
            if whole_statement("table", sql).is_none() {
                self.refuse(entry);
                continue;
            }
            self.report.table_count += 1;
            self.sql.clear();
            self.sql.extend_from_slice(
                b"INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',",
            );
            for text in [&entry.name, &entry.table_name] {
                add_value(&mut self.sql, &crate::rows::SqlValue::Text(text.as_str().into()));
                self.sql.push(b',');
            }
            self.sql.extend_from_slice(b"0,");
            add_value(&mut self.sql, &crate::rows::SqlValue::Text(sql.into()));
            self.sql.extend_from_slice(b");\n");
            self.out.write_all(&self.sql).map_err(written)?;
        }
        Ok(())
    }
}

impl LostTable {
    fn new(name: &str, field_count: usize) -> Self {
        let name = quoted_name(name);
        let columns: Vec<String> = (0..field_count).map(|field| format!(", c{field}")).collect();
        let columns = columns.concat();
        let statement = format!(
            "CREATE TABLE {name}(rootpgno INTEGER, pgno INTEGER, nfield INTEGER, id INTEGER{columns});\n"
        );
        Self { name, statement, field_count }
    }

    fn write(&self, sql: &mut Vec<u8>, top: PageNumber, row: &Row) {
        let rowid = row.rowid().map_or("NULL".to_owned(), |rowid| rowid.to_string());
        let start = format!("INSERT INTO {} VALUES({top},{},{},{rowid}", self.name, row.page(), row.len());
        sql.extend_from_slice(start.as_bytes());
        for field in 0..self.field_count {
            sql.push(b',');
            add_value(sql, &row.value(field));
        }
        sql.extend_from_slice(b");\n");
    }
}

impl RowForm {
    pub(super) fn new(table: &Table) -> Self {
        let rowid = ["rowid", "_rowid_", "oid"].into_iter().find(|name| table.column(name).is_none());
        let with_rowid = !table.without_rowid && table.rowid_column.is_none() && rowid.is_some();
        let mut names: Vec<String> =
            with_rowid.then(|| rowid.map(str::to_owned)).flatten().into_iter().collect();
        let given =
            table.columns.iter().filter(|column| column.generated != Some(crate::schema::Generated::Virtual));
        let mut columns = Vec::new();
        for (index, column) in given.enumerate() {
            // What is computed and stored, SQLite computes again.
            if column.generated.is_none() {
                columns.push(index);
                names.push(quoted_name(&column.name));
            }
        }
        Self::with_names(table, &names, with_rowid, columns)
    }

    /// Without the name of the rowid: for tables that SQLite makes by itself.
    fn without_rowid_column(self, table: &Table) -> Self {
        let names: Vec<String> = table.columns.iter().map(|column| quoted_name(&column.name)).collect();
        Self::with_names(table, &names, false, self.columns)
    }

    fn with_names(table: &Table, names: &[String], with_rowid: bool, columns: Vec<usize>) -> Self {
        let into = format!("INTO {}({}) VALUES(", quoted_name(&table.name), names.join(","));
        Self {
            start: format!("INSERT {into}"),
            start_or_ignore: format!("INSERT OR IGNORE {into}"),
            with_rowid,
            columns,
        }
    }

    /// Makes the statement for a row.
    pub(super) fn write(&self, sql: &mut Vec<u8>, row: &Row, or_ignore: bool) {
        sql.clear();
        let start = if or_ignore { &self.start_or_ignore } else { &self.start };
        sql.extend_from_slice(start.as_bytes());
        if let Some(rowid) = row.rowid().filter(|_| self.with_rowid) {
            sql.extend_from_slice(rowid.to_string().as_bytes());
            sql.push(b',');
        }
        for (place, &column) in self.columns.iter().enumerate() {
            if place > 0 {
                sql.push(b',');
            }
            add_value(sql, &row.value(column));
        }
        if self.columns.is_empty() && self.with_rowid {
            sql.pop();
        }
        sql.extend_from_slice(b");\n");
    }
}

/// A statement for a table whose own cannot be written: its columns as far as they are known.
fn made_up_statement(table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| quoted_name(&column.name)).collect();
    let columns = if columns.is_empty() { "column_1".to_owned() } else { columns.join(",") };
    format!("CREATE TABLE {}({columns});", quoted_name(&table.name))
}

fn is_schema(table: &Table) -> bool {
    table.name == "sqlite_schema"
}

fn written(error: io::Error) -> Error {
    Error::io("write", Path::new("the dump"))(error)
}
