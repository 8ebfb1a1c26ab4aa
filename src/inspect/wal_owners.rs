//! Whose the pages of a commit are: as of the version that it made, where the log is not too long for that.

use super::database::Database;
use super::page_owners::PageOwners;
use super::wal_parts::{WalCommit, WalFrameReport};
use super::wal_timeline::WalTimeline;
use crate::error::{ErrorKind, Result};
use crate::format::PageNumber;
use crate::lock::LockStyle;
use crate::source::SourceOptions;
use std::path::PathBuf;
use std::time::Duration;

/// How many pages and frames may be gone through for all versions together: a few seconds' work.
const MOST_WORK: u64 = 2_000_000;

/// Names the tables and indexes that the commits of a log wrote to.
///
/// Where pages and frames of all its versions together are no more than two millions, and no version was asked for
/// ([`SourceOptions::as_of`]), a commit's pages are told as of the version that it made. Else, and where that version is gone,
/// they are told as of the newest version, or the one that was asked for: a page that was freed since belongs to none then.
///
/// ```no_run
/// use litecopy::SourceOptions;
/// use litecopy::inspect::{CommitOwners, WalTimeline};
///
/// let options = SourceOptions::new();
/// let timeline = WalTimeline::open("app.db", &options, None)?;
/// let mut owners = CommitOwners::new(&timeline, &options, None)?;
/// for commit in timeline.commits() {
///     let mut commit = commit?;
///     owners.name_commit(&mut commit)?;
///     println!("{}: {:?}", commit.commit, commit.owners);
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Debug)]
pub struct CommitOwners {
    /// `None` for a log without a database: nothing has a name.
    database: Option<PathBuf>,
    options: SourceOptions,
    timeout: Option<Duration>,
    newest: PageOwners,
    /// The pages that are in the log.
    pages: Vec<PageNumber>,
    each_version: bool,
    current: Option<(u32, PageOwners)>,
}

impl CommitOwners {
    /// For the commits of a log, whose database is read in its newest version, or the one that the options name.
    ///
    /// # Errors
    ///
    /// Whatever keeps the database from being read; [`Busy`](ErrorKind::Busy) at the timeout.
    pub fn new(timeline: &WalTimeline, options: &SourceOptions, timeout: Option<Duration>) -> Result<Self> {
        let end = timeline.end();
        // Under a lock that lets nobody in but its holder, the timeline holds it for us too.
        let held = !matches!(options.lock_style, LockStyle::Posix | LockStyle::None);
        let held = held && timeline.database().is_some();
        let lock_style = if held { LockStyle::None } else { options.lock_style };
        let a_version = u64::from(end.page_count) + u64::from(end.file_frames);
        let mut owners = Self {
            database: timeline.database().filter(|_| end.commits > 0).map(ToOwned::to_owned),
            options: options.lock_style(lock_style),
            timeout,
            newest: PageOwners::default(),
            pages: timeline.pages().collect(),
            each_version: options.as_of.is_none()
                && a_version.saturating_mul(end.commits.into()) <= MOST_WORK,
            current: None,
        };
        owners.newest = owners.read(options.as_of)?;
        Ok(owners)
    }

    /// Fills in whom the commit's pages belong to.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn name_commit(&mut self, commit: &mut WalCommit) -> Result<()> {
        let pages = commit.pages.iter().filter_map(|&page| PageNumber::new(page));
        (commit.owners, commit.owner_page_counts) = self.after(commit.commit)?.count(pages);
        Ok(())
    }

    /// Fills in whom the page of a committed frame belongs to.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn name_frame(&mut self, frame: &mut WalFrameReport) -> Result<()> {
        let (Some(commit), Some(page)) = (frame.commit, PageNumber::new(frame.page)) else { return Ok(()) };
        frame.owner = self.after(commit)?.of(page).map(str::to_owned);
        Ok(())
    }

    /// The owners after a commit.
    fn after(&mut self, commit: u32) -> Result<&PageOwners> {
        if !self.each_version {
            return Ok(&self.newest);
        }
        if self.current.as_ref().is_none_or(|&(of, _)| of != commit) {
            let owners = match self.read(Some(commit.into())) {
                Ok(owners) => owners,
                Err(error) if error.kind() == ErrorKind::VersionGone => self.newest.clone(),
                Err(error) => return Err(error),
            };
            self.current = Some((commit, owners));
        }
        Ok(self.current.as_ref().map_or(&self.newest, |(_, owners)| owners))
    }

    fn read(&self, version: Option<u64>) -> Result<PageOwners> {
        let Some(path) = &self.database else { return Ok(PageOwners::default()) };
        let source = self.options.as_of(version).open(path)?;
        let mut database = Database::open(source, self.timeout)?;
        database.report(|database| PageOwners::new(database, self.pages.iter().copied()))
    }
}
