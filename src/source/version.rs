//! Whether a version before the newest is still there: its pages lie in its own frames of the log, and else in the database
//! file, unless a checkpoint has brought later commits there (`[wal.md#versions-in-a-log]`).
//!
//! What a checkpoint of later commits can have done to a page that the version has no frame of:
//!
//! | to which page | what it leaves there |
//! |---|---|
//! | one that a later commit has a frame of | that image |
//! | one behind the page count of a later commit | nothing, or zeros once the file has grown again |
//!
//! Whether it has been there is not known without a live wal-index, so the page itself is looked at: when it is what a checkpoint
//! would have left, it is *suspect*. SQLite often writes a page again just as it was, so one thing more is asked: a checkpoint
//! goes through the pages in order. Where one before the suspect is not as any commit has it, though the same checkpoint had to write it
//! first, no checkpoint has come to the suspect. Else the version counts as gone: nothing is guessed (C11).

use super::frame_index::{Extent, FrameIndex, Log, LogFile, UpTo};
use super::hot_journal::Rollback;
use super::source_options::SourceOptions;
use super::view::{Frames, PageRun, View};
use crate::error::{Error, Problem, Result};
use crate::format::frame_number::FRAME_HEADER_BYTES;
use crate::format::lock_bytes::lock_byte_page;
use crate::format::page_index::PageIndex;
use crate::format::{PageNumber, WalFrameHeader};
use crate::limits::Limit;
use crate::os::random_access::is_zero;
use std::path::Path;
use std::sync::Arc;

/// After how many frames or pages it is looked whether the work has to end.
const LOOK_EVERY: u32 = 256;

/// Refuses a version that the log does not hold; `frames` are those that were read for it.
pub(super) fn check_commits(version: Option<u64>, frames: Option<&FrameIndex>, path: &Path) -> Result<()> {
    let commits = frames.map_or(0, |frames| frames.log_end.commit);
    match version {
        Some(version) if version > commits.into() => {
            Err(Error::new(path, Problem::NoSuchVersion { version, commits }))
        }
        _ => Ok(()),
    }
}

/// What lies over the file under a log: nothing where the file alone is wanted. But with a hot journal that is no version, since part
/// of a transaction is in it.
pub(super) fn laid_over(
    options: &SourceOptions,
    find: impl FnOnce() -> Result<Option<Rollback>>,
) -> Result<Option<Rollback>> {
    match options.as_of {
        Some(0) if !options.committed => Ok(None),
        Some(0) => match find()? {
            Some(Rollback { path, .. }) => Err(Error::new(&path, Problem::FileHalfWritten)),
            None => Ok(None),
        },
        _ => find(),
    }
}

/// Refuses the file alone when a checkpoint may have brought a commit of the log there, or part of one.
pub(super) fn check_file_alone(
    view: &View,
    log: Log,
    up_to: Option<UpTo>,
    may_be_in_file: u32,
) -> Result<()> {
    let Some(up_to) = up_to else { return Ok(()) };
    let (limits, halt) = (&view.options.limits, &view.halt);
    let file = LogFile { file: log.file.as_ref(), path: &log.path, limits, halt };
    let Some(mut index) = FrameIndex::read(file, Extent { up_to, version: Some(0) }, None)? else {
        return Ok(());
    };
    // No commit states the page count of what was there before the first.
    index.last.page_count = u32::try_from(view.pages_in_file(index.page_size())?).unwrap_or(u32::MAX);
    check_not_overwritten(view, Some(&Frames::new(log, Arc::new(index))), may_be_in_file)
}

/// Refuses a version when a page of it may have been written over in the file; frames behind `may_be_in_file` are known not
/// to be there.
pub(super) fn check_not_overwritten(view: &View, frames: Option<&Frames>, may_be_in_file: u32) -> Result<()> {
    let Some(frames) = frames else { return Ok(()) };
    if may_be_in_file.min(frames.index.log_end.frame) <= frames.index.last.frame {
        return Ok(());
    }
    let mut traces = Traces {
        view,
        frames,
        suspects: Vec::new(),
        newest: PageIndex::default(),
        written: PageIndex::default(),
        shortest: None,
        page: vec![0; frames.index.page_size().bytes_usize()],
    };
    traces.go_through_log(may_be_in_file)?;
    traces.go_through_cut_pages()?;
    traces.judge()
}

/// What checkpoints may have left in the file.
struct Traces<'v> {
    view: &'v View,
    frames: &'v Frames,
    suspects: Vec<Suspect>,
    /// The newest frame of each page, of any commit.
    newest: PageIndex<u32>,
    /// The pages that are in the file as a commit has them.
    written: PageIndex<u32>,
    /// The later commit with the fewest pages, of those that may be in the file.
    shortest: Option<Commit>,
    /// Room for a page of the file.
    page: Vec<u8>,
}

/// A page of the version that may have been written over.
struct Suspect {
    page: PageNumber,
    by: Commit,
}

#[derive(Clone, Copy)]
struct Commit {
    number: u32,
    last_frame: u32,
    page_count: u32,
}

impl Traces<'_> {
    /// Compares every image in the log with the page in the file.
    fn go_through_log(&mut self, may_be_in_file: u32) -> Result<()> {
        let Frames { log, path, index, .. } = self.frames;
        let (limits, halt) = (&self.view.options.limits, &self.view.halt);
        let log = LogFile { file: log.as_ref(), path, limits, halt };
        let mut bytes = vec![0; FRAME_HEADER_BYTES + self.page.len()];
        // The suspects of a commit before its end is known, and how many there were before.
        let (mut commit, mut begun) = (1, 0);
        for frame in 1..=index.log_end.frame {
            let Some(offset) = index.offset(frame) else { break };
            if frame % LOOK_EVERY == 0 {
                halt.check(path)?;
            }
            log.read(&mut bytes, offset)?;
            let Ok(header) = WalFrameHeader::parse(&bytes) else { break };
            let Some(page) = header.page_number else { break };
            self.add(page, frame, log)?;
            let image = bytes.get(FRAME_HEADER_BYTES..).unwrap_or_default();
            if frame <= may_be_in_file && self.is_in_file(page, image)? {
                self.written.push(page, frame);
                if frame > index.last.frame && self.is_read_from_file(page) {
                    let by = Commit { number: commit, last_frame: frame, page_count: 0 };
                    self.suspects.push(Suspect { page, by });
                }
            }
            if header.commit_page_count > 0 {
                let end = Commit { number: commit, last_frame: frame, page_count: header.commit_page_count };
                for suspect in self.suspects.iter_mut().skip(begun) {
                    suspect.by = end;
                }
                begun = self.suspects.len();
                if frame > index.last.frame && frame <= may_be_in_file {
                    let shorter = self.shortest.filter(|it| it.page_count <= end.page_count);
                    self.shortest = shorter.or(Some(end));
                }
                commit = commit.saturating_add(1);
            }
        }
        Ok(())
    }

    /// Looks at the pages that a later commit did not have: a checkpoint that went to its end has cut them off.
    fn go_through_cut_pages(&mut self) -> Result<()> {
        let Some(by) = self.shortest else { return Ok(()) };
        let lock_bytes = lock_byte_page(self.frames.index.page_size());
        let behind = by.page_count.saturating_add(1)..=self.frames.index.last.page_count;
        for page in behind.filter_map(PageNumber::new).filter(|&page| page != lock_bytes) {
            if page.get() % LOOK_EVERY == 0 {
                self.view.halt.check(&self.view.name)?;
            }
            if self.is_read_from_file(page) && self.is_in_file(page, &[])? {
                self.suspects.push(Suspect { page, by });
                break;
            }
        }
        Ok(())
    }

    /// Lets those suspects go that no checkpoint can have come to, and refuses the version for any other.
    fn judge(mut self) -> Result<()> {
        self.newest.tidy();
        self.written.tidy();
        self.suspects.sort_unstable_by_key(|suspect| suspect.page);
        let mut unwritten = self
            .newest
            .iter()
            .filter(|&(page, _)| self.written.place(page).is_none())
            .take_while(|(page, _)| self.shortest.is_none_or(|it| page.get() <= it.page_count))
            .peekable();
        // Of the unwritten pages before the suspect: the first frame by which a checkpoint had to write one.
        let mut due = u32::MAX;
        for Suspect { page, by } in &self.suspects {
            while let Some((_, newest)) = unwritten.next_if(|(before, _)| before < page) {
                due = due.min(newest);
            }
            if due > by.last_frame {
                let version = self.view.options.as_of.unwrap_or_default();
                let problem = Problem::VersionGone { version, page: page.get(), commit: by.number };
                return Err(Error::new(&self.view.name, problem));
            }
        }
        Ok(())
    }

    fn add(&mut self, page: PageNumber, frame: u32, log: LogFile<'_>) -> Result<()> {
        self.newest.push(page, frame);
        let limits = log.limits;
        if limits.allow(Limit::OverlayBytes, self.newest.size_bytes() / 3).is_err() {
            self.newest.tidy();
            self.written.tidy();
            limits.check(Limit::OverlayBytes, self.newest.size_bytes(), log.path)?;
        }
        Ok(())
    }

    /// Whether the version has this page, and no frame of it.
    fn is_read_from_file(&self, page: PageNumber) -> bool {
        let index = &self.frames.index;
        page.get() <= index.last.page_count && index.newest.place(page).is_none()
    }

    /// Whether just these bytes are in the file; none stand for zeros.
    fn is_in_file(&mut self, page: PageNumber, bytes: &[u8]) -> Result<bool> {
        let page_bytes = self.page.len();
        self.view.read_below_log(&mut PageRun { first: page, page_bytes, pages: &mut self.page }, 1)?;
        Ok(if bytes.is_empty() { is_zero(&self.page) } else { self.page == bytes })
    }
}
