//! Frames behind the last commit of a log: they count when a commit frame ends them, and until then they can be taken back.
//!
//! A page that comes again, since the copy restarts, is written over its frame: the log grows by one frame a page, however
//! often that happens. The sums of the frames behind are made anew at the end, as SQLite does it with pages that it spills twice.

use super::frame_sums::go_through;
use crate::error::{Error, Problem, Result};
use crate::format::frame_number::FRAME_HEADER_BYTES;
use crate::format::frame_number::frame_bytes;
use crate::format::page_index::PageIndex;
use crate::format::wal_header::WAL_HEADER_BYTES;
use crate::format::{FrameChain, FrameNumber, PageNumber, PageSize, WalFrameHeader, WalHeader};
use crate::os::random_access::{ReadAt, read_padded};
use crate::os::side_file::SideFile;

/// How many bytes of frames are gathered before they are written.
const WRITE_BYTES: usize = 256 * 1024;

/// The frames that we append to a log. Nobody else writes there meanwhile.
#[derive(Debug)]
pub(super) struct NewFrames {
    log: SideFile,
    header: WalHeader,
    /// How long the log was.
    old_bytes: u64,
    /// Before the first of them.
    start: FrameChain,
    /// Behind the last of them.
    end: FrameChain,
    /// Frames that are not written yet, and the number of the first of them.
    gathered: Vec<u8>,
    gathered_from: Option<FrameNumber>,
    /// Which frame each page has, by page. 8 bytes a page (C12).
    index: PageIndex<FrameNumber>,
    /// The first frame that was written over since its sum was made.
    written_over: Option<FrameNumber>,
}

impl NewFrames {
    /// Will append to the log with this header, where `start` ends.
    pub(super) fn new(log: SideFile, header: WalHeader, start: FrameChain) -> Result<Self> {
        let old_bytes = log.size_bytes().map_err(Error::io("look at it", log.path()))?;
        Ok(Self {
            log,
            header,
            old_bytes,
            start,
            end: start,
            gathered: Vec::new(),
            gathered_from: None,
            index: PageIndex::default(),
            written_over: None,
        })
    }

    pub(super) fn log(&self) -> &SideFile {
        &self.log
    }

    pub(super) fn header(&self) -> &WalHeader {
        &self.header
    }

    /// The chain behind the last frame, as it was made.
    pub(super) fn end(&self) -> FrameChain {
        self.end
    }

    /// By how many bytes the log grows for so many pages.
    pub(super) fn growth_bytes(&self, page_count: u32) -> u64 {
        let frame_bytes = frame_bytes(self.page_size()) as u64;
        // The commit frame is that of page 1; an empty source gives a page too.
        let end = self.bytes_at(&self.start).saturating_add(frame_bytes * u64::from(page_count.max(1)));
        end.saturating_sub(self.old_bytes)
    }

    /// Appends a page, or writes it over the frame that it has.
    pub(super) fn write(&mut self, page: PageNumber, image: &[u8]) -> Result<()> {
        if let Some(frame) = self.index.place(page) {
            return self.write_over(frame, image);
        }
        let frame = self.append(page, 0, image)?;
        self.index.insert(page, frame);
        Ok(())
    }

    /// Ends them with the frame of the first page, the database having `page_count` pages then. Gives that frame.
    pub(super) fn commit(&mut self, page_one: &[u8], page_count: u32) -> Result<FrameNumber> {
        let frame = self.append(PageNumber::FIRST, page_count, page_one)?;
        self.write_gathered()?;
        self.sync()?;
        Ok(frame)
    }

    /// Brings them to the device, their sums made right.
    pub(super) fn seal(&mut self) -> Result<()> {
        self.write_gathered()?;
        if let Some(first) = self.written_over.take() {
            let chain = self.chain_before(first)?;
            (self.end, _) = go_through(&self.log, self.page_size(), chain, self.end.accepted(), true)?;
        }
        self.sync()
    }

    /// The pages of the frames in order, that of the commit as the last.
    pub(super) fn pages(&self) -> Vec<PageNumber> {
        let mut by_frame: Vec<_> = self.index.iter().map(|(page, frame)| (frame, page)).collect();
        by_frame.sort_unstable();
        by_frame.into_iter().map(|(_, page)| page).chain([PageNumber::FIRST]).collect()
    }

    /// Reads a page as it was written; zeros for one that was not.
    pub(super) fn read(&self, page: PageNumber, image: &mut [u8]) -> Result<()> {
        match self.index.place(page) {
            Some(frame) => self.read_image(frame, image),
            None => {
                image.fill(0);
                Ok(())
            }
        }
    }

    /// Reads the image of any frame of the log, or the beginning of it.
    pub(super) fn read_image(&self, frame: FrameNumber, image: &mut [u8]) -> Result<()> {
        read_padded(&self.log, image, self.image_offset(frame))
            .map(drop)
            .map_err(Error::io("read", self.log.path()))
    }

    /// Makes a frame be of no page, so that recovery ends before it.
    pub(super) fn make_void(&self, frame: FrameNumber) -> Result<()> {
        self.write_log(&[0; FRAME_HEADER_BYTES], frame.offset_in_wal(self.page_size()))?;
        self.sync()
    }

    /// Cuts the log to what it was: nobody has built on them.
    pub(super) fn take_back(&mut self) -> Result<()> {
        (self.gathered_from, self.end) = (None, self.start);
        self.gathered.clear();
        self.index = PageIndex::default();
        let size_bytes = self.log.size_bytes().map_err(Error::io("look at it", self.log.path()))?;
        if size_bytes > self.old_bytes {
            self.log.set_size(self.old_bytes).map_err(Error::io("set its size", self.log.path()))?;
        }
        Ok(())
    }

    fn append(&mut self, page: PageNumber, commit_page_count: u32, image: &[u8]) -> Result<FrameNumber> {
        let Some(number) = self.end.append(&mut self.gathered, page, commit_page_count, image) else {
            let what = "more frames than can be numbered".to_owned();
            return Err(Error::new(self.log.path(), Problem::Contradiction(what)));
        };
        self.gathered_from.get_or_insert(number);
        if self.gathered.len() >= WRITE_BYTES {
            self.write_gathered()?;
        }
        Ok(number)
    }

    fn write_over(&mut self, frame: FrameNumber, image: &[u8]) -> Result<()> {
        self.write_gathered()?;
        self.written_over = Some(self.written_over.map_or(frame, |first| first.min(frame)));
        self.write_log(image, self.image_offset(frame))
    }

    fn write_gathered(&mut self) -> Result<()> {
        let Some(first) = self.gathered_from.take() else { return Ok(()) };
        if first == FrameNumber::FIRST {
            // Synced before its frames: else those of the old log could be taken for its own after a power cut.
            self.write_log(&self.header.to_bytes(), 0)?;
            self.sync()?;
        }
        self.write_log(&self.gathered, first.offset_in_wal(self.page_size()))?;
        self.gathered.clear();
        Ok(())
    }

    /// The chain before one of them, by what the frame before it says.
    fn chain_before(&self, frame: FrameNumber) -> Result<FrameChain> {
        let before = frame.get() - 1;
        let Some(last) = FrameNumber::new(before).filter(|_| before > self.start.accepted()) else {
            return Ok(self.start);
        };
        let mut header = [0; FRAME_HEADER_BYTES];
        read_padded(&self.log, &mut header, last.offset_in_wal(self.page_size()))
            .map_err(Error::io("read", self.log.path()))?;
        let parsed = WalFrameHeader::parse(&header)
            .map_err(|damage| Error::new(self.log.path(), Problem::Damaged { offset: 0, damage }))?;
        Ok(FrameChain::resume(&self.header, before, parsed.checksum))
    }

    /// Where the log ends behind the last frame of a chain.
    fn bytes_at(&self, chain: &FrameChain) -> u64 {
        FrameNumber::new(chain.accepted()).map_or(WAL_HEADER_BYTES as u64, |last| {
            self.image_offset(last) + u64::from(self.page_size().bytes())
        })
    }

    fn page_size(&self) -> PageSize {
        self.header.page_size
    }

    fn image_offset(&self, frame: FrameNumber) -> u64 {
        frame.offset_in_wal(self.page_size()) + FRAME_HEADER_BYTES as u64
    }

    fn write_log(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.log.write_at(bytes, offset).map_err(Error::io("write", self.log.path()))
    }

    fn sync(&self) -> Result<()> {
        self.log.sync().map_err(Error::io("sync", self.log.path()))
    }
}
