//! Copies a live SQLite database, page by page, without libsqlite3.
//!
//! litecopy reads the file format itself, takes SQLite's own locks, and hands over a file that SQLite opens as if its own
//! online backup had made it, while other processes go on writing. The source is only ever read: no byte of it changes,
//! no side file appears beside it.
//!
//! # The simplest call
//!
//! ```no_run
//! litecopy::copy_database("app.db", "backup.db")?;
//! # Ok::<(), litecopy::Error>(())
//! ```
//!
//! # Options
//!
//! [`CopyOptions`] says how many pages a step copies, how long to wait and for what. [`begin`](CopyOptions::begin) begins a copy
//! whose progress is told:
//!
//! ```no_run
//! use litecopy::{CopyOptions, FileTarget};
//! use std::ops::ControlFlow;
//! use std::time::Duration;
//!
//! let options = CopyOptions::new().pages_per_step(100).lock_timeout(Duration::from_secs(5));
//! let copied = options.begin("app.db", FileTarget::new("backup.db"))?.run(|progress| {
//!     println!("{} of {} pages left", progress.remaining, progress.page_count);
//!     ControlFlow::Continue(())
//! })?;
//! println!("{} bytes after {} restarts", copied.report.size_bytes(), copied.report.restarts);
//! # Ok::<(), litecopy::Error>(())
//! ```
//!
//! # Sources and targets
//!
//! A source is a path, a member of a [`DatabaseSet`], or [bytes](SourceBytes). A [`Target`] is a [file](FileTarget),
//! [memory](MemoryTarget), a [stream](StreamTarget), or a type of your own; what it makes of a copy is its output:
//!
//! ```no_run
//! use litecopy::{CopyOptions, DatabaseSet, MemoryTarget, StreamTarget, quiet};
//!
//! let options = CopyOptions::new();
//! let image: Vec<u8> = options.begin("app.db", MemoryTarget::new())?.run(quiet)?.output;
//! let set = DatabaseSet::open("app.db")?.attach("logs", "logs.db")?;
//! options.begin(set.member("logs")?, StreamTarget::new(std::io::stdout()))?.run(quiet)?;
//! # Ok::<(), litecopy::Error>(())
//! ```
//!
//! # Files that are not trusted
//!
//! What a file may make us do is bounded by [`Limits`], which [`SourceOptions`] takes to a source:
//!
//! ```no_run
//! use litecopy::{CopyOptions, Limit, Limits, SourceOptions};
//!
//! let mut limits = Limits::new();
//! limits.set(Limit::Pages, 100_000);
//! let options = CopyOptions::new().source(SourceOptions::new().limits(limits));
//! options.copy("upload.db", "checked.db")?;
//! # Ok::<(), litecopy::Error>(())
//! ```
//!
//! # Steps
//!
//! A [`Backup`] can be taken forward by hand, as with `sqlite3_backup_step`:
//!
//! ```no_run
//! use litecopy::{CopyOptions, MemoryTarget, StepOutcome};
//!
//! let mut backup = CopyOptions::new().begin("app.db", MemoryTarget::new())?;
//! while backup.step(100)? != StepOutcome::Done {
//!     // Busy or More: do something else, or sleep.
//! }
//! let image: Vec<u8> = backup.finish()?.output;
//! # Ok::<(), litecopy::Error>(())
//! ```
//!
//! Databases that commit together are copied together: [`DatabaseSet`], [`CopyOptions::copy_set`].
//!
//! Beside the copier stands what it is made of: [`mod@format`] tells what the bytes of database, log, wal-index and
//! journal mean, and [`lock`] who holds which lock.
//!
//! # Floors
//!
//! How the crate is built: each folder of `src/` is a kind of work, and uses only what its row names, and the files that stand
//! above it in the table. A test (`tests/tidy.rs`) reads this table and keeps it.
//!
//! | floor | duty | may use |
//! |---|---|---|
//! | `format` | what the bytes of the four files mean; no I/O | |
//! | `os` | what is asked of the operating system, knowing nothing of SQLite | |
//! | `json_name.rs` | paths and names of the system in JSON | |
//! | `attempt.rs` | got, or busy: what was in the way | |
//! | `limits.rs` | what a file may make us do | `format` |
//! | `error_kind.rs` | the kinds of errors | |
//! | `error.rs` | what can go wrong, sorted by who must act | `format`, `os::unfit` |
//! | `halt.rs` | when work has to end early | `os` |
//! | `side_files.rs` | the names of a database and of its companions | `os` |
//! | `manifest.rs` | what a copy was when it was made | `format` |
//! | `lock` | SQLite's locking protocol over byte ranges | `os`, `format` |
//! | `state` | in which state a database is found | `lock`, `os`, `format` |
//! | `source` | one unchanging view of a live database | `state`, `lock`, `os`, `format` |
//! | `targets` | where pages go, all or nothing | `source`, `state`, `lock`, `os`, `format` |
//! | `walk` | the walk over b-trees, chains, freelist and pointer map | `source`, `format` |
//! | `schema` | what the tables and columns are | `walk`, `source`, `format` |
//! | `rows` | rows, straight from the pages | `schema`, `walk`, `source`, `format` |
//! | `backup` | moves pages from a source to a target, in steps | `walk`, `source`, `targets`, `format`, `os::clock` |
//! | `inspect` | answers questions about files, writes nothing | `rows`, `schema`, `walk`, `source`, `state`, `lock`, `os`, `format` |
//! | `acquire` | bundles of evidence: the files as found, the merged copy, and what proves both | `backup`, `inspect`, `targets`, `source`, `state`, `lock`, `os`, `format` |
//! | `cli` | the command: words in, words out; it uses only what the crate exports | |
//!
//! # What always holds
//!
//! The promises C1 to C12, and how they are kept, are in [the notes](crate::notes::copy_protocol#what-always-holds).

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "evidence")]
mod acquire;
mod attempt;
mod backup;
mod error;
mod error_kind;
pub mod format;
mod halt;
pub mod inspect;
#[cfg(feature = "serde")]
mod json_name;
mod limits;
pub mod lock;
#[cfg(feature = "manifest")]
mod manifest;
mod os;
pub mod rows;
pub mod schema;
mod side_files;
mod source;
mod state;
mod targets;
mod walk;

#[cfg(feature = "evidence")]
pub use acquire::{
    AcquireOptions, AcquireProgress, Acquired, BundleFinding, BundleFindingKind, BundleReport, verify_bundle,
};
pub use attempt::{Attempt, LockHolder, Obstacle};
pub use backup::{
    AtLimit, Backup, Consistency, Copied, CopiedMember, CopyOptions, CopyReport, Fidelity, Progress,
    SetBackup, Status, StepOutcome, copy_database, quiet, restore, wait_for_change,
};
pub use error::{Error, ErrorKind, Result};
pub use format::{JournalMode, PageNumber, PageSize, Shape, SqliteVersion};
pub use halt::{CancelToken, ReportWatch};
pub use inspect::Database;
pub use limits::{Limit, LimitExceeded, Limits, UnknownLimit};
#[cfg(feature = "manifest")]
pub use manifest::Manifest;
#[cfg(all(feature = "manifest", feature = "serde"))]
pub use manifest::ManifestError;
#[cfg(feature = "evidence")]
pub use manifest::{
    Bundle, BundleFile, BundleHeader, BundleHold, BundleJournal, BundleLock, BundleLog, BundleOpeners,
    BundleProcess, FileRole, FileStatus, FoundName,
};
pub use source::{
    ChangeStamp, DatabaseSet, FileDetour, Origin, SetMember, Source, SourceBytes, SourceNotes, SourceOptions,
};
pub use targets::{FileTarget, MemoryTarget, OwnerPolicy, PageOrder, StreamTarget, Target};

/// What the fuzz targets reach that nobody else can.
#[cfg(all(fuzzing, target_os = "linux"))]
#[doc(hidden)]
pub mod seams {
    pub use crate::os::lock_list::locks_in_list;
}

/// What litecopy knows of SQLite's files and locks, one page an artifact: the pages to which the documentation points.
#[cfg(doc)]
pub mod notes {
    include!(concat!(env!("OUT_DIR"), "/notes.rs"));
}

/// The examples of the README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
