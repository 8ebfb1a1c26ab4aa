//! Writes over a database in WAL mode beside its connections: one transaction, appended to their log as they would.
//!
//! | step | after a crash here |
//! |---|---|
//! | SHARED, a share of DMS, WRITE | the old database: nothing was written |
//! | frames of all pages but the first appended | the old one: frames without a commit do not count |
//! | log synced, the frame of page 1 with the commit appended, log synced | the old one, until all who have it open are gone; then recovery finds the commit, and it is the new one |
//! | frames entered into the hash blocks of the wal-index | the same |
//! | header of the wal-index written: second copy, then first | the new one |
//!
//! Readers go on with the old version until their next transaction. The log grows by the whole database; the next checkpoint
//! brings it into the file (`[in-place.md#wal-mode-with-others-connected]`).

use super::old_database::in_use;
use crate::attempt::Attempt;
use crate::error::{Error, Problem, Result};
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::format::wal_frame::FRAME_HEADER_BYTES;
use crate::format::wal_hash::{BLOCK_BYTES, HashBlock, block_of, first_frame_of};
use crate::format::wal_hash_edit::HashBlockEdit;
use crate::format::wal_header::WAL_HEADER_BYTES;
use crate::format::wal_index::WAL_INDEX_HEADER_BYTES;
use crate::format::{
    DatabaseHeader, FrameChain, FrameNumber, PageNumber, PageSize, Salts, WalHeader, WalIndexHeader,
};
use crate::lock::database_lock::SharedLock;
use crate::lock::wal_lock::{WalWriteLock, read_index};
use crate::os::file_system::network_kind;
use crate::os::lock_file::LockFile;
use crate::os::random;
use crate::os::random_access::read_padded;
use crate::os::side_file::SideFile;
use crate::side_files::SideFiles;
use std::path::{Path, PathBuf};

/// How many bytes of frames are gathered before they are written.
const WRITE_BYTES: usize = 256 * 1024;

/// A transaction in the log of a database that others have open. Dropped before it is committed, it never was.
#[derive(Debug)]
pub(super) struct LogWriter {
    /// As the caller named the database, for messages.
    path: PathBuf,
    index_path: PathBuf,
    /// Let go before SHARED, as SQLite does.
    lock: WalWriteLock,
    shared: SharedLock,
    log: SideFile,
    /// The header of the wal-index as it is published.
    published: WalIndexHeader,
    header: WalHeader,
    chain: FrameChain,
    /// Frames that are not written yet, and the number of the first of them.
    gathered: Vec<u8>,
    gathered_from: Option<FrameNumber>,
    /// The pages of the frames that were appended, in order. 4 bytes a page (C12).
    pages: Vec<PageNumber>,
    /// The newest frame of each page that was appended, by page; made when it is sealed.
    newest: Vec<(PageNumber, FrameNumber)>,
    /// The commit frame, from when it may be in the log until it is published.
    unpublished: Option<FrameNumber>,
}

impl LogWriter {
    /// Joins the connections of the database, which `shared` is held on. Somebody in the way is
    /// [`TargetInUse`](crate::ErrorKind::TargetInUse).
    pub(super) fn join(path: &Path, files: &SideFiles, shared: SharedLock) -> Result<Self> {
        let (index_path, log_path) = (files.wal_index(), files.wal());
        if let Some(kind) = network_kind(files.database()).filter(|&kind| kind != "FUSE") {
            return Err(Error::new(path, Problem::LogOnNetwork { kind }));
        }
        let Ok(wal_index) = LockFile::open_to_write(&index_path) else { return Err(in_use(path, files)) };
        let tried = WalWriteLock::acquire(wal_index).map_err(Error::io("lock", &index_path))?;
        let Attempt::Got(lock) = tried else { return Err(in_use(path, files)) };
        // With WRITE held nobody changes it: what cannot be believed now has to be recovered by one of those who have it open.
        let Some(index) = read_index(lock.wal_index()).map_err(Error::io("read", &index_path))? else {
            return Err(in_use(path, files));
        };
        let log = SideFile::open(&log_path).map_err(Error::io("open", &log_path))?;
        let found = read_log_header(&log)?;
        let page_size = match index.header.page_size() {
            Some(page_size) => page_size,
            // The log was found empty when it was recovered.
            None => read_header_of(shared.file(), path)?.page_size,
        };
        let header = if index.header.mx_frame == 0 {
            let sequence = found.map_or(0, |found| found.checkpoint_sequence.wrapping_add(1));
            WalHeader::new(page_size, sequence, new_salts(index.header.salts))
        } else {
            let right = found.filter(|found| {
                (found.salts, found.byte_order) == (index.header.salts, index.header.checksum_order)
                    && found.page_size == page_size
            });
            right.ok_or_else(|| {
                contradiction(&log_path, "its header is not that of which the wal-index tells")
            })?
        };
        let (last, checksum) = match index.header.mx_frame {
            0 => (0, header.checksum),
            last => (last, index.header.frame_checksum),
        };
        Ok(Self {
            path: path.to_owned(),
            index_path,
            shared,
            lock,
            log,
            published: index.header,
            header,
            chain: FrameChain::resume(&header, last, checksum),
            gathered: Vec::new(),
            gathered_from: None,
            pages: Vec::new(),
            newest: Vec::new(),
            unpublished: None,
        })
    }

    pub(super) fn page_size(&self) -> PageSize {
        self.header.page_size
    }

    /// The header of the database as it is now; `None` for an empty one.
    pub(super) fn old_header(&self) -> Result<Option<DatabaseHeader>> {
        let mut bytes = [0; DATABASE_HEADER_BYTES];
        match self.find_published(PageNumber::FIRST)? {
            Some(frame) => self.read_log(&mut bytes, self.image_offset(frame))?,
            None => return read_header_of(self.shared.file(), &self.path).map(Some),
        }
        let header = DatabaseHeader::parse(&bytes);
        header.map(Some).map_err(|damage| Error::new(&self.path, Problem::NotADatabase(damage)))
    }

    /// Appends pages that follow each other.
    pub(super) fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        let page_bytes = self.page_size().bytes_usize();
        for (place, image) in (0_u32..).zip(pages.chunks_exact(page_bytes)) {
            let Some(page) = first.checked_add(place) else { break };
            self.append(page, 0, image)?;
        }
        Ok(())
    }

    /// Brings what was appended to the device.
    pub(super) fn seal(&mut self) -> Result<()> {
        self.write_gathered()?;
        self.sync()?;
        let frames = (self.published.mx_frame + 1..).filter_map(FrameNumber::new);
        self.newest = self.pages.iter().copied().zip(frames).collect();
        self.newest.sort_unstable_by_key(|&(page, frame)| (page, std::cmp::Reverse(frame)));
        self.newest.dedup_by_key(|&mut (page, _)| page);
        Ok(())
    }

    /// Commits: the database has `page_count` pages then, of which `page_one` is the first.
    pub(super) fn commit(mut self, page_one: &[u8], page_count: u32) -> Result<()> {
        self.unpublished = self.chain.next_frame();
        self.append(PageNumber::FIRST, page_count, page_one)?;
        self.write_gathered()?;
        self.sync()?;
        self.enter_frames()?;
        self.publish(page_count)?;
        self.unpublished = None;
        Ok(())
    }

    /// Reads a page of the sealed copy; zeros for one that was not appended.
    pub(super) fn read(&self, page: PageNumber, image: &mut [u8]) -> Result<()> {
        let found = self.newest.binary_search_by_key(&page, |&(page, _)| page).ok();
        match found.and_then(|place| self.newest.get(place)) {
            Some(&(_, frame)) => self.read_log(image, self.image_offset(frame)),
            None => {
                image.fill(0);
                Ok(())
            }
        }
    }

    fn append(&mut self, page: PageNumber, commit_page_count: u32, image: &[u8]) -> Result<()> {
        let Some(number) = self.chain.append(&mut self.gathered, page, commit_page_count, image) else {
            return Err(contradiction(self.log.path(), "more frames than can be numbered"));
        };
        self.gathered_from.get_or_insert(number);
        self.pages.push(page);
        if self.gathered.len() >= WRITE_BYTES { self.write_gathered() } else { Ok(()) }
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

    /// Enters all frames that were appended into the hash blocks, where nobody looks for them yet.
    fn enter_frames(&self) -> Result<()> {
        let last = self.published.mx_frame;
        let mut pages = self.pages.iter().copied();
        let mut next = FrameNumber::FIRST.checked_add(last);
        while let Some(frame) = next.filter(|frame| frame.get() <= self.chain.accepted()) {
            let number = block_of(frame);
            let block = HashBlockEdit::new(number, self.read_block(number)?, last);
            let Some(mut block) = block else { return Err(contradiction(&self.index_path, "no such block")) };
            let behind = number.checked_add(1).and_then(first_frame_of);
            next = Some(frame);
            while let Some(frame) = next.filter(|&frame| behind.is_none_or(|behind| frame < behind)) {
                let Some(page) = pages.next() else { break };
                if !block.insert(frame, page) {
                    return Err(contradiction(&self.index_path, "a hash block has no room for its frames"));
                }
                next = frame.next();
            }
            let start = u64::from(number) * BLOCK_BYTES as u64;
            for (place, bytes) in [block.page_numbers(), block.slots()] {
                self.write_index(bytes, start + place as u64)?;
            }
            if pages.len() == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Makes the commit be seen.
    fn publish(&self, page_count: u32) -> Result<()> {
        let header = WalIndexHeader {
            change: self.published.change.wrapping_add(1),
            is_init: 1,
            checksum_order: self.header.byte_order,
            page_size_code: self.page_size().header_code(),
            mx_frame: self.chain.accepted(),
            page_count,
            frame_checksum: self.chain.checksum(),
            salts: self.header.salts,
            ..self.published
        };
        let bytes = header.to_bytes();
        // Two calls of the system: who sees the first copy new sees the second new too.
        self.write_index(&bytes, WAL_INDEX_HEADER_BYTES as u64)?;
        self.write_index(&bytes, 0)
    }

    /// The newest frame of a page in the version that is published.
    fn find_published(&self, page: PageNumber) -> Result<Option<FrameNumber>> {
        let Some(last) = FrameNumber::new(self.published.mx_frame) else { return Ok(None) };
        for number in (0..=block_of(last)).rev() {
            let bytes = self.read_block(number)?;
            let damaged = |damage| {
                let offset = u64::from(number) * BLOCK_BYTES as u64;
                Error::new(&self.index_path, Problem::Damaged { offset, damage })
            };
            let block = HashBlock::new(number, &bytes).map_err(damaged)?;
            if let Some(frame) = block.find(page, FrameNumber::FIRST, last).map_err(damaged)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// A block of the wal-index, its header (in which the lock bytes are) left zero.
    fn read_block(&self, number: u32) -> Result<Vec<u8>> {
        let mut bytes = vec![0; BLOCK_BYTES];
        let skipped = if number == 0 { crate::format::wal_index::WAL_INDEX_BYTES } else { 0 };
        let offset = u64::from(number) * BLOCK_BYTES as u64 + skipped as u64;
        read_padded(self.lock.wal_index(), bytes.get_mut(skipped..).unwrap_or_default(), offset)
            .map_err(Error::io("read", &self.index_path))?;
        Ok(bytes)
    }

    fn image_offset(&self, frame: FrameNumber) -> u64 {
        frame.offset_in_wal(self.page_size()) + FRAME_HEADER_BYTES as u64
    }

    fn read_log(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        read_padded(&self.log, buffer, offset).map(drop).map_err(Error::io("read", self.log.path()))
    }

    fn write_log(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.log.write_at(bytes, offset).map_err(Error::io("write", self.log.path()))
    }

    fn write_index(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.lock.wal_index().write_at(bytes, offset).map_err(Error::io("write", &self.index_path))
    }

    fn sync(&self) -> Result<()> {
        self.log.sync().map_err(Error::io("sync", self.log.path()))
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        // A commit that failed must not come true at the next recovery. If this fails as well, it may.
        if let Some(frame) = self.unpublished {
            let offset = frame.offset_in_wal(self.page_size());
            let _ = self.write_log(&[0; FRAME_HEADER_BYTES], offset).and_then(|()| self.sync());
        }
    }
}

fn read_log_header(log: &SideFile) -> Result<Option<WalHeader>> {
    let mut bytes = [0; WAL_HEADER_BYTES];
    read_padded(log, &mut bytes, 0).map_err(Error::io("read", log.path()))?;
    // What is wrong with it matters only where frames of it count.
    Ok(WalHeader::parse(&bytes).ok())
}

fn read_header_of(database: &LockFile, path: &Path) -> Result<DatabaseHeader> {
    let mut bytes = [0; DATABASE_HEADER_BYTES];
    read_padded(database, &mut bytes, 0).map_err(Error::io("read", path))?;
    DatabaseHeader::parse(&bytes).map_err(|damage| Error::new(path, Problem::NotADatabase(damage)))
}

/// The salts of a log that is begun: those that its last reset has set down in the wal-index, or random ones.
fn new_salts(in_index: Salts) -> Salts {
    if in_index == Salts([0; 8]) { Salts(random::number().to_be_bytes()) } else { in_index }
}

fn contradiction(path: &Path, what: &str) -> Error {
    Error::new(path, Problem::Contradiction(what.to_owned()))
}
