//! One unchanging view of a live database, whatever state it is found in.
//!
//! | file | duty |
//! |---|---|
//! | `change_stamp` | tells whether something was committed between two looks at a database (C5) |
//! | `database_set` | databases under the names by which one connection would know them: main, and those attached to it |
//! | `file_watch` | whether files were changed while nothing kept anybody from it |
//! | `first_locks` | the locks that a snapshot begins with: on the database file, and on what publishes commits |
//! | `frame_index` | where in the log the newest committed image of each page lies |
//! | `held` | what keeps a view still: the locks that are held, and what has to stand in for those that cannot be |
//! | `hot_journal` | a journal whose writer died: found, decided about, and laid over the file instead of being rolled back (C1) |
//! | `journal_index` | what a rollback would write back: where in a hot journal the image of each page lies, and the size to come back to |
//! | `open` | opens a source by what it comes from |
//! | `origin` | where a database to be copied comes from |
//! | `page_one` | what the first page says of its database, or what we know without it when it is encrypted |
//! | `rollback_snapshot` | the view of a database in rollback mode: the file, as it is or as a hot journal would bring it back, under SHARED |
//! | `side_file` | a log or a journal as it is, to be looked at, whether SQLite would heed it or not |
//! | `snapshot` | a view of a database that does not change while it lasts, whoever writes meanwhile |
//! | `source_bytes` | a database made of bytes that nobody else can change: an image in memory, or what a fuzzer thinks of |
//! | `source_database` | a database to be copied: finds out in what state it is, and gives a snapshot of it at a time |
//! | `source_notes` | what is worth knowing of a source although its copy is right |
//! | `source_options` | how a source is to be read |
//! | `still_files` | all files of a database held still as they lie there, whatever is in them |
//! | `version` | whether a version before the newest is still there: its pages lie in its own frames of the log, and else in the database |
//! | `view` | the bytes of a database as one version has them: the file, under the pages of a hot journal, under the frames of a log |
//! | `wal_join` | joining a live log without writing a byte: which lock to take on the wal-index, and what it can be believed then |
//! | `wal_snapshot` | the view of a database in WAL mode: the file, with the committed frames of its log laid over |

mod change_stamp;
mod database_set;
mod file_watch;
mod first_locks;
mod frame_index;
mod held;
mod hot_journal;
mod journal_index;
mod open;
mod origin;
mod page_one;
mod rollback_snapshot;
mod side_file;
mod snapshot;
mod source_bytes;
mod source_database;
mod source_notes;
mod source_options;
#[cfg(feature = "evidence")]
mod still_files;
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
pub(crate) use side_file::SideFile;
pub(crate) use snapshot::{Snapshot, Standing};
#[cfg(feature = "evidence")]
pub(crate) use source_options::AsFound;
#[cfg(feature = "evidence")]
pub(crate) use still_files::StillFiles;
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
