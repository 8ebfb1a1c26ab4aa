//! Moves pages from a source to a target, in steps.
//!
//! | file | duty |
//! |---|---|
//! | `backup` | a copy in steps: what SQLite's online backup does, with a restart when the source moved |
//! | `consistency` | what is held between the steps of a copy, and for how long at most |
//! | `copied` | what there is when a copy is done |
//! | `copy_database` | what can be done with a database in one call, and how a copy begins |
//! | `copy_options` | how a copy is to be made: every option, in one place |
//! | `course` | what is held between the steps of a copy, and what is tried when steps make no progress |
//! | `known_pages` | pages that the target is known to have already, by the sums of an older manifest |
//! | `lane` | one database on its way to one target: the source, the snapshot at hand, and how far its pages have come |
//! | `manifest_maker` | makes the manifest of a copy while that is read back |
//! | `ordered_hash` | the SHA-256 of a copy, from its pages as they pass by, as long as they come in order |
//! | `pacing` | how long to pause between two steps: so that a rate is kept, and that writers who wait get their turn |
//! | `page_cursor` | which page comes next, and in what runs pages are moved |
//! | `page_mover` | moves pages from a snapshot to a target, run by run, and treats them on the way |
//! | `page_sums` | the CRC32 of each page as it was written, and the comparison with what the target gives back |
//! | `report` | what a finished copy came to |
//! | `run` | runs a copy in steps to its end: waiting, reporting, giving up |
//! | `set_backup` | the copy of several databases as of one instant |
//! | `stall_watch` | whether a copy in steps still gets anywhere |
//! | `step_outcome` | what a step came to, in our words and in SQLite's numbers; and how far the copy is then |
//! | `treatment` | what is done to the pages of a copy on their way, beyond moving them |
//! | `wait_for_change` | waits until something is committed, for copies that are made again and again |

#[expect(clippy::module_inception, reason = "it is the main thing of this floor")]
mod backup;
mod consistency;
mod copied;
mod copy_database;
mod copy_options;
mod course;
mod lane;
#[cfg(feature = "manifest")]
mod manifest_maker;
mod pacing;
mod page_cursor;
mod page_mover;
mod page_sums;
mod report;
mod run;
mod set_backup;
mod stall_watch;
mod step_outcome;
mod treatment;
mod wait_for_change;

pub use backup::Backup;
pub use consistency::{AtLimit, Consistency};
pub use copied::Copied;
pub use copy_database::{copy_database, restore};
pub use copy_options::CopyOptions;
pub use report::CopyReport;
pub use set_backup::{CopiedMember, SetBackup};
pub use step_outcome::{Progress, Status, StepOutcome, quiet};
pub use treatment::Fidelity;
pub use wait_for_change::wait_for_change;
