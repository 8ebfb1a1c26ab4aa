//! The table of rows that belong to no table, or that theirs would refuse: the columns are those of the shell's `.recover`.

use std::sync::Arc;

use super::literal::{Literals, quoted_name};
use super::number::add_integer;
use super::sql_text::SqlText;
use crate::format::PageNumber;
use crate::rows::{Row, RowLayout};
use crate::schema::Table;

/// How many columns SQLite lets a table have, less those that tell where a row is from.
const MOST_FIELDS: usize = 1990;

/// The table, as it grows.
pub(super) struct LostTable {
    pub(super) name: String,
    literals: Literals,
    /// Rows with their columns by position.
    layout: Arc<RowLayout>,
    /// How many fields it has room for; `None` before it is made.
    field_count: Option<usize>,
}

impl LostTable {
    pub(super) fn new(name: &str, literals: Literals) -> Self {
        let layout = Arc::new(RowLayout::new(&Table::from_sql("", ""), literals.encoding));
        Self { name: name.to_owned(), literals, layout, field_count: None }
    }

    /// Adds the statements for a row. `if_refused`: the row is wanted only if the statement before it changed nothing.
    pub(super) fn add(&mut self, sql: &mut SqlText, top: PageNumber, row: &Row, if_refused: bool) {
        let row = row.clone().with_layout(Arc::clone(&self.layout));
        let stored = row.len().min(MOST_FIELDS);
        if !if_refused {
            self.make_room(sql, stored);
        }
        let (start, end) = match if_refused {
            true => ("SELECT ", " WHERE changes()=0;\n"),
            false => ("VALUES(", ");\n"),
        };
        let bytes = &mut sql.bytes;
        bytes.extend_from_slice(b"INSERT INTO ");
        bytes.extend_from_slice(quoted_name(&self.name).as_bytes());
        bytes.extend_from_slice(format!(" {start}{top},{},{},", row.page(), row.len()).as_bytes());
        match row.rowid() {
            Some(rowid) => add_integer(bytes, rowid),
            None => bytes.extend_from_slice(b"NULL"),
        }
        for field in 0..self.field_count.unwrap_or(stored) {
            bytes.push(b',');
            self.literals.add(bytes, &row.value(field));
        }
        bytes.extend_from_slice(end.as_bytes());
        sql.end();
    }

    pub(super) fn is_made(&self) -> bool {
        self.field_count.is_some()
    }

    /// Makes room for the fields of a row, before the statement that it may be refused by.
    pub(super) fn make_room_for(&mut self, sql: &mut SqlText, row: &Row) {
        let row = row.clone().with_layout(Arc::clone(&self.layout));
        self.make_room(sql, row.len().min(MOST_FIELDS));
    }

    /// Makes the table, or gives it columns more.
    pub(super) fn make_room(&mut self, sql: &mut SqlText, field_count: usize) {
        let name = quoted_name(&self.name);
        let Some(has) = self.field_count else {
            let columns: String = (0..field_count).map(|field| format!(", c{field}")).collect();
            let start = "rootpgno INTEGER, pgno INTEGER, nfield INTEGER, id INTEGER";
            sql.line(&format!("CREATE TABLE {name}({start}{columns});"));
            self.field_count = Some(field_count);
            return;
        };
        for field in has..field_count {
            sql.line(&format!("ALTER TABLE {name} ADD COLUMN c{field};"));
        }
        self.field_count = Some(has.max(field_count));
    }
}
