//! A table: its columns, its key, and which field of a record is which column.

use super::affinity::Affinity;
use super::collation::Collation;
use super::default_value::DefaultValue;
use super::definition::{ColumnDefinition, Generated, KeyDefinition, TableDefinition, TermDefinition};
use super::entry::SchemaEntry;
use crate::format::PageNumber;
use std::collections::{HashMap, HashSet};

/// A table of a database, as its `CREATE TABLE` statement describes it. [schema.md#tables](crate::notes::schema#tables)
///
/// ```
/// use litecopy::schema::Table;
///
/// let table = Table::from_sql("t", "CREATE TABLE t(a TEXT, id INTEGER PRIMARY KEY, b REAL DEFAULT 1)");
/// assert_eq!(table.rowid_column, Some(1));
/// assert_eq!(table.columns[2].name, "b");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The root page of its b-tree; `None` for a virtual table, and where the schema names none that can be.
    pub root_page: Option<PageNumber>,
    /// Its columns as declared, hidden ones and generated ones included.
    pub columns: Vec<Column>,
    /// The column that is another name for the rowid: INTEGER PRIMARY KEY.
    pub rowid_column: Option<usize>,
    /// The columns of its PRIMARY KEY, in a WITHOUT ROWID table each once; empty when it has none.
    pub primary_key: Vec<KeyColumn>,
    /// Whether its rows lie in an index b-tree, sorted by the primary key, without a rowid.
    pub without_rowid: bool,
    /// Whether its columns hold only values of their type.
    pub strict: bool,
    /// Whether its rowids are never used again.
    pub autoincrement: bool,
    /// The module of a virtual table, as `fts5`.
    pub module: Option<String>,
    /// Why its columns, or some of them, are known by position only.
    pub note: Option<String>,
    stored: Vec<usize>,
    /// The columns by their names in small letters.
    by_name: HashMap<String, usize>,
    /// The keys that SQLite makes an index for, in their order.
    unique_keys: Vec<Vec<KeyColumn>>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as declared; empty when there is none.
    pub declared_type: String,
    /// What SQLite makes of a value before it stores it.
    pub affinity: Affinity,
    /// How its text is compared.
    pub collation: Collation,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// The text of its default value.
    pub default: Option<String>,
    /// The value that rows have which were stored before the column was added.
    pub added_value: DefaultValue,
    /// How it is computed, if it is.
    pub generated: Option<Generated>,
}

/// A column of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyColumn {
    /// Which column of the table, from 0.
    pub column: usize,
    /// How its text is compared in this key.
    pub collation: Collation,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// Where among the keys each key stands, by its columns and their collations.
type KnownKeys = HashMap<Vec<(usize, Collation)>, usize>;

impl Table {
    /// The table `name` that this statement makes. One that cannot be read gives a table without columns, with a note.
    #[must_use]
    pub fn from_sql(name: &str, sql: &str) -> Self {
        let mut table = match TableDefinition::parse(sql) {
            Some(definition) => Self::from_definition(definition),
            None => {
                Self { note: Some("its CREATE TABLE statement cannot be read".to_owned()), ..Self::default() }
            }
        };
        name.clone_into(&mut table.name);
        table
    }

    pub(super) fn from_entry(entry: &SchemaEntry) -> Self {
        let mut table = match &entry.sql {
            Some(sql) => Self::from_sql(&entry.name, sql),
            None => Self {
                name: entry.name.clone(),
                note: Some("the schema has no statement for it".to_owned()),
                ..Self::default()
            },
        };
        table.root_page = entry.root();
        table
    }

    /// The table that lists all others, under either of its names.
    pub(super) fn schema_table(name: &str) -> Self {
        let sql = "CREATE TABLE sqlite_schema(type text,name text,tbl_name text,rootpage int,sql text)";
        Self { root_page: Some(PageNumber::FIRST), ..Self::from_sql(name, sql) }
    }

    fn from_definition(definition: TableDefinition) -> Self {
        let TableDefinition { columns, keys, autoincrement, without_rowid, strict, module, complete } =
            definition;
        let note = (!complete).then(|| "its CREATE TABLE statement ends too early".to_owned());
        let mut table = Self { autoincrement, without_rowid, strict, module, note, ..Self::default() };
        table.columns = columns.into_iter().map(|column| Column::from_definition(column, strict)).collect();
        for (index, column) in table.columns.iter().enumerate() {
            table.by_name.entry(column.name.to_ascii_lowercase()).or_insert(index);
        }
        let mut known = KnownKeys::new();
        for key in &keys {
            table.add_key(key, &mut known);
        }
        if without_rowid {
            table.primary_key = without_repeats(&table.primary_key);
        }
        table.refuse_null_in_key();
        table.stored = table.order_in_records();
        table
    }

    fn add_key(&mut self, key: &KeyDefinition, known: &mut KnownKeys) {
        let columns: Option<Vec<_>> = key.terms.iter().map(|term| self.key_column(term)).collect();
        let Some(columns) = columns.filter(|columns| !columns.is_empty()) else { return };
        if key.is_primary {
            self.primary_key.clone_from(&columns);
            let declared_integer = |key: &KeyColumn| {
                self.columns
                    .get(key.column)
                    .is_some_and(|column| column.declared_type.eq_ignore_ascii_case("INTEGER"))
            };
            if let [only] = columns.as_slice()
                && declared_integer(only)
                && !key.descending_at_column
            {
                // SQLite makes no index for it, and in a WITHOUT ROWID table heeds only the column's own collation.
                self.rowid_column = (!self.without_rowid).then_some(only.column);
                let own = self.columns.get(only.column).map(|column| column.collation.clone());
                if let (Some(key), Some(own)) = (self.primary_key.first_mut(), own) {
                    key.collation = own;
                }
                return;
            }
        }
        // One index serves two keys that differ in their directions only: the first.
        let identity: Vec<_> = columns.iter().map(KeyColumn::identity).collect();
        match known.get(&identity).and_then(|&first| self.unique_keys.get(first)) {
            Some(first) if key.is_primary => self.primary_key.clone_from(first),
            Some(_) => {}
            None => {
                known.insert(identity, self.unique_keys.len());
                self.unique_keys.push(columns);
            }
        }
    }

    fn refuse_null_in_key(&mut self) {
        if !self.without_rowid && !self.strict {
            return;
        }
        for key in &self.primary_key {
            if let Some(column) = self.columns.get_mut(key.column)
                && self.rowid_column != Some(key.column)
            {
                column.not_null = true;
            }
        }
    }

    pub(super) fn key_column(&self, term: &TermDefinition) -> Option<KeyColumn> {
        let column = self.column(term.column.as_deref()?)?;
        let own = self.columns.get(column).map(|column| column.collation.clone());
        let collation = match &term.collation {
            Some(name) => Collation::from_name(name),
            None => own.unwrap_or_default(),
        };
        Some(KeyColumn { column, collation, descending: term.descending })
    }

    fn order_in_records(&self) -> Vec<usize> {
        let key = if self.without_rowid { self.primary_key.as_slice() } else { &[] };
        let mut stored: Vec<usize> = key.iter().map(|key| key.column).collect();
        let in_key: HashSet<usize> = stored.iter().copied().collect();
        let others = self.columns.iter().enumerate().filter(|(index, column)| {
            column.generated != Some(Generated::Virtual) && !in_key.contains(index)
        });
        stored.extend(others.map(|(index, _)| index));
        stored
    }

    /// Which column each field of a record is, in the order of the fields.
    ///
    /// The field of the column that names the rowid is NULL. In a WITHOUT ROWID table the primary key comes first; virtual
    /// columns are nowhere. [schema.md#fields-of-a-record](crate::notes::schema#fields-of-a-record)
    #[must_use]
    pub fn stored_columns(&self) -> &[usize] {
        &self.stored
    }

    /// The column of this name, in any case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }

    /// The keys of which no two rows may have the same: of the table, and those that SQLite makes an index for.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[KeyColumn]> {
        let own = Some(self.primary_key.as_slice()).filter(|key| self.without_rowid && !key.is_empty());
        // The key of the table is among the others, unless it is one INTEGER.
        let own = own.filter(|key| !self.unique_keys.iter().any(|unique| unique == key));
        own.into_iter().chain(self.unique_keys.iter().map(Vec::as_slice))
    }

    /// The key that `sqlite_autoindex_TABLE_number` is the index of.
    pub(super) fn unique_key(&self, number: usize) -> Option<&[KeyColumn]> {
        self.unique_keys.get(number.checked_sub(1)?).map(Vec::as_slice)
    }

    /// The names of the indexes that its keys ask for, and whether the schema must have a row for each: the primary key of a
    /// WITHOUT ROWID table is the table itself.
    pub(super) fn automatic_indexes(&self) -> impl Iterator<Item = (String, bool)> {
        let identity = |key: &[KeyColumn]| key.iter().map(KeyColumn::identity).collect::<Vec<_>>();
        let itself = self.without_rowid.then(|| identity(&self.primary_key));
        let has_row = move |key: &Vec<KeyColumn>| itself != Some(identity(&without_repeats(key)));
        // An INTEGER PRIMARY KEY without rowids comes behind the others.
        let last = self.without_rowid.then_some(false);
        let keys = self.unique_keys.iter().map(has_row).chain(last);
        keys.zip(1_usize..)
            .map(|(has_row, number)| (format!("sqlite_autoindex_{}_{number}", self.name), has_row))
    }

    /// Whether it is virtual: its rows are its module's, and lie in the module's own tables.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.module.is_some()
    }
}

fn without_repeats(columns: &[KeyColumn]) -> Vec<KeyColumn> {
    let mut known = HashSet::new();
    columns.iter().filter(|column| known.insert(column.identity())).cloned().collect()
}

impl KeyColumn {
    /// What makes it another column of an index: the direction does not count.
    pub(super) fn identity(&self) -> (usize, Collation) {
        (self.column, self.collation.clone())
    }
}

impl Column {
    fn from_definition(definition: ColumnDefinition, strict: bool) -> Self {
        let ColumnDefinition { name, declared_type, collation, not_null, default, generated } = definition;
        let affinity = match strict && declared_type.eq_ignore_ascii_case("ANY") {
            true => Affinity::Blob,
            false => Affinity::from_declared_type(&declared_type),
        };
        let added_value = match (&default, generated) {
            (Some(text), None) => DefaultValue::from_sql(text, affinity),
            _ => DefaultValue::Null,
        };
        let collation = collation.as_deref().map(Collation::from_name).unwrap_or_default();
        Self { name, declared_type, affinity, collation, not_null, default, added_value, generated }
    }
}
