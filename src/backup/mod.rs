//! Moves pages from a source to a target, in steps.

mod consistency;
mod copy_database;
mod copy_set;
#[cfg(feature = "manifest")]
mod copy_with_manifest;
#[cfg(feature = "manifest")]
mod known_pages;
#[cfg(feature = "manifest")]
mod manifest_maker;
#[cfg(feature = "manifest")]
mod ordered_hash;
mod pacing;
mod page_cursor;
mod page_mover;
mod page_sums;
mod run;
mod set_backup;
mod stall_watch;
mod step_outcome;
mod stepwise;
mod treatment;
mod wait_for_change;

pub use consistency::{AtLimit, Consistency, HoldLimits};
pub use copy_database::{CopyOptions, copy_database, restore};
pub use run::{CopyReport, Progress, RunOptions};
pub use step_outcome::{Status, StepOutcome};
pub use stepwise::Backup;
pub use treatment::{Fidelity, Treatment};
pub use wait_for_change::wait_for_change;
