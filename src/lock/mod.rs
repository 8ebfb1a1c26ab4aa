//! SQLite's locking protocol over byte ranges of the database and of its wal-index.
//!
//! | file | duty |
//! |---|---|
//! | `database_lock` | the locks on the database file, each a guard that owns the file: UNLOCKED, SHARED, RESERVED, PENDING, EXCLUSIVE |
//! | `lock_holders` | who holds which of SQLite's locks on a database, as far as the system tells |
//! | `lock_style` | by what kind of lock a database is read: SQLite has several, and all who use a database must use the same |
//! | `wal_lock` | the read locks on the wal-index, and the sign that somebody alive uses it |

pub(crate) mod database_lock;
mod lock_holders;
pub(crate) mod lock_style;
pub(crate) mod wal_lock;

pub use crate::attempt::LockHolder;
pub use lock_holders::lock_holders;
pub use lock_style::{LockStyle, UnknownLockStyle};
