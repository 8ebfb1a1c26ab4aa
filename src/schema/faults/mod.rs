//! What in a schema keeps SQLite from opening the database: rows that contradict their statements, and statements that SQLite
//! does not read. [schema.md#what-sqlite-refuses](crate::notes::schema#what-sqlite-refuses)
//!
//! | file | duty |
//! |---|---|
//! | `reader` | reads a statement word by word, and says what stands where it cannot stand |
//! | `expression` | whether a text is an expression that SQLite lets stand in a schema |
//! | `table_statement` | what SQLite refuses in a `CREATE TABLE` statement |
//! | `other_statements` | what it refuses in the statements of indexes, views and triggers |
//!
//! SQLite reads the rows in their order; so do we. What queries of views and statements of triggers say is not looked at.

mod expression;
mod other_statements;
mod reader;
mod table_statement;

use super::catalog::Schema;
use super::entry::SchemaEntry;
use super::table::Table;
use other_statements::{check_index, check_trigger, check_view, index_table};
use reader::{Fault, Reader, whole_statement};
use std::collections::{HashMap, HashSet};
use table_statement::{check_table, check_virtual_table};

/// A row of the schema that SQLite refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaFault {
    /// Which of the schema's entries.
    pub(crate) entry: usize,
    /// What is wrong with it.
    pub(crate) words: String,
}

/// Every row of the schema that SQLite refuses, and why, and what it misses.
pub(crate) fn schema_faults(schema: &Schema) -> Vec<SchemaFault> {
    let (rows, mut faults) = Rows::read(schema);
    for (name, entry) in rows.automatic {
        if let Some(entry) = entry.filter(|_| !rows.automatic_rows.contains(&name)) {
            faults.push(SchemaFault { entry, words: format!("its index {name} is missing") });
        }
    }
    faults.sort_by(|a, b| (a.entry, &a.words).cmp(&(b.entry, &b.words)));
    faults
}

/// Every row of the schema whose statement SQLite would not take, and why.
pub(crate) fn statement_faults(schema: &Schema) -> Vec<SchemaFault> {
    Rows::read(schema).1
}

/// What the rows so far have made. Names are in small letters.
#[derive(Default)]
struct Rows {
    /// Which entry of the schema the row at hand is.
    entry: usize,
    /// Tables and views.
    tables: HashMap<String, Relation>,
    indexes: HashSet<String>,
    triggers: HashSet<String>,
    /// The indexes that keys of tables ask for; with the entry of the table, where the schema must have a row for it.
    automatic: HashMap<String, Option<usize>>,
    /// Those that have a row.
    automatic_rows: HashSet<String>,
}

enum Relation {
    Table(Box<Table>),
    Virtual,
    View,
}

impl Rows {
    /// Reads all rows, and what is wrong with them.
    fn read(schema: &Schema) -> (Self, Vec<SchemaFault>) {
        let mut rows = Self::default();
        let mut faults = Vec::new();
        for (entry, row) in schema.entries.iter().enumerate() {
            rows.entry = entry;
            if let Err(words) = rows.check(row) {
                faults.push(SchemaFault { entry, words });
            }
        }
        (rows, faults)
    }

    fn check(&mut self, row: &SchemaEntry) -> Result<(), Fault> {
        if row.root_page.is_none() {
            return Err("its root page is NULL".to_owned());
        }
        let Some(sql) = row.sql.as_deref().filter(|sql| !sql.is_empty()) else {
            let name = row.name.to_ascii_lowercase();
            if !self.automatic.contains_key(&name) {
                return Err("it has no statement, and no key of a table asks for it".to_owned());
            }
            self.automatic_rows.insert(name);
            return Ok(());
        };
        if !sql.as_bytes().get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"CR")) {
            return Err("its statement does not begin with CREATE".to_owned());
        }
        let sql = whole_statement(sql, row.kind.eq_ignore_ascii_case("trigger"))?;
        let mut reader = Reader::new(sql);
        reader.word("CREATE")?;
        reader.takes_any(&["TEMP", "TEMPORARY"]);
        if reader.takes("TABLE") {
            self.table(row, sql, reader)
        } else if reader.takes("VIRTUAL") {
            reader.word("TABLE")?;
            let name = reader.own_name()?;
            check_row(row, "table", &name, &name)?;
            check_virtual_table(&mut reader)?;
            self.add_relation(row, Relation::Virtual)
        } else if reader.takes("VIEW") {
            let name = reader.own_name()?;
            check_row(row, "view", &name, &name)?;
            check_view(&mut reader)?;
            self.add_relation(row, Relation::View)
        } else if reader.takes("TRIGGER") {
            self.trigger(row, reader)
        } else {
            reader.takes("UNIQUE");
            reader.word("INDEX")?;
            self.index(row, reader)
        }
    }

    fn table(&mut self, row: &SchemaEntry, sql: &str, mut reader: Reader<'_>) -> Result<(), Fault> {
        let name = reader.own_name()?;
        check_row(row, "table", &name, &name)?;
        let table = Table::from_sql(&name, sql);
        check_table(&mut reader, &table)?;
        if row.root_page == Some(0) {
            return Err("its root page is 0, and it is not virtual".to_owned());
        }
        for (name, has_row) in table.automatic_indexes() {
            let of_table = has_row.then_some(self.entry);
            let name = name.to_ascii_lowercase();
            self.indexes.insert(name.clone());
            self.automatic.insert(name, of_table);
        }
        self.add_relation(row, Relation::Table(Box::new(table)))
    }

    fn add_relation(&mut self, row: &SchemaEntry, relation: Relation) -> Result<(), Fault> {
        let name = row.name.to_ascii_lowercase();
        if self.tables.contains_key(&name) {
            return Err("there is a table or view of its name before it".to_owned());
        }
        if self.indexes.contains(&name) {
            return Err("there is an index of its name before it".to_owned());
        }
        self.tables.insert(name, relation);
        Ok(())
    }

    fn index(&mut self, row: &SchemaEntry, mut reader: Reader<'_>) -> Result<(), Fault> {
        let name = reader.own_name()?;
        let of = index_table(&mut reader)?;
        check_row(row, "index", &name, &of)?;
        match self.tables.get(&of.to_ascii_lowercase()) {
            Some(Relation::Table(table)) => check_index(&mut reader, table)?,
            Some(Relation::Virtual) => return Err("it is an index of a virtual table".to_owned()),
            Some(Relation::View) => return Err("it is an index of a view".to_owned()),
            None => return Err(no_table(&of)),
        }
        if self.indexes.insert(name.to_ascii_lowercase()) {
            return Ok(());
        }
        Err("there is an index of its name before it".to_owned())
    }

    fn trigger(&mut self, row: &SchemaEntry, mut reader: Reader<'_>) -> Result<(), Fault> {
        let name = reader.own_name()?;
        let head = check_trigger(&mut reader)?;
        check_row(row, "trigger", &name, &head.table)?;
        match self.tables.get(&head.table.to_ascii_lowercase()) {
            Some(Relation::View) if !head.is_instead => {
                return Err("it is of a view, and not INSTEAD OF".to_owned());
            }
            Some(Relation::Table(_)) if head.is_instead => {
                return Err("it is INSTEAD OF, and of a table".to_owned());
            }
            Some(Relation::Virtual) => return Err("it is of a virtual table".to_owned()),
            Some(_) => {}
            None => return Err(no_table(&head.table)),
        }
        if self.triggers.insert(name.to_ascii_lowercase()) {
            return Ok(());
        }
        Err("there is a trigger of its name before it".to_owned())
    }
}

/// The row says what its statement does.
fn check_row(row: &SchemaEntry, kind: &str, name: &str, table: &str) -> Result<(), Fault> {
    let differences =
        [("type", kind, &row.kind), ("name", name, &row.name), ("tbl_name", table, &row.table_name)];
    for (column, by_statement, by_row) in differences {
        if !by_statement.eq_ignore_ascii_case(by_row) {
            let (by_statement, by_row) = (reader::shortened(by_statement), reader::shortened(by_row));
            return Err(format!("its {column} is {by_row}, its statement says {by_statement}"));
        }
    }
    Ok(())
}

fn no_table(name: &str) -> Fault {
    format!("there is no table {} before it", reader::shortened(name))
}
