//! Copies a live SQLite database, page by page, without libsqlite3.

mod backup;
mod error;
pub mod format;
pub mod inspect;
pub mod lock;
mod os;
mod side_files;
mod source;
mod target;

pub use backup::{
    Backup, Consistency, CopyOptions, CopyReport, Progress, RunOptions, Status, StepOutcome, copy_database,
};
pub use error::{Error, ErrorKind, Result};
pub use format::{JournalMode, PageSize};
pub use source::{Source, SourceBytes};
pub use target::{FileTarget, MemoryTarget, Target};

/// The examples of the README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
