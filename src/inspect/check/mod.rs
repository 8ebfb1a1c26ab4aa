//! Whether a database is sound: its structure, and its indexes against its tables, without an engine.
//!
//! | file | duty |
//! |---|---|
//! | `report` | what is asked and what is answered |
//! | `findings` | collects findings, as many as are wanted |
//! | `plan` | from the schema: which b-trees there must be, and what their records hold |
//! | `checker` | goes through everything once, in order |
//! | `side_by_side` | the b-trees of a sound database, on two cores |
//! | `tree` | one b-tree: its pages, its depth, the order of its rowids |
//! | `records` | each record by itself, and its place behind the one before |
//! | `page_space` | whether cells, free blocks and fragments fill a page |
//! | `fields` | the fields of a record |
//! | `key_order` | compares records as SQLite does |
//! | `side_files` | what is wrong with the log, the wal-index and the journal beside a database |
//! | `value_rules` | what a column lets its values be: NULL or not, and of which types |
//! | `digests` | whether an index has the entries that its table's rows need, and which it has not |

mod checker;
mod digests;
mod fields;
mod findings;
mod key_order;
mod page_space;
mod plan;
mod records;
mod report;
mod side_by_side;
mod side_files;
mod tree;
mod value_rules;

pub use checker::check;
pub(super) use digests::Digest;
pub(super) use key_order::compare_values;
pub use report::{CheckOptions, CheckProgress, CheckReport, Finding, Severity};
