//! An index: its key, and what else its records hold.

use super::collation::Collation;
use super::definition::{IndexDefinition, TermDefinition};
use super::entry::SchemaEntry;
use super::table::{KeyColumn, Table};
use crate::format::PageNumber;
use std::collections::HashSet;

/// An index of a database, as its `CREATE INDEX` statement describes it, or the constraint that SQLite made it for.
/// [schema.md#indexes](crate::notes::schema#indexes)
///
/// ```no_run
/// # fn main() -> litecopy::Result<()> {
/// use litecopy::schema::{IndexTerm, Schema, SchemaEntry};
///
/// # let entries: Vec<SchemaEntry> = Vec::new();
/// let schema = Schema::new(entries);
/// for index in schema.indexes_of("t") {
///     let by_rowid = index.columns.iter().any(|column| column.term == IndexTerm::Rowid);
///     println!("{} {by_rowid}", index.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Index {
    /// Its name.
    pub name: String,
    /// The table that it belongs to.
    pub table: String,
    /// The root page of its b-tree; `None` where the schema names none that can be.
    pub root_page: Option<PageNumber>,
    /// The fields of its records: its key, then the rowid, or what is missing of the primary key of a WITHOUT ROWID
    /// table.
    pub columns: Vec<IndexColumn>,
    /// How many of them are its key.
    pub key_count: usize,
    /// Whether no two rows have the same key.
    pub unique: bool,
    /// The condition of a partial index: only rows that meet it are in it.
    pub condition: Option<String>,
    /// Why its columns are not known.
    pub note: Option<String>,
}

/// A field of the records of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexColumn {
    /// What it holds.
    pub term: IndexTerm,
    /// How its text is compared. That of an expression is BINARY unless the index says otherwise.
    pub collation: Collation,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// What a field of an index holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexTerm {
    /// This column of the table, from 0.
    Column(usize),
    /// The rowid.
    Rowid,
    /// What this expression gives.
    Expression(String),
}

impl Index {
    /// `table` is that which the entry names, if the schema has it.
    pub(super) fn from_entry(entry: &SchemaEntry, table: Option<&Table>) -> Self {
        let mut index = Self {
            name: entry.name.clone(),
            table: entry.table_name.clone(),
            root_page: entry.root(),
            ..Self::default()
        };
        // SQLite takes an empty statement for none.
        let sql = entry.sql.as_deref().filter(|sql| !sql.is_empty());
        let filled = match (table, sql) {
            (None, _) => Err("the schema does not have its table"),
            (Some(table), Some(sql)) => index.fill_from_sql(table, sql),
            (Some(table), None) => index.fill_from_constraint(table),
        };
        index.note = filled.err().map(str::to_owned);
        index
    }

    fn fill_from_sql(&mut self, table: &Table, sql: &str) -> Result<(), &'static str> {
        let definition = IndexDefinition::parse(sql).ok_or("its CREATE INDEX statement cannot be read")?;
        self.unique = definition.unique;
        self.condition = definition.condition;
        let key = definition.terms.iter().map(|term| IndexColumn::from_term(term, table)).collect();
        let rest = table.primary_key.iter().map(IndexColumn::from_key);
        self.set_key(key, rest.collect(), table);
        Ok(())
    }

    /// `sqlite_autoindex_TABLE_N` is the N-th key that the table's statement asks for.
    fn fill_from_constraint(&mut self, table: &Table) -> Result<(), &'static str> {
        let number = self.name.rsplit('_').next().and_then(|number| number.parse::<usize>().ok());
        let key = number.and_then(|number| table.unique_key(number));
        let key = key.ok_or("its table has no such key")?;
        self.unique = true;
        // What is missing of a primary key always ascends here, whatever the key says.
        let ascending = |key| IndexColumn { descending: false, ..IndexColumn::from_key(key) };
        let rest = table.primary_key.iter().map(ascending);
        self.set_key(key.iter().map(IndexColumn::from_key).collect(), rest.collect(), table);
        Ok(())
    }

    /// Puts the rowid, or `primary_key`, behind the key.
    fn set_key(&mut self, key: Vec<IndexColumn>, primary_key: Vec<IndexColumn>, table: &Table) {
        self.key_count = key.len();
        self.columns = key;
        if !table.without_rowid {
            let collation = Collation::Binary;
            self.columns.push(IndexColumn { term: IndexTerm::Rowid, collation, descending: false });
            return;
        }
        let in_key: HashSet<_> = self.columns.iter().map(IndexColumn::identity).collect();
        let rest = primary_key.into_iter().filter(|column| !in_key.contains(&column.identity()));
        self.columns.extend(rest);
    }
}

impl IndexColumn {
    /// What makes it another field: the direction does not count.
    fn identity(&self) -> (IndexTerm, Collation) {
        (self.term.clone(), self.collation.clone())
    }

    fn from_key(key: &KeyColumn) -> Self {
        let KeyColumn { column, collation, descending } = key.clone();
        Self { term: IndexTerm::Column(column), collation, descending }
    }

    fn from_term(term: &TermDefinition, table: &Table) -> Self {
        if let Some(key) = table.key_column(term) {
            return Self::from_key(&key);
        }
        let collation = term.collation.as_deref().map(Collation::from_name).unwrap_or_default();
        let expression = IndexTerm::Expression(term.expression.clone());
        Self { term: expression, collation, descending: term.descending }
    }
}
