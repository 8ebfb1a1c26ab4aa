//! How the rows of a table are written: one INSERT each, with the rowid, also where no column names it.

use super::literal::{Literals, quoted_name};
use super::number::add_integer;
use super::sql_text::SqlText;
use crate::rows::Row;
use crate::schema::{Generated, Table};

/// How the rows of a table are written.
pub(super) struct RowForm {
    /// The statement up to its first value.
    start: Vec<u8>,
    /// The same for rows that may be there already.
    start_or_ignore: Vec<u8>,
    with_rowid: bool,
    /// Which columns of a row are written.
    columns: Vec<usize>,
    literals: Literals,
}

impl RowForm {
    pub(super) fn new(table: &Table, literals: Literals) -> Self {
        let rowid = ["rowid", "_rowid_", "oid"].into_iter().find(|name| table.column(name).is_none());
        let rowid = rowid.filter(|_| !table.without_rowid && table.rowid_column.is_none());
        Self::with_rowid(table, rowid, literals)
    }

    /// For tables that SQLite makes by itself: their rowids mean nothing.
    pub(super) fn without_rowid(table: &Table, literals: Literals) -> Self {
        Self::with_rowid(table, None, literals)
    }

    fn with_rowid(table: &Table, rowid: Option<&str>, literals: Literals) -> Self {
        let mut names: Vec<String> = rowid.map(str::to_owned).into_iter().collect();
        let given = table.columns.iter().filter(|column| column.generated != Some(Generated::Virtual));
        let mut columns = Vec::new();
        for (index, column) in given.enumerate() {
            // What is computed and stored, SQLite computes again.
            if column.generated.is_none() {
                columns.push(index);
                names.push(quoted_name(&column.name));
            }
        }
        let into = format!("INTO {}({}) VALUES(", quoted_name(&table.name), names.join(","));
        Self {
            start: format!("INSERT {into}").into_bytes(),
            start_or_ignore: format!("INSERT OR IGNORE {into}").into_bytes(),
            with_rowid: rowid.is_some(),
            columns,
            literals,
        }
    }

    /// Adds the statement for a row.
    pub(super) fn add(&self, text: &mut SqlText, row: &Row, or_ignore: bool) {
        let sql = &mut text.bytes;
        sql.extend_from_slice(if or_ignore { &self.start_or_ignore } else { &self.start });
        if self.with_rowid {
            match row.rowid() {
                Some(rowid) => add_integer(sql, rowid),
                // The statement, cut short, no longer says that its table has none: SQLite gives one.
                None => sql.extend_from_slice(b"NULL"),
            }
            sql.push(b',');
        }
        for &column in &self.columns {
            self.literals.add(sql, &row.value(column));
            sql.push(b',');
        }
        sql.pop();
        sql.extend_from_slice(b");\n");
        text.end();
    }
}
