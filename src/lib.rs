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
//! [`CopyOptions`] says how many pages a step copies, how long to wait and for what, and who is told of the progress:
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use std::time::Duration;
//!
//! let report = litecopy::CopyOptions::new()
//!     .pages_per_step(100)
//!     .lock_timeout(Some(Duration::from_secs(5)))
//!     .copy_with_progress("app.db", "backup.db", |progress| {
//!         println!("{} of {} pages left", progress.remaining, progress.page_count);
//!         ControlFlow::Continue(())
//!     })?;
//! println!("{} bytes, begun again {} times", report.size_bytes(), report.restarts);
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
//! # Pieces
//!
//! A [`Backup`] moves pages from a [`Source`] to a [`Target`] in steps, as `sqlite3_backup_step` does:
//!
//! ```no_run
//! use litecopy::{Backup, MemoryTarget, Source, StepOutcome};
//!
//! let mut backup = Backup::new(Source::open("app.db")?, MemoryTarget::new())?;
//! while backup.step(100)? != StepOutcome::Done {
//!     // Busy or More: do something else, or sleep.
//! }
//! let image: Vec<u8> = backup.into_target().into_bytes();
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
//! | `error.rs` | what can go wrong, sorted by who must act | `format`, `os::unfit` |
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
//! | `cli` | the command: words in, words out; it uses only what the crate exports | |
//!
//! # What always holds
//!
//! The promises C1 to C12, and how they are kept, are in `format-spec-notes/copy-protocol.md`.

mod attempt;
mod backup;
mod error;
pub mod format;
pub mod inspect;
#[cfg(feature = "serde")]
mod json_name;
mod limits;
pub mod lock;
#[cfg(feature = "manifest")]
mod manifest;
mod os;
pub mod schema;
mod side_files;
mod source;
mod targets;
mod walk;

pub use attempt::{Attempt, LockHolder, Obstacle};
pub use backup::{
    AtLimit, Backup, Consistency, CopyOptions, CopyReport, Fidelity, HoldLimits, Progress, RunOptions,
    Status, StepOutcome, Treatment, copy_database, restore, wait_for_change,
};
pub use error::{Error, ErrorKind, Result};
pub use format::{JournalMode, PageNumber, PageSize, Shape};
pub use inspect::Database;
pub use limits::{Limit, LimitExceeded, Limits, UnknownLimit};
#[cfg(feature = "manifest")]
pub use manifest::Manifest;
#[cfg(all(feature = "manifest", feature = "serde"))]
pub use manifest::ManifestError;
pub use source::{ChangeStamp, DatabaseSet, FileDetour, Source, SourceBytes, SourceNotes, SourceOptions};
pub use targets::{FileTarget, InPlaceTarget, MemoryTarget, PageOrder, StreamTarget, Target};

/// The examples of the README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
