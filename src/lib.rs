//! Copies a live SQLite database, page by page, without libsqlite3.

mod backup;
mod error;
pub mod format;
pub mod lock;
mod os;
mod side_files;
mod source;
mod target;

pub use backup::{
    Backup, Consistency, CopyOptions, CopyReport, Progress, RunOptions, Status, StepOutcome, copy_database,
};
pub use error::{Error, ErrorKind, Result};
pub use source::{Source, SourceBytes};
pub use target::{FileTarget, MemoryTarget, Target};
