//! What several fuzz targets share.
//!
//! | file | duty |
//! |---|---|
//! | `files` | the files of one database: taken from the input, laid into a folder, read back |
//! | `folder` | a folder in memory that is emptied for each input |
//! | `in_use` | the locks that a connection in WAL mode holds |
//! | `pages` | a valid database of a few rows, page by page |
//! | `plan` | what an input says: versions of a database, how they came to be, what is damaged |
//! | `side_files` | valid logs, wal-indexes and journals that lead from one version to the next |
//! | `sqlite` | what SQLite itself reads |
//! | `target` | a small database written over files that may hold anything |
//! | `repair` | sums made right again after damage |

pub mod files;
pub mod folder;
pub mod in_use;
pub mod pages;
pub mod plan;
#[path = "../../examples/mutated_sources/repair.rs"]
pub mod repair;
pub mod side_files;
pub mod sqlite;
pub mod target;

use litecopy::{CopyOptions, Limit, Limits, MemoryTarget, Origin, SourceOptions, quiet};

/// More pages than any input holds: only what a header claims could be more.
const MOST_PAGES: i64 = 1 << 12;

/// How everything is read: by the defaults, but for what would only cost time.
pub fn reading() -> SourceOptions {
    let mut limits = Limits::new();
    limits.set(Limit::Pages, MOST_PAGES);
    SourceOptions::new().limits(limits)
}

/// Options of a copy that does not wait.
pub fn options() -> CopyOptions {
    let none = std::time::Duration::ZERO;
    CopyOptions::new().source(reading()).lock_timeout(none).sleep(none).patience(none)
}

/// The logical image of a database, or why there is none.
pub fn image(origin: impl Into<Origin>) -> litecopy::Result<Vec<u8>> {
    Ok(options().begin(origin, MemoryTarget::new())?.run(quiet)?.output)
}
