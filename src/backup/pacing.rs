//! How long to pause between two steps: so that a rate is kept, and that writers who wait get their turn.

use std::time::Duration;

/// The first pause for a writer, and the longest: each in a row is twice the one before.
const FIRST_TURN: Duration = Duration::from_millis(1);
const LONGEST_TURN: Duration = Duration::from_millis(64);

/// How many pages of the usual 4,096 bytes to take at a step at a rate, so that a pause is a quarter of a second: a copy that
/// is to be stopped ends within one.
pub(super) fn pages_at(bytes_per_second: u64) -> i32 {
    i32::try_from(bytes_per_second / 4 / 4096).unwrap_or(i32::MAX).clamp(1, 1_000)
}

/// Tells the pauses of one copy. It only reckons: the time is told to it, and others sleep.
#[derive(Debug)]
pub(super) struct Pacing {
    bytes_per_second: Option<u64>,
    gentle: bool,
    /// The time, from the start, at which all bytes so far would have been moved at the rate.
    due: Duration,
    moved_bytes: u64,
    /// The pause that the last writer got who was seen to wait; zero when none was.
    turn: Duration,
}

/// What was seen at the end of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// All bytes that were moved since the start.
    pub(super) moved_bytes: u64,
    /// When the step began and when it ended, from the start.
    pub(super) begun: Duration,
    pub(super) ended: Duration,
    /// Whether a writer waits for us to let the source go, or has begun a transaction.
    pub(super) writer_waits: bool,
}

impl Pacing {
    /// Without a rate, and not gentle, there is no pause. A rate of 0 is kept as 1 byte a second.
    pub(super) fn new(bytes_per_second: Option<u64>, gentle: bool) -> Self {
        Self { bytes_per_second, gentle, due: Duration::ZERO, moved_bytes: 0, turn: Duration::ZERO }
    }

    /// Whether it makes a difference to it that a writer waits.
    pub(super) fn heeds_writers(&self) -> bool {
        self.gentle
    }

    /// How long to pause after a step.
    pub(super) fn pause(&mut self, seen: Seen) -> Duration {
        self.turn = match (self.gentle && seen.writer_waits, self.turn) {
            (false, _) => Duration::ZERO,
            (true, Duration::ZERO) => FIRST_TURN,
            (true, turn) => turn.saturating_mul(2).min(LONGEST_TURN),
        };
        self.until_due(seen).max(self.turn)
    }

    fn until_due(&mut self, seen: Seen) -> Duration {
        let bytes = seen.moved_bytes.saturating_sub(self.moved_bytes);
        self.moved_bytes = seen.moved_bytes;
        let Some(rate) = self.bytes_per_second else { return Duration::ZERO };
        let micros = u128::from(bytes).saturating_mul(1_000_000) / u128::from(rate.max(1));
        let takes = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        // Time that went by before the step, waiting for a lock perhaps, is not made up for by a burst.
        self.due = self.due.max(seen.begun).saturating_add(takes);
        self.due.saturating_sub(seen.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A clock that only these tests move.
    struct Simulated {
        pacing: Pacing,
        now: Duration,
        moved_bytes: u64,
    }

    impl Simulated {
        fn new(bytes_per_second: Option<u64>, gentle: bool) -> Self {
            Self { pacing: Pacing::new(bytes_per_second, gentle), now: Duration::ZERO, moved_bytes: 0 }
        }

        /// A step that moves so much in such a time, and the pause after it.
        fn step(&mut self, bytes: u64, takes: Duration, writer_waits: bool) -> Duration {
            let begun = self.now;
            self.moved_bytes += bytes;
            let ended = begun + takes;
            let seen = Seen { moved_bytes: self.moved_bytes, begun, ended, writer_waits };
            let pause = self.pacing.pause(seen);
            self.now = ended + pause;
            pause
        }
    }

    #[test]
    fn without_a_rate_nothing_is_paused() {
        let mut run = Simulated::new(None, false);
        assert_eq!(run.step(1 << 40, MS, true), Duration::ZERO);
    }

    #[test]
    fn a_rate_is_kept_however_long_the_steps_take() {
        let mut run = Simulated::new(Some(1_000_000), false);
        for takes in [0, 1, 5, 9, 10] {
            // 10,000 bytes are due after 10 ms.
            assert_eq!(run.step(10_000, takes * MS, true), (10 - takes) * MS);
        }
        assert_eq!(run.now, 50 * MS);
    }

    #[test]
    fn a_step_slower_than_the_rate_is_not_paused_after_and_gives_no_credit() {
        let mut run = Simulated::new(Some(1_000_000), false);
        assert_eq!(run.step(10_000, 500 * MS, false), Duration::ZERO);
        assert_eq!(run.step(10_000, MS, false), 9 * MS);
        run.now += 1000 * MS; // The source was busy meanwhile.
        assert_eq!(run.step(10_000, MS, false), 9 * MS);
    }

    #[test]
    fn a_writer_that_waits_gets_longer_and_longer_turns_up_to_a_bound() {
        let mut run = Simulated::new(None, true);
        let turns: Vec<_> = (0..9).map(|_| run.step(1, MS, true)).collect();
        assert_eq!(turns, [1, 2, 4, 8, 16, 32, 64, 64, 64].map(|turn| turn * MS));
        assert_eq!(run.step(1, MS, false), Duration::ZERO);
        assert_eq!(run.step(1, MS, true), FIRST_TURN);
    }

    #[test]
    fn steps_are_as_small_as_a_rate_needs_them() {
        assert_eq!([0, 1, 1_000_000, 50_000_000, u64::MAX].map(pages_at), [1, 1, 61, 1_000, 1_000]);
    }

    #[test]
    fn of_both_pauses_the_longer_one_counts() {
        let mut run = Simulated::new(Some(1_000_000), true);
        assert_eq!(run.step(10_000, Duration::ZERO, true), 10 * MS);
        assert_eq!(run.step(100, Duration::ZERO, true), 2 * MS);
    }

    #[test]
    fn no_rate_and_no_size_overflows() {
        let mut run = Simulated::new(Some(0), false);
        assert!(run.step(5, Duration::ZERO, false) >= Duration::from_secs(5));
        let mut pacing = Pacing::new(Some(1), true);
        let seen = |moved_bytes| Seen { moved_bytes, begun: MS, ended: MS, writer_waits: false };
        pacing.pause(seen(u64::MAX));
        assert_eq!(pacing.pause(seen(0)), pacing.due - MS);
    }
}
