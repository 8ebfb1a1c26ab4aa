//! When work has to end before it is done: at a point in time, or because somebody says so.

use crate::error::{Error, Problem, Result};
use crate::os::clock::Deadline;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How often a sleep looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// Ends work from anywhere: from another thread, from a signal handler's flag. All clones are one.
///
/// Whatever the work is at, reading a log, hashing, a pause, it ends within half a second, with
/// [`Cancelled`](crate::ErrorKind::Cancelled).
///
/// ```
/// let token = litecopy::CancelToken::new();
/// let other = token.clone();
/// std::thread::spawn(move || other.cancel()).join().unwrap();
/// assert!(token.is_cancelled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

/// By a flag that is set elsewhere, as signal handlers set one:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// let flag = Arc::new(AtomicBool::new(false));
/// let token = litecopy::CancelToken::from(Arc::clone(&flag));
/// flag.store(true, Ordering::Relaxed);
/// assert!(token.is_cancelled());
/// ```
impl From<Arc<AtomicBool>> for CancelToken {
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}

impl CancelToken {
    /// One that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels whatever looks at it, now and later. It cannot be undone.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until it is cancelled, but no longer than `longest`; whether it is.
    pub fn wait(&self, longest: Duration) -> bool {
        Halt { token: Some(self.clone()), ..Halt::default() }.sleep(longest);
        self.is_cancelled()
    }
}

/// Follows the reports on a [`Database`](crate::Database) from another thread while they are made, and ends them. All clones
/// are one.
///
/// ```no_run
/// use litecopy::{Database, Source, inspect};
///
/// let mut database = Database::open(Source::open("app.db")?, None)?;
/// let (watch, page_count) = (database.watch(), database.page_count());
/// std::thread::spawn(move || loop {
///     println!("{} of {page_count} pages", watch.pages_read());
///     std::thread::sleep(std::time::Duration::from_secs(1));
/// });
/// let space = database.report(inspect::space)?;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReportWatch {
    token: CancelToken,
    pages: Arc<AtomicU64>,
}

impl ReportWatch {
    /// How many pages have been read so far, for all reports together; where one looks at a page twice, it counts twice.
    #[must_use]
    pub fn pages_read(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Ends the report at hand, and all that come, with [`Cancelled`](crate::ErrorKind::Cancelled). It cannot be undone.
    pub fn cancel(&self) {
        self.token.cancel();
    }
}

/// What may end work early. The default is nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Halt {
    deadline: Option<Deadline>,
    token: Option<CancelToken>,
    pages: Option<Arc<AtomicU64>>,
}

impl Halt {
    pub(crate) fn new(deadline: Deadline, token: Option<CancelToken>) -> Self {
        Self { deadline: Some(deadline), token, pages: None }
    }

    /// Nothing but a watch.
    pub(crate) fn by_watch(watch: &ReportWatch) -> Self {
        Self { deadline: None, token: Some(watch.token.clone()), pages: Some(Arc::clone(&watch.pages)) }
    }

    /// Tells the watch of pages that were read, and is an error when the work on the file at `path` has to end.
    pub(crate) fn pass_pages(&self, count: u32, path: &Path) -> Result<()> {
        if let Some(pages) = &self.pages {
            pages.fetch_add(count.into(), Ordering::Relaxed);
        }
        self.check(path)
    }

    /// An error when the work on the file at `path` has to end. Cheap enough to be asked every few thousand pages.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::new(path, Problem::Cancelled));
        }
        if self.deadline.is_some_and(Deadline::has_passed) {
            return Err(Error::new(path, Problem::OutOfTime));
        }
        Ok(())
    }

    /// Sleeps for `pause`, but no longer than the work may go on.
    pub(crate) fn sleep(&self, pause: Duration) {
        let end = Deadline::after(Some(pause)).earlier(self.deadline.unwrap_or(Deadline::after(None)));
        while !end.has_passed() && !self.is_cancelled() {
            end.sleep(if self.token.is_some() { LOOK } else { pause });
        }
    }

    /// Whether the work has to end.
    pub(crate) fn has_come(&self) -> bool {
        self.is_cancelled() || self.deadline.is_some_and(Deadline::has_passed)
    }

    /// Whether somebody said so.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.token.as_ref().is_some_and(CancelToken::is_cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use std::time::Instant;

    #[test]
    fn work_ends_at_the_deadline_or_when_it_is_cancelled() {
        let path = Path::new("app.db");
        assert!(Halt::default().check(path).is_ok());
        let late = Halt::new(Deadline::after(Some(Duration::ZERO)), None);
        assert_eq!(late.check(path).unwrap_err().kind(), ErrorKind::DeadlinePassed);
        let token = CancelToken::new();
        let halt = Halt::new(Deadline::after(None), Some(token.clone()));
        assert!(halt.check(path).is_ok());
        token.cancel();
        assert_eq!(halt.check(path).unwrap_err().kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn a_sleep_ends_early() {
        let begun = Instant::now();
        let minute = Duration::from_secs(60);
        Halt::new(Deadline::after(Some(Duration::from_millis(1))), None).sleep(minute);
        let token = CancelToken::new();
        let halt = Halt::new(Deadline::after(None), Some(token.clone()));
        std::thread::spawn(move || token.cancel());
        halt.sleep(minute);
        Halt::default().sleep(Duration::from_millis(1));
        assert!(begun.elapsed() < minute);
    }
}
