//! What SQLite would refuse of a table's rows, as far as the schema tells: NULL where it may not be, a type that a STRICT column
//! does not take, a key that is there already.
//!
//! Such rows are in no sound database, but a damaged one, or one that was written past SQLite, has them. A statement that
//! fails may end the reading of all that follows; so they are not written into their table.

use std::collections::HashMap;

use super::row_key::{KeyFilter, RowKey};
use crate::error::Result;
use crate::rows::{Row, Rows, SqlValue};
use crate::schema::{Generated, Schema, Table};

/// How many keys that two rows may have are remembered: 16 bytes each.
const MOST_REPEATED: usize = 1 << 20;

/// What is to be expected of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    /// One with its rowid may be there already.
    Doubtful,
    /// Why SQLite would refuse it.
    Refused(String),
}

/// Judges the rows of one table, in their order.
pub(super) struct RowJudge {
    /// The columns that may not be NULL.
    not_null: Vec<NamedColumn>,
    /// The columns that take values of their type only.
    strict: Vec<(NamedColumn, StrictType)>,
    /// Where no more columns are known, how many a row has.
    known_columns: usize,
    keys: Vec<RowKey>,
    /// UNIQUE indexes, by name: they are made last where they would fail.
    indexes: Vec<(String, RowKey)>,
    /// The keys that two rows may have, and whether one was written.
    repeated: HashMap<u64, bool>,
    /// Whether there were too many of them.
    is_overfull: bool,
    /// The largest rowid so far.
    last_rowid: Option<i64>,
    failing_indexes: Vec<String>,
}

#[derive(Clone, Debug)]
struct NamedColumn {
    /// Which value of a row.
    value: usize,
    name: String,
}

#[derive(Clone, Copy, Debug)]
enum StrictType {
    Integer,
    Real,
    Text,
    Blob,
}

impl RowJudge {
    /// For a table that is written with its own statement.
    pub(super) fn new(table: &Table, schema: &Schema) -> Self {
        let is_stored = |column: &crate::schema::Column| column.generated != Some(Generated::Virtual);
        // The values of a row are those of the columns that are not computed.
        let mut value_of = vec![None; table.columns.len()];
        let stored = table.columns.iter().enumerate().filter(|(_, column)| is_stored(column));
        let (mut not_null, mut strict) = (Vec::new(), Vec::new());
        for (value, (index, column)) in stored.enumerate() {
            if let Some(place) = value_of.get_mut(index) {
                *place = Some(value);
            }
            let named = NamedColumn { value, name: column.name.clone() };
            if table.rowid_column == Some(index) {
                continue;
            }
            if table.strict
                && let Some(strict_type) = StrictType::from_declared_type(&column.declared_type)
            {
                strict.push((named.clone(), strict_type));
            }
            if column.not_null {
                not_null.push(named);
            }
        }
        let keys = table.keys().filter_map(|key| RowKey::new(key, table, &value_of)).collect();
        let indexes =
            schema.indexes_of(&table.name).filter(|index| index.unique && !is_automatic(&index.name));
        let indexes = indexes
            .filter_map(|index| Some((index.name.clone(), RowKey::from_index(index, table, &value_of)?)))
            .collect();
        Self { not_null, strict, keys, indexes, ..Self::for_plain_table(value_of.iter().flatten().count()) }
    }

    /// For a table with these columns and no constraints.
    pub(super) fn for_plain_table(known_columns: usize) -> Self {
        Self {
            not_null: Vec::new(),
            strict: Vec::new(),
            known_columns,
            keys: Vec::new(),
            indexes: Vec::new(),
            repeated: HashMap::new(),
            is_overfull: false,
            last_rowid: None,
            failing_indexes: Vec::new(),
        }
    }

    /// Whether rows must be looked at before the first is judged.
    pub(super) fn wants_all_rows(&self) -> bool {
        !self.keys.is_empty() || !self.indexes.is_empty()
    }

    /// Looks at all rows, for keys that more than one may have.
    pub(super) fn look_at(&mut self, rows: &mut Rows<'_>, filter: &mut KeyFilter) -> Result<()> {
        while let Some(row) = rows.next_row()? {
            for key in self.keys.iter().chain(self.indexes.iter().map(|(_, key)| key)) {
                let Some(hash) = key.hash(row, filter) else { continue };
                if filter.insert(hash) && self.repeated.insert(hash, false).is_none() {
                    self.is_overfull |= self.repeated.len() > MOST_REPEATED;
                }
                if self.is_overfull {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What is to be expected of the next row.
    pub(super) fn verdict(&mut self, row: &Row, filter: &KeyFilter) -> Verdict {
        // Where no column is known, no table was made.
        if self.known_columns == 0 || row.len() > self.known_columns {
            return Verdict::Refused("it has more fields than columns are known".to_owned());
        }
        if let Some(column) = self.not_null.iter().find(|column| row.value(column.value) == SqlValue::Null) {
            return Verdict::Refused(format!("NULL in `{}`, which is NOT NULL", column.name));
        }
        let refuses = |(column, kind): &&(NamedColumn, StrictType)| !kind.takes(&row.value(column.value));
        if let Some((column, _)) = self.strict.iter().find(refuses) {
            return Verdict::Refused(format!(
                "a value of another type in `{}`, which is STRICT",
                column.name
            ));
        }
        if !self.repeated.is_empty()
            && let Some(verdict) = self.verdict_by_keys(row, filter)
        {
            return verdict;
        }
        let is_doubtful = self.is_overfull
            || row.rowid().is_some_and(|rowid| self.last_rowid.is_some_and(|last| rowid <= last));
        self.last_rowid = self.last_rowid.max(row.rowid());
        if is_doubtful { Verdict::Doubtful } else { Verdict::Accepted }
    }

    fn verdict_by_keys(&mut self, row: &Row, filter: &KeyFilter) -> Option<Verdict> {
        let hashes: Vec<u64> = self.keys.iter().filter_map(|key| key.hash(row, filter)).collect();
        let is_there = |hash: &u64| self.repeated.get(hash).copied().unwrap_or(false);
        if let Some(place) = hashes.iter().position(is_there) {
            let key = self.keys.get(place).map(RowKey::columns).unwrap_or_default();
            return Some(Verdict::Refused(format!("a row with the same ({key}) is there already")));
        }
        for (name, key) in &self.indexes {
            let Some(hash) = key.hash(row, filter) else { continue };
            match self.repeated.get_mut(&hash) {
                Some(true) if !self.failing_indexes.contains(name) => self.failing_indexes.push(name.clone()),
                Some(is_there) => *is_there = true,
                None => {}
            }
        }
        for hash in hashes {
            self.repeated.entry(hash).and_modify(|is_there| *is_there = true);
        }
        None
    }

    /// The UNIQUE indexes that the rows so far do not allow, or may not allow.
    pub(super) fn failing_indexes(&self, has_doubtful_rows: bool) -> Vec<String> {
        match has_doubtful_rows || self.is_overfull {
            true => self.indexes.iter().map(|(name, _)| name.clone()).collect(),
            false => self.failing_indexes.clone(),
        }
    }
}

fn is_automatic(name: &str) -> bool {
    name.starts_with("sqlite_autoindex_")
}

impl StrictType {
    fn from_declared_type(declared_type: &str) -> Option<Self> {
        let types = [
            ("INT", Self::Integer),
            ("INTEGER", Self::Integer),
            ("REAL", Self::Real),
            ("TEXT", Self::Text),
            ("BLOB", Self::Blob),
        ];
        types.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(declared_type)).map(|(_, it)| it)
    }

    fn takes(self, value: &SqlValue<'_>) -> bool {
        matches!(
            (value, self),
            (SqlValue::Null, _)
                | (SqlValue::Integer(_), Self::Integer | Self::Real)
                | (SqlValue::Real(_), Self::Real)
                | (SqlValue::Text(_) | SqlValue::InvalidText(_), Self::Text)
                | (SqlValue::Blob(_), Self::Blob)
        )
    }
}
