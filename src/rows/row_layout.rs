//! Which field of a record is which column of its table.

use crate::format::database_header::TextEncoding;
use crate::schema::{Affinity, Column, DefaultValue, Generated, Table};

/// How the rows of one table are made from its records. [schema.md#fields-of-a-record](crate::notes::schema#fields-of-a-record)
#[derive(Clone, Debug)]
pub(crate) struct RowLayout {
    pub(crate) table: String,
    pub(crate) encoding: TextEncoding,
    /// The columns that a row gives, in the order of the table: all but those that are computed.
    pub(crate) columns: Vec<ColumnLayout>,
    /// The columns that it does not give.
    pub(crate) computed: Vec<String>,
    /// Whether the table may have more columns than are known: fields behind the known ones are given by position.
    pub(crate) open: bool,
    /// How many fields of a record are known columns.
    pub(crate) field_count: usize,
}

/// Where the value of a column comes from.
#[derive(Clone, Debug)]
pub(crate) struct ColumnLayout {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) affinity: Affinity,
    /// What rows have in it that lack the field.
    pub(crate) added: DefaultValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Rowid,
    Field(usize),
}

impl RowLayout {
    pub(crate) fn new(table: &Table, encoding: TextEncoding) -> Self {
        let mut field_of = vec![None; table.columns.len()];
        for (field, &column) in table.stored_columns().iter().enumerate() {
            if let Some(place) = field_of.get_mut(column) {
                // A key can have a column twice; both fields hold the same.
                place.get_or_insert(field);
            }
        }
        let is_computed = |column: &&Column| column.generated == Some(Generated::Virtual);
        let layout = |(index, column): (usize, &Column)| {
            let place = match table.rowid_column == Some(index) {
                true => Place::Rowid,
                false => Place::Field(field_of.get(index).copied().flatten()?),
            };
            let (name, added) = (column.name.clone(), column.added_value.clone());
            Some(ColumnLayout { name, place, affinity: column.affinity, added })
        };
        Self {
            table: table.name.clone(),
            encoding,
            columns: table.columns.iter().enumerate().filter_map(layout).collect(),
            computed: table.columns.iter().filter(is_computed).map(|column| column.name.clone()).collect(),
            open: table.note.is_some(),
            field_count: table.stored_columns().len(),
        }
    }
}
