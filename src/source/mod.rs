//! One unchanging view of a live database, whatever state it is found in.

mod change_stamp;
mod database_set;
mod file_watch;
mod frame_index;
mod held;
mod hot_journal;
mod journal_index;
mod open;
mod origin;
mod page_one;
mod rollback_snapshot;
mod snapshot;
mod source_bytes;
mod source_database;
mod source_notes;
mod source_options;
mod version;
mod view;
mod wal_join;
mod wal_snapshot;

pub use database_set::{DatabaseSet, SetMember};
pub use origin::Origin;
pub use source_bytes::SourceBytes;
pub use source_database::Source;
pub use source_notes::{FileDetour, SourceNotes};
pub use source_options::SourceOptions;

pub use change_stamp::ChangeStamp;
pub(crate) use snapshot::{Snapshot, Standing};
#[allow(unused_imports, reason = "for the report of pages")]
pub(crate) use view::PageOrigin;

use crate::error::{Error, Problem};
use crate::format::Damage;
use std::path::Path;

/// The error for a database header that breaks a rule, sorted as SQLite sorts it.
fn header_error(path: &Path, damage: Damage) -> Error {
    Error::new(
        path,
        match damage {
            Damage::ReadVersion { .. } | Damage::WalVersion { .. } => Problem::Unsupported(damage),
            Damage::PageCountBeyondFile { .. } => Problem::Damaged { offset: 0, damage },
            _ => Problem::NotADatabase(damage),
        },
    )
}
