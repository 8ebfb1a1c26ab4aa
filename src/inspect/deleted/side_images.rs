//! Page images in the log, also behind its end, and in a journal, also one whose header is zeroed.

use super::report::FoundIn;
use crate::error::Result;
use crate::format::frame_number::{FRAME_HEADER_BYTES, frame_bytes, whole_frames_in};
use crate::format::journal_header::{DEFAULT_SECTOR_BYTES, JOURNAL_HEADER_BYTES, JOURNAL_MAGIC};
use crate::format::journal_record::record_bytes;
use crate::format::wal_header::WAL_HEADER_BYTES;
use crate::format::{
    FrameChain, FrameNumber, JournalHeader, PageNumber, PageSize, WalFrameHeader, WalHeader,
};
use crate::inspect::Database;
use crate::source::SideFile;
use std::collections::HashMap;

/// A page image in a side file.
#[derive(Clone, Copy, Debug)]
pub(super) struct SideImage {
    pub(super) page: PageNumber,
    pub(super) offset: u64,
    pub(super) frame: Option<u32>,
    pub(super) commit: Option<u32>,
}

/// A side file and the images in it.
pub(super) struct SideImages {
    file: SideFile,
    page_size: PageSize,
    pub(super) images: Vec<SideImage>,
    /// Of each page its images, in their order.
    by_page: HashMap<PageNumber, Vec<usize>>,
}

impl SideImages {
    fn new(file: SideFile, page_size: PageSize, images: Vec<SideImage>) -> Self {
        let mut by_page: HashMap<PageNumber, Vec<usize>> = HashMap::new();
        for (index, image) in images.iter().enumerate() {
            by_page.entry(image.page).or_default().push(index);
        }
        Self { file, page_size, images, by_page }
    }

    /// The images in the log and the journal of a database.
    pub(super) fn of_database(database: &Database) -> Result<Vec<(Self, FoundIn)>> {
        let [log, journal] = database.open_side_files()?;
        let page_size = database.page_size();
        let log = log.map(|file| Self::of_log(file, page_size)).transpose()?;
        let journal = journal.map(|file| Self::of_journal(file, page_size)).transpose()?;
        let found = [(log, FoundIn::Wal), (journal, FoundIn::Journal)];
        // Images of pages of another size say nothing of this database.
        let fits = |images: &Self| images.page_size == page_size;
        Ok(found.into_iter().filter_map(|(images, place)| Some((images.filter(fits)?, place))).collect())
    }

    /// Whether there is any image of a page.
    pub(super) fn has(&self, page: PageNumber) -> bool {
        self.by_page.contains_key(&page)
    }

    /// The image of a page that belongs to the image `at`: the newest up to the end of its commit.
    pub(super) fn newest(&self, at: usize, page: PageNumber) -> Option<Vec<u8>> {
        let commit = self.images.get(at)?.commit;
        let of_page = self.by_page.get(&page)?;
        // Commits ascend; what is of none stands behind them.
        let rank = |index: &usize| self.images.get(*index).and_then(|it| it.commit).unwrap_or(u32::MAX);
        let end = of_page.partition_point(|index| rank(index) <= commit.unwrap_or(u32::MAX));
        let found = self.images.get(*of_page.get(end.checked_sub(1)?)?)?;
        let mut bytes = vec![0; self.page_size.bytes_usize()];
        self.read(found, &mut bytes).ok()?;
        Some(bytes)
    }

    /// The frames of a log.
    pub(super) fn of_log(file: SideFile, page_size: PageSize) -> Result<Self> {
        let size_bytes = file.size_bytes()?;
        let mut header = [0; WAL_HEADER_BYTES];
        file.read(&mut header, 0)?;
        let header = WalHeader::parse(&header).ok();
        let page_size = header.as_ref().map_or(page_size, |header| header.page_size);
        let mut chain = header.as_ref().map(FrameChain::new);
        let count = u32::try_from(whole_frames_in(size_bytes, page_size)).unwrap_or(u32::MAX);
        let mut bytes = vec![0; frame_bytes(page_size)];
        let (mut images, mut commit, mut in_commit) = (Vec::new(), 0, 0_usize);
        let mut next = Some(FrameNumber::FIRST);
        while let Some(number) = next.filter(|number| number.get() <= count) {
            next = number.next();
            let offset = number.offset_in_wal(page_size);
            file.read(&mut bytes, offset)?;
            let Ok(frame) = WalFrameHeader::parse(&bytes) else { break };
            let is_valid = chain.as_mut().is_some_and(|chain| chain.accept(&bytes).is_ok());
            if !is_valid {
                chain = None;
            }
            let Some(page) = frame.page_number else { continue };
            let offset = offset + FRAME_HEADER_BYTES as u64;
            images.push(SideImage { page, offset, frame: Some(number.get()), commit: None });
            if is_valid {
                in_commit += 1;
            }
            if is_valid && frame.commit_page_count > 0 {
                commit += 1;
                images.iter_mut().rev().take(in_commit).for_each(|image| image.commit = Some(commit));
                in_commit = 0;
            }
        }
        Ok(Self::new(file, page_size, images))
    }

    /// The page images of a journal.
    pub(super) fn of_journal(file: SideFile, page_size: PageSize) -> Result<Self> {
        let size_bytes = file.size_bytes()?;
        let mut header = [0; JOURNAL_HEADER_BYTES];
        file.read(&mut header, 0)?;
        // A journal that was let lie has zeros there; its records are where they were.
        let sector = JournalHeader::parse(&header).map_or(DEFAULT_SECTOR_BYTES, |header| header.sector_bytes);
        let (sector, record) = (u64::from(sector), record_bytes(page_size) as u64);
        let (mut images, mut offset) = (Vec::new(), sector);
        while offset.saturating_add(record) <= size_bytes {
            let mut start = [0; 8];
            file.read(&mut start, offset)?;
            if start == JOURNAL_MAGIC {
                offset += sector;
                continue;
            }
            let [a, b, c, d, ..] = start;
            let number = PageNumber::new(u32::from_be_bytes([a, b, c, d]));
            match number.filter(|page| page.get() <= 1 << 30) {
                Some(page) => {
                    images.push(SideImage { page, offset: offset + 4, frame: None, commit: None });
                    offset += record;
                }
                // Between two segments, to the next sector.
                None => offset = (offset / sector + 1) * sector,
            }
        }
        Ok(Self::new(file, page_size, images))
    }

    /// Reads an image.
    pub(super) fn read(&self, image: &SideImage, bytes: &mut [u8]) -> Result<()> {
        self.file.read(bytes, image.offset)
    }
}
