//! What differs between two databases, or two versions of one: pages, and rows by table. [inspection.md#differences](crate::notes::inspection#differences)
//!
//! | file | duty |
//! |---|---|
//! | `page_difference` | which pages are not the same |
//! | `changed_chains` | whether rows can have changed without their leaves |
//! | `table_pairs` | which tables stand for each other, and how their rows are ordered |
//! | `row_key` | how two rows of a pair stand to each other |
//! | `row_changes` | the rows that differ, table by table |
//! | `report` | all of it in numbers |

mod changed_chains;
mod page_difference;
mod report;
mod row_changes;
mod row_key;
mod table_pairs;

pub use page_difference::PageDifference;
pub use report::{DiffReport, TableDifference, diff};
pub use row_changes::{RowChange, RowChangeKind, RowChanges, row_changes};
pub use table_pairs::NotCompared;
