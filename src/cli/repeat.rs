//! `--every`: the same job again and again, when and only when something was committed.

use std::ops::ControlFlow;
use std::time::Duration;

use litecopy::{ChangeStamp, Error, Source, wait_for_change};

use super::exit_code::Ending;
use super::interrupt;
use super::job::Copied;
use super::output::say_failure;

/// Does the job `once`, which leaves the stamp of what it copied; and, if it is to be done `every` so often, again each time that
/// the source no longer has that stamp. What passes by itself (a lock, a deadline) does not end it.
pub(crate) fn repeat(
    every: Option<Duration>,
    source: impl FnOnce() -> Result<Source, Error>,
    mut once: impl FnMut(&mut Option<ChangeStamp>) -> Ending,
) -> Ending {
    let mut stamp = None;
    let mut ending = once(&mut stamp);
    let Some(every) = every else { return ending };
    let mut source = match source() {
        Ok(source) => source,
        Err(error) => return say_failure(&error),
    };
    let keep_on = || if interrupt::came() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    while matches!(ending, Ending::Done | Ending::StillBusy) {
        ending = match wait_for_change(&mut source, &stamp, every, keep_on) {
            Ok(true) => once(&mut stamp),
            Ok(false) => Ending::Interrupted,
            Err(error) => say_failure(&error),
        };
    }
    ending
}

/// The stamp of the only database that was copied.
pub(crate) fn first_stamp(copied: &[Copied]) -> Option<ChangeStamp> {
    copied.first().and_then(|copied| copied.report.stamp)
}
