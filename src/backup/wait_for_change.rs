//! Waits until something is committed, for copies that are made again and again.

use crate::error::Result;
use crate::os::clock::Deadline;
use crate::source::{ChangeStamp, Source};
use std::ops::ControlFlow;
use std::time::Duration;

/// The longest time in which `keep_on` is not asked, and the shortest between two looks.
const ANSWER: Duration = Duration::from_millis(100);

/// Looks at `source` every `interval`, but at most ten times a second, the first time after one interval. Returns `true` when its
/// content is no longer that of `stamp`, or `false` when `keep_on`, which is asked at least ten times a second, says [`ControlFlow::Break`].
///
/// A look takes the locks of a short read and lets them go. One that finds the source locked counts for nothing.
///
/// # Errors
///
/// Whatever keeps the source from being read.
///
/// # Examples
///
/// ```no_run
/// use litecopy::{CopyOptions, Source, wait_for_change};
/// use std::ops::ControlFlow;
/// use std::time::Duration;
///
/// let options = CopyOptions::new().replace(true);
/// let mut source = Source::open("app.db")?;
/// loop {
///     let report = options.copy("app.db", "backup.db")?;
///     wait_for_change(&mut source, &report.stamp, Duration::from_secs(10), || ControlFlow::Continue(()))?;
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn wait_for_change(
    source: &mut Source,
    stamp: &Option<ChangeStamp>,
    interval: Duration,
    mut keep_on: impl FnMut() -> ControlFlow<()>,
) -> Result<bool> {
    loop {
        let end = Deadline::after(Some(interval.max(ANSWER)));
        while !end.has_passed() {
            if keep_on().is_break() {
                return Ok(false);
            }
            end.sleep(ANSWER);
        }
        match (stamp, source.stamp()?) {
            (Some(before), Some(now)) if before.same_content(&now) => {}
            (_, Some(_)) => return Ok(true),
            (_, None) => {}
        }
    }
}
