//! What a column lets its values be: NULL or not, and of which types. [inspection.md#values-and-their-columns](crate::notes::inspection#values-and-their-columns)

use super::fields::{Fields, Storage};
use super::findings::Findings;
use crate::format::database_header::TextEncoding;
use crate::format::text::decode_text;
use crate::format::{PageNumber, Value};
use crate::schema::{Affinity, Column, DefaultValue, Generated, Table, is_number};
use crate::walk::FindingKind;

/// The rule of one column.
pub(super) struct ValueRule {
    field: usize,
    column: String,
    declared_type: String,
    not_null: bool,
    /// The types that the column takes; a text where it is no number, if `no_numbers`.
    takes: Storage,
    /// Those that need no look at the value itself: a real could be NaN, which counts as NULL.
    surely: Storage,
    no_numbers: bool,
    /// The type of the value that rows have which are older than the column.
    added: Storage,
}

impl ValueRule {
    /// The rules of the columns that are stored. `field_of` gives the field of a column.
    pub(super) fn all(table: &Table, field_of: impl Fn(usize) -> Option<usize>) -> Vec<Self> {
        let columns = table.columns.iter().enumerate();
        let ruled = columns.filter(|&(number, column)| {
            Some(number) != table.rowid_column && column.generated != Some(Generated::Virtual)
        });
        ruled.filter_map(|(number, column)| Self::new(field_of(number)?, column, table.strict)).collect()
    }

    /// Whether a virtual column has a rule: its values are nowhere to be seen.
    pub(super) fn has_unseen(table: &Table) -> bool {
        let mut unseen = table.columns.iter().filter(|column| column.generated == Some(Generated::Virtual));
        unseen.any(|column| Self::new(0, column, table.strict).is_some())
    }

    /// `None` for a column that takes any value.
    fn new(field: usize, column: &Column, is_strict: bool) -> Option<Self> {
        let (takes, no_numbers) = types_of(column, is_strict);
        if takes == Storage::ALL && !no_numbers && !column.not_null {
            return None;
        }
        let takes = if column.not_null { takes.without(Storage::NULL) } else { takes };
        let mut surely = takes;
        if no_numbers {
            surely = surely.without(Storage::TEXT);
        }
        if column.not_null {
            surely = surely.without(Storage::REAL);
        }
        Some(Self {
            field,
            column: column.name.clone(),
            declared_type: column.declared_type.clone(),
            not_null: column.not_null,
            takes,
            surely,
            no_numbers,
            added: match column.added_value {
                DefaultValue::Null => Storage::NULL,
                DefaultValue::Integer(_) => Storage::INTEGER,
                DefaultValue::Real(_) => Storage::REAL,
                DefaultValue::Text(_) => Storage::TEXT,
                DefaultValue::Blob(_) => Storage::BLOB,
            },
        })
    }

    /// Whether the type of the value alone tells that it is right: so it is with nearly all.
    #[inline]
    pub(super) fn surely_takes(&self, fields: &Fields) -> bool {
        fields.storage(self.field).is_some_and(|found| self.surely.has(found))
    }

    /// Tells what is wrong with the value of a row, if anything is.
    pub(super) fn check(
        &self,
        (fields, payload): (&Fields, &[u8]),
        encoding: TextEncoding,
        (index, place): (u16, (Option<PageNumber>, Option<u32>)),
        findings: &mut Findings,
    ) {
        let value = fields.value(self.field, payload);
        let found = fields.storage(self.field).unwrap_or(self.added);
        let (column, declared_type) = (&self.column, &self.declared_type);
        if self.not_null && value.map_or(found == Storage::NULL, |value| value == Value::Null) {
            findings.damage(FindingKind::NotNull, place, format!("cell {index}: {column} is NULL"));
            return;
        }
        let is_number = match value {
            Some(Value::Text(text)) if self.no_numbers => is_number_in(text, encoding),
            _ => false,
        };
        if is_number || !self.takes.has(found) {
            let what = if is_number { "a text that is a number" } else { found.words() };
            let detail = format!("cell {index}: {what} in {column}, which is {declared_type}");
            findings.damage(FindingKind::ColumnType, place, detail);
        }
    }
}

/// Whether a stored text is a number. Dates in a column of numbers are many: they are not decoded first.
fn is_number_in(text: &[u8], encoding: TextEncoding) -> bool {
    match (encoding.effective(), std::str::from_utf8(text)) {
        (TextEncoding::UTF8, text) => text.is_ok_and(is_number),
        _ => is_number(&decode_text(text, encoding)),
    }
}

/// The types that a column takes, and whether texts that are numbers are none of them: SQLite stores these as numbers.
fn types_of(column: &Column, is_strict: bool) -> (Storage, bool) {
    let named = |name: &str| column.declared_type.eq_ignore_ascii_case(name);
    if is_strict {
        let takes = match () {
            () if named("INT") || named("INTEGER") => Storage::INTEGER,
            () if named("REAL") => Storage::INTEGER.with(Storage::REAL),
            () if named("TEXT") => Storage::TEXT,
            () if named("BLOB") => Storage::BLOB,
            () => Storage::ALL,
        };
        return (takes.with(Storage::NULL), false);
    }
    match column.affinity {
        Affinity::Blob => (Storage::ALL, false),
        Affinity::Text => (Storage::ALL.without(Storage::INTEGER).without(Storage::REAL), false),
        _ => (Storage::ALL, true),
    }
}
