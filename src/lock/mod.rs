//! SQLite's locking protocol over byte ranges of the database and of its wal-index.

pub(crate) mod database_lock;
mod lock_holders;
pub(crate) mod lock_style;
pub(crate) mod wal_lock;

pub use lock_holders::{LockHolder, lock_holders};
pub use lock_style::{LockStyle, UnknownLockStyle};

/// What came of a try to lock: nothing here waits.
#[derive(Debug)]
pub(crate) enum Tried<Granted, Kept> {
    /// The lock is held now.
    Granted(Granted),
    /// Somebody is in the way; what was held before still is.
    Busy(Kept),
}
