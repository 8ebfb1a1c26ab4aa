//! Answers questions about database files; writes nothing.
//!
//! Two principles: nothing is changed, and as much as possible of a damaged file is decoded. Damage is therefore a part
//! of a report and not an error; an error is only what keeps us from looking at all.

mod check;
mod database;
mod database_report;
mod found_header;
mod header_report;
mod journal_contents;
mod journal_report;
mod journal_segments;
mod lock_report;
mod log_hold;
mod named_file;
mod owners;
pub mod page_map;
mod page_numbers;
mod page_owners;
mod page_use;
mod pages_report;
mod reading;
mod schema_report;
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
pub use crate::walk::FindingKind;
pub use check::{CheckOptions, CheckProgress, CheckReport, Finding, Severity, check};
pub use database::Database;
pub use database_report::{
    DamageReport, DatabaseReport, PageCountSource, inspect_database, inspect_database_with,
};
pub use header_report::HeaderReport;
pub use journal_contents::{JournalContents, JournalVerdict, inspect_journal};
pub use journal_report::{JournalReport, JournalState};
pub use journal_segments::{JournalRecordReport, JournalSegment};
pub use lock_report::{LockReport, PinnedLog, ReadMark, inspect_locks};
pub use owners::Owner;
pub use page_use::PageUse;
pub use pages_report::{PageFrom, PageReport, PagesReport, pages};
pub use schema_report::{LeftOut, SchemaReport, inspect_schema};
pub use shm_contents::{ShmContents, inspect_shm};
pub use shm_header::ShmHeader;
pub use space_report::{OwnerSpace, SpaceReport, space};
#[cfg(feature = "manifest")]
pub use verify_report::{PageRange, VerifyReport, verify_copy};
pub use wal_index_report::WalIndexReport;
pub use wal_owners::CommitOwners;
pub use wal_parts::{WalCommit, WalEnd, WalEndReason, WalFrameReport, WalFrameState, WalHeaderReport};
pub use wal_report::WalReport;
pub use wal_timeline::{WalCommits, WalFrames, WalTimeline};
