//! How two rows stand to each other in the order of their table.

use crate::format::Value;
use crate::format::database_header::TextEncoding;
use crate::inspect::check::compare_values;
use crate::rows::{Row, SqlValue};
use crate::schema::{Collation, Table};
use std::borrow::Cow;
use std::cmp::Ordering;

/// What the rows of a table are ordered by.
#[derive(Clone, Debug)]
pub(super) enum RowKey {
    Rowid,
    /// The primary key of a table without rowids.
    Columns(Vec<KeyPart>, TextEncoding),
}

/// A column of a primary key.
#[derive(Clone, Debug)]
pub(super) struct KeyPart {
    pub(super) name: String,
    /// Its place among the columns of a row.
    place: usize,
    collation: Collation,
    descending: bool,
}

impl RowKey {
    /// `columns` are those that a row gives. `None` where only an application knows the order.
    pub(super) fn new(table: &Table, columns: &[&str], encoding: TextEncoding) -> Option<Self> {
        if !table.without_rowid {
            return Some(Self::Rowid);
        }
        let parts = table.primary_key.iter().map(|key| {
            let name = table.columns.get(key.column)?.name.clone();
            let place = columns.iter().position(|column| *column == name)?;
            let known = matches!(key.collation, Collation::Binary | Collation::NoCase | Collation::Rtrim);
            known.then(|| KeyPart {
                name,
                place,
                collation: key.collation.clone(),
                descending: key.descending,
            })
        });
        parts.collect::<Option<Vec<_>>>().map(|parts| Self::Columns(parts, encoding))
    }

    pub(super) fn compare(&self, one: &Row, other: &Row) -> Ordering {
        match self {
            Self::Rowid => one.rowid().cmp(&other.rowid()),
            Self::Columns(parts, encoding) => parts
                .iter()
                .map(|part| part.compare(one, other, *encoding))
                .find(|order| *order != Ordering::Equal)
                .unwrap_or(Ordering::Equal),
        }
    }
}

impl KeyPart {
    fn compare(&self, one: &Row, other: &Row, encoding: TextEncoding) -> Ordering {
        let (one, other) = (one.value(self.place), other.value(self.place));
        let (one, other) = (Stored::new(&one, encoding), Stored::new(&other, encoding));
        let order = compare_values(one.value(), other.value(), &self.collation, encoding);
        let order = order.unwrap_or(Ordering::Equal);
        if self.descending { order.reverse() } else { order }
    }
}

/// A value as the database stores it, which is what it is ordered by.
enum Stored<'v> {
    Plain(Value<'v>),
    Text(Cow<'v, [u8]>),
}

impl<'v> Stored<'v> {
    fn new(value: &'v SqlValue<'_>, encoding: TextEncoding) -> Self {
        match value {
            SqlValue::Null => Self::Plain(Value::Null),
            SqlValue::Integer(number) => Self::Plain(Value::Integer(*number)),
            SqlValue::Real(number) => Self::Plain(Value::Real(*number)),
            SqlValue::Blob(bytes) => Self::Plain(Value::Blob(bytes)),
            SqlValue::InvalidText(bytes) => Self::Plain(Value::Text(bytes)),
            SqlValue::Text(text) => Self::Text(match encoding.effective() {
                TextEncoding::UTF16LE => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                TextEncoding::UTF16BE => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                _ => Cow::Borrowed(text.as_bytes()),
            }),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Plain(value) => *value,
            Self::Text(bytes) => Value::Text(bytes),
        }
    }
}
