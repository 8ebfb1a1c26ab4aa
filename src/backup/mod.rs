//! Moves pages from a source to a target, in steps.

mod copy_database;
mod copy_set;
mod page_cursor;
mod page_mover;
mod page_sums;
mod run;
mod set_backup;
mod stepwise;
mod treatment;

pub use copy_database::{CopyOptions, copy_database};
pub use run::{CopyReport, Progress, RunOptions};
pub use stepwise::{Backup, Consistency, Status, StepOutcome};
pub use treatment::{Fidelity, Treatment};
