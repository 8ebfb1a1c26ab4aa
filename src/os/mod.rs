//! What we ask of the operating system, knowing nothing of SQLite.
//!
//! The only floor with `unsafe`, and the only one that sleeps.

pub(crate) mod bulk_copy;
pub(crate) mod clock;
#[cfg(target_os = "linux")]
mod descriptors;
pub(crate) mod device_reader;
pub(crate) mod durable_file;
pub(crate) mod durable_folder;
pub(crate) mod file_identity;
pub(crate) mod file_system;
#[cfg(target_os = "linux")]
mod lease;
mod left_over;
pub(crate) mod lock_file;
pub(crate) mod lock_list;
pub(crate) mod mounts;
pub(crate) mod openers;
mod page_cache;
mod parked_files;
pub(crate) mod place;
pub(crate) mod random;
pub(crate) mod random_access;
pub(crate) mod range_lock;
pub(crate) mod rights;
pub(crate) mod side_file;
pub(crate) mod unfit;
#[cfg(windows)]
mod windows_file;
