//! Waiting for locks: an attempt is made again until it succeeds or the time is over.

use crate::attempt::Attempt;
use crate::error::{Error, Problem, Result};
use crate::lock::lock_holders;
use crate::os::clock::Deadline;
use std::path::Path;
use std::time::{Duration, Instant};

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Makes `attempt` until it is not busy, for as long as `timeout`; without one, for ever.
///
/// The error of a database at `path` that stays busy names who holds its locks.
pub(crate) fn wait_for<T>(
    path: &Path,
    timeout: Option<Duration>,
    mut attempt: impl FnMut() -> Result<Attempt<T>>,
) -> Result<T> {
    let (begin, end) = (Instant::now(), Deadline::after(timeout));
    loop {
        let obstacle = match attempt()? {
            Attempt::Got(got) => return Ok(got),
            Attempt::Busy(obstacle) => obstacle,
        };
        if end.has_passed() {
            let holders = lock_holders(path).unwrap_or_default();
            return Err(Error::new(path, Problem::Busy { waited: begin.elapsed(), obstacle, holders }));
        }
        end.sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Obstacle;
    use crate::error::ErrorKind;

    #[test]
    fn it_ends_with_what_was_got_or_with_the_time() {
        let path = Path::new("app.db");
        let mut left = 3;
        let got = wait_for(path, None, || {
            left -= 1;
            Ok(if left == 0 { Attempt::Got("it") } else { Attempt::Busy(Obstacle::Writer) })
        });
        assert_eq!(got.unwrap(), "it");
        let never = || Ok(Attempt::<()>::Busy(Obstacle::Writer));
        assert_eq!(wait_for(path, Some(Duration::ZERO), never).unwrap_err().kind(), ErrorKind::Busy);
    }
}
