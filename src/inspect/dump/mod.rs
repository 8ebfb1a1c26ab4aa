//! The dump: SQL text that any SQLite reads back, also of a damaged database. `[dump.md]`
//!
//! | file | duty |
//! |---|---|
//! | `dumper` | all of it in order: pragmas, tables with their rows, what is lost, indexes, views, triggers, virtual tables |
//! | `report` | options, and what was written and missed |
//! | `statement` | whether a statement of the schema may be written as it is |
//! | `literal` | names and values as SQL |
//! | `orphans` | leaves that no interior page leads to any more, and whose they are |

mod dumper;
mod literal;
mod orphans;
mod report;
mod statement;

pub use dumper::dump;
pub use report::{DumpOptions, DumpProgress, DumpReport};
