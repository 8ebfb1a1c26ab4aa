//! One row: its rowid, and its values as SELECT gives them.

use std::borrow::Cow;
use std::sync::Arc;

use super::record_reader::StoredRecord;
use super::row_layout::{Place, RowLayout};
use super::sql_value::SqlValue;
use crate::format::{Damage, PageNumber, Record, SerialType, Value};
use crate::schema::Affinity;

/// A row of a table. [rows.md#values](crate::notes::rows#values)
///
/// ```no_run
/// use litecopy::{Database, Source};
///
/// let database = Database::open(Source::open("app.db")?, None)?;
/// for row in database.table("t")?.rows() {
///     let row = row?;
///     println!("{:?}: {:?}", row.rowid(), row.get("name"));
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Row {
    layout: Arc<RowLayout>,
    page: PageNumber,
    offset: u32,
    rowid: Option<i64>,
    payload: Vec<u8>,
    /// Of each field its type, and where in the payload it begins.
    fields: Vec<(SerialType, usize)>,
}

impl Row {
    pub(crate) fn new(layout: Arc<RowLayout>) -> Self {
        let page = PageNumber::FIRST;
        Self { layout, page, offset: 0, rowid: None, payload: Vec::new(), fields: Vec::new() }
    }

    pub(crate) fn layout(&self) -> &RowLayout {
        &self.layout
    }

    /// Takes up a record in the place of the one before.
    pub(crate) fn set(&mut self, record: &StoredRecord<'_>) -> Result<(), Damage> {
        (self.page, self.offset, self.rowid) = (record.page, record.offset, record.rowid);
        self.fields.clear();
        self.payload.clear();
        let parsed = Record::parse(record.payload)?;
        let mut at = parsed.header_bytes();
        for (column, serial_type) in parsed.serial_types().enumerate() {
            let serial_type = serial_type?;
            let needed = serial_type.body_bytes();
            let available = record.payload.len().saturating_sub(at) as u64;
            if needed > available {
                return Err(Damage::RecordValueCut { column, needed, available });
            }
            self.fields.push((serial_type, at));
            at = at.saturating_add(usize::try_from(needed).unwrap_or(usize::MAX));
        }
        self.payload.extend_from_slice(record.payload);
        Ok(())
    }

    /// The same record as a row of another table.
    pub(crate) fn with_layout(self, layout: Arc<RowLayout>) -> Self {
        Self { layout, ..self }
    }

    /// Whether the column `index` is another name for the rowid.
    pub(crate) fn is_rowid(&self, index: usize) -> bool {
        self.layout.columns.get(index).is_some_and(|column| column.place == Place::Rowid)
    }

    pub(crate) fn has_rowid_column(&self) -> bool {
        (0..self.layout.columns.len()).any(|index| self.is_rowid(index))
    }

    /// Whether the value of the column `index` is in the record.
    #[cfg(feature = "serde")]
    pub(crate) fn is_stored(&self, index: usize) -> bool {
        match self.layout.columns.get(index).map(|column| column.place) {
            Some(Place::Rowid) => self.rowid.is_some(),
            Some(Place::Field(field)) => field < self.fields.len(),
            None => true,
        }
    }

    /// The types of its record's fields.
    pub(crate) fn types(&self) -> impl ExactSizeIterator<Item = SerialType> {
        self.fields.iter().map(|&(serial_type, _)| serial_type)
    }

    /// A field of its record, as it is stored.
    pub(crate) fn stored(&self, field: usize) -> Option<Value<'_>> {
        let &(serial_type, at) = self.fields.get(field)?;
        Value::read(serial_type, self.payload.get(at..)?).ok()
    }

    /// Gives each value but the rowid as it is stored, those of added columns as they would be, to `add`.
    pub(crate) fn add_stored(&self, add: &mut dyn FnMut(Value<'_>)) {
        for column in &self.layout.columns {
            let Place::Field(field) = column.place else { continue };
            match self.stored(field) {
                Some(value) => add(value),
                None => column.added.as_stored(self.layout.encoding, add),
            }
        }
    }

    /// The table that it is of.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.layout.table
    }

    /// Its rowid; `None` in a WITHOUT ROWID table.
    #[must_use]
    pub fn rowid(&self) -> Option<i64> {
        self.rowid
    }

    /// The page that its cell is in.
    #[must_use]
    pub fn page(&self) -> PageNumber {
        self.page
    }

    /// Where in the page its cell begins, in bytes.
    #[must_use]
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// How many columns it has. Those that are computed (VIRTUAL) are none of them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.columns.len() + self.unknown_fields()
    }

    /// Whether it has no column.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fields behind the known ones, of a table whose statement could not be read to its end.
    fn unknown_fields(&self) -> usize {
        if self.layout.open { self.fields.len().saturating_sub(self.layout.field_count) } else { 0 }
    }

    /// The name of a column: the known ones first, then those that are told by position.
    fn name(&self, index: usize) -> Cow<'_, str> {
        match self.layout.columns.get(index) {
            Some(column) => Cow::Borrowed(&column.name),
            None => Cow::Owned(format!("column_{}", self.field_behind(index) + 1)),
        }
    }

    /// The field of a column that is told by position.
    fn field_behind(&self, index: usize) -> usize {
        index.saturating_sub(self.layout.columns.len()).saturating_add(self.layout.field_count)
    }

    /// The value of the column `index`, from 0; NULL where there is none.
    #[must_use]
    #[inline]
    pub fn value(&self, index: usize) -> SqlValue<'_> {
        let Some(column) = self.layout.columns.get(index) else {
            return self.field(self.field_behind(index)).unwrap_or(SqlValue::Null);
        };
        let value = match column.place {
            Place::Rowid => self.rowid.map_or(SqlValue::Null, SqlValue::Integer),
            Place::Field(field) => self.field(field).unwrap_or_else(|| SqlValue::from(&column.added)),
        };
        match (value, column.affinity) {
            #[allow(clippy::cast_precision_loss, reason = "it was a real before it was stored")]
            (SqlValue::Integer(number), Affinity::Real) => SqlValue::Real(number as f64),
            (value, _) => value,
        }
    }

    /// The value of the column of this name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<SqlValue<'_>> {
        (0..self.len()).find(|&index| self.name(index).eq_ignore_ascii_case(name)).map(|it| self.value(it))
    }

    /// Names and values, in the order of the table.
    pub fn values(&self) -> impl Iterator<Item = (Cow<'_, str>, SqlValue<'_>)> {
        (0..self.len()).map(|index| (self.name(index), self.value(index)))
    }

    fn field(&self, field: usize) -> Option<SqlValue<'_>> {
        let &(serial_type, at) = self.fields.get(field)?;
        let end = at.checked_add(usize::try_from(serial_type.body_bytes()).ok()?)?;
        let value = serial_type.value(self.payload.get(at..end)?)?;
        Some(SqlValue::from_stored(value, self.layout.encoding))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut row = serializer.serialize_struct("Row", 3)?;
        row.serialize_field("table", self.table())?;
        row.serialize_field("rowid", &self.rowid)?;
        row.serialize_field("values", &ValuesByName(self))?;
        row.end()
    }
}

/// The values of a row as one object.
#[cfg(feature = "serde")]
pub(crate) struct ValuesByName<'r>(pub(crate) &'r Row);

#[cfg(feature = "serde")]
impl serde::Serialize for ValuesByName<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.values())
    }
}

/// The values of a row that are known, as one object: all of one that is whole, else those that are stored.
#[cfg(feature = "serde")]
pub(crate) struct KnownValues<'r>(pub(crate) &'r Row, pub(crate) bool);

#[cfg(feature = "serde")]
impl serde::Serialize for KnownValues<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(row, is_whole) = self;
        let known = row.values().enumerate().filter(|(index, _)| *is_whole || row.is_stored(*index));
        serializer.collect_map(known.map(|(_, value)| value))
    }
}
