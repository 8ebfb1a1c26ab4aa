//! Moves pages from a source to a target, in steps.

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
