//! The tables of a database, and their rows.

use super::database::Database;
use super::owners::schema_rows;
use crate::error::{Error, Problem, Result};
use crate::rows::{Missed, MissedPlaces, TableReader};
use crate::schema::{Schema, SchemaEntry};
use crate::walk::Fault;

impl Database {
    /// What the table `sqlite_schema` says of tables, indexes, views and triggers, as far as it can be read, and what of it cannot.
    ///
    /// # Errors
    /// What keeps any page from being read.
    ///
    /// ```no_run
    /// use litecopy::{Database, Source};
    ///
    /// let database = Database::open(Source::open("app.db")?, None)?;
    /// let (schema, missed) = database.schema()?;
    /// for table in &schema.tables {
    ///     println!("{}: {} columns", table.name, table.columns.len());
    /// }
    /// assert!(missed.is_empty());
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn schema(&self) -> Result<(Schema, Vec<Missed>)> {
        let (mut entries, mut missed) = (Vec::new(), MissedPlaces::default());
        let tell = |fault: Fault| missed.add_fault(&fault);
        schema_rows(self, tell, |row| {
            entries.push(SchemaEntry::from(row));
            Ok(())
        })?;
        Ok((Schema::new(entries), missed.told))
    }

    /// The table of this name, in any case; `sqlite_schema` too.
    ///
    /// # Errors
    /// [`NoSuchTable`](crate::ErrorKind::NoSuchTable) where there is none, or it has no rows of its own: a virtual table, or one
    /// whose root page cannot be. What keeps any page from being read.
    pub fn table(&self, name: &str) -> Result<TableReader<'_>> {
        let (schema, _) = self.schema()?;
        match schema.table(name).filter(|_| self.page_count() > 0) {
            Some(table) => self.read_table(table.clone()),
            None => Err(Error::new(self.path(), Problem::NoSuchTable { table: name.to_owned() })),
        }
    }

    /// The rows of a table of its [schema](Self::schema).
    ///
    /// # Errors
    /// [`NoSuchTable`](crate::ErrorKind::NoSuchTable) where it has no rows of its own.
    pub fn read_table(&self, table: crate::schema::Table) -> Result<TableReader<'_>> {
        TableReader::new(self.snapshot(), *self.header(), table)
    }
}
