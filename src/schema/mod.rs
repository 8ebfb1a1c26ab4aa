//! The schema: what the rows of `sqlite_schema` say about tables and indexes, without an engine. [schema.md](crate::notes::schema)
//!
//! | file | duty |
//! |---|---|
//! | `entry` | a row of `sqlite_schema` |
//! | `catalog` | all rows together: [`Schema`] |
//! | `table`, `index` | what a table and an index are, and which field of a record is which column |
//! | `definition` | what a `CREATE TABLE` or `CREATE INDEX` statement says |
//! | `ending` | whether a text is one statement |
//! | `faults` | what in a schema keeps SQLite from opening the database |
//! | `cursor`, `token` | the words of such a statement |
//! | `affinity`, `collation`, `default_value` | what a column does to its values |
//!
//! Nothing here reads a file, and nothing here recurses: an expression is only skipped by its parentheses.

mod affinity;
mod catalog;
mod collation;
mod cursor;
mod default_value;
mod definition;
mod ending;
mod entry;
mod faults;
mod index;
mod table;
mod token;

pub use affinity::Affinity;
pub use catalog::Schema;
pub use collation::Collation;
pub use default_value::DefaultValue;
pub(crate) use default_value::is_number;
pub use definition::Generated;
pub(crate) use ending::{Ending, statement_ending};
pub use entry::SchemaEntry;
pub(crate) use faults::{SchemaFault, schema_faults, statement_faults};
pub use index::{Index, IndexColumn, IndexTerm};
pub use table::{Column, KeyColumn, Table};
