//! The rows of the table `sqlite_schema`, whose root is page 1. `[records.md#the-schema]`

use super::fault::{Fault, FaultSink};
use super::tree_walk::{Step, TreeWalk};
use super::walk::Walk;
use crate::error::Error;
use crate::format::database_header::TextEncoding;
use crate::format::text::decode_text;
use crate::format::{Damage, PageNumber, Record, Value};

/// A row of the schema as it is stored.
pub(crate) struct StoredRow<'p> {
    payload: &'p [u8],
    /// The page that has it.
    pub(crate) page: PageNumber,
    /// Where its cell begins there, in bytes.
    pub(crate) offset: u32,
}

/// A row of the schema: the five columns of `sqlite_schema`. What of its text is not valid is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaRow {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) table_name: String,
    /// As stored.
    pub(crate) root_page: Option<i64>,
    pub(crate) sql: Option<String>,
}

impl StoredRow<'_> {
    /// How long it is.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.payload.len() as u64
    }

    /// Its columns.
    pub(crate) fn columns(&self, encoding: TextEncoding) -> Result<SchemaRow, Damage> {
        let mut values = Record::parse(self.payload)?.values();
        let mut next =
            |column| values.next().unwrap_or(Err(Damage::SchemaColumn { column, found: "missing" }));
        let text = |column, value| match value {
            Value::Text(bytes) => Ok(decode_text(bytes, encoding)),
            other => Err(wrong(column, &other)),
        };
        Ok(SchemaRow {
            kind: text("type", next("type")?)?,
            name: text("name", next("name")?)?,
            table_name: text("tbl_name", next("tbl_name")?)?,
            root_page: match next("rootpage")? {
                Value::Null => None,
                Value::Integer(page) => Some(page),
                other => return Err(wrong("rootpage", &other)),
            },
            sql: match next("sql")? {
                Value::Null => None,
                value => Some(text("sql", value)?),
            },
        })
    }

    /// The root of its b-tree; views, triggers and virtual tables have none.
    pub(crate) fn root(&self) -> Result<Option<PageNumber>, Damage> {
        let not_a_root = Damage::PageReference { found: 0, role: "the root of a b-tree" };
        match Record::parse(self.payload)?.values().nth(3).transpose()? {
            None | Some(Value::Null | Value::Integer(0)) => Ok(None),
            Some(Value::Integer(found)) => {
                u32::try_from(found).ok().and_then(PageNumber::new).map(Some).ok_or(not_a_root)
            }
            Some(_) => Err(not_a_root),
        }
    }
}

fn wrong(column: &'static str, found: &Value<'_>) -> Damage {
    let found = match found {
        Value::Null => "NULL",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a real",
        Value::Text(_) => "a text",
        Value::Blob(_) => "a blob",
    };
    Damage::SchemaColumn { column, found }
}

impl<F: FaultSink> Walk<'_, F> {
    /// Gives each row of the schema to `visit`, in the order of the table. What that finds wrong with a row is told as the
    /// fault of its cell.
    ///
    /// It places the pages of the schema: for a walk of its own.
    pub(crate) fn schema_rows(
        &mut self,
        mut visit: impl FnMut(StoredRow<'_>) -> Result<(), Damage>,
    ) -> Result<(), Error> {
        let mut tree = TreeWalk::new(PageNumber::FIRST, Some(true), self.usable_bytes());
        let mut payload = Vec::new();
        while let Some(step) = tree.next(self)? {
            let Step::Page { at, page } = step else { continue };
            if !page.kind.is_leaf() {
                continue;
            }
            for cell in Step::cells(page, at) {
                let (index, cell) = match cell {
                    Ok(cell) => cell,
                    Err(fault) => {
                        self.tell(fault)?;
                        continue;
                    }
                };
                if !self.payload((index, &cell), at.page, &mut payload)? {
                    continue;
                }
                let row = StoredRow { payload: &payload, page: at.page, offset: cell.offset };
                if let Err(damage) = visit(row) {
                    self.tell(Fault::new(at.page, damage).at(cell.offset).of_cell(index))?;
                }
            }
        }
        Ok(())
    }
}
