//! What we ask of the operating system, knowing nothing of SQLite.
//!
//! The only floor with `unsafe`, and the only one that sleeps.
//!
//! | file | duty |
//! |---|---|
//! | `bulk_copy` | moves bytes from one file to another within the system, or lets both share them where the file system can |
//! | `clock` | the clock: the one place that sleeps |
//! | `device_reader` | reads a file that was synced back from its device, past the system's cache where that can be had |
//! | `device_sync` | brings what was written to a file to its device |
//! | `durable_file` | a file that appears under its name only when it is whole and safely stored |
//! | `durable_folder` | a folder that appears under its name only when it is whole and safely stored |
//! | `file_identity` | which file this is, whatever it is called, and when it was last changed |
//! | `file_system` | on what kind of file system a file lies, where that matters for locks; and what room is left there |
//! | `host` | on which machine this runs, and as whom |
//! | `left_over` | temporary names of what is being written, and what runs that were killed left under them |
//! | `lock_file` | a file opened in order to lock ranges of it, without ever breaking anyone's locks by closing it |
//! | `lock_list` | the system's own list of locks, where it has one: Linux's `/proc/locks`, and what `/proc` says of open files |
//! | `mounts` | by what way a file is reached, as Linux's list of mounts tells |
//! | `openers` | who has a file open, with a lock or without one, as far as the system tells |
//! | `page_cache` | the system's cache of a file's content, where it can be told to forget |
//! | `parked_files` | where descriptors wait that must not be closed |
//! | `random` | numbers that nobody can foresee, where they need not be secret |
//! | `random_access` | reading bytes at a place, whatever they lie in |
//! | `side_file` | a file beside a database that we write: made with the rights of the database, synced, and gone for good when removed |
//! | `turn` | whose turn it is to put a file in the place of another |
//! | `unfit` | what may lie under a name instead of a file that can be used |
//! | `unnamed_file` | a file that has no name, or none that stays: it is gone when it is closed, whatever happens |
//! | `windows_file` | what Windows tells of a file and does with its name, and the standard library does not |
//! | `place` | a name for a file that is resolved once: the folder, held open, and the last part of the name |
//! | `range_lock` | locks on ranges of a file's bytes, as the system at hand gives them |
//! | `descriptors` | which processes have a file open, by their descriptors, as far as Linux's `/proc` tells |
//! | `lease` | a lease on a file (Linux): had only by who has it open alone; as long as it lasts, nobody else can open it |
//! | `rights` | whose a new file is, and who may use it |

pub(crate) mod bulk_copy;
pub(crate) mod clock;
#[cfg(target_os = "linux")]
mod descriptors;
pub(crate) mod device_reader;
mod device_sync;
pub(crate) mod durable_file;
pub(crate) mod durable_folder;
pub(crate) mod file_identity;
pub(crate) mod file_system;
#[cfg(feature = "evidence")]
pub(crate) mod host;
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
pub(crate) mod turn;
pub(crate) mod unfit;
pub(crate) mod unnamed_file;
#[cfg(windows)]
mod windows_file;
