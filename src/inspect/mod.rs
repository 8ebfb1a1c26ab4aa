//! Answers questions about database files; writes nothing.
//!
//! Two principles: nothing is changed, and as much as possible of a damaged file is decoded. Damage is therefore a part
//! of a report and not an error; an error is only what keeps us from looking at all.
//!
//! | file | duty |
//! |---|---|
//! | `database` | a database opened for reading: one snapshot of it, which the reports are made from |
//! | `database_report` | the whole of a database: its file, its side files, and who holds locks on it |
//! | `damage_report` | something that is wrong with a file, as reports tell it |
//! | `found_header` | the database header as it is found, made usable where it breaks a rule, with the rules that it breaks |
//! | `header_report` | the database header, every field as it is stored, also where SQLite would refuse it |
//! | `journal_report` | the rollback journal: whether it is hot, and what it would bring back |
//! | `lock_report` | who holds which lock on a database, and what the readers of its log keep from happening |
//! | `log_hold` | keeps a log still while it is read, as every reader of SQLite does |
//! | `named_file` | which file is meant where a database may be named, or one of its side files itself |
//! | `owners` | the b-trees of a database: whose they are, and where each begins |
//! | `page_numbers` | the numbers of a b-tree page: those that SQLite's `dbstat` table has of it. [inspection.md#numbers-of-a-page](crate::notes::inspection#numbers-of-a-page) |
//! | `page_owners` | whose some pages of a database are: those that are asked for, whatever the size of the database |
//! | `page_use` | what a page of a database is used for, and where its content comes from |
//! | `pages_report` | what each page of a database is used for, whose it is, and how full |
//! | `reading` | what all reports share: a file being looked at, and the list of what is wrong with it |
//! | `schema_report` | the schema: which tables, indexes, views and triggers a database has, as one committed version of it says |
//! | `seen_version` | the version of a database that a copy would have: its size, mode, header and schema |
//! | `space_report` | what fills a database: pages and bytes of each table and index |
//! | `survey` | goes through a whole database once, and tells what each page is used for |
//! | `tables` | the tables of a database, and their rows |
//! | `verify_report` | whether a copy is still what its manifest says |
//! | `waiting` | waiting for locks: an attempt is made again until it succeeds or the time is over |
//! | `wal_index_report` | the wal-index: what the connections of a database in WAL mode tell each other |
//! | `wal_owners` | whose the pages of a commit are: as of the version that it made, where the log is not too long for that |
//! | `wal_parts` | what a log is made of, as reports: its header, its commits, its frames, and its end |
//! | `wal_report` | the write-ahead log: its header, how many of its frames count, and where and why the valid ones end |
//! | `wal_scan` | reads a log once from its first frame on: where the valid frames end, and which frame of each page is the newest |
//! | `wal_timeline` | the log as a timeline of commits, or frame by frame; where it ends, and why |
//! | `check` | whether a database is sound: its structure, and its indexes against its tables, without an engine |
//! | `page_map` | maps of the pages of a database: as a page for browsers, as a picture for documents, as blocks for a terminal |
//! | `journal_contents` | the rollback journal whole: whether it is hot and why, its segments, and its records |
//! | `journal_segments` | the segments and records of a rollback journal: those that a rollback would write back, and all that can be told behind them |
//! | `shm_comparison` | compares a wal-index with its log: the header with the last commit, and each hash block with the frames |
//! | `shm_contents` | the wal-index whole: both copies of its header, marks and locks, and whether it is what the log says |
//! | `shm_header` | a copy of the header of a wal-index, as it is stored |
//! | `page_content` | one page, decoded: its header, its cells with their values, and what each of its bytes is |
//! | `page_parts` | what each byte of a page is: parts that together cover the page |
//! | `diff` | what differs between two databases, or two versions of one: pages, and rows by table. [inspection.md#differences](crate::notes::inspection#differences) |
//! | `deleted` | rows that were deleted, from free space, the log and a journal |
//! | `dump` | the dump: SQL text that any SQLite reads back, also of a damaged database. `[dump.md]` |

mod check;
mod damage_report;
mod database;
mod database_report;
mod deleted;
mod diff;
mod dump;
mod found_header;
mod header_report;
mod journal_contents;
mod journal_report;
mod journal_segments;
mod lock_report;
mod log_hold;
mod named_file;
mod owners;
mod page_content;
pub mod page_map;
mod page_numbers;
mod page_owners;
mod page_parts;
mod page_use;
mod pages_report;
mod reading;
mod schema_report;
mod seen_version;
mod shm_comparison;
mod shm_contents;
mod shm_header;
mod space_report;
mod survey;
mod tables;
#[cfg(feature = "manifest")]
mod verify_report;
mod waiting;
mod wal_index_report;
mod wal_owners;
mod wal_parts;
mod wal_report;
mod wal_scan;
mod wal_timeline;

#[cfg(feature = "serde")]
pub use crate::json_name::JsonName;
pub use crate::schema::SchemaEntry;
pub use crate::state::journal::JournalState;
pub use crate::walk::FindingKind;
pub use check::{CheckOptions, CheckProgress, CheckReport, Finding, Severity, check};
pub use damage_report::DamageReport;
pub use database::Database;
pub use database_report::{DatabaseReport, inspect_database, inspect_database_with};
pub use deleted::{DeletedOptions, DeletedProgress, DeletedRow, Found, FoundIn, deleted_rows, row_history};
pub use diff::{
    DiffReport, NotCompared, PageDifference, RowChange, RowChangeKind, RowChanges, TableDifference, diff,
    row_changes,
};
pub use dump::{DumpOptions, DumpProgress, DumpReport, dump};
pub use header_report::HeaderReport;
pub use journal_contents::{JournalContents, JournalVerdict, inspect_journal};
pub use journal_report::JournalReport;
pub use journal_segments::{JournalRecordReport, JournalSegment};
pub use lock_report::{LockReport, PinnedLog, ReadMark, inspect_locks};
pub use owners::Owner;
pub use page_content::{CellContent, Extent, MapEntry, PageContent, PageHeader, StoredRecord, page};
pub use page_parts::{Part, PartKind};
pub use page_use::PageUse;
pub use pages_report::{PageFrom, PageReport, PagesReport, pages};
pub use schema_report::{LeftOut, SchemaReport, inspect_schema};
pub use seen_version::PageCountSource;
pub use shm_contents::{ShmContents, inspect_shm};
pub use shm_header::ShmHeader;
pub use space_report::{OwnerSpace, SpaceReport, space};
#[cfg(feature = "manifest")]
pub use verify_report::{PageRange, VerifyReport, verify_copy};
#[cfg(feature = "evidence")]
pub(crate) use waiting::wait_for;
pub use wal_index_report::WalIndexReport;
pub use wal_owners::CommitOwners;
pub use wal_parts::{WalCommit, WalEnd, WalEndReason, WalFrameReport, WalFrameState, WalHeaderReport};
pub use wal_report::WalReport;
pub use wal_timeline::{WalCommits, WalFrames, WalTimeline};
