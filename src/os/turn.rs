//! Whose turn it is to put a file in the place of another: runs of litecopy that do so in one folder queue here.
//!
//! Each of them opens the old file, and refuses to replace it when somebody else has it open. At the same moment all would meet each
//! other, and all would refuse. So whoever opens it does so while it holds a lock (`flock`) on the folder, and has closed it when
//! that is let go (`[targets.md#replacing-a-file]`).

use super::place::Place;

/// Held while the old file is open.
#[derive(Debug)]
#[must_use = "the turn is over when it is dropped"]
pub(crate) struct Turn {
    #[cfg(unix)]
    _folder: Option<std::fs::File>,
}

impl Turn {
    /// Waits for our turn in the folder of `place`, but not for long: somebody else may have locked the folder for reasons of
    /// their own, and not every file system has such locks. Then we go on without.
    #[cfg(unix)]
    pub(crate) fn wait(place: &Place) -> Self {
        use super::clock::Deadline;
        use std::fs::TryLockError;
        use std::time::Duration;
        /// Each run before us takes a few milliseconds.
        const PATIENCE: Duration = Duration::from_millis(500);
        const PAUSE: Duration = Duration::from_millis(2);

        let Ok(folder) = place.folder().to_lock() else { return Self { _folder: None } };
        let deadline = Deadline::after(Some(PATIENCE));
        loop {
            match folder.try_lock() {
                Ok(()) => return Self { _folder: Some(folder) },
                Err(TryLockError::WouldBlock) if !deadline.has_passed() => deadline.sleep(PAUSE),
                Err(_) => return Self { _folder: None },
            }
        }
    }

    /// Elsewhere nobody is told who has a file open.
    #[cfg(not(unix))]
    pub(crate) fn wait(_: &Place) -> Self {
        Self {}
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn the_next_has_its_turn_when_the_first_is_done_and_waits_for_nobody_else_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of_target(&folder.path().join("copy.db")).unwrap();
        let first = Turn::wait(&place);
        let next = std::thread::scope(|scope| {
            let next = scope.spawn(|| Turn::wait(&place));
            drop(first);
            next.join().unwrap()
        });
        assert!(next._folder.is_some());
        let began = Instant::now();
        assert!(Turn::wait(&place)._folder.is_none(), "beside one who keeps it");
        assert!(began.elapsed().as_millis() >= 500);
    }
}
