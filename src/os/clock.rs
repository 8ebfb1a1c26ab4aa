//! The clock: the one place that sleeps.

use std::time::{Duration, Instant};

/// A point in time after which nobody waits any longer; `None` in it means "never".
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// The point that lies `wait` from now; without `wait`, or so far away that the clock cannot tell it, never.
    pub(crate) fn after(wait: Option<Duration>) -> Self {
        Self(wait.and_then(|wait| Instant::now().checked_add(wait)))
    }

    /// Whether it has passed.
    pub(crate) fn has_passed(self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }

    /// Sleeps for `pause`, but not beyond this deadline.
    pub(crate) fn sleep(self, pause: Duration) {
        let left = self.0.map_or(pause, |end| end.saturating_duration_since(Instant::now()));
        std::thread::sleep(pause.min(left));
    }

    /// The earlier of the two.
    pub(crate) fn earlier(self, other: Self) -> Self {
        Self(match (self.0, other.0) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_without_an_end_never_passes() {
        assert!(!Deadline::after(None).has_passed());
        assert!(!Deadline::after(Some(Duration::MAX)).has_passed());
        assert!(Deadline::after(Some(Duration::ZERO)).has_passed());
    }

    #[test]
    fn the_earlier_end_wins_and_no_end_loses() {
        let soon = Deadline::after(Some(Duration::ZERO));
        let never = Deadline::after(None);
        assert!(never.earlier(soon).has_passed());
        assert!(soon.earlier(never).has_passed());
        assert!(!never.earlier(never).has_passed());
    }
}
