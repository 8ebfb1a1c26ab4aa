//! What there is when a copy is done.

use super::report::CopyReport;
#[cfg(feature = "manifest")]
use crate::manifest::Manifest;

/// A copy that is done: what came of it, and what the target made of it.
///
/// Only [`Backup::run`](crate::Backup::run) and [`Backup::finish`](crate::Backup::finish) give it, so whoever has one has a
/// whole copy.
///
/// # Examples
///
/// ```no_run
/// use litecopy::{CopyOptions, MemoryTarget, quiet};
///
/// let copied = CopyOptions::new().begin("app.db", MemoryTarget::new())?.run(quiet)?;
/// assert_eq!(copied.output.len() as u64, copied.report.size_bytes());
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Copied<O> {
    /// How it went.
    pub report: CopyReport,
    /// What the target gives: the bytes of memory, the writer of a stream; nothing of a file.
    pub output: O,
    /// By what the copy can be checked later, if [that was asked for](crate::CopyOptions::manifest).
    #[cfg(feature = "manifest")]
    pub manifest: Option<Manifest>,
}
