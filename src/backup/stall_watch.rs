//! Whether a copy in steps still gets anywhere.
//!
//! Counting restarts, or the pages that they cost, tells nothing: a copy may restart often and still end. What tells is
//! that `remaining` has reached no new minimum for a while. A copy that needs a minute undisturbed is given longer than one that is
//! disturbed every second, so the while is at least twice the longest time between two restarts.

use std::time::{Duration, Instant};

/// For how long there may be no new minimum of `remaining` before stepping is given up.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Watches the lowest count of remaining pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct StallWatch {
    started: Instant,
    begun_again: Instant,
    longest_pass: Duration,
    lowest: u32,
    lowest_since: Instant,
    /// When the last step ended. What is done between steps, by a callback for instance, is not the source's doing.
    last: Instant,
}

impl StallWatch {
    /// Begins to watch.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            started: now,
            begun_again: now,
            longest_pass: Duration::ZERO,
            lowest: u32::MAX,
            lowest_since: now,
            last: now,
        }
    }

    /// A step ended with so many pages left.
    pub(super) fn note(&mut self, remaining: u32, restarted: bool, now: Instant) {
        self.last = now;
        if restarted {
            self.longest_pass = self.longest_pass.max(now.saturating_duration_since(self.begun_again));
            self.begun_again = now;
        }
        if remaining < self.lowest {
            (self.lowest, self.lowest_since) = (remaining, now);
        }
    }

    /// Whether there was no new minimum for that long, or for twice the longest pass if that is longer.
    pub(super) fn is_stalled(&self, patience: Duration) -> bool {
        let patience = patience.max(self.longest_pass.saturating_mul(2));
        self.last.saturating_duration_since(self.lowest_since) > patience
    }

    /// The lowest count so far.
    pub(super) fn lowest(&self) -> u32 {
        self.lowest
    }

    /// How long it has been watched.
    pub(super) fn elapsed(&self) -> Duration {
        self.last.saturating_duration_since(self.started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Plays steps of one second each with so many pages left, a restart before those that are marked; the second at which it
    /// stalls.
    fn stalls_at(steps: impl IntoIterator<Item = (u32, bool)>) -> Option<usize> {
        let start = Instant::now();
        let mut watch = StallWatch::new(start);
        for (second, (remaining, restarted)) in (1..).zip(steps) {
            let now = start + SECOND * u32::try_from(second).unwrap();
            watch.note(remaining, restarted, now);
            if watch.is_stalled(2 * SECOND) {
                return Some(second);
            }
        }
        None
    }

    #[test]
    fn what_is_done_between_steps_is_no_stall() {
        let start = Instant::now();
        let mut watch = StallWatch::new(start);
        for step in 1..5 {
            watch.note(90 - step, false, start + 10 * step * SECOND);
            assert!(!watch.is_stalled(2 * SECOND));
        }
    }

    #[test]
    fn a_copy_that_gets_on_does_not_stall() {
        assert_eq!(stalls_at((0..100).rev().map(|left| (left, false))), None);
    }

    #[test]
    fn one_that_begins_again_and_again_does() {
        assert_eq!(stalls_at((0..100).map(|_| (90, true))), Some(4));
    }

    #[test]
    fn one_that_gets_a_little_further_each_time_does_not() {
        let passes = (0..20).flat_map(|pass| (0..3).map(move |step| (90 - pass - step, step == 0)));
        assert_eq!(stalls_at(passes), None);
    }

    #[test]
    fn a_long_pass_makes_it_patient() {
        let pass = || (0..10).rev().map(|step| (90 + step, step == 9));
        assert_eq!(stalls_at(pass().chain(pass()).chain([(80, false)])), None);
    }
}
