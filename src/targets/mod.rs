//! Where pages go: a new file that appears whole or not at all, a database that is written over in place, memory, or a stream.
//!
//! | file | duty |
//! |---|---|
//! | `target` | what every target can do, also one of somebody's own |
//! | `internals`, `any_target` | what only ours can do, and any target asked for it |
//! | `file_target` | a path: one of the two below, as the options say |
//! | `new_file`, `old_file` | a new file, and what may stand under its name |
//! | `in_place_target`, `in_place_lock` | a database that is there, and the way into it |
//! | `journaled_writer`, `protecting_journal` | behind a journal that SQLite rolls back |
//! | `log_writer`, `new_frames`, `frame_sums`, `index_writer` | by one transaction in the log of those who are connected |
//! | `old_database`, `settle` | a database that nobody uses, and what a dead writer left beside it |
//! | `new_folder` | a new folder that appears whole or not at all |
//! | `folder_target` | several new files in a new folder |
//! | `memory_target`, `stream_target` | bytes in memory, a writer |
//! | `owner_policy` | whose a new file is |
//! | `spool` | what is kept of a copy until a stream takes it |
//! | `source_guard` | no target is its source |

mod any_target;
mod file_target;
mod folder_target;
mod frame_sums;
mod in_place_lock;
mod in_place_target;
mod index_writer;
mod internals;
mod journaled_writer;
mod log_writer;
mod memory_target;
mod new_file;
mod new_folder;
mod new_frames;
mod old_database;
mod old_file;
mod owner_policy;
mod protecting_journal;
mod settle;
mod source_guard;
mod spool;
mod stream_target;
mod target;

pub use file_target::FileTarget;
pub use memory_target::MemoryTarget;
pub use owner_policy::OwnerPolicy;
pub use stream_target::StreamTarget;
pub use target::{PageOrder, Target};

pub(crate) use any_target::AnyTarget;
pub(crate) use folder_target::FolderTarget;
pub(crate) use internals::FileOptions;
#[cfg(feature = "evidence")]
pub(crate) use new_folder::NewFolder;
pub(crate) use old_database::in_use;
pub(crate) use spool::Spool;
