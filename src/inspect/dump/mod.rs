//! The dump: SQL text that any SQLite reads back, also of a damaged database. `[dump.md]`
//!
//! | file | duty |
//! |---|---|
//! | `dumper` | all of it in order: pragmas, tables with their rows, what is lost, what hangs on them |
//! | `objects` | what hangs on tables: indexes, views, triggers, virtual tables |
//! | `report` | options, and what was written and missed |
//! | `statement` | whether a statement of the schema may be written as it is |
//! | `sql_text` | SQL as it is put together, statement by statement |
//! | `row_form` | how the rows of a table are written |
//! | `row_judge`, `row_key` | which rows SQLite would refuse, and which keys two of them have |
//! | `literal`, `number` | names and values as SQL |
//! | `orphans` | leaves that no interior page leads to any more, and whose they are |
//! | `lost_table` | the table of rows that belong to no other, or that theirs would refuse |

mod dumper;
mod literal;
mod lost_table;
mod number;
mod objects;
mod orphans;
mod report;
mod row_form;
mod row_judge;
mod row_key;
mod sql_text;
mod statement;

pub use dumper::dump;
pub use report::{DumpOptions, DumpProgress, DumpReport};
