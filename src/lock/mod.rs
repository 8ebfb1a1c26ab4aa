//! SQLite's locking protocol over byte ranges of the database and of its wal-index.

pub(crate) mod database_lock;
mod lock_holders;
pub(crate) mod lock_style;
pub(crate) mod wal_lock;

pub use crate::attempt::LockHolder;
pub use lock_holders::lock_holders;
pub use lock_style::{LockStyle, UnknownLockStyle};
