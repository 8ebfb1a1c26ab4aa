//! The log as a timeline of commits, or frame by frame; where it ends, and why.

use super::log_hold::LogHold;
use super::named_file::{NamedFile, SideFileKind};
use super::waiting::wait_for;
use super::wal_parts::{Layout, WalCommit, WalEnd, WalFrameReport, WalFrameState, WalHeaderReport};
use super::wal_scan::{LogBytes, LostCommits, NewestFrames, lost_commits, scan};
use crate::attempt::Obstacle;
use crate::error::{Error, Problem, Result};
use crate::format::wal_checksum::ByteOrder;
use crate::format::wal_header::WAL_HEADER_BYTES;
use crate::format::{FrameNumber, PageNumber, WalFrameHeader};
use crate::limits::Limit;
use crate::os::place::Access;
use crate::os::random_access::ReadAt;
use crate::side_files::SideFiles;
use crate::source::SourceOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

const WAL: SideFileKind = SideFileKind {
    suffix: "-wal",
    is_magic: |bytes| matches!(bytes, [0x37, 0x7f, 0x06, 0x82 | 0x83, ..]),
    place_of: SideFiles::wal,
};

/// A write-ahead log, read once from end to end and kept still: its commits and frames can be asked for as often as one
/// likes.
///
/// ```no_run
/// use litecopy::SourceOptions;
/// use litecopy::inspect::WalTimeline;
///
/// let timeline = WalTimeline::open("app.db", &SourceOptions::new(), None)?;
/// for commit in timeline.commits() {
///     let commit = commit?;
///     println!("{}: {} pages of {:?}", commit.commit, commit.pages.len(), commit.owners);
/// }
/// println!("ends by {:?}", timeline.end().reason);
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Debug)]
pub struct WalTimeline {
    log: LogBytes,
    header: Option<WalHeaderReport>,
    header_bytes: [u8; WAL_HEADER_BYTES],
    layout: Option<Layout>,
    end: WalEnd,
    newest: NewestFrames,
    database: Option<PathBuf>,
    options: SourceOptions,
    _hold: Option<LogHold>,
}

impl WalTimeline {
    /// The log of the database at `path`; or the log at `path` itself, also one whose database is not there. Where the
    /// database is there, its log is held still by the locks of a reader: nobody is kept from writing.
    ///
    /// A database without a log has an empty one. `timeout` bounds the wait for the locks; without it, for ever.
    ///
    /// # Errors
    ///
    /// Whatever keeps the files from being read; [`Busy`](crate::ErrorKind::Busy) at the timeout. Damage is none.
    pub fn open(path: impl AsRef<Path>, options: &SourceOptions, timeout: Option<Duration>) -> Result<Self> {
        let NamedFile { place, database } = WAL.find(path.as_ref())?;
        let path = place.path().to_owned();
        let hold = match &database {
            Some(files) => {
                Some(wait_for(files.database().path(), timeout, || LogHold::acquire(files, options))?)
            }
            None => None,
        };
        let file: Box<dyn ReadAt> = match place.open(Access::Read) {
            Ok((file, _)) => Box::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound && database.is_some() => {
                Box::new(Vec::new())
            }
            Err(error) => return Err(Error::io("open", &path)(error)),
        };
        let database = database.map(|files| files.database().path().to_owned());
        Ok(Self { database, ..Self::new(LogBytes::new(path, file)?, options, hold)? })
    }

    /// A log made of bytes.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn from_bytes(wal: Vec<u8>, options: &SourceOptions) -> Result<Self> {
        Self::new(LogBytes::new("memory".into(), Box::new(wal))?, options, None)
    }

    fn new(log: LogBytes, options: &SourceOptions, hold: Option<LogHold>) -> Result<Self> {
        let (header_bytes, there) = log.read_header()?;
        let is_whole = there == WAL_HEADER_BYTES;
        let header = is_whole.then(|| WalHeaderReport::new(&header_bytes));
        let layout = if is_whole { Layout::new(&header_bytes) } else { None };
        let (end, newest) = scan(&log, layout.as_ref(), &options.limits)?;
        Ok(Self {
            log,
            header,
            header_bytes,
            layout,
            end,
            newest,
            database: None,
            options: *options,
            _hold: hold,
        })
    }

    /// The file that the log is, or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.log.path
    }

    /// The database that it belongs to; `None` for a log alone.
    #[must_use]
    pub fn database(&self) -> Option<&Path> {
        self.database.as_deref()
    }

    /// The header of a frame; `None` where the log is shorter, or has no frames to be told apart.
    pub(super) fn frame_header(&self, frame: FrameNumber) -> Result<Option<WalFrameHeader>> {
        match &self.layout {
            Some(layout) => self.log.read_frame_header(layout, frame),
            None => Ok(None),
        }
    }

    /// Commits behind the frames that count. Where the header does not count, both orders of bytes are tried: it may be the magic
    /// that is wrong.
    pub(super) fn lost_commits(&self) -> Result<Option<LostCommits>> {
        let Some(layout) = self.layout else { return Ok(None) };
        let found = lost_commits(&self.log, &layout, &self.end)?;
        if found.is_some() || layout.can_be_valid {
            return Ok(found);
        }
        let mut other = layout;
        other.header.byte_order = match layout.header.byte_order {
            ByteOrder::Big => ByteOrder::Little,
            ByteOrder::Little => ByteOrder::Big,
        };
        lost_commits(&self.log, &other, &self.end)
    }

    /// The pages that are in committed frames, in order.
    pub(super) fn pages(&self) -> impl Iterator<Item = PageNumber> {
        self.newest.iter().map(|(page, _)| page)
    }

    /// The log's header; `None` when the file has not even that, or is not there.
    #[must_use]
    pub fn header(&self) -> Option<&WalHeaderReport> {
        self.header.as_ref()
    }

    /// Where it ends, and why.
    #[must_use]
    pub fn end(&self) -> &WalEnd {
        &self.end
    }

    /// The committed transactions, from the first on.
    ///
    /// The last item is an error when the log was begun anew meanwhile, or cut: what came before it does not count then. That
    /// cannot happen under the locks.
    #[must_use]
    pub fn commits(&self) -> WalCommits<'_> {
        WalCommits { frames: self.frames_up_to(self.end.committed_frames), commit: 0, done: false }
    }

    /// All frames, those behind the end too, as far as they are whole.
    ///
    /// The last item may be an error, as with [`commits`](Self::commits).
    #[must_use]
    pub fn frames(&self) -> WalFrames<'_> {
        self.frames_up_to(self.end.file_frames)
    }

    fn frames_up_to(&self, last: u32) -> WalFrames<'_> {
        WalFrames { timeline: self, taken: 0, last, commits: 0, done: false }
    }

    /// Fails when the log is not the one that was read at first.
    fn check_unchanged(&self) -> Result<()> {
        let (bytes, _) = self.log.read_header()?;
        let last = FrameNumber::new(self.end.committed_frames);
        let still_there = match (&self.layout, last) {
            (Some(layout), Some(last)) => self.log.read_frame_header(layout, last)?.is_some(),
            _ => true,
        };
        if bytes == self.header_bytes && still_there {
            return Ok(());
        }
        let problem =
            Problem::Busy { waited: Duration::ZERO, obstacle: Obstacle::Change, holders: Vec::new() };
        Err(Error::new(&self.log.path, problem))
    }
}

/// The frames of a log, one after the other. See [`WalTimeline::frames`].
#[derive(Debug)]
pub struct WalFrames<'t> {
    timeline: &'t WalTimeline,
    /// How many frames were given already.
    taken: u32,
    last: u32,
    /// How many transactions ended with these.
    commits: u32,
    done: bool,
}

impl WalFrames<'_> {
    fn read_next(&mut self) -> Result<Option<WalFrameReport>> {
        let Some(layout) = self.timeline.layout.as_ref().filter(|_| self.taken < self.last) else {
            return self.timeline.check_unchanged().map(|()| None);
        };
        let Some(frame) = FrameNumber::FIRST.checked_add(self.taken) else { return Ok(None) };
        let Some(header) = self.timeline.log.read_frame_header(layout, frame)? else {
            return self.timeline.check_unchanged().map(|()| None);
        };
        self.taken = frame.get();
        let committed = frame.get() <= self.timeline.end.committed_frames;
        let report = WalFrameReport {
            frame: frame.get(),
            page: header.page_number.map_or(0, PageNumber::get),
            commit_page_count: header.commit_page_count,
            commit: committed.then_some(self.commits.saturating_add(1)),
            salt: header.salts.numbers(),
            checksum: header.checksum.words(),
            owner: None,
            state: self.state_of(frame, &header),
        };
        if committed && header.commit_page_count != 0 {
            self.commits = self.commits.saturating_add(1);
        }
        Ok(Some(report))
    }

    fn state_of(&self, frame: FrameNumber, header: &WalFrameHeader) -> WalFrameState {
        let WalTimeline { end, newest, .. } = self.timeline;
        if frame.get() <= end.committed_frames {
            let newest = header.page_number.and_then(|page| newest.place(page));
            if newest == Some(frame) { WalFrameState::Committed } else { WalFrameState::Superseded }
        } else if frame.get() <= end.valid_frames {
            WalFrameState::Uncommitted
        } else if header.is_unsummed() {
            WalFrameState::Unsummed
        } else {
            WalFrameState::Stale
        }
    }
}

impl Iterator for WalFrames<'_> {
    type Item = Result<WalFrameReport>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let read = self.read_next();
        self.done = !matches!(read, Ok(Some(_)));
        read.transpose()
    }
}

/// The committed transactions of a log, one after the other. See [`WalTimeline::commits`].
#[derive(Debug)]
pub struct WalCommits<'t> {
    frames: WalFrames<'t>,
    commit: u32,
    done: bool,
}

impl WalCommits<'_> {
    fn read_next(&mut self) -> Result<Option<WalCommit>> {
        let mut pages = Vec::new();
        let mut first_frame = None;
        let timeline = self.frames.timeline;
        while let Some(frame) = self.frames.next().transpose()? {
            let first_frame = *first_frame.get_or_insert(frame.frame);
            pages.push(frame.page);
            timeline.options.limits.check(
                Limit::OverlayBytes,
                size_of_val(pages.as_slice()) as u64,
                &timeline.log.path,
            )?;
            if frame.commit_page_count == 0 {
                continue;
            }
            pages.sort_unstable();
            pages.dedup();
            self.commit = self.commit.saturating_add(1);
            return Ok(Some(WalCommit {
                commit: self.commit,
                first_frame,
                last_frame: frame.frame,
                page_count: frame.commit_page_count,
                pages,
                owners: Vec::new(),
                owner_page_counts: Vec::new(),
            }));
        }
        Ok(None)
    }
}

impl Iterator for WalCommits<'_> {
    type Item = Result<WalCommit>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let read = self.read_next();
        self.done = !matches!(read, Ok(Some(_)));
        read.transpose()
    }
}
