//! A database made of bytes that nobody else can change: an image in memory, or what a fuzzer thinks of.

use crate::os::random_access::ReadAt;
use std::io;
use std::sync::Arc;

/// A database and its side files as bytes; an empty side file is as good as none.
///
/// ```no_run
/// use litecopy::{MemoryTarget, SourceBytes, CopyOptions, quiet};
///
/// # fn main() -> litecopy::Result<()> {
/// // A database and its log, as they were uploaded.
/// # let (database, wal) = (Vec::new(), Vec::new());
/// let upload = SourceBytes { database, wal, journal: Vec::new() };
/// let image = CopyOptions::new().begin(upload, MemoryTarget::new())?.run(quiet)?.output;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceBytes {
    /// The database file.
    pub database: Vec<u8>,
    /// The write-ahead log, `-wal`.
    pub wal: Vec<u8>,
    /// The rollback journal, `-journal`.
    pub journal: Vec<u8>,
}

/// The log among such bytes.
#[derive(Debug)]
pub(super) struct WalOf(pub(super) Arc<SourceBytes>);

impl ReadAt for WalOf {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.wal.read_at(buffer, offset)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        self.0.wal.size_bytes()
    }
}

/// The journal among such bytes.
#[derive(Debug)]
pub(super) struct JournalOf(pub(super) Arc<SourceBytes>);

impl ReadAt for JournalOf {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.journal.read_at(buffer, offset)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        self.0.journal.size_bytes()
    }
}
