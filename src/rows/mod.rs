//! Rows: the values of tables straight from the pages, also of damaged databases. [rows.md](crate::notes::rows)
//!
//! | file | duty |
//! |---|---|
//! | `record_reader` | every record of one b-tree, in the order of its keys, past what is broken |
//! | `row_layout` | which field of a record is which column of its table |
//! | `row` | one row: its rowid, and its values as SELECT gives them |
//! | `sql_value` | one value, and its form in JSON |
//! | `missed` | what could not be read, and why |
//! | `table_rows` | the rows of a table |

mod missed;
mod record_reader;
mod row;
mod row_layout;
mod sql_value;
mod table_rows;

pub use missed::Missed;
pub(crate) use missed::MissedPlaces;
pub(crate) use record_reader::{RecordReader, StoredRecord};
pub use row::Row;
#[cfg(feature = "serde")]
pub(crate) use row::{KnownValues, ValuesByName};
pub(crate) use row_layout::RowLayout;
pub use sql_value::SqlValue;
pub(crate) use sql_value::add_hex;
pub use table_rows::{Rows, TableReader};
